// SPDX-License-Identifier: Apache-2.0
/*
 * log_sqlite_writer.c: five slots and one thread that writes all waiting ones in one transaction.
 *
 * So a sync is paid for as many groups as came in during the last one.  Offsets are given inside
 * the transaction, which takes the write lock first: several processes may write one file.  A try
 * that fails is repeated until it succeeds.
 */
#include "port/log_sqlite.h"
#include "core/micros.h"
#include "core/num.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

enum {
    SLOTS = 5,
    RUN_RECORDS_MAX = 1000,
    RUN_BYTES_MAX = 256 * 1024, /* a run is cut once it is longer */
    RUN_KEPT_BYTES_MAX = 64 * 1024,
    RECORD_BYTES_MAX = 64 * 1024 * 1024,
    BACKOFF_US_MIN = 100000,
    BACKOFF_US_MAX = 5000000,
};

struct slot {
    struct log_sqlite_topic *topic;
    struct log_record *records; /* pointing into bytes */
    size_t count;
    size_t capacity;
    struct buf bytes;
};

struct log_sqlite_writer {
    char *file;
    pthread_mutex_t lock;
    pthread_cond_t work;    /* a slot was filled, or stop */
    pthread_cond_t changed; /* acknowledged or failing */
    pthread_t thread;
    bool started, stop;
    bool failing;          /* the oldest group could not be written so far */
    bool failure_reported; /* by poll */
    struct err failure;
    uint64_t acknowledged;
    uint64_t reported; /* what poll said last */
    struct slot slots[SLOTS];
    size_t first; /* the oldest slot in use; only the thread moves it */
    size_t used;

    /* The thread's own. */
    sqlite3 *db;
    sqlite3_stmt *advance, *insert;
};

static struct timespec after_us(int64_t us)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += us / MICROS_SECOND;
    at.tv_nsec += us % MICROS_SECOND * 1000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

static int prepare(struct log_sqlite_writer *writer, struct err *err)
{
    if ((writer->db == NULL && log_sqlite_connect(writer->file, &writer->db, err) < 0) ||
        (writer->advance == NULL &&
         sqlite_db_prepare(writer->db,
                           "UPDATE partitions SET next_offset = next_offset + ?2 WHERE id=?1"
                           " RETURNING next_offset",
                           &writer->advance, err) < 0) ||
        sqlite_db_prepare(writer->db,
                          "INSERT INTO runs(run, first_offset, timestamp_max, body)"
                          " VALUES(?1, ?2, ?3, ?4)",
                          &writer->insert, err) < 0)
        return -1;
    return 0;
}

/* *end: the partition's next offset behind `count` new ones. */
static int advance(struct log_sqlite_writer *writer, int64_t id, size_t count, int64_t *end,
                   struct err *err)
{
    int rc;

    sqlite_db_bind_int(writer->advance, 1, id);
    sqlite_db_bind_int(writer->advance, 2, (int64_t)count);
    rc = sqlite_db_step(writer->advance, err);
    *end = rc == SQLITE_DB_ROW ? sqlite3_column_int64(writer->advance, 0) : 0;
    sqlite3_reset(writer->advance);
    if (rc < 0)
        return -1;
    if (*end < (int64_t)count || *end > LOG_SQLITE_OFFSET_MAX)
        return err_set(err, ERR_CORRUPT, "partition %" PRId64 ": next offset %" PRId64, id, *end);
    return 0;
}

static int insert_run(struct log_sqlite_writer *writer, int64_t id, struct log_run *run,
                      struct err *err)
{
    struct span body;
    int64_t end;
    int rc;

    if (advance(writer, id, run->count, &end, err) < 0)
        return -1;
    body = log_run_end(run);
    sqlite_db_bind_int(writer->insert, 1, log_sqlite_key(id, end - 1));
    sqlite_db_bind_int(writer->insert, 2, end - (int64_t)run->count);
    sqlite_db_bind_int(writer->insert, 3, run->timestamp_max);
    sqlite_db_bind_blob(writer->insert, 4, body);
    rc = sqlite_db_run(writer->insert, err);
    log_run_clear(run);
    if (run->body.capacity > RUN_KEPT_BYTES_MAX)
        log_run_deinit(run);
    return rc;
}

