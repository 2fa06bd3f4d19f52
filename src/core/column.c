// SPDX-License-Identifier: Apache-2.0
/* column.c: growth, nulls and gathering.  The validity bitmap exists only once a null was put, so
 * the common column pays nothing for nulls. */
#include "core/column.h"
#include "core/num.h"

static size_t value_size(enum column_type type)
{
    switch (type) {
    case COLUMN_BOOL:
        return 1;
    case COLUMN_INT32:
        return 4;
    case COLUMN_INT64:
        return 8;
    case COLUMN_DECIMAL:
        return 16;
    default:
        return 0;
    }
}

static int child_count(enum column_type type)
{
    return type == COLUMN_MAP ? 2 : type == COLUMN_LIST ? 1 : 0;
}

void column_init(struct column *column, enum column_type type)
{
    column_init_nested(column, type, COLUMN_BYTES, COLUMN_BYTES);
}

void column_init_nested(struct column *column, enum column_type type, enum column_type child0,
                        enum column_type child1)
{
    const enum column_type types[2] = { child0, child1 };

    *column = (struct column){ .type = type };
    for (int i = 0; i < child_count(type); i++) {
        column->child[i] = mem_zero(1, sizeof(struct column));
        column_init(column->child[i], types[i]);
    }
}

void column_deinit(struct column *column)
{
    buf_deinit(&column->validity);
    buf_deinit(&column->offsets);
    buf_deinit(&column->values);
    for (int i = 0; i < 2; i++) {
        if (column->child[i] != NULL)
            column_deinit(column->child[i]);
        free(column->child[i]);
    }
    *column = (struct column){ .type = column->type };
}

void column_clear(struct column *column)
{
    column->rows = 0;
    column->null_count = 0;
    buf_clear(&column->validity);
    buf_clear(&column->offsets);
    buf_clear(&column->values);
    for (int i = 0; i < child_count(column->type); i++)
        column_clear(column->child[i]);
}

/* Counts the nulls again; no null, no bitmap, and bits behind the last row are 1. */
static void truncate_nulls(struct column *column, size_t rows)
{
    for (size_t row = rows; row < column->rows; row++)
        column->null_count -= column_is_null(column, row);
    if (column->null_count == 0) {
        buf_clear(&column->validity);
        return;
    }
    column->validity.size = (rows + 7) / 8;
    if (rows % 8 != 0)
        column->validity.data[rows / 8] |= (uint8_t)(0xff << rows % 8);
}

void column_truncate(struct column *column, size_t rows)
{
    size_t width = value_size(column->type);
    size_t end;

    ASSERT(rows <= column->rows);
    truncate_nulls(column, rows);
    column->rows = rows;
    if (width > 0) {
        column->values.size = rows * width;
        return;
    }
    end = rows == 0 ? 0 : (size_t)column_offsets(column)[rows];
    column->offsets.size = rows == 0 ? 0 : (rows + 1) * sizeof(int32_t);
    if (column->type == COLUMN_BYTES)
        column->values.size = end;
    for (int i = 0; i < child_count(column->type); i++)
        column_truncate(column->child[i], end);
}

void column_reserve(struct column *column, size_t rows, size_t bytes)
{
    size_t width = value_size(column->type);

    ASSERT(rows <= INT32_MAX);
    if (width > 0)
        buf_reserve(&column->values, rows * width);
    else
        buf_reserve(&column->offsets, (rows + 1) * sizeof(int32_t));
    if (column->type == COLUMN_BYTES)
        buf_reserve(&column->values, bytes);
}

void column_first_offset(struct column *column)
{
    const int32_t zero = 0;

    buf_put(&column->offsets, &zero, sizeof(zero));
}

/* Extends the bitmap to `rows` bits; new bits are 1. */
static void bitmap_extend(struct column *column, size_t rows)
{
    size_t bytes = (rows + 7) / 8;

    if (bytes > column->validity.size) {
        size_t more = bytes - column->validity.size;

        memset(buf_extend(&column->validity, more), 0xff, more);
    }
}

static void mark_null(struct column *column, size_t row)
{
    bitmap_extend(column, row + 1);
    column->validity.data[row >> 3] &= (uint8_t) ~(1u << (row & 7));
    column->null_count++;
}

void column_mark_valid(struct column *column)
{
    size_t row = column->rows;

    bitmap_extend(column, row + 1);
    column->validity.data[row >> 3] |= (uint8_t)(1u << (row & 7));
}

static void put_offset(struct column *column, size_t end)
{
    int32_t offset;

    if (column->offsets.size == 0)
        column_first_offset(column);
    ASSERT(end <= INT32_MAX);
    offset = (int32_t)end;
    buf_put(&column->offsets, &offset, sizeof(offset));
}

static size_t entries_end(const struct column *column)
{
    return column->type == COLUMN_BYTES ? column->values.size : column->child[0]->rows;
}

void column_put_null(struct column *column)
{
    size_t width = value_size(column->type);

    if (width > 0)
        memset(buf_extend(&column->values, width), 0, width);
    else
        put_offset(column, entries_end(column));
    mark_null(column, column->rows);
    column->rows++;
}

