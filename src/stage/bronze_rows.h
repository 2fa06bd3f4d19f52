// SPDX-License-Identifier: Apache-2.0
/*
 * bronze_rows.h: Bronze's rows as Silver reads them: by files in the order they were appended, or,
 * on the second path of rule 6, by offsets out of whatever files are live.
 */
#ifndef K2_STAGE_BRONZE_ROWS_H
#define K2_STAGE_BRONZE_ROWS_H

#include "iceberg/table_read.h"
#include "protocol/read_on.h"
#include "stage/bronze_spans.h"
#include "stage/tables.h"

/* Rows in reading order: raw bytes, partition, offset, both times; the other columns stay empty. */
struct bronze_rows {
    struct column column[BRONZE_COLUMNS];
    struct table_reader reader;
    struct buf index, runs;    /* uint32_t; struct table_rows */
    struct bronze_spans spans; /* kept from batch to batch of the second path */
};

void bronze_rows_init(struct bronze_rows *rows);
void bronze_rows_deinit(struct bronze_rows *rows);
void bronze_rows_clear(struct bronze_rows *rows);

static inline size_t bronze_rows_count(const struct bronze_rows *rows)
{
    return rows->column[BRONZE_OFFSET].rows;
}

/* Appends the rows of one file that lie in the window.  TABLE_GONE. */
CHECK_RESULT int bronze_rows_read_file(struct bronze_rows *rows, struct chain_table *bronze,
                                       const struct ice_data_file *file,
                                       const struct offset_window *window, struct err *err);

/* Keeps the rows that lie in the window. */
void bronze_rows_cut(struct bronze_rows *rows, const struct offset_window *window);

/*
 * Second path: the rows of the window [from, to) out of the live files that hold rows of our own
 * (own_rows.h), as bronze_spans_choose says; rows_max < 0: all.  end[p] says how far partition p
 * was read; *is_all, that the listing has no more: the position is then live_files_end of
 * rows->spans.files.  `map` is Bronze's, `topic` the one of the window.  REFUSED when an offset is
 * found twice, and by own_rows_claim.
 */
CHECK_RESULT int bronze_rows_read_offsets(struct bronze_rows *rows, struct chain_table *bronze,
                                          const struct positions *map, const char *topic,
                                          const struct offset_window *window, int64_t rows_max,
                                          int64_t after_sequence, int64_t *end, bool *is_all,
                                          struct err *err);

#endif
