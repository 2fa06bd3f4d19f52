// SPDX-License-Identifier: Apache-2.0
/*
 * table_orphans.h: deleting what batches that died or were lost have left behind: objects under the
 * table's data/ and metadata/ that nothing names.
 *
 * An object goes when it is older than `before_us` by the store's clock, was so when it was first
 * listed, and then neither the table's metadata, loaded after that listing, reaches it
 * (table_reach.h) nor a note's manifest lists (table_clean.h, whose matter those are).  An object
 * counts as reached when one of its last name component is.  In metadata/ only *.avro and
 * *.metadata.json ever go: statistics and whatever others keep there stay, as does every path below
 * data/ with a part that begins with "_" or ".".
 *
 * Why that is safe:
 *   - A batch of ours under way, also of a process that slept for days: table_swap refuses a change
 *     whose oldest object is older than TABLE_CHANGE_AGE_US_MAX, half of the least age here or
 * less. One that passed that test long ago and slept right behind it, or whose request is still on
 * its way, was made against a base loaded before before_us + TABLE_CHANGE_AGE_US_MAX; unless main's
 *     snapshot is younger than that, so that it meets a conflict, nothing is deleted.  (A table
 * that nobody has written for so long keeps its orphans until somebody does.)
 *   - A batch that landed meanwhile: it landed before the load, and its files are reached; or after
 *     it, and they are younger than that.
 *   - A rollback, tag or branch made meanwhile: it can only name a listed snapshot, and all of
 * these are reached.  A snapshot dropped meanwhile: its lists are in a note that was written
 * before.
 *   - Another that removes orphans: deleting twice is as good as once; names are never used again.
 *   - A crash at any point: nothing deleted was named, the rest is found the next time.
 *   - A catalog that was lost, and a new table over the old one's folder: a metadata document of
 *     another table that would go, or one that cannot be read, stops it all before the first
 *     deletion.
 *   - Other writers: whoever takes longer than the age from a file to its commit loses it, as with
 *     Iceberg's remove_orphan_files, whose default of three days is ours.
 *
 * Memory is 32 bytes a candidate at most: when more than candidates_max lie in data/, they are done
 * in slices by their names' hashes, each with listings of its own.  What lies in metadata/ comes
 * with each slice: it is little, as snapshots and documents are dropped.
 */
#ifndef K2_ICEBERG_TABLE_ORPHANS_H
#define K2_ICEBERG_TABLE_ORPHANS_H

#include "iceberg/table.h"

struct table_orphans {
    int64_t before_us;
    const char *note_prefix; /* objects in metadata/ that begin so are notes */
    size_t candidates_max;   /* in data/, at a time; 0: a million */
};

/*
 * 0: done, *removed objects deleted.  TABLE_ABSENT; TABLE_GONE: a list or manifest that the table
 * needs is not there; REFUSED: a document of another table.  After these nothing has been deleted
 * (in this slice); it can be repeated.
 */
CHECK_RESULT int table_orphans_remove(struct table *table, const struct table_orphans *options,
                                      size_t *removed, struct err *err);

#endif
