// SPDX-License-Identifier: Apache-2.0
/*
 * trade_id.h: message_id, a pure function of the trade, so that a replay, a second ingest process
 * or a backfill makes the same id and Gold can drop the copy.
 *
 * A UUID of version 8 (RFC 9562, 5.8): custom_a (48 bits) and custom_b (12) are the first 60 bits
 * of the SHA-256 of "EXCHANGE:SYMBOL", custom_c (62 bits) is the exchange's trade id.  So the ids
 * of one symbol share a prefix and count up behind it: as text they cost about 3 bytes a row under
 * zstd.
 */
#ifndef K2_TRADE_TRADE_ID_H
#define K2_TRADE_TRADE_ID_H

#include "core/random.h"
#include "core/span.h"

#define TRADE_ID_MAX ((INT64_C(1) << 62) - 1)

struct trade_id_prefix {
    char text[19]; /* "9d1f0b3c-5a77-8e21-", not terminated */
};

/* Made once for each symbol and kept by the caller. */
struct trade_id_prefix trade_id_prefix(struct span exchange, struct span symbol);

/* False, and text is untouched, for an id below 0 or above TRADE_ID_MAX. */
CHECK_RESULT bool trade_id_format(const struct trade_id_prefix *prefix, int64_t id,
                                  char text[UUID_TEXT_BYTES]);

#endif
