// SPDX-License-Identifier: Apache-2.0
/*
 * ice_manifest.h: a manifest file: which data files (Iceberg spec v2, "Manifests"; Avro schema of
 * manifest_entry).  Writes what every reader insists on (reference: Java by field id, Rust and
 * ClickHouse by name); reads anybody's.
 */
#ifndef K2_ICEBERG_ICE_MANIFEST_H
#define K2_ICEBERG_ICE_MANIFEST_H

#include "iceberg/ice_definition.h"
#include "iceberg/ice_metadata.h"

/* The image of a manifest with these entries into *out.  ADDED entries carry snapshot_id and leave
 * both sequence numbers to be inherited, so that a retry of the commit rewrites only the list;
 * EXISTING and DELETED carry theirs.  `metadata` gives schema, spec and their ids. */
void ice_manifest_encode(const struct ice_metadata *metadata,
                         const struct ice_definition *definition,
                         const struct ice_data_file *const *files, size_t count,
                         const uint8_t sync[16], struct buf *out);

/* One row of a manifest list (manifest_file). */
struct ice_manifest_row {
    const char *path;
    int64_t length;
    int32_t spec_id;
    enum ice_content content; /* DATA, or POSITION_DELETES for any manifest of deletes */
    int64_t sequence;     /* -1 while it is of the commit being made: then it is that commit's */
    int64_t min_sequence; /* -1 likewise */
    int64_t snapshot_id;  /* that added the manifest */
    int32_t added_files, existing_files, deleted_files;
    int64_t added_rows, existing_rows, deleted_rows;
    struct {
        bool has_bounds;
        bool contains_null;
        int32_t lower, upper;
    } partition[ICE_PARTITION_FIELDS_MAX];
    size_t partition_count; /* 0: no summary */
};

struct ice_file_visitor {
    /* The file and what it points to die after the call: copy what is kept. 0 to go on. */
    int (*visit)(void *context, const struct ice_data_file *file, struct err *err);
    void *context;
};

/* Visits each entry of a manifest, in order, with snapshot id and sequence numbers inherited from
 * its row.  CORRUPT. */
CHECK_RESULT int ice_manifest_decode(struct span image, const struct ice_manifest_row *row,
                                     const struct ice_definition *definition,
                                     const struct ice_file_visitor *visitor, struct err *err);

/* Manifest lists (Iceberg spec v2, "Manifest Lists").  Rows with sequence -1 get `sequence`. */
void ice_list_encode(const struct ice_manifest_row *rows, size_t count, int64_t snapshot_id,
                     int64_t parent_id, int64_t sequence, const uint8_t sync[16], struct buf *out);
/* Rows in the list's order, in the arena. */
CHECK_RESULT int ice_list_decode(struct arena *arena, struct span image,
                                 struct ice_manifest_row **rows, size_t *count, struct err *err);

/* The row of a manifest of these entries, before it has path and length: counts, partition
 * summary, sequence -1 when all are ADDED. */
void ice_manifest_summarize(const struct ice_definition *definition,
                            const struct ice_data_file *const *files, size_t count,
                            int64_t snapshot_id, struct ice_manifest_row *row);

#endif
