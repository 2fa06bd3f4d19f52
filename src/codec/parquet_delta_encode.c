// SPDX-License-Identifier: Apache-2.0
/* parquet_delta_encode.c: deltas are taken in the column's own width and packed as 64-bit numbers;
 * both widths share all but the subtraction. */
#include "codec/parquet_delta_encode.h"
#include "codec/thrift_encode.h"
#include "core/num.h"

enum { BLOCK = 128, MINIBLOCKS = 4, MINIBLOCK = BLOCK / MINIBLOCKS };

static void put_zigzag(struct buf *out, int64_t value)
{
    thrift_encode_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static void put_header(struct buf *out, size_t count, int64_t first)
{
    thrift_encode_varint(out, BLOCK);
    thrift_encode_varint(out, MINIBLOCKS);
    thrift_encode_varint(out, count);
    put_zigzag(out, first);
}

/* 32 values of `width` bits: 4 * width bytes. */
static void put_miniblock(struct buf *out, const uint64_t *values, int width)
{
    uint8_t *at = buf_extend(out, (size_t)width * MINIBLOCK / 8);
    uint64_t held = 0;
    int bits = 0;

    if (width == 0)
        return;
    for (int i = 0; i < MINIBLOCK; i++) {
        held |= values[i] << bits;
        bits += width;
        if (bits >= 64) {
            store_le64(at, held);
            at += 8;
            bits -= 64;
            held = bits == 0 ? 0 : values[i] >> (width - bits);
        }
    }
    if (bits > 0) /* then it is 32 */
        store_le32(at, (uint32_t)held);
}

/* `deltas` has room for a whole block; what lies past count is zeroed here as padding.  `mask`
 * cuts the excess over the least delta to the column's width. */
static void put_block(struct buf *out, uint64_t *deltas, size_t count, int64_t least, uint64_t mask)
{
    uint8_t widths[MINIBLOCKS] = { 0 };
    size_t miniblocks = (count + MINIBLOCK - 1) / MINIBLOCK;

    for (size_t i = 0; i < miniblocks * MINIBLOCK; i++)
        deltas[i] = i < count ? (deltas[i] - (uint64_t)least) & mask : 0;
    for (size_t m = 0; m < miniblocks; m++) {
        uint64_t all = 0;

        for (size_t i = 0; i < MINIBLOCK; i++)
            all |= deltas[m * MINIBLOCK + i];
        widths[m] = (uint8_t)(all == 0 ? 0 : 64 - __builtin_clzll(all));
    }
    put_zigzag(out, least);
    buf_put(out, widths, sizeof(widths));
    for (size_t m = 0; m < miniblocks; m++)
        put_miniblock(out, deltas + m * MINIBLOCK, widths[m]);
}

void parquet_delta_encode_int32(struct buf *out, const int32_t *values, size_t count)
{
    uint64_t deltas[BLOCK];

    put_header(out, count, count > 0 ? values[0] : 0);
    for (size_t at = 1; at < count; at += BLOCK) {
        size_t block = size_min(BLOCK, count - at);
        int64_t least = INT64_MAX;

        for (size_t i = 0; i < block; i++) {
            int32_t delta = (int32_t)((uint32_t)values[at + i] - (uint32_t)values[at + i - 1]);

            least = int64_min(least, delta);
            deltas[i] = (uint64_t)(int64_t)delta;
        }
        put_block(out, deltas, block, least, UINT32_MAX);
    }
}

void parquet_delta_encode_int64(struct buf *out, const int64_t *values, size_t count)
{
    uint64_t deltas[BLOCK];

    put_header(out, count, count > 0 ? values[0] : 0);
    for (size_t at = 1; at < count; at += BLOCK) {
        size_t block = size_min(BLOCK, count - at);
        int64_t least = INT64_MAX;

        for (size_t i = 0; i < block; i++) {
            int64_t delta = (int64_t)((uint64_t)values[at + i] - (uint64_t)values[at + i - 1]);

            least = int64_min(least, delta);
            deltas[i] = (uint64_t)delta;
        }
        put_block(out, deltas, block, least, UINT64_MAX);
    }
}
