// SPDX-License-Identifier: Apache-2.0
/* gold_batch.c: the batch is sorted first, so that one file is open at a time.  Trades arrive
 * almost in order: what is in order already is not sorted again, and a merge sort does the rest. */
#include "stage/gold_batch.h"

#include "core/micros.h"
#include "core/num.h"
#include "protocol/own_rows.h"

enum { GOLD_ROW_GROUP_ROWS = 32768 }; /* the look-up skips whole row groups */

void gold_batch_init(struct gold_batch *batch)
{
    *batch = (struct gold_batch){ 0 };
    for (size_t i = 0; i < TRADE_FIELDS; i++) {
        column_init(&batch->row[i], trade_field_type((enum trade_field)i));
        column_init(&batch->sorted[i], trade_field_type((enum trade_field)i));
    }
    column_init(&batch->sorted[GOLD_INGESTION_TIMESTAMP], COLUMN_INT64);
    column_init(&batch->sorted[GOLD_EXCHANGE_DATE], COLUMN_INT32);
    column_init(&batch->sorted[GOLD_EXCHANGE_HOUR], COLUMN_INT32);
}

void gold_batch_deinit(struct gold_batch *batch)
{
    for (size_t i = 0; i < TRADE_FIELDS; i++)
        column_deinit(&batch->row[i]);
    for (size_t i = 0; i < GOLD_COLUMNS; i++)
        column_deinit(&batch->sorted[i]);
    table_reader_deinit(&batch->reader);
    buf_deinit(&batch->own);
    free(batch->order);
    free(batch->order_scratch);
    free(batch->index);
}

void gold_batch_clear(struct gold_batch *batch)
{
    for (size_t i = 0; i < TRADE_FIELDS; i++)
        column_clear(&batch->row[i]);
}

/* Appends rows of the file that is open, of one of its columns. */
static int read_rows(struct gold_batch *batch, const struct table_rows *rows, size_t index,
                     struct column *out, struct err *err)
{
    const struct parquet_file *file = &batch->reader.file;
    int64_t end = rows->first + rows->count, base = 0;
    int rc = 0;

    for (size_t g = 0; rc == 0 && g < file->row_group_count && base < end; g++) {
        int64_t from = int64_max(rows->first, base) - base;
        int64_t to = int64_min(end - base, file->row_group[g].rows);
        const struct table_rows run = { from, to - from };

        base += file->row_group[g].rows;
        if (from >= to)
            continue;
        rc = table_reader_rows(&batch->reader, g, index, &run, 1, out, err);
    }
    return rc;
}

static int read_trades(struct gold_batch *batch, const struct table_rows *rows, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < TRADE_FIELDS; i++)
        rc = read_rows(batch, rows, i, &batch->row[i], err);
    return rc;
}

int gold_batch_read(struct gold_batch *batch, struct chain_table *silver,
                    const struct ice_data_file *file, struct err *err)
{
    int rc = table_reader_open(&batch->reader, &silver->table, file, err);
    const struct table_rows all = { 0, batch->reader.file.rows };

    return rc == 0 ? read_trades(batch, &all, err) : rc;
}

/* Which of these rows of the file that is open are ours, by their origin, into batch->own. */
static int find_own(struct gold_batch *batch, const struct chain_table *silver,
                    const struct ice_data_file *file, enum own_level level,
                    const struct own_claims *claims, const struct table_rows *rows, struct err *err)
{
    const struct chain_origin *origin = &silver->origin;
    struct column partition, offset;
    int rc;

    column_init(&partition, COLUMN_INT32);
    column_init(&offset, COLUMN_INT64);
    buf_clear(&batch->own);
    rc = read_rows(batch, rows, (size_t)origin->partition, &partition, err);
    if (rc == 0)
        rc = read_rows(batch, rows, (size_t)origin->offset, &offset, err);
    for (size_t row = 0; rc == 0 && row < offset.rows; row++) {
        uint32_t index = (uint32_t)(gold_batch_rows(batch) + row);

        if (!column_is_null(&partition, row) && !column_is_null(&offset, row) &&
            own_claims_hold(claims, level, file->file_sequence, span_text(origin->only_topic),
                            column_int32(&partition, row), column_int64(&offset, row)))
            buf_put(&batch->own, &index, sizeof(index));
    }
    column_deinit(&partition);
    column_deinit(&offset);
    return rc;
}

int gold_batch_read_own(struct gold_batch *batch, struct chain_table *silver,
                        const struct ice_data_file *file, enum own_level level,
                        const struct own_claims *claims, int64_t rows_max, int64_t *next,
                        struct err *err)
{
    size_t first = gold_batch_rows(batch);
    int rc = table_reader_open(&batch->reader, &silver->table, file, err);
    int64_t left = batch->reader.file.rows - *next;
    const struct table_rows rows = { *next, int64_max(0, int64_min(left, rows_max)) };

