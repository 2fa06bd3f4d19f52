// SPDX-License-Identifier: Apache-2.0
/*
 * ice_metadata.h: table metadata, version 2 (Iceberg spec, "Table Metadata").
 *
 * A document is parsed once and never changed; a successor is made from it by ice_metadata_apply,
 * which touches only what a change names, so that what foreign hands put there (schemas, refs,
 * statistics, unknown keys) is carried over to the letter.  Reference counted with atomics: any
 * thread may read.
 */
#ifndef K2_ICEBERG_ICE_METADATA_H
#define K2_ICEBERG_ICE_METADATA_H

#include "iceberg/ice_definition.h"

enum { ICE_NONE = -1 }; /* no snapshot */

struct ice_snapshot {
    int64_t id;
    int64_t parent; /* ICE_NONE */
    int64_t sequence;
    int64_t timestamp_ms;
    const char *manifest_list;      /* URI */
    const char *operation;          /* "append", "replace", "overwrite", "delete" */
    const struct ice_pair *summary; /* without operation; see ice_snapshot_get */
    size_t summary_count;
};

struct ice_metadata {
    const char *file; /* where the document lies; "" for one that was never stored */
    const char *uuid;
    const char *location; /* of the table */
    int64_t last_sequence;
    int64_t last_updated_ms;
    int32_t schema_id, spec_id, sort_order_id; /* current and defaults */
    int64_t main;                              /* current snapshot's id, or ICE_NONE */
    const struct ice_snapshot *snapshot;       /* in the document's order */
    size_t snapshot_count;
    struct ice_metadata_private *private_;
};

/* CORRUPT for what is no v2 document; another format-version: REFUSED, named. */
CHECK_RESULT int ice_metadata_parse(struct span json, const char *file, struct ice_metadata **out,
                                    struct err *err);
struct ice_metadata *ice_metadata_ref(struct ice_metadata *metadata);
void ice_metadata_unref(struct ice_metadata *metadata); /* NULL is fine */

/* The document of a new, empty table, into *out. */
void ice_metadata_create(const struct ice_definition *definition, const char *uuid,
                         const char *location, int64_t now_ms, const struct ice_pair *properties,
                         size_t property_count, struct buf *out);

/* Listed snapshot by id, or NULL. */
const struct ice_snapshot *ice_metadata_snapshot(const struct ice_metadata *metadata, int64_t id);
/* main's, or NULL. */
const struct ice_snapshot *ice_metadata_current(const struct ice_metadata *metadata);
/* True when `ancestor` is `id` or on id's parent chain as far as that is listed. */
bool ice_metadata_is_ancestor(const struct ice_metadata *metadata, int64_t ancestor, int64_t id);
/* True when a ref other than main names this snapshot. */
bool ice_metadata_is_tagged(const struct ice_metadata *metadata, int64_t id);
/* A value of the summary, or NULL. */
const char *ice_snapshot_get(const struct ice_snapshot *snapshot, const char *key);
/* A table property, or NULL. */
const char *ice_metadata_property(const struct ice_metadata *metadata, const char *key);
/* The metadata-log, oldest first: URIs. */
size_t ice_metadata_log_count(const struct ice_metadata *metadata);
const char *ice_metadata_log_file(const struct ice_metadata *metadata, size_t index);

/*
 * Rule 10 of the design: the current schema and default spec against the definition.  0 when every
 * column is there with its type, optionality not narrower than ours, and the spec is ours; extra
 * optional columns are fine.  Field ids are looked up by NAME and given in ids[0..field_count) with
 * children in child_ids (a createTable elsewhere renumbers).  REFUSED names column or spec and the
 * statement that mends it.
 */
CHECK_RESULT int ice_metadata_match(const struct ice_metadata *metadata,
                                    const struct ice_definition *definition,
                                    struct parquet_field *resolved, struct err *err);

/* The number of the table's default sort order when that is the definition's; 0: no file of ours
 * may claim to be sorted. */
int32_t ice_metadata_sort_order(const struct ice_metadata *metadata,
                                const struct ice_definition *definition);

struct ice_change {
    const char *operation;
    int64_t snapshot_id;
    const char *manifest_list;
    const struct ice_pair *summary; /* ours and the standard keys, each once; operation is added;
                                     * one with a NULL value is left out */
    size_t summary_count;
    const struct ice_pair *properties; /* set; a NULL value removes */
    size_t property_count;
    const int64_t *drop; /* snapshots that leave the list */
    size_t drop_count;
    int64_t now_ms;          /* clamped to last-updated-ms */
    size_t metadata_log_max; /* newest entries kept */
};

/* The successor's document into *out: snapshot with the next sequence number, main set to it,
 * snapshot-log, metadata-log, properties, refs.  `base` is unchanged.  A dropped snapshot takes its
 * statistics with it; one that a ref other than main names stays whatever `drop` says. */
void ice_metadata_apply(const struct ice_metadata *base, const struct ice_change *change,
                        struct buf *out);

/* The same change as a REST catalog is sent it: JSON arrays of requirements (table uuid, main's
 * snapshot, schema and spec id) and of updates.  Either buf is appended to. */
void ice_metadata_requirements(const struct ice_metadata *base, struct buf *out);
void ice_metadata_updates(const struct ice_metadata *base, const struct ice_change *change,
                          struct buf *out);

#endif
