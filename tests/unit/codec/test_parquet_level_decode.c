// SPDX-License-Identifier: Apache-2.0
#include "codec/parquet_level_decode.h"
#include "core/random.h"
#include "lib/test.h"

/* An optional list of optional values: 0 null, 1 empty, 2 null entry, 3 entry. */
static const struct parquet_leaf_layout LIST = { .shape = PARQUET_LEAF_REPEATED,
                                                 .row_level = 1,
                                                 .entry_level = 2,
                                                 .level_max = 3 };

/* Pages as digits, repetition over definition, parted by '|'. */
static int decode(struct parquet_level_rows *rows, const char *repetition, const char *definition,
                  struct err *err)
{
    uint8_t r[64], d[64], bitmap[16];
    size_t end = strlen(repetition);

    for (size_t i = 0, n = 0; i <= end; i++) {
        struct parquet_level_page page = { .repetition = r, .definition = d, .count = n };

        if (i < end && repetition[i] != '|') {
            r[n] = (uint8_t)(repetition[i] - '0');
            d[n++] = (uint8_t)(definition[i] - '0');
            continue;
        }
        if (parquet_level_decode_count(&LIST, &page, err) < 0 ||
            parquet_level_decode_rows(&LIST, &page, rows, bitmap, err) < 0)
            return -1;
        n = 0;
    }
    return parquet_level_decode_finish(rows, err);
}

static void begin(struct column *out, struct parquet_level_rows *rows, size_t count)
{
    column_init(out, COLUMN_MAP);
    column_first_offset(out);
    *rows = (struct parquet_level_rows){ .out = out, .left = count };
}

static void levels_that_make_no_rows_are_corrupt(void **state)
{
    static const struct {
        const char *repetition, *definition;
        size_t rows;
        const char *text;
    } cases[] = {
        { "0", "4", 1, "level 4" },          { "1", "3", 1, "goes on" }, /* nothing to continue */
        { "01", "03", 1, "goes on" },                                    /* continues a null row */
        { "01", "13", 1, "goes on" }, /* continues an empty row */
        { "01", "31", 1, "goes on" }, /* an empty row that continues */
        { "0|1", "0|3", 1, "goes on" },      { "011", "313", 1, "goes on" },
        { "00", "33", 1, "2 rows begin" },   { "0", "3", 2, "1 rows are missing" },
        { "", "", 1, "1 rows are missing" },
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct parquet_level_rows rows;
        struct column out;

        begin(&out, &rows, cases[i].rows);
        assert_err(decode(&rows, cases[i].repetition, cases[i].definition, &err), ERR_CORRUPT);
        if (strstr(err.text, cases[i].text) == NULL)
            fail_msg("%s %s: %s", cases[i].repetition, cases[i].definition, err.text);
        column_deinit(&out);
    }
}

static void rows_go_on_over_pages(void **state)
{
    static const int32_t ends[] = { 0, 4, 4, 4, 5, 6 };
    struct parquet_level_rows rows;
    struct column out;
    struct err err;

    (void)state;
    begin(&out, &rows, 5);
    assert_ok(decode(&rows, "01|11|0|000", "32|33|0|133", &err));
    assert_int_equal(out.rows, 5);
    assert_int_equal(out.null_count, 1);
    assert_true(column_is_null(&out, 1) && !column_is_null(&out, 2));
    assert_int_equal(out.offsets.size, sizeof(ends));
    assert_memory_equal(column_offsets(&out), ends, sizeof(ends));
    column_deinit(&out);
}

static void a_second_leaf_must_have_the_same_rows(void **state)
{
    static const struct {
        const char *repetition, *definition;
        int rc;
    } cases[] = {
        { "01000", "33032", 0 },  { "010|00", "330|32", 0 }, { "00010", "30333", -1 },
        { "01000", "33132", -1 }, { "0100", "3303", -1 },    { "010001", "330333", -1 },
        { "00000", "33033", -1 }, { "01000", "33031", -1 },  { "01000", "03032", -1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct parquet_level_rows rows;
        struct column out;
        struct err err;

        begin(&out, &rows, 4);
        assert_ok(decode(&rows, "01000", "33033", &err));
        rows = (struct parquet_level_rows){ .out = &out, .verify = true, .left = 4 };
        if (decode(&rows, cases[i].repetition, cases[i].definition, &err) != cases[i].rc)
            fail_msg("%s %s", cases[i].repetition, cases[i].definition);
        column_deinit(&out);
    }
}

static void put_value(struct column *column, uint64_t value)
{
    switch (column->type) {
    case COLUMN_BOOL:
        column_put_bool(column, value % 2 == 1);
        break;
    case COLUMN_INT32:
        column_put_int32(column, (int32_t)value);
        break;
    case COLUMN_INT64:
        column_put_int64(column, (int64_t)value);
        break;
    case COLUMN_DECIMAL:
        column_put_decimal(column, (int128)value << 40);
        break;
    default:
        column_put_bytes(column, span_of(&value, value % 8));
    }
}

/* A page's dense values, then its nulls, against one put after the other. */
static void spread_page(struct random *random, struct column *expected, struct column *found)
{
    size_t count = (size_t)random_below(random, 70);
    uint64_t share = 1 + random_below(random, 8);
    uint8_t bitmap[16] = { 0 };
    size_t present = 0;
    struct column dense;

    column_init(&dense, found->type);
    if (dense.type == COLUMN_BYTES)
        column_first_offset(&dense);
    for (size_t i = 0; i < count; i++) {
        uint64_t value = random_next(random);

        if (random_below(random, share) != 0) {
            column_put_null(expected);
            continue;
        }
        put_value(expected, value);
        put_value(&dense, value);
        bitmap[i / 8] |= (uint8_t)(1u << i % 8);
        present++;
    }
    for (size_t i = 0; i < present && dense.type == COLUMN_BYTES; i++) {
        int32_t end = (int32_t)found->values.size + column_offsets(&dense)[i + 1];

        buf_put(&found->offsets, &end, sizeof(end));
    }
    buf_put_span(&found->values, buf_span(&dense.values));
    parquet_level_decode_nulls(found, count, present, bitmap);
    column_deinit(&dense);
}

static void nulls_stand_where_the_bitmap_says(void **state)
{
    static const enum column_type types[] = { COLUMN_BOOL, COLUMN_INT32, COLUMN_INT64,
                                              COLUMN_DECIMAL, COLUMN_BYTES };
    struct random random = { 11 };

    (void)state;
    for (int round = 0; round < 300; round++) {
        struct column expected, found;

        column_init(&expected, types[round % 5]);
        column_init(&found, types[round % 5]);
        if (found.type == COLUMN_BYTES)
            column_first_offset(&found);
        for (int page = 0; page < 6; page++) {
            spread_page(&random, &expected, &found);
            if (random_below(&random, 3) == 0) { /* others go on with the same column */
                put_value(&expected, 9);
                put_value(&found, 9);
            }
        }
        assert_int_equal(found.null_count, expected.null_count);
        assert_true(column_equal(&found, &expected));
        column_deinit(&expected);
        column_deinit(&found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_that_make_no_rows_are_corrupt),
        cmocka_unit_test(rows_go_on_over_pages),
        cmocka_unit_test(a_second_leaf_must_have_the_same_rows),
        cmocka_unit_test(nulls_stand_where_the_bitmap_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
