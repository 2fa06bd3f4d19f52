// SPDX-License-Identifier: Apache-2.0
/*
 * silver.c: rule 5.  S and D are the positions of Silver and of the dead letters; for each
 * partition:
 *
 *   D = S   judge [S, c): its bad rows go to the dead letters with D = c, which is the decision,
 *           made once; then its good rows to Silver with S = c
 *   D > S   the decision is made: Silver gets all rows of [S, D) that the dead letters do not hold
 *   D < S   the dead letters were rolled back: rows of [D, S) that Silver lacks go there again
 *
 * A decision is bound to the dead letters' epoch: Silver's map names it, and when it has changed
 * Silver first commits the new one without rows, so that no stale decision can land.
 */
#include "stage/silver.h"

#include "core/num.h"
#include "protocol/clause.h"
#include "protocol/offset_set.h"
#include "protocol/own_rows.h"
#include "stage/dead_letters.h"

#include <inttypes.h>
#include <string.h>

struct silver {
    struct stage_ports ports;
    struct arena names_arena;
    struct tables_names names;
    int32_t partitions;
    struct chain_table bronze, silver, dead, gold; /* gold: only for how far it has read */
    int64_t downstream_us, idle_commit_us;
    bool is_dead_topic_checked;
    struct stage_counters counters;
    struct verdict verdict;
    struct bronze_rows rows;
    struct dead_letters letters;
    struct log_batch frames;
    struct offset_set held;

    /* of the step at hand; arrays of one entry for each partition */
    struct arena arena;
    struct positions bronze_map, silver_map, dead_map;
    int64_t *S, *D, *end;
    struct stage_files silver_files, dead_files;
};

struct silver *silver_new(const struct stage_ports *ports, const char *exchange, int32_t partitions,
                          const struct trade_rules *rules)
{
    struct silver *s = mem_zero(1, sizeof(*s));
    struct chain_origin origin = tables_bronze_origin();
    struct ice_definition definition;

    s->ports = *ports;
    s->partitions = partitions;
    tables_names(&s->names, &s->names_arena, exchange);
    definition = tables_bronze(s->names.bronze);
    stage_chain_init(&s->bronze, ports, &definition, &origin);
    origin = tables_silver_origin(s->names.topic);
    definition = tables_silver(s->names.silver);
    stage_chain_init(&s->silver, ports, &definition, &origin);
    s->silver.downstream_sequence = 0; /* all is kept until the first look */
    origin = tables_dead_letters_origin();
    definition = tables_dead_letters();
    stage_chain_init(&s->dead, ports, &definition, &origin);
    origin = tables_gold_origin();
    definition = tables_gold();
    stage_chain_init(&s->gold, ports, &definition, &origin);
    verdict_init(&s->verdict, ports->registry, rules);
    bronze_rows_init(&s->rows);
    dead_letters_init(&s->letters);
    log_batch_init(&s->frames);
    return s;
}

void silver_free(struct silver *s)
{
    if (s == NULL)
        return;
    chain_deinit(&s->bronze);
    chain_deinit(&s->silver);
    chain_deinit(&s->dead);
    chain_deinit(&s->gold);
    verdict_deinit(&s->verdict);
    bronze_rows_deinit(&s->rows);
    dead_letters_deinit(&s->letters);
    log_batch_deinit(&s->frames);
    offset_set_deinit(&s->held);
    stage_files_deinit(&s->silver_files);
    stage_files_deinit(&s->dead_files);
    arena_deinit(&s->arena);
    arena_deinit(&s->names_arena);
    free(s);
}

const struct stage_counters *silver_counters(const struct silver *s)
{
    return &s->counters;
}

struct chain_table *silver_table(struct silver *s)
{
    return &s->silver;
}

struct chain_table *silver_dead_letters(struct silver *s)
{
    return &s->dead;
}

/* -- loading */

/* A partition that a table has not begun stands where Bronze begins; one that it had begun before a
 * rollback, where the table began it: Bronze may have let go of what must be read again. */
static int64_t position_of(const struct silver *s, const struct positions *map, int32_t partition)
{
    const char *topic = s->names.topic;
    const struct position_offset *entry = positions_offset(map, topic, partition);

    if (entry != NULL)
        return entry->next;
    return positions_retained_or(map, topic, partition,
                                 positions_retained_or(&s->bronze_map, topic, partition, 0));
}

