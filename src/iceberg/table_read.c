// SPDX-License-Identifier: Apache-2.0
/*
 * table_read.c: columns of data files by ranged reads.
 *
 * One read gets the file's last 64 KiB, which hold the footer of any streaming file and often all
 * of a small one; what lies in that tail is not fetched again.
 */
#include "iceberg/table_read.h"

#include "core/num.h"

enum { TAIL_BYTES = 64 * 1024 };

/* Appends. */
static int fetch_more(struct table_reader *reader, uint64_t offset, size_t size, struct buf *out,
                      struct err *err)
{
    int rc = store_get(reader->table->ports.store, reader->path, offset, size, out, err);

    if (rc == STORE_ABSENT)
        return TABLE_GONE;
    return rc < 0 ? err_wrap(err, "get %s", reader->path) : 0;
}

static int fetch(struct table_reader *reader, uint64_t offset, size_t size, struct buf *out,
                 struct err *err)
{
    buf_clear(out);
    return fetch_more(reader, offset, size, out, err);
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
    buf_deinit(&reader->index);
    buf_deinit(&reader->kept);
    parquet_scratch_deinit(&reader->scratch);
    *reader = (struct table_reader){ 0 };
}

/* A part of the file that parquet_file_parse has found to lie within it. */
static int fetch_part(struct table_reader *reader, int64_t at, int64_t size, struct buf *into,
                      struct span *bytes, struct err *err)
{
    uint64_t offset = (uint64_t)at;
    int rc;

    if (offset >= reader->tail) {
        *bytes = span_of(reader->footer.data + (offset - reader->tail), (size_t)size);
        return 0;
    }
    rc = fetch(reader, offset, (size_t)size, into, err);
    *bytes = buf_span(into);
    return rc;
}

/* The leaves of the field, at most two; 0: the file has no such field, and it is optional.  -1. */
static int find_leaves(const struct table_reader *reader, const struct parquet_field *field,
                       size_t *first, struct err *err)
{
    size_t count;

    if (!parquet_file_leaves(&reader->file, field, first, &count) && field->required)
        return err_set(err, ERR_CORRUPT, "%s: no column %s, which is required", reader->path,
                       field->name);
    if (count > 2)
        return err_set(err, ERR_CORRUPT, "%s: column %s is a struct", reader->path, field->name);
    return (int)count;
}

int table_reader_column(struct table_reader *reader, size_t row_group, size_t index,
                        struct column *out, struct err *err)
{
    const struct parquet_field *field = &reader->table->definition.field[index];
    const struct parquet_row_group *group = &reader->file.row_group[row_group];
    struct span bytes[2];
    size_t first;
    int leaves;

