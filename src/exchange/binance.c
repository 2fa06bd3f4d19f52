// SPDX-License-Identifier: Apache-2.0
/*
 * binance.c: see binance.h.
 *
 * Subscriptions are ranges of the instrument list: a range waits, is sent, and is then answered,
 * refused or lost.  A reply names its range by the request's id.
 */
#include "exchange/binance.h"

#include "core/json.h"
#include "core/micros.h"
#include "core/num.h"
#include "exchange/binance_frame.h"
#include "exchange/binance_list.h"

#include <inttypes.h>
#include <stdarg.h>

enum { NAMES_MAX = 200, TRIES_MAX = 3 };

#define SEND_GAP_US    (MICROS_SECOND / 3 + 1) /* the exchange cuts at 5 a second, pongs included */
#define REPLY_US_MAX   (10 * MICROS_SECOND)
#define SILENCE_US_MIN (30 * MICROS_SECOND)
#define TICK_US_MAX    (2 * MICROS_SECOND)
#define NEVER          INT64_MAX

enum symbol_state { SYMBOL_IDLE, SYMBOL_REQUESTED, SYMBOL_ACKED, SYMBOL_REFUSED };

struct symbol {
    enum symbol_state state;
    int64_t last_id; /* the highest seen, over all connections; -1: none */
};

struct request {
    size_t first, count; /* of the instrument list */
    int64_t id;          /* 0: waits to be sent */
    int64_t sent_us;
    int tries;
};

struct pending_action {
    enum exchange_action_type type;
    size_t from, size; /* in action_text */
};

struct binance {
    struct exchange exchange;
    const struct instruments *instruments;
    struct symbol *symbol; /* one for each instrument */
    struct buf requests;   /* struct request, oldest first */
    struct buf actions;    /* struct pending_action */
    struct buf action_text;
    size_t action_next;
    struct buf scratch;
    struct exchange_counters counters;
    int64_t next_id, send_us; /* of the next request; not before this time */
    bool connected, microseconds;
    int64_t tick_us;      /* of the last tick */
    int64_t trade_us;     /* of the last trade, or when the first ack came; 0: neither */
    int64_t interval_us;  /* usual time between trades, all symbols together */
    int64_t trades_known; /* that went into interval_us */
};

static struct binance *self_of(struct exchange *exchange)
{
    return (struct binance *)(void *)exchange;
}

static struct request *requests(const struct binance *self)
{
    return (struct request *)(void *)self->requests.data;
}

static size_t request_count(const struct binance *self)
{
    return self->requests.size / sizeof(struct request);
}

static void put_action(struct binance *self, enum exchange_action_type type, const char *format,
                       ...) PRINTF_LIKE(3, 4);
static void put_action(struct binance *self, enum exchange_action_type type, const char *format,
                       ...)
{
    struct pending_action action = { type, self->action_text.size, 0 };
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_put_text(&self->action_text, text);
    action.size = self->action_text.size - action.from;
    buf_put(&self->actions, &action, sizeof(action));
}

static void drop_request(struct binance *self, size_t index)
{
    struct request *at = requests(self) + index;

    memmove(at, at + 1, (request_count(self) - index - 1) * sizeof(*at));
    self->requests.size -= sizeof(*at);
}

static void put_request(struct binance *self, size_t first, size_t count, int tries)
{
    struct request request = { .first = first, .count = count, .tries = tries };

    buf_put(&self->requests, &request, sizeof(request));
}

static void set_range(struct binance *self, const struct request *range, enum symbol_state state)
{
    for (size_t i = range->first; i < range->first + range->count; i++)
        if (self->symbol[i].state != SYMBOL_ACKED || state == SYMBOL_IDLE)
            self->symbol[i].state = state;
}

static bool is_acked(const struct binance *self, const struct request *range)
{
    for (size_t i = range->first; i < range->first + range->count; i++)
        if (self->symbol[i].state != SYMBOL_ACKED)
            return false;
    return true;
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

    self->connected = true;
    self->microseconds =
        strstr(url, "timeUnit=MICROSECOND") != NULL || strstr(url, "timeUnit=microsecond") != NULL;
    self->trade_us = 0;
    self->tick_us = now_us;
    self->send_us = now_us;
    buf_clear(&self->requests);
    for (size_t i = 0; i < self->instruments->count; i++)
        self->symbol[i].state = SYMBOL_IDLE;
    for (size_t i = 0; i < self->instruments->count; i += NAMES_MAX)
        put_request(self, i, size_min(NAMES_MAX, self->instruments->count - i), 0);
}

