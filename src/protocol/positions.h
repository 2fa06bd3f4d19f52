// SPDX-License-Identifier: Apache-2.0
/*
 * positions.h: the position map: how far a table has taken its inputs.
 *
 * Rule 1 of docs/commit.md: progress lives in the table.  Every snapshot of ours carries the whole
 * map in its summary, and the same commit sets it as table properties:
 *
 *   k2.offsets        {"<topic>": {"cluster": C,
 *                      "<partition>": [next, last, last-ts, rows, high, high-sequence]}}
 *   k2.inputs         {"<table>": {"uuid": U, "epoch": E, "snapshot": I, "sequence": Q,
 *                      "begun": I, "taken": N, "complete": T,
 *                      "listed": I, "through": Q, "part": [N, N]}}
 *   k2.retained-from  {"<topic>": {"<partition>": offset}}
 *   k2.complete-through  "2026-11-22T10:00:00.000000Z"; absent when nothing is claimed
 *   k2.epoch, k2.commit-id, k2.worker
 *
 * -1 stands for "none".  A map is memory of one arena and is changed only by its owner.
 */
#ifndef K2_PROTOCOL_POSITIONS_H
#define K2_PROTOCOL_POSITIONS_H

#include "core/arena.h"
#include "core/err.h"
#include "iceberg/ice_metadata.h"

enum { POSITION_NONE = -1 };

/* An entry of k2.offsets: what this table has taken from one partition. */
struct position_offset {
    const char *topic;
    const char *cluster;
    int32_t partition;
    int64_t next;          /* offset to be read next */
    int64_t last;          /* offset of the last record taken, or POSITION_NONE */
    int64_t last_us;       /* its timestamp */
    int64_t rows;          /* how many rows this table itself got from the partition */
    int64_t high;          /* the highest offset among these, or POSITION_NONE */
    int64_t high_sequence; /* of the snapshot that brought it, set by the commit; 0: not known */
};

/* An entry of k2.inputs: what this table has taken from another table. */
struct position_input {
    const char *table; /* name without namespace */
    const char *uuid;
    int64_t epoch;       /* of the input when this was taken */
    int64_t snapshot;    /* last one finished, or POSITION_NONE */
    int64_t sequence;    /* its sequence number */
    int64_t begun;       /* snapshot begun, or POSITION_NONE */
    int64_t taken;       /* how many of its files, in manifest order, are taken */
    int64_t complete_us; /* k2.complete-through of the last one finished; 0: none */
    /* Second path of Gold: of the live files of snapshot `listed`, those up to this data sequence
     * number are taken; of those of the next number, in the order of the listing, so many files,
     * and so many rows of the one after them.  All 0: none. */
    int64_t listed, through, part_files, part_rows;
};

/* An entry of k2.retained-from: the lowest offset that the table answers for. */
struct position_retained {
    const char *topic;
    int32_t partition;
    int64_t from;
};

/* Rule 9: a topic as it was at time T: where each of its partitions ended, asked after T. */
struct position_note {
    const char *topic;
    int64_t at_us;  /* T; 0: none, which is never reached */
    int64_t *first; /* for each partition; == end: there was nothing to read */
    int64_t *end;
    int32_t count;
};

struct positions {
    struct arena *arena; /* borrowed: every text and entry is in it */
    struct position_offset *offset;
    size_t offset_count;
    struct position_input *input;
    size_t input_count;
    struct position_retained *retained;
    size_t retained_count;
    int64_t epoch;
    bool is_rolled;        /* rolled back, and the epoch that this begins is not committed yet */
    int64_t complete_us;   /* rule 9: all that the log had acknowledged before; 0: no claim */
    const char *commit_id; /* of the snapshot it was read from; "" when there is none */
    const char *worker;
};

void positions_init(struct positions *map, struct arena *arena);
/* A deep copy; may be into another arena. */
void positions_copy(struct positions *to, struct arena *arena, const struct positions *from);

/* The entry, or NULL; the pointer dies with the next change of the map. */
const struct position_offset *positions_offset(const struct positions *map, const char *topic,
                                               int32_t partition);
const struct position_input *positions_input(const struct positions *map, const char *table);
/* The lowest offset answered for, 0 or `otherwise` when there is no entry. */
int64_t positions_retained(const struct positions *map, const char *topic, int32_t partition);
int64_t positions_retained_or(const struct positions *map, const char *topic, int32_t partition,
                              int64_t otherwise);

/* The entry's next offset, 0 without entry. */
int64_t positions_next(const struct positions *map, const char *topic, int32_t partition);

/* Sets or adds the entry; texts are copied. */
void positions_set_offset(struct positions *map, const struct position_offset *entry);
void positions_set_input(struct positions *map, const struct position_input *entry);
void positions_set_retained(struct positions *map, const struct position_retained *entry);
/* And no claim is left. */
void positions_remove_inputs(struct positions *map);
/* Adds those of `from` that the map lacks. */
void positions_keep_retained(struct positions *map, const struct positions *from);
/* Does the map stand at or behind every end that was noted? */
bool positions_reach(const struct positions *map, const struct position_note *note);

/* True when both say the same; NULL stands for "no entry" and equals one at the beginning. */
bool positions_same_offset(const struct position_offset *a, const struct position_offset *b);
bool positions_same_input(const struct position_input *a, const struct position_input *b);

/* The map of one snapshot of ours.  POSITIONS_FOREIGN: the snapshot has none. */
enum { POSITIONS_FOREIGN = 1 };
CHECK_RESULT int positions_of_snapshot(struct positions *map, const struct ice_snapshot *snapshot,
                                       struct err *err);
/* k2.complete-through of one snapshot; 0 when there is none that can be read. */
int64_t positions_complete_us(const struct ice_snapshot *snapshot);
/* The map that the table's properties hold.  POSITIONS_FOREIGN. */
CHECK_RESULT int positions_of_properties(struct positions *map, const struct ice_metadata *metadata,
                                         struct err *err);

/* The pairs that say the map, in the arena, for a summary and for properties.  One value may be
 * NULL: the key is left out of a summary and removed from the properties. */
enum { POSITIONS_PAIRS = 7 };
void positions_pairs(const struct positions *map, struct ice_pair pairs[POSITIONS_PAIRS]);

#endif
