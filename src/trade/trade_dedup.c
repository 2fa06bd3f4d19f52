// SPDX-License-Identifier: Apache-2.0
/* trade_dedup.c: chained hashing on message_id alone, so that one look finds both copies and ids
 * that come with another price, quantity or side. */
#include "trade/trade_dedup.h"

#include "core/hash.h"
#include "core/num.h"

void trade_dedup_deinit(struct trade_dedup *dedup)
{
    free(dedup->head);
    free(dedup->row);
    free(dedup->mark);
    free(dedup->interval);
    *dedup = (struct trade_dedup){ 0 };
}

static void reserve(struct trade_dedup *dedup, size_t rows)
{
    size_t heads = 1024;

    while (heads < 2 * rows)
        heads *= 2;
    if (rows > dedup->row_capacity || dedup->head == NULL) {
        dedup->row = mem_realloc(dedup->row, rows + 1, sizeof(*dedup->row));
        dedup->mark = mem_realloc(dedup->mark, rows + 1, sizeof(*dedup->mark));
        dedup->interval = mem_realloc(dedup->interval, rows + 1, sizeof(*dedup->interval));
        dedup->row_capacity = rows;
        free(dedup->head);
        dedup->head = mem_zero(heads, sizeof(*dedup->head));
        dedup->head_mask = heads - 1;
    }
}

static int by_from(const void *left, const void *right)
{
    const struct trade_interval *a = left, *b = right;

    return (a->from > b->from) - (a->from < b->from);
}

static void merge_intervals(struct trade_dedup *dedup)
{
    struct trade_interval *in = dedup->interval;
    bool is_sorted = true;
    size_t count = 0;

    for (size_t i = 0; i < dedup->rows; i++) {
        int64_t at = column_int64(dedup->batch.timestamp, i);

        in[i] = (struct trade_interval){ at - dedup->window_us, at + dedup->window_us };
        is_sorted &= i == 0 || in[i - 1].from <= in[i].from;
    }
    if (!is_sorted)
        qsort(in, dedup->rows, sizeof(*in), by_from);
    for (size_t i = 0; i < dedup->rows; i++) {
        if (count > 0 && in[i].from <= in[count - 1].to)
            in[count - 1].to = int64_max(in[count - 1].to, in[i].to);
        else
            in[count++] = in[i];
    }
    dedup->interval_count = count;
}

static uint32_t hash_of(const struct column *message_id, size_t row)
{
    return (uint32_t)hash_fast(column_bytes(message_id, row));
}

void trade_dedup_begin(struct trade_dedup *dedup, const struct trade_keys *batch, int64_t window_us)
{
    size_t rows = batch->timestamp->rows;

    ASSERT(rows < UINT32_MAX);
    reserve(dedup, rows);
    dedup->batch = *batch;
    dedup->rows = rows;
    dedup->window_us = window_us;
    memset(dedup->head, 0, (dedup->head_mask + 1) * sizeof(*dedup->head));
    for (size_t i = 0; i < rows; i++) {
        uint32_t hash = hash_of(batch->message_id, i);
        uint32_t *head = &dedup->head[hash & dedup->head_mask];

        dedup->row[i] = (struct trade_dedup_row){ *head, hash };
        *head = (uint32_t)i + 1;
    }
    merge_intervals(dedup);
    trade_dedup_restart(dedup);
}

void trade_dedup_restart(struct trade_dedup *dedup)
{
    memset(dedup->mark, 0, dedup->rows);
    dedup->copies = 0;
    dedup->id_conflicts = 0;
}

bool trade_dedup_overlaps(const struct trade_dedup *dedup, int64_t from, int64_t to)
{
    size_t low = 0;
    size_t high = dedup->interval_count;

    while (low < high) { /* the first interval that ends at or after `from` */
        size_t middle = low + (high - low) / 2;

        if (dedup->interval[middle].to < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low < dedup->interval_count && dedup->interval[low].from <= to;
}

static bool same_rest(const struct trade_keys *a, size_t i, const struct trade_keys *b, size_t j)
{
    return column_decimal(a->price, i) == column_decimal(b->price, j) &&
           column_decimal(a->quantity, i) == column_decimal(b->quantity, j) &&
           span_equal(column_bytes(a->side, i), column_bytes(b->side, j));
}

static bool is_near(const struct trade_dedup *dedup, int64_t a, int64_t b)
{
    return (a > b ? a - b : b - a) <= dedup->window_us;
}

static void set_mark(struct trade_dedup *dedup, size_t row, uint8_t mark, size_t *counter)
{
    if ((dedup->mark[row] & mark) == 0) {
        dedup->mark[row] |= mark;
        (*counter)++;
    }
}

void trade_dedup_against(struct trade_dedup *dedup, const struct trade_keys *kept)
{
    const struct trade_keys *batch = &dedup->batch;

    for (size_t i = 0; i < kept->timestamp->rows; i++) {
        int64_t at = column_int64(kept->timestamp, i);
        struct span id = column_bytes(kept->message_id, i);
        uint32_t hash = (uint32_t)hash_fast(id);
        uint32_t next = dedup->head[hash & dedup->head_mask];

        while (next != 0) {
            size_t row = next - 1;

            next = dedup->row[row].next;
            if (dedup->row[row].hash != hash ||
                !is_near(dedup, at, column_int64(batch->timestamp, row)) ||
                !span_equal(id, column_bytes(batch->message_id, row)))
                continue;
            if (same_rest(batch, row, kept, i))
                set_mark(dedup, row, TRADE_DEDUP_COPY, &dedup->copies);
            else
                set_mark(dedup, row, TRADE_DEDUP_ID_CONFLICT, &dedup->id_conflicts);
        }
    }
}

void trade_dedup_within(struct trade_dedup *dedup)
{
    const struct trade_keys *batch = &dedup->batch;

    for (size_t row = 0; row < dedup->rows; row++) {
        uint32_t next = dedup->row[row].next; /* rows before this one, by insertion */
        struct span id = column_bytes(batch->message_id, row);

        if (dedup->mark[row] & TRADE_DEDUP_COPY)
            continue;
        while (next != 0) {
            size_t before = next - 1;

            next = dedup->row[before].next;
            if (dedup->row[before].hash != dedup->row[row].hash ||
                (dedup->mark[before] & TRADE_DEDUP_COPY) != 0 ||
                !is_near(dedup, column_int64(batch->timestamp, before),
                         column_int64(batch->timestamp, row)) ||
                !span_equal(id, column_bytes(batch->message_id, before)))
                continue;
            if (same_rest(batch, row, batch, before)) {
                set_mark(dedup, row, TRADE_DEDUP_COPY, &dedup->copies);
                break;
            }
            set_mark(dedup, row, TRADE_DEDUP_ID_CONFLICT, &dedup->id_conflicts);
        }
    }
}

size_t trade_dedup_kept(const struct trade_dedup *dedup, uint32_t *index)
{
    size_t count = 0;

    for (size_t row = 0; row < dedup->rows; row++)
        if ((dedup->mark[row] & TRADE_DEDUP_COPY) == 0)
            index[count++] = (uint32_t)row;
    return count;
}
