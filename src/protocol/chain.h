// SPDX-License-Identifier: Apache-2.0
/*
 * chain.h: a table of the chain Bronze -> Silver, dead letters -> Gold, as a job holds it: the
 * table, where its rows name their origin, and its position map (rule 4 of docs/commit.md).  One
 * thread's.
 */
#ifndef K2_PROTOCOL_CHAIN_H
#define K2_PROTOCOL_CHAIN_H

#include "iceberg/table.h"
#include "protocol/positions.h"

/* In the footer of every data file that K2 writes: tells our rows from those that others append. */
#define CHAIN_WRITER_KEY   "k2.writer"
#define CHAIN_WRITER_VALUE "k2"

/* Which columns of the definition say where a row came from; all -1 where none do (Gold). */
struct chain_origin {
    int topic;     /* string; -1: all rows are of `only_topic` */
    int partition; /* int */
    int offset;    /* long */
    const char *only_topic;
};

struct chain_table {
    struct table table;
    struct chain_origin origin;
    const char *worker;          /* for k2.worker; borrowed */
    size_t keep_newest;          /* how many snapshots a commit leaves listed ... */
    size_t keep_for_readers;     /* ... and how many more that downstream has still to read */
    bool is_uncounted;           /* a property is believed: whoever loads counts the rows himself */
    int64_t downstream_sequence; /* snapshots from this sequence number on are kept for readers;
                                    INT64_MAX: nobody reads */
    struct buf map_file;         /* metadata file that `map_found` was found in */
    struct positions map_found;
    struct arena map_arena;
};

enum { CHAIN_KEEP_NEWEST = 100, CHAIN_KEEP_FOR_READERS = 1000 }; /* as chain_init sets */

/* Borrows what `ports`, `definition`, `origin` and `worker` point to. */
void chain_init(struct chain_table *chain, const struct table_ports *ports, const char *space,
                const struct ice_definition *definition, const struct chain_origin *origin,
                const char *worker);
void chain_deinit(struct chain_table *chain);

/*
 * Loads the table and finds its map: that of our newest snapshot on main's parent chain; if the
 * property names another one, the table was rolled back and the epoch is the property's plus one;
 * the chain cut by a foreign expiry, the property itself, checked against the live rows of our own.
 * The map lives in `arena`.  TABLE_ABSENT; REFUSED when rows were lost or foreign rows stand where
 * ours should (names `k2 positions show|set`).
 */
CHECK_RESULT int chain_load(struct chain_table *chain, struct arena *arena, struct positions *map,
                            struct err *err);
/* The same for a given metadata of the table. */
CHECK_RESULT int chain_find_map(struct chain_table *chain, const struct ice_metadata *metadata,
                                struct arena *arena, struct positions *map, struct err *err);

/* The oldest snapshot on main's chain that is still listed, or NULL. */
const struct ice_snapshot *chain_oldest(const struct ice_metadata *metadata);
/*
 * True when main's chain is listed back to the first snapshot that the table had; an empty table's
 * is.  That the oldest names no parent does not say so: pyiceberg's expiry takes the name of an
 * expired parent out of its child.  The first has sequence number 1.
 */
bool chain_is_whole(const struct ice_metadata *metadata);

#endif
