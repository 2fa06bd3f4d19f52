// SPDX-License-Identifier: Apache-2.0
/*
 * oracle.h: what a table holds, read by code that shares nothing with the pipeline's readers: its
 * own JSON walk over the metadata, its own Avro, its own Thrift and Parquet.  Slow, simple, strict:
 * it aborts the test on anything it does not expect.
 */
#ifndef K2_TESTS_SIM_ORACLE_H
#define K2_TESTS_SIM_ORACLE_H

#include "core/arena.h"
#include "core/span.h"
#include "port/store.h"

struct oracle_cell {
    bool is_null;
    int64_t integer;  /* int, date, long, timestamptz, decimal (unscaled) */
    struct span text; /* string, binary; lists and maps are left out (null) */
};

struct oracle_row {
    const struct oracle_cell *cell; /* by column, in the table's current schema order */
    int64_t sequence;               /* data sequence number of its file */
    int64_t snapshot_id;            /* that added its file */
    const char *path;
    bool has_writer_key; /* k2.writer in the file's footer */
};

struct oracle_table {
    const char **column; /* names, in schema order */
    size_t column_count;
    struct oracle_row *row; /* all live rows */
    size_t row_count;
};

/* All live rows of main's snapshot, in list, manifest, file and row order.  `metadata` is the
 * table's metadata document; files are fetched whole through the store port (only the bytes come
 * from there). Memory from `arena`. */
void oracle_read(struct arena *arena, struct store *store, struct span metadata,
                 struct oracle_table *out);

/* Index of a column by name; aborts when there is none. */
size_t oracle_column(const struct oracle_table *table, const char *name);

#endif
