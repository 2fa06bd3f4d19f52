// SPDX-License-Identifier: Apache-2.0
/*
 * generate.h: synthetic trades for tests and benchmarks, a function of the seed.
 *
 * Seven symbols of one exchange whose prices walk at random in ticks, quantities in lots, round
 * ones often; ids rise by one for each symbol; several trades share a time, as in a sweep.
 * Binance's times are whole milliseconds and vendor_data has one pair, Kraken's are microseconds,
 * it has order types and no vendor_data.
 */
#ifndef K2_TESTS_GENERATE_H
#define K2_TESTS_GENERATE_H

#include "trade/trade_check.h"
#include "trade/trade_id.h"

enum generate_exchange { GENERATE_BINANCE, GENERATE_KRAKEN };
enum { GENERATE_SYMBOLS = 7 };

struct generate {
    struct random random;
    enum generate_exchange exchange;
    unsigned bad_per_1000;
    int64_t now_us;
    int64_t sequence;
    struct {
        struct trade_id_prefix prefix;
        int64_t id;
        int64_t ticks;
    } symbol[GENERATE_SYMBOLS];
    char event_time[24]; /* behind a trade's vendor pair */
    struct trade_pair vendor;
};

void generate_init(struct generate *generate, enum generate_exchange exchange, uint64_t seed,
                   int64_t start_us, unsigned bad_per_1000);

/* The next trade, borrowed until the call after it, and the verdict that the default rules must
 * give when both of Bronze's times are its ingestion_timestamp. */
enum trade_reason generate_next(struct generate *generate, struct trade *trade);

#endif
