// SPDX-License-Identifier: Apache-2.0
/*
 * gold.c: rule 7.  First what Gold has is dropped, then, in input order, copies within the batch;
 * then the batch is sorted and written.  No state of its own: what Gold has is asked of Gold, and
 * the whole test runs again when a conflict brings another base.
 */
#include "stage/gold.h"

#include "core/diag.h"
#include "core/num.h"
#include "protocol/clause.h"
#include "protocol/live_files.h"
#include "protocol/read_on.h"
#include "stage/gold_batch.h"
#include "stage/gold_lookup.h"

#include <inttypes.h>

struct gold_input {
    struct tables_names names;
    struct chain_table silver;

    /* second path */
    struct live_files files; /* those with a sequence number above ... */
    int64_t listed_after;
    struct own_claims claims; /* on rows of files without our key, once asked */
    bool has_claims;
};

struct gold {
    struct stage_ports ports;
    int64_t window_us;
    struct arena names_arena;
    struct gold_input *input;
    size_t input_count;
    const char **input_name; /* of the Silver tables */
    struct chain_table gold;
    int64_t idle_commit_us;
    struct stage_counters counters;
    struct gold_batch batch;
    struct gold_lookup lookup;
    struct trade_dedup dedup;

    /* of the step at hand */
    struct arena arena;
    struct positions map;
    struct position_input *moved;
    size_t moved_count;
    struct stage_files files;
    const struct ice_data_file **planned; /* the files of the last plan, in the arena */
};

struct gold *gold_new(const struct stage_ports *ports, const char *const *exchanges, size_t count,
                      int64_t window_us)
{
    struct gold *g = mem_zero(1, sizeof(*g));
    struct ice_definition definition = tables_gold();
    struct chain_origin origin = tables_gold_origin();

    g->ports = *ports;
    g->window_us = window_us;
    stage_chain_init(&g->gold, ports, &definition, &origin);
    g->input = mem_zero(count, sizeof(*g->input));
    g->input_count = count;
    g->input_name = mem_zero(count, sizeof(*g->input_name));
    for (size_t i = 0; i < count; i++) {
        tables_names(&g->input[i].names, &g->names_arena, exchanges[i]);
        g->input_name[i] = g->input[i].names.silver;
        definition = tables_silver(g->input[i].names.silver);
        origin = tables_silver_origin(g->input[i].names.topic);
        stage_chain_init(&g->input[i].silver, ports, &definition, &origin);
    }
    gold_batch_init(&g->batch);
    gold_lookup_init(&g->lookup);
    return g;
}

void gold_free(struct gold *g)
{
    if (g == NULL)
        return;
    for (size_t i = 0; i < g->input_count; i++) {
        chain_deinit(&g->input[i].silver);
        live_files_deinit(&g->input[i].files);
        own_claims_deinit(&g->input[i].claims);
    }
    free(g->input);
    free(g->input_name);
    chain_deinit(&g->gold);
    gold_batch_deinit(&g->batch);
    gold_lookup_deinit(&g->lookup);
    trade_dedup_deinit(&g->dedup);
    stage_files_deinit(&g->files);
    arena_deinit(&g->arena);
    arena_deinit(&g->names_arena);
    free(g);
}

const struct stage_counters *gold_counters(const struct gold *g)
{
    return &g->counters;
}

struct chain_table *gold_table(struct gold *g)
{
    return &g->gold;
}

/* -- reading Silver on */

static int refuse_rolled_back(const struct gold *g, const struct gold_input *input, struct err *err)
{
    return err_set(err, ERR_REFUSED,
                   "upstream_rolled_back: %s was rolled back below what %s has taken: see `k2 "
                   "positions show`, then `k2 positions set gold %s=<snapshot>|all`",
                   input->names.silver, g->gold.table.definition.name, input->names.silver);
}

static int list_file(void *context, const struct ice_data_file *file, struct err *err)
{
    struct gold_input *input = context;

    (void)err;
    if (file->sequence > input->listed_after)
        live_files_add(&input->files, file,
                       own_rows_level_unkeyed(input->silver.table.metadata, file->snapshot_id));
    return 0;
}

