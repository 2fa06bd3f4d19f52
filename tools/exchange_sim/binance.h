// SPDX-License-Identifier: Apache-2.0
/* binance.h: Binance spot as of 2026: web-socket-streams.md, rest-api.md of its API documents. */
#ifndef K2_EXCHANGE_SIM_BINANCE_H
#define K2_EXCHANGE_SIM_BINANCE_H

#include "exchange.h"

extern const struct exchange binance_exchange;

/* A frame's detail. */
struct binance_event {
    struct span data;     /* the event object within frame->text */
    struct span times[2]; /* the digits of E and T, in order of place */
    int64_t times_ms[2];
    size_t time_count;
    bool trade; /* e is "trade", and what follows was there */
    bool wrapped;
    int64_t id, event_ms, trade_ms;
    struct span type, symbol, price, quantity, maker, ignore;
};

/* A trade stream's detail. */
struct binance_symbol {
    struct span symbol;
    int price_decimals, quantity_decimals; /* as many as the recording's trades use */
};

/* binance_rest.c */
void binance_rest(struct world *world, const struct http_request *request, int64_t now_ns,
                  struct buf *out);

/* binance_control.c */
int binance_message(struct session *session, struct span text, int64_t now_ns, struct buf *reply);

#endif
