// SPDX-License-Identifier: Apache-2.0
/* What the writer writes, the reader reads: random columns of every kind, nullability and encoding,
 * in pages and row groups of random sizes. */
#include "codec/parquet_reader.h"
#include "codec/parquet_writer.h"
#include "core/random.h"
#include "lib/test.h"
#include "lib/parquet_load.h"

enum { FIELDS = 10, ROWS_MAX = 3000 };

static struct parquet_field random_field(struct random *random, int index, char *name)
{
    struct parquet_field field = { .name = name,
                                   .field_id = index + 1,
                                   .kind = (enum parquet_kind)(index % FIELDS),
                                   .required = random_below(random, 2) == 0,
                                   .child_id = { index + 100, index + 200 },
                                   .child_optional = random_below(random, 2) == 0 };

    snprintf(name, 24, "field_%d", index);
    field.encoding = (enum parquet_encoding_wish)random_below(random, 3);
    if (field.encoding == PARQUET_DELTA && field.kind != PARQUET_INT &&
        field.kind != PARQUET_LONG && field.kind != PARQUET_TIMESTAMPTZ)
        field.encoding = PARQUET_DICTIONARY;
    if (field.kind == PARQUET_DECIMAL) {
        field.precision = (uint8_t)(1 + random_below(random, 38));
        field.scale = (uint8_t)random_below(random, (size_t)field.precision + 1);
    }
    return field;
}

/* How a column's values are spread: constant, few, many in rising order, any. */
static uint64_t random_value(struct random *random, size_t mode, size_t row)
{
    switch (mode) {
    case 0:
        return 42;
    case 1:
        return random_below(random, 7);
    case 2:
        return 1720000000000000 + row * 1000 + random_below(random, 900);
    default:
        return random_next(random) >> random_below(random, 64);
    }
}

static void put_text(struct random *random, size_t mode, size_t row, struct column *column)
{
    char text[128];
    uint64_t value = random_value(random, mode, row);
    int size = snprintf(text, sizeof(text), "%*llx", mode == 3 ? (int)(value % 60) : 1,
                        (unsigned long long)value);

    column_put_bytes(column, span_of(text, mode == 3 && value % 5 == 0 ? 0 : (size_t)size));
}

static void put_entries(struct random *random, const struct parquet_field *field, size_t mode,
                        size_t row, struct column *column)
{
    static const size_t most[] = { 1, 2, 3, 9 };
    bool map = field->kind == PARQUET_MAP;

    for (size_t n = mode == 0 ? 2 : random_below(random, most[mode] + 1); n > 0; n--) {
        if (map)
            put_text(random, 1, row, column->child[0]);
        if (field->child_optional && random_below(random, 5) == 0)
            column_put_null(column->child[map]);
        else
            put_text(random, mode, row, column->child[map]);
    }
    column_put_entries(column);
}

static void put_decimal(const struct parquet_field *field, uint64_t value, uint64_t high,
                        struct column *column)
{
    uint128 limit = 1;
    int128 units;

    for (int i = 0; i < field->precision; i++)
        limit *= 10;
    units = (int128)(((uint128)high << 64 | value) % limit);
    column_put_decimal(column, value % 2 == 0 ? units : -units);
}

static void put_row(struct random *random, const struct parquet_field *field, size_t mode,
                    size_t row, struct column *column)
{
    uint64_t value = random_value(random, mode, row);

    switch (field->kind) {
    case PARQUET_BOOL:
        column_put_bool(column, mode == 0 || value % 2 != 0);
        break;
    case PARQUET_INT:
    case PARQUET_DATE:
        column_put_int32(column, (int32_t)value);
        break;
    case PARQUET_LONG:
    case PARQUET_TIMESTAMPTZ:
        column_put_int64(column, (int64_t)value);
        break;
    case PARQUET_DECIMAL:
        put_decimal(field, value, mode == 3 ? random_next(random) >> random_below(random, 64) : 0,
                    column);
        break;
    case PARQUET_STRING:
    case PARQUET_BINARY:
        put_text(random, mode, row, column);
        break;
    case PARQUET_LIST:
    case PARQUET_MAP:
        put_entries(random, field, mode, row, column);
    }
}

