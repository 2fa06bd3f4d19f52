// SPDX-License-Identifier: Apache-2.0
/* operator.c: what an operator does after a refusal: puts a schema right, removes foreign rows, or
 * runs the very `k2 positions set` that the refusal names, by the code that ships; and removes the
 * files that this in turn wants out of the way. */
#include "sim/sim.h"

#include "stage/set_positions.h"

#include <inttypes.h>
#include <string.h>

enum { WORDS_MAX = 8 };

/* The words behind `k2 positions set` in a refusal, in one copy; 0 when it names none. */
static size_t command_of(const char *refusal, char *copy, size_t size, const char *words[WORDS_MAX])
{
    static const char command[] = "`k2 positions set ";
    const char *at = strstr(refusal, command);
    const char *end = at == NULL ? NULL : strchr(at + 1, '`');
    size_t count = 0;

    if (end == NULL)
        return 0;
    at += strlen(command);
    snprintf(copy, size, "%.*s", (int)(end - at), at);
    for (char *word = strtok(copy, " "); word != NULL && count < WORDS_MAX;
         word = strtok(NULL, " "))
        words[count++] = word;
    return count;
}

/* A snapshot that Silver's main and Gold's position have both behind them, or POSITION_NONE. */
static int64_t any_common(struct sim *sim, enum sim_table table)
{
    struct chain_table gold, silver;
    struct arena arena = ARENA_INIT;
    struct positions map;
    const struct position_input *at = NULL;
    int64_t found = POSITION_NONE;
    struct err err;

    sim_open_table(sim, SIM_GOLD, &gold);
    sim_open_table(sim, table, &silver);
    positions_init(&map, &arena);
    if (chain_load(&gold, &arena, &map, &err) == 0 && table_load(&silver.table, &err) == 0)
        at = positions_input(&map, sim_table_name(sim, table));
    if (at != NULL) {
        const struct ice_metadata *metadata = silver.table.metadata;

        for (size_t i = 0; i < metadata->snapshot_count; i++) {
            int64_t id = metadata->snapshot[i].id;

            if (ice_metadata_snapshot(metadata, at->snapshot) != NULL &&
                ice_metadata_is_ancestor(metadata, id, metadata->main) &&
                ice_metadata_is_ancestor(metadata, id, at->snapshot) &&
                (found == POSITION_NONE || sim_chance(sim, 50)))
                found = id;
        }
    }
    chain_deinit(&gold);
    chain_deinit(&silver);
    arena_deinit(&arena);
    return found;
}

/* "silver_binance_trades=<snapshot>|all" -> one of the two. */
static const char *choose(struct sim *sim, const char *word)
{
    static const char choice[] = "=<snapshot>|all";
    size_t size = strlen(word);
    int64_t common = POSITION_NONE;

    if (size < sizeof(choice) || strcmp(word + size - (sizeof(choice) - 1), choice) != 0)
        return word;
    size -= sizeof(choice) - 1;
    for (int x = 0; x < SIM_EXCHANGES && sim_chance(sim, 50); x++)
        if (strncmp(word, sim->exchange[x].names.silver, size) == 0)
            common = any_common(sim, (enum sim_table)(SIM_SILVER_0 + x));
    if (common == POSITION_NONE)
        return arena_printf(&sim->arena, "%.*s=all", (int)size, word);
    return arena_printf(&sim->arena, "%.*s=%" PRId64, (int)size, word, common);
}

/* What the tables were set to is no longer what they had been by themselves. */
static void note_set(struct sim *sim, const char *described)
{
    int named = -1;

    for (const char *line = described; line != NULL && *line != 0; line = strchr(line, '\n')) {
        line += *line == '\n';
        for (int table = 0; table < SIM_TABLES; table++) {
            const char *name = sim_table_name(sim, (enum sim_table)table);

            if (strncmp(line, name, strlen(name)) == 0)
                named = table;
        }
        if (named >= 0)
            sim->is_rolled[named] = true;
        if (named >= 0 && strncmp(line, "  skips", 7) == 0)
            sim->is_skipped[named] = true;
    }
}

static void set_positions(struct sim *sim, const char *const *words, size_t count)
{
    const char *const exchanges[SIM_EXCHANGES] = { sim->exchange[0].name, sim->exchange[1].name };
    struct set_positions *set = set_positions_new(&sim->ports, exchanges, SIM_EXCHANGES);
    struct buf text = BUF_INIT;
    struct err err = { 0 };
    int rc = set_positions_plan(set, words[0], words + 1, count - 1, &err);

    if (rc == 0) {
        set_positions_describe(set, &text);
        sim_trace(sim, "operator sets %s", buf_text(&text));
        note_set(sim, buf_text(&text));
        rc = set_positions_apply(set, "operator@sim", "the simulation", &err);
    }
    if (rc != 0)
        sim_trace(sim, "operator: %s", err.text);
    if (rc != 0 && strstr(err.text, "remove those files first") != NULL)
        for (int table = 0; table < SIM_TABLES; table++)
            if (strncmp(err.text, sim_table_name(sim, (enum sim_table)table),
                        strlen(sim_table_name(sim, (enum sim_table)table))) == 0)
                sim_remove_keyless(sim, (enum sim_table)table);
    if (rc != 0 && err.kind != ERR_REFUSED)
        sim_break(sim, "operator", err.text);
    buf_deinit(&text);
    set_positions_free(set);
}

void sim_operate(struct sim *sim, const struct err *refused)
{
    char copy[sizeof(refused->text)];
    const char *words[WORDS_MAX];
    size_t count = command_of(refused->text, copy, sizeof(copy), words);

    sim_trace(sim, "operator: %s", refused->text);
    if (strstr(refused->text, "verdict_changed") != NULL) {
        for (int i = 1; i <= SIM_SCHEMAS; i++)
            sim->is_broken[i] = false;
        return;
    }
    if (strstr(refused->text, "rows_lost") != NULL || strstr(refused->text, "foreign_rows") != NULL)
        for (int table = 0; table < SIM_TABLES; table++)
            if (strstr(refused->text, sim_table_name(sim, (enum sim_table)table)) != NULL)
                sim_remove_foreign(sim, (enum sim_table)table);
    if (count < 2 && strstr(refused->text, "foreign_rows") == NULL)
        sim_break(sim, "nobody expects", refused->text);
    if (count < 2)
        return;
    words[1] = choose(sim, words[1]);
    set_positions(sim, words, count);
}
