// SPDX-License-Identifier: Apache-2.0
/* Bronze, Silver and the dead letters over adapters in memory, and positions set by hand among
 * them.  What the operator of tests/sim does is not shown again here. */
#include "stage/set_positions.h"

#include "core/micros.h"
#include "lib/generate.h"
#include "lib/test.h"
#include "protocol/setting.h"
#include "stage/bronze.h"
#include "stage/silver.h"
#include "stage/tables.h"
#include "trade/trade_encode.h"
#include "trade/trade_schema.h"

#include <string.h>

#define START_US (INT64_C(20463) * MICROS_DAY)
#define TOPIC    "market.crypto.trades.binance"

enum { PARTITIONS = 2 };

static const char *const exchanges[] = { "binance" };

struct world {
    struct stage_ports ports;
    struct generate generate;
    struct trade_rules rules;
    struct bronze *bronze;
    struct silver *silver;
    struct arena arena;
    int32_t schema;
};

static void world_open(struct world *world)
{
    struct clock *clock = clock_mem_open(START_US, 7);
    struct store *store = store_mem_open();
    struct err err;

    *world = (struct world){ .rules = TRADE_RULES_DEFAULT };
    world->ports =
        (struct stage_ports){ .table = { catalog_mem_open(store, clock, false), store, clock },
                              .log = log_mem_open(7),
                              .registry = registry_mem_open(),
                              .space = "market_data",
                              .worker = "test",
                              .batch_rows = 100,
                              .batch_bytes = 1 << 20,
                              .idle_commit_us = MICROS_SECOND,
                              .downstream_look_us = MICROS_SECOND };
    generate_init(&world->generate, GENERATE_BINANCE, 7, START_US, 0);
    assert_ok(registry_put(world->ports.registry, "v", trade_schema_json(), &world->schema, &err));
    assert_ok(log_ensure_topic(world->ports.log, TOPIC, PARTITIONS, &err));
    world->bronze = bronze_new(&world->ports, "binance", PARTITIONS);
    world->silver = silver_new(&world->ports, "binance", PARTITIONS, &world->rules);
}

static void world_close(struct world *world)
{
    bronze_free(world->bronze);
    silver_free(world->silver);
    registry_close(world->ports.registry);
    catalog_close(world->ports.table.catalog);
    log_close(world->ports.log);
    store_close(world->ports.table.store);
    clock_close(world->ports.table.clock);
    arena_deinit(&world->arena);
}

/* `count` trades into each partition. */
static void produce(struct world *world, int count)
{
    struct err err;

    for (int i = 0; i < count * PARTITIONS; i++) {
        struct buf bytes = BUF_INIT;
        struct log_record record = { .partition = i % PARTITIONS, .timestamp_us = START_US };
        struct trade trade;

        world->generate.now_us += 1000;
        generate_next(&world->generate, &trade);
        trade_encode(&trade, world->schema, &bytes);
        record.value = buf_span(&bytes);
        assert_ok(log_send(world->ports.log, TOPIC, &record, 1, &err));
        buf_deinit(&bytes);
    }
}

/* A trade at no price into partition 0. */
static void produce_free_of_charge(struct world *world)
{
    struct log_record record = { .partition = 0, .timestamp_us = START_US };
    struct buf bytes = BUF_INIT;
    struct trade trade;
    struct err err;

    generate_next(&world->generate, &trade);
    trade.price = 0;
    trade_encode(&trade, world->schema, &bytes);
    record.value = buf_span(&bytes);
    assert_ok(log_send(world->ports.log, TOPIC, &record, 1, &err));
    buf_deinit(&bytes);
}

static void drain(struct world *world)
{
    struct err err;
    bool moved = true;

    for (int round = 0; moved; round++) {
        assert_true(round < 20);
        clock_mem_advance(world->ports.table.clock, MICROS_SECOND / 10);
        moved = bronze_step(world->bronze, &err) == 0;
        moved |= silver_step(world->silver, &err) == 0;
    }
}

static struct set_positions *plan(struct world *world, const char *target, const char *word)
{
    struct set_positions *set = set_positions_new(&world->ports, exchanges, 1);
    struct err err;

    assert_ok(set_positions_plan(set, target, &word, 1, &err));
    return set;
}

static void apply(struct set_positions *set)
{
    struct err err;

    assert_ok(set_positions_apply(set, "me@here", "a test", &err));
    set_positions_free(set);
}

