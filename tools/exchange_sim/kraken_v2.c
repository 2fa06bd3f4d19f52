// SPDX-License-Identifier: Apache-2.0
/* kraken_v2.c: wss://ws.kraken.com/v2: frames, respellings, requests and their replies. */
#include "kraken.h"

#include "core/micros.h"

#include <inttypes.h>

/* "…Z" with 0 to 9 decimals; false for anything else. */
static bool parse_time(struct kraken_trade *trade)
{
    enum { SECONDS = 19 };
    struct span text = trade->time;
    int64_t us, fraction = 0, unit = 1000000000;
    char seconds[SECONDS + 2];

    if (text.size < SECONDS + 1 || text.data[text.size - 1] != 'Z')
        return false;
    memcpy(seconds, text.data, SECONDS);
    memcpy(seconds + SECONDS, "Z", 2);
    if (!micros_parse(span_text(seconds), &us))
        return false;
    trade->time_digits = text.size == SECONDS + 1 ? 0 : (int)text.size - SECONDS - 2;
    if (trade->time_digits > 9 || (text.size > SECONDS + 1 && text.data[SECONDS] != '.'))
        return false;
    for (int i = 0; i < trade->time_digits; i++) {
        uint8_t byte = text.data[SECONDS + 1 + i];

        if (byte < '0' || byte > '9')
            return false;
        unit /= 10;
        fraction += (byte - '0') * unit;
    }
    trade->time_ns = us * 1000 + fraction;
    return true;
}

static bool parse_id(struct span text, int64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *out = *out * 10 + (text.data[i] - '0');
    }
    return text.size > 0 && text.size <= 18 && *out > 0;
}

static int parse_trade(struct json *json, const struct json_value *object,
                       struct kraken_trade *trade, struct err *err)
{
    struct json_value key, value;
    int rc;

    while ((rc = json_member(json, &key, &value, err)) == 0) {
        if (json_is(&key, SPAN("symbol")))
            trade->symbol = value.text;
        else if (json_is(&key, SPAN("side")))
            trade->side = value.text;
        else if (json_is(&key, SPAN("price")))
            trade->price = value.text;
        else if (json_is(&key, SPAN("qty")))
            trade->quantity = value.text;
        else if (json_is(&key, SPAN("ord_type")))
            trade->type = value.text;
        else if (json_is(&key, SPAN("timestamp")))
            trade->time = value.text;
        else if (json_is(&key, SPAN("trade_id")) && !parse_id(value.text, &trade->id))
            return err_set(err, ERR_REJECT, "trade_id is no number");
        if (json_skip(json, &value, err) < 0)
            return -1;
    }
    if (rc < 0)
        return -1;
    trade->row = object->text;
    trade->row.size = (size_t)(json_position(json) - object->text.data);
    if (trade->symbol.size == 0 || trade->side.size == 0 || trade->price.size == 0 ||
        trade->quantity.size == 0 || trade->type.size == 0 || trade->id == 0 || !parse_time(trade))
        return err_set(err, ERR_REJECT, "a trade that lacks something");
    return 0;
}

static int parse_data(struct world *world, struct json *json, struct frame *frame, struct err *err)
{
    struct kraken_trade *trades = NULL;
    struct json_value value;
    size_t count = 0;
    int rc;

    while ((rc = json_element(json, &value, err)) == 0) {
        trades = mem_realloc(trades, count + 1, sizeof(trades[0]));
        trades[count] = (struct kraken_trade){ 0 };
        rc = value.type == JSON_OBJECT ? parse_trade(json, &value, &trades[count], err)
                                       : err_set(err, ERR_REJECT, "data holds no object");
        if (rc == 0 && !span_equal(trades[count].symbol, trades[0].symbol))
            rc = err_set(err, ERR_REJECT, "trades of two pairs in one frame");
        if (rc < 0)
            break;
        count++;
    }
    if (rc == JSON_END && count > 0)
        kraken_note(world, frame, trades[0].symbol, trades, count);
    free(trades);
    return rc < 0 ? -1 : count == 0 ? EXCHANGE_IGNORED : 0;
}

