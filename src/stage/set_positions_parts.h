// SPDX-License-Identifier: Apache-2.0
/* set_positions_parts.h: what the files of set_positions share; for them alone.  The tables that go
 * along are opened as they are needed, and a plan changes only setting.after of each. */
#ifndef K2_STAGE_SET_POSITIONS_PARTS_H
#define K2_STAGE_SET_POSITIONS_PARTS_H

#include "stage/set_positions.h"

#include "protocol/setting.h"
#include "stage/tables.h"

enum set_positions_kind { PLACE_BRONZE, PLACE_DEAD, PLACE_SILVER, PLACE_GOLD, PLACES };

struct set_positions_place {
    struct chain_table chain;
    struct setting setting;
    bool is_open, is_there;
};

struct set_positions {
    const struct stage_ports *ports;
    const char *const *exchanges;
    size_t exchange_count;
    struct arena arena;
    struct tables_names names; /* of the exchange that is set */
    struct set_positions_place place[PLACES];
    enum set_positions_kind target;
    bool is_by_rows; /* the target's property may say what its rows do not */
};

/* Opens a table once; one that is absent has an empty map. */
CHECK_RESULT int set_positions_open_place(struct set_positions *set, enum set_positions_kind kind,
                                          struct err *err);
const char *set_positions_name_of(const struct set_positions *set, enum set_positions_kind kind);
/* Where Silver or the dead letters stand, as the silver job reads their maps. */
int64_t set_positions_stands_at(const struct set_positions *set, enum set_positions_kind kind,
                                int32_t partition);
/* Is this a topic of raw frames, which the dead letters take from the log? */
bool set_positions_is_raw(struct set_positions *set, const char *topic);
/* "bronze-binance" or "bronze_binance_trades" */
bool set_positions_is_named(const char *target, const char *job, const char *exchange,
                            const char *table);
/* Decimal digits, nothing else. */
bool set_positions_is_number(const char *text, int64_t max, int64_t *value);
int set_positions_refuse_word(const char *word, const char *expected, struct err *err);

static inline void set_positions_begin_epoch(struct setting *setting)
{
    setting->after.epoch = setting->before.epoch + 1;
}

/* set_positions_offsets.c: TOPIC/PARTITION=OFFSET|earliest|latest, or one of these for all. */
CHECK_RESULT int set_positions_offsets_plan(struct set_positions *set, const char *const *words,
                                            size_t count, struct err *err);
/* set_positions_rows.c: as the table's own rows have it. */
CHECK_RESULT int set_positions_rows_plan(struct set_positions *set, struct err *err);
/* set_positions_gold.c: INPUT=SNAPSHOT|all */
CHECK_RESULT int set_positions_gold_plan(struct set_positions *set, const char *word,
                                         struct err *err);

#endif
