// SPDX-License-Identifier: Apache-2.0
/*
 * column.h: a column of values in Arrow's memory layout, owned and growable.
 *
 * All data moves through K2 in these: log records, decoded trades, table rows.  The layout is that
 * of Arrow's columnar format (validity bitmap LSB first, 32-bit offsets, values back to back,
 * decimals as 128-bit two's complement little-endian), so that a batch can be handed to an Arrow
 * consumer without a copy.  A column that is cleared keeps its memory: a stage that reuses its
 * columns stops allocating.  One thread at a time.
 */
#ifndef K2_CORE_COLUMN_H
#define K2_CORE_COLUMN_H

#include "core/buf.h"

enum column_type {
    COLUMN_BOOL,    /* one byte a value here, 0 or 1 (the one departure from Arrow) */
    COLUMN_INT32,   /* int32_t; dates are days since 1970 */
    COLUMN_INT64,   /* int64_t; times are microseconds since 1970 UTC */
    COLUMN_DECIMAL, /* int128; the scale is the schema's business */
    COLUMN_BYTES,   /* text or binary: offsets and bytes */
    COLUMN_LIST,    /* offsets into child[0] */
    COLUMN_MAP,     /* offsets into child[0] (keys) and child[1] (values) */
};

struct column {
    enum column_type type;
    size_t rows;
    size_t null_count;
    struct buf validity;     /* bitmap, 1 = present; empty while null_count is 0 */
    struct buf offsets;      /* BYTES, LIST, MAP: rows + 1 int32_t once a row was put */
    struct buf values;       /* fixed-width values, or the bytes of BYTES */
    struct column *child[2]; /* owned */
};

/* Children of LIST and MAP: BYTES unless column_init_nested says otherwise. */
void column_init(struct column *column, enum column_type type);
void column_init_nested(struct column *column, enum column_type type, enum column_type child0,
                        enum column_type child1);
void column_deinit(struct column *column);
/* No rows; the memory is kept. */
void column_clear(struct column *column);
/* Drops the rows behind the first `rows`, and entries of a LIST or MAP whose row was not ended. */
void column_truncate(struct column *column, size_t rows);
/* Makes room for `rows` more rows and, for BYTES, `bytes` more bytes. */
void column_reserve(struct column *column, size_t rows, size_t bytes);

void column_put_null(struct column *column);
/* Ends a row of LIST or MAP whose entries the caller has put into the children. */
void column_put_entries(struct column *column);
/* Appends rows index[0..count) of `from`, which has the same type, in that order. */
void column_gather(struct column *column, const struct column *from, const uint32_t *index,
                   size_t count);
/* Appends rows [first, first + count) of `from`. */
void column_append(struct column *column, const struct column *from, size_t first, size_t count);
/* Of the rows from `first` on, keeps just index[0..count), which ascend and are not below first. */
void column_keep(struct column *column, size_t first, const uint32_t *index, size_t count);
/* Appends `count` times the same value, or null. */
void column_repeat_int64(struct column *column, int64_t value, size_t count);
void column_repeat_int32(struct column *column, int32_t value, size_t count);
void column_repeat_bytes(struct column *column, struct span value, size_t count);
void column_repeat_null(struct column *column, size_t count);
/* True when both hold the same rows, nulls included. */
bool column_equal(const struct column *a, const struct column *b);
/* Bytes of memory owned, children included. */
size_t column_memory(const struct column *column);

/* Behind the inline functions: marks the row just put as present in an existing bitmap. */
void column_mark_valid(struct column *column);
/* Puts the first offset, 0, when the column has no rows yet. */
void column_first_offset(struct column *column);

static inline bool column_is_null(const struct column *column, size_t row)
{
    return column->null_count > 0 && (column->validity.data[row >> 3] >> (row & 7) & 1) == 0;
}

static inline void column_put_int32(struct column *column, int32_t value)
{
    buf_put(&column->values, &value, sizeof(value));
    if (column->null_count > 0)
        column_mark_valid(column);
    column->rows++;
}

static inline void column_put_int64(struct column *column, int64_t value)
{
    buf_put(&column->values, &value, sizeof(value));
    if (column->null_count > 0)
        column_mark_valid(column);
    column->rows++;
}

static inline void column_put_decimal(struct column *column, int128 value)
{
    buf_put(&column->values, &value, sizeof(value));
    if (column->null_count > 0)
        column_mark_valid(column);
    column->rows++;
}

static inline void column_put_bool(struct column *column, bool value)
{
    buf_put_byte(&column->values, value);
    if (column->null_count > 0)
        column_mark_valid(column);
    column->rows++;
}

/* The bytes of one column may reach 2 GiB - 1: the caller cuts batches long before. */
static inline void column_put_bytes(struct column *column, struct span value)
{
    int32_t end;

    if (column->offsets.size == 0)
        column_first_offset(column);
    buf_put_span(&column->values, value);
    ASSERT(column->values.size <= INT32_MAX);
    end = (int32_t)column->values.size;
    buf_put(&column->offsets, &end, sizeof(end));
    if (column->null_count > 0)
        column_mark_valid(column);
    column->rows++;
}

static inline const int32_t *column_offsets(const struct column *column)
{
    return (const int32_t *)(const void *)column->offsets.data;
}

static inline const int32_t *column_int32s(const struct column *column)
{
    return (const int32_t *)(const void *)column->values.data;
}

static inline const int64_t *column_int64s(const struct column *column)
{
    return (const int64_t *)(const void *)column->values.data;
}

static inline int32_t column_int32(const struct column *column, size_t row)
{
    return column_int32s(column)[row];
}

static inline int64_t column_int64(const struct column *column, size_t row)
{
    return column_int64s(column)[row];
}

static inline int128 column_decimal(const struct column *column, size_t row)
{
    int128 value;

    memcpy(&value, column->values.data + row * sizeof(value), sizeof(value));
    return value;
}

static inline struct span column_bytes(const struct column *column, size_t row)
{
    const int32_t *offset = column_offsets(column) + row;

    return (struct span){ column->values.data + offset[0], (size_t)(offset[1] - offset[0]) };
}

#endif
