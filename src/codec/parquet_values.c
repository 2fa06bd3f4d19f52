// SPDX-License-Identifier: Apache-2.0
/* parquet_values.c: squeezing and narrowing.  The loops write every row and step on only past
 * present ones, so that nulls cost no branch. */
#include "codec/parquet_values.h"

static inline size_t bit_at(const uint8_t *bitmap, size_t row)
{
    return bitmap[row >> 3] >> (row & 7) & 1;
}

size_t parquet_values_nulls(const struct column *column, size_t first, size_t count)
{
    const uint8_t *bitmap = column->validity.data;
    size_t present = 0;
    size_t row = first, end = first + count;

    if (column->null_count == 0 || count == 0)
        return 0;
    for (; row < end && (row & 7) != 0; row++)
        present += bit_at(bitmap, row);
    for (; row + 8 <= end; row += 8)
        present += (size_t)__builtin_popcount(bitmap[row >> 3]);
    for (; row < end; row++)
        present += bit_at(bitmap, row);
    return count - present;
}

static size_t squeeze_int32(int32_t *restrict to, const int32_t *restrict from,
                            const uint8_t *bitmap, size_t first, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        to[n] = from[i];
        n += bit_at(bitmap, first + i);
    }
    return n;
}

static size_t squeeze_int64(int64_t *restrict to, const int64_t *restrict from,
                            const uint8_t *bitmap, size_t first, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        to[n] = from[i];
        n += bit_at(bitmap, first + i);
    }
    return n;
}

static size_t squeeze_bytes(uint8_t *restrict to, const uint8_t *restrict from, size_t width,
                            const uint8_t *bitmap, size_t first, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        memcpy(to + n * width, from + i * width, width);
        n += bit_at(bitmap, first + i);
    }
    return n;
}

static void take_fixed(const struct column *leaf, size_t first, size_t nulls, struct buf *scratch,
                       struct parquet_values *out)
{
    const uint8_t *from = leaf->values.data + first * out->width;
    size_t count = out->count;

    out->fixed = from;
    if (nulls == 0)
        return;
    out->fixed = buf_extend(scratch, count * out->width);
    if (out->width == 4)
        out->count = squeeze_int32((int32_t *)(void *)scratch->data, (const void *)from,
                                   leaf->validity.data, first, count);
    else if (out->width == 8)
        out->count = squeeze_int64((int64_t *)(void *)scratch->data, (const void *)from,
                                   leaf->validity.data, first, count);
    else
        out->count =
            squeeze_bytes(scratch->data, from, out->width, leaf->validity.data, first, count);
}

/* Narrows count decimals to 64 bits; false if one is not within ±limit. */
static bool narrow_decimals(int64_t *restrict to, const uint8_t *restrict from, size_t count,
                            int64_t limit)
{
    int64_t bad = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t half[2];

        memcpy(half, from + i * sizeof(half), sizeof(half));
        to[i] = half[0];
        bad |= half[1] ^ (half[0] >> 63); /* the high half is more than the sign */
        bad |= half[0] > limit || half[0] < -limit;
    }
    return bad == 0;
}

static int decimal_too_wide(const struct parquet_shape *shape, const struct column *leaf,
                            size_t first, size_t count, int128 limit, struct err *err)
{
    for (size_t row = first; row < first + count; row++) {
        int128 value = column_decimal(leaf, row);

        if (!column_is_null(leaf, row) && (value > limit || value < -limit))
            return err_set(err, ERR_FATAL, "column %s, row %zu: more than %d digits",
                           shape->field->name, row, shape->field->precision);
    }
    return 0; /* a null's filling, which nobody sees */
}

static int take_decimal(const struct parquet_shape *shape, const struct column *leaf, size_t first,
                        size_t nulls, struct buf *scratch, struct parquet_values *out,
                        struct err *err)
{
    size_t count = out->count;
    int128 limit = 1;
    int64_t *to;

