// SPDX-License-Identifier: Apache-2.0
/* The same harm in an old round and in a new one: since a time before it, it is found, since one
 * behind it, it is not reported; and what is whole passes since any time. */
#include "lib/audit_world.h"

#include "core/micros.h"

#include <string.h>

enum { ROUNDS = 3, LAST = ROUNDS - 1 };

/* Three rounds an hour apart, none at the turn of an hour.  Binance's partition 2 is idle in the
 * last. */
static void begin_hours(struct world *world)
{
    world_open(world);
    clock_mem_advance(world->clock, 10 * 60 * MICROS_SECOND);
    for (int round = 0; round < ROUNDS; round++) {
        struct trade trade;

        world->round_us[round] = clock_now_us(world->clock);
        for (int x = 0; x < 2; x++)
            world->generate[x].now_us = world->round_us[round];
        log_mem_skip(world->log, world->names[0].topic, 1, 5);
        produce(world, 1, 150, 5000);
        if (round < LAST)
            produce(world, 0, 300, 5000);
        for (int i = 0; round == LAST && i < 200; i++) {
            world->generate[0].now_us += 5000;
            generate_next(&world->generate[0], &trade);
            send_trade(world, 0, i % 2, &trade);
        }
        drain(world);
        clock_mem_advance(world->clock, MICROS_HOUR);
    }
    world->round_us[ROUNDS] = clock_now_us(world->clock);
}

static bool is_of_round(struct hand *hand, size_t number, int stamp, int round)
{
    int64_t low, high;

    return ice_data_file_range_int64(live(hand)[number],
                                     hand->table.definition.field[stamp].field_id, &low, &high) &&
           low >= hand->world->round_us[round] && high < hand->world->round_us[round + 1];
}

/* Up to `most` files that were written in a round are no longer in the table. */
static void lose_of(struct world *world, struct ice_definition definition, int stamp, int round,
                    size_t most)
{
    struct hand hand;
    size_t kept = 0;

    hand_open(&hand, world, definition);
    for (size_t i = 0; i < live_count(&hand); i++)
        if (i - kept >= most || !is_of_round(&hand, i, stamp, round))
            live(&hand)[kept++] = live(&hand)[i];
    assert_true(kept < live_count(&hand));
    commit(&hand, "overwrite", live(&hand), kept, true);
    hand_close(&hand);
}

/* The first row of a file of a round stands there once more; `is_new`: written now. */
static void double_of(struct world *world, struct ice_definition definition, int stamp, int round,
                      bool is_new)
{
    const struct ice_data_file *file;
    struct hand hand;
    size_t number = 0;

    hand_open(&hand, world, definition);
    while (!is_of_round(&hand, number, stamp, round))
        assert_true(++number < live_count(&hand));
    read_rows(&hand, number);
    if (is_new) {
        column_clear(&hand.column[stamp]);
        column_put_int64(&hand.column[stamp], clock_now_us(world->clock));
    }
    file = write_rows(&hand, 1, number, true);
    commit(&hand, "append", &file, 1, false);
    hand_close(&hand);
}

enum place { AT_BRONZE, AT_SILVER, AT_DEAD, AT_GOLD };

static struct ice_definition table_at(struct world *world, enum place place, int *stamp)
{
    switch (place) {
    case AT_BRONZE:
        *stamp = BRONZE_INGESTION_TIMESTAMP;
        return tables_bronze(world->names[0].bronze);
    case AT_SILVER:
        *stamp = SILVER_VALIDATION_TIMESTAMP;
        return tables_silver(world->names[0].silver);
    case AT_DEAD:
        *stamp = DEAD_ERROR_TIMESTAMP;
        return tables_dead_letters();
    case AT_GOLD:
        break;
    }
    *stamp = GOLD_INGESTION_TIMESTAMP;
    return tables_gold();
}

static void lose_at(struct world *world, int round, enum place place, size_t most)
{
    int stamp;
    struct ice_definition definition = table_at(world, place, &stamp);

    lose_of(world, definition, stamp, round, most);
}

static void lose_some(struct world *world, int round, enum place place)
{
    lose_at(world, round, place, 1);
}

/* So that a partition's rows of the round all go, and the newest that is left is an old one. */
static void lose_all(struct world *world, int round, enum place place)
{
    lose_at(world, round, place, SIZE_MAX);
}

static void lose_everywhere(struct world *world, int round, enum place place)
{
    (void)place;
    for (int p = AT_BRONZE; p <= AT_DEAD; p++)
        lose_at(world, round, (enum place)p, SIZE_MAX);
}

static void copy(struct world *world, int round, enum place place)
{
    int stamp;
    struct ice_definition definition = table_at(world, place, &stamp);

    double_of(world, definition, stamp, round, false);
}

static void copy_now(struct world *world, int round, enum place place)
{
    int stamp;
    struct ice_definition definition = table_at(world, place, &stamp);

    (void)round;
    double_of(world, definition, stamp, 0, true);
}

