// SPDX-License-Identifier: Apache-2.0
/*
 * binance_frame.c: see binance_frame.h.  One pass gathers the values of the keys that we know, of
 * the frame itself and of the object under "data" alike; what the frame is, is decided after it,
 * so that the order of keys does not matter.
 */
#include "exchange/binance_frame.h"

#include "core/num.h"

enum key {
    KEY_EVENT,
    KEY_EVENT_TIME,
    KEY_SYMBOL,
    KEY_ID,
    KEY_PRICE,
    KEY_QUANTITY,
    KEY_TIME,
    KEY_IS_MAKER,
    KEY_BUYER,
    KEY_SELLER,
    KEY_DATA,
    KEY_RESULT,
    KEY_ERROR,
    KEY_CODE,
    KEY_MESSAGE,
    KEY_REPLY_ID,
    KEYS,
    KEY_IGNORED = KEYS,
    KEY_UNKNOWN,
};

static const char *const key_names[] = { "e",     "E",    "s",   "t",  "p",    "q",
                                         "T",     "m",    "b",   "a",  "data", "result",
                                         "error", "code", "msg", "id", "M",    "stream" };

struct fields {
    uint32_t present; /* bit k: value[k] */
    struct json_value value[KEYS];
    size_t extra_count;
    struct {
        struct json_value key, value;
    } extra[FRAME_EXTRAS_MAX];
};

static enum key key_by_name(const struct json_value *key)
{
    for (size_t i = 0; i < ARRAY_LEN(key_names); i++)
        if (json_is(key, span_text(key_names[i])))
            return i < KEYS ? (enum key)i : KEY_IGNORED;
    return KEY_UNKNOWN;
}

static inline enum key key_of(const struct json_value *key)
{
    if (key->text.size != 1) {
        if (span_equal(key->text, SPAN("data")))
            return KEY_DATA;
        return span_equal(key->text, SPAN("stream")) ? KEY_IGNORED : key_by_name(key);
    }
    switch (key->text.data[0]) {
    case 'e':
        return KEY_EVENT;
    case 'E':
        return KEY_EVENT_TIME;
    case 's':
        return KEY_SYMBOL;
    case 't':
        return KEY_ID;
    case 'p':
        return KEY_PRICE;
    case 'q':
        return KEY_QUANTITY;
    case 'T':
        return KEY_TIME;
    case 'm':
        return KEY_IS_MAKER;
    case 'b':
        return KEY_BUYER;
    case 'a':
        return KEY_SELLER;
    case 'M':
        return KEY_IGNORED;
    default:
        return KEY_UNKNOWN;
    }
}

/* The members of the object that the scanner is in.  Where a key occurs twice the last one holds.
 */
static int gather(struct json *json, struct fields *fields, int depth, struct err *err)
{
    struct json_value key, value;
    int rc;

    while ((rc = json_member(json, &key, &value, err)) == 0) {
        enum key known = key_of(&key);

        if (known < KEYS) {
            fields->value[known] = value;
            fields->present |= 1u << known;
        }
        if (value.type == JSON_OBJECT && depth == 0 && (known == KEY_DATA || known == KEY_ERROR)) {
            if (gather(json, fields, depth + 1, err) < 0)
                return -1;
            continue;
        }
        if (known == KEY_UNKNOWN && value.type != JSON_OBJECT && value.type != JSON_ARRAY &&
            value.type != JSON_NULL && fields->extra_count < FRAME_EXTRAS_MAX) {
            fields->extra[fields->extra_count].key = key;
            fields->extra[fields->extra_count++].value = value;
        }
        if (json_skip(json, &value, err) < 0)
            return -1;
    }
    return rc < 0 ? -1 : 0;
}

static inline const struct json_value *field(const struct fields *fields, enum key key)
{
    return fields->present >> key & 1 ? &fields->value[key] : NULL;
}

/* The keys that have a name of their own, then the others, without escapes. */
static int get_vendor(const struct fields *fields, struct buf *scratch, struct binance_frame *out,
                      struct err *err)
{
    const struct json_value *value;
    struct span key, text;

