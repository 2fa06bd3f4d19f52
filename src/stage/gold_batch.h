// SPDX-License-Identifier: Apache-2.0
/* gold_batch.h: the rows of one Gold batch: read from Silver, sorted, cut by the hour. */
#ifndef K2_STAGE_GOLD_BATCH_H
#define K2_STAGE_GOLD_BATCH_H

#include "stage/stage.h"
#include "stage/tables.h"

#include "iceberg/table_read.h"
#include "protocol/own_rows.h"

struct gold_batch {
    struct column row[TRADE_FIELDS];    /* as read, in input order */
    struct column sorted[GOLD_COLUMNS]; /* as written */
    struct table_reader reader;
    struct gold_order {
        int64_t timestamp_us;
        uint32_t row;
    } * order, *order_scratch;
    uint32_t *index;
    struct buf own; /* uint32_t: rows of one file */
    size_t capacity;
};

void gold_batch_init(struct gold_batch *batch);
void gold_batch_deinit(struct gold_batch *batch);
void gold_batch_clear(struct gold_batch *batch);

static inline size_t gold_batch_rows(const struct gold_batch *batch)
{
    return batch->row[TRADE_TIMESTAMP].rows;
}

/* Appends the trades of one Silver file.  TABLE_GONE. */
CHECK_RESULT int gold_batch_read(struct gold_batch *batch, struct chain_table *silver,
                                 const struct ice_data_file *file, struct err *err);

/* Of the file's rows [*next, *next + rows_max) those of our own; *next becomes the first one behind
 * them, 0 at the file's end.  GOLD_BATCH_CLAIMS: the file has not our key, and whose its rows are
 * must be found out first (own_rows_claim). */
enum { GOLD_BATCH_CLAIMS = 100 };
CHECK_RESULT int gold_batch_read_own(struct gold_batch *batch, struct chain_table *silver,
                                     const struct ice_data_file *file, enum own_level level,
                                     const struct own_claims *claims, int64_t rows_max,
                                     int64_t *next, struct err *err);

/* Room for the row numbers of all rows, for the caller to fill. */
uint32_t *gold_batch_index(struct gold_batch *batch);

/* Sorts rows index[0..count) by (timestamp, trade_id) and writes them, a file for each hour,
 * appended to *files. */
CHECK_RESULT int gold_batch_write(struct gold_batch *batch, size_t count, struct chain_table *gold,
                                  struct arena *arena, int64_t now_us, size_t file_rows,
                                  struct stage_files *files, struct err *err);

#endif
