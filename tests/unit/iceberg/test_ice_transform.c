// SPDX-License-Identifier: Apache-2.0
/* Vectors of the specification (appendix B) and of Java's tests.  The specification gives whole
 * hashes: with 2^30 buckets all but one bit of them is seen. */
#include "iceberg/ice_transform.h"

#include "core/hash.h"
#include "core/num.h"
#include "lib/bytes.h"
#include "lib/ice_world.h"

enum { COUNT = 1 << 30 };

/* bucket[COUNT] of a published 32-bit hash. */
static int32_t residue(int64_t hash)
{
    return (int32_t)(((uint32_t)hash & 0x7fffffff) % COUNT);
}

static void buckets_hash_as_the_specification_says(void **state)
{
    const uint8_t uuid[16] = { 0xf7, 0x9c, 0x3e, 0x09, 0x67, 0x7c, 0x4b, 0xbd,
                               0xa4, 0x79, 0x3f, 0x34, 0x9c, 0xb7, 0x85, 0xe7 };
    const uint8_t binary[] = { 0, 1, 2, 3 };

    (void)state;
    assert_int_equal(ice_transform_bucket_int64(34, COUNT), residue(2017239379));
    assert_int_equal(ice_transform_bucket_decimal(1420, COUNT), residue(-500754589));
    assert_int_equal(ice_transform_bucket_int64(17486, COUNT), residue(-653330422));
    assert_int_equal(ice_transform_bucket_int64(INT64_C(81068000000), COUNT),
                     residue(-662762989)); /* time 22:31:08 */
    assert_int_equal(ice_transform_bucket_int64(INT64_C(1510871468000000), COUNT),
                     residue(-2047944441)); /* 2017-11-16T22:31:08 */
    assert_int_equal(ice_transform_bucket_int64(INT64_C(1510871468000001), COUNT),
                     residue(-1207196810)); /* one microsecond later */
    assert_int_equal(ice_transform_bucket_bytes(SPAN("iceberg"), COUNT), residue(1210000089));
    assert_int_equal(ice_transform_bucket_bytes(span_of(uuid, 16), COUNT), residue(1488055340));
    assert_int_equal(ice_transform_bucket_bytes(span_of(binary, 4), COUNT), residue(-188683207));
    assert_int_equal(ice_transform_bucket_int64(34, 16), 2017239379 % 16);
}

static void days_and_hours_are_floors(void **state)
{
    static const struct {
        int64_t us;
        int32_t day, hour;
    } cases[] = {
        { 0, 0, 0 },
        { -1, -1, -1 },
        { INT64_C(-3600000000), -1, -1 },
        { INT64_C(-3600000001), -1, -2 },
        { INT64_C(-86400000000), -1, -24 },
        { INT64_C(-86400000001), -2, -25 },
        { INT64_C(1510871468000001), 17486, 419686 },
        { INT64_C(86399999999), 0, 23 },
        { INT64_C(86400000000), 1, 24 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(ice_transform_day(cases[i].us), cases[i].day);
        assert_int_equal(ice_transform_hour(cases[i].us), cases[i].hour);
    }
}

static void truncating_numbers_is_a_floor(void **state)
{
    (void)state;
    assert_int_equal(ice_transform_truncate_int64(1, 10), 0);
    assert_int_equal(ice_transform_truncate_int64(-1, 10), -10);
    assert_int_equal(ice_transform_truncate_int64(0, 10), 0);
    assert_int_equal(ice_transform_truncate_int64(-10, 10), -10);
    assert_true(ice_transform_truncate_decimal(1065, 50) == 1050);   /* 10.65 -> 10.50 */
    assert_true(ice_transform_truncate_decimal(-1065, 50) == -1100); /* to the lower */
    (void)ice_transform_truncate_int64(INT64_MIN, 3);                /* wraps, traps nothing */
}

static void truncating_texts_counts_code_points(void **state)
{
    (void)state;
    assert_true(span_equal(ice_transform_truncate_text(SPAN("iceberg"), 3), SPAN("ice")));
    assert_true(span_equal(ice_transform_truncate_text(SPAN("ice"), 3), SPAN("ice")));
    assert_true(span_equal(ice_transform_truncate_text(SPAN(""), 3), SPAN("")));
    assert_true(span_equal(ice_transform_truncate_text(SPAN("\xc3\xa4\xf0\x9f\x90\x9fxyz"), 2),
                           SPAN("\xc3\xa4\xf0\x9f\x90\x9f")));
    assert_true(
        span_equal(ice_transform_truncate_bytes(SPAN("\x00\x01\x02"), 2), SPAN("\x00\x01")));
}

static void an_upper_bound_is_the_next_prefix_or_none(void **state)
{
    static const struct {
        const char *text;
        size_t width;
        const char *upper; /* NULL: none */
    } cases[] = {
        { "abc", 3, "abc" },
        { "abcd", 3, "abd" },
        { "ab\x7fq", 3, "ab\xc2\x80" },
        { "a\xed\x9f\xbfq", 2, "a\xee\x80\x80" }, /* U+D7FF: past the surrogates */
        { "a\xf4\x8f\xbf\xbfq", 2, "b" },         /* U+10FFFF: carried left */
        { "\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbfq", 2, NULL },
        { "\xf4\x8f\xbf\xbf", 1, "\xf4\x8f\xbf\xbf" },
        { "\xdf\xbfq", 1, "\xe0\xa0\x80" },
        { "\xef\xbf\xbfq", 1, "\xf0\x90\x80\x80" },
    };
    struct buf out = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool found;

        buf_clear(&out);
        found = ice_transform_upper_text(span_text(cases[i].text), cases[i].width, &out);
        assert_int_equal(found, cases[i].upper != NULL);
        if (found)
            assert_string_equal(buf_text(&out), cases[i].upper);
        else
            assert_int_equal(out.size, 0);
    }
    buf_clear(&out);
    assert_false(ice_transform_upper_bytes(SPAN("\xff\xff\xff"), 2, &out));
    assert_true(ice_transform_upper_bytes(SPAN("\x01\xff\xff"), 2, &out));
    assert_true(span_equal(buf_span(&out), SPAN("\x02")));
    buf_deinit(&out);
}

static void paths_have_dates_for_days_and_numbers_for_hours(void **state)
{
    static const struct ice_partition_field by_time[] = { { "time_day", 3, ICE_DAY } };
    struct ice_definition definition = ice_world_definition;
    const int32_t values[] = { 20779, 9 };
    struct buf out = BUF_INIT;

    (void)state;
    ice_transform_path(&definition, values, &out);
    assert_string_equal(buf_text(&out), "day=2026-11-22/hour=9");
    definition.partition = by_time;
    definition.partition_count = 1;
    buf_clear(&out);
    ice_transform_path(&definition, values, &out);
    assert_string_equal(buf_text(&out), "time_day=2026-11-22");
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_hash_as_the_specification_says),
        cmocka_unit_test(days_and_hours_are_floors),
        cmocka_unit_test(truncating_numbers_is_a_floor),
        cmocka_unit_test(truncating_texts_counts_code_points),
        cmocka_unit_test(an_upper_bound_is_the_next_prefix_or_none),
        cmocka_unit_test(paths_have_dates_for_days_and_numbers_for_hours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
