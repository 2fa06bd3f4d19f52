// SPDX-License-Identifier: Apache-2.0
/* operator.c: what an operator does after a refusal: puts a schema right, removes foreign rows, or
 * sets positions with open eyes.  Works on the table that the refusal names. */
#include "sim/sim.h"

#include "core/num.h"

#include <inttypes.h>
#include <string.h>

struct desk {
    struct sim *sim;
    struct chain_table chain;
    struct arena arena;
    struct positions map;
    struct err err;
};

/* Opens a table with its map; false when the map itself is refused. */
static bool desk_open(struct desk *desk, struct sim *sim, enum sim_table table)
{
    *desk = (struct desk){ .sim = sim };
    sim_open_table(sim, table, &desk->chain);
    positions_init(&desk->map, &desk->arena);
    return chain_load(&desk->chain, &desk->arena, &desk->map, &desk->err) == 0;
}

static void desk_close(struct desk *desk)
{
    chain_deinit(&desk->chain);
    arena_deinit(&desk->arena);
}

/* `k2 positions set`: a snapshot without rows that carries the map as it is now. */
static void set_positions(struct desk *desk)
{
    struct table *table = &desk->chain.table;
    struct ice_pair pairs[POSITIONS_PAIRS];
    struct table_change change = { .operation = "append",
                                   .snapshot_id = table_new_snapshot_id(table),
                                   .summary = pairs,
                                   .summary_count = POSITIONS_PAIRS,
                                   .properties = pairs,
                                   .property_count = POSITIONS_PAIRS };
    struct err err;

    desk->map.commit_id =
        arena_printf(&desk->arena, "operator-%016" PRIx64, clock_random(desk->sim->clock));
    desk->map.worker = "operator";
    positions_pairs(&desk->map, pairs);
    if (table_swap(table, table->metadata, &change, &err) != 0)
        abort();
}

static void remove_input(struct positions *map, const char *name)
{
    for (size_t i = 0; i < map->input_count; i++)
        if (strcmp(map->input[i].table, name) == 0)
            map->input[i] = map->input[--map->input_count];
    map->complete_us = 0;
}

/* positions set gold <input>=all */
static void read_all_again(struct sim *sim, const char *text)
{
    struct desk desk;

    if (desk_open(&desk, sim, SIM_GOLD)) {
        for (int x = 0; x < SIM_EXCHANGES; x++)
            if (strstr(text, sim->exchange[x].names.silver) != NULL)
                remove_input(&desk.map, sim->exchange[x].names.silver);
        set_positions(&desk);
    }
    desk_close(&desk);
}

/* -- rows lost, or foreign rows where ours should be: positions as the table's own rows have them
 */

static void set_by_rows(struct desk *desk, enum sim_table table)
{
    struct sim *sim = desk->sim;
    struct sim_counts counts;
    struct err err;

    sim_count_own(sim, table, &counts);
    if (positions_of_properties(&desk->map, desk->chain.table.metadata, &err) != 0)
        abort();
    positions_remove_inputs(&desk->map);
    for (int x = 0; x < SIM_EXCHANGES; x++) {
        if (table != SIM_DEAD && table != (enum sim_table)(SIM_BRONZE_0 + x) &&
            table != (enum sim_table)(SIM_SILVER_0 + x))
            continue;
        for (int32_t p = 0; p < sim->exchange[x].partitions; p++) {
            struct position_offset *entry = &counts.entry[x][p];

            entry->topic = sim->exchange[x].names.topic;
            entry->cluster = sim->log->cluster;
            entry->partition = p;
            entry->next = int64_max(sim->begin[x][p], entry->high + 1);
            entry->last = POSITION_NONE;
            positions_set_offset(&desk->map, entry);
        }
    }
    desk->map.epoch++;
    sim->is_rolled[table] = true;
    set_positions(desk);
}

static void mend_rows(struct sim *sim, enum sim_table table)
{
    struct desk desk;

    sim_remove_foreign(sim, table);
    if (!desk_open(&desk, sim, table) && desk.err.kind == ERR_REFUSED)
        set_by_rows(&desk, table);
    desk_close(&desk);
}

void sim_operate(struct sim *sim, const struct err *refused)
{
    sim_trace(sim, "operator: %s", refused->text);
    if (strstr(refused->text, "verdict_changed") != NULL) {
        for (int i = 1; i <= SIM_SCHEMAS; i++)
            sim->is_broken[i] = false;
        return;
    }
    if (strstr(refused->text, "upstream_rolled_back") != NULL) {
        read_all_again(sim, refused->text);
        return;
    }
    if (strstr(refused->text, "rows_lost") != NULL ||
        strstr(refused->text, "foreign_rows") != NULL) {
        for (int table = 0; table < SIM_TABLES; table++)
            if (strstr(refused->text, sim_table_name(sim, (enum sim_table)table)) != NULL)
                mend_rows(sim, (enum sim_table)table);
        return;
    }
    sim_break(sim, "nobody expects", refused->text);
}