static struct err refusal(struct world *world, const char *target, const char *word)
{
    struct set_positions *set = set_positions_new(&world->ports, exchanges, 1);
    struct err err;

    assert_err(set_positions_plan(set, target, &word, 1, &err), ERR_REFUSED);
    set_positions_free(set);
    return err;
}

/* A table's map, in the world's arena, and how many ranges its property lists. */
static struct positions look(struct world *world, bool is_silver, size_t *skipped)
{
    struct ice_definition definition =
        is_silver ? tables_silver("silver_binance_trades") : tables_bronze("bronze_binance_trades");
    struct chain_origin origin = is_silver ? tables_silver_origin(TOPIC) : tables_bronze_origin();
    struct setting_skip *skip;
    struct chain_table chain;
    struct positions map;
    struct err err;

    stage_chain_init(&chain, &world->ports, &definition, &origin);
    positions_init(&map, &world->arena);
    assert_ok(chain_load(&chain, &world->arena, &map, &err));
    assert_ok(setting_skipped(chain.table.metadata, &world->arena, &skip, skipped, &err));
    for (size_t i = 0; i < *skipped; i++) {
        assert_string_equal(skip[i].who, "me@here");
        assert_string_equal(skip[i].reason, "a test");
        assert_string_equal(skip[i].topic, TOPIC);
    }
    chain_deinit(&chain);
    return map;
}

static void a_job_that_was_faster_makes_the_setting_lost(void **state)
{
    struct world world;
    struct set_positions *set;
    struct err err;
    size_t skipped;

    (void)state;
    world_open(&world);
    produce(&world, 5);
    drain(&world);
    produce(&world, 5);
    set = plan(&world, "bronze-binance", "latest");
    assert_true(set_positions_changes(set));
    assert_ok(bronze_step(world.bronze, &err));
    assert_err(set_positions_apply(set, "me@here", "a test", &err), ERR_RETRY);
    set_positions_free(set);
    look(&world, false, &skipped);
    assert_int_equal(skipped, 0);
    set = plan(&world, "bronze-binance", "latest");
    assert_false(set_positions_changes(set));
    set_positions_free(set);
    world_close(&world);
}

static void what_bronze_skips_silver_passes_over_by_itself(void **state)
{
    struct world world;
    struct positions map;
    size_t skipped;

    (void)state;
    world_open(&world);
    produce(&world, 5);
    drain(&world);
    produce(&world, 5);
    apply(plan(&world, "bronze-binance", TOPIC "/0=latest"));
    drain(&world);
    map = look(&world, false, &skipped);
    assert_int_equal(skipped, 1);
    assert_int_equal(positions_offset(&map, TOPIC, 0)->next, 10);
    assert_int_equal(positions_offset(&map, TOPIC, 0)->rows, 5);
    assert_int_equal(positions_offset(&map, TOPIC, 1)->rows, 10);
    assert_int_equal(positions_retained(&map, TOPIC, 0), 0);
    map = look(&world, true, &skipped); /* Silver follows Bronze's map */
    assert_int_equal(skipped, 0);
    assert_int_equal(positions_offset(&map, TOPIC, 0)->next, 10);
    assert_int_equal(positions_offset(&map, TOPIC, 0)->rows, 5);
    world_close(&world);
}

static void two_operators_add_to_one_list(void **state)
{
    struct world world;
    struct set_positions *first, *second;
    struct positions map;
    size_t skipped;

    (void)state;
    world_open(&world);
    produce(&world, 5);
    drain(&world);
    produce(&world, 5);
    first = plan(&world, "bronze-binance", TOPIC "/0=7");
    second = plan(&world, "bronze_binance_trades", TOPIC "/1=latest");
    apply(first);
    apply(second);
    map = look(&world, false, &skipped);
    assert_int_equal(skipped, 2);
    assert_int_equal(positions_next(&map, TOPIC, 0), 7);
    assert_int_equal(positions_next(&map, TOPIC, 1), 10);
    world_close(&world);
}

