// SPDX-License-Identifier: Apache-2.0
/*
 * verdict.h: Bronze's rows decoded and judged: the columns of Silver's good rows and of the dead
 * letters.
 *
 * A verdict depends on the row, its Bronze columns, the rules and the registry's answer for its
 * schema id; never on the wall clock.
 */
#ifndef K2_STAGE_VERDICT_H
#define K2_STAGE_VERDICT_H

#include "port/registry.h"
#include "stage/bronze_rows.h"
#include "trade/trade_check.h"
#include "trade/trade_decode.h"

/* What the registry has said, by schema id: a hash table, because a sick feed has many ids.  That
 * an id is absent is remembered for one batch, because it may be registered later.  A schema is
 * compiled once; beyond these limits all is forgotten. */
enum { SCHEMA_CACHE_IDS = 1024, SCHEMA_CACHE_BYTES = 16 * 1024 * 1024 };

struct schema_cache {
    struct schema_cache_entry {
        int32_t id;
        bool is_used, is_absent;
        const struct trade_decoder *decoder; /* NULL: no trade can be of this schema */
    } * entry;
    size_t count, absent_count, capacity; /* capacity: 0 or a power of two */
    struct arena arena;
};

struct verdict {
    struct registry *registry;       /* borrowed */
    const struct trade_rules *rules; /* borrowed */
    struct schema_cache schemas;
    struct trade_batch trades;
    struct column schema_id; /* INT32, null where no header could be read */
    uint8_t *reason;         /* enum trade_reason, by row */
    uint32_t *good, *bad;    /* row numbers, ascending */
    size_t good_count, bad_count, capacity;
    struct column narrow[2]; /* price and quantity at the table's scale */
    struct column stamp[2];  /* validation_timestamp, replay_id */
};

void verdict_init(struct verdict *verdict, struct registry *registry,
                  const struct trade_rules *rules);
void verdict_deinit(struct verdict *verdict);

/* Decodes and judges all rows.  -1 RETRY: the registry is away, which is never a verdict. */
CHECK_RESULT int verdict_judge(struct verdict *verdict, const struct bronze_rows *rows,
                               struct err *err);

/* Rule 5, D > S: makes every row that is not `held` good, whatever today's rules say; its columns
 * are all that is needed.  -1 RETRY: a schema is unknown today; REFUSED verdict_changed: a row that
 * was good does not decode. */
struct offset_set;
CHECK_RESULT int verdict_follow(struct verdict *verdict, const struct bronze_rows *rows,
                                const struct offset_set *held, struct err *err);

/* Silver's columns of the good rows (SILVER_COLUMNS of them): moves rows within `rows` and the
 * verdict, which hold nothing else afterwards. */
void verdict_silver_columns(struct verdict *verdict, struct bronze_rows *rows, int64_t now_us,
                            const struct column *columns[SILVER_COLUMNS]);

#endif
