// SPDX-License-Identifier: Apache-2.0
/* Contract of port/log.h; for log_sqlite also what is in the file, two processes on it, and what
 * happens when writing fails or the process is killed. */
#include "port/log.h"
#include "core/random.h"
#include "lib/folder.h"
#include "lib/test.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* The writer thread is in these system calls too. */
static atomic_int failing_syncs; /* so many syncs of data fail from now on */
static atomic_int full_writes;   /* so many writes of pages find the disk full */
static atomic_long magic;        /* what statfs says instead of the truth */

int fdatasync(int fd)
{
    if (atomic_load(&failing_syncs) > 0) {
        atomic_fetch_sub(&failing_syncs, 1);
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return fdatasync(fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
    if (atomic_load(&full_writes) > 0) {
        atomic_fetch_sub(&full_writes, 1);
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

int statfs(const char *path, struct statfs *status)
{
    int rc = (int)syscall(SYS_statfs, path, status);

    if (atomic_load(&magic) != 0)
        status->f_type = atomic_load(&magic);
    return rc;
}

struct adapter {
    const char *name;
    struct log *(*open)(const char *folder);
};

struct fixture {
    char *folder;
    struct log *log;
    struct log_batch batch;
    uint64_t sent;
};

static struct log *open_mem(const char *folder)
{
    (void)folder;
    return log_mem_open(42);
}

static struct log *open_sqlite(const char *folder)
{
    struct log *log = NULL;
    struct err err = { 0 };
    char *file = folder_path(folder, "sub/log.db");

    if (log_sqlite_open(file, &log, &err) < 0)
        fail_msg("%s", err.text);
    free(file);
    return log;
}

static int setup(void **state)
{
    const struct adapter *adapter = *state;
    struct fixture *fixture = mem_zero(1, sizeof(*fixture));
    struct err err = { 0 };

    fixture->folder = folder_new();
    fixture->log = adapter->open(fixture->folder);
    log_batch_init(&fixture->batch);
    *state = fixture;
    return log_ensure_topic(fixture->log, "t", 3, &err);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    atomic_store(&failing_syncs, 0);
    atomic_store(&full_writes, 0);
    atomic_store(&magic, 0);
    log_close(fixture->log);
    log_batch_deinit(&fixture->batch);
    folder_free(fixture->folder);
    free(fixture);
    return 0;
}

static void reopen(struct fixture *f)
{
    log_close(f->log);
    f->log = open_sqlite(f->folder);
    f->sent = 0;
}

static void await(struct log *log, uint64_t count)
{
    uint64_t acknowledged = 0;
    struct err err;

    while (acknowledged < count)
        assert_ok(log_poll(log, 10000000, &acknowledged, &err));
    assert_int_equal(acknowledged, count);
}

static void send_all(struct fixture *f, const char *topic, const struct log_record *records,
                     size_t count)
{
    struct err err;

    assert_ok(log_send(f->log, topic, records, count, &err));
    f->sent += count;
    await(f->log, f->sent);
}

/* `count` records with values "v<number>", numbered from `first` on, at 1,000 us each. */
static void send_numbers(struct fixture *f, int32_t partition, int first, int count)
{
    struct log_record *records = mem_zero((size_t)count, sizeof(*records));
    char(*values)[16] = mem_zero((size_t)count, sizeof(*values));

    for (int i = 0; i < count; i++) {
        snprintf(values[i], sizeof(values[i]), "v%d", first + i);
        records[i] = (struct log_record){ .partition = partition,
                                          .timestamp_us = (first + i) * 1000,
                                          .value = span_text(values[i]) };
    }
    send_all(f, "t", records, (size_t)count);
    free(records);
    free(values);
}

static int64_t read_from(struct fixture *f, int32_t partition, int64_t from, size_t records_max,
                         size_t bytes_max)
{
    int64_t next = -1;
    struct err err;

    log_batch_clear(&f->batch);
    assert_ok(
        log_read(f->log, "t", partition, from, records_max, bytes_max, &f->batch, &next, &err));
    return next;
}

static int64_t read_all(struct fixture *f, int32_t partition, int64_t from)
{
    return read_from(f, partition, from, SIZE_MAX, SIZE_MAX);
}

/* The batch holds the numbers [first, first + count) at offsets that begin with first. */
static void assert_numbers(struct fixture *f, int first, size_t count)
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
        assert_int_equal(column_int64(&f->batch.timestamp, i), (first + (int)i) * 1000);
    }
}

static void assert_bounds(struct fixture *f, int32_t partition, int64_t first, int64_t end)
{
    int64_t is_first = -1, is_end = -1;
    struct err err;

    assert_ok(log_bounds(f->log, "t", partition, &is_first, &is_end, &err));
    assert_int_equal(is_first, first);
    assert_int_equal(is_end, end);
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
            { 0, INT64_MIN, { NULL, 0 }, { NULL, 0 }, SPAN("") },
            { 0, INT64_MAX, SPAN("k"), buf_span(&large), { NULL, 0 } },
            { 0, 0, { NULL, 0 }, SPAN("last"), { NULL, 0 } },
        };

        send_all(f, "t", records, ARRAY_LEN(records));
        assert_int_equal(read_all(f, 0, 0), 5);
        for (size_t i = 0; i < ARRAY_LEN(records); i++) {
            assert_int_equal(column_int64(&f->batch.offset, i), i);
            assert_true(column_int64(&f->batch.timestamp, i) == records[i].timestamp_us);
            assert_int_equal(column_is_null(&f->batch.key, i), records[i].key.data == NULL);
            assert_int_equal(column_is_null(&f->batch.value, i), records[i].value.data == NULL);
            assert_int_equal(column_is_null(&f->batch.headers, i), records[i].headers.data == NULL);
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
    for (int from = 0; from < 2507; from += 83) {
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
    for (int i = 0; i < 1200; i += 57) {
        assert_ok(log_timestamp_at(f->log, "t", 0, i, &timestamp, &err));
        assert_int_equal(timestamp, i * 1000);
    }
    assert_int_equal(log_timestamp_at(f->log, "t", 0, 1200, &timestamp, &err), LOG_ABSENT);
    assert_int_equal(log_timestamp_at(f->log, "t", 0, -1, &timestamp, &err), LOG_ABSENT);
    assert_int_equal(log_timestamp_at(f->log, "t", 0, INT64_MAX, &timestamp, &err), LOG_ABSENT);
    assert_int_equal(log_timestamp_at(f->log, "t", 1, 0, &timestamp, &err), LOG_ABSENT);
}

static void retain(struct fixture *f, int64_t below, int64_t older_than_us)
{
    struct err err;

    for (int i = 0; i < 20; i++)
        assert_ok(log_retain(f->log, "t", 0, below, older_than_us, &err));
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
    retain(f, 40, 1000000);
    assert_bounds(f, 0, 40, 100);
    retain(f, 100, 60000);
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
    for (int i = 0; i < 300; i++) {
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

static void sqlite_has_it_all_after_a_reopen(void **state)
{
    struct fixture *f = *state;
    char cluster[64];
    struct err err;

    snprintf(cluster, sizeof(cluster), "%s", f->log->cluster);
    send_numbers(f, 0, 0, 20);
    retain(f, INT64_MAX, INT64_MAX);
    send_numbers(f, 0, 20, 5);
    reopen(f);
    assert_string_equal(f->log->cluster, cluster);
    assert_err(log_ensure_topic(f->log, "t", 2, &err), ERR_CONFIG);
    assert_bounds(f, 0, 20, 25);
    send_numbers(f, 0, 25, 5);
    assert_int_equal(read_all(f, 0, 20), 30);
    assert_numbers(f, 20, 10);
}

static void sqlite_close_writes_what_is_under_way(void **state)
{
    struct fixture *f = *state;
    struct err err;

    for (int i = 0; i < 3; i++) {
        char value[16];
        struct log_record record = { .timestamp_us = i * 1000, .value = { NULL, 0 } };

        snprintf(value, sizeof(value), "v%d", i);
        record.value = span_text(value);
        assert_ok(log_send(f->log, "t", &record, 1, &err));
    }
    reopen(f);
    assert_int_equal(read_all(f, 0, 0), 3);
    assert_numbers(f, 0, 3);
}

static void sqlite_takes_five_groups_and_then_is_busy(void **state)
{
    const struct log_record record = { .value = SPAN("x") };
    struct fixture *f = *state;
    uint64_t sent = 0;
    sqlite3 *db = NULL;
    char *file = folder_path(f->folder, "sub/log.db");
    struct err err;

    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (; sent < 5; sent++)
        assert_ok(log_send(f->log, "t", &record, 1, &err));
    assert_int_equal(log_send(f->log, "t", &record, 1, &err), LOG_BUSY);
    assert_ok(log_poll(f->log, 0, &sent, &err));
    assert_int_equal(sent, 0);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    await(f->log, 5);
    assert_ok(log_send(f->log, "t", &record, 1, &err));
    await(f->log, 6);
    sqlite3_close(db);
    free(file);
}

/* One group goes in although the first `faults` tries at it fail. */
static void send_through_faults(struct fixture *f, atomic_int *fault, enum err_kind kind)
{
    const struct log_record record = { .timestamp_us = 10000, .value = SPAN("v10") };
    uint64_t acknowledged = 0;
    struct err err = { 0 };

    send_numbers(f, 0, 0, 10);
    atomic_store(fault, 1000000);
    assert_ok(log_send(f->log, "t", &record, 1, &err));
    assert_err(log_poll(f->log, 20000000, &acknowledged, &err), (int)kind);
    assert_int_equal(acknowledged, 10);
    assert_err(log_send(f->log, "t", &record, 1, &err), (int)kind);
    atomic_store(fault, 0);
    while (acknowledged < 11) {
        int rc = log_poll(f->log, 20000000, &acknowledged, &err);

        assert_true(rc == 0 || err.kind == kind);
    }
    assert_ok(log_poll(f->log, 0, &acknowledged, &err));
    assert_int_equal(read_all(f, 0, 0), 11);
    assert_numbers(f, 0, 11);
    reopen(f);
    assert_int_equal(read_all(f, 0, 0), 11);
}

static void sqlite_repeats_a_group_until_the_sync_succeeds(void **state)
{
    send_through_faults(*state, &failing_syncs, ERR_RETRY);
}

static void sqlite_repeats_a_group_until_there_is_room(void **state)
{
    send_through_faults(*state, &full_writes, ERR_FULL);
}

static void sqlite_closes_although_writing_fails(void **state)
{
    const struct log_record record = { .value = SPAN("x") };
    struct fixture *f = *state;
    struct err err;

    send_numbers(f, 0, 0, 10);
    atomic_store(&failing_syncs, 1000000);
    assert_ok(log_send(f->log, "t", &record, 1, &err));
    log_close(f->log);
    atomic_store(&failing_syncs, 0);
    f->log = open_sqlite(f->folder);
    /* It was not acknowledged, so either is right: the pages lay in the WAL without a sync. */
    assert_in_range(read_all(f, 0, 0), 10, 11);
}

static void run_sql(struct fixture *f, const char *sql)
{
    char *file = folder_path(f->folder, "sub/log.db");
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
    free(file);
}

static int query(struct fixture *f, const char *sql)
{
    char *file = folder_path(f->folder, "sub/log.db");
    sqlite3_stmt *statement = NULL;
    sqlite3 *db = NULL;
    int value;

    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    value = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    free(file);
    return value;
}

static void sqlite_names_the_run_whose_bytes_are_wrong(void **state)
{
    static const char *const damages[] = {
        "UPDATE runs SET body = substr(body, 1, 20) || x'00' || substr(body, 22)",
        "UPDATE runs SET body = x''",
        "UPDATE runs SET body = 'some text that is no run at all'",
        "UPDATE runs SET body = substr(body, 1, length(body) - 1)",
        "UPDATE runs SET body = x'02' || substr(body, 2)",
        "UPDATE runs SET first_offset = first_offset + 1",
        "UPDATE runs SET first_offset = -5",
        "UPDATE runs SET run = run + 1 WHERE (run & 0xfffffffff) = 29",
        "DELETE FROM runs WHERE first_offset = 10",
    };
    struct fixture *f = *state;
    int64_t next = 7;
    struct err err;

    for (int i = 0; i < 30; i += 10)
        send_numbers(f, 1, i, 10);
    run_sql(f, "CREATE TABLE kept AS SELECT * FROM runs");
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        run_sql(f, damages[i]);
        log_batch_clear(&f->batch);
        assert_err(log_read(f->log, "t", 1, 3, 100, SIZE_MAX, &f->batch, &next, &err), ERR_CORRUPT);
        assert_non_null(strstr(err.text, "t/1 at "));
        assert_int_equal(next, 7);
        run_sql(f, "DELETE FROM runs; INSERT INTO runs SELECT * FROM kept");
        assert_int_equal(read_all(f, 1, 0), 30);
        assert_numbers(f, 0, 30);
    }
}

static void sqlite_gives_space_back(void **state)
{
    struct fixture *f = *state;
    struct buf large = BUF_INIT;
    int before;
    struct err err;

    assert_int_equal(query(f, "PRAGMA auto_vacuum"), 2);
    memset(buf_extend(&large, 100000), 'x', 100000);
    for (int i = 0; i < 40; i++) {
        const struct log_record record = { .timestamp_us = i, .value = buf_span(&large) };

        send_all(f, "t", &record, 1);
    }
    before = query(f, "PRAGMA page_count");
    for (int i = 0; i < 5; i++)
        assert_ok(log_retain(f->log, "t", 0, 40, INT64_MAX, &err));
    assert_true(query(f, "PRAGMA page_count") * 4 < before);
    assert_bounds(f, 0, 40, 40);
    buf_deinit(&large);
}

static void sqlite_makes_a_private_file_in_wal_mode(void **state)
{
    struct fixture *f = *state;
    char *file = folder_path(f->folder, "sub/log.db");
    struct stat status;

    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640 & ~(umask(022) & 0));
    assert_int_equal(query(f, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode='wal'"),
                     1);
    free(file);
}

static void sqlite_refuses_network_file_systems(void **state)
{
    struct fixture *f = *state;
    char *file = folder_path(f->folder, "other.db");
    struct log *log = NULL;
    struct err err;

    atomic_store(&magic, NFS_SUPER_MAGIC);
    assert_err(log_sqlite_open(file, &log, &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, "network"));
    assert_null(log);
    assert_int_equal(access(file, F_OK), -1);
    free(file);
}

static void sqlite_refuses_a_file_that_is_none_of_its_own(void **state)
{
    struct fixture *f = *state;
    char *file = folder_path(f->folder, "text");
    FILE *text = fopen(file, "w");
    struct log *log = NULL;
    struct err err;

    fputs("this is not a database, though it is long enough to have a header of a page", text);
    fclose(text);
    assert_err(log_sqlite_open(file, &log, &err), ERR_CORRUPT);
    assert_err(log_sqlite_open(f->folder, &log, &err), ERR_CONFIG);
    free(file);
}

struct reader {
    struct log *log;
    struct log_batch batch;
    atomic_int *end; /* read until there */
    bool dense;
};

static void *read_along(void *argument)
{
    struct reader *reader = argument;
    int64_t position = 0;
    struct err err = { 0 };

    reader->dense = true;
    while (reader->dense && position < atomic_load(reader->end)) {
        int64_t timestamp, next = position;

        log_batch_clear(&reader->batch);
        reader->dense = log_read(reader->log, "t", 0, position, 37, SIZE_MAX, &reader->batch, &next,
                                 &err) == 0 &&
                        next == position + (int64_t)reader->batch.offset.rows &&
                        (next == position ||
                         (column_int64(&reader->batch.offset, 0) == position &&
                          log_timestamp_at(reader->log, "t", 0, position, &timestamp, &err) == 0));
        position = next;
    }
    return NULL;
}

static void sqlite_is_read_by_threads_while_it_is_written(void **state)
{
    enum { RECORDS = 400 };
    struct fixture *f = *state;
    struct reader readers[2];
    atomic_int end = RECORDS;
    pthread_t threads[2];
    struct err err;

    for (int i = 0; i < 2; i++) {
        readers[i] = (struct reader){ .log = f->log, .end = &end };
        log_batch_init(&readers[i].batch);
        assert_int_equal(pthread_create(&threads[i], NULL, read_along, &readers[i]), 0);
    }
    for (int i = 0; i < RECORDS; i += 4) {
        send_numbers(f, 0, i, 4);
        assert_ok(log_retain(f->log, "t", 1, INT64_MAX, INT64_MAX, &err));
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_true(readers[i].dense);
        log_batch_deinit(&readers[i].batch);
    }
}

/* Sends groups of two, tagged, and says after each how many are acknowledged. */
static void produce(const char *folder, char tag, uint32_t groups, int report)
{
    struct log *log = open_sqlite(folder);
    uint64_t acknowledged = 0;
    struct err err = { 0 };

    if (log_ensure_topic(log, "t", 3, &err) < 0)
        _exit(2);
    for (uint32_t i = 0; i < groups;) {
        char values[2][24];
        struct log_record records[2];
        int rc;

        for (uint32_t k = 0; k < 2; k++) {
            snprintf(values[k], sizeof(values[k]), "%c%u", tag, i * 2 + k);
            records[k] = (struct log_record){ .timestamp_us = i, .value = span_text(values[k]) };
        }
        rc = log_send(log, "t", records, 2, &err);
        if (rc < 0)
            _exit(3);
        i += rc == 0;
        if (log_poll(log, rc == 0 ? 0 : 1000000, &acknowledged, &err) < 0)
            _exit(4);
        if (report >= 0 &&
            write(report, &acknowledged, sizeof(acknowledged)) != sizeof(acknowledged))
            _exit(5);
    }
    log_close(log);
    _exit(0);
}

/* How many records with this tag there are, numbered from 0 on in order; offsets are dense. */
static uint32_t count_tagged(struct fixture *f, char tag)
{
    uint32_t count = 0;

    for (size_t i = 0; i < f->batch.offset.rows; i++) {
        struct span value = column_bytes(&f->batch.value, i);
        char text[24];

        assert_int_equal(column_int64(&f->batch.offset, i), i);
        if (value.data[0] == tag) {
            snprintf(text, sizeof(text), "%c%u", tag, count++);
            assert_true(span_equal(value, span_text(text)));
        }
    }
    return count;
}

static void sqlite_takes_the_groups_of_two_processes(void **state)
{
    enum { GROUPS = 300 };
    struct fixture *f = *state;
    pid_t children[2];

    log_close(f->log);
    f->log = NULL;
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0)
            produce(f->folder, (char)('a' + i), GROUPS, -1);
    }
    for (int i = 0; i < 2; i++) {
        int status = -1;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    f->log = open_sqlite(f->folder);
    assert_int_equal(read_all(f, 0, 0), GROUPS * 4);
    assert_int_equal(count_tagged(f, 'a'), GROUPS * 2);
    assert_int_equal(count_tagged(f, 'b'), GROUPS * 2);
}

static void sqlite_opens_in_many_processes_at_once(void **state)
{
    enum { PROCESSES = 6 };
    struct fixture *f = *state;
    pid_t children[PROCESSES];

    log_close(f->log);
    f->log = NULL;
    folder_free(f->folder);
    f->folder = folder_new();
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0)
            produce(f->folder, (char)('a' + i), 3, -1);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    f->log = open_sqlite(f->folder);
    assert_int_equal(read_all(f, 0, 0), PROCESSES * 6);
    for (int i = 0; i < PROCESSES; i++)
        assert_int_equal(count_tagged(f, (char)('a' + i)), 6);
}

static void sqlite_has_every_acknowledged_record_after_a_kill(void **state)
{
    struct fixture *f = *state;
    uint64_t last = 0;
    uint32_t count;
    int ends[2];
    pid_t child;

    log_close(f->log);
    f->log = NULL;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0)
        produce(f->folder, 'a', UINT32_MAX / 2, ends[1]);
    close(ends[1]);
    while (last < 200)
        assert_int_equal(read(ends[0], &last, sizeof(last)), sizeof(last));
    kill(child, SIGKILL);
    while (read(ends[0], &last, sizeof(last)) == sizeof(last))
        ;
    close(ends[0]);
    waitpid(child, NULL, 0);
    f->log = open_sqlite(f->folder);
    read_all(f, 0, 0);
    count = count_tagged(f, 'a');
    assert_int_equal(count, f->batch.offset.rows);
    assert_true(count >= last && count % 2 == 0 && count <= last + 12);
}

#define TEST(function, adapter)                                                                    \
    cmocka_unit_test_prestate_setup_teardown(function, setup, teardown, adapter)

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
        TEST(retention_keeps_what_is_young_or_still_to_be_read, adapter),
        TEST(the_end_survives_when_all_is_forgotten, adapter),
        TEST(random_groups_come_back_by_random_reads, adapter),
        TEST(the_same_log_has_the_same_cluster, adapter),
    };

    return cmocka_run_group_tests_name(adapter->name, tests, NULL, NULL);
}

