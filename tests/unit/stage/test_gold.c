// SPDX-License-Identifier: Apache-2.0
/* Gold's second path over a Silver table whose files others compact, and whose compactions they
 * take back: each trade once, whatever the sequence numbers of its rows did meanwhile. */
#include "stage/gold.h"

#include "core/micros.h"
#include "iceberg/table_read.h"
#include "lib/generate.h"
#include "lib/test.h"
#include "stage/bronze.h"
#include "stage/silver.h"
#include "stage/tables.h"
#include "trade/trade_encode.h"
#include "trade/trade_schema.h"

#include <json-c/json.h>
#include <string.h>

#define START_US (INT64_C(20463) * MICROS_DAY)

enum { COMMITS = 8, ROWS = 10, FILES_MAX = 32 };

static const char *const exchanges[] = { "binance" };

struct world {
    struct clock *clock;
    struct store *store;
    struct catalog *catalog;
    struct log *log;
    struct registry *registry;
    struct trade_rules rules;
    struct stage_ports ports;
    struct arena arena;
    struct tables_names names;
    struct generate generate;
    struct bronze *bronze;
    struct silver *silver;
    struct gold *gold;
    int64_t written, rejected; /* of golds that are gone */
};

static void gold_anew(struct world *world)
{
    if (world->gold != NULL) {
        world->written += gold_counters(world->gold)->rows;
        world->rejected += gold_counters(world->gold)->rejected;
    }
    gold_free(world->gold);
    world->gold = gold_new(&world->ports, exchanges, 1, 2 * MICROS_SECOND);
}

/* ROWS trades from the log into one file of Silver. */
static void produce(struct world *world)
{
    struct buf bytes = BUF_INIT;
    struct err err;
    int32_t schema;

    assert_ok(registry_put(world->registry, "trades-value", trade_schema_json(), &schema, &err));
    for (int i = 0; i < ROWS; i++) {
        struct log_record record = { .timestamp_us = START_US };
        struct trade trade;

        generate_next(&world->generate, &trade);
        buf_clear(&bytes);
        trade_encode(&trade, schema, &bytes);
        record.value = buf_span(&bytes);
        assert_ok(log_send(world->log, world->names.topic, &record, 1, &err));
    }
    assert_ok(bronze_step(world->bronze, &err));
    assert_ok(silver_step(world->silver, &err));
    buf_deinit(&bytes);
}

/* COMMITS files in Silver, which lists its last two snapshots only; Gold takes two at a time. */
static void world_open(struct world *world)
{
    struct err err;

    *world = (struct world){ .clock = clock_mem_open(START_US + MICROS_HOUR, 7),
                             .store = store_mem_open() };
    world->catalog = catalog_mem_open(world->store, world->clock, false);
    generate_init(&world->generate, GENERATE_BINANCE, 7, START_US, 0);
    world->log = log_mem_open(7);
    world->registry = registry_mem_open();
    world->rules = TRADE_RULES_DEFAULT;
    tables_names(&world->names, &world->arena, exchanges[0]);
    world->ports = (struct stage_ports){ .table = { world->catalog, world->store, world->clock },
                                         .log = world->log,
                                         .registry = world->registry,
                                         .space = "market_data",
                                         .worker = "test",
                                         .batch_rows = 2 * ROWS,
                                         .batch_bytes = 1 << 20,
                                         .file_rows = 2 * ROWS,
                                         .idle_commit_us = MICROS_SECOND,
                                         .downstream_look_us = MICROS_SECOND,
                                         .keep_newest = 2,
                                         .keep_for_readers = 1 };
    assert_ok(log_ensure_topic(world->log, world->names.topic, 1, &err));
    world->bronze = bronze_new(&world->ports, exchanges[0], 1);
    world->silver = silver_new(&world->ports, exchanges[0], 1, &world->rules);
    gold_anew(world);
    for (int i = 0; i < COMMITS; i++)
        produce(world);
}

static void world_close(struct world *world)
{
    bronze_free(world->bronze);
    silver_free(world->silver);
    gold_free(world->gold);
    registry_close(world->registry);
    catalog_close(world->catalog);
    log_close(world->log);
    store_close(world->store);
    clock_close(world->clock);
    arena_deinit(&world->arena);
}

static struct table *load_silver(struct world *world)
{
    struct table *table = &silver_table(world->silver)->table;
    struct err err;

    assert_ok(table_load(table, &err));
    return table;
}

/* -- what others do to Silver */

struct files {
    struct arena arena;
    struct ice_data_file *file[FILES_MAX];
    size_t count;
};

static int collect(void *context, const struct ice_data_file *file, struct err *err)
{
    struct files *live = context;

    (void)err;
    assert_true(live->count < FILES_MAX);
    live->file[live->count] = ice_data_file_copy(&live->arena, file);
    live->file[live->count++]->status = ICE_EXISTING;
    return 0;
}

