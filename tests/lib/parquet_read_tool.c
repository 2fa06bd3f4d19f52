// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_read_tool.c: what our reader finds in a Parquet file.
 *
 *   parquet_read_tool FILE.parquet ID:NAME:KIND …
 *
 * A line for each field: a JSON array of its values, bytes in hex, decimals unscaled and as text,
 * decimal(18,8).  Exit code 1 and the error on stderr when the file is refused.
 */
#include "lib/parquet_load.h"

static const char *const kinds[] = {
    [PARQUET_BOOL] = "bool",       [PARQUET_INT] = "int",
    [PARQUET_LONG] = "long",       [PARQUET_DATE] = "date",
    [PARQUET_DECIMAL] = "decimal", [PARQUET_TIMESTAMPTZ] = "timestamptz",
    [PARQUET_STRING] = "string",   [PARQUET_BINARY] = "binary",
    [PARQUET_LIST] = "list",       [PARQUET_MAP] = "map",
};

static bool parse_field(const char *word, char *name, struct parquet_field *field)
{
    char kind[16];
    int id;

    *field =
        (struct parquet_field){ .name = name, .precision = 18, .scale = 8, .child_optional = true };
    if (sscanf(word, "%d:%63[^:]:%15s", &id, name, kind) != 3)
        return false;
    field->field_id = id;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i], kind) == 0) {
            field->kind = (enum parquet_kind)i;
            return true;
        }
    return false;
}

static void print_value(const struct column *column, size_t row);

static void print_entries(const struct column *column, size_t row)
{
    const int32_t *offsets = column_offsets(column) + row;

    for (int32_t i = offsets[0]; i < offsets[1]; i++) {
        fputs(i > offsets[0] ? "," : "", stdout);
        fputs(column->type == COLUMN_MAP ? "[" : "", stdout);
        print_value(column->child[0], (size_t)i);
        if (column->type == COLUMN_MAP) {
            putchar(',');
            print_value(column->child[1], (size_t)i);
            putchar(']');
        }
    }
}

static void print_value(const struct column *column, size_t row)
{
    struct buf text = BUF_INIT;

    if (column_is_null(column, row)) {
        fputs("null", stdout);
        return;
    }
    switch (column->type) {
    case COLUMN_BOOL:
        fputs(column->values.data[row] ? "true" : "false", stdout);
        break;
    case COLUMN_INT32:
        printf("%" PRId32, column_int32(column, row));
        break;
    case COLUMN_INT64:
        printf("%" PRId64, column_int64(column, row));
        break;
    case COLUMN_DECIMAL:
        show_decimal(&text, column_decimal(column, row));
        printf("\"%s\"", buf_text(&text));
        break;
    case COLUMN_BYTES:
        putchar('"');
        for (size_t i = 0; i < column_bytes(column, row).size; i++)
            printf("%02x", column_bytes(column, row).data[i]);
        putchar('"');
        break;
    default:
        putchar('[');
        print_entries(column, row);
        putchar(']');
    }
    buf_deinit(&text);
}

int main(int argc, char **argv)
{
    struct arena arena = ARENA_INIT;
    struct parquet_file file;
    struct err err = { 0 };
    struct buf bytes = argc > 1 ? load_bytes(argv[1]) : BUF_INIT;
    int rc = argc > 1 ? parquet_load(&arena, buf_span(&bytes), &file, &err) : -1;

    for (int i = 2; rc == 0 && i < argc; i++) {
        struct parquet_field field;
        struct column column;
        char name[64];

        if (!parse_field(argv[i], name, &field)) {
            rc = err_set(&err, ERR_CONFIG, "%s: not a field", argv[i]);
            break;
        }
        rc = parquet_load_column(&file, buf_span(&bytes), &field, &column, &err);
        putchar('[');
        for (size_t row = 0; rc == 0 && row < column.rows; row++) {
            fputs(row > 0 ? "," : "", stdout);
            print_value(&column, row);
        }
        puts("]");
        column_deinit(&column);
    }
    if (rc != 0)
        fprintf(stderr, "%s\n", err.text);
    arena_deinit(&arena);
    buf_deinit(&bytes);
    return rc != 0;
}
