// SPDX-License-Identifier: Apache-2.0
/* trade_encode.h: a trade as a log record: 0, the schema id in 4 bytes big-endian (the registry's
 * header), the Avro body by trade_schema_json. */
#ifndef K2_TRADE_TRADE_ENCODE_H
#define K2_TRADE_TRADE_ENCODE_H

#include "core/buf.h"
#include "trade/trade.h"

enum { TRADE_HEADER_BYTES = 5 };

/* Appends to *out; allocates only when *out must grow. */
void trade_encode(const struct trade *trade, int32_t schema_id, struct buf *out);

#endif
