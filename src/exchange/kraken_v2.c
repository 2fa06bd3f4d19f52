// SPDX-License-Identifier: Apache-2.0
/* kraken_v2.c: see kraken_v2.h.  One pass over the frame finds out what it is, whatever the order
 * of its keys; a copy of the scanner stands at the data and walks it afterwards. */
#include "exchange/kraken_v2.h"

#include "core/micros.h"
#include "core/num.h"
#include "exchange/kraken_pair.h"

#include <inttypes.h>

enum key {
    KEY_CHANNEL,
    KEY_TYPE,
    KEY_DATA,
    KEY_METHOD,
    KEY_SUCCESS,
    KEY_ERROR,
    KEY_SYMBOL,
    KEY_REQUEST,
    KEY_RESULT,
    KEY_BARE_ERROR,
    KEYS,
};

static const char *const key_names[KEYS] = { "channel", "type",   "data",   "method", "success",
                                             "error",   "symbol", "req_id", "result", "Error" };

enum field {
    FIELD_SYMBOL,
    FIELD_SIDE,
    FIELD_PRICE,
    FIELD_QUANTITY,
    FIELD_ORDER_TYPE,
    FIELD_ID,
    FIELD_TIME,
    FIELDS,
};

static const char *const field_names[FIELDS] = { "symbol",   "side",     "price",    "qty",
                                                 "ord_type", "trade_id", "timestamp" };

struct message {
    uint32_t present; /* bit k: value[k] */
    struct json_value value[KEYS];
    struct json data; /* at the data's first element, when it is an array */
};

struct fields {
    uint32_t present;
    struct json_value value[FIELDS];
    size_t extra_count;
    struct {
        struct json_value key, value;
    } extra[FRAME_EXTRAS_MAX];
};

static size_t index_of(const struct json_value *key, const char *const *names, size_t count)
{
    size_t i = 0;

    while (i < count && !json_is(key, span_text(names[i])))
        i++;
    return i;
}

static const struct json_value *value_of(const struct message *message, enum key key)
{
    return message->present >> key & 1 ? &message->value[key] : NULL;
}

static const struct json_value *field_of(const struct fields *fields, enum field field)
{
    return fields->present >> field & 1 ? &fields->value[field] : NULL;
}

static bool is(const struct json_value *value, struct span text)
{
    return value != NULL && json_is(value, text);
}

/* {"channel":"trade","snapshot":true,"symbol":"BTC/USD"}: the symbol, as if it stood outside. */
static int gather_result(struct json *json, struct message *out, struct err *err)
{
    struct json_value key, value;
    int rc;

    while ((rc = json_member(json, &key, &value, err)) == 0) {
        if (json_is(&key, SPAN("symbol"))) {
            out->value[KEY_SYMBOL] = value;
            out->present |= 1U << KEY_SYMBOL;
        }
        if (json_skip(json, &value, err) < 0)
            return -1;
    }
    return rc < 0 ? -1 : 0;
}

static int gather(struct span text, struct message *out, struct err *err)
{
    struct json json;
    struct json_value key, value;
    int rc;

    out->present = 0;
    json_init(&json, text);
    if (json_value(&json, &value, err) < 0)
        return err_wrap(err, "not_json");
    if (value.type != JSON_OBJECT)
        return json_check(text, err) < 0 ? err_wrap(err, "not_json")
                                         : err_set(err, ERR_REJECT, "unknown_message: no object");
    while ((rc = json_member(&json, &key, &value, err)) == 0) {
        size_t known = index_of(&key, key_names, KEYS);

        if (known < KEYS) {
            out->value[known] = value;
            out->present |= 1U << known;
        }
        if (known == KEY_DATA)
            out->data = json;
        rc = known == KEY_RESULT && value.type == JSON_OBJECT ? gather_result(&json, out, err)
                                                              : json_skip(&json, &value, err);
        if (rc < 0)
            break;
    }
    return rc < 0 || json_finish(&json, err) < 0 ? err_wrap(err, "not_json") : 0;
}

/* -- trades; the frame is known to be well-formed */

