// SPDX-License-Identifier: Apache-2.0
/* Files of apache/parquet-testing: what pyarrow reads in them is read (expected.txt, made by
 * expect.py), what is damaged or not built is refused by name. */
#include "codec/parquet_reader.h"
#include "lib/test.h"
#include "lib/parquet_load.h"

#include <zlib.h>

#define FOLDER K2_SOURCE_DIR "/tests/vectors/parquet-testing/"

static enum parquet_kind kind_of(const char *name)
{
    static const struct {
        const char *name;
        enum parquet_kind kind;
    } kinds[] = {
        { "bool", PARQUET_BOOL },       { "int", PARQUET_INT },       { "long", PARQUET_LONG },
        { "decimal", PARQUET_DECIMAL }, { "string", PARQUET_STRING }, { "list", PARQUET_LIST },
    };

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(name, kinds[i].name) == 0)
            return kinds[i].kind;
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
    assert_int_equal(lines, 158);
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
        { "delta_length_byte_array.parquet", "FRUIT", PARQUET_STRING,
          "column FRUIT, row group 0: encoding DELTA_LENGTH_BYTE_ARRAY (6)" },
        { "delta_encoding_required_column.parquet", "c_customer_id:", PARQUET_STRING,
          "encoding DELTA_BYTE_ARRAY (7)" },
        { "nested_maps.snappy.parquet", "a", PARQUET_MAP, "not that of the field" },
        { "map_no_value.parquet", "my_map_no_v", PARQUET_MAP, "not that of the field" },
        { "concatenated_gzip_members.parquet", "long_col", PARQUET_LONG, "not that of the field" },
        { "old_list_structure.parquet", "a", PARQUET_LIST, "not that of the field" },
        { "int64_decimal.parquet", "value", PARQUET_LONG, "not that of the field" },
        { "int64_decimal.parquet", "value", PARQUET_DECIMAL, "scale 2" },
        { "int64_decimal.parquet", "price", PARQUET_LONG, "column price: the file has none" },
        { "alltypes_plain.parquet", "timestamp_col", PARQUET_TIMESTAMPTZ, "not that of the field" },
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

        assert_err(read_column(refused[i].file, &field, &text, &rows, &err), ERR_CORRUPT);
        if (strstr(err.text, refused[i].text) == NULL)
            fail_msg("%s: %s", refused[i].file, err.text);
        buf_deinit(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_pyarrow_reads_is_read),
        cmocka_unit_test(damage_and_what_is_not_built_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
