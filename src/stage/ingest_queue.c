// SPDX-License-Identifier: Apache-2.0
/* ingest_queue.c: see ingest_queue.h.  Items point into bytes by position, because it moves when it
 * grows; memory is given back to the front only once all has left. */
#include "stage/ingest_queue.h"

enum { GROUP_BYTES_MAX = 1 << 20, GROUP_RECORDS_MAX = 10000, KEPT_BYTES_MAX = 1 << 20 };

#define AGE_US_MAX INT64_C(100000)

struct item {
    size_t begin, headers_at, end;
    struct span key;
    int64_t timestamp_us;
    int32_t partition;
};

static const struct item *items(const struct ingest_queue *queue)
{
    return (const struct item *)(const void *)queue->items.data;
}

void ingest_queue_init(struct ingest_queue *queue, const char *topic, size_t flush_every)
{
    *queue = (struct ingest_queue){ .topic = topic, .flush_every = flush_every };
}

void ingest_queue_deinit(struct ingest_queue *queue)
{
    buf_deinit(&queue->items);
    buf_deinit(&queue->bytes);
    buf_deinit(&queue->records);
}

void ingest_queue_put(struct ingest_queue *queue, size_t begin, size_t headers_at,
                      int32_t partition, int64_t timestamp_us, struct span key)
{
    struct item item = { begin, headers_at, queue->bytes.size, key, timestamp_us, partition };

    buf_put(&queue->items, &item, sizeof(item));
}

size_t ingest_queue_count(const struct ingest_queue *queue)
{
    return queue->items.size / sizeof(struct item) - queue->sent;
}

size_t ingest_queue_bytes(const struct ingest_queue *queue)
{
    return ingest_queue_count(queue) == 0 ? 0 : queue->bytes.size - items(queue)[queue->sent].begin;
}

int64_t ingest_queue_due_us(const struct ingest_queue *queue, int64_t now_us)
{
    size_t count = ingest_queue_count(queue);
    int64_t oldest_us;

    if (count == 0)
        return INT64_MAX;
    oldest_us = items(queue)[queue->sent].timestamp_us;
    if (count >= queue->flush_every || oldest_us > now_us) /* the clock ran back */
        return now_us;
    return oldest_us + AGE_US_MAX;
}

static void put_record(struct ingest_queue *queue, const struct item *item)
{
    const uint8_t *bytes = queue->bytes.data;
    struct log_record record = {
        .partition = item->partition,
        .timestamp_us = item->timestamp_us,
        .key = item->key,
        .value = span_of(bytes + item->begin, item->headers_at - item->begin),
    };

    if (item->end > item->headers_at)
        record.headers = span_of(bytes + item->headers_at, item->end - item->headers_at);
    buf_put(&queue->records, &record, sizeof(record));
}

int ingest_queue_send(struct ingest_queue *queue, struct log *log, size_t *taken, struct err *err)
{
    size_t count = ingest_queue_count(queue), group = 0, bytes = 0;
    int rc;

    *taken = 0;
    buf_clear(&queue->records);
    while (group < count && group < GROUP_RECORDS_MAX && bytes < GROUP_BYTES_MAX) {
        const struct item *item = &items(queue)[queue->sent + group++];

        put_record(queue, item);
        bytes += item->end - item->begin;
    }
    rc = log_send(log, queue->topic, (const struct log_record *)(void *)queue->records.data, group,
                  err);
    if (rc != 0)
        return rc;
    *taken = group;
    queue->sent += group;
    if (group < count)
        return 0;
    queue->sent = 0;
    buf_clear(&queue->items);
    buf_clear(&queue->bytes);
    if (queue->bytes.capacity > KEPT_BYTES_MAX)
        buf_deinit(&queue->bytes);
    return 0;
}
