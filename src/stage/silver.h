// SPDX-License-Identifier: Apache-2.0
/*
 * silver.h: Bronze -> Silver and dead letters: every row is judged once and stands in exactly one
 * of the two (rule 5 of docs/commit.md).  Also takes an exchange's raw frames that were no trades
 * from their topic into the dead letters (rule 9).
 */
#ifndef K2_STAGE_SILVER_H
#define K2_STAGE_SILVER_H

#include "stage/stage.h"
#include "trade/trade_check.h"

struct silver; /* one thread's */

/* Borrows the ports and what they point to, and the rules. */
struct silver *silver_new(const struct stage_ports *ports, const char *exchange, int32_t partitions,
                          const struct trade_rules *rules);
void silver_free(struct silver *silver);

/* 0, STAGE_IDLE, STAGE_LOST; RETRY while registry or Bronze make it wait; REFUSED. */
CHECK_RESULT int silver_step(struct silver *silver, struct err *err);

const struct stage_counters *silver_counters(const struct silver *silver);
struct chain_table *silver_table(struct silver *silver);
struct chain_table *silver_dead_letters(struct silver *silver);

#endif
