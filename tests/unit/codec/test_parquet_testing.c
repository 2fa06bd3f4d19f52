// SPDX-License-Identifier: Apache-2.0
/* Files of apache/parquet-testing: what pyarrow reads in them is read (expected.txt, made by
 * expect.py), everything else is refused, what is damaged or not built by name. */
#include "codec/parquet_reader.h"
#include "lib/test.h"
#include "lib/parquet_load.h"

#include <dirent.h>
#include <zlib.h>

#define FOLDER K2_SOURCE_DIR "/tests/vectors/parquet-testing/"

static const char *const kinds[] = {
    [PARQUET_BOOL] = "bool",       [PARQUET_INT] = "int",
    [PARQUET_LONG] = "long",       [PARQUET_DATE] = "date",
    [PARQUET_DECIMAL] = "decimal", [PARQUET_TIMESTAMPTZ] = "timestamptz",
    [PARQUET_STRING] = "string",   [PARQUET_BINARY] = "binary",
    [PARQUET_LIST] = "list",       [PARQUET_MAP] = "map",
};

static enum parquet_kind kind_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(name, kinds[i]) == 0)
            return (enum parquet_kind)i;
    fail_msg("kind %s", name);
    return PARQUET_BOOL;
}

/* 0, or -1 with *err. */
static int read_column(const char *name, struct parquet_field *field, struct buf *text,
                       size_t *rows, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct parquet_file file;
    struct column column;
    struct buf bytes;
    char path[512];
    int rc;

    snprintf(path, sizeof(path), FOLDER "%s", name);
    bytes = load_bytes(path);
    column_init(&column, parquet_column_type(field->kind));
    rc = parquet_load(&arena, buf_span(&bytes), &file, err);
    if (rc == 0) {
        for (size_t i = 0; i < file.leaf_count; i++) /* some have ids of their own */
            if (strcmp(file.leaf[i].name, field->name) == 0)
                field->field_id = file.leaf[i].top_id;
        column_deinit(&column);
        rc = parquet_load_column(&file, buf_span(&bytes), field, &column, err);
    }
    *rows = column.rows;
    for (size_t row = 0; row < column.rows && rc == 0; row++) {
        show_value(text, &column, row);
        buf_put_byte(text, '\n');
    }
    column_deinit(&column);
    arena_deinit(&arena);
    buf_deinit(&bytes);
    return rc;
}

static void what_pyarrow_reads_is_read(void **state)
{
    FILE *expected = fopen(FOLDER "expected.txt", "r");
    char file[128], name[128], kind[16];
    unsigned precision, scale, crc;
    size_t rows, lines = 0;

    (void)state;
    assert_non_null(expected);
    while (fscanf(expected, "%127s %127s %15s %u %u %zu %x", file, name, kind, &precision, &scale,
                  &rows, &crc) == 7) {
        struct parquet_field field = { .name = name,
                                       .field_id = -2,
                                       .kind = kind_of(kind),
                                       .precision = (uint8_t)precision,
                                       .scale = (uint8_t)scale,
                                       .child_optional = true };
        struct buf text = BUF_INIT;
        size_t found_rows = 0;
        struct err err = { 0 };

        lines++;
        if (read_column(file, &field, &text, &found_rows, &err) < 0)
            fail_msg("%s, %s: %s", file, name, err.text);
        assert_int_equal(found_rows, rows);
        if (crc32(0, text.data, (uInt)text.size) != crc)
            fail_msg("%s, %s as %s:\n%s", file, name, kind, buf_text(&text));
        buf_deinit(&text);
    }
    fclose(expected);
    assert_int_equal(lines, 492);
}

