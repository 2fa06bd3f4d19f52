// SPDX-License-Identifier: Apache-2.0
/* audit_since.h: a time as offsets: where each partition begins when only what was written from
 * then on is compared. */
#ifndef K2_STAGE_AUDIT_SINCE_H
#define K2_STAGE_AUDIT_SINCE_H

#include "stage/audit_tables.h"

struct audit_since {
    struct audit *audit;
    struct audit_table *bronze; /* NULL for raw frames, and so is silver */
    struct audit_table *silver, *dead;
    const char *topic;
    int32_t partitions;
    const int64_t *low; /* where each partition begins at the earliest */
};

/*
 * from[p], on entry where the partition ends, becomes the lower of: the lowest offset that a row of
 * the three tables written at T or later has; the one behind the highest that Silver or the dead
 * letters decided before T.  So what was lost is among what is compared, also where all of it was,
 * and a copy written from T on is compared with its original, however old.  Without a decision from
 * before T it is low[p].
 */
CHECK_RESULT int audit_since_find(const struct audit_since *since, int64_t *from, struct err *err);

#endif
