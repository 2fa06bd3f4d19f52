// SPDX-License-Identifier: Apache-2.0
/* Jobs are made up; cadences are so long that only what is tested makes a thread step.  Nobody
 * sleeps: a test waits for the runner's descriptor, a job for what another one has done. */
#include "lib/test.h"

#include "core/diag.h"
#include "stage/runner.h"

#include <ctype.h>
#include <poll.h>
#include <pthread.h>

#define HOUR_US INT64_C(3600000000)

/* What happened, in order: a letter for each batch, a capital for each look in vain. */
struct story {
    pthread_mutex_t lock;
    pthread_cond_t event;
    char text[256];
    size_t size;
};

static struct story story_new(void)
{
    return (struct story){ PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, "", 0 };
}

static void tell(struct story *story, char letter)
{
    pthread_mutex_lock(&story->lock);
    if (story->size + 1 < sizeof(story->text))
        story->text[story->size++] = letter;
    pthread_cond_broadcast(&story->event);
    pthread_mutex_unlock(&story->lock);
}

static void wait_for(struct story *story, char letter)
{
    pthread_mutex_lock(&story->lock);
    while (strchr(story->text, letter) == NULL)
        pthread_cond_wait(&story->event, &story->lock);
    pthread_mutex_unlock(&story->lock);
}

/* A job that has `left` batches. */
struct fake {
    struct story *story;
    char letter;
    int left;
    int drained_left; /* and, once it has looked in vain, so many more */
    struct err err;   /* kind other than NONE: what a step gives once */
    int steps, upkeeps;
    int stop_rc;
};

static int fake_step(void *context, struct err *err)
{
    struct fake *fake = context;

    fake->steps++;
    if (fake->err.kind != ERR_NONE) {
        *err = fake->err;
        if (err->kind == ERR_RETRY)
            fake->err.kind = ERR_NONE;
        return -1;
    }
    if (fake->left > 0) {
        fake->left--;
        tell(fake->story, fake->letter);
        return 0;
    }
    tell(fake->story, (char)toupper(fake->letter));
    fake->left = fake->drained_left;
    fake->drained_left = 0;
    return STAGE_IDLE;
}

static int fake_stop(void *context, int64_t timeout_us, struct err *err)
{
    struct fake *fake = context;

    assert_true(timeout_us > 0);
    tell(fake->story, 'X');
    return fake->stop_rc == 0 ? 0 : err_set(err, ERR_RETRY, "4 trades are not acknowledged");
}

/* A source waits by itself; this one never has to. */
static int source_step(void *context, struct err *err)
{
    struct fake *fake = context;

    (void)err;
    fake->steps++;
    if (fake->steps == 1)
        tell(fake->story, fake->letter);
    return 0;
}

static int fake_upkeep(void *context, struct err *err)
{
    struct fake *fake = context;

    fake->upkeeps++;
    return fake->stop_rc == 0 ? 0 : err_set(err, ERR_RETRY, "no manifests today");
}

static void fake_count(void *context, struct runner_counters *out)
{
    const struct fake *fake = context;

    out->stage.batches = fake->steps;
}

static struct runner_job stage_job(struct fake *fake, const char *name, int order)
{
    return (struct runner_job){ .name = name,
                                .context = fake,
                                .step = fake_step,
                                .count = fake_count,
                                .interval_us = HOUR_US,
                                .order = order };
}

static void wait_for_end(struct runner *runner)
{
    struct pollfd fd = { runner_fd(runner), POLLIN, 0 };

    while (!runner_ended(runner))
        poll(&fd, 1, -1);
}

static int setup(void **state)
{
    diag_level_min(DIAG_ERROR + 1);
    *state = clock_system_open();
    return 0;
}

static int teardown(void **state)
{
    clock_close(*state);
    return 0;
}

