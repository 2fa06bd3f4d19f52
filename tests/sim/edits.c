// SPDX-License-Identifier: Apache-2.0
/* edits.c: expiry, tags and rollbacks by others: edits of the metadata document itself, as another
 * library would make them. */
#include "sim/sim.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

/* -- edits of the document */

struct edit {
    struct sim *sim;
    const char *name;
    struct catalog_table now;
    struct json_object *root;
};

static bool edit_begin(struct edit *edit, struct sim *sim, enum sim_table table)
{
    struct err err;
    int rc;

    *edit = (struct edit){ .sim = sim, .name = sim_table_name(sim, table) };
    rc = catalog_load(sim->catalog, sim->ports.space, edit->name, NULL, &edit->now, &err);
    if (rc != 0)
        return false;
    edit->root = json_tokener_parse(buf_text(&edit->now.metadata));
    ASSERT(edit->root != NULL);
    if (json_object_object_get(edit->root, "current-snapshot-id") != NULL)
        return true;
    json_object_put(edit->root);
    catalog_table_deinit(&edit->now);
    return false;
}

static void edit_end(struct edit *edit)
{
    size_t size;
    const char *text = json_object_to_json_string_length(
        edit->root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);
    struct catalog_commit commit = {
        .base_location = buf_text(&edit->now.location),
        .table_location = json_object_get_string(json_object_object_get(edit->root, "location")),
        .metadata = span_of(text, size),
    };
    struct err err;

    if (catalog_commit(edit->sim->catalog, edit->sim->ports.space, edit->name, &commit, &err) != 0)
        abort();
    json_object_put(edit->root);
    catalog_table_deinit(&edit->now);
}

static void edit_forget(struct edit *edit)
{
    json_object_put(edit->root);
    catalog_table_deinit(&edit->now);
}

static int64_t main_of(const struct edit *edit)
{
    return json_object_get_int64(json_object_object_get(edit->root, "current-snapshot-id"));
}

static struct json_object *list_of(const struct edit *edit, const char *key)
{
    return json_object_object_get(edit->root, key);
}

static int64_t id_at(struct json_object *list, size_t index)
{
    return json_object_get_int64(
        json_object_object_get(json_object_array_get_idx(list, index), "snapshot-id"));
}

/* True when a ref names the snapshot. */
static bool is_referenced(const struct edit *edit, int64_t id)
{
    struct json_object *refs = list_of(edit, "refs");

    json_object_object_foreach(refs, name, ref)
    {
        (void)name;
        if (json_object_get_int64(json_object_object_get(ref, "snapshot-id")) == id)
            return true;
    }
    return false;
}

/* As pyiceberg does; Java leaves the name of a parent that is gone. */
static void forget_lost_parents(struct json_object *snapshots)
{
    for (size_t i = 0; i < json_object_array_length(snapshots); i++) {
        struct json_object *snapshot = json_object_array_get_idx(snapshots, i);
        int64_t parent =
            json_object_get_int64(json_object_object_get(snapshot, "parent-snapshot-id"));
        bool is_there = false;

        for (size_t k = 0; k < json_object_array_length(snapshots); k++)
            is_there = is_there || id_at(snapshots, k) == parent;
        if (!is_there)
            json_object_object_del(snapshot, "parent-snapshot-id");
    }
}

void sim_foreign_expire(struct sim *sim, enum sim_table table)
{
    struct edit edit;
    struct json_object *snapshots, *history;

    if (!edit_begin(&edit, sim, table))
        return;
    sim_trace(sim, "expire %s to %" PRId64, edit.name, main_of(&edit));
    snapshots = list_of(&edit, "snapshots");
    for (size_t i = json_object_array_length(snapshots); i-- > 0;)
        if (!is_referenced(&edit, id_at(snapshots, i)))
            json_object_array_del_idx(snapshots, i, 1);
    if (random_below(&sim->random, 2) == 0)
        forget_lost_parents(snapshots);
    history = list_of(&edit, "snapshot-log");
    if (json_object_array_length(history) > 1)
        json_object_array_del_idx(history, 0, json_object_array_length(history) - 1);
    edit_end(&edit);
}

void sim_foreign_tag(struct sim *sim, enum sim_table table)
{
    struct edit edit;
    struct json_object *refs, *snapshots;

    if (!edit_begin(&edit, sim, table))
        return;
    refs = list_of(&edit, "refs");
    if (json_object_object_get(refs, "mark") != NULL) {
        json_object_object_del(refs, "mark");
    } else {
        struct json_object *ref = json_object_new_object();

        snapshots = list_of(&edit, "snapshots");
        json_object_object_add(
            ref, "snapshot-id",
            json_object_new_int64(
                id_at(snapshots, random_below(&sim->random, json_object_array_length(snapshots)))));
        json_object_object_add(ref, "type", json_object_new_string("tag"));
        json_object_object_add(refs, "mark", ref);
    }
    sim_trace(sim, "tag %s", edit.name);
    edit_end(&edit);
}

static bool is_listed(const struct edit *edit, int64_t id)
{
    struct json_object *snapshots = list_of(edit, "snapshots");

    for (size_t i = 0; i < json_object_array_length(snapshots); i++)
        if (id_at(snapshots, i) == id)
            return true;
    return false;
}