/* What was decided for Silver is a dead letter too. */
static void decide_twice(struct world *world, int round, enum place place)
{
    const struct ice_data_file *file;
    struct hand silver, dead;
    size_t number = 0;
    int stamp;

    hand_open(&silver, world, table_at(world, place, &stamp));
    while (!is_of_round(&silver, number, stamp, round))
        assert_true(++number < live_count(&silver));
    read_rows(&silver, number);
    hand_open(&dead, world, tables_dead_letters());
    read_rows(&dead, 0);
    for (int i = DEAD_ERROR_TIMESTAMP; i <= DEAD_KAFKA_OFFSET; i++)
        if (i != DEAD_BRONZE_SOURCE)
            column_clear(&dead.column[i]);
    column_put_int64(&dead.column[DEAD_ERROR_TIMESTAMP], column_int64(&silver.column[stamp], 0));
    column_put_bytes(&dead.column[DEAD_KAFKA_TOPIC], span_text(world->names[0].topic));
    column_put_int32(&dead.column[DEAD_KAFKA_PARTITION],
                     column_int32(&silver.column[SILVER_KAFKA_PARTITION], 0));
    column_put_int64(&dead.column[DEAD_KAFKA_OFFSET],
                     column_int64(&silver.column[SILVER_KAFKA_OFFSET], 0));
    file = write_rows(&dead, 1, 0, true);
    commit(&dead, "append", &file, 1, false);
    hand_close(&silver);
    hand_close(&dead);
}

struct harm {
    void (*harm)(struct world *world, int round, enum place place);
    enum place place;
    const char *says;
    bool is_always_new; /* whatever round it is of, it was written in the last */
};

static const struct harm harms[] = {
    { lose_some, AT_BRONZE, "\nbronze_absent: bronze_binance_trades: ", false },
    { lose_all, AT_BRONZE, "\nbronze_absent: bronze_binance_trades: ", false },
    { lose_some, AT_SILVER, "\nundecided: silver_binance_trades: ", false },
    { lose_all, AT_SILVER, "\nundecided: silver_binance_trades: ", false },
    { lose_some, AT_SILVER, "\ngold_orphan: message_id ", false },
    { lose_all, AT_DEAD, "\nframe_absent: silver_dlq_trades: ", false },
    { lose_all, AT_DEAD, "\nundecided: silver_", false },
    { lose_everywhere, AT_BRONZE, ": absent, and in no other table", false },
    { lose_some, AT_GOLD, "\ngold_absent: message_id ", false },
    { lose_all, AT_GOLD, "\ngold_absent: message_id ", false },
    { copy, AT_BRONZE, "\nbronze_twice: bronze_binance_trades: ", false },
    { copy, AT_SILVER, "\nsilver_twice: silver_binance_trades: ", false },
    { copy, AT_DEAD, "\ndead_letter_twice: silver_dlq_trades: ", false },
    { copy, AT_GOLD, "\ngold_twice: message_id ", false },
    { copy_now, AT_BRONZE, "\nbronze_twice: bronze_binance_trades: ", true },
    { copy_now, AT_SILVER, "\nsilver_twice: silver_binance_trades: ", true },
    { copy_now, AT_DEAD, "\ndead_letter_twice: silver_dlq_trades: ", true },
    { copy_now, AT_GOLD, "\ngold_twice: message_id ", true },
    { decide_twice, AT_SILVER, "\ndecided_twice: silver_binance_trades: ", false },
};

/* The harm, and the audit then looks at the newest Silver. */
static void begin_harmed(struct world *world, const struct harm *harm, int round)
{
    begin_hours(world);
    harm->harm(world, round, harm->place);
    for (int i = 0; i < 4; i++)
        step_all(world);
}

static void a_harm_is_found_since_a_time_before_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(harms); i++) {
        struct world world;

        begin_harmed(&world, &harms[i], LAST);
        for (int round = 0; round <= LAST; round++) {
            world.since_us = world.round_us[round];
            audit(&world);
            assert_says(&world, harms[i].says);
            assert_says(&world, "audit: FAILED ");
        }
        world_close(&world);
    }
}

static void a_harm_from_before_is_not_reported(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(harms); i++) {
        struct world world;

        if (harms[i].is_always_new)
            continue;
        begin_harmed(&world, &harms[i], 0);
        world.with_log = true; /* rows are missing: which of the offsets without one never was? */
        /* Not round 1: what was lost right before a time cannot be told from what was after it. */
        for (int round = 2; round <= ROUNDS; round++) {
            world.since_us = world.round_us[round];
            assert_whole(&world);
        }
        world.since_us = world.round_us[0];
        audit(&world);
        assert_says(&world, harms[i].says);
        world_close(&world);
    }
}

static void assert_whole_since_any_time(struct world *world)
{
    int64_t now_us = clock_now_us(world->clock);

    for (int64_t since_us = START_US - MICROS_HOUR; since_us < now_us + MICROS_HOUR;
         since_us += 11 * 60 * MICROS_SECOND) {
        world->since_us = since_us;
        assert_whole(world);
    }
    for (int64_t s = 0; s < 60; s++) {
        world->since_us = world->round_us[1] + 60 * MICROS_SECOND + s * MICROS_SECOND / 3;
        assert_whole(world);
    }
}

