// SPDX-License-Identifier: Apache-2.0
/*
 * ice_metadata_private.h: what a parsed document keeps besides its public face.
 *
 * The text itself stays, and everything that a successor carries over unchanged is a span of it:
 * snapshots, refs, log entries, members that nobody here knows.  Only for ice_*.c.
 */
#ifndef K2_ICEBERG_ICE_METADATA_PRIVATE_H
#define K2_ICEBERG_ICE_METADATA_PRIVATE_H

#include "core/arena.h"
#include "core/buf.h"
#include "iceberg/ice_metadata.h"

#include <stdatomic.h>

struct ice_member {
    const char *key;
    struct span value; /* the whole JSON value */
};

struct ice_ref {
    const char *name;
    int64_t snapshot;
    struct span name_json; /* quoted */
    struct span value;
};

struct ice_history { /* an entry of snapshot-log */
    int64_t snapshot;
    struct span value;
};

struct ice_logged { /* an entry of metadata-log */
    const char *file;
    struct span value;
};

struct ice_column { /* of the current schema's top level */
    const char *name;
    int32_t id;
    bool required;
    struct span type; /* JSON: a string or an object */
};

struct ice_spec_field { /* of the default spec */
    const char *name, *transform;
    int32_t source_id, field_id;
};

struct ice_order_field { /* of the default sort order */
    const char *transform, *direction, *null_order;
    int32_t source_id;
};

/* The bufs are arrays of what their names say. */
struct ice_metadata_private {
    atomic_uint references;
    struct arena arena;
    struct buf text;
    struct buf members;
    struct buf snapshots;      /* struct ice_snapshot, what metadata->snapshot points to */
    struct buf snapshot_texts; /* struct span, in the same order */
    struct buf by_id;          /* uint32_t: their indexes, by rising id */
    struct buf properties;     /* struct ice_pair */
    struct buf refs, history, log;
    struct buf columns, spec, order;
    struct span schema;      /* the current one, JSON */
    struct span spec_fields; /* of the default spec, JSON array */
};

/* Number and start of such an array. */
#define ICE_COUNT(buf, type) ((buf).size / sizeof(type))
#define ICE_ARRAY(buf, type) ((const type *)(const void *)(buf).data)

/* The value of a top-level member, or an empty span. */
struct span ice_metadata_member(const struct ice_metadata *metadata, const char *key);

#endif
