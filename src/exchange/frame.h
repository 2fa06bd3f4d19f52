// SPDX-License-Identifier: Apache-2.0
/*
 * frame.h: values of a frame's fields, taken exactly; what all exchanges' frames have in common.
 *
 * `value` NULL: the field is not there.  -1 is REJECT, with the field's name behind a word:
 * missing_field, wrong_type, bad_number, number_not_representable, not_json.
 */
#ifndef K2_EXCHANGE_FRAME_H
#define K2_EXCHANGE_FRAME_H

#include "core/err.h"
#include "core/json.h"
#include "trade/trade.h"

/* Scalars under keys that we do not know are kept up to this number. */
enum { FRAME_EXTRAS_MAX = 16 };

/* A string's text, its escapes resolved in *scratch, which must be large enough not to move (the
 * frame's size will do); another scalar's text as it is. */
CHECK_RESULT int frame_unescape(const struct json_value *value, struct buf *scratch,
                                struct span *out, struct err *err);
/* The same of a field that must be a string. */
CHECK_RESULT int frame_text(const struct json_value *value, const char *name, struct buf *scratch,
                            struct span *out, struct err *err);
/* A number, in quotes or not. */
CHECK_RESULT int frame_integer(const struct json_value *value, const char *name, int64_t *out,
                               struct err *err);
/* At TRADE_WIRE_SCALE. */
CHECK_RESULT int frame_decimal(const struct json_value *value, const char *name, int128 *out,
                               struct err *err);

/* Puts a pair unless its key is there; `pairs` has room. */
void frame_put_pair(struct trade_pair *pairs, size_t *count, struct span key, struct span value);

/* For messages: no more of a text than this. */
#define FRAME_QUOTE(span) (int)size_min((span).size, 100), (const char *)(span).data

#endif
