// SPDX-License-Identifier: Apache-2.0
/* exchange.h: what differs from exchange to exchange, as a table of functions: the shape of a
 * frame, the control messages, REST, a few limits.  Sockets, pacing and faults are the same for
 * all. */
#ifndef K2_EXCHANGE_SIM_EXCHANGE_H
#define K2_EXCHANGE_SIM_EXCHANGE_H

#include "http.h"
#include "session.h"

enum {
    EXCHANGE_IGNORED = 1,
    EXCHANGE_ATTEMPTS_MAX = 300, /* no exchange allows more upgrades in its window */
    EXCHANGE_MESSAGES_MAX = 20,  /* nor more messages in a second */
};

struct exchange {
    const char *name;
    size_t attempts_max; /* upgrades in that window; one more: 429 */
    int attempts_window_s;
    size_t messages_max; /* of a client in one second */
    bool control_counts; /* its pings and pongs are messages too */
    bool idle_closes;    /* a connection that has subscribed to nothing is closed in time */
    /* Fills stream, time_ms and detail of a frame whose text is recorded.  EXCHANGE_IGNORED: no
     * event of a stream. */
    int (*parse)(struct world *world, struct frame *frame, struct err *err);
    /* An upgrade request; returns 101, or the HTTP status that refuses it. */
    int (*open)(struct session *session, const struct http_request *request);
    /* What the server says first, and once a second when something is subscribed; NULL: nothing. */
    void (*put_greeting)(const struct session *session, struct buf *out);
    void (*put_heartbeat)(struct buf *out);
    /* A client's text message.  Appends the texts of the replies, one a line; returns 0, or the
     * code to close with. */
    int (*message)(struct session *session, struct span text, int64_t now_ns, struct buf *replies);
    /* The reply to a message beyond messages_max; NULL: it closes the connection. */
    void (*put_too_many)(struct buf *out);
    /* Appends a frame's text as this session gets it.  `variant` 0: as recorded; others: --faults
     * reordered, each another spelling of the same. */
    void (*put)(const struct session *session, const struct frame *frame, size_t variant,
                struct buf *out);
    /* --faults junk and shutdown; `n` counts up from 0. */
    void (*put_junk)(const struct session *session, const struct frame *frame, size_t n,
                     struct buf *out);
    void (*put_shutdown)(const struct session *session, int64_t now_ns, struct buf *out);
    /* Appends a whole HTTP response. */
    void (*rest)(struct world *world, const struct http_request *request, int64_t now_ns,
                 struct buf *out);
};

/* NULL: not known. */
const struct exchange *exchange_find(const char *name);

#endif