static int load_chain(struct silver *s, struct chain_table *table, struct positions *map,
                      struct err *err)
{
    positions_init(map, &s->arena);
    if (table->table.metadata == NULL && table != &s->bronze && stage_ensure_table(table, err) != 0)
        return -1;
    return chain_load(table, &s->arena, map, err);
}

/* One of those that Silver makes itself: it must be there. */
static int load_own(struct silver *s, struct chain_table *table, struct positions *map,
                    struct err *err)
{
    int rc = load_chain(s, table, map, err);

    return rc <= 0 ? rc : err_set(err, ERR_RETRY, "table %s is gone", table->table.definition.name);
}

/* A row of a partition that we do not know would be passed over, and the position with it. */
static int refuse_unknown_partitions(const struct silver *s, const struct positions *map,
                                     struct err *err)
{
    for (size_t i = 0; i < map->offset_count; i++)
        if (map->offset[i].partition >= s->partitions &&
            strcmp(map->offset[i].topic, s->names.topic) == 0)
            return err_set(
                err, ERR_REFUSED,
                "%s: %s holds partition %" PRId32 " of topic %s, %" PRId32
                " partitions are configured: set bronze.partitions to what the topic has",
                s->names.silver, s->names.bronze, map->offset[i].partition, s->names.topic,
                s->partitions);
    return 0;
}

/* Silver and the dead letters name the log that Bronze's offsets are of: it must be ours. */
static int refuse_another_log(const struct silver *s, struct err *err)
{
    const struct positions *map = &s->bronze_map;
    const char *ours = s->ports.log->cluster;

    for (size_t i = 0; i < map->offset_count; i++)
        if (strcmp(map->offset[i].topic, s->names.topic) == 0 &&
            strcmp(map->offset[i].cluster, ours) != 0)
            return err_set(
                err, ERR_REFUSED,
                "%s: positions of topic %s in %s are of log %s, this log is %s: a new "
                "log needs a new data folder or, if its offsets go on above the old ones, "
                "`k2 positions set %s latest`",
                s->names.silver, s->names.topic, s->names.bronze, map->offset[i].cluster, ours,
                s->names.bronze);
    return 0;
}

/* 0, or STAGE_IDLE when Bronze does not exist yet. */
static int load(struct silver *s, struct err *err)
{
    struct stage_reader reader = { &s->gold, s->names.silver };
    int rc;

    if (stage_is_due(s->ports.table.clock, s->ports.downstream_look_us, &s->downstream_us))
        stage_look_downstream(&s->silver, &reader, 1);
    arena_reset(&s->arena);
    s->silver_files.count = 0;
    s->dead_files.count = 0;
    if (load_own(s, &s->dead, &s->dead_map, err) != 0 ||
        load_own(s, &s->silver, &s->silver_map, err) != 0)
        return -1;
    rc = load_chain(s, &s->bronze, &s->bronze_map, err);
    if (rc != 0)
        return rc < 0 ? -1 : STAGE_IDLE;
    if (refuse_unknown_partitions(s, &s->bronze_map, err) != 0 || refuse_another_log(s, err) != 0)
        return -1;
    s->S = arena_zero(&s->arena, (size_t)s->partitions, sizeof(*s->S));
    s->D = arena_zero(&s->arena, (size_t)s->partitions, sizeof(*s->D));
    s->end = arena_zero(&s->arena, (size_t)s->partitions, sizeof(*s->end));
    for (int32_t p = 0; p < s->partitions; p++) {
        s->S[p] = position_of(s, &s->silver_map, p);
        s->D[p] = position_of(s, &s->dead_map, p);
    }
    return 0;
}

static int refuse_below_retained(const struct silver *s, struct err *err)
{
    for (int32_t p = 0; p < s->partitions; p++) {
        int64_t from = positions_retained(&s->bronze_map, s->names.topic, p);

        if (int64_min(s->S[p], s->D[p]) < from && clause_on(CLAUSE_REFUSE_BELOW_RETAINED))
            return err_set(err, ERR_REFUSED,
                           "below_retained: %s: partition %" PRId32 " of topic %s: the position is "
                           "%" PRId64 ", %s begins at %" PRId64 ": see `k2 positions show`, then "
                           "`k2 positions set %s %s/%" PRId32 "=earliest`",
                           s->names.silver, p, s->names.topic, int64_min(s->S[p], s->D[p]),
                           s->names.bronze, from, s->names.silver, s->names.topic, p);
    }
    return 0;
}

