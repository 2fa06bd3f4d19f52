// SPDX-License-Identifier: Apache-2.0
/* audit_offsets.h: every offset of a topic, once where it belongs. */
#ifndef K2_STAGE_AUDIT_OFFSETS_H
#define K2_STAGE_AUDIT_OFFSETS_H

#include "stage/audit_tables.h"

/* The exchange's trades: Bronze against Silver and the dead letters. */
CHECK_RESULT int audit_offsets_trades(struct audit *audit, struct audit_exchange *exchange,
                                      struct err *err);
/* The exchange's raw frames: each once in the dead letters. */
CHECK_RESULT int audit_offsets_frames(struct audit *audit, struct audit_exchange *exchange,
                                      struct err *err);

#endif
