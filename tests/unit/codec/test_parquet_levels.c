// SPDX-License-Identifier: Apache-2.0
#include "codec/parquet_levels.h"

#include "lib/bytes.h"
#include "lib/test.h"

static void assert_levels(const struct parquet_field *field, int child, const struct column *column,
                          size_t first, size_t count, size_t entries, size_t values,
                          const char *hex)
{
    struct parquet_shape shapes[PARQUET_SHAPE_LEAVES_MAX];
    struct buf scratch = BUF_INIT, out = BUF_INIT, expected = BUF_INIT;
    struct parquet_level_counts counts;

    parquet_shape_of(field, 0, shapes);
    counts = parquet_levels_encode(&shapes[child], column, first, count, &scratch, &out);
    assert_int_equal(counts.entries, entries);
    assert_int_equal(counts.values, values);
    bytes_put_hex(&expected, hex);
    assert_int_equal(out.size, expected.size);
    assert_memory_equal(out.data, expected.data, expected.size);
    buf_deinit(&scratch);
    buf_deinit(&out);
    buf_deinit(&expected);
}

static void a_required_column_has_no_levels(void **state)
{
    const struct parquet_field field = { .name = "a", .kind = PARQUET_LONG, .required = true };
    struct column column;

    (void)state;
    column_init(&column, COLUMN_INT64);
    column_repeat_int64(&column, 1, 9);
    assert_levels(&field, 0, &column, 2, 7, 7, 7, "");
    column_deinit(&column);
}

static void an_optional_column_has_a_bit_for_each_row(void **state)
{
    const struct parquet_field field = { .name = "a", .kind = PARQUET_LONG };
    struct column column;

    (void)state;
    column_init(&column, COLUMN_INT64);
    column_repeat_int64(&column, 1, 100);
    assert_levels(&field, 0, &column, 0, 100, 100, 100, "03 00 00 00  c8 01 01");
    column_repeat_null(&column, 60);
    assert_levels(&field, 0, &column, 0, 100, 100, 100, "03 00 00 00  c8 01 01");
    assert_levels(&field, 0, &column, 101, 59, 59, 0, "02 00 00 00  76 00");
    assert_levels(&field, 0, &column, 97, 6, 6, 3, "02 00 00 00  03 07");
    assert_levels(&field, 0, &column, 0, 160, 160, 100, "05 00 00 00  c8 01 01  78 00");
    column_deinit(&column);
}

/* Rows: null, [], [null], ["a", "b"]. */
static void fill_list(struct column *column, bool nulls)
{
    column_init(column, COLUMN_LIST);
    if (nulls)
        column_put_null(column);
    column_put_entries(column);
    if (nulls) {
        column_put_null(column->child[0]);
        column_put_entries(column);
    }
    column_put_bytes(column->child[0], SPAN("a"));
    column_put_bytes(column->child[0], SPAN("b"));
    column_put_entries(column);
}

static void lists_tell_null_empty_and_null_elements_apart(void **state)
{
    const struct parquet_field optional = { .name = "a",
                                            .kind = PARQUET_LIST,
                                            .child_optional = true };
    const struct parquet_field required = { .name = "a", .kind = PARQUET_LIST, .required = true };
    const struct parquet_field mixed = { .name = "a", .kind = PARQUET_LIST };
    struct column column;

    (void)state;
    fill_list(&column, true);
    /* repetition 0 0 0 0 1, definition 0 1 2 3 3 */
    assert_levels(&optional, 0, &column, 0, 4, 5, 2, "02 00 00 00  03 10    03 00 00 00  03 e4 03");
    assert_levels(&optional, 0, &column, 2, 2, 3, 2, "02 00 00 00  03 04    03 00 00 00  03 3e 00");
    column_deinit(&column);
    fill_list(&column, false);
    /* repetition 0 0 1, definition 0 1 1 */
    assert_levels(&required, 0, &column, 0, 2, 3, 2, "02 00 00 00  03 04    02 00 00 00  03 06");
    /* definition 1 2 2 in two bits */
    assert_levels(&mixed, 0, &column, 0, 2, 3, 2, "02 00 00 00  03 04    03 00 00 00  03 29 00");
    column_deinit(&column);
}

static void both_leaves_of_a_map_repeat_alike(void **state)
{
    const struct parquet_field field = { .name = "a", .kind = PARQUET_MAP, .child_optional = true };
    struct column column;

    (void)state;
    column_init(&column, COLUMN_MAP);
    column_put_null(&column);
    for (int i = 0; i < 2; i++)
        column_put_bytes(column.child[0], SPAN("key"));
    column_put_bytes(column.child[1], SPAN("value"));
    column_put_null(column.child[1]);
    column_put_entries(&column);
    column_put_entries(&column);
    /* repetition 0 0 1 0; keys 0 2 2 1, values 0 3 2 1 */
    assert_levels(&field, 0, &column, 0, 3, 4, 2, "02 00 00 00  03 04    03 00 00 00  03 68 00");
    assert_levels(&field, 1, &column, 0, 3, 4, 1, "02 00 00 00  03 04    03 00 00 00  03 6c 00");
    column_deinit(&column);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_required_column_has_no_levels),
        cmocka_unit_test(an_optional_column_has_a_bit_for_each_row),
        cmocka_unit_test(lists_tell_null_empty_and_null_elements_apart),
        cmocka_unit_test(both_leaves_of_a_map_repeat_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
