// SPDX-License-Identifier: Apache-2.0
/* thrift_encode.c: field headers by delta of ids, numbers as zigzag varints. */
#include "codec/thrift_encode.h"

void thrift_encode_varint(struct buf *out, uint64_t value)
{
    uint8_t *at;

    buf_reserve(out, 10);
    at = out->data + out->size;
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    out->size = (size_t)(at - out->data);
}

static void put_zigzag(struct buf *out, int64_t value)
{
    thrift_encode_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static void put_bytes(struct buf *out, struct span value)
{
    thrift_encode_varint(out, value.size);
    buf_put_span(out, value);
}

static void open_struct(struct thrift_encoder *encoder)
{
    ASSERT(encoder->depth < THRIFT_ENCODE_DEPTH_MAX);
    encoder->last[encoder->depth++] = 0;
}

/* The id's distance from the one before in four bits, or the id itself where it does not fit. */
static void put_header(struct thrift_encoder *encoder, int16_t id, enum thrift_type type)
{
    int16_t *last = &encoder->last[encoder->depth - 1];
    int delta = id - *last;

    ASSERT(encoder->depth > 0 && delta > 0);
    if (delta <= 15) {
        buf_put_byte(encoder->out, (uint8_t)(delta << 4 | (int)type));
    } else {
        buf_put_byte(encoder->out, (uint8_t)type);
        put_zigzag(encoder->out, id);
    }
    *last = id;
}

void thrift_encode_begin(struct thrift_encoder *encoder, struct buf *out)
{
    *encoder = (struct thrift_encoder){ .out = out };
    open_struct(encoder);
}

void thrift_encode_end(struct thrift_encoder *encoder)
{
    ASSERT(encoder->depth > 0);
    encoder->depth--;
    buf_put_byte(encoder->out, THRIFT_STOP);
}

void thrift_encode_bool(struct thrift_encoder *encoder, int16_t id, bool value)
{
    put_header(encoder, id, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_encode_byte(struct thrift_encoder *encoder, int16_t id, int8_t value)
{
    put_header(encoder, id, THRIFT_BYTE);
    buf_put_byte(encoder->out, (uint8_t)value);
}

void thrift_encode_i16(struct thrift_encoder *encoder, int16_t id, int16_t value)
{
    put_header(encoder, id, THRIFT_I16);
    put_zigzag(encoder->out, value);
}

void thrift_encode_i32(struct thrift_encoder *encoder, int16_t id, int32_t value)
{
    put_header(encoder, id, THRIFT_I32);
    put_zigzag(encoder->out, value);
}

void thrift_encode_i64(struct thrift_encoder *encoder, int16_t id, int64_t value)
{
    put_header(encoder, id, THRIFT_I64);
    put_zigzag(encoder->out, value);
}

void thrift_encode_binary(struct thrift_encoder *encoder, int16_t id, struct span value)
{
    put_header(encoder, id, THRIFT_BINARY);
    put_bytes(encoder->out, value);
}

void thrift_encode_text(struct thrift_encoder *encoder, int16_t id, const char *value)
{
    thrift_encode_binary(encoder, id, span_text(value));
}

void thrift_encode_struct(struct thrift_encoder *encoder, int16_t id)
{
    put_header(encoder, id, THRIFT_STRUCT);
    open_struct(encoder);
}

void thrift_encode_raw(struct thrift_encoder *encoder, int16_t id, struct span encoded)
{
    put_header(encoder, id, THRIFT_STRUCT);
    buf_put_span(encoder->out, encoded);
}

void thrift_encode_list(struct thrift_encoder *encoder, int16_t id, enum thrift_type item,
                        size_t count)
{
    put_header(encoder, id, THRIFT_LIST);
    if (count < 15) {
        buf_put_byte(encoder->out, (uint8_t)(count << 4 | (size_t)item));
    } else {
        buf_put_byte(encoder->out, (uint8_t)(0xf0 | (int)item));
        thrift_encode_varint(encoder->out, count);
    }
}

void thrift_encode_item_bool(struct thrift_encoder *encoder, bool value)
{
    buf_put_byte(encoder->out, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_encode_item_i32(struct thrift_encoder *encoder, int32_t value)
{
    put_zigzag(encoder->out, value);
}

void thrift_encode_item_i64(struct thrift_encoder *encoder, int64_t value)
{
    put_zigzag(encoder->out, value);
}

void thrift_encode_item_binary(struct thrift_encoder *encoder, struct span value)
{
    put_bytes(encoder->out, value);
}

void thrift_encode_item_struct(struct thrift_encoder *encoder)
{
    open_struct(encoder);
}
