// SPDX-License-Identifier: Apache-2.0
/* commit.c: load a base, test, swap; and what to do with each of the three answers.  The commit id
 * and the snapshot id are one for all tries of a batch, so that an answer that was lost can be
 * looked for on the chain. */
#include "protocol/commit.h"

#include "protocol/clause.h"
#include "protocol/dropped.h"

#include "core/num.h"
#include "core/random.h"
#include "iceberg/table_merge.h"

#include <string.h>

enum { CONFLICTS_MAX = 64 }; /* in a row; then RETRY, so that a job can be stopped */

struct attempt {
    struct chain_table *chain;
    const struct commit_batch *batch;
    struct arena arena;          /* of the whole commit */
    struct ice_metadata *base;   /* of this try */
    struct ice_metadata *before; /* of the try before, or NULL */
    struct positions map;        /* the base's */
    char commit_id[UUID_TEXT_BYTES];
    int64_t snapshot_id;
    int64_t begun_us;
    const struct ice_data_file *const *file;
    size_t file_count;
    struct ice_manifest_row manifest;
    bool has_manifest;
    bool answer_missing; /* some try ended without an answer */
};

static void new_commit_id(struct clock *clock, char text[UUID_TEXT_BYTES])
{
    uint8_t uuid[16];
    uint64_t high = clock_random(clock);

    uuid_from_random(high, clock_random(clock), uuid);
    uuid_format(uuid, text);
}

/* Is our commit id on main's parent chain? */
static bool is_on_chain(const struct ice_metadata *metadata, const char *commit_id)
{
    const struct ice_snapshot *snapshot = ice_metadata_current(metadata);

    while (snapshot != NULL) {
        const char *id = ice_snapshot_get(snapshot, "k2.commit-id");

        if (id != NULL && strcmp(id, commit_id) == 0)
            return true;
        snapshot =
            snapshot->parent == ICE_NONE ? NULL : ice_metadata_snapshot(metadata, snapshot->parent);
    }
    return false;
}

/* Did a try land that main was set back behind since?  Its snapshot is listed still, or it was
 * expired and the property names it.  Where the chain is cut or the batch moves nothing, the
 * positions may stand as planned all the same; put again, the snapshot would be listed twice, or
 * name files that went with it. */
static bool was_taken_back(const struct attempt *attempt)
{
    const char *newest = ice_metadata_property(attempt->base, "k2.commit-id");

    return ice_metadata_snapshot(attempt->base, attempt->snapshot_id) != NULL ||
           (newest != NULL && strcmp(newest, attempt->commit_id) == 0);
}

/* Rule 2: each entry of the batch stands in the base exactly where the batch begins. */
static bool positions_hold(const struct attempt *attempt)
{
    const struct commit_batch *batch = attempt->batch;
    const struct positions *map = &attempt->map;

    if (!clause_on(CLAUSE_POSITION_TEST))
        return true;
    if (attempt->answer_missing && !clause_on(CLAUSE_UNKNOWN_IS_NOT_FAILURE))
        return true;
    if (clause_on(CLAUSE_EPOCH) && map->epoch != batch->planned->epoch)
        return false;
    for (size_t i = 0; i < batch->offset_count; i++) {
        const struct position_offset *e = &batch->offset[i];

        if (!positions_same_offset(positions_offset(map, e->topic, e->partition),
                                   positions_offset(batch->planned, e->topic, e->partition)))
            return false;
    }
    for (size_t i = 0; i < batch->input_count; i++) {
        const char *name = batch->input[i].table;

        if (!positions_same_input(positions_input(map, name),
                                  positions_input(batch->planned, name)))
            return false;
    }
    return true;
}

/* Rule 9.  An input that was never read has no entry, and nothing is claimed. */
static int64_t least_complete_us(const struct positions *map, const struct commit_batch *batch)
{
    bool is_least = clause_on(CLAUSE_COMPLETE_LEAST);
    int64_t result = is_least ? INT64_MAX : 0;

    for (size_t i = 0; i < batch->complete_of_count; i++) {
        const struct position_input *entry = positions_input(map, batch->complete_of[i]);
        int64_t us = entry == NULL ? 0 : entry->complete_us;

        result = is_least ? int64_min(result, us) : int64_max(result, us);
    }
    return result;
}

