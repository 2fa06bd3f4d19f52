// SPDX-License-Identifier: Apache-2.0
/*
 * avro_json.h: any datum as JSON, for people (`k2 dlq show`) and tests; not for the hot path.
 *
 * Close to Avro's JSON encoding, easier to read: bytes, fixed and decimals are hex texts; a union
 * of null and one type is null or the bare value, another union null or {"branch": value}, where
 * the branch is a type or a full name.  Not-a-number and the infinities are the texts "NaN",
 * "Infinity", "-Infinity".
 */
#ifndef K2_CODEC_AVRO_JSON_H
#define K2_CODEC_AVRO_JSON_H

#include "codec/avro_schema.h"
#include "core/buf.h"

struct json_object;

/* Appends the encoding of `json` as a datum of `schema`, which is not a resolved one.  A field that
 * is missing counts as null, one that the schema lacks is an error.  REJECT names the place; *out
 * then holds part of it. */
CHECK_RESULT int avro_json_encode(const struct avro_schema *schema, struct json_object *json,
                                  struct buf *out, struct err *err);

/* Appends one datum of *in, which is moved past it, as JSON text on one line.  Text that is not
 * UTF-8 has U+FFFD for what is wrong.  A resolved schema gives the reader's fields and types.
 * REJECT for bytes that are not such a datum; *in and *out are then undefined past their old state.
 */
CHECK_RESULT int avro_json_decode(const struct avro_schema *schema, struct span *in,
                                  struct buf *out, struct err *err);

#endif
