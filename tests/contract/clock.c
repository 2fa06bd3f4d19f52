// SPDX-License-Identifier: Apache-2.0
/* Contract of port/clock.h. */
#include "port/clock.h"
#include "lib/test.h"

struct adapter {
    const char *name;
    struct clock *(*open)(void);
};

static struct clock *open_mem(void)
{
    return clock_mem_open(1700000000000000, 1);
}

static int setup(void **state)
{
    const struct adapter *adapter = *state;

    *state = adapter->open();
    return 0;
}

static int teardown(void **state)
{
    clock_close(*state);
    return 0;
}

static void waiting_moves_the_time(void **state)
{
    int64_t before = clock_now_us(*state);

    clock_wait_us(*state, 1500);
    assert_true(clock_now_us(*state) >= before + 1500);
    clock_wait_us(*state, 0);
    clock_wait_us(*state, -5);
}

static void the_time_is_after_2023_and_in_microseconds(void **state)
{
    int64_t now = clock_now_us(*state);

    assert_true(now > 1690000000000000 && now < 5000000000000000);
}

static void random_numbers_differ(void **state)
{
    uint64_t a = clock_random(*state);
    uint64_t b = clock_random(*state);
    uint64_t c = clock_random(*state);

    assert_true(a != b && b != c && a != c);
}

static void mem_time_moves_only_when_told(void **state)
{
    struct clock *clock = clock_mem_open(5, 1);

    (void)state;
    assert_int_equal(clock_now_us(clock), 5);
    assert_int_equal(clock_now_us(clock), 5);
    clock_mem_advance(clock, 10);
    clock_wait_us(clock, 100);
    assert_int_equal(clock_now_us(clock), 115);
    clock_mem_advance(clock, -15);
    assert_int_equal(clock_now_us(clock), 100);
    clock_close(clock);
    clock_close(NULL);
}

static void mem_random_is_a_function_of_the_seed(void **state)
{
    struct clock *a = clock_mem_open(0, 7);
    struct clock *b = clock_mem_open(9, 7);
    struct clock *other = clock_mem_open(0, 8);

    (void)state;
    for (int i = 0; i < 10; i++) {
        uint64_t value = clock_random(a);

        assert_true(clock_random(b) == value);
        assert_true(clock_random(other) != value);
    }
    clock_close(a);
    clock_close(b);
    clock_close(other);
}

int main(void)
{
    static const struct adapter adapters[] = { { "mem", open_mem },
                                               { "system", clock_system_open } };
    const struct CMUnitTest own[] = {
        cmocka_unit_test(mem_time_moves_only_when_told),
        cmocka_unit_test(mem_random_is_a_function_of_the_seed),
    };
    int failed = 0;

    for (size_t i = 0; i < ARRAY_LEN(adapters); i++) {
        struct adapter adapter = adapters[i];
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate_setup_teardown(waiting_moves_the_time, setup, teardown,
                                                     &adapter),
            cmocka_unit_test_prestate_setup_teardown(the_time_is_after_2023_and_in_microseconds,
                                                     setup, teardown, &adapter),
            cmocka_unit_test_prestate_setup_teardown(random_numbers_differ, setup, teardown,
                                                     &adapter),
        };

        failed += cmocka_run_group_tests_name(adapter.name, tests, NULL, NULL);
    }
    return failed + cmocka_run_group_tests_name("mem alone", own, NULL, NULL);
}
