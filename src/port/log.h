// SPDX-License-Identifier: Apache-2.0
/*
 * log.h: port: the message log: topics of partitions of records with offsets.
 *
 * Promises that exactly-once leans on: an offset, once given, always names the same record, and
 * rises within its partition; a record that was acknowledged is there (power-off included).
 * Offsets may have gaps.  Adapters: log_sqlite.c (one file, runs of records in a row), log_kafka.c,
 * log_mem.c.  One reader is one thread's; a producer too; the log itself any
 * thread's (log_mem: one).
 */
#ifndef K2_PORT_LOG_H
#define K2_PORT_LOG_H

#include "core/column.h"
#include "core/err.h"

#include "port/clock.h"

enum {
    LOG_OUT_OF_RANGE = 1, /* the log begins after, or ends before, the position */
    LOG_ABSENT = 2,       /* no such topic, partition or record (any more) */
    LOG_BUSY = 3,         /* all slots of the producer are under way */
};

/* What of a topic is this process's to read. */
struct log_assignment {
    int32_t *partition; /* the caller's room, for `capacity` of them */
    size_t capacity, count;
    uint64_t generation; /* another one whenever the partitions may be others; 0: never asked */
};

/* Records as columns, in the order read; one partition after the other. */
struct log_batch {
    struct column offset;    /* INT64 */
    struct column timestamp; /* INT64, microseconds; Kafka's have a grain of 1,000 */
    struct column key;       /* BYTES, null without key */
    struct column value;     /* BYTES, null as a tombstone */
    struct column headers;   /* BYTES in the form of log_headers_put; null without */
};

void log_batch_init(struct log_batch *batch);
void log_batch_clear(struct log_batch *batch);
void log_batch_deinit(struct log_batch *batch);

/* Headers in one span: for each, 4 bytes LE key size, key, 4 bytes LE value size, value. */
void log_headers_put(struct buf *headers, const char *key, struct span value);
/* False when there is none of that name, or the bytes are no headers. */
CHECK_RESULT bool log_headers_get(struct span headers, const char *key, struct span *value);
/* Takes the first one off; false when there is none, or the bytes are no headers. */
CHECK_RESULT bool log_headers_next(struct span *headers, struct span *key, struct span *value);

struct log_record {
    int32_t partition;
    int64_t timestamp_us;
    struct span key, value, headers; /* data NULL: none */
};

struct log;

struct log_ops {
    int (*ensure_topic)(struct log *log, const char *topic, int32_t partitions, struct err *err);
    int (*partitions)(struct log *log, const char *topic, int32_t *count, struct err *err);
    int (*bounds)(struct log *log, const char *topic, int32_t partition, int64_t *first,
                  int64_t *end, struct err *err);
    int (*timestamp_at)(struct log *log, const char *topic, int32_t partition, int64_t offset,
                        int64_t *timestamp_us, struct err *err);
    int (*read)(struct log *log, const char *topic, int32_t partition, int64_t from,
                size_t records_max, size_t bytes_max, struct log_batch *out, int64_t *next,
                struct err *err);
    int (*send)(struct log *log, const char *topic, const struct log_record *records, size_t count,
                struct err *err);
    int (*poll)(struct log *log, int64_t wait_us, uint64_t *acknowledged, struct err *err);
    int (*retain)(struct log *log, const char *topic, int32_t partition, int64_t below,
                  int64_t older_than_us, struct err *err);
    void (*close)(struct log *log);
    /* NULL: as log_assigned and log_bounds_all say. */
    int (*assigned)(struct log *log, const char *topic, struct log_assignment *out,
                    struct err *err);
    int (*bounds_all)(struct log *log, const char *topic, int32_t count, int64_t *first,
                      int64_t *end, struct err *err);
    int (*reach)(struct log *log, int64_t wait_us, struct err *err); /* NULL: is there when open */
};

struct log {
    const struct log_ops *ops;
    const char *cluster; /* id of the log itself: a uuid made with it, Kafka's cluster id; "" until
                            log_reach */
};

/* Before anything else is asked of a log, though not before it is polled: waits until its servers
 * have answered once, at most wait_us.  RETRY: none does; call again.  CONFIG: they refuse us, and
 * will again.  Any thread. */
CHECK_RESULT static inline int log_reach(struct log *log, int64_t wait_us, struct err *err)
{
    return log->ops->reach == NULL ? 0 : log->ops->reach(log, wait_us, err);
}

