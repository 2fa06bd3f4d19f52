// SPDX-License-Identifier: Apache-2.0
/* generate.c: the seven symbols as on a day of August 2024, and seven ways to be bad. */
#include "lib/generate.h"
#include "core/decimal.h"

struct market {
    const char *symbol, *currency;
    int64_t ticks;       /* the price at first */
    int price_decimals;  /* a tick is 10^-this */
    int lot_decimals;    /* a lot too */
    int quantity_digits; /* quantities have up to so many digits */
};

static const struct {
    const char *name;
    struct market market[GENERATE_SYMBOLS];
} exchanges[] = {
    [GENERATE_BINANCE] = { "BINANCE",
                           { { "BTCUSDT", "USDT", 6183763, 2, 5, 6 },
                             { "ETHUSDT", "USDT", 265010, 2, 4, 6 },
                             { "SOLUSDT", "USDT", 15241, 2, 3, 6 },
                             { "BNBUSDT", "USDT", 51230, 2, 3, 5 },
                             { "XRPUSDT", "USDT", 5512, 4, 0, 5 },
                             { "DOGEUSDT", "USDT", 10213, 5, 0, 6 },
                             { "ADAUSDT", "USDT", 3401, 4, 1, 6 } } },
    [GENERATE_KRAKEN] = { "KRAKEN",
                          { { "BTCUSD", "USD", 618341, 1, 8, 9 },
                            { "ETHUSD", "USD", 265035, 2, 8, 10 },
                            { "SOLUSD", "USD", 15239, 2, 8, 11 },
                            { "XRPUSD", "USD", 55123, 5, 8, 12 },
                            { "DOGEUSD", "USD", 1021345, 7, 8, 13 },
                            { "ADAUSD", "USD", 340123, 6, 8, 12 },
                            { "USDTUSD", "USD", 99987, 5, 8, 13 } } },
};

void generate_init(struct generate *generate, enum generate_exchange exchange, uint64_t seed,
                   int64_t start_us, unsigned bad_per_1000)
{
    struct span name = span_text(exchanges[exchange].name);

    *generate = (struct generate){
        .random = { seed }, .exchange = exchange, .bad_per_1000 = bad_per_1000, .now_us = start_us
    };
    for (int i = 0; i < GENERATE_SYMBOLS; i++) {
        const struct market *market = &exchanges[exchange].market[i];

        generate->symbol[i].prefix = trade_id_prefix(name, span_text(market->symbol));
        generate->symbol[i].id = INT64_C(3000000000) + INT64_C(100000000) * i;
        generate->symbol[i].ticks = market->ticks;
    }
}

static int64_t walk(struct random *random, int64_t ticks)
{
    if (random_below(random, 10) < 4)
        return ticks;
    ticks += (int64_t)random_below(random, 7) - 3;
    return ticks > 1 ? ticks : 1;
}

static int64_t lots(struct random *random, int digits_max)
{
    uint64_t limit = (uint64_t)decimal_power(1 + (int)random_below(random, (uint64_t)digits_max));
    int64_t count = 1 + (int64_t)random_below(random, limit);

    return count > 100 && random_below(random, 3) == 0 ? count - count % 100 : count;
}

static enum trade_reason spoil(struct generate *generate, struct trade *trade)
{
    switch (random_below(&generate->random, 7)) {
    case 0:
        trade->price = 0;
        return TRADE_PRICE_MUST_BE_POSITIVE;
    case 1:
        trade->quantity = -trade->quantity;
        return TRADE_QUANTITY_MUST_BE_POSITIVE;
    case 2:
        trade->price += 1; /* 18 decimals */
        return TRADE_PRICE_NOT_REPRESENTABLE;
    case 3:
        trade->symbol = span_of(NULL, 0);
        return TRADE_SYMBOL_REQUIRED;
    case 4:
        trade->side = TRADE_UNKNOWN;
        return TRADE_INVALID_SIDE;
    case 5:
        trade->timestamp_us += MICROS_DAY;
        return TRADE_TIMESTAMP_IN_FUTURE;
    default:
        trade->timestamp_us -= 400 * MICROS_DAY;
        return TRADE_TIMESTAMP_TOO_OLD;
    }
}

/* What the exchanges do differently. */
static void put_manner(struct generate *generate, struct trade *trade)
{
    int size;

    if (generate->exchange == GENERATE_KRAKEN) {
        trade->order_type =
            random_below(&generate->random, 3) == 0 ? SPAN("limit") : SPAN("market");
        return;
    }
    trade->timestamp_us -= trade->timestamp_us % 1000;
    size = snprintf(generate->event_time, sizeof(generate->event_time), "%lld",
                    (long long)(trade->timestamp_us / 1000 + 1));
    generate->vendor =
        (struct trade_pair){ SPAN("event_time"), span_of(generate->event_time, (size_t)size) };
    trade->vendor = &generate->vendor;
    trade->vendor_count = 1;
}

enum trade_reason generate_next(struct generate *generate, struct trade *trade)
{
    struct random *random = &generate->random;
    size_t number = random_below(random, GENERATE_SYMBOLS);
    const struct market *market = &exchanges[generate->exchange].market[number];
    int64_t id = ++generate->symbol[number].id;
    int64_t ticks = walk(random, generate->symbol[number].ticks);
    bool has_id;

    generate->symbol[number].ticks = ticks;
    if (random_below(random, 4) != 0)
        generate->now_us += (int64_t)random_below(random, 2000);
    *trade = (struct trade){
        .exchange = span_text(exchanges[generate->exchange].name),
        .symbol = span_text(market->symbol),
        .currency = span_text(market->currency),
        .trade_id = id,
        .timestamp_us = generate->now_us,
        .price = ticks * decimal_power(TRADE_WIRE_SCALE - market->price_decimals),
        .quantity = lots(random, market->quantity_digits) *
                    decimal_power(TRADE_WIRE_SCALE - market->lot_decimals),
        .side = random_below(random, 2) == 0 ? TRADE_BUY : TRADE_SELL,
        .ingestion_timestamp_us = generate->now_us + 30000 + (int64_t)random_below(random, 5000),
        .platform_sequence = generate->sequence++,
    };
    has_id = trade_id_format(&generate->symbol[number].prefix, id, trade->message_id);
    ASSERT(has_id);
    put_manner(generate, trade);
    if (random_below(random, 1000) < generate->bad_per_1000)
        return spoil(generate, trade);
    return TRADE_GOOD;
}
