// SPDX-License-Identifier: Apache-2.0
/* Contract of port/log.h, over all adapters; log_sqlite.c has what only that one can show. */
#include "core/random.h"
#include "log_fixture.h"
#include "log_world.h"

static struct log *open_mem(const char *folder)
{
    (void)folder;
    return log_mem_open(42);
}

/* Each world has its own cluster as far as a test can see: its topics and group have a prefix. */
static struct log *open_kafka(const char *folder)
{
    return log_kafka_world_open(getenv("K2_KAFKA"), folder);
}

static void topics_and_partitions_that_are_not_there_are_a_condition(void **state)
{
    static const struct {
        const char *topic;
        int32_t partition;
    } cases[] = {
        { "none", 0 }, { "", 0 }, { "t", 3 }, { "t", -1 }, { "t", INT32_MAX }, { "T", 0 }
    };
    struct fixture *f = *state;
    int64_t a = 7, b = 7;
    int32_t count = 7;
    struct err err = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *topic = cases[i].topic;
        int32_t partition = cases[i].partition;

        assert_int_equal(log_bounds(f->log, topic, partition, &a, &b, &err), LOG_ABSENT);
        assert_int_equal(log_timestamp_at(f->log, topic, partition, 0, &a, &err), LOG_ABSENT);
        assert_int_equal(log_read(f->log, topic, partition, 0, 1, 1, &f->batch, &a, &err),
                         LOG_ABSENT);
        assert_ok(log_retain(f->log, topic, partition, 1, INT64_MAX, &err));
    }
    assert_int_equal(log_partitions(f->log, "none", &count, &err), LOG_ABSENT);
    assert_true(a == 7 && b == 7 && count == 7);
}

static void a_topic_keeps_its_number_of_partitions(void **state)
{
    struct fixture *f = *state;
    int32_t count = 0;
    struct err err;

    assert_err(log_ensure_topic(f->log, "u", 0, &err), ERR_CONFIG);
    assert_err(log_ensure_topic(f->log, "u", -1, &err), ERR_CONFIG);
    assert_ok(log_ensure_topic(f->log, "t", 3, &err));
    assert_err(log_ensure_topic(f->log, "t", 4, &err), ERR_CONFIG);
    assert_ok(log_partitions(f->log, "t", &count, &err));
    assert_int_equal(count, 3);
    assert_ok(log_ensure_topic(f->log, "u", 40, &err));
    assert_ok(log_partitions(f->log, "u", &count, &err));
    assert_int_equal(count, 40);
}

static void a_group_for_a_partition_that_is_not_there_is_not_taken(void **state)
{
    const struct log_record records[] = { { .partition = 0, .value = SPAN("a") },
                                          { .partition = 3, .value = SPAN("b") } };
    struct fixture *f = *state;
    uint64_t acknowledged = 7;
    struct err err;

    assert_err(log_send(f->log, "none", records, 1, &err), ERR_CONFIG);
    assert_err(log_send(f->log, "t", records, 2, &err), ERR_CONFIG);
    assert_ok(log_send(f->log, "t", records, 0, &err));
    assert_ok(log_poll(f->log, 1000000, &acknowledged, &err));
    assert_int_equal(acknowledged, 0);
    assert_bounds(f, 0, 0, 0);
}

static void an_empty_partition_gives_nothing_at_its_end(void **state)
{
    struct fixture *f = *state;
    int64_t next = 7;
    struct err err = { 0 };

    assert_bounds(f, 1, 0, 0);
    assert_int_equal(read_all(f, 1, 0), 0);
    assert_int_equal(f->batch.offset.rows, 0);
    assert_int_equal(log_read(f->log, "t", 1, 1, 9, 9, &f->batch, &next, &err), LOG_OUT_OF_RANGE);
    assert_int_equal(log_read(f->log, "t", 1, -1, 9, 9, &f->batch, &next, &err), LOG_OUT_OF_RANGE);
    assert_int_equal(next, 7);
}

