// SPDX-License-Identifier: Apache-2.0
/* chain.c: rule 4, finding the map again.  The common case reads the summary of one snapshot; only
 * a cut chain costs a look at the rows, and what was found is kept for as long as the metadata file
 * stays the same. */
#include "protocol/chain.h"

#include "protocol/clause.h"
#include "protocol/own_rows.h"

#include <string.h>

void chain_init(struct chain_table *chain, const struct table_ports *ports, const char *space,
                const struct ice_definition *definition, const struct chain_origin *origin,
                const char *worker)
{
    *chain = (struct chain_table){ .origin = *origin,
                                   .worker = worker,
                                   .keep_newest = CHAIN_KEEP_NEWEST,
                                   .keep_for_readers = CHAIN_KEEP_FOR_READERS,
                                   .downstream_sequence = INT64_MAX };
    table_init(&chain->table, ports, space, definition);
}

void chain_deinit(struct chain_table *chain)
{
    table_deinit(&chain->table);
    buf_deinit(&chain->map_file);
    arena_deinit(&chain->map_arena);
}

const struct ice_snapshot *chain_oldest(const struct ice_metadata *metadata)
{
    const struct ice_snapshot *oldest = ice_metadata_current(metadata);
    const struct ice_snapshot *parent = oldest;

    while (parent != NULL) {
        oldest = parent;
        parent =
            parent->parent == ICE_NONE ? NULL : ice_metadata_snapshot(metadata, parent->parent);
    }
    return oldest;
}

bool chain_is_whole(const struct ice_metadata *metadata)
{
    const struct ice_snapshot *oldest = chain_oldest(metadata);

    return oldest == NULL || (oldest->parent == ICE_NONE &&
                              (oldest->sequence <= 1 || !clause_on(CLAUSE_ROOT_IS_FIRST)));
}

/* The table was rolled back to before what the property says: a new epoch begins.  Where each
 * partition was begun is kept, so that it is begun there again. */
static void begin_epoch(struct positions *map, const struct positions *property)
{
    map->epoch = property->epoch + 1;
    map->is_rolled = true;
    positions_keep_retained(map, property);
}

static int find_on_chain(const struct ice_metadata *metadata, const struct positions *property,
                         bool has_property, struct positions *map, struct err *err)
{
    const struct ice_snapshot *snapshot = ice_metadata_current(metadata);

    while (snapshot != NULL) {
        int rc = positions_of_snapshot(map, snapshot, err);

        if (rc < 0)
            return -1;
        if (rc == 0) {
            if (has_property && strcmp(map->commit_id, property->commit_id) != 0 &&
                clause_on(CLAUSE_EPOCH))
                begin_epoch(map, property);
            return 0;
        }
        snapshot =
            snapshot->parent == ICE_NONE ? NULL : ice_metadata_snapshot(metadata, snapshot->parent);
    }
    return POSITIONS_FOREIGN;
}

/* The chain is cut: the property serves, if the table holds what it says. */
static int find_in_property(struct chain_table *chain, const struct ice_metadata *metadata,
                            const struct positions *property, struct positions *map,
                            struct err *err)
{
    if (!clause_on(CLAUSE_PROPERTY)) {
        map->epoch = property->epoch;
        return 0;
    }
    *map = *property;
    if (chain->origin.offset < 0) {
        positions_remove_inputs(map); /* Gold reads all again, rule 7 drops what it has */
        return 0;
    }
    if (chain->is_uncounted || !clause_on(CLAUSE_COUNT_OWN_ROWS))
        return 0;
    return own_rows_check(chain, metadata, map, err);
}

static int find_map(struct chain_table *chain, const struct ice_metadata *metadata,
                    struct positions *map, struct err *err)
{
    struct positions property;
    bool has_property;
    int rc;

    positions_init(&property, map->arena);
    rc = positions_of_properties(&property, metadata, err);
    if (rc < 0)
        return err_wrap(err, "%s: properties", chain->table.definition.name);
    has_property = rc == 0;
    if (metadata->main == ICE_NONE) {
        if (has_property)
            begin_epoch(map, &property);
        return 0;
    }
    rc = find_on_chain(metadata, &property, has_property, map, err);
    if (rc <= 0)
        return rc == 0 ? 0 : err_wrap(err, "%s: map", chain->table.definition.name);
    if (!has_property)
        return 0; /* foreign snapshots only: we never wrote */
    if (chain_is_whole(metadata)) {
        begin_epoch(map, &property); /* rolled back to before our first */
        return 0;
    }
    return find_in_property(chain, metadata, &property, map, err);
}

int chain_find_map(struct chain_table *chain, const struct ice_metadata *metadata,
                   struct arena *arena, struct positions *map, struct err *err)
{
    if (chain->map_file.size == 0 || metadata->file[0] == 0 ||
        strcmp(buf_text(&chain->map_file), metadata->file) != 0) {
        buf_clear(&chain->map_file);
        arena_reset(&chain->map_arena);
        positions_init(&chain->map_found, &chain->map_arena);
        if (find_map(chain, metadata, &chain->map_found, err) != 0)
            return -1;
        buf_put_text(&chain->map_file, metadata->file);
    }
    positions_copy(map, arena, &chain->map_found);
    return 0;
}

int chain_load(struct chain_table *chain, struct arena *arena, struct positions *map,
               struct err *err)
{
    int rc = table_load(&chain->table, err);

    if (rc != 0)
        return rc;
    return chain_find_map(chain, chain->table.metadata, arena, map, err);
}
