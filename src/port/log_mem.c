// SPDX-License-Identifier: Apache-2.0
/*
 * log_mem.c: each partition is one log_batch, sorted by offset because offsets only rise.
 *
 * Forgetting moves `first` on and gives the rows back once they are half of the batch.  One
 * thread.
 */
#include "port/log.h"
#include "core/num.h"

#include <inttypes.h>

struct partition {
    struct log_batch records;
    size_t forgotten; /* rows at the front that are no more */
    int64_t first;    /* nothing from here on was forgotten */
    int64_t end;
};

struct topic {
    char *name;
    struct partition *partitions;
    int32_t count;
};

struct log_mem {
    struct log base;
    struct topic *topics;
    size_t count;
    uint64_t acknowledged;
    char cluster[32];
};

static struct topic *find_topic(struct log *log, const char *name)
{
    struct log_mem *mem = (struct log_mem *)log;

    for (size_t i = 0; i < mem->count; i++)
        if (strcmp(mem->topics[i].name, name) == 0)
            return &mem->topics[i];
    return NULL;
}

static struct partition *find_partition(struct log *log, const char *name, int32_t partition)
{
    struct topic *topic = find_topic(log, name);

    return topic != NULL && partition >= 0 && partition < topic->count
               ? &topic->partitions[partition]
               : NULL;
}

static int mem_ensure_topic(struct log *log, const char *name, int32_t partitions, struct err *err)
{
    struct log_mem *mem = (struct log_mem *)log;
    struct topic *topic = find_topic(log, name);

    if (partitions < 1)
        return err_set(err, ERR_CONFIG, "topic %s: %" PRId32 " partitions", name, partitions);
    if (topic != NULL && topic->count != partitions)
        return err_set(err, ERR_CONFIG, "topic %s has %" PRId32 " partitions, not %" PRId32, name,
                       topic->count, partitions);
    if (topic != NULL)
        return 0;
    mem->topics = mem_realloc(mem->topics, mem->count + 1, sizeof(*mem->topics));
    topic = &mem->topics[mem->count++];
    *topic = (struct topic){ mem_text(name), NULL, partitions };
    topic->partitions = mem_zero((size_t)partitions, sizeof(*topic->partitions));
    for (int32_t i = 0; i < partitions; i++)
        log_batch_init(&topic->partitions[i].records);
    return 0;
}

static int mem_partitions(struct log *log, const char *name, int32_t *count, struct err *err)
{
    const struct topic *topic = find_topic(log, name);

    (void)err;
    if (topic == NULL)
        return LOG_ABSENT;
    *count = topic->count;
    return 0;
}

static int mem_bounds(struct log *log, const char *name, int32_t partition, int64_t *first,
                      int64_t *end, struct err *err)
{
    const struct partition *p = find_partition(log, name, partition);

    (void)err;
    if (p == NULL)
        return LOG_ABSENT;
    *first = p->first;
    *end = p->end;
    return 0;
}

