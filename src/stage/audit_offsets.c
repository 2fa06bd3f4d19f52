// SPDX-License-Identifier: Apache-2.0
/*
 * audit_offsets.c: a bit for each offset and table; what does not fit in memory at once is done in
 * passes, each over the same fraction of every partition, so that files can be passed over by their
 * offset statistics.
 *
 * An offset that no table has may never have been (a log may skip offsets).  Bronze takes all that
 * the log gives, so where Bronze holds exactly as many rows as its map counts, what it lacks never
 * was; otherwise the log is asked, if there is one.
 *
 * Since a time: the same over fewer offsets.  Files are passed over by offset alone, never by time,
 * so that each offset compared is compared with all that the tables have of it; and should one be
 * in no table, Bronze's rows are counted after all.
 */
#include "stage/audit_offsets.h"

#include "core/num.h"
#include "stage/audit_since.h"

#include <inttypes.h>
#include <string.h>

enum { IN_BRONZE, IN_SILVER, IN_DEAD, SOURCES };

enum { PARTITIONS_MAX = 65536, GAPS_MAX = 65536, ASKED_MAX = 10000 };

struct account_partition {
    bool is_there;
    int64_t low;        /* where the comparison begins: L without Bronze */
    int64_t bronze_low; /* L: from here on Bronze answers too */
    int64_t high;       /* P */

    int64_t from; /* the pass: offsets [from, from + width) ... */
    uint64_t width;
    size_t first_word; /* ... in each bitmap */

    int64_t told[SOURCES], found[SOURCES]; /* rows of each table: by its map, and read */
    int64_t missing;   /* offsets that others hold and the counted table lacks */
    int64_t gaps;      /* offsets that no table holds, where the counted table should */
    int64_t undecided; /* offsets that Silver or the dead letters should hold */
};

struct gap {
    int32_t partition;
    bool is_below_bronze;
    int64_t first, last;
};

struct account {
    struct audit *audit;
    const struct tables_names *names;
    const char *topic;
    bool is_raw; /* the dead letters alone */
    struct audit_table *table[SOURCES];
    struct account_partition *partition;
    int32_t partitions;
    int64_t total; /* offsets compared */

    size_t pass, passes;
    uint64_t *bits[SOURCES];
    size_t words;
    struct table_reader reader;
    struct column columns[4]; /* partition, offset, topic, replay_id */
    struct buf gaps;          /* struct gap */
    int64_t gaps_unlisted;
    int64_t held[SOURCES], never, skipped, left_out;
    int64_t asked;
    struct account *counts_for; /* rows are only counted, for that one; NULL: all is compared */
};

enum { COLUMN_PARTITION, COLUMN_OFFSET, COLUMN_TOPIC, COLUMN_REPLAY };

/* The table whose map counts rows and that lacks nothing the log has. */
static int counted(const struct account *account)
{
    return account->is_raw ? IN_DEAD : IN_BRONZE;
}

static bool is_since(const struct account *account)
{
    return account->audit->since_us != 0 && account->counts_for == NULL;
}

static const enum audit_kind twice_kind[SOURCES] = { AUDIT_BRONZE_TWICE, AUDIT_SILVER_TWICE,
                                                     AUDIT_DEAD_TWICE };

/* -- what is compared */

static void set_range(struct account *account, struct account_partition *p,
                      const struct position_offset *entry)
{
    const char *topic = account->topic;

    p->is_there = true;
    for (int s = 0; s < SOURCES; s++) {
        const struct position_offset *told =
            account->table[s] == NULL
                ? NULL
                : positions_offset(&account->table[s]->map, topic, entry->partition);

        p->told[s] = told == NULL ? 0 : told->rows;
    }
    p->high = entry->next;
    p->low = positions_retained(&account->table[IN_DEAD]->map, topic, entry->partition);
    if (!account->is_raw)
        p->low = int64_max(
            p->low, positions_retained(&account->table[IN_SILVER]->map, topic, entry->partition));
    p->bronze_low = p->low;
    if (!account->is_raw)
        p->bronze_low = int64_max(
            p->low, positions_retained(&account->table[IN_BRONZE]->map, topic, entry->partition));
    p->high = int64_max(p->high, p->low);
    p->bronze_low = int64_min(p->bronze_low, p->high);
    account->total += p->high - p->low;
}

