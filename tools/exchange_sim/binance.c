// SPDX-License-Identifier: Apache-2.0
/* binance.c: events as recorded, raw or combined, and upgrade requests. */
#include "binance.h"

#include "core/json.h"

#include <inttypes.h>

static bool parse_int(struct span text, int64_t *out)
{
    int64_t value = 0;

    if (text.size == 0 || text.size > 18)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    *out = value;
    return true;
}

static void take_time(struct binance_event *event, struct span text, int64_t *out)
{
    if (event->time_count == ARRAY_LEN(event->times) || !parse_int(text, out))
        return;
    event->times[event->time_count] = text;
    event->times_ms[event->time_count++] = *out;
}

static void take_member(struct binance_event *event, const struct json_value *key,
                        const struct json_value *value)
{
    uint8_t name = key->text.size == 1 ? key->text.data[0] : 0;

    if (name == 'e' && value->type == JSON_STRING)
        event->type = value->text;
    else if (name == 's' && value->type == JSON_STRING)
        event->symbol = value->text;
    else if (name == 'p' && value->type == JSON_STRING)
        event->price = value->text;
    else if (name == 'q' && value->type == JSON_STRING)
        event->quantity = value->text;
    else if (name == 'm' && (value->type == JSON_TRUE || value->type == JSON_FALSE))
        event->maker = value->text;
    else if (name == 'M' && (value->type == JSON_TRUE || value->type == JSON_FALSE))
        event->ignore = value->text;
    else if (name == 'E' && value->type == JSON_NUMBER)
        take_time(event, value->text, &event->event_ms);
    else if (name == 'T' && value->type == JSON_NUMBER)
        take_time(event, value->text, &event->trade_ms);
    else if (name == 't' && value->type == JSON_NUMBER && !parse_int(value->text, &event->id))
        event->id = -1;
}

static int parse_event(struct json *json, struct binance_event *event, struct err *err)
{
    struct json_value key, value;
    int rc;

    while ((rc = json_member(json, &key, &value, err)) == 0) {
        take_member(event, &key, &value);
        if (json_skip(json, &value, err) < 0)
            return -1;
    }
    return rc < 0 ? -1 : 0;
}

/* The frame's object: an event, or one wrapped as {"stream":…,"data":…}. */
static int parse_frame(struct span text, struct binance_event *event, struct span *stream,
                       struct err *err)
{
    struct json json;
    struct json_value key, value;
    int rc;

    json_init(&json, text);
    if (json_value(&json, &value, err) < 0)
        return -1;
    if (value.type != JSON_OBJECT)
        return json_skip(&json, &value, err) < 0 ? -1 : json_finish(&json, err);
    event->data = text;
    while ((rc = json_member(&json, &key, &value, err)) == 0) {
        if (json_is(&key, SPAN("data")) && value.type == JSON_OBJECT) {
            event->data = value.text;
            event->wrapped = true;
            if (parse_event(&json, event, err) < 0)
                return -1;
            event->data.size = (size_t)(json_position(&json) - event->data.data);
            continue;
        }
        if (json_is(&key, SPAN("stream")) && value.type == JSON_STRING)
            *stream = value.text;
        take_member(event, &key, &value);
        if (json_skip(&json, &value, err) < 0)
            return -1;
    }
    return rc < 0 ? -1 : json_finish(&json, err);
}

static int decimals(struct span number)
{
    const uint8_t *point = memchr(number.data, '.', number.size);
    size_t end = number.size;

    if (point == NULL)
        return 0;
    while (number.data[end - 1] == '0')
        end--;
    return end - (size_t)(point - number.data) > 9 ? 8 : (int)(number.data + end - point) - 1;
}

static void note_symbol(struct world *world, struct stream *stream,
                        const struct binance_event *event)
{
    struct binance_symbol *symbol = stream->detail;

    if (symbol == NULL) {
        symbol = stream->detail = arena_zero(&world->arena, 1, sizeof(*symbol));
        symbol->symbol = event->symbol;
    }
    if (symbol->price_decimals < decimals(event->price))
        symbol->price_decimals = decimals(event->price);
    if (symbol->quantity_decimals < decimals(event->quantity))
        symbol->quantity_decimals = decimals(event->quantity);
}

