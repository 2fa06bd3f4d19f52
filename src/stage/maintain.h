// SPDX-License-Identifier: Apache-2.0
/*
 * maintain.h: upkeep off the jobs' path: manifests are merged, what commits have dropped is deleted
 * an hour later, what batches that died have left behind days later, and the log forgets what
 * Bronze has taken.
 */
#ifndef K2_STAGE_MAINTAIN_H
#define K2_STAGE_MAINTAIN_H

#include "stage/stage.h"

/* Objects younger than this are left alone: a reader may still be at them. */
#define MAINTAIN_GRACE_US (INT64_C(3600) * 1000000)

/* How often orphans are looked for: it reads every manifest of a table. */
#define MAINTAIN_ORPHANS_US (INT64_C(24) * 3600 * 1000000)

struct maintain_config {
    const char *const *exchanges; /* "binance", … */
    size_t exchange_count;
    int64_t log_retention_us;
    int64_t orphan_age_us; /* at least a day (iceberg/table_orphans.h); 0: orphans stay */
    size_t merge_at_least; /* manifests; 0: 100 */
};

struct maintain_counters {
    int64_t removed; /* files */
    int64_t notes;
    int64_t orphans; /* files that nothing named */
    int64_t tables;
};

struct maintain; /* one thread's */

/* Borrows the ports and what they and config point to.  Without a log (NULL) none forgets. */
struct maintain *maintain_new(const struct stage_ports *ports,
                              const struct maintain_config *config);
void maintain_free(struct maintain *maintain);

/* All tables that there are, and all topics, once.  STAGE_IDLE; -1: the first thing that went
 * wrong, after all others have been done. */
CHECK_RESULT int maintain_step(struct maintain *maintain, struct err *err);

const struct maintain_counters *maintain_counters(const struct maintain *maintain);

#endif