static void plan(struct account *account)
{
    const struct positions *map =
        &account->table[account->is_raw ? IN_DEAD : IN_SILVER]->map; /* says P */

    for (size_t i = 0; i < map->offset_count; i++)
        if (strcmp(map->offset[i].topic, account->topic) == 0 && map->offset[i].partition >= 0 &&
            map->offset[i].partition < PARTITIONS_MAX &&
            map->offset[i].partition >= account->partitions)
            account->partitions = map->offset[i].partition + 1;
    account->partition = mem_zero((size_t)account->partitions + 1, sizeof(*account->partition));
    for (size_t i = 0; i < map->offset_count; i++)
        if (strcmp(map->offset[i].topic, account->topic) == 0 && map->offset[i].partition >= 0 &&
            map->offset[i].partition < PARTITIONS_MAX)
            set_range(account, &account->partition[map->offset[i].partition], &map->offset[i]);
}

static int cut_since(struct account *account, struct err *err)
{
    size_t count = (size_t)account->partitions;
    int64_t *low = mem_zero(2 * count + 1, sizeof(*low));
    int64_t *from = low + count;
    const struct audit_since since = { account->audit,
                                       account->table[IN_BRONZE],
                                       account->table[IN_SILVER],
                                       account->table[IN_DEAD],
                                       account->topic,
                                       account->partitions,
                                       low };
    int rc;

    for (size_t i = 0; i < count; i++) {
        low[i] = account->partition[i].low;
        from[i] = account->partition[i].high;
    }
    rc = audit_since_find(&since, from, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct account_partition *p = &account->partition[i];

        account->left_out += from[i] - p->low;
        p->low = from[i];
        p->bronze_low = int64_max(p->bronze_low, p->low);
    }
    account->total -= account->left_out;
    free(low);
    return rc;
}

/* "0-3: [0, 120)  4: [0, 90)" */
static void put_ranges(const struct account *account, struct buf *text)
{
    int32_t first = 0;

    while (first < account->partitions) {
        const struct account_partition *p = &account->partition[first];
        int32_t last = first;

        while (last + 1 < account->partitions && account->partition[last + 1].low == p->low &&
               account->partition[last + 1].bronze_low == p->bronze_low &&
               account->partition[last + 1].high == p->high &&
               account->partition[last + 1].is_there == p->is_there)
            last++;
        if (p->is_there) {
            buf_printf(text, "  %" PRId32, first);
            if (last > first)
                buf_printf(text, "-%" PRId32, last);
            buf_printf(text, ": [%" PRId64 ", %" PRId64 ")", p->bronze_low, p->high);
            if (p->low < p->bronze_low)
                buf_printf(text, " and from %" PRId64 " without bronze", p->low);
        }
        first = last + 1;
    }
}

/* -- a pass */

static int64_t cut(const struct account_partition *p, size_t pass, size_t passes)
{
    return p->low + (int64_t)((uint128)(uint64_t)(p->high - p->low) * pass / passes);
}

static void begin_pass(struct account *account)
{
    account->words = 0;
    for (int32_t i = 0; i < account->partitions; i++) {
        struct account_partition *p = &account->partition[i];

        p->from = cut(p, account->pass, account->passes);
        p->width = (uint64_t)(cut(p, account->pass + 1, account->passes) - p->from);
        p->first_word = account->words;
        account->words += (size_t)((p->width + 63) / 64);
    }
    for (int s = 0; s < SOURCES; s++) {
        if (account->table[s] == NULL)
            continue;
        free(account->bits[s]);
        account->bits[s] = mem_zero(account->words + 1, sizeof(*account->bits[s]));
    }
}

static void put_twice(struct account *account, int source, int32_t partition, int64_t offset)
{
    audit_report_case(&account->audit->report, twice_kind[source], 1,
                      "%s: topic %s partition %" PRId32 " offset %" PRId64
                      " stands there more than once",
                      audit_table_name(account->table[source]), account->topic, partition, offset);
}

