// SPDX-License-Identifier: Apache-2.0
/* audit_slice.h: the trades of a slice of exchange time, and what they say of each other. */
#ifndef K2_STAGE_AUDIT_SLICE_H
#define K2_STAGE_AUDIT_SLICE_H

#include "stage/audit_report.h"
#include "trade/trade_dedup.h"

/* In the order in which rows of one key and time must come. */
enum audit_side { AUDIT_SILVER, AUDIT_SILVER_UNTAKEN, AUDIT_GOLD, AUDIT_GOLD_OTHERS };

/* A row: 32 bytes.  id: the message_id's UUID, or a hash of one that is none (then its version is
 * 15, which no UUID here has).  rest: 62 bits of a hash of price, quantity and side, and the side
 * of the comparison in the lowest two.  Two keys that differ are taken for the same once in 2^62
 * pairs of one id. */
struct audit_trade {
    uint8_t id[16];
    uint64_t rest;
    int64_t at;
};

struct audit_slice {
    struct audit_trade *trade;
    size_t count, capacity;
    int64_t from, to; /* inclusive: rows that this slice is about; others are their neighbours */
    int64_t window_us;
    int64_t orphan_from; /* Gold rows older than this are not looked for in Silver */

    int64_t silver, gold, copies, too_old; /* counted, from slice to slice */
};

void audit_slice_deinit(struct audit_slice *slice);
/* Appends rows of the columns with times in [low, high]; false when there is no room for all. */
CHECK_RESULT bool audit_slice_put(struct audit_slice *slice, const struct trade_keys *rows,
                                  enum audit_side side, int64_t low, int64_t high, size_t room);
/* Compares; rows are reordered. */
void audit_slice_compare(struct audit_slice *slice, struct audit_report *report);

#endif