static void records_come_back_as_they_were_sent(void **state)
{
    struct fixture *f = *state;
    struct buf large = BUF_INIT;
    struct buf headers = BUF_INIT;
    struct span value = SPAN("x");

    log_headers_put(&headers, "k2-reason", SPAN("bad"));
    log_headers_put(&headers, "empty", SPAN(""));
    memset(buf_extend(&large, 3000000), 'x', 3000000);
    {
        const struct log_record records[] = {
            { 0, 1700000000000000, SPAN("BTCUSDT"), SPAN("one"), buf_span(&headers) },
            { 0, 1699999999999000, SPAN(""), SPAN(""), { NULL, 0 } },
            { 0, f->is_kafka ? 1000 : INT64_MIN, { NULL, 0 }, { NULL, 0 }, SPAN("") },
            { 0, f->is_kafka ? 1000 : INT64_MAX, SPAN("k"), buf_span(&large), { NULL, 0 } },
            { 0, f->is_kafka ? 1000 : 0, { NULL, 0 }, SPAN("last"), { NULL, 0 } },
        };

        send_all(f, "t", records, ARRAY_LEN(records));
        assert_int_equal(read_all(f, 0, 0), 5);
        for (size_t i = 0; i < ARRAY_LEN(records); i++) {
            assert_int_equal(column_int64(&f->batch.offset, i), i);
            assert_true(column_int64(&f->batch.timestamp, i) == records[i].timestamp_us);
            assert_int_equal(column_is_null(&f->batch.key, i), records[i].key.data == NULL);
            assert_int_equal(column_is_null(&f->batch.value, i), records[i].value.data == NULL);
            if (!f->is_kafka || records[i].headers.size > 0)
                assert_int_equal(column_is_null(&f->batch.headers, i),
                                 records[i].headers.data == NULL);
            assert_true(span_equal(column_bytes(&f->batch.key, i), records[i].key));
            assert_true(span_equal(column_bytes(&f->batch.value, i), records[i].value));
            assert_true(span_equal(column_bytes(&f->batch.headers, i), records[i].headers));
        }
    }
    assert_true(log_headers_get(column_bytes(&f->batch.headers, 0), "empty", &value));
    assert_int_equal(value.size, 0);
    buf_deinit(&large);
    buf_deinit(&headers);
}

static void offsets_are_dense_in_each_partition(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 30; i += 3)
        for (int32_t partition = 0; partition < 3; partition++)
            send_numbers(f, partition, i, 3);
    for (int32_t partition = 0; partition < 3; partition++) {
        assert_bounds(f, partition, 0, 30);
        assert_int_equal(read_all(f, partition, 0), 30);
        assert_numbers(f, 0, 30);
    }
}

static void a_read_begins_anywhere_and_appends(void **state)
{
    struct fixture *f = *state;

    send_numbers(f, 1, 0, 2500);
    send_numbers(f, 1, 2500, 7);
    for (int from = 0; from < 2507; from += f->is_kafka ? 830 : 83) {
        assert_int_equal(read_all(f, 1, from), 2507);
        assert_numbers(f, from, (size_t)(2507 - from));
    }
    read_from(f, 1, 5, 2, SIZE_MAX);
    {
        int64_t next = 0;
        struct err err;

        assert_ok(log_read(f->log, "t", 1, 7, 1, SIZE_MAX, &f->batch, &next, &err));
        assert_int_equal(next, 8);
    }
    assert_numbers(f, 5, 3);
    assert_int_equal(read_all(f, 1, 2507), 2507);
    assert_int_equal(f->batch.offset.rows, 0);
}

