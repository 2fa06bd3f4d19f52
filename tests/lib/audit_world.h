// SPDX-License-Identifier: Apache-2.0
/* audit_world.h: real stages of two exchanges over adapters in memory, an audit of what they make,
 * and other hands on their tables. */
#ifndef K2_TESTS_AUDIT_WORLD_H
#define K2_TESTS_AUDIT_WORLD_H

#include "core/micros.h"
#include "iceberg/table_read.h"
#include "lib/generate.h"
#include "lib/test.h"
#include "stage/audit.h"
#include "stage/bronze.h"
#include "stage/gold.h"
#include "stage/silver.h"
#include "stage/tables.h"
#include "trade/trade_encode.h"
#include "trade/trade_schema.h"

#include <inttypes.h>
#include <string.h>

#define START_US (INT64_C(20463) * MICROS_DAY + 11 * MICROS_HOUR) /* 2026-01-10T11:00Z */

enum { PARTITIONS = 3, MEMORY = 64 << 20 };

static const char *const exchanges[] = { "binance", "kraken" };

struct world {
    struct clock *clock;
    struct store *store;
    struct catalog *catalog;
    struct log *log;
    struct registry *registry;
    struct trade_rules rules;
    struct stage_ports ports;
    struct bronze *bronze[2];
    struct silver *silver[2];
    struct gold *gold;
    struct generate generate[2];
    struct arena arena;
    struct tables_names names[2];
    struct buf report;
    int64_t violations;
    int32_t schema;
    bool with_log;
    size_t memory;
    int64_t since_us;
    bool is_json;
    int64_t round_us[4]; /* when each round began, the last: after all */
};

static inline void hire(struct world *world)
{
    for (int x = 0; x < 2; x++) {
        world->bronze[x] = bronze_new(&world->ports, exchanges[x], PARTITIONS);
        world->silver[x] = silver_new(&world->ports, exchanges[x], PARTITIONS, &world->rules);
    }
    world->gold = gold_new(&world->ports, exchanges, 2, 2 * MICROS_SECOND);
}

static inline void fire(struct world *world)
{
    for (int x = 0; x < 2; x++) {
        bronze_free(world->bronze[x]);
        silver_free(world->silver[x]);
    }
    gold_free(world->gold);
}

static inline void world_open(struct world *world)
{
    struct err err;

    *world = (struct world){ .memory = MEMORY };
    world->clock = clock_mem_open(START_US, 7);
    world->store = store_mem_open();
    world->catalog = catalog_mem_open(world->store, world->clock, false);
    world->log = log_mem_open(7);
    world->registry = registry_mem_open();
    world->rules = TRADE_RULES_DEFAULT;
    world->ports = (struct stage_ports){ .table = { world->catalog, world->store, world->clock },
                                         .log = world->log,
                                         .registry = world->registry,
                                         .space = "market_data",
                                         .worker = "test",
                                         .batch_rows = 200,
                                         .batch_bytes = 1 << 20,
                                         .file_rows = 90,
                                         .idle_commit_us = MICROS_SECOND,
                                         .downstream_look_us = MICROS_SECOND };
    assert_ok(
        registry_put(world->registry, "trades-value", trade_schema_json(), &world->schema, &err));
    for (int x = 0; x < 2; x++) {
        generate_init(&world->generate[x], (enum generate_exchange)x, 7, START_US, 50);
        tables_names(&world->names[x], &world->arena, exchanges[x]);
        assert_ok(log_ensure_topic(world->log, world->names[x].topic, PARTITIONS, &err));
        assert_ok(log_ensure_topic(world->log, world->names[x].dead_topic, 1, &err));
    }
    hire(world);
}

static inline void world_close(struct world *world)
{
    fire(world);
    registry_close(world->registry);
    catalog_close(world->catalog);
    log_close(world->log);
    store_close(world->store);
    clock_close(world->clock);
    buf_deinit(&world->report);
    arena_deinit(&world->arena);
}

static inline void send_trade(struct world *world, int x, int32_t partition,
                              const struct trade *trade)
{
    struct buf bytes = BUF_INIT;
    struct log_record record;
    struct err err;

    trade_encode(trade, world->schema, &bytes);
    record = (struct log_record){ .partition = partition,
                                  .timestamp_us = trade->ingestion_timestamp_us,
                                  .value = buf_span(&bytes) };
    assert_ok(log_send(world->log, world->names[x].topic, &record, 1, &err));
    buf_deinit(&bytes);
}

/* Trades `apart_us` apart, every tenth sent twice, and a raw frame now and then. */
static inline void produce(struct world *world, int x, int count, int64_t apart_us)
{
    struct log_record frame = { .value = SPAN("{no trade"), .timestamp_us = START_US };
    struct err err;

    for (int i = 0; i < count; i++) {
        struct trade trade;

        world->generate[x].now_us += apart_us;
        generate_next(&world->generate[x], &trade);
        send_trade(world, x, i % PARTITIONS, &trade);
        if (i % 10 == 0)
            send_trade(world, x, i % PARTITIONS, &trade);
        if (i % 100 == 0)
            assert_ok(log_send(world->log, world->names[x].dead_topic, &frame, 1, &err));
    }
}

