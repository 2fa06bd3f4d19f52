// SPDX-License-Identifier: Apache-2.0
/*
 * table_read.c: columns of data files by ranged reads.
 *
 * One read gets the file's last 64 KiB, which hold the footer of any streaming file and often all
 * of a small one; what lies in that tail is not fetched again.
 */
#include "iceberg/table_read.h"

enum { TAIL_BYTES = 64 * 1024 };

static int fetch(struct table_reader *reader, uint64_t offset, size_t size, struct buf *out,
                 struct err *err)
{
    int rc;

    buf_clear(out);
    rc = store_get(reader->table->ports.store, reader->path, offset, size, out, err);
    if (rc == STORE_ABSENT)
        return TABLE_GONE;
    return rc < 0 ? err_wrap(err, "get %s", reader->path) : 0;
}

/* reader->footer becomes the file from reader->tail on, the footer and its length included. */
static int fetch_footer(struct table_reader *reader, uint64_t file_size, struct span *footer,
                        struct err *err)
{
    uint64_t size;
    struct span tail;
    int rc;

    reader->tail = file_size > TAIL_BYTES ? file_size - TAIL_BYTES : 0;
    rc = fetch(reader, reader->tail, (size_t)(file_size - reader->tail), &reader->footer, err);
    if (rc != 0)
        return rc;
    tail = buf_span(&reader->footer);
    if (tail.size < PARQUET_TAIL_BYTES)
        return err_set(err, ERR_CORRUPT, "%s: too short for a Parquet file", reader->path);
    if (parquet_footer_size(span_of(tail.data + tail.size - PARQUET_TAIL_BYTES, PARQUET_TAIL_BYTES),
                            file_size, &size, err) < 0)
        return -1;
    if (size + PARQUET_TAIL_BYTES > file_size)
        return err_set(err, ERR_CORRUPT, "%s: the footer is larger than the file", reader->path);
    if (size + PARQUET_TAIL_BYTES > reader->footer.size) {
        reader->tail = file_size - PARQUET_TAIL_BYTES - size;
        rc = fetch(reader, reader->tail, (size_t)(file_size - reader->tail), &reader->footer, err);
        if (rc != 0)
            return rc;
    }
    *footer = span_of(reader->footer.data + reader->footer.size - PARQUET_TAIL_BYTES - size,
                      (size_t)size);
    return 0;
}

int table_reader_open(struct table_reader *reader, struct table *table,
                      const struct ice_data_file *file, struct err *err)
{
    struct span footer;
    int rc;

    reader->table = table;
    reader->path = file->path;
    reader->file = (struct parquet_file){ 0 };
    arena_reset(&reader->arena);
    rc = fetch_footer(reader, (uint64_t)file->bytes, &footer, err);
    if (rc != 0)
        return rc;
    if (parquet_file_parse(&reader->arena, footer, (uint64_t)file->bytes, &reader->file, err) < 0)
        return err_wrap(err, "%s", file->path);
    return 0;
}

void table_reader_deinit(struct table_reader *reader)
{
    arena_deinit(&reader->arena);
    buf_deinit(&reader->footer);
    buf_deinit(&reader->chunk[0]);
    buf_deinit(&reader->chunk[1]);
    parquet_scratch_deinit(&reader->scratch);
    *reader = (struct table_reader){ 0 };
}

/* parquet_file_parse has checked that chunks lie within the file. */
static int fetch_chunk(struct table_reader *reader, const struct parquet_chunk *chunk,
                       struct buf *into, struct span *bytes, struct err *err)
{
    uint64_t offset = (uint64_t)chunk->offset;
    int rc;

    if (offset >= reader->tail) {
        *bytes = span_of(reader->footer.data + (offset - reader->tail), (size_t)chunk->size);
        return 0;
    }
    rc = fetch(reader, offset, (size_t)chunk->size, into, err);
    *bytes = buf_span(into);
    return rc;
}

int table_reader_column(struct table_reader *reader, size_t row_group, size_t index,
                        struct column *out, struct err *err)
{
    const struct parquet_field *field = &reader->table->definition.field[index];
    const struct parquet_row_group *group = &reader->file.row_group[row_group];
    struct span bytes[2];
    size_t first, count;

    ASSERT(row_group < reader->file.row_group_count);
    ASSERT(index < reader->table->definition.field_count);
    if (!parquet_file_leaves(&reader->file, field, &first, &count)) {
        if (field->required)
            return err_set(err, ERR_CORRUPT, "%s: no column %s, which is required", reader->path,
                           field->name);
        column_repeat_null(out, (size_t)group->rows);
        return 0;
    }
    if (count > ARRAY_LEN(bytes))
        return err_set(err, ERR_CORRUPT, "%s: column %s is a struct", reader->path, field->name);
    for (size_t i = 0; i < count; i++) {
        int rc = fetch_chunk(reader, &group->chunk[first + i], &reader->chunk[i], &bytes[i], err);

        if (rc != 0)
            return rc;
    }
    if (parquet_read_field(&reader->file, row_group, field, bytes, &reader->scratch, out, err) < 0)
        return err_wrap(err, "%s", reader->path);
    return 0;
}

bool table_reader_range(const struct table_reader *reader, size_t row_group, size_t index,
                        int64_t *lower, int64_t *upper)
{
    const struct parquet_field *field = &reader->table->definition.field[index];

    return parquet_file_range(&reader->file, row_group, field, lower, upper);
}
