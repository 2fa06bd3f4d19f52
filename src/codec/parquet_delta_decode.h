// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_delta_decode.h: DELTA_BINARY_PACKED (apache/parquet-format, Encodings.md, 5): INT32 and
 * INT64 as differences, bit-packed in miniblocks above each block's least difference.
 */
#ifndef K2_CODEC_PARQUET_DELTA_DECODE_H
#define K2_CODEC_PARQUET_DELTA_DECODE_H

#include "codec/parquet_plain_decode.h"

/* Exactly `count` values to out[0..count * width); the page must say that it has so many. */
CHECK_RESULT int parquet_delta_decode(const struct parquet_target *target, struct span body,
                                      size_t count, uint8_t *out, struct err *err);
/* The same, taken off the front of *body, where something else follows. */
CHECK_RESULT int parquet_delta_decode_front(const struct parquet_target *target, struct span *body,
                                            size_t count, uint8_t *out, struct err *err);

#endif