/* A row outside the pass's window belongs to no other pass when it lies outside [low, high). */
static bool is_counted_here(const struct account *account, int source,
                            const struct account_partition *p, int64_t offset)
{
    return (offset < p->low && account->pass == 0) ||
           (offset >= p->high && account->pass + 1 == account->passes &&
            !account->table[source]->has_begun);
}

static void put_row(struct account *account, int source, bool is_sure, int32_t partition,
                    int64_t offset)
{
    struct account_partition *p = &account->partition[partition];
    uint64_t at = (uint64_t)offset - (uint64_t)p->from;
    uint64_t *word, bit;

    if (!p->is_there)
        return;
    if (at >= p->width) {
        p->found[source] += is_counted_here(account, source, p, offset);
        return;
    }
    word = &account->bits[source][p->first_word + at / 64];
    bit = UINT64_C(1) << (at % 64);
    if ((*word & bit) == 0) {
        *word |= bit;
        p->found[source]++;
    } else if (is_sure && account->counts_for == NULL) {
        put_twice(account, source, partition, offset);
    }
}

/* Without our key only what the table's map lacks without it is ours. */
static void put_rows(struct account *account, int source, const struct audit_file *file)
{
    const struct audit_table *table = account->table[source];
    const struct column *topic = &account->columns[COLUMN_TOPIC];
    const struct column *replay = &account->columns[COLUMN_REPLAY];
    const struct column *partition = &account->columns[COLUMN_PARTITION];
    const struct column *offset = &account->columns[COLUMN_OFFSET];
    struct span name = span_text(account->topic);

    for (size_t row = 0; row < offset->rows; row++) {
        int32_t number = column_int32(partition, row);

        if (column_is_null(offset, row) || column_is_null(partition, row) || number < 0 ||
            number >= account->partitions ||
            (topic->rows > 0 && !span_equal(column_bytes(topic, row), name)) ||
            (replay->rows > 0 && !column_is_null(replay, row)) ||
            !audit_tables_holds(table, file, name, number, column_int64(offset, row)))
            continue;
        put_row(account, source, file->origin == AUDIT_OURS, number, column_int64(offset, row));
    }
}

static bool overlaps(const struct account *account, int64_t low, int64_t high)
{
    for (int32_t i = 0; i < account->partitions; i++) {
        const struct account_partition *p = &account->partition[i];

        if (!p->is_there)
            continue;
        if (p->width > 0 && low < p->from + (int64_t)p->width && high >= p->from)
            return true;
        if (!is_since(account) && ((account->pass == 0 && low < p->low) ||
                                   (account->pass + 1 == account->passes && high >= p->high)))
            return true;
    }
    return false;
}

static int read_group(struct account *account, int source, const struct audit_file *file,
                      size_t group, struct err *err)
{
    const struct chain_origin *origin = &account->table[source]->chain.origin;
    const int index[] = { origin->partition, origin->offset, origin->topic,
                          source == IN_SILVER ? (int)SILVER_REPLAY_ID : -1 };
    struct table_rows rows = { 0 };
    int rc;

    while ((rc = audit_tables_columns(&account->reader, group, index, ARRAY_LEN(index), &rows,
                                      account->columns, err)) == 0)
        put_rows(account, source, file);
    return rc < 0 ? -1 : 0;
}

static int read_file(struct account *account, int source, struct audit_file *file, bool is_sure,
                     struct err *err)
{
    size_t offset_index = (size_t)account->table[source]->chain.origin.offset;

    if (audit_tables_open(&account->reader, account->table[source], file, err) != 0)
        return -1;
    if (file->origin == AUDIT_OTHERS || (file->origin == AUDIT_OURS) != is_sure)
        return 0;
    if (!is_sure && audit_tables_claim(account->table[source], err) != 0)
        return -1;
    for (size_t g = 0; g < account->reader.file.row_group_count; g++) {
        int64_t low, high;

        if (table_reader_range(&account->reader, g, offset_index, &low, &high) &&
            !overlaps(account, low, high))
            continue;
        if (read_group(account, source, file, g, err) != 0)
            return -1;
    }
    return 0;
}