static void what_is_whole_is_whole_since_any_time(void **state)
{
    struct world world;

    (void)state;
    begin_hours(&world);
    world.since_us = world.round_us[LAST];
    assert_whole(&world);
    assert_says(&world, "since 2026-01-10T13:");
    assert_says(&world, "; 5 never were");
    assert_says(&world, "gold_crypto_trades: left out: 2 of 3 hours of trades");
    assert_whole_since_any_time(&world);
    world.memory = 1;
    assert_whole_since_any_time(&world);
    world_close(&world);
}

/* The newest and the oldest rows in one file, which lacks our key. */
static void what_others_compacted_is_whole_since_any_time(void **state)
{
    struct world world;

    (void)state;
    begin_hours(&world);
    for (int place = AT_BRONZE; place <= AT_DEAD; place++) {
        struct hand hand;
        int stamp;

        hand_open(&hand, &world, table_at(&world, (enum place)place, &stamp));
        read_rows(&hand, 0);
        read_rows(&hand, live_count(&hand) - 1);
        live(&hand)[live_count(&hand) - 1] = write_rows(&hand, hand.column[0].rows, 0, false);
        commit(&hand, "replace", live(&hand) + 1, live_count(&hand) - 1, true);
        hand_close(&hand);
    }
    for (int i = 0; i < 4; i++)
        step_all(&world);
    assert_whole_since_any_time(&world);
    world_close(&world);
}

/* All files of all tables are listed without statistics. */
static void forget_statistics(struct world *world)
{
    for (int place = AT_BRONZE; place <= AT_GOLD; place++) {
        struct hand hand;
        int stamp;

        hand_open(&hand, world, table_at(world, (enum place)place, &stamp));
        for (size_t i = 0; i < live_count(&hand); i++) {
            struct ice_data_file *bare = ice_data_file_copy(&world->arena, live(&hand)[i]);

            bare->lower_count = bare->upper_count = 0;
            live(&hand)[i] = bare;
        }
        commit(&hand, "replace", live(&hand), live_count(&hand), true);
        hand_close(&hand);
    }
    for (int i = 0; i < 4; i++)
        step_all(world);
}

static void without_statistics_all_files_are_looked_into(void **state)
{
    struct world world;

    (void)state;
    begin_hours(&world);
    forget_statistics(&world);
    assert_whole_since_any_time(&world);
    world_close(&world);
    for (size_t i = 0; i < ARRAY_LEN(harms); i++) {
        begin_harmed(&world, &harms[i], LAST);
        forget_statistics(&world);
        world.since_us = world.round_us[LAST];
        audit(&world);
        assert_says(&world, harms[i].says);
        world_close(&world);
    }
}

static void a_late_trade_is_followed_into_its_hour(void **state)
{
    struct world world;
    struct trade trade;

    (void)state;
    begin_hours(&world);
    world.since_us = clock_now_us(world.clock) - 60 * MICROS_SECOND;
    world.generate[0].now_us = START_US + 5 * 60 * MICROS_SECOND;
    do {
        /* until it is a good one */
    } while (generate_next(&world.generate[0], &trade) != TRADE_GOOD);
    send_trade(&world, 0, 0, &trade);
    drain(&world);
    world.round_us[0] = world.since_us; /* what lose_of speaks of */
    world.round_us[1] = INT64_MAX;
    assert_whole(&world);
    lose_of(&world, tables_gold(), GOLD_INGESTION_TIMESTAMP, 0, SIZE_MAX);
    audit(&world);
    assert_int_equal(world.violations, 1);
    assert_says(&world, "gold_absent: message_id ");
    world_close(&world);
}

static void a_program_gets_json(void **state)
{
    struct world world;

    (void)state;
    begin_hours(&world);
    double_of(&world, tables_gold(), GOLD_INGESTION_TIMESTAMP, 0, false);
    world.is_json = true;
    world.since_us = world.round_us[ROUNDS];
    audit(&world);
    assert_says(&world, "{\"ok\":true,\"violations\":0,\"since\":\"2026-01-10T14:");
    world.since_us = 0;
    audit(&world);
    assert_says(&world, "{\"ok\":false,\"violations\":1,\"since\":null,\"report\":[\"");
    assert_says(&world, "\"gold_twice\":{\"count\":1,\"lines\":[\"gold_twice: message_id ");
    assert_says(&world, ",\"operation\":\"append\",\"by\":\"others\",\"added-records\":1,");
    assert_says(&world, "\"skipped\":[]}\n");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_harm_is_found_since_a_time_before_it),
        cmocka_unit_test(a_harm_from_before_is_not_reported),
        cmocka_unit_test(a_late_trade_is_followed_into_its_hour),
        cmocka_unit_test(what_is_whole_is_whole_since_any_time),
        cmocka_unit_test(what_others_compacted_is_whole_since_any_time),
        cmocka_unit_test(without_statistics_all_files_are_looked_into),
        cmocka_unit_test(a_program_gets_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