int main(void)
{
    struct adapter mem = { "mem", open_mem };
    struct adapter sqlite = { "sqlite", open_sqlite };
    const struct CMUnitTest own[] = {
        cmocka_unit_test(headers_that_are_none_are_not_found),
        TEST(mem_skips_offsets_as_a_gap, &mem),
        TEST(sqlite_has_it_all_after_a_reopen, &sqlite),
        TEST(sqlite_close_writes_what_is_under_way, &sqlite),
        TEST(sqlite_takes_five_groups_and_then_is_busy, &sqlite),
        TEST(sqlite_repeats_a_group_until_the_sync_succeeds, &sqlite),
        TEST(sqlite_repeats_a_group_until_there_is_room, &sqlite),
        TEST(sqlite_closes_although_writing_fails, &sqlite),
        TEST(sqlite_names_the_run_whose_bytes_are_wrong, &sqlite),
        TEST(sqlite_gives_space_back, &sqlite),
        TEST(sqlite_makes_a_private_file_in_wal_mode, &sqlite),
        TEST(sqlite_refuses_network_file_systems, &sqlite),
        TEST(sqlite_refuses_a_file_that_is_none_of_its_own, &sqlite),
        TEST(sqlite_is_read_by_threads_while_it_is_written, &sqlite),
        TEST(sqlite_takes_the_groups_of_two_processes, &sqlite),
        TEST(sqlite_opens_in_many_processes_at_once, &sqlite),
        TEST(sqlite_has_every_acknowledged_record_after_a_kill, &sqlite),
    };

    return run_contract(&mem) + run_contract(&sqlite) +
           cmocka_run_group_tests_name("one alone", own, NULL, NULL);
}