static void a_skip_is_taken_back_while_no_row_stands_above(void **state)
{
    struct world world;
    struct positions map;
    struct err err;
    size_t skipped;

    (void)state;
    world_open(&world);
    produce(&world, 5);
    drain(&world);
    produce(&world, 5);
    apply(plan(&world, "bronze-binance", TOPIC "/0=8"));
    apply(plan(&world, "bronze-binance", TOPIC "/0=6"));
    map = look(&world, false, &skipped);
    assert_int_equal(map.epoch, 1);
    assert_int_equal(map.complete_us, 0);
    assert_int_equal(positions_offset(&map, TOPIC, 0)->high, 4);
    drain(&world);
    map = look(&world, false, &skipped);
    assert_int_equal(positions_offset(&map, TOPIC, 0)->rows, 9);
    err = refusal(&world, "bronze-binance", TOPIC "/0=6");
    assert_non_null(strstr(err.text, "holds rows of partition 0 up to offset 9"));
    world_close(&world);
}

static void who_has_passed_the_gap_goes_back_with_bronze(void **state)
{
    struct world world;
    struct positions map;
    size_t skipped;

    (void)state;
    world_open(&world);
    produce(&world, 5);
    drain(&world);
    produce(&world, 5);
    apply(plan(&world, "bronze-binance", TOPIC "/0=latest"));
    drain(&world);
    map = look(&world, true, &skipped);
    assert_int_equal(positions_next(&map, TOPIC, 0), 10);
    apply(plan(&world, "bronze-binance", TOPIC "/0=6"));
    map = look(&world, true, &skipped);
    assert_int_equal(positions_next(&map, TOPIC, 0), 6);
    drain(&world);
    map = look(&world, true, &skipped);
    assert_int_equal(positions_offset(&map, TOPIC, 0)->rows, 9);
    world_close(&world);
}

static void silver_and_the_dead_letters_go_together(void **state)
{
    struct world world;
    struct positions map;
    struct err err;
    size_t skipped;

    (void)state;
    world_open(&world);
    produce(&world, 5);
    drain(&world);
    produce(&world, 5);
    assert_ok(bronze_step(world.bronze, &err));
    err = refusal(&world, "silver-binance", TOPIC "/0=11");
    assert_non_null(strstr(err.text, "bronze_binance_trades has 0 to 10"));
    err = refusal(&world, "silver-binance", TOPIC "/0=2");
    assert_non_null(strstr(err.text, "would be written twice"));
    err = refusal(&world, "dead-letters", TOPIC "/0=8");
    assert_non_null(strstr(err.text, "sets both"));
    apply(plan(&world, "silver-binance", TOPIC "/0=8"));
    drain(&world);
    map = look(&world, true, &skipped);
    assert_int_equal(skipped, 1);
    assert_int_equal(positions_offset(&map, TOPIC, 0)->rows, 7);
    assert_int_equal(positions_offset(&map, TOPIC, 1)->rows, 10);
    world_close(&world);
}

/* A catalog that takes so many more commits. */
struct ending_catalog {
    struct catalog base;
    struct catalog *inner;
    int left;
};

static int ending_load(struct catalog *catalog, const char *space, const char *name,
                       const char *known, struct catalog_table *out, struct err *err)
{
    return catalog_load(((struct ending_catalog *)catalog)->inner, space, name, known, out, err);
}

static int ending_commit(struct catalog *catalog, const char *space, const char *name,
                         const struct catalog_commit *commit, struct err *err)
{
    struct ending_catalog *ending = (struct ending_catalog *)catalog;

    if (ending->left-- <= 0)
        return err_set(err, ERR_RETRY, "no more");
    return catalog_commit(ending->inner, space, name, commit, err);
}

static void a_set_that_dies_half_way_decides_nothing(void **state)
{
    static const struct catalog_ops ops = { .load = ending_load, .commit = ending_commit };
    struct ending_catalog ending = { { &ops }, NULL, 1 };
    struct world world;
    struct set_positions *set;
    struct positions map;
    struct err err;
    size_t skipped;

    (void)state;
    world_open(&world);
    produce(&world, 5);
    drain(&world);
    produce_free_of_charge(&world);
    assert_ok(bronze_step(world.bronze, &err));
    ending.inner = world.ports.table.catalog;
    world.ports.table.catalog = &ending.base;
    set = plan(&world, "silver-binance", TOPIC "/0=latest");
    assert_err(set_positions_apply(set, "me@here", "a test", &err), ERR_RETRY);
    set_positions_free(set);
    world.ports.table.catalog = ending.inner;
    drain(&world);
    map = look(&world, true, &skipped);
    assert_int_equal(positions_offset(&map, TOPIC, 0)->next, 6);
    assert_int_equal(positions_offset(&map, TOPIC, 0)->rows, 5); /* none that was not judged */
    world_close(&world);
}

