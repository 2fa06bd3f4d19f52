// SPDX-License-Identifier: Apache-2.0
/*
 * log_kafka_reader.c: librdkafka fetches each partition that was read once ahead, from where the
 * last read ended, into a bounded queue of its own; a read empties it.
 *
 * An empty queue does not mean the end: the answer may be on its way.  So the end is asked for, of
 * all partitions at once in a round, and while the position is below it the data is waited for.
 * librdkafka tells of the end of a partition by an event, whose offset is behind gaps too.
 */
#include "port/log_kafka_parts.h"

#include "core/micros.h"
#include "core/num.h"

#include <inttypes.h>

#define ROUND_US MICROS_SECOND       /* that the reads of a round may wait together */
#define READ_US  (5 * MICROS_SECOND) /* that a read outside of one may wait for its next record */

enum { HELD_MAX = 512, POLL_MS = 50, LATEST = -1, EARLIEST = -2 };

/* -- bounds */

/* LATEST is the last stable offset, as these clients read committed records. */
static int ask_offsets(struct kafka *kafka, const char *name, int32_t partition, int32_t count,
                       int64_t which, int64_t *out, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    rd_kafka_resp_err_t code;

    for (int32_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, name, partition + i)->offset = which;
    code = rd_kafka_offsets_for_times(kafka->asker, list, KAFKA_WAIT_MS);
    for (int32_t i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < count; i++)
        code = list->elems[i].err;
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
        out[list->elems[i].partition - partition] = list->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    return kafka_fail_right(kafka, code, &(struct kafka_right){ "Describe", "topic", name },
                            which == LATEST ? "ends of" : "beginnings of", err);
}

int kafka_bounds(struct kafka *kafka, const char *name, int32_t partition, int32_t count,
                 int64_t *first, int64_t *end, struct err *err)
{
    if (ask_offsets(kafka, name, partition, count, EARLIEST, first, err) < 0)
        return -1;
    return ask_offsets(kafka, name, partition, count, LATEST, end, err);
}

/* The end of a partition, not older than this read, or than its round. */
static int find_end(struct kafka *kafka, struct kafka_topic *topic, int32_t partition, int64_t *end,
                    struct err *err)
{
    if (!topic->is_round)
        return ask_offsets(kafka, topic->name, partition, 1, LATEST, end, err);
    if (!topic->has_ends &&
        ask_offsets(kafka, topic->name, 0, topic->count, LATEST, topic->end, err) < 0)
        return -1;
    topic->has_ends = true;
    *end = topic->end[partition];
    return 0;
}

static int find_first(struct kafka *kafka, struct kafka_topic *topic, int32_t partition,
                      int64_t *first, struct err *err)
{
    if (!topic->is_round)
        return ask_offsets(kafka, topic->name, partition, 1, EARLIEST, first, err);
    if (!topic->has_firsts &&
        ask_offsets(kafka, topic->name, 0, topic->count, EARLIEST, topic->first, err) < 0)
        return -1;
    topic->has_firsts = true;
    *first = topic->first[partition];
    return 0;
}

/* -- reading */

void kafka_stop_partition(struct kafka_topic *topic, int32_t partition)
{
    struct kafka_partition *p = &topic->partition[partition];

    if (!p->is_started)
        return;
    while (p->held_at < p->held_count)
        rd_kafka_message_destroy(p->held[p->held_at++]);
    rd_kafka_consume_stop(topic->handle, partition);
    p->is_started = false;
}

/* LOG_OUT_OF_RANGE. */
static int start(struct kafka *kafka, struct kafka_topic *topic, int32_t partition, int64_t from,
                 struct err *err)
{
    struct kafka_partition *p = &topic->partition[partition];
    int64_t first, end;

    kafka_stop_partition(topic, partition);
    if (find_first(kafka, topic, partition, &first, err) < 0 ||
        find_end(kafka, topic, partition, &end, err) < 0)
        return -1;
    if (from < first || from > end)
        return LOG_OUT_OF_RANGE;
    if (rd_kafka_consume_start(topic->handle, partition, from) < 0)
        return kafka_fail(kafka, rd_kafka_last_error(), err, "read %s/%" PRId32, topic->name,
                          partition);
    if (p->held == NULL)
        p->held = mem_zero(HELD_MAX, sizeof(*p->held));
    p->held_at = p->held_count = 0;
    p->next = from;
    p->is_started = true;
    return 0;
}

static void put_optional(struct column *column, const void *bytes, size_t size)
{
    if (bytes == NULL)
        column_put_null(column);
    else
        column_put_bytes(column, span_of(bytes, size));
}

