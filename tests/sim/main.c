// SPDX-License-Identifier: Apache-2.0
/*
 * main.c: the simulation from the command line.
 *
 *   simulate [--seeds N] [--from SEED] [--jobs J]   N seeds; a failing one is printed
 *   simulate --replay SEED [--only NAME]            one seed again, with its history; under a
 * mutation simulate --mutations [--seeds N] [--only NAME]  each clause switched off must be caught
 */
#include "sim/seeds.h"
#include "sim/sim.h"

#include "core/diag.h"

#include <string.h>

static int usage(void)
{
    fputs("usage: simulate [--seeds N] [--from SEED] [--jobs J] | --replay SEED [--only NAME] |"
          " --mutations [--only NAME]\n",
          stderr);
    return 2;
}

static int run(uint64_t first, uint64_t seeds, int jobs)
{
    struct seeds_result result;

    seeds_run(first, seeds, jobs, false, &result);
    if (result.failed > 0)
        printf("seed %lu:\n%sreplay it: simulate --replay %lu\n", (unsigned long)result.seed,
               result.text, (unsigned long)result.seed);
    printf("%lu seeds, %lu with violations\n", (unsigned long)result.run,
           (unsigned long)result.failed);
    return result.failed > 0 || result.run != seeds;
}

int main(int argc, char **argv)
{
    uint64_t seeds = 200, first = 1, replay = 0;
    const char *only = "";
    bool is_replay = false, is_mutations = false;
    int jobs = 2;

    diag_level_min(DIAG_ERROR);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--mutations") == 0) {
            is_mutations = true;
            continue;
        }
        if (i + 1 == argc)
            return usage();
        if (strcmp(argv[i], "--seeds") == 0)
            seeds = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--from") == 0)
            first = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--jobs") == 0)
            jobs = (int)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--only") == 0)
            only = argv[++i];
        else if (strcmp(argv[i], "--replay") == 0)
            replay = strtoull(argv[++i], NULL, 10), is_replay = true;
        else
            return usage();
    }
    if (is_replay && only[0] != 0 && !sim_mutate(only))
        return usage();
    if (is_replay)
        return seeds_replay(replay) > 0;
    if (is_mutations)
        return sim_mutations(first, seeds, only) > 0;
    return run(first, seeds, jobs);
}
