// SPDX-License-Identifier: Apache-2.0
/*
 * table_merge.c: many small manifests into few.
 *
 * Entries stream from the old manifests into the new image, so that memory is one old manifest and
 * one new one.  A manifest with entries that struct ice_data_file cannot hold whole is left alone.
 */
#include "iceberg/table_merge.h"

#include "iceberg/table_private.h"

enum { TARGET_BYTES = 8 << 20, MERGE_PARTIAL = 100 };

struct merge {
    struct table *table;
    struct arena *arena;
    const struct ice_metadata *base;
    int64_t snapshot_id;
    const struct ice_manifest_row *old;
    bool *kept; /* of the old rows: not to be merged */
    size_t old_count;
    struct buf rows;
    size_t written;
    char uuid[UUID_TEXT_BYTES];
};

struct bin {
    struct merge *merge;
    struct ice_manifest_writer writer;
    struct ice_manifest_row row;
};

static bool is_empty(const struct ice_manifest_row *row)
{
    return row->added_files == 0 && row->existing_files == 0;
}

static bool is_candidate(const struct merge *merge, const struct ice_manifest_row *row)
{
    return row->content == ICE_DATA && row->spec_id == merge->base->spec_id &&
           row->length < TARGET_BYTES && row->key_metadata.data == NULL;
}

static int take_entry(void *context, const struct ice_data_file *file, struct err *err)
{
    struct bin *bin = context;
    struct ice_data_file entry = *file;

    (void)err;
    if (file->status == ICE_DELETED)
        return 0;
    if (file->partial || file->content != ICE_DATA)
        return MERGE_PARTIAL;
    entry.status = ICE_EXISTING;
    ice_manifest_writer_put(&bin->writer, &entry);
    ice_manifest_row_add(&bin->row, &entry);
    return 0;
}

/* The image of rows [first, end) into table->scratch.  MERGE_PARTIAL: a row is now marked as kept,
 * try again. */
static int fill(struct bin *bin, size_t first, size_t end, struct err *err)
{
    struct merge *merge = bin->merge;
    struct table *table = merge->table;
    const struct ice_file_visitor visitor = { take_entry, bin };
    uint8_t sync[16];
    int rc = 0;

    table_new_sync(table, sync);
    buf_clear(&table->scratch);
    ice_manifest_row_init(&bin->row, &table->definition, merge->snapshot_id);
    ice_manifest_writer_begin(&bin->writer, merge->base, &table->definition, AVRO_CODEC_DEFLATE,
                              sync, &table->scratch);
    for (size_t i = first; i < end && rc == 0; i++) {
        if (merge->kept[i])
            continue;
        rc = table_visit_manifest(table, &merge->old[i], &visitor, err);
        merge->kept[i] = rc == MERGE_PARTIAL;
    }
    ice_manifest_writer_finish(&bin->writer);
    return rc;
}

static size_t count_merged(const struct merge *merge, size_t first, size_t end)
{
    size_t count = 0;

    for (size_t i = first; i < end; i++)
        count += !merge->kept[i];
    return count;
}

static int put_bin(struct bin *bin, struct err *err)
{
    struct merge *merge = bin->merge;
    struct table *table = merge->table;

    bin->row.path = arena_printf(merge->arena, "%s/metadata/%s-m%zu.avro", merge->base->location,
                                 merge->uuid, merge->written++);
    bin->row.length = (int64_t)table->scratch.size;
    bin->row.spec_id = merge->base->spec_id;
    buf_put(&merge->rows, &bin->row, sizeof(bin->row));
    return table_put(table, bin->row.path, buf_span(&table->scratch), err);
}

/* Rows [first, end) of the old list: the candidates among them as one manifest, the others as they
 * are. */
static int merge_range(struct merge *merge, size_t first, size_t end, struct err *err)
{
    struct bin bin = { .merge = merge };
    int rc = MERGE_PARTIAL;

    while (rc == MERGE_PARTIAL && count_merged(merge, first, end) > 1)
        rc = fill(&bin, first, end, err);
    if (rc == 0)
        rc = put_bin(&bin, err);
    else if (rc == MERGE_PARTIAL)
        memset(merge->kept + first, true, end - first);
    if (rc != 0 && rc != MERGE_PARTIAL)
        return rc;
    for (size_t i = first; i < end; i++) {
        if (merge->kept[i] && !is_empty(&merge->old[i]))
            buf_put(&merge->rows, &merge->old[i], sizeof(merge->old[i]));
    }
    return 0;
}

static int merge_all(struct merge *merge, struct err *err)
{
    size_t first = 0;
    int64_t bytes = 0;
    int rc = 0;

    for (size_t i = 0; i < merge->old_count && rc == 0; i++) {
        int64_t more = merge->kept[i] ? 0 : merge->old[i].length;

        if (bytes + more > TARGET_BYTES) {
            rc = merge_range(merge, first, i, err);
            first = i;
            bytes = 0;
        }
        bytes += more;
    }
    return rc == 0 ? merge_range(merge, first, merge->old_count, err) : rc;
}

int table_merge_plan(struct table *table, struct arena *arena, const struct ice_metadata *base,
                     int64_t snapshot_id, size_t at_least, struct ice_manifest_row **rows,
                     size_t *count, struct err *err)
{
    struct merge merge = {
        .table = table, .arena = arena, .base = base, .snapshot_id = snapshot_id
    };
    const struct ice_snapshot *current = ice_metadata_current(base);
    struct ice_manifest_row *old = NULL;
    size_t candidates = 0;
    int rc;

    if (current == NULL)
        return TABLE_MERGE_NOTHING;
    rc = table_manifests(table, arena, current, &old, &merge.old_count, err);
    if (rc != 0)
        return rc;
    merge.old = old;
    merge.kept = arena_zero(arena, merge.old_count + 1, sizeof(*merge.kept));
    for (size_t i = 0; i < merge.old_count; i++) {
        merge.kept[i] = !is_candidate(&merge, &old[i]);
        candidates += !merge.kept[i];
    }
    if (candidates < 2 || candidates < at_least)
        return TABLE_MERGE_NOTHING;
    table_new_uuid(table, merge.uuid);
    rc = merge_all(&merge, err);
    if (rc == 0 && merge.written == 0)
        rc = TABLE_MERGE_NOTHING;
    if (rc == 0) {
        *count = merge.rows.size / sizeof(**rows);
        *rows = arena_zero(arena, *count, sizeof(**rows));
        memcpy(*rows, merge.rows.data, merge.rows.size);
    }
    buf_deinit(&merge.rows);
    return rc;
}