static void put_headers(struct kafka_topic *topic, const rd_kafka_message_t *message,
                        struct column *column)
{
    rd_kafka_headers_t *headers = NULL;
    const char *name;
    const void *value;
    size_t size;

    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_cnt(headers) == 0) {
        column_put_null(column);
        return;
    }
    buf_clear(&topic->headers);
    for (size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++)
        log_headers_put(&topic->headers, name, span_of(value, value == NULL ? 0 : size));
    column_put_bytes(column, buf_span(&topic->headers));
}

/* Bytes of the record. */
static size_t put_record(struct kafka_topic *topic, const rd_kafka_message_t *message,
                         struct log_batch *out)
{
    size_t before = out->headers.values.size;

    column_put_int64(&out->offset, message->offset);
    column_put_int64(&out->timestamp, rd_kafka_message_timestamp(message, NULL) * 1000);
    put_optional(&out->key, message->key, message->key_len);
    put_optional(&out->value, message->payload, message->len);
    put_headers(topic, message, &out->headers);
    return (message->key == NULL ? 0 : message->key_len) +
           (message->payload == NULL ? 0 : message->len) + out->headers.values.size - before;
}

struct reading {
    struct kafka *kafka;
    struct kafka_topic *topic;
    int32_t number;
    struct kafka_partition *partition;
    size_t records_max, bytes_max;
    size_t records, bytes;
    struct log_batch *out;
};

static bool is_enough(const struct reading *reading)
{
    return reading->records > 0 &&
           (reading->records >= reading->records_max || reading->bytes >= reading->bytes_max);
}

/* An event in place of a record.  -1, LOG_OUT_OF_RANGE: the partition is stopped. */
static int take_event(struct reading *reading, rd_kafka_resp_err_t code, int64_t offset,
                      struct err *err)
{
    struct kafka_partition *p = reading->partition;

    if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        p->next = int64_max(p->next, offset);
        p->denied = RD_KAFKA_RESP_ERR_NO_ERROR;
        return 0;
    }
    if (kafka_is_denied(code)) { /* librdkafka goes on asking, and tells when it is not any more */
        p->denied = code;
        return 0;
    }
    kafka_stop_partition(reading->topic, reading->number);
    if (reading->records > 0)
        return 0; /* it comes again */
    if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
        return LOG_OUT_OF_RANGE;
    return kafka_fail(reading->kafka, code, err, "read %s/%" PRId32, reading->topic->name,
                      reading->number);
}

/* What is held, up to a limit. */
static int take_held(struct reading *reading, struct err *err)
{
    struct kafka_partition *p = reading->partition;
    int rc = 0;

    while (rc == 0 && p->is_started && p->held_at < p->held_count && !is_enough(reading)) {
        rd_kafka_message_t *message = p->held[p->held_at++];

        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            rc = take_event(reading, message->err, message->offset, err);
        } else if (message->offset >= p->next) {
            reading->bytes += put_record(reading->topic, message, reading->out);
            reading->records++;
            p->next = message->offset + 1;
            p->denied = RD_KAFKA_RESP_ERR_NO_ERROR;
        }
        rd_kafka_message_destroy(message);
    }
    return rc;
}

/* True when something came. */
static bool hold(struct reading *reading, int wait_ms)
{
    struct kafka_partition *p = reading->partition;
    rd_kafka_topic_t *handle = reading->topic->handle;
    ssize_t count;

    p->held_at = p->held_count = 0;
    if (wait_ms > 0) { /* a batch would be waited for until it is full */
        p->held[0] = rd_kafka_consume(handle, reading->number, wait_ms);
        p->held_count = p->held[0] != NULL;
        return p->held_count > 0;
    }
    count = rd_kafka_consume_batch(handle, reading->number, 0, p->held, HELD_MAX);
    p->held_count = count > 0 ? (size_t)count : 0;
    return p->held_count > 0;
}

/* True when there is still something to wait for; *until_us is set at the first call. */
static bool may_wait(const struct reading *reading, int64_t *until_us)
{
    struct kafka_topic *topic = reading->topic;
    int64_t now_us = kafka_now_us();

    if (!topic->is_round) {
        if (*until_us == 0)
            *until_us = now_us + READ_US;
        return now_us < *until_us;
    }
    if (topic->round_until_us == 0)
        topic->round_until_us = now_us + ROUND_US;
    return now_us < topic->round_until_us;
}

/* A denial counts only where there is something to read: that it is over is told by the next
 * record, and of the end librdkafka tells once. */