/* Bronze is back, its readers are not: the same words again take them along. */
static void a_set_that_died_half_way_is_set_again(void **state)
{
    static const struct catalog_ops ops = { .load = ending_load, .commit = ending_commit };
    struct ending_catalog ending = { { &ops }, NULL, 1 };
    struct world world;
    struct set_positions *set;
    struct positions map;
    struct err err;
    size_t skipped;

    (void)state;
    world_open(&world);
    produce(&world, 5);
    drain(&world);
    produce(&world, 5);
    apply(plan(&world, "bronze-binance", TOPIC "/0=latest"));
    drain(&world);
    ending.inner = world.ports.table.catalog;
    world.ports.table.catalog = &ending.base;
    set = plan(&world, "bronze-binance", TOPIC "/0=6");
    assert_err(set_positions_apply(set, "me@here", "a test", &err), ERR_RETRY);
    set_positions_free(set);
    world.ports.table.catalog = ending.inner;
    map = look(&world, false, &skipped);
    assert_int_equal(positions_next(&map, TOPIC, 0), 6);
    apply(plan(&world, "bronze-binance", TOPIC "/0=6"));
    map = look(&world, true, &skipped);
    assert_int_equal(positions_next(&map, TOPIC, 0), 6);
    drain(&world);
    map = look(&world, true, &skipped);
    assert_int_equal(positions_offset(&map, TOPIC, 0)->rows, 9);
    set = plan(&world, "bronze-binance", TOPIC "/0=latest"); /* where all stand, nothing is set */
    assert_false(set_positions_changes(set));
    set_positions_free(set);
    world_close(&world);
}

static void one_command_goes_one_way(void **state)
{
    static const char *const words[] = { TOPIC "/0=5", TOPIC "/1=latest" };
    struct set_positions *set;
    struct world world;
    struct err err;

    (void)state;
    world_open(&world);
    produce(&world, 5);
    drain(&world);
    produce(&world, 5);
    assert_ok(bronze_step(world.bronze, &err));
    apply(plan(&world, "silver-binance", TOPIC "/0=latest"));
    set = set_positions_new(&world.ports, exchanges, 1);
    assert_err(set_positions_plan(set, "silver-binance", words, 2, &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, "one after the other"));
    set_positions_free(set);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        apply(plan(&world, "silver-binance", words[i]));
    world_close(&world);
}

static void what_is_no_list_is_corrupt(void **state)
{
    static const char *const bad[] = { "", "{}", "[7]", "[{\"topic\":\"t\"}]",
                                       "[{\"partition\":1,\"from\":2}]" };
    static const struct parquet_field field = { .name = "a", .field_id = 1, .kind = PARQUET_LONG };
    const struct ice_definition definition = { .name = "t", .field = &field, .field_count = 1 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct ice_pair pair = { SETTING_SKIPPED_KEY, bad[i] };
        struct ice_metadata *metadata = NULL;
        struct arena arena = ARENA_INIT;
        struct buf json = BUF_INIT;
        struct setting_skip *skip;
        struct err err;
        size_t count;

        ice_metadata_create(&definition, "0b0c1d2e-0000-4000-8000-000000000000", "mem://w/t", 1,
                            &pair, 1, &json);
        assert_ok(ice_metadata_parse(buf_span(&json), "", &metadata, &err));
        assert_err(setting_skipped(metadata, &arena, &skip, &count, &err), ERR_CORRUPT);
        assert_non_null(strstr(err.text, SETTING_SKIPPED_KEY));
        ice_metadata_unref(metadata);
        buf_deinit(&json);
        arena_deinit(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_list_is_corrupt),
        cmocka_unit_test(a_job_that_was_faster_makes_the_setting_lost),
        cmocka_unit_test(what_bronze_skips_silver_passes_over_by_itself),
        cmocka_unit_test(two_operators_add_to_one_list),
        cmocka_unit_test(a_skip_is_taken_back_while_no_row_stands_above),
        cmocka_unit_test(who_has_passed_the_gap_goes_back_with_bronze),
        cmocka_unit_test(a_set_that_dies_half_way_decides_nothing),
        cmocka_unit_test(a_set_that_died_half_way_is_set_again),
        cmocka_unit_test(one_command_goes_one_way),
        cmocka_unit_test(silver_and_the_dead_letters_go_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