    for (int i = 0; i < shape->field->precision; i++)
        limit *= 10;
    limit--;
    if (out->width == 16) {
        take_fixed(leaf, first, nulls, scratch, out);
        return decimal_too_wide(shape, leaf, first, count, limit, err);
    }
    to = (int64_t *)(void *)buf_extend(scratch, count * sizeof(*to));
    out->fixed = scratch->data;
    if (!narrow_decimals(to, leaf->values.data + first * sizeof(int128), count, (int64_t)limit) &&
        decimal_too_wide(shape, leaf, first, count, limit, err) < 0)
        return -1;
    if (nulls > 0) {
        size_t n = 0;

        for (size_t i = 0; i < count; i++) {
            to[n] = to[i];
            n += bit_at(leaf->validity.data, first + i);
        }
        out->count = n;
    }
    return 0;
}

static void take_bytes(const struct column *leaf, size_t first, size_t nulls, struct buf *scratch,
                       struct parquet_values *out)
{
    static const int32_t none = 0; /* a column that never held a row has no offsets at all */
    const int32_t *from = leaf->rows > 0 ? column_offsets(leaf) + first : &none;
    size_t count = out->count;
    int32_t *to;
    size_t n = 0;

    out->offsets = from;
    out->bytes = leaf->values.data;
    if (nulls == 0)
        return;
    to = (int32_t *)(void *)buf_extend(scratch, (count + 1) * sizeof(*to));
    for (size_t i = 0; i < count; i++) {
        bool present = bit_at(leaf->validity.data, first + i) != 0;

        ASSERT(present || from[i] == from[i + 1]); /* column_put_null: a null holds no bytes */
        to[n] = from[i];
        n += present;
    }
    to[n] = from[count];
    out->offsets = to;
    out->count = n;
}

static size_t width_of(enum parquet_type type)
{
    switch (type) {
    case PARQUET_TYPE_BOOLEAN:
        return 1;
    case PARQUET_TYPE_INT32:
        return 4;
    case PARQUET_TYPE_INT64:
        return 8;
    case PARQUET_TYPE_FIXED_LEN_BYTE_ARRAY:
        return 16;
    default:
        return 0;
    }
}

static int null_in_required(const struct parquet_shape *shape, const struct column *leaf,
                            size_t first, struct err *err)
{
    size_t row = first;

    while (!column_is_null(leaf, row))
        row++;
    return err_set(err, ERR_FATAL, "column %s%s%s, row %zu: null, but it is required",
                   shape->field->name, shape->child < 0 ? "" : ".",
                   shape->child < 0 ? "" : shape->path[2], row);
}

int parquet_values_take(const struct parquet_shape *shape, const struct column *leaf, size_t first,
                        size_t count, struct buf *scratch, struct parquet_values *out,
                        struct err *err)
{
    size_t nulls = parquet_values_nulls(leaf, first, count);

    ASSERT(first + count <= leaf->rows);
    *out = (struct parquet_values){
        .type = shape->type,
        .type_size = shape->type_size,
        .width = width_of(shape->type),
        .count = count,
    };
    if (nulls > 0 && !shape->optional)
        return null_in_required(shape, leaf, first, err);
    buf_clear(scratch);
    if (leaf->type == COLUMN_DECIMAL)
        return take_decimal(shape, leaf, first, nulls, scratch, out, err);
    if (leaf->type == COLUMN_BYTES)
        take_bytes(leaf, first, nulls, scratch, out);
    else
        take_fixed(leaf, first, nulls, scratch, out);
    return 0;
}

size_t parquet_values_plain_bytes(const struct parquet_values *values, size_t first, size_t count)
{
    switch (values->type) {
    case PARQUET_TYPE_BOOLEAN:
        return (count + 7) / 8;
    case PARQUET_TYPE_FIXED_LEN_BYTE_ARRAY:
        return count * values->type_size;
    case PARQUET_TYPE_BYTE_ARRAY:
        return (size_t)(values->offsets[first + count] - values->offsets[first]) +
               count * sizeof(uint32_t);
    default:
        return count * values->width;
    }
}
