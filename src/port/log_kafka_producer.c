// SPDX-License-Identifier: Apache-2.0
/*
 * log_kafka_producer.c: five groups on their way to Kafka.
 *
 * A slot holds a group's bytes until all of its records are acknowledged; librdkafka's messages
 * point into it.  librdkafka itself sends again, in order, as long as a broker may come back.  What
 * it gives up (a topic that denies us, a record that a broker finds too large, a fatal error of the
 * idempotent producer) is taken back whole: everything that waits is called off, and once nothing
 * is under way all that failed is sent again in its order.
 */
#include "port/log_kafka_parts.h"

#include "core/micros.h"
#include "core/num.h"

#include <inttypes.h>
#include <poll.h>

#define AGAIN_US (MICROS_SECOND / 2) /* between a failure and the next try */
#define SLOW_US  (5 * MICROS_SECOND) /* without an answer, that is said */

enum { SLOTS = 5, RECORD_OVERHEAD = 512 };

enum item_state { ITEM_UNDER_WAY, ITEM_ACKNOWLEDGED, ITEM_FAILED };

struct item {
    struct slot *slot;
    size_t key_at, value_at, headers_at; /* in the slot's bytes */
    size_t key_size, value_size, headers_size;
    bool has_key, has_value;
    int32_t partition;
    int64_t timestamp_ms;
    enum item_state state;
};

struct slot {
    const char *name;        /* of the topic; the log's */
    rd_kafka_topic_t *topic; /* the client's */
    struct buf bytes, items;
    size_t left; /* not acknowledged; 0: the slot is free */
    int64_t since_us;
};

struct kafka_producer {
    struct kafka_owner owner;
    rd_kafka_t *client;
    size_t record_bytes_max;
    struct slot slot[SLOTS]; /* a ring: from `oldest` on, `used` of them */
    size_t oldest, used;
    size_t under_way, failed; /* records */
    uint64_t acknowledged;
    bool is_called_off; /* since the last failure */
    int64_t again_us;   /* when failed ones are sent again */
    int64_t said_us;
    struct err err; /* of the last failure; NONE: it was said */
};

static struct item *items(struct slot *slot, size_t *count)
{
    *count = slot->items.size / sizeof(struct item);
    return (struct item *)(void *)slot->items.data;
}

/* -- answers */

/* A fatal error purges the client's queue: it is the reason, not the purge. */
static void fail(struct kafka_producer *producer, struct item *item, rd_kafka_resp_err_t code)
{
    const char *topic = item->slot->name;
    rd_kafka_resp_err_t fatal;
    char why[128];

    item->state = ITEM_FAILED;
    producer->failed++;
    fatal = rd_kafka_fatal_error(producer->client, why, sizeof(why));
    if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR)
        code = fatal;
    if (code == RD_KAFKA_RESP_ERR__PURGE_QUEUE || code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        return;
    producer->again_us = kafka_now_us() + AGAIN_US;
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        err_set(&producer->err, ERR_RETRY,
                "topic %s refuses a record of %zu bytes: raise its max.message.bytes, or lower "
                "batch.size and message.max.bytes in log.properties",
                topic, item->value_size);
    else
        kafka_fail_right(producer->owner.kafka, code,
                         &(struct kafka_right){ "Write", "topic", topic }, "send to",
                         &producer->err);
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    struct kafka_producer *producer = opaque;
    struct item *item = message->_private;

    (void)client;
    producer->under_way--;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fail(producer, item, message->err);
        return;
    }
    item->state = ITEM_ACKNOWLEDGED;
    item->slot->left--;
    producer->acknowledged++;
}

/* -- the client */

static void prepare(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
}

static int open_client(struct kafka_producer *producer, struct err *err)
{
    static const struct kafka_setting own[] = {
        { "compression.type", "zstd" },
        { "linger.ms", "1" },
        { "batch.size", "524288" },
        { "queue.buffering.max.kbytes", "65536" },
    };
    char text[32];
    size_t size = sizeof(text);
    int64_t bytes_max = 1000000;

    if (kafka_client_new(producer->owner.kafka, RD_KAFKA_PRODUCER, own, ARRAY_LEN(own), prepare,
                         &producer->owner, &producer->client, err) < 0)
        return -1;
    if (rd_kafka_conf_get(rd_kafka_conf(producer->client), "message.max.bytes", text, &size) ==
        RD_KAFKA_CONF_OK)
        bytes_max = strtoll(text, NULL, 10);
    producer->record_bytes_max =
        (size_t)(int64_max(bytes_max, INT64_C(2) * RECORD_OVERHEAD) - RECORD_OVERHEAD);
    return 0;
}

