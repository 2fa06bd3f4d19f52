// SPDX-License-Identifier: Apache-2.0
/* session.h: what one client has asked for, and which frame it is owed next. */
#ifndef K2_EXCHANGE_SIM_SESSION_H
#define K2_EXCHANGE_SIM_SESSION_H

#include "world.h"

enum { SESSION_STREAMS_MAX = 1024 };

/* --faults wrong-time: how the next frame's times are wrong. */
enum wrong_time { WRONG_TIME_NOT, WRONG_TIME_UNIT, WRONG_TIME_AHEAD, WRONG_TIME_1970 };

#define WRONG_TIME_AHEAD_MS INT64_C(86400000)

struct session {
    struct world *world;
    size_t number; /* of the connection, from 0 */
    size_t asked;  /* kraken: subscriptions asked for so far */
    bool combined; /* frames wrapped with their stream's name */
    bool micros;   /* times in microseconds */
    bool again;    /* not the first connection: --faults replay applies */
    enum wrong_time wrong_time;
    struct buf *names; /* as subscribed, in order */
    size_t name_count;
    size_t *next; /* by stream: the frame it goes on from; SIZE_MAX: not subscribed */
    size_t cursor;
};

/* Connection `number` of the world, from 0. */
void session_init(struct session *session, struct world *world, size_t number);
void session_deinit(struct session *session);
/* A name that no recording has is kept, and silent.  False: more than SESSION_STREAMS_MAX. */
CHECK_RESULT bool session_subscribe(struct session *session, struct span name);
bool session_has(const struct session *session, struct span name);
void session_unsubscribe(struct session *session, struct span name);
/* The frame it is owed now, at index session->cursor, or NULL. */
const struct frame *session_next(struct session *session);
/* That frame has been sent. */
void session_take(struct session *session);

#endif
