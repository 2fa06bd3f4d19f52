// SPDX-License-Identifier: Apache-2.0
/*
 * oracle_parquet.c: a data file into cells (apache/parquet-format: README, Encodings.md,
 * parquet.thrift).
 *
 * v1 pages, PLAIN and RLE_DICTIONARY, zstd or nothing: what K2 writes and no more.  Lists and maps
 * are walked page by page for their sizes and checksums, their values are not looked at.
 */
#include "sim/oracle_formats.h"

#include <zlib.h>
#include <zstd.h>

#define THRIFT(name_)  ORACLE_THRIFT_##name_
#define WRITER_KEY     "k2.writer"
#define MAGIC          "PAR1"
#define LEAF_DEPTH_MAX 8

enum { TYPE_INT32 = 1, TYPE_INT64 = 2, TYPE_BYTE_ARRAY = 6 };
enum { REPETITION_REQUIRED = 0, REPETITION_OPTIONAL = 1, REPETITION_REPEATED = 2 };
enum { ENCODING_PLAIN = 0, ENCODING_RLE = 3, ENCODING_RLE_DICTIONARY = 8 };
enum { CODEC_NONE = 0, CODEC_ZSTD = 6 };
enum { PAGE_DATA = 0, PAGE_DICTIONARY = 2 };

struct leaf {
    int32_t id;
    int64_t type;
    bool is_flat, is_optional;
    size_t column; /* of the table, or SIZE_MAX: not read */
    const struct oracle_thrift *path[LEAF_DEPTH_MAX];
    size_t path_count;
};

struct job {
    const struct oracle_parquet *reader;
    struct oracle_parquet_file *file;
    const struct oracle_thrift *element; /* the schema's list */
    size_t element_at;
    struct leaf *leaf;
    size_t leaf_count;
};

/* One column chunk. */
struct chunk {
    const struct job *job;
    const struct leaf *leaf;
    const struct oracle_thrift *meta;
    bool is_zstd;
    struct oracle_bytes bytes;
    size_t first_row, row_count;
    struct oracle_cell *dictionary;
    size_t dictionary_count;
    size_t values; /* so far, nulls included; of a list, entries */
    size_t nulls;
    int64_t uncompressed;
};

/* -- schema */

static int64_t integer(const struct oracle_bytes *bytes, const struct oracle_thrift *of, int16_t id,
                       enum oracle_thrift_type type)
{
    return oracle_thrift_get(bytes, of, id, type)->integer;
}

static int64_t integer_or(const struct oracle_bytes *bytes, const struct oracle_thrift *of,
                          int16_t id, enum oracle_thrift_type type, int64_t none)
{
    const struct oracle_thrift *found = oracle_thrift_find(bytes, of, id, type);

    return found == NULL ? none : found->integer;
}

/* Physical and converted type must be the column's. */
static void check_type(const struct oracle_bytes *bytes, const struct oracle_thrift *element,
                       const struct oracle_field *field)
{
    static const struct {
        int64_t physical, converted;
    } wanted[] = {
        [ORACLE_INT] = { TYPE_INT32, -1 },         [ORACLE_DATE] = { TYPE_INT32, 6 },
        [ORACLE_LONG] = { TYPE_INT64, -1 },        [ORACLE_TIMESTAMPTZ] = { TYPE_INT64, 10 },
        [ORACLE_DECIMAL] = { TYPE_INT64, 5 },      [ORACLE_STRING] = { TYPE_BYTE_ARRAY, 0 },
        [ORACLE_BINARY] = { TYPE_BYTE_ARRAY, -1 },
    };
    int64_t converted = integer_or(bytes, element, 6, THRIFT(I32), -1);

    if (integer(bytes, element, 1, THRIFT(I32)) != wanted[field->type].physical ||
        converted != wanted[field->type].converted)
        oracle_bytes_fail(bytes, "column %s is of another type (converted %lld)", field->name,
                          (long long)converted);
    if (field->type == ORACLE_DECIMAL &&
        (integer(bytes, element, 7, THRIFT(I32)) != field->scale ||
         integer(bytes, element, 8, THRIFT(I32)) != field->precision))
        oracle_bytes_fail(bytes, "decimal column %s has another precision or scale", field->name);
    if (field->required && integer(bytes, element, 3, THRIFT(I32)) != REPETITION_REQUIRED)
        oracle_bytes_fail(bytes, "required column %s may be null in the file", field->name);
}

