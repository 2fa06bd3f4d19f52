// SPDX-License-Identifier: Apache-2.0
/*
 * ice_manifest.h: a manifest file: which data files (Iceberg spec v2, "Manifests"; Avro schema of
 * manifest_entry).  Writes what every reader insists on (reference: Java by field id, Rust and
 * ClickHouse by name); reads anybody's.
 */
#ifndef K2_ICEBERG_ICE_MANIFEST_H
#define K2_ICEBERG_ICE_MANIFEST_H

#include "codec/avro_file.h"
#include "iceberg/ice_definition.h"
#include "iceberg/ice_metadata.h"

/* The image of a manifest with these entries into *out.  ADDED entries carry snapshot_id and leave
 * both sequence numbers to be inherited, so that a retry of the commit rewrites only the list;
 * EXISTING and DELETED carry theirs.  `metadata` gives schema, spec and their ids. */
void ice_manifest_encode(const struct ice_metadata *metadata,
                         const struct ice_definition *definition,
                         const struct ice_data_file *const *files, size_t count,
                         const uint8_t sync[16], struct buf *out);

/* The same, entry by entry, for manifests too large for an array of their files.  begin writes the
 * header, finish the rest; `metadata` and `definition` may go after begin. */
struct ice_manifest_writer {
    struct avro_file_writer avro;
    size_t partition_count;
};

void ice_manifest_writer_begin(struct ice_manifest_writer *writer,
                               const struct ice_metadata *metadata,
                               const struct ice_definition *definition, enum avro_codec codec,
                               const uint8_t sync[16], struct buf *out);
void ice_manifest_writer_put(struct ice_manifest_writer *writer, const struct ice_data_file *file);
void ice_manifest_writer_finish(struct ice_manifest_writer *writer);

/* One row of a manifest list (manifest_file). */
struct ice_manifest_row {
    const char *path;
    int64_t length;
    int32_t spec_id;
    enum ice_content content; /* DATA, or POSITION_DELETES for any manifest of deletes */
    int64_t sequence;     /* -1 while it is of the commit being made: then it is that commit's */
    int64_t min_sequence; /* of the live entries; -1 likewise */
    int64_t snapshot_id;  /* that added the manifest */
    int32_t added_files, existing_files, deleted_files;
    int64_t added_rows, existing_rows, deleted_rows;
    struct {
        bool has_bounds;
        bool contains_null;
        int32_t lower, upper;
    } partition[ICE_PARTITION_FIELDS_MAX];
    size_t partition_count; /* 0: no summary that these fields can hold */

    /* Carried over to the letter: partition summaries as Avro blocks of the list's own form, and
     * key metadata.  data NULL: none; the summaries are then made from partition[]. */
    struct span summaries, key_metadata;

    /* Of a manifest of the commit being made, for the snapshot's summary; not in the list. */
    int64_t added_bytes, deleted_bytes;
    int32_t changed_partitions;
};

struct ice_file_visitor {
    /* The file and what it points to die after the call: copy what is kept.  0 to go on; anything
     * else ends the visit and is what it returns. */
    int (*visit)(void *context, const struct ice_data_file *file, struct err *err);
    void *context;
};

/*
 * Visits each entry of a manifest, in order, with snapshot id and sequence numbers inherited from
 * its row.  CORRUPT.
 *
 * A reader keeps the compiled programs of the schemas it has seen and its memory: one for many
 * manifests; a visitor must not use it again from within a visit.  ice_manifest_decode makes one
 * for a single manifest.
 */
struct ice_manifest_reader;
struct ice_manifest_reader *ice_manifest_reader_new(void);
void ice_manifest_reader_free(struct ice_manifest_reader *reader); /* NULL is fine */
CHECK_RESULT int ice_manifest_reader_visit(struct ice_manifest_reader *reader, struct span image,
                                           const struct ice_manifest_row *row,
                                           const struct ice_definition *definition,
                                           const struct ice_file_visitor *visitor, struct err *err);
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
 * summary; sequence -1, min_sequence -1 when no entry is EXISTING. */
void ice_manifest_summarize(const struct ice_definition *definition,
                            const struct ice_data_file *const *files, size_t count,
                            int64_t snapshot_id, struct ice_manifest_row *row);
/* The same entry by entry: init, then add for each; changed_partitions is not counted. */
void ice_manifest_row_init(struct ice_manifest_row *row, const struct ice_definition *definition,
                           int64_t snapshot_id);
void ice_manifest_row_add(struct ice_manifest_row *row, const struct ice_data_file *file);

#endif
