// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_bounds.h: least and greatest value of a page or a chunk, in the order TYPE_ORDER means
 * (parquet.thrift, ColumnOrder): signed numbers, unsigned bytes.  And their serializations: PLAIN
 * for Parquet's statistics, single values for Iceberg's manifests.
 */
#ifndef K2_CODEC_PARQUET_BOUNDS_H
#define K2_CODEC_PARQUET_BOUNDS_H

#include "codec/parquet_values.h"

enum { PARQUET_BOUNDS_BYTES_MAX = 64 }; /* longer text and binary is cut */

struct parquet_bounds {
    bool present;                      /* false: there was no value */
    int128 low, high;                  /* all but BYTE_ARRAY */
    struct span low_bytes, high_bytes; /* BYTE_ARRAY: whole, borrowed from the values */
};

/* Of values [first, first + count). */
struct parquet_bounds parquet_bounds_of(const struct parquet_values *values, size_t first,
                                        size_t count);
/* Of the entries that indices[0..count) name.  `stamps` is scratch: overwritten. */
struct parquet_bounds parquet_bounds_of_indices(const struct parquet_values *entries,
                                                const uint32_t *indices, size_t count,
                                                struct buf *stamps);
void parquet_bounds_merge(struct parquet_bounds *all, const struct parquet_bounds *more,
                          enum parquet_type type);

/*
 * Append a bound as Parquet's statistics have it: PLAIN, byte arrays without a length.  What is
 * longer than PARQUET_BOUNDS_BYTES_MAX becomes a prefix (lower), or a prefix whose last character
 * is the next one up, which may take a byte more (upper; whole where there is none).  True if the
 * bound is exact.
 */
bool parquet_bounds_put_lower(struct buf *out, const struct parquet_shape *shape,
                              const struct parquet_bounds *bounds);
bool parquet_bounds_put_upper(struct buf *out, const struct parquet_shape *shape,
                              const struct parquet_bounds *bounds);

/* A number as Iceberg's single value: little-endian, but a decimal big-endian in the least bytes.
 */
void parquet_bounds_put_single(struct buf *out, const struct parquet_shape *shape, int128 value);

#endif
