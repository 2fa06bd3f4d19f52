// SPDX-License-Identifier: Apache-2.0
/*
 * json.h: a pull scanner that walks a JSON text (RFC 8259) in place: no tree, no allocation, and a
 * number stays the text it was, so that no price goes through a double.  For exchange frames; whole
 * documents are json-c's work.
 *
 *     json_init(&json, frame);
 *     if (json_value(&json, &value, err) < 0) ...          the text's one value
 *     while ((rc = json_member(&json, &key, &value, err)) == 0) {      it was an object
 *         if (json_is(&key, SPAN("p")) && value.type == JSON_STRING) ...
 *         else if (json_skip(&json, &value, err) < 0) ...   a container must be walked or skipped
 *     }
 *     if (rc < 0 || json_finish(&json, err) < 0) ...
 *
 * A value of type JSON_OBJECT or JSON_ARRAY is entered by being handed out: what json_member or
 * json_element gives next is its content, and JSON_END is its end.  Strict: no trailing comma, no
 * control character in a string, no ill-formed UTF-8, no leading zero, nesting up to 64.  Keys that
 * occur twice are handed out twice.  After -1 (ERR_REJECT, the text names the byte's position) the
 * scanner is spent.  Spans point into the text.  One thread at a time.
 */
#ifndef K2_CORE_JSON_H
#define K2_CORE_JSON_H

#include "core/base.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/span.h"

enum { JSON_END = 1, JSON_DEPTH_MAX = 64 };

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_OBJECT,
    JSON_ARRAY,
};

struct json_value {
    enum json_type type;
    bool escaped;     /* a string with a backslash in it: see json_is, json_unescape */
    struct span text; /* string: the bytes between its quotes; number, literal: its text; object,
                       * array: its opening bracket */
};

struct json { /* private; a copy goes on from the same place */
    const uint8_t *start, *at, *end;
    uint64_t arrays; /* bit d: the container at depth d is an array */
    int depth;
    bool first; /* nothing of the innermost container has been handed out */
};

void json_init(struct json *json, struct span text);
/* The value of the text itself; once, at the start. */
CHECK_RESULT int json_value(struct json *json, struct json_value *value, struct err *err);
/* The next member of the object that the scanner is in, or JSON_END, which leaves it. */
CHECK_RESULT int json_member(struct json *json, struct json_value *key, struct json_value *value,
                             struct err *err);
/* The next element of the array that the scanner is in, or JSON_END, which leaves it. */
CHECK_RESULT int json_element(struct json *json, struct json_value *value, struct err *err);
/* Passes over the rest of `value`, which was handed out last: nothing to do for a scalar. */
CHECK_RESULT int json_skip(struct json *json, const struct json_value *value, struct err *err);
/* Where the scanner stands: behind what was handed out, passed over or left last, so that a whole
 * value is the text from its first byte to here. */
static inline const uint8_t *json_position(const struct json *json)
{
    return json->at;
}
/* Nothing but blanks may be left. */
CHECK_RESULT int json_finish(struct json *json, struct err *err);
/* All of the above in one: is `text` one well-formed JSON value? */
CHECK_RESULT int json_check(struct span text, struct err *err);

/* True for a string that, its escapes resolved, has these bytes (false for one with a lone half of
 * a surrogate pair). */
bool json_is(const struct json_value *string, struct span bytes);
/* Appends a string's text with its escapes resolved, as UTF-8.  -1: a lone half of a surrogate
 * pair; what was appended before it stays. */
CHECK_RESULT int json_unescape(const struct json_value *string, struct buf *out, struct err *err);
/* Appends `text` as a JSON string with its quotes; bytes that are not UTF-8 pass as they are. */
void json_quote(struct span text, struct buf *out);

#endif
