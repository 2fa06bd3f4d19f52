// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_footer_decode.h: a Parquet footer (apache/parquet-format, parquet.thrift: FileMetaData)
 * as struct parquet_file and, beside it, what decoding the pages needs to know of each leaf.
 *
 * All that can be checked without the pages is checked here: counts against each other, chunk
 * ranges against the file, the schema tree against its element list.
 */
#ifndef K2_CODEC_PARQUET_FOOTER_DECODE_H
#define K2_CODEC_PARQUET_FOOTER_DECODE_H

#include "codec/parquet_format.h"
#include "codec/parquet_reader.h"

/* What a leaf's logical or converted type says, as far as it matters which. */
enum parquet_meaning {
    PARQUET_MEANS_NOTHING, /* not annotated */
    PARQUET_MEANS_TEXT,    /* string, enum, JSON, BSON */
    PARQUET_MEANS_INT,     /* signed, at most 32 bits */
    PARQUET_MEANS_LONG,    /* signed, 64 bits */
    PARQUET_MEANS_DATE,
    PARQUET_MEANS_MILLIS_UTC,
    PARQUET_MEANS_MICROS_UTC,
    PARQUET_MEANS_NANOS_UTC,
    PARQUET_MEANS_LOCAL_TIME, /* a timestamp without zone */
    PARQUET_MEANS_DECIMAL,
    PARQUET_MEANS_OTHER,
};

/* How the leaf hangs in its top-level field. */
enum parquet_leaf_shape {
    PARQUET_LEAF_FLAT,     /* the field itself */
    PARQUET_LEAF_REPEATED, /* repeated once: directly, in a list or in a map */
    PARQUET_LEAF_OTHER,    /* deeper: not read */
};

struct parquet_leaf_layout {
    enum parquet_type physical;
    enum parquet_meaning meaning;
    enum parquet_leaf_shape shape;
    int32_t type_length; /* FIXED: bytes of a value */
    int32_t scale;       /* DECIMAL */
    size_t top;          /* which top-level field: its leaves have the same number */
    uint8_t level_max;   /* the definition level of a value that is present */
    uint8_t row_level;   /* below it the row is null */
    uint8_t entry_level; /* REPEATED: from it on there is an entry */
};

struct parquet_layout {
    bool has_ids; /* a top-level field has an id */
    struct parquet_leaf_layout *leaf;
    int8_t *codec; /* of row group g, leaf l: [g * leaf_count + l] */
};

/* Bounds of what is taken from a file; far beyond any table of ours, and of pyarrow's. */
enum {
    PARQUET_FOOTER_BYTES_MAX = 16 << 20,
    PARQUET_SCHEMA_ELEMENTS_MAX = 10000,
    PARQUET_PATH_BYTES_MAX = 4096,
    PARQUET_ROW_GROUPS_MAX = 1 << 17,
    PARQUET_PAIRS_MAX = 1 << 16,
    PARQUET_GROUP_VALUES_MAX = 1 << 26, /* rows of a row group, values of a chunk */
};

CHECK_RESULT int parquet_footer_decode(struct arena *arena, struct span footer, uint64_t file_size,
                                       struct parquet_file *out, struct err *err);

#endif
