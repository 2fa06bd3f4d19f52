// SPDX-License-Identifier: Apache-2.0
/*
 * commit.h: rules 1 to 3 of docs/commit.md: rows and progress in one swap.
 *
 * A commit loads a base, requires that the base's map says of every entry of the batch exactly what
 * the batch was planned on, and swaps that very base.  At most one worker can therefore move a
 * position from a to b, without a lock, a lease or a leader.
 */
#ifndef K2_PROTOCOL_COMMIT_H
#define K2_PROTOCOL_COMMIT_H

#include "protocol/chain.h"

enum {
    COMMIT_LOST = 1, /* the position is elsewhere: drop the batch, read the map again, go on */
};

struct commit_batch {
    const struct positions *planned; /* the map the batch was planned on */

    /* Entries to be set.  Each is tested: the base's entry must equal the planned one. */
    const struct position_offset *offset;
    size_t offset_count;
    const struct position_input *input;
    size_t input_count;
    const struct position_retained *retained; /* set, never tested */
    size_t retained_count;

    /*
     * k2.complete-through (rule 9), worked out on the map that is swapped in.  `note`: the time of
     * each whose ends that map reaches; it never goes back.  `complete_of`: the least that the
     * entries of these inputs say.  Neither: as it was.
     */
    const struct position_note *note;
    size_t note_count;
    const char *const *complete_of;
    size_t complete_of_count;

    const struct ice_data_file *const *file; /* new data files */
    size_t file_count;

    /*
     * Optional, instead of `file`: the files anew for each base that is tried (Gold's look-up);
     * called again only when the base has changed.  `previous` is the base of the try before, or
     * NULL.  Files live in `context`.  COMMIT_LOST is passed on.
     */
    int (*plan_files)(void *context, const struct ice_metadata *base,
                      const struct ice_metadata *previous, const struct ice_data_file *const **file,
                      size_t *count, struct err *err);
    void *context;

    const struct ice_pair *summary; /* further keys of the summary */
    size_t summary_count;
    const struct ice_pair *property; /* further table properties; plan_files may change them */
    size_t property_count;
    bool begins_epoch; /* as a rollback does: what was planned before cannot land any more, and
                          nothing is said to be complete */
};

/*
 * 0: the batch is in the table, once, and durable.  COMMIT_LOST and -1: drop the batch and read the
 * map again, which alone says whether a try whose answer was lost has landed after all.
 */
CHECK_RESULT int commit_run(struct chain_table *chain, const struct commit_batch *batch,
                            struct err *err);

/* Merges the manifests of main's snapshot when it has `at_least` of them, in a commit of its own
 * that carries the map unchanged.  0 also when there was nothing to do or another was faster. */
CHECK_RESULT int commit_merge_manifests(struct chain_table *chain, size_t at_least,
                                        struct err *err);

/* Objects that name what commits no longer need: <location>/metadata/k2-dropped-<id>.txt, a URI in
 * each line; maintain deletes what they name an hour later (iceberg/table_clean.h). */
#define COMMIT_DROPPED_PREFIX "k2-dropped-"

enum { COMMIT_METADATA_LOG_KEPT = 100 };

#endif
