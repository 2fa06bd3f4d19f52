// SPDX-License-Identifier: Apache-2.0
/*
 * parquet.h: what the Parquet writer and reader share: the schema of a table's file.
 *
 * The shapes are those of our tables: flat columns, one-level lists and maps of strings
 * (apache/parquet-format, LogicalTypes.md).  Physical types: bool BOOLEAN; int and date INT32;
 * long, timestamptz and decimal of precision <= 18 INT64; wider decimals
 * FIXED_LEN_BYTE_ARRAY big-endian of the least size; string and binary BYTE_ARRAY.
 */
#ifndef K2_CODEC_PARQUET_H
#define K2_CODEC_PARQUET_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/column.h"
#include "core/err.h"

enum parquet_kind {
    PARQUET_BOOL,        /* COLUMN_BOOL */
    PARQUET_INT,         /* COLUMN_INT32 */
    PARQUET_LONG,        /* COLUMN_INT64 */
    PARQUET_DATE,        /* COLUMN_INT32, days */
    PARQUET_TIMESTAMPTZ, /* COLUMN_INT64, microseconds UTC */
    PARQUET_DECIMAL,     /* COLUMN_DECIMAL, unscaled */
    PARQUET_STRING,      /* COLUMN_BYTES, UTF-8 */
    PARQUET_BINARY,      /* COLUMN_BYTES */
    PARQUET_LIST,        /* COLUMN_LIST of BYTES: list<string> */
    PARQUET_MAP,         /* COLUMN_MAP of BYTES to BYTES: map<string,string> */
};

enum parquet_encoding_wish {
    PARQUET_PLAIN,
    PARQUET_DICTIONARY, /* given up, page for page from the start, when it does not pay */
    PARQUET_DELTA,      /* DELTA_BINARY_PACKED for int, long, timestamptz (and no other kind) */
};

struct parquet_field {
    const char *name;
    int32_t field_id;
    enum parquet_kind kind;
    bool required;
    uint8_t precision, scale;            /* DECIMAL */
    enum parquet_encoding_wish encoding; /* of the leaf; both leaves of a map */
    bool no_bounds; /* no min and max anywhere: ids that readers compare wrongly */
    /* LIST: child_id[0] is the element's; MAP: key and value.  Elements and keys are required,
     * a map's values are optional, list elements as element_optional says. */
    int32_t child_id[2];
    bool child_optional; /* list element or map value may be null */
};

enum column_type parquet_column_type(enum parquet_kind kind);

#endif