/* Also one that main's oldest snapshot names as its parent and that is listed no more. */
static bool is_ancestor(const struct edit *edit, int64_t id)
{
    struct json_object *snapshots = list_of(edit, "snapshots");
    int64_t at = main_of(edit);

    for (size_t hops = json_object_array_length(snapshots) + 1; hops-- > 0;) {
        struct json_object *snapshot = NULL;

        for (size_t i = 0; i < json_object_array_length(snapshots); i++)
            if (id_at(snapshots, i) == at)
                snapshot = json_object_array_get_idx(snapshots, i);
        if (at == id)
            return snapshot != NULL; /* a parent that is gone may still be named */
        if (snapshot == NULL || json_object_object_get(snapshot, "parent-snapshot-id") == NULL)
            return false;
        at = json_object_get_int64(json_object_object_get(snapshot, "parent-snapshot-id"));
    }
    return false;
}

/* Ends the edit. */
static void set_main(struct edit *edit, int64_t id)
{
    struct json_object *entry = json_object_new_object();

    sim_trace(edit->sim, "roll back %s %" PRId64 " -> %" PRId64, edit->name, main_of(edit), id);
    json_object_object_add(edit->root, "current-snapshot-id", json_object_new_int64(id));
    json_object_object_add(json_object_object_get(list_of(edit, "refs"), "main"), "snapshot-id",
                           json_object_new_int64(id));
    json_object_object_add(entry, "snapshot-id", json_object_new_int64(id));
    json_object_object_add(entry, "timestamp-ms",
                           json_object_get(list_of(edit, "last-updated-ms")));
    json_object_array_add(list_of(edit, "snapshot-log"), entry);
    edit_end(edit);
}

/* Bronze and Gold go anywhere; Silver and dead letters back to an ancestor only (design, rule 5),
 * and so does a Bronze that was set forward: another branch may hold what Silver has passed over.
 */
void sim_roll_back(struct sim *sim, enum sim_table table)
{
    bool goes_anywhere = (table <= SIM_BRONZE_1 && !sim->is_skipped[table]) || table == SIM_GOLD;
    struct json_object *snapshots;
    struct edit edit;
    int64_t choice[5];
    size_t count = 0;

    if (!edit_begin(&edit, sim, table))
        return;
    snapshots = list_of(&edit, "snapshots");
    for (size_t i = json_object_array_length(snapshots); i-- > 0 && count < ARRAY_LEN(choice);) {
        int64_t id = id_at(snapshots, i);

        if (id != main_of(&edit) && (goes_anywhere || is_ancestor(&edit, id)))
            choice[count++] = id;
    }
    if (count == 0) {
        edit_forget(&edit);
        return;
    }
    sim->is_rolled[table] = true;
    set_main(&edit, choice[random_below(&sim->random, count)]);
}

/* Main's parent, if main is a compaction of others and the parent is listed; else 0. */
static int64_t before_compaction(const struct edit *edit)
{
    struct json_object *snapshots = list_of(edit, "snapshots");
    int64_t parent = 0;

    for (size_t i = 0; i < json_object_array_length(snapshots); i++) {
        struct json_object *snapshot = json_object_array_get_idx(snapshots, i);
        struct json_object *summary = json_object_object_get(snapshot, "summary");
        const char *operation =
            json_object_get_string(json_object_object_get(summary, "operation"));

        if (id_at(snapshots, i) == main_of(edit) && strcmp(operation, "replace") == 0 &&
            json_object_object_get(summary, "k2.commit-id") == NULL)
            parent = json_object_get_int64(json_object_object_get(snapshot, "parent-snapshot-id"));
    }
    return is_listed(edit, parent) ? parent : 0;
}

/* No rollback of ours: all rows are there as before. */
void sim_undo_compaction(struct sim *sim, enum sim_table table)
{
    struct edit edit;

    if (!edit_begin(&edit, sim, table))
        return;
    if (before_compaction(&edit) != 0)
        set_main(&edit, before_compaction(&edit));
    else
        edit_forget(&edit);
}

/* -- the trap */

/* The one row that would come in the stead of ours: appended by others at the very next offset,
 * then Bronze takes that offset, and is rolled back to before it, and its snapshots are expired. */
void sim_foreign_trap(struct sim *sim)
{
    const enum sim_table table = SIM_BRONZE_1; /* of one partition */
    struct sim_trap *trap = &sim->trap;
    int64_t end = sim->end[1][0];
    struct edit edit;

    if (trap->snapshot == 0 || end > trap->offset + 1) {
        sim_append_row(sim, table, end);
        if (!edit_begin(&edit, sim, table))
            return;
        *trap = (struct sim_trap){ .snapshot = main_of(&edit), .offset = end };
        edit_forget(&edit);
        return;
    }
    if (!edit_begin(&edit, sim, table))
        return;
    if (end == trap->offset || main_of(&edit) == trap->snapshot ||
        !is_listed(&edit, trap->snapshot) || !is_ancestor(&edit, trap->snapshot)) {
        edit_forget(&edit);
        return;
    }
    sim->is_rolled[table] = true;
    set_main(&edit, trap->snapshot);
    sim_append_row(sim, table, SIM_FOREIGN_OFFSETS + ++sim->foreign);
    sim_foreign_expire(sim, table);
    trap->snapshot = 0;
}
