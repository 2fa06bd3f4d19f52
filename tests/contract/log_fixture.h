// SPDX-License-Identifier: Apache-2.0
/* log_fixture.h: what the log's suites share: a log with topic "t" of three partitions, and records
 * that are numbered so that they can be checked. */
#ifndef K2_TESTS_CONTRACT_LOG_FIXTURE_H
#define K2_TESTS_CONTRACT_LOG_FIXTURE_H

#include "port/log.h"
#include "lib/folder.h"
#include "lib/test.h"

struct adapter {
    const char *name;
    struct log *(*open)(const char *folder);
    bool
        is_kafka; /* milliseconds from 1 on, near ours; empty headers are none; keeps what it has */
};

/* Of the record numbered 0: some time in 2023. */
#define BASE_US INT64_C(1700000000000000)

struct fixture {
    bool is_kafka;
    char *folder;
    struct log *log;
    struct log_batch batch;
    uint64_t sent;
};

static inline struct log *open_sqlite(const char *folder)
{
    struct log *log = NULL;
    struct err err = { 0 };
    char *file = folder_path(folder, "sub/log.db");

    if (log_sqlite_open(file, &log, &err) < 0)
        fail_msg("%s", err.text);
    free(file);
    return log;
}

static inline int setup(void **state)
{
    const struct adapter *adapter = *state;
    struct fixture *fixture = mem_zero(1, sizeof(*fixture));
    struct err err = { 0 };

    fixture->folder = folder_new();
    fixture->is_kafka = adapter->is_kafka;
    fixture->log = adapter->open(fixture->folder);
    log_batch_init(&fixture->batch);
    *state = fixture;
    return log_ensure_topic(fixture->log, "t", 3, &err);
}

static inline int teardown(void **state)
{
    struct fixture *fixture = *state;

    log_close(fixture->log);
    log_batch_deinit(&fixture->batch);
    folder_free(fixture->folder);
    free(fixture);
    return 0;
}

static inline void await(struct log *log, uint64_t count)
{
    uint64_t acknowledged = 0;
    struct err err;

    while (acknowledged < count)
        assert_ok(log_poll(log, 10000000, &acknowledged, &err));
    assert_int_equal(acknowledged, count);
}

static inline void send_all(struct fixture *f, const char *topic, const struct log_record *records,
                            size_t count)
{
    struct err err;

    assert_ok(log_send(f->log, topic, records, count, &err));
    f->sent += count;
    await(f->log, f->sent);
}

/* `count` records with values "v<number>", numbered from `first` on, 1,000 us apart. */
static inline void send_numbers(struct fixture *f, int32_t partition, int first, int count)
{
    struct log_record *records = mem_zero((size_t)count, sizeof(*records));
    char(*values)[16] = mem_zero((size_t)count, sizeof(*values));

    for (int i = 0; i < count; i++) {
        snprintf(values[i], sizeof(values[i]), "v%d", first + i);
        records[i] = (struct log_record){ .partition = partition,
                                          .timestamp_us = BASE_US + (first + i) * 1000,
                                          .value = span_text(values[i]) };
    }
    send_all(f, "t", records, (size_t)count);
    free(records);
    free(values);
}

static inline int64_t read_from(struct fixture *f, int32_t partition, int64_t from,
                                size_t records_max, size_t bytes_max)
{
    int64_t next = -1;
    struct err err;

    log_batch_clear(&f->batch);
    assert_ok(
        log_read(f->log, "t", partition, from, records_max, bytes_max, &f->batch, &next, &err));
    return next;
}

static inline int64_t read_all(struct fixture *f, int32_t partition, int64_t from)
{
    return read_from(f, partition, from, SIZE_MAX, SIZE_MAX);
}

/* The batch holds the numbers [first, first + count) at offsets that begin with first. */
static inline void assert_numbers(struct fixture *f, int first, size_t count)
{
    assert_int_equal(f->batch.offset.rows, count);
    assert_int_equal(f->batch.timestamp.rows, count);
    assert_int_equal(f->batch.key.rows, count);
    assert_int_equal(f->batch.value.rows, count);
    assert_int_equal(f->batch.headers.rows, count);
    for (size_t i = 0; i < count; i++) {
        char value[16];

        snprintf(value, sizeof(value), "v%d", first + (int)i);
        assert_true(span_equal(column_bytes(&f->batch.value, i), span_text(value)));
        assert_int_equal(column_int64(&f->batch.offset, i), first + (int)i);
        assert_int_equal(column_int64(&f->batch.timestamp, i), BASE_US + (first + (int)i) * 1000);
    }
}

static inline void assert_bounds(struct fixture *f, int32_t partition, int64_t first, int64_t end)
{
    int64_t is_first = -1, is_end = -1;
    struct err err;

    assert_ok(log_bounds(f->log, "t", partition, &is_first, &is_end, &err));
    assert_int_equal(is_first, first);
    assert_int_equal(is_end, end);
}

static inline void retain(struct fixture *f, int64_t below, int64_t older_than_us)
{
    struct err err;

    for (int i = 0; i < 20; i++)
        assert_ok(log_retain(f->log, "t", 0, below, older_than_us, &err));
}

#define TEST(function, adapter)                                                                    \
    cmocka_unit_test_prestate_setup_teardown(function, setup, teardown, adapter)

#endif
