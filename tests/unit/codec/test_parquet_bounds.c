// SPDX-License-Identifier: Apache-2.0
#include "codec/parquet_bounds.h"

#include "lib/bytes.h"
#include "lib/test.h"

static struct parquet_shape shape_of(const struct parquet_field *field)
{
    struct parquet_shape shapes[PARQUET_SHAPE_LEAVES_MAX];

    parquet_shape_of(field, 0, shapes);
    return shapes[0];
}

static void assert_upper(enum parquet_kind kind, struct span value, bool exact,
                         struct span expected)
{
    const struct parquet_field field = { .name = "a", .kind = kind };
    struct parquet_shape shape = shape_of(&field);
    struct parquet_bounds bounds = { .present = true, .low_bytes = value, .high_bytes = value };
    struct buf out = BUF_INIT;

    assert_int_equal(parquet_bounds_put_upper(&out, &shape, &bounds), exact);
    assert_int_equal(out.size, expected.size);
    assert_memory_equal(out.data, expected.data, expected.size);
    buf_deinit(&out);
}

static void assert_lower(enum parquet_kind kind, struct span value, size_t size)
{
    const struct parquet_field field = { .name = "a", .kind = kind };
    struct parquet_shape shape = shape_of(&field);
    struct parquet_bounds bounds = { .present = true, .low_bytes = value, .high_bytes = value };
    struct buf out = BUF_INIT;

    assert_int_equal(parquet_bounds_put_lower(&out, &shape, &bounds), value.size == size);
    assert_int_equal(out.size, size);
    assert_memory_equal(out.data, value.data, size);
    buf_deinit(&out);
}

/* `fill` times x, then `tail`. */
static struct span text_of(struct buf *buf, size_t fill, const char *tail)
{
    buf_clear(buf);
    memset(buf_extend(buf, fill), 'x', fill);
    buf_put_text(buf, tail);
    return buf_span(buf);
}

static void long_text_is_cut_before_a_character_and_stepped_up(void **state)
{
    static const struct {
        size_t fill;
        const char *tail;
        size_t lower; /* bytes kept */
        size_t upper_fill;
        const char *upper; /* behind upper_fill times x */
    } vectors[] = {
        { 64, "", 64, 64, "" },
        { 65, "", 64, 63, "y" },
        { 63, "\xc3\xa9", 63, 62, "y" }, /* é would be cut */
        { 62, "\xc3\xa9!", 64, 62, "\xc3\xaa" },
        { 63, "\x7f!", 64, 63, "\xc2\x80" },
        { 62, "\xdf\xbf!", 64, 62, "\xe0\xa0\x80" },
        { 61, "\xed\x9f\xbf!", 64, 61, "\xee\x80\x80" }, /* over the surrogates */
        { 61, "\xef\xbf\xbf!", 64, 61, "\xf0\x90\x80\x80" },
        { 60, "\xf4\x8f\xbf\xbf!", 64, 59, "y" }, /* no character is higher */
        { 61, "\xf0\x9f\x98\x80", 61, 60, "y" },
        { 61, "\x80\x80\x80\x80", 64, 61, "\x80\x80\x81" }, /* no UTF-8 at all */
    };
    struct buf value = BUF_INIT, upper = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct span whole = text_of(&value, vectors[i].fill, vectors[i].tail);

        assert_lower(PARQUET_STRING, whole, vectors[i].lower);
        assert_upper(PARQUET_STRING, whole, whole.size <= 64,
                     text_of(&upper, vectors[i].upper_fill, vectors[i].upper));
        assert_true(span_compare(buf_span(&upper), whole) >= 0);
    }
    buf_deinit(&value);
    buf_deinit(&upper);
}