/* The "data" of {"channel":"trade","type":"update","data":[…]}; EXCHANGE_IGNORED: another frame. */
static int find_data(struct span text, struct json *data, struct err *err)
{
    struct json json;
    struct json_value key, value;
    bool trade = false, update = false, found = false;
    int rc;

    json_init(&json, text);
    if (json_check(text, err) < 0 || json_value(&json, &value, err) < 0)
        return -1;
    if (value.type != JSON_OBJECT)
        return EXCHANGE_IGNORED;
    while ((rc = json_member(&json, &key, &value, err)) == 0) {
        if (json_is(&key, SPAN("channel")))
            trade = json_is(&value, SPAN("trade"));
        else if (json_is(&key, SPAN("type")))
            update = json_is(&value, SPAN("update"));
        else if (json_is(&key, SPAN("data")) && value.type == JSON_ARRAY) {
            found = true;
            *data = json;
        }
        if (json_skip(&json, &value, err) < 0)
            return -1;
    }
    if (rc < 0)
        return -1;
    return trade && update && found ? 0 : EXCHANGE_IGNORED;
}

static int parse(struct world *world, struct frame *frame, struct err *err)
{
    struct json data;
    int rc = find_data(frame->text, &data, err);

    return rc != 0 ? rc : parse_data(world, &data, frame, err);
}

/* 83744.3 as 837443e-1 */
static void put_exponent(struct span number, struct buf *out)
{
    const uint8_t *point = memchr(number.data, '.', number.size);
    size_t from = out->size;

    if (point == NULL || memchr(number.data, 'e', number.size) != NULL) {
        buf_put_span(out, number);
        return;
    }
    for (size_t i = 0; i < number.size; i++)
        if (number.data + i != point && (out->size > from || number.data[i] != '0'))
            buf_put_byte(out, number.data[i]);
    buf_printf(out, out->size == from ? "0E+%02d" : "E-%02d",
               (int)(number.data + number.size - point) - 1);
}

static void put_slashed(struct span name, const char *slash, struct buf *out)
{
    buf_put_byte(out, '"');
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '/')
            buf_put_text(out, slash);
        else
            buf_put_byte(out, name.data[i]);
    }
    buf_put_byte(out, '"');
}

/* The members of a trade in orders that no recording has; bits of `variant` choose. */
static void put_trade(const struct session *session, const struct frame *frame,
                      const struct kraken_trade *trade, size_t variant, struct buf *out)
{
    enum { MEMBERS = 9 };
    const char *blank = variant % 3 == 0 ? "" : variant % 3 == 1 ? " " : "\r\n\t";
    bool escaped = variant & 1;

    buf_printf(out, "{%s", blank);
    for (size_t i = 0; i < MEMBERS; i++) {
        buf_put_text(out, i == 0 ? "" : ",");
        buf_put_text(out, blank);
        switch ((i + variant) % MEMBERS) {
        case 0:
            buf_printf(out, "\"symbol\"%s:%s", blank, blank);
            put_slashed(trade->symbol, escaped ? "\\u002f" : "\\/", out);
            break;
        case 1:
            buf_printf(out, "\"%s\":\"%.*s\"", escaped ? "s\\u0069de" : "side",
                       SPAN_ARGS(trade->side));
            break;
        case 2:
            buf_put_text(out, "\"price\":");
            put_exponent(trade->price, out);
            break;
        case 3:
            buf_printf(out, "\"qty\"%s:", blank);
            put_exponent(trade->quantity, out);
            break;
        case 4:
            buf_printf(out, "\"ord_type\":\"%.*s\"", SPAN_ARGS(trade->type));
            break;
        case 5:
            buf_printf(out, "\"trade_id\":%s%" PRId64, blank, trade->id);
            break;
        case 6:
            buf_put_text(out, "\"timestamp\":");
            kraken_put_time(session, frame, trade, true, out);
            break;
        case 7:
            buf_put_text(out, "\"new\":{\"price\":[-1.5e-7,{\"qty\":\"1\"}],\"trade_id\":0}");
            break;
        default:
            buf_put_text(out, "\"note\":\"\\\"price\\\":0 \\ud83d\\ude00\",\"far\":"
                              "1234567890123456789012345678901234567890");
            break;
        }
    }
    buf_printf(out, "%s}", blank);
}

static void put_respelled(const struct session *session, const struct frame *frame, size_t variant,
                          struct buf *out)
{
    enum { MEMBERS = 4 };
    const struct kraken_event *event = frame->detail;
    const char *blank = variant % 2 == 0 ? "" : " ";