/* Of one number in the order of the manifests: a position may lie among them. */
static int compare_files(const void *left, const void *right)
{
    const struct live_file *a = left, *b = right;

    if (a->sequence != b->sequence)
        return a->sequence > b->sequence ? 1 : -1;
    return (a->path > b->path) - (a->path < b->path);
}

/* The live files above what is taken, in order; kept from batch to batch, as long as the position
 * speaks of this very listing: compaction moves rows to higher numbers, and taking one back moves
 * them to lower ones again, so the number of one listing says nothing about another.  A position
 * that went back (Gold was rolled back) may need files that were taken when this was listed. */
static int list_files(struct gold_input *input, const struct positions *silver_map,
                      const struct position_input *at, struct err *err)
{
    struct table *table = &input->silver.table;
    const struct ice_file_visitor visitor = { list_file, input };
    const struct ice_snapshot *current = ice_metadata_current(table->metadata);
    int rc;

    if (at != NULL && at->listed > 0 && at->listed == input->files.snapshot &&
        at->through >= input->listed_after &&
        live_files_hold(&input->files, table->metadata, silver_map->epoch))
        return 0;
    live_files_begin(&input->files, &input->silver, silver_map);
    own_claims_deinit(&input->claims);
    input->has_claims = false;
    input->listed_after = read_on_taken(table->metadata, at);
    rc = current == NULL ? 0 : table_visit_live(table, current, &visitor, err);
    if (rc == 0 && live_files_count(&input->files) > 0)
        qsort(input->files.files.data, live_files_count(&input->files), sizeof(struct live_file),
              compare_files);
    return rc;
}

/* Where reading goes on: a file of the listing, and a row of it. */
struct place {
    size_t file;
    int64_t row;
};

/* A part of the files of one number is taken only of the listing that it was taken of; of another
 * one they are read again, and rule 7 drops what Gold has. */
static struct place place_of(struct gold_input *input, const struct position_input *at,
                             int64_t after)
{
    struct live_files *files = &input->files;
    struct place place = { 0 };

    while (place.file < live_files_count(files) &&
           live_files_at(files, place.file)->sequence <= after)
        place.file++;
    if (at != NULL && at->listed == files->snapshot && at->through == after &&
        (uint64_t)at->part_files < live_files_count(files) - place.file)
        place = (struct place){ place.file + (size_t)at->part_files, at->part_rows };
    return place;
}

static struct position_input position_of(struct gold_input *input, const struct position_input *at,
                                         int64_t after, const struct place *place)
{
    struct live_files *files = &input->files;
    struct position_input next = live_files_end(files, &input->silver);
    size_t first = place->file;

    if (place->file >= live_files_count(files))
        return next;
    while (first > 0 &&
           live_files_at(files, first - 1)->sequence == live_files_at(files, place->file)->sequence)
        first--;
    next.snapshot = at == NULL ? POSITION_NONE : at->snapshot;
    next.sequence = at == NULL ? 0 : at->sequence;
    next.complete_us = at == NULL ? 0 : at->complete_us;
    next.listed = files->snapshot;
    next.through = first == 0 ? after : int64_max(after, live_files_at(files, first - 1)->sequence);
    next.part_files = (int64_t)(place->file - first);
    next.part_rows = place->row;
    return next;
}

/* A large file, which only others make, in parts. */
static int read_listed(struct gold *g, struct gold_input *input, const struct positions *silver_map,
                       struct place *place, struct err *err)
{
    const struct ice_data_file file = live_files_get(&input->files, place->file);
    enum own_level level = live_files_at(&input->files, place->file)->level;
    int64_t room = (int64_t)g->ports.batch_rows - (int64_t)gold_batch_rows(&g->batch);
    int64_t rows_max = int64_max(room, (int64_t)g->ports.batch_rows / 4 + 1);
    int rc =
        gold_batch_read_own(&g->batch, &input->silver, &file, level,
                            input->has_claims ? &input->claims : NULL, rows_max, &place->row, err);

    /* Claims speak of the snapshot that the listing was made of. */
    if (rc == GOLD_BATCH_CLAIMS && input->silver.table.metadata->main == input->files.snapshot) {
        if (own_rows_claim(&input->silver, input->silver.table.metadata,
                           ice_metadata_current(input->silver.table.metadata), silver_map,
                           &input->claims, err) != 0)
            return -1;
        input->has_claims = true;
        rc = gold_batch_read_own(&g->batch, &input->silver, &file, level, &input->claims, rows_max,
                                 &place->row, err);
    }
    place->file += rc == 0 && place->row == 0;
    return rc;
}

