// SPDX-License-Identifier: Apache-2.0
#include "lib/test.h"

#include "stage/pace.h"
#include "stage/stage.h"

#define S INT64_C(1000000)

static const struct err retry = { .kind = ERR_RETRY, .text = "no disk" };
static const struct err full = { .kind = ERR_FULL, .text = "no disk" };
static const struct err refused = { .kind = ERR_REFUSED, .text = "rows_lost" };

static struct pace pace_at(int64_t now_us)
{
    struct pace pace;

    pace_init(&pace, 10 * S, now_us);
    return pace;
}

/* A step that takes no time. */
static enum pace_news step(struct pace *pace, int rc, const struct err *err, int64_t now_us)
{
    return pace_stepped(pace, rc, err, "", now_us, now_us);
}

static void the_first_step_is_due_at_once(void **state)
{
    struct pace pace = pace_at(100 * S);

    (void)state;
    assert_int_equal(pace_wait_us(&pace, 100 * S), 0);
}

static void errors_that_nobody_can_wait_out_end_the_job(void **state)
{
    static const enum err_kind kinds[] = { ERR_CORRUPT, ERR_CONFIG, ERR_FATAL, ERR_REJECT };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct pace pace = pace_at(0);
        const struct err err = { .kind = kinds[i] };

        assert_int_equal(step(&pace, -1, &err, 0), PACE_HAS_FAILED);
        assert_int_equal(pace.state, PACE_FAILED);
        assert_true(pace_wait_us(&pace, 1000 * S) == INT64_MAX);
        pace_woken(&pace, 1000 * S);
        assert_true(pace_wait_us(&pace, 1000 * S) == INT64_MAX);
    }
}

static void outages_are_waited_out_with_a_backoff_and_said_once(void **state)
{
    static const int64_t expected_ms[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };
    struct pace pace = pace_at(0);
    int64_t now = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(expected_ms); i++) {
        assert_int_equal(step(&pace, -1, i % 2 == 0 ? &retry : &full, now),
                         i == 0 ? PACE_BEGINS_TO_WAIT : PACE_NO_NEWS);
        assert_int_equal(pace_wait_us(&pace, now), expected_ms[i] * 1000);
        pace_woken(&pace, now); /* an upstream's commit mends nothing */
        now += pace_wait_us(&pace, now);
    }
    assert_int_equal(step(&pace, STAGE_IDLE, NULL, now), PACE_RECOVERED);
    assert_int_equal(pace.state, PACE_WELL);
    assert_int_equal(step(&pace, -1, &retry, now), PACE_BEGINS_TO_WAIT);
    assert_int_equal(pace_wait_us(&pace, now), 100000);
}

static void an_outage_that_lasts_is_said_again_and_again_but_ever_more_seldom(void **state)
{
    static const int64_t expected_s[] = { 0, 30, 90, 210, 450, 930, 1530, 2130 };
    struct pace pace = pace_at(0);
    size_t said = 0;

    (void)state;
    for (int64_t now_s = 0; now_s <= 2200; now_s += 10) {
        enum pace_news news = step(&pace, -1, &retry, now_s * S);

        if (said < ARRAY_LEN(expected_s) && now_s == expected_s[said])
            assert_int_equal(news, said++ == 0 ? PACE_BEGINS_TO_WAIT : PACE_STILL_WAITS);
        else
            assert_int_equal(news, PACE_NO_NEWS);
    }
    assert_int_equal(said, ARRAY_LEN(expected_s));
    assert_int_equal(step(&pace, -1, &retry, 0), PACE_STILL_WAITS); /* the clock ran back */
    assert_int_equal(step(&pace, 0, NULL, S), PACE_RECOVERED);
    assert_int_equal(step(&pace, -1, &retry, 2 * S), PACE_BEGINS_TO_WAIT);
    assert_int_equal(step(&pace, -1, &retry, 31 * S), PACE_NO_NEWS);
    assert_int_equal(step(&pace, -1, &retry, 32 * S), PACE_STILL_WAITS);
}

