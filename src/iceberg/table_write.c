// SPDX-License-Identifier: Apache-2.0
/*
 * table_write.c: data files and manifests.
 *
 * What the manifest says of a file comes from the Parquet writer's own statistics.  Counts and
 * bounds are given for top-level primitives only, sizes for every leaf, as Java does; texts are cut
 * to 16 code points (write.metadata.metrics.default=truncate(16)).
 */
#include "iceberg/ice_transform.h"
#include "iceberg/table_private.h"

#include "core/num.h"

enum { ROW_GROUP_ROWS_MAX = 1 << 20, BOUND_WIDTH = 16 };

static void make_writer(struct table *table, int zstd_level)
{
    const struct parquet_options options = {
        .zstd_level = zstd_level,
        .created_by = "k2 version " K2_VERSION " (build release)",
    };

    if (table->writer != NULL && table->writer_level == zstd_level)
        return;
    parquet_writer_free(table->writer);
    table->writer = parquet_writer_new(table->field, table->definition.field_count, &options);
    table->writer_level = zstd_level;
}

/* The file's image into table->scratch. */
static int make_image(struct table *table, const struct column *const *columns, size_t first,
                      size_t count, const struct table_file_options *options, struct err *err)
{
    size_t most = options->row_group_rows > 0
                      ? size_min((size_t)options->row_group_rows, ROW_GROUP_ROWS_MAX)
                      : ROW_GROUP_ROWS_MAX;

    make_writer(table, options->zstd_level);
    buf_clear(&table->scratch);
    parquet_writer_begin(table->writer, &table->scratch);
    for (size_t done = 0; done < count;) {
        size_t rows = size_min(most, count - done);

        if (parquet_writer_row_group(table->writer, columns, first + done, rows, &table->scratch,
                                     err) < 0)
            return -1;
        done += rows;
    }
    return parquet_writer_finish(table->writer, options->pairs, options->pair_count,
                                 &table->scratch, err);
}

/* A field of the definition that is a leaf itself, or NULL. */
static const struct parquet_field *find_primitive(const struct table *table, int32_t field_id)
{
    for (size_t i = 0; i < table->definition.field_count; i++) {
        const struct parquet_field *field = &table->field[i];

        if (field->field_id == field_id)
            return field->kind == PARQUET_LIST || field->kind == PARQUET_MAP ? NULL : field;
    }
    return NULL;
}

static struct span cut_lower(const struct parquet_field *field, struct span exact)
{
    if (field->kind == PARQUET_STRING)
        return ice_transform_truncate_text(exact, BOUND_WIDTH);
    if (field->kind == PARQUET_BINARY)
        return ice_transform_truncate_bytes(exact, BOUND_WIDTH);
    return exact;
}

/* False when no upper bound can be given. */
static bool cut_upper(const struct parquet_field *field, struct span exact, struct buf *out)
{
    if (field->kind == PARQUET_STRING)
        return ice_transform_upper_text(exact, BOUND_WIDTH, out);
    if (field->kind == PARQUET_BINARY)
        return ice_transform_upper_bytes(exact, BOUND_WIDTH, out);
    buf_put_span(out, exact);
    return true;
}

struct file_stats {
    struct ice_count *sizes, *values, *nulls;
    struct ice_bound *lower, *upper;
};

static void take_leaf(struct table *table, struct arena *arena,
                      const struct parquet_leaf_stats *leaf, const struct file_stats *stats,
                      struct ice_data_file *file)
{
    const struct parquet_field *field = find_primitive(table, leaf->field_id);
    struct buf upper = BUF_INIT;

    stats->sizes[file->column_size_count++] =
        (struct ice_count){ leaf->field_id, leaf->compressed_bytes };
    if (field == NULL)
        return;
    stats->values[file->value_count_count++] =
        (struct ice_count){ leaf->field_id, leaf->value_count };
    stats->nulls[file->null_count_count++] = (struct ice_count){ leaf->field_id, leaf->null_count };
    if (!leaf->has_bounds || field->no_bounds)
        return;
    stats->lower[file->lower_count++] =
        (struct ice_bound){ leaf->field_id,
                            arena_copy(arena, cut_lower(field, buf_span(&leaf->lower))) };
    if (cut_upper(field, buf_span(&leaf->upper), &upper))
        stats->upper[file->upper_count++] =
            (struct ice_bound){ leaf->field_id, arena_copy(arena, buf_span(&upper)) };
    buf_deinit(&upper);
}

