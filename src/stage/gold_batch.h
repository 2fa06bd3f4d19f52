// SPDX-License-Identifier: Apache-2.0
/* gold_batch.h: the rows of one Gold batch: read from Silver, sorted, cut by the hour. */
#ifndef K2_STAGE_GOLD_BATCH_H
#define K2_STAGE_GOLD_BATCH_H

#include "stage/stage.h"
#include "stage/tables.h"

#include "iceberg/table_read.h"

struct gold_batch {
    struct column row[TRADE_FIELDS];    /* as read, in input order */
    struct column sorted[GOLD_COLUMNS]; /* as written */
    struct table_reader reader;
    struct gold_order {
        int64_t timestamp_us;
        uint32_t row;
    } * order, *order_scratch;
    uint32_t *index;
    size_t capacity;
    size_t foreign; /* files passed over by only_ours since the last clear */
};

void gold_batch_init(struct gold_batch *batch);
void gold_batch_deinit(struct gold_batch *batch);
void gold_batch_clear(struct gold_batch *batch);

static inline size_t gold_batch_rows(const struct gold_batch *batch)
{
    return batch->row[TRADE_TIMESTAMP].rows;
}

/* Appends the trades of one Silver file; with `only_ours`, none of a file without our writer's key.
 * TABLE_GONE. */
CHECK_RESULT int gold_batch_read(struct gold_batch *batch, struct chain_table *silver,
                                 const struct ice_data_file *file, bool only_ours, struct err *err);

/* Room for the row numbers of all rows, for the caller to fill. */
uint32_t *gold_batch_index(struct gold_batch *batch);

/* Sorts rows index[0..count) by (timestamp, trade_id) and writes them, a file for each hour,
 * appended to *files. */
CHECK_RESULT int gold_batch_write(struct gold_batch *batch, size_t count, struct chain_table *gold,
                                  struct arena *arena, int64_t now_us, size_t file_rows,
                                  struct stage_files *files, struct err *err);

#endif
