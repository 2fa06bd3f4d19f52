// SPDX-License-Identifier: Apache-2.0
/* Real stages over adapters in memory, then damage by other hands: what is whole is `audit: ok`,
 * and each damage is found and named. */
#include "lib/audit_world.h"

#include "core/micros.h"
#include "stage/set_positions.h"

#include <json-c/json.h>
#include <string.h>

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
    assert_says(&world, "not_seen: gold_crypto_trades: 1 files with ");
    world_close(&world);
}

/* -- k2.skipped, a history that no rollback undoes, excuses nothing that was taken after all */

static void pass_over(struct world *world, const char *target, const char *word)
{
    struct set_positions *set = set_positions_new(&world->ports, exchanges, 2);
    struct err err;

    assert_ok(set_positions_plan(set, target, &word, 1, &err));
    assert_ok(set_positions_apply(set, "me@here", "", &err));
    set_positions_free(set);
}

/* Main is set back to its parent. */
static void take_back(struct world *world, const char *table)
{
    struct catalog_table now = { 0 };
    struct catalog_commit commit = { 0 };
    struct json_object *root, *refs, *snapshots;
    int64_t main = 0;
    struct err err;

    assert_ok(catalog_load(world->catalog, "market_data", table, NULL, &now, &err));
    root = json_tokener_parse(buf_text(&now.metadata));
    refs = json_object_object_get(root, "refs");
    snapshots = json_object_object_get(root, "snapshots");
    for (size_t i = 0; i < json_object_array_length(snapshots); i++) {
        struct json_object *at = json_object_array_get_idx(snapshots, i);

        if (json_object_get_int64(json_object_object_get(at, "snapshot-id")) ==
            json_object_get_int64(json_object_object_get(root, "current-snapshot-id")))
            main = json_object_get_int64(json_object_object_get(at, "parent-snapshot-id"));
    }
    assert_int_not_equal(main, 0);
    json_object_object_add(root, "current-snapshot-id", json_object_new_int64(main));
    json_object_object_add(json_object_object_get(refs, "main"), "snapshot-id",
                           json_object_new_int64(main));
    commit.base_location = buf_text(&now.location);
    commit.table_location = json_object_get_string(json_object_object_get(root, "location"));
    commit.metadata = span_text(json_object_to_json_string(root));
    assert_ok(catalog_commit(world->catalog, "market_data", table, &commit, &err));
    json_object_put(root);
    catalog_table_deinit(&now);
}

static void what_bronze_took_after_all_is_to_be_decided(void **state)
{
    struct world world;
    struct err err;

    (void)state;
    begin(&world);
    produce(&world, 0, 30, 1000);
    pass_over(&world, "bronze-binance", "latest");
    assert_ok(silver_step(world.silver[0], &err)); /* passes over what Bronze has skipped */
    assert_ok(gold_step(world.gold, &err));
    assert_whole(&world);
    assert_says(&world, "33 offsets were skipped by hand");
    take_back(&world, world.names[0].bronze);
    drain(&world);
    audit(&world);
    assert_int_equal(world.violations, 33);
    assert_says(&world, "undecided: silver_binance_trades: topic market.crypto.trades.binance "
                        "partition 0 offsets ");
    world_close(&world);
}

static void a_dead_letter_that_was_skipped_taken_and_lost_is_found(void **state)
{
    const struct log_record junk = { .timestamp_us = START_US, .value = SPAN("junk") };
    struct world world;
    struct hand hand;
    struct err err;

    (void)state;
    begin(&world);
    assert_ok(log_send(world.log, world.names[0].topic, &junk, 1, &err));
    assert_ok(bronze_step(world.bronze[0], &err));
    pass_over(&world, "silver-binance", "latest");
    take_back(&world, world.names[0].silver);
    take_back(&world, TABLES_DEAD_LETTERS);
    drain(&world);
    assert_whole(&world);
    hand_open(&hand, &world, tables_dead_letters());
    assert_int_equal(live(&hand)[0]->rows, 1);
    commit(&hand, "overwrite", live(&hand) + 1, live_count(&hand) - 1, true);
    hand_close(&hand);
    audit(&world);
    assert_int_equal(world.violations, 1);
    assert_says(&world, "position: silver_dlq_trades: topic market.crypto.trades.binance "
                        "partition 0: its map counts 31 rows, it holds 30");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_bronze_took_after_all_is_to_be_decided),
        cmocka_unit_test(a_dead_letter_that_was_skipped_taken_and_lost_is_found),
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