    out->vendor_count = 0;
    if ((value = field(fields, KEY_EVENT_TIME)) != NULL)
        frame_put_pair(out->vendor, &out->vendor_count, SPAN("event_time"), value->text);
    if ((value = field(fields, KEY_BUYER)) != NULL && value->type == JSON_NUMBER)
        frame_put_pair(out->vendor, &out->vendor_count, SPAN("buyer_order_id"), value->text);
    if ((value = field(fields, KEY_SELLER)) != NULL && value->type == JSON_NUMBER)
        frame_put_pair(out->vendor, &out->vendor_count, SPAN("seller_order_id"), value->text);
    for (size_t i = 0; i < fields->extra_count; i++) {
        if (frame_unescape(&fields->extra[i].key, scratch, &key, err) < 0 ||
            frame_unescape(&fields->extra[i].value, scratch, &text, err) < 0)
            return -1;
        frame_put_pair(out->vendor, &out->vendor_count, key, text);
    }
    return 0;
}

static int to_trade(const struct fields *fields, struct buf *scratch, struct binance_frame *out,
                    struct err *err)
{
    const struct json_value *symbol = field(fields, KEY_SYMBOL);
    const struct json_value *maker = field(fields, KEY_IS_MAKER);

    out->type = BINANCE_TRADE;
    out->event_time = 0;
    if (frame_text(symbol, "s", scratch, &out->symbol, err) < 0 ||
        frame_integer(field(fields, KEY_ID), key_names[KEY_ID], &out->id, err) < 0 ||
        frame_integer(field(fields, KEY_TIME), key_names[KEY_TIME], &out->time, err) < 0 ||
        frame_decimal(field(fields, KEY_PRICE), key_names[KEY_PRICE], &out->price, err) < 0 ||
        frame_decimal(field(fields, KEY_QUANTITY), key_names[KEY_QUANTITY], &out->quantity, err) <
            0)
        return -1;
    if (field(fields, KEY_EVENT_TIME) != NULL &&
        frame_integer(field(fields, KEY_EVENT_TIME), key_names[KEY_EVENT_TIME], &out->event_time,
                      err) < 0)
        return -1;
    out->side = TRADE_UNKNOWN;
    if (maker != NULL && maker->type == JSON_TRUE)
        out->side = TRADE_SELL;
    else if (maker != NULL && maker->type == JSON_FALSE)
        out->side = TRADE_BUY;
    return get_vendor(fields, scratch, out, err);
}

static int to_event(const struct fields *fields, struct buf *scratch, struct binance_frame *out,
                    struct err *err)
{
    const struct json_value *event = field(fields, KEY_EVENT);

    if (json_is(event, SPAN("trade")))
        return to_trade(fields, scratch, out, err);
    if (json_is(event, SPAN("serverShutdown"))) {
        out->type = BINANCE_SHUTDOWN;
        return 0;
    }
    return err_set(err, ERR_REJECT, "unknown_event: %.*s", (int)size_min(event->text.size, 100),
                   (const char *)event->text.data);
}

/* {"result":null,"id":1}, {"code":2,"msg":"…","id":1}, {"error":{"code":2,"msg":"…"},"id":1} */
static int to_reply(const struct fields *fields, struct binance_frame *out, struct err *err)
{
    const struct json_value *id = field(fields, KEY_REPLY_ID);
    const struct json_value *message = field(fields, KEY_MESSAGE);
    struct err no_id = { 0 };

    out->type = BINANCE_REPLY;
    out->is_refusal = field(fields, KEY_RESULT) == NULL;
    if (out->is_refusal && field(fields, KEY_ERROR) == NULL &&
        (field(fields, KEY_CODE) == NULL || message == NULL))
        return err_set(err, ERR_REJECT, "unknown_message: neither an event nor a reply");
    out->message = message != NULL ? message->text : SPAN("no message");
    out->has_id = id != NULL && frame_integer(field(fields, KEY_REPLY_ID), key_names[KEY_REPLY_ID],
                                              &out->id, &no_id) == 0;
    return 0;
}

int binance_frame_parse(struct span text, struct buf *scratch, struct binance_frame *out,
                        struct err *err)
{
    struct fields fields;
    struct json json;
    struct json_value value;

    fields.present = 0;
    fields.extra_count = 0;
    buf_clear(scratch);
    json_init(&json, text);
    if (json_value(&json, &value, err) < 0)
        return err_wrap(err, "not_json");
    if (value.type != JSON_OBJECT)
        return json_check(text, err) < 0 ? err_wrap(err, "not_json")
                                         : err_set(err, ERR_REJECT, "unknown_message: no object");
    if (gather(&json, &fields, 0, err) < 0 || json_finish(&json, err) < 0)
        return err_wrap(err, "not_json");
    buf_reserve(scratch, text.size);
    if (field(&fields, KEY_EVENT) != NULL)
        return to_event(&fields, scratch, out, err);
    return to_reply(&fields, out, err);
}
