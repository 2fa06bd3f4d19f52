// SPDX-License-Identifier: Apache-2.0
#include "core/random.h"
#include "lib/test.h"

/* The reference's output for seed 1234567 (splitmix64.c, Vigna). */
static void next_is_splitmix64(void **state)
{
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    struct random random = { 1234567 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        assert_true(random_next(&random) == expected[i]);
}

static void below_stays_below(void **state)
{
    struct random random = { 3 };

    (void)state;
    for (uint64_t limit = 1; limit < 1000; limit++)
        assert_true(random_below(&random, limit) < limit);
}

/* RFC 9562, A.3: a version 4 example, given its random bits. */
static void uuid_text_is_rfc_9562s(void **state)
{
    static const uint8_t bytes[16] = { 0x91, 0x91, 0x08, 0xf7, 0x52, 0xd1, 0x43, 0x20,
                                       0x9b, 0xac, 0xf8, 0x47, 0xdb, 0x41, 0x48, 0xa8 };
    char text[UUID_TEXT_BYTES];

    (void)state;
    uuid_format(bytes, text);
    assert_string_equal(text, "919108f7-52d1-4320-9bac-f847db4148a8");
}

static void uuid_from_random_is_version_4(void **state)
{
    uint8_t uuid[16];
    char text[UUID_TEXT_BYTES];

    (void)state;
    uuid_from_random(UINT64_C(0x919108f752d1f320), UINT64_C(0x1bacf847db4148a8), uuid);
    uuid_format(uuid, text);
    assert_string_equal(text, "919108f7-52d1-4320-9bac-f847db4148a8");
    uuid_from_random(0, 0, uuid);
    uuid_format(uuid, text);
    assert_string_equal(text, "00000000-0000-4000-8000-000000000000");
    uuid_from_random(UINT64_MAX, UINT64_MAX, uuid);
    uuid_format(uuid, text);
    assert_string_equal(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_is_splitmix64),
        cmocka_unit_test(below_stays_below),
        cmocka_unit_test(uuid_text_is_rfc_9562s),
        cmocka_unit_test(uuid_from_random_is_version_4),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
