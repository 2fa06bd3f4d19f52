// SPDX-License-Identifier: Apache-2.0
/*
 * audit_since.c: files that were written from T on are read by their statistics, then older ones,
 * the newest first, until each partition's last decision from before T is found.  As a rule that is
 * the file just before T; the statistics pass over what cannot hold the offset looked for.
 */
#include "stage/audit_since.h"

#include "core/num.h"

#include <string.h>

enum { COLUMN_PARTITION, COLUMN_OFFSET, COLUMN_TOPIC, COLUMN_REPLAY, COLUMN_STAMP, COLUMNS };

struct find {
    const struct audit_since *since;
    int64_t *from;
    int64_t *before; /* the highest offset decided before T */
    struct table_reader reader;
    struct column column[COLUMNS];
};

struct candidate {
    struct audit_table *table;
    struct audit_file *file;
};

static int64_t time_of(const struct find *find)
{
    return find->since->audit->since_us;
}

static bool is_found(const struct find *find, int32_t partition)
{
    return find->from[partition] <= find->since->low[partition] ||
           find->before[partition] >= find->from[partition] - 1;
}

/* Can rows with these statistics say more than is known? */
static bool is_wanted(const struct find *find, const struct audit_table *table, int64_t stamp_high,
                      int64_t offset_low, int64_t offset_high)
{
    if (stamp_high >= time_of(find))
        return true;
    for (int32_t p = 0; p < find->since->partitions && table != find->since->bronze; p++)
        if (!is_found(find, p) && offset_low < find->from[p] && offset_high > find->before[p])
            return true;
    return false;
}

static void take_row(struct find *find, bool is_decision, int32_t partition, int64_t offset,
                     int64_t stamp)
{
    if (stamp >= time_of(find))
        find->from[partition] = int64_min(find->from[partition], offset);
    else if (is_decision)
        find->before[partition] = int64_max(find->before[partition], offset);
}

static void take_rows(struct find *find, struct audit_table *table, const struct audit_file *file)
{
    const struct column *partition = &find->column[COLUMN_PARTITION];
    const struct column *offset = &find->column[COLUMN_OFFSET];
    const struct column *topic = &find->column[COLUMN_TOPIC];
    const struct column *replay = &find->column[COLUMN_REPLAY];
    const struct column *stamp = &find->column[COLUMN_STAMP];
    struct span name = span_text(find->since->topic);

    for (size_t row = 0; row < offset->rows; row++) {
        int32_t number = column_int32(partition, row);

        if (column_is_null(offset, row) || column_is_null(partition, row) || number < 0 ||
            number >= find->since->partitions ||
            (topic->rows > 0 && !span_equal(column_bytes(topic, row), name)) ||
            (replay->rows > 0 && !column_is_null(replay, row)) ||
            !audit_tables_holds(table, file, name, number, column_int64(offset, row)))
            continue;
        take_row(find, table != find->since->bronze, number, column_int64(offset, row),
                 column_is_null(stamp, row) ? INT64_MAX : column_int64(stamp, row));
    }
}

static int read_group(struct find *find, struct audit_table *table, const struct audit_file *file,
                      size_t group, struct err *err)
{
    const struct chain_origin *origin = &table->chain.origin;
    const int index[COLUMNS] = { origin->partition, origin->offset, origin->topic,
                                 table == find->since->silver ? (int)SILVER_REPLAY_ID : -1,
                                 table->stamp };
    struct table_rows rows = { 0 };
    int rc;

    while ((rc = audit_tables_columns(&find->reader, group, index, COLUMNS, &rows, find->column,
                                      err)) == 0)
        take_rows(find, table, file);
    return rc < 0 ? -1 : 0;
}

static void range_of(const struct find *find, size_t group, int index, int64_t *low, int64_t *high)
{
    if (table_reader_range(&find->reader, group, (size_t)index, low, high))
        return;
    *low = INT64_MIN;
    *high = INT64_MAX;
}

static int read_file(struct find *find, const struct candidate *candidate, struct err *err)
{
    struct audit_table *table = candidate->table;
    struct audit_file *file = candidate->file;

    if (!is_wanted(find, table, file->stamp_high, file->offset_low, file->offset_high))
        return 0;
    if (audit_tables_open(&find->reader, table, file, err) != 0)
        return -1;
    if (file->origin == AUDIT_OTHERS)
        return 0;
    if (file->origin == AUDIT_UNSURE && audit_tables_claim(table, err) != 0)
        return -1;
    for (size_t g = find->reader.file.row_group_count; g-- > 0;) {
        int64_t oldest, newest, low, high;

        range_of(find, g, table->stamp, &oldest, &newest);
        range_of(find, g, table->chain.origin.offset, &low, &high);
        if (!is_wanted(find, table, newest, low, high))
            continue;
        if (read_group(find, table, file, g, err) != 0)
            return -1;
    }
    return 0;
}

static int newest_first(const void *left, const void *right)
{
    const struct audit_file *a = ((const struct candidate *)left)->file;
    const struct audit_file *b = ((const struct candidate *)right)->file;

    if (a->stamp_high != b->stamp_high)
        return a->stamp_high > b->stamp_high ? -1 : 1;
    return (a->offset_high < b->offset_high) - (a->offset_high > b->offset_high);
}

/* The tables' files by age, one list. */
static int read_tables(struct find *find, struct audit_table *const *tables, size_t count,
                       struct err *err)
{
    struct buf list = BUF_INIT;
    struct candidate *candidate;
    size_t files;
    int rc = 0;

    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; tables[t] != NULL && i < tables[t]->count; i++) {
            struct candidate next = { tables[t], &tables[t]->file[i] };

            buf_put(&list, &next, sizeof(next));
        }
    candidate = (struct candidate *)(void *)list.data;
    files = list.size / sizeof(*candidate);
    if (files > 0)
        qsort(candidate, files, sizeof(*candidate), newest_first);
    for (size_t i = 0; rc == 0 && i < files; i++)
        rc = read_file(find, &candidate[i], err);
    buf_deinit(&list);
    return rc;
}

int audit_since_find(const struct audit_since *since, int64_t *from, struct err *err)
{
    static const enum column_type types[COLUMNS] = { COLUMN_INT32, COLUMN_INT64, COLUMN_BYTES,
                                                     COLUMN_BYTES, COLUMN_INT64 };
    struct audit_table *const decisions[] = { since->silver, since->dead };
    struct find find = { .since = since, .from = from };
    int rc;

    find.before = mem_zero((size_t)since->partitions + 1, sizeof(*find.before));
    for (int32_t p = 0; p < since->partitions; p++)
        find.before[p] = since->low[p] - 1;
    for (size_t i = 0; i < COLUMNS; i++)
        column_init(&find.column[i], types[i]);
    rc = read_tables(&find, &since->bronze, 1, err);
    if (rc == 0)
        rc = read_tables(&find, decisions, ARRAY_LEN(decisions), err);
    for (int32_t p = 0; p < since->partitions; p++)
        from[p] = int64_max(since->low[p], int64_min(from[p], find.before[p] + 1));
    for (size_t i = 0; i < COLUMNS; i++)
        column_deinit(&find.column[i]);
    free(find.before);
    table_reader_deinit(&find.reader);
    return rc;
}
