// SPDX-License-Identifier: Apache-2.0
/* Bronze and Silver over adapters in memory; a catalog in between that refuses one table's loads or
 * commits, and a store that counts reads. */
#include "stage/silver.h"

#include "core/micros.h"
#include "iceberg/table_read.h"
#include "lib/generate.h"
#include "lib/test.h"
#include "stage/bronze.h"
#include "stage/tables.h"
#include "trade/trade_encode.h"
#include "trade/trade_schema.h"

#include <json-c/json.h>
#include <string.h>

#define START_US (INT64_C(20463) * MICROS_DAY)

enum { PARTITIONS = 8, BATCH_ROWS = 160, RECORDS = 3200 };

struct moody {
    struct catalog catalog;
    struct catalog *inner;
    const char *no_load, *no_commit; /* tables, or NULL */
    const char *absent;
};

struct counting {
    struct store store;
    struct store *inner;
    const char *part; /* of an URI */
    int gets;
};

struct world {
    struct clock *clock;
    struct store *store;
    struct counting counting;
    struct generate generate;
    struct moody catalog;
    struct log *log;
    struct registry *registry;
    struct trade_rules rules;
    struct stage_ports ports;
    struct arena arena;
    struct tables_names names;
    struct bronze *bronze;
    struct silver *silver;
};

static struct moody *moody_of(struct catalog *catalog)
{
    return (struct moody *)(void *)catalog;
}

static bool is_table(const char *table, const char *name)
{
    return table != NULL && strcmp(table, name) == 0;
}

static int moody_load(struct catalog *catalog, const char *space, const char *name,
                      const char *known, struct catalog_table *out, struct err *err)
{
    const struct moody *moody = moody_of(catalog);

    if (is_table(moody->no_load, name))
        return err_set(err, ERR_RETRY, "no load of %s", name);
    if (is_table(moody->absent, name))
        return CATALOG_ABSENT;
    return catalog_load(moody->inner, space, name, known, out, err);
}

static int moody_create(struct catalog *catalog, const char *space, const char *name,
                        const char *table_location, struct span metadata, struct err *err)
{
    return catalog_create(moody_of(catalog)->inner, space, name, table_location, metadata, err);
}

static int moody_commit(struct catalog *catalog, const char *space, const char *name,
                        const struct catalog_commit *commit, struct err *err)
{
    const struct moody *moody = moody_of(catalog);

    if (is_table(moody->no_commit, name))
        return err_set(err, ERR_RETRY, "no commit to %s", name);
    return catalog_commit(moody->inner, space, name, commit, err);
}

static const struct catalog_ops moody_ops = { .load = moody_load,
                                              .create = moody_create,
                                              .commit = moody_commit };

static struct counting *counting_of(struct store *store)
{
    return (struct counting *)(void *)store;
}

static int counting_put_new(struct store *store, const char *uri, const struct span *parts,
                            size_t count, struct err *err)
{
    return store_put_new(counting_of(store)->inner, uri, parts, count, err);
}

static int counting_size(struct store *store, const char *uri, uint64_t *size, struct err *err)
{
    return store_size(counting_of(store)->inner, uri, size, err);
}

static int counting_get(struct store *store, const char *uri, uint64_t offset, size_t size,
                        struct buf *out, struct err *err)
{
    struct counting *counting = counting_of(store);

    counting->gets += counting->part != NULL && strstr(uri, counting->part) != NULL;
    return store_get(counting->inner, uri, offset, size, out, err);
}

static const struct store_ops counting_ops = { .put_new = counting_put_new,
                                               .size = counting_size,
                                               .get = counting_get };

static void world_open(struct world *world, size_t keep_newest, size_t keep_for_readers)
{
    *world = (struct world){ .clock = clock_mem_open(START_US + MICROS_HOUR, 7),
                             .store = store_mem_open() };
    world->catalog.catalog.ops = &moody_ops;
    world->catalog.inner = catalog_mem_open(world->store, world->clock, false);
    world->counting.store = (struct store){ &counting_ops, world->store->root };
    world->counting.inner = world->store;
    generate_init(&world->generate, GENERATE_BINANCE, 7, START_US, 0);
    world->log = log_mem_open(7);
    world->registry = registry_mem_open();
    world->rules = TRADE_RULES_DEFAULT;
    tables_names(&world->names, &world->arena, "binance");
    world->ports = (struct stage_ports){
        .table = { &world->catalog.catalog, &world->counting.store, world->clock },
        .log = world->log,
        .registry = world->registry,
        .space = "market_data",
        .worker = "test",
        .batch_rows = BATCH_ROWS,
        .batch_bytes = 1 << 20,
        .file_rows = BATCH_ROWS / 2,
        .idle_commit_us = (60 * MICROS_SECOND),
        .downstream_look_us = (60 * MICROS_SECOND),
        .keep_newest = keep_newest,
        .keep_for_readers = keep_for_readers,
    };
    world->bronze = bronze_new(&world->ports, "binance", PARTITIONS);
    world->silver = silver_new(&world->ports, "binance", PARTITIONS, &world->rules);
}

