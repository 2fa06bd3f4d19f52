// SPDX-License-Identifier: Apache-2.0
/* live_files.c: paths are kept without what they have in common, the table's location. */
#include "protocol/live_files.h"

#include <string.h>

void live_files_deinit(struct live_files *list)
{
    buf_deinit(&list->uuid);
    buf_deinit(&list->head);
    buf_deinit(&list->paths);
    buf_deinit(&list->files);
    buf_deinit(&list->path);
    *list = (struct live_files){ 0 };
}

void live_files_forget(struct live_files *list)
{
    buf_clear(&list->uuid);
    buf_clear(&list->head);
    buf_clear(&list->paths);
    buf_clear(&list->files);
}

void live_files_begin(struct live_files *list, const struct chain_table *chain,
                      const struct positions *map)
{
    const struct ice_metadata *metadata = chain->table.metadata;
    const struct ice_snapshot *current = ice_metadata_current(metadata);

    live_files_forget(list);
    buf_put_text(&list->uuid, metadata->uuid);
    buf_put_text(&list->head, metadata->location);
    list->epoch = map->epoch;
    list->complete_us = map->complete_us;
    list->snapshot = current == NULL ? ICE_NONE : current->id;
    list->sequence = current == NULL ? 0 : current->sequence;
}

/* The first byte says whether the head belongs in front. */
void live_files_add(struct live_files *list, const struct ice_data_file *file, enum own_level level)
{
    const struct live_file entry = { .path = list->paths.size,
                                     .bytes = file->bytes,
                                     .sequence = file->sequence,
                                     .file_sequence = file->file_sequence,
                                     .level = level };
    const char *path = file->path;

    if (strncmp(path, (const char *)list->head.data, list->head.size) == 0) {
        buf_put_byte(&list->paths, 1);
        path += list->head.size;
    } else {
        buf_put_byte(&list->paths, 0);
    }
    buf_put_span(&list->paths, span_of(path, strlen(path) + 1));
    buf_put(&list->files, &entry, sizeof(entry));
}

bool live_files_hold(const struct live_files *list, const struct ice_metadata *metadata,
                     int64_t epoch)
{
    return list->uuid.size > 0 && list->epoch == epoch && list->snapshot != ICE_NONE &&
           span_equal(buf_span(&list->uuid), span_text(metadata->uuid)) &&
           ice_metadata_snapshot(metadata, list->snapshot) != NULL &&
           ice_metadata_is_ancestor(metadata, list->snapshot, metadata->main);
}

struct ice_data_file live_files_get(struct live_files *list, size_t index)
{
    const struct live_file *entry = live_files_at(list, index);
    const char *path = (const char *)list->paths.data + entry->path;

    buf_clear(&list->path);
    if (path[0] != 0)
        buf_put_span(&list->path, buf_span(&list->head));
    buf_put_text(&list->path, path + 1);
    return (struct ice_data_file){ .path = buf_text(&list->path),
                                   .bytes = entry->bytes,
                                   .sequence = entry->sequence,
                                   .file_sequence = entry->file_sequence };
}

struct position_input live_files_end(struct live_files *list, const struct chain_table *chain)
{
    return (struct position_input){ .table = chain->table.definition.name,
                                    .uuid = buf_text(&list->uuid),
                                    .epoch = list->epoch,
                                    .snapshot = list->snapshot,
                                    .sequence = list->sequence,
                                    .begun = POSITION_NONE,
                                    .complete_us = list->complete_us };
}

size_t live_files_memory(const struct live_files *list)
{
    return list->uuid.capacity + list->head.capacity + list->paths.capacity + list->files.capacity +
           list->path.capacity;
}
