// SPDX-License-Identifier: Apache-2.0
/*
 * log_sqlite.c: the log in one SQLite file: a row holds a run of records of one partition.
 *
 * The key of a row is (partition id, last offset) in one integer, so the table is one B+tree by
 * partition and offset: reading from an offset is a seek and a scan, and no index is kept beside
 * it.  partitions.next_offset outlives the runs, so that an offset is never given twice.  One
 * connection here, under a mutex, reads, forgets and makes topics; the writer has its own.
 */
#include "port/log_sqlite.h"
#include "core/num.h"
#include "core/random.h"

#include <inttypes.h>
#include <pthread.h>
#include <sys/random.h>

static const char create_sql[] =
    "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " partitions INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS partitions(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL,"
    " partition INTEGER NOT NULL, next_offset INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE(topic_id, partition));"
    "CREATE TABLE IF NOT EXISTS runs(run INTEGER PRIMARY KEY, first_offset INTEGER NOT NULL,"
    " timestamp_max INTEGER NOT NULL, body BLOB NOT NULL)"; /* the body last: see forget */

enum statement { TOPIC, PARTITIONS, FIRST, END, READ, OLDEST, FORGET, STATEMENTS };

static const char *const statement_sql[STATEMENTS] = {
    [TOPIC] = "SELECT id, partitions FROM topics WHERE name=?1",
    [PARTITIONS] = "SELECT id, partition FROM partitions WHERE topic_id=?1 ORDER BY partition",
    [FIRST] = "SELECT first_offset FROM runs WHERE run BETWEEN ?1 AND ?2 ORDER BY run LIMIT 1",
    [END] = "SELECT next_offset FROM partitions WHERE id=?1",
    [READ] = "SELECT run, first_offset, body FROM runs WHERE run BETWEEN ?1 AND ?2 ORDER BY run",
    [OLDEST] = ("SELECT run, timestamp_max FROM runs WHERE run BETWEEN ?1 AND ?2 ORDER BY run"
                " LIMIT ?3"),
    [FORGET] = "DELETE FROM runs WHERE run BETWEEN ?1 AND ?2",
};

enum {
    PARTITIONS_MAX = 10000,
    PARTITION_ID_MAX = (1 << (63 - LOG_SQLITE_OFFSET_BITS)) - 1,
    FORGET_RUNS_MAX = 256,
    VACUUM_PAGES_MAX = 1000,
};

struct log_sqlite {
    struct log base;
    char cluster[UUID_TEXT_BYTES];
    struct log_sqlite_writer *writer;
    pthread_mutex_t lock; /* of all below */
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    struct log_sqlite_topic *topics; /* those seen so far; they never change */
};

int log_sqlite_connect(const char *file, sqlite3 **out, struct err *err)
{
    if (sqlite_db_open(file, "PRAGMA auto_vacuum=INCREMENTAL", out, err) < 0)
        return -1;
    if (sqlite_db_exec(*out, "PRAGMA journal_size_limit=16777216; PRAGMA wal_autocheckpoint=1000",
                       err) < 0) {
        sqlite3_close(*out);
        *out = NULL;
        return err_wrap(err, "%s", file);
    }
    return 0;
}

static struct log_sqlite *lock(struct log *log)
{
    struct log_sqlite *sqlite = (struct log_sqlite *)log;

    pthread_mutex_lock(&sqlite->lock);
    return sqlite;
}

static void unlock(struct log_sqlite *sqlite)
{
    pthread_mutex_unlock(&sqlite->lock);
}

/* A statement bound to the keys of [from, end of the partition]. */
static sqlite3_stmt *bind_range(struct log_sqlite *sqlite, enum statement which, int64_t id,
                                int64_t from)
{
    sqlite3_stmt *statement = sqlite->statements[which];

    sqlite_db_bind_int(statement, 1, log_sqlite_key(id, from));
    sqlite_db_bind_int(statement, 2, log_sqlite_key(id, LOG_SQLITE_OFFSET_MAX));
    return statement;
}

static void topic_free(struct log_sqlite_topic *topic)
{
    for (int32_t i = 0; i < topic->count; i++)
        log_run_deinit(&topic->pending[i]);
    free(topic->pending);
    free(topic->ids);
    free(topic->name);
    free(topic);
}

static int load_partitions(struct log_sqlite *sqlite, int64_t topic_id,
                           struct log_sqlite_topic *topic, struct err *err)
{
    sqlite3_stmt *statement = sqlite->statements[PARTITIONS];
    int32_t count = 0;
    int rc;

    sqlite_db_bind_int(statement, 1, topic_id);
    while ((rc = sqlite_db_step(statement, err)) == SQLITE_DB_ROW && count < topic->count) {
        int64_t id = sqlite3_column_int64(statement, 0);

        if (sqlite3_column_int64(statement, 1) != count || id < 0 || id > PARTITION_ID_MAX)
            break;
        topic->ids[count++] = id;
    }
    sqlite3_reset(statement);
    if (rc == 0 && count == topic->count)
        return 0;
    return rc < 0 ? -1
                  : err_set(err, ERR_CORRUPT, "topic %s: partition %" PRId32 " is not listed right",
                            topic->name, count);
}

/* From the file; LOG_ABSENT. */
static int load_topic(struct log_sqlite *sqlite, const char *name, struct log_sqlite_topic **out,
                      struct err *err)
{
    sqlite3_stmt *statement = sqlite->statements[TOPIC];
    struct log_sqlite_topic *topic;
    int64_t id, count;
    int rc;

    sqlite_db_bind_text(statement, 1, span_text(name));
    rc = sqlite_db_step(statement, err);
    id = rc == SQLITE_DB_ROW ? sqlite3_column_int64(statement, 0) : 0;
    count = rc == SQLITE_DB_ROW ? sqlite3_column_int64(statement, 1) : 0;
    sqlite3_reset(statement);
    if (rc != SQLITE_DB_ROW)
        return rc < 0 ? -1 : LOG_ABSENT;
    if (count < 1 || count > PARTITIONS_MAX)
        return err_set(err, ERR_CORRUPT, "topic %s: %" PRId64 " partitions", name, count);
    topic = mem_zero(1, sizeof(*topic));
    *topic =
        (struct log_sqlite_topic){ .name = mem_text(name),
                                   .count = (int32_t)count,
                                   .ids = mem_zero((size_t)count, sizeof(*topic->ids)),
                                   .pending = mem_zero((size_t)count, sizeof(struct log_run)) };
    if (load_partitions(sqlite, id, topic, err) < 0) {
        topic_free(topic);
        return -1;
    }
    topic->next = sqlite->topics;
    sqlite->topics = topic;
    *out = topic;
    return 0;
}

/* LOG_ABSENT. */
static int find_topic(struct log_sqlite *sqlite, const char *name, struct log_sqlite_topic **out,
                      struct err *err)
{
    for (struct log_sqlite_topic *topic = sqlite->topics; topic != NULL; topic = topic->next)
        if (strcmp(topic->name, name) == 0) {
            *out = topic;
            return 0;
        }
    return load_topic(sqlite, name, out, err);
}

/* The id of a partition; LOG_ABSENT. */
static int find_partition(struct log_sqlite *sqlite, const char *name, int32_t partition,
                          int64_t *id, struct err *err)
{
    struct log_sqlite_topic *topic;
    int rc = find_topic(sqlite, name, &topic, err);

    if (rc != 0)
        return rc;
    if (partition < 0 || partition >= topic->count)
        return LOG_ABSENT;
    *id = topic->ids[partition];
    return 0;
}

/* Nothing happens when another process has made the topic meanwhile. */
static int insert_topic(sqlite3 *db, const char *name, int32_t partitions, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite_db_prepare(db,
                               "INSERT INTO topics(name, partitions) VALUES(?1, ?2)"
                               " ON CONFLICT DO NOTHING",
                               &statement, err);

    if (rc == 0) {
        sqlite_db_bind_text(statement, 1, span_text(name));
        sqlite_db_bind_int(statement, 2, partitions);
        rc = sqlite_db_run(statement, err);
    }
    sqlite3_finalize(statement);
    statement = NULL;
    if (rc < 0 || sqlite3_changes(db) == 0)
        return rc;
    rc = sqlite_db_prepare(db,
                           "WITH RECURSIVE p(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM p"
                           " WHERE i + 1 < ?2) INSERT INTO partitions(topic_id, partition)"
                           " SELECT topics.id, i FROM topics, p WHERE name=?1 ORDER BY i",
                           &statement, err);
    if (rc == 0) {
        sqlite_db_bind_text(statement, 1, span_text(name));
        sqlite_db_bind_int(statement, 2, partitions);
        rc = sqlite_db_run(statement, err);
    }
    sqlite3_finalize(statement);
    return rc;
}

static int make_topic(struct log_sqlite *sqlite, const char *name, int32_t partitions,
                      struct log_sqlite_topic **out, struct err *err)
{
    int rc = -1;

    if (sqlite_db_exec(sqlite->db, "BEGIN IMMEDIATE", err) == 0 &&
        insert_topic(sqlite->db, name, partitions, err) == 0)
        rc = sqlite_db_exec(sqlite->db, "COMMIT", err);
    sqlite_db_rollback(sqlite->db);
    if (rc == 0)
        rc = load_topic(sqlite, name, out, err);
    return rc <= 0 ? rc : err_set(err, ERR_CORRUPT, "it is not there although it was just made");
}

static int sqlite_ensure_topic(struct log *log, const char *name, int32_t partitions,
                               struct err *err)
{
    struct log_sqlite *sqlite;
    struct log_sqlite_topic *topic = NULL;
    int rc;

    if (partitions < 1 || partitions > PARTITIONS_MAX)
        return err_set(err, ERR_CONFIG, "topic %s: %" PRId32 " partitions, not 1 to %d", name,
                       partitions, PARTITIONS_MAX);
    sqlite = lock(log);
    rc = find_topic(sqlite, name, &topic, err);
    if (rc == LOG_ABSENT)
        rc = make_topic(sqlite, name, partitions, &topic, err);
    unlock(sqlite);
    if (rc < 0)
        return err_wrap(err, "topic %s", name);
    if (topic->count != partitions)
        return err_set(err, ERR_CONFIG, "topic %s has %" PRId32 " partitions, not %" PRId32, name,
                       topic->count, partitions);
    return 0;
}

static int sqlite_partitions(struct log *log, const char *name, int32_t *count, struct err *err)
{
    struct log_sqlite *sqlite = lock(log);
    struct log_sqlite_topic *topic = NULL;
    int rc = find_topic(sqlite, name, &topic, err);

    unlock(sqlite);
    if (rc == 0)
        *count = topic->count;
    return rc;
}

/* The first column of a statement's only row; *found false when there is none. */
static int query_int(sqlite3_stmt *statement, int64_t *value, bool *found, struct err *err)
{
    int rc = sqlite_db_step(statement, err);

    *found = rc == SQLITE_DB_ROW;
    if (*found)
        *value = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return rc < 0 ? -1 : 0;
}

/* In a read transaction. */
static int find_bounds(struct log_sqlite *sqlite, int64_t id, int64_t *first, int64_t *end,
                       struct err *err)
{
    bool any, known;

    sqlite_db_bind_int(sqlite->statements[END], 1, id);
    if (query_int(bind_range(sqlite, FIRST, id, 0), first, &any, err) < 0 ||
        query_int(sqlite->statements[END], end, &known, err) < 0)
        return -1;
    if (!known)
        return err_set(err, ERR_CORRUPT, "partition %" PRId64 " is not listed", id);
    if (!any)
        *first = *end;
    return 0;
}

static int sqlite_bounds(struct log *log, const char *name, int32_t partition, int64_t *first,
                         int64_t *end, struct err *err)
{
    struct log_sqlite *sqlite = lock(log);
    int64_t id;
    int rc = find_partition(sqlite, name, partition, &id, err);

    if (rc == 0)
        rc = sqlite_db_exec(sqlite->db, "BEGIN", err);
    if (rc == 0) {
        rc = find_bounds(sqlite, id, first, end, err);
        sqlite_db_rollback(sqlite->db);
    }
    unlock(sqlite);
    return rc < 0 ? err_wrap(err, "bounds of %s/%" PRId32, name, partition) : rc;
}

/* A row of READ, checked. */
struct row {
    int64_t first, last;
    struct span body;
};

static int take_row(sqlite3_stmt *statement, struct row *row, struct err *err)
{
    size_t count;

    row->last = sqlite3_column_int64(statement, 0) & LOG_SQLITE_OFFSET_MAX;
    row->first = sqlite3_column_int64(statement, 1);
    row->body = sqlite_db_column(statement, 2);
    if (log_run_check(row->body, &count, err) < 0)
        return -1;
    if (row->first < 0 || row->first > row->last || (uint64_t)(row->last - row->first) + 1 != count)
        return err_set(err, ERR_CORRUPT, "run of %zu records for offsets %" PRId64 " to %" PRId64,
                       count, row->first, row->last);
    return 0;
}

static int sqlite_timestamp_at(struct log *log, const char *name, int32_t partition, int64_t offset,
                               int64_t *timestamp_us, struct err *err)
{
    struct log_sqlite *sqlite = lock(log);
    sqlite3_stmt *statement = sqlite->statements[READ];
    struct row row;
    int64_t id;
    int rc = find_partition(sqlite, name, partition, &id, err);

    if (rc == 0 && (offset < 0 || offset > LOG_SQLITE_OFFSET_MAX))
        rc = LOG_ABSENT;
    if (rc == 0) {
        rc = sqlite_db_step(bind_range(sqlite, READ, id, offset), err);
        if (rc == SQLITE_DB_ROW)
            rc = take_row(statement, &row, err);
        else if (rc == 0)
            rc = LOG_ABSENT;
        if (rc == 0 && row.first > offset)
            rc = LOG_ABSENT;
        if (rc == 0)
            rc = log_run_timestamp(row.body, (size_t)(offset - row.first), timestamp_us, err);
        sqlite3_reset(statement);
    }
    unlock(sqlite);
    return rc < 0 ? err_wrap(err, "log %s/%" PRId32 " at %" PRId64, name, partition, offset) : rc;
}

struct reading {
    size_t records_max, bytes_max;
    size_t records, bytes; /* so far */
};

static bool is_full(const struct reading *reading)
{
    return reading->records > 0 &&
           (reading->records >= reading->records_max || reading->bytes >= reading->bytes_max);
}

/* Takes runs from *position on, which moves with them.  Runs that do not join are left to the
 * caller when they are the first ones, because then the position may be at fault. */
static int read_runs(struct log_sqlite *sqlite, int64_t id, int64_t *position,
                     struct reading *reading, struct log_batch *out, struct err *err)
{
    sqlite3_stmt *statement = bind_range(sqlite, READ, id, *position);
    struct row row;
    size_t records, bytes;
    int rc = 0;

    while (rc == 0 && !is_full(reading)) {
        rc = sqlite_db_step(statement, err);
        if (rc != SQLITE_DB_ROW)
            break;
        rc = take_row(statement, &row, err);
        if (rc == 0 && row.first > *position) {
            if (reading->records > 0)
                rc = err_set(err, ERR_CORRUPT, "no records before %" PRId64, row.first);
            break;
        }
        if (rc == 0) {
            struct log_take take = {
                .first_offset = row.first,
                .skip = (size_t)(*position - row.first),
                .records_max = size_max(reading->records_max, 1) - reading->records,
                .bytes_max = size_max(reading->bytes_max, 1) - reading->bytes,
            };

            rc = log_run_decode(row.body, &take, out, &records, &bytes, err);
        }
        if (rc == 0) {
            reading->records += records;
            reading->bytes += bytes;
            *position += (int64_t)records;
        }
    }
    sqlite3_reset(statement);
    return rc;
}

/* What it means that nothing could be read from `from`, in the same transaction. */
static int judge_position(struct log_sqlite *sqlite, int64_t id, int64_t from, struct err *err)
{
    int64_t first, end;

    if (find_bounds(sqlite, id, &first, &end, err) < 0)
        return -1;
    if (from < first || from > end)
        return LOG_OUT_OF_RANGE;
    return from == end
               ? 0
               : err_set(err, ERR_CORRUPT, "no record although the log has %" PRId64 " to %" PRId64,
                         first, end);
}

static int sqlite_read(struct log *log, const char *name, int32_t partition, int64_t from,
                       size_t records_max, size_t bytes_max, struct log_batch *out, int64_t *next,
                       struct err *err)
{
    struct log_sqlite *sqlite = lock(log);
    struct reading reading = { records_max, bytes_max, 0, 0 };
    int64_t position = from;
    int64_t id;
    int rc = find_partition(sqlite, name, partition, &id, err);

    if (rc == 0 && (from < 0 || from > LOG_SQLITE_OFFSET_MAX))
        rc = LOG_OUT_OF_RANGE;
    if (rc == 0)
        rc = sqlite_db_exec(sqlite->db, "BEGIN", err);
    if (rc == 0) {
        rc = read_runs(sqlite, id, &position, &reading, out, err);
        if (rc == 0 && reading.records == 0)
            rc = judge_position(sqlite, id, from, err);
        sqlite_db_rollback(sqlite->db);
    }
    unlock(sqlite);
    if (rc == 0)
        *next = position;
    return rc < 0 ? err_wrap(err, "log %s/%" PRId32 " at %" PRId64, name, partition, position) : rc;
}

static int sqlite_send(struct log *log, const char *name, const struct log_record *records,
                       size_t count, struct err *err)
{
    struct log_sqlite *sqlite = lock(log);
    struct log_sqlite_topic *topic = NULL;
    int rc = find_topic(sqlite, name, &topic, err);

    unlock(sqlite);
    if (rc > 0)
        return err_set(err, ERR_CONFIG, "send: no topic %s", name);
    return rc < 0 ? -1 : log_sqlite_writer_send(sqlite->writer, topic, records, count, err);
}

static int sqlite_poll(struct log *log, int64_t wait_us, uint64_t *acknowledged, struct err *err)
{
    return log_sqlite_writer_poll(((struct log_sqlite *)log)->writer, wait_us, acknowledged, err);
}

/* *last: the key of the last run, of the oldest few, that may be forgotten; -1: none. */
static int find_forgettable(struct log_sqlite *sqlite, int64_t id, int64_t below,
                            int64_t older_than_us, int64_t *last, struct err *err)
{
    sqlite3_stmt *statement = bind_range(sqlite, OLDEST, id, 0);
    int rc;

    *last = -1;
    sqlite_db_bind_int(statement, 3, FORGET_RUNS_MAX);
    while ((rc = sqlite_db_step(statement, err)) == SQLITE_DB_ROW) {
        int64_t run = sqlite3_column_int64(statement, 0);

        if ((run & LOG_SQLITE_OFFSET_MAX) >= below ||
            sqlite3_column_int64(statement, 1) >= older_than_us)
            break;
        *last = run;
    }
    sqlite3_reset(statement);
    return rc < 0 ? -1 : 0;
}

static int pragma_int(sqlite3 *db, const char *sql, int64_t *value, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    bool found;
    int rc = sqlite_db_prepare(db, sql, &statement, err);

    *value = 0;
    if (rc == 0)
        rc = query_int(statement, value, &found, err);
    sqlite3_finalize(statement);
    return rc;
}

/* Gives free pages back, but an eighth of the file: a log that turns over needs them at once. */
static int vacuum(sqlite3 *db, struct err *err)
{
    int64_t pages, free_pages;
    char sql[64];

    if (pragma_int(db, "PRAGMA page_count", &pages, err) < 0 ||
        pragma_int(db, "PRAGMA freelist_count", &free_pages, err) < 0)
        return -1;
    if (free_pages <= pages / 8)
        return 0;
    snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%" PRId64 ")",
             int64_min(free_pages - pages / 8, VACUUM_PAGES_MAX));
    return sqlite_db_exec(db, sql, err);
}

