// SPDX-License-Identifier: Apache-2.0
/*
 * trade.h: what a trade is: V2, 15 fields, in this order on the wire and as table columns.
 *
 * Two forms.  `struct trade` is one trade as an exchange adapter makes it, borrowed text and
 * numbers, on its way to the log (trade_encode.h).  `struct trade_batch` is many, as columns, on
 * their way from the log to the tables (trade_decode.h, trade_check.h).  Nothing in trade/ does
 * I/O, reads a clock or has state of its own.
 */
#ifndef K2_TRADE_TRADE_H
#define K2_TRADE_TRADE_H

#include "core/column.h"
#include "core/random.h"
#include "core/span.h"

enum trade_field {
    TRADE_MESSAGE_ID,
    TRADE_TRADE_ID,
    TRADE_SYMBOL,
    TRADE_EXCHANGE,
    TRADE_ASSET_CLASS,
    TRADE_TIMESTAMP,
    TRADE_PRICE,
    TRADE_QUANTITY,
    TRADE_CURRENCY,
    TRADE_SIDE,
    TRADE_TRADE_CONDITIONS,
    TRADE_SOURCE_SEQUENCE,
    TRADE_INGESTION_TIMESTAMP,
    TRADE_PLATFORM_SEQUENCE,
    TRADE_VENDOR_DATA,
};

enum {
    TRADE_FIELDS = TRADE_VENDOR_DATA + 1,
    TRADE_WIRE_SCALE = 18, /* decimals of price and quantity, on the wire and in a batch */
    TRADE_WIRE_PRECISION = 38,
};

/* "message_id", … and the type of its column: text is BYTES (enums too), times INT64, price and
 * quantity DECIMAL, trade_conditions LIST, vendor_data MAP. */
const char *trade_field_name(enum trade_field field);
enum column_type trade_field_type(enum trade_field field);

/* The numbers of the Avro enum. */
enum trade_side { TRADE_BUY, TRADE_SELL, TRADE_SELL_SHORT, TRADE_UNKNOWN };

struct trade_pair {
    struct span key, value;
};

#define TRADE_NO_ID INT64_C(-1)

/* All text is UTF-8 and borrowed.  asset_class is crypto. */
struct trade {
    char message_id[UUID_TEXT_BYTES]; /* trade_id_format */
    struct span exchange;             /* BINANCE */
    struct span symbol;               /* BTCUSDT */
    struct span currency;             /* USDT */
    int64_t trade_id;                 /* the exchange's number: trade_id is EXCHANGE-number and
                                         source_sequence the number.  TRADE_NO_ID where the exchange
                                         has none: EXCHANGE-message_id and null */
    int64_t timestamp_us;
    int128 price, quantity; /* at TRADE_WIRE_SCALE */
    enum trade_side side;
    struct span order_type; /* the one trade condition; none when empty */
    int64_t ingestion_timestamp_us;
    int64_t platform_sequence;
    const struct trade_pair *vendor; /* vendor_data; null when there are none */
    size_t vendor_count;
};

/* What stands in a batch for a price or quantity that 38 digits at TRADE_WIRE_SCALE do not hold
 * exactly: no decimal, and of the value's own sign. */
#define TRADE_INEXACT_POSITIVE ((int128)(((uint128)1 << 127) - 1))
#define TRADE_INEXACT_NEGATIVE (-TRADE_INEXACT_POSITIVE - 1)

struct trade_batch {
    size_t rows;
    struct column column[TRADE_FIELDS]; /* by enum trade_field, each of `rows` rows */
};

void trade_batch_init(struct trade_batch *batch);
void trade_batch_deinit(struct trade_batch *batch);
/* No rows; the memory is kept. */
void trade_batch_clear(struct trade_batch *batch);
/* A row of nulls: keeps a batch in step with the records when one has no trade in it. */
void trade_batch_put_nulls(struct trade_batch *batch);
/* Makes every column `rows` rows long again, whatever was put into some of them since. */
void trade_batch_truncate(struct trade_batch *batch, size_t rows);

#endif
