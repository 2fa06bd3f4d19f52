// SPDX-License-Identifier: Apache-2.0
/*
 * kraken.h: Kraken spot: exchange.h for the trade channel of its WebSocket APIs v1 and v2, and its
 * instrument list (GET /0/public/AssetPairs).
 *
 * Subscriptions: requests of up to 100 pairs, two a second, answered pair by pair: a refused pair
 * does not hinder the others; "Already subscribed" is a yes; after "Exceeded msg rate" we wait 5 s.
 * A heartbeat comes each second once something is subscribed: after 5 s without any frame (a pong
 * does not count, it speaks of the gateway only) the connection is dead.  Nobody trades while the
 * exchange says maintenance or cancel_only; silence is then no fault.
 *
 * Each subscription brings the pair's last 50 trades first.  They are trades as all others, with
 * the same ids, and fill what an interruption left out; in v2, which marks them, vendor_data has
 * type=snapshot.
 *
 * A frame holds 1 to n trades.  One that cannot be read rejects the frame; the others go to the
 * sink nevertheless.  Numbers are taken by their text, exponents too.  side: the taker's, buy or b,
 * sell or s, and what is neither is UNKNOWN.  The trade condition is the order type in v2's words
 * (v1's l: limit, m: market; others as they come).  vendor_data: type (above), misc (v1, unless
 * empty), and what we do not know, up to 16: scalars under other keys (v2), further elements
 * of a trade as field7, field8 (v1).  Prices, times and ids: docs/tables.md.
 *
 * Words that a rejection begins with: not_json, unknown_message, unknown_event, missing_field,
 * wrong_type, bad_number, number_not_representable, bad_time, bad_trade_id, unknown_symbol.
 */
#ifndef K2_EXCHANGE_KRAKEN_H
#define K2_EXCHANGE_KRAKEN_H

#include "exchange/exchange.h"

extern const struct exchange_kind kraken_v1_kind, kraken_v2_kind;

#endif
