// SPDX-License-Identifier: Apache-2.0
/* Bronze over adapters in memory: what its snapshots say of rule 9's complete-through. */
#include "stage/bronze.h"

#include "core/micros.h"
#include "lib/test.h"
#include "stage/tables.h"

#define START_US (INT64_C(20463) * MICROS_DAY)
#define MINUTE   (60 * MICROS_SECOND)

enum { PARTITIONS = 3, BATCH_ROWS = 10 };

struct world {
    struct clock *clock;
    struct store *store;
    struct catalog *catalog;
    struct log *log;
    struct arena arena;
    struct tables_names names;
    struct stage_ports ports;
    struct bronze *bronze;
};

static void world_open(struct world *world)
{
    struct err err;

    *world = (struct world){ .clock = clock_mem_open(START_US, 7), .store = store_mem_open() };
    world->catalog = catalog_mem_open(world->store, world->clock, false);
    world->log = log_mem_open(7);
    tables_names(&world->names, &world->arena, "binance");
    world->ports = (struct stage_ports){ .table = { world->catalog, world->store, world->clock },
                                         .log = world->log,
                                         .space = "market_data",
                                         .worker = "test",
                                         .batch_rows = BATCH_ROWS,
                                         .batch_bytes = 1 << 20,
                                         .idle_commit_us = MINUTE,
                                         .complete_commit_us = MINUTE,
                                         .downstream_look_us = MINUTE };
    assert_ok(log_ensure_topic(world->log, world->names.topic, PARTITIONS, &err));
    world->bronze = bronze_new(&world->ports, "binance", PARTITIONS);
}

static void world_close(struct world *world)
{
    bronze_free(world->bronze);
    catalog_close(world->catalog);
    log_close(world->log);
    store_close(world->store);
    clock_close(world->clock);
    arena_deinit(&world->arena);
}

static void produce(struct world *world, int32_t partition, int count)
{
    const struct log_record record = { .partition = partition,
                                       .timestamp_us = START_US,
                                       .value = SPAN("a record") };
    struct err err;

    for (int i = 0; i < count; i++)
        assert_ok(log_send(world->log, world->names.topic, &record, 1, &err));
}

static int step(struct world *world)
{
    struct err err = { 0 };
    int rc = bronze_step(world->bronze, &err);

    if (rc < 0)
        fail_msg("%s", err.text);
    return rc;
}

/* What the table claims, after START_US, by its snapshot and by its property alike; -1: nothing. */
static int64_t claimed(struct world *world)
{
    struct ice_definition definition = tables_bronze(world->names.bronze);
    struct chain_origin origin = tables_bronze_origin();
    struct chain_table chain;
    struct positions map, property;
    struct err err;
    int64_t result;

    stage_chain_init(&chain, &world->ports, &definition, &origin);
    assert_ok(chain_load(&chain, &world->arena, &map, &err));
    result = map.complete_us;
    positions_init(&property, &world->arena);
    if (chain.table.metadata->main != ICE_NONE) {
        assert_ok(positions_of_properties(&property, chain.table.metadata, &err));
        assert_int_equal(property.complete_us, result);
        assert_int_equal(positions_complete_us(ice_metadata_current(chain.table.metadata)), result);
    }
    chain_deinit(&chain);
    return result == 0 ? -1 : result - START_US;
}

static void an_exchange_that_never_traded_is_complete(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    assert_int_equal(step(&world), 0);
    assert_int_equal(claimed(&world), 0);
    world_close(&world);
}

static void an_idle_table_says_so_once_a_minute(void **state)
{
    struct world world;
    int commits = 0;

    (void)state;
    world_open(&world);
    produce(&world, 1, 4);
    assert_int_equal(step(&world), 0);
    for (int tens = 1; tens <= 60; tens++) {
        clock_mem_advance(world.clock, 10 * MICROS_SECOND);
        commits += step(&world) == 0;
        assert_int_equal(step(&world), STAGE_IDLE);
        assert_int_equal(claimed(&world), tens / 6 * MINUTE);
    }
    assert_int_equal(commits, 10);
    world_close(&world);
}

static void a_table_that_is_begun_anew_counts_the_minute_from_its_snapshot(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    produce(&world, 1, 4);
    assert_int_equal(step(&world), 0);
    clock_mem_advance(world.clock, MINUTE - 1);
    bronze_free(world.bronze);
    world.bronze = bronze_new(&world.ports, "binance", PARTITIONS);
    assert_int_equal(step(&world), STAGE_IDLE);
    clock_mem_advance(world.clock, 1);
    assert_int_equal(step(&world), 0);
    assert_int_equal(claimed(&world), MINUTE);
    world_close(&world);
}