/* Rows of the chosen files in one file, with our key, as a tool writes it that keeps footers. */
static struct ice_data_file *merge_files(struct table *table, struct files *live,
                                         bool (*is_chosen)(int64_t sequence))
{
    struct table_reader reader = { 0 };
    struct column column[SILVER_COLUMNS];
    const struct column *columns[SILVER_COLUMNS];
    const int32_t day = live->file[0]->partition[0].value;
    struct table_file_options options = { .zstd_level = 1 };
    struct ice_data_file *merged = NULL;
    struct err err;

    options.pairs = tables_footer(&options.pair_count);
    for (size_t i = 0; i < SILVER_COLUMNS; i++) {
        column_init(&column[i], parquet_column_type(table->definition.field[i].kind));
        columns[i] = &column[i];
    }
    for (size_t f = 0; f < live->count; f++) {
        if (!is_chosen(live->file[f]->sequence))
            continue;
        live->file[f]->status = ICE_DELETED;
        assert_ok(table_reader_open(&reader, table, live->file[f], &err));
        for (size_t i = 0; i < SILVER_COLUMNS; i++)
            assert_ok(table_reader_column(&reader, 0, i, &column[i], &err));
    }
    assert_ok(table_write_file(table, &live->arena, columns, 0, column[0].rows, &day, &options,
                               &merged, &err));
    for (size_t i = 0; i < SILVER_COLUMNS; i++)
        column_deinit(&column[i]);
    table_reader_deinit(&reader);
    return merged;
}

/* Live files whose sequence numbers are chosen become one, which has the next number. */
static void compact(struct world *world, bool (*is_chosen)(int64_t sequence))
{
    struct table *table = load_silver(world);
    struct table_change change = { .operation = "replace",
                                   .snapshot_id = table_new_snapshot_id(table),
                                   .instead_count = 1 };
    struct files live = { 0 };
    const struct ice_file_visitor visitor = { collect, &live };
    const struct ice_data_file *next[FILES_MAX];
    struct ice_manifest_row manifest;
    struct ice_data_file *merged;
    struct err err;

    assert_ok(table_visit_live(table, ice_metadata_current(table->metadata), &visitor, &err));
    merged = merge_files(table, &live, is_chosen);
    assert_true(merged->rows > ROWS);
    live.file[live.count++] = merged;
    for (size_t i = 0; i < live.count; i++) {
        if (live.file[i]->status == ICE_DELETED)
            live.file[i]->snapshot_id = change.snapshot_id;
        next[i] = live.file[i];
    }
    assert_ok(table_write_manifest(table, &live.arena, next, live.count, change.snapshot_id,
                                   &manifest, &err));
    change.instead = &manifest;
    assert_ok(table_swap(table, table->metadata, &change, &err));
    arena_deinit(&live.arena);
}

static void forget_snapshot(struct json_object *root, int64_t id)
{
    struct json_object *snapshots = json_object_object_get(root, "snapshots");

    for (size_t i = json_object_array_length(snapshots); i-- > 0;) {
        struct json_object *at = json_object_array_get_idx(snapshots, i);

        if (json_object_get_int64(json_object_object_get(at, "snapshot-id")) == id)
            json_object_array_del_idx(snapshots, i, 1);
    }
}

/* Main of a table is set back; what it was may be expired, too. */
static void roll_back(struct world *world, const char *table, int64_t id, bool expires)
{
    struct catalog_table now = { 0 };
    struct catalog_commit commit = { 0 };
    struct json_object *root, *main_ref;
    struct err err;
    int64_t gone;

    assert_ok(catalog_load(world->catalog, "market_data", table, NULL, &now, &err));
    root = json_tokener_parse(buf_text(&now.metadata));
    main_ref = json_object_object_get(json_object_object_get(root, "refs"), "main");
    gone = json_object_get_int64(json_object_object_get(root, "current-snapshot-id"));
    json_object_object_add(root, "current-snapshot-id", json_object_new_int64(id));
    json_object_object_add(main_ref, "snapshot-id", json_object_new_int64(id));
    if (expires)
        forget_snapshot(root, gone);
    commit.base_location = buf_text(&now.location);
    commit.table_location = json_object_get_string(json_object_object_get(root, "location"));
    commit.metadata = span_text(json_object_to_json_string(root));
    assert_ok(catalog_commit(world->catalog, "market_data", table, &commit, &err));
    json_object_put(root);
    catalog_table_deinit(&now);
}

/* Silver's main is set back to its parent. */
static void take_back(struct world *world, bool expires)
{
    const struct ice_metadata *metadata = load_silver(world)->metadata;

    roll_back(world, world->names.silver, ice_metadata_current(metadata)->parent, expires);
}

static bool is_3_or_4(int64_t sequence)
{
    return sequence == 3 || sequence == 4;
}

static bool is_5_or_6(int64_t sequence)
{
    return sequence == 5 || sequence == 6;
}

/* -- the tests */

