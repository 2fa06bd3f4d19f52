// SPDX-License-Identifier: Apache-2.0
#include "core/micros.h"
#include "lib/test.h"

static void parse_refuses_what_rfc_3339_does_not_know(void **state)
{
    static const char *const texts[] = {
        "",
        "2026-11-22",
        "2026-11-22T15:25:11",
        "2026-11-22T15:25:11.Z",
        "2026-11-22T15:25:11.1234567890Z",
        "2026-11-22T15:25:11ZZ",
        "2026-11-22T15:25:11Z ",
        " 2026-11-22T15:25:11Z",
        "2026-11-22 15:25:11Z",
        "2026-13-22T15:25:11Z",
        "2026-00-22T15:25:11Z",
        "2026-11-00T15:25:11Z",
        "2026-11-31T15:25:11Z",
        "2026-02-29T15:25:11Z",
        "1900-02-29T15:25:11Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T15:60:11Z",
        "2026-11-22T15:25:61Z",
        "2026-11-22T15:25:11+24:00",
        "2026-11-22T15:25:11+01:60",
        "2026-11-22T15:25:11+0100",
        "2026-11-22T15:25:11+01",
        "26-11-22T15:25:11Z",
        "2026-1-22T15:25:11Z",
        "-2026-11-22T15:25:11Z",
        "2026/11/22T15:25:11Z",
        "2026-11-22T15.25.11Z",
        "2026\r11\r22T15:25:11Z", /* '-' without its bit 5 */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        int64_t out = 77;

        if (micros_parse(span_text(texts[i]), &out))
            fail_msg("taken: '%s'", texts[i]);
        assert_int_equal(out, 77);
    }
}

static void parse_rounds_to_the_nearest_microsecond(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1970-01-01t00:00:00z", 0 },
        { "1969-12-31T23:59:59.999999Z", -1 },
        { "1969-12-31T23:59:59.9999994Z", -1 },
        { "1969-12-31T23:59:59.9999995Z", 0 },
        { "1970-01-01T00:00:00.0000004Z", 0 },
        { "1970-01-01T00:00:00.0000005Z", 1 },
        { "1970-01-01T00:00:00.000000499Z", 0 },
        { "2026-11-22T15:25:11.123456Z", INT64_C(1795361111123456) },
        { "2026-11-22T15:25:11.123456789Z", INT64_C(1795361111123457) },
        { "2026-11-22T15:25:11.1Z", INT64_C(1795361111100000) },
        { "2026-11-22T15:25:11.999999999Z", INT64_C(1795361112000000) },
        { "2026-11-22T16:25:11+01:00", INT64_C(1795361111000000) },
        { "2026-11-22T09:55:11-05:30", INT64_C(1795361111000000) },
        { "2016-12-31T23:59:60Z", INT64_C(1483228800000000) },
        { "2017-11-16T22:31:08Z", INT64_C(1510871468000000) }, /* Iceberg, appendix B */
        { "0000-01-01T00:00:00Z", INT64_C(-62167219200000000) },
        { "9999-12-31T23:59:59.999999Z", INT64_C(253402300799999999) },
        { "2000-02-29T00:00:00Z", INT64_C(951782400000000) },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t out = 77;

        assert_true(micros_parse(span_text(rows[i].text), &out));
        if (out != rows[i].us)
            fail_msg("%s: %lld", rows[i].text, (long long)out);
    }
}