static void a_backlog_holds_the_claim_until_its_ends_are_reached(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    for (int32_t p = 0; p < PARTITIONS; p++)
        produce(&world, p, BATCH_ROWS);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        assert_int_equal(step(&world), 0);
        assert_int_equal(claimed(&world), p < PARTITIONS - 1 ? -1 : 0);
        clock_mem_advance(world.clock, MICROS_SECOND);
        produce(&world, 0, 1); /* after the note */
    }
    assert_int_equal(step(&world), 0);
    assert_int_equal(claimed(&world), 3 * MICROS_SECOND);
    world_close(&world);
}

static void a_clock_that_runs_back_does_not_take_the_claim_back(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    clock_mem_advance(world.clock, MINUTE);
    assert_int_equal(step(&world), 0);
    clock_mem_advance(world.clock, -MINUTE / 2);
    produce(&world, 0, 1);
    assert_int_equal(step(&world), 0);
    assert_int_equal(claimed(&world), MINUTE);
    world_close(&world);
}

static void what_others_have_read_counts(void **state)
{
    struct world world;
    struct bronze *other;
    struct err err = { 0 };

    (void)state;
    world_open(&world);
    other = bronze_new(&world.ports, "binance", PARTITIONS);
    for (int32_t p = 0; p < PARTITIONS; p++)
        produce(&world, p, BATCH_ROWS);
    assert_int_equal(step(&world), 0); /* notes 0 s, reads partition 0 */
    clock_mem_advance(world.clock, MICROS_SECOND);
    produce(&world, 0, BATCH_ROWS);
    assert_ok(bronze_step(other, &err)); /* notes 1 s, reads 0 again */
    assert_ok(bronze_step(other, &err));
    assert_ok(bronze_step(other, &err)); /* all is read */
    assert_int_equal(claimed(&world), MICROS_SECOND);
    clock_mem_advance(world.clock, MICROS_SECOND);
    produce(&world, 2, 2 * BATCH_ROWS);
    assert_int_equal(step(&world), 0); /* its first note is old; the second it cannot reach yet */
    assert_int_equal(claimed(&world), MICROS_SECOND);
    assert_int_equal(step(&world), 0);
    assert_int_equal(claimed(&world), 2 * MICROS_SECOND);
    bronze_free(other);
    world_close(&world);
}

static void a_log_that_has_forgotten_all_can_be_complete(void **state)
{
    struct world world;
    struct err err;

    (void)state;
    world_open(&world);
    produce(&world, 2, 5);
    assert_ok(log_retain(world.log, world.names.topic, 2, 5, INT64_MAX, &err));
    assert_int_equal(step(&world), 0);
    assert_int_equal(claimed(&world), 0);
    world_close(&world);
}

/* Rule 4: a name may stand for another topic than before. */
static void a_topic_that_was_made_again_is_refused(void **state)
{
    struct world world;
    struct bronze *other;
    struct log *again;
    struct err err = { 0 };

    (void)state;
    world_open(&world);
    produce(&world, 1, 3);
    assert_int_equal(step(&world), 0);
    again = log_mem_open(7);
    assert_string_equal(again->cluster, world.log->cluster);
    assert_ok(log_ensure_topic(again, world.names.topic, PARTITIONS, &err));
    log_close(world.log);
    world.ports.log = world.log = again;
    bronze_free(world.bronze);
    world.bronze = bronze_new(&world.ports, "binance", PARTITIONS);
    for (int i = 0; i < 5; i++) {
        const struct log_record record = { .partition = 1,
                                           .timestamp_us = START_US + MICROS_SECOND,
                                           .value = SPAN("another") };

        assert_ok(log_send(again, world.names.topic, &record, 1, &err));
    }
    assert_err(bronze_step(world.bronze, &err), ERR_REFUSED);
    assert_non_null(strstr(err.text,
                           "topic_recreated: bronze_binance_trades: partition 1 of topic "
                           "market.crypto.trades.binance has another record at offset 2"));
    other = bronze_new(&world.ports, "binance", PARTITIONS); /* nor does another process take it */
    assert_err(bronze_step(other, &err), ERR_REFUSED);
    bronze_free(other);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exchange_that_never_traded_is_complete),
        cmocka_unit_test(an_idle_table_says_so_once_a_minute),
        cmocka_unit_test(a_table_that_is_begun_anew_counts_the_minute_from_its_snapshot),
        cmocka_unit_test(a_backlog_holds_the_claim_until_its_ends_are_reached),
        cmocka_unit_test(a_clock_that_runs_back_does_not_take_the_claim_back),
        cmocka_unit_test(what_others_have_read_counts),
        cmocka_unit_test(a_log_that_has_forgotten_all_can_be_complete),
        cmocka_unit_test(a_topic_that_was_made_again_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