static void close_client(struct kafka_producer *producer)
{
    if (producer->client == NULL)
        return;
    rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (rd_kafka_poll(producer->client, 0) > 0)
        ;
    for (size_t i = 0; i < SLOTS; i++) {
        if (producer->slot[i].topic != NULL)
            rd_kafka_topic_destroy(producer->slot[i].topic);
        producer->slot[i].topic = NULL;
    }
    rd_kafka_destroy(producer->client);
    producer->client = NULL;
}

void kafka_producer_free(struct kafka_producer *producer)
{
    if (producer == NULL)
        return;
    close_client(producer);
    for (size_t i = 0; i < SLOTS; i++) {
        buf_deinit(&producer->slot[i].bytes);
        buf_deinit(&producer->slot[i].items);
    }
    free(producer);
}

/* -- sending */

static rd_kafka_headers_t *headers_of(struct span bytes)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    struct span name, value;

    while (log_headers_next(&bytes, &name, &value))
        rd_kafka_header_add(headers, (const char *)name.data, (ssize_t)name.size, value.data,
                            (ssize_t)value.size);
    return headers;
}

/* The array, not the variadic call: its macros are GNU C.  On success the headers are the client's.
 */
static rd_kafka_resp_err_t hand_over(struct kafka_producer *producer, struct item *item,
                                     rd_kafka_headers_t *headers)
{
    const struct slot *slot = item->slot;
    uintptr_t bytes = (uintptr_t)slot->bytes.data;
    rd_kafka_vu_t part[7] = {
        { .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = slot->topic },
        { .vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = item->partition },
        { .vtype = RD_KAFKA_VTYPE_VALUE },
        { .vtype = RD_KAFKA_VTYPE_KEY },
        { .vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = item->timestamp_ms },
        { .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = item },
        { .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers },
    };
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_error_t *error;

    if (item->has_value) {
        part[2].u.mem.ptr = (void *)(bytes + item->value_at);
        part[2].u.mem.size = item->value_size;
    }
    if (item->has_key) {
        part[3].u.mem.ptr = (void *)(bytes + item->key_at);
        part[3].u.mem.size = item->key_size;
    }
    error = rd_kafka_produceva(producer->client, part, ARRAY_LEN(part) - (headers == NULL));
    if (error != NULL) {
        code = rd_kafka_error_code(error);
        rd_kafka_error_destroy(error);
    }
    return code;
}

static void produce(struct kafka_producer *producer, struct item *item)
{
    struct slot *slot = item->slot;
    const uint8_t *bytes = slot->bytes.data;
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_resp_err_t code;

    if (item->headers_size > 0)
        headers = headers_of(span_of(bytes + item->headers_at, item->headers_size));
    item->state = ITEM_UNDER_WAY;
    producer->under_way++;
    code = hand_over(producer, item, headers);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    if (headers != NULL)
        rd_kafka_headers_destroy(headers);
    producer->under_way--;
    fail(producer, item, code);
}

static void copy(struct slot *slot, const struct log_record *record)
{
    struct item item = { .slot = slot,
                         .key_at = slot->bytes.size,
                         .key_size = record->key.size,
                         .value_size = record->value.size,
                         .headers_size = record->headers.size,
                         .has_key = record->key.data != NULL,
                         .has_value = record->value.data != NULL,
                         .partition = record->partition,
                         .timestamp_ms = record->timestamp_us / 1000 };

    buf_put_span(&slot->bytes, record->key);
    item.value_at = slot->bytes.size;
    buf_put_span(&slot->bytes, record->value);
    item.headers_at = slot->bytes.size;
    buf_put_span(&slot->bytes, record->headers);
    buf_put(&slot->items, &item, sizeof(item));
}

static int check(const struct kafka_producer *producer, const struct kafka_topic *topic,
                 const struct log_record *records, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct log_record *record = &records[i];

        if (record->partition < 0 || record->partition >= topic->count)
            return err_set(err, ERR_CONFIG, "send: topic %s has no partition %" PRId32, topic->name,
                           record->partition);
        if (record->key.size + record->value.size + record->headers.size >
            producer->record_bytes_max)
            return err_set(err, ERR_REJECT, "send: a record of %zu bytes, more than %zu",
                           record->value.size, producer->record_bytes_max);
    }
    return 0;
}

static int open_producer(struct kafka *kafka, struct err *err)
{
    if (kafka->producer == NULL) {
        kafka->producer = mem_zero(1, sizeof(*kafka->producer));
        kafka->producer->owner.kafka = kafka;
    }
    return kafka->producer->client != NULL ? 0 : open_client(kafka->producer, err);
}