static size_t column_of(const struct job *job, const struct oracle_thrift *element, int32_t id)
{
    for (size_t i = 0; i < job->reader->field_count; i++) {
        const struct oracle_field *field = &job->reader->field[i];

        if (field->id != id)
            continue;
        if (field->type == ORACLE_NESTED)
            oracle_bytes_fail(&job->file->bytes, "column %s is flat in the file", field->name);
        check_type(&job->file->bytes, element, field);
        return i;
    }
    return SIZE_MAX;
}

/* Element element_at and those below it. */
static void walk_element(struct job *job, const struct leaf *above)
{
    const struct oracle_bytes *bytes = &job->file->bytes;
    const struct oracle_thrift *element;
    struct leaf leaf = *above;
    int64_t children, repetition;

    if (job->element_at == job->element->count || leaf.path_count == LEAF_DEPTH_MAX)
        oracle_bytes_fail(bytes, "a schema of %zu elements does not add up", job->element->count);
    element = &job->element->item[job->element_at++];
    leaf.path[leaf.path_count++] = oracle_thrift_get(bytes, element, 4, THRIFT(BINARY));
    children = integer_or(bytes, element, 5, THRIFT(I32), 0);
    repetition = integer(bytes, element, 3, THRIFT(I32));
    if (repetition < REPETITION_REQUIRED || repetition > REPETITION_REPEATED)
        oracle_bytes_fail(bytes, "repetition %lld", (long long)repetition);
    if (children > 0) {
        for (int64_t i = 0; i < children; i++)
            walk_element(job, &leaf);
        return;
    }
    leaf.id = (int32_t)integer(bytes, element, 9, THRIFT(I32));
    leaf.type = integer(bytes, element, 1, THRIFT(I32));
    leaf.is_flat = leaf.path_count == 1 && repetition != REPETITION_REPEATED;
    leaf.is_optional = repetition == REPETITION_OPTIONAL;
    leaf.column = leaf.is_flat ? column_of(job, element, leaf.id) : SIZE_MAX;
    for (size_t i = 0; i < job->leaf_count; i++)
        if (job->leaf[i].id == leaf.id)
            oracle_bytes_fail(bytes, "two columns have field id %d", leaf.id);
    job->leaf[job->leaf_count++] = leaf;
}

static void read_schema(struct job *job, const struct oracle_thrift *footer)
{
    const struct oracle_bytes *bytes = &job->file->bytes;
    const struct leaf root = { 0 };
    int64_t children;

    job->element = oracle_thrift_get(bytes, footer, 2, THRIFT(LIST));
    if (job->element->count == 0 || job->element->item_type != THRIFT(STRUCT))
        oracle_bytes_fail(bytes, "no schema");
    job->leaf = arena_zero(job->reader->arena, job->element->count, sizeof(*job->leaf));
    children = integer(bytes, &job->element->item[0], 5, THRIFT(I32));
    job->element_at = 1;
    for (int64_t i = 0; i < children; i++)
        walk_element(job, &root);
    if (job->element_at != job->element->count)
        oracle_bytes_fail(bytes, "%zu schema elements, %zu in the tree", job->element->count,
                          job->element_at);
}

/* -- values */

