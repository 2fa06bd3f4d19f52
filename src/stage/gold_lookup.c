// SPDX-License-Identifier: Apache-2.0
/* gold_lookup.c: manifest list, then manifests, files, row groups, pages of the time column: each
 * is passed over when its times cannot matter, and of the other columns only the same rows are
 * read. Rows newer than all of Gold thus cost one look at the list.  A row group is taken in slices
 * of pages, so that its size, which others choose, is not what memory is needed for. */
#include "stage/gold_lookup.h"

#include "core/micros.h"
#include "core/num.h"

static const enum trade_field key_fields[] = { TRADE_MESSAGE_ID, TRADE_PRICE, TRADE_QUANTITY,
                                               TRADE_SIDE, TRADE_TIMESTAMP };

enum { SLICE_ROWS = 100000 }; /* at least; then to the end of a page */

void gold_lookup_init(struct gold_lookup *lookup)
{
    *lookup = (struct gold_lookup){ 0 };
    for (size_t i = 0; i < TRADE_FIELDS; i++)
        column_init(&lookup->column[i], trade_field_type((enum trade_field)i));
}

void gold_lookup_deinit(struct gold_lookup *lookup)
{
    for (size_t i = 0; i < TRADE_FIELDS; i++)
        column_deinit(&lookup->column[i]);
    table_reader_deinit(&lookup->reader);
    arena_deinit(&lookup->arena);
}

struct trade_keys gold_keys(const struct column columns[TRADE_FIELDS])
{
    return (struct trade_keys){ &columns[TRADE_MESSAGE_ID], &columns[TRADE_PRICE],
                                &columns[TRADE_QUANTITY], &columns[TRADE_SIDE],
                                &columns[TRADE_TIMESTAMP] };
}

/* Can a manifest with these partition bounds (date, hour) hold rows in [from, to]? */
static bool manifest_overlaps(const struct ice_manifest_row *row, int64_t from, int64_t to)
{
    int32_t day_from = micros_day(from);
    int32_t day_to = micros_day(to);

    if (row->partition_count < 2 || !row->partition[0].has_bounds)
        return true;
    if (row->partition[0].upper < day_from || row->partition[0].lower > day_to)
        return false;
    if (!row->partition[1].has_bounds || row->partition[0].lower != row->partition[0].upper ||
        day_from != day_to)
        return true;
    return row->partition[1].upper >= micros_hour_of_day(from) &&
           row->partition[1].lower <= micros_hour_of_day(to);
}

struct collecting {
    struct gold_lookup *lookup;
    const struct trade_dedup *dedup;
    int32_t time_id;
    struct buf files; /* struct ice_data_file * */
};

static int collect_file(void *context, const struct ice_data_file *file, struct err *err)
{
    struct collecting *collecting = context;
    struct ice_data_file *copy;
    int64_t lower, upper;

    (void)err;
    if (file->status == ICE_DELETED || file->content != ICE_DATA)
        return 0;
    if (ice_data_file_range_int64(file, collecting->time_id, &lower, &upper) &&
        !trade_dedup_overlaps(collecting->dedup, lower, upper))
        return 0;
    copy = ice_data_file_copy(&collecting->lookup->arena, file);
    buf_put(&collecting->files, &copy, sizeof(copy));
    return 0;
}

static int collect(struct gold_lookup *lookup, struct table *gold,
                   const struct ice_snapshot *snapshot, struct collecting *collecting,
                   struct err *err)
{
    const struct trade_dedup *dedup = collecting->dedup;
    const struct ice_file_visitor visitor = { collect_file, collecting };
    struct ice_manifest_row *rows;
    size_t count;
    int rc = table_manifests(gold, &lookup->arena, snapshot, &rows, &count, err);

    for (size_t i = 0; rc == 0 && i < count; i++)
        if (rows[i].content == ICE_DATA &&
            manifest_overlaps(&rows[i], dedup->interval[0].from,
                              dedup->interval[dedup->interval_count - 1].to))
            rc = table_visit_manifest(gold, &rows[i], &visitor, err);
    return rc;
}

static bool is_wanted(const void *context, int64_t lower, int64_t upper)
{
    const struct trade_dedup *dedup = context;

    return trade_dedup_overlaps(dedup, lower, upper);
}

static int read_slice(struct gold_lookup *lookup, size_t row_group, const struct table_rows *runs,
                      size_t count, struct trade_dedup *dedup, struct err *err)
{
    struct trade_keys keys = gold_keys(lookup->column);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(key_fields); i++) {
        struct column *column = &lookup->column[key_fields[i]];

        column_clear(column);
        rc = table_reader_rows(&lookup->reader, row_group, (size_t)key_fields[i], runs, count,
                               column, err);
    }
    if (rc == 0) {
        trade_dedup_against(dedup, &keys);
        lookup->rows_read += (int64_t)keys.timestamp->rows;
    }
    return rc;
}

static int read_row_group(struct gold_lookup *lookup, size_t row_group, struct trade_dedup *dedup,
                          struct err *err)
{
    const struct table_rows *runs;
    int64_t lower, upper;
    size_t count;
    int rc;

    if (table_reader_range(&lookup->reader, row_group, TRADE_TIMESTAMP, &lower, &upper) &&
        !trade_dedup_overlaps(dedup, lower, upper))
        return 0;
    rc = table_reader_pages(&lookup->reader, row_group, TRADE_TIMESTAMP, is_wanted, dedup, &runs,
                            &count, err);
    for (size_t i = 0, slice; rc == 0 && i < count; i += slice) {
        int64_t rows = runs[i].count;

        for (slice = 1; i + slice < count && rows < SLICE_ROWS; slice++)
            rows += runs[i + slice].count;
        rc = read_slice(lookup, row_group, runs + i, slice, dedup, err);
    }
    return rc;
}

static int read_file(struct gold_lookup *lookup, struct table *gold,
                     const struct ice_data_file *file, struct trade_dedup *dedup, struct err *err)
{
    int rc = table_reader_open(&lookup->reader, gold, file, err);

    lookup->files_read++;
    for (size_t g = 0; rc == 0 && g < lookup->reader.file.row_group_count; g++)
        rc = read_row_group(lookup, g, dedup, err);
    return rc;
}

int gold_lookup_run(struct gold_lookup *lookup, struct table *gold, const struct ice_metadata *base,
                    struct trade_dedup *dedup, struct err *err)
{
    const struct ice_snapshot *snapshot = ice_metadata_current(base);
    struct collecting collecting = { .lookup = lookup,
                                     .dedup = dedup,
                                     .time_id = gold->definition.field[TRADE_TIMESTAMP].field_id };
    int rc = 0;

    arena_reset(&lookup->arena);
    if (snapshot != NULL && dedup->interval_count > 0) {
        struct ice_data_file **files;

        rc = collect(lookup, gold, snapshot, &collecting, err);
        files = (struct ice_data_file **)(void *)collecting.files.data;
        for (size_t i = 0; rc == 0 && i < collecting.files.size / sizeof(*files); i++)
            rc = read_file(lookup, gold, files[i], dedup, err);
    }
    buf_deinit(&collecting.files);
    return rc <= 0 ? rc : err_set(err, ERR_RETRY, "%s: a live file is gone", gold->definition.name);
}