static int insert_slot(struct log_sqlite_writer *writer, const struct slot *slot, struct err *err)
{
    struct log_sqlite_topic *topic = slot->topic;

    for (size_t i = 0; i < slot->count; i++) {
        int32_t partition = slot->records[i].partition;
        struct log_run *run = &topic->pending[partition];

        log_run_put(run, &slot->records[i]);
        if ((run->count >= RUN_RECORDS_MAX || run->body.size >= RUN_BYTES_MAX) &&
            insert_run(writer, topic->ids[partition], run, err) < 0)
            return -1;
    }
    return 0;
}

static int insert_pending(struct log_sqlite_writer *writer, struct log_sqlite_topic *topic,
                          struct err *err)
{
    for (int32_t i = 0; i < topic->count; i++)
        if (topic->pending[i].count > 0 &&
            insert_run(writer, topic->ids[i], &topic->pending[i], err) < 0)
            return -1;
    return 0;
}

static struct slot *slot_at(struct log_sqlite_writer *writer, size_t index)
{
    return &writer->slots[(writer->first + index) % SLOTS];
}

static int insert_all(struct log_sqlite_writer *writer, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (insert_slot(writer, slot_at(writer, i), err) < 0)
            return -1;
    for (size_t i = 0; i < count; i++)
        if (insert_pending(writer, slot_at(writer, i)->topic, err) < 0)
            return -1;
    return 0;
}

/* One try at the oldest `count` slots.  A COMMIT that fails was not made visible (WAL mode: the
 * index is written last), so the next try cannot double it. */
static int write_slots(struct log_sqlite_writer *writer, size_t count, struct err *err)
{
    int rc = -1;

    if (writer->insert == NULL && prepare(writer, err) < 0)
        return -1;
    if (sqlite_db_exec(writer->db, "BEGIN IMMEDIATE", err) == 0 &&
        insert_all(writer, count, err) == 0)
        rc = sqlite_db_exec(writer->db, "COMMIT", err);
    sqlite_db_rollback(writer->db);
    for (size_t i = 0; rc < 0 && i < count; i++) {
        struct log_sqlite_topic *topic = slot_at(writer, i)->topic;

        for (int32_t p = 0; p < topic->count; p++)
            log_run_clear(&topic->pending[p]);
    }
    return rc;
}

/* Under the lock: the outcome of a try. */
static void acknowledge(struct log_sqlite_writer *writer, size_t count)
{
    for (size_t i = 0; i < count; i++)
        writer->acknowledged += slot_at(writer, i)->count;
    writer->first = (writer->first + count) % SLOTS;
    writer->used -= count;
    writer->failing = false;
    pthread_cond_broadcast(&writer->changed);
}

static void fail(struct log_sqlite_writer *writer, const struct err *err)
{
    if (!writer->failing) {
        writer->failing = true;
        writer->failure_reported = false;
        writer->failure = *err;
        pthread_cond_broadcast(&writer->changed);
    }
}

static void pause_until(struct log_sqlite_writer *writer, struct timespec until)
{
    while (!writer->stop && pthread_cond_timedwait(&writer->work, &writer->lock, &until) == 0)
        ;
}

