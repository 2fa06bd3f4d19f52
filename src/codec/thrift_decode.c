// SPDX-License-Identifier: Apache-2.0
/* thrift_decode.c: see the header.  After a problem `at` stands at `end`, so that no loop over the
 * input goes on. */
#include "codec/thrift_decode.h"

static void fail(struct thrift_decoder *decoder, const char *problem)
{
    if (decoder->problem == NULL)
        decoder->problem = problem;
    decoder->at = decoder->end;
}

static size_t left(const struct thrift_decoder *decoder)
{
    return (size_t)(decoder->end - decoder->at);
}

static uint8_t take_byte(struct thrift_decoder *decoder)
{
    if (decoder->at == decoder->end) {
        fail(decoder, "thrift: ends too early");
        return 0;
    }
    return *decoder->at++;
}

static uint64_t take_varint(struct thrift_decoder *decoder)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = take_byte(decoder);

        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            if (shift == 63 && byte > 1)
                break;
            return value;
        }
    }
    fail(decoder, "thrift: number of more than 64 bits");
    return 0;
}

static int64_t take_zigzag(struct thrift_decoder *decoder, int64_t min, int64_t max)
{
    uint64_t raw = take_varint(decoder);
    int64_t value = (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);

    if (value < min || value > max) {
        fail(decoder, "thrift: number out of its type's range");
        return 0;
    }
    return value;
}

static struct span take_span(struct thrift_decoder *decoder, uint64_t size)
{
    struct span span = { decoder->at, 0 };

    if (size > left(decoder)) {
        fail(decoder, "thrift: length beyond the end");
        return (struct span){ NULL, 0 };
    }
    span.size = (size_t)size;
    decoder->at += size;
    return span;
}

static bool enter(struct thrift_decoder *decoder)
{
    if (decoder->depth == THRIFT_DEPTH_MAX) {
        fail(decoder, "thrift: nested too deeply");
        return false;
    }
    decoder->depth++;
    return true;
}

/* Size and element type of a list or set. */
static size_t take_list(struct thrift_decoder *decoder, uint8_t *type)
{
    uint8_t head = take_byte(decoder);
    uint64_t count = head >> 4;

    *type = head & 0x0f;
    if (count == 15)
        count = take_varint(decoder);
    if (count > left(decoder) || (count > 0 && *type == THRIFT_STOP)) {
        fail(decoder, "thrift: list longer than its bytes");
        return 0;
    }
    return (size_t)count;
}

static void skip(struct thrift_decoder *decoder, uint8_t type, bool in_list);

static void skip_struct(struct thrift_decoder *decoder)
{
    struct thrift_field field = { 0 };

    if (enter(decoder))
        while (thrift_decode_next(decoder, &field))
            ;
}

static void skip_list(struct thrift_decoder *decoder)
{
    uint8_t type = 0;
    size_t count;

    if (!enter(decoder))
        return;
    count = take_list(decoder, &type);
    for (size_t i = 0; i < count && decoder->problem == NULL; i++)
        skip(decoder, type, true);
    decoder->depth--;
}

static void skip_map(struct thrift_decoder *decoder)
{
    uint64_t count = take_varint(decoder);
    uint8_t types;

    if (count == 0 || !enter(decoder))
        return;
    types = take_byte(decoder);
    if (count > left(decoder))
        fail(decoder, "thrift: map longer than its bytes");
    for (uint64_t i = 0; i < count && decoder->problem == NULL; i++) {
        skip(decoder, types >> 4, true);
        skip(decoder, types & 0x0f, true);
    }
    decoder->depth--;
}

static void skip(struct thrift_decoder *decoder, uint8_t type, bool in_list)
{
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        if (in_list)
            take_byte(decoder);
        break;
    case THRIFT_BYTE:
        take_byte(decoder);
        break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        take_varint(decoder);
        break;
    case THRIFT_DOUBLE:
        take_span(decoder, 8);
        break;
    case THRIFT_BINARY:
        take_span(decoder, take_varint(decoder));
        break;
    case THRIFT_LIST:
    case THRIFT_SET:
        skip_list(decoder);
        break;
    case THRIFT_MAP:
        skip_map(decoder);
        break;
    case THRIFT_STRUCT:
        skip_struct(decoder);
        break;
    default:
        fail(decoder, "thrift: unknown type");
    }
}

