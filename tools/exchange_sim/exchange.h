// SPDX-License-Identifier: Apache-2.0
/* exchange.h: what differs from exchange to exchange, as a table of functions: the shape of a
 * frame, the control messages, REST.  Sockets, pacing and faults are the same for all. */
#ifndef K2_EXCHANGE_SIM_EXCHANGE_H
#define K2_EXCHANGE_SIM_EXCHANGE_H

#include "http.h"
#include "session.h"

enum { EXCHANGE_IGNORED = 1 };

struct exchange {
    const char *name;
    /* Fills stream, time_ms and detail of a frame whose text is recorded.  EXCHANGE_IGNORED: no
     * event of a stream. */
    int (*parse)(struct world *world, struct frame *frame, struct err *err);
    /* An upgrade request; returns 101, or the HTTP status that refuses it. */
    int (*open)(struct session *session, const struct http_request *request);
    /* A client's text message.  Appends the reply's text; returns 0, or the code to close with. */
    int (*message)(struct session *session, struct span text, struct buf *reply);
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
