// SPDX-License-Identifier: Apache-2.0
/* parquet_levels.h: repetition and definition levels of a v1 data page, from null bitmaps and list
 * offsets. */
#ifndef K2_CODEC_PARQUET_LEVELS_H
#define K2_CODEC_PARQUET_LEVELS_H

#include "codec/parquet_shape.h"

struct parquet_level_counts {
    size_t entries; /* levels: values, nulls, empty and null lists */
    size_t values;  /* of them present */
};

/*
 * Appends the levels of rows [first, first + count) of the field's column to *out, each kind with
 * its four bytes of length in front; nothing where the maximum is 0.  `scratch` is overwritten.
 * Null lists and maps hold no entries.
 */
struct parquet_level_counts parquet_levels_encode(const struct parquet_shape *shape,
                                                  const struct column *column, size_t first,
                                                  size_t count, struct buf *scratch,
                                                  struct buf *out);

#endif
