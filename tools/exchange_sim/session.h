// SPDX-License-Identifier: Apache-2.0
/* session.h: what one client has asked for, and which frame it is owed next. */
#ifndef K2_EXCHANGE_SIM_SESSION_H
#define K2_EXCHANGE_SIM_SESSION_H

#include "world.h"

enum { SESSION_STREAMS_MAX = 1024 };

struct session {
    struct world *world;
    bool combined;     /* frames wrapped with their stream's name */
    bool micros;       /* times in microseconds */
    bool again;        /* not the first connection: --faults replay applies */
    struct buf *names; /* as subscribed, in order */
    size_t name_count;
    size_t *next; /* by stream: the frame it goes on from; SIZE_MAX: not subscribed */
    size_t cursor;
};

void session_init(struct session *session, struct world *world, bool again);
void session_deinit(struct session *session);
/* A name that no recording has is kept, and silent.  False: more than SESSION_STREAMS_MAX. */
CHECK_RESULT bool session_subscribe(struct session *session, struct span name);
void session_unsubscribe(struct session *session, struct span name);
/* The frame it is owed now, at index session->cursor, or NULL. */
const struct frame *session_next(struct session *session);
/* That frame has been sent. */
void session_take(struct session *session);

#endif
