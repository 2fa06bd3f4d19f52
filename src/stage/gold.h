// SPDX-License-Identifier: Apache-2.0
/* gold.h: all Silver tables -> Gold: each trade once, sorted, by the hour of its exchange time
 * (rule 7 of docs/commit.md). */
#ifndef K2_STAGE_GOLD_H
#define K2_STAGE_GOLD_H

#include "stage/stage.h"

struct gold; /* one thread's */

/* Borrows the ports and what they point to.  `exchanges`: "binance", …; window_us: dedup_window. */
struct gold *gold_new(const struct stage_ports *ports, const char *const *exchanges, size_t count,
                      int64_t window_us);
void gold_free(struct gold *gold);

/* 0, STAGE_IDLE, STAGE_LOST; REFUSED upstream_rolled_back. */
CHECK_RESULT int gold_step(struct gold *gold, struct err *err);

const struct stage_counters *gold_counters(const struct gold *gold);
struct chain_table *gold_table(struct gold *gold);

#endif
