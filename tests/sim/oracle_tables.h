// SPDX-License-Identifier: Apache-2.0
/* oracle_tables.h: what a table's metadata document and a manifest's entry say, as the oracle's
 * files pass it on.  Memory is an arena's. */
#ifndef K2_TESTS_SIM_ORACLE_TABLES_H
#define K2_TESTS_SIM_ORACLE_TABLES_H

#include "sim/oracle_formats.h"

enum { ORACLE_NONE = -1 };

struct oracle_part {
    int32_t id;
    const char *name;
    size_t column; /* of the current schema */
    bool is_day;   /* otherwise identity */
};

struct oracle_spec {
    int32_t id;
    struct oracle_part *part;
    size_t part_count;
};

struct oracle_order {
    int32_t id;
    size_t *column; /* ascending, nulls first */
    size_t column_count;
};

struct oracle_snapshot {
    int64_t id, sequence;
};

/* Of the current snapshot; ORACLE_NONE where the summary has no such key. */
struct oracle_summary {
    int64_t total_records, total_files, total_bytes;
    int64_t added_records, added_files;
    int64_t deleted_records, deleted_files;
};

struct oracle_metadata {
    struct oracle_bytes bytes; /* for messages */
    struct oracle_field *field;
    size_t field_count;
    struct oracle_spec *spec;
    size_t spec_count;
    struct oracle_order *order;
    size_t order_count;
    struct oracle_snapshot *snapshot; /* all listed */
    size_t snapshot_count;
    const struct oracle_snapshot *current; /* NULL: the table is empty */
    const char *manifest_list;             /* of current */
    struct oracle_summary summary;
};

/* -- oracle_metadata.c: the document (Iceberg spec v2, "Table Metadata", appendix C) */
void oracle_metadata_read(struct arena *arena, struct span json, struct oracle_metadata *out);

/* -- oracle_entry.c: one manifest entry against the file that it names */

enum { ORACLE_PARTS_MAX = 4 };

struct oracle_entry {
    const struct oracle_avro_file *manifest;
    const struct oracle_avro_value *file; /* the record data_file */
    const char *path;
    int64_t status, snapshot_id, sequence, file_sequence;
    int64_t row_count, bytes;
    struct {
        bool is_null;
        int64_t value;
    } partition[ORACLE_PARTS_MAX];
};

void oracle_entry_read(struct arena *arena, const struct oracle_avro_file *manifest,
                       const struct oracle_avro_value *record, const struct oracle_spec *spec,
                       struct oracle_entry *out);
/* Record count, sizes, counts, bounds, split offsets, partition and order against what was read. */
void oracle_entry_check(const struct oracle_metadata *metadata, const struct oracle_spec *spec,
                        const struct oracle_entry *entry, const struct oracle_parquet_file *file);

#endif
