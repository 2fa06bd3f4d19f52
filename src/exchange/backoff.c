// SPDX-License-Identifier: Apache-2.0
/*
 * backoff.c: see backoff.h.  The bucket holds a tenth of the limit and is filled by the rest of it
 * over the window: what it holds plus what flows in never exceeds the limit.
 */
#include "exchange/backoff.h"

#include "core/num.h"

struct backoff backoff_init(int64_t first_us, int64_t most_us, int attempts_max, int64_t window_us,
                            int64_t now_us)
{
    double burst = attempts_max / 10 > 1 ? attempts_max / 10 : 1;

    return (struct backoff){
        .first_us = first_us,
        .most_us = most_us,
        .tokens = burst,
        .tokens_max = burst,
        .tokens_per_us = (attempts_max - burst) / (double)window_us,
        .filled_us = now_us,
    };
}

/* Takes a token, which may have to flow in first: returns when it has. */
static int64_t take_token(struct backoff *backoff, int64_t at_us)
{
    int64_t passed_us = int64_max(0, at_us - backoff->filled_us);

    backoff->tokens += (double)passed_us * backoff->tokens_per_us;
    if (backoff->tokens > backoff->tokens_max)
        backoff->tokens = backoff->tokens_max;
    backoff->filled_us = int64_max(backoff->filled_us, at_us);
    if (backoff->tokens < 1) {
        int64_t missing_us = (int64_t)((1 - backoff->tokens) / backoff->tokens_per_us) + 1;

        at_us = backoff->filled_us + missing_us;
        backoff->filled_us = at_us;
        backoff->tokens = 1;
    }
    backoff->tokens -= 1;
    return at_us;
}

int64_t backoff_next(struct backoff *backoff, int64_t now_us, uint64_t random, bool soon,
                     int64_t least_us)
{
    int64_t limit_us = backoff->first_us;
    int64_t wait_us = 0;

    for (int i = 0; i < backoff->failures && limit_us < backoff->most_us; i++)
        limit_us *= 2;
    limit_us = int64_min(limit_us, backoff->most_us);
    if (!soon) {
        backoff->failures++;
        wait_us = (int64_t)(random % ((uint64_t)limit_us + 1));
    }
    return take_token(backoff, now_us + int64_max(wait_us, least_us));
}

void backoff_reset(struct backoff *backoff)
{
    backoff->failures = 0;
}
