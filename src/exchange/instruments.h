// SPDX-License-Identifier: Apache-2.0
/* instruments.h: what an exchange's own list says of the pairs that we subscribe to.  Loaded at
 * start, read only from then on, so any thread may read it. */
#ifndef K2_EXCHANGE_INSTRUMENTS_H
#define K2_EXCHANGE_INSTRUMENTS_H

#include "core/arena.h"
#include "core/err.h"
#include "trade/trade_id.h"

enum { INSTRUMENT_DECIMALS_UNKNOWN = -1 };

struct instrument {
    struct span name;     /* as the exchange writes it, and the configuration: BTC/USD */
    struct span symbol;   /* as in the tables: BTCUSD */
    struct span currency; /* the quote asset, the exchange's word */
    struct span status;   /* the exchange's word */
    bool is_trading;
    int price_decimals, quantity_decimals; /* of tick and step size, without trailing zeros */
    struct trade_id_prefix id_prefix;
};

struct instruments {
    struct arena arena; /* of all text */
    struct instrument *list;
    size_t count, capacity;
    uint32_t *slots; /* 1 + index into list, by hash of the symbol; a power of two of them */
    size_t slot_count;
};

#define INSTRUMENTS_INIT ((struct instruments){ .arena = ARENA_INIT })

void instruments_deinit(struct instruments *instruments);

/* Appends a copy, whose texts may be borrowed; `exchange` as in the tables. */
void instruments_put(struct instruments *instruments, struct span exchange,
                     const struct instrument *instrument);
/* By name, linear; NULL. */
const struct instrument *instruments_by_name(const struct instruments *instruments,
                                             struct span name);

/*
 * The whole list against the configuration; to be called once it is complete.  CONFIG, with every
 * pair named in one text: configured names that the exchange does not list, two pairs that would
 * share a symbol (a name given twice too), and pairs whose decimals cannot fit `scale`.
 */
CHECK_RESULT int instruments_check(struct instruments *instruments, const char *exchange,
                                   const char *const *names, size_t count, int scale,
                                   struct err *err);

/* By symbol, after instruments_check; NULL. */
const struct instrument *instruments_find(const struct instruments *instruments,
                                          struct span symbol);

/* Decimals of "0.01000000": 2; of "10": 0; of a zero or of what is no number: UNKNOWN. */
int instruments_decimals(struct span size);

#endif
