// SPDX-License-Identifier: Apache-2.0
/* binance_list.h: exchangeInfo: its URL, its body (see exchange.h, struct exchange_kind). */
#ifndef K2_EXCHANGE_BINANCE_LIST_H
#define K2_EXCHANGE_BINANCE_LIST_H

#include "exchange/exchange.h"

void binance_list_url(const char *rest_url, const char *const *names, size_t count, bool all,
                      struct buf *out);
CHECK_RESULT int binance_list_parse(struct span body, const char *const *names, size_t count,
                                    struct instruments *out, struct err *err);

#endif
