// SPDX-License-Identifier: Apache-2.0
/*
 * ice_json.h: what metadata's documents are made of, read with core/json.h.
 *
 * All errors are REJECT and name the key; ice_metadata_parse makes them CORRUPT.  A value of
 * another type than asked for is an error; null is one too, so that a caller who takes null for
 * absent asks first.
 */
#ifndef K2_ICEBERG_ICE_JSON_H
#define K2_ICEBERG_ICE_JSON_H

#include "core/arena.h"
#include "core/json.h"

/* A JSON integer, to the last digit: ids never go through a double. */
CHECK_RESULT int ice_json_int64(const struct json_value *value, const char *key, int64_t *out,
                                struct err *err);
CHECK_RESULT int ice_json_int32(const struct json_value *value, const char *key, int32_t *out,
                                struct err *err);
/* A string without U+0000, its escapes resolved, terminated, in the arena. */
CHECK_RESULT int ice_json_text(struct arena *arena, const struct json_value *value, const char *key,
                               const char **out, struct err *err);
CHECK_RESULT int ice_json_bool(const struct json_value *value, const char *key, bool *out,
                               struct err *err);
/* Passes over a value that was handed out last; *raw is its whole text. */
CHECK_RESULT int ice_json_raw(struct json *json, const struct json_value *value, struct span *raw,
                              struct err *err);
/* REJECT unless the value has this type. */
CHECK_RESULT int ice_json_expect(const struct json_value *value, enum json_type type,
                                 const char *key, struct err *err);
/* Reads an object of strings, of which the opening bracket was handed out last, as struct ice_pair
 * behind what *pairs holds. */
CHECK_RESULT int ice_json_pairs(struct arena *arena, struct json *json,
                                const struct json_value *value, const char *key, struct buf *pairs,
                                struct err *err);

/* Appends `text` quoted. */
void ice_json_put_text(const char *text, struct buf *out);
/* Appends `"key":"value"` with a comma in front unless *out ends in an opening bracket. */
void ice_json_put_pair(const char *key, const char *value, struct buf *out);

#endif