static void binance_disconnected(struct exchange *exchange)
{
    struct binance *self = self_of(exchange);

    self->connected = false;
    buf_clear(&self->requests);
    for (size_t i = 0; i < self->instruments->count; i++)
        self->symbol[i].state = SYMBOL_IDLE;
}

/* The request as the exchange wants it: stream names have the symbol in lower case. */
static void send_request(struct binance *self, struct request *request, int64_t now_us)
{
    struct pending_action action = { EXCHANGE_SEND, self->action_text.size, 0 };
    struct buf *text = &self->action_text;
    struct buf name = BUF_INIT;

    request->id = ++self->next_id;
    request->sent_us = now_us;
    request->tries++;
    set_range(self, request, SYMBOL_REQUESTED);
    buf_put_text(text, "{\"method\":\"SUBSCRIBE\",\"params\":[");
    for (size_t i = 0; i < request->count; i++) {
        buf_clear(&name);
        buf_put_span(&name, self->instruments->list[request->first + i].name);
        for (size_t at = 0; at < name.size; at++)
            if (name.data[at] >= 'A' && name.data[at] <= 'Z')
                name.data[at] |= 0x20;
        buf_put_text(&name, "@trade");
        if (i > 0)
            buf_put_byte(text, ',');
        json_quote(buf_span(&name), text);
    }
    buf_printf(text, "],\"id\":%" PRId64 "}", request->id);
    action.size = text->size - action.from;
    buf_put(&self->actions, &action, sizeof(action));
    buf_deinit(&name);
}

/* A request has gone without reply for too long. */
static void on_lost(struct binance *self, size_t index, int64_t now_us)
{
    struct request *request = requests(self) + index;

    if (request->tries < TRIES_MAX) {
        request->id = 0;
        self->send_us = int64_max(self->send_us, now_us);
        return;
    }
    if (self->trade_us == 0)
        put_action(self, EXCHANGE_RECONNECT, "%d requests to subscribe without a reply", TRIES_MAX);
    else
        put_action(self, EXCHANGE_NOTE, "%zu symbols from %.*s on: never acknowledged",
                   request->count, SPAN_ARGS(self->instruments->list[request->first].name));
    drop_request(self, index);
}

static int64_t silence_us_max(const struct binance *self)
{
    return int64_max(SILENCE_US_MIN, 20 * self->interval_us);
}

/* Pings prove the socket only: a feed whose usual flow has stopped is dead.  Time in which nobody
 * looked does not count: the trades lie unread. */
static void check_silence(struct binance *self, int64_t now_us)
{
    if (self->trade_us != 0 && now_us - self->tick_us > TICK_US_MAX)
        self->trade_us += now_us - self->tick_us;
    self->tick_us = now_us;
    if (self->trade_us == 0 || self->trades_known < 20 ||
        now_us - self->trade_us < silence_us_max(self))
        return;
    put_action(self, EXCHANGE_RECONNECT, "subscribed, but no trade for %" PRId64 " s",
               (now_us - self->trade_us) / MICROS_SECOND);
    self->trade_us = 0;
}

static void binance_tick(struct exchange *exchange, int64_t now_us)
{
    struct binance *self = self_of(exchange);

    if (!self->connected)
        return;
    for (size_t i = 0; i < request_count(self); i++) {
        struct request *request = requests(self) + i;

        if (request->id != 0 && is_acked(self, request)) {
            drop_request(self, i--);
        } else if (request->id != 0 && now_us - request->sent_us >= REPLY_US_MAX) {
            size_t before = request_count(self);

            on_lost(self, i, now_us);
            i -= before - request_count(self);
        } else if (request->id == 0 && now_us >= self->send_us) {
            send_request(self, request, now_us);
            self->send_us = now_us + SEND_GAP_US;
        }
    }
    check_silence(self, now_us);
}

static int64_t binance_due_us(const struct exchange *exchange)
{
    const struct binance *self = (const struct binance *)(const void *)exchange;
    int64_t due = NEVER;

    if (!self->connected)
        return NEVER;
    for (size_t i = 0; i < request_count(self); i++) {
        const struct request *request = requests(self) + i;

        due = int64_min(due, request->id == 0 ? self->send_us : request->sent_us + REPLY_US_MAX);
    }
    if (self->trade_us != 0 && self->trades_known >= 20)
        due = int64_min(due, self->trade_us + silence_us_max(self));
    return due;
}

