// SPDX-License-Identifier: Apache-2.0
/* set_positions.c: the target is found, each table that has to go along is opened, and the wanted
 * map is made beside the one found (set_positions_offsets.c, _rows.c, _gold.c); protocol/setting.c
 * commits the difference. */
#include "stage/set_positions_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct set_positions *set_positions_new(const struct stage_ports *ports,
                                        const char *const *exchanges, size_t exchange_count)
{
    struct set_positions *set = mem_zero(1, sizeof(*set));

    set->ports = ports;
    set->exchanges = exchanges;
    set->exchange_count = exchange_count;
    return set;
}

void set_positions_free(struct set_positions *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < PLACES; i++)
        if (set->place[i].is_open)
            chain_deinit(&set->place[i].chain);
    arena_deinit(&set->arena);
    free(set);
}

/* -- tables */

static void define(const struct set_positions *set, enum set_positions_kind kind,
                   struct ice_definition *definition, struct chain_origin *origin)
{
    switch (kind) {
    case PLACE_BRONZE:
        *definition = tables_bronze(set->names.bronze);
        *origin = tables_bronze_origin();
        return;
    case PLACE_SILVER:
        *definition = tables_silver(set->names.silver);
        *origin = tables_silver_origin(set->names.topic);
        return;
    case PLACE_DEAD:
        *definition = tables_dead_letters();
        *origin = tables_dead_letters_origin();
        return;
    default:
        *definition = tables_gold();
        *origin = tables_gold_origin();
    }
}

int set_positions_open_place(struct set_positions *set, enum set_positions_kind kind,
                             struct err *err)
{
    struct set_positions_place *place = &set->place[kind];
    struct ice_definition definition;
    struct chain_origin origin;
    int rc;

    if (place->is_open)
        return 0;
    define(set, kind, &definition, &origin);
    stage_chain_init(&place->chain, set->ports, &definition, &origin);
    place->chain.downstream_sequence = 0; /* nothing that a reader may need is dropped */
    place->is_open = true;
    rc = setting_open(&place->setting, &place->chain, &set->arena,
                      set->is_by_rows && kind == set->target, err);
    place->is_there = rc == 0;
    return rc < 0 ? -1 : 0;
}

/* The table that is set itself must be there. */
static int open_target(struct set_positions *set, struct err *err)
{
    const struct set_positions_place *place = &set->place[set->target];

    if (set_positions_open_place(set, set->target, err) != 0)
        return -1;
    if (!place->is_there)
        return err_set(err, ERR_CONFIG, "table %s does not exist yet",
                       place->chain.table.definition.name);
    return 0;
}

/* -- words */

bool set_positions_is_number(const char *text, int64_t max, int64_t *value)
{
    char *end = NULL;
    long long number;

    errno = 0;
    number = strtoll(text, &end, 10);
    *value = number;
    return text[0] >= '0' && text[0] <= '9' && *end == 0 && errno == 0 && number <= max;
}

int set_positions_refuse_word(const char *word, const char *expected, struct err *err)
{
    return err_set(err, ERR_CONFIG, "expected %s, not \"%s\"", expected, word);
}

bool set_positions_is_named(const char *target, const char *job, const char *exchange,
                            const char *table)
{
    size_t size = strlen(job);

    return strcmp(target, table) == 0 || (strncmp(target, job, size) == 0 && target[size] == '-' &&
                                          strcmp(target + size + 1, exchange) == 0);
}

static int find_target(struct set_positions *set, const char *target, struct err *err)
{
    for (size_t i = 0; i < set->exchange_count; i++) {
        tables_names(&set->names, &set->arena, set->exchanges[i]);
        set->target = PLACE_BRONZE;
        if (set_positions_is_named(target, "bronze", set->exchanges[i], set->names.bronze))
            return 0;
        set->target = PLACE_SILVER;
        if (set_positions_is_named(target, "silver", set->exchanges[i], set->names.silver))
            return 0;
    }
    set->target = PLACE_GOLD;
    if (strcmp(target, "gold") == 0 || strcmp(target, TABLES_GOLD) == 0)
        return 0;
    set->target = PLACE_DEAD;
    if (strcmp(target, "dead-letters") == 0 || strcmp(target, TABLES_DEAD_LETTERS) == 0)
        return 0;
    return err_set(err, ERR_CONFIG,
                   "\"%s\" is no table: expected gold, dead-letters, bronze-EXCHANGE, "
                   "silver-EXCHANGE, or the name of such a table",
                   target);
}

