// SPDX-License-Identifier: Apache-2.0
/* parquet_bytes_decode.c: all lengths are decoded and added up before a byte is copied, so that
 * copying needs no checks but a prefix's. */
#include "codec/parquet_bytes_decode.h"

#include "codec/parquet_delta_decode.h"

/* `count` lengths off the front of *body; their sum, or -1. */
static int64_t take_lengths(struct span *body, size_t count, int32_t *out, struct err *err)
{
    static const struct parquet_target lengths = { .physical = PARQUET_TYPE_INT32,
                                                   .type = COLUMN_INT32 };
    int64_t sum = 0; /* 2^26 values of 2^31 at most */
    bool negative = false;

    if (parquet_delta_decode_front(&lengths, body, count, (uint8_t *)out, err) < 0)
        return err_wrap(err, "lengths");
    for (size_t i = 0; i < count; i++) {
        negative |= out[i] < 0;
        sum += out[i];
    }
    return negative ? err_set(err, ERR_CORRUPT, "a value of less than 0 bytes") : sum;
}

static void put_whole(struct column *to, struct span bytes, const int32_t *length, size_t count)
{
    int32_t end = (int32_t)to->values.size;
    int32_t *ends = (int32_t *)(void *)buf_extend(&to->offsets, count * sizeof(*ends));

    for (size_t i = 0; i < count; i++)
        ends[i] = end += length[i];
    buf_put_span(&to->values, bytes);
}

static int put_fronts(struct column *to, const uint8_t *from, const int32_t *prefix,
                      const int32_t *suffix, size_t count, size_t total, struct err *err)
{
    int32_t *ends = (int32_t *)(void *)buf_extend(&to->offsets, count * sizeof(*ends));
    size_t end = to->values.size;
    uint8_t *base;
    size_t last = 0; /* the size of the value before */

    buf_extend(&to->values, total);
    base = to->values.data;
    for (size_t i = 0; i < count; i++) {
        const size_t front = (size_t)prefix[i], back = (size_t)suffix[i];

        if (front > last)
            return err_set(err, ERR_CORRUPT, "a value that shares %zu bytes with one of %zu", front,
                           last);
        if (front > 0)
            memcpy(base + end, base + end - last, front);
        if (back > 0)
            memcpy(base + end + front, from, back);
        from += back;
        last = front + back;
        end += last;
        ends[i] = (int32_t)end;
    }
    return 0;
}

int parquet_bytes_decode(enum parquet_encoding encoding, struct span body, size_t count,
                         struct buf *lengths, struct column *to, struct err *err)
{
    int64_t fronts = 0, backs;
    int32_t *suffix;

    buf_clear(lengths);
    suffix = (int32_t *)(void *)buf_extend(lengths, 2 * count * sizeof(*suffix));
    if (encoding == PARQUET_ENCODING_DELTA_BYTE_ARRAY &&
        (fronts = take_lengths(&body, count, suffix + count, err)) < 0)
        return -1;
    if ((backs = take_lengths(&body, count, suffix, err)) < 0)
        return -1;
    if ((uint64_t)backs != body.size)
        return err_set(err, ERR_CORRUPT, "values of %lld bytes in %zu", (long long)backs,
                       body.size);
    if ((int64_t)to->values.size + fronts + backs > INT32_MAX)
        return err_set(err, ERR_CORRUPT, "more than 2 GiB of bytes in a column");
    if (encoding == PARQUET_ENCODING_DELTA_BYTE_ARRAY)
        return put_fronts(to, body.data, suffix + count, suffix, count, (size_t)(fronts + backs),
                          err);
    put_whole(to, body, suffix, count);
    return 0;
}
