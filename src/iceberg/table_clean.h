// SPDX-License-Identifier: Apache-2.0
/*
 * table_clean.h: deleting what dropped snapshots have left behind.
 *
 * A commit that drops snapshots notes their manifest lists, and the metadata file that left the
 * log, in an object: one URI in a line.  Later this looks again and deletes what nothing reaches.
 */
#ifndef K2_ICEBERG_TABLE_CLEAN_H
#define K2_ICEBERG_TABLE_CLEAN_H

#include "iceberg/table.h"

/*
 * Deletes what the notes name, and the manifests that noted lists name, unless the metadata as it
 * is now (loaded here, after the notes were read) reaches them: as the document itself, one of its
 * log, a manifest list of a listed snapshot, a manifest of such a list, or, when a note names
 * anything outside <location>/metadata, a data file of such a manifest.  Only objects under the
 * table's location are ever deleted, and a file counts as reached by its last path component, so
 * that two spellings of a store cannot make it look unreached.  The notes go last.
 *
 * 0: done, *removed objects deleted (beside the notes).  TABLE_ABSENT; TABLE_GONE: a list or
 * manifest that the table needs is not there.  Then, and after -1 before the first deletion,
 * nothing has been deleted; the notes stay and the call can be repeated.
 */
CHECK_RESULT int table_clean(struct table *table, const char *const *notes, size_t count,
                             size_t *removed, struct err *err);

#endif