void column_put_entries(struct column *column)
{
    ASSERT(column->type == COLUMN_LIST ||
           (column->type == COLUMN_MAP && column->child[0]->rows == column->child[1]->rows));
    put_offset(column, entries_end(column));
    if (column->null_count > 0)
        column_mark_valid(column);
    column->rows++;
}

static void gather_fixed(struct column *column, const struct column *from, const uint32_t *index,
                         size_t count)
{
    size_t width = value_size(column->type);
    uint8_t *to = buf_extend(&column->values, count * width);

    switch (width) {
    case 4:
        for (size_t i = 0; i < count; i++)
            memcpy(to + i * 4, from->values.data + (size_t)index[i] * 4, 4);
        break;
    case 8:
        for (size_t i = 0; i < count; i++)
            memcpy(to + i * 8, from->values.data + (size_t)index[i] * 8, 8);
        break;
    default:
        for (size_t i = 0; i < count; i++)
            memcpy(to + i * width, from->values.data + (size_t)index[i] * width, width);
    }
}

static void gather_bytes(struct column *column, const struct column *from, const uint32_t *index,
                         size_t count)
{
    const int32_t *offsets = column_offsets(from);
    size_t bytes = 0;
    uint8_t *to;
    int32_t *ends;
    size_t end = column->values.size;

    for (size_t i = 0; i < count; i++)
        bytes += (size_t)(offsets[index[i] + 1] - offsets[index[i]]);
    ASSERT(end + bytes <= INT32_MAX);
    to = buf_extend(&column->values, bytes);
    ends = (int32_t *)(void *)buf_extend(&column->offsets, count * sizeof(int32_t));
    for (size_t i = 0; i < count; i++) {
        size_t size = (size_t)(offsets[index[i] + 1] - offsets[index[i]]);

        if (size > 0)
            memcpy(to, from->values.data + offsets[index[i]], size);
        to += size;
        end += size;
        ends[i] = (int32_t)end;
    }
}

static void gather_entries(struct column *column, const struct column *from, const uint32_t *index,
                           size_t count)
{
    const int32_t *offsets = column_offsets(from);

    for (size_t i = 0; i < count; i++) {
        size_t first = (size_t)offsets[index[i]];
        size_t entries = (size_t)offsets[index[i] + 1] - first;

        for (int c = 0; c < child_count(column->type) && entries > 0; c++)
            column_append(column->child[c], from->child[c], first, entries);
        put_offset(column, entries_end(column));
    }
}

/* The nulls of the rows just put, [column->rows, + count), taken from rows index[i] of `from`. */
static void gather_nulls(struct column *column, const struct column *from, const uint32_t *index,
                         size_t count)
{
    if (from->null_count > 0)
        for (size_t i = 0; i < count; i++)
            if (column_is_null(from, index[i]))
                mark_null(column, column->rows + i);
    column->rows += count;
    if (column->null_count > 0)
        bitmap_extend(column, column->rows);
}

void column_gather(struct column *column, const struct column *from, const uint32_t *index,
                   size_t count)
{
    ASSERT(column->type == from->type && column != from);
    if (count == 0)
        return;
    if (value_size(column->type) > 0) {
        gather_fixed(column, from, index, count);
    } else {
        if (column->offsets.size == 0)
            column_first_offset(column);
        if (column->type == COLUMN_BYTES)
            gather_bytes(column, from, index, count);
        else
            gather_entries(column, from, index, count);
    }
    gather_nulls(column, from, index, count);
}

/* Offsets of rows [first, first + count] of `from`, moved to where `column` now ends. */
static void append_offsets(struct column *column, const struct column *from, size_t first,
                           size_t count)
{
    const int32_t *offsets = column_offsets(from) + first;
    int64_t shift;
    int32_t *ends;

    if (column->offsets.size == 0)
        column_first_offset(column);
    shift = (int64_t)entries_end(column) - offsets[0];
    ASSERT(shift + offsets[count] <= INT32_MAX);
    ends = (int32_t *)(void *)buf_extend(&column->offsets, count * sizeof(int32_t));
    for (size_t i = 0; i < count; i++)
        ends[i] = (int32_t)(offsets[i + 1] + shift);
}

void column_append(struct column *column, const struct column *from, size_t first, size_t count)
{
    size_t width = value_size(column->type);

    ASSERT(column->type == from->type && column != from && first + count <= from->rows);
    if (count == 0)
        return;
    if (width > 0) {
        buf_put(&column->values, from->values.data + first * width, count * width);
    } else {
        size_t begin = (size_t)column_offsets(from)[first];
        size_t entries = (size_t)column_offsets(from)[first + count] - begin;

        append_offsets(column, from, first, count);
        if (column->type == COLUMN_BYTES)
            buf_put(&column->values, from->values.data + begin, entries);
        for (int c = 0; c < child_count(column->type); c++)
            column_append(column->child[c], from->child[c], begin, entries);
    }
    if (from->null_count > 0)
        for (size_t i = 0; i < count; i++)
            if (column_is_null(from, first + i))
                mark_null(column, column->rows + i);
    column->rows += count;
    if (column->null_count > 0)
        bitmap_extend(column, column->rows);
}

