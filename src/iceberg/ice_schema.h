// SPDX-License-Identifier: Apache-2.0
/* ice_schema.h: a definition as Iceberg's JSON (spec v2, appendix C: schemas, partition specs, sort
 * orders), and types as text. */
#ifndef K2_ICEBERG_ICE_SCHEMA_H
#define K2_ICEBERG_ICE_SCHEMA_H

#include "core/buf.h"
#include "core/err.h"
#include "iceberg/ice_definition.h"

enum { ICE_TYPE_TEXT_BYTES_MAX = 64 };

/* Each appends one JSON object: schema 0, spec 0, and sort order 1, or 0 when there is none. */
void ice_schema_put(const struct ice_definition *definition, struct buf *out);
void ice_schema_put_spec(const struct ice_definition *definition, struct buf *out);
void ice_schema_put_order(const struct ice_definition *definition, struct buf *out);
/* The highest field id, children included. */
int32_t ice_schema_last_column_id(const struct ice_definition *definition);

/* "decimal(18, 8)", "timestamptz", … as in the JSON; "list<string>", "map<string, string>" for
 * messages. */
void ice_schema_type(const struct parquet_field *field, char text[ICE_TYPE_TEXT_BYTES_MAX]);
/* The same in Spark's SQL. */
void ice_schema_sql_type(const struct parquet_field *field, char text[ICE_TYPE_TEXT_BYTES_MAX]);

/* Is a column's type, as JSON, that of the field?  Then child_id and child_optional are the
 * table's. False leaves them alone.  REJECT for what is no type. */
enum { ICE_SCHEMA_OTHER_TYPE = 1 };
CHECK_RESULT int ice_schema_read_type(struct span type, const struct parquet_field *field,
                                      int32_t child_id[2], bool *child_optional, struct err *err);

#endif