static void note_refused(struct binance *self, const struct request *request, struct span message)
{
    bool any = false;

    set_range(self, request, SYMBOL_REFUSED);
    put_action(self, EXCHANGE_NOTE, "%.*s is refused: %.*s",
               SPAN_ARGS(self->instruments->list[request->first].name),
               (int)size_min(message.size, 200), (const char *)message.data);
    for (size_t i = 0; i < self->instruments->count; i++)
        any |= self->symbol[i].state != SYMBOL_REFUSED;
    if (!any)
        put_action(self, EXCHANGE_RECONNECT, "every symbol is refused");
}

/* Which request a reply speaks of: by id, or, for an error without one, the oldest under way. */
static size_t request_of(const struct binance *self, const struct binance_frame *reply)
{
    size_t count = request_count(self), i = 0;

    while (i < count && (reply->has_id ? requests(self)[i].id != reply->id
                                       : !reply->is_refusal || requests(self)[i].id == 0))
        i++;
    return i;
}

static void on_reply(struct binance *self, const struct binance_frame *reply, int64_t now_us)
{
    size_t index = request_of(self, reply);
    struct request request;

    self->counters.control++;
    if (index == request_count(self)) {
        if (reply->is_refusal)
            put_action(self, EXCHANGE_NOTE, "the exchange says: %.*s",
                       (int)size_min(reply->message.size, 200), (const char *)reply->message.data);
        return;
    }
    request = requests(self)[index];
    drop_request(self, index);
    if (!reply->is_refusal) {
        set_range(self, &request, SYMBOL_ACKED);
        if (self->trade_us == 0)
            self->trade_us = now_us;
    } else if (request.count == 1) {
        note_refused(self, &request, reply->message);
    } else {
        size_t half = request.count / 2;

        put_request(self, request.first, half, 0);
        put_request(self, request.first + half, request.count - half, 0);
    }
}

/* A running mean over the last 64 or so. */
static void learn_interval(struct binance *self, int64_t now_us)
{
    if (self->trade_us != 0)
        self->interval_us += (int64_max(0, now_us - self->trade_us) - self->interval_us) / 64;
    self->trades_known++;
    self->trade_us = int64_max(self->trade_us, now_us);
}

static void follow_ids(struct binance *self, struct symbol *symbol, int64_t id)
{
    if (symbol->state != SYMBOL_ACKED)
        symbol->state = SYMBOL_ACKED;
    if (symbol->last_id >= 0 && id > symbol->last_id + 1)
        self->counters.missing += id - symbol->last_id - 1;
    else if (id <= symbol->last_id)
        self->counters.repeated++;
    symbol->last_id = int64_max(symbol->last_id, id);
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
    const struct instrument *instrument = instruments_find(self->instruments, frame->symbol);
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
    follow_ids(self, &self->symbol[instrument - self->instruments->list], frame->id);
    learn_interval(self, received_us);
    self->counters.trades++;
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
        self->counters.control++;
        put_action(self, EXCHANGE_ENDS, "the server shuts down");
    }
    return 0;
}

static bool binance_action(struct exchange *exchange, struct exchange_action *out)
{
    struct binance *self = self_of(exchange);
    const struct pending_action *action;

    if (self->action_next * sizeof(*action) >= self->actions.size) {
        buf_clear(&self->actions);
        buf_clear(&self->action_text);
        self->action_next = 0;
        return false;
    }
    action = (const struct pending_action *)(const void *)self->actions.data + self->action_next++;
    out->type = action->type;
    out->text = span_of(self->action_text.data + action->from, action->size);
    return true;
}

static void binance_count(const struct exchange *exchange, struct exchange_counters *out)
{
    const struct binance *self = (const struct binance *)(const void *)exchange;

    *out = self->counters;
    out->symbols = (int64_t)self->instruments->count;
    out->acked = out->refused = 0;
    for (size_t i = 0; i < self->instruments->count; i++) {
        out->acked += self->symbol[i].state == SYMBOL_ACKED;
        out->refused += self->symbol[i].state == SYMBOL_REFUSED;
    }
}

static void binance_free(struct exchange *exchange)
{
    struct binance *self = self_of(exchange);

    free(self->symbol);
    buf_deinit(&self->requests);
    buf_deinit(&self->actions);
    buf_deinit(&self->action_text);
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
    self->instruments = instruments;
    self->symbol = mem_zero(instruments->count + 1, sizeof(*self->symbol));
    for (size_t i = 0; i < instruments->count; i++)
        self->symbol[i].last_id = -1;
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
