// SPDX-License-Identifier: Apache-2.0
/* avro_encode.h: Avro's binary encoding, the primitives (Avro 1.11, "Binary Encoding").  A record
 * is its fields one after the other, a union its branch number and the value, so that an encoder of
 * a known schema is a list of these calls in the schema's order. */
#ifndef K2_CODEC_AVRO_ENCODE_H
#define K2_CODEC_AVRO_ENCODE_H

#include "core/base.h"
#include "core/buf.h"
#include "core/num.h"

enum { AVRO_LONG_BYTES_MAX = 10 };

/* int and long share one encoding: zigzag, then base 128. */
static inline void avro_put_long(struct buf *out, int64_t value)
{
    uint64_t zigzag = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    uint8_t *at;

    buf_reserve(out, AVRO_LONG_BYTES_MAX);
    at = out->data + out->size;
    while (zigzag >= 0x80) {
        *at++ = (uint8_t)(zigzag | 0x80);
        zigzag >>= 7;
    }
    *at++ = (uint8_t)zigzag;
    out->size = (size_t)(at - out->data);
}

/* bytes and string: the length, then the bytes. */
static inline void avro_put_bytes(struct buf *out, struct span bytes)
{
    avro_put_long(out, (int64_t)bytes.size);
    buf_put_span(out, bytes);
}

static inline void avro_put_boolean(struct buf *out, bool value)
{
    buf_put_byte(out, value);
}

static inline void avro_put_double(struct buf *out, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    store_le64(buf_extend(out, sizeof(bits)), bits);
}

/* A decimal in bytes: the unscaled value, big-endian two's complement, in as few bytes as hold it
 * (one for 0). */
void avro_put_decimal(struct buf *out, int128 unscaled);

#endif
