// SPDX-License-Identifier: Apache-2.0
/*
 * audit_gold.c: exchange time is cut into slices of whole hours whose rows should fit in memory, by
 * the files' statistics; one that does not fit after all is halved.  A slice reads the files and
 * row groups that overlap it, a window wider at both ends, for a copy may lie across the cut.
 *
 * Since a time T: the hours from T on, and all other hours of which Silver or Gold wrote a trade
 * from T on, however late it came; an hour is compared whole or not at all.
 */
#include "stage/audit_gold.h"

#include "core/micros.h"
#include "core/num.h"
#include "stage/audit_slice.h"
#include "stage/gold_lookup.h"

#include <inttypes.h>

enum { BUCKETS_MAX = 65536, SLICE_FULL = 1 };

/* Below this a slice is read whatever it takes. */
#define SLICE_MIN_US MICROS_SECOND

/* How far a trade may lie ahead of the time it was validated at. */
#define AHEAD_MAX_US (60 * MICROS_SECOND)

struct sweep {
    struct audit *audit;
    struct audit_slice slice;
    size_t room; /* rows */
    struct table_reader reader;
    struct column column[TRADE_FIELDS]; /* only the keys' are used */

    int64_t low, high; /* times of all files with statistics */
    int64_t bucket_us; /* a whole number of hours */
    double *bucket;    /* about how many rows begin in it */
    bool *is_marked;   /* to be compared */
    size_t bucket_count, left_out;
};

static int64_t minus(int64_t at, int64_t by)
{
    return at < INT64_MIN + by ? INT64_MIN : at - by;
}

static int64_t plus(int64_t at, int64_t by)
{
    return at > INT64_MAX - by ? INT64_MAX : at + by;
}

/* -- reading a slice */

static enum audit_side side_of(const struct sweep *sweep, const struct audit_table *table,
                               const struct audit_file *file)
{
    if (table == &sweep->audit->gold)
        return file->origin == AUDIT_OURS ? AUDIT_GOLD : AUDIT_GOLD_OTHERS;
    return file->origin == AUDIT_OURS && file->sequence <= table->taken ? AUDIT_SILVER
                                                                        : AUDIT_SILVER_UNTAKEN;
}

/* 0, SLICE_FULL, -1. */
static int read_group(struct sweep *sweep, size_t group, enum audit_side side, int64_t low,
                      int64_t high, size_t room, struct err *err)
{
    struct trade_keys keys = gold_keys(sweep->column);
    struct table_rows rows = { 0 };
    int index[TRADE_FIELDS], rc;

    for (size_t i = 0; i < TRADE_FIELDS; i++)
        index[i] = -1;
    index[TRADE_MESSAGE_ID] = TRADE_MESSAGE_ID;
    index[TRADE_PRICE] = TRADE_PRICE;
    index[TRADE_QUANTITY] = TRADE_QUANTITY;
    index[TRADE_SIDE] = TRADE_SIDE;
    index[TRADE_TIMESTAMP] = TRADE_TIMESTAMP;
    while ((rc = audit_tables_columns(&sweep->reader, group, index, TRADE_FIELDS, &rows,
                                      sweep->column, err)) == 0)
        if (!audit_slice_put(&sweep->slice, &keys, side, low, high, room))
            return SLICE_FULL;
    return rc < 0 ? -1 : 0;
}

/* 0, SLICE_FULL, -1. */
static int read_file(struct sweep *sweep, struct audit_table *table, struct audit_file *file,
                     int64_t low, int64_t high, size_t room, struct err *err)
{
    int rc = 0;

    if (audit_tables_open(&sweep->reader, table, file, err) != 0)
        return -1;
    if (file->origin == AUDIT_OTHERS && table != &sweep->audit->gold)
        return 0;
    for (size_t g = 0; rc == 0 && g < sweep->reader.file.row_group_count; g++) {
        int64_t first, last;

        if (table_reader_range(&sweep->reader, g, TRADE_TIMESTAMP, &first, &last) &&
            (last < low || first > high))
            continue;
        rc = read_group(sweep, g, side_of(sweep, table, file), low, high, room, err);
    }
    return rc;
}