/* The hybrid of runs and bit packing; the bytes end where the values do. */
static uint32_t *read_hybrid(struct arena *arena, struct oracle_bytes *bytes, unsigned width,
                             size_t count)
{
    uint32_t *out = arena_alloc(arena, (count + 8) * sizeof(*out));
    size_t done = 0;

    if (width > 32)
        oracle_bytes_fail(bytes, "values of %u bits", width);
    while (done < count) {
        uint64_t head = oracle_bytes_varint(bytes);
        uint64_t run = head >> 1;

        if ((head & 1) == 0) {
            uint32_t value = (uint32_t)oracle_bytes_le(bytes, (width + 7) / 8);

            if (run == 0 || run > count - done)
                oracle_bytes_fail(bytes, "a run of %llu of the last %zu values",
                                  (unsigned long long)run, count - done);
            for (uint64_t i = 0; i < run; i++)
                out[done++] = value;
            continue;
        }
        if (run == 0 || run > (count - done + 7) / 8)
            oracle_bytes_fail(bytes, "%llu groups of the last %zu values", (unsigned long long)run,
                              count - done);
        for (uint64_t i = 0; i < run; i++) {
            const uint8_t *group = oracle_bytes_take(bytes, width);

            for (unsigned bit = 0; bit < 8 * width; bit++) {
                uint32_t *value = &out[done + bit / width];

                *value = bit % width == 0 ? 0 : *value;
                *value |= (uint32_t)(group[bit / 8] >> (bit % 8) & 1) << (bit % width);
            }
            for (unsigned k = 0; width == 0 && k < 8; k++)
                out[done + k] = 0;
            done = done + 8 < count ? done + 8 : count;
        }
    }
    return out;
}

static void read_plain(struct oracle_bytes *bytes, int64_t type, size_t count,
                       struct oracle_cell *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct oracle_cell){ 0 };
        if (type == TYPE_INT32) {
            out[i].integer = (int32_t)(uint32_t)oracle_bytes_le(bytes, 4);
        } else if (type == TYPE_INT64) {
            out[i].integer = (int64_t)oracle_bytes_le(bytes, 8);
        } else if (type == TYPE_BYTE_ARRAY) {
            size_t size = oracle_bytes_le(bytes, 4);

            out[i].text = span_of(oracle_bytes_take(bytes, size), size);
        } else {
            oracle_bytes_fail(bytes, "physical type %lld", (long long)type);
        }
    }
}

static void read_dictionary(struct chunk *chunk, const struct oracle_thrift *page,
                            struct oracle_bytes *body)
{
    const struct oracle_bytes *at = &chunk->bytes;
    const struct oracle_thrift *header = oracle_thrift_get(at, page, 7, THRIFT(STRUCT));
    int64_t count = integer(at, header, 1, THRIFT(I32));

    if (chunk->dictionary != NULL || chunk->values > 0)
        oracle_bytes_fail(at, "a dictionary that is not the first page");
    if (integer(at, header, 2, THRIFT(I32)) != ENCODING_PLAIN)
        oracle_bytes_fail(at, "a dictionary that is not PLAIN");
    if (count < 0 || (uint64_t)count > body->size)
        oracle_bytes_fail(at, "a dictionary of %lld values", (long long)count);
    chunk->dictionary_count = (size_t)count;
    chunk->dictionary =
        arena_alloc(chunk->job->reader->arena, (size_t)(count + 1) * sizeof(struct oracle_cell));
    read_plain(body, chunk->leaf->type, chunk->dictionary_count, chunk->dictionary);
    if (body->at != body->size)
        oracle_bytes_fail(body, "%zu bytes behind the dictionary", body->size - body->at);
}

/* `count` values that are there. */
static struct oracle_cell *read_values(struct chunk *chunk, int64_t encoding,
                                       struct oracle_bytes *body, size_t count)
{
    struct arena *arena = chunk->job->reader->arena;
    struct oracle_cell *out = arena_alloc(arena, (count + 1) * sizeof(*out));
    const uint32_t *index;

    if (encoding == ENCODING_PLAIN) {
        read_plain(body, chunk->leaf->type, count, out);
        return out;
    }
    if (encoding != ENCODING_RLE_DICTIONARY || chunk->dictionary == NULL)
        oracle_bytes_fail(body, "encoding %lld", (long long)encoding);
    if (count == 0 && body->at == body->size)
        return out;
    index = read_hybrid(arena, body, oracle_bytes_byte(body), count);
    for (size_t i = 0; i < count; i++) {
        if (index[i] >= chunk->dictionary_count)
            oracle_bytes_fail(body, "entry %u of a dictionary of %zu", index[i],
                              chunk->dictionary_count);
        out[i] = chunk->dictionary[index[i]];
    }
    return out;
}