/* Our own files first: those of unknown hands then only fill what is absent. */
static int read_source(struct account *account, int source, struct err *err)
{
    struct audit_table *table = account->table[source];

    for (int unsure = 0; unsure < 2; unsure++)
        for (size_t i = 0; i < table->count; i++) {
            struct audit_file *file = &table->file[i];

            if (unsure == 1 ? file->origin != AUDIT_UNSURE : file->origin > AUDIT_OURS)
                continue;
            if (overlaps(account, file->offset_low, file->offset_high) &&
                read_file(account, source, file, unsure == 0, err) != 0)
                return -1;
        }
    return 0;
}

static size_t passes_of(const struct account *account)
{
    uint64_t bytes = (uint64_t)account->total / 8 * (account->is_raw ? 1 : SOURCES);

    return (size_t)(bytes / size_max(account->audit->options->memory / 2, 4096)) + 1;
}

static int do_and_free(struct account *account, int (*work)(struct account *, struct err *),
                       struct err *err)
{
    static const enum column_type types[] = { COLUMN_INT32, COLUMN_INT64, COLUMN_BYTES,
                                              COLUMN_BYTES };
    int rc;

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        column_init(&account->columns[i], types[i]);
    rc = work(account, err);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        column_deinit(&account->columns[i]);
    for (int s = 0; s < SOURCES; s++)
        free(account->bits[s]);
    free(account->partition);
    buf_deinit(&account->gaps);
    table_reader_deinit(&account->reader);
    return rc;
}

/* -- all rows of the counted table, when only a part is compared */

static int count(struct account *account, struct err *err)
{
    int rc = 0;

    plan(account);
    account->passes = passes_of(account);
    for (account->pass = 0; rc == 0 && account->pass < account->passes; account->pass++) {
        begin_pass(account);
        rc = read_source(account, counted(account), err);
    }
    for (int32_t i = 0; i < account->partitions; i++)
        memcpy(account->counts_for->partition[i].found, account->partition[i].found,
               sizeof(account->partition[i].found));
    return rc;
}

static int count_all(struct account *account, struct err *err)
{
    struct account whole = { .audit = account->audit,
                             .names = account->names,
                             .topic = account->topic,
                             .is_raw = account->is_raw,
                             .table = { account->table[IN_BRONZE], account->table[IN_SILVER],
                                        account->table[IN_DEAD] },
                             .counts_for = account };

    return do_and_free(&whole, count, err);
}

/* -- what the bits say */

enum finding { FINE, GAP, ONLY_BRONZE_LACKS, UNDECIDED, TWICE };

static enum finding judge(const struct account *account, bool has_bronze, bool bronze, bool silver,
                          bool dead)
{
    if (account->is_raw)
        return dead ? FINE : GAP;
    if (silver && dead)
        return TWICE;
    if (!has_bronze)
        return silver || dead ? FINE : GAP;
    if (bronze)
        return silver || dead ? FINE : UNDECIDED;
    return silver || dead ? ONLY_BRONZE_LACKS : GAP;
}

static void name_run(char text[64], int64_t first, int64_t last)
{
    if (first == last)
        snprintf(text, 64, "offset %" PRId64, first);
    else
        snprintf(text, 64, "offsets %" PRId64 " to %" PRId64, first, last);
}

static void put_gap(struct account *account, int32_t partition, int64_t first, int64_t last)
{
    struct account_partition *p = &account->partition[partition];
    struct gap gap = { partition, first < p->bronze_low, first, last };

    if (gap.is_below_bronze)
        p->undecided += last - first + 1;
    else
        p->gaps += last - first + 1;
    if (account->gaps.size / sizeof(gap) < GAPS_MAX)
        buf_put(&account->gaps, &gap, sizeof(gap));
    else
        account->gaps_unlisted += last - first + 1;
}

