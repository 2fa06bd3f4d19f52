// SPDX-License-Identifier: Apache-2.0
/*
 * read_on.h: rule 6 of docs/commit.md: reading a table on from a position.
 *
 * First path: the snapshots that K2 appended after the position on main, oldest first, each from
 * its own manifests.  What others did (replace, delete, overwrite, appends) is passed over;
 * `k2 audit` lists it.
 */
#ifndef K2_PROTOCOL_READ_ON_H
#define K2_PROTOCOL_READ_ON_H

#include "protocol/chain.h"

enum {
    READ_CUT = 1,    /* the chain is cut, or a file is gone: the second path must serve */
    READ_ROLLED = 2, /* the input is another table than it was, or the snapshot begun is gone */
};

struct read_plan {
    const struct ice_data_file **file; /* in order; in the arena */
    size_t count;
    struct position_input next; /* the position behind them */
    const struct ice_snapshot
        *reached; /* the last snapshot of ours that these files finish, or NULL */
};

/*
 * Plans files after `position` (NULL: from the beginning) of the loaded input until their rows
 * reach rows_max; a batch may end after any file.  `map` is the input's own.  `names_begun`: Gold,
 * which has no offsets to go by, is READ_ROLLED when another snapshot stands in place of the one
 * begun; Silver then counts no file of it as taken.
 */
CHECK_RESULT int read_on_plan(struct chain_table *input, const struct positions *map,
                              const struct position_input *position, int64_t rows_max,
                              bool names_begun, struct arena *arena, struct read_plan *plan,
                              struct err *err);

/*
 * Up to which data sequence number the live files of main are taken, for a reader by sequence
 * numbers.  A compaction moves rows to higher numbers, and taking one back moves them to lower ones
 * again: `through` speaks of the live files of `listed` and of whatever was made of them since, and
 * of main only while `listed` is an ancestor of it.  Else the snapshot finished is all there is.
 */
int64_t read_on_taken(const struct ice_metadata *metadata, const struct position_input *position);

#endif