static void move_complete(struct positions *map, const struct commit_batch *batch)
{
    if (batch->complete_of_count > 0)
        map->complete_us = least_complete_us(map, batch);
    for (size_t i = 0; i < batch->note_count; i++)
        if (positions_reach(map, &batch->note[i]) || !clause_on(CLAUSE_ENDS_REACHED))
            map->complete_us = int64_max(map->complete_us, batch->note[i].at_us);
}

/* `sequence` is that of the snapshot to be: it brings the highest row, if the batch has rows; 0
 * when it has none and the entry is set to what was found. */
static void move_offset(struct positions *map, const struct position_offset *to, int64_t sequence)
{
    const struct position_offset *from = positions_offset(map, to->topic, to->partition);
    struct position_offset entry = *to;

    if (entry.high != (from == NULL ? POSITION_NONE : from->high))
        entry.high_sequence = sequence;
    else
        entry.high_sequence = from == NULL ? 0 : from->high_sequence;
    positions_set_offset(map, &entry);
}

static void move_positions(struct attempt *attempt)
{
    const struct commit_batch *batch = attempt->batch;
    struct positions *map = &attempt->map;

    for (size_t i = 0; i < batch->offset_count; i++)
        move_offset(map, &batch->offset[i],
                    batch->begins_epoch ? 0 : attempt->base->last_sequence + 1);
    for (size_t i = 0; i < batch->input_count; i++)
        positions_set_input(map, &batch->input[i]);
    for (size_t i = 0; i < batch->retained_count; i++)
        positions_set_retained(map, &batch->retained[i]);
    move_complete(map, batch);
    if (batch->begins_epoch) {
        map->epoch++;
        map->complete_us = 0;
    }
    map->commit_id = attempt->commit_id;
    map->worker = attempt->chain->worker;
}

/* The manifest is written once, and again only when the files are others. */
static int plan_manifest(struct attempt *attempt, struct err *err)
{
    const struct commit_batch *batch = attempt->batch;
    const struct ice_data_file *const *file = batch->file;
    size_t count = batch->file_count;

    if (batch->plan_files != NULL) {
        int rc =
            batch->plan_files(batch->context, attempt->base, attempt->before, &file, &count, err);

        if (rc != 0)
            return rc;
    }
    if (attempt->has_manifest && file == attempt->file && count == attempt->file_count)
        return 0;
    attempt->file = file;
    attempt->file_count = count;
    attempt->has_manifest = count > 0;
    if (count == 0)
        return 0;
    return table_write_manifest(&attempt->chain->table, &attempt->arena, file, count,
                                attempt->snapshot_id, &attempt->manifest, err);
}

/* When the first of its objects was written. */
static int64_t oldest_us(const struct attempt *attempt)
{
    int64_t oldest = attempt->begun_us;

    for (size_t i = 0; i < attempt->file_count; i++) {
        if (attempt->file[i]->written_us != 0)
            oldest = int64_min(oldest, attempt->file[i]->written_us);
    }
    return oldest;
}

/* The map's pairs and `count` more. */
static const struct ice_pair *map_and(struct attempt *attempt, const struct ice_pair *more,
                                      size_t count)
{
    struct ice_pair *pairs = arena_zero(&attempt->arena, POSITIONS_PAIRS + count, sizeof(*pairs));

    positions_pairs(&attempt->map, pairs);
    if (count > 0)
        memcpy(pairs + POSITIONS_PAIRS, more, count * sizeof(*pairs));
    return pairs;
}

static int swap(struct attempt *attempt, const char *operation,
                const struct ice_manifest_row *instead, size_t instead_count, struct err *err)
{
    static const struct commit_batch no_batch;
    const struct commit_batch *batch = attempt->batch == NULL ? &no_batch : attempt->batch;
    struct chain_table *chain = attempt->chain;
    struct table_change change = { .operation = operation, .snapshot_id = attempt->snapshot_id };

    change.summary = map_and(attempt, batch->summary, batch->summary_count);
    change.summary_count = POSITIONS_PAIRS + batch->summary_count;
    change.properties = map_and(attempt, batch->property, batch->property_count);
    change.property_count = POSITIONS_PAIRS + batch->property_count;
    change.added = &attempt->manifest;
    change.added_count = attempt->has_manifest ? 1 : 0;
    change.instead = instead;
    change.instead_count = instead_count;
    change.oldest_us = clause_on(CLAUSE_CHANGE_AGE) ? oldest_us(attempt) : 0;
    if (dropped_plan(chain, attempt->base, &attempt->arena, &change.drop, &change.drop_count,
                     err) != 0)
        return -1;
    return table_swap(&chain->table, attempt->base, &change, err);
}