static void put_run(struct account *account, enum finding finding, int32_t partition, int64_t first,
                    int64_t last)
{
    struct audit_report *report = &account->audit->report;
    const struct tables_names *names = account->names;
    int64_t count = last - first + 1;
    char run[64];

    name_run(run, first, last);
    switch (finding) {
    case FINE:
        return;
    case GAP:
        put_gap(account, partition, first, last);
        return;
    case ONLY_BRONZE_LACKS:
        account->partition[partition].missing += count;
        audit_report_case(report, AUDIT_BRONZE_ABSENT, count,
                          "%s: topic %s partition %" PRId32 " %s: absent, decided in %s or %s",
                          names->bronze, account->topic, partition, run, names->silver,
                          TABLES_DEAD_LETTERS);
        return;
    case UNDECIDED:
        account->partition[partition].undecided += count;
        audit_report_case(report, AUDIT_UNDECIDED, count,
                          "%s: topic %s partition %" PRId32 " %s: in neither it nor %s",
                          names->silver, account->topic, partition, run, TABLES_DEAD_LETTERS);
        return;
    case TWICE:
        audit_report_case(report, AUDIT_DECIDED_TWICE, count,
                          "%s: topic %s partition %" PRId32 " %s: in both it and %s", names->silver,
                          account->topic, partition, run, TABLES_DEAD_LETTERS);
        return;
    }
}

/* Whose list of what was passed over by hand explains a finding: of a table that lacks the offset,
 * and what Bronze holds is to be decided whatever Bronze once passed over.  The lists are
 * histories, which a rollback does not undo: that a row was taken all the same, and lost, is told
 * by the count of each table (settle_count), to which no list is an excuse. */
static bool may_explain(const struct account *account, enum finding finding, int source)
{
    if (account->table[source] == NULL || finding == FINE || finding == TWICE)
        return false;
    return finding == GAP || (finding == ONLY_BRONZE_LACKS) == (source == IN_BRONZE);
}

/* The first listed range that explains offsets of [first, last], or NULL. */
static const struct setting_skip *explained_by(const struct account *account, enum finding finding,
                                               int32_t partition, int64_t first, int64_t last)
{
    const struct setting_skip *found = NULL;

    for (int s = 0; s < SOURCES; s++)
        for (size_t i = 0; may_explain(account, finding, s) && i < account->table[s]->skip_count;
             i++) {
            const struct setting_skip *skip = &account->table[s]->skip[i];

            if (skip->partition == partition && skip->to > first && skip->from <= last &&
                strcmp(skip->topic, account->topic) == 0 &&
                (found == NULL || skip->from < found->from))
                found = skip;
        }
    return found;
}

static void put_finding(struct account *account, enum finding finding, int32_t partition,
                        int64_t first, int64_t last)
{
    while (finding != FINE && first <= last) {
        const struct setting_skip *skip = explained_by(account, finding, partition, first, last);

        if (skip == NULL) {
            put_run(account, finding, partition, first, last);
            return;
        }
        if (skip->from > first)
            put_run(account, finding, partition, first, skip->from - 1);
        first = int64_max(first, skip->from);
        account->skipped += int64_min(last, skip->to - 1) - first + 1;
        first = int64_min(last, skip->to - 1) + 1;
    }
}

static bool bit_of(const struct account *account, int source, size_t word, unsigned bit)
{
    return account->bits[source] != NULL && (account->bits[source][word] >> bit & 1) != 0;
}

/* True when all 64 offsets of a word are as they should be. */
static bool is_fine(const struct account *account, size_t word, bool has_bronze)
{
    uint64_t dead = account->bits[IN_DEAD][word];

    if (account->is_raw)
        return dead == UINT64_MAX;
    dead ^= account->bits[IN_SILVER][word];
    return (has_bronze ? dead & account->bits[IN_BRONZE][word] : dead) == UINT64_MAX;
}

static void judge_partition(struct account *account, int32_t partition)
{
    const struct account_partition *p = &account->partition[partition];
    enum finding finding = FINE; /* of the run that ends before `i` */
    uint64_t first = 0;

    for (uint64_t i = 0; i < p->width; i++) {
        size_t word = p->first_word + (size_t)(i / 64);
        int64_t offset = p->from + (int64_t)i;
        bool has_bronze = offset >= p->bronze_low;
        enum finding now;

        if (finding == FINE && i % 64 == 0 && p->width - i >= 64 &&
            is_fine(account, word, offset + 63 >= p->bronze_low)) {
            i += 63;
            continue;
        }
        now = judge(account, has_bronze, bit_of(account, IN_BRONZE, word, (unsigned)(i % 64)),
                    bit_of(account, IN_SILVER, word, (unsigned)(i % 64)),
                    bit_of(account, IN_DEAD, word, (unsigned)(i % 64)));
        if (now == finding && offset != p->bronze_low)
            continue;
        put_finding(account, finding, partition, p->from + (int64_t)first, offset - 1);
        finding = now;
        first = i;
    }
    put_finding(account, finding, partition, p->from + (int64_t)first,
                p->from + (int64_t)p->width - 1);
}

