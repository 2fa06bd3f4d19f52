// SPDX-License-Identifier: Apache-2.0
/*
 * exchange.h: an exchange's protocol as a state machine: events in, trades and actions out.  It
 * does no I/O and knows no clock: times are arguments, the socket is port/feed.h's.
 *
 *     url        →  where to connect
 *     connected  →  (actions)
 *     frame      →  trades into the sink; REJECT: the frame is a dead letter; (actions)
 *     tick       →  (actions), at the time that `due_us` names and at least once a second,
 *                   unless frames lie unread
 *     disconnected
 *
 * After each of these the actions are fetched with exchange_action until there is none.  Pings are
 * the feed's work.  One thread at a time.
 */
#ifndef K2_EXCHANGE_EXCHANGE_H
#define K2_EXCHANGE_EXCHANGE_H

#include "core/buf.h"
#include "exchange/instruments.h"
#include "trade/trade.h"

enum exchange_action_type {
    EXCHANGE_SEND,      /* text: a message for the exchange */
    EXCHANGE_RECONNECT, /* text: why the connection is of no more use: end it */
    EXCHANGE_ENDS,      /* text: why the exchange will end it: read on, then connect at once */
    EXCHANGE_NOTE,      /* text: for people; nothing to do */
};

struct exchange_action {
    enum exchange_action_type type;
    struct span text; /* good until the next event */
};

/* Takes a trade; its texts are good until it returns.  platform_sequence is the sink's to fill. */
struct exchange_sink {
    void (*put)(void *context, struct trade *trade);
    void *context;
};

struct exchange_counters {
    int64_t trades;
    int64_t control;  /* replies and notices */
    int64_t missing;  /* trade ids that were passed over, never seen */
    int64_t repeated; /* trades with an id at or below one seen: copies, or out of order */
    int64_t symbols, acked, refused; /* subscriptions now */
};

struct exchange;

struct exchange_ops {
    void (*url)(struct exchange *exchange, const char *configured, struct buf *out);
    void (*connected)(struct exchange *exchange, const char *url, int64_t now_us);
    void (*disconnected)(struct exchange *exchange);
    int (*frame)(struct exchange *exchange, struct span frame, int64_t received_us,
                 const struct exchange_sink *sink, struct err *err);
    void (*tick)(struct exchange *exchange, int64_t now_us);
    int64_t (*due_us)(const struct exchange *exchange);
    bool (*action)(struct exchange *exchange, struct exchange_action *out);
    void (*count)(const struct exchange *exchange, struct exchange_counters *out);
    void (*free)(struct exchange *exchange);
};

struct exchange {
    const struct exchange_ops *ops;
};

/* Appends the URL to connect to for one of the configured ones. */
static inline void exchange_url(struct exchange *exchange, const char *configured, struct buf *out)
{
    exchange->ops->url(exchange, configured, out);
}

/* A connection to `url` (as made by exchange_url) begins; nothing is subscribed on it. */
static inline void exchange_connected(struct exchange *exchange, const char *url, int64_t now_us)
{
    exchange->ops->connected(exchange, url, now_us);
}

static inline void exchange_disconnected(struct exchange *exchange)
{
    exchange->ops->disconnected(exchange);
}

/* 0: trades went to the sink, or it was a control message.  REJECT: the frame, or a trade of it,
 * cannot be turned into trades; those of it that can went to the sink; the text begins with a word
 * for the reason. */
CHECK_RESULT static inline int exchange_frame(struct exchange *exchange, struct span frame,
                                              int64_t received_us, const struct exchange_sink *sink,
                                              struct err *err)
{
    return exchange->ops->frame(exchange, frame, received_us, sink, err);
}

static inline void exchange_tick(struct exchange *exchange, int64_t now_us)
{
    exchange->ops->tick(exchange, now_us);
}

/* When the next tick has something to do; INT64_MAX: never, by what is known now. */
static inline int64_t exchange_due_us(const struct exchange *exchange)
{
    return exchange->ops->due_us(exchange);
}

/* False: none left. */
static inline bool exchange_action(struct exchange *exchange, struct exchange_action *out)
{
    return exchange->ops->action(exchange, out);
}

static inline void exchange_count(const struct exchange *exchange, struct exchange_counters *out)
{
    exchange->ops->count(exchange, out);
}

static inline void exchange_free(struct exchange *exchange)
{
    if (exchange != NULL)
        exchange->ops->free(exchange);
}

/* What there is to know of an exchange before a connection. */
struct exchange_kind {
    const char *name; /* binance: in topics, tables and the configuration */
    const char *api;  /* which of its APIs; NULL: it has one.  Two never write one table */
    const char *rest_url, *url; /* defaults */
    /* Attempts to connect that `attempt_window_us` may hold, with room to the exchange's limit. */
    int attempts_max;
    int64_t attempt_window_us;
    /* Appends the URL of the instrument list; `all`: not only of the pairs that are named. */
    void (*list_url)(const char *rest_url, const char *const *names, size_t count, bool all,
                     struct buf *out);
    /* Puts those of the pairs in the list's body that are named.  RETRY: not such a body. */
    int (*list_parse)(struct span body, const char *const *names, size_t count,
                      struct instruments *out, struct err *err);
    /* instruments are borrowed and checked. */
    struct exchange *(*new)(const struct instruments *instruments);
};

#endif