/* Makes the topic when missing; another number of partitions than asked for: CONFIG. */
CHECK_RESULT static inline int log_ensure_topic(struct log *log, const char *topic,
                                                int32_t partitions, struct err *err)
{
    return log->ops->ensure_topic(log, topic, partitions, err);
}

/* LOG_ABSENT. */
CHECK_RESULT static inline int log_partitions(struct log *log, const char *topic, int32_t *count,
                                              struct err *err)
{
    return log->ops->partitions(log, topic, count, err);
}

/* Asked of the log itself, never of what was heard before: a record that was acknowledged before
 * the call lies below `end` (rule 9's complete-through leans on it). first: from here on nothing
 * was forgotten: the oldest record kept, or a gap before it (end when all was forgotten); end: of
 * the next to be written.  LOG_ABSENT. */
CHECK_RESULT static inline int log_bounds(struct log *log, const char *topic, int32_t partition,
                                          int64_t *first, int64_t *end, struct err *err)
{
    return log->ops->bounds(log, topic, partition, first, end, err);
}

/* The same of partitions [0, count), as each is at some moment after the call began. */
CHECK_RESULT int log_bounds_all(struct log *log, const char *topic, int32_t count, int64_t *first,
                                int64_t *end, struct err *err);

/*
 * The partitions that this process is to read, and a round of reads begins: until the next call no
 * read waits for what is not there yet, and together they wait a second at most for what is.  A log
 * without groups gives all partitions, generation 1.  Kafka joins the topic's group at the first
 * call; RETRY while the group has not answered.  That another process reads a partition too is
 * never excluded, only seldom: who commits decides (rule 2).  LOG_ABSENT.
 */
CHECK_RESULT int log_assigned(struct log *log, const char *topic, struct log_assignment *out,
                              struct err *err);

/* LOG_ABSENT when there is no record at this offset (any more). */
CHECK_RESULT static inline int log_timestamp_at(struct log *log, const char *topic,
                                                int32_t partition, int64_t offset,
                                                int64_t *timestamp_us, struct err *err)
{
    return log->ops->timestamp_at(log, topic, partition, offset, timestamp_us, err);
}

/* Appends records from `from` on to *out, until either limit is reached (at least one record, if
 * there is one).  *next: the position behind what was read, gaps included; == from when there is
 * nothing yet.  LOG_OUT_OF_RANGE, LOG_ABSENT. */
CHECK_RESULT static inline int log_read(struct log *log, const char *topic, int32_t partition,
                                        int64_t from, size_t records_max, size_t bytes_max,
                                        struct log_batch *out, int64_t *next, struct err *err)
{
    return log->ops->read(log, topic, partition, from, records_max, bytes_max, out, next, err);
}

/* Hands a group of records over (bytes are copied) without waiting for the answer; groups are
 * written whole and in order.  LOG_BUSY: five groups are under way, call log_poll.  FULL, RETRY:
 * the log cannot take trades now; the group is not taken.  CONFIG: no such topic or partition;
 * REJECT: a record that is too large; nothing of the group is taken then. */
CHECK_RESULT static inline int log_send(struct log *log, const char *topic,
                                        const struct log_record *records, size_t count,
                                        struct err *err)
{
    return log->ops->send(log, topic, records, count, err);
}

/* Waits up to wait_us for answers, not at all when nothing is under way; *acknowledged is the
 * number of records acknowledged since the log was opened.  -1: a group could not be written and is
 * tried again; err says why. */
CHECK_RESULT static inline int log_poll(struct log *log, int64_t wait_us, uint64_t *acknowledged,
                                        struct err *err)
{
    return log->ops->poll(log, wait_us, acknowledged, err);
}

/* May forget records below offset `below` that are older than a time; in small steps, call again.
 * Logs that keep their own retention do nothing. */
CHECK_RESULT static inline int log_retain(struct log *log, const char *topic, int32_t partition,
                                          int64_t below, int64_t older_than_us, struct err *err)
{
    return log->ops->retain(log, topic, partition, below, older_than_us, err);
}

static inline void log_close(struct log *log)
{
    if (log != NULL)
        log->ops->close(log);
}

/* A SQLite file of its own, made when missing: WAL, synchronous=FULL, busy_timeout 30 s; a network
 * file system is refused (CONFIG). */
CHECK_RESULT int log_sqlite_open(const char *file, struct log **out, struct err *err);
/* Acknowledges at once.  cluster "mem-<seed>". */
struct log *log_mem_open(uint64_t seed);
/* Tests: the next record of the partition gets an offset `gap` higher than it would. */
void log_mem_skip(struct log *log, const char *topic, int32_t partition, int64_t gap);

#endif