static void a_read_stops_at_either_limit_but_takes_one(void **state)
{
    static const struct {
        size_t records_max, bytes_max, rows;
    } cases[] = { { 0, 0, 1 },   { 1, 100, 1 },  { 7, 1000, 7 },         { 11, SIZE_MAX, 11 },
                  { 100, 1, 1 }, { 100, 2, 1 },  { 100, 3, 2 },          { 100, 9, 5 },
                  { 100, 0, 1 }, { 30, 60, 24 }, { SIZE_MAX, 10000, 40 } };
    struct fixture *f = *state;

    send_numbers(f, 2, 0, 4); /* 10 values of 2 bytes, 30 of 3, in five runs */
    for (int i = 4; i < 40; i += 9)
        send_numbers(f, 2, i, 9);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t rows = cases[i].rows;

        assert_int_equal(read_from(f, 2, 0, cases[i].records_max, cases[i].bytes_max), rows);
        assert_numbers(f, 0, rows);
    }
}

static void positions_outside_are_out_of_range(void **state)
{
    struct fixture *f = *state;
    int64_t next = 7;
    struct err err = { 0 };

    send_numbers(f, 0, 0, 10);
    assert_int_equal(log_read(f->log, "t", 0, 11, 9, 9, &f->batch, &next, &err), LOG_OUT_OF_RANGE);
    assert_int_equal(log_read(f->log, "t", 0, -1, 9, 9, &f->batch, &next, &err), LOG_OUT_OF_RANGE);
    assert_int_equal(log_read(f->log, "t", 0, INT64_MAX, 9, 9, &f->batch, &next, &err),
                     LOG_OUT_OF_RANGE);
    assert_int_equal(log_read(f->log, "t", 0, INT64_MIN, 9, 9, &f->batch, &next, &err),
                     LOG_OUT_OF_RANGE);
    assert_int_equal(f->batch.offset.rows, 0);
    assert_int_equal(next, 7);
}

static void a_timestamp_is_found_by_its_offset(void **state)
{
    struct fixture *f = *state;
    int64_t timestamp = 7;
    struct err err;

    send_numbers(f, 0, 0, 1200);
    for (int i = 0; i < 1200; i += f->is_kafka ? 570 : 57) {
        assert_ok(log_timestamp_at(f->log, "t", 0, i, &timestamp, &err));
        assert_int_equal(timestamp, BASE_US + i * 1000);
    }
    assert_int_equal(log_timestamp_at(f->log, "t", 0, 1200, &timestamp, &err), LOG_ABSENT);
    assert_int_equal(log_timestamp_at(f->log, "t", 0, -1, &timestamp, &err), LOG_ABSENT);
    assert_int_equal(log_timestamp_at(f->log, "t", 0, INT64_MAX, &timestamp, &err), LOG_ABSENT);
    assert_int_equal(log_timestamp_at(f->log, "t", 1, 0, &timestamp, &err), LOG_ABSENT);
}

static void retention_keeps_what_is_young_or_still_to_be_read(void **state)
{
    struct fixture *f = *state;
    int64_t next, timestamp;
    struct err err = { 0 };

    for (int i = 0; i < 100; i += 10)
        send_numbers(f, 0, i, 10);
    retain(f, 0, INT64_MAX);
    retain(f, 100, 0);
    assert_bounds(f, 0, 0, 100);
    retain(f, 40, BASE_US + 1000000);
    assert_bounds(f, 0, 40, 100);
    retain(f, 100, BASE_US + 60000);
    assert_bounds(f, 0, 60, 100);
    assert_int_equal(log_read(f->log, "t", 0, 59, 9, 9, &f->batch, &next, &err), LOG_OUT_OF_RANGE);
    assert_int_equal(log_timestamp_at(f->log, "t", 0, 59, &timestamp, &err), LOG_ABSENT);
    assert_int_equal(read_all(f, 0, 60), 100);
    assert_numbers(f, 60, 40);
}

