// SPDX-License-Identifier: Apache-2.0
/* bronze_rows.c: columns of files, cut by offset. */
#include "stage/bronze_rows.h"

#include "core/num.h"
#include "protocol/offset_set.h"
#include "stage/stage.h"

#include <inttypes.h>

static const enum bronze_column read_columns[] = { BRONZE_RAW_BYTES, BRONZE_PARTITION,
                                                   BRONZE_OFFSET, BRONZE_KAFKA_TIMESTAMP,
                                                   BRONZE_INGESTION_TIMESTAMP };

void bronze_rows_init(struct bronze_rows *rows)
{
    static const enum column_type types[BRONZE_COLUMNS] = {
        COLUMN_BYTES, COLUMN_BYTES, COLUMN_INT32, COLUMN_INT64,
        COLUMN_INT64, COLUMN_INT64, COLUMN_INT32,
    };

    *rows = (struct bronze_rows){ 0 };
    for (size_t i = 0; i < BRONZE_COLUMNS; i++)
        column_init(&rows->column[i], types[i]);
}

void bronze_rows_deinit(struct bronze_rows *rows)
{
    for (size_t i = 0; i < BRONZE_COLUMNS; i++)
        column_deinit(&rows->column[i]);
    table_reader_deinit(&rows->reader);
    buf_deinit(&rows->index);
    buf_deinit(&rows->runs);
    bronze_spans_deinit(&rows->spans);
}

void bronze_rows_clear(struct bronze_rows *rows)
{
    for (size_t i = 0; i < BRONZE_COLUMNS; i++)
        column_clear(&rows->column[i]);
}

/* Whose rows a file without our key holds. */
struct origin_test {
    const struct own_claims *claims;
    enum own_level level;
    int64_t file_sequence;
};

/* Is the row ours?  `test` NULL: all of the file are. */
static bool is_own(const struct bronze_rows *rows, const struct origin_test *test, size_t first,
                   size_t row)
{
    const struct column *topic = &rows->column[BRONZE_TOPIC];

    if (test == NULL)
        return true;
    return !column_is_null(topic, row - first) &&
           own_claims_hold(test->claims, test->level, test->file_sequence,
                           column_bytes(topic, row - first),
                           column_int32(&rows->column[BRONZE_PARTITION], row),
                           column_int64(&rows->column[BRONZE_OFFSET], row));
}

/* Those of the rows from `first` on that lie in the window and are our own, into rows->index. */
static size_t choose_rows(struct bronze_rows *rows, size_t first,
                          const struct offset_window *window, const struct origin_test *test)
{
    const struct column *partition = &rows->column[BRONZE_PARTITION];
    const struct column *offset = &rows->column[BRONZE_OFFSET];
    size_t total = bronze_rows_count(rows);
    uint32_t *index;
    size_t chosen = 0;

    buf_clear(&rows->index);
    index = (uint32_t *)(void *)buf_extend(&rows->index, (total - first) * sizeof(*index));
    for (size_t row = first; row < total; row++) {
        int32_t p = column_int32(partition, row);
        int64_t at = column_int64(offset, row);

        if (!column_is_null(partition, row) && !column_is_null(offset, row) && p >= 0 &&
            p < window->count && at >= window->from[p] && at < window->to[p] &&
            is_own(rows, test, first, row))
            index[chosen++] = (uint32_t)row;
    }
    return chosen;
}

static void keep_chosen(struct bronze_rows *rows, enum bronze_column column, size_t first,
                        size_t chosen)
{
    column_keep(&rows->column[column], first, (const uint32_t *)(const void *)rows->index.data,
                chosen);
}

void bronze_rows_cut(struct bronze_rows *rows, const struct offset_window *window)
{
    size_t chosen = choose_rows(rows, 0, window, NULL);

    for (size_t i = 0; i < ARRAY_LEN(read_columns); i++)
        keep_chosen(rows, read_columns[i], 0, chosen);
}

/* The chosen rows as runs of the row group, into rows->runs; those from row `first` on are the
 * rows of `read`, one run behind the other. */
static size_t make_runs(struct bronze_rows *rows, size_t first, size_t chosen,
                        const struct table_rows *read)
{
    const uint32_t *index = (const uint32_t *)(const void *)rows->index.data;
    int64_t before = (int64_t)first; /* rows before *read */
    size_t count = 0;

    buf_clear(&rows->runs);
    for (size_t i = 0; i < chosen;) {
        struct table_rows run = { .count = 1 };

        for (; index[i] - before >= read->count; read++)
            before += read->count;
        run.first = read->first + (index[i] - before);
        while (++i < chosen && index[i] == index[i - 1] + 1 && index[i] - before < read->count)
            run.count++;
        buf_put(&rows->runs, &run, sizeof(run));
        count++;
    }
    return count;
}

static bool overlaps(const void *context, int64_t low, int64_t high)
{
    return offset_window_overlaps(context, low, high);
}

/* Which rows of a row group to look at: none, if the statistics exclude the window; the pages that
 * may hold some of it, if the group is none of ours but others' compaction of many. */
static int find_runs(struct bronze_rows *rows, size_t group, const struct offset_window *window,
                     struct table_rows *whole, const struct table_rows **runs, size_t *count,
                     struct err *err)
{
    int64_t low, high;

    whole->first = 0;
    whole->count = rows->reader.file.row_group[group].rows;
    *runs = whole;
    *count = 1;
    if (table_reader_range(&rows->reader, group, BRONZE_OFFSET, &low, &high) &&
        !overlaps(window, low, high))
        *count = 0;
    if (*count == 0 || whole->count <= STAGE_BATCH_ROWS)
        return 0;
    return table_reader_pages(&rows->reader, group, BRONZE_OFFSET, overlaps, window, runs, count,
                              err);
}

