// SPDX-License-Identifier: Apache-2.0
/* binance.c: see binance.h.  A reply names its request by id; subscriptions are session.h's. */
#include "exchange/binance.h"

#include "core/json.h"
#include "core/micros.h"
#include "core/num.h"
#include "exchange/binance_frame.h"
#include "exchange/binance_list.h"
#include "exchange/session.h"

#include <inttypes.h>

static const struct session_rules rules = {
    .names_max = 200,
    .send_gap_us = MICROS_SECOND / 3 + 1, /* the exchange cuts at 5 a second, pongs included */
    .reply_us_max = 10 * MICROS_SECOND,
};

struct binance {
    struct exchange exchange;
    struct session session;
    struct buf scratch;
    bool microseconds;
};

static struct binance *self_of(struct exchange *exchange)
{
    return (struct binance *)(void *)exchange;
}

static void binance_url(struct exchange *exchange, const char *configured, struct buf *out)
{
    const char *host = strstr(configured, "://");
    size_t authority;

    (void)exchange;
    host = host == NULL ? configured : host + 3;
    authority = (size_t)(host - configured) + strcspn(host, "/?");
    buf_put(out, configured, authority);
    if (configured[authority] == '\0' || configured[authority] == '?' ||
        strcmp(configured + authority, "/") == 0)
        buf_put_text(out, "/stream");
    if (strcmp(configured + authority, "/") != 0)
        buf_put_text(out, configured + authority);
}

static void binance_connected(struct exchange *exchange, const char *url, int64_t now_us)
{
    struct binance *self = self_of(exchange);

    self->microseconds =
        strstr(url, "timeUnit=MICROSECOND") != NULL || strstr(url, "timeUnit=microsecond") != NULL;
    session_connected(&self->session, now_us);
}

static void binance_disconnected(struct exchange *exchange)
{
    session_disconnected(&self_of(exchange)->session);
}

/* Stream names have the symbol in lower case. */
static void ask(void *context, const struct session_request *request, struct buf *text)
{
    const struct session *session = context;
    struct buf name = BUF_INIT;
    bool is_first = true;

    buf_put_text(text, "{\"method\":\"SUBSCRIBE\",\"params\":[");
    for (size_t i = request->first; i < request->first + request->count; i++) {
        if (!session_is_wanted(session, i))
            continue;
        buf_clear(&name);
        buf_put_span(&name, session->instruments->list[i].name);
        for (size_t at = 0; at < name.size; at++)
            if (name.data[at] >= 'A' && name.data[at] <= 'Z')
                name.data[at] |= 0x20;
        buf_put_text(&name, "@trade");
        if (!is_first)
            buf_put_byte(text, ',');
        is_first = false;
        json_quote(buf_span(&name), text);
    }
    buf_printf(text, "],\"id\":%" PRId64 "}", request->id);
    buf_deinit(&name);
}

static void binance_tick(struct exchange *exchange, int64_t now_us)
{
    struct session *session = &self_of(exchange)->session;

    session_tick(session, now_us, ask, session);
}

static int64_t binance_due_us(const struct exchange *exchange)
{
    return session_due_us(&((const struct binance *)(const void *)exchange)->session);
}

/* An error without an id speaks of the oldest request under way. */
static void on_reply(struct binance *self, const struct binance_frame *reply, int64_t now_us)
{
    struct session *session = &self->session;
    const struct session_request *request = NULL;

    session->counters.control++;
    if ((reply->has_id && reply->id != 0) || (!reply->has_id && reply->is_refusal))
        request = session_request(session, reply->has_id ? reply->id : 0);
    if (request != NULL && reply->is_refusal)
        session_refuse(session, request, reply->message);
    else if (request != NULL)
        session_grant(session, request, now_us);
    else if (reply->is_refusal)
        session_act(session, EXCHANGE_NOTE, "the exchange says: %.*s",
                    (int)size_min(reply->message.size, 200), (const char *)reply->message.data);
}

