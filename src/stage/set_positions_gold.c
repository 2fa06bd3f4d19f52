// SPDX-License-Identifier: Apache-2.0
/* set_positions_gold.c: Gold has no offsets to go by: it is set behind a snapshot that it has
 * taken, or to read all live files again, of which rule 7 drops what it has. */
#include "stage/set_positions_parts.h"

#include <inttypes.h>
#include <string.h>

static int refuse_passed_over(const struct set_positions *set, const char *input, int64_t snapshot,
                              struct err *err)
{
    return err_set(err, ERR_REFUSED,
                   "%s has not taken all of %s up to snapshot %" PRId64
                   ": rows would be passed over; name the snapshot where it stands or one before "
                   "that, or `%s=all`",
                   set_positions_name_of(set, PLACE_GOLD), input, snapshot, input);
}

/* Behind a snapshot of Silver's main: all up to it must be Gold's, that is, it is where Gold stands
 * or an ancestor of that. */
static int plan_behind(const struct set_positions *set, const struct ice_metadata *silver,
                       const struct position_input *at, const char *input, int64_t id,
                       struct position_input *to, struct err *err)
{
    const struct ice_snapshot *snapshot = ice_metadata_snapshot(silver, id);

    if (snapshot == NULL)
        return err_set(err, ERR_REFUSED, "%s lists no snapshot %" PRId64, input, id);
    if (!ice_metadata_is_ancestor(silver, id, silver->main))
        return err_set(err, ERR_REFUSED, "snapshot %" PRId64 " is not on main of %s", id, input);
    if (at == NULL || strcmp(at->uuid, silver->uuid) != 0 ||
        ice_metadata_snapshot(silver, at->snapshot) == NULL ||
        !ice_metadata_is_ancestor(silver, id, at->snapshot))
        return refuse_passed_over(set, input, id, err);
    to->snapshot = id;
    to->sequence = snapshot->sequence;
    return 0;
}

int set_positions_gold_plan(struct set_positions *set, const char *word, struct err *err)
{
    const char *equals = strrchr(word, '=');
    struct setting *gold = &set->place[PLACE_GOLD].setting;
    struct set_positions_place *silver = &set->place[PLACE_SILVER];
    struct position_input to = { .snapshot = POSITION_NONE, .begun = POSITION_NONE };
    const struct ice_metadata *metadata;
    const char *input;
    int64_t id = POSITION_NONE;
    bool is_known = false;

    if (equals == NULL ||
        (strcmp(equals + 1, "all") != 0 && !set_positions_is_number(equals + 1, INT64_MAX, &id)))
        return set_positions_refuse_word(word, "INPUT=SNAPSHOT or INPUT=all", err);
    input = arena_text(&set->arena, span_of(word, (size_t)(equals - word)));
    for (size_t i = 0; i < set->exchange_count && !is_known; i++) {
        tables_names(&set->names, &set->arena, set->exchanges[i]);
        is_known = set_positions_is_named(input, "silver", set->exchanges[i], set->names.silver);
    }
    if (!is_known)
        return err_set(err, ERR_CONFIG, "%s does not read a table %s", TABLES_GOLD, input);
    if (silver->is_open)
        chain_deinit(&silver->chain);
    silver->is_open = false;
    if (set_positions_open_place(set, PLACE_SILVER, err) != 0)
        return -1;
    if (!silver->is_there)
        return err_set(err, ERR_CONFIG, "table %s does not exist", set->names.silver);
    metadata = silver->chain.table.metadata;
    to.table = set->names.silver;
    to.uuid = metadata->uuid;
    to.epoch = silver->setting.before.epoch;
    if (id != POSITION_NONE &&
        plan_behind(set, metadata, positions_input(&gold->before, set->names.silver),
                    set->names.silver, id, &to, err) != 0)
        return -1;
    positions_set_input(&gold->after, &to);
    return 0;
}
