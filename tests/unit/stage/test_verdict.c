// SPDX-License-Identifier: Apache-2.0
/* verdict over a registry that counts what it is asked. */
#include "stage/verdict.h"

#include "lib/generate.h"
#include "lib/test.h"
#include "trade/trade_encode.h"
#include "trade/trade_schema.h"

#define START_US INT64_C(1795000000000000)

enum { ABSENT = 1000 };

struct world {
    struct registry registry;
    struct registry *inner;
    int questions;
    bool is_down;
    struct trade_rules rules;
    struct verdict verdict;
    struct bronze_rows rows;
    struct generate generate;
    int32_t known; /* a schema id */
};

static int counting_get(struct registry *registry, int32_t id, struct buf *schema, struct err *err)
{
    struct world *world = (struct world *)(void *)registry;

    world->questions++;
    if (world->is_down)
        return err_set(err, ERR_RETRY, "down");
    return registry_get(world->inner, id, schema, err);
}

static int set_up(void **state)
{
    static const struct registry_ops ops = { .get = counting_get };
    struct world *world = mem_zero(1, sizeof(*world));
    struct err err;

    world->registry.ops = &ops;
    world->inner = registry_mem_open();
    assert_ok(registry_put(world->inner, "s", trade_schema_json(), &world->known, &err));
    world->rules = TRADE_RULES_DEFAULT;
    verdict_init(&world->verdict, &world->registry, &world->rules);
    bronze_rows_init(&world->rows);
    generate_init(&world->generate, GENERATE_BINANCE, 3, START_US, 0);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    verdict_deinit(&world->verdict);
    bronze_rows_deinit(&world->rows);
    registry_close(world->inner);
    free(world);
    return 0;
}

static void put_row(struct world *world, int32_t schema_id)
{
    struct column *column = world->rows.column;
    struct buf bytes = BUF_INIT;
    struct trade trade;

    generate_next(&world->generate, &trade);
    trade_encode(&trade, schema_id, &bytes);
    column_put_int64(&column[BRONZE_OFFSET], (int64_t)column[BRONZE_OFFSET].rows);
    column_put_int32(&column[BRONZE_PARTITION], 0);
    column_put_bytes(&column[BRONZE_RAW_BYTES], buf_span(&bytes));
    column_put_int64(&column[BRONZE_INGESTION_TIMESTAMP], trade.timestamp_us);
    column_put_int64(&column[BRONZE_KAFKA_TIMESTAMP], trade.timestamp_us);
    buf_deinit(&bytes);
}

static void judge(struct world *world)
{
    struct err err;

    assert_ok(verdict_judge(&world->verdict, &world->rows, &err));
}

static void an_id_is_asked_for_once_in_a_batch(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < 300; i++)
        put_row(world, i % 3 == 0 ? world->known : ABSENT + i % 3);
    judge(world);
    assert_int_equal(world->questions, 3);
    assert_int_equal(world->verdict.good_count, 100);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(world->verdict.reason[i],
                         i % 3 == 0 ? TRADE_GOOD : TRADE_SCHEMA_NOT_FOUND);
}

static void what_was_absent_is_asked_for_again_in_the_next(void **state)
{
    struct world *world = *state;
    int32_t next = world->known + 1, id;
    struct err err;

    put_row(world, next);
    put_row(world, world->known);
    put_row(world, next);
    judge(world);
    assert_int_equal(world->verdict.good_count, 1);
    assert_ok(registry_put(world->inner, "t", SPAN("\"string\""), &id, &err));
    assert_int_equal(id, next);
    judge(world);
    assert_int_equal(world->questions, 3);
    assert_int_equal(world->verdict.reason[0], TRADE_DESERIALIZATION_FAILED);
    judge(world);
    assert_int_equal(world->questions, 3);
}

static void many_ids_are_as_good_as_one(void **state)
{
    struct world *world = *state;

    for (int round = 0; round < 2; round++)
        for (int32_t i = 0; i < 20000; i++)
            put_row(world, i % 100 == 0 ? world->known : ABSENT + i);
    for (int round = 0; round < 2; round++) {
        world->questions = 0;
        judge(world);
        assert_int_equal(world->questions, round == 0 ? 19801 : 19800);
        assert_int_equal(world->verdict.good_count, 400);
    }
}

static void a_registry_that_is_down_is_no_verdict(void **state)
{
    struct world *world = *state;
    struct err err;

    put_row(world, world->known);
    world->is_down = true;
    assert_err(verdict_judge(&world->verdict, &world->rows, &err), ERR_RETRY);
    world->is_down = false;
    judge(world);
    assert_int_equal(world->verdict.good_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_id_is_asked_for_once_in_a_batch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_absent_is_asked_for_again_in_the_next, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(many_ids_are_as_good_as_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_registry_that_is_down_is_no_verdict, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
