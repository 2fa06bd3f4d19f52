// SPDX-License-Identifier: Apache-2.0
/* ice_json.c: see the header.  No tree is built: a document of 100 snapshots is read at the speed
 * of the scanner, and what is not understood is kept as the text it was. */
#include "iceberg/ice_json.h"

#include "iceberg/ice_definition.h"

#include <inttypes.h>

static int refuse(const struct json_value *value, const char *key, const char *expected,
                  struct err *err)
{
    struct span shown = value->text;

    if (shown.size > 40)
        shown.size = 40;
    return err_set(err, ERR_REJECT, "%s: expected %s, found %.*s", key, expected, SPAN_ARGS(shown));
}

int ice_json_int64(const struct json_value *value, const char *key, int64_t *out, struct err *err)
{
    struct span text = value->text;
    bool negative = text.size > 0 && text.data[0] == '-';
    int64_t sum = 0;

    if (value->type != JSON_NUMBER)
        return refuse(value, key, "an integer", err);
    for (size_t i = negative; i < text.size; i++) {
        int digit = text.data[i] - '0';

        if (digit < 0 || digit > 9)
            return refuse(value, key, "an integer", err);
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_sub_overflow(sum, (int64_t)digit, &sum))
            return refuse(value, key, "an integer of 64 bits", err);
    }
    if (!negative && sum == INT64_MIN)
        return refuse(value, key, "an integer of 64 bits", err);
    *out = negative ? sum : -sum;
    return 0;
}

int ice_json_int32(const struct json_value *value, const char *key, int32_t *out, struct err *err)
{
    int64_t wide;

    if (ice_json_int64(value, key, &wide, err) < 0)
        return -1;
    if (wide < INT32_MIN || wide > INT32_MAX)
        return refuse(value, key, "an integer of 32 bits", err);
    *out = (int32_t)wide;
    return 0;
}

int ice_json_expect(const struct json_value *value, enum json_type type, const char *key,
                    struct err *err)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",       [JSON_FALSE] = "false",     [JSON_TRUE] = "true",
        [JSON_NUMBER] = "a number", [JSON_STRING] = "a string", [JSON_OBJECT] = "an object",
        [JSON_ARRAY] = "an array"
    };

    return value->type == type ? 0 : refuse(value, key, names[type], err);
}

int ice_json_text(struct arena *arena, const struct json_value *value, const char *key,
                  const char **out, struct err *err)
{
    struct buf text = BUF_INIT;
    int rc = -1;

    if (ice_json_expect(value, JSON_STRING, key, err) < 0)
        return -1;
    if (!value->escaped) {
        *out = arena_text(arena, value->text);
        return 0;
    }
    if (json_unescape(value, &text, err) < 0)
        goto out;
    if (memchr(text.data, 0, text.size) != NULL) {
        err_set(err, ERR_REJECT, "%s: U+0000 in a string", key);
        goto out;
    }
    *out = arena_text(arena, buf_span(&text));
    rc = 0;
out:
    buf_deinit(&text);
    return rc;
}

int ice_json_bool(const struct json_value *value, const char *key, bool *out, struct err *err)
{
    if (value->type != JSON_TRUE && value->type != JSON_FALSE)
        return refuse(value, key, "true or false", err);
    *out = value->type == JSON_TRUE;
    return 0;
}

int ice_json_raw(struct json *json, const struct json_value *value, struct span *raw,
                 struct err *err)
{
    const uint8_t *start = value->text.data - (value->type == JSON_STRING);

    if (json_skip(json, value, err) < 0)
        return -1;
    *raw = span_of(start, (size_t)(json_position(json) - start));
    return 0;
}

int ice_json_pairs(struct arena *arena, struct json *json, const struct json_value *value,
                   const char *key, struct buf *pairs, struct err *err)
{
    struct json_value name, text;
    int rc;

    if (ice_json_expect(value, JSON_OBJECT, key, err) < 0)
        return -1;
    while ((rc = json_member(json, &name, &text, err)) == 0) {
        struct ice_pair pair;

        if (ice_json_text(arena, &name, key, &pair.key, err) < 0 ||
            ice_json_text(arena, &text, pair.key, &pair.value, err) < 0)
            return err_wrap(err, "%s", key);
        buf_put(pairs, &pair, sizeof(pair));
    }
    return rc < 0 ? -1 : 0;
}

void ice_json_put_text(const char *text, struct buf *out)
{
    json_quote(span_text(text), out);
}

void ice_json_put_pair(const char *key, const char *value, struct buf *out)
{
    uint8_t last = out->size > 0 ? out->data[out->size - 1] : '{';

    if (last != '{' && last != '[')
        buf_put_byte(out, ',');
    ice_json_put_text(key, out);
    buf_put_byte(out, ':');
    ice_json_put_text(value, out);
}