static int read_table(struct sweep *sweep, struct audit_table *table, size_t room, struct err *err)
{
    int64_t low = minus(sweep->slice.from, sweep->slice.window_us);
    int64_t high = plus(sweep->slice.to, sweep->slice.window_us);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < table->count; i++)
        if (table->file[i].time_low <= high && table->file[i].time_high >= low)
            rc = read_file(sweep, table, &table->file[i], low, high, room, err);
    return rc;
}

static int read_slice(struct sweep *sweep, size_t room, struct err *err)
{
    int rc = 0;

    sweep->slice.count = 0;
    for (size_t i = 0; rc == 0 && i < sweep->audit->exchange_count; i++)
        rc = read_table(sweep, &sweep->audit->exchange[i].silver, room, err);
    return rc == 0 ? read_table(sweep, &sweep->audit->gold, room, err) : rc;
}

/* Compares [from, to], in halves where it is too much. */
static int compare(struct sweep *sweep, int64_t from, int64_t to, struct err *err)
{
    int64_t first = int64_max(from, sweep->low);
    int64_t last = int64_min(to, sweep->high);
    bool is_cut = last > first && last - first > SLICE_MIN_US;
    int64_t middle;
    int rc;

    sweep->slice.from = from;
    sweep->slice.to = to;
    rc = read_slice(sweep, is_cut ? sweep->room : SIZE_MAX / 64, err);
    if (rc == 0)
        audit_slice_compare(&sweep->slice, &sweep->audit->report);
    if (rc != SLICE_FULL)
        return rc;
    middle = first + (last - first) / 2;
    rc = compare(sweep, from, middle, err);
    return rc == 0 ? compare(sweep, middle + 1, to, err) : rc;
}

/* -- slices by statistics */

static bool has_times(const struct audit_file *file)
{
    return file->rows > 0 && file->time_low != INT64_MIN && file->time_high != INT64_MAX &&
           file->time_low <= file->time_high;
}

static void widen(struct sweep *sweep, const struct audit_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        if (!has_times(&table->file[i]))
            continue;
        sweep->low = int64_min(sweep->low, table->file[i].time_low);
        sweep->high = int64_max(sweep->high, table->file[i].time_high);
    }
}

static size_t bucket_at(const struct sweep *sweep, int64_t at)
{
    return (size_t)(((uint64_t)at - (uint64_t)sweep->low) / (uint64_t)sweep->bucket_us);
}

static void spread(struct sweep *sweep, const struct audit_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct audit_file *file = &table->file[i];
        size_t first, last;

        if (!has_times(file))
            continue;
        first = bucket_at(sweep, file->time_low);
        last = bucket_at(sweep, file->time_high);
        for (size_t b = first; b <= last; b++)
            sweep->bucket[b] += (double)file->rows / (double)(last - first + 1);
    }
}

static void plan(struct sweep *sweep)
{
    struct audit *audit = sweep->audit;
    uint64_t span, hours;

    sweep->low = INT64_MAX;
    sweep->high = INT64_MIN;
    widen(sweep, &audit->gold);
    for (size_t i = 0; i < audit->exchange_count; i++)
        widen(sweep, &audit->exchange[i].silver);
    if (sweep->low > sweep->high)
        sweep->low = sweep->high = 0;
    sweep->low = micros_hour(sweep->low) * MICROS_HOUR;
    span = (uint64_t)sweep->high - (uint64_t)sweep->low;
    hours = span / (uint64_t)MICROS_HOUR / (BUCKETS_MAX - 1) + 1;
    sweep->bucket_us = (int64_t)hours * MICROS_HOUR;
    sweep->bucket_count = bucket_at(sweep, sweep->high) + 1;
    sweep->bucket = mem_zero(sweep->bucket_count, sizeof(*sweep->bucket));
    spread(sweep, &audit->gold);
    for (size_t i = 0; i < audit->exchange_count; i++)
        spread(sweep, &audit->exchange[i].silver);
}

/* -- which hours are compared */