/* -- commits */

/* The entries of all partitions of the topic for one table: position end[p], and what the rows
 * [first, first + count) of index, or all when index is NULL, add to counts. */
struct moves {
    struct position_offset *offset;
    struct position_retained *retained;
    size_t count, retained_count;
};

static void count_row(struct silver *s, struct position_offset *entries, size_t row)
{
    int32_t p = column_int32(&s->rows.column[BRONZE_PARTITION], row);
    int64_t at = column_int64(&s->rows.column[BRONZE_OFFSET], row);

    entries[p].rows++;
    entries[p].high = int64_max(entries[p].high, at);
}

/* `from` is S or D, whose table has `map`; rows index[0..count) are those that it gets. */
static struct moves plan_moves(struct silver *s, const struct positions *map, const int64_t *from,
                               const uint32_t *index, size_t count)
{
    struct moves moves = { 0 };
    struct position_offset *all = arena_zero(&s->arena, (size_t)s->partitions, sizeof(*all));

    moves.offset = arena_zero(&s->arena, (size_t)s->partitions, sizeof(*moves.offset));
    moves.retained = arena_zero(&s->arena, (size_t)s->partitions, sizeof(*moves.retained));
    for (int32_t p = 0; p < s->partitions; p++) {
        const struct position_offset *old = positions_offset(map, s->names.topic, p);

        all[p] = old != NULL
                     ? *old
                     : (struct position_offset){ .high = POSITION_NONE, .last = POSITION_NONE };
        all[p].topic = s->names.topic;
        all[p].cluster = s->ports.log->cluster;
        all[p].partition = p;
        all[p].next = s->end[p];
    }
    for (size_t i = 0; i < count; i++)
        count_row(s, all, index[i]);
    for (int32_t p = 0; p < s->partitions; p++) {
        bool is_new = positions_offset(map, s->names.topic, p) == NULL;

        if (is_new && s->end[p] == from[p])
            continue; /* not begun yet */
        moves.offset[moves.count++] = all[p];
        if (is_new)
            moves.retained[moves.retained_count++] =
                (struct position_retained){ s->names.topic, p, from[p] };
    }
    return moves;
}

/* Silver's entry for the dead letters: which epoch of theirs it goes by. */
static struct position_input fence(const struct silver *s)
{
    return (struct position_input){ .table = TABLES_DEAD_LETTERS,
                                    .uuid = s->dead.table.metadata->uuid,
                                    .epoch = s->dead_map.epoch,
                                    .snapshot = POSITION_NONE,
                                    .begun = POSITION_NONE };
}

static int commit_silver(struct silver *s, const struct moves *moves,
                         const struct position_input *bronze, struct err *err)
{
    struct position_input inputs[2];
    const char *const complete_of[] = { s->names.bronze };
    struct commit_batch batch = { .planned = &s->silver_map,
                                  .complete_of = complete_of,
                                  .complete_of_count = 1,
                                  .offset = moves->offset,
                                  .offset_count = moves->count,
                                  .retained = moves->retained,
                                  .retained_count = moves->retained_count,
                                  .input = inputs,
                                  .file = s->silver_files.file,
                                  .file_count = s->silver_files.count };

    if (clause_on(CLAUSE_FENCE))
        inputs[batch.input_count++] = fence(s);
    if (bronze != NULL)
        inputs[batch.input_count++] = *bronze;
    return stage_commit(&s->silver, &batch, err);
}

/* The dead letters were rolled back, and no stale decision must land (rule 5).  Nor is Silver's
 * claim of completeness good until the next Bronze snapshot is finished (rule 9). */
static int commit_fence(struct silver *s, struct err *err)
{
    struct moves moves = plan_moves(s, &s->silver_map, s->S, NULL, 0);
    const struct position_input *at = positions_input(&s->silver_map, s->names.bronze);
    struct position_input bronze;

    if (at == NULL || !clause_on(CLAUSE_COMPLETE_OF_DECISION))
        return commit_silver(s, &moves, NULL, err);
    bronze = *at;
    bronze.complete_us = 0;
    return commit_silver(s, &moves, &bronze, err);
}

