// SPDX-License-Identifier: Apache-2.0
/* parquet_plain_encode.h: PLAIN out (Encodings.md): fixed-width values as they lie in memory,
 * booleans as bits, byte arrays behind their length, wide decimals big-endian. */
#ifndef K2_CODEC_PARQUET_PLAIN_ENCODE_H
#define K2_CODEC_PARQUET_PLAIN_ENCODE_H

#include "codec/parquet_values.h"

/* Appends values [first, first + count). */
void parquet_plain_encode(struct buf *out, const struct parquet_values *values, size_t first,
                          size_t count);

#endif