static void what_cannot_be_stepped_up_stays_whole(void **state)
{
    struct buf value = BUF_INIT;

    (void)state;
    memset(buf_extend(&value, 70), 0xff, 70);
    assert_upper(PARQUET_BINARY, buf_span(&value), true, buf_span(&value));
    value.data[3] = 7;
    assert_upper(PARQUET_BINARY, buf_span(&value), false, SPAN("\xff\xff\xff\x08"));
    buf_clear(&value);
    for (int i = 0; i < 20; i++)
        buf_put_text(&value, "\xf4\x8f\xbf\xbf");
    assert_upper(PARQUET_STRING, buf_span(&value), true, buf_span(&value));
    buf_deinit(&value);
}

static void single_values_are_as_iceberg_has_them(void **state)
{
    static const struct {
        enum parquet_kind kind;
        int64_t value;
        const char *hex;
    } vectors[] = {
        { PARQUET_INT, -2, "fe ff ff ff" },
        { PARQUET_DATE, 19000, "38 4a 00 00" },
        { PARQUET_LONG, 1, "01 00 00 00 00 00 00 00" },
        { PARQUET_TIMESTAMPTZ, -1, "ff ff ff ff ff ff ff ff" },
        { PARQUET_BOOL, 1, "01" },
        { PARQUET_DECIMAL, 0, "00" },
        { PARQUET_DECIMAL, 127, "7f" },
        { PARQUET_DECIMAL, 128, "00 80" },
        { PARQUET_DECIMAL, -128, "80" },
        { PARQUET_DECIMAL, -129, "ff 7f" },
        { PARQUET_DECIMAL, -150000000, "f7 0f 2e 80" }, /* -1.5 at scale 8, as Java writes it */
        { PARQUET_DECIMAL, INT64_MIN, "80 00 00 00 00 00 00 00" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct parquet_field field = { .name = "a",
                                             .kind = vectors[i].kind,
                                             .precision = 38 };
        struct parquet_shape shape = shape_of(&field);
        struct buf out = BUF_INIT, expected = BUF_INIT;

        parquet_bounds_put_single(&out, &shape, vectors[i].value);
        bytes_put_hex(&expected, vectors[i].hex);
        assert_int_equal(out.size, expected.size);
        assert_memory_equal(out.data, expected.data, expected.size);
        buf_deinit(&out);
        buf_deinit(&expected);
    }
}

static void bounds_by_index_are_those_of_the_values(void **state)
{
    struct column column, entries;
    struct buf stamps = BUF_INIT;
    uint32_t indices[100];
    uint64_t seed = 1;

    (void)state;
    column_init(&entries, COLUMN_BYTES);
    column_init(&column, COLUMN_BYTES);
    for (int round = 0; round < 200; round++) {
        size_t count = 1 + (size_t)(bytes_random(&seed) % ARRAY_LEN(indices));
        struct parquet_values all = { .type = PARQUET_TYPE_BYTE_ARRAY };
        struct parquet_bounds by_index, by_value;

        column_clear(&entries);
        column_clear(&column);
        for (int i = 0; i < 30; i++) {
            uint64_t r = bytes_random(&seed);

            column_put_bytes(&entries, span_of(&r, r % 4));
        }
        for (size_t i = 0; i < count; i++) {
            indices[i] = (uint32_t)(bytes_random(&seed) % 30);
            column_put_bytes(&column, column_bytes(&entries, indices[i]));
        }
        all.count = 30;
        all.offsets = column_offsets(&entries);
        all.bytes = entries.values.data;
        by_index = parquet_bounds_of_indices(&all, indices, count, &stamps);
        all.count = count;
        all.offsets = column_offsets(&column);
        all.bytes = column.values.data;
        by_value = parquet_bounds_of(&all, 0, count);
        assert_true(by_index.present && by_value.present);
        assert_true(span_equal(by_index.low_bytes, by_value.low_bytes));
        assert_true(span_equal(by_index.high_bytes, by_value.high_bytes));
    }
    column_deinit(&column);
    column_deinit(&entries);
    buf_deinit(&stamps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_text_is_cut_before_a_character_and_stepped_up),
        cmocka_unit_test(what_cannot_be_stepped_up_stays_whole),
        cmocka_unit_test(single_values_are_as_iceberg_has_them),
        cmocka_unit_test(bounds_by_index_are_those_of_the_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