/* The live files above what is taken.  GOLD_BATCH_CLAIMS: the listing must be made anew. */
static int read_files(struct gold *g, struct gold_input *input, const struct positions *silver_map,
                      const struct position_input *at, struct position_input *next, struct err *err)
{
    int64_t after = read_on_taken(input->silver.table.metadata, at);
    int rc = list_files(input, silver_map, at, err);
    struct place place = place_of(input, at, after);

    while (rc == 0 && place.file < live_files_count(&input->files) &&
           gold_batch_rows(&g->batch) < g->ports.batch_rows)
        rc = read_listed(g, input, silver_map, &place, err);
    *next = position_of(input, at, after, &place);
    next->uuid = arena_text(&g->arena, span_text(next->uuid));
    if (rc != 0)
        live_files_forget(&input->files);
    return rc;
}

static void forget_rows(struct gold *g, size_t rows)
{
    for (size_t i = 0; i < TRADE_FIELDS; i++)
        column_truncate(&g->batch.row[i], rows);
}

static int read_second_path(struct gold *g, struct gold_input *input,
                            const struct positions *silver_map, const struct position_input *at,
                            struct position_input *next, struct err *err)
{
    size_t before = gold_batch_rows(&g->batch);
    int rc = read_files(g, input, silver_map, at, next, err);

    if (rc != GOLD_BATCH_CLAIMS)
        return rc;
    forget_rows(g, before);
    return read_files(g, input, silver_map, at, next, err);
}

static int read_first_path(struct gold *g, struct gold_input *input,
                           const struct positions *silver_map, const struct position_input *at,
                           struct position_input *next, struct err *err)
{
    struct read_plan plan;
    int64_t room = (int64_t)g->ports.batch_rows - (int64_t)gold_batch_rows(&g->batch);
    int rc = read_on_plan(&input->silver, silver_map, at, int64_max(room, 1), true, &g->arena,
                          &plan, err);

    for (size_t i = 0; rc == 0 && i < plan.count; i++) {
        rc = gold_batch_read(&g->batch, &input->silver, plan.file[i], err);
        if (rc == TABLE_GONE)
            rc = READ_CUT;
    }
    if (rc == 0)
        *next = plan.next;
    return rc;
}

static int read_input(struct gold *g, struct gold_input *input, struct err *err)
{
    const struct position_input *at = positions_input(&g->map, input->names.silver);
    struct position_input next;
    struct positions silver_map;
    size_t before = gold_batch_rows(&g->batch);
    int rc;

    if (before >= g->ports.batch_rows)
        return 0;
    positions_init(&silver_map, &g->arena);
    rc = chain_load(&input->silver, &g->arena, &silver_map, err);
    if (rc == TABLE_ABSENT || (rc == 0 && input->silver.table.metadata->main == ICE_NONE))
        return 0;
    if (rc != 0)
        return -1;
    if (at != NULL && at->epoch != silver_map.epoch && clause_on(CLAUSE_EPOCH))
        return refuse_rolled_back(g, input, err);
    rc = read_first_path(g, input, &silver_map, at, &next, err);
    if (rc == READ_ROLLED)
        return refuse_rolled_back(g, input, err);
    if (rc == READ_CUT) {
        forget_rows(g, before);
        rc = read_second_path(g, input, &silver_map, at, &next, err);
    }
    if (rc != 0)
        return rc < 0 ? -1
                      : err_set(err, ERR_RETRY, "%s: a live file is gone", input->names.silver);
    if (!positions_same_input(at, &next))
        g->moved[g->moved_count++] = next;
    return 0;
}

/* -- the files for one base */

