// SPDX-License-Identifier: Apache-2.0
/* log_sqlite.h: what the two halves of the SQLite log share: log_sqlite.c, the port with topics,
 * reading and forgetting, and log_sqlite_writer.c, the thread that writes groups. */
#ifndef K2_PORT_LOG_SQLITE_H
#define K2_PORT_LOG_SQLITE_H

#include "port/log_run.h"
#include "port/sqlite_db.h"

/* The key of a run is its partition's id and its last offset, so that a run is found from any of
 * its offsets by one seek, and a partition's runs lie one behind the other. */
#define LOG_SQLITE_OFFSET_BITS 44
#define LOG_SQLITE_OFFSET_MAX  ((INT64_C(1) << LOG_SQLITE_OFFSET_BITS) - 1)

struct log_sqlite_topic {
    struct log_sqlite_topic *next;
    char *name;
    int32_t count;           /* of partitions */
    int64_t *ids;            /* of the partitions */
    struct log_run *pending; /* the writer thread's: one for each partition */
};

static inline int64_t log_sqlite_key(int64_t partition_id, int64_t offset)
{
    return partition_id << LOG_SQLITE_OFFSET_BITS | offset;
}

/* Opens a connection to the log's file with its pragmas. */
CHECK_RESULT int log_sqlite_connect(const char *file, sqlite3 **out, struct err *err);

struct log_sqlite_writer;

struct log_sqlite_writer *log_sqlite_writer_new(const char *file);
/* As log_send; `topic` lives until the writer is freed. */
CHECK_RESULT int log_sqlite_writer_send(struct log_sqlite_writer *writer,
                                        struct log_sqlite_topic *topic,
                                        const struct log_record *records, size_t count,
                                        struct err *err);
/* As log_poll. */
CHECK_RESULT int log_sqlite_writer_poll(struct log_sqlite_writer *writer, int64_t wait_us,
                                        uint64_t *acknowledged, struct err *err);
/* Writes what is under way, unless a try fails; waits for that no longer than for one busy
 * timeout. */
void log_sqlite_writer_free(struct log_sqlite_writer *writer);

#endif