static void put_cells(struct chunk *chunk, struct oracle_bytes *body, int64_t encoding,
                      size_t count)
{
    const struct job *job = chunk->job;
    size_t stride = job->reader->field_count;
    size_t row = chunk->first_row + chunk->values;
    const uint32_t *level = NULL;
    const struct oracle_cell *value;
    size_t present = count;

    if (count > chunk->row_count - chunk->values)
        oracle_bytes_fail(body, "more values than rows");
    if (chunk->leaf->is_optional) {
        size_t size = oracle_bytes_le(body, 4);
        struct oracle_bytes levels = *body;

        oracle_bytes_take(body, size);
        levels.size = body->at;
        level = read_hybrid(job->reader->arena, &levels, 1, count);
        if (levels.at != levels.size)
            oracle_bytes_fail(&levels, "bytes behind the levels");
        for (size_t i = 0; i < count; i++)
            present -= level[i] == 0;
    }
    value = read_values(chunk, encoding, body, present);
    if (body->at != body->size)
        oracle_bytes_fail(body, "%zu bytes behind the values", body->size - body->at);
    chunk->nulls += count - present;
    if (chunk->leaf->column == SIZE_MAX)
        return;
    for (size_t i = 0; i < count; i++) {
        struct oracle_cell *cell = &job->file->cell[(row + i) * stride + chunk->leaf->column];

        *cell = level == NULL || level[i] != 0 ? *value++ : (struct oracle_cell){ .is_null = true };
    }
}

/* -- pages and chunks */

static struct oracle_bytes unpacked(const struct chunk *chunk, size_t origin, struct span body,
                                    size_t size)
{
    struct oracle_bytes out = { .name = chunk->bytes.name,
                                .data = body.data,
                                .size = body.size,
                                .origin = origin,
                                .is_unpacked = true };
    uint8_t *plain;
    size_t rc;

    if (!chunk->is_zstd) {
        if (size != body.size)
            oracle_bytes_fail(&out, "%zu bytes that are said to be %zu", body.size, size);
        return out;
    }
    plain = arena_alloc(chunk->job->reader->arena, size + 1);
    rc = ZSTD_decompressDCtx(chunk->job->reader->zstd, plain, size, body.data, body.size);
    if (ZSTD_isError(rc) || rc != size)
        oracle_bytes_fail(&out, "zstd: %s, for %zu bytes",
                          ZSTD_isError(rc) ? ZSTD_getErrorName(rc) : "another size", size);
    out.data = plain;
    out.size = size;
    return out;
}

static void read_data(struct chunk *chunk, const struct oracle_thrift *page,
                      struct oracle_bytes *body)
{
    const struct oracle_bytes *at = &chunk->bytes;
    const struct oracle_thrift *header = oracle_thrift_get(at, page, 5, THRIFT(STRUCT));
    int64_t count = integer(at, header, 1, THRIFT(I32));

    if (count <= 0)
        oracle_bytes_fail(at, "a page of %lld values", (long long)count);
    if (integer(at, header, 3, THRIFT(I32)) != ENCODING_RLE ||
        integer(at, header, 4, THRIFT(I32)) != ENCODING_RLE)
        oracle_bytes_fail(at, "levels that are not RLE");
    if (chunk->leaf->is_flat)
        put_cells(chunk, body, integer(at, header, 2, THRIFT(I32)), (size_t)count);
    chunk->values += (size_t)count;
}

static void read_page(struct chunk *chunk)
{
    struct oracle_bytes *bytes = &chunk->bytes;
    size_t start = bytes->at, origin;
    struct oracle_thrift page;
    const struct oracle_thrift *crc;
    struct oracle_bytes body;
    struct span packed;
    int64_t type, size;

    oracle_thrift_read(chunk->job->reader->arena, bytes, &page);
    type = integer(bytes, &page, 1, THRIFT(I32));
    size = integer(bytes, &page, 2, THRIFT(I32));
    packed.size = (size_t)integer(bytes, &page, 3, THRIFT(I32));
    if (size < 0)
        oracle_bytes_fail(bytes, "a page of %lld bytes", (long long)size);
    chunk->uncompressed += (int64_t)(bytes->at - start) + size;
    origin = bytes->origin + bytes->at;
    packed.data = oracle_bytes_take(bytes, packed.size);
    crc = oracle_thrift_find(bytes, &page, 4, THRIFT(I32));
    if (crc != NULL && (uint32_t)crc->integer != (uint32_t)crc32_z(0, packed.data, packed.size))
        oracle_bytes_fail(bytes, "the page at byte %zu has another CRC", origin);
    body = unpacked(chunk, origin, packed, (size_t)size);
    if (type == PAGE_DICTIONARY)
        read_dictionary(chunk, &page, &body);
    else if (type == PAGE_DATA)
        read_data(chunk, &page, &body);
    else
        oracle_bytes_fail(bytes, "a page of type %lld", (long long)type);
}

