// SPDX-License-Identifier: Apache-2.0
#include "lib/test.h"

#include "core/random.h"
#include "exchange/backoff.h"

#define SECOND INT64_C(1000000)
#define LAST   UINT64_MAX

static struct backoff binance(void)
{
    return backoff_init(SECOND / 2, 60 * SECOND, 200, 300 * SECOND, 0);
}

static void the_jitter_doubles_up_to_its_limit_and_fills_all_of_it(void **state)
{
    static const int64_t limits_ms[] = { 500,   1000,  2000,  4000,  8000,
                                         16000, 32000, 60000, 60000, 60000 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(limits_ms); i++) {
        struct random random = { 1 };
        int64_t limit_us = limits_ms[i] * 1000, least = limit_us, most = 0;

        for (int n = 0; n < 1000; n++) {
            struct backoff backoff = binance();
            int64_t wait;

            for (size_t f = 0; f < i; f++)
                backoff_next(&backoff, 0, 0, false, 0);
            wait = backoff_next(&backoff, 0, random_next(&random), false, 0);
            least = wait < least ? wait : least;
            most = wait > most ? wait : most;
        }
        assert_in_range(most, limit_us * 99 / 100, limit_us);
        assert_in_range(least, 0, limit_us / 100);
    }
}

static void a_reset_begins_again_and_soon_waits_for_nothing(void **state)
{
    struct backoff backoff = binance();

    (void)state;
    for (int i = 0; i < 5; i++)
        backoff_next(&backoff, 0, 0, false, 0);
    assert_int_equal(backoff_next(&backoff, 7, LAST, true, 0), 7);
    assert_int_equal(backoff.failures, 5);
    backoff_reset(&backoff);
    assert_in_range(backoff_next(&backoff, 0, LAST, false, 0), 0, SECOND / 2);
}

static void what_the_server_asks_for_is_the_least(void **state)
{
    struct backoff backoff = binance();

    (void)state;
    assert_int_equal(backoff_next(&backoff, 5, 0, false, 7 * SECOND), 5 + 7 * SECOND);
}

static void no_window_holds_more_attempts_than_allowed(void **state)
{
    static int64_t at[2000];
    struct backoff backoff = binance();
    int64_t now = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        at[i] = now = backoff_next(&backoff, now, 0, i % 3 == 0, 0); /* jitter always 0 */
        if (i >= 200)
            assert_true(at[i] - at[i - 200] >= 300 * SECOND);
    }
    assert_true(now < 2000 * 2 * SECOND); /* it goes on */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_jitter_doubles_up_to_its_limit_and_fills_all_of_it),
        cmocka_unit_test(a_reset_begins_again_and_soon_waits_for_nothing),
        cmocka_unit_test(what_the_server_asks_for_is_the_least),
        cmocka_unit_test(no_window_holds_more_attempts_than_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
