// SPDX-License-Identifier: Apache-2.0
/* kraken_v1.h: frames of wss://ws.kraken.com: objects have an "event", arrays are data:
 * [channelID, [[price, volume, time, side, order type, misc], …], "trade", "XBT/USD"]. */
#ifndef K2_EXCHANGE_KRAKEN_V1_H
#define K2_EXCHANGE_KRAKEN_V1_H

#include "exchange/kraken_private.h"

extern const struct kraken_dialect kraken_v1_dialect;

#endif
