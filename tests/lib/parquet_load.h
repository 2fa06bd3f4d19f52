// SPDX-License-Identifier: Apache-2.0
/* parquet_load.h: a Parquet file from disk or memory, read field by field, and rows as text. */
#ifndef K2_TESTS_PARQUET_LOAD_H
#define K2_TESTS_PARQUET_LOAD_H

#include "codec/parquet_reader.h"
#include "core/num.h"
#include "lib/bytes.h"

#include <inttypes.h>

static inline struct buf load_bytes(const char *path)
{
    struct buf bytes = BUF_INIT;

    bytes_put_file(&bytes, path);
    return bytes;
}

/* A file that an attacker may have written, so the test's own arithmetic is checked too. */
static inline int parquet_load(struct arena *arena, struct span bytes, struct parquet_file *out,
                               struct err *err)
{
    uint64_t size = 0;

    if (bytes.size < PARQUET_TAIL_BYTES)
        return err_set(err, ERR_CORRUPT, "too small");
    if (parquet_footer_size(
            span_of(bytes.data + bytes.size - PARQUET_TAIL_BYTES, PARQUET_TAIL_BYTES), bytes.size,
            &size, err) < 0)
        return -1;
    return parquet_file_parse(
        arena, span_of(bytes.data + bytes.size - PARQUET_TAIL_BYTES - size, (size_t)size),
        bytes.size, out, err);
}

/* One row group's rows of a field, appended. */
static inline int parquet_load_field(const struct parquet_file *file, struct span bytes,
                                     size_t row_group, const struct parquet_field *field,
                                     struct parquet_scratch *scratch, struct column *out,
                                     struct err *err)
{
    struct span chunks[2] = { { NULL, 0 }, { NULL, 0 } };
    size_t first, count;

    if (parquet_file_leaves(file, field, &first, &count))
        for (size_t i = 0; i < size_min(count, 2); i++) {
            const struct parquet_chunk *chunk = &file->row_group[row_group].chunk[first + i];

            chunks[i] = span_of(bytes.data + chunk->offset, (size_t)chunk->size);
        }
    return parquet_read_field(file, row_group, field, chunks, scratch, out, err);
}

/* All rows of a field. */
static inline int parquet_load_column(const struct parquet_file *file, struct span bytes,
                                      const struct parquet_field *field, struct column *out,
                                      struct err *err)
{
    struct parquet_scratch scratch = { 0 };
    int rc = 0;

    column_init(out, parquet_column_type(field->kind));
    for (size_t g = 0; g < file->row_group_count && rc == 0; g++)
        rc = parquet_load_field(file, bytes, g, field, &scratch, out, err);
    parquet_scratch_deinit(&scratch);
    return rc;
}

static inline void show_bytes(struct buf *text, struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t b = bytes.data[i];

        if ((b >= 48 && b <= 122 && b != '\\') || b == '-')
            buf_put_byte(text, b);
        else
            buf_printf(text, "\\%02x", b);
    }
}

static inline void show_decimal(struct buf *text, int128 value)
{
    char digits[48];
    size_t at = sizeof(digits);
    uint128 magnitude = value < 0 ? -(uint128)value : (uint128)value;

    do {
        digits[--at] = (char)('0' + (int)(magnitude % 10));
        magnitude /= 10;
    } while (magnitude > 0);
    if (value < 0)
        digits[--at] = '-';
    buf_put(text, digits + at, sizeof(digits) - at);
}

static inline void show_value(struct buf *text, const struct column *column, size_t row);

static inline void show_entries(struct buf *text, const struct column *column, size_t row)
{
    bool map = column->type == COLUMN_MAP;
    size_t first = (size_t)column_offsets(column)[row];
    size_t end = (size_t)column_offsets(column)[row + 1];

    buf_put_byte(text, map ? '{' : '[');
    for (size_t i = first; i < end; i++) {
        buf_put_text(text, i > first ? "," : "");
        show_value(text, column->child[0], i);
        if (map) {
            buf_put_byte(text, '=');
            show_value(text, column->child[1], i);
        }
    }
    buf_put_byte(text, map ? '}' : ']');
}

/* As tests/vectors/parquet/make.py writes them. */
static inline void show_value(struct buf *text, const struct column *column, size_t row)
{
    if (column_is_null(column, row)) {
        buf_put_byte(text, '~');
        return;
    }
    switch (column->type) {
    case COLUMN_BOOL:
        buf_printf(text, "%d", column->values.data[row]);
        break;
    case COLUMN_INT32:
        buf_printf(text, "%" PRId32, column_int32(column, row));
        break;
    case COLUMN_INT64:
        buf_printf(text, "%" PRId64, column_int64(column, row));
        break;
    case COLUMN_DECIMAL:
        show_decimal(text, column_decimal(column, row));
        break;
    case COLUMN_BYTES:
        show_bytes(text, column_bytes(column, row));
        break;
    default:
        show_entries(text, column, row);
    }
}

#endif
