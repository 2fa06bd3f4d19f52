// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_shape.h: a field of the schema seen as the leaves that the file has: one for a flat
 * column or a list, two for a map.  Levels as in Parquet's README, "Nested Encoding"; names and
 * groups as in LogicalTypes.md, "Nested Types".
 */
#ifndef K2_CODEC_PARQUET_SHAPE_H
#define K2_CODEC_PARQUET_SHAPE_H

#include "codec/parquet.h"
#include "codec/parquet_format.h"

enum { PARQUET_SHAPE_PATH_MAX = 3, PARQUET_SHAPE_LEAVES_MAX = 2 };

struct parquet_shape {
    const struct parquet_field *field; /* borrowed */
    size_t field_index;
    int child; /* of LIST and MAP: which child column; else -1 */
    const char *path[PARQUET_SHAPE_PATH_MAX];
    size_t path_count;
    int32_t field_id; /* the leaf's own */
    enum parquet_type type;
    size_t type_size; /* FIXED_LEN_BYTE_ARRAY: its bytes; else 0 */
    bool text;        /* UTF-8 */
    bool optional;    /* the leaf value itself may be null */
    uint8_t def_max, rep_max;
};

/* Fills shapes[0..result), at most PARQUET_SHAPE_LEAVES_MAX, for one field. */
size_t parquet_shape_of(const struct parquet_field *field, size_t field_index,
                        struct parquet_shape *shapes);

/* The column that holds the leaf's values: the field's own, or its child. */
const struct column *parquet_shape_leaf(const struct parquet_shape *shape,
                                        const struct column *column);

#endif
