// SPDX-License-Identifier: Apache-2.0
/*
 * kraken_pair.h: Kraken's names of one pair.  API v2, our configuration and our messages: BTC/USD;
 * API v1 and the wsname of AssetPairs: XBT/USD; our tables: BTCUSD.  Only XBT and XDG differ, which
 * are BTC and DOGE elsewhere.
 */
#ifndef K2_EXCHANGE_KRAKEN_PAIR_H
#define K2_EXCHANGE_KRAKEN_PAIR_H

#include "core/buf.h"

/* Appends the name in v2's words, from either. */
void kraken_pair_put(struct span pair, struct buf *out);
/* Appends the name in v1's words, from either. */
void kraken_pair_put_v1(struct span pair, struct buf *out);
/* Appends the name in our tables, from a name in v2's words. */
void kraken_pair_put_symbol(struct span pair, struct buf *out);
/* What stands behind the slash; nothing when there is none. */
struct span kraken_pair_quote(struct span pair);

#endif