static int plan_files(void *context, const struct ice_metadata *base,
                      const struct ice_metadata *previous, const struct ice_data_file *const **file,
                      size_t *count, struct err *err)
{
    struct gold *g = context;
    bool looks_again = previous == NULL || clause_on(CLAUSE_LOOKUP_AFTER_CONFLICT);
    size_t kept;

    if (previous != base && looks_again) {
        trade_dedup_restart(&g->dedup);
        if (!clause_on(CLAUSE_GOLD_BEFORE_BATCH))
            trade_dedup_within(&g->dedup);
        if (clause_on(CLAUSE_GOLD_LOOKUP) &&
            gold_lookup_run(&g->lookup, &g->gold.table, base, &g->dedup, err) != 0)
            return -1;
        if (clause_on(CLAUSE_GOLD_BEFORE_BATCH))
            trade_dedup_within(&g->dedup);
        kept = trade_dedup_kept(&g->dedup, gold_batch_index(&g->batch));
        g->files.count = 0;
        if (gold_batch_write(&g->batch, kept, &g->gold, &g->arena,
                             clock_now_us(g->ports.table.clock), g->ports.file_rows, &g->files,
                             err) != 0)
            return -1;
        /* A list of its own for each plan: the commit sees by it that the files are others. */
        g->planned = arena_zero(&g->arena, g->files.count + 1, sizeof(*g->planned));
        if (g->files.count > 0)
            memcpy(g->planned, g->files.file, g->files.count * sizeof(*g->planned));
    }
    *file = g->planned;
    *count = g->files.count;
    return 0;
}

static void report_id_conflicts(const struct gold *g)
{
    size_t listed = 0;

    for (size_t row = 0; row < g->dedup.rows && listed < 10; row++) {
        struct span id = column_bytes(&g->batch.row[TRADE_MESSAGE_ID], row);
        struct span trade = column_bytes(&g->batch.row[TRADE_TRADE_ID], row);

        if ((g->dedup.mark[row] & TRADE_DEDUP_ID_CONFLICT) == 0)
            continue;
        diag(DIAG_WARN, "gold_id_conflict", "message_id=%.*s trade_id=%.*s", SPAN_ARGS(id),
             SPAN_ARGS(trade));
        listed++;
    }
}

/* -- the step */

static int load(struct gold *g, struct err *err)
{
    int rc;

    arena_reset(&g->arena);
    g->files.count = 0;
    positions_init(&g->map, &g->arena);
    if (g->gold.table.metadata == NULL && stage_ensure_table(&g->gold, err) != 0)
        return -1;
    rc = chain_load(&g->gold, &g->arena, &g->map, err);
    if (rc != 0)
        return rc < 0 ? -1
                      : err_set(err, ERR_RETRY, "table %s is gone", g->gold.table.definition.name);
    g->moved = arena_zero(&g->arena, g->input_count, sizeof(*g->moved));
    g->moved_count = 0;
    gold_batch_clear(&g->batch);
    return 0;
}

static int step(struct gold *g, struct err *err)
{
    struct commit_batch batch = { .planned = &g->map, .plan_files = plan_files, .context = g };
    struct trade_keys keys = gold_keys(g->batch.row);
    int rc = 0;

    if (load(g, err) != 0)
        return -1;
    for (size_t i = 0; rc == 0 && i < g->input_count; i++)
        rc = read_input(g, &g->input[i], err);
    if (rc != 0)
        return rc;
    if (g->moved_count == 0 ||
        (gold_batch_rows(&g->batch) == 0 &&
         !stage_is_due(g->ports.table.clock, g->ports.idle_commit_us, &g->idle_commit_us)))
        return STAGE_IDLE;
    trade_dedup_begin(&g->dedup, &keys, g->window_us);
    batch.input = g->moved;
    batch.input_count = g->moved_count;
    batch.complete_of = g->input_name;
    batch.complete_of_count = g->input_count;
    rc = stage_commit(&g->gold, &batch, err);
    if (rc == 0) {
        g->counters.batches++;
        g->counters.rows += (int64_t)(g->dedup.rows - g->dedup.copies);
        g->counters.rejected += (int64_t)g->dedup.copies;
        g->counters.conflicts_of_id += (int64_t)g->dedup.id_conflicts;
        if (g->dedup.id_conflicts > 0)
            report_id_conflicts(g);
    }
    g->counters.lost += rc == STAGE_LOST;
    return rc;
}

int gold_step(struct gold *g, struct err *err)
{
    int rc = step(g, err);

    for (size_t i = 0; rc != 0 && i < g->input_count; i++)
        live_files_forget(&g->input[i].files);
    return rc;
}
