// SPDX-License-Identifier: Apache-2.0
/* log_sqlite alone: what is in the file, processes and threads on it, and what happens when writing
 * fails or the process is killed. */
#include "log_fixture.h"

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

static int heal(void **state)
{
    atomic_store(&failing_syncs, 0);
    atomic_store(&full_writes, 0);
    atomic_store(&magic, 0);
    return teardown(state);
}

static void reopen(struct fixture *f)
{
    log_close(f->log);
    f->log = open_sqlite(f->folder);
    f->sent = 0;
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
        struct log_record record = { .timestamp_us = BASE_US + i * 1000, .value = { NULL, 0 } };

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
    const struct log_record record = { .timestamp_us = BASE_US + 10000, .value = SPAN("v10") };
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
    assert_int_equal(status.st_mode & 0137, 0);
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

#define SQLITE_TEST(function)                                                                      \
    cmocka_unit_test_prestate_setup_teardown(function, setup, heal, &sqlite)

int main(void)
{
    struct adapter sqlite = { "sqlite", open_sqlite, false };
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(sqlite_has_it_all_after_a_reopen),
        SQLITE_TEST(sqlite_close_writes_what_is_under_way),
        SQLITE_TEST(sqlite_takes_five_groups_and_then_is_busy),
        SQLITE_TEST(sqlite_repeats_a_group_until_the_sync_succeeds),
        SQLITE_TEST(sqlite_repeats_a_group_until_there_is_room),
        SQLITE_TEST(sqlite_closes_although_writing_fails),
        SQLITE_TEST(sqlite_names_the_run_whose_bytes_are_wrong),
        SQLITE_TEST(sqlite_gives_space_back),
        SQLITE_TEST(sqlite_makes_a_private_file_in_wal_mode),
        SQLITE_TEST(sqlite_refuses_network_file_systems),
        SQLITE_TEST(sqlite_refuses_a_file_that_is_none_of_its_own),
        SQLITE_TEST(sqlite_is_read_by_threads_while_it_is_written),
        SQLITE_TEST(sqlite_takes_the_groups_of_two_processes),
        SQLITE_TEST(sqlite_opens_in_many_processes_at_once),
        SQLITE_TEST(sqlite_has_every_acknowledged_record_after_a_kill),
    };

    return cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
}
