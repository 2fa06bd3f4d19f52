// SPDX-License-Identifier: Apache-2.0
/*
 * kraken_list.h: AssetPairs: its URL, its body (see exchange.h, struct exchange_kind).
 *
 * Always the whole list: asked by name, one unknown pair makes the answer an error that names none.
 * A pair is known by its wsname, in v1's or v2's words, as is a configured name; without a wsname
 * it cannot be subscribed to, and is passed over.  currency: the quote asset in v2's words.
 * Decimals: of tick_size, without one pair_decimals; lot_decimals.
 */
#ifndef K2_EXCHANGE_KRAKEN_LIST_H
#define K2_EXCHANGE_KRAKEN_LIST_H

#include "exchange/exchange.h"

void kraken_list_url(const char *rest_url, const char *const *names, size_t count, bool all,
                     struct buf *out);
CHECK_RESULT int kraken_list_parse(struct span body, const char *const *names, size_t count,
                                   struct instruments *out, struct err *err);

#endif
