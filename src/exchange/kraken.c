// SPDX-License-Identifier: Apache-2.0
/* kraken.c: see kraken.h.  What v1 and v2 have in common; how their frames read is elsewhere. */
#include "exchange/kraken.h"

#include "core/hash.h"
#include "core/micros.h"
#include "core/num.h"
#include "exchange/kraken_list.h"
#include "exchange/kraken_pair.h"
#include "exchange/kraken_v1.h"
#include "exchange/kraken_v2.h"

#include <inttypes.h>

enum { KEYS_BYTES_MAX = 1024 }; /* that v1 makes for vendor_data */

#define RATE_PAUSE_US (5 * MICROS_SECOND)

static const struct session_rules rules = {
    .names_max = 100,
    .send_gap_us = MICROS_SECOND / 2,
    .reply_us_max = 10 * MICROS_SECOND,
    .dead_us = 5 * MICROS_SECOND,
};

static struct kraken *self_of(struct exchange *exchange)
{
    return (struct kraken *)(void *)exchange;
}

/* -- trades */

/* The instrument of a pair in either API's words; the count when there is none. */
static size_t find_pair(struct kraken *self, struct span pair)
{
    const struct instruments *instruments = self->session.instruments;
    const struct instrument *found;
    size_t size;

    buf_clear(&self->name);
    kraken_pair_put(pair, &self->name);
    size = self->name.size;
    buf_reserve(&self->name, size);
    kraken_pair_put_symbol(span_of(self->name.data, size), &self->name);
    found = instruments_find(instruments, span_of(self->name.data + size, self->name.size - size));
    if (found == NULL ||
        !span_equal(self->pair[found - instruments->list], span_of(self->name.data, size)))
        return instruments->count;
    return (size_t)(found - instruments->list);
}

/* For an exchange that numbers nothing. */
static void make_id(struct kraken *self, size_t index, struct trade *trade)
{
    buf_clear(&self->name);
    trade_id_put_name(trade, &self->name);
    buf_printf(&self->name, "%" PRIu32,
               ordinals_next(&self->ordinals, index, hash_fast(buf_span(&self->name))));
    trade_id_of_name(buf_span(&self->name), trade->message_id);
}

int kraken_put(struct kraken *self, const struct kraken_trade *from, int64_t received_us,
               const struct exchange_sink *sink, struct err *err)
{
    size_t index = find_pair(self, from->pair);
    const struct instrument *instrument = &self->session.instruments->list[index];
    struct trade trade = {
        .exchange = SPAN("KRAKEN"),
        .trade_id = from->id,
        .timestamp_us = from->timestamp_us,
        .price = from->price,
        .quantity = from->quantity,
        .side = from->side,
        .order_type = from->order_type,
        .ingestion_timestamp_us = received_us,
        .vendor = from->vendor,
        .vendor_count = from->vendor_count,
    };

    if (index == self->session.instruments->count)
        return err_set(err, ERR_REJECT, "unknown_symbol: %.*s is not in the instrument list",
                       FRAME_QUOTE(from->pair));
    trade.symbol = instrument->symbol;
    trade.currency = instrument->currency;
    if (from->id == TRADE_NO_ID)
        make_id(self, index, &trade);
    else if (!trade_id_format(&instrument->id_prefix, from->id, trade.message_id))
        return err_set(err, ERR_REJECT, "bad_trade_id: %" PRId64, from->id);
    session_trade(&self->session, index, from->id, received_us);
    sink->put(sink->context, &trade);
    return 0;
}

enum trade_side kraken_side(const struct json_value *value)
{
    if (value == NULL || value->type != JSON_STRING)
        return TRADE_UNKNOWN;
    if (json_is(value, SPAN("buy")) || json_is(value, SPAN("b")))
        return TRADE_BUY;
    return json_is(value, SPAN("sell")) || json_is(value, SPAN("s")) ? TRADE_SELL : TRADE_UNKNOWN;
}