/* One try.  0, COMMIT_LOST, TABLE_CONFLICT, TABLE_UNKNOWN, -1. */
static int try_once(struct attempt *attempt, struct err *err)
{
    struct chain_table *chain = attempt->chain;
    int rc = table_load(&chain->table, err);

    if (rc != 0)
        return rc < 0 ? -1 : COMMIT_LOST;
    ice_metadata_unref(attempt->before);
    attempt->before = attempt->base;
    attempt->base = ice_metadata_ref(chain->table.metadata);
    if (attempt->answer_missing && clause_on(CLAUSE_UNKNOWN_IS_NOT_FAILURE)) {
        if (is_on_chain(attempt->base, attempt->commit_id))
            return 0;
        if (was_taken_back(attempt))
            return COMMIT_LOST;
    }
    if (chain_find_map(chain, attempt->base, &attempt->arena, &attempt->map, err) != 0)
        return -1;
    if (!positions_hold(attempt))
        return COMMIT_LOST;
    rc = plan_manifest(attempt, err);
    if (rc != 0)
        return rc < 0 ? -1 : COMMIT_LOST;
    move_positions(attempt);
    return swap(attempt, "append", NULL, 0, err);
}

static void attempt_begin(struct attempt *attempt, struct chain_table *chain,
                          const struct commit_batch *batch)
{
    *attempt = (struct attempt){ .chain = chain, .batch = batch };
    new_commit_id(chain->table.ports.clock, attempt->commit_id);
    attempt->snapshot_id = table_new_snapshot_id(&chain->table);
    attempt->begun_us = clock_now_us(chain->table.ports.clock);
}

static void attempt_end(struct attempt *attempt)
{
    ice_metadata_unref(attempt->base);
    ice_metadata_unref(attempt->before);
    arena_deinit(&attempt->arena);
}

int commit_run(struct chain_table *chain, const struct commit_batch *batch, struct err *err)
{
    struct attempt attempt;
    int rc = TABLE_CONFLICT;

    attempt_begin(&attempt, chain, batch);
    for (int tries = 0; rc == TABLE_CONFLICT || rc == TABLE_UNKNOWN; tries++) {
        if (tries == CONFLICTS_MAX) {
            rc = err_set(err, ERR_RETRY, "commit %s: %d tries in a row met another writer",
                         chain->table.definition.name, tries);
            break;
        }
        rc = try_once(&attempt, err);
        attempt.answer_missing |= rc == TABLE_UNKNOWN;
    }
    attempt_end(&attempt);
    return rc < 0 ? err_wrap(err, "commit %s", chain->table.definition.name) : rc;
}

int commit_merge_manifests(struct chain_table *chain, size_t at_least, struct err *err)
{
    struct attempt attempt;
    struct ice_manifest_row *rows = NULL;
    size_t count = 0;
    int rc;

    attempt_begin(&attempt, chain, NULL);
    rc = table_load(&chain->table, err);
    if (rc == 0) {
        attempt.base = ice_metadata_ref(chain->table.metadata);
        rc = chain_find_map(chain, attempt.base, &attempt.arena, &attempt.map, err);
    }
    if (rc == 0)
        rc = table_merge_plan(&chain->table, &attempt.arena, attempt.base, attempt.snapshot_id,
                              at_least, &rows, &count, err);
    if (rc == 0) {
        if (!clause_on(CLAUSE_UPKEEP_CARRIES_MAP))
            positions_init(&attempt.map, &attempt.arena);
        attempt.map.commit_id = attempt.commit_id;
        attempt.map.worker = chain->worker;
        rc = swap(&attempt, "replace", rows, count, err);
    }
    attempt_end(&attempt);
    return rc < 0 ? err_wrap(err, "merge manifests of %s", chain->table.definition.name) : 0;
}
