// SPDX-License-Identifier: Apache-2.0
/* bronze_rows.c: columns of files, cut by offset.  The second path first learns each live file's
 * range of offsets per partition from its columns of origin, then reads only the files it needs. */
#include "stage/bronze_rows.h"

#include "core/num.h"
#include "protocol/clause.h"
#include "protocol/offset_set.h"
#include "protocol/own_rows.h"

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
}

void bronze_rows_clear(struct bronze_rows *rows)
{
    for (size_t i = 0; i < BRONZE_COLUMNS; i++)
        column_clear(&rows->column[i]);
}

/* Keeps, of the rows from `first` on, those of the window. */
static void cut_from(struct bronze_rows *rows, size_t first, const struct offset_window *window)
{
    const struct column *partition = &rows->column[BRONZE_PARTITION];
    const struct column *offset = &rows->column[BRONZE_OFFSET];
    size_t total = bronze_rows_count(rows);
    uint32_t *index;
    size_t kept = 0;

    buf_clear(&rows->index);
    index = (uint32_t *)(void *)buf_extend(&rows->index, (total - first) * sizeof(*index));
    for (size_t row = first; row < total; row++) {
        int32_t p = column_int32(partition, row);
        int64_t at = column_int64(offset, row);

        if (!column_is_null(partition, row) && !column_is_null(offset, row) && p >= 0 &&
            p < window->count && at >= window->from[p] && at < window->to[p])
            index[kept++] = (uint32_t)row;
    }
    for (size_t i = 0; i < ARRAY_LEN(read_columns); i++)
        column_keep(&rows->column[read_columns[i]], first, index, kept);
}

void bronze_rows_cut(struct bronze_rows *rows, const struct offset_window *window)
{
    cut_from(rows, 0, window);
}

int bronze_rows_read_file(struct bronze_rows *rows, struct chain_table *bronze,
                          const struct ice_data_file *file, const struct offset_window *window,
                          struct err *err)
{
    size_t first = bronze_rows_count(rows);
    int rc = table_reader_open(&rows->reader, &bronze->table, file, err);

    for (size_t g = 0; rc == 0 && g < rows->reader.file.row_group_count; g++)
        for (size_t i = 0; rc == 0 && i < ARRAY_LEN(read_columns); i++)
            rc = table_reader_column(&rows->reader, g, (size_t)read_columns[i],
                                     &rows->column[read_columns[i]], err);
    if (rc == 0)
        cut_from(rows, first, window);
    return rc;
}

/* -- second path */

struct span_of_file {
    int32_t partition;
    int64_t first, last; /* lowest and highest offset of the window in this file */
    int64_t rows;
    size_t file; /* index into survey.file */
};

struct survey {
    const struct offset_window *window;
    int32_t offset_id; /* field id of the offset column */
    int64_t after_sequence;
    struct arena arena;
    struct buf spans; /* struct span_of_file */
    struct buf files; /* struct ice_data_file * */
};

static struct span_of_file *spans_of(const struct survey *survey, size_t *count)
{
    *count = survey->spans.size / sizeof(struct span_of_file);
    return (struct span_of_file *)(void *)survey->spans.data;
}

static struct span_of_file *span_in_file(struct survey *survey, size_t begin, int32_t partition,
                                         size_t file)
{
    struct span_of_file fresh = { partition, INT64_MAX, INT64_MIN, 0, file };
    size_t count;
    struct span_of_file *spans = spans_of(survey, &count);

    for (size_t i = begin; i < count; i++)
        if (spans[i].partition == partition)
            return &spans[i];
    buf_put(&survey->spans, &fresh, sizeof(fresh));
    spans = spans_of(survey, &count);
    return &spans[count - 1];
}

static int survey_file(void *context, const struct ice_data_file *file, const struct column *topic,
                       const struct column *partition, const struct column *offset, struct err *err)
{
    struct survey *survey = context;
    const struct offset_window *window = survey->window;
    struct ice_data_file *copy = ice_data_file_copy(&survey->arena, file);
    size_t begin, index = survey->files.size / sizeof(copy);

    (void)topic;
    (void)err;
    if (!clause_on(CLAUSE_SECOND_PATH_BY_OFFSET) && file->sequence <= survey->after_sequence)
        return 0;
    spans_of(survey, &begin);
    buf_put(&survey->files, &copy, sizeof(copy));
    for (size_t row = 0; row < offset->rows; row++) {
        int32_t p = column_int32(partition, row);
        int64_t at = column_int64(offset, row);
        struct span_of_file *span;

        if (column_is_null(offset, row) || column_is_null(partition, row) || p < 0 ||
            p >= window->count || at < window->from[p] || at >= window->to[p])
            continue;
        span = span_in_file(survey, begin, p, index);
        span->first = int64_min(span->first, at);
        span->last = int64_max(span->last, at);
        span->rows++;
    }
    return 0;
}

bool bronze_rows_may_hold(const struct offset_window *window, const struct ice_data_file *file,
                          int32_t offset_id)
{
    int64_t lower, upper;

    if (!ice_data_file_range_int64(file, offset_id, &lower, &upper))
        return true;
    for (int32_t p = 0; p < window->count; p++)
        if (window->from[p] < window->to[p] && upper >= window->from[p] && lower < window->to[p])
            return true;
    return false;
}