    ASSERT(row_group < reader->file.row_group_count);
    ASSERT(index < reader->table->definition.field_count);
    leaves = find_leaves(reader, field, &first, err);
    if (leaves == 0)
        column_repeat_null(out, (size_t)group->rows);
    if (leaves <= 0)
        return leaves;
    for (size_t i = 0; i < (size_t)leaves; i++) {
        const struct parquet_chunk *chunk = &group->chunk[first + i];
        int rc = fetch_part(reader, chunk->offset, chunk->size, &reader->chunk[i], &bytes[i], err);

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

/* The pages of a chunk; *count is 0 when no index says them. */
static int find_pages(struct table_reader *reader, size_t row_group, size_t leaf,
                      struct parquet_index_page **pages, size_t *count, struct err *err)
{
    const struct parquet_row_group *group = &reader->file.row_group[row_group];
    const struct parquet_chunk *chunk = &group->chunk[leaf];
    struct span index;
    int rc;

    *count = 0;
    if (chunk->offset_index.size == 0)
        return 0;
    rc = fetch_part(reader, chunk->offset_index.offset, chunk->offset_index.size, &reader->index,
                    &index, err);
    if (rc == 0 &&
        !parquet_index_decode_pages(&reader->arena, index, chunk, group->rows, pages, count))
        *count = 0;
    return rc;
}

int table_reader_pages(struct table_reader *reader, size_t row_group, size_t index,
                       bool (*wanted)(const void *context, int64_t lower, int64_t upper),
                       const void *context, const struct table_rows **runs, size_t *count,
                       struct err *err)
{
    const struct parquet_field *field = &reader->table->definition.field[index];
    const struct parquet_row_group *group = &reader->file.row_group[row_group];
    struct parquet_index_page whole = { .rows = group->rows }, *pages = &whole;
    struct table_rows *found;
    size_t leaf, leaves, page_count = 0;
    int rc = 0;

    if (parquet_file_leaves(&reader->file, field, &leaf, &leaves) && leaves == 1)
        rc = find_pages(reader, row_group, leaf, &pages, &page_count, err);
    if (rc == 0 && page_count > 0 && group->chunk[leaf].column_index.size > 0) {
        const struct parquet_place *place = &group->chunk[leaf].column_index;
        struct span bytes = { NULL, 0 };

        rc = fetch_part(reader, place->offset, place->size, &reader->index, &bytes, err);
        if (rc == 0)
            parquet_index_decode_ranges(bytes, &reader->file.layout->leaf[leaf], field, pages,
                                        page_count);
    }
    if (rc != 0)
        return rc;
    if (page_count == 0) {
        pages = &whole;
        page_count = 1;
    }
    *runs = found = arena_zero(&reader->arena, page_count, sizeof(*found));
    *count = 0;
    for (size_t i = 0; i < page_count; i++)
        if (!pages[i].has_range || wanted(context, pages[i].lower, pages[i].upper))
            found[(*count)++] = (struct table_rows){ pages[i].first_row, pages[i].rows };
    return 0;
}

/* Does a run hold rows in [from, to)?  *at is the first run that may, for ascending calls. */
static bool runs_overlap(const struct table_rows *runs, size_t count, size_t *at, int64_t from,
                         int64_t to)
{
    while (*at < count && runs[*at].first + runs[*at].count <= from)
        ++*at;
    return *at < count && runs[*at].first < to;
}

/* Appends to reader->kept the rows of a page that are in a run from runs[at] on; the page's first
 * row is row `base` of a column. */
static void keep_rows(struct table_reader *reader, const struct parquet_index_page *page,
                      const struct table_rows *runs, size_t count, size_t at, size_t base)
{
    const int64_t page_end = page->first_row + page->rows;

    for (; at < count && runs[at].first < page_end; at++) {
        int64_t from = int64_max(runs[at].first, page->first_row);
        int64_t to = int64_min(runs[at].first + runs[at].count, page_end);
        uint32_t *index;

        if (from >= to)
            continue;
        index = (uint32_t *)(void *)buf_extend(&reader->kept, (size_t)(to - from) * sizeof(*index));
        for (int64_t row = from; row < to; row++)
            *index++ = (uint32_t)(base + (size_t)(row - page->first_row));
    }
}

/* Appends the bytes [from, to) of the file. */
static int fetch_run(struct table_reader *reader, int64_t from, int64_t to, struct buf *out,
                     struct err *err)
{
    const size_t size = (size_t)(to - from);

    if (size == 0)
        return 0;
    if ((uint64_t)from < reader->tail)
        return fetch_more(reader, (uint64_t)from, size, out, err);
    buf_put(out, reader->footer.data + ((uint64_t)from - reader->tail), size);
    return 0;
}

struct pages {
    struct parquet_index_page *page;
    size_t count;
};

/* Fetches dictionary and wanted pages, one behind the other, adjacent ones in one read. */
static int fetch_pages(struct table_reader *reader, const struct parquet_chunk *chunk,
                       const struct pages *pages, const struct table_rows *runs, size_t count,
                       struct buf *out, struct err *err)
{
    int64_t from = chunk->offset, to = pages->page[0].offset; /* yet to be fetched */
    size_t at = 0;
    int rc = 0;

    buf_clear(out);
    for (size_t i = 0; rc == 0 && i < pages->count; i++) {
        const struct parquet_index_page *page = &pages->page[i];

        if (!runs_overlap(runs, count, &at, page->first_row, page->first_row + page->rows))
            continue;
        if (page->offset != to) {
            rc = fetch_run(reader, from, to, out, err);
            from = page->offset;
        }
        to = page->offset + page->size;
    }
    return rc == 0 ? fetch_run(reader, from, to, out, err) : rc;
}

/* The rows of the wanted pages; those of the runs into reader->kept, counted from `base`. */
static size_t keep_of_pages(struct table_reader *reader, const struct pages *pages,
                            const struct table_rows *runs, size_t count, size_t base)
{
    size_t at = 0, rows = 0;

    for (size_t i = 0; i < pages->count; i++) {
        const struct parquet_index_page *page = &pages->page[i];

        if (!runs_overlap(runs, count, &at, page->first_row, page->first_row + page->rows))
            continue;
        keep_rows(reader, page, runs, count, at, base + rows);
        rows += (size_t)page->rows;
    }
    return rows;
}

/* Takes the next page into *page, which it must follow in the file. */
static bool join_next(const struct pages *pages, size_t *next, struct parquet_index_page *page)
{
    const struct parquet_index_page *more = &pages->page[*next];

    if (*next == pages->count || more->offset != page->offset + page->size)
        return false;
    page->size += more->size;
    page->rows += more->rows;
    ++*next;
    return true;
}

/* A map's keys and values have pages of their own: they are joined until both end with the same
 * row.  False where that cannot be. */
static bool join_pages(struct pages *a, struct pages *b)
{
    size_t i = 0, k = 0, count = 0;

    while (i < a->count && k < b->count) {
        struct parquet_index_page left = a->page[i++], right = b->page[k++];

        while (left.rows != right.rows)
            if (!(left.rows < right.rows ? join_next(a, &i, &left) : join_next(b, &k, &right)))
                return false;
        a->page[count] = left;
        b->page[count++] = right;
    }
    if (i != a->count || k != b->count)
        return false;
    a->count = b->count = count;
    return true;
}

/* The pages of a field's leaves, which begin and end with the same rows; count 0: none that could
 * be read alone. */
static int find_field_pages(struct table_reader *reader, size_t row_group, size_t leaf,
                            size_t leaves, struct pages pages[2], struct err *err)
{
    for (size_t i = 0; i < leaves; i++) {
        int rc = find_pages(reader, row_group, leaf + i, &pages[i].page, &pages[i].count, err);

        if (rc != 0)
            return rc;
        if (pages[i].count == 0)
            pages[0].count = 0;
    }
    if (leaves == 2 && pages[0].count > 0 && !join_pages(&pages[0], &pages[1]))
        pages[0].count = 0;
    return 0;
}

static int read_pages(struct table_reader *reader, size_t row_group,
                      const struct parquet_field *field, size_t leaf, size_t leaves,
                      const struct pages pages[2], const struct table_rows *runs, size_t count,
                      struct column *out, struct err *err)
{
    const struct parquet_chunk *chunk = &reader->file.row_group[row_group].chunk[leaf];
    size_t rows = keep_of_pages(reader, &pages[0], runs, count, out->rows);
    struct span bytes[2];

    for (size_t i = 0; i < leaves; i++) {
        int rc = fetch_pages(reader, &chunk[i], &pages[i], runs, count, &reader->chunk[i], err);

        if (rc != 0)
            return rc;
        bytes[i] = buf_span(&reader->chunk[i]);
    }
    if (parquet_read_pages(&reader->file, row_group, field, bytes, rows, &reader->scratch, out,
                           err) < 0)
        return err_wrap(err, "%s", reader->path);
    return 0;
}

int table_reader_rows(struct table_reader *reader, size_t row_group, size_t index,
                      const struct table_rows *runs, size_t count, struct column *out,
                      struct err *err)
{
    const struct parquet_field *field = &reader->table->definition.field[index];
    const struct parquet_index_page whole = { .rows = reader->file.row_group[row_group].rows };
    struct pages pages[2] = { 0 };
    size_t base = out->rows, leaf;
    bool is_whole;
    int leaves = find_leaves(reader, field, &leaf, err);
    int rc = leaves < 0 ? -1 : 0;

    if (count == 0)
        return rc;
    if (count == 1 && runs->count == whole.rows)
        return table_reader_column(reader, row_group, index, out, err);
    buf_clear(&reader->kept);
    if (leaves > 0)
        rc = find_field_pages(reader, row_group, leaf, (size_t)leaves, pages, err);
    is_whole = rc == 0 && pages[0].count == 0;
    if (rc == 0 && !is_whole) {
        rc = read_pages(reader, row_group, field, leaf, (size_t)leaves, pages, runs, count, out,
                        err);
        is_whole = rc < 0 && err->kind == ERR_CORRUPT; /* the index may be what is wrong */
    }
    if (is_whole) {
        column_truncate(out, base);
        buf_clear(&reader->kept);
        rc = table_reader_column(reader, row_group, index, out, err);
        keep_rows(reader, &whole, runs, count, 0, base);
    }
    if (rc == 0)
        column_keep(out, base, (const uint32_t *)(const void *)reader->kept.data,
                    reader->kept.size / sizeof(uint32_t));
    return rc;
}
