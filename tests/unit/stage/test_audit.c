// SPDX-License-Identifier: Apache-2.0
/* Real stages over adapters in memory, then damage by other hands: what is whole is `audit: ok`,
 * and each damage is found and named. */
#include "lib/test.h"

#include "core/micros.h"
#include "iceberg/table_read.h"
#include "lib/generate.h"
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
};

static void hire(struct world *world)
{
    for (int x = 0; x < 2; x++) {
        world->bronze[x] = bronze_new(&world->ports, exchanges[x], PARTITIONS);
        world->silver[x] = silver_new(&world->ports, exchanges[x], PARTITIONS, &world->rules);
    }
    world->gold = gold_new(&world->ports, exchanges, 2, 2 * MICROS_SECOND);
}

static void fire(struct world *world)
{
    for (int x = 0; x < 2; x++) {
        bronze_free(world->bronze[x]);
        silver_free(world->silver[x]);
    }
    gold_free(world->gold);
}

static void world_open(struct world *world)
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

static void world_close(struct world *world)
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

static void send_trade(struct world *world, int x, int32_t partition, const struct trade *trade)
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
static void produce(struct world *world, int x, int count, int64_t apart_us)
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

static bool step_all(struct world *world)
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
static void drain(struct world *world)
{
    int rounds = 0;

    while (step_all(world) && rounds < 200)
        rounds++;
    assert_true(rounds < 200);
}

static void audit(struct world *world)
{
    struct audit_options options = { .ports = world->ports.table,
                                     .space = "market_data",
                                     .exchanges = exchanges,
                                     .exchange_count = 2,
                                     .window_us = 2 * MICROS_SECOND,
                                     .memory = world->memory,
                                     .log = world->with_log ? world->log : NULL };
    struct err err;

    buf_clear(&world->report);
    assert_ok(audit_run(&options, &world->report, &world->violations, &err));
}

static void assert_says(struct world *world, const char *text)
{
    if (strstr(buf_text(&world->report), text) != NULL)
        return;
    fputs(buf_text(&world->report), stderr);
    fail_msg("no \"%s\"", text);
}

static void assert_whole(struct world *world)
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

static int collect(void *context, const struct ice_data_file *file, struct err *err)
{
    struct hand *hand = context;
    struct ice_data_file *copy = ice_data_file_copy(&hand->world->arena, file);

    (void)err;
    copy->status = ICE_EXISTING;
    buf_put(&hand->live, &copy, sizeof(copy));
    return 0;
}

static void hand_open(struct hand *hand, struct world *world, struct ice_definition definition)
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

static void hand_close(struct hand *hand)
{
    for (size_t i = 0; i < hand->table.definition.field_count; i++)
        column_deinit(&hand->column[i]);
    buf_deinit(&hand->live);
    table_deinit(&hand->table);
}

static const struct ice_data_file **live(const struct hand *hand)
{
    return (const struct ice_data_file **)(void *)hand->live.data;
}

static size_t live_count(const struct hand *hand)
{
    return hand->live.size / sizeof(struct ice_data_file *);
}

