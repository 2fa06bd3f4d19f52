// SPDX-License-Identifier: Apache-2.0
/*
 * trade_dedup.c: chained hashing on message_id alone, so that one look finds both copies and ids
 * that come with another price, quantity or side.
 *
 * A sick or hostile feed sends one id without end.  A chain that grows beyond DEPTH_MAX becomes a
 * crowd: its rows in two sorted orders, in which a kept row finds the rows near it by bisection and
 * marks them.  A row is marked once in each order, after which it is passed over; the rows that
 * stay unmarked within a window are kept ones without conflict, of which there are two or three.
 */
#include "trade/trade_dedup.h"

#include "core/hash.h"
#include "core/num.h"

enum { DEPTH_MAX = 16 };

#define CROWD_BIT UINT32_C(0x80000000) /* in head: the rest is the crowd's number */
#define IN_CROWD  UINT32_MAX           /* as a row's next */

void trade_dedup_deinit(struct trade_dedup *dedup)
{
    free(dedup->head);
    free(dedup->row);
    free(dedup->mark);
    free(dedup->interval);
    free(dedup->crowd);
    free(dedup->by_key.row);
    free(dedup->by_key.skip);
    free(dedup->by_time.row);
    free(dedup->by_time.skip);
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

static int compare_ids(struct span a, struct span b)
{
    int order = memcmp(a.data, b.data, size_min(a.size, b.size));

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_rest(const struct trade_keys *a, size_t i, const struct trade_keys *b, size_t j)
{
    int128 p = column_decimal(a->price, i), q = column_decimal(b->price, j);

    if (p == q) {
        p = column_decimal(a->quantity, i);
        q = column_decimal(b->quantity, j);
    }
    return p != q ? (p > q) - (p < q)
                  : compare_ids(column_bytes(a->side, i), column_bytes(b->side, j));
}

/* By id; with has_rest by the rest of the key. */
static int compare_keys(const struct trade_keys *a, size_t i, const struct trade_keys *b, size_t j,
                        bool has_rest)
{
    int order = compare_ids(column_bytes(a->message_id, i), column_bytes(b->message_id, j));

    return order != 0 || !has_rest ? order : compare_rest(a, i, b, j);
}

struct sorting {
    const struct trade_keys *keys;
    bool has_rest;
};

static int compare_rows(const void *left, const void *right, void *context)
{
    const struct sorting *sorting = context;
    uint32_t i = *(const uint32_t *)left, j = *(const uint32_t *)right;
    int64_t a = column_int64(sorting->keys->timestamp, i);
    int64_t b = column_int64(sorting->keys->timestamp, j);
    int order = compare_keys(sorting->keys, i, sorting->keys, j, sorting->has_rest);

    return order != 0 ? order : (a > b) - (a < b);
}

static void order_put(struct trade_dedup_order *order, uint32_t row)
{
    if (order->count == order->capacity) {
        order->capacity = size_max(1024, 2 * order->capacity);
        order->row = mem_realloc(order->row, order->capacity, sizeof(*order->row));
        order->skip = mem_realloc(order->skip, order->capacity, sizeof(*order->skip));
    }
    order->row[order->count++] = row;
}

static void make_crowd(struct trade_dedup *dedup, uint32_t *head)
{
    struct sorting by_key = { &dedup->batch, true }, by_time = { &dedup->batch, false };
    uint32_t begin = (uint32_t)dedup->by_key.count, count;

    for (uint32_t next = *head; next != 0;) {
        struct trade_dedup_row *row = &dedup->row[next - 1];

        order_put(&dedup->by_key, next - 1);
        order_put(&dedup->by_time, next - 1);
        next = row->next;
        row->next = IN_CROWD;
    }
    count = (uint32_t)dedup->by_key.count - begin;
    qsort_r(dedup->by_key.row + begin, count, sizeof(uint32_t), compare_rows, &by_key);
    qsort_r(dedup->by_time.row + begin, count, sizeof(uint32_t), compare_rows, &by_time);
    if (dedup->crowd_count == dedup->crowd_capacity) {
        dedup->crowd_capacity = size_max(16, 2 * dedup->crowd_capacity);
        dedup->crowd = mem_realloc(dedup->crowd, dedup->crowd_capacity, sizeof(*dedup->crowd));
    }
    *head = CROWD_BIT | (uint32_t)dedup->crowd_count;
    dedup->crowd[dedup->crowd_count++] = (struct trade_dedup_crowd){ begin, begin + count };
}

/* Links the rows into chains; true when one is too deep. */
static bool make_chains(struct trade_dedup *dedup)
{
    bool is_deep = false;

    memset(dedup->head, 0, (dedup->head_mask + 1) * sizeof(*dedup->head));
    for (size_t i = 0; i < dedup->rows; i++) {
        uint32_t hash = hash_of(dedup->batch.message_id, i);
        uint32_t *head = &dedup->head[hash & dedup->head_mask];
        uint32_t depth = *head == 0 ? 1 : dedup->row[*head - 1].depth + 1;

        dedup->row[i] = (struct trade_dedup_row){ *head, hash, depth };
        *head = (uint32_t)i + 1;
        is_deep |= depth > DEPTH_MAX;
    }
    return is_deep;
}

void trade_dedup_begin(struct trade_dedup *dedup, const struct trade_keys *batch, int64_t window_us)
{
    size_t rows = batch->timestamp->rows;

    ASSERT(rows < CROWD_BIT);
    reserve(dedup, rows);
    dedup->batch = *batch;
    dedup->rows = rows;
    dedup->window_us = window_us;
    dedup->crowd_count = dedup->by_key.count = dedup->by_time.count = 0;
    if (make_chains(dedup)) {
        for (size_t i = 0; i <= dedup->head_mask; i++) {
            if (dedup->head[i] != 0 && dedup->row[dedup->head[i] - 1].depth > DEPTH_MAX)
                make_crowd(dedup, &dedup->head[i]);
        }
    }
    merge_intervals(dedup);
    trade_dedup_restart(dedup);
}

void trade_dedup_restart(struct trade_dedup *dedup)
{
    memset(dedup->mark, 0, dedup->rows);
    dedup->copies = 0;
    dedup->id_conflicts = 0;
    for (uint32_t i = 0; i < dedup->by_key.count; i++)
        dedup->by_key.skip[i] = dedup->by_time.skip[i] = i + 1;
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
    uint64_t apart = a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;

    return apart <= (uint64_t)dedup->window_us;
}

/* A copy is no conflict, whatever was seen first. */
static void mark_copy(struct trade_dedup *dedup, size_t row)
{
    dedup->copies += (dedup->mark[row] & TRADE_DEDUP_COPY) == 0;
    dedup->id_conflicts -= (dedup->mark[row] & TRADE_DEDUP_ID_CONFLICT) != 0;
    dedup->mark[row] = TRADE_DEDUP_COPY;
}

static void mark_conflict(struct trade_dedup *dedup, size_t row)
{
    dedup->id_conflicts += dedup->mark[row] == 0;
    if (dedup->mark[row] == 0)
        dedup->mark[row] = TRADE_DEDUP_ID_CONFLICT;
}

/* -- crowds */

/* A kept row, of the table or the batch. */
struct kept_row {
    const struct trade_keys *keys;
    size_t row;
    int64_t at;
};

/* The first place whose row is not before `kept`'s key and `from`. */
static uint32_t lower_bound(const struct trade_dedup *dedup, const struct trade_dedup_crowd *crowd,
                            bool has_rest, const struct kept_row *kept, int64_t from)
{
    const uint32_t *rows = has_rest ? dedup->by_key.row : dedup->by_time.row;
    uint32_t low = crowd->begin, high = crowd->end;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_keys(&dedup->batch, rows[middle], kept->keys, kept->row, has_rest);

        if (order < 0 || (order == 0 && column_int64(dedup->batch.timestamp, rows[middle]) < from))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first place at or behind `at` whose row has none of these marks. */
static uint32_t next_open(const struct trade_dedup *dedup, struct trade_dedup_order *order,
                          uint32_t end, uint32_t at, uint8_t marks)
{
    uint32_t to = at;

    while (to < end && (dedup->mark[order->row[to]] & marks) != 0)
        to = order->skip[to];
    while (at < to) {
        uint32_t next = order->skip[at];

        order->skip[at] = to;
        at = next;
    }
    return to;
}

/* Marks the rows near `kept` that have no number below `first`: those with its key as copies, then,
 * of the others with its id, those that are no copies as conflicts. */
static void mark_crowd(struct trade_dedup *dedup, const struct trade_dedup_crowd *crowd,
                       const struct kept_row *kept, size_t first)
{
    int64_t from;

    if (__builtin_sub_overflow(kept->at, dedup->window_us, &from))
        from = INT64_MIN;
    for (int has_rest = 1; has_rest >= 0; has_rest--) {
        struct trade_dedup_order *order = has_rest ? &dedup->by_key : &dedup->by_time;
        uint8_t marks = has_rest ? TRADE_DEDUP_COPY : TRADE_DEDUP_COPY | TRADE_DEDUP_ID_CONFLICT;
        uint32_t at = lower_bound(dedup, crowd, has_rest, kept, from);

        for (; (at = next_open(dedup, order, crowd->end, at, marks)) < crowd->end; at++) {
            uint32_t row = order->row[at];

            if (!is_near(dedup, column_int64(dedup->batch.timestamp, row), kept->at) ||
                compare_keys(&dedup->batch, row, kept->keys, kept->row, has_rest) != 0)
                break;
            if (row < first)
                continue;
            if (has_rest)
                mark_copy(dedup, row);
            else
                mark_conflict(dedup, row);
        }
    }
}

static const struct trade_dedup_crowd *crowd_of(const struct trade_dedup *dedup, uint32_t hash)
{
    return &dedup->crowd[dedup->head[hash & dedup->head_mask] & ~CROWD_BIT];
}

/* -- both */

static void mark_chain(struct trade_dedup *dedup, uint32_t next, uint32_t hash,
                       const struct trade_keys *kept, size_t i)
{
    const struct trade_keys *batch = &dedup->batch;
    int64_t at = column_int64(kept->timestamp, i);
    struct span id = column_bytes(kept->message_id, i);

    while (next != 0) {
        size_t row = next - 1;

        next = dedup->row[row].next;
        if (dedup->row[row].hash != hash ||
            !is_near(dedup, at, column_int64(batch->timestamp, row)) ||
            !span_equal(id, column_bytes(batch->message_id, row)))
            continue;
        if (same_rest(batch, row, kept, i))
            mark_copy(dedup, row);
        else
            mark_conflict(dedup, row);
    }
}

void trade_dedup_against(struct trade_dedup *dedup, const struct trade_keys *kept)
{
    for (size_t i = 0; i < kept->timestamp->rows; i++) {
        uint32_t hash = hash_of(kept->message_id, i);
        uint32_t head = dedup->head[hash & dedup->head_mask];

        if ((head & CROWD_BIT) == 0)
            mark_chain(dedup, head, hash, kept, i);
        else
            mark_crowd(dedup, crowd_of(dedup, hash),
                       &(struct kept_row){ kept, i, column_int64(kept->timestamp, i) }, 0);
    }
}

/* Holds a row against those of its chain that came before it. */
static void settle(struct trade_dedup *dedup, size_t row)
{
    const struct trade_keys *batch = &dedup->batch;
    struct span id = column_bytes(batch->message_id, row);

    for (uint32_t next = dedup->row[row].next; next != 0; next = dedup->row[next - 1].next) {
        size_t before = next - 1;

        if (dedup->row[before].hash != dedup->row[row].hash ||
            (dedup->mark[before] & TRADE_DEDUP_COPY) != 0 ||
            !is_near(dedup, column_int64(batch->timestamp, before),
                     column_int64(batch->timestamp, row)) ||
            !span_equal(id, column_bytes(batch->message_id, before)))
            continue;
        if (same_rest(batch, row, batch, before)) {
            mark_copy(dedup, row);
            return;
        }
        mark_conflict(dedup, row);
    }
}

void trade_dedup_within(struct trade_dedup *dedup)
{
    const struct trade_keys *batch = &dedup->batch;

    for (size_t row = 0; row < dedup->rows; row++) {
        if (dedup->mark[row] & TRADE_DEDUP_COPY)
            continue;
        if (dedup->row[row].next != IN_CROWD)
            settle(dedup, row);
        else
            mark_crowd(dedup, crowd_of(dedup, dedup->row[row].hash),
                       &(struct kept_row){ batch, row, column_int64(batch->timestamp, row) },
                       row + 1);
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