/* -- replies */

static bool contains(struct span text, struct span word)
{
    return text.size >= word.size && memmem(text.data, text.size, word.data, word.size) != NULL;
}

int64_t kraken_reply_id(const struct json_value *value)
{
    struct err err = { 0 };
    int64_t id;

    return frame_integer(value, "", &id, &err) == 0 ? id : 0;
}

static void refuse(struct kraken *self, const struct kraken_reply *reply, size_t index,
                   int64_t now_us)
{
    struct session *session = &self->session;
    const struct session_request *request = session_request(session, reply->id);
    bool is_known = index < session->instruments->count;

    if (contains(reply->message, SPAN("Exceeded msg rate"))) {
        session_act(session, EXCHANGE_NOTE, "too many messages, says the exchange");
        if (request != NULL)
            session_postpone(session, request, now_us + RATE_PAUSE_US);
    } else if (is_known && contains(reply->message, SPAN("lready subscribed"))) {
        session_ack_symbol(session, index, now_us);
    } else if (is_known) {
        session_refuse_symbol(session, index, reply->message);
    } else if (reply->pair.size == 0 && request != NULL) {
        session_refuse(session, request, reply->message);
    } else {
        session_act(session, EXCHANGE_NOTE, "the exchange says: %.*s", FRAME_QUOTE(reply->message));
    }
}

void kraken_answer(struct kraken *self, const struct kraken_reply *reply, int64_t now_us)
{
    struct session *session = &self->session;
    const struct session_request *request = session_request(session, reply->id);
    size_t index = find_pair(self, reply->pair);
    bool is_known = index < session->instruments->count;

    session->counters.control++;
    if (reply->is_refusal)
        refuse(self, reply, index, now_us);
    else if (reply->is_end && is_known)
        session_act(session, EXCHANGE_RECONNECT, "the exchange has ended the subscription to %.*s",
                    SPAN_ARGS(self->pair[index]));
    else if (is_known)
        session_ack_symbol(session, index, now_us);
    else if (reply->pair.size == 0 && reply->id != 0 && request != NULL)
        session_grant(session, request, now_us);
}

void kraken_say_system(struct kraken *self, struct span system, int64_t now_us)
{
    struct session *session = &self->session;
    bool was_halted = session->is_halted;

    session->counters.control++;
    if (span_equal(system, span_text(self->system)))
        return;
    if (self->system[0] != 0 || !span_equal(system, SPAN("online")))
        session_act(session, EXCHANGE_NOTE, "the exchange is %.*s", FRAME_QUOTE(system));
    snprintf(self->system, sizeof(self->system), "%.*s",
             (int)size_min(system.size, sizeof(self->system)), (const char *)system.data);
    session->is_halted =
        span_equal(system, SPAN("maintenance")) || span_equal(system, SPAN("cancel_only"));
    if (was_halted && !session->is_halted)
        session_resume(session, now_us);
}

void kraken_put_wanted(const struct kraken *self, const struct session_request *request,
                       void (*put)(struct span pair, struct buf *out), struct buf *text)
{
    struct buf name = BUF_INIT;
    bool is_first = true;

    for (size_t i = request->first; i < request->first + request->count; i++) {
        if (!session_is_wanted(&self->session, i))
            continue;
        buf_clear(&name);
        put(self->pair[i], &name);
        if (!is_first)
            buf_put_byte(text, ',');
        is_first = false;
        json_quote(buf_span(&name), text);
    }
    buf_deinit(&name);
}

/* -- as exchange.h asks */

static void kraken_url(struct exchange *exchange, const char *configured, struct buf *out)
{
    const char *host = strstr(configured, "://");
    const char *path;

    host = host == NULL ? configured : host + 3;
    path = host + strcspn(host, "/?");
    buf_put(out, configured, (size_t)(path - configured));
    if (path[0] == '\0' || path[0] == '?' || strcmp(path, "/") == 0)
        buf_put_text(out, self_of(exchange)->dialect->path);
    if (strcmp(path, "/") != 0)
        buf_put_text(out, path);
}

