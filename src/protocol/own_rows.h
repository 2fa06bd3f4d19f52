// SPDX-License-Identifier: Apache-2.0
/*
 * own_rows.h: which rows of a table K2 itself wrote, by origin.  Reads columns, so it is for what
 * happens seldom: a cut chain, a rollback, the audit.
 *
 * A file with our writer's key is ours.  Tools that rewrite files (compaction by Spark or Trino,
 * pyiceberg's overwrite) drop that key.  Rows without it are ours where exactly they complete what
 * the map says this table got: docs/commit.md, "Finding the map".
 */
#ifndef K2_PROTOCOL_OWN_ROWS_H
#define K2_PROTOCOL_OWN_ROWS_H

#include "iceberg/table_read.h"
#include "protocol/chain.h"

/* How a file may have come to hold rows of ours, the surest first. */
enum own_level {
    OWN_KEYED,     /* our writer's key is in the footer */
    OWN_REWRITTEN, /* added by a listed `replace` */
    OWN_UNSURE,   /* by a snapshot that is no longer listed, or one that takes files away as well */
    OWN_APPENDED, /* by a listed append of others */
    OWN_LEVELS,
};

/* Of one partition: rows of files down to `level` are ours. */
struct own_claim {
    const char *topic;
    int32_t partition;
    enum own_level level;
    int64_t high;          /* no row above it is ours without the key ... */
    int64_t high_sequence; /* ... nor that row in a file that was added before it */
};

struct own_claims { /* all zero: only files with our key */
    struct arena arena;
    struct own_claim *claim;
    size_t count;
};

void own_claims_deinit(struct own_claims *claims);
/* Is this row of a file of `level`, added with `file_sequence`, our own?  `topic` may be a null
 * span. */
bool own_claims_hold(const struct own_claims *claims, enum own_level level, int64_t file_sequence,
                     struct span topic, int32_t partition, int64_t offset);

/*
 * Rule 4: for each partition, also those that the map lacks, a snapshot's live rows of our own
 * match the map's count and highest offset: by the files of OWN_KEYED alone, else with those of the
 * next level, and so on.  *claims (all zero, or deinit) says how far down each partition went.
 * REFUSED: fewer at every level (rows_lost) or more (foreign_rows).  TABLE_GONE is RETRY.
 */
CHECK_RESULT int own_rows_claim(struct chain_table *chain, const struct ice_metadata *metadata,
                                const struct ice_snapshot *snapshot, const struct positions *map,
                                struct own_claims *claims, struct err *err);
/* The same for main, for who only wants to know that they match. */
CHECK_RESULT int own_rows_check(struct chain_table *chain, const struct ice_metadata *metadata,
                                const struct positions *map, struct err *err);

/* Origins of the live own rows, one visit for each file.  The file, without its statistics, and the
 * columns die after the call. */
struct own_rows_visitor {
    /* topic is NULL where the table has only one.  0 to go on. */
    int (*visit)(void *context, const struct ice_data_file *file, enum own_level level,
                 const struct column *topic, const struct column *partition,
                 const struct column *offset, struct err *err);
    /* Optional: false passes a file over by its statistics. */
    bool (*wants)(void *context, const struct ice_data_file *file);
    void *context;
};
/* Files with our key first; where there are others, own_rows_claim says by the table's `map` which
 * of their rows are ours, into *claims, and only these are visited.  TABLE_GONE as
 * table_visit_live. */
CHECK_RESULT int own_rows_visit(struct chain_table *chain, const struct ice_metadata *metadata,
                                const struct positions *map, const struct own_rows_visitor *visitor,
                                struct own_claims *claims, struct err *err);

/* Whose rows they are is the visitor's to say: all files, whole.  TABLE_GONE. */
CHECK_RESULT int own_rows_visit_all(struct chain_table *chain, const struct ice_metadata *metadata,
                                    const struct own_rows_visitor *visitor, struct err *err);

/* True when the footer holds our writer's key. */
bool own_rows_is_ours(const struct table_reader *reader);
/* The level of a file without it, by the snapshot that added it. */
enum own_level own_rows_level_unkeyed(const struct ice_metadata *metadata, int64_t snapshot_id);

#endif