/* Milliseconds have 13 digits from 2001 to 2286, microseconds 16. */
static bool is_time(const struct binance *self, int64_t time)
{
    const int64_t least = self->microseconds ? INT64_C(1000000000000000) : INT64_C(1000000000000);

    return time >= least && time < 10 * least;
}

static int on_trade(struct binance *self, const struct binance_frame *frame, int64_t received_us,
                    const struct exchange_sink *sink, struct err *err)
{
    const struct instrument *instrument =
        instruments_find(self->session.instruments, frame->symbol);
    struct trade trade;

    if (instrument == NULL)
        return err_set(err, ERR_REJECT, "unknown_symbol: %.*s is not in the instrument list",
                       (int)size_min(frame->symbol.size, 100), (const char *)frame->symbol.data);
    if (!is_time(self, frame->time) ||
        (frame->event_time != 0 && !is_time(self, frame->event_time)))
        return err_set(err, ERR_REJECT, "wrong_time_unit: T or E is no time in %s",
                       self->microseconds ? "microseconds" : "milliseconds");
    if (!trade_id_format(&instrument->id_prefix, frame->id, trade.message_id))
        return err_set(err, ERR_REJECT, "bad_trade_id: %" PRId64, frame->id);
    trade.exchange = SPAN("BINANCE");
    trade.symbol = instrument->symbol;
    trade.currency = instrument->currency;
    trade.trade_id = frame->id;
    trade.timestamp_us = self->microseconds ? frame->time : frame->time * 1000;
    trade.price = frame->price;
    trade.quantity = frame->quantity;
    trade.side = frame->side;
    trade.order_type = (struct span){ NULL, 0 };
    trade.ingestion_timestamp_us = received_us;
    trade.platform_sequence = 0;
    trade.vendor = frame->vendor;
    trade.vendor_count = frame->vendor_count;
    session_trade(&self->session, (size_t)(instrument - self->session.instruments->list), frame->id,
                  received_us);
    sink->put(sink->context, &trade);
    return 0;
}

static int binance_on_frame(struct exchange *exchange, struct span text, int64_t received_us,
                            const struct exchange_sink *sink, struct err *err)
{
    struct binance *self = self_of(exchange);
    struct binance_frame frame;

    if (binance_frame_parse(text, &self->scratch, &frame, err) < 0)
        return -1;
    if (frame.type == BINANCE_TRADE)
        return on_trade(self, &frame, received_us, sink, err);
    if (frame.type == BINANCE_REPLY) {
        on_reply(self, &frame, received_us);
    } else {
        self->session.counters.control++;
        session_act(&self->session, EXCHANGE_ENDS, "the server shuts down");
    }
    return 0;
}

static bool binance_action(struct exchange *exchange, struct exchange_action *out)
{
    return session_action(&self_of(exchange)->session, out);
}

static void binance_count(const struct exchange *exchange, struct exchange_counters *out)
{
    session_count(&((const struct binance *)(const void *)exchange)->session, out);
}

static void binance_free(struct exchange *exchange)
{
    struct binance *self = self_of(exchange);

    session_deinit(&self->session);
    buf_deinit(&self->scratch);
    free(self);
}

static struct exchange *binance_new(const struct instruments *instruments)
{
    static const struct exchange_ops ops = {
        binance_url,    binance_connected, binance_disconnected, binance_on_frame, binance_tick,
        binance_due_us, binance_action,    binance_count,        binance_free,
    };
    struct binance *self = mem_zero(1, sizeof(*self));

    self->exchange.ops = &ops;
    session_init(&self->session, instruments, &rules);
    return &self->exchange;
}

/* 300 attempts in 5 minutes ban the address; others on it may need some. */
const struct exchange_kind binance_kind = {
    .name = "binance",
    .rest_url = "https://api.binance.com",
    .url = "wss://stream.binance.com:9443",
    .attempts_max = 200,
    .attempt_window_us = 300 * MICROS_SECOND,
    .list_url = binance_list_url,
    .list_parse = binance_list_parse,
    .new = binance_new,
};
