// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_rle_decode.h: Parquet's hybrid of run lengths and bit packing (apache/parquet-format,
 * Encodings.md, RLE = 3), which holds levels, dictionary indices and booleans.
 *
 * Resumable: a page's values are taken in as many calls as the caller likes.  A call either gives
 * all the values asked for or fails.  Runs may hold more values than are ever asked for.
 */
#ifndef K2_CODEC_PARQUET_RLE_DECODE_H
#define K2_CODEC_PARQUET_RLE_DECODE_H

#include "core/span.h"

struct parquet_rle {
    const uint8_t *at, *end; /* next run */
    unsigned width;          /* bits of a value, 0 to 32 */
    uint32_t repeated;       /* the value of the current run of equal values … */
    size_t repeat_left;      /* … and how often it still comes */
    const uint8_t *packed;   /* current bit-packed run: its bytes … */
    size_t packed_bit;       /* … the next value's bit … */
    size_t packed_left;      /* … and the values left */
};

/* False when `width` is more than 32. */
CHECK_RESULT bool parquet_rle_decode_begin(struct parquet_rle *rle, struct span bytes,
                                           unsigned width);
CHECK_RESULT bool parquet_rle_decode(struct parquet_rle *rle, uint32_t *out, size_t count);
/* When the next values are a run of equal ones: takes as many of them as there are, `max` at most,
 * and gives their number and *value; else 0. */
size_t parquet_rle_decode_run(struct parquet_rle *rle, size_t max, uint32_t *value);
/* Values of at most 8 bits. */
CHECK_RESULT bool parquet_rle_decode_small(struct parquet_rle *rle, uint8_t *out, size_t count);
/* Values of 1 bit to a bitmap, LSB first, (count + 7) / 8 bytes, trailing bits 0.  *ones counts
 * them; the bitmap is not written when all are 1 (*ones == count). */
CHECK_RESULT bool parquet_rle_decode_bits(struct parquet_rle *rle, uint8_t *bitmap, size_t count,
                                          size_t *ones);

#endif
