// SPDX-License-Identifier: Apache-2.0
/* audit_gold.h: Silver's rows against Gold's by rule 7, a slice of exchange time after the other.
 */
#ifndef K2_STAGE_AUDIT_GOLD_H
#define K2_STAGE_AUDIT_GOLD_H

#include "stage/audit_tables.h"

CHECK_RESULT int audit_gold_run(struct audit *audit, struct err *err);

#endif
