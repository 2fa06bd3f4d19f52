// SPDX-License-Identifier: Apache-2.0
/*
 * backoff.h: when to try again: exponential with full jitter, and a token bucket that keeps the
 * attempts of any window below a limit, whatever the failures look like.  Pure: time and
 * randomness are arguments.
 */
#ifndef K2_EXCHANGE_BACKOFF_H
#define K2_EXCHANGE_BACKOFF_H

#include "core/base.h"

struct backoff {
    int64_t first_us, most_us; /* limits of the jitter: after the first failure, after many */
    int failures;              /* since the last backoff_reset */
    double tokens, tokens_max, tokens_per_us;
    int64_t filled_us; /* when tokens was true */
};

/* No more than attempts_max attempts begin within any window_us; attempts_max > 1. */
struct backoff backoff_init(int64_t first_us, int64_t most_us, int attempts_max, int64_t window_us,
                            int64_t now_us);

/*
 * When the next attempt may begin, which takes its token.  soon: at once, if there is a token
 * (nothing failed: the other side has asked for it).  least_us: what the other side asked for, else
 * 0.
 */
int64_t backoff_next(struct backoff *backoff, int64_t now_us, uint64_t random, bool soon,
                     int64_t least_us);

/* It works again. */
void backoff_reset(struct backoff *backoff);

#endif