    buf_printf(out, "{%s", blank);
    for (size_t i = 0; i < MEMBERS; i++) {
        buf_put_text(out, i == 0 ? "" : ",");
        switch ((i + variant / 2) % MEMBERS) {
        case 0:
            buf_put_text(out, variant % 4 == 3 ? "\"channel\":\"tr\\u0061de\""
                                               : "\"channel\" : \"trade\"");
            break;
        case 1:
            buf_put_text(out, "\"type\":\"update\"");
            break;
        case 2:
            buf_printf(out, "\"data\"%s:%s[", blank, blank);
            for (size_t k = 0; k < event->count; k++) {
                buf_put_text(out, k == 0 ? "" : ",");
                put_trade(session, frame, &event->trades[k], variant + k, out);
            }
            buf_put_byte(out, ']');
            break;
        default:
            buf_put_text(out, "\"more\":{\"channel\":\"heartbeat\",\"data\":[]}");
            break;
        }
    }
    buf_printf(out, "%s}", blank);
}

static void put(const struct session *session, const struct frame *frame, size_t variant,
                struct buf *out)
{
    if (variant == 0)
        kraken_put_moved(session, frame, frame->text, true, out);
    else
        put_respelled(session, frame, variant, out);
}

static void put_junk(const struct session *session, const struct frame *frame, size_t n,
                     struct buf *out)
{
    struct span name = session->world->streams[frame->stream].name;
    size_t from = out->size;

    switch (n % 4) {
    case 0:
        buf_put_text(out, "{\"Error\":\"Exceeded msg rate\"}");
        break;
    case 1:
        buf_put_text(out, "<html><head><title>502 Bad Gateway</title></head></html>");
        break;
    case 2:
        buf_printf(
            out, "{\"channel\":\"unheardOf\",\"type\":\"update\",\"data\":[{\"symbol\":\"%.*s\"}]}",
            SPAN_ARGS(name));
        break;
    default:
        put(session, frame, 0, out);
        out->size = from + (out->size - from) / 2;
        break;
    }
}

static void put_status(const struct session *session, const char *system, struct buf *out)
{
    buf_printf(out,
               "{\"channel\":\"status\",\"type\":\"update\",\"data\":[{\"version\":\"2.0.10\","
               "\"system\":\"%s\",\"api_version\":\"v2\",\"connection_id\":%" PRIu64 "}]}",
               system, UINT64_C(15413894943188002760) + session->number);
}

static void put_greeting(const struct session *session, struct buf *out)
{
    put_status(session, "online", out);
}

static void put_shutdown(const struct session *session, int64_t now_ns, struct buf *out)
{
    (void)now_ns;
    put_status(session, "maintenance", out);
}

static void put_heartbeat(struct buf *out)
{
    buf_put_text(out, "{\"channel\":\"heartbeat\"}");
}

static int open_session(struct session *session, const struct http_request *request)
{
    (void)session;
    return span_equal(request->path, SPAN("/v2")) || span_equal(request->path, SPAN("/v2/")) ? 101
                                                                                             : 404;
}

/* The times that every reply ends with, and the request's id. */
static void put_end(const struct kraken_request *request, int64_t now_ns, struct buf *replies)
{
    char in[MICROS_TEXT_BYTES_MAX], out[MICROS_TEXT_BYTES_MAX];

    micros_format(now_ns / 1000, in);
    micros_format(now_ns / 1000 + 42, out);
    buf_printf(replies, "\"time_in\":\"%s\",\"time_out\":\"%s\"", in, out);
    if (request->has_id)
        buf_printf(replies, ",\"req_id\":%.*s", SPAN_ARGS(request->id.text));
    buf_put_text(replies, "}\n");
}

/* `named`: the error's text names the symbol too. */
static void put_error(const struct kraken_request *request, const char *method, const char *text,
                      bool named, const struct buf *symbol, int64_t now_ns, struct buf *replies)
{
    struct buf error = BUF_INIT;

    buf_put_text(&error, text);
    if (named)
        buf_printf(&error, " %.*s", SPAN_ARGS(buf_span(symbol)));
    buf_put_text(replies, "{\"error\":");
    json_quote(buf_span(&error), replies);
    buf_deinit(&error);
    buf_printf(replies, ",\"method\":\"%s\",\"success\":false,", method);
    if (symbol != NULL) {
        buf_put_text(replies, "\"symbol\":");
        json_quote(buf_span(symbol), replies);
        buf_put_byte(replies, ',');
    }
    put_end(request, now_ns, replies);
}

