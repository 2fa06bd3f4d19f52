// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_writer.h: columns in, the image of a Parquet file out.
 *
 * v1 data pages, RLE/PLAIN/RLE_DICTIONARY (DELTA on wish), zstd, exact statistics, column index and
 * offset index, page CRCs, ColumnOrder TYPE_ORDER, field ids on every column and element.  Writes
 * to a buf that the caller may drain between row groups.  One thread at a time; a writer is reused
 * for file after file and then stops allocating.
 */
#ifndef K2_CODEC_PARQUET_WRITER_H
#define K2_CODEC_PARQUET_WRITER_H

#include "codec/parquet.h"

struct parquet_options {
    int zstd_level;         /* 1 in streaming files, 3 in compaction; 0: uncompressed */
    size_t page_rows_max;   /* 0: 20,000 */
    size_t page_bytes_max;  /* uncompressed; 0: 1 MiB */
    const char *created_by; /* "k2 version 0.1.0 (build …)" */
};

struct parquet_pair {
    const char *key, *value;
};

/* Of one leaf column over the whole file, for Iceberg's manifest.  Lists and maps have no bounds
 * and their counts are of their leaves. */
struct parquet_leaf_stats {
    int32_t field_id; /* the leaf's: of a list the element's, of a map key's or value's */
    int64_t compressed_bytes;
    int64_t value_count; /* nulls included */
    int64_t null_count;
    bool has_bounds;
    struct buf lower, upper; /* int, date: 4 bytes LE; long, timestamptz: 8 LE; decimal: minimal
                                big-endian two's complement; string, binary: the bytes, exact up
                                to 64, longer ones cut (parquet_bounds.h); bool 1: Iceberg's
                                single-value serialization */
};

struct parquet_writer; /* owns its scratch memory */

/* `fields` must outlive the writer. */
struct parquet_writer *parquet_writer_new(const struct parquet_field *fields, size_t count,
                                          const struct parquet_options *options);
void parquet_writer_free(struct parquet_writer *writer);

/* Begins a file: the magic goes to *out.  What was unfinished is forgotten. */
void parquet_writer_begin(struct parquet_writer *writer, struct buf *out);
/* Rows [first, first + count) of columns[i] (one for each field, types as parquet_column_type says)
 * as one row group; none when count is 0.  A null in a required field: FATAL, and a decimal that
 * its precision does not hold; the file can then only be begun anew. */
CHECK_RESULT int parquet_writer_row_group(struct parquet_writer *writer,
                                          const struct column *const *columns, size_t first,
                                          size_t count, struct buf *out, struct err *err);
/* The caller took the bytes of *out away and emptied it. */
void parquet_writer_drained(struct parquet_writer *writer, size_t bytes);
/* Page indexes and footer, with `pairs` as key-value metadata. */
CHECK_RESULT int parquet_writer_finish(struct parquet_writer *writer,
                                       const struct parquet_pair *pairs, size_t pair_count,
                                       struct buf *out, struct err *err);

/* Valid between finish and the next begin. */
const struct parquet_leaf_stats *parquet_writer_stats(const struct parquet_writer *writer,
                                                      size_t *count);
const int64_t *parquet_writer_split_offsets(const struct parquet_writer *writer, size_t *count);
int64_t parquet_writer_rows(const struct parquet_writer *writer);

#endif
