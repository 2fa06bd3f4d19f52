// SPDX-License-Identifier: Apache-2.0
/* kraken_v1.c: see kraken_v1.h.  The pair is the array's last text: the channel's number changes
 * from one connection to the next. */
#include "exchange/kraken_v1.h"

#include "core/decimal.h"
#include "core/micros.h"
#include "core/num.h"
#include "exchange/kraken_pair.h"

#include <inttypes.h>

enum element {
    ELEMENT_PRICE,
    ELEMENT_VOLUME,
    ELEMENT_TIME,
    ELEMENT_SIDE,
    ELEMENT_ORDER_TYPE,
    ELEMENT_MISC,
    ELEMENTS,
    ELEMENTS_MAX = ELEMENTS + FRAME_EXTRAS_MAX - 1, /* the rest goes to vendor_data */
};

static const char *const element_names[ELEMENTS] = { "price", "volume",     "time",
                                                     "side",  "order type", "misc" };

/* 2001 to 2286, in microseconds. */
#define TIME_US_MIN INT64_C(1000000000000000)
#define TIME_US_MAX (10 * TIME_US_MIN)

/* -- trades; the frame is known to be well-formed */

/* "1618678150.826417": seconds, to the nearest microsecond. */
static int get_time(const struct json_value *value, int64_t *out, struct err *err)
{
    const int128 micro = decimal_power(TRADE_WIRE_SCALE - 6);
    int128 seconds;

    if (frame_decimal(value, element_names[ELEMENT_TIME], &seconds, err) < 0)
        return -1;
    seconds = (seconds + micro / 2) / micro;
    if (seconds < TIME_US_MIN || seconds >= TIME_US_MAX)
        return err_set(err, ERR_REJECT, "bad_time: %.*s", FRAME_QUOTE(value->text));
    *out = (int64_t)seconds;
    return 0;
}

static int get_order_type(const struct json_value *value, struct buf *scratch, struct span *out,
                          struct err *err)
{
    if (value == NULL || value->type != JSON_STRING)
        return 0;
    if (frame_unescape(value, scratch, out, err) < 0)
        return -1;
    if (span_equal(*out, SPAN("l")))
        *out = SPAN("limit");
    else if (span_equal(*out, SPAN("m")))
        *out = SPAN("market");
    return 0;
}

static int get_vendor(const struct json_value *element, size_t count, struct buf *scratch,
                      struct kraken_trade *out, struct err *err)
{
    out->vendor_count = 0;
    for (size_t i = ELEMENT_MISC; i < count; i++) {
        struct span key = SPAN("misc"), text;
        size_t from = scratch->size;

        if (element[i].type == JSON_OBJECT || element[i].type == JSON_ARRAY ||
            element[i].type == JSON_NULL || element[i].text.size == 0)
            continue;
        if (i != ELEMENT_MISC) {
            buf_printf(scratch, "field%zu", i + 1);
            key = span_of(scratch->data + from, scratch->size - from);
        }
        if (frame_unescape(&element[i], scratch, &text, err) < 0)
            return -1;
        frame_put_pair(out->vendor, &out->vendor_count, key, text);
    }
    return 0;
}

static int to_trade(const struct json_value *element, size_t count, struct buf *scratch,
                    struct kraken_trade *out, struct err *err)
{
    const struct json_value *at[ELEMENTS];

    for (size_t i = 0; i < ELEMENTS; i++)
        at[i] = i < count ? &element[i] : NULL;
    out->id = TRADE_NO_ID;
    out->side = kraken_side(at[ELEMENT_SIDE]);
    out->order_type = SPAN("");
    if (frame_decimal(at[ELEMENT_PRICE], element_names[ELEMENT_PRICE], &out->price, err) < 0 ||
        frame_decimal(at[ELEMENT_VOLUME], element_names[ELEMENT_VOLUME], &out->quantity, err) < 0 ||
        get_time(at[ELEMENT_TIME], &out->timestamp_us, err) < 0 ||
        get_order_type(at[ELEMENT_ORDER_TYPE], scratch, &out->order_type, err) < 0)
        return -1;
    return get_vendor(element, count, scratch, out, err);
}

static int on_trade(struct kraken *self, struct json *data, const struct json_value *row,
                    struct span pair, int64_t received_us, const struct exchange_sink *sink,
                    struct err *err)
{
    struct json_value element[ELEMENTS_MAX], value;
    struct kraken_trade trade = { .pair = pair };
    size_t count = 0;
    int rc;

    if (row->type != JSON_ARRAY)
        return json_skip(data, row, err) < 0
                   ? -1
                   : err_set(err, ERR_REJECT, "wrong_type: a trade that is no array");
    while ((rc = json_element(data, &value, err)) == 0) {
        if (count < ELEMENTS_MAX)
            element[count++] = value;
        if (json_skip(data, &value, err) < 0)
            return -1;
    }
    if (rc < 0 || to_trade(element, count, &self->scratch, &trade, err) < 0)
        return -1;
    return kraken_put(self, &trade, received_us, sink, err);
}

static int on_trades(struct kraken *self, struct json *data, struct span pair, int64_t received_us,
                     const struct exchange_sink *sink, struct err *err)
{
    struct err other = { 0 };
    struct json_value row;
    size_t kept = self->scratch.size; /* the pair's text */
    bool is_bad = false;

    while (json_element(data, &row, &other) == 0) {
        self->scratch.size = kept;
        is_bad |= on_trade(self, data, &row, pair, received_us, sink, is_bad ? &other : err) < 0;
    }
    return is_bad ? -1 : 0;
}

