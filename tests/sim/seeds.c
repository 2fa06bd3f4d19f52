// SPDX-License-Identifier: Apache-2.0
/* seeds.c: children take blocks of seeds and leave what they found in shared memory. */
#include "sim/seeds.h"

#include "sim/sim.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCK = 25, JOBS_MAX = 16 };

struct board {
    uint64_t now; /* the seed at work */
    uint64_t run, failed;
    uint64_t seed;
    char text[2048];
};

static size_t run_seed(uint64_t seed, bool is_traced, struct buf *text)
{
    struct sim sim;
    size_t violations;

    sim_init(&sim, seed);
    sim.is_traced = is_traced;
    violations = sim_check(&sim, sim_run(&sim), text);
    if (violations == 0)
        violations = sim_audit(&sim, text);
    sim_deinit(&sim);
    return violations;
}

size_t seeds_replay(uint64_t seed)
{
    struct buf text = BUF_INIT;
    size_t violations = run_seed(seed, true, &text);

    printf("violations: %zu\n%s", violations, buf_text(&text));
    buf_deinit(&text);
    return violations;
}

static void run_block(struct board *board, uint64_t from, uint64_t to, bool stop_at_first)
{
    struct buf text = BUF_INIT;

    for (uint64_t seed = from; seed < to; seed++) {
        board->now = seed;
        buf_clear(&text);
        if (run_seed(seed, false, &text) > 0 && board->failed++ == 0) {
            board->seed = seed;
            snprintf(board->text, sizeof(board->text), "%s", buf_text(&text));
        }
        board->run++;
        if (board->failed > 0 && stop_at_first)
            break;
    }
    buf_deinit(&text);
}

static void settle(struct board *board, int status, struct seeds_result *result)
{
    if (status != 0) {
        board->failed++;
        board->seed = board->now;
        snprintf(board->text, sizeof(board->text), "  the process ended with status %d\n", status);
    }
    if (board->failed > 0 && (result->failed == 0 || board->seed < result->seed)) {
        result->seed = board->seed;
        memcpy(result->text, board->text, sizeof(result->text));
    }
    result->failed += board->failed;
    result->run += board->run;
    memset(board, 0, sizeof(*board));
}

void seeds_run(uint64_t first, uint64_t count, int jobs, bool stop_at_first,
               struct seeds_result *result)
{
    struct board *boards = mmap(NULL, JOBS_MAX * sizeof(*boards), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[JOBS_MAX] = { 0 };
    uint64_t next = first;
    int busy = 0;

    ASSERT(boards != MAP_FAILED && jobs >= 1 && jobs <= JOBS_MAX);
    *result = (struct seeds_result){ 0 };
    fflush(stdout);
    while (busy > 0 || (next < first + count && !(stop_at_first && result->failed > 0))) {
        for (int j = 0; j < jobs && next < first + count && !(stop_at_first && result->failed > 0);
             j++) {
            uint64_t to = next + BLOCK < first + count ? next + BLOCK : first + count;

            if (pids[j] != 0)
                continue;
            pids[j] = fork();
            ASSERT(pids[j] >= 0);
            if (pids[j] == 0) {
                if (stop_at_first && freopen("/dev/null", "w", stderr) == NULL)
                    _exit(1);
                run_block(&boards[j], next, to, stop_at_first);
                _exit(0);
            }
            next = to;
            busy++;
        }
        for (int status, left = 1; left > 0 && busy > 0; left--) {
            pid_t pid = wait(&status);

            for (int j = 0; j < jobs; j++) {
                if (pids[j] == pid) {
                    settle(&boards[j], status, result);
                    pids[j] = 0;
                    busy--;
                }
            }
        }
    }
    munmap(boards, JOBS_MAX * sizeof(*boards));
}