static void kraken_connected(struct exchange *exchange, const char *url, int64_t now_us)
{
    struct kraken *self = self_of(exchange);

    (void)url;
    self->system[0] = 0;
    session_connected(&self->session, now_us);
}

static void kraken_disconnected(struct exchange *exchange)
{
    session_disconnected(&self_of(exchange)->session);
}

/* What comes after a subscription begins anew. */
static void ask(void *context, const struct session_request *request, struct buf *text)
{
    struct kraken *self = context;

    for (size_t i = request->first; i < request->first + request->count; i++)
        if (session_is_wanted(&self->session, i))
            ordinals_forget(&self->ordinals, i);
    self->dialect->ask(self, request, text);
}

static void kraken_tick(struct exchange *exchange, int64_t now_us)
{
    struct kraken *self = self_of(exchange);

    session_tick(&self->session, now_us, ask, self);
}

static int64_t kraken_due_us(const struct exchange *exchange)
{
    return session_due_us(&((const struct kraken *)(const void *)exchange)->session);
}

static int kraken_on_frame(struct exchange *exchange, struct span text, int64_t received_us,
                           const struct exchange_sink *sink, struct err *err)
{
    struct kraken *self = self_of(exchange);

    buf_clear(&self->scratch);
    buf_reserve(&self->scratch, text.size + KEYS_BYTES_MAX);
    return self->dialect->frame(self, text, received_us, sink, err);
}

static bool kraken_action(struct exchange *exchange, struct exchange_action *out)
{
    return session_action(&self_of(exchange)->session, out);
}

static void kraken_count(const struct exchange *exchange, struct exchange_counters *out)
{
    session_count(&((const struct kraken *)(const void *)exchange)->session, out);
}

static void kraken_free(struct exchange *exchange)
{
    struct kraken *self = self_of(exchange);

    session_deinit(&self->session);
    ordinals_deinit(&self->ordinals);
    arena_deinit(&self->arena);
    free(self->pair);
    buf_deinit(&self->scratch);
    buf_deinit(&self->name);
    free(self);
}

static struct exchange *make(const struct instruments *instruments,
                             const struct kraken_dialect *dialect)
{
    static const struct exchange_ops ops = {
        kraken_url,    kraken_connected, kraken_disconnected, kraken_on_frame, kraken_tick,
        kraken_due_us, kraken_action,    kraken_count,        kraken_free,
    };
    struct kraken *self = mem_zero(1, sizeof(*self));

    self->exchange.ops = &ops;
    self->dialect = dialect;
    session_init(&self->session, instruments, &rules);
    ordinals_init(&self->ordinals, instruments->count);
    self->pair = mem_zero(instruments->count + 1, sizeof(*self->pair));
    for (size_t i = 0; i < instruments->count; i++) {
        buf_clear(&self->name);
        kraken_pair_put(instruments->list[i].name, &self->name);
        self->pair[i] = arena_copy(&self->arena, buf_span(&self->name));
    }
    return &self->exchange;
}

static struct exchange *new_v1(const struct instruments *instruments)
{
    return make(instruments, &kraken_v1_dialect);
}

static struct exchange *new_v2(const struct instruments *instruments)
{
    return make(instruments, &kraken_v2_dialect);
}

/* 150 attempts in 10 minutes ban the address; others on it may need some. */
#define COMMON                                                                                     \
    .name = "kraken", .rest_url = "https://api.kraken.com", .url = "wss://ws.kraken.com",          \
    .attempts_max = 100, .attempt_window_us = 600 * MICROS_SECOND, .list_url = kraken_list_url,    \
    .list_parse = kraken_list_parse

const struct exchange_kind kraken_v1_kind = { COMMON, .api = "v1", .new = new_v1 };
const struct exchange_kind kraken_v2_kind = { COMMON, .api = "v2", .new = new_v2 };
