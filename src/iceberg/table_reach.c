// SPDX-License-Identifier: Apache-2.0
/* table_reach.c: see the header. */
#include "iceberg/table_reach.h"

void table_reach_init(struct table_reach *reach, struct table *table, bool has_data,
                      void (*reached)(void *context, const char *uri), void *context)
{
    *reach = (struct table_reach){
        .table = table, .has_data = has_data, .reached = reached, .context = context
    };
    reach->manifests.arena = &reach->arena;
}

void table_reach_deinit(struct table_reach *reach)
{
    arena_deinit(&reach->arena);
}

static int reach_file(void *context, const struct ice_data_file *file, struct err *err)
{
    struct table_reach *reach = context;

    (void)err;
    reach->reached(reach->context, file->path);
    return 0;
}

int table_reach_list(struct table_reach *reach, const char *list, struct err *err)
{
    const struct ice_file_visitor visitor = { reach_file, reach };
    const struct ice_snapshot snapshot = { .manifest_list = list };
    struct arena arena = ARENA_INIT;
    struct ice_manifest_row *rows = NULL;
    size_t count = 0;
    int rc = table_manifests(reach->table, &arena, &snapshot, &rows, &count, err);

    reach->reached(reach->context, list);
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (!table_names_add(&reach->manifests, rows[i].path))
            continue;
        reach->reached(reach->context, rows[i].path);
        if (reach->has_data)
            rc = table_visit_manifest(reach->table, &rows[i], &visitor, err);
    }
    arena_deinit(&arena);
    return rc;
}

int table_reach_all(struct table_reach *reach, struct err *err)
{
    const struct ice_metadata *metadata = reach->table->metadata;
    int rc = 0;

    reach->reached(reach->context, metadata->file);
    for (size_t i = 0; i < ice_metadata_log_count(metadata); i++)
        reach->reached(reach->context, ice_metadata_log_file(metadata, i));
    for (size_t i = 0; i < metadata->snapshot_count && rc == 0; i++)
        rc = table_reach_list(reach, metadata->snapshot[i].manifest_list, err);
    return rc;
}