static size_t bucket_near(const struct sweep *sweep, int64_t at)
{
    return bucket_at(sweep, int64_max(sweep->low, int64_min(at, sweep->high)));
}

static bool has_unmarked(const struct sweep *sweep, int64_t low, int64_t high)
{
    for (size_t b = bucket_near(sweep, low); b <= bucket_near(sweep, high); b++)
        if (!sweep->is_marked[b])
            return true;
    return false;
}

static void mark_rows(struct sweep *sweep, const struct column *at, const struct column *stamp)
{
    for (size_t row = 0; row < at->rows; row++)
        if (column_is_null(stamp, row) || column_int64(stamp, row) >= sweep->audit->since_us)
            sweep->is_marked[bucket_near(sweep, column_int64(at, row))] = true;
}

static int mark_file(struct sweep *sweep, struct audit_table *table, struct audit_file *file,
                     struct column columns[2], struct err *err)
{
    const int index[] = { TRADE_TIMESTAMP, table->stamp };

    if (audit_tables_open(&sweep->reader, table, file, err) != 0)
        return -1;
    for (size_t g = 0; g < sweep->reader.file.row_group_count; g++) {
        int64_t low, high, oldest, newest;
        struct table_rows rows = { 0 };
        int rc;

        if ((table_reader_range(&sweep->reader, g, (size_t)table->stamp, &oldest, &newest) &&
             newest < sweep->audit->since_us) ||
            (table_reader_range(&sweep->reader, g, TRADE_TIMESTAMP, &low, &high) &&
             !has_unmarked(sweep, low, high)))
            continue;
        while ((rc = audit_tables_columns(&sweep->reader, g, index, 2, &rows, columns, err)) == 0)
            mark_rows(sweep, &columns[0], &columns[1]);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int mark_table(struct sweep *sweep, struct audit_table *table, struct err *err)
{
    struct column columns[2];
    int rc = 0;

    column_init(&columns[0], COLUMN_INT64);
    column_init(&columns[1], COLUMN_INT64);
    for (size_t i = 0; rc == 0 && i < table->count; i++)
        if (table->file[i].stamp_high >= sweep->audit->since_us &&
            has_unmarked(sweep, table->file[i].time_low, table->file[i].time_high))
            rc = mark_file(sweep, table, &table->file[i], columns, err);
    column_deinit(&columns[0]);
    column_deinit(&columns[1]);
    return rc;
}

/* The last hour has no end: files may lack statistics. */
static int mark(struct sweep *sweep, struct err *err)
{
    struct audit *audit = sweep->audit;
    int64_t since_us = audit->since_us;

    sweep->is_marked = mem_zero(sweep->bucket_count, sizeof(*sweep->is_marked));
    for (size_t b = 0; b < sweep->bucket_count; b++)
        sweep->is_marked[b] = since_us == 0 || b + 1 == sweep->bucket_count ||
                              since_us < sweep->low + (int64_t)(b + 1) * sweep->bucket_us;
    if (since_us == 0)
        return 0;
    for (size_t i = 0; i < audit->exchange_count; i++)
        if (mark_table(sweep, &audit->exchange[i].silver, err) != 0)
            return -1;
    if (mark_table(sweep, &audit->gold, err) != 0)
        return -1;
    for (size_t b = 0; b < sweep->bucket_count; b++)
        sweep->left_out += !sweep->is_marked[b];
    return 0;
}

/* The first slice begins and the last ends with all time: files may lack statistics. */
static int sweep_all(struct sweep *sweep, struct err *err)
{
    bool is_begun = false;
    int64_t from = INT64_MIN;
    double rows = 0;

    for (size_t b = 0; b < sweep->bucket_count; b++) {
        int64_t begin = sweep->low + (int64_t)b * sweep->bucket_us;

        if (is_begun && (!sweep->is_marked[b] ||
                         (rows > 0 && rows + sweep->bucket[b] > (double)sweep->room * 0.8))) {
            if (compare(sweep, from, begin - 1, err) != 0)
                return -1;
            is_begun = false;
        }
        if (!sweep->is_marked[b])
            continue;
        if (!is_begun) {
            is_begun = true;
            from = b == 0 ? INT64_MIN : begin;
            rows = 0;
        }
        rows += sweep->bucket[b];
    }
    return compare(sweep, from, INT64_MAX, err);
}

/* -- the whole */

/* Since when Silver holds all that was ever validated: retention moves Silver's k2.retained-from
 * away from that of the dead letters, which begin together and are kept for another time. */
static int64_t complete_since(const struct audit *audit, const struct audit_table *silver,
                              const char *topic)
{
    for (size_t i = 0; i < silver->map.offset_count; i++) {
        int32_t partition = silver->map.offset[i].partition;

        if (positions_retained(&silver->map, topic, partition) !=
            positions_retained(&audit->dead.map, topic, partition))
            return silver->oldest_us == INT64_MIN ? INT64_MAX
                                                  : plus(silver->oldest_us, AHEAD_MAX_US);
    }
    return INT64_MIN;
}

static void conclude(struct sweep *sweep)
{
    struct audit_report *report = &sweep->audit->report;
    char time[MICROS_TEXT_BYTES_MAX];

    audit_report_line(report, "%s: %" PRId64 " rows of ours for %" PRId64 " of silver", TABLES_GOLD,
                      sweep->slice.gold, sweep->slice.silver);
    if (sweep->audit->since_us != 0)
        audit_report_line(report, "%s: left out: %zu of %" PRId64 " hours of trades", TABLES_GOLD,
                          sweep->left_out * (size_t)(sweep->bucket_us / MICROS_HOUR),
                          (int64_t)sweep->bucket_count * (sweep->bucket_us / MICROS_HOUR));
    if (sweep->slice.too_old > 0) {
        micros_format(sweep->slice.orphan_from, time);
        audit_report_case(report, AUDIT_UNSEEN, sweep->slice.too_old,
                          "%s: %" PRId64 " rows older than %s were not looked for in silver, which "
                          "keeps less",
                          TABLES_GOLD, sweep->slice.too_old,
                          sweep->slice.orphan_from == INT64_MAX ? "what its statistics tell"
                                                                : time);
    }
}

static void note_untaken(struct audit *audit)
{
    for (size_t i = 0; i < audit->exchange_count; i++) {
        struct audit_table *silver = &audit->exchange[i].silver;
        int64_t rows = 0;

        for (size_t f = 0; f < silver->count; f++)
            if (silver->file[f].sequence > silver->taken)
                rows += silver->file[f].rows;
        if (rows > 0)
            audit_report_case(&audit->report, AUDIT_UNSEEN, rows,
                              "%s: %" PRId64 " rows that %s has not taken yet",
                              audit_table_name(silver), rows, TABLES_GOLD);
    }
}

int audit_gold_run(struct audit *audit, struct err *err)
{
    struct sweep sweep = {
        .audit = audit,
        .slice = { .window_us = audit->options->window_us, .orphan_from = INT64_MIN },
        .room = size_max(audit->options->memory / 2 / sizeof(struct audit_trade), 1024),
    };
    int rc;

    note_untaken(audit);
    if (audit->gold.snapshot == NULL)
        return 0;
    for (size_t i = 0; i < audit->exchange_count; i++)
        sweep.slice.orphan_from =
            int64_max(sweep.slice.orphan_from, complete_since(audit, &audit->exchange[i].silver,
                                                              audit->exchange[i].names.topic));
    for (size_t i = 0; i < TRADE_FIELDS; i++)
        column_init(&sweep.column[i], trade_field_type((enum trade_field)i));
    plan(&sweep);
    rc = mark(&sweep, err);
    if (rc == 0)
        rc = sweep_all(&sweep, err);
    if (rc == 0)
        conclude(&sweep);
    for (size_t i = 0; i < TRADE_FIELDS; i++)
        column_deinit(&sweep.column[i]);
    free(sweep.bucket);
    free(sweep.is_marked);
    audit_slice_deinit(&sweep.slice);
    table_reader_deinit(&sweep.reader);
    return rc;
}