bool set_positions_is_raw(struct set_positions *set, const char *topic)
{
    struct tables_names names;

    for (size_t i = 0; i < set->exchange_count; i++) {
        tables_names(&names, &set->arena, set->exchanges[i]);
        if (strcmp(topic, names.dead_topic) == 0)
            return true;
    }
    return false;
}

/* -- positions */

const char *set_positions_name_of(const struct set_positions *set, enum set_positions_kind kind)
{
    return set->place[kind].chain.table.definition.name;
}

int64_t set_positions_stands_at(const struct set_positions *set, enum set_positions_kind kind,
                                int32_t partition)
{
    const struct positions *map = &set->place[kind].setting.before;
    const struct position_offset *entry = positions_offset(map, set->names.topic, partition);

    if (entry != NULL)
        return entry->next;
    return positions_retained_or(
        map, set->names.topic, partition,
        positions_retained(&set->place[PLACE_BRONZE].setting.before, set->names.topic, partition));
}

/* -- the whole */

int set_positions_plan(struct set_positions *set, const char *target, const char *const *words,
                       size_t count, struct err *err)
{
    if (find_target(set, target, err) != 0)
        return -1;
    set->is_by_rows = count == 1 && strcmp(words[0], "rows") == 0;
    if (open_target(set, err) != 0)
        return -1;
    if (count == 0)
        return err_set(err, ERR_CONFIG, "nothing is said to set %s to", target);
    if (set->target == PLACE_GOLD) {
        for (size_t i = 0; i < count; i++)
            if (set_positions_gold_plan(set, words[i], err) != 0)
                return -1;
        return 0;
    }
    if (set->is_by_rows)
        return set_positions_rows_plan(set, err);
    return set_positions_offsets_plan(set, words, count, err);
}

static bool is_set(struct set_positions_place *place)
{
    return place->is_open && place->is_there && setting_changes(&place->setting);
}

bool set_positions_changes(struct set_positions *set)
{
    for (size_t i = 0; i < PLACES; i++)
        if (is_set(&set->place[i]))
            return true;
    return false;
}

int set_positions_apply(struct set_positions *set, const char *who, const char *reason,
                        struct err *err)
{
    /* In between the dead letters never stand above Silver: that would be a decision, which the
     * silver job follows, of what nobody has judged. */
    static const enum set_positions_kind back[PLACES] = { PLACE_BRONZE, PLACE_DEAD, PLACE_SILVER,
                                                          PLACE_GOLD };
    static const enum set_positions_kind forward[PLACES] = { PLACE_BRONZE, PLACE_SILVER, PLACE_DEAD,
                                                             PLACE_GOLD };
    const struct setting *dead = &set->place[PLACE_DEAD].setting;
    bool goes_back = dead->after.epoch != dead->before.epoch;

    for (size_t i = 0; i < PLACES; i++) {
        struct set_positions_place *place = &set->place[goes_back ? back[i] : forward[i]];
        int rc;

        if (!is_set(place))
            continue;
        rc = setting_commit(&place->setting, who, reason, err);
        if (rc > 0)
            return err_set(err, ERR_RETRY, "%s moved while its position was set: look again%s%s",
                           place->chain.table.definition.name,
                           set->target == PLACE_BRONZE && i > 0 ? ", and set the same for " : "",
                           set->target == PLACE_BRONZE && i > 0 ? set->names.silver : "");
        if (rc < 0)
            return -1;
    }
    return 0;
}

void set_positions_describe(struct set_positions *set, struct buf *out)
{
    for (size_t i = 0; i < PLACES; i++)
        if (is_set(&set->place[i]))
            setting_describe(&set->place[i].setting, out);
}