static int read_all(struct reading *reading, struct err *err)
{
    const struct kafka_right right = { "Read", "topic", reading->topic->name };
    int64_t end = -1, until_us = 0;
    int rc = 0;

    while (rc == 0 && reading->partition->is_started && !is_enough(reading)) {
        if (reading->partition->held_at == reading->partition->held_count && !hold(reading, 0)) {
            if (end < 0 && find_end(reading->kafka, reading->topic, reading->number, &end, err) < 0)
                return reading->records > 0 ? 0 : -1;
            if (reading->partition->next >= end)
                break;
            if (reading->partition->denied != RD_KAFKA_RESP_ERR_NO_ERROR)
                return reading->records > 0
                           ? 0
                           : kafka_fail_right(reading->kafka, reading->partition->denied, &right,
                                              "read", err);
            if (!may_wait(reading, &until_us))
                break;
            if (hold(reading, POLL_MS) && !reading->topic->is_round)
                until_us = 0;
        }
        rc = take_held(reading, err);
    }
    return rc;
}

int kafka_read(struct kafka *kafka, struct kafka_topic *topic, int32_t partition, int64_t from,
               size_t records_max, size_t bytes_max, struct log_batch *out, int64_t *next,
               struct err *err)
{
    struct kafka_partition *p = &topic->partition[partition];
    struct reading reading = { kafka, topic, partition, p, records_max, bytes_max, 0, 0, out };
    int rc = 0;

    if (from < 0)
        return LOG_OUT_OF_RANGE;
    if (!p->is_started || p->next != from)
        rc = start(kafka, topic, partition, from, err);
    if (rc == 0)
        rc = read_all(&reading, err);
    if (rc != 0)
        return rc;
    *next = p->next;
    return 0;
}

/* -- one record */

static int look_up(struct kafka *kafka, rd_kafka_topic_t *handle, int32_t partition, int64_t offset,
                   int64_t *timestamp_us, struct err *err)
{
    int64_t until_us = kafka_now_us() + KAFKA_WAIT_MS * INT64_C(1000);
    int rc = -1;

    if (rd_kafka_consume_start(handle, partition, offset) < 0)
        return kafka_fail(kafka, rd_kafka_last_error(), err, "look up");
    kafka_fail(kafka, RD_KAFKA_RESP_ERR__TIMED_OUT, err, "look up");
    while (rc < 0 && kafka_now_us() < until_us) {
        rd_kafka_message_t *message = rd_kafka_consume(handle, partition, POLL_MS);

        if (message == NULL)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && message->offset == offset) {
            *timestamp_us = rd_kafka_message_timestamp(message, NULL) * 1000;
            rc = 0;
        } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR ||
                   message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF ||
                   message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
            rc = LOG_ABSENT;
        } else {
            kafka_fail_right(kafka, message->err,
                             &(struct kafka_right){ "Read", "topic", rd_kafka_topic_name(handle) },
                             "look up in", err);
            if (kafka_is_denied(message->err))
                until_us = 0;
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consume_stop(handle, partition);
    return rc;
}

int kafka_timestamp_at(struct kafka *kafka, const char *name, int32_t partition, int64_t offset,
                       int64_t *timestamp_us, struct err *err)
{
    rd_kafka_topic_t *handle;
    int64_t first, end;
    int rc;

    if (offset < 0)
        return LOG_ABSENT;
    if (kafka_bounds(kafka, name, partition, 1, &first, &end, err) < 0)
        return -1;
    if (offset < first || offset >= end)
        return LOG_ABSENT;
    pthread_mutex_lock(&kafka->lookup_lock);
    handle = rd_kafka_topic_new(kafka->asker, name, NULL);
    rc = look_up(kafka, handle, partition, offset, timestamp_us, err);
    rd_kafka_topic_destroy(handle);
    pthread_mutex_unlock(&kafka->lookup_lock);
    return rc < 0 ? err_wrap(err, "record %" PRId64 " of %s/%" PRId32, offset, name, partition)
                  : rc;
}

rd_kafka_resp_err_t kafka_may_read(struct kafka *kafka, const char *name)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(kafka->asker, name, NULL);
    int64_t until_us = kafka_now_us() + KAFKA_WAIT_MS * INT64_C(1000);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    bool is_answered = false;

    pthread_mutex_lock(&kafka->lookup_lock);
    if (rd_kafka_consume_start(handle, 0, RD_KAFKA_OFFSET_BEGINNING) < 0)
        code = rd_kafka_last_error();
    else
        while (!is_answered && kafka_now_us() < until_us) {
            rd_kafka_message_t *message = rd_kafka_consume(handle, 0, POLL_MS);

            if (message == NULL)
                continue;
            code = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF ? RD_KAFKA_RESP_ERR_NO_ERROR
                                                                    : message->err;
            is_answered = code == RD_KAFKA_RESP_ERR_NO_ERROR || kafka_is_denied(code);
            rd_kafka_message_destroy(message);
        }
    rd_kafka_consume_stop(handle, 0);
    pthread_mutex_unlock(&kafka->lookup_lock);
    rd_kafka_topic_destroy(handle);
    return code;
}
