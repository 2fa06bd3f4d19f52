// SPDX-License-Identifier: Apache-2.0
/* parquet_writer.c: what a file gathers on its way: chunk metadata and page indexes are encoded as
 * soon as their row group is written, and only their places are filled in at the end. */
#include "codec/parquet_writer.h"
#include "codec/parquet_chunk_encode.h"
#include "codec/parquet_footer_encode.h"
#include "core/num.h"

enum { PAGE_ROWS_MAX = 20000, PAGE_BYTES_MAX = 1 << 20 };

/* A chunk of the file so far: what stands where in metas, column_indexes and offset_indexes. */
struct chunk_record {
    size_t meta_at, meta_size;
    size_t column_index_at, column_index_size;
    size_t offset_index_at, offset_index_size;
};

struct parquet_writer {
    const struct parquet_field *field;
    size_t field_count;
    struct parquet_shape *shape;
    size_t leaf_count;
    char *created_by;
    struct parquet_chunk_encoder encoder;

    struct parquet_leaf_stats *stats;
    struct leaf_range {
        int128 low, high;
    } * range;       /* of the numbers, beside stats */
    size_t start;    /* bytes of *out that were not ours */
    int64_t drained; /* bytes taken away */
    int64_t rows;
    bool finished;
    struct buf metas, column_indexes, offset_indexes;
    struct buf records; /* struct chunk_record, leaf_count for each group */
    struct buf groups;  /* struct parquet_footer_group */
    struct buf split_offsets;
    struct buf footer_chunks;
};

struct parquet_writer *parquet_writer_new(const struct parquet_field *fields, size_t count,
                                          const struct parquet_options *options)
{
    struct parquet_writer *writer = mem_zero(1, sizeof(*writer));

    ASSERT(count > 0 && options->created_by != NULL);
    writer->field = fields;
    writer->field_count = count;
    writer->shape = mem_zero(count * PARQUET_SHAPE_LEAVES_MAX, sizeof(*writer->shape));
    for (size_t i = 0; i < count; i++)
        writer->leaf_count += parquet_shape_of(&fields[i], i, writer->shape + writer->leaf_count);
    writer->stats = mem_zero(writer->leaf_count, sizeof(*writer->stats));
    writer->range = mem_zero(writer->leaf_count, sizeof(*writer->range));
    writer->created_by = mem_text(options->created_by);
    writer->encoder.zstd_level = options->zstd_level;
    writer->encoder.page_rows_max =
        options->page_rows_max > 0 ? options->page_rows_max : PAGE_ROWS_MAX;
    writer->encoder.page_bytes_max =
        options->page_bytes_max > 0 ? options->page_bytes_max : PAGE_BYTES_MAX;
    return writer;
}

void parquet_writer_free(struct parquet_writer *writer)
{
    if (writer == NULL)
        return;
    for (size_t i = 0; i < writer->leaf_count; i++) {
        buf_deinit(&writer->stats[i].lower);
        buf_deinit(&writer->stats[i].upper);
    }
    parquet_chunk_encoder_deinit(&writer->encoder);
    buf_deinit(&writer->metas);
    buf_deinit(&writer->column_indexes);
    buf_deinit(&writer->offset_indexes);
    buf_deinit(&writer->records);
    buf_deinit(&writer->groups);
    buf_deinit(&writer->split_offsets);
    buf_deinit(&writer->footer_chunks);
    free(writer->shape);
    free(writer->stats);
    free(writer->range);
    free(writer->created_by);
    free(writer);
}

/* Where the end of *out stands in the file. */
static int64_t position_of(const struct parquet_writer *writer, const struct buf *out)
{
    return writer->drained + (int64_t)out->size - (int64_t)writer->start;
}

