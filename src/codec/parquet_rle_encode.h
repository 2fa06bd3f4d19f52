// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_rle_encode.h: Parquet's RLE / bit-packing hybrid out (Encodings.md, "Run Length Encoding
 * / Bit-Packing Hybrid"): definition and repetition levels, dictionary indices.
 *
 * No length and no bit width in front: levels of v1 pages want four bytes of the one, indices one
 * byte of the other, and the page's writer puts them.
 */
#ifndef K2_CODEC_PARQUET_RLE_ENCODE_H
#define K2_CODEC_PARQUET_RLE_ENCODE_H

#include "core/buf.h"

/* Bits that hold 0 … max; 0 for 0. */
static inline int parquet_rle_encode_width(uint32_t max)
{
    return max == 0 ? 0 : 32 - __builtin_clz(max);
}

/* Appends values[0..count), each below 1 << width, width 0 to 32. */
void parquet_rle_encode(struct buf *out, const uint32_t *values, size_t count, int width);

/* The same for `count` times one value: one run. */
void parquet_rle_encode_run(struct buf *out, uint32_t value, size_t count, int width);

#endif
