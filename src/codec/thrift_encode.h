// SPDX-License-Identifier: Apache-2.0
/*
 * thrift_encode.h: Thrift's compact protocol out, as far as Parquet needs it.
 *
 * The caller puts fields in ascending id within a struct, and as many items into a list as it
 * announced; both are asserted as far as they can be seen.  A struct's bytes do not depend on what
 * stands around it, so a struct encoded apart may be put with thrift_encode_raw.
 */
#ifndef K2_CODEC_THRIFT_ENCODE_H
#define K2_CODEC_THRIFT_ENCODE_H

#include "codec/thrift.h"
#include "core/buf.h"

enum { THRIFT_ENCODE_DEPTH_MAX = 12 };

struct thrift_encoder {
    struct buf *out;                       /* borrowed */
    int16_t last[THRIFT_ENCODE_DEPTH_MAX]; /* the id put last, for each open struct */
    int depth;
};

/* The outermost struct is open: the message is one struct, ended by thrift_encode_end. */
void thrift_encode_begin(struct thrift_encoder *encoder, struct buf *out);
void thrift_encode_end(struct thrift_encoder *encoder);

void thrift_encode_bool(struct thrift_encoder *encoder, int16_t id, bool value);
void thrift_encode_byte(struct thrift_encoder *encoder, int16_t id, int8_t value);
void thrift_encode_i16(struct thrift_encoder *encoder, int16_t id, int16_t value);
void thrift_encode_i32(struct thrift_encoder *encoder, int16_t id, int32_t value);
void thrift_encode_i64(struct thrift_encoder *encoder, int16_t id, int64_t value);
void thrift_encode_binary(struct thrift_encoder *encoder, int16_t id, struct span value);
void thrift_encode_text(struct thrift_encoder *encoder, int16_t id, const char *value);
/* Opens a struct field; its fields follow, then thrift_encode_end. */
void thrift_encode_struct(struct thrift_encoder *encoder, int16_t id);
/* A struct field whose bytes, its end included, were encoded before. */
void thrift_encode_raw(struct thrift_encoder *encoder, int16_t id, struct span encoded);
/* Opens a list field: `count` items follow, nothing ends it. */
void thrift_encode_list(struct thrift_encoder *encoder, int16_t id, enum thrift_type item,
                        size_t count);

void thrift_encode_item_bool(struct thrift_encoder *encoder, bool value);
void thrift_encode_item_i32(struct thrift_encoder *encoder, int32_t value);
void thrift_encode_item_i64(struct thrift_encoder *encoder, int64_t value);
void thrift_encode_item_binary(struct thrift_encoder *encoder, struct span value);
/* Opens a struct as an item; ended by thrift_encode_end. */
void thrift_encode_item_struct(struct thrift_encoder *encoder);

/* A varint without a frame: base 128, low groups first. */
void thrift_encode_varint(struct buf *out, uint64_t value);

#endif