static void the_end_survives_when_all_is_forgotten(void **state)
{
    struct fixture *f = *state;
    int64_t next;
    struct err err = { 0 };

    send_numbers(f, 0, 0, 50);
    send_numbers(f, 1, 0, 5);
    retain(f, INT64_MAX, INT64_MAX);
    assert_bounds(f, 0, 50, 50);
    assert_bounds(f, 1, 0, 5);
    assert_int_equal(read_all(f, 0, 50), 50);
    assert_int_equal(log_read(f->log, "t", 0, 49, 9, 9, &f->batch, &next, &err), LOG_OUT_OF_RANGE);
    send_numbers(f, 0, 50, 3);
    assert_bounds(f, 0, 50, 53);
    assert_int_equal(read_all(f, 0, 50), 53);
    assert_numbers(f, 50, 3);
}

static void random_groups_come_back_by_random_reads(void **state)
{
    struct fixture *f = *state;
    struct random random = { 99 };
    int end[3] = { 0 };

    for (int i = 0; i < 60; i++) {
        int32_t partition = (int32_t)random_below(&random, 3);
        int count = 1 + (int)random_below(&random, i % 10 == 0 ? 2500 : 20);

        send_numbers(f, partition, end[partition], count);
        end[partition] += count;
    }
    for (int i = 0; i < (f->is_kafka ? 30 : 300); i++) { /* a seek waits for what is under way */
        int32_t partition = (int32_t)random_below(&random, 3);
        int from = (int)random_below(&random, (uint64_t)end[partition] + 1);
        size_t limit = 1 + random_below(&random, 3000);
        size_t rest = (size_t)(end[partition] - from);
        size_t rows = rest < limit ? rest : limit;

        assert_int_equal(read_from(f, partition, from, limit, SIZE_MAX), from + (int)rows);
        assert_numbers(f, from, rows);
    }
}

static void the_same_log_has_the_same_cluster(void **state)
{
    struct fixture *f = *state;

    assert_true(strlen(f->log->cluster) > 3);
}

static void headers_that_are_none_are_not_found(void **state)
{
    static const uint8_t cut[][12] = { { 0 },
                                       { 1, 0, 0 },
                                       { 1, 0, 0, 0, 'a' },
                                       { 1, 0, 0, 0, 'a', 2, 0, 0, 0, 'b' },
                                       { 255, 255, 255, 255, 'a', 0, 0, 0, 0, 'b' } };
    static const size_t sizes[] = { 0, 3, 5, 10, 10 };
    struct buf headers = BUF_INIT;
    struct span value = SPAN("untouched");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cut); i++)
        assert_false(log_headers_get(span_of(cut[i], sizes[i]), "a", &value));
    log_headers_put(&headers, "ab", SPAN("1"));
    log_headers_put(&headers, "a", SPAN("2"));
    log_headers_put(&headers, "a", SPAN("3"));
    assert_false(log_headers_get(buf_span(&headers), "b", &value));
    assert_true(span_equal(value, SPAN("untouched")));
    assert_true(log_headers_get(buf_span(&headers), "a", &value));
    assert_true(span_equal(value, SPAN("2")));
    buf_deinit(&headers);
}

static void mem_skips_offsets_as_a_gap(void **state)
{
    struct fixture *f = *state;
    int64_t timestamp;
    struct err err = { 0 };

    log_mem_skip(f->log, "t", 0, 5);
    assert_int_equal(read_all(f, 0, 0), 5);
    send_numbers(f, 0, 5, 3);
    log_mem_skip(f->log, "t", 0, 2);
    assert_bounds(f, 0, 0, 10);
    send_numbers(f, 0, 10, 1);
    assert_int_equal(read_all(f, 0, 0), 11);
    assert_int_equal(f->batch.offset.rows, 4);
    assert_int_equal(column_int64(&f->batch.offset, 3), 10);
    assert_int_equal(read_from(f, 0, 8, 1, 1), 11);
    assert_int_equal(log_timestamp_at(f->log, "t", 0, 9, &timestamp, &err), LOG_ABSENT);
    assert_string_equal(f->log->cluster, "mem-42");
}