static int commit_dead(struct silver *s, const struct moves *moves,
                       const struct position_input *bronze, struct err *err)
{
    struct commit_batch batch = { .planned = &s->dead_map,
                                  .offset = moves->offset,
                                  .offset_count = moves->count,
                                  .retained = moves->retained,
                                  .retained_count = moves->retained_count,
                                  .input = bronze,
                                  .input_count = bronze == NULL ? 0 : 1,
                                  .file = s->dead_files.file,
                                  .file_count = s->dead_files.count };

    return stage_commit(&s->dead, &batch, err);
}

static int write_silver(struct silver *s, int64_t now_us, struct err *err)
{
    const struct column *columns[SILVER_COLUMNS];
    int32_t day = micros_day(now_us);
    size_t rows = s->verdict.good_count;

    if (rows == 0)
        return 0;
    verdict_silver_columns(&s->verdict, &s->rows, now_us, columns);
    return stage_write_files(&s->silver, &s->arena, columns, 0, rows, &day, s->ports.file_rows, 0,
                             false, &s->silver_files, err);
}

static int write_dead(struct silver *s, const uint32_t *index, size_t count, int64_t now_us,
                      struct err *err)
{
    dead_letters_from_bronze(&s->letters, &s->verdict, &s->rows, index, count, s->names.bronze,
                             s->names.topic, now_us);
    return dead_letters_write(&s->letters, &s->dead, &s->arena, s->ports.file_rows, &s->dead_files,
                              err);
}

/* -- D differs from S */

/* (partition, offset) of our rows in a table that lie in the window, into s->held. */
struct holding {
    struct silver *silver;
    const struct offset_window *window;
    int32_t offset_id; /* field id of the table's column of offsets */
};

static int hold_file(void *context, const struct ice_data_file *file, enum own_level level,
                     const struct column *topic, const struct column *partition,
                     const struct column *offset, struct err *err)
{
    struct holding *holding = context;
    const struct offset_window *window = holding->window;

    (void)file;
    (void)level;
    (void)err;
    for (size_t row = 0; row < offset->rows; row++) {
        int32_t p = column_int32(partition, row);
        int64_t at = column_int64(offset, row);

        if (p >= 0 && p < window->count && at >= window->from[p] && at < window->to[p] &&
            (topic == NULL ||
             span_equal(column_bytes(topic, row), span_text(holding->silver->names.topic))))
            offset_set_add(&holding->silver->held, p, at);
    }
    return 0;
}

static bool may_hold(void *context, const struct ice_data_file *file)
{
    const struct holding *holding = context;

    return offset_window_may_hold(holding->window, file, holding->offset_id);
}

static int hold_rows(struct silver *s, struct chain_table *table, const struct positions *map,
                     const struct offset_window *window, struct err *err)
{
    struct holding holding = { s, window,
                               table->table.definition.field[table->origin.offset].field_id };
    const struct own_rows_visitor visitor = { hold_file, may_hold, &holding };
    struct own_claims claims = { 0 };
    int rc;

    offset_set_clear(&s->held);
    rc = own_rows_visit(table, table->table.metadata, map, &visitor, &claims, err);
    own_claims_deinit(&claims);
    return rc <= 0
               ? rc
               : err_set(err, ERR_RETRY, "%s: a live file is gone", table->table.definition.name);
}

/* Bronze's rows between two positions where `low` is below `high`; s->end is how far they go. RETRY
 * where Bronze itself has not been read that far again. */
static int read_between(struct silver *s, const int64_t *low, const int64_t *high, struct err *err)
{
    int64_t *to = arena_zero(&s->arena, (size_t)s->partitions, sizeof(*to));
    struct offset_window window = { low, to, s->partitions };
    bool is_all;

    for (int32_t p = 0; p < s->partitions; p++) {
        to[p] = int64_max(low[p], high[p]);
        if (low[p] < high[p] && clause_on(CLAUSE_BRONZE_MAP_BOUND) &&
            positions_next(&s->bronze_map, s->names.topic, p) < high[p])
            return err_set(err, ERR_RETRY,
                           "%s was rolled back and has not read partition %" PRId32
                           " to offset %" PRId64 " again",
                           s->names.bronze, p, high[p]);
    }
    bronze_rows_clear(&s->rows);
    return bronze_rows_read_offsets(&s->rows, &s->bronze, &s->bronze_map, s->names.topic, &window,
                                    (int64_t)s->ports.batch_rows, 0, s->end, &is_all, err);
}

