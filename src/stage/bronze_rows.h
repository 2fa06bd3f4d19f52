// SPDX-License-Identifier: Apache-2.0
/*
 * bronze_rows.h: Bronze's rows as Silver reads them: by files in the order they were appended, or,
 * on the second path of rule 6, by offsets out of whatever files are live.
 */
#ifndef K2_STAGE_BRONZE_ROWS_H
#define K2_STAGE_BRONZE_ROWS_H

#include "iceberg/table_read.h"
#include "protocol/read_on.h"
#include "stage/tables.h"

/* For each partition p < count: the offsets [from[p], to[p]). */
struct offset_window {
    const int64_t *from, *to;
    int32_t count;
};

/* False when the file's bounds of this column say that none of its offsets lies in the window. */
bool bronze_rows_may_hold(const struct offset_window *window, const struct ice_data_file *file,
                          int32_t offset_id);

/* Rows in reading order: raw bytes, partition, offset, both times; the other columns stay empty. */
struct bronze_rows {
    struct column column[BRONZE_COLUMNS];
    struct table_reader reader;
    struct buf index;
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
 * Second path: the rows of the window [from, to) out of the live files with our writer's key.
 * Files whose offset ranges overlap in a partition form one group, and a position moves only past a
 * whole group.  rows_max < 0: all groups; otherwise, for each partition, groups until their rows
 * reach its equal share of it, until those of all reach it; at least one group in all.  end[p] says
 * how far partition p was read; *is_all that it is `to` everywhere.  `after_sequence` is for a
 * mutation only.  REFUSED when an offset is found twice, and when rows that Bronze's
 * `map` counts are in none of these files (own_rows_visit).
 */
CHECK_RESULT int bronze_rows_read_offsets(struct bronze_rows *rows, struct chain_table *bronze,
                                          const struct positions *map,
                                          const struct offset_window *window, int64_t rows_max,
                                          int64_t after_sequence, int64_t *end, bool *is_all,
                                          struct err *err);

#endif
