// SPDX-License-Identifier: Apache-2.0
/* json_find.c: see json_find.h. */
#include "core/json_find.h"

#include <errno.h>
#include <stdlib.h>

/* A value's whole text, once it has been passed over. */
static struct span whole(const struct json *json, const struct json_value *value)
{
    const uint8_t *from = value->text.data - (value->type == JSON_STRING);

    return span_of(from, (size_t)(json_position(json) - from));
}

static bool find(struct span object, const char *name, struct json_value *found, struct span *text)
{
    struct json json;
    struct json_value value, key;
    struct err ignored = { 0 };
    bool is_found = false;
    int rc;

    json_init(&json, object);
    if (json_value(&json, &value, &ignored) < 0 || value.type != JSON_OBJECT)
        return false;
    while ((rc = json_member(&json, &key, &value, &ignored)) == 0) {
        if (json_skip(&json, &value, &ignored) < 0)
            return false;
        if (!is_found && json_is(&key, span_text(name))) {
            is_found = true;
            *found = value;
            *text = whole(&json, &value);
        }
    }
    return is_found && rc == JSON_END && json_finish(&json, &ignored) == 0;
}

bool json_find(struct span object, const char *name, struct span *value)
{
    struct json_value found;

    return find(object, name, &found, value);
}

bool json_find_text(struct span object, const char *name, struct buf *out)
{
    struct json_value found;
    struct span text;
    struct err ignored = { 0 };

    buf_clear(out);
    if (!find(object, name, &found, &text))
        return false;
    if (found.type == JSON_NUMBER)
        buf_put_span(out, text);
    else if (found.type != JSON_STRING || json_unescape(&found, out, &ignored) < 0)
        return false;
    return true;
}

bool json_find_integer(struct span object, const char *name, int64_t least, int64_t most,
                       int64_t *out)
{
    struct json_value found;
    struct span text;
    char digits[24] = "", *end;
    long long value;

    if (!find(object, name, &found, &text) || found.type != JSON_NUMBER ||
        text.size >= sizeof(digits))
        return false;
    memcpy(digits, text.data, text.size);
    errno = 0;
    value = strtoll(digits, &end, 10);
    if (*end != '\0' || errno != 0 || value < least || value > most)
        return false;
    *out = value;
    return true;
}

bool json_each(struct span array, bool (*visit)(void *context, struct span element), void *context)
{
    struct json json;
    struct json_value value;
    struct err ignored = { 0 };
    int rc;

    json_init(&json, array);
    if (json_value(&json, &value, &ignored) < 0 || value.type != JSON_ARRAY)
        return false;
    while ((rc = json_element(&json, &value, &ignored)) == 0)
        if (json_skip(&json, &value, &ignored) < 0 || !visit(context, whole(&json, &value)))
            return false;
    return rc == JSON_END && json_finish(&json, &ignored) == 0;
}
