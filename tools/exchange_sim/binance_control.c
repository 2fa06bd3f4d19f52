// SPDX-License-Identifier: Apache-2.0
/* binance_control.c: requests of a client and their replies; web-socket-streams.md, "Live
 * Subscribing/Unsubscribing to streams" and its error table.  A bad request never closes the
 * socket; too many streams does. */
#include "binance.h"
#include "wsframe.h"

#include "core/json.h"

#include <errno.h>
#include <stdarg.h>

struct request {
    struct json_value method, id;
    struct json params; /* within the array */
    bool has_method, has_params, has_id;
};

static int put_error(const struct request *request, int code, struct buf *reply, const char *format,
                     ...) PRINTF_LIKE(4, 5);

static void put_id(const struct request *request, struct buf *reply)
{
    const char *quote = request->id.type == JSON_STRING ? "\"" : "";

    buf_printf(reply, ",\"id\":%s%.*s%s", quote, SPAN_ARGS(request->id.text), quote);
}

static int put_error(const struct request *request, int code, struct buf *reply, const char *format,
                     ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    buf_printf(reply, "{\"code\":%d,\"msg\":", code);
    json_quote(span_text(text), reply);
    if (request->has_id)
        put_id(request, reply);
    buf_put_byte(reply, '}');
    return 0;
}

static int put_result(const struct request *request, const char *result, struct buf *reply)
{
    buf_printf(reply, "{\"result\":%s", result);
    put_id(request, reply);
    buf_put_byte(reply, '}');
    return 0;
}

/* A signed 64-bit integer, up to 36 letters and digits, or null. */
static bool is_id(const struct json_value *id)
{
    char text[24];
    char *end;

    if (id->type == JSON_NULL)
        return true;
    if (id->type == JSON_STRING) {
        for (size_t i = 0; i < id->text.size; i++) {
            uint8_t byte = id->text.data[i], letter = byte | 0x20;

            if ((byte < '0' || byte > '9') && (letter < 'a' || letter > 'z') && byte != '-' &&
                byte != '_')
                return false;
        }
        return id->text.size <= 36;
    }
    if (id->type != JSON_NUMBER || id->text.size >= sizeof(text))
        return false;
    memcpy(text, id->text.data, id->text.size);
    text[id->text.size] = '\0';
    errno = 0;
    (void)strtoll(text, &end, 10);
    return errno == 0 && *end == '\0';
}

/* The text has been checked: from here on it is well formed, and nothing can fail. */
static void parse_request(struct span text, struct request *request)
{
    struct json json;
    struct json_value key, value;
    struct err err;
    int rc;

    json_init(&json, text);
    rc = json_value(&json, &value, &err);
    if (rc != 0 || value.type != JSON_OBJECT)
        return;
    while (rc == 0 && (rc = json_member(&json, &key, &value, &err)) == 0) {
        if (json_is(&key, SPAN("method")) && value.type == JSON_STRING) {
            request->has_method = true;
            request->method = value;
        } else if (json_is(&key, SPAN("id")) && is_id(&value)) {
            request->has_id = true;
            request->id = value;
        } else if (json_is(&key, SPAN("params")) && value.type == JSON_ARRAY) {
            request->has_params = true;
            request->params = json;
        }
        rc = json_skip(&json, &value, &err);
    }
}

/* The next parameter, or false. */
static bool next_param(struct request *request, struct json_value *value)
{
    struct err err;

    if (!request->has_params || json_element(&request->params, value, &err) != 0)
        return false;
    if (value->type == JSON_OBJECT || value->type == JSON_ARRAY)
        return json_skip(&request->params, value, &err) == 0;
    return true;
}

static int change_streams(struct session *session, struct request *request, bool subscribe,
                          struct buf *reply)
{
    struct json params = request->params;
    struct json_value value;
    struct buf name = BUF_INIT;
    struct err err;
    bool fits = true;