static void *write_groups(void *argument)
{
    struct log_sqlite_writer *writer = argument;
    int64_t backoff_us = BACKOFF_US_MIN;
    size_t count; /* slots of the transaction */
    struct err err = { 0 };

    pthread_mutex_lock(&writer->lock);
    for (;;) {
        int rc;

        while (writer->used == 0 && !writer->stop)
            pthread_cond_wait(&writer->work, &writer->lock);
        if (writer->used == 0)
            break;
        count = writer->used;
        pthread_mutex_unlock(&writer->lock);
        rc = write_slots(writer, count, &err);
        pthread_mutex_lock(&writer->lock);
        if (rc == 0) {
            acknowledge(writer, count);
            backoff_us = BACKOFF_US_MIN;
            continue;
        }
        fail(writer, &err);
        if (writer->stop)
            break;
        pause_until(writer, after_us(backoff_us));
        backoff_us = int64_min(backoff_us * 2, BACKOFF_US_MAX);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* Signals stay with the threads that the application has for them. */
static int start(struct log_sqlite_writer *writer, struct err *err)
{
    sigset_t all, before;
    int result;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    result = pthread_create(&writer->thread, NULL, write_groups, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0)
        return err_set(err, ERR_FATAL, "start the log's writer: %s", strerror(result));
    writer->started = true;
    return 0;
}

static struct span copy(struct buf *bytes, struct span from)
{
    uint8_t *at;

    if (from.data == NULL)
        return from;
    at = bytes->data + bytes->size; /* there is room, so nothing moves */
    buf_put_span(bytes, from);
    return span_of(at, from.size);
}

static void fill(struct slot *slot, struct log_sqlite_topic *topic,
                 const struct log_record *records, size_t count, size_t bytes)
{
    if (slot->capacity < count) {
        slot->records = mem_realloc(slot->records, count, sizeof(*records));
        slot->capacity = count;
    }
    buf_clear(&slot->bytes);
    buf_reserve(&slot->bytes, bytes + 1);
    for (size_t i = 0; i < count; i++) {
        const struct log_record *from = &records[i];

        slot->records[i] =
            (struct log_record){ from->partition, from->timestamp_us, copy(&slot->bytes, from->key),
                                 copy(&slot->bytes, from->value),
                                 copy(&slot->bytes, from->headers) };
    }
    slot->topic = topic;
    slot->count = count;
}

static int check(const struct log_sqlite_topic *topic, const struct log_record *records,
                 size_t count, size_t *bytes, struct err *err)
{
    *bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const struct log_record *record = &records[i];

        if (record->partition < 0 || record->partition >= topic->count)
            return err_set(err, ERR_CONFIG, "send: topic %s has no partition %" PRId32, topic->name,
                           record->partition);
        if (record->key.size > RECORD_BYTES_MAX || record->value.size > RECORD_BYTES_MAX ||
            record->headers.size > RECORD_BYTES_MAX)
            return err_set(err, ERR_REJECT, "send: a record of more than %d bytes",
                           RECORD_BYTES_MAX);
        *bytes += record->key.size + record->value.size + record->headers.size;
    }
    return 0;
}

int log_sqlite_writer_send(struct log_sqlite_writer *writer, struct log_sqlite_topic *topic,
                           const struct log_record *records, size_t count, struct err *err)
{
    size_t bytes;
    int rc = 0;

    if (check(topic, records, count, &bytes, err) < 0)
        return -1;
    if (count == 0)
        return 0;
    pthread_mutex_lock(&writer->lock);
    if (writer->failing) {
        *err = writer->failure;
        rc = -1;
    } else if (writer->used == SLOTS) {
        rc = LOG_BUSY;
    } else if (writer->started || (rc = start(writer, err)) == 0) {
        fill(slot_at(writer, writer->used), topic, records, count, bytes);
        writer->used++;
        pthread_cond_signal(&writer->work);
    }
    pthread_mutex_unlock(&writer->lock);
    return rc;
}

int log_sqlite_writer_poll(struct log_sqlite_writer *writer, int64_t wait_us,
                           uint64_t *acknowledged, struct err *err)
{
    const struct timespec until = after_us(wait_us);
    int rc = 0;

    pthread_mutex_lock(&writer->lock);
    while (writer->used > 0 && writer->acknowledged == writer->reported &&
           (!writer->failing || writer->failure_reported) && wait_us > 0)
        if (pthread_cond_timedwait(&writer->changed, &writer->lock, &until) != 0)
            break;
    *acknowledged = writer->acknowledged;
    writer->reported = writer->acknowledged;
    if (writer->failing) {
        *err = writer->failure;
        writer->failure_reported = true;
        rc = -1;
    }
    pthread_mutex_unlock(&writer->lock);
    return rc;
}

struct log_sqlite_writer *log_sqlite_writer_new(const char *file)
{
    struct log_sqlite_writer *writer = mem_zero(1, sizeof(*writer));
    pthread_condattr_t monotonic;

    writer->file = mem_text(file);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->work, &monotonic);
    pthread_cond_init(&writer->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return writer;
}

void log_sqlite_writer_free(struct log_sqlite_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->stop = true;
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->lock);
    if (writer->started)
        pthread_join(writer->thread, NULL);
    sqlite3_finalize(writer->advance);
    sqlite3_finalize(writer->insert);
    sqlite3_close(writer->db);
    for (size_t i = 0; i < SLOTS; i++) {
        free(writer->slots[i].records);
        buf_deinit(&writer->slots[i].bytes);
    }
    pthread_cond_destroy(&writer->work);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
    free(writer->file);
    free(writer);
}