static void jobs_drain_in_their_order_until_idle(void **state)
{
    struct story story = story_new();
    struct fake ingest = { .story = &story, .letter = 'i' };
    struct fake bronze = { .story = &story, .letter = 'b', .left = 2 };
    struct fake silver = { .story = &story, .letter = 's', .left = 3 };
    struct fake gold = { .story = &story, .letter = 'g', .left = 1 };
    struct runner_job jobs[] = {
        stage_job(&gold, "gold", 3),
        stage_job(&silver, "silver", 2),
        stage_job(&bronze, "bronze", 1),
        { .name = "ingest", .context = &ingest, .step = source_step, .stop = fake_stop },
    };
    struct runner *runner = runner_new(*state, jobs, ARRAY_LEN(jobs), HOUR_US);
    struct runner_view view;
    struct err err = { 0 };

    assert_true(runner_time_left_us(runner) == INT64_MAX);
    assert_ok(runner_start(runner, &err));
    wait_for(&story, 'i');
    runner_drain(runner, HOUR_US);
    assert_true(runner_time_left_us(runner) <= HOUR_US);
    wait_for_end(runner);
    assert_ok(runner_result(runner, &err));
    /* Each job's last look, in vain, comes behind the last one of those before it. */
    assert_true(strrchr(story.text, 'X') < strrchr(story.text, 'B'));
    assert_true(strrchr(story.text, 'B') < strrchr(story.text, 'S'));
    assert_true(strrchr(story.text, 'S') < strrchr(story.text, 'G'));
    assert_true(bronze.left == 0 && silver.left == 0 && gold.left == 0);
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        runner_look(runner, i, &view);
        assert_true(view.has_ended && view.has_drained);
        assert_int_equal(view.state, PACE_WELL);
    }
    runner_free(runner);
}

/* A batch once the other job has looked in vain. */
static int step_behind_an_idle_look(void *context, struct err *err)
{
    struct fake *fake = context;

    (void)err;
    wait_for(fake->story, 'S');
    return fake->left-- > 0 ? 0 : STAGE_IDLE;
}

/* Silver's second look would come after an hour; if nothing woke it, this would never end. */
static void an_upstreams_commit_wakes_who_reads_it(void **state)
{
    struct story story = story_new();
    struct fake bronze = { .story = &story, .left = 1 };
    struct fake silver = { .story = &story, .letter = 's', .drained_left = 1 };
    struct runner_job jobs[] = { stage_job(&bronze, "bronze", 1), stage_job(&silver, "silver", 2) };
    struct runner *runner;
    struct err err = { 0 };

    jobs[0].step = step_behind_an_idle_look;
    jobs[0].wakes = 1U << 1;
    runner = runner_new(*state, jobs, ARRAY_LEN(jobs), HOUR_US);
    assert_ok(runner_start(runner, &err));
    wait_for(&story, 's');
    runner_drain(runner, HOUR_US);
    wait_for_end(runner);
    assert_ok(runner_result(runner, &err));
    runner_free(runner);
}

static void a_failure_drains_the_others_and_is_the_result(void **state)
{
    struct story story = story_new();
    struct fake bronze = { .story = &story, .letter = 'b' };
    struct fake silver = { .story = &story, .letter = 's', .drained_left = 2 };
    struct runner_job jobs[] = { stage_job(&bronze, "bronze", 1), stage_job(&silver, "silver", 2) };
    struct runner *runner;
    struct runner_view view;
    struct err err = { 0 };

    bronze.err = (struct err){ .kind = ERR_CORRUPT, .text = "run 7 is no run" };
    runner = runner_new(*state, jobs, ARRAY_LEN(jobs), HOUR_US);
    assert_ok(runner_start(runner, &err));
    wait_for_end(runner);
    assert_err(runner_result(runner, &err), ERR_CORRUPT);
    assert_string_equal(err.text, "bronze: run 7 is no run");
    runner_look(runner, 0, &view);
    assert_int_equal(view.state, PACE_FAILED);
    assert_false(view.has_drained);
    assert_string_equal(view.trouble, "run 7 is no run");
    runner_look(runner, 1, &view);
    assert_true(view.has_drained);
    assert_int_equal(bronze.steps, 1);
    runner_free(runner);
}