int kafka_send(struct kafka *kafka, const struct kafka_topic *topic,
               const struct log_record *records, size_t count, struct err *err)
{
    struct kafka_producer *producer;
    struct slot *slot;
    struct item *item;

    if (open_producer(kafka, err) < 0)
        return -1;
    producer = kafka->producer;
    if (check(producer, topic, records, count, err) < 0)
        return -1;
    if (count == 0)
        return 0;
    if (producer->used == SLOTS || producer->failed > 0)
        return LOG_BUSY;
    slot = &producer->slot[(producer->oldest + producer->used++) % SLOTS];
    buf_clear(&slot->bytes);
    buf_clear(&slot->items);
    buf_reserve(&slot->bytes, 1); /* empty texts need an address too */
    for (size_t i = 0; i < count; i++)
        copy(slot, &records[i]);
    slot->name = topic->name;
    slot->topic = rd_kafka_topic_new(producer->client, slot->name, NULL);
    slot->left = count;
    slot->since_us = kafka_now_us();
    item = items(slot, &count);
    for (size_t i = 0; i < count; i++)
        produce(producer, &item[i]);
    return 0;
}

/* -- polling */

/* Nothing is under way: all that failed, in its order. */
static int send_again(struct kafka_producer *producer, struct err *err)
{
    char text[128];

    if (producer->client != NULL &&
        rd_kafka_fatal_error(producer->client, text, sizeof(text)) != RD_KAFKA_RESP_ERR_NO_ERROR)
        close_client(producer);
    if (producer->client == NULL && open_client(producer, err) < 0) {
        producer->again_us = kafka_now_us() + AGAIN_US;
        err->kind = ERR_RETRY; /* it was opened before: a file of its settings is being replaced */
        return -1;
    }
    producer->failed = 0;
    producer->is_called_off = false;
    for (size_t i = 0; i < producer->used; i++) {
        struct slot *slot = &producer->slot[(producer->oldest + i) % SLOTS];
        size_t count;
        struct item *item = items(slot, &count);

        if (slot->topic == NULL)
            slot->topic = rd_kafka_topic_new(producer->client, slot->name, NULL);
        for (size_t k = 0; k < count; k++)
            if (item[k].state == ITEM_FAILED)
                produce(producer, &item[k]);
    }
    return 0;
}

static void free_slots(struct kafka_producer *producer)
{
    while (producer->used > 0 && producer->slot[producer->oldest].left == 0) {
        if (producer->slot[producer->oldest].topic != NULL)
            rd_kafka_topic_destroy(producer->slot[producer->oldest].topic);
        producer->slot[producer->oldest].topic = NULL;
        producer->oldest = (producer->oldest + 1) % SLOTS;
        producer->used--;
    }
}

/* -1: something to be said, once in a while. */
static int say(struct kafka_producer *producer, struct err *err)
{
    int64_t now_us = kafka_now_us();

    if (producer->err.kind != ERR_NONE) {
        *err = producer->err;
        producer->err.kind = ERR_NONE;
        producer->said_us = now_us;
        return -1;
    }
    if (producer->used == 0 || now_us - producer->slot[producer->oldest].since_us < SLOW_US ||
        now_us - producer->said_us < SLOW_US)
        return 0;
    producer->said_us = now_us;
    return kafka_fail(producer->owner.kafka, RD_KAFKA_RESP_ERR__TIMED_OUT, err,
                      "send: %zu records wait for an answer", producer->under_way);
}

int kafka_poll(struct kafka *kafka, int64_t wait_us, uint64_t *acknowledged, struct err *err)
{
    struct kafka_producer *producer = kafka->producer;
    int wait_ms = (int)int64_min((wait_us + 999) / 1000, 60000);

    *acknowledged = producer == NULL ? 0 : producer->acknowledged;
    if (producer == NULL || producer->used == 0)
        return 0;
    if (producer->failed > 0 && producer->under_way == 0 && kafka_now_us() >= producer->again_us &&
        send_again(producer, err) < 0)
        return -1;
    if (producer->client == NULL)
        poll(NULL, 0, (int)int64_min(wait_ms, AGAIN_US / 1000));
    else if (rd_kafka_poll(producer->client, wait_ms) > 0)
        while (rd_kafka_poll(producer->client, 0) > 0)
            ;
    if (producer->failed > 0 && !producer->is_called_off && producer->client != NULL) {
        producer->is_called_off = true;
        rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE);
        while (rd_kafka_poll(producer->client, 0) > 0)
            ;
    }
    free_slots(producer);
    *acknowledged = producer->acknowledged;
    return say(producer, err);
}