static bool survey_wants(void *context, const struct ice_data_file *file)
{
    const struct survey *survey = context;

    return bronze_rows_may_hold(survey->window, file, survey->offset_id);
}

static int by_partition_and_first(const void *left, const void *right)
{
    const struct span_of_file *a = left, *b = right;

    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return (a->last > b->last) - (a->last < b->last);
}

/* Which groups make the batch. */
struct choice {
    int64_t share, room; /* rows: of one partition; of all that are left; < 0: no limit */
    bool *is_wanted;     /* by file */
    bool is_all;
};

/* All rows of a batch, and for each partition that has any its equal share of them. */
static void choice_init(struct choice *choice, const struct span_of_file *spans, size_t count,
                        int64_t rows_max)
{
    int64_t partitions = 0;

    for (size_t i = 0; i < count; i++)
        partitions += i == 0 || spans[i].partition != spans[i - 1].partition;
    choice->room = rows_max;
    choice->share = rows_max < 0 || partitions == 0 ? rows_max : rows_max / partitions + 1;
    choice->is_all = true;
}

/* Chooses groups of partition spans[0].partition; marks their files.  Returns the position behind
 * them, `from` where there is no room. */
static int64_t choose_groups(struct choice *choice, const struct span_of_file *spans, size_t count,
                             int64_t from, int64_t to)
{
    bool is_limited = choice->share >= 0;
    int64_t rows = 0;
    int64_t last = from - 1;
    size_t i = 0;

    while (i < count && (!is_limited || (rows < choice->share && rows < choice->room))) {
        size_t begin = i;

        last = spans[i].last;
        for (; i < count && (i == begin || (spans[i].first <= last && clause_on(CLAUSE_GROUP_CUT)));
             i++) {
            last = int64_max(last, spans[i].last);
            rows += spans[i].rows;
            choice->is_wanted[spans[i].file] = true;
        }
    }
    choice->room -= is_limited ? int64_min(rows, choice->room) : 0;
    choice->is_all &= i == count;
    return i == count && to < INT64_MAX ? to : last + 1;
}

static int read_chosen(struct bronze_rows *rows, struct chain_table *bronze,
                       const struct survey *survey, const bool *is_wanted,
                       const struct offset_window *window, struct err *err)
{
    struct ice_data_file *const *files = (struct ice_data_file *const *)(void *)survey->files.data;
    size_t count = survey->files.size / sizeof(*files);
    struct offset_set seen = { 0 };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        size_t first = bronze_rows_count(rows);

        if (!is_wanted[i])
            continue;
        rc = bronze_rows_read_file(rows, bronze, files[i], window, err);
        for (size_t row = first; rc == 0 && row < bronze_rows_count(rows); row++) {
            int32_t p = column_int32(&rows->column[BRONZE_PARTITION], row);
            int64_t at = column_int64(&rows->column[BRONZE_OFFSET], row);

            if (!offset_set_add(&seen, p, at))
                rc = err_set(err, ERR_REFUSED,
                             "foreign_rows: %s holds partition %" PRId32 " offset %" PRId64
                             " twice: remove the foreign rows",
                             bronze->table.definition.name, p, at);
        }
    }
    offset_set_deinit(&seen);
    return rc;
}

int bronze_rows_read_offsets(struct bronze_rows *rows, struct chain_table *bronze,
                             const struct positions *map, const struct offset_window *window,
                             int64_t rows_max, int64_t after_sequence, int64_t *end, bool *is_all,
                             struct err *err)
{
    struct survey survey = {
        .window = window,
        .offset_id = bronze->table.definition.field[BRONZE_OFFSET].field_id,
        .after_sequence = after_sequence,
    };
    const struct own_rows_visitor visitor = { survey_file, survey_wants, &survey };
    struct offset_window chosen = { window->from, end, window->count };
    struct span_of_file *spans;
    size_t count;
    struct choice choice;
    int rc = own_rows_visit(bronze, bronze->table.metadata, map, &visitor, err);

    spans = spans_of(&survey, &count);
    if (count > 0)
        qsort(spans, count, sizeof(*spans), by_partition_and_first);
    choice_init(&choice, spans, count, rows_max);
    choice.is_wanted = arena_zero(&survey.arena, survey.files.size + 1, 1);
    for (int32_t p = 0; p < window->count; p++)
        end[p] = int64_max(window->from[p], window->to[p] == INT64_MAX ? 0 : window->to[p]);
    for (size_t i = 0, n; i < count; i += n) {
        int32_t p = spans[i].partition;

        for (n = 1; i + n < count && spans[i + n].partition == p; n++) {
        }
        end[p] = choose_groups(&choice, spans + i, n, window->from[p], window->to[p]);
    }
    *is_all = choice.is_all;
    if (rc == 0)
        rc = read_chosen(rows, bronze, &survey, choice.is_wanted, &chosen, err);
    if (rc == TABLE_GONE)
        rc = err_set(err, ERR_RETRY, "%s: a live file is gone", bronze->table.definition.name);
    buf_deinit(&survey.spans);
    buf_deinit(&survey.files);
    arena_deinit(&survey.arena);
    return rc;
}