static void an_outage_while_draining_is_waited_out(void **state)
{
    struct story story = story_new();
    struct fake gold = { .story = &story, .letter = 'g', .left = 1 };
    struct runner_job job = stage_job(&gold, "gold", 3);
    struct runner *runner;
    struct err err = { 0 };

    gold.err = (struct err){ .kind = ERR_RETRY, .text = "catalog is locked" };
    runner = runner_new(*state, &job, 1, HOUR_US);
    runner_drain(runner, HOUR_US); /* before its first step */
    assert_ok(runner_start(runner, &err));
    wait_for_end(runner);
    assert_ok(runner_result(runner, &err));
    assert_string_equal(story.text, "gG");
    runner_free(runner);
}

static int step_in_vain(void *context, struct err *err)
{
    struct fake *fake = context;

    if (fake->steps++ == 0)
        tell(fake->story, fake->letter);
    return err_set(err, ERR_RETRY, "no broker answers");
}

static void count_a_frame(void *context, struct runner_counters *out)
{
    (void)context;
    out->ingest.frames = 1;
}

/* Bronze and Gold have waited since they began, and are stopped. */
static int stop_what_waits(void **state, bool has_read, int64_t timeout_us, struct err *out)
{
    struct story story = story_new();
    struct fake ingest = { .story = &story, .letter = 'i' };
    struct fake bronze = { .story = &story, .letter = 'b' };
    struct fake gold = { .story = &story, .letter = 'g' };
    struct runner_job jobs[] = {
        { .name = "ingest", .context = &ingest, .step = step_in_vain, .stop = fake_stop },
        stage_job(&bronze, "bronze", 1),
        stage_job(&gold, "gold", 3),
    };
    struct runner *runner;
    struct err err = { 0 };
    int rc;

    jobs[1].step = jobs[2].step = step_in_vain;
    if (has_read) {
        jobs[0].step = source_step;
        jobs[0].count = count_a_frame;
    }
    runner = runner_new(*state, jobs, ARRAY_LEN(jobs), HOUR_US);
    assert_ok(runner_start(runner, &err));
    wait_for(&story, 'i');
    wait_for(&story, 'b');
    wait_for(&story, 'g');
    runner_stop(runner, timeout_us);
    wait_for_end(runner);
    rc = runner_result(runner, out);
    runner_free(runner);
    return rc;
}

static void jobs_that_have_waited_since_they_began_are_stopped_at_once(void **state)
{
    struct err err = { 0 };

    assert_ok(stop_what_waits(state, false, HOUR_US, &err));
}

static void a_job_that_waits_behind_trades_that_were_read_is_waited_for(void **state)
{
    struct err err = { 0 };

    assert_err(stop_what_waits(state, true, INT64_C(300000), &err), ERR_RETRY);
    assert_string_equal(err.text, "not finished: bronze: no broker answers; gold: no broker "
                                  "answers");
}

static void a_failure_does_not_wait_for_jobs_that_have_not_begun(void **state)
{
    struct story story = story_new();
    struct fake bronze = { .story = &story, .letter = 'b' };
    struct fake silver = { .story = &story, .letter = 's' };
    struct runner_job jobs[] = { stage_job(&bronze, "bronze", 1), stage_job(&silver, "silver", 2) };
    struct runner *runner;
    struct err err = { 0 };

    bronze.err = (struct err){ .kind = ERR_CONFIG, .text = "brokers refuse us" };
    jobs[1].step = step_in_vain;
    runner = runner_new(*state, jobs, ARRAY_LEN(jobs), HOUR_US);
    assert_ok(runner_start(runner, &err));
    wait_for_end(runner);
    assert_err(runner_result(runner, &err), ERR_CONFIG);
    assert_string_equal(err.text, "bronze: brokers refuse us");
    runner_free(runner);
}