static void civil_dates_turn_at_leap_days_and_centuries(void **state)
{
    static const struct {
        int32_t days;
        int year, month, day;
    } rows[] = {
        { 0, 1970, 1, 1 },       { -1, 1969, 12, 31 },    { 59, 1970, 3, 1 },
        { -719528, 0, 1, 1 },    { -719468, 0, 3, 1 },    { -719469, 0, 2, 29 },
        { 11016, 2000, 2, 29 },  { 11017, 2000, 3, 1 },   { -25509, 1900, 2, 28 },
        { -25508, 1900, 3, 1 },  { 17486, 2017, 11, 16 }, { 20779, 2026, 11, 22 },
        { 47541, 2100, 3, 1 },   { 47540, 2100, 2, 28 },  { 2932896, 9999, 12, 31 },
        { -719529, -1, 12, 31 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int year, month, day;

        micros_civil_from_days(rows[i].days, &year, &month, &day);
        if (year != rows[i].year || month != rows[i].month || day != rows[i].day)
            fail_msg("%d: %d-%d-%d", rows[i].days, year, month, day);
        assert_int_equal(micros_days_from_civil(rows[i].year, rows[i].month, rows[i].day),
                         rows[i].days);
    }
}

/* Two eras of 400 years, day by day, against the rule of the calendar itself. */
static void civil_dates_follow_one_another(void **state)
{
    int year = 1600, month = 1, day = 1;

    (void)state;
    for (int32_t days = micros_days_from_civil(1600, 1, 1); year < 2401; days++) {
        static const int lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        int y, m, d;

        micros_civil_from_days(days, &y, &m, &d);
        if (y != year || m != month || d != day)
            fail_msg("%d is not %d-%d-%d", days, year, month, day);
        assert_int_equal(micros_days_from_civil(y, m, d), days);
        if (++day > lengths[month - 1] + (month == 2 && leap)) {
            day = 1;
            month = month % 12 + 1;
            year += month == 1;
        }
    }
}

static void days_and_hours_are_floors(void **state)
{
    (void)state;
    assert_int_equal(micros_day(0), 0);
    assert_int_equal(micros_day(-1), -1);
    assert_int_equal(micros_day(-MICROS_DAY), -1);
    assert_int_equal(micros_day(-MICROS_DAY - 1), -2);
    assert_int_equal(micros_day(MICROS_DAY - 1), 0);
    assert_int_equal(micros_hour(-1), -1);
    assert_int_equal(micros_hour(-MICROS_HOUR), -1);
    assert_int_equal(micros_hour(MICROS_HOUR), 1);
    assert_int_equal(micros_hour_of_day(-1), 23);
    assert_int_equal(micros_hour_of_day(-MICROS_HOUR - 1), 22);
    assert_int_equal(micros_hour_of_day(0), 0);
    assert_int_equal(micros_hour_of_day(MICROS_DAY - 1), 23);
    assert_int_equal(micros_day(INT64_MIN), -106751992);
    assert_int_equal(micros_day(INT64_MAX), 106751991);
}

static void format_is_what_parse_reads(void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } rows[] = {
        { 0, "1970-01-01T00:00:00.000000Z" },
        { -1, "1969-12-31T23:59:59.999999Z" },
        { INT64_C(1795361111123456), "2026-11-22T15:25:11.123456Z" },
        { INT64_C(-62167219200000000), "0000-01-01T00:00:00.000000Z" },
        { INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z" },
    };
    char text[MICROS_TEXT_BYTES_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t back = 0;

        assert_int_equal(micros_format(rows[i].us, text), strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
        assert_true(micros_parse(span_text(text), &back));
        assert_int_equal(back, rows[i].us);
    }
    micros_format(INT64_MIN, text);
    assert_string_equal(text, "-290308-12-21T19:59:05.224192Z");
    micros_format(INT64_MAX, text);
    assert_string_equal(text, "294247-01-10T04:00:54.775807Z");
    assert_int_equal(micros_format_day(20779, text), 10);
    assert_string_equal(text, "2026-11-22");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_refuses_what_rfc_3339_does_not_know),
        cmocka_unit_test(parse_rounds_to_the_nearest_microsecond),
        cmocka_unit_test(civil_dates_turn_at_leap_days_and_centuries),
        cmocka_unit_test(civil_dates_follow_one_another),
        cmocka_unit_test(days_and_hours_are_floors),
        cmocka_unit_test(format_is_what_parse_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
