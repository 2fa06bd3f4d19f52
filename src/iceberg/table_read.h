// SPDX-License-Identifier: Apache-2.0
/* table_read.h: the columns of one data file, row group by row group or page by page.  Reads only
 * the bytes of the footer and of what is asked for. */
#ifndef K2_ICEBERG_TABLE_READ_H
#define K2_ICEBERG_TABLE_READ_H

#include "codec/parquet_index_decode.h"
#include "codec/parquet_reader.h"
#include "iceberg/table.h"

struct table_reader {
    struct table *table; /* borrowed */
    const char *path;    /* borrowed from the data file */
    struct parquet_file file;
    struct arena arena;
    struct buf footer, chunk[2]; /* footer: the file from `tail` on */
    struct buf index, kept;
    struct parquet_scratch scratch;
    uint64_t tail;
};

/* All zero is a closed reader; reopening one reuses its memory. */
/* TABLE_GONE. */
CHECK_RESULT int table_reader_open(struct table_reader *reader, struct table *table,
                                   const struct ice_data_file *file, struct err *err);
void table_reader_deinit(struct table_reader *reader);

/* Appends column definition.field[index] of one row group to *out.  An optional column that the
 * file lacks is all null.  TABLE_GONE. */
CHECK_RESULT int table_reader_column(struct table_reader *reader, size_t row_group, size_t index,
                                     struct column *out, struct err *err);

/* The row group's range of a long or timestamptz column; false without statistics. */
CHECK_RESULT bool table_reader_range(const struct table_reader *reader, size_t row_group,
                                     size_t index, int64_t *lower, int64_t *upper);

/* Rows [first, first + count) of a row group. */
struct table_rows {
    int64_t first, count;
};

/* The rows of those pages of a long or timestamptz column whose values may be in a wanted range, a
 * run for each page, ascending, in the reader's memory until the next open.  A page that says
 * nothing of its values is wanted; a row group without offset index is one page.  TABLE_GONE. */
CHECK_RESULT int table_reader_pages(struct table_reader *reader, size_t row_group, size_t index,
                                    bool (*wanted)(const void *context, int64_t lower,
                                                   int64_t upper),
                                    const void *context, const struct table_rows **runs,
                                    size_t *count, struct err *err);

/* table_reader_column for the rows of these runs, which ascend and do not overlap; fetches the
 * pages that hold them where the file has an offset index.  TABLE_GONE. */
CHECK_RESULT int table_reader_rows(struct table_reader *reader, size_t row_group, size_t index,
                                   const struct table_rows *runs, size_t count, struct column *out,
                                   struct err *err);

#endif