static void what_could_not_finish_is_named(void **state)
{
    struct story story = story_new();
    struct fake ingest = { .story = &story, .letter = 'i', .stop_rc = -1 };
    struct fake silver = { .story = &story, .letter = 's' };
    struct fake gold = { .story = &story, .letter = 'g', .left = 1 };
    struct runner_job jobs[] = {
        { .name = "ingest", .context = &ingest, .step = source_step, .stop = fake_stop },
        stage_job(&silver, "silver", 2),
        stage_job(&gold, "gold", 3),
    };
    struct runner *runner;
    struct err err = { 0 };

    silver.err = (struct err){ .kind = ERR_REFUSED, .text = "rows_lost" };
    runner = runner_new(*state, jobs, ARRAY_LEN(jobs), HOUR_US);
    assert_ok(runner_start(runner, &err));
    runner_drain(runner, HOUR_US);
    runner_drain(runner, 0); /* the first call counts */
    wait_for_end(runner);
    assert_err(runner_result(runner, &err), ERR_RETRY);
    assert_string_equal(err.text, "not finished: ingest: 4 trades are not acknowledged; silver: "
                                  "rows_lost");
    assert_int_equal(gold.left, 0); /* the others have done what they could */
    runner_free(runner);
}

static void a_draining_without_time_ends_at_once(void **state)
{
    struct story story = story_new();
    struct fake gold = { .story = &story, .letter = 'g', .left = 1000 };
    struct runner_job job = stage_job(&gold, "gold", 3);
    struct runner *runner = runner_new(*state, &job, 1, HOUR_US);
    struct err err = { 0 };

    runner_drain(runner, 0);
    assert_ok(runner_start(runner, &err));
    wait_for_end(runner);
    assert_err(runner_result(runner, &err), ERR_RETRY);
    assert_string_equal(err.text, "not finished: gold");
    assert_int_equal(runner_time_left_us(runner), 0);
    runner_free(runner);
}

static void upkeep_comes_with_every_32nd_batch_and_its_failure_is_not_the_jobs(void **state)
{
    struct story story = story_new();
    struct fake gold = {
        .story = &story, .letter = 'g', .left = 3 * RUNNER_UPKEEP_BATCHES + 5, .stop_rc = -1
    };
    struct fake lazy = { .story = &story, .letter = 'l' };
    struct runner_job jobs[] = { stage_job(&gold, "gold", 3), stage_job(&lazy, "maintain", 4) };
    struct runner *runner;
    struct runner_view view;
    struct err err = { 0 };

    jobs[0].upkeep = fake_upkeep;
    jobs[1].ends_at_once = true;
    runner = runner_new(*state, jobs, ARRAY_LEN(jobs), HOUR_US);
    runner_drain(runner, HOUR_US);
    assert_ok(runner_start(runner, &err));
    wait_for_end(runner);
    assert_ok(runner_result(runner, &err));
    assert_int_equal(gold.upkeeps, 3);
    runner_look(runner, 0, &view);
    assert_int_equal(view.counters.stage.batches, 3 * RUNNER_UPKEEP_BATCHES + 6);
    assert_int_equal(lazy.steps, 0); /* ended at once */
    runner_free(runner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_drain_in_their_order_until_idle),
        cmocka_unit_test(an_upstreams_commit_wakes_who_reads_it),
        cmocka_unit_test(a_failure_drains_the_others_and_is_the_result),
        cmocka_unit_test(an_outage_while_draining_is_waited_out),
        cmocka_unit_test(jobs_that_have_waited_since_they_began_are_stopped_at_once),
        cmocka_unit_test(a_job_that_waits_behind_trades_that_were_read_is_waited_for),
        cmocka_unit_test(a_failure_does_not_wait_for_jobs_that_have_not_begun),
        cmocka_unit_test(what_could_not_finish_is_named),
        cmocka_unit_test(a_draining_without_time_ends_at_once),
        cmocka_unit_test(upkeep_comes_with_every_32nd_batch_and_its_failure_is_not_the_jobs),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
