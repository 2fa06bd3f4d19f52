// SPDX-License-Identifier: Apache-2.0
/* Files of other writers with one and the same table (tests/vectors/parquet/make.py), and files of
 * apache/parquet-testing. */
#include "codec/parquet_reader.h"
#include "lib/test.h"
#include "lib/parquet_load.h"
#include "lib/parquet_table.h"

struct loaded {
    struct buf bytes;
    struct arena arena;
    struct parquet_file file;
};

static void open_file(struct loaded *l, const char *path)
{
    struct err err = { 0 };

    *l = (struct loaded){ .bytes = load_bytes(path) };
    if (parquet_load(&l->arena, buf_span(&l->bytes), &l->file, &err) < 0)
        fail_msg("%s: %s", path, err.text);
}

static void close_file(struct loaded *l)
{
    arena_deinit(&l->arena);
    buf_deinit(&l->bytes);
}

/* The rows of some fields as text, as table.txt has them. */
static void show_file(const struct loaded *l, const struct parquet_field *fields, size_t count,
                      struct buf *text)
{
    struct column columns[16];
    struct err err = { 0 };

    assert_true(count <= ARRAY_LEN(columns));
    for (size_t i = 0; i < count; i++) {
        assert_ok(
            parquet_load_column(&l->file, buf_span(&l->bytes), &fields[i], &columns[i], &err));
        assert_int_equal(columns[i].rows, l->file.rows);
    }
    for (size_t row = 0; row < (size_t)l->file.rows; row++)
        for (size_t i = 0; i < count; i++) {
            show_value(text, &columns[i], row);
            buf_put_byte(text, i + 1 < count ? '|' : '\n');
        }
    for (size_t i = 0; i < count; i++)
        column_deinit(&columns[i]);
}

static void assert_text_equal(const char *file, struct span found, struct span expected)
{
    size_t line = 1;

    for (size_t i = 0; i < size_min(found.size, expected.size); i++) {
        if (found.data[i] != expected.data[i])
            fail_msg("%s: line %zu differs at '%.40s', expected '%.40s'", file, line,
                     (const char *)found.data + i, (const char *)expected.data + i);
        line += found.data[i] == '\n';
    }
    assert_int_equal(found.size, expected.size);
}

static void every_writer_s_file_holds_the_table(void **state)
{
    static const char *const files[] = {
        "plain",         "dictionary",     "snappy_v2",    "many_pages", "delta",     "delta_bytes",
        "delta_lengths", "split",          "split_v2",     "int96",      "indexed",   "nanos",
        "many_pages_v2", "delta_pages",    "bare",         "duckdb_v1",  "duckdb_v2", "spark",
        "spark_v2",      "spark_v2_plain", "spark_legacy",
    };
    struct buf expected = load_bytes(PARQUET_VECTORS "table.txt");

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        struct buf found = BUF_INIT;
        struct loaded l;
        char path[256];

        snprintf(path, sizeof(path), PARQUET_VECTORS "%s.parquet", files[f]);
        open_file(&l, path);
        show_file(&l, PARQUET_TABLE, ARRAY_LEN(PARQUET_TABLE), &found);
        assert_text_equal(files[f], buf_span(&found), buf_span(&expected));
        buf_deinit(&found);
        close_file(&l);
    }
    buf_deinit(&expected);
}

static void open_table(struct loaded *l, const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), PARQUET_VECTORS "%s.parquet", name);
    open_file(l, path);
}

/* -1 with the message, or 0. */
static int read_one(const char *file, const struct parquet_field *field, struct err *err)
{
    struct loaded l;
    struct column column;
    int rc;

    open_table(&l, file);
    rc = parquet_load_column(&l.file, buf_span(&l.bytes), field, &column, err);
    column_deinit(&column);
    close_file(&l);
    return rc;
}

static void nulls_where_none_may_be_are_corrupt(void **state)
{
    struct parquet_field count = PARQUET_TABLE[1];
    struct parquet_field tags = PARQUET_TABLE[12];
    struct parquet_field vendor = PARQUET_TABLE[13];
    struct err err;

    (void)state;
    count.required = true;
    tags.child_optional = false;
    assert_err(read_one("dictionary", &count, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.text, "column count, row group 0: "));
    assert_err(read_one("dictionary", &tags, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.text, "column tags.list.element, row group 0: "));
    tags.child_optional = true;
    tags.required = true;
    assert_err(read_one("dictionary", &tags, &err), ERR_CORRUPT);
    vendor.child_optional = false;
    assert_err(read_one("many_pages_v2", &vendor, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.text, "column vendor.key_value.value, row group 0: "));
}

static void a_decimal_beyond_the_field_s_precision_is_corrupt(void **state)
{
    static const char *const files[] = { "plain", "dictionary", "delta", "spark" };
    struct err err;

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(files); f++)
        for (size_t i = 5; i <= 7; i++) { /* each holds a value of all its digits */
            struct parquet_field narrow = PARQUET_TABLE[i];

            narrow.precision--;
            assert_err(read_one(files[f], &narrow, &err), ERR_CORRUPT);
            assert_non_null(strstr(err.text, "precision"));
        }
}