static struct oracle_cell decode_statistic(const struct oracle_bytes *bytes,
                                           const struct leaf *leaf, struct span value)
{
    struct oracle_bytes at = *bytes;
    struct oracle_cell cell = { .text = value };

    if (leaf->type == TYPE_BYTE_ARRAY)
        return cell;
    at.data = value.data;
    at.size = value.size;
    at.at = 0;
    read_plain(&at, leaf->type, 1, &cell);
    if (at.at != at.size)
        oracle_bytes_fail(bytes, "a statistic of %zu bytes", at.size);
    return cell;
}

static int compare(const struct oracle_cell *a, const struct oracle_cell *b)
{
    int order = (a->integer > b->integer) - (a->integer < b->integer);

    return order != 0 ? order : span_compare(a->text, b->text);
}

/* max_value or min_value of a chunk: no value lies beyond it, and one equals it if it says so. */
static void check_bound(const struct chunk *chunk, const struct oracle_thrift *statistics,
                        bool is_upper)
{
    const struct oracle_bytes *bytes = &chunk->job->file->bytes;
    const struct oracle_thrift *value =
        oracle_thrift_find(bytes, statistics, is_upper ? 5 : 6, THRIFT(BINARY));
    bool is_exact = integer_or(bytes, statistics, is_upper ? 7 : 8, THRIFT(BOOL), 0) != 0;
    size_t stride = chunk->job->reader->field_count;
    struct oracle_cell bound;

    if (value == NULL)
        return;
    bound = decode_statistic(bytes, chunk->leaf, value->bytes);
    for (size_t i = 0; i < chunk->row_count; i++) {
        const struct oracle_cell *cell =
            &chunk->job->file->cell[(chunk->first_row + i) * stride + chunk->leaf->column];
        int order = compare(cell, &bound);

        if (cell->is_null)
            continue;
        if (is_upper ? order > 0 : order < 0)
            oracle_bytes_fail(bytes, "column %d, row %zu lies beyond its chunk's statistics",
                              chunk->leaf->id, chunk->first_row + i);
        is_exact = is_exact && order != 0;
    }
    if (is_exact)
        oracle_bytes_fail(bytes, "column %d: an exact %s that no row has", chunk->leaf->id,
                          is_upper ? "maximum" : "minimum");
}

static void check_statistics(const struct chunk *chunk)
{
    const struct oracle_bytes *bytes = &chunk->job->file->bytes;
    const struct oracle_thrift *statistics =
        oracle_thrift_find(bytes, chunk->meta, 12, THRIFT(STRUCT));

    if (statistics == NULL || chunk->leaf->column == SIZE_MAX)
        return;
    if (integer_or(bytes, statistics, 3, THRIFT(I64), (int64_t)chunk->nulls) !=
        (int64_t)chunk->nulls)
        oracle_bytes_fail(bytes, "column %d: another null_count than %zu", chunk->leaf->id,
                          chunk->nulls);
    check_bound(chunk, statistics, true);
    check_bound(chunk, statistics, false);
}

static void check_path(const struct oracle_bytes *bytes, const struct leaf *leaf,
                       const struct oracle_thrift *meta)
{
    const struct oracle_thrift *path = oracle_thrift_get(bytes, meta, 3, THRIFT(LIST));
    bool same = path->count == leaf->path_count;

    for (size_t i = 0; same && i < path->count; i++)
        same = span_equal(path->item[i].bytes, leaf->path[i]->bytes);
    if (!same || integer(bytes, meta, 1, THRIFT(I32)) != leaf->type)
        oracle_bytes_fail(bytes, "a chunk is not of column %d", leaf->id);
}