static int sqlite_retain(struct log *log, const char *name, int32_t partition, int64_t below,
                         int64_t older_than_us, struct err *err)
{
    struct log_sqlite *sqlite = lock(log);
    int64_t id;
    int64_t last = -1;
    int rc = find_partition(sqlite, name, partition, &id, err);

    if (rc == 0)
        rc = find_forgettable(sqlite, id, below, older_than_us, &last, err);
    if (rc == 0 && last >= 0) {
        sqlite_db_bind_int(sqlite->statements[FORGET], 1, log_sqlite_key(id, 0));
        sqlite_db_bind_int(sqlite->statements[FORGET], 2, last);
        rc = sqlite_db_run(sqlite->statements[FORGET], err);
    }
    if (rc == 0)
        rc = vacuum(sqlite->db, err);
    unlock(sqlite);
    return rc < 0 ? err_wrap(err, "retention of %s/%" PRId32, name, partition) : 0;
}

static void sqlite_close(struct log *log)
{
    struct log_sqlite *sqlite = (struct log_sqlite *)log;

    log_sqlite_writer_free(sqlite->writer);
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(sqlite->statements[i]);
    sqlite3_close(sqlite->db);
    while (sqlite->topics != NULL) {
        struct log_sqlite_topic *topic = sqlite->topics;

        sqlite->topics = topic->next;
        topic_free(topic);
    }
    pthread_mutex_destroy(&sqlite->lock);
    free(sqlite);
}

