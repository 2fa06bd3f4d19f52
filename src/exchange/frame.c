// SPDX-License-Identifier: Apache-2.0
/* frame.c: see frame.h. */
#include "exchange/frame.h"

#include "core/decimal.h"

int frame_unescape(const struct json_value *value, struct buf *scratch, struct span *out,
                   struct err *err)
{
    size_t from = scratch->size;

    *out = value->text;
    if (value->type != JSON_STRING || !value->escaped)
        return 0;
    if (json_unescape(value, scratch, err) < 0)
        return err_wrap(err, "not_json");
    *out = span_of(scratch->data + from, scratch->size - from);
    return 0;
}

int frame_text(const struct json_value *value, const char *name, struct buf *scratch,
               struct span *out, struct err *err)
{
    if (value == NULL)
        return err_set(err, ERR_REJECT, "missing_field: %s", name);
    if (value->type != JSON_STRING)
        return err_set(err, ERR_REJECT, "wrong_type: %s", name);
    return frame_unescape(value, scratch, out, err);
}

static int number_text(const struct json_value *value, const char *name, struct span *out,
                       struct err *err)
{
    if (value == NULL)
        return err_set(err, ERR_REJECT, "missing_field: %s", name);
    if (value->type != JSON_NUMBER && value->type != JSON_STRING)
        return err_set(err, ERR_REJECT, "wrong_type: %s", name);
    *out = value->text;
    return 0;
}

int frame_integer(const struct json_value *field, const char *name, int64_t *out, struct err *err)
{
    struct span text;
    int128 value = 0;
    size_t digits = 0;

    if (number_text(field, name, &text, err) < 0)
        return -1;
    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9' &&
           digits < 18)
        value = value * 10 + (text.data[digits++] - '0');
    if (text.size == 0 || (digits < text.size && decimal_parse(text, 0, &value) != 0) ||
        value < INT64_MIN || value > INT64_MAX)
        return err_set(err, ERR_REJECT, "bad_number: %s is no integer", name);
    *out = (int64_t)value;
    return 0;
}

int frame_decimal(const struct json_value *value, const char *name, int128 *out, struct err *err)
{
    struct span text;
    int rc;

    if (number_text(value, name, &text, err) < 0)
        return -1;
    rc = decimal_parse(text, TRADE_WIRE_SCALE, out);
    if (rc == DECIMAL_SYNTAX)
        return err_set(err, ERR_REJECT, "bad_number: %s", name);
    if (rc != 0)
        return err_set(err, ERR_REJECT, "number_not_representable: %s", name);
    return 0;
}

void frame_put_pair(struct trade_pair *pairs, size_t *count, struct span key, struct span value)
{
    for (size_t i = 0; i < *count; i++)
        if (span_equal(pairs[i].key, key))
            return;
    pairs[(*count)++] = (struct trade_pair){ key, value };
}