static void put_success(const struct kraken_request *request, bool subscribe, struct span symbol,
                        int64_t now_ns, struct buf *replies)
{
    buf_printf(replies, "{\"method\":\"%s\",\"result\":{\"channel\":\"trade\",",
               subscribe ? "subscribe" : "unsubscribe");
    if (subscribe)
        buf_printf(replies, "\"snapshot\":%s,", request->snapshot ? "true" : "false");
    buf_put_text(replies, "\"symbol\":");
    json_quote(symbol, replies);
    buf_put_text(replies, "},\"success\":true,");
    put_end(request, now_ns, replies);
}

static void subscribe(struct session *session, const struct kraken_request *request,
                      const struct buf *name, int64_t now_ns, struct buf *replies)
{
    struct span symbol = buf_span(name);
    size_t stream = kraken_listed(session, symbol);

    session->asked++;
    if (stream == session->world->stream_count) {
        put_error(request, "subscribe", "Currency pair not supported", true, name, now_ns, replies);
    } else if (session_has(session, symbol)) {
        put_error(request, "subscribe", "Already subscribed", false, name, now_ns, replies);
    } else if (!session_subscribe(session, symbol)) {
        put_error(request, "subscribe", "Exceeded msg rate", false, name, now_ns, replies);
    } else {
        put_success(request, true, symbol, now_ns, replies);
        if (!request->snapshot)
            return;
        buf_put_text(replies, "{\"channel\":\"trade\",\"type\":\"snapshot\",\"data\":[");
        kraken_put_snapshot(session, stream, true, replies);
        buf_put_text(replies, "]}\n");
    }
}

static void unsubscribe(struct session *session, const struct kraken_request *request,
                        const struct buf *name, int64_t now_ns, struct buf *replies)
{
    if (!session_has(session, buf_span(name))) {
        put_error(request, "unsubscribe", "Subscription Not Found", false, name, now_ns, replies);
        return;
    }
    session_unsubscribe(session, buf_span(name));
    put_success(request, false, buf_span(name), now_ns, replies);
}

static int message(struct session *session, struct span text, int64_t now_ns, struct buf *replies)
{
    struct kraken_request request = { 0 };
    struct buf name = BUF_INIT;
    bool object = kraken_request_parse(text, true, &request);
    bool more = json_is(&request.method, SPAN("subscribe"));
    int rc;

    if (object && request.has_method && json_is(&request.method, SPAN("ping"))) {
        buf_put_text(replies, "{\"method\":\"pong\",");
        put_end(&request, now_ns, replies);
        return 0;
    }
    if (!object || !request.has_method || !request.has_channel || !request.has_names ||
        (!more && !json_is(&request.method, SPAN("unsubscribe")))) {
        put_error(&request, "error", "Malformed request", false, NULL, now_ns, replies);
        return 0;
    }
    if (!json_is(&request.channel, SPAN("trade"))) {
        put_error(&request, more ? "subscribe" : "unsubscribe", "Subscription name invalid", false,
                  NULL, now_ns, replies);
        return 0;
    }
    while ((rc = kraken_request_name(&request, &name)) >= 0) {
        if (rc > 0)
            put_error(&request, "error", "Malformed request", false, NULL, now_ns, replies);
        else if (more)
            subscribe(session, &request, &name, now_ns, replies);
        else
            unsubscribe(session, &request, &name, now_ns, replies);
    }
    buf_deinit(&name);
    return 0;
}

static void put_too_many(struct buf *out)
{
    buf_put_text(out, "{\"Error\":\"Exceeded msg rate\"}");
}

const struct exchange kraken_v2_exchange = {
    .name = "kraken-v2",
    .attempts_max = 150,
    .attempts_window_s = 600,
    .messages_max = 20,
    .idle_closes = true,
    .parse = parse,
    .open = open_session,
    .put_greeting = put_greeting,
    .put_heartbeat = put_heartbeat,
    .message = message,
    .put_too_many = put_too_many,
    .put = put,
    .put_junk = put_junk,
    .put_shutdown = put_shutdown,
    .rest = kraken_rest,
};
