// SPDX-License-Identifier: Apache-2.0
#include "exchange/ordinals.h"
#include "lib/test.h"

static void equals_are_counted_for_each_pair(void **state)
{
    struct ordinals ordinals;

    (void)state;
    ordinals_init(&ordinals, 2);
    assert_int_equal(ordinals_next(&ordinals, 0, 7), 0);
    assert_int_equal(ordinals_next(&ordinals, 0, 7), 1);
    assert_int_equal(ordinals_next(&ordinals, 1, 7), 0);
    assert_int_equal(ordinals_next(&ordinals, 0, 8), 0);
    assert_int_equal(ordinals_next(&ordinals, 0, 7), 2);
    ordinals_forget(&ordinals, 0);
    assert_int_equal(ordinals_next(&ordinals, 0, 7), 0);
    assert_int_equal(ordinals_next(&ordinals, 1, 7), 1);
    ordinals_deinit(&ordinals);
}

static void the_last_256_are_remembered(void **state)
{
    struct ordinals ordinals;

    (void)state;
    ordinals_init(&ordinals, 1);
    for (uint64_t key = 0; key < 10000; key++)
        assert_int_equal(ordinals_next(&ordinals, 0, key), 0);
    for (uint64_t key = 10000 - ORDINALS_REMEMBERED; key < 10000; key++)
        assert_int_equal(ordinals_next(&ordinals, 0, key), 1);
    assert_int_equal(ordinals_next(&ordinals, 0, 10000 - ORDINALS_REMEMBERED - 1), 0);
    assert_int_equal(ordinals_next(&ordinals, 0, 10000 - ORDINALS_REMEMBERED), 0); /* pushed out */
    ordinals_deinit(&ordinals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_are_counted_for_each_pair),
        cmocka_unit_test(the_last_256_are_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