static void step_until_idle(struct world *world)
{
    struct err err = { 0 };
    int rc;

    do {
        clock_mem_advance(world->clock, MICROS_SECOND);
        rc = gold_step(world->gold, &err);
    } while (rc == 0);
    if (rc != STAGE_IDLE)
        fail_msg("%s", err.text);
    gold_anew(world);
}

static void a_cut_chain_is_read_once(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    step_until_idle(&world);
    assert_int_equal(world.written, COMMITS * ROWS);
    assert_int_equal(world.rejected, 0);
    world_close(&world);
}

/* Rows 3 and 4 stand above 5 and 6 when 5 and 6 are taken, and below them afterwards. */
static void a_compaction_taken_back_loses_nothing(void **state)
{
    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        struct world world;
        struct err err;

        world_open(&world);
        assert_ok(gold_step(world.gold, &err)); /* 1 and 2 */
        compact(&world, is_3_or_4);
        assert_ok(gold_step(world.gold, &err)); /* 5 and 6 */
        assert_int_equal(gold_counters(world.gold)->rows, 4 * ROWS);
        take_back(&world, (variant & 1) != 0);
        if ((variant & 2) != 0)
            produce(&world);
        gold_anew(&world);
        step_until_idle(&world);
        assert_int_equal(world.written, (COMMITS + ((variant & 2) != 0)) * ROWS);
        world_close(&world);
    }
}

static int64_t gold_main(struct world *world)
{
    struct table *table = &gold_table(world->gold)->table;
    struct err err;

    assert_ok(table_load(table, &err));
    return table->metadata->main;
}

static int count_rows(void *context, const struct ice_data_file *file, struct err *err)
{
    (void)err;
    *(int64_t *)context += file->rows;
    return 0;
}

/* The other worker has listed Silver when more was taken. */
static void gold_that_was_set_back_reads_again(void **state)
{
    struct world world;
    struct gold *other;
    struct table *table;
    int64_t first, rows = 0;
    const struct ice_file_visitor visitor = { count_rows, &rows };
    struct err err;

    (void)state;
    world_open(&world);
    world.ports.keep_newest = COMMITS;
    gold_anew(&world);
    other = gold_new(&world.ports, exchanges, 1, 2 * MICROS_SECOND);
    assert_ok(gold_step(world.gold, &err)); /* 1 and 2 */
    first = gold_main(&world);
    assert_ok(gold_step(world.gold, &err)); /* 3 and 4 */
    assert_ok(gold_step(other, &err));      /* 5 and 6 */
    roll_back(&world, TABLES_GOLD, first, false);
    while (gold_step(other, &err) == 0)
        clock_mem_advance(world.clock, MICROS_SECOND);
    table = &gold_table(other)->table;
    assert_ok(table_load(table, &err));
    assert_ok(table_visit_live(table, ice_metadata_current(table->metadata), &visitor, &err));
    assert_int_equal(rows, COMMITS * ROWS);
    gold_free(other);
    world_close(&world);
}

/* What is still there is gone on from, by another process, too. */
static void a_compaction_that_stays_costs_nothing(void **state)
{
    struct world world;
    struct err err;

    (void)state;
    world_open(&world);
    assert_ok(gold_step(world.gold, &err)); /* 1 and 2 */
    gold_anew(&world);
    compact(&world, is_5_or_6);
    assert_ok(gold_step(world.gold, &err)); /* 3 and 4 */
    gold_anew(&world);
    produce(&world);
    step_until_idle(&world);
    assert_int_equal(world.written, (COMMITS + 1) * ROWS);
    assert_int_equal(world.rejected, 0);
    world_close(&world);
}

static bool is_any(int64_t sequence)
{
    return sequence > 0;
}

/* All of Silver in one file, four batches long.  A process that begins anew goes on within it; if
 * the table has moved on, it reads the file again, and Gold drops what it has. */
static void a_file_larger_than_a_batch_is_taken_in_parts(void **state)
{
    static const struct {
        bool begins_anew, moves_on;
        int64_t rejected;
    } cases[] = {
        { false, false, 0 }, { true, false, 0 }, { false, true, 0 }, { true, true, 6 * ROWS }
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world world;
        struct err err;

        world_open(&world);
        compact(&world, is_any);
        assert_ok(gold_step(world.gold, &err));
        assert_ok(gold_step(world.gold, &err));
        assert_ok(gold_step(world.gold, &err));
        assert_int_equal(gold_counters(world.gold)->rows, 6 * ROWS);
        if (cases[i].begins_anew)
            gold_anew(&world);
        if (cases[i].moves_on)
            produce(&world);
        step_until_idle(&world);
        assert_int_equal(world.written, (COMMITS + cases[i].moves_on) * ROWS);
        assert_int_equal(world.rejected, cases[i].rejected);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_chain_is_read_once),
        cmocka_unit_test(a_compaction_taken_back_loses_nothing),
        cmocka_unit_test(gold_that_was_set_back_reads_again),
        cmocka_unit_test(a_compaction_that_stays_costs_nothing),
        cmocka_unit_test(a_file_larger_than_a_batch_is_taken_in_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