/* Returns where the chunk starts. */
static int64_t open_chunk(struct chunk *chunk)
{
    const struct oracle_bytes *bytes = &chunk->job->file->bytes;
    int64_t data = integer(bytes, chunk->meta, 9, THRIFT(I64));
    int64_t start = integer_or(bytes, chunk->meta, 11, THRIFT(I64), data);
    int64_t size = integer(bytes, chunk->meta, 7, THRIFT(I64));
    int64_t codec = integer(bytes, chunk->meta, 4, THRIFT(I32));

    check_path(bytes, chunk->leaf, chunk->meta);
    if (codec != CODEC_NONE && codec != CODEC_ZSTD)
        oracle_bytes_fail(bytes, "codec %lld", (long long)codec);
    if (start < 4 || data < start || size < 0 || (uint64_t)start > bytes->size ||
        (uint64_t)size > bytes->size - (uint64_t)start)
        oracle_bytes_fail(bytes, "a chunk of %lld bytes at %lld", (long long)size,
                          (long long)start);
    chunk->is_zstd = codec == CODEC_ZSTD;
    chunk->bytes = (struct oracle_bytes){ .name = bytes->name,
                                          .data = bytes->data + start,
                                          .size = (size_t)size,
                                          .origin = (size_t)start };
    return start;
}

static void read_chunk(struct chunk *chunk)
{
    const struct oracle_bytes *bytes = &chunk->job->file->bytes;
    int64_t data = integer(bytes, chunk->meta, 9, THRIFT(I64));

    while (chunk->bytes.at < chunk->bytes.size) {
        size_t at = chunk->bytes.origin + chunk->bytes.at;
        bool is_first = chunk->values == 0;

        read_page(chunk);
        if (is_first && chunk->values > 0 && (int64_t)at != data)
            oracle_bytes_fail(&chunk->bytes, "data_page_offset %lld, but it is %zu",
                              (long long)data, at);
    }
    if (integer(bytes, chunk->meta, 5, THRIFT(I64)) != (int64_t)chunk->values ||
        (chunk->leaf->is_flat && chunk->values != chunk->row_count))
        oracle_bytes_fail(bytes, "column %d: %zu values of %zu rows", chunk->leaf->id,
                          chunk->values, chunk->row_count);
    if (integer(bytes, chunk->meta, 6, THRIFT(I64)) != chunk->uncompressed)
        oracle_bytes_fail(bytes, "column %d: %lld bytes uncompressed", chunk->leaf->id,
                          (long long)chunk->uncompressed);
    check_statistics(chunk);
}

static void read_group(const struct job *job, const struct oracle_thrift *group, size_t index,
                       size_t first_row, size_t row_count)
{
    struct oracle_parquet_file *file = job->file;
    const struct oracle_bytes *bytes = &file->bytes;
    const struct oracle_thrift *chunks = oracle_thrift_get(bytes, group, 1, THRIFT(LIST));
    int64_t uncompressed = 0, compressed = 0;

    if (chunks->count != job->leaf_count)
        oracle_bytes_fail(bytes, "%zu chunks of %zu columns", chunks->count, job->leaf_count);
    for (size_t i = 0; i < chunks->count; i++) {
        struct chunk chunk = {
            .job = job, .leaf = &job->leaf[i], .first_row = first_row, .row_count = row_count
        };
        int64_t start;

        if (oracle_thrift_find(bytes, &chunks->item[i], 1, THRIFT(BINARY)) != NULL)
            oracle_bytes_fail(bytes, "a chunk in another file");
        chunk.meta = oracle_thrift_get(bytes, &chunks->item[i], 3, THRIFT(STRUCT));
        start = open_chunk(&chunk);
        if (i == 0)
            file->group_offset[index] = start;
        read_chunk(&chunk);
        uncompressed += chunk.uncompressed;
        compressed += (int64_t)chunk.bytes.size;
        file->size[i].bytes += (int64_t)chunk.bytes.size;
    }
    if (integer(bytes, group, 2, THRIFT(I64)) != uncompressed ||
        integer_or(bytes, group, 6, THRIFT(I64), compressed) != compressed ||
        integer_or(bytes, group, 5, THRIFT(I64), file->group_offset[index]) !=
            file->group_offset[index])
        oracle_bytes_fail(bytes, "row group %zu has other sizes or another place", index);
}

