// SPDX-License-Identifier: Apache-2.0
/*
 * stage.h: what all stages share.
 *
 * A stage is a step function over ports: step() plans one batch from the map its table holds now,
 * commits it, and returns; nothing is remembered between steps that a restart would miss.  In
 * production each stage runs in a thread of its own (stage/runner.h); in tests/sim one thread
 * drives all of them.
 */
#ifndef K2_STAGE_STAGE_H
#define K2_STAGE_STAGE_H

#include "port/log.h"
#include "port/registry.h"
#include "protocol/commit.h"

/* What a step returns beside 0 (a batch was committed, there may be more) and -1. */
enum {
    STAGE_IDLE = 1, /* nothing to do now */
    STAGE_LOST = 2, /* another worker was faster: the batch is dropped, call again */
};

struct stage_ports {
    struct table_ports table;
    struct log *log;
    struct registry *registry;
    const char *space;          /* namespace of the tables */
    const char *worker;         /* who we are, for k2.worker and diagnostics */
    size_t batch_rows;          /* a batch is cut there; a single larger file is taken whole */
    size_t batch_bytes;         /* of raw records in a batch */
    size_t file_rows;           /* a data file holds at most so many; 0: no limit */
    int64_t idle_commit_us;     /* a position that moves without rows is committed this often */
    int64_t complete_commit_us; /* rule 9's time alone is committed this often; 0: never */
    int64_t downstream_look_us; /* how often the positions of downstream jobs are looked up */
    size_t keep_newest, keep_for_readers; /* snapshots; 0: as chain.h says */
    bool delta;                           /* data files as table_use_delta makes them */
};

/* chain_init with what the ports say. */
void stage_chain_init(struct chain_table *chain, const struct stage_ports *ports,
                      const struct ice_definition *definition, const struct chain_origin *origin);

enum { STAGE_BATCH_ROWS = 131072 };

/* Counters of a stage, for status; written by its thread only. */
struct stage_counters {
    int64_t batches, rows, lost;
    int64_t rejected;        /* dead letters (Silver), copies dropped (Gold) */
    int64_t conflicts_of_id; /* Gold: same id, other price, quantity or side: kept */
    bool is_full;            /* Bronze: the last batch ended at a limit, so the log has more */
};

/* Data files of one batch, all of one partition tuple: rows [first, first + count) of the columns,
 * cut in order at ports->file_rows.  Appended to files. */
struct stage_files {
    const struct ice_data_file **file;
    size_t count, capacity;
};

CHECK_RESULT int stage_write_files(struct chain_table *chain, struct arena *arena,
                                   const struct column *const *columns, size_t first, size_t count,
                                   const int32_t *partition, size_t file_rows,
                                   int64_t row_group_rows, bool sorted, struct stage_files *files,
                                   struct err *err);
void stage_files_deinit(struct stage_files *files);

/* Makes the table when missing and loads it. */
CHECK_RESULT int stage_ensure_table(struct chain_table *chain, struct err *err);

/* commit_run with the outcome as a step returns it: 0, STAGE_LOST, -1. */
CHECK_RESULT int stage_commit(struct chain_table *chain, const struct commit_batch *batch,
                              struct err *err);

/* Rule 4: the last record taken must be the one that the log has at that offset, if it still has
 * one.  REFUSED, topic_recreated.  `table` is who took it. */
CHECK_RESULT int stage_check_taken(struct log *log, const char *table,
                                   const struct position_offset *entry, struct err *err);

/* True at most once in `every_us`; *last_us is the caller's memory of it, 0 at first. */
bool stage_is_due(struct clock *clock, int64_t every_us, int64_t *last_us);

/*
 * Section 4 of the design: what downstream has still to read is kept.  Looks up how far each
 * `reader` has read `input`, and sets chain->downstream_sequence to it.  A reader that does not
 * exist yet has read nothing.  One that cannot be looked up is said, and the sequence stays as it
 * was: a table in trouble never stops the job upstream of it.
 */
struct stage_reader {
    struct chain_table *reader; /* downstream table */
    const char *input;          /* its entry of k2.inputs */
};
void stage_look_downstream(struct chain_table *chain, struct stage_reader *readers, size_t count);

#endif
