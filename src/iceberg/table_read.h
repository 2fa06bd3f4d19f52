// SPDX-License-Identifier: Apache-2.0
/* table_read.h: the columns of one data file, row group by row group.  Reads only the bytes of the
 * footer and of the columns asked for. */
#ifndef K2_ICEBERG_TABLE_READ_H
#define K2_ICEBERG_TABLE_READ_H

#include "codec/parquet_reader.h"
#include "iceberg/table.h"

struct table_reader {
    struct table *table; /* borrowed */
    const char *path;    /* borrowed from the data file */
    struct parquet_file file;
    struct arena arena;
    struct buf footer, chunk[2]; /* footer: the file from `tail` on */
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

#endif
