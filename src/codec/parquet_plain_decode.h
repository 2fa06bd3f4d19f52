// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_plain_decode.h: values as Parquet's PLAIN encoding lays them down (apache/parquet-format,
 * Encodings.md), made values of a column on the way: widened, decimals as int128.
 */
#ifndef K2_CODEC_PARQUET_PLAIN_DECODE_H
#define K2_CODEC_PARQUET_PLAIN_DECODE_H

#include "codec/parquet_footer_decode.h"

/* Which physical values become which column's. */
struct parquet_target {
    enum parquet_type physical;
    size_t type_length; /* FIXED */
    enum column_type type;
    uint128 limit; /* DECIMAL: every value's magnitude is below */
};

/* Vectors are copied in whole blocks: what is copied from or to has so many bytes to spare. */
enum { PARQUET_SLACK = 32 };

/* Bytes of one value in the column, 0 for BYTES. */
size_t parquet_plain_decode_width(const struct parquet_target *target);
/* `count` values, exactly `body`, to out[0..count * width).  Not for BYTES. */
CHECK_RESULT int parquet_plain_decode_fixed(const struct parquet_target *target, struct span body,
                                            size_t count, uint8_t *out, struct err *err);
/* The same for BYTES: appends offsets and bytes to *to, whose row count is left as it is.  The
 * column has its first offset. */
CHECK_RESULT int parquet_plain_decode_bytes(struct span body, size_t count, struct column *to,
                                            struct err *err);
/* Decimals that a column of BYTES holds; of FIXED each has the type's size. */
CHECK_RESULT int parquet_plain_decode_decimals(const struct parquet_target *target,
                                               const struct column *from, size_t count,
                                               uint8_t *out, struct err *err);
/* BYTE_STREAM_SPLIT (9): as PLAIN, but all first bytes stand first, then all second ones …
 * `scratch` takes them in PLAIN's order. */
CHECK_RESULT int parquet_plain_decode_split(const struct parquet_target *target, struct span body,
                                            size_t count, struct buf *scratch, uint8_t *out,
                                            struct err *err);
/* One integer made a value of the column; false when a decimal is beyond its precision. */
CHECK_RESULT bool parquet_plain_decode_int64s(const struct parquet_target *target,
                                              const int64_t *values, size_t count, uint8_t *out);

#endif
