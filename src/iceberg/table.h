// SPDX-License-Identifier: Apache-2.0
/*
 * table.h: one Iceberg table: where catalog, store and formats meet.
 *
 * A handle is one thread's.  It holds the newest metadata it has loaded; a commit is always against
 * a named base.  What a commit must test before it swaps is not known here: protocol/commit.h.
 */
#ifndef K2_ICEBERG_TABLE_H
#define K2_ICEBERG_TABLE_H

#include "codec/parquet_writer.h"
#include "core/arena.h"
#include "iceberg/ice_manifest.h"
#include "port/catalog.h"
#include "port/clock.h"
#include "port/store.h"

enum {
    TABLE_ABSENT = 1,   /* not in the catalog */
    TABLE_CONFLICT = 2, /* swap: certainly not done */
    TABLE_UNKNOWN = 3,  /* swap: no answer */
    TABLE_GONE = 4,     /* a file that the metadata names is no longer there */
};

struct table_ports {
    struct catalog *catalog;
    struct store *store;
    struct clock *clock;
};

struct table {
    struct table_ports ports; /* borrowed */
    char *space;
    struct ice_definition definition; /* as asked for; field ids are the table's own after a load */
    struct ice_metadata *metadata;    /* newest loaded, or NULL */
    int32_t sort_order_id;            /* the table's own number of definition.sort_id; 0: it has
                                       * another default order, and no file claims one */

    /* private */
    struct parquet_field *field; /* owned: what definition points to */
    struct ice_partition_field *partition;
    int32_t *sort_id;
    struct parquet_writer *writer; /* made at the first file */
    struct ice_manifest_reader *reader;
    int writer_level;
    struct buf scratch, image;
    struct buf list_uri, list; /* the newest list that was read or written */
    struct catalog_table loaded;
    uint64_t files_written; /* for names */
    int64_t swap_snapshot_id;
    uint32_t swap_attempt;
};

void table_init(struct table *table, const struct table_ports *ports, const char *space,
                const struct ice_definition *definition);
void table_deinit(struct table *table);
/* From now on longs and times that the definition has PLAIN are DELTA_BINARY_PACKED in files.
 * Before the first file. */
void table_use_delta(struct table *table);

/* Reads the catalog; keeps table->metadata when it is unchanged.  TABLE_ABSENT; REFUSED by
 * ice_metadata_match. */
CHECK_RESULT int table_load(struct table *table, struct err *err);
/* table_load, and when absent the table is made (format v2, properties as given) and loaded. */
CHECK_RESULT int table_ensure(struct table *table, const struct ice_pair *properties, size_t count,
                              struct err *err);

struct table_file_options {
    int zstd_level;
    int64_t row_group_rows;           /* 0: all in one up to 1 Mi rows */
    const struct parquet_pair *pairs; /* into the footer */
    size_t pair_count;
    bool sorted; /* rows are in the table's sort order */
};

/*
 * Writes rows [first, first + count) of columns (one for each of the definition's fields) as one
 * data file of the given partition, durably, under data/<partition path>/; *out in `arena`, status
 * ADDED.  The file is in no snapshot yet.
 */
CHECK_RESULT int table_write_file(struct table *table, struct arena *arena,
                                  const struct column *const *columns, size_t first, size_t count,
                                  const int32_t *partition,
                                  const struct table_file_options *options,
                                  struct ice_data_file **out, struct err *err);

/* Writes the manifest of the files of one batch, durably; *row in `arena`.  Once for all tries of
 * its commit. */
CHECK_RESULT int table_write_manifest(struct table *table, struct arena *arena,
                                      const struct ice_data_file *const *files, size_t count,
                                      int64_t snapshot_id, struct ice_manifest_row *row,
                                      struct err *err);

/* A snapshot id that `base` does not list. */
int64_t table_new_snapshot_id(struct table *table);

struct table_change {
    const char *operation;
    int64_t snapshot_id;
    const struct ice_manifest_row *added; /* new manifests, put in front of the base's list */
    size_t added_count;
    /* NULL: the base's rows are kept.  Otherwise these take their place (merging manifests), and
     * `added` is empty. */
    const struct ice_manifest_row *instead;
    size_t instead_count;
    const struct ice_pair *summary; /* our own keys; standard counts and totals are made here */
    size_t summary_count;
    const struct ice_pair *properties;
    size_t property_count;
    const int64_t *drop;
    size_t drop_count;
    int64_t oldest_us; /* when the first of the change's objects was written, or planned; 0: now */
};

/* Longer a change may not take from its first object to its swap: the removal of orphans
 * (table_orphans.h) may have taken it for one of a batch that died. */
#define TABLE_CHANGE_AGE_US_MAX (INT64_C(12) * 3600 * 1000000)

/* Writes list and metadata, and swaps base -> successor.  0: done, table->metadata is the
 * successor; TABLE_CONFLICT, TABLE_UNKNOWN; -1: certainly not done, RETRY also when the change is
 * too old.  The list's name is new in each try. */
CHECK_RESULT int table_swap(struct table *table, const struct ice_metadata *base,
                            const struct table_change *change, struct err *err);

/* Rows of a snapshot's manifest list, in the arena, in order.  TABLE_GONE. */
CHECK_RESULT int table_manifests(struct table *table, struct arena *arena,
                                 const struct ice_snapshot *snapshot,
                                 struct ice_manifest_row **rows, size_t *count, struct err *err);
/* Visits the entries of one manifest.  TABLE_GONE; what the visitor returns other than 0 ends it. A
 * visitor may read data files, but not visit again with the same table. */
CHECK_RESULT int table_visit_manifest(struct table *table, const struct ice_manifest_row *row,
                                      const struct ice_file_visitor *visitor, struct err *err);
/* Live data files (not DELETED, content DATA) of a snapshot.  TABLE_GONE. */
CHECK_RESULT int table_visit_live(struct table *table, const struct ice_snapshot *snapshot,
                                  const struct ice_file_visitor *visitor, struct err *err);
/* The data files that this snapshot itself added, in manifest order; copies in the arena.
 * TABLE_GONE. */
CHECK_RESULT int table_added_files(struct table *table, struct arena *arena,
                                   const struct ice_snapshot *snapshot,
                                   struct ice_data_file ***files, size_t *count, struct err *err);

#endif
