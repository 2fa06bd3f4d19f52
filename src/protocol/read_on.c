// SPDX-License-Identifier: Apache-2.0
/* read_on.c: main's chain is walked back to the position, then forward over what K2 appended. */
#include "protocol/read_on.h"

#include "core/num.h"
#include "protocol/clause.h"

#include <string.h>

struct chain_part {
    const struct ice_snapshot **snapshot; /* newest first */
    size_t count;
};

/* Main's chain from its tip down to, but without, the snapshot `stop`. */
static struct chain_part chain_down_to(const struct ice_metadata *metadata, int64_t stop,
                                       struct arena *arena)
{
    struct chain_part part = {
        arena_zero(arena, metadata->snapshot_count + 1, sizeof(*part.snapshot)), 0
    };
    const struct ice_snapshot *snapshot = ice_metadata_current(metadata);

    while (snapshot != NULL && snapshot->id != stop && part.count < metadata->snapshot_count) {
        part.snapshot[part.count++] = snapshot;
        snapshot =
            snapshot->parent == ICE_NONE ? NULL : ice_metadata_snapshot(metadata, snapshot->parent);
    }
    return part;
}

/* Which snapshots come after the position: 0 or READ_CUT. */
static int part_after(const struct ice_metadata *metadata, const struct position_input *position,
                      struct arena *arena, struct chain_part *part)
{
    const struct ice_snapshot *oldest = chain_oldest(metadata);
    int64_t at = position == NULL ? POSITION_NONE : position->snapshot;

    *part = chain_down_to(metadata, at, arena);
    if (oldest == NULL)
        return at == POSITION_NONE ? 0 : READ_CUT;
    if (at == POSITION_NONE)
        return chain_is_whole(metadata) ? 0 : READ_CUT;
    return ice_metadata_is_ancestor(metadata, at, metadata->main) || oldest->parent == at
               ? 0
               : READ_CUT;
}

static bool is_append(const struct ice_snapshot *snapshot)
{
    return strcmp(snapshot->operation, "append") == 0;
}

struct planning {
    struct read_plan *plan;
    struct arena *arena;
    size_t capacity;
    int64_t rows, rows_max;
};

static void plan_file(struct planning *planning, const struct ice_data_file *file)
{
    struct read_plan *plan = planning->plan;

    if (plan->count == planning->capacity) {
        size_t capacity = size_max(16, 2 * planning->capacity);
        const struct ice_data_file **grown = arena_zero(planning->arena, capacity, sizeof(*grown));

        if (plan->count > 0)
            memcpy(grown, plan->file, plan->count * sizeof(*grown));
        plan->file = grown;
        planning->capacity = capacity;
    }
    plan->file[plan->count++] = file;
    planning->rows += file->rows;
}

/* At least one file, however large. */
static bool has_room(const struct planning *planning, const struct ice_data_file *file)
{
    return planning->plan->count == 0 || (planning->rows < planning->rows_max &&
                                          file->rows <= planning->rows_max - planning->rows);
}

static bool is_ours(const struct ice_snapshot *snapshot)
{
    return ice_snapshot_get(snapshot, "k2.commit-id") != NULL;
}

/* What others did claims nothing: rule 9's time stays that of our snapshot before it. */
static void finish_snapshot(struct position_input *next, const struct ice_snapshot *snapshot)
{
    next->snapshot = snapshot->id;
    next->sequence = snapshot->sequence;
    if (is_ours(snapshot))
        next->complete_us = positions_complete_us(snapshot);
}

/* Files of one snapshot of ours.  *is_full: the batch ends inside it. */
static int plan_snapshot(struct planning *planning, struct chain_table *input,
                         const struct ice_snapshot *snapshot, bool names_begun, bool *is_full,
                         struct err *err)
{
    struct position_input *next = &planning->plan->next;
    struct ice_data_file **files;
    size_t count;
    int rc;

    if (next->begun != POSITION_NONE && next->begun != snapshot->id &&
        clause_on(CLAUSE_BEGUN_SNAPSHOT_NAMED)) {
        if (names_begun)
            return READ_ROLLED;
        next->taken = 0;
    }
    rc = table_added_files(&input->table, planning->arena, snapshot, &files, &count, err);
    if (rc != 0)
        return rc == TABLE_GONE ? READ_CUT : rc;
    while ((size_t)next->taken < count && has_room(planning, files[next->taken]))
        plan_file(planning, files[next->taken++]);
    *is_full = (size_t)next->taken < count;
    if (*is_full) {
        next->begun = snapshot->id;
        return 0;
    }
    finish_snapshot(next, snapshot);
    next->begun = POSITION_NONE;
    next->taken = 0;
    planning->plan->reached = snapshot;
    return 0;
}

int read_on_plan(struct chain_table *input, const struct positions *map,
                 const struct position_input *position, int64_t rows_max, bool names_begun,
                 struct arena *arena, struct read_plan *plan, struct err *err)
{
    const struct ice_metadata *metadata = input->table.metadata;
    struct planning planning = { .plan = plan, .arena = arena, .rows_max = rows_max };
    struct chain_part part;
    bool is_full = false;
    int rc;

    *plan = (struct read_plan){ .next = { .snapshot = POSITION_NONE, .begun = POSITION_NONE } };
    if (position != NULL)
        plan->next = *position;
    plan->next.table = input->table.definition.name;
    plan->next.uuid = metadata->uuid;
    plan->next.epoch = map->epoch;
    plan->next.listed = plan->next.through = plan->next.part_files = plan->next.part_rows = 0;
    if (position != NULL && position->uuid[0] != 0 && strcmp(position->uuid, metadata->uuid) != 0)
        return READ_ROLLED;
    rc = part_after(metadata, position, arena, &part);
    while (rc == 0 && part.count > 0 && !is_full) {
        const struct ice_snapshot *snapshot = part.snapshot[--part.count];

        if (!is_ours(snapshot) || !is_append(snapshot)) {
            finish_snapshot(&plan->next, snapshot);
            continue;
        }
        rc = plan_snapshot(&planning, input, snapshot, names_begun, &is_full, err);
    }
    if (!clause_on(CLAUSE_COMPLETE_OF_FINISHED))
        plan->next.complete_us = map->complete_us;
    return rc;
}

int64_t read_on_taken(const struct ice_metadata *metadata, const struct position_input *position)
{
    if (position == NULL)
        return 0;
    if (position->through > 0 &&
        (ice_metadata_is_ancestor(metadata, position->listed, metadata->main) ||
         !clause_on(CLAUSE_LISTING_NAMED)))
        return int64_max(position->sequence, position->through);
    return position->sequence;
}
