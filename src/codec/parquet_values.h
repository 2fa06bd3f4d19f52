// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_values.h: the values of one leaf in one row group, without the nulls, in the form that
 * the encodings take.  A column without nulls is borrowed as it lies; nulls are squeezed out and
 * decimals narrowed in one pass into scratch memory.
 */
#ifndef K2_CODEC_PARQUET_VALUES_H
#define K2_CODEC_PARQUET_VALUES_H

#include "codec/parquet_shape.h"

struct parquet_values {
    enum parquet_type type;
    size_t type_size; /* FIXED_LEN_BYTE_ARRAY: encoded bytes a value */
    size_t width;     /* bytes a value in `fixed`: 1 BOOLEAN, 4, 8, 16 (int128) FIXED; 0 bytes */
    size_t count;
    const uint8_t *fixed;   /* count * width; NULL for BYTE_ARRAY; aligned to 8 from width 8 on */
    const int32_t *offsets; /* BYTE_ARRAY: count + 1, into bytes */
    const uint8_t *bytes;
};

/*
 * Rows [first, first + count) of the leaf's own column (parquet_shape_leaf).  Borrows from `leaf`
 * and from `scratch`, which is overwritten.  FATAL, with column and row: a null where the shape has
 * none, a decimal beyond its precision.
 */
CHECK_RESULT int parquet_values_take(const struct parquet_shape *shape, const struct column *leaf,
                                     size_t first, size_t count, struct buf *scratch,
                                     struct parquet_values *out, struct err *err);

/* Nulls among rows [first, first + count). */
size_t parquet_values_nulls(const struct column *column, size_t first, size_t count);

/* Bytes of values [first, first + count) in PLAIN encoding (BOOLEAN: rounded up). */
size_t parquet_values_plain_bytes(const struct parquet_values *values, size_t first, size_t count);

static inline int128 parquet_values_number(const struct parquet_values *values, size_t i)
{
    int128 wide;
    int64_t number;
    int32_t narrow;

    switch (values->width) {
    case 1:
        return values->fixed[i];
    case 4:
        memcpy(&narrow, values->fixed + i * sizeof(narrow), sizeof(narrow));
        return narrow;
    case 8:
        memcpy(&number, values->fixed + i * sizeof(number), sizeof(number));
        return number;
    default:
        memcpy(&wide, values->fixed + i * sizeof(wide), sizeof(wide));
        return wide;
    }
}

static inline struct span parquet_values_bytes(const struct parquet_values *values, size_t i)
{
    const int32_t *offset = values->offsets + i;

    return (struct span){ values->bytes + offset[0], (size_t)(offset[1] - offset[0]) };
}

#endif