static void judge_pass(struct account *account)
{
    for (int32_t i = 0; i < account->partitions; i++)
        judge_partition(account, i);
    for (int s = 0; s < SOURCES; s++)
        for (size_t word = 0; account->bits[s] != NULL && word < account->words; word++)
            account->held[s] += __builtin_popcountll(account->bits[s][word]);
}

/* -- gaps: never were, or lost? */

static void put_lost(struct account *account, const struct gap *gap, int64_t first, int64_t last)
{
    struct audit_report *report = &account->audit->report;
    char run[64];

    name_run(run, first, last);
    if (account->is_raw)
        audit_report_case(report, AUDIT_FRAME_ABSENT, last - first + 1,
                          "%s: topic %s partition %" PRId32 " %s: absent", TABLES_DEAD_LETTERS,
                          account->topic, gap->partition, run);
    else if (gap->is_below_bronze)
        audit_report_case(report, AUDIT_UNDECIDED, last - first + 1,
                          "%s: topic %s partition %" PRId32
                          " %s: in neither it nor %s, and older than %s",
                          account->names->silver, account->topic, gap->partition, run,
                          TABLES_DEAD_LETTERS, account->names->bronze);
    else
        audit_report_case(report, AUDIT_BRONZE_ABSENT, last - first + 1,
                          "%s: topic %s partition %" PRId32 " %s: absent, and in no other table",
                          account->names->bronze, account->topic, gap->partition, run);
}

/* 1: the log answers for this offset and has no record there. */
static int ask_log(struct account *account, const struct gap *gap, int64_t offset, int64_t first,
                   int64_t end, struct err *err)
{
    int64_t timestamp_us;
    int rc;

    if (offset < first || offset >= end || account->asked >= ASKED_MAX)
        return 0;
    account->asked++;
    rc = log_timestamp_at(account->audit->options->log, account->topic, gap->partition, offset,
                          &timestamp_us, err);
    return rc < 0 ? -1 : rc == LOG_ABSENT;
}

static int settle_by_log(struct account *account, const struct gap *gap, struct err *err)
{
    int64_t lost_from = gap->first;
    int64_t first = 0;
    int64_t end = 0;

    if (log_bounds(account->audit->options->log, account->topic, gap->partition, &first, &end,
                   err) < 0)
        return -1;
    for (int64_t offset = gap->first; offset <= gap->last && account->asked < ASKED_MAX; offset++) {
        int rc = ask_log(account, gap, offset, first, end, err);

        if (rc < 0)
            return -1;
        if (rc == 0)
            continue;
        account->never++;
        if (lost_from < offset)
            put_lost(account, gap, lost_from, offset - 1);
        lost_from = offset + 1;
    }
    if (lost_from <= gap->last)
        put_lost(account, gap, lost_from, gap->last);
    return 0;
}

static int settle_gap(struct account *account, const struct gap *gap, struct err *err)
{
    const struct account_partition *p = &account->partition[gap->partition];

    if (!gap->is_below_bronze && p->found[counted(account)] == p->told[counted(account)]) {
        account->never += gap->last - gap->first + 1;
        return 0;
    }
    if (account->audit->options->log != NULL)
        return settle_by_log(account, gap, err);
    put_lost(account, gap, gap->first, gap->last);
    return 0;
}

/* What a map counts and the offsets compared do not explain.  Rows that are too many are told of
 * the counted table alone: in the others each is found by its offset, and would be told twice. */
