// SPDX-License-Identifier: Apache-2.0
/*
 * thrift_decode.h: Thrift's compact protocol, as far as Parquet's footers and page headers use it
 * (apache/thrift, doc/specs/thrift-compact-protocol.md).
 *
 * Pull style over borrowed bytes: a struct's fields are taken one after the other, and one that
 * nobody takes is skipped by the next call, so that unknown fields cost no code.  The first thing
 * wrong stops the decoder: from then on every call gives 0 and no further field, and `problem` says
 * what it was.  One check after the last field is enough.  Nesting is bounded, and a list never has
 * more elements than bytes are left.
 *
 *     struct thrift_field field = thrift_decode_struct(&d);
 *     while (thrift_decode_next(&d, &field))
 *         switch (field.id) {
 *         case 1:
 *             rows = thrift_decode_i64(&d, &field);
 *             break;
 *         }
 */
#ifndef K2_CODEC_THRIFT_DECODE_H
#define K2_CODEC_THRIFT_DECODE_H

#include "codec/thrift.h"
#include "core/span.h"

struct thrift_decoder {
    const uint8_t *at, *end;
    int depth;
    const char *problem; /* NULL while all is well */
};

/* A field of a struct, or an element of a list (id is then 0). */
struct thrift_field {
    int16_t id;
    uint8_t type;
    bool pending; /* its value has not been taken */
};

enum { THRIFT_DEPTH_MAX = 24 };

struct thrift_decoder thrift_decode_begin(struct span bytes);

/* Enters the outermost struct. */
struct thrift_field thrift_decode_struct(struct thrift_decoder *decoder);
/* Enters the struct that is the value of `field`. */
struct thrift_field thrift_decode_child(struct thrift_decoder *decoder, struct thrift_field *field);
/* False at the end of the struct, which is then left, or when something is wrong. */
bool thrift_decode_next(struct thrift_decoder *decoder, struct thrift_field *field);

/* The value of a field; another type than asked for is wrong. */
bool thrift_decode_bool(struct thrift_decoder *decoder, struct thrift_field *field);
int8_t thrift_decode_i8(struct thrift_decoder *decoder, struct thrift_field *field);
int32_t thrift_decode_i32(struct thrift_decoder *decoder, struct thrift_field *field);
int64_t thrift_decode_i64(struct thrift_decoder *decoder, struct thrift_field *field);
/* Borrowed from the decoder's bytes. */
struct span thrift_decode_binary(struct thrift_decoder *decoder, struct thrift_field *field);
/* The number of elements; *element is then given, once for each, to thrift_decode_element. */
size_t thrift_decode_list(struct thrift_decoder *decoder, struct thrift_field *field,
                          enum thrift_type type, struct thrift_field *element);
/* Makes *element stand for the next element; one not taken is skipped.  False when wrong. */
bool thrift_decode_element(struct thrift_decoder *decoder, struct thrift_field *element);
/* After the last element; skips it if it was not taken. */
void thrift_decode_list_end(struct thrift_decoder *decoder, struct thrift_field *element);

#endif