/* [993,[[…],…],"trade","XMR/USD"] */
static int on_array(struct kraken *self, struct json *json, int64_t received_us,
                    const struct exchange_sink *sink, struct err *err)
{
    struct json_value value, channel = { .type = JSON_NULL }, pair = { .type = JSON_NULL };
    struct json data;
    struct span name;
    bool has_data = false;
    int rc;

    while ((rc = json_element(json, &value, err)) == 0) {
        if (value.type == JSON_ARRAY && !has_data) {
            data = *json;
            has_data = true;
        }
        channel = pair;
        pair = value;
        if (json_skip(json, &value, err) < 0)
            return err_wrap(err, "not_json");
    }
    if (rc < 0 || json_finish(json, err) < 0)
        return err_wrap(err, "not_json");
    session_frame(&self->session, received_us);
    if (channel.type != JSON_STRING || pair.type != JSON_STRING)
        return err_set(err, ERR_REJECT, "unknown_message: an array without channel and pair");
    if (!json_is(&channel, SPAN("trade")))
        return err_set(err, ERR_REJECT, "unknown_event: %.*s", FRAME_QUOTE(channel.text));
    if (!has_data)
        return err_set(err, ERR_REJECT, "missing_field: data");
    if (frame_unescape(&pair, &self->scratch, &name, err) < 0)
        return -1;
    return on_trades(self, &data, name, received_us, sink, err);
}

/* -- events */

enum key { KEY_EVENT, KEY_STATUS, KEY_PAIR, KEY_MESSAGE, KEY_REQUEST, KEYS };

static const char *const key_names[KEYS] = { "event", "status", "pair", "errorMessage", "reqid" };

struct event {
    uint32_t present;
    struct json_value value[KEYS];
};

static const struct json_value *value_of(const struct event *event, enum key key)
{
    return event->present >> key & 1 ? &event->value[key] : NULL;
}

static int gather(struct json *json, struct event *out, struct err *err)
{
    struct json_value key, value;
    int rc;

    out->present = 0;
    while ((rc = json_member(json, &key, &value, err)) == 0) {
        for (size_t i = 0; i < KEYS; i++) {
            if (json_is(&key, span_text(key_names[i]))) {
                out->value[i] = value;
                out->present |= 1U << i;
            }
        }
        if (json_skip(json, &value, err) < 0)
            break;
    }
    return rc <= 0 || json_finish(json, err) < 0 ? err_wrap(err, "not_json") : 0;
}

static struct span text_or(struct kraken *self, const struct json_value *value,
                           struct span otherwise)
{
    struct err err = { 0 };
    struct span text;

    return frame_text(value, "", &self->scratch, &text, &err) == 0 ? text : otherwise;
}

static void on_reply(struct kraken *self, const struct event *event, int64_t now_us)
{
    const struct json_value *status = value_of(event, KEY_STATUS);
    struct kraken_reply reply = {
        .id = kraken_reply_id(value_of(event, KEY_REQUEST)),
        .pair = text_or(self, value_of(event, KEY_PAIR), SPAN("")),
        .message = text_or(self, value_of(event, KEY_MESSAGE), SPAN("no message")),
        .is_end = status != NULL && json_is(status, SPAN("unsubscribed")),
    };

    reply.is_refusal = !reply.is_end && (status == NULL || !json_is(status, SPAN("subscribed")));
    kraken_answer(self, &reply, now_us);
}

static int on_event(struct kraken *self, struct json *json, int64_t received_us, struct err *err)
{
    const struct json_value *name;
    struct event event;

    if (gather(json, &event, err) < 0)
        return -1;
    name = value_of(&event, KEY_EVENT);
    if (name == NULL)
        return err_set(err, ERR_REJECT, "unknown_message: no event");
    if (!json_is(name, SPAN("pong")))
        session_frame(&self->session, received_us);
    if (json_is(name, SPAN("heartbeat")) || json_is(name, SPAN("pong")))
        self->session.counters.control++;
    else if (json_is(name, SPAN("systemStatus")))
        kraken_say_system(self, text_or(self, value_of(&event, KEY_STATUS), SPAN("unknown")),
                          received_us);
    else if (json_is(name, SPAN("subscriptionStatus")) || json_is(name, SPAN("error")))
        on_reply(self, &event, received_us);
    else
        return err_set(err, ERR_REJECT, "unknown_event: %.*s", FRAME_QUOTE(name->text));
    return 0;
}

static int v1_frame(struct kraken *self, struct span text, int64_t received_us,
                    const struct exchange_sink *sink, struct err *err)
{
    struct json_value value;
    struct json json;

    json_init(&json, text);
    if (json_value(&json, &value, err) < 0)
        return err_wrap(err, "not_json");
    if (value.type == JSON_ARRAY)
        return on_array(self, &json, received_us, sink, err);
    if (value.type == JSON_OBJECT)
        return on_event(self, &json, received_us, err);
    return json_check(text, err) < 0
               ? err_wrap(err, "not_json")
               : err_set(err, ERR_REJECT, "unknown_message: neither array nor object");
}

static void v1_ask(void *context, const struct session_request *request, struct buf *text)
{
    buf_put_text(text, "{\"event\":\"subscribe\",\"pair\":[");
    kraken_put_wanted(context, request, kraken_pair_put_v1, text);
    buf_printf(text, "],\"subscription\":{\"name\":\"trade\"},\"reqid\":%" PRId64 "}", request->id);
}

const struct kraken_dialect kraken_v1_dialect = { .path = "", .ask = v1_ask, .frame = v1_frame };
