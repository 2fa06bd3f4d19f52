// SPDX-License-Identifier: Apache-2.0
#include "core/decimal.h"
#include "core/random.h"
#include "lib/test.h"

#define NINES    "99999999999999999999999999999999999999" /* 38 */
#define ZEROS    "00000000000000000000000000000000000000" /* 38 */
#define POWER(n) decimal_power(n)

static int128 number(const char *digits)
{
    int128 value = 0;

    for (const char *at = digits + (*digits == '-'); *at != 0; at++)
        value = value * 10 + (*at - '0');
    return *digits == '-' ? -value : value;
}

static void parse_refuses_what_is_no_number(void **state)
{
    static const char *const texts[] = {
        "",
        "-",
        ".",
        ".5",
        "5.",
        "-.5",
        "+1",
        "--1",
        " 1",
        "1 ",
        "1e",
        "1e+",
        "1e-",
        "1.e5",
        "e5",
        "1e5.",
        "1e5e5",
        "1,5",
        "0x10",
        "1.2.3",
        "nan",
        "inf",
        "-inf",
        "1_0",
        "1f",
        "\"1\"",
        "1/2",
        "1:",
        "1-",
        "-e1",
        ZEROS ZEROS "x",
        "123456789012345678901234567890.",
        "12345678901234567890123456789e1x",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        int128 out = 77;

        if (decimal_parse(span_text(texts[i]), 8, &out) != DECIMAL_SYNTAX)
            fail_msg("taken: '%s'", texts[i]);
        assert_true(out == 77);
    }
    assert_int_equal(decimal_parse(span_of(NULL, 0), 8, &(int128){ 0 }), DECIMAL_SYNTAX);
    assert_int_equal(decimal_parse(span_of("1\0", 2), 8, &(int128){ 0 }), DECIMAL_SYNTAX);
}

static void parse_never_rounds_and_never_wraps(void **state)
{
    static const struct {
        const char *text;
        int scale;
        int rc;
    } rows[] = {
        { "0.000000001", 8, DECIMAL_INEXACT },
        { "61837.630000001", 8, DECIMAL_INEXACT },
        { "1e-9", 8, DECIMAL_INEXACT },
        { "15e-1", 0, DECIMAL_INEXACT },
        { "1e-999999999999999999999999", 38, DECIMAL_INEXACT },
        { "0." ZEROS "1", 38, DECIMAL_INEXACT },
        { NINES ".1", 0, DECIMAL_INEXACT },
        { "1" ZEROS, 0, DECIMAL_OVERFLOW },
        { NINES, 1, DECIMAL_OVERFLOW },
        { "1", 38, DECIMAL_OVERFLOW },
        { "-1", 38, DECIMAL_OVERFLOW },
        { "100000000000000000000", 18, DECIMAL_OVERFLOW },
        { "1e20", 18, DECIMAL_OVERFLOW },
        { "1e999999999999999999999999", 0, DECIMAL_OVERFLOW },
        { "1" ZEROS ".5", 0, DECIMAL_OVERFLOW },
        { NINES NINES, 0, DECIMAL_OVERFLOW },
        { "9999999999999999999", 20, DECIMAL_OVERFLOW },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int128 out = 77;

        if (decimal_parse(span_text(rows[i].text), rows[i].scale, &out) != rows[i].rc)
            fail_msg("%s at %d", rows[i].text, rows[i].scale);
        assert_true(out == 77);
    }
}