void parquet_writer_begin(struct parquet_writer *writer, struct buf *out)
{
    for (size_t i = 0; i < writer->leaf_count; i++) {
        struct parquet_leaf_stats *stats = &writer->stats[i];
        struct buf lower = stats->lower, upper = stats->upper;

        buf_clear(&lower);
        buf_clear(&upper);
        *stats = (struct parquet_leaf_stats){
            .field_id = writer->shape[i].field_id,
            .lower = lower,
            .upper = upper,
        };
    }
    writer->start = out->size;
    writer->drained = 0;
    writer->rows = 0;
    writer->finished = false;
    buf_clear(&writer->metas);
    buf_clear(&writer->column_indexes);
    buf_clear(&writer->offset_indexes);
    buf_clear(&writer->records);
    buf_clear(&writer->groups);
    buf_clear(&writer->split_offsets);
    buf_put_text(out, PARQUET_MAGIC);
}

void parquet_writer_drained(struct parquet_writer *writer, size_t bytes)
{
    writer->drained += (int64_t)bytes;
}

/* A greater upper or lesser lower bound replaces what is there.  One that was cut stays valid for
 * all that it is not replaced by. */
static void widen_bytes(struct parquet_leaf_stats *stats, const struct parquet_shape *shape,
                        const struct parquet_bounds *bounds)
{
    if (!stats->has_bounds || span_compare(bounds->low_bytes, buf_span(&stats->lower)) < 0) {
        buf_clear(&stats->lower);
        parquet_bounds_put_lower(&stats->lower, shape, bounds);
    }
    if (!stats->has_bounds || span_compare(bounds->high_bytes, buf_span(&stats->upper)) > 0) {
        buf_clear(&stats->upper);
        parquet_bounds_put_upper(&stats->upper, shape, bounds);
    }
}

static void widen_numbers(struct parquet_leaf_stats *stats, struct leaf_range *range,
                          const struct parquet_shape *shape, const struct parquet_bounds *bounds)
{
    if (!stats->has_bounds || bounds->low < range->low)
        range->low = bounds->low;
    if (!stats->has_bounds || bounds->high > range->high)
        range->high = bounds->high;
    buf_clear(&stats->lower);
    buf_clear(&stats->upper);
    parquet_bounds_put_single(&stats->lower, shape, range->low);
    parquet_bounds_put_single(&stats->upper, shape, range->high);
}

static void gather_stats(struct parquet_writer *writer, size_t leaf,
                         const struct parquet_chunk_encoded *chunk)
{
    struct parquet_leaf_stats *stats = &writer->stats[leaf];
    const struct parquet_shape *shape = &writer->shape[leaf];

    stats->compressed_bytes += chunk->compressed_bytes;
    stats->value_count += (int64_t)chunk->entries;
    stats->null_count += (int64_t)chunk->nulls;
    if (!chunk->bounds.present || shape->child >= 0)
        return;
    if (shape->type == PARQUET_TYPE_BYTE_ARRAY)
        widen_bytes(stats, shape, &chunk->bounds);
    else
        widen_numbers(stats, &writer->range[leaf], shape, &chunk->bounds);
    stats->has_bounds = true;
}

/* Encodes what is known of the chunk by now; the encoder's index is that of this chunk. */
static void record_chunk(struct parquet_writer *writer, size_t leaf,
                         const struct parquet_chunk_encoded *chunk)
{
    const struct parquet_shape *shape = &writer->shape[leaf];
    struct chunk_record record = {
        .meta_at = writer->metas.size,
        .column_index_at = writer->column_indexes.size,
        .offset_index_at = writer->offset_indexes.size,
    };

    parquet_footer_encode_chunk(
        &writer->metas, shape,
        writer->encoder.zstd_level > 0 ? PARQUET_CODEC_ZSTD : PARQUET_CODEC_UNCOMPRESSED, chunk);
    if (!shape->field->no_bounds)
        parquet_index_encode_columns(&writer->encoder.index, shape, &writer->column_indexes);
    parquet_index_encode_offsets(&writer->encoder.index, &writer->offset_indexes);
    record.meta_size = writer->metas.size - record.meta_at;
    record.column_index_size = writer->column_indexes.size - record.column_index_at;
    record.offset_index_size = writer->offset_indexes.size - record.offset_index_at;
    buf_put(&writer->records, &record, sizeof(record));
}

