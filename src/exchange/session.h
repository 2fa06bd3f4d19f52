// SPDX-License-Identifier: Apache-2.0
/*
 * session.h: what a connection to any exchange has: the state of each symbol's subscription, the
 * requests under way, the actions that wait to be fetched, and what tells a dead feed from a quiet
 * one.  An exchange's protocol holds one, and says what the frames mean.
 *
 * Subscriptions are ranges of the instrument list: a range waits, is sent, and is then settled
 * symbol by symbol, or lost.  Each symbol is idle, requested, acked or refused; a trade
 * acknowledges its symbol too, for replies get lost.  A request that is not settled in
 * `reply_us_max` is made again for the symbols that are left, three times in all.
 *
 * A feed is dead when trades stop for 20 times their usual interval, at least 30 s; and, where the
 * exchange has a heartbeat, when no frame comes for `dead_us`.  Time in which nobody looked (no
 * tick for 2 s) does not count: frames lie unread.
 */
#ifndef K2_EXCHANGE_SESSION_H
#define K2_EXCHANGE_SESSION_H

#include "exchange/exchange.h"

struct session_rules {
    size_t names_max;     /* in one request */
    int64_t send_gap_us;  /* between requests */
    int64_t reply_us_max; /* for the whole of a request */
    int64_t dead_us;      /* no frame at all for so long; 0: no such rule */
};

enum session_state { SESSION_IDLE, SESSION_REQUESTED, SESSION_ACKED, SESSION_REFUSED };

struct session_symbol {
    enum session_state state;
    int64_t last_id; /* the highest seen, over all connections; -1: none */
};

struct session_request {
    size_t first, count; /* of the instrument list */
    int64_t id;          /* 0: waits to be sent */
    int64_t sent_us;
    int tries;
};

struct session {
    const struct instruments *instruments;
    struct session_rules rules;
    struct session_symbol *symbol; /* one for each instrument */
    struct exchange_counters counters;
    bool connected;
    bool is_halted; /* the exchange has said that nobody trades: silence means nothing */

    struct buf requests; /* private from here on */
    struct buf actions, action_text;
    size_t action_next;
    int64_t next_id, send_us; /* of the next request; not before this time */
    int64_t tick_us;          /* of the last tick */
    int64_t frame_us;         /* of the last frame, or when the first ack came; 0: neither */
    int64_t trade_us;         /* of the last trade, or when the first ack came; 0: neither */
    int64_t interval_us;      /* usual time between trades, all symbols together */
    int64_t trades_known;     /* that went into interval_us */
};

/* Appends the message that asks for those of the request's symbols that session_is_wanted. */
typedef void (*session_ask)(void *context, const struct session_request *request, struct buf *text);

/* Borrows the instruments. */
void session_init(struct session *session, const struct instruments *instruments,
                  const struct session_rules *rules);
void session_deinit(struct session *session);

void session_connected(struct session *session, int64_t now_us);
void session_disconnected(struct session *session);
void session_tick(struct session *session, int64_t now_us, session_ask ask, void *context);
int64_t session_due_us(const struct session *session);
void session_count(const struct session *session, struct exchange_counters *out);

void session_act(struct session *session, enum exchange_action_type type, const char *format, ...)
    PRINTF_LIKE(3, 4);
bool session_action(struct session *session, struct exchange_action *out);

/* To be asked for: neither acked nor refused. */
static inline bool session_is_wanted(const struct session *session, size_t index)
{
    return session->symbol[index].state == SESSION_REQUESTED ||
           session->symbol[index].state == SESSION_IDLE;
}

/* The request of that id, or with `id` 0 the oldest under way; NULL.  Good until the next call. */
const struct session_request *session_request(const struct session *session, int64_t id);

/* A whole request is granted; it is gone. */
void session_grant(struct session *session, const struct session_request *request, int64_t now_us);
/* A whole request is refused: it is halved until the symbol to blame stands alone. */
void session_refuse(struct session *session, const struct session_request *request,
                    struct span message);
/* Not now: the request is made again, after a pause. */
void session_postpone(struct session *session, const struct session_request *request,
                      int64_t until_us);
void session_ack_symbol(struct session *session, size_t index, int64_t now_us);
void session_refuse_symbol(struct session *session, size_t index, struct span message);

/* A frame came that shows the feed to be alive. */
static inline void session_frame(struct session *session, int64_t received_us)
{
    if (session->frame_us != 0 && received_us > session->frame_us)
        session->frame_us = received_us;
}

/* Trading goes on after a halt. */
static inline void session_resume(struct session *session, int64_t now_us)
{
    if (session->trade_us != 0 && now_us > session->trade_us)
        session->trade_us = now_us;
}

/* A trade came; `id` below 0: the exchange has none. */
void session_trade(struct session *session, size_t index, int64_t id, int64_t received_us);

#endif
