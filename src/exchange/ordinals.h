// SPDX-License-Identifier: Apache-2.0
/*
 * ordinals.h: the how manieth among equals, for trades without an id of their own (trade_id.h).
 *
 * Counts in order of arrival, for each pair since the connection's subscription to it: across
 * frames, so that equals may come in two; from 0 again with a new subscription, since what the
 * exchange sends over then begins anew and makes the same ids.  The last 256 different trades of a
 * pair are remembered (4 KiB a pair that trades); equals share their microsecond, so they come
 * close together.
 *
 * What that cannot see: equals of which a connection's end, or the beginning of the history that
 * the exchange sends over, cuts off the first: the rest is numbered from 0, and those that had
 * these numbers before are taken for the same.
 */
#ifndef K2_EXCHANGE_ORDINALS_H
#define K2_EXCHANGE_ORDINALS_H

#include "core/base.h"

enum { ORDINALS_REMEMBERED = 256 };

struct ordinals {
    struct ordinals_pair *pair; /* private */
    size_t count;
};

/* For `count` pairs. */
void ordinals_init(struct ordinals *ordinals, size_t count);
void ordinals_deinit(struct ordinals *ordinals);

/* Nothing has come of this pair. */
void ordinals_forget(struct ordinals *ordinals, size_t pair);
/* The number of this arrival; key: a hash of what makes trades equal. */
uint32_t ordinals_next(struct ordinals *ordinals, size_t pair, uint64_t key);

#endif