static int recover_dead_letters(struct silver *s, struct err *err)
{
    struct offset_window window = { s->D, s->end, s->partitions };
    int64_t now_us = clock_now_us(s->ports.table.clock);
    struct moves moves;
    size_t count = 0;

    if (read_between(s, s->D, s->S, err) != 0 ||
        hold_rows(s, &s->silver, &s->silver_map, &window, err) != 0 ||
        verdict_judge(&s->verdict, &s->rows, err) != 0)
        return -1;
    for (size_t row = 0; row < bronze_rows_count(&s->rows); row++)
        if (!offset_set_has(&s->held, column_int32(&s->rows.column[BRONZE_PARTITION], row),
                            column_int64(&s->rows.column[BRONZE_OFFSET], row)) &&
            (s->verdict.reason[row] != TRADE_GOOD || clause_on(CLAUSE_DECISION_LOST)))
            s->verdict.bad[count++] = (uint32_t)row;
    moves = plan_moves(s, &s->dead_map, s->D, s->verdict.bad, count);
    if (write_dead(s, s->verdict.bad, count, now_us, err) != 0)
        return -1;
    s->counters.rejected += (int64_t)count;
    return commit_dead(s, &moves, NULL, err);
}

static int follow_decision(struct silver *s, struct err *err)
{
    struct offset_window window = { s->S, s->end, s->partitions };
    struct moves moves;

    if (read_between(s, s->S, s->D, err) != 0 ||
        hold_rows(s, &s->dead, &s->dead_map, &window, err) != 0)
        return -1;
    if (clause_on(CLAUSE_FOLLOW_DECISION)) {
        if (verdict_follow(&s->verdict, &s->rows, &s->held, err) != 0)
            return -1;
    } else if (verdict_judge(&s->verdict, &s->rows, err) != 0) {
        return -1;
    }
    moves = plan_moves(s, &s->silver_map, s->S, s->verdict.good, s->verdict.good_count);
    if (write_silver(s, clock_now_us(s->ports.table.clock), err) != 0)
        return -1;
    s->counters.rows += (int64_t)s->verdict.good_count;
    return commit_silver(s, &moves, NULL, err);
}

/* -- D = S */

/* What is to be judged next: rows read, s->end set, *next the position in Bronze.  *passes_files:
 * even without rows that Silver lacks it gets on, and there may be some behind. */
static int read_first_path(struct silver *s, struct position_input *next, bool *passes_files,
                           struct err *err)
{
    const struct position_input *at = positions_input(&s->silver_map, s->names.bronze);
    int64_t *from = arena_zero(&s->arena, (size_t)s->partitions, sizeof(*from));
    int64_t *to = arena_zero(&s->arena, (size_t)s->partitions, sizeof(*to));
    struct offset_window window = { from, to, s->partitions };
    struct positions reached;
    struct read_plan plan;
    int rc = read_on_plan(&s->bronze, &s->bronze_map, at, (int64_t)s->ports.batch_rows, false,
                          &s->arena, &plan, err);

    bronze_rows_clear(&s->rows);
    for (int32_t p = 0; p < s->partitions; p++) {
        from[p] = clause_on(CLAUSE_CUT_BY_OWN_OFFSET) ? s->S[p] : 0;
        to[p] = INT64_MAX;
        s->end[p] = s->S[p];
    }
    for (size_t i = 0; rc == 0 && i < plan.count; i++) {
        rc = bronze_rows_read_file(&s->rows, &s->bronze, plan.file[i], &window, err);
        if (rc == TABLE_GONE)
            rc = READ_CUT;
    }
    if (rc != 0)
        return rc;
    for (size_t row = 0; row < bronze_rows_count(&s->rows); row++) {
        int32_t p = column_int32(&s->rows.column[BRONZE_PARTITION], row);

        s->end[p] = int64_max(s->end[p], column_int64(&s->rows.column[BRONZE_OFFSET], row) + 1);
    }
    positions_init(&reached, &s->arena);
    if (plan.reached != NULL && positions_of_snapshot(&reached, plan.reached, err) != 0)
        return -1;
    for (int32_t p = 0; p < s->partitions; p++)
        s->end[p] = int64_max(s->end[p], positions_next(&reached, s->names.topic, p));
    *next = plan.next;
    *passes_files = plan.count > 0;
    return 0;
}