static void keep_fixed(struct column *column, size_t first, const uint32_t *index, size_t count)
{
    size_t width = value_size(column->type);
    uint8_t *values = column->values.data;

    for (size_t i = 0; i < count; i++)
        memmove(values + (first + i) * width, values + (size_t)index[i] * width, width);
    column->values.size = (first + count) * width;
}

static void keep_bytes(struct column *column, size_t first, const uint32_t *index, size_t count)
{
    int32_t *offsets = (int32_t *)(void *)column->offsets.data;
    size_t end = (size_t)offsets[first];

    for (size_t i = 0; i < count; i++) {
        size_t begin = (size_t)offsets[index[i]];
        size_t size = (size_t)offsets[index[i] + 1] - begin;

        if (size > 0) /* all may be empty, and then there is no data */
            memmove(column->values.data + end, column->values.data + begin, size);
        end += size;
        offsets[first + i + 1] = (int32_t)end;
    }
    column->values.size = end;
    column->offsets.size = (first + count + 1) * sizeof(*offsets);
}

/* Children move in runs, so lists and maps are made anew beside the old. */
static void keep_entries(struct column *column, size_t first, const uint32_t *index, size_t count)
{
    struct column kept;

    column_init_nested(&kept, column->type, column->child[0]->type,
                       column->child[column->type == COLUMN_MAP ? 1 : 0]->type);
    column_append(&kept, column, 0, first);
    column_gather(&kept, column, index, count);
    column_deinit(column);
    *column = kept;
}

/* The bitmap of the rows kept; the null count with it. */
static void keep_nulls(struct column *column, size_t first, const uint32_t *index, size_t count)
{
    size_t nulls = 0;

    if (column->null_count == 0)
        return;
    for (size_t i = 0; i < first + count; i++) {
        size_t from = i < first ? i : index[i - first];
        bool is_valid = column->validity.data[from >> 3] >> (from & 7) & 1;

        nulls += !is_valid;
        column->validity.data[i >> 3] &= (uint8_t) ~(1u << (i & 7));
        column->validity.data[i >> 3] |= (uint8_t)((unsigned)is_valid << (i & 7));
    }
    column->null_count = nulls;
    column->validity.size = nulls == 0 ? 0 : (first + count + 7) / 8;
}

void column_keep(struct column *column, size_t first, const uint32_t *index, size_t count)
{
    ASSERT(first <= column->rows && count <= column->rows - first);
    if (count == column->rows - first)
        return;
    if (child_count(column->type) > 0) {
        keep_entries(column, first, index, count);
        return;
    }
    if (value_size(column->type) > 0)
        keep_fixed(column, first, index, count);
    else
        keep_bytes(column, first, index, count);
    keep_nulls(column, first, index, count);
    column->rows = first + count;
}

void column_repeat_int64(struct column *column, int64_t value, size_t count)
{
    column_reserve(column, count, 0);
    for (size_t i = 0; i < count; i++)
        column_put_int64(column, value);
}

void column_repeat_int32(struct column *column, int32_t value, size_t count)
{
    column_reserve(column, count, 0);
    for (size_t i = 0; i < count; i++)
        column_put_int32(column, value);
}

void column_repeat_bytes(struct column *column, struct span value, size_t count)
{
    column_reserve(column, count, count * value.size);
    for (size_t i = 0; i < count; i++)
        column_put_bytes(column, value);
}

void column_repeat_null(struct column *column, size_t count)
{
    for (size_t i = 0; i < count; i++)
        column_put_null(column);
}

static bool rows_equal(const struct column *a, const struct column *b, size_t row)
{
    size_t width = value_size(a->type);

    if (column_is_null(a, row) != column_is_null(b, row))
        return false;
    if (column_is_null(a, row))
        return true;
    if (width > 0)
        return memcmp(a->values.data + row * width, b->values.data + row * width, width) == 0;
    if (a->type == COLUMN_BYTES)
        return span_equal(column_bytes(a, row), column_bytes(b, row));
    return column_offsets(a)[row + 1] == column_offsets(b)[row + 1];
}

bool column_equal(const struct column *a, const struct column *b)
{
    if (a->type != b->type || a->rows != b->rows)
        return false;
    for (size_t row = 0; row < a->rows; row++)
        if (!rows_equal(a, b, row))
            return false;
    for (int c = 0; c < child_count(a->type); c++)
        if (!column_equal(a->child[c], b->child[c]))
            return false;
    return true;
}

size_t column_memory(const struct column *column)
{
    size_t bytes = column->validity.capacity + column->offsets.capacity + column->values.capacity;

    for (int c = 0; c < child_count(column->type); c++)
        bytes += column_memory(column->child[c]);
    return bytes;
}
