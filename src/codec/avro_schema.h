// SPDX-License-Identifier: Apache-2.0
/*
 * avro_schema.h: an Avro schema as a tree (Avro 1.11, "Schema Declaration").
 *
 * Parsed once per schema id, never per record.  Keeps what Iceberg adds (field-id, element-id,
 * key-id, value-id; logicalType map on arrays of records) and what resolution needs (defaults,
 * aliases).  avro_resolve.h makes of a writer's tree one in a reader's terms: what only that gives
 * says so below, and is absent from a parsed schema.
 */
#ifndef K2_CODEC_AVRO_SCHEMA_H
#define K2_CODEC_AVRO_SCHEMA_H

#include "core/arena.h"
#include "core/err.h"
#include "core/span.h"

enum avro_type {
    AVRO_NULL,
    AVRO_BOOLEAN,
    AVRO_INT,
    AVRO_LONG,
    AVRO_FLOAT,
    AVRO_DOUBLE,
    AVRO_BYTES,
    AVRO_STRING,
    AVRO_RECORD,
    AVRO_ENUM,
    AVRO_ARRAY,
    AVRO_MAP,
    AVRO_UNION,
    AVRO_FIXED,
};

struct avro_schema;

enum avro_role {
    AVRO_ROLE_READ,
    AVRO_ROLE_SKIP,     /* resolved: the reader has no such field */
    AVRO_ROLE_CONSTANT, /* resolved: the writer has no such field; takes no bytes of a datum */
};

struct avro_field {
    const char *name;
    const struct avro_schema *schema;
    int32_t field_id;           /* Iceberg's, -1 when absent */
    const char *default_json;   /* the default's JSON text, NULL when there is none */
    const char *const *aliases; /* NULL-terminated, never NULL */
    enum avro_role role;
    struct span constant; /* CONSTANT: the reader's default, encoded by `schema` */
};

struct avro_schema {
    enum avro_type type;
    enum avro_type as; /* what the value is to its reader: `type`, or resolved what that is promoted
                          to */
    const char *name;  /* full name of record, enum, fixed; else NULL */
    const char *const *aliases;              /* their full names, NULL-terminated; else NULL */
    const char *logical;                     /* logicalType, or NULL */
    int32_t precision, scale;                /* of a decimal */
    size_t fixed_size;                       /* FIXED */
    const struct avro_field *field;          /* RECORD: the fields in order */
    const char *const *symbol;               /* ENUM: the symbols in order; resolved: the reader's,
                                                NULL for one that it cannot take */
    const char *symbol_default;              /* ENUM: or NULL */
    const struct avro_schema *const *branch; /* UNION: branches; ARRAY, MAP: one, the items */
    size_t count;                            /* of fields, symbols or branches */
    int32_t element_id, key_id, value_id;    /* Iceberg's, -1 when absent */
    const char *refused; /* resolved, a union's branch: why its values cannot be read, else NULL */
};

enum {
    AVRO_DEPTH_MAX = 32, /* nesting beyond it is refused; recursive types too */
    AVRO_SCHEMA_BYTES_MAX = 1024 * 1024,
};

/* All memory comes from `arena`.  CORRUPT with the place for what is no schema.  A type that is
 * named twice is one node with several parents; written out, a schema has at most 65,536 nodes. */
CHECK_RESULT int avro_schema_parse(struct arena *arena, struct span json,
                                   const struct avro_schema **out, struct err *err);

/* The field of a record with this name, or NULL. */
const struct avro_field *avro_schema_field(const struct avro_schema *record, const char *name);

/* The schema itself; of a union the one branch that is neither null nor refused, or NULL when there
 * are none or several. */
const struct avro_schema *avro_schema_present(const struct avro_schema *schema);

/* A full name without its namespace: names are compared so when schemas are resolved. */
const char *avro_schema_unqualified(const char *name);

/* Is the name in the NULL-terminated list, of aliases or symbols?  NULL is an empty one. */
bool avro_schema_has_name(const char *const *list, const char *name);

bool avro_schema_is_decimal(const struct avro_schema *schema);

/* "null", "boolean", … "fixed". */
const char *avro_schema_type_name(enum avro_type type);

#endif