static void fill(struct random *random, const struct parquet_field *field, size_t rows,
                 struct column *column)
{
    static const size_t null_share[] = { 0, 1, 2, 50, 1000 }; /* 0: none, 1: all, n: one of n */
    size_t share = field->required ? 0 : null_share[random_below(random, ARRAY_LEN(null_share))];
    size_t mode = random_below(random, 4);

    column_init(column, parquet_column_type(field->kind));
    for (size_t row = 0; row < rows; row++)
        if (share > 0 && random_below(random, share) == 0)
            column_put_null(column);
        else
            put_row(random, field, mode, row, column);
}

/* All columns as one file of several row groups. */
static void write_file(struct random *random, const struct parquet_field *fields,
                       const struct column *columns, size_t rows, struct buf *file)
{
    const struct column *pointers[FIELDS];
    struct parquet_options options = { .zstd_level = (int)random_below(random, 3),
                                       .page_rows_max = 1 + random_below(random, 2000),
                                       .page_bytes_max = 100 + random_below(random, 20000),
                                       .created_by = "k2 version 0.0.0 (build test)" };
    const struct parquet_pair pair = { "k2.writer", "here" };
    struct parquet_writer *writer = parquet_writer_new(fields, FIELDS, &options);
    struct err err;

    for (size_t i = 0; i < FIELDS; i++)
        pointers[i] = &columns[i];
    parquet_writer_begin(writer, file);
    for (size_t first = 0, n; first < rows; first += n) {
        n = size_min(rows - first, 1 + random_below(random, 2 * ROWS_MAX));
        assert_ok(parquet_writer_row_group(writer, pointers, first, n, file, &err));
    }
    assert_ok(parquet_writer_finish(writer, &pair, 1, file, &err));
    parquet_writer_free(writer);
}

static void check_bounds(const struct parquet_file *file, const struct parquet_field *field)
{
    size_t first, count;

    assert_true(parquet_file_leaves(file, field, &first, &count));
    assert_int_equal(count, field->kind == PARQUET_MAP ? 2 : 1);
    for (size_t g = 0; g < file->row_group_count; g++) {
        const struct parquet_chunk *chunk = &file->row_group[g].chunk[first];

        assert_true(chunk->has_null_count);
        if (field->kind == PARQUET_LONG && chunk->null_count < chunk->values) {
            assert_true(chunk->has_bounds);
            assert_true((int64_t)load_le64(chunk->lower.data) <=
                        (int64_t)load_le64(chunk->upper.data));
        }
    }
}

static void what_is_written_is_read(uint64_t seed)
{
    struct random random = { seed };
    struct parquet_field fields[FIELDS];
    struct column columns[FIELDS];
    char names[FIELDS][24];
    struct buf bytes = BUF_INIT;
    struct arena arena = ARENA_INIT;
    struct parquet_file file;
    size_t rows = random_below(&random, 10) == 0 ? 0 : random_below(&random, ROWS_MAX);
    struct err err;

    for (int i = 0; i < FIELDS; i++) {
        fields[i] = random_field(&random, i, names[i]);
        fill(&random, &fields[i], rows, &columns[i]);
    }
    write_file(&random, fields, columns, rows, &bytes);
    assert_ok(parquet_load(&arena, buf_span(&bytes), &file, &err));
    assert_int_equal(file.rows, rows);
    assert_true(span_equal(parquet_file_pair(&file, "k2.writer"), SPAN("here")));
    assert_null(parquet_file_pair(&file, "absent").data);
    assert_string_equal(file.created_by, "k2 version 0.0.0 (build test)");
    for (int i = 0; i < FIELDS; i++) {
        struct column found;

        check_bounds(&file, &fields[i]);
        assert_ok(parquet_load_column(&file, buf_span(&bytes), &fields[i], &found, &err));
        assert_int_equal(found.null_count, columns[i].null_count);
        if (!column_equal(&found, &columns[i]))
            fail_msg("%s, kind %d, encoding %d", fields[i].name, fields[i].kind,
                     fields[i].encoding);
        column_deinit(&found);
        column_deinit(&columns[i]);
    }
    arena_deinit(&arena);
    buf_deinit(&bytes);
}

static void random_tables_come_back_as_they_were(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++)
        what_is_written_is_read(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_tables_come_back_as_they_were),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