static void world_close(struct world *world)
{
    bronze_free(world->bronze);
    silver_free(world->silver);
    registry_close(world->registry);
    catalog_close(world->catalog.inner);
    log_close(world->log);
    store_close(world->store);
    clock_close(world->clock);
    arena_deinit(&world->arena);
}

/* Good trades into all partitions in turn, every bad_every-th spoilt, then all of them into Bronze.
 */
static void produce_some(struct world *world, int records, int bad_every)
{
    struct buf bytes = BUF_INIT;
    struct err err;
    int32_t schema;
    int rc;

    assert_ok(registry_put(world->registry, "trades-value", trade_schema_json(), &schema, &err));
    assert_ok(log_ensure_topic(world->log, world->names.topic, PARTITIONS, &err));
    for (int i = 0; i < records; i++) {
        struct log_record record = { .partition = i % PARTITIONS, .timestamp_us = START_US };
        struct trade trade;

        generate_next(&world->generate, &trade);
        buf_clear(&bytes);
        trade_encode(&trade, schema, &bytes);
        record.value = buf_span(&bytes);
        if (bad_every > 0 && i % bad_every == 0)
            record.value = SPAN("no trade");
        assert_ok(log_send(world->log, world->names.topic, &record, 1, &err));
    }
    buf_deinit(&bytes);
    do
        rc = bronze_step(world->bronze, &err);
    while (rc == 0);
    assert_int_equal(rc, STAGE_IDLE);
}

static void produce(struct world *world)
{
    produce_some(world, RECORDS, 0);
}

/* Until idle, at one moment; how many batches. */
static int step_until_idle(struct world *world)
{
    struct err err = { 0 };
    int steps = 0;
    int rc;

    while ((rc = silver_step(world->silver, &err)) == 0)
        steps++;
    if (rc != STAGE_IDLE)
        fail_msg("%s", err.text);
    return steps;
}

static void rows_that_silver_has_already_are_no_rest(void **state)
{
    struct world world;
    struct err err;

    (void)state;
    world_open(&world, 0, 0);
    produce(&world);
    for (int i = 0; i < 2; i++) { /* decided, then dead before Silver's own commit */
        world.catalog.no_commit = world.names.silver;
        assert_err(silver_step(world.silver, &err), ERR_RETRY);
        world.catalog.no_commit = NULL;
        assert_ok(silver_step(world.silver, &err)); /* follows the decision */
        assert_ok(silver_step(world.silver, &err)); /* passes the same files once more */
    }
    step_until_idle(&world);
    assert_int_equal(silver_counters(world.silver)->rows, RECORDS);
    world_close(&world);
}

static void a_cut_chain_is_read_in_batches(void **state)
{
    struct world world;
    struct err err;

    (void)state;
    world_open(&world, 2, 1);
    produce(&world);
    world.counting.part = "bronze_binance_trades/data/";
    for (int64_t before = 0, rows; before < RECORDS; before = rows) {
        assert_ok(silver_step(world.silver, &err));
        rows = silver_counters(world.silver)->rows;
        assert_true(rows > before);
        assert_true(rows - before <= 2 * BATCH_ROWS);
    }
    step_until_idle(&world);
    assert_int_equal(silver_counters(world.silver)->rows, RECORDS);
    /* Two files a batch of Bronze: each opened for the listing, and for its rows. */
    assert_in_range(world.counting.gets, 1, 3 * 2 * RECORDS / BATCH_ROWS);
    world_close(&world);
}

struct first_of {
    struct arena arena;
    const struct ice_data_file *file[RECORDS];
    size_t count;
};

static int collect(void *context, const struct ice_data_file *file, struct err *err)
{
    struct first_of *live = context;
    struct ice_data_file *copy = ice_data_file_copy(&live->arena, file);

    (void)err;
    copy->status = ICE_EXISTING;
    live->file[live->count++] = copy;
    return 0;
}

