// SPDX-License-Identifier: Apache-2.0
/* gold_lookup.h: what Gold already has of a batch, reading only the manifests, files, row groups
 * and pages whose time statistics overlap the batch's own intervals. */
#ifndef K2_STAGE_GOLD_LOOKUP_H
#define K2_STAGE_GOLD_LOOKUP_H

#include "iceberg/table_read.h"
#include "stage/tables.h"
#include "trade/trade_dedup.h"

struct gold_lookup {
    struct table_reader reader;
    struct column column[TRADE_FIELDS]; /* only the keys' are used */
    struct arena arena;
    int64_t files_read, rows_read; /* since init */
};

void gold_lookup_init(struct gold_lookup *lookup);
void gold_lookup_deinit(struct gold_lookup *lookup);

/* Marks in `dedup` what the snapshot of `base` has.  That files are sorted is never assumed; one
 * without statistics is read whole, one without a page index by row group. */
CHECK_RESULT int gold_lookup_run(struct gold_lookup *lookup, struct table *gold,
                                 const struct ice_metadata *base, struct trade_dedup *dedup,
                                 struct err *err);

/* The five columns that decide, out of columns by enum trade_field. */
struct trade_keys gold_keys(const struct column columns[TRADE_FIELDS]);

#endif
