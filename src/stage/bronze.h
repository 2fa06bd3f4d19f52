// SPDX-License-Identifier: Apache-2.0
/* bronze.h: log topic -> Bronze table: every record's bytes, untouched, with where they came from.
 */
#ifndef K2_STAGE_BRONZE_H
#define K2_STAGE_BRONZE_H

#include "stage/stage.h"

struct bronze; /* one thread's */

/* Borrows the ports and what they point to.  `exchange` is "binance", … */
struct bronze *bronze_new(const struct stage_ports *ports, const char *exchange,
                          int32_t partitions);
void bronze_free(struct bronze *bronze);

/* 0, STAGE_IDLE, STAGE_LOST; REFUSED when log and table do not belong together. */
CHECK_RESULT int bronze_step(struct bronze *bronze, struct err *err);

const struct stage_counters *bronze_counters(const struct bronze *bronze);
struct chain_table *bronze_table(struct bronze *bronze);

#endif