/* The cluster's id is made by whoever opens the file first. */
static int load_cluster(sqlite3 *db, char cluster[UUID_TEXT_BYTES], struct err *err)
{
    sqlite3_stmt *statement = NULL;
    uint64_t random[2];
    uint8_t uuid[16];
    char fresh[UUID_TEXT_BYTES];
    int rc = -1;

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return err_errno(err, "make a cluster id");
    uuid_from_random(random[0], random[1], uuid);
    uuid_format(uuid, fresh);
    if (sqlite_db_prepare(db,
                          "INSERT INTO meta VALUES('cluster', ?1) ON CONFLICT DO UPDATE"
                          " SET value=value RETURNING value",
                          &statement, err) == 0) {
        sqlite_db_bind_text(statement, 1, span_text(fresh));
        rc = sqlite_db_step(statement, err);
    }
    if (rc == SQLITE_DB_ROW && sqlite_db_column(statement, 0).size < UUID_TEXT_BYTES) {
        snprintf(cluster, UUID_TEXT_BYTES, "%.*s", SPAN_ARGS(sqlite_db_column(statement, 0)));
        rc = sqlite_db_step(statement, err);
    } else if (rc >= 0) {
        rc = err_set(err, ERR_CORRUPT, "the cluster id is no UUID");
    }
    sqlite3_finalize(statement);
    return rc;
}