static void parse_takes_exact_text_of_any_length(void **state)
{
    static const struct {
        const char *text;
        int scale;
        const char *digits;
    } rows[] = {
        { "0", 0, "0" },
        { "-0", 8, "0" },
        { "-0.000", 2, "0" },
        { "0e999999999999999999999", 18, "0" },
        { "0e-999999999999999999999", 18, "0" },
        { "1", 0, "1" },
        { "007", 1, "70" },
        { "61837.63000000", 8, "6183763000000" },
        { "61837.63000000", 18, "61837630000000000000000" },
        { "-1.5", 8, "-150000000" },
        { "1e-08", 8, "1" },
        { "1E-8", 8, "1" },
        { "1e+3", 0, "1000" },
        { "1.25e2", 0, "125" },
        { "12500e-2", 0, "125" },
        { "1.10000000000000000000000000000000000000000", 1, "11" },
        { "0." ZEROS "1e39", 0, "1" },
        { "1" ZEROS "e-38", 0, "1" },
        { ZEROS ZEROS "1", 0, "1" },
        { NINES, 0, NINES },
        { "-" NINES, 0, "-" NINES },
        { "0." NINES, 38, NINES },
        { "99999999999999999999.999999999999999999", 18, NINES },
        { "9999999999999999999", 19, "99999999999999999990000000000000000000" },
        { "9999999999999999999", 0, "9999999999999999999" },
        { "99999999999999999999", 0, "99999999999999999999" },
        { "1e37", 0,
          "1"
          "0000000000000000000000000000000000000" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int128 out = 77;

        if (decimal_parse(span_text(rows[i].text), rows[i].scale, &out) != 0 ||
            out != number(rows[i].digits))
            fail_msg("%s at %d", rows[i].text, rows[i].scale);
    }
}

static void parse_of_forty_digits_is_judged_by_its_value(void **state)
{
    int128 out = 77;

    (void)state;
    assert_int_equal(decimal_parse(SPAN("1234567890123456789012345678901234567800"), 0, &out),
                     DECIMAL_OVERFLOW);
    assert_int_equal(decimal_parse(SPAN("1234567890123456789012345678901234567800e-2"), 0, &out),
                     0);
    assert_true(out == number("12345678901234567890123456789012345678"));
    assert_int_equal(decimal_parse(SPAN("1234567890123456789012345678901234567801e-2"), 0, &out),
                     DECIMAL_INEXACT);
}

static void rescale_refuses_to_round_or_overflow(void **state)
{
    int128 out = 77;

    (void)state;
    assert_int_equal(decimal_rescale(1, 18, 8, &out), DECIMAL_INEXACT);
    assert_int_equal(decimal_rescale(-1, 18, 8, &out), DECIMAL_INEXACT);
    assert_int_equal(decimal_rescale(POWER(10) + 1024, 18, 8, &out), DECIMAL_INEXACT);
    assert_int_equal(decimal_rescale(POWER(10) + 9765625, 18, 8, &out), DECIMAL_INEXACT);
    assert_int_equal(decimal_rescale(5, 1, 0, &out), DECIMAL_INEXACT);
    assert_int_equal(decimal_rescale(2, 1, 0, &out), DECIMAL_INEXACT);
    assert_int_equal(decimal_rescale(1, 100, 0, &out), DECIMAL_INEXACT);
    assert_int_equal(decimal_rescale(POWER(38) - 1, 38, 0, &out), DECIMAL_INEXACT);
    assert_int_equal(decimal_rescale(POWER(38) - 1, 0, 1, &out), DECIMAL_OVERFLOW);
    assert_int_equal(decimal_rescale(-POWER(37), 0, 1, &out), DECIMAL_OVERFLOW);
    assert_int_equal(decimal_rescale(1, 0, 38, &out), DECIMAL_OVERFLOW);
    assert_int_equal(decimal_rescale(1, 0, 100, &out), DECIMAL_OVERFLOW);
    assert_int_equal(decimal_rescale(POWER(38), 0, 0, &out), DECIMAL_OVERFLOW);
    assert_true(out == 77);
}

static void rescale_agrees_with_division_for_every_step(void **state)
{
    struct random random = { 1 };

    (void)state;
    for (int round = 0; round < 200; round++) {
        for (int down = 0; down <= 38; down++) {
            int128 wide = (int128)((uint128)random_next(&random) << 64 | random_next(&random));
            int128 value = wide >> random_below(&random, 128);
            int128 out = 0, back = 0;
            bool exact = value % POWER(down) == 0;
            bool fits = decimal_fits(value / POWER(down), 38);
            int rc = decimal_rescale(value, down, 0, &out);

            assert_int_equal(rc, !exact ? DECIMAL_INEXACT : !fits ? DECIMAL_OVERFLOW : 0);
            if (!decimal_fits(value, 38))
                continue;
            if (decimal_rescale(value, 0, down, &back) == 0) {
                assert_true(back == value * POWER(down));
                assert_int_equal(decimal_rescale(back, down, 0, &out), 0);
                assert_true(out == value);
            } else {
                assert_false(decimal_fits(value, 38 - down));
            }
        }
    }
}

static void fits_knows_the_edges(void **state)
{
    (void)state;
    for (int p = 1; p <= 38; p++) {
        assert_true(decimal_fits(POWER(p) - 1, p) && decimal_fits(1 - POWER(p), p));
        assert_false(decimal_fits(POWER(p), p) || decimal_fits(-POWER(p), p));
    }
    assert_true(decimal_fits(0, 1));
}

static void powers_are_ten_times_the_last(void **state)
{
    (void)state;
    assert_true(POWER(0) == 1);
    for (int i = 1; i <= 38; i++)
        assert_true(POWER(i) == POWER(i - 1) * 10);
}

static void format_writes_all_decimals(void **state)
{
    static const struct {
        const char *digits;
        int scale;
        const char *text;
    } rows[] = {
        { "0", 0, "0" },
        { "0", 8, "0.00000000" },
        { "-150000000", 8, "-1.50000000" },
        { "1", 8, "0.00000001" },
        { "-1", 38, "-0.00000000000000000000000000000000000001" },
        { "6183763000000", 8, "61837.63000000" },
        { NINES, 0, NINES },
        { "-" NINES, 38, "-0." NINES },
        { "-" NINES, 18, "-99999999999999999999.999999999999999999" },
    };
    char text[DECIMAL_TEXT_BYTES_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t size = decimal_format(number(rows[i].digits), rows[i].scale, text);

        assert_string_equal(text, rows[i].text);
        assert_int_equal(size, strlen(text));
    }
    /* The most negative int128 is no decimal, but what comes here must not be undefined. */
    decimal_format((int128)((uint128)1 << 127), 0, text);
    assert_string_equal(text, "-170141183460469231731687303715884105728");
}

static void text_survives_a_round_trip(void **state)
{
    struct random random = { 7 };
    char text[DECIMAL_TEXT_BYTES_MAX];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        int128 wide = (int128)((uint128)random_next(&random) << 64 | random_next(&random));
        int128 value = wide % POWER((int)random_below(&random, 39));
        int scale = (int)random_below(&random, 39);
        int128 out = 0;
        size_t size = decimal_format(value, scale, text);

        assert_int_equal(decimal_parse(span_of(text, size), scale, &out), 0);
        assert_true(out == value);
    }
}

