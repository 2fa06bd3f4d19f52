// SPDX-License-Identifier: Apache-2.0
/* parquet_chunk_encode.c: the encoding is decided once for the whole chunk: a dictionary given up
 * is given up from the start, so a chunk never mixes two encodings. */
#include "codec/parquet_chunk_encode.h"
#include "codec/parquet_delta_encode.h"
#include "codec/parquet_levels.h"
#include "codec/parquet_plain_encode.h"
#include "codec/parquet_rle_encode.h"
#include "core/num.h"

struct job {
    struct parquet_chunk_encoder *encoder;
    const struct parquet_shape *shape;
    const struct column *column;
    struct parquet_values values;
    int64_t position; /* in the file, of the next page */
    struct buf *out;
    struct parquet_chunk_encoded *chunk;
};

void parquet_chunk_encoder_deinit(struct parquet_chunk_encoder *encoder)
{
    compress_deinit(&encoder->compress);
    parquet_dict_deinit(&encoder->dict);
    parquet_index_deinit(&encoder->index);
    buf_deinit(&encoder->values);
    buf_deinit(&encoder->levels);
    buf_deinit(&encoder->body);
    buf_deinit(&encoder->compressed);
    buf_deinit(&encoder->stamps);
}

static enum parquet_encoding choose(struct parquet_chunk_encoder *encoder,
                                    const struct parquet_shape *shape,
                                    const struct parquet_values *values)
{
    enum parquet_encoding_wish wish = shape->field->encoding;
    enum parquet_kind kind = shape->field->kind;

    if (wish == PARQUET_DELTA &&
        (kind == PARQUET_INT || kind == PARQUET_LONG || kind == PARQUET_TIMESTAMPTZ))
        return PARQUET_ENCODING_DELTA_BINARY_PACKED;
    if (wish == PARQUET_DICTIONARY && kind != PARQUET_BOOL && values->count > 0 &&
        parquet_dict_build(&encoder->dict, values) == 0)
        return PARQUET_ENCODING_RLE_DICTIONARY;
    return PARQUET_ENCODING_PLAIN;
}

/* The leaf's values before row `row`, and their PLAIN bytes. */
static size_t values_before(const struct job *job, size_t row)
{
    return job->shape->child < 0 ? row : (size_t)column_offsets(job->column)[row];
}

static size_t bytes_before(const struct job *job, size_t row)
{
    const struct column *leaf = parquet_shape_leaf(job->shape, job->column);
    size_t values = values_before(job, row);
    size_t lengths = values * sizeof(uint32_t);

    return lengths + (values > 0 ? (size_t)column_offsets(leaf)[values] : 0);
}

/* Rows from `row` on that fill one page, at least one, at most `left`.  Nulls count as values. */
static size_t page_rows(const struct job *job, size_t row, size_t left)
{
    size_t bytes_max = job->encoder->page_bytes_max;
    size_t most = size_min(job->encoder->page_rows_max, left);
    bool sized = job->shape->type == PARQUET_TYPE_BYTE_ARRAY &&
                 job->chunk->encoding == PARQUET_ENCODING_PLAIN;
    size_t width = size_max(job->values.width, 4);
    size_t least = 1;

    while (least < most) { /* the most rows that fit, by halving: bytes grow with rows */
        size_t rows = least + (most - least + 1) / 2;
        size_t bytes = sized ? bytes_before(job, row + rows) - bytes_before(job, row)
                             : (values_before(job, row + rows) - values_before(job, row)) * width;

        if (bytes <= bytes_max)
            least = rows;
        else
            most = rows - 1;
    }
    return least;
}

/* Appends values [first, first + count) to the body and says how they are bounded. */
static struct parquet_bounds put_values(const struct job *job, size_t first, size_t count)
{
    struct parquet_chunk_encoder *encoder = job->encoder;
    const struct parquet_values *values = &job->values;
    const uint32_t *indices;
    const void *fixed = values->fixed == NULL ? NULL : values->fixed + first * values->width;
    bool bounded = !job->shape->field->no_bounds;
    int width;

    switch (job->chunk->encoding) {
    case PARQUET_ENCODING_RLE_DICTIONARY:
        indices = parquet_dict_indices(&encoder->dict) + first;
        width = parquet_rle_encode_width((uint32_t)encoder->dict.entries.count - 1);
        buf_put_byte(&encoder->body, (uint8_t)width);
        parquet_rle_encode(&encoder->body, indices, count, width);
        if (bounded && values->type == PARQUET_TYPE_BYTE_ARRAY)
            return parquet_bounds_of_indices(&encoder->dict.entries, indices, count,
                                             &encoder->stamps);
        break;
    case PARQUET_ENCODING_DELTA_BINARY_PACKED:
        if (values->width == 4)
            parquet_delta_encode_int32(&encoder->body, fixed, count);
        else
            parquet_delta_encode_int64(&encoder->body, fixed, count);
        break;
    default:
        parquet_plain_encode(&encoder->body, values, first, count);
    }
    return bounded ? parquet_bounds_of(values, first, count)
                   : (struct parquet_bounds){ .present = false };
}