static int read_column(struct bronze_rows *rows, size_t group, enum bronze_column column,
                       const struct table_rows *runs, size_t count, struct err *err)
{
    return table_reader_rows(&rows->reader, group, (size_t)column, runs, count,
                             &rows->column[column], err);
}

static int read_group(struct bronze_rows *rows, size_t group, const struct offset_window *window,
                      const struct origin_test *test, struct err *err)
{
    size_t first = bronze_rows_count(rows), count, chosen;
    const struct table_rows *runs;
    struct table_rows whole;
    int rc = find_runs(rows, group, window, &whole, &runs, &count, err);

    if (rc != 0 || count == 0)
        return rc;
    column_clear(&rows->column[BRONZE_TOPIC]);
    if (test != NULL)
        rc = read_column(rows, group, BRONZE_TOPIC, runs, count, err);
    if (rc == 0)
        rc = read_column(rows, group, BRONZE_PARTITION, runs, count, err);
    if (rc == 0)
        rc = read_column(rows, group, BRONZE_OFFSET, runs, count, err);
    if (rc != 0)
        return rc;
    chosen = choose_rows(rows, first, window, test);
    if (chosen < bronze_rows_count(rows) - first) {
        keep_chosen(rows, BRONZE_PARTITION, first, chosen);
        keep_chosen(rows, BRONZE_OFFSET, first, chosen);
        count = make_runs(rows, first, chosen, runs);
        runs = (const struct table_rows *)(const void *)rows->runs.data;
    }
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(read_columns); i++)
        if (read_columns[i] != BRONZE_PARTITION && read_columns[i] != BRONZE_OFFSET)
            rc = read_column(rows, group, read_columns[i], runs, count, err);
    return rc;
}

static int read_file(struct bronze_rows *rows, struct chain_table *bronze,
                     const struct ice_data_file *file, const struct offset_window *window,
                     const struct origin_test *test, struct err *err)
{
    int rc = table_reader_open(&rows->reader, &bronze->table, file, err);

    for (size_t g = 0; rc == 0 && g < rows->reader.file.row_group_count; g++)
        rc = read_group(rows, g, window, test, err);
    return rc;
}

int bronze_rows_read_file(struct bronze_rows *rows, struct chain_table *bronze,
                          const struct ice_data_file *file, const struct offset_window *window,
                          struct err *err)
{
    return read_file(rows, bronze, file, window, NULL, err);
}

/* -- second path */

/* One file of the listing, and no offset twice. */
static int read_listed(struct bronze_rows *rows, struct chain_table *bronze, size_t index,
                       const struct offset_window *window, struct offset_set *seen, struct err *err)
{
    struct live_files *files = &rows->spans.files;
    enum own_level level = live_files_at(files, index)->level;
    const struct ice_data_file file = live_files_get(files, index);
    const struct origin_test test = { &rows->spans.claims, level, file.file_sequence };
    size_t first = bronze_rows_count(rows);
    int rc = read_file(rows, bronze, &file, window, level == OWN_KEYED ? NULL : &test, err);

    for (size_t row = first; rc == 0 && row < bronze_rows_count(rows); row++) {
        int32_t p = column_int32(&rows->column[BRONZE_PARTITION], row);
        int64_t at = column_int64(&rows->column[BRONZE_OFFSET], row);

        if (!offset_set_add(seen, p, at))
            return err_set(err, ERR_REFUSED,
                           "foreign_rows: %s holds partition %" PRId32 " offset %" PRId64
                           " twice: remove the foreign rows",
                           bronze->table.definition.name, p, at);
    }
    return rc;
}

/* Lists up to where Bronze itself has come, so that the listing's end is a position in Bronze. */
static int list_spans(struct bronze_rows *rows, struct chain_table *bronze,
                      const struct positions *map, const char *topic,
                      const struct offset_window *window, struct err *err)
{
    int64_t *to = mem_zero((size_t)window->count + 1, sizeof(*to));
    const struct offset_window listed = { window->from, to, window->count };
    int rc;

    for (int32_t p = 0; p < window->count; p++)
        to[p] = int64_max(window->to[p], positions_next(map, topic, p));
    rc = bronze_spans_list(&rows->spans, bronze, map, &listed, err);
    free(to);
    return rc;
}

int bronze_rows_read_offsets(struct bronze_rows *rows, struct chain_table *bronze,
                             const struct positions *map, const char *topic,
                             const struct offset_window *window, int64_t rows_max,
                             int64_t after_sequence, int64_t *end, bool *is_all, struct err *err)
{
    const struct offset_window chosen = { window->from, end, window->count };
    struct offset_set seen = { 0 };
    bool *is_wanted = NULL;
    size_t count = 0;
    int rc = list_spans(rows, bronze, map, topic, window, err);

    if (rc == 0) {
        count = live_files_count(&rows->spans.files);
        is_wanted = mem_zero(count + 1, sizeof(*is_wanted));
        *is_all =
            bronze_spans_choose(&rows->spans, window, rows_max, after_sequence, is_wanted, end);
    }
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (is_wanted[i])
            rc = read_listed(rows, bronze, i, &chosen, &seen, err);
    if (rc != 0)
        bronze_spans_forget(&rows->spans);
    if (rc == TABLE_GONE)
        rc = err_set(err, ERR_RETRY, "%s: a live file is gone", bronze->table.definition.name);
    offset_set_deinit(&seen);
    free(is_wanted);
    return rc;
}