/* The first live file of Bronze anew, the same rows, as a tool writes it that drops footer keys. */
static const struct ice_data_file *rewrite_file(struct table *table, struct first_of *live)
{
    struct table_reader reader = { 0 };
    struct column column[BRONZE_COLUMNS];
    const struct column *columns[BRONZE_COLUMNS];
    const int32_t day = live->file[0]->partition[0].value;
    const struct table_file_options options = { .zstd_level = 1 };
    struct ice_data_file *anew = NULL;
    struct err err;

    assert_ok(table_reader_open(&reader, table, live->file[0], &err));
    for (size_t i = 0; i < BRONZE_COLUMNS; i++) {
        column_init(&column[i], parquet_column_type(table->definition.field[i].kind));
        assert_ok(table_reader_column(&reader, 0, i, &column[i], &err));
        columns[i] = &column[i];
    }
    assert_ok(table_write_file(table, &live->arena, columns, 0, column[0].rows, &day, &options,
                               &anew, &err));
    for (size_t i = 0; i < BRONZE_COLUMNS; i++)
        column_deinit(&column[i]);
    table_reader_deinit(&reader);
    return anew;
}

static void rows_rewritten_without_our_key_are_taken(void **state)
{
    struct first_of live = { 0 };
    const struct ice_file_visitor visitor = { collect, &live };
    struct table_change change = { .operation = "replace", .instead_count = 1 };
    struct ice_manifest_row manifest;
    struct table *table;
    struct ice_data_file *gone;
    struct world world;
    struct err err;

    (void)state;
    world_open(&world, 2, 1);
    produce(&world);
    table = &bronze_table(world.bronze)->table;
    assert_ok(table_load(table, &err));
    assert_ok(table_visit_live(table, ice_metadata_current(table->metadata), &visitor, &err));
    change.snapshot_id = table_new_snapshot_id(table);
    live.file[live.count++] = rewrite_file(table, &live);
    gone = ice_data_file_copy(&live.arena, live.file[0]);
    gone->status = ICE_DELETED;
    gone->snapshot_id = change.snapshot_id;
    live.file[0] = gone;
    assert_ok(table_write_manifest(table, &live.arena, live.file, live.count, change.snapshot_id,
                                   &manifest, &err));
    change.instead = &manifest;
    assert_ok(table_swap(table, table->metadata, &change, &err));

    step_until_idle(&world);
    assert_int_equal(silver_counters(world.silver)->rows, RECORDS);
    arena_deinit(&live.arena);
    world_close(&world);
}

/* Main of a table back to its first snapshot, or forward again, as another library sets it. */
static void set_main(struct world *world, const char *name, int64_t snapshot_id)
{
    struct catalog_table now = { 0 };
    struct catalog_commit commit = { 0 };
    struct json_object *root, *main_ref;
    struct err err;

    assert_ok(catalog_load(world->catalog.inner, "market_data", name, NULL, &now, &err));
    root = json_tokener_parse(buf_text(&now.metadata));
    main_ref = json_object_object_get(json_object_object_get(root, "refs"), "main");
    json_object_object_add(root, "current-snapshot-id", json_object_new_int64(snapshot_id));
    json_object_object_add(main_ref, "snapshot-id", json_object_new_int64(snapshot_id));
    commit.base_location = buf_text(&now.location);
    commit.table_location = json_object_get_string(json_object_object_get(root, "location"));
    commit.metadata = span_text(json_object_to_json_string(root));
    assert_ok(catalog_commit(world->catalog.inner, "market_data", name, &commit, &err));
    json_object_put(root);
    catalog_table_deinit(&now);
}

static int64_t first_snapshot(struct chain_table *chain)
{
    struct err err;

    assert_ok(table_load(&chain->table, &err));
    return chain_oldest(chain->table.metadata)->id;
}

static void a_partition_begins_again_where_it_began(void **state)
{
    const struct log_record before = { .partition = 5, .value = SPAN("before") };
    struct world world;
    struct err err;

    (void)state;
    world_open(&world, 0, 0);
    assert_ok(log_ensure_topic(world.log, world.names.topic, PARTITIONS, &err));
    log_mem_skip(world.log, world.names.topic, 5, 1000);
    assert_ok(log_send(world.log, world.names.topic, &before, 1, &err));
    assert_ok(log_retain(world.log, world.names.topic, 5, INT64_MAX, INT64_MAX, &err));
    produce_some(&world, 5, 0); /* partitions 0 to 4 */
    step_until_idle(&world);
    produce_some(&world, PARTITIONS, 0);
    step_until_idle(&world);
    assert_int_equal(silver_counters(world.silver)->rows, 5 + PARTITIONS);
    set_main(&world, world.names.silver, first_snapshot(silver_table(world.silver)));
    set_main(&world, TABLES_DEAD_LETTERS, first_snapshot(silver_dead_letters(world.silver)));
    step_until_idle(&world);
    assert_int_equal(silver_counters(world.silver)->rows, 5 + 2 * PARTITIONS);
    world_close(&world);
}