/* The first row, of those not forgotten, at or above `offset`. */
static size_t row_at(const struct partition *p, int64_t offset)
{
    size_t low = p->forgotten;
    size_t high = p->records.offset.rows;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (column_int64(&p->records.offset, middle) < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int mem_timestamp_at(struct log *log, const char *name, int32_t partition, int64_t offset,
                            int64_t *timestamp_us, struct err *err)
{
    const struct partition *p = find_partition(log, name, partition);
    size_t row = p == NULL ? 0 : row_at(p, offset);

    (void)err;
    if (p == NULL || row == p->records.offset.rows ||
        column_int64(&p->records.offset, row) != offset)
        return LOG_ABSENT;
    *timestamp_us = column_int64(&p->records.timestamp, row);
    return 0;
}

static void append_rows(struct log_batch *to, const struct log_batch *from, size_t first,
                        size_t count)
{
    column_append(&to->offset, &from->offset, first, count);
    column_append(&to->timestamp, &from->timestamp, first, count);
    column_append(&to->key, &from->key, first, count);
    column_append(&to->value, &from->value, first, count);
    column_append(&to->headers, &from->headers, first, count);
}

static size_t row_bytes(const struct log_batch *records, size_t row)
{
    return column_bytes(&records->key, row).size + column_bytes(&records->value, row).size +
           column_bytes(&records->headers, row).size;
}

static int mem_read(struct log *log, const char *name, int32_t partition, int64_t from,
                    size_t records_max, size_t bytes_max, struct log_batch *out, int64_t *next,
                    struct err *err)
{
    const struct partition *p = find_partition(log, name, partition);
    size_t first, row;
    size_t bytes = 0;

    (void)err;
    if (p == NULL)
        return LOG_ABSENT;
    if (from < p->first || from > p->end)
        return LOG_OUT_OF_RANGE;
    first = row_at(p, from);
    for (row = first; row < p->records.offset.rows; row++) {
        if (row > first && (row - first >= records_max || bytes >= bytes_max))
            break;
        bytes += row_bytes(&p->records, row);
    }
    append_rows(out, &p->records, first, row - first);
    *next = row == p->records.offset.rows ? p->end : column_int64(&p->records.offset, row - 1) + 1;
    return 0;
}

static void put_optional(struct column *column, struct span bytes)
{
    if (bytes.data == NULL)
        column_put_null(column);
    else
        column_put_bytes(column, bytes);
}

static int mem_send(struct log *log, const char *name, const struct log_record *records,
                    size_t count, struct err *err)
{
    struct topic *topic = find_topic(log, name);

    if (topic == NULL)
        return err_set(err, ERR_CONFIG, "send: no topic %s", name);
    for (size_t i = 0; i < count; i++)
        if (records[i].partition < 0 || records[i].partition >= topic->count)
            return err_set(err, ERR_CONFIG, "send: topic %s has no partition %" PRId32, name,
                           records[i].partition);
    for (size_t i = 0; i < count; i++) {
        struct partition *p = &topic->partitions[records[i].partition];

        column_put_int64(&p->records.offset, p->end++);
        column_put_int64(&p->records.timestamp, records[i].timestamp_us);
        put_optional(&p->records.key, records[i].key);
        put_optional(&p->records.value, records[i].value);
        put_optional(&p->records.headers, records[i].headers);
    }
    ((struct log_mem *)log)->acknowledged += count;
    return 0;
}

static int mem_poll(struct log *log, int64_t wait_us, uint64_t *acknowledged, struct err *err)
{
    (void)wait_us;
    (void)err;
    *acknowledged = ((struct log_mem *)log)->acknowledged;
    return 0;
}

static void give_back(struct partition *p)
{
    struct log_batch rest;

    log_batch_init(&rest);
    append_rows(&rest, &p->records, p->forgotten, p->records.offset.rows - p->forgotten);
    log_batch_deinit(&p->records);
    p->records = rest;
    p->forgotten = 0;
}

static int mem_retain(struct log *log, const char *name, int32_t partition, int64_t below,
                      int64_t older_than_us, struct err *err)
{
    struct partition *p = find_partition(log, name, partition);

    (void)err;
    if (p == NULL)
        return 0;
    while (p->forgotten < p->records.offset.rows &&
           column_int64(&p->records.offset, p->forgotten) < below &&
           column_int64(&p->records.timestamp, p->forgotten) < older_than_us)
        p->first = column_int64(&p->records.offset, p->forgotten++) + 1;
    if (p->forgotten > p->records.offset.rows / 2)
        give_back(p);
    return 0;
}

static void mem_close(struct log *log)
{
    struct log_mem *mem = (struct log_mem *)log;

    for (size_t i = 0; i < mem->count; i++) {
        for (int32_t p = 0; p < mem->topics[i].count; p++)
            log_batch_deinit(&mem->topics[i].partitions[p].records);
        free(mem->topics[i].partitions);
        free(mem->topics[i].name);
    }
    free(mem->topics);
    free(mem);
}

static const struct log_ops ops = {
    mem_ensure_topic, mem_partitions, mem_bounds, mem_timestamp_at,
    mem_read,         mem_send,       mem_poll,   mem_retain,
    mem_close,        NULL,           NULL,       NULL,
};

struct log *log_mem_open(uint64_t seed)
{
    struct log_mem *mem = mem_zero(1, sizeof(*mem));

    snprintf(mem->cluster, sizeof(mem->cluster), "mem-%" PRIu64, seed);
    mem->base = (struct log){ &ops, mem->cluster };
    return &mem->base;
}

void log_mem_skip(struct log *log, const char *topic, int32_t partition, int64_t gap)
{
    struct partition *p = find_partition(log, topic, partition);

    ASSERT(log->ops == &ops && p != NULL && gap >= 0);
    p->end += gap;
}