    if (!request->has_params)
        return put_error(request, 2, reply, "Invalid request: missing field `params`");
    while (next_param(request, &value))
        if (value.type != JSON_STRING)
            return put_error(request, 2, reply, "Invalid request: stream names must be strings");
    request->params = params;
    while (fits && next_param(request, &value)) {
        buf_clear(&name);
        if (json_unescape(&value, &name, &err) < 0)
            continue;
        if (subscribe)
            fits = session_subscribe(session, buf_span(&name));
        else
            session_unsubscribe(session, buf_span(&name));
    }
    buf_deinit(&name);
    return fits ? put_result(request, "null", reply) : WSFRAME_POLICY;
}

static int list_streams(const struct session *session, struct request *request, struct buf *reply)
{
    struct json_value value;

    if (next_param(request, &value))
        return put_error(request, 2, reply, "Invalid request: too many parameters");
    buf_put_text(reply, "{\"result\":[");
    for (size_t i = 0; i < session->name_count; i++) {
        buf_put_text(reply, i == 0 ? "" : ",");
        json_quote(buf_span(&session->names[i]), reply);
    }
    buf_put_byte(reply, ']');
    put_id(request, reply);
    buf_put_byte(reply, '}');
    return 0;
}

static int property(struct session *session, struct request *request, bool set, struct buf *reply)
{
    struct json_value name, value, more;
    bool has_value = false;

    if (!next_param(request, &name) || name.type != JSON_STRING)
        return put_error(request, 2, reply, "Invalid request: property name must be a string");
    if (set)
        has_value = next_param(request, &value);
    if (next_param(request, &more))
        return put_error(request, 2, reply, "Invalid request: too many parameters");
    if (!json_is(&name, SPAN("combined")))
        return put_error(request, 0, reply, "Unknown property");
    if (!set)
        return put_result(request, session->combined ? "true" : "false", reply);
    if (!has_value || (value.type != JSON_TRUE && value.type != JSON_FALSE))
        return put_error(request, 1, reply, "Invalid value type: expected Boolean");
    session->combined = value.type == JSON_TRUE;
    return put_result(request, "null", reply);
}

static int not_json(const struct request *request, const struct err *err, struct buf *reply)
{
    size_t position = 0;

    /* the scanner's position is in its sentence; a message is one line as a rule */
    (void)sscanf(err->text, "JSON, byte %zu", &position);
    return put_error(request, 3, reply, "Invalid JSON: expected value at line 1 column %zu",
                     position + 1);
}

int binance_message(struct session *session, struct span text, int64_t now_ns, struct buf *reply)
{
    struct request request = { 0 };
    struct err err;
    const struct json_value *method = &request.method;

    (void)now_ns;
    if (json_check(text, &err) < 0)
        return not_json(&request, &err, reply);
    parse_request(text, &request);
    if (!request.has_method)
        return put_error(&request, 2, reply,
                         "Invalid request: missing field `method` at line 1 column %zu", text.size);
    if (!request.has_id)
        return put_error(&request, 2, reply,
                         "Invalid request: request ID must be an unsigned integer");
    if (json_is(method, SPAN("SUBSCRIBE")))
        return change_streams(session, &request, true, reply);
    if (json_is(method, SPAN("UNSUBSCRIBE")))
        return change_streams(session, &request, false, reply);
    if (json_is(method, SPAN("LIST_SUBSCRIPTIONS")))
        return list_streams(session, &request, reply);
    if (json_is(method, SPAN("SET_PROPERTY")))
        return property(session, &request, true, reply);
    if (json_is(method, SPAN("GET_PROPERTY")))
        return property(session, &request, false, reply);
    return put_error(
        &request, 2, reply,
        "Invalid request: unknown variant `%.*s`, expected one of `SUBSCRIBE`, "
        "`UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` at line 1 "
        "column %zu",
        (int)(method->text.size < 40 ? method->text.size : 40), (const char *)method->text.data,
        (size_t)(method->text.data - text.data) + method->text.size + 1);
}