static void a_partition_is_not_begun_later_than_it_was(void **state)
{
    struct world world;
    struct err err;

    (void)state;
    world_open(&world, 0, 0);
    produce_some(&world, 5, 0);
    produce_some(&world, PARTITIONS, 0);
    set_main(&world, world.names.bronze, first_snapshot(bronze_table(world.bronze)));
    assert_ok(log_retain(world.log, world.names.topic, 5, INT64_MAX, INT64_MAX, &err));
    assert_err(bronze_step(world.bronze, &err), ERR_REFUSED);
    assert_non_null(strstr(err.text, "log_starts_after_position"));
    world_close(&world);
}

static void a_bronze_of_another_log_is_refused(void **state)
{
    struct world world;
    struct log *other = log_mem_open(8);
    struct silver *silver;
    struct err err;

    (void)state;
    world_open(&world, 0, 0);
    produce_some(&world, PARTITIONS, 0);
    world.ports.log = other;
    silver = silver_new(&world.ports, "binance", PARTITIONS, &world.rules);
    assert_err(silver_step(silver, &err), ERR_REFUSED);
    assert_non_null(strstr(err.text, other->cluster));
    assert_non_null(strstr(err.text, world.log->cluster));
    silver_free(silver);
    log_close(other);
    world_close(&world);
}

static void a_reader_in_trouble_does_not_stop_its_upstream(void **state)
{
    struct world world;
    struct err err;

    (void)state;
    world_open(&world, 2, 0);
    world.catalog.no_load = world.names.silver;
    produce(&world);
    world.catalog.no_load = TABLES_GOLD;
    step_until_idle(&world);
    assert_int_equal(silver_counters(world.silver)->rows, RECORDS);
    /* What it has not read is kept: nobody knows how far it is. */
    assert_ok(table_load(&bronze_table(world.bronze)->table, &err));
    assert_int_equal(bronze_table(world.bronze)->table.metadata->snapshot_count,
                     RECORDS / BATCH_ROWS);
    assert_ok(table_load(&silver_table(world.silver)->table, &err));
    assert_int_equal(silver_table(world.silver)->table.metadata->snapshot_count,
                     RECORDS / BATCH_ROWS);
    world_close(&world);
}

static void partitions_that_it_does_not_know_are_refused(void **state)
{
    struct world world;
    struct silver *narrow;
    struct err err;

    (void)state;
    world_open(&world, 0, 0);
    produce(&world);
    narrow = silver_new(&world.ports, "binance", PARTITIONS - 1, &world.rules);
    assert_err(silver_step(narrow, &err), ERR_REFUSED);
    assert_non_null(strstr(err.text, world.names.topic));
    assert_err(silver_step(narrow, &err), ERR_REFUSED);
    silver_free(narrow);
    world_close(&world);
}

static void a_table_that_is_dropped_is_named(void **state)
{
    struct world world;
    struct err err;

    (void)state;
    world_open(&world, 0, 0);
    produce(&world);
    assert_ok(silver_step(world.silver, &err));
    world.catalog.absent = TABLES_DEAD_LETTERS;
    assert_err(silver_step(world.silver, &err), ERR_RETRY);
    assert_non_null(strstr(err.text, TABLES_DEAD_LETTERS));
    world.catalog.absent = world.names.silver;
    assert_err(silver_step(world.silver, &err), ERR_RETRY);
    assert_non_null(strstr(err.text, world.names.silver));
    world_close(&world);
}

static void a_decision_is_followed_by_the_files_that_may_hold_it(void **state)
{
    struct world world;
    struct err err;

    (void)state;
    world_open(&world, 0, 0);
    for (int i = 0; i < 10; i++) {
        produce_some(&world, BATCH_ROWS, 10);
        step_until_idle(&world);
    }
    produce_some(&world, BATCH_ROWS, 10);
    world.catalog.no_commit = world.names.silver;
    assert_err(silver_step(world.silver, &err), ERR_RETRY);
    world.catalog.no_commit = NULL;
    world.counting.part = TABLES_DEAD_LETTERS "/data/";
    assert_ok(silver_step(world.silver, &err));
    assert_in_range(world.counting.gets, 1, 4);
    assert_int_equal(silver_counters(world.silver)->rows, 11 * (BATCH_ROWS - BATCH_ROWS / 10));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions_that_it_does_not_know_are_refused),
        cmocka_unit_test(a_table_that_is_dropped_is_named),
        cmocka_unit_test(a_reader_in_trouble_does_not_stop_its_upstream),
        cmocka_unit_test(rows_that_silver_has_already_are_no_rest),
        cmocka_unit_test(a_cut_chain_is_read_in_batches),
        cmocka_unit_test(rows_rewritten_without_our_key_are_taken),
        cmocka_unit_test(a_decision_is_followed_by_the_files_that_may_hold_it),
        cmocka_unit_test(a_partition_begins_again_where_it_began),
        cmocka_unit_test(a_partition_is_not_begun_later_than_it_was),
        cmocka_unit_test(a_bronze_of_another_log_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