static void another_reason_to_wait_is_said_after_five_seconds(void **state)
{
    const struct err other = { .kind = ERR_RETRY, .text = "another server" };
    struct pace pace = pace_at(0);

    (void)state;
    assert_int_equal(step(&pace, -1, &retry, 0), PACE_BEGINS_TO_WAIT);
    assert_int_equal(step(&pace, -1, &other, 4 * S), PACE_NO_NEWS);
    assert_int_equal(step(&pace, -1, &other, 5 * S), PACE_STILL_WAITS);
    assert_int_equal(step(&pace, -1, &other, 34 * S), PACE_NO_NEWS);
    assert_int_equal(step(&pace, -1, &other, 35 * S), PACE_STILL_WAITS);
    assert_int_equal(pace.waits_us, 0);
}

static void a_refusal_is_said_once_and_looked_at_after_three_cadences(void **state)
{
    const struct err other = { .kind = ERR_REFUSED, .text = "foreign_rows" };
    struct pace pace = pace_at(0);

    (void)state;
    assert_int_equal(step(&pace, -1, &refused, 0), PACE_IS_REFUSED);
    assert_int_equal(pace_wait_us(&pace, 0), 30 * S);
    assert_int_equal(step(&pace, -1, &refused, 30 * S), PACE_NO_NEWS);
    assert_int_equal(step(&pace, -1, &other, 60 * S), PACE_IS_REFUSED);
    assert_int_equal(step(&pace, 0, NULL, 90 * S), PACE_RECOVERED);
    assert_int_equal(step(&pace, -1, &refused, 91 * S), PACE_IS_REFUSED);
}

static void batches_follow_at_once_until_there_is_nothing(void **state)
{
    struct pace pace = pace_at(0);

    (void)state;
    assert_int_equal(pace_stepped(&pace, 0, NULL, "", 0, 2 * S), PACE_NO_NEWS);
    assert_int_equal(pace_wait_us(&pace, 2 * S), 0);
    assert_int_equal(pace_stepped(&pace, 0, NULL, "", 2 * S, 4 * S), PACE_NO_NEWS);
    assert_int_equal(pace_wait_us(&pace, 4 * S), 0);
    assert_int_equal(pace_stepped(&pace, STAGE_IDLE, NULL, "", 4 * S, 5 * S), PACE_NO_NEWS);
    assert_int_equal(pace_wait_us(&pace, 5 * S), 5 * S); /* a cadence after the look began */
    assert_int_equal(pace_stepped(&pace, STAGE_IDLE, NULL, "", 10 * S, 10 * S), PACE_NO_NEWS);
    assert_int_equal(pace_wait_us(&pace, 10 * S), 10 * S);
}

static void a_look_longer_than_the_cadence_is_followed_by_the_next(void **state)
{
    struct pace pace = pace_at(0);

    (void)state;
    assert_int_equal(pace_stepped(&pace, STAGE_IDLE, NULL, "", 0, 25 * S), PACE_NO_NEWS);
    assert_int_equal(pace_wait_us(&pace, 25 * S), 0);
}

static void a_batch_that_took_all_waits_for_the_cadence(void **state)
{
    struct pace pace = pace_at(0);

    (void)state;
    assert_int_equal(pace_stepped(&pace, PACE_ALL_TAKEN, NULL, "", 0, S), PACE_NO_NEWS);
    assert_int_equal(pace_wait_us(&pace, S), 9 * S);
    assert_int_equal(pace_stepped(&pace, 0, NULL, "", 10 * S, 11 * S), PACE_NO_NEWS);
    assert_int_equal(pace_stepped(&pace, PACE_ALL_TAKEN, NULL, "", 11 * S, 12 * S), PACE_NO_NEWS);
    assert_int_equal(pace_wait_us(&pace, 12 * S), 8 * S);
}

static void an_upstreams_commit_wakes_if_the_cadence_has_passed(void **state)
{
    struct pace pace = pace_at(0);

    (void)state;
    /* Batch at 0, idle looks since. */
    assert_int_equal(step(&pace, 0, NULL, 0), PACE_NO_NEWS);
    assert_int_equal(step(&pace, STAGE_IDLE, NULL, S), PACE_NO_NEWS);
    pace_woken(&pace, 3 * S);
    assert_int_equal(pace_wait_us(&pace, 3 * S), 7 * S); /* not yet */
    assert_int_equal(step(&pace, STAGE_IDLE, NULL, 10 * S), PACE_NO_NEWS);
    assert_int_equal(pace_wait_us(&pace, 12 * S), 8 * S);
    pace_woken(&pace, 12 * S);
    assert_int_equal(pace_wait_us(&pace, 12 * S), 0);
}