static void all_partitions_are_assigned_to_the_only_reader(void **state)
{
    int32_t partition[3];
    struct log_assignment ours = { .partition = partition, .capacity = 3 };
    struct fixture *f = *state;
    uint64_t generation;
    struct err err;

    assert_int_equal(log_assigned(f->log, "none", &ours, &err), LOG_ABSENT);
    assert_ok(log_assigned(f->log, "t", &ours, &err));
    assert_int_equal(ours.count, 3);
    for (int32_t i = 0; i < 3; i++)
        assert_int_equal(partition[i], i);
    generation = ours.generation;
    assert_true(generation > 0);
    send_numbers(f, 1, 0, 7);
    assert_ok(log_assigned(f->log, "t", &ours, &err));
    assert_true(ours.generation == generation);
    assert_int_equal(read_all(f, 0, 0), 0);
    assert_int_equal(read_all(f, 1, 0), 7);
    assert_numbers(f, 0, 7);
    ours.capacity = 2;
    assert_err(log_assigned(f->log, "t", &ours, &err), ERR_CONFIG);
}

static void all_bounds_come_at_once(void **state)
{
    struct fixture *f = *state;
    int64_t first[3] = { 9, 9, 9 }, end[3] = { 9, 9, 9 };
    struct err err;

    send_numbers(f, 0, 0, 5);
    send_numbers(f, 2, 0, 2);
    assert_ok(log_bounds_all(f->log, "t", 3, first, end, &err));
    assert_true(first[0] == 0 && first[1] == 0 && first[2] == 0);
    assert_true(end[0] == 5 && end[1] == 0 && end[2] == 2);
    assert_int_equal(log_bounds_all(f->log, "none", 3, first, end, &err), LOG_ABSENT);
    assert_int_equal(log_bounds_all(f->log, "t", 4, first, end, &err), LOG_ABSENT);
}

static int run_contract(struct adapter *adapter)
{
    const struct CMUnitTest tests[] = {
        TEST(topics_and_partitions_that_are_not_there_are_a_condition, adapter),
        TEST(a_topic_keeps_its_number_of_partitions, adapter),
        TEST(a_group_for_a_partition_that_is_not_there_is_not_taken, adapter),
        TEST(an_empty_partition_gives_nothing_at_its_end, adapter),
        TEST(records_come_back_as_they_were_sent, adapter),
        TEST(offsets_are_dense_in_each_partition, adapter),
        TEST(a_read_begins_anywhere_and_appends, adapter),
        TEST(a_read_stops_at_either_limit_but_takes_one, adapter),
        TEST(positions_outside_are_out_of_range, adapter),
        TEST(a_timestamp_is_found_by_its_offset, adapter),
        TEST(random_groups_come_back_by_random_reads, adapter),
        TEST(the_same_log_has_the_same_cluster, adapter),
        TEST(all_partitions_are_assigned_to_the_only_reader, adapter),
        TEST(all_bounds_come_at_once, adapter),
    };
    const struct CMUnitTest forgetting[] = {
        TEST(retention_keeps_what_is_young_or_still_to_be_read, adapter),
        TEST(the_end_survives_when_all_is_forgotten, adapter),
    };
    int failed = cmocka_run_group_tests_name(adapter->name, tests, NULL, NULL);

    if (!adapter->is_kafka)
        failed += cmocka_run_group_tests_name(adapter->name, forgetting, NULL, NULL);
    return failed;
}

int main(void)
{
    struct adapter mem = { "mem", open_mem, false };
    struct adapter sqlite = { "sqlite", open_sqlite, false };
    struct adapter kafka = { "kafka", open_kafka, true };
    const struct CMUnitTest own[] = {
        cmocka_unit_test(headers_that_are_none_are_not_found),
        TEST(mem_skips_offsets_as_a_gap, &mem),
    };

    return run_contract(&mem) + run_contract(&sqlite) +
           (getenv("K2_KAFKA") == NULL ? 0 : run_contract(&kafka)) +
           cmocka_run_group_tests_name("mem alone", own, NULL, NULL);
}