/* Compresses the body and puts the page; *size_out is what it takes in the file. */
static int put_page(struct job *job, enum parquet_page_type type, enum parquet_encoding encoding,
                    size_t values, size_t *size_out, struct err *err)
{
    struct parquet_chunk_encoder *encoder = job->encoder;
    const struct parquet_page page = { type, encoding, values, encoder->zstd_level };
    struct parquet_page_size size;

    if (parquet_page_encode(&page, buf_span(&encoder->body), &encoder->compress,
                            &encoder->compressed, job->out, &size, err) < 0)
        return err_wrap(err, "column %s", job->shape->field->name);
    job->position += (int64_t)size.compressed;
    job->chunk->compressed_bytes += (int64_t)size.compressed;
    job->chunk->uncompressed_bytes += (int64_t)size.uncompressed;
    *size_out = size.compressed;
    return 0;
}

static int put_dictionary(struct job *job, struct err *err)
{
    const struct parquet_values *entries = &job->encoder->dict.entries;
    size_t size;

    job->chunk->has_dictionary = true;
    job->chunk->dictionary_offset = job->position;
    buf_clear(&job->encoder->body);
    parquet_plain_encode(&job->encoder->body, entries, 0, entries->count);
    return put_page(job, PARQUET_PAGE_DICTIONARY, PARQUET_ENCODING_PLAIN, entries->count, &size,
                    err);
}

static int put_data(struct job *job, size_t first, size_t count, struct err *err)
{
    struct parquet_chunk_encoder *encoder = job->encoder;
    struct parquet_chunk_encoded *chunk = job->chunk;
    size_t value = 0;

    chunk->data_offset = job->position;
    for (size_t done = 0; done < count;) {
        size_t rows = page_rows(job, first + done, count - done);
        int64_t offset = job->position;
        struct parquet_level_counts counts;
        struct parquet_bounds bounds;
        size_t size;

        buf_clear(&encoder->body);
        counts = parquet_levels_encode(job->shape, job->column, first + done, rows,
                                       &encoder->levels, &encoder->body);
        bounds = put_values(job, value, counts.values);
        if (put_page(job, PARQUET_PAGE_DATA, chunk->encoding, counts.entries, &size, err) < 0)
            return -1;
        parquet_index_put(&encoder->index, job->shape, offset, size, done,
                          counts.entries - counts.values, &bounds);
        parquet_bounds_merge(&chunk->bounds, &bounds, job->shape->type);
        chunk->entries += counts.entries;
        chunk->nulls += counts.entries - counts.values;
        chunk->data_pages++;
        value += counts.values;
        done += rows;
    }
    ASSERT(value == job->values.count);
    return 0;
}

static int null_in_required(const struct parquet_shape *shape, const struct column *column,
                            size_t first, size_t count, struct err *err)
{
    for (size_t row = first; row < first + count; row++)
        if (column_is_null(column, row))
            return err_set(err, ERR_FATAL, "column %s, row %zu: null, but it is required",
                           shape->field->name, row);
    return 0;
}

int parquet_chunk_encode(struct parquet_chunk_encoder *encoder, const struct parquet_shape *shape,
                         const struct column *column, size_t first, size_t count, int64_t position,
                         struct buf *out, struct parquet_chunk_encoded *chunk, struct err *err)
{
    struct job job = {
        .encoder = encoder,
        .shape = shape,
        .column = column,
        .position = position,
        .out = out,
        .chunk = chunk,
    };
    size_t leaf_first, leaf_count;

    ASSERT(count > 0 && first + count <= column->rows);
    ASSERT(column->type == parquet_column_type(shape->field->kind));
    *chunk = (struct parquet_chunk_encoded){ 0 };
    parquet_index_clear(&encoder->index);
    if (shape->child >= 0 && shape->field->required && column->null_count > 0 &&
        null_in_required(shape, column, first, count, err) < 0)
        return -1;
    leaf_first = values_before(&job, first);
    leaf_count = values_before(&job, first + count) - leaf_first;
    if (parquet_values_take(shape, parquet_shape_leaf(shape, column), leaf_first, leaf_count,
                            &encoder->values, &job.values, err) < 0)
        return -1;
    chunk->encoding = choose(encoder, shape, &job.values);
    if (chunk->encoding == PARQUET_ENCODING_RLE_DICTIONARY && put_dictionary(&job, err) < 0)
        return -1;
    return put_data(&job, first, count, err);
}