int parquet_writer_row_group(struct parquet_writer *writer, const struct column *const *columns,
                             size_t first, size_t count, struct buf *out, struct err *err)
{
    struct parquet_footer_group group = {
        .offset = position_of(writer, out),
        .rows = (int64_t)count,
    };

    ASSERT(!writer->finished);
    if (count == 0)
        return 0;
    for (size_t i = 0; i < writer->leaf_count; i++) {
        const struct parquet_shape *shape = &writer->shape[i];
        struct parquet_chunk_encoded chunk;

        if (parquet_chunk_encode(&writer->encoder, shape, columns[shape->field_index], first, count,
                                 position_of(writer, out), out, &chunk, err) < 0)
            return -1;
        gather_stats(writer, i, &chunk);
        record_chunk(writer, i, &chunk);
        group.compressed_bytes += chunk.compressed_bytes;
        group.uncompressed_bytes += chunk.uncompressed_bytes;
    }
    writer->rows += group.rows;
    buf_put(&writer->groups, &group, sizeof(group));
    buf_put(&writer->split_offsets, &group.offset, sizeof(group.offset));
    return 0;
}

/* Puts both indexes and says for each chunk where they came to stand. */
static void put_indexes(struct parquet_writer *writer, struct buf *out)
{
    size_t count = writer->records.size / sizeof(struct chunk_record);
    int64_t column_indexes = position_of(writer, out);
    int64_t offset_indexes = column_indexes + (int64_t)writer->column_indexes.size;

    buf_clear(&writer->footer_chunks);
    for (size_t i = 0; i < count; i++) {
        struct chunk_record record;
        struct parquet_footer_chunk chunk;

        memcpy(&record, writer->records.data + i * sizeof(record), sizeof(record));
        chunk = (struct parquet_footer_chunk){
            .meta = span_of(writer->metas.data + record.meta_at, record.meta_size),
            .column_index_offset = column_indexes + (int64_t)record.column_index_at,
            .column_index_size = record.column_index_size,
            .offset_index_offset = offset_indexes + (int64_t)record.offset_index_at,
            .offset_index_size = record.offset_index_size,
        };
        buf_put(&writer->footer_chunks, &chunk, sizeof(chunk));
    }
    buf_put_span(out, buf_span(&writer->column_indexes));
    buf_put_span(out, buf_span(&writer->offset_indexes));
}

int parquet_writer_finish(struct parquet_writer *writer, const struct parquet_pair *pairs,
                          size_t pair_count, struct buf *out, struct err *err)
{
    struct parquet_footer footer = {
        .field = writer->field,
        .field_count = writer->field_count,
        .leaf_count = writer->leaf_count,
        .group = (const struct parquet_footer_group *)(const void *)writer->groups.data,
        .group_count = writer->groups.size / sizeof(struct parquet_footer_group),
        .pair = pairs,
        .pair_count = pair_count,
        .created_by = writer->created_by,
    };
    size_t before, size;

    ASSERT(!writer->finished);
    put_indexes(writer, out);
    footer.chunk = (const struct parquet_footer_chunk *)(const void *)writer->footer_chunks.data;
    before = out->size;
    parquet_footer_encode(out, &footer);
    size = out->size - before;
    if (size > INT32_MAX)
        return err_set(err, ERR_FATAL, "a footer of %zu bytes is too large", size);
    store_le32(buf_extend(out, sizeof(uint32_t)), (uint32_t)size);
    buf_put_text(out, PARQUET_MAGIC);
    writer->finished = true;
    return 0;
}

const struct parquet_leaf_stats *parquet_writer_stats(const struct parquet_writer *writer,
                                                      size_t *count)
{
    *count = writer->leaf_count;
    return writer->stats;
}

const int64_t *parquet_writer_split_offsets(const struct parquet_writer *writer, size_t *count)
{
    *count = writer->split_offsets.size / sizeof(int64_t);
    return (const int64_t *)(const void *)writer->split_offsets.data;
}

int64_t parquet_writer_rows(const struct parquet_writer *writer)
{
    return writer->rows;
}
