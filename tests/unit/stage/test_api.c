// SPDX-License-Identifier: Apache-2.0
#include "stage/api.h"

#include "lib/test.h"
#include "stage/bronze.h"
#include "stage/tables.h"

#include <string.h>

struct world {
    struct clock *clock;
    struct store *store;
    struct catalog *catalog;
    struct log *log;
    struct stage_ports ports;
};

static int set_up(void **state)
{
    struct world *world = mem_zero(1, sizeof(*world));

    world->clock = clock_mem_open(INT64_C(1785600000000000), 1);
    world->store = store_mem_open();
    world->catalog = catalog_mem_open(world->store, world->clock, false);
    world->log = log_mem_open(1);
    world->ports = (struct stage_ports){
        .table = { world->catalog, world->store, world->clock },
        .log = world->log,
        .space = "market_data",
        .worker = "test",
        .batch_rows = 100,
        .batch_bytes = 1 << 20,
    };
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    catalog_close(world->catalog);
    store_close(world->store);
    clock_close(world->clock);
    log_close(world->log);
    free(world);
    return 0;
}

static void the_first_claim_holds_and_the_other_version_is_refused(void **state)
{
    struct world *world = *state;
    struct err err;

    assert_int_equal(api_look(&world->ports, "kraken", "v1", &err), TABLE_ABSENT);
    assert_ok(api_claim(&world->ports, "kraken", "v1", &err));
    assert_ok(api_claim(&world->ports, "kraken", "v1", &err));
    assert_ok(api_look(&world->ports, "kraken", "v1", &err));
    assert_err(api_claim(&world->ports, "kraken", "v2", &err), ERR_CONFIG);
    assert_err(api_look(&world->ports, "kraken", "v2", &err), ERR_CONFIG);
    assert_string_equal(err.text,
                        "bronze_kraken_trades is written through API v1, and exchanges.kraken.api "
                        "is v2: set it to v1, or begin anew with another data_dir");
    assert_ok(api_look(&world->ports, "kraken", "v1", &err));
}

static void bronzes_commits_keep_the_version(void **state)
{
    struct world *world = *state;
    struct bronze *bronze = bronze_new(&world->ports, "kraken", 2);
    struct log_record record = { .partition = 1, .timestamp_us = 1, .value = SPAN("x") };
    struct err err;

    assert_ok(api_claim(&world->ports, "kraken", "v2", &err));
    assert_ok(log_ensure_topic(world->log, "market.crypto.trades.kraken", 2, &err));
    assert_ok(log_send(world->log, "market.crypto.trades.kraken", &record, 1, &err));
    assert_ok(bronze_step(bronze, &err));
    assert_int_equal(bronze_counters(bronze)->rows, 1);
    assert_ok(api_look(&world->ports, "kraken", "v2", &err));
    assert_err(api_claim(&world->ports, "kraken", "v1", &err), ERR_CONFIG);
    bronze_free(bronze);
}

static void a_table_that_does_not_say_is_refused(void **state)
{
    struct world *world = *state;
    struct ice_definition definition = tables_bronze("bronze_kraken_trades");
    struct table table;
    struct err err;

    table_init(&table, &world->ports.table, "market_data", &definition);
    assert_ok(table_ensure(&table, NULL, 0, &err));
    table_deinit(&table);
    assert_err(api_claim(&world->ports, "kraken", "v2", &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, "ALTER TABLE market_data.bronze_kraken_trades"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_first_claim_holds_and_the_other_version_is_refused),
        TEST(bronzes_commits_keep_the_version),
        TEST(a_table_that_does_not_say_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
