// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_reader.h: bytes of a Parquet file in, columns out.
 *
 * Pure: the caller fetches byte ranges (the tail, then column chunks) and hands them in, so that a
 * reader of two columns of one row group reads just those.  Nothing in a file is trusted: sizes,
 * counts and levels are checked, and errors name column and row group.
 */
#ifndef K2_CODEC_PARQUET_READER_H
#define K2_CODEC_PARQUET_READER_H

#include "codec/decompress.h"
#include "codec/parquet.h"

struct parquet_chunk {
    int64_t offset; /* first byte (dictionary page if there is one) */
    int64_t size;   /* compressed bytes, headers included */
    int64_t values;
    bool has_bounds; /* exact or widened, never narrower than the values; physical, PLAIN bytes */
    struct span lower, upper;
    bool has_null_count;
    int64_t null_count;
    struct parquet_place {
        int64_t offset, size;
    } column_index, offset_index; /* size 0: there is none */
};

struct parquet_leaf {
    const char *path; /* "vendor_data.key_value.key" */
    const char *name; /* of the top-level field: "vendor_data" */
    int32_t field_id; /* of the leaf, -1 when absent */
    int32_t top_id;   /* of the top-level field, -1 when absent */
};

struct parquet_row_group {
    int64_t rows;
    struct parquet_chunk *chunk; /* one for each leaf */
};

struct parquet_file {
    int64_t rows;
    size_t leaf_count;
    struct parquet_leaf *leaf;
    size_t row_group_count;
    struct parquet_row_group *row_group;
    const struct parquet_pair_span {
        struct span key, value;
    } * pair; /* key-value metadata */
    size_t pair_count;
    const char *created_by;        /* or "" */
    struct parquet_layout *layout; /* the reader's own: levels and physical types */
};

/* What a reader keeps from field to field, so that steady reading stops allocating: a page, what
 * its encoding needs on the way, and zstd's tables.  All zero is ready for use.  One thread at a
 * time. */
struct parquet_scratch {
    struct buf page, spare;
    struct column bytes;
    struct decompress decompress;
};

void parquet_scratch_deinit(struct parquet_scratch *scratch);

enum { PARQUET_TAIL_BYTES = 8 }; /* footer length and magic */

/* The footer's length from the last 8 bytes of a file of `file_size`; CORRUPT when they are none.
 */
CHECK_RESULT int parquet_footer_size(struct span tail, uint64_t file_size, uint64_t *footer_size,
                                     struct err *err);
/* Parses the footer (without its last 8 bytes); memory from `arena`; spans are borrowed from
 * `footer`, which must live as long as *out. */
CHECK_RESULT int parquet_file_parse(struct arena *arena, struct span footer, uint64_t file_size,
                                    struct parquet_file *out, struct err *err);

/* The leaves of the field with this id (or, where the file has no ids, this name): first and count
 * (2 for a map); false when the file has no such field. */
bool parquet_file_leaves(const struct parquet_file *file, const struct parquet_field *field,
                         size_t *first, size_t *count);

/* The range of a LONG or TIMESTAMPTZ field in a row group, as the field has it; false without
 * statistics that say it. */
CHECK_RESULT bool parquet_file_range(const struct parquet_file *file, size_t row_group,
                                     const struct parquet_field *field, int64_t *lower,
                                     int64_t *upper);

/* The value of a key-value pair, data NULL when absent. */
struct span parquet_file_pair(const struct parquet_file *file, const char *key);

/*
 * Appends all rows of one field of one row group to *out.  bytes[i] holds exactly the bytes
 * [chunk.offset, chunk.offset + chunk.size) of the field's i-th leaf.  INT widens to LONG where the
 * field says so; a decimal is taken from INT32, INT64, FIXED or BYTE_ARRAY at the same scale; a
 * time in UTC from milli-, micro- and nanoseconds and from INT96, if microseconds hold it exactly.
 * CORRUPT for damage, for a null where field->required or !field->child_optional allow none, for a
 * decimal beyond field->precision, and for what is not built (names the encoding or codec); *out is
 * then undefined past its old rows.  Text is not checked to be UTF-8.  `scratch` is cleared and
 * used for pages.
 */
CHECK_RESULT int parquet_read_field(const struct parquet_file *file, size_t row_group,
                                    const struct parquet_field *field, const struct span *bytes,
                                    struct parquet_scratch *scratch, struct column *out,
                                    struct err *err);

/*
 * The same for some of its pages: bytes[i] holds what lies before the chunk's first data page, the
 * dictionary, and then whole data pages, in their order, which begin and end with a row and hold
 * together `rows` rows (parquet_index_decode.h says which do).
 */
CHECK_RESULT int parquet_read_pages(const struct parquet_file *file, size_t row_group,
                                    const struct parquet_field *field, const struct span *bytes,
                                    size_t rows, struct parquet_scratch *scratch,
                                    struct column *out, struct err *err);

#endif