static int gather_fields(struct json *json, struct fields *out, struct err *err)
{
    struct json_value key, value;
    int rc;

    out->present = 0;
    out->extra_count = 0;
    while ((rc = json_member(json, &key, &value, err)) == 0) {
        size_t known = index_of(&key, field_names, FIELDS);

        if (known < FIELDS) {
            out->value[known] = value;
            out->present |= 1U << known;
        } else if (value.type != JSON_OBJECT && value.type != JSON_ARRAY &&
                   value.type != JSON_NULL && out->extra_count < FRAME_EXTRAS_MAX) {
            out->extra[out->extra_count].key = key;
            out->extra[out->extra_count++].value = value;
        }
        if (json_skip(json, &value, err) < 0)
            return -1;
    }
    return rc < 0 ? -1 : 0;
}

static int get_time(const struct fields *fields, struct buf *scratch, int64_t *out, struct err *err)
{
    struct span text;

    if (frame_text(field_of(fields, FIELD_TIME), field_names[FIELD_TIME], scratch, &text, err) < 0)
        return -1;
    if (!micros_parse(text, out))
        return err_set(err, ERR_REJECT, "bad_time: %.*s", FRAME_QUOTE(text));
    return 0;
}

static int get_vendor(const struct fields *fields, bool is_snapshot, struct buf *scratch,
                      struct kraken_trade *out, struct err *err)
{
    struct span key, text;

    out->vendor_count = 0;
    if (is_snapshot)
        frame_put_pair(out->vendor, &out->vendor_count, SPAN("type"), SPAN("snapshot"));
    for (size_t i = 0; i < fields->extra_count; i++) {
        if (frame_unescape(&fields->extra[i].key, scratch, &key, err) < 0 ||
            frame_unescape(&fields->extra[i].value, scratch, &text, err) < 0)
            return -1;
        frame_put_pair(out->vendor, &out->vendor_count, key, text);
    }
    return 0;
}

static int to_trade(const struct fields *fields, bool is_snapshot, struct buf *scratch,
                    struct kraken_trade *out, struct err *err)
{
    const struct json_value *order_type = field_of(fields, FIELD_ORDER_TYPE);

    out->side = kraken_side(field_of(fields, FIELD_SIDE));
    out->order_type = SPAN("");
    if (frame_text(field_of(fields, FIELD_SYMBOL), field_names[FIELD_SYMBOL], scratch, &out->pair,
                   err) < 0 ||
        frame_decimal(field_of(fields, FIELD_PRICE), field_names[FIELD_PRICE], &out->price, err) <
            0 ||
        frame_decimal(field_of(fields, FIELD_QUANTITY), field_names[FIELD_QUANTITY], &out->quantity,
                      err) < 0 ||
        frame_integer(field_of(fields, FIELD_ID), field_names[FIELD_ID], &out->id, err) < 0 ||
        get_time(fields, scratch, &out->timestamp_us, err) < 0)
        return -1;
    if (out->id < 0) /* TRADE_NO_ID must not come from outside */
        return err_set(err, ERR_REJECT, "bad_trade_id: %" PRId64, out->id);
    if (order_type != NULL && order_type->type == JSON_STRING &&
        frame_unescape(order_type, scratch, &out->order_type, err) < 0)
        return -1;
    return get_vendor(fields, is_snapshot, scratch, out, err);
}

static int on_trade(struct kraken *self, struct json *data, const struct json_value *value,
                    bool is_snapshot, int64_t received_us, const struct exchange_sink *sink,
                    struct err *err)
{
    struct fields fields;
    struct kraken_trade trade;

    if (value->type != JSON_OBJECT)
        return json_skip(data, value, err) < 0
                   ? -1
                   : err_set(err, ERR_REJECT, "wrong_type: a trade that is no object");
    buf_clear(&self->scratch);
    if (gather_fields(data, &fields, err) < 0 ||
        to_trade(&fields, is_snapshot, &self->scratch, &trade, err) < 0)
        return -1;
    return kraken_put(self, &trade, received_us, sink, err);
}

static int on_trades(struct kraken *self, struct message *message, int64_t received_us,
                     const struct exchange_sink *sink, struct err *err)
{
    const struct json_value *data = value_of(message, KEY_DATA);
    bool is_snapshot = is(value_of(message, KEY_TYPE), SPAN("snapshot"));
    struct err other = { 0 };
    struct json_value value;
    bool is_bad = false;

    if (data == NULL)
        return err_set(err, ERR_REJECT, "missing_field: data");
    if (data->type != JSON_ARRAY)
        return err_set(err, ERR_REJECT, "wrong_type: data");
    while (json_element(&message->data, &value, &other) == 0)
        is_bad |= on_trade(self, &message->data, &value, is_snapshot, received_us, sink,
                           is_bad ? &other : err) < 0;
    return is_bad ? -1 : 0;
}

