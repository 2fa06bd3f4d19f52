// SPDX-License-Identifier: Apache-2.0
/* parquet_delta_decode.c: miniblock by miniblock, in batches that stay in the first cache.  Sums
 * wrap, as the format wants it: for INT32 the low half of the 64-bit sum is the 32-bit sum, and is
 * sign-extended again where the column is wider. */
#include "codec/parquet_delta_decode.h"

#include "core/num.h"

#include <inttypes.h>

enum { BATCH = 256, BLOCK_MAX = 1 << 20, MINIBLOCKS_MAX = 1 << 10 };

struct delta {
    const uint8_t *at, *end;
    uint64_t value; /* the last one */
    size_t block_size, miniblocks, mini_size;
};

static bool take_varint(struct delta *delta, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte;

        if (delta->at == delta->end)
            return false;
        byte = *delta->at++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return true;
    }
    return false;
}

static bool take_zigzag(struct delta *delta, uint64_t *out)
{
    if (!take_varint(delta, out))
        return false;
    *out = *out >> 1 ^ -(*out & 1);
    return true;
}

/* `count` values of `width` bits from bit `first` of a miniblock. */
static void unpack(const struct delta *delta, const uint8_t *from, size_t first, unsigned width,
                   size_t count, uint64_t *out)
{
    const uint64_t mask = width == 64 ? UINT64_MAX : (1ull << width) - 1;
    size_t i = 0;

    if (width == 0) {
        memset(out, 0, count * sizeof(*out));
        return;
    }
    for (; width <= 56 && i < count; i++) {
        size_t bit = first + i * width;

        if ((size_t)(delta->end - from) < bit / 8 + 8)
            break;
        out[i] = load_le64(from + bit / 8) >> bit % 8 & mask;
    }
    for (; i < count; i++) {
        size_t bit = first + i * width;
        uint128 word = 0;

        memcpy(&word, from + bit / 8, (bit % 8 + width + 7) / 8);
        out[i] = (uint64_t)(word >> bit % 8) & mask;
    }
}

static int take_miniblock(struct delta *delta, const struct parquet_target *target, unsigned width,
                          uint64_t least, size_t count, uint8_t *out, struct err *err)
{
    const size_t out_width = parquet_plain_decode_width(target);
    const uint8_t *from = delta->at;
    size_t left = (size_t)(delta->end - from);
    uint64_t batch[BATCH];

    if (width > 64 || left < (count * width + 7) / 8)
        return err_set(err, ERR_CORRUPT, "a miniblock of %zu values of %u bits in %zu bytes", count,
                       width, left);
    for (size_t done = 0, n; done < count; done += n) {
        n = size_min(count - done, BATCH);
        unpack(delta, from, done * width, width, n, batch);
        for (size_t i = 0; i < n; i++)
            batch[i] = delta->value += batch[i] + least;
        if (target->physical == PARQUET_TYPE_INT32)
            for (size_t i = 0; i < n; i++)
                batch[i] = (uint64_t)(int32_t)batch[i];
        if (!parquet_plain_decode_int64s(target, (const int64_t *)batch, n, out + done * out_width))
            return err_set(err, ERR_CORRUPT, "a decimal is beyond its column's precision");
    }
    /* Padded to its full size, but for writers that save the last one's padding. */
    delta->at += size_min(left, delta->mini_size / 8 * width);
    return 0;
}

static int take_block(struct delta *delta, const struct parquet_target *target, size_t count,
                      uint8_t *out, struct err *err)
{
    const size_t out_width = parquet_plain_decode_width(target);
    const uint8_t *widths;
    uint64_t least;

    if (!take_zigzag(delta, &least) || (size_t)(delta->end - delta->at) < delta->miniblocks)
        return err_set(err, ERR_CORRUPT, "the page ends before its values do");
    widths = delta->at;
    delta->at += delta->miniblocks;
    for (size_t m = 0; m < delta->miniblocks && count > 0; m++) {
        size_t n = size_min(count, delta->mini_size);

        if (take_miniblock(delta, target, widths[m], least, n, out, err) < 0)
            return -1;
        out += n * out_width;
        count -= n;
    }
    return 0;
}

int parquet_delta_decode_front(const struct parquet_target *target, struct span *body, size_t count,
                               uint8_t *out, struct err *err)
{
    const size_t width = parquet_plain_decode_width(target);
    struct delta delta = { .at = body->data, .end = body->data + body->size };
    uint64_t block_size, miniblocks, total;
    int64_t first;

    if (count == 0 && body->size == 0)
        return 0;
    if (!take_varint(&delta, &block_size) || !take_varint(&delta, &miniblocks) ||
        !take_varint(&delta, &total) || !take_zigzag(&delta, &delta.value))
        return err_set(err, ERR_CORRUPT, "the page ends in its DELTA header");
    if (block_size == 0 || block_size > BLOCK_MAX || miniblocks == 0 ||
        miniblocks > MINIBLOCKS_MAX || block_size % miniblocks != 0 ||
        block_size / miniblocks % 8 != 0)
        return err_set(err, ERR_CORRUPT, "DELTA blocks of %" PRIu64 " values in %" PRIu64 " parts",
                       block_size, miniblocks);
    if (total != count)
        return err_set(err, ERR_CORRUPT, "%" PRIu64 " DELTA values where %zu are said", total,
                       count);
    delta.block_size = block_size;
    delta.miniblocks = miniblocks;
    delta.mini_size = block_size / miniblocks;
    first = target->physical == PARQUET_TYPE_INT32 ? (int32_t)delta.value : (int64_t)delta.value;
    if (count > 0 && !parquet_plain_decode_int64s(target, &first, 1, out))
        return err_set(err, ERR_CORRUPT, "a decimal is beyond its column's precision");
    for (size_t done = 1, n; done < count; done += n) {
        n = size_min(count - done, delta.block_size);
        if (take_block(&delta, target, n, out + done * width, err) < 0)
            return -1;
    }
    *body = span_of(delta.at, (size_t)(delta.end - delta.at));
    return 0;
}

int parquet_delta_decode(const struct parquet_target *target, struct span body, size_t count,
                         uint8_t *out, struct err *err)
{
    return parquet_delta_decode_front(target, &body, count, out, err);
}