static inline bool step_all(struct world *world)
{
    bool moved = false;
    struct err err;

    clock_mem_advance(world->clock, 2 * MICROS_SECOND);
    for (int x = 0; x < 2; x++) {
        moved |= bronze_step(world->bronze[x], &err) == 0;
        moved |= silver_step(world->silver[x], &err) == 0;
    }
    moved |= gold_step(world->gold, &err) == 0;
    return moved;
}

/* Until nothing moves but idle commits. */
static inline void drain(struct world *world)
{
    int rounds = 0;

    while (step_all(world) && rounds < 200)
        rounds++;
    assert_true(rounds < 200);
}

static inline void audit(struct world *world)
{
    struct audit_options options = { .ports = world->ports.table,
                                     .space = "market_data",
                                     .exchanges = exchanges,
                                     .exchange_count = 2,
                                     .window_us = 2 * MICROS_SECOND,
                                     .memory = world->memory,
                                     .since_us = world->since_us,
                                     .is_json = world->is_json,
                                     .log = world->with_log ? world->log : NULL };
    struct err err;

    buf_clear(&world->report);
    assert_ok(audit_run(&options, &world->report, &world->violations, &err));
}

static inline void assert_says(struct world *world, const char *text)
{
    if (strstr(buf_text(&world->report), text) != NULL)
        return;
    fputs(buf_text(&world->report), stderr);
    fail_msg("no \"%s\"", text);
}

static inline void assert_whole(struct world *world)
{
    audit(world);
    assert_says(world, "\naudit: ok\n");
    assert_int_equal(world->violations, 0);
}

/* -- other hands */

struct hand {
    struct world *world;
    struct table table;
    struct buf live; /* struct ice_data_file * */
    struct column column[SILVER_COLUMNS];
};

static inline int collect(void *context, const struct ice_data_file *file, struct err *err)
{
    struct hand *hand = context;
    struct ice_data_file *copy = ice_data_file_copy(&hand->world->arena, file);

    (void)err;
    copy->status = ICE_EXISTING;
    buf_put(&hand->live, &copy, sizeof(copy));
    return 0;
}

static inline void hand_open(struct hand *hand, struct world *world,
                             struct ice_definition definition)
{
    const struct ice_file_visitor visitor = { collect, hand };
    struct err err;

    *hand = (struct hand){ .world = world };
    for (size_t i = 0; i < definition.field_count; i++)
        column_init(&hand->column[i], parquet_column_type(definition.field[i].kind));
    table_init(&hand->table, &world->ports.table, "market_data", &definition);
    assert_ok(table_load(&hand->table, &err));
    assert_ok(
        table_visit_live(&hand->table, ice_metadata_current(hand->table.metadata), &visitor, &err));
}

static inline void hand_close(struct hand *hand)
{
    for (size_t i = 0; i < hand->table.definition.field_count; i++)
        column_deinit(&hand->column[i]);
    buf_deinit(&hand->live);
    table_deinit(&hand->table);
}

static inline const struct ice_data_file **live(const struct hand *hand)
{
    return (const struct ice_data_file **)(void *)hand->live.data;
}

static inline size_t live_count(const struct hand *hand)
{
    return hand->live.size / sizeof(struct ice_data_file *);
}

static inline void commit(struct hand *hand, const char *operation,
                          const struct ice_data_file *const *files, size_t count, bool instead)
{
    struct table_change change = { .operation = operation,
                                   .snapshot_id = table_new_snapshot_id(&hand->table) };
    struct ice_manifest_row row;
    struct err err;

    assert_ok(table_write_manifest(&hand->table, &hand->world->arena, files, count,
                                   change.snapshot_id, &row, &err));
    if (instead) {
        change.instead = &row;
        change.instead_count = 1;
    } else {
        change.added = &row;
        change.added_count = 1;
    }
    assert_ok(table_swap(&hand->table, hand->table.metadata, &change, &err));
}

/* Rows of the live file `number` into the columns. */
static inline void read_rows(struct hand *hand, size_t number)
{
    struct table_reader reader = { 0 };
    struct err err;

    assert_ok(table_reader_open(&reader, &hand->table, live(hand)[number], &err));
    for (size_t g = 0; g < reader.file.row_group_count; g++)
        for (size_t i = 0; i < hand->table.definition.field_count; i++)
            assert_ok(table_reader_column(&reader, g, i, &hand->column[i], &err));
    table_reader_deinit(&reader);
}

static inline const struct ice_data_file *write_rows(struct hand *hand, size_t count, size_t of,
                                                     bool has_key)
{
    const struct column *columns[SILVER_COLUMNS];
    struct table_file_options options = { .zstd_level = 1 };
    int32_t partition[] = { live(hand)[of]->partition[0].value,
                            live(hand)[of]->partition[1].value };
    struct ice_data_file *file;
    struct err err;

    if (has_key)
        options.pairs = tables_footer(&options.pair_count);
    for (size_t i = 0; i < hand->table.definition.field_count; i++)
        columns[i] = &hand->column[i];
    assert_ok(table_write_file(&hand->table, &hand->world->arena, columns, 0, count, partition,
                               &options, &file, &err));
    return file;
}

#endif