/* -- the others */

/* [{"version":"2.0.10","system":"online",…}] */
static void on_status(struct kraken *self, struct message *message, int64_t now_us)
{
    const struct json_value *data = value_of(message, KEY_DATA);
    struct json_value value, key;
    struct err err = { 0 };
    struct span system;

    if (data == NULL || data->type != JSON_ARRAY ||
        json_element(&message->data, &value, &err) != 0 || value.type != JSON_OBJECT)
        return;
    while (json_member(&message->data, &key, &value, &err) == 0) {
        if (json_is(&key, SPAN("system")) &&
            frame_text(&value, "system", &self->scratch, &system, &err) == 0)
            kraken_say_system(self, system, now_us);
        if (json_skip(&message->data, &value, &err) < 0)
            return;
    }
}

static void on_reply(struct kraken *self, const struct message *message, int64_t now_us)
{
    const struct json_value *success = value_of(message, KEY_SUCCESS);
    const struct json_value *error = value_of(message, KEY_ERROR);
    const struct json_value *symbol = value_of(message, KEY_SYMBOL);
    struct kraken_reply reply = {
        .id = kraken_reply_id(value_of(message, KEY_REQUEST)),
        .is_refusal = success == NULL || success->type != JSON_TRUE,
        .is_end = is(value_of(message, KEY_METHOD), SPAN("unsubscribe")),
        .pair = SPAN(""),
        .message = SPAN("no message"),
    };
    struct err err = { 0 };

    if (error == NULL)
        error = value_of(message, KEY_BARE_ERROR);
    if (error != NULL && frame_text(error, "error", &self->scratch, &reply.message, &err) < 0)
        reply.message = error->text;
    if (symbol != NULL && frame_text(symbol, "symbol", &self->scratch, &reply.pair, &err) < 0)
        reply.pair = SPAN("");
    kraken_answer(self, &reply, now_us);
}

static int on_channel(struct kraken *self, struct message *message, int64_t received_us,
                      const struct exchange_sink *sink, struct err *err)
{
    const struct json_value *channel = value_of(message, KEY_CHANNEL);

    if (json_is(channel, SPAN("trade")))
        return on_trades(self, message, received_us, sink, err);
    if (json_is(channel, SPAN("heartbeat"))) {
        self->session.counters.control++;
        return 0;
    }
    if (!json_is(channel, SPAN("status")))
        return err_set(err, ERR_REJECT, "unknown_event: %.*s", FRAME_QUOTE(channel->text));
    on_status(self, message, received_us);
    return 0;
}

static int v2_frame(struct kraken *self, struct span text, int64_t received_us,
                    const struct exchange_sink *sink, struct err *err)
{
    const struct json_value *method;
    struct message message;

    if (gather(text, &message, err) < 0)
        return -1;
    method = value_of(&message, KEY_METHOD);
    if (is(method, SPAN("pong"))) {
        self->session.counters.control++;
        return 0;
    }
    session_frame(&self->session, received_us);
    if (value_of(&message, KEY_CHANNEL) != NULL)
        return on_channel(self, &message, received_us, sink, err);
    if (!is(method, SPAN("subscribe")) && !is(method, SPAN("unsubscribe")) &&
        value_of(&message, KEY_ERROR) == NULL && value_of(&message, KEY_BARE_ERROR) == NULL)
        return err_set(err, ERR_REJECT, "unknown_message: neither data nor a reply");
    on_reply(self, &message, received_us);
    return 0;
}

static void v2_ask(void *context, const struct session_request *request, struct buf *text)
{
    buf_put_text(text, "{\"method\":\"subscribe\",\"params\":{\"channel\":\"trade\",\"symbol\":[");
    kraken_put_wanted(context, request, kraken_pair_put, text);
    buf_printf(text, "],\"snapshot\":true},\"req_id\":%" PRId64 "}", request->id);
}

const struct kraken_dialect kraken_v2_dialect = { .path = "/v2", .ask = v2_ask, .frame = v2_frame };
