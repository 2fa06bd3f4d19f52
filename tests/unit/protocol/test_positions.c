// SPDX-License-Identifier: Apache-2.0
#include "protocol/positions.h"

#include "lib/test.h"

static const struct ice_definition definition = { .name = "t" };

/* A table document whose properties are these, through ice_metadata. */
static struct ice_metadata *metadata_with(const struct ice_pair *properties, size_t count)
{
    static const struct parquet_field field = { .name = "a", .field_id = 1, .kind = PARQUET_LONG };
    struct ice_definition with_field = definition;
    struct ice_metadata *metadata = NULL;
    struct buf json = BUF_INIT;
    struct err err;

    with_field.field = &field;
    with_field.field_count = 1;
    ice_metadata_create(&with_field, "0b0c1d2e-0000-4000-8000-000000000000", "mem://w/t", 1,
                        properties, count, &json);
    assert_ok(ice_metadata_parse(buf_span(&json), "", &metadata, &err));
    buf_deinit(&json);
    return metadata;
}

static void what_is_no_map_is_refused_with_its_key(void **state)
{
    static const struct {
        const char *key, *value;
    } bad[] = {
        { "k2.offsets", "" },
        { "k2.offsets", "[]" },
        { "k2.offsets", "{\"t\":{\"0\":[1,2,3,4,5]}}" },
        { "k2.offsets", "{\"t\":{\"cluster\":\"c\",\"0\":[1,2,3,4]}}" },
        { "k2.offsets", "{\"t\":{\"cluster\":\"c\",\"x\":[1,2,3,4,5]}}" },
        { "k2.offsets", "{\"t\":{\"cluster\":\"c\",\"-1\":[1,2,3,4,5]}}" },
        { "k2.offsets", "{\"t\":{\"cluster\":\"c\",\"0\":[-1,2,3,4,5]}}" },
        { "k2.offsets", "{\"t\":{\"cluster\":null,\"0\":[1,2,3,4,5]}}" },
        { "k2.inputs", "{\"b\":{}}" },
        { "k2.inputs", "{\"b\":{\"uuid\":null,\"epoch\":0,\"sequence\":0,\"taken\":0}}" },
        { "k2.inputs", "{\"b\":{\"uuid\":\"u\",\"epoch\":-1,\"sequence\":0,\"taken\":0}}" },
        { "k2.inputs", "{\"b\":7}" },
        { "k2.retained-from", "{\"t\":5}" },
        { "k2.retained-from", "{\"t\":{\"99999999999\":5}}" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct ice_pair pairs[] = { { "k2.commit-id", "c" }, { bad[i].key, bad[i].value } };
        struct ice_metadata *metadata = metadata_with(pairs, ARRAY_LEN(pairs));
        struct arena arena = ARENA_INIT;
        struct positions map;
        struct err err;

        positions_init(&map, &arena);
        assert_err(positions_of_properties(&map, metadata, &err), ERR_CORRUPT);
        assert_non_null(strstr(err.text, bad[i].key));
        assert_int_equal(map.offset_count + map.input_count + map.retained_count, 0);
        ice_metadata_unref(metadata);
        arena_deinit(&arena);
    }
}

static void properties_without_a_commit_id_are_foreign(void **state)
{
    const struct ice_pair pair = { "k2.epoch", "3" };
    struct ice_metadata *metadata = metadata_with(&pair, 1);
    struct arena arena = ARENA_INIT;
    struct positions map;
    struct err err;

    (void)state;
    positions_init(&map, &arena);
    assert_int_equal(positions_of_properties(&map, metadata, &err), POSITIONS_FOREIGN);
    ice_metadata_unref(metadata);
    arena_deinit(&arena);
}

static void fill(struct positions *map)
{
    const char *topics[] = { "market.crypto.trades.binance", "market.crypto.trades.binance.dlq" };

    map->epoch = 7;
    map->complete_us = INT64_C(1795341600123456);
    map->commit_id = "id";
    map->worker = "host-1";
    for (int32_t p = 0; p < 45; p++)
        for (size_t t = 0; t < (p < 2 ? 2 : 1); t++) {
            positions_set_offset(map, &(struct position_offset){ .topic = topics[t],
                                                                 .cluster = "c",
                                                                 .partition = p,
                                                                 .next = INT64_C(1) << 40,
                                                                 .last = p - 1,
                                                                 .last_us = p * 1000,
                                                                 .rows = p,
                                                                 .high = p - 1 });
            positions_set_retained(map, &(struct position_retained){ topics[t], p, p % 3 });
        }
    positions_set_input(map, &(struct position_input){ .table = "bronze_binance_trades",
                                                       .uuid = "u-1",
                                                       .epoch = 2,
                                                       .snapshot = INT64_MAX,
                                                       .sequence = 4,
                                                       .begun = POSITION_NONE,
                                                       .taken = 3,
                                                       .complete_us = 17 });
    positions_set_input(map, &(struct position_input){ .table = "silver_binance_trades",
                                                       .uuid = "u-2",
                                                       .snapshot = 5,
                                                       .sequence = 6,
                                                       .begun = POSITION_NONE,
                                                       .listed = INT64_MAX,
                                                       .through = 9,
                                                       .part_files = 3,
                                                       .part_rows = 1000 });
}

static void a_map_survives_its_text(void **state)
{
    struct arena arena = ARENA_INIT;
    struct ice_pair pairs[POSITIONS_PAIRS], again[POSITIONS_PAIRS];
    struct positions map, read;
    struct ice_metadata *metadata;
    struct err err;

    (void)state;
    positions_init(&map, &arena);
    fill(&map);
    positions_pairs(&map, pairs);
    metadata = metadata_with(pairs, POSITIONS_PAIRS);
    positions_init(&read, &arena);
    assert_ok(positions_of_properties(&read, metadata, &err));
    positions_pairs(&read, again);
    for (size_t i = 0; i < POSITIONS_PAIRS; i++)
        assert_string_equal(pairs[i].value, again[i].value);
    assert_int_equal(read.epoch, 7);
    assert_int_equal(read.complete_us, map.complete_us);
    assert_string_equal(pairs[6].value, "2026-11-22T10:00:00.123456Z");
    assert_int_equal(positions_input(&read, "bronze_binance_trades")->complete_us, 17);
    assert_int_equal(positions_input(&read, "bronze_binance_trades")->snapshot, INT64_MAX);
    assert_int_equal(positions_input(&read, "bronze_binance_trades")->through, 0);
    for (size_t i = 0; i < map.input_count; i++)
        assert_true(
            positions_same_input(&map.input[i], positions_input(&read, map.input[i].table)));
    assert_int_equal(positions_input(&read, "silver_binance_trades")->through, 9);
    assert_int_equal(positions_retained(&read, "market.crypto.trades.binance", 44), 2);
    assert_null(positions_offset(&read, "market.crypto.trades.kraken", 0));
    for (size_t i = 0; i < map.offset_count; i++)
        assert_true(positions_same_offset(
            &map.offset[i], positions_offset(&read, map.offset[i].topic, map.offset[i].partition)));
    ice_metadata_unref(metadata);
    arena_deinit(&arena);
}

static void a_map_without_a_claim_has_no_text_of_it(void **state)
{
    struct arena arena = ARENA_INIT;
    struct ice_pair pairs[POSITIONS_PAIRS];
    struct positions map;

    (void)state;
    positions_init(&map, &arena);
    fill(&map);
    positions_remove_inputs(&map);
    positions_pairs(&map, pairs);
    assert_string_equal(pairs[6].key, "k2.complete-through");
    assert_null(pairs[6].value);
    arena_deinit(&arena);
}

static void a_claim_that_cannot_be_read_is_none(void **state)
{
    static const char *const texts[] = { "", "yesterday", "1795341600", "1969-12-31T23:00:00Z" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const struct ice_pair pairs[] = { { "k2.commit-id", "c" },
                                          { "k2.complete-through", texts[i] } };
        struct ice_metadata *metadata = metadata_with(pairs, ARRAY_LEN(pairs));
        struct arena arena = ARENA_INIT;
        struct positions map;
        struct err err;

        positions_init(&map, &arena);
        assert_ok(positions_of_properties(&map, metadata, &err));
        assert_int_equal(map.complete_us, 0);
        ice_metadata_unref(metadata);
        arena_deinit(&arena);
    }
}

static void ends_are_reached_when_all_are(void **state)
{
    int64_t first[] = { 0, 5, 0 }, end[] = { 0, 5, 4 };
    struct position_note note = { "t", 1, first, end, 3 };
    struct position_offset entry = { .topic = "t", .cluster = "c", .partition = 2, .next = 3 };
    struct arena arena = ARENA_INIT;
    struct positions map;

    (void)state;
    positions_init(&map, &arena);
    assert_false(positions_reach(&map, &note)); /* 2 was never read */
    positions_set_offset(&map, &entry);
    assert_false(positions_reach(&map, &note));
    entry.next = 4;
    positions_set_offset(&map, &entry);
    assert_true(positions_reach(&map, &note)); /* 0 and 1 have nothing to read */
    end[1] = 6;
    assert_false(positions_reach(&map, &note));
    end[1] = 5;
    note.at_us = 0;
    assert_false(positions_reach(&map, &note)); /* nothing was noted */
    arena_deinit(&arena);
}

static void a_copy_does_not_follow_its_original(void **state)
{
    struct arena first = ARENA_INIT, second = ARENA_INIT;
    struct positions map, copy;

    (void)state;
    positions_init(&map, &first);
    fill(&map);
    positions_copy(&copy, &second, &map);
    positions_remove_inputs(&map);
    arena_deinit(&first);
    assert_int_equal(copy.input_count, 2);
    assert_string_equal(copy.input[0].uuid, "u-1");
    assert_int_equal(positions_next(&copy, "market.crypto.trades.binance", 3), INT64_C(1) << 40);
    arena_deinit(&second);
}

static void no_entry_is_the_same_as_one_at_the_beginning(void **state)
{
    const struct position_offset begin = { .last = POSITION_NONE, .high = POSITION_NONE };
    struct position_offset moved = begin;
    const struct position_input first = { .uuid = "u",
                                          .snapshot = POSITION_NONE,
                                          .begun = POSITION_NONE };
    struct position_input other = first;

    (void)state;
    moved.next = 1;
    assert_true(positions_same_offset(NULL, NULL));
    assert_true(positions_same_offset(NULL, &begin));
    assert_false(positions_same_offset(&moved, NULL));
    other.epoch = 1;
    assert_true(positions_same_input(NULL, &first));
    assert_false(positions_same_input(&first, &other));
    other = first;
    other.through = 1;
    assert_false(positions_same_input(&first, &other));
    other.listed = 2;
    assert_false(positions_same_input(&first, &other));
    for (int i = 0; i < 2; i++) {
        struct position_input part = other;

        part.part_files = i;
        part.part_rows = 1 - i;
        assert_false(positions_same_input(&part, &other));
    }
    assert_true(positions_same_input(&other, &other));
    assert_false(positions_same_input(&first, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_map_is_refused_with_its_key),
        cmocka_unit_test(properties_without_a_commit_id_are_foreign),
        cmocka_unit_test(a_map_survives_its_text),
        cmocka_unit_test(a_map_without_a_claim_has_no_text_of_it),
        cmocka_unit_test(a_claim_that_cannot_be_read_is_none),
        cmocka_unit_test(ends_are_reached_when_all_are),
        cmocka_unit_test(a_copy_does_not_follow_its_original),
        cmocka_unit_test(no_entry_is_the_same_as_one_at_the_beginning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