static void settle_count(struct account *account, int32_t partition, int source)
{
    const struct account_partition *p = &account->partition[partition];
    int64_t told = p->told[source], found = p->found[source];
    int64_t unexplained = told - found;

    if (!p->is_there || account->table[source] == NULL)
        return;
    unexplained -= source == counted(account) ? p->missing + p->gaps : p->undecided;
    if (unexplained <= 0 && (found <= told || source != counted(account)))
        return;
    audit_report_case(
        &account->audit->report, AUDIT_POSITION, unexplained > 0 ? unexplained : found - told,
        "%s: topic %s partition %" PRId32 ": its map counts %" PRId64 " rows, it holds %" PRId64,
        audit_table_name(account->table[source]), account->topic, partition, told, found);
}

static int settle(struct account *account, struct err *err)
{
    const struct gap *gap = (const struct gap *)(const void *)account->gaps.data;
    size_t count = account->gaps.size / sizeof(*gap);

    if (is_since(account) && count > 0 && count_all(account, err) != 0)
        return -1;
    for (int32_t i = 0; i < account->partitions && !is_since(account); i++)
        for (int s = 0; s < SOURCES; s++)
            settle_count(account, i, s);
    for (size_t i = 0; i < count; i++)
        if (settle_gap(account, &gap[i], err) != 0)
            return -1;
    if (account->gaps_unlisted > 0)
        audit_report_case(&account->audit->report, AUDIT_UNSEEN, account->gaps_unlisted,
                          "topic %s: %" PRId64
                          " more offsets that no table holds, behind the first "
                          "%d gaps",
                          account->topic, account->gaps_unlisted, GAPS_MAX);
    return 0;
}

/* -- the account */

static void conclude(struct account *account)
{
    struct audit_report *report = &account->audit->report;
    struct buf ranges = BUF_INIT;

    put_ranges(account, &ranges);
    audit_report_line(report, "%s: [L, P) by partition:%s", account->topic,
                      ranges.size == 0 ? "  none" : buf_text(&ranges));
    if (account->is_raw)
        audit_report_line(report,
                          "%s: %" PRId64 " offsets: %" PRId64 " in %s, %" PRId64 " never were",
                          account->topic, account->total, account->held[IN_DEAD],
                          TABLES_DEAD_LETTERS, account->never);
    else
        audit_report_line(report,
                          "%s: %" PRId64 " offsets: %" PRId64 " in %s; %" PRId64 " in %s, %" PRId64
                          " in %s; %" PRId64 " never were",
                          account->topic, account->total, account->held[IN_BRONZE],
                          account->names->bronze, account->held[IN_SILVER], account->names->silver,
                          account->held[IN_DEAD], TABLES_DEAD_LETTERS, account->never);
    if (is_since(account))
        audit_report_line(report, "%s: left out: %" PRId64 " offsets decided before",
                          account->topic, account->left_out);
    if (account->skipped > 0)
        audit_report_line(report, "%s: %" PRId64 " offsets were skipped by hand", account->topic,
                          account->skipped);
    buf_deinit(&ranges);
}

static int run(struct account *account, struct err *err)
{
    int rc = 0;

    plan(account);
    if (is_since(account))
        rc = cut_since(account, err);
    account->passes = passes_of(account);
    for (account->pass = 0; rc == 0 && account->pass < account->passes; account->pass++) {
        begin_pass(account);
        for (int s = 0; rc == 0 && s < SOURCES; s++)
            if (account->table[s] != NULL)
                rc = read_source(account, s, err);
        if (rc == 0)
            judge_pass(account);
    }
    if (rc == 0)
        rc = settle(account, err);
    if (rc == 0 && account->partitions > 0)
        conclude(account);
    return rc;
}

int audit_offsets_trades(struct audit *audit, struct audit_exchange *exchange, struct err *err)
{
    struct account account = { .audit = audit,
                               .names = &exchange->names,
                               .topic = exchange->names.topic,
                               .table = { &exchange->bronze, &exchange->silver, &audit->dead } };

    return do_and_free(&account, run, err);
}

int audit_offsets_frames(struct audit *audit, struct audit_exchange *exchange, struct err *err)
{
    struct account account = { .audit = audit,
                               .names = &exchange->names,
                               .topic = exchange->names.dead_topic,
                               .is_raw = true,
                               .table = { NULL, NULL, &audit->dead } };

    return do_and_free(&account, run, err);
}
