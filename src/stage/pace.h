// SPDX-License-Identifier: Apache-2.0
/*
 * pace.h: when a job steps next, and what is worth saying about it.  Pure: times are arguments.
 *
 *   after                  next step                                       state
 *   a batch                at once                                         WELL
 *   PACE_ALL_TAKEN         as STAGE_IDLE                                   WELL
 *   STAGE_IDLE             a cadence after this look began, batches        WELL, or stays STANDBY
 *                          before it included
 *   STAGE_LOST             at once; the third in a row to the same other   STANDBY: after three
 *                          worker                                          cadences
 *   RETRY, FULL            after a backoff, 100 ms doubling to 10 s;       WAITING
 *                          said at first, and again after 30 s, doubling
 *                          to 10 min, or 5 s where it is another reason
 *   REFUSED                after three cadences                            REFUSED
 *   any other error        never                                           FAILED
 *
 * When its upstream has committed, a job that is WELL steps as soon as a cadence has passed since
 * it last had a batch.
 */
#ifndef K2_STAGE_PACE_H
#define K2_STAGE_PACE_H

#include "core/err.h"

enum pace_state { PACE_WELL, PACE_WAITING, PACE_REFUSED, PACE_STANDBY, PACE_FAILED };

/* What is to be said, once, after a step. */
enum pace_news {
    PACE_NO_NEWS,
    PACE_BEGINS_TO_WAIT,
    PACE_STILL_WAITS,
    PACE_RECOVERED,
    PACE_IS_REFUSED,
    PACE_STANDS_BY,
    PACE_TAKES_OVER,
    PACE_HAS_FAILED,
};

/* A step's result beside those of stage.h: a batch, and it took all that there was.  Where records
 * come all the time (Bronze), stepping on would commit each handful of them. */
enum { PACE_ALL_TAKEN = 16 };

enum { PACE_RIVAL_BYTES = 128, PACE_LOST_MAX = 3, PACE_CADENCES = 3 };

struct pace {
    int64_t interval_us;
    enum pace_state state;
    int64_t set_us, due_us; /* when the next step was decided on, and when it is due */
    int64_t look_us;        /* when the last look began: a step and those at once after it */
    bool is_looking;
    int64_t batch_us; /* when the last look that had a batch began */
    bool has_batch;
    int64_t backoff_us; /* the next one */
    int64_t waits_us;   /* WAITING: since when */
    char reason[64];    /* WAITING: how it begins */
    int64_t said_us,
        again_us;  /* WAITING: when that was last said, and after how long it is again */
    unsigned lost; /* in a row, to `rival` */
    char rival[PACE_RIVAL_BYTES];
    char refusal[sizeof(((struct err *)0)->text)]; /* the last one said */
};

/* The first step is due at once. */
void pace_init(struct pace *pace, int64_t interval_us, int64_t now_us);

/* A step that began at began_us ended with rc (as stage.h says, or PACE_ALL_TAKEN; *err when -1).
 * `rival`: the worker that a lost batch was lost to, or "". */
enum pace_news pace_stepped(struct pace *pace, int rc, const struct err *err, const char *rival,
                            int64_t began_us, int64_t now_us);
/* Its upstream has committed. */
void pace_woken(struct pace *pace, int64_t now_us);
/* How long until the next step, 0: now.  A clock that ran back is never waited for. */
int64_t pace_wait_us(const struct pace *pace, int64_t now_us);

#endif
