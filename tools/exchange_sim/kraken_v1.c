// SPDX-License-Identifier: Apache-2.0
/* kraken_v1.c: wss://ws.kraken.com: frames, respellings, requests and their replies. */
#include "kraken.h"

#include <inttypes.h>

/* "1618678150.826417", 0 to 9 decimals. */
static bool parse_time(struct kraken_trade *trade)
{
    int64_t seconds = 0, fraction = 0, unit = 1000000000;
    size_t i = 0;

    for (; i < trade->time.size && i < 11 && trade->time.data[i] != '.'; i++) {
        if (trade->time.data[i] < '0' || trade->time.data[i] > '9')
            return false;
        seconds = seconds * 10 + (trade->time.data[i] - '0');
    }
    if (i == 0 || (i < trade->time.size && trade->time.data[i] != '.'))
        return false;
    for (i++; i < trade->time.size; i++) {
        if (trade->time.data[i] < '0' || trade->time.data[i] > '9' || trade->time_digits == 9)
            return false;
        trade->time_digits++;
        unit /= 10;
        fraction += (trade->time.data[i] - '0') * unit;
    }
    trade->time_ns = seconds * 1000000000 + fraction;
    return seconds < INT64_C(9000000000);
}

/* ["354.04000000","0.28245396","1618678150.826417","s","m",""] */
static int parse_row(struct json *json, const struct json_value *array, struct kraken_trade *trade,
                     struct err *err)
{
    struct span *const fields[] = { &trade->price, &trade->quantity, &trade->time,
                                    &trade->side,  &trade->type,     &trade->misc };
    struct json_value value;
    size_t count = 0;
    int rc;

    while ((rc = json_element(json, &value, err)) == 0) {
        if (value.type != JSON_STRING || count == ARRAY_LEN(fields))
            return err_set(err, ERR_REJECT, "a row that is not of six strings");
        *fields[count++] = value.text;
    }
    if (rc < 0)
        return -1;
    trade->row = array->text;
    trade->row.size = (size_t)(json_position(json) - array->text.data);
    if (count < ARRAY_LEN(fields) || trade->side.size != 1 || trade->type.size != 1 ||
        !parse_time(trade))
        return err_set(err, ERR_REJECT, "a row that lacks something");
    return 0;
}

static int parse_rows(struct json *json, struct kraken_trade **trades, size_t *count,
                      struct err *err)
{
    struct json_value value;
    int rc;

    while ((rc = json_element(json, &value, err)) == 0) {
        *trades = mem_realloc(*trades, *count + 1, sizeof(**trades));
        (*trades)[*count] = (struct kraken_trade){ 0 };
        if (value.type != JSON_ARRAY)
            return err_set(err, ERR_REJECT, "a trade that is no array");
        if (parse_row(json, &value, &(*trades)[*count], err) < 0)
            return -1;
        ++*count;
    }
    return rc < 0 ? -1 : 0;
}

static int64_t parse_channel(struct span text)
{
    int64_t value = 0;

    for (size_t i = 0; i < text.size && i < 18; i++)
        if (text.data[i] >= '0' && text.data[i] <= '9')
            value = value * 10 + (text.data[i] - '0');
    return value;
}

/* [993,[row,…],"trade","XMR/USD"], of which the bracket has been read. */
static int parse_data(struct world *world, struct json *json, struct frame *frame, struct err *err)
{
    struct json_value channel, rows, name, pair;
    struct json from;
    struct kraken_trade *trades = NULL;
    size_t count = 0;
    uint32_t stream;
    int rc;

    if (json_element(json, &channel, err) != 0 || json_element(json, &rows, err) != 0)
        return EXCHANGE_IGNORED;
    from = *json;
    if (json_skip(json, &rows, err) < 0)
        return -1;
    if (channel.type != JSON_NUMBER || rows.type != JSON_ARRAY ||
        json_element(json, &name, err) != 0 || json_element(json, &pair, err) != 0 ||
        !json_is(&name, SPAN("trade")) || pair.type != JSON_STRING)
        return EXCHANGE_IGNORED;
    rc = parse_rows(&from, &trades, &count, err);
    if (rc == 0 && count > 0) {
        kraken_pair(world, pair.text, &stream)->channel = parse_channel(channel.text);
        kraken_note(world, frame, pair.text, trades, count);
    }
    free(trades);
    return rc == 0 && count == 0 ? EXCHANGE_IGNORED : rc;
}