static void damage_and_what_is_not_built_is_refused_by_name(void **state)
{
    static const struct {
        const char *file, *field;
        enum parquet_kind kind;
        const char *text; /* is part of the message */
    } refused[] = {
        { "PARQUET-1481.parquet", "x", PARQUET_INT, "footer" },
        { "ARROW-RS-GH-6229-DICTHEADER.parquet", "nation_key", PARQUET_INT,
          "footer: row group 0: column name" },
        { "ARROW-RS-GH-6229-LEVELS.parquet", "outer", PARQUET_LIST, "not that of the field" },
        { "ARROW-GH-43605.parquet", "min_fl", PARQUET_INT, "not that of the field" },
        { "ARROW-GH-45185.parquet", "x", PARQUET_LIST, "x.list.element" },
        { "ARROW-GH-47662.parquet", "flba_field", PARQUET_BINARY, "not that of the field" },
        { "nation.dict-malformed.parquet", "name", PARQUET_STRING, "column name, row group 0" },
        { "large_string_map.brotli.parquet", "arr", PARQUET_MAP,
          "page of type 2, 1073741828 bytes" },
        { "ARROW-GH-41317.parquet", "timestamp_us_no_tz", PARQUET_TIMESTAMPTZ,
          "timestamp without zone" },
        { "ARROW-GH-41321.parquet", "int64", PARQUET_LONG,
          "column int64, row group 0: definition levels end before" },
        { "datapage_v1-corrupt-checksum.parquet", "a", PARQUET_INT,
          "column a, row group 0: page of 10240 bytes: its checksum is another one" },
        { "single_nan.parquet", "mycol", PARQUET_LONG, "DOUBLE (not annotated" },
        { "byte_stream_split.zstd.parquet", "f32", PARQUET_INT, "FLOAT (not annotated" },
        { "nested_lists.snappy.parquet", "a", PARQUET_LIST, "nested BYTE_ARRAY" },
        { "nullable.impala.parquet", "int_map", PARQUET_MAP, "INT32" },
        { "null_list.parquet", "emptylist", PARQUET_LIST, "INT32" },
        { "nested_maps.snappy.parquet", "a", PARQUET_MAP, "not that of the field" },
        { "map_no_value.parquet", "my_map_no_v", PARQUET_MAP, "not that of the field" },
        { "concatenated_gzip_members.parquet", "long_col", PARQUET_LONG, "not that of the field" },
        { "old_list_structure.parquet", "a", PARQUET_LIST, "not that of the field" },
        { "int64_decimal.parquet", "value", PARQUET_LONG, "not that of the field" },
        { "int64_decimal.parquet", "value", PARQUET_DECIMAL, "scale 2" },
        { "int64_decimal.parquet", "price", PARQUET_LONG, "column price: the file has none" },
        { "alltypes_plain.parquet", "timestamp_col", PARQUET_LONG, "INT96 (not annotated" },
        { "repeated_no_annotation.parquet", "id", PARQUET_INT, "footer: 0 rows, but" },
        { "alltypes_plain.parquet", "bigint_col", PARQUET_INT, "not that of the field" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct parquet_field field = { .name = refused[i].field,
                                       .kind = refused[i].kind,
                                       .precision = 18,
                                       .scale = 8,
                                       .child_optional = true };
        struct buf text = BUF_INIT;
        struct err err;
        size_t rows = 0;

        if (read_column(refused[i].file, &field, &text, &rows, &err) == 0)
            fail_msg("%s, %s was read", refused[i].file, refused[i].field);
        assert_int_equal(err.kind, ERR_CORRUPT);
        if (strstr(err.text, refused[i].text) == NULL)
            fail_msg("%s: %s", refused[i].file, err.text);
        buf_deinit(&text);
    }
}

static bool is_expected(const char *expected, const char *file, const char *name, const char *kind)
{
    char line[512];

    snprintf(line, sizeof(line), "\n%s %s %s ", file, name, kind);
    return strstr(expected, line) != NULL;
}

/* All kinds on all columns of a file, but for those that what_pyarrow_reads_is_read reads. */
static size_t refusals_of(const char *name, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct parquet_file file;
    char path[512];
    struct buf bytes;
    struct err err;
    size_t refusals = 0;

    snprintf(path, sizeof(path), FOLDER "%s", name);
    bytes = load_bytes(path);
    if (parquet_load(&arena, buf_span(&bytes), &file, &err) < 0) {
        assert_int_equal(err.kind, ERR_CORRUPT);
        file.leaf_count = 0;
    }
    for (size_t i = 0; i < file.leaf_count; i++)
        for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++) {
            struct parquet_field field = { .name = file.leaf[i].name,
                                           .kind = (enum parquet_kind)kind,
                                           .precision = 38,
                                           .scale = 37,
                                           .child_optional = true };
            struct buf text = BUF_INIT;
            size_t rows;

            if (is_expected(expected, name, field.name, kinds[kind]))
                continue;
            if (read_column(name, &field, &text, &rows, &err) == 0)
                fail_msg("%s, %s as %s was read", name, field.name, kinds[kind]);
            assert_int_equal(err.kind, ERR_CORRUPT);
            assert_non_null(strstr(err.text, file.leaf[i].name));
            refusals++;
            buf_deinit(&text);
        }
    arena_deinit(&arena);
    buf_deinit(&bytes);
    return refusals;
}

static void everything_else_is_refused(void **state)
{
    struct buf expected = BUF_INIT;
    DIR *folder = opendir(FOLDER);
    size_t files = 0, refusals = 0;

    (void)state;
    assert_non_null(folder);
    buf_put_byte(&expected, '\n');
    bytes_put_file(&expected, FOLDER "expected.txt");
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (strstr(entry->d_name, ".parquet") != NULL) {
            refusals += refusals_of(entry->d_name, buf_text(&expected));
            files++;
        }
    closedir(folder);
    buf_deinit(&expected);
    assert_int_equal(files, 57);
    assert_true(refusals > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_pyarrow_reads_is_read),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(damage_and_what_is_not_built_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