    if (rc != 0)
        return rc;
    if (own_rows_is_ours(&batch->reader)) {
        rc = read_trades(batch, &rows, err);
    } else if (claims == NULL) {
        return GOLD_BATCH_CLAIMS;
    } else {
        rc = find_own(batch, silver, file, level, claims, &rows, err);
        if (rc == 0)
            rc = read_trades(batch, &rows, err);
        for (size_t i = 0; rc == 0 && i < TRADE_FIELDS; i++)
            column_keep(&batch->row[i], first, (const uint32_t *)(const void *)batch->own.data,
                        batch->own.size / sizeof(uint32_t));
    }
    *next = left > rows_max ? *next + rows_max : 0;
    return rc;
}

uint32_t *gold_batch_index(struct gold_batch *batch)
{
    size_t rows = gold_batch_rows(batch);

    if (rows > batch->capacity || batch->index == NULL) {
        batch->order = mem_realloc(batch->order, rows + 1, sizeof(*batch->order));
        batch->order_scratch =
            mem_realloc(batch->order_scratch, rows + 1, sizeof(*batch->order_scratch));
        batch->index = mem_realloc(batch->index, rows + 1, sizeof(*batch->index));
        batch->capacity = rows;
    }
    return batch->index;
}

static bool is_ordered(const struct gold_batch *batch, const struct gold_order *a,
                       const struct gold_order *b)
{
    const struct column *id = &batch->row[TRADE_TRADE_ID];

    if (a->timestamp_us != b->timestamp_us)
        return a->timestamp_us < b->timestamp_us;
    return span_compare(column_bytes(id, a->row), column_bytes(id, b->row)) <= 0;
}

/* Merges [low, middle) and [middle, high); both are in order. */
static void merge(struct gold_batch *batch, size_t low, size_t middle, size_t high)
{
    struct gold_order *order = batch->order;
    struct gold_order *scratch = batch->order_scratch;
    size_t left = low, right = middle, to = low;

    if (is_ordered(batch, &order[middle - 1], &order[middle]))
        return;
    memcpy(scratch + low, order + low, (middle - low) * sizeof(*order));
    while (left < middle && right < high)
        order[to++] =
            is_ordered(batch, &scratch[left], &order[right]) ? scratch[left++] : order[right++];
    memcpy(order + to, scratch + left, (middle - left) * sizeof(*order));
}

/* Stable; one pass over rows that are in order already. */
static void sort(struct gold_batch *batch, size_t count)
{
    for (size_t i = 0; i < count; i++)
        batch->order[i] =
            (struct gold_order){ column_int64(&batch->row[TRADE_TIMESTAMP], batch->index[i]),
                                 batch->index[i] };
    for (size_t width = 1; width < count; width *= 2)
        for (size_t low = 0; low + width < count; low += 2 * width)
            merge(batch, low, low + width, size_min(low + 2 * width, count));
    for (size_t i = 0; i < count; i++)
        batch->index[i] = batch->order[i].row;
}

static void fill_sorted(struct gold_batch *batch, size_t count, int64_t now_us)
{
    struct column *to = batch->sorted;

    for (size_t i = 0; i < GOLD_COLUMNS; i++)
        column_clear(&to[i]);
    for (size_t i = 0; i < TRADE_FIELDS; i++)
        column_gather(&to[i], &batch->row[i], batch->index, count);
    column_repeat_int64(&to[GOLD_INGESTION_TIMESTAMP], now_us, count);
    for (size_t i = 0; i < count; i++) {
        int64_t at = column_int64(&to[TRADE_TIMESTAMP], i);

        column_put_int32(&to[GOLD_EXCHANGE_DATE], micros_day(at));
        column_put_int32(&to[GOLD_EXCHANGE_HOUR], (int32_t)micros_hour_of_day(at));
    }
}

int gold_batch_write(struct gold_batch *batch, size_t count, struct chain_table *gold,
                     struct arena *arena, int64_t now_us, size_t file_rows,
                     struct stage_files *files, struct err *err)
{
    const struct column *columns[GOLD_COLUMNS];
    const int64_t *times;
    size_t first = 0;

    sort(batch, count);
    fill_sorted(batch, count, now_us);
    for (size_t i = 0; i < GOLD_COLUMNS; i++)
        columns[i] = &batch->sorted[i];
    times = column_int64s(&batch->sorted[TRADE_TIMESTAMP]);
    while (first < count) {
        int32_t partition[2] = { micros_day(times[first]),
                                 (int32_t)micros_hour_of_day(times[first]) };
        int64_t hour = micros_hour(times[first]);
        size_t end = first + 1;

        while (end < count && micros_hour(times[end]) == hour)
            end++;
        if (stage_write_files(gold, arena, columns, first, end - first, partition, file_rows,
                              GOLD_ROW_GROUP_ROWS, true, files, err) != 0)
            return -1;
        first = end;
    }
    return 0;
}