/* A pair that was subscribed to is listed, though it may have no trade. */
static int parse_status(struct world *world, struct json *json, struct err *err)
{
    struct json_value key, value, pair = { 0 }, channel = { 0 };
    bool subscribed = false;
    uint32_t stream;
    int rc;

    while ((rc = json_member(json, &key, &value, err)) == 0) {
        if (json_is(&key, SPAN("pair")))
            pair = value;
        else if (json_is(&key, SPAN("channelID")))
            channel = value;
        else if (json_is(&key, SPAN("status")))
            subscribed = json_is(&value, SPAN("subscribed"));
        if (json_skip(json, &value, err) < 0)
            return -1;
    }
    if (rc < 0)
        return -1;
    if (subscribed && pair.type == JSON_STRING && channel.type == JSON_NUMBER)
        kraken_pair(world, pair.text, &stream)->channel = parse_channel(channel.text);
    return EXCHANGE_IGNORED;
}

static int parse(struct world *world, struct frame *frame, struct err *err)
{
    struct json json;
    struct json_value value;

    json_init(&json, frame->text);
    if (json_check(frame->text, err) < 0 || json_value(&json, &value, err) < 0)
        return -1;
    if (value.type == JSON_ARRAY)
        return parse_data(world, &json, frame, err);
    return value.type == JSON_OBJECT ? parse_status(world, &json, err) : EXCHANGE_IGNORED;
}

static int64_t channel_of(const struct session *session, size_t stream)
{
    const struct kraken_pair *pair = session->world->streams[stream].detail;

    return pair->channel;
}

static void put_respelled(const struct session *session, const struct frame *frame, size_t variant,
                          struct buf *out)
{
    const struct kraken_event *event = frame->detail;
    struct span name = session->world->streams[frame->stream].name;
    const char *blank = variant % 3 == 0 ? "" : variant % 3 == 1 ? " " : "\r\n\t";
    const uint8_t *slash = memchr(name.data, '/', name.size);
    int base = slash == NULL ? (int)name.size : (int)(slash - name.data);

    buf_printf(out, "%s[%s%" PRId64 "%s,%s[", blank, blank, channel_of(session, frame->stream),
               blank, blank);
    for (size_t i = 0; i < event->count; i++) {
        const struct kraken_trade *trade = &event->trades[i];

        buf_printf(out, "%s%s[%s\"%.*s\"%s,\"%.*s\",%s", i == 0 ? "" : ",", blank, blank,
                   SPAN_ARGS(trade->price), blank, SPAN_ARGS(trade->quantity), blank);
        kraken_put_time(session, frame, trade, false, out);
        buf_printf(out,
                   variant % 2 == 0 ? "%s,\"%c\",\"%c\"%s,\"%.*s\"]"
                                    : "%s,\"\\u%04x\",\"%c\"%s,\"%.*s\"]",
                   blank, trade->side.data[0], trade->type.data[0], blank, SPAN_ARGS(trade->misc));
    }
    buf_printf(out, "%s],\"%s\"%s,\"%.*s%s%.*s\"%s]%s", blank,
               variant % 4 == 3 ? "tr\\u0061de" : "trade", blank, base, (const char *)name.data,
               slash == NULL      ? ""
               : variant % 2 == 0 ? "\\u002f"
                                  : "\\/",
               slash == NULL ? 0 : (int)name.size - base - 1,
               slash == NULL ? "" : (const char *)slash + 1, blank, blank);
}

static void put(const struct session *session, const struct frame *frame, size_t variant,
                struct buf *out)
{
    if (variant == 0)
        kraken_put_moved(session, frame, frame->text, false, out);
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
        buf_put_text(out, "{\"errorMessage\":\"Exceeded msg rate\",\"event\":\"error\"}");
        break;
    case 1:
        buf_put_text(out, "<html><head><title>502 Bad Gateway</title></head></html>");
        break;
    case 2:
        buf_printf(out, "[%" PRId64 ",[[\"1\",\"2\"]],\"unheardOf\",\"%.*s\"]",
                   channel_of(session, frame->stream), SPAN_ARGS(name));
        break;
    default:
        put(session, frame, 0, out);
        out->size = from + (out->size - from) / 2;
        break;
    }
}

static void put_status(const struct session *session, const char *status, struct buf *out)
{
    buf_printf(out,
               "{\"connectionID\":%" PRIu64
               ",\"event\":\"systemStatus\",\"status\":\"%s\",\"version\":\"1.9.6\"}",
               UINT64_C(18239578009413566319) + session->number, status);
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
    buf_put_text(out, "{\"event\":\"heartbeat\"}");
}

static int open_session(struct session *session, const struct http_request *request)
{
    (void)session;
    return span_equal(request->path, SPAN("/")) ? 101 : 404;
}

static void put_id(const struct kraken_request *request, struct buf *replies)
{
    if (request->has_id)
        buf_printf(replies, ",\"reqid\":%.*s", SPAN_ARGS(request->id.text));
}

/* An error of the request as a whole. */
static int fail(const struct kraken_request *request, const char *event, const char *text,
                struct buf *replies)
{
    buf_printf(replies, "{\"errorMessage\":\"%s\",\"event\":\"%s\"", text, event);
    put_id(request, replies);
    buf_put_text(replies, event[0] == 'e' ? "}\n" : ",\"status\":\"error\"}\n");
    return 0;
}

