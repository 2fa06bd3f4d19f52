// SPDX-License-Identifier: Apache-2.0
/*
 * ingest_queue.h: records of one topic on their way to the log: they wait, leave in groups, and a
 * group that the log does not take stays.  One thread's.
 *
 * A group is due when `flush_every` records wait or the oldest has waited 100 ms; a faster feed
 * than the log makes the groups grow, up to a limit.
 */
#ifndef K2_STAGE_INGEST_QUEUE_H
#define K2_STAGE_INGEST_QUEUE_H

#include "port/log.h"

struct ingest_queue {
    const char *topic; /* borrowed */
    size_t flush_every;
    struct buf items; /* private from here on, but for reading */
    struct buf bytes;
    struct buf records; /* of the group that is sent */
    size_t sent;        /* items at the front that the log has taken */
};

void ingest_queue_init(struct ingest_queue *queue, const char *topic, size_t flush_every);
void ingest_queue_deinit(struct ingest_queue *queue);

/* Where the next record's value begins: the caller appends value and headers to queue->bytes and
 * closes with ingest_queue_put. */
static inline size_t ingest_queue_begin(const struct ingest_queue *queue)
{
    return queue->bytes.size;
}

/* The value lies in [begin, headers_at), the headers behind it (none when there is nothing).  key
 * is borrowed until the record has left; data NULL: none. */
void ingest_queue_put(struct ingest_queue *queue, size_t begin, size_t headers_at,
                      int32_t partition, int64_t timestamp_us, struct span key);

size_t ingest_queue_count(const struct ingest_queue *queue); /* that wait */
size_t ingest_queue_bytes(const struct ingest_queue *queue);
/* When a group is due: `now_us` or before, if it is; INT64_MAX when nothing waits. */
int64_t ingest_queue_due_us(const struct ingest_queue *queue, int64_t now_us);

/* Hands one group over; *taken: its records.  0, LOG_BUSY or -1 as log_send: nothing is lost. */
CHECK_RESULT int ingest_queue_send(struct ingest_queue *queue, struct log *log, size_t *taken,
                                   struct err *err);

#endif
