// SPDX-License-Identifier: Apache-2.0
/*
 * trade_dedup.h: which rows of a batch are copies (rule 7 of docs/commit.md).
 *
 * One key everywhere: (message_id, price, quantity, side).  A row is a copy if a *kept* row has its
 * key and a timestamp within the window of its own.  What the table has is streamed against the
 * batch's own hash table, so that memory is the batch's whatever the table's size.
 */
#ifndef K2_TRADE_TRADE_DEDUP_H
#define K2_TRADE_TRADE_DEDUP_H

#include "core/column.h"

/* The columns that decide; of the same number of rows, none null. */
struct trade_keys {
    const struct column *message_id; /* BYTES */
    const struct column *price;      /* DECIMAL, all at one scale */
    const struct column *quantity;   /* DECIMAL */
    const struct column *side;       /* BYTES */
    const struct column *timestamp;  /* INT64, microseconds */
};

struct trade_dedup {
    struct trade_keys batch;
    size_t rows;
    int64_t window_us;
    uint32_t *head; /* by hash: 0 none; first row of a chain, plus one; or a crowd, see the .c */
    size_t head_mask;
    struct trade_dedup_row {
        uint32_t next; /* in the chain, plus one */
        uint32_t hash;
        uint32_t depth; /* rows of the chain from here on */
    } * row;
    struct trade_dedup_crowd {
        uint32_t begin, end; /* in both orders */
    } * crowd;
    size_t crowd_count, crowd_capacity;
    struct trade_dedup_order {
        uint32_t *row;  /* ascending */
        uint32_t *skip; /* by place: further places that hold no row of interest are passed over */
        size_t count, capacity;
    } by_key, by_time; /* of the crowds' rows: (id, rest of the key, time); (id, time) */
    uint8_t *mark;     /* by row: TRADE_DEDUP_… */
    size_t row_capacity;
    struct trade_interval {
        int64_t from, to; /* both inclusive */
    } * interval;         /* merged union of [t - window, t + window], ascending */
    size_t interval_count;
    size_t copies, id_conflicts;
};

enum { TRADE_DEDUP_COPY = 1, TRADE_DEDUP_ID_CONFLICT = 2 };

/* All zero is ready for begin; memory is reused by the next begin. */
void trade_dedup_deinit(struct trade_dedup *dedup);

/* Borrows the batch's columns until the next begin. No row is a copy yet. */
void trade_dedup_begin(struct trade_dedup *dedup, const struct trade_keys *batch,
                       int64_t window_us);
/* Forgets all marks, for the whole test again on the same batch. */
void trade_dedup_restart(struct trade_dedup *dedup);

/* May rows with times in [from, to] be of any interest? */
bool trade_dedup_overlaps(const struct trade_dedup *dedup, int64_t from, int64_t to);

/* Marks rows of the batch that are copies of these kept rows; and of the others those that share a
 * message_id within the window but not the rest of the key (kept, counted).  However many rows have
 * one id, each row costs the logarithm of it. */
void trade_dedup_against(struct trade_dedup *dedup, const struct trade_keys *kept);

/* Marks, in input order, copies of rows of the batch that are kept themselves. */
void trade_dedup_within(struct trade_dedup *dedup);

/* The rows that are no copies, in input order, into index (room for all rows); their number. */
size_t trade_dedup_kept(const struct trade_dedup *dedup, uint32_t *index);

#endif
