// SPDX-License-Identifier: Apache-2.0
/* parquet_rle_encode.c: values are looked at in groups of eight from an aligned place: a run long
 * enough to save bytes becomes a run, all else joins the bit-packed stretch before it. */
#include "codec/parquet_rle_encode.h"
#include "codec/thrift_encode.h"
#include "core/num.h"

enum { GROUP = 8, STORE_SLACK = 16 };

void parquet_rle_encode_run(struct buf *out, uint32_t value, size_t count, int width)
{
    if (count == 0)
        return;
    thrift_encode_varint(out, (uint64_t)count << 1);
    for (int i = 0; i < width; i += 8)
        buf_put_byte(out, (uint8_t)(value >> i));
}

/* Eight values of up to 16 bits are one 128-bit number: shifts without a branch, one wide store
 * that runs over into the slack. */
static uint8_t *pack_narrow(uint8_t *at, const uint32_t *values, size_t groups, int width)
{
    for (size_t g = 0; g < groups; g++, values += GROUP, at += width) {
        uint64_t low = 0, high = 0;
        uint128 all;

        for (int i = 0; i < 4; i++) {
            low |= (uint64_t)values[i] << (i * width);
            high |= (uint64_t)values[i + 4] << (i * width);
        }
        all = low | (uint128)high << (4 * width);
        memcpy(at, &all, sizeof(all));
    }
    return at;
}

static uint8_t *pack_wide(uint8_t *at, const uint32_t *values, size_t groups, int width)
{
    uint64_t held = 0;
    int bits = 0;

    for (size_t i = 0; i < groups * GROUP; i++) {
        held |= (uint64_t)values[i] << bits;
        bits += width;
        if (bits >= 32) {
            store_le32(at, (uint32_t)held);
            at += 4;
            held >>= 32;
            bits -= 32;
        }
    }
    for (; bits > 0; bits -= 8, held >>= 8)
        *at++ = (uint8_t)held;
    return at;
}

/* One bit-packed stretch; the last group is filled up with zeros. */
static void put_packed(struct buf *out, const uint32_t *values, size_t count, int width)
{
    size_t whole = count / GROUP;
    size_t groups = (count + GROUP - 1) / GROUP;
    uint8_t *at;

    if (count == 0)
        return;
    thrift_encode_varint(out, (uint64_t)groups << 1 | 1);
    buf_reserve(out, groups * (size_t)width + STORE_SLACK);
    at = out->data + out->size;
    at = width <= 16 ? pack_narrow(at, values, whole, width) : pack_wide(at, values, whole, width);
    if (groups > whole) {
        uint32_t last[GROUP] = { 0 };

        memcpy(last, values + whole * GROUP, (count - whole * GROUP) * sizeof(*values));
        at = width <= 16 ? pack_narrow(at, last, 1, width) : pack_wide(at, last, 1, width);
    }
    out->size = (size_t)(at - out->data);
}

/* A run costs its header, its value and the header of the next packed stretch: below this many
 * values packing is shorter. */
static size_t run_min(int width)
{
    size_t bytes = 2 + ((size_t)width + 7) / 8;
    size_t values = bytes * 8 / (size_t)width + 1;

    return (values + GROUP - 1) / GROUP * GROUP;
}

static size_t run_length(const uint32_t *values, size_t count)
{
    size_t length = 1;

    while (length < count && values[length] == values[0])
        length++;
    return length;
}

void parquet_rle_encode(struct buf *out, const uint32_t *values, size_t count, int width)
{
    size_t packed = 0; /* where the open stretch begins */
    size_t at = 0;
    size_t worth;

    ASSERT(width >= 0 && width <= 32);
    if (width == 0) {
        parquet_rle_encode_run(out, 0, count, 0);
        return;
    }
    worth = run_min(width);
    while (at < count) {
        size_t run = run_length(values + at, count - at);

        if (run >= worth || run == count) {
            put_packed(out, values + packed, at - packed, width);
            parquet_rle_encode_run(out, values[at], run, width);
            at += run;
            packed = at;
        } else {
            at += size_min(GROUP, count - at);
        }
    }
    put_packed(out, values + packed, count - packed, width);
}
