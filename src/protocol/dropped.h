// SPDX-License-Identifier: Apache-2.0
/* dropped.h: metadata must not grow: which snapshots a commit drops in its own swap, and the note
 * of the files that only they held (docs/commit.md, "Upkeep"). */
#ifndef K2_PROTOCOL_DROPPED_H
#define K2_PROTOCOL_DROPPED_H

#include "protocol/chain.h"

/*
 * The snapshots of `base` that the next commit drops: all but the newest 100, those that a
 * downstream job has still to read (at most 1,000), and those under a foreign tag or branch.  When
 * there are any, or metadata files fall off the log, first writes the object that names those files
 * and the snapshots' manifest lists; a commit that then fails leaves a note whose files are still
 * reachable, and those are never deleted.
 */
CHECK_RESULT int dropped_plan(struct chain_table *chain, const struct ice_metadata *base,
                              struct arena *arena, const int64_t **drop, size_t *count,
                              struct err *err);

#endif