static void what_does_not_fit_names_column_and_types(void **state)
{
    struct parquet_field field = PARQUET_TABLE[4];
    struct err err;

    (void)state;
    field.kind = PARQUET_LONG;
    assert_err(read_one("nanos", &field, &err), ERR_CORRUPT);
    assert_string_equal(
        err.text,
        "column time, row group 0: its type in the file, INT64 (timestamptz in ns, scale 0, one "
        "of 1 leaves), is not that of the field, long of scale 0");
    field.field_id = 99;
    assert_err(read_one("nanos", &field, &err), ERR_CORRUPT);
    assert_string_equal(err.text, "column time: the file has none");
}

static void a_file_without_rows_gives_none(void **state)
{
    struct loaded l;
    struct buf text = BUF_INIT;

    (void)state;
    open_table(&l, "empty");
    assert_int_equal(l.file.rows, 0);
    show_file(&l, PARQUET_TABLE, ARRAY_LEN(PARQUET_TABLE), &text);
    assert_int_equal(text.size, 0);
    close_file(&l);
}

static void fields_are_found_by_id_or_in_files_without_ids_by_name(void **state)
{
    struct parquet_field field = PARQUET_TABLE[13];
    size_t first, count;
    struct loaded l;

    (void)state;
    open_table(&l, "dictionary");
    field.name = "renamed";
    assert_true(parquet_file_leaves(&l.file, &field, &first, &count));
    assert_int_equal(first, 13);
    assert_int_equal(count, 2);
    assert_string_equal(l.file.leaf[14].path, "vendor.key_value.value");
    assert_string_equal(l.file.leaf[14].name, "vendor");
    assert_int_equal(l.file.leaf[14].field_id, 17);
    assert_int_equal(l.file.leaf[14].top_id, 14);
    field.name = "vendor";
    field.field_id = 99;
    assert_false(parquet_file_leaves(&l.file, &field, &first, &count));
    close_file(&l);

    open_table(&l, "bare");
    assert_true(parquet_file_leaves(&l.file, &field, &first, &count));
    assert_int_equal(first, 13);
    assert_int_equal(l.file.leaf[first].top_id, -1);
    field.name = "renamed";
    assert_false(parquet_file_leaves(&l.file, &field, &first, &count));
    close_file(&l);
}

static void statistics_are_the_file_s_or_absent(void **state)
{
    struct loaded l;

    (void)state;
    open_table(&l, "many_pages");
    assert_int_equal(l.file.row_group_count, 3);
    assert_int_equal(l.file.row_group[2].rows, 20);
    for (size_t g = 0; g < 3; g++) {
        const struct parquet_chunk *offset = &l.file.row_group[g].chunk[2];

        assert_true(offset->has_bounds && offset->has_null_count);
        assert_int_equal(offset->null_count, 0);
        assert_in_range(load_le64(offset->lower.data), 10000000000 + 150 * g - 9,
                        10000000000 + 150 * g);
        assert_true(load_le64(offset->upper.data) >= load_le64(offset->lower.data) + 3 * 19);
    }
    assert_true(l.file.row_group[0].chunk[11].has_null_count);
    assert_int_equal(l.file.row_group[0].chunk[11].null_count, 50);
    assert_false(l.file.row_group[0].chunk[11].has_bounds);
    close_file(&l);

    open_table(&l, "bare");
    for (size_t i = 0; i < l.file.leaf_count; i++) {
        assert_false(l.file.row_group[0].chunk[i].has_bounds);
        assert_false(l.file.row_group[0].chunk[i].has_null_count);
    }
    close_file(&l);
}

static void an_int_widens_where_the_field_is_long(void **state)
{
    static const char *const files[] = { "plain", "dictionary", "delta", "many_pages" };
    struct parquet_field wide = PARQUET_TABLE[1];

    (void)state;
    wide.kind = PARQUET_LONG;
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        struct buf narrow_text = BUF_INIT, wide_text = BUF_INIT;
        struct loaded l;

        open_table(&l, files[f]);
        show_file(&l, &PARQUET_TABLE[1], 1, &narrow_text);
        show_file(&l, &wide, 1, &wide_text);
        assert_text_equal(files[f], buf_span(&wide_text), buf_span(&narrow_text));
        buf_deinit(&narrow_text);
        buf_deinit(&wide_text);
        close_file(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nulls_where_none_may_be_are_corrupt),
        cmocka_unit_test(a_decimal_beyond_the_field_s_precision_is_corrupt),
        cmocka_unit_test(what_does_not_fit_names_column_and_types),
        cmocka_unit_test(every_writer_s_file_holds_the_table),
        cmocka_unit_test(a_file_without_rows_gives_none),
        cmocka_unit_test(fields_are_found_by_id_or_in_files_without_ids_by_name),
        cmocka_unit_test(statistics_are_the_file_s_or_absent),
        cmocka_unit_test(an_int_widens_where_the_field_is_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
