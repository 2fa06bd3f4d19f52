// SPDX-License-Identifier: Apache-2.0
/* parquet_plain_encode.c: one loop for each layout. */
#include "codec/parquet_plain_encode.h"
#include "core/num.h"

static void put_bits(struct buf *out, const uint8_t *values, size_t count)
{
    uint8_t *to = buf_extend(out, (count + 7) / 8);

    memset(to, 0, (count + 7) / 8);
    for (size_t i = 0; i < count; i++)
        to[i >> 3] = (uint8_t)(to[i >> 3] | (values[i] != 0) << (i & 7));
}

static void put_big_endian(struct buf *out, const uint8_t *values, size_t count, size_t size)
{
    uint8_t *to = buf_extend(out, count * size);

    for (size_t i = 0; i < count; i++, to += size) {
        uint8_t big[16];

        store_be64(big, load_le64(values + i * 16 + 8));
        store_be64(big + 8, load_le64(values + i * 16));
        memcpy(to, big + 16 - size, size);
    }
}

/* Short values are copied 16 bytes wide where both sides have room: a call of memcpy costs more
 * than the bytes. */
static void put_byte_arrays(struct buf *out, const struct parquet_values *values, size_t first,
                            size_t count)
{
    enum { WIDE = 16 };
    const int32_t *offsets = values->offsets + first;
    size_t total = parquet_values_plain_bytes(values, first, count);
    const uint8_t *bytes = values->bytes;
    int32_t safe = offsets[count] - WIDE; /* from here on a wide load would leave the column */
    uint8_t *to;

    buf_reserve(out, total + WIDE);
    to = out->data + out->size;
    for (size_t i = 0; i < count; i++) {
        uint32_t size = (uint32_t)(offsets[i + 1] - offsets[i]);

        store_le32(to, size);
        to += sizeof(size);
        if (size <= WIDE && offsets[i] <= safe)
            memcpy(to, bytes + offsets[i], WIDE);
        else if (size > 0)
            memcpy(to, bytes + offsets[i], size);
        to += size;
    }
    out->size += total;
}

void parquet_plain_encode(struct buf *out, const struct parquet_values *values, size_t first,
                          size_t count)
{
    if (count == 0)
        return;
    switch (values->type) {
    case PARQUET_TYPE_BOOLEAN:
        put_bits(out, values->fixed + first, count);
        return;
    case PARQUET_TYPE_BYTE_ARRAY:
        put_byte_arrays(out, values, first, count);
        return;
    case PARQUET_TYPE_FIXED_LEN_BYTE_ARRAY:
        put_big_endian(out, values->fixed + first * 16, count, values->type_size);
        return;
    default:
        buf_put(out, values->fixed + first * values->width, count * values->width);
    }
}