int log_sqlite_open(const char *file, struct log **out, struct err *err)
{
    static const struct log_ops ops = {
        sqlite_ensure_topic,
        sqlite_partitions,
        sqlite_bounds,
        sqlite_timestamp_at,
        sqlite_read,
        sqlite_send,
        sqlite_poll,
        sqlite_retain,
        sqlite_close,
        NULL,
        NULL,
        NULL,
    };
    struct log_sqlite *sqlite = mem_zero(1, sizeof(*sqlite));

    sqlite->base = (struct log){ &ops, sqlite->cluster };
    sqlite->writer = log_sqlite_writer_new(file);
    pthread_mutex_init(&sqlite->lock, NULL);
    if (log_sqlite_connect(file, &sqlite->db, err) < 0)
        goto fail;
    if (sqlite_db_exec(sqlite->db, create_sql, err) < 0 ||
        load_cluster(sqlite->db, sqlite->cluster, err) < 0)
        goto fail_named;
    for (int i = 0; i < STATEMENTS; i++)
        if (sqlite_db_prepare(sqlite->db, statement_sql[i], &sqlite->statements[i], err) < 0)
            goto fail_named;
    *out = &sqlite->base;
    return 0;
fail_named:
    err_wrap(err, "%s", file);
fail:
    sqlite_close(&sqlite->base);
    return -1;
}
