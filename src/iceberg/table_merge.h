// SPDX-License-Identifier: Apache-2.0
/* table_merge.h: fewer manifests: many small ones become a few of up to 8 MB (what Java's merge
 * append does, here in a commit of its own, off the retry path). */
#ifndef K2_ICEBERG_TABLE_MERGE_H
#define K2_ICEBERG_TABLE_MERGE_H

#include "iceberg/table.h"

enum { TABLE_MERGE_NOTHING = 5 }; /* fewer manifests than that */

/*
 * The rows that take the place of the base's manifest list: manifests of data of our spec below
 * 8 MB are packed into new ones, written durably with EXISTING entries that keep snapshot ids and
 * sequence numbers; all other rows are kept.  `snapshot_id` is that of the replace snapshot to be.
 * For table_change.instead with operation "replace".  TABLE_MERGE_NOTHING when the list has fewer
 * than `at_least` such manifests; TABLE_GONE.
 */
CHECK_RESULT int table_merge_plan(struct table *table, struct arena *arena,
                                  const struct ice_metadata *base, int64_t snapshot_id,
                                  size_t at_least, struct ice_manifest_row **rows, size_t *count,
                                  struct err *err);

#endif
