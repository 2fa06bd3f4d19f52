// SPDX-License-Identifier: Apache-2.0
/*
 * trade_id.h: message_id, a pure function of the trade, so that a replay, a second ingest process
 * or a backfill makes the same id and Gold can drop the copy.
 *
 * Where the exchange numbers its trades: a UUID of version 8 (RFC 9562, 5.8): custom_a (48 bits)
 * and custom_b (12) are the first 60 bits of the SHA-256 of "EXCHANGE:SYMBOL", custom_c (62 bits)
 * is the exchange's trade id.  So the ids of one symbol share a prefix and count up behind it: as
 * text they cost about 3 bytes a row under zstd.
 *
 * Where it does not (Kraken v1): a UUID of version 5 (RFC 9562, 5.5) of the text
 *
 *     EXCHANGE:SYMBOL|timestamp|price|quantity|side|order type|ordinal
 *     KRAKEN:XMRUSD|1618678150826417|354.04|0.28245396|SELL|market|0
 *
 * in the namespace be918931-8a9a-5aa0-86db-151d2be794d0, which is the version 5 of "ws.kraken.com"
 * in RFC 9562's namespace of domain names.  timestamp: microseconds since 1970; price and quantity:
 * plain decimals without zeros at the end; side and order type: as in the tables (order type may be
 * empty); ordinal: from 0, among trades that are equal in all of this.
 */
#ifndef K2_TRADE_TRADE_ID_H
#define K2_TRADE_TRADE_ID_H

#include "core/buf.h"
#include "core/random.h"
#include "trade/trade.h"

#define TRADE_ID_MAX ((INT64_C(1) << 62) - 1)

struct trade_id_prefix {
    char text[19]; /* "9d1f0b3c-5a77-8e21-", not terminated */
};

/* Made once for each symbol and kept by the caller. */
struct trade_id_prefix trade_id_prefix(struct span exchange, struct span symbol);

/* False, and text is untouched, for an id below 0 or above TRADE_ID_MAX. */
CHECK_RESULT bool trade_id_format(const struct trade_id_prefix *prefix, int64_t id,
                                  char text[UUID_TEXT_BYTES]);

/* Appends the text above up to the ordinal, the bar before it included. */
void trade_id_put_name(const struct trade *trade, struct buf *out);
/* The version 5 of such a text with its ordinal. */
void trade_id_of_name(struct span name, char text[UUID_TEXT_BYTES]);

#endif