static void put_error(const struct kraken_request *request, const char *text, bool named,
                      const struct buf *pair, struct buf *replies)
{
    struct buf error = BUF_INIT;

    buf_put_text(&error, text);
    if (named)
        buf_printf(&error, " %.*s", SPAN_ARGS(buf_span(pair)));
    buf_put_text(replies, "{\"errorMessage\":");
    json_quote(buf_span(&error), replies);
    buf_put_text(replies, ",\"event\":\"subscriptionStatus\",\"pair\":");
    json_quote(buf_span(pair), replies);
    put_id(request, replies);
    buf_put_text(replies, ",\"status\":\"error\",\"subscription\":{\"name\":\"trade\"}}\n");
    buf_deinit(&error);
}

static void put_success(const struct session *session, const struct kraken_request *request,
                        const char *status, size_t stream, struct buf *replies)
{
    buf_printf(replies,
               "{\"channelID\":%" PRId64
               ",\"channelName\":\"trade\",\"event\":\"subscriptionStatus\","
               "\"pair\":\"%.*s\"",
               channel_of(session, stream), SPAN_ARGS(session->world->streams[stream].name));
    put_id(request, replies);
    buf_printf(replies, ",\"status\":\"%s\",\"subscription\":{\"name\":\"trade\"}}\n", status);
}

static void put_snapshot(const struct session *session, size_t stream, struct buf *replies)
{
    size_t from = replies->size;

    buf_printf(replies, "[%" PRId64 ",[", channel_of(session, stream));
    kraken_put_snapshot(session, stream, false, replies);
    if (replies->data[replies->size - 1] == '[')
        replies->size = from; /* nothing has been traded */
    else
        buf_printf(replies, "],\"trade\",\"%.*s\"]\n",
                   SPAN_ARGS(session->world->streams[stream].name));
}

static void subscribe(struct session *session, const struct kraken_request *request,
                      const struct buf *name, struct buf *replies)
{
    struct span pair = buf_span(name);
    size_t stream = kraken_listed(session, pair);

    session->asked++;
    if (stream == session->world->stream_count && memchr(pair.data, '/', pair.size) == NULL) {
        put_error(request, "Currency pair not in ISO 4217-A3 format", true, name, replies);
    } else if (stream == session->world->stream_count) {
        put_error(request, "Currency pair not supported", true, name, replies);
    } else if (session_has(session, pair)) {
        put_error(request, "Already subscribed", false, name, replies);
    } else if (!session_subscribe(session, pair)) {
        put_error(request, "Exceeded msg rate", false, name, replies);
    } else {
        put_success(session, request, "subscribed", stream, replies);
        if (session->world->options->snapshot)
            put_snapshot(session, stream, replies);
    }
}

static void unsubscribe(struct session *session, const struct kraken_request *request,
                        const struct buf *name, struct buf *replies)
{
    struct span pair = buf_span(name);

    if (!session_has(session, pair)) {
        put_error(request, "Subscription Not Found", false, name, replies);
        return;
    }
    session_unsubscribe(session, pair);
    put_success(session, request, "unsubscribed", world_stream_find(session->world, pair), replies);
}

static int message(struct session *session, struct span text, int64_t now_ns, struct buf *replies)
{
    struct kraken_request request = { 0 };
    struct buf name = BUF_INIT;
    bool object = kraken_request_parse(text, false, &request);
    bool more = json_is(&request.method, SPAN("subscribe"));
    int rc;

    (void)now_ns;
    if (object && json_is(&request.method, SPAN("ping"))) {
        buf_put_text(replies, "{\"event\":\"pong\"");
        put_id(&request, replies);
        buf_put_text(replies, "}\n");
        return 0;
    }
    if (!object || (!more && !json_is(&request.method, SPAN("unsubscribe"))))
        return fail(&request, "error", "Malformed request", replies);
    if (!request.has_names)
        return fail(&request, "subscriptionStatus", "Pair field must be an array", replies);
    if (request.params_wrong)
        return fail(&request, "subscriptionStatus", "Subscription field must be an object",
                    replies);
    if (!request.has_channel || !json_is(&request.channel, SPAN("trade")))
        return fail(&request, "subscriptionStatus", "Subscription name invalid", replies);
    while ((rc = kraken_request_name(&request, &name)) >= 0) {
        if (rc > 0)
            (void)fail(&request, "error", "Malformed request", replies);
        else if (more)
            subscribe(session, &request, &name, replies);
        else
            unsubscribe(session, &request, &name, replies);
    }
    buf_deinit(&name);
    return 0;
}

static void put_too_many(struct buf *out)
{
    buf_put_text(out, "{\"errorMessage\":\"Exceeded msg rate\",\"event\":\"error\"}");
}

const struct exchange kraken_v1_exchange = {
    .name = "kraken-v1",
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
