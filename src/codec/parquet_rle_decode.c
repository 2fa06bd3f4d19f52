// SPDX-License-Identifier: Apache-2.0
/* parquet_rle_decode.c: run by run.  Bit-packed values are unpacked by code that knows the width at
 * compile time, eight values for each `width` bytes, because indices are half of all reading. */
#include "codec/parquet_rle_decode.h"

#include "core/num.h"

bool parquet_rle_decode_begin(struct parquet_rle *rle, struct span bytes, unsigned width)
{
    static const uint8_t none[1];

    if (bytes.size == 0)
        bytes.data = none;
    *rle = (struct parquet_rle){ .at = bytes.data, .end = bytes.data + bytes.size, .width = width };
    return width <= 32;
}

/* Reads the next run's head.  A packed run may be cut short by the end of its bytes: writers that
 * do not pad the last group exist; the values missing are then missing. */
static bool next_run(struct parquet_rle *rle)
{
    size_t value_bytes = (rle->width + 7) / 8;
    uint64_t head = 0;
    unsigned shift = 0;
    uint8_t byte;

    do {
        if (rle->at == rle->end || shift > 28)
            return false;
        byte = *rle->at++;
        head |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while ((byte & 0x80) != 0);
    if ((head & 1) == 0) {
        if ((size_t)(rle->end - rle->at) < value_bytes)
            return false;
        rle->repeated = 0;
        memcpy(&rle->repeated, rle->at, value_bytes);
        rle->at += value_bytes;
        rle->repeat_left = head >> 1;
        return rle->width == 32 || rle->repeated >> rle->width == 0;
    }
    if (rle->width == 0) {
        rle->repeated = 0;
        rle->repeat_left = (head >> 1) * 8;
        return true;
    }
    {
        size_t left = (size_t)(rle->end - rle->at);
        size_t bytes = size_min((head >> 1) * rle->width, left);

        rle->packed = rle->at;
        rle->packed_bit = 0;
        rle->packed_left =
            bytes == left ? size_min((head >> 1) * 8, left * 8 / rle->width) : (head >> 1) * 8;
        rle->at += bytes;
    }
    return true;
}

/* One value at any bit, reading no byte outside the bytes that hold it. */
static uint32_t unpack_one(const uint8_t *bytes, size_t bit, unsigned width)
{
    size_t first = bit / 8;
    size_t size = (bit % 8 + width + 7) / 8;
    uint64_t word = 0;

    memcpy(&word, bytes + first, size);
    return (uint32_t)(word >> bit % 8 & ((1ull << width) - 1));
}

/* Groups of eight values from byte-aligned bits; reads up to 8 bytes past a group's first. */
static inline __attribute__((always_inline)) void unpack_groups(const uint8_t *from, uint32_t *out,
                                                                size_t groups, const unsigned width)
{
    const uint32_t mask = (uint32_t)((1ull << width) - 1);

    for (size_t g = 0; g < groups; g++) {
#pragma GCC unroll 8
        for (unsigned i = 0; i < 8; i++)
            out[i] = (uint32_t)(load_le64(from + i * width / 8) >> i * width % 8) & mask;
        from += width;
        out += 8;
    }
}

#define UNPACK_WIDTH(w)                                                                            \
    case w:                                                                                        \
        unpack_groups(from, out, groups, w);                                                       \
        break

static void unpack_wide(const uint8_t *from, uint32_t *out, size_t groups, unsigned width)
{
    switch (width) {
        UNPACK_WIDTH(1);
        UNPACK_WIDTH(2);
        UNPACK_WIDTH(3);
        UNPACK_WIDTH(4);
        UNPACK_WIDTH(5);
        UNPACK_WIDTH(6);
        UNPACK_WIDTH(7);
        UNPACK_WIDTH(8);
        UNPACK_WIDTH(9);
        UNPACK_WIDTH(10);
        UNPACK_WIDTH(11);
        UNPACK_WIDTH(12);
        UNPACK_WIDTH(13);
        UNPACK_WIDTH(14);
        UNPACK_WIDTH(15);
        UNPACK_WIDTH(16);
        UNPACK_WIDTH(17);
        UNPACK_WIDTH(18);
        UNPACK_WIDTH(19);
        UNPACK_WIDTH(20);
    default:
        unpack_groups(from, out, groups, width);
    }
}

static void unpack(struct parquet_rle *rle, uint32_t *out, size_t count)
{
    const unsigned width = rle->width;
    size_t done = 0;
    size_t groups;
    const uint8_t *from;

    for (; done < count && rle->packed_bit % 8 != 0; done++, rle->packed_bit += width)
        out[done] = unpack_one(rle->packed, rle->packed_bit, width);
    from = rle->packed + rle->packed_bit / 8;
    /* The last group's loads must end inside the page. */
    groups = (count - done) / 8;
    while (groups > 0 && (size_t)(rle->end - from) < (groups - 1) * width + 7 * width / 8 + 8)
        groups--;
    unpack_wide(from, out + done, groups, width);
    done += groups * 8;
    rle->packed_bit += groups * 8 * width;
    for (; done < count; done++, rle->packed_bit += width)
        out[done] = unpack_one(rle->packed, rle->packed_bit, width);
    rle->packed_left -= count;
}

size_t parquet_rle_decode_run(struct parquet_rle *rle, size_t max, uint32_t *value)
{
    size_t count;

    /* A head that is damaged is found by the call that takes the values. */
    if (rle->repeat_left == 0 && rle->packed_left == 0 && !next_run(rle))
        return 0;
    count = size_min(rle->repeat_left, max);
    *value = rle->repeated;
    rle->repeat_left -= count;
    return count;
}

bool parquet_rle_decode(struct parquet_rle *rle, uint32_t *out, size_t count)
{
    while (count > 0) {
        size_t n;

        if (rle->repeat_left > 0) {
            n = size_min(count, rle->repeat_left);
            for (size_t i = 0; i < n; i++)
                out[i] = rle->repeated;
            rle->repeat_left -= n;
        } else if (rle->packed_left > 0) {
            n = size_min(count, rle->packed_left);
            unpack(rle, out, n);
        } else {
            if (!next_run(rle))
                return false;
            continue;
        }
        out += n;
        count -= n;
    }
    return true;
}

bool parquet_rle_decode_small(struct parquet_rle *rle, uint8_t *out, size_t count)
{
    uint32_t batch[512];

    ASSERT(rle->width <= 8);
    while (count > 0) {
        size_t n;

        if (rle->repeat_left > 0) {
            n = size_min(count, rle->repeat_left);
            memset(out, (int)rle->repeated, n);
            rle->repeat_left -= n;
        } else if (rle->packed_left > 0) {
            n = size_min(size_min(count, rle->packed_left), ARRAY_LEN(batch));
            unpack(rle, batch, n);
            for (size_t i = 0; i < n; i++)
                out[i] = (uint8_t)batch[i];
        } else {
            if (!next_run(rle))
                return false;
            continue;
        }
        out += n;
        count -= n;
    }
    return true;
}

/* Sets bits [first, first + count) of a zeroed bitmap. */
static void set_bits(uint8_t *bitmap, size_t first, size_t count)
{
    size_t end = first + count;

    for (; first < end && first % 8 != 0; first++)
        bitmap[first / 8] |= (uint8_t)(1u << first % 8);
    if (first < end)
        memset(bitmap + first / 8, 0xff, (end - first) / 8);
    for (first += (end - first) / 8 * 8; first < end; first++)
        bitmap[first / 8] |= (uint8_t)(1u << first % 8);
}

/* Ors `count` bits of `from`, beginning at bit `skip`, to the bitmap at `first`; gives their sum.
 */
static size_t copy_bits(uint8_t *bitmap, size_t first, const uint8_t *from, size_t skip,
                        size_t count)
{
    size_t ones = 0;

    for (size_t done = 0; done < count;) {
        size_t n = size_min(count - done, 8 - (first + done) % 8);
        uint32_t bits;

        n = size_min(n, 8 - (skip + done) % 8);
        bits = (uint32_t)from[(skip + done) / 8] >> (skip + done) % 8 & ((1u << n) - 1);
        bitmap[(first + done) / 8] |= (uint8_t)(bits << (first + done) % 8);
        ones += (size_t)__builtin_popcount(bits);
        done += n;
    }
    return ones;
}

bool parquet_rle_decode_bits(struct parquet_rle *rle, uint8_t *bitmap, size_t count, size_t *ones)
{
    size_t done = 0;

    ASSERT(rle->width == 1);
    *ones = 0;
    if (count == 0)
        return true;
    while (rle->repeat_left == 0 && rle->packed_left == 0)
        if (!next_run(rle))
            return false;
    if (rle->repeat_left >= count && rle->repeated == 1) {
        rle->repeat_left -= count;
        *ones = count;
        return true;
    }
    memset(bitmap, 0, (count + 7) / 8);
    while (done < count) {
        size_t n;

        if (rle->repeat_left > 0) {
            n = size_min(count - done, rle->repeat_left);
            if (rle->repeated == 1) {
                set_bits(bitmap, done, n);
                *ones += n;
            }
            rle->repeat_left -= n;
        } else if (rle->packed_left > 0) {
            n = size_min(count - done, rle->packed_left);
            *ones += copy_bits(bitmap, done, rle->packed, rle->packed_bit, n);
            rle->packed_bit += n;
            rle->packed_left -= n;
        } else {
            if (!next_run(rle))
                return false;
            continue;
        }
        done += n;
    }
    return true;
}