static void a_job_without_a_batch_yet_is_woken_at_once(void **state)
{
    struct pace pace = pace_at(0);

    (void)state;
    assert_int_equal(step(&pace, STAGE_IDLE, NULL, 0), PACE_NO_NEWS);
    pace_woken(&pace, S);
    assert_int_equal(pace_wait_us(&pace, S), 0);
}

static void a_clock_that_runs_back_holds_nobody_up(void **state)
{
    struct pace pace = pace_at(1000 * S);

    (void)state;
    assert_int_equal(step(&pace, 0, NULL, 1000 * S), PACE_NO_NEWS);
    assert_int_equal(step(&pace, STAGE_IDLE, NULL, 1000 * S), PACE_NO_NEWS);
    assert_int_equal(pace_wait_us(&pace, 500 * S), 0);
    assert_int_equal(step(&pace, STAGE_IDLE, NULL, 500 * S), PACE_NO_NEWS);
    pace_woken(&pace, 501 * S);
    assert_int_equal(pace_wait_us(&pace, 501 * S), 0);
}

static enum pace_news lose(struct pace *pace, const char *rival, int64_t now_us)
{
    return pace_stepped(pace, STAGE_LOST, NULL, rival, now_us, now_us);
}

static void three_losses_in_a_row_to_the_same_worker_make_a_standby(void **state)
{
    struct pace pace = pace_at(0);

    (void)state;
    assert_int_equal(lose(&pace, "b", 0), PACE_NO_NEWS);
    assert_int_equal(pace_wait_us(&pace, 0), 0);
    assert_int_equal(lose(&pace, "b", 0), PACE_NO_NEWS);
    assert_int_equal(lose(&pace, "b", S), PACE_STANDS_BY);
    assert_int_equal(pace_wait_us(&pace, S), 30 * S);
    pace_woken(&pace, 20 * S);
    assert_int_equal(pace_wait_us(&pace, 20 * S), 11 * S);
    assert_int_equal(lose(&pace, "b", 31 * S), PACE_NO_NEWS);
    assert_int_equal(pace_wait_us(&pace, 31 * S), 30 * S);
    assert_int_equal(step(&pace, STAGE_IDLE, NULL, 61 * S), PACE_NO_NEWS); /* still b's */
    assert_int_equal(pace.state, PACE_STANDBY);
    assert_int_equal(pace_wait_us(&pace, 61 * S), 30 * S);
    assert_int_equal(step(&pace, 0, NULL, 91 * S), PACE_TAKES_OVER);
    assert_int_equal(pace.state, PACE_WELL);
    assert_int_equal(pace_wait_us(&pace, 91 * S), 0);
}

static void losses_to_others_or_with_a_batch_between_make_none(void **state)
{
    struct pace pace = pace_at(0);

    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(lose(&pace, i % 2 == 0 ? "b" : "c", 0), PACE_NO_NEWS);
    for (int i = 0; i < 20; i++)
        assert_int_equal(i % 3 == 2 ? step(&pace, 0, NULL, 0) : lose(&pace, "b", 0), PACE_NO_NEWS);
    assert_int_equal(pace.state, PACE_WELL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_step_is_due_at_once),
        cmocka_unit_test(errors_that_nobody_can_wait_out_end_the_job),
        cmocka_unit_test(outages_are_waited_out_with_a_backoff_and_said_once),
        cmocka_unit_test(an_outage_that_lasts_is_said_again_and_again_but_ever_more_seldom),
        cmocka_unit_test(another_reason_to_wait_is_said_after_five_seconds),
        cmocka_unit_test(a_refusal_is_said_once_and_looked_at_after_three_cadences),
        cmocka_unit_test(batches_follow_at_once_until_there_is_nothing),
        cmocka_unit_test(a_look_longer_than_the_cadence_is_followed_by_the_next),
        cmocka_unit_test(a_batch_that_took_all_waits_for_the_cadence),
        cmocka_unit_test(an_upstreams_commit_wakes_if_the_cadence_has_passed),
        cmocka_unit_test(a_job_without_a_batch_yet_is_woken_at_once),
        cmocka_unit_test(a_clock_that_runs_back_holds_nobody_up),
        cmocka_unit_test(three_losses_in_a_row_to_the_same_worker_make_a_standby),
        cmocka_unit_test(losses_to_others_or_with_a_batch_between_make_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