/* Every cell is null until its chunk is read: what the file lacks stays so. */
static void set_null(const struct job *job)
{
    struct oracle_parquet_file *file = job->file;
    size_t fields = job->reader->field_count;

    file->cell = arena_alloc(job->reader->arena,
                             (file->row_count * fields + 1) * sizeof(struct oracle_cell));
    for (size_t i = 0; i < file->row_count * fields; i++)
        file->cell[i] = (struct oracle_cell){ .is_null = true };
    for (size_t i = 0; i < fields; i++) {
        const struct oracle_field *field = &job->reader->field[i];
        bool found = field->type == ORACLE_NESTED || !field->required;

        for (size_t k = 0; k < job->leaf_count; k++)
            found = found || job->leaf[k].id == field->id;
        if (!found)
            oracle_bytes_fail(&file->bytes, "required column %s is not there", field->name);
    }
}

static void read_groups(struct job *job, const struct oracle_thrift *footer)
{
    struct oracle_parquet_file *file = job->file;
    struct arena *arena = job->reader->arena;
    const struct oracle_thrift *groups = oracle_thrift_get(&file->bytes, footer, 4, THRIFT(LIST));
    int64_t rows = integer(&file->bytes, footer, 3, THRIFT(I64));
    int64_t first = 0;

    if (rows < 0 || rows > INT32_MAX)
        oracle_bytes_fail(&file->bytes, "%lld rows", (long long)rows);
    file->row_count = (size_t)rows;
    file->group_count = groups->count;
    file->group_offset = arena_zero(arena, groups->count + 1, sizeof(*file->group_offset));
    file->size_count = job->leaf_count;
    file->size = arena_zero(arena, job->leaf_count + 1, sizeof(*file->size));
    for (size_t i = 0; i < job->leaf_count; i++)
        file->size[i].id = job->leaf[i].id;
    set_null(job);
    for (size_t i = 0; i < groups->count; i++) {
        int64_t count = integer(&file->bytes, &groups->item[i], 3, THRIFT(I64));

        if (count <= 0 || count > rows - first)
            oracle_bytes_fail(&file->bytes, "row group %zu of %lld rows", i, (long long)count);
        read_group(job, &groups->item[i], i, (size_t)first, (size_t)count);
        first += count;
    }
    if (first != rows)
        oracle_bytes_fail(&file->bytes, "%lld rows in the row groups, %lld in the file",
                          (long long)first, (long long)rows);
}

static bool has_writer_key(const struct oracle_bytes *bytes, const struct oracle_thrift *footer)
{
    const struct oracle_thrift *pairs = oracle_thrift_find(bytes, footer, 5, THRIFT(LIST));
    bool found = false;

    for (size_t i = 0; pairs != NULL && i < pairs->count; i++)
        found =
            found || span_equal(oracle_thrift_get(bytes, &pairs->item[i], 1, THRIFT(BINARY))->bytes,
                                SPAN(WRITER_KEY));
    return found;
}

void oracle_parquet_read(const struct oracle_parquet *reader, const char *name, struct span image,
                         struct oracle_parquet_file *out)
{
    struct job job = { .reader = reader, .file = out };
    struct oracle_thrift footer;
    struct oracle_bytes tail;
    size_t size;

    *out = (struct oracle_parquet_file){
        .bytes = { .name = name, .data = image.data, .size = image.size }
    };
    if (image.size < 12 || memcmp(image.data, MAGIC, 4) != 0 ||
        memcmp(image.data + image.size - 4, MAGIC, 4) != 0)
        oracle_bytes_fail(&out->bytes, "not a Parquet file");
    tail = out->bytes;
    tail.at = image.size - 8;
    size = oracle_bytes_le(&tail, 4);
    if (size > image.size - 12)
        oracle_bytes_fail(&tail, "a footer of %zu bytes", size);
    out->bytes.at = image.size - 8 - size;
    tail.at = out->bytes.at;
    tail.size = image.size - 8;
    oracle_thrift_read(reader->arena, &tail, &footer);
    if (tail.at != tail.size)
        oracle_bytes_fail(&tail, "bytes behind the footer");
    read_schema(&job, &footer);
    read_groups(&job, &footer);
    out->has_writer_key = has_writer_key(&out->bytes, &footer);
}