static void commit(struct hand *hand, const char *operation,
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
static void read_rows(struct hand *hand, size_t number)
{
    struct table_reader reader = { 0 };
    struct err err;

    assert_ok(table_reader_open(&reader, &hand->table, live(hand)[number], &err));
    for (size_t g = 0; g < reader.file.row_group_count; g++)
        for (size_t i = 0; i < hand->table.definition.field_count; i++)
            assert_ok(table_reader_column(&reader, g, i, &hand->column[i], &err));
    table_reader_deinit(&reader);
}

static const struct ice_data_file *write_rows(struct hand *hand, size_t count, size_t of,
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

/* The oldest live file is no longer in the table; the number of its rows. */
static int64_t lose_file(struct world *world, struct ice_definition definition)
{
    struct hand hand;
    int64_t rows;

    hand_open(&hand, world, definition);
    rows = live(&hand)[live_count(&hand) - 1]->rows;
    commit(&hand, "overwrite", live(&hand), live_count(&hand) - 1, true);
    hand_close(&hand);
    return rows;
}

/* The first row of the first live file stands there once more. */
static void double_row(struct world *world, struct ice_definition definition, bool has_key)
{
    const struct ice_data_file *file;
    struct hand hand;

    hand_open(&hand, world, definition);
    read_rows(&hand, 0);
    file = write_rows(&hand, 1, 0, has_key);
    commit(&hand, "append", &file, 1, false);
    hand_close(&hand);
}

/* -- whole */

static void begin(struct world *world)
{
    world_open(world);
    for (int round = 0; round < 3; round++) {
        produce(world, 0, 400, 20000);
        produce(world, 1, 150, 70000);
        drain(world);
    }
}

static void nothing_there_yet_is_ok(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    assert_whole(&world);
    assert_says(&world, "nothing is there yet");
    world_close(&world);
}

static void what_the_stages_make_is_whole(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    assert_whole(&world);
    assert_says(&world,
                "market.crypto.trades.binance: [L, P) by partition:  0: [0, 444)  1-2: [0, 438)");
    assert_says(&world,
                "market.crypto.trades.binance: 1320 offsets: 1320 in bronze_binance_trades");
    assert_says(&world, "market.crypto.trades.binance.dlq: 12 offsets: 12 in silver_dlq_trades");
    world_close(&world);
}

static void it_may_run_at_any_moment(void **state)
{
    struct world world;
    struct err err;

    (void)state;
    world_open(&world);
    for (int round = 0; round < 40; round++) {
        produce(&world, round % 2, 97, 30000);
        clock_mem_advance(world.clock, 2 * MICROS_SECOND);
        if (round % 2 == 0)
            assert_true(bronze_step(world.bronze[0], &err) >= 0);
        if (round % 3 != 0)
            assert_true(bronze_step(world.bronze[1], &err) >= 0);
        assert_whole(&world);
        assert_true(silver_step(world.silver[round % 2], &err) >= 0);
        assert_whole(&world);
        if (round % 4 == 0)
            assert_true(gold_step(world.gold, &err) >= 0);
        assert_whole(&world);
    }
    drain(&world);
    assert_whole(&world);
    world_close(&world);
}

static void little_memory_only_takes_longer(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    produce(&world, 0, 3000, 20000);
    world.memory = 1;
    drain(&world);
    assert_whole(&world);
    lose_file(&world, tables_bronze(world.names[0].bronze));
    double_row(&world, tables_gold(), true);
    audit(&world);
    assert_says(&world, "bronze_absent: ");
    assert_says(&world, "gold_twice: ");
    world_close(&world);
}

static void offsets_that_never_were_are_no_violation(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    log_mem_skip(world.log, world.names[0].topic, 1, 5);
    log_mem_skip(world.log, world.names[0].dead_topic, 0, 3);
    produce(&world, 0, 10, 1000);
    drain(&world);
    assert_whole(&world);
    assert_says(&world, "; 5 never were");
    assert_says(&world, "silver_dlq_trades, 3 never were");
    world_close(&world);
}

static void an_id_with_another_price_is_listed(void **state)
{
    struct world world;
    struct trade trade;

    (void)state;
    begin(&world);
    do {
        /* until it is a good one */
    } while (generate_next(&world.generate[0], &trade) != TRADE_GOOD);
    send_trade(&world, 0, 0, &trade);
    trade.price *= 2;
    send_trade(&world, 0, 0, &trade);
    drain(&world);
    assert_whole(&world);
    assert_says(&world, "gold_id_conflict: message_id ");
    assert_says(&world, trade.message_id);
    world_close(&world);
}

/* -- damaged */

static void a_hole_in_bronze_is_found(void **state)
{
    struct world world;
    int64_t rows;

    (void)state;
    begin(&world);
    rows = lose_file(&world, tables_bronze(world.names[0].bronze));
    audit(&world);
    assert_int_equal(world.violations, rows);
    assert_says(&world, "bronze_absent: bronze_binance_trades: topic market.crypto.trades.binance "
                        "partition 1 offsets 32 to 51: absent, decided in ");
    assert_says(&world, "foreign: bronze_binance_trades: snapshot ");
    assert_says(&world, "audit: FAILED ");
    world_close(&world);
}

static void what_no_table_holds_is_asked_of_the_log(void **state)
{
    struct world world;
    int64_t rows;

    (void)state;
    world_open(&world);
    produce(&world, 0, 40, 1000);
    log_mem_skip(world.log, world.names[0].topic, 1, 5);
    produce(&world, 0, 40, 1000);
    drain(&world);
    rows = lose_file(&world, tables_bronze(world.names[0].bronze));
    audit(&world);
    assert_int_equal(world.violations, rows + 5);
    world.with_log = true;
    audit(&world);
    assert_int_equal(world.violations, rows);
    assert_says(&world, "; 5 never were");
    lose_file(&world, tables_silver(world.names[0].silver));
    step_all(&world);
    step_all(&world);
    audit(&world);
    assert_says(&world, ": absent, and in no other table");
    assert_says(&world, "; 5 never were");
    world_close(&world);
}

static void a_lost_silver_file_is_found(void **state)
{
    struct world world;
    int64_t rows;

    (void)state;
    begin(&world);
    rows = lose_file(&world, tables_silver(world.names[0].silver));
    drain(&world);
    step_all(&world);
    audit(&world);
    assert_true(world.violations > rows); /* a row that came twice has its copy still */
    assert_says(&world, "undecided: silver_binance_trades: topic market.crypto.trades.binance "
                        "partition 1 offsets 42 to 51: in neither it nor silver_dlq_trades");
    assert_says(&world, "gold_orphan: message_id ");
    world_close(&world);
}

static void a_silver_row_twice_is_found(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    double_row(&world, tables_silver(world.names[1].silver), true);
    step_all(&world);
    step_all(&world);
    audit(&world);
    assert_int_equal(world.violations, 1);
    assert_says(&world, "silver_twice: silver_kraken_trades: topic market.crypto.trades.kraken "
                        "partition 0 offset ");
    assert_says(&world, "foreign: silver_kraken_trades: snapshot ");
    world_close(&world);
}

static void a_dead_letter_for_a_silver_row_is_found(void **state)
{
    const struct ice_data_file *file;
    struct world world;
    struct hand silver, dead;
    int64_t offset;

    (void)state;
    begin(&world);
    hand_open(&silver, &world, tables_silver(world.names[0].silver));
    read_rows(&silver, 0);
    offset = column_int64(&silver.column[SILVER_KAFKA_OFFSET], 0);
    hand_open(&dead, &world, tables_dead_letters());
    read_rows(&dead, 0);
    column_clear(&dead.column[DEAD_KAFKA_TOPIC]);
    column_clear(&dead.column[DEAD_KAFKA_PARTITION]);
    column_clear(&dead.column[DEAD_KAFKA_OFFSET]);
    column_put_bytes(&dead.column[DEAD_KAFKA_TOPIC], span_text(world.names[0].topic));
    column_put_int32(&dead.column[DEAD_KAFKA_PARTITION],
                     column_int32(&silver.column[SILVER_KAFKA_PARTITION], 0));
    column_put_int64(&dead.column[DEAD_KAFKA_OFFSET], offset);
    file = write_rows(&dead, 1, 0, true);
    commit(&dead, "append", &file, 1, false);
    hand_close(&silver);
    hand_close(&dead);
    audit(&world);
    assert_int_equal(world.violations, 1);
    assert_says(&world, "decided_twice: silver_binance_trades: topic market.crypto.trades.binance "
                        "partition ");
    assert_says(&world, "in both it and silver_dlq_trades");
    world_close(&world);
}

static void a_dead_letter_lost_or_twice_is_found(void **state)
{
    struct world world;
    int64_t rows;

    (void)state;
    begin(&world);
    double_row(&world, tables_dead_letters(), true);
    audit(&world);
    assert_int_equal(world.violations, 1);
    assert_says(&world, "dead_letter_twice: silver_dlq_trades: topic market.crypto.trades.");
    world_close(&world);
    begin(&world);
    rows = lose_file(&world, tables_dead_letters());
    audit(&world);
    assert_int_equal(world.violations, rows);
    world_close(&world);
}

static void a_lost_raw_frame_is_found(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    for (int i = 0; i < 3; i++) {
        struct log_record frame = { .value = SPAN("{"), .timestamp_us = START_US };
        struct err err;

        assert_ok(log_send(world.log, world.names[1].dead_topic, &frame, 1, &err));
        produce(&world, 1, 9, 1000);
        drain(&world);
    }
    assert_whole(&world);
    {
        struct hand hand;
        size_t kept = 0;

        hand_open(&hand, &world, tables_dead_letters());
        for (size_t i = 0; i < live_count(&hand); i++) {
            bool is_frame;

            column_clear(&hand.column[DEAD_KAFKA_TOPIC]);
            read_rows(&hand, i);
            is_frame = span_equal(column_bytes(&hand.column[DEAD_KAFKA_TOPIC], 0),
                                  span_text(world.names[1].dead_topic));
            if (!is_frame || i + 1 < live_count(&hand))
                live(&hand)[kept++] = live(&hand)[i];
        }
        assert_int_equal(kept, live_count(&hand) - 1);
        commit(&hand, "overwrite", live(&hand), kept, true);
        hand_close(&hand);
    }
    audit(&world);
    assert_says(&world, "frame_absent: silver_dlq_trades: topic "
                        "market.crypto.trades.kraken.dlq partition 0 offset");
    world_close(&world);
}

static void a_gold_row_twice_is_found(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    double_row(&world, tables_gold(), true);
    audit(&world);
    assert_int_equal(world.violations, 1);
    assert_says(&world, "gold_twice: message_id ");
    assert_says(&world, " at 2026-01-10T11:00:");
    world_close(&world);
}

static void lost_gold_rows_are_found(void **state)
{
    struct world world;
    int64_t rows;

    (void)state;
    begin(&world);
    rows = lose_file(&world, tables_gold());
    audit(&world);
    assert_true(world.violations >= rows); /* copies in Silver lack their Gold row too */
    assert_says(&world, "gold_absent: message_id ");
    assert_says(&world, "gold_absent: ... and ");
    world_close(&world);
}

/* -- foreign hands that do no harm */

static void rows_of_others_are_counted_and_listed(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    double_row(&world, tables_bronze(world.names[0].bronze), false);
    double_row(&world, tables_silver(world.names[0].silver), false);
    double_row(&world, tables_gold(), false);
    step_all(&world);
    step_all(&world);
    assert_whole(&world);
    assert_says(&world, "foreign: bronze_binance_trades: 1 files with 1 rows of others");
    assert_says(&world, "foreign: silver_binance_trades: 1 files with 1 rows of others");
    assert_says(&world, "foreign: gold_crypto_trades: 1 files with 1 rows of others");
    world_close(&world);
}

static void compaction_by_others_loses_nothing(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    for (int t = 0; t < 3; t++) {
        struct ice_definition definition = t == 0   ? tables_bronze(world.names[0].bronze)
                                           : t == 1 ? tables_silver(world.names[0].silver)
                                                    : tables_gold();
        struct hand hand;

        hand_open(&hand, &world, definition);
        read_rows(&hand, 0);
        read_rows(&hand, 1);
        live(&hand)[1] = write_rows(&hand, hand.column[0].rows, 0, false);
        commit(&hand, "replace", live(&hand) + 1, live_count(&hand) - 1, true);
        hand_close(&hand);
    }
    step_all(&world);
    step_all(&world);
    assert_whole(&world);
    assert_says(&world, "not seen: gold_crypto_trades: 1 files with ");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hole_in_bronze_is_found),
        cmocka_unit_test(what_no_table_holds_is_asked_of_the_log),
        cmocka_unit_test(a_lost_silver_file_is_found),
        cmocka_unit_test(a_silver_row_twice_is_found),
        cmocka_unit_test(a_dead_letter_for_a_silver_row_is_found),
        cmocka_unit_test(a_dead_letter_lost_or_twice_is_found),
        cmocka_unit_test(a_lost_raw_frame_is_found),
        cmocka_unit_test(a_gold_row_twice_is_found),
        cmocka_unit_test(lost_gold_rows_are_found),
        cmocka_unit_test(nothing_there_yet_is_ok),
        cmocka_unit_test(what_the_stages_make_is_whole),
        cmocka_unit_test(it_may_run_at_any_moment),
        cmocka_unit_test(little_memory_only_takes_longer),
        cmocka_unit_test(offsets_that_never_were_are_no_violation),
        cmocka_unit_test(an_id_with_another_price_is_listed),
        cmocka_unit_test(rows_of_others_are_counted_and_listed),
        cmocka_unit_test(compaction_by_others_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