static int read_second_path(struct silver *s, struct position_input *next, struct err *err)
{
    const struct position_input *at = positions_input(&s->silver_map, s->names.bronze);
    int64_t *to = arena_zero(&s->arena, (size_t)s->partitions, sizeof(*to));
    struct offset_window window = { s->S, to, s->partitions };
    bool is_all;

    bronze_rows_clear(&s->rows);
    for (int32_t p = 0; p < s->partitions; p++)
        to[p] = clause_on(CLAUSE_BRONZE_MAP_BOUND)
                    ? int64_max(s->S[p], positions_next(&s->bronze_map, s->names.topic, p))
                    : INT64_MAX;
    if (bronze_rows_read_offsets(&s->rows, &s->bronze, &s->bronze_map, s->names.topic, &window,
                                 (int64_t)s->ports.batch_rows, at == NULL ? 0 : at->sequence,
                                 s->end, &is_all, err) != 0)
        return -1;
    if (is_all)
        *next = live_files_end(&s->rows.spans.files, &s->bronze);
    else if (at != NULL)
        *next = *at;
    else
        *next = (struct position_input){
            .table = s->names.bronze, .uuid = "", .snapshot = POSITION_NONE, .begun = POSITION_NONE
        };
    return 0;
}

static bool moves_nothing(const struct silver *s, const struct position_input *next)
{
    for (int32_t p = 0; p < s->partitions; p++)
        if (s->end[p] != s->S[p])
            return false;
    return positions_same_input(positions_input(&s->silver_map, s->names.bronze), next);
}

static int judge(struct silver *s, struct err *err)
{
    int64_t now_us = clock_now_us(s->ports.table.clock);
    struct position_input next;
    struct moves dead, silver;
    int64_t good, bad;
    bool passes_files = false;
    int rc = read_first_path(s, &next, &passes_files, err);

    if (rc > 0) {
        passes_files = true; /* a large file is read in parts, and a part may be a gap */
        rc = read_second_path(s, &next, err);
    }
    if (rc < 0)
        return -1;
    if (moves_nothing(s, &next) ||
        (bronze_rows_count(&s->rows) == 0 && !passes_files &&
         !stage_is_due(s->ports.table.clock, s->ports.idle_commit_us, &s->idle_commit_us)))
        return STAGE_IDLE;
    if (verdict_judge(&s->verdict, &s->rows, err) != 0)
        return -1;
    good = (int64_t)s->verdict.good_count;
    bad = (int64_t)s->verdict.bad_count;
    dead = plan_moves(s, &s->dead_map, s->D, s->verdict.bad, s->verdict.bad_count);
    silver = plan_moves(s, &s->silver_map, s->S, s->verdict.good, s->verdict.good_count);
    if (write_dead(s, s->verdict.bad, s->verdict.bad_count, now_us, err) != 0 ||
        write_silver(s, now_us, err) != 0)
        return -1;
    if (clause_on(CLAUSE_DEAD_LETTERS_FIRST)) {
        rc = commit_dead(s, &dead, &next, err);
        rc = rc == 0 ? commit_silver(s, &silver, &next, err) : rc;
    } else {
        rc = commit_silver(s, &silver, &next, err);
        rc = rc == 0 ? commit_dead(s, &dead, &next, err) : rc;
    }
    if (rc == 0) {
        s->counters.rows += good;
        s->counters.rejected += bad;
    }
    return rc;
}

/* -- raw frames */

static int check_dead_topic(struct silver *s, const struct position_offset *entry, struct err *err)
{
    if (entry == NULL || s->is_dead_topic_checked)
        return 0;
    if (strcmp(entry->cluster, s->ports.log->cluster) != 0)
        return err_set(err, ERR_REFUSED, "%s: positions of topic %s are of log %s, this is %s",
                       TABLES_DEAD_LETTERS, entry->topic, entry->cluster, s->ports.log->cluster);
    if (stage_check_taken(s->ports.log, TABLES_DEAD_LETTERS, entry, err) != 0)
        return -1;
    s->is_dead_topic_checked = true;
    return 0;
}