static int parse(struct world *world, struct frame *frame, struct err *err)
{
    struct binance_event *event = arena_zero(&world->arena, 1, sizeof(*event));
    struct span stream = { NULL, 0 };
    struct buf name = BUF_INIT;

    if (parse_frame(frame->text, event, &stream, err) < 0)
        return -1;
    if (!event->wrapped)
        stream = (struct span){ NULL, 0 };
    if (stream.size == 0 && (event->type.size == 0 || event->symbol.size == 0))
        return EXCHANGE_IGNORED;
    for (size_t i = 0; stream.size == 0 && i < event->symbol.size; i++) {
        uint8_t byte = event->symbol.data[i];

        buf_put_byte(&name, byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
    }
    if (stream.size == 0)
        buf_printf(&name, "@%.*s", SPAN_ARGS(event->type));
    else
        buf_put_span(&name, stream);
    event->trade = span_equal(event->type, SPAN("trade")) && event->symbol.size > 0 &&
                   event->price.size > 0 && event->quantity.size > 0 && event->maker.size > 0 &&
                   event->id >= 0 && event->time_count == 2;
    frame->stream = world_stream(world, buf_span(&name));
    frame->time_ms = event->event_ms > 0   ? event->event_ms
                     : event->trade_ms > 0 ? event->trade_ms
                                           : frame->receive_ns / 1000000;
    frame->detail = event;
    if (event->trade)
        note_symbol(world, &world->streams[frame->stream], event);
    buf_deinit(&name);
    return 0;
}

static void put_time(const struct session *session, const struct frame *frame, int64_t ms,
                     struct buf *out)
{
    int64_t moved_ms = ms + session->world->shift_ms[frame->recording];

    if (session->wrong_time == WRONG_TIME_AHEAD)
        moved_ms += WRONG_TIME_AHEAD_MS;
    buf_printf(out, "%" PRId64 "%s", session->wrong_time == WRONG_TIME_1970 ? 0 : moved_ms,
               session->micros != (session->wrong_time == WRONG_TIME_UNIT) ? "000" : "");
}

/* `whole`, a part of the frame's text, with its times moved and all else byte for byte. */
static void put_moved(const struct session *session, const struct frame *frame, struct span whole,
                      struct buf *out)
{
    const struct binance_event *event = frame->detail;
    const uint8_t *at = whole.data;

    for (size_t i = 0; i < event->time_count; i++) {
        buf_put(out, at, (size_t)(event->times[i].data - at));
        put_time(session, frame, event->times_ms[i], out);
        at = event->times[i].data + event->times[i].size;
    }
    buf_put(out, at, (size_t)(whole.data + whole.size - at));
}

/* Members of a trade in orders that no recording has; bits of `variant` choose. */
static void put_respelled(const struct session *session, const struct frame *frame, size_t variant,
                          struct buf *out)
{
    enum { MEMBERS = 12 };
    const struct binance_event *event = frame->detail;
    const char *blank = variant % 3 == 0 ? "" : variant % 3 == 1 ? " " : "\r\n\t";
    bool backwards = variant & 1, escaped = variant & 2;

    buf_printf(out, "{%s", blank);
    for (size_t i = 0; i < MEMBERS; i++) {
        size_t member = (backwards ? MEMBERS - 1 - i : i) + variant / 4;

        buf_put_text(out, i == 0 ? "" : ",");
        buf_put_text(out, blank);
        switch (member % MEMBERS) {
        case 0:
            buf_put_text(out, escaped ? "\"e\":\"tr\\u0061de\"" : "\"e\":\"trade\"");
            break;
        case 1:
        case 2:
            buf_printf(out, "\"%c\"%s:%s", member % MEMBERS == 1 ? 'E' : 'T', blank, blank);
            put_time(session, frame, member % MEMBERS == 1 ? event->event_ms : event->trade_ms,
                     out);
            break;
        case 3:
            buf_printf(out, escaped ? "\"s\":\"\\u%04x%.*s\"" : "\"s\":\"%c%.*s\"",
                       event->symbol.data[0], (int)event->symbol.size - 1,
                       (const char *)event->symbol.data + 1);
            break;
        case 4:
            buf_printf(out, "\"t\":%s%" PRId64, blank, event->id);
            break;
        case 5:
            buf_printf(out, "\"%s\"%s:\"%.*s\"", escaped ? "\\u0070" : "p", blank,
                       SPAN_ARGS(event->price));
            break;
        case 6:
            buf_printf(out, "\"q\":\"%.*s\"%s", SPAN_ARGS(event->quantity), blank);
            break;
        case 7:
            buf_printf(out, "\"%s\":%.*s", escaped ? "\\u006d" : "m", SPAN_ARGS(event->maker));
            break;
        case 8:
            buf_put_text(out, "\"M\":true");
            break;
        case 9:
            buf_put_text(out, "\"b\":88,\"a\":50");
            break;
        case 10:
            buf_put_text(out, "\"new\":{\"e\":\"trade\",\"p\":[\"1\",{\"q\":-1.5e-7},[]],\"t\":0}");
            break;
        default:
            buf_put_text(out, "\"note\":\"\\\"p\\\":\\\"0\\\" \\ud83d\\ude00\"");
            break;
        }
    }
    buf_printf(out, "%s}", blank);
}

static void put_name(struct span name, bool escaped, struct buf *out)
{
    for (size_t i = 0; i < name.size; i++) {
        if (escaped && name.data[i] == '@')
            buf_put_text(out, "\\u0040");
        else
            buf_put_byte(out, name.data[i]);
    }
}

static void put(const struct session *session, const struct frame *frame, size_t variant,
                struct buf *out)
{
    const struct binance_event *event = frame->detail;
    struct span name = session->world->streams[frame->stream].name;
    bool respell = variant != 0 && event->trade, data_first = respell && variant % 5 == 2;

    if (!respell && session->combined == event->wrapped) {
        put_moved(session, frame, frame->text, out);
        return;
    }
    if (session->combined) {
        buf_put_text(out, data_first ? "{\"more\":null,\"data\":" : "{\"stream\":\"");
        put_name(data_first ? SPAN("") : name, respell && variant % 2 == 0, out);
        buf_put_text(out, data_first ? "" : "\",\"data\":");
    }
    if (respell)
        put_respelled(session, frame, variant, out);
    else
        put_moved(session, frame, event->data, out);
    if (session->combined && data_first) {
        buf_put_text(out, ",\"stream\":\"");
        put_name(name, false, out);
        buf_put_byte(out, '"');
    }
    if (session->combined)
        buf_put_byte(out, '}');
}

static void put_junk(const struct session *session, const struct frame *frame, size_t n,
                     struct buf *out)
{
    const struct binance_event *event = frame->detail;
    size_t from = out->size;

    switch (n % 4) {
    case 0:
        buf_put_text(out,
                     "{\"code\":3,\"msg\":\"Invalid JSON: expected value at line 1 column 1\"}");
        break;
    case 1:
        buf_put_text(out, "upstream connect error or disconnect/reset before headers");
        break;
    case 2:
        if (session->combined)
            buf_printf(out, "{\"stream\":\"%.*s\",\"data\":",
                       SPAN_ARGS(session->world->streams[frame->stream].name));
        buf_printf(out, "{\"e\":\"unheardOf\",\"E\":1,\"s\":\"%.*s\",\"x\":[]}%s",
                   SPAN_ARGS(event->symbol), session->combined ? "}" : "");
        break;
    default:
        put(session, frame, 0, out);
        out->size = from + (out->size - from) / 2;
        break;
    }
}

static void put_shutdown(const struct session *session, int64_t now_ns, struct buf *out)
{
    buf_put_text(out, session->combined ? "{\"stream\":\"!serverShutdown\",\"data\":" : "");
    buf_printf(out, "{\"e\":\"serverShutdown\",\"E\":%" PRId64 "}",
               now_ns / (session->micros ? 1000 : 1000000));
    buf_put_text(out, session->combined ? "}" : "");
}

/* "a/b/c", percent-encoded */
static int subscribe_all(struct session *session, struct span list)
{
    struct buf names = BUF_INIT;
    const uint8_t *slash;
    bool fits = true;

    http_percent_decode(list, &names);
    for (struct span rest = buf_span(&names); rest.size > 0 && fits;) {
        slash = memchr(rest.data, '/', rest.size);
        struct span name =
            span_of(rest.data, slash == NULL ? rest.size : (size_t)(slash - rest.data));

        fits = name.size == 0 || session_subscribe(session, name);
        rest.data += name.size + (slash != NULL);
        rest.size -= name.size + (slash != NULL);
    }
    buf_deinit(&names);
    return fits ? 101 : 400;
}

static int open_session(struct session *session, const struct http_request *request)
{
    struct buf value = BUF_INIT;
    struct span path = request->path;
    int status = 101;

    if (http_query(request, "timeUnit", &value))
        session->micros = span_equal(buf_span(&value), SPAN("MICROSECOND")) ||
                          span_equal(buf_span(&value), SPAN("microsecond"));
    buf_clear(&value);
    if (span_equal(path, SPAN("/stream")) || span_equal(path, SPAN("/stream/"))) {
        session->combined = true;
        if (http_query(request, "streams", &value))
            status = subscribe_all(session, buf_span(&value));
    } else if (path.size > 4 && memcmp(path.data, "/ws/", 4) == 0) {
        status = subscribe_all(session, span_of(path.data + 4, path.size - 4));
    } else if (!span_equal(path, SPAN("/ws")) && !span_equal(path, SPAN("/ws/"))) {
        status = 404;
    }
    buf_deinit(&value);
    return status;
}

const struct exchange binance_exchange = {
    .name = "binance",
    .attempts_max = 300,
    .attempts_window_s = 300,
    .messages_max = 5,
    .control_counts = true,
    .parse = parse,
    .open = open_session,
    .message = binance_message,
    .put = put,
    .put_junk = put_junk,
    .put_shutdown = put_shutdown,
    .rest = binance_rest,
};