struct thrift_decoder thrift_decode_begin(struct span bytes)
{
    static const uint8_t none[1];

    if (bytes.size == 0)
        bytes.data = none;
    return (struct thrift_decoder){ .at = bytes.data, .end = bytes.data + bytes.size };
}

struct thrift_field thrift_decode_struct(struct thrift_decoder *decoder)
{
    enter(decoder);
    return (struct thrift_field){ 0 };
}

/* True when the field's value may be taken as `type`. */
static bool take(struct thrift_decoder *decoder, struct thrift_field *field, enum thrift_type type)
{
    field->pending = false;
    if (decoder->problem == NULL && field->type != type)
        fail(decoder, "thrift: field of another type than the format says");
    return decoder->problem == NULL;
}

struct thrift_field thrift_decode_child(struct thrift_decoder *decoder, struct thrift_field *field)
{
    if (take(decoder, field, THRIFT_STRUCT))
        enter(decoder);
    return (struct thrift_field){ 0 };
}

bool thrift_decode_next(struct thrift_decoder *decoder, struct thrift_field *field)
{
    uint8_t head;
    int64_t id;

    if (field->pending)
        skip(decoder, field->type, false);
    field->pending = false;
    head = take_byte(decoder);
    if (decoder->problem != NULL)
        return false;
    if (head == THRIFT_STOP) {
        decoder->depth--;
        return false;
    }
    id = head >> 4 != 0 ? field->id + (head >> 4) : take_zigzag(decoder, INT16_MIN, INT16_MAX);
    if (id > INT16_MAX)
        fail(decoder, "thrift: field id out of range");
    if (decoder->problem != NULL)
        return false;
    *field = (struct thrift_field){ .id = (int16_t)id, .type = head & 0x0f, .pending = true };
    return true;
}

bool thrift_decode_bool(struct thrift_decoder *decoder, struct thrift_field *field)
{
    field->pending = false;
    if (decoder->problem == NULL && field->type != THRIFT_TRUE && field->type != THRIFT_FALSE)
        fail(decoder, "thrift: field of another type than the format says");
    return decoder->problem == NULL && field->type == THRIFT_TRUE;
}

int8_t thrift_decode_i8(struct thrift_decoder *decoder, struct thrift_field *field)
{
    return take(decoder, field, THRIFT_BYTE) ? (int8_t)take_byte(decoder) : 0;
}

int32_t thrift_decode_i32(struct thrift_decoder *decoder, struct thrift_field *field)
{
    if (!take(decoder, field, THRIFT_I32))
        return 0;
    return (int32_t)take_zigzag(decoder, INT32_MIN, INT32_MAX);
}

int64_t thrift_decode_i64(struct thrift_decoder *decoder, struct thrift_field *field)
{
    if (!take(decoder, field, THRIFT_I64))
        return 0;
    return take_zigzag(decoder, INT64_MIN, INT64_MAX);
}

struct span thrift_decode_binary(struct thrift_decoder *decoder, struct thrift_field *field)
{
    if (!take(decoder, field, THRIFT_BINARY))
        return (struct span){ NULL, 0 };
    return take_span(decoder, take_varint(decoder));
}

size_t thrift_decode_list(struct thrift_decoder *decoder, struct thrift_field *field,
                          enum thrift_type type, struct thrift_field *element)
{
    uint8_t found = 0;
    size_t count;

    *element = (struct thrift_field){ .type = (uint8_t)type };
    if (!take(decoder, field, THRIFT_LIST))
        return 0;
    count = take_list(decoder, &found);
    if (count > 0 && found != type) {
        fail(decoder, "thrift: list of another type than the format says");
        return 0;
    }
    return count;
}

bool thrift_decode_element(struct thrift_decoder *decoder, struct thrift_field *element)
{
    thrift_decode_list_end(decoder, element);
    element->pending = decoder->problem == NULL;
    return element->pending;
}

void thrift_decode_list_end(struct thrift_decoder *decoder, struct thrift_field *element)
{
    if (element->pending)
        skip(decoder, element->type, true);
    element->pending = false;
}
