// SPDX-License-Identifier: Apache-2.0
/*
 * binance.h: Binance spot: exchange.h for its trade streams (web-socket-streams.md of the
 * exchange's documentation), and its instrument list (GET /api/v3/exchangeInfo).
 *
 * Subscriptions: SUBSCRIBE with up to 200 names, at most 3 messages a second.  Each symbol is idle,
 * requested, acked or refused; a trade acknowledges its symbol too, for replies get lost.  A
 * request without reply is made again after 10 s, and twice more; a refused one is halved until the
 * name to blame stands alone.
 *
 * Trades come bare or wrapped as {"stream":…,"data":…}, with keys in any order.  Times are
 * milliseconds, or microseconds when the URL asks for timeUnit=MICROSECOND; another magnitude is
 * rejected.  vendor_data: event_time (E, as sent), buyer_order_id and seller_order_id (b and a,
 * before 2023), and scalars under keys that we do not know, up to 16; not M, which the exchange
 * says to ignore.  m true: the buyer was the maker, so the taker sold.
 *
 * Words that a rejection begins with: not_json, unknown_message, unknown_event, missing_field,
 * wrong_type, bad_number, number_not_representable, wrong_time_unit, bad_trade_id, unknown_symbol.
 */
#ifndef K2_EXCHANGE_BINANCE_H
#define K2_EXCHANGE_BINANCE_H

#include "exchange/exchange.h"

extern const struct exchange_kind binance_kind;

#endif