static void take_stats(struct table *table, struct arena *arena, struct ice_data_file *file)
{
    size_t count, splits;
    const struct parquet_leaf_stats *leaf = parquet_writer_stats(table->writer, &count);
    const int64_t *split = parquet_writer_split_offsets(table->writer, &splits);
    int64_t *split_copy = arena_zero(arena, splits + 1, sizeof(*split_copy));
    struct file_stats stats = {
        .sizes = arena_zero(arena, count, sizeof(struct ice_count)),
        .values = arena_zero(arena, count, sizeof(struct ice_count)),
        .nulls = arena_zero(arena, count, sizeof(struct ice_count)),
        .lower = arena_zero(arena, count, sizeof(struct ice_bound)),
        .upper = arena_zero(arena, count, sizeof(struct ice_bound)),
    };

    for (size_t i = 0; i < count; i++)
        take_leaf(table, arena, &leaf[i], &stats, file);
    for (size_t i = 0; i < splits; i++)
        split_copy[i] = split[i];
    file->column_size = stats.sizes;
    file->value_count = stats.values;
    file->null_count = stats.nulls;
    file->lower = stats.lower;
    file->upper = stats.upper;
    file->split_offset = split_copy;
    file->split_offset_count = splits;
}

static char *file_path(struct table *table, struct arena *arena, const int32_t *partition)
{
    struct buf path = BUF_INIT;
    char uuid[UUID_TEXT_BYTES];
    char *text;

    table_new_uuid(table, uuid);
    buf_printf(&path, "%s/data/", table->metadata->location);
    if (table->definition.partition_count > 0) {
        ice_transform_path(&table->definition, partition, &path);
        buf_put_byte(&path, '/');
    }
    buf_printf(&path, "%05llu-%s.parquet", (unsigned long long)(table->files_written % 100000),
               uuid);
    text = arena_text(arena, buf_span(&path));
    buf_deinit(&path);
    return text;
}

int table_write_file(struct table *table, struct arena *arena, const struct column *const *columns,
                     size_t first, size_t count, const int32_t *partition,
                     const struct table_file_options *options, struct ice_data_file **out,
                     struct err *err)
{
    struct ice_data_file *file = arena_zero(arena, 1, sizeof(*file));

    ASSERT(table->metadata != NULL);
    ASSERT(count > 0);
    file->written_us = clock_now_us(table->ports.clock);
    if (make_image(table, columns, first, count, options, err) < 0)
        return err_wrap(err, "write a file of %s", table->definition.name);
    file->path = file_path(table, arena, partition);
    file->rows = (int64_t)count;
    file->bytes = (int64_t)table->scratch.size;
    file->content = ICE_DATA;
    file->status = ICE_ADDED;
    file->snapshot_id = ICE_NONE;
    file->sequence = file->file_sequence = -1;
    file->sort_order_id = options->sorted ? table->sort_order_id : 0;
    for (size_t i = 0; i < table->definition.partition_count; i++)
        file->partition[i].value = partition[i];
    take_stats(table, arena, file);
    if (table_put(table, file->path, buf_span(&table->scratch), err) < 0)
        return -1;
    table->files_written++;
    *out = file;
    return 0;
}

/* ADDED entries name the snapshot that is to add them. */
static const struct ice_data_file *const *with_snapshot(struct arena *arena,
                                                        const struct ice_data_file *const *files,
                                                        size_t count, int64_t snapshot_id)
{
    const struct ice_data_file **with = arena_zero(arena, count, sizeof(*with));

    for (size_t i = 0; i < count; i++) {
        struct ice_data_file *file = arena_alloc(arena, sizeof(*file));

        *file = *files[i];
        if (file->status != ICE_EXISTING)
            file->snapshot_id = snapshot_id;
        with[i] = file;
    }
    return with;
}

int table_write_manifest(struct table *table, struct arena *arena,
                         const struct ice_data_file *const *files, size_t count,
                         int64_t snapshot_id, struct ice_manifest_row *row, struct err *err)
{
    const struct ice_data_file *const *entries = with_snapshot(arena, files, count, snapshot_id);
    char uuid[UUID_TEXT_BYTES];
    uint8_t sync[16];

    ASSERT(table->metadata != NULL);
    table_new_uuid(table, uuid);
    table_new_sync(table, sync);
    buf_clear(&table->scratch);
    ice_manifest_encode(table->metadata, &table->definition, entries, count, sync, &table->scratch);
    ice_manifest_summarize(&table->definition, entries, count, snapshot_id, row);
    row->path = arena_printf(arena, "%s/metadata/%s-m0.avro", table->metadata->location, uuid);
    row->length = (int64_t)table->scratch.size;
    row->spec_id = table->metadata->spec_id;
    return table_put(table, row->path, buf_span(&table->scratch), err);
}
