// SPDX-License-Identifier: Apache-2.0
/* kraken_v2.h: frames of wss://ws.kraken.com/v2: data has a "channel", a reply a "method". */
#ifndef K2_EXCHANGE_KRAKEN_V2_H
#define K2_EXCHANGE_KRAKEN_V2_H

#include "exchange/kraken_private.h"

extern const struct kraken_dialect kraken_v2_dialect;

#endif