/* Rule 9: the exchange's dead-letter topic is a second entry of the dead letters' map. */
static int take_frames(struct silver *s, struct err *err)
{
    const char *topic = s->names.dead_topic;
    const struct position_offset *old = positions_offset(&s->dead_map, topic, 0);
    struct position_offset entry = { .topic = topic,
                                     .cluster = s->ports.log->cluster,
                                     .last = POSITION_NONE,
                                     .high = POSITION_NONE };
    struct position_retained retained = { topic, 0, 0 };
    struct commit_batch batch = {
        .planned = &s->dead_map, .offset = &entry, .offset_count = 1, .retained = &retained
    };
    int64_t from, end, next;
    size_t rows;
    int rc = log_bounds(s->ports.log, topic, 0, &from, &end, err);

    if (rc != 0)
        return rc < 0 ? -1 : STAGE_IDLE;
    if (old != NULL)
        entry = *old;
    from = old == NULL ? from : old->next;
    if (check_dead_topic(s, old, err) != 0)
        return -1;
    log_batch_clear(&s->frames);
    rc = log_read(s->ports.log, topic, 0, from, s->ports.batch_rows, s->ports.batch_bytes,
                  &s->frames, &next, err);
    if (rc != 0)
        return rc < 0 ? -1
                      : err_set(err, ERR_REFUSED,
                                "topic %s: the position %" PRId64
                                " is not in the log any more: see `k2 positions show`, then `k2 "
                                "positions set %s %s/0=earliest`",
                                topic, from, TABLES_DEAD_LETTERS, topic);
    rows = s->frames.offset.rows;
    if (next == from || rows == 0)
        return STAGE_IDLE;
    dead_letters_from_frames(&s->letters, &s->frames, s->names.ingest, topic,
                             clock_now_us(s->ports.table.clock));
    s->dead_files.count = 0;
    if (dead_letters_write(&s->letters, &s->dead, &s->arena, s->ports.file_rows, &s->dead_files,
                           err) != 0)
        return -1;
    entry.next = next;
    entry.rows += (int64_t)rows;
    entry.last = entry.high = column_int64(&s->frames.offset, rows - 1);
    entry.last_us = column_int64(&s->frames.timestamp, rows - 1);
    retained.from = from;
    batch.retained_count = old == NULL ? 1 : 0;
    batch.file = s->dead_files.file;
    batch.file_count = s->dead_files.count;
    rc = stage_commit(&s->dead, &batch, err);
    s->counters.rejected += rc == 0 ? (int64_t)rows : 0;
    return rc;
}

/* -- the step */

static bool is_epoch_known(const struct silver *s)
{
    const struct position_input *entry = positions_input(&s->silver_map, TABLES_DEAD_LETTERS);

    return (entry == NULL ? 0 : entry->epoch) == s->dead_map.epoch;
}

static int step(struct silver *s, struct err *err)
{
    bool is_behind = false;
    bool is_ahead = false;

    for (int32_t p = 0; p < s->partitions; p++) {
        is_behind |= s->D[p] < s->S[p];
        is_ahead |= s->D[p] > s->S[p];
        s->end[p] = s->S[p];
    }
    /* Set back once more, the dead letters would begin the same epoch again: it is committed before
     * anything is decided in it. */
    if (clause_on(CLAUSE_FENCE) && s->dead_map.is_rolled) {
        const struct moves none = { 0 };

        return commit_dead(s, &none, NULL, err);
    }
    if (clause_on(CLAUSE_FENCE) && !is_epoch_known(s))
        return commit_fence(s, err);
    if (refuse_below_retained(s, err) != 0)
        return -1;
    if (is_behind)
        return recover_dead_letters(s, err);
    if (is_ahead)
        return follow_decision(s, err);
    return judge(s, err);
}

int silver_step(struct silver *s, struct err *err)
{
    int rc = load(s, err);

    if (rc == 0)
        rc = step(s, err);
    if (rc == STAGE_IDLE && s->dead.table.metadata != NULL)
        rc = take_frames(s, err);
    s->counters.batches += rc == 0;
    s->counters.lost += rc == STAGE_LOST;
    return rc;
}