static void bytes_are_the_shortest_twos_complement(void **state)
{
    static const struct {
        int64_t value;
        size_t size;
        uint8_t bytes[9];
    } rows[] = {
        { 0, 1, { 0 } },
        { 1, 1, { 1 } },
        { -1, 1, { 0xff } },
        { 127, 1, { 0x7f } },
        { 128, 2, { 0, 0x80 } },
        { -128, 1, { 0x80 } },
        { -129, 2, { 0xff, 0x7f } },
        { -150000000, 4, { 0xf7, 0x0f, 0x2e, 0x80 } }, /* -1.5 at scale 8 */
        { 1420, 2, { 0x05, 0x8c } },
        { INT64_MAX, 8, { 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
        { INT64_MIN, 8, { 0x80, 0, 0, 0, 0, 0, 0, 0 } },
    };
    uint8_t out[16];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(decimal_bytes(rows[i].value, out), rows[i].size);
        assert_memory_equal(out, rows[i].bytes, rows[i].size);
    }
    assert_int_equal(decimal_bytes((int128)1 << 63, out), 9);
    assert_int_equal(out[0], 0);
    assert_int_equal(decimal_bytes((int128)1 << 64, out), 9);
    assert_int_equal(out[0], 1);
    assert_int_equal(decimal_bytes(-((int128)1 << 119), out), 15);
    assert_int_equal(decimal_bytes(-((int128)1 << 119) - 1, out), 16);
    assert_int_equal(decimal_bytes((int128)((uint128)1 << 127), out), 16);
    assert_int_equal(out[0], 0x80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_refuses_what_is_no_number),
        cmocka_unit_test(parse_never_rounds_and_never_wraps),
        cmocka_unit_test(parse_takes_exact_text_of_any_length),
        cmocka_unit_test(parse_of_forty_digits_is_judged_by_its_value),
        cmocka_unit_test(rescale_refuses_to_round_or_overflow),
        cmocka_unit_test(rescale_agrees_with_division_for_every_step),
        cmocka_unit_test(fits_knows_the_edges),
        cmocka_unit_test(powers_are_ten_times_the_last),
        cmocka_unit_test(format_writes_all_decimals),
        cmocka_unit_test(text_survives_a_round_trip),
        cmocka_unit_test(bytes_are_the_shortest_twos_complement),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
