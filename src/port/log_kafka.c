// SPDX-License-Identifier: Apache-2.0
/*
 * log_kafka.c: the log's operations, and the topics it has seen.
 *
 * Clients: one reads, one asks (metadata, ends, single records), one for each topic is a member
 * of its group and reads nothing, one produces.  So a rebalance never touches what is being read,
 * and a Bronze that waits for its catalog keeps its membership: the member has a thread of its own.
 */
#include "port/log_kafka_parts.h"

#include "core/micros.h"
#include "core/num.h"

#include <inttypes.h>

#define REFUSED_US (2 * MICROS_SECOND) /* that other brokers have to answer after a refusal */

enum {
    FETCH_BYTES_MIN = 16384,
    FETCH_BYTES_MAX = 1 << 20,
    BYTES_HELD = 16, /* for each byte fetched: decompressed, and what librdkafka has around it */
    MESSAGE_BYTES = 1024,
    REACH_MS = 100, /* between looks whether brokers have refused us */
};

/* -- topics */

static struct kafka_topic *topic_new(struct kafka *kafka, const char *name, int32_t count)
{
    struct kafka_topic *topic = mem_zero(1, sizeof(*topic));

    topic->handle = rd_kafka_topic_new(kafka->reader, name, NULL);
    ASSERT(topic->handle != NULL);
    topic->name = mem_text(name);
    topic->count = count;
    topic->partition = mem_zero((size_t)count, sizeof(*topic->partition));
    topic->first = mem_zero((size_t)count, sizeof(*topic->first));
    topic->end = mem_zero((size_t)count, sizeof(*topic->end));
    pthread_mutex_init(&topic->lock, NULL);
    return topic;
}

static void topic_free(struct kafka_topic *topic)
{
    kafka_member_free(topic->member);
    for (int32_t i = 0; i < topic->count; i++) {
        kafka_stop_partition(topic, i);
        free(topic->partition[i].held);
    }
    rd_kafka_topic_destroy(topic->handle);
    pthread_mutex_destroy(&topic->lock);
    buf_deinit(&topic->headers);
    free(topic->partition);
    free(topic->first);
    free(topic->end);
    free(topic->name);
    free(topic);
}

int kafka_find_topic(struct kafka *kafka, const char *name, struct kafka_topic **out,
                     struct err *err)
{
    int32_t count;
    int rc = 0;

    pthread_mutex_lock(&kafka->lock);
    for (*out = kafka->topics; *out != NULL; *out = (*out)->next)
        if (strcmp((*out)->name, name) == 0)
            break;
    if (*out == NULL) {
        rc = kafka_count_partitions(kafka, name, &count, NULL, NULL, err);
        if (rc == 0) {
            *out = topic_new(kafka, name, count);
            (*out)->next = kafka->topics;
            kafka->topics = *out;
        }
    }
    pthread_mutex_unlock(&kafka->lock);
    return rc;
}

static int find_partition(struct kafka *kafka, const char *name, int32_t partition,
                          struct kafka_topic **out, struct err *err)
{
    int rc = kafka_find_topic(kafka, name, out, err);

    if (rc != 0)
        return rc;
    return partition < 0 || partition >= (*out)->count ? LOG_ABSENT : 0;
}

/* -- operations */

static int log_kafka_ensure_topic(struct log *log, const char *name, int32_t partitions,
                                  struct err *err)
{
    struct kafka *kafka = (struct kafka *)log;
    int32_t count = 0;
    int rc;

    if (partitions < 1 || partitions > KAFKA_PARTITIONS_MAX)
        return err_set(err, ERR_CONFIG, "topic %s: %" PRId32 " partitions, not 1 to %d", name,
                       partitions, KAFKA_PARTITIONS_MAX);
    rc = kafka_count_partitions(kafka, name, &count, NULL, NULL, err);
    if (rc == LOG_ABSENT)
        return kafka_make_topic(kafka, name, partitions, err);
    if (rc < 0)
        return -1;
    if (count != partitions)
        return err_set(err, ERR_CONFIG, "topic %s has %" PRId32 " partitions, not %" PRId32, name,
                       count, partitions);
    return 0;
}

static int log_kafka_partitions(struct log *log, const char *name, int32_t *count, struct err *err)
{
    return kafka_count_partitions((struct kafka *)log, name, count, NULL, NULL, err);
}

static int log_kafka_bounds(struct log *log, const char *name, int32_t partition, int64_t *first,
                            int64_t *end, struct err *err)
{
    struct kafka_topic *topic;
    int rc = find_partition((struct kafka *)log, name, partition, &topic, err);

    return rc != 0 ? rc : kafka_bounds((struct kafka *)log, name, partition, 1, first, end, err);
}

static int log_kafka_bounds_all(struct log *log, const char *name, int32_t count, int64_t *first,
                                int64_t *end, struct err *err)
{
    struct kafka_topic *topic;
    int rc = find_partition((struct kafka *)log, name, count - 1, &topic, err);

    return rc != 0 ? rc : kafka_bounds((struct kafka *)log, name, 0, count, first, end, err);
}

static int log_kafka_timestamp_at(struct log *log, const char *name, int32_t partition,
                                  int64_t offset, int64_t *timestamp_us, struct err *err)
{
    struct kafka *kafka = (struct kafka *)log;
    struct kafka_topic *topic;
    int rc = find_partition(kafka, name, partition, &topic, err);

    return rc != 0 ? rc : kafka_timestamp_at(kafka, name, partition, offset, timestamp_us, err);
}

static int log_kafka_read(struct log *log, const char *name, int32_t partition, int64_t from,
                          size_t records_max, size_t bytes_max, struct log_batch *out,
                          int64_t *next, struct err *err)
{
    struct kafka *kafka = (struct kafka *)log;
    struct kafka_topic *topic;
    int rc = find_partition(kafka, name, partition, &topic, err);

    if (rc != 0)
        return rc;
    pthread_mutex_lock(&topic->lock);
    rc = kafka_read(kafka, topic, partition, from, records_max, bytes_max, out, next, err);
    pthread_mutex_unlock(&topic->lock);
    return rc;
}

static int log_kafka_send(struct log *log, const char *name, const struct log_record *records,
                          size_t count, struct err *err)
{
    struct kafka_topic *topic;
    int rc = kafka_find_topic((struct kafka *)log, name, &topic, err);

    if (rc < 0)
        return -1;
    if (rc == LOG_ABSENT)
        return err_set(err, ERR_CONFIG, "send: no topic %s", name);
    return kafka_send((struct kafka *)log, topic, records, count, err);
}

static int log_kafka_poll(struct log *log, int64_t wait_us, uint64_t *acknowledged, struct err *err)
{
    return kafka_poll((struct kafka *)log, wait_us, acknowledged, err);
}

static int log_kafka_retain(struct log *log, const char *topic, int32_t partition, int64_t below,
                            int64_t older_than_us, struct err *err)
{
    (void)log, (void)topic, (void)partition, (void)below, (void)older_than_us, (void)err;
    return 0;
}

/* What another process reads now need not be fetched here. */
static void stop_others(struct kafka_topic *topic, const struct log_assignment *ours)
{
    bool *is_ours = mem_zero((size_t)topic->count, sizeof(*is_ours));

    for (size_t i = 0; i < ours->count; i++)
        if (ours->partition[i] < topic->count)
            is_ours[ours->partition[i]] = true;
    for (int32_t i = 0; i < topic->count; i++)
        if (!is_ours[i])
            kafka_stop_partition(topic, i);
    free(is_ours);
}

static int log_kafka_assigned(struct log *log, const char *name, struct log_assignment *out,
                              struct err *err)
{
    struct kafka *kafka = (struct kafka *)log;
    struct kafka_topic *topic;
    int rc = kafka_find_topic(kafka, name, &topic, err);

    if (rc != 0)
        return rc;
    pthread_mutex_lock(&topic->lock);
    topic->is_round = true;
    topic->has_ends = topic->has_firsts = false;
    topic->round_until_us = 0;
    if (topic->member == NULL)
        rc = kafka_member_new(kafka, name, &topic->member, err);
    if (rc == 0)
        rc = kafka_member_look(topic->member, out, err);
    if (rc == 0 && out->generation != topic->generation) {
        stop_others(topic, out);
        topic->generation = out->generation;
    }
    pthread_mutex_unlock(&topic->lock);
    return rc;
}

/* -- reaching */

/* SCRAM of librdkafka before 2.6.1 is not what brokers take from Kafka 4 on. */
static bool is_scram_too_old(const struct kafka *kafka)
{
    enum { SCRAM_MENDED = 0x02060100 };

    for (size_t i = 0; i < kafka->setting_count; i++)
        if (strncmp(kafka->setting[i].name, "sasl.mechanism", strlen("sasl.mechanism")) == 0 &&
            strncmp(kafka->setting[i].value, "SCRAM", strlen("SCRAM")) == 0)
            return rd_kafka_version() < SCRAM_MENDED;
    return false;
}

/* True, and *err is filled, when brokers have refused us for what the configuration says. */
static bool is_refused(struct kafka *kafka, struct err *err)
{
    if (!kafka_refusal(kafka, err))
        return false;
    err_wrap(err, "brokers of %s refuse us", kafka->brokers);
    if (is_scram_too_old(kafka) && strstr(err->text, "uthentication") != NULL)
        err_wrap(err,
                 "librdkafka %s cannot log in to Kafka 4 by SCRAM, 2.6.1 can; PLAIN over TLS works",
                 rd_kafka_version_str());
    return true;
}

static void take_cluster(struct kafka *kafka, char *cluster)
{
    pthread_mutex_lock(&kafka->lock);
    if (kafka->cluster == NULL) {
        kafka->cluster = mem_text(cluster);
        kafka->base.cluster = kafka->cluster;
    }
    pthread_mutex_unlock(&kafka->lock);
    rd_kafka_mem_free(kafka->asker, cluster);
    kafka_forget_trouble(kafka);
}

/* The clients connect, and connect again, by themselves.  A broker that refuses us does not speak
 * for the others: they get a moment more. */
static int log_kafka_reach(struct log *log, int64_t wait_us, struct err *err)
{
    struct kafka *kafka = (struct kafka *)log;
    int64_t until_us = kafka_now_us() + wait_us;
    bool was_refused = false;
    char *cluster;

    while ((cluster = rd_kafka_clusterid(kafka->asker, REACH_MS)) == NULL) {
        bool is_no = is_refused(kafka, err);

        if (is_no && !was_refused)
            until_us = int64_min(until_us, kafka_now_us() + REFUSED_US);
        was_refused = is_no;
        if (kafka_now_us() < until_us)
            continue;
        return is_no ? -1
                     : kafka_fail(kafka, RD_KAFKA_RESP_ERR__TIMED_OUT, err,
                                  "no broker of %s answers", kafka->brokers);
    }
    take_cluster(kafka, cluster);
    return 0;
}

/* -- opening */

static void log_kafka_close(struct log *log)
{
    struct kafka *kafka = (struct kafka *)log;

    kafka_producer_free(kafka->producer);
    while (kafka->topics != NULL) {
        struct kafka_topic *topic = kafka->topics;

        kafka->topics = topic->next;
        topic_free(topic);
    }
    if (kafka->asker != NULL)
        rd_kafka_destroy(kafka->asker);
    if (kafka->reader != NULL)
        rd_kafka_destroy(kafka->reader);
    for (size_t i = 0; i < kafka->setting_count; i++) {
        free((void *)(uintptr_t)kafka->setting[i].name);
        free((void *)(uintptr_t)kafka->setting[i].value);
    }
    pthread_mutex_destroy(&kafka->lock);
    pthread_mutex_destroy(&kafka->lookup_lock);
    pthread_mutex_destroy(&kafka->trouble.lock);
    free(kafka->setting);
    free(kafka->cluster);
    free(kafka->brokers);
    free(kafka->group);
    free(kafka);
}

static struct kafka *kafka_new(const struct log_kafka_options *options)
{
    static const struct log_ops ops = {
        log_kafka_ensure_topic, log_kafka_partitions, log_kafka_bounds,     log_kafka_timestamp_at,
        log_kafka_read,         log_kafka_send,       log_kafka_poll,       log_kafka_retain,
        log_kafka_close,        log_kafka_assigned,   log_kafka_bounds_all, log_kafka_reach,
    };
    struct kafka *kafka = mem_zero(1, sizeof(*kafka));
    size_t share = options->memory_bytes / BYTES_HELD / size_max(1, options->partitions);

    kafka->base = (struct log){ &ops, "" };
    kafka->self.kafka = kafka;
    kafka->brokers = mem_text(options->brokers);
    kafka->group = mem_text(options->group);
    kafka->replication = options->replication;
    kafka->may_create = options->may_create;
    kafka->fetch_bytes = size_min(size_max(share, FETCH_BYTES_MIN), FETCH_BYTES_MAX);
    kafka->setting = mem_zero(options->count + 1, sizeof(*kafka->setting));
    for (size_t i = 0; i < options->count; i++)
        kafka->setting[kafka->setting_count++] =
            (struct kafka_setting){ mem_text(options->name[i]), mem_text(options->value[i]) };
    pthread_mutex_init(&kafka->lock, NULL);
    pthread_mutex_init(&kafka->lookup_lock, NULL);
    pthread_mutex_init(&kafka->trouble.lock, NULL);
    return kafka;
}

static int open_readers(struct kafka *kafka, struct err *err)
{
    char fetch_bytes[24], queued_kib[24], queued[24];
    const struct kafka_setting own[] = {
        { "fetch.message.max.bytes", fetch_bytes }, { "queued.max.messages.kbytes", queued_kib },
        { "queued.min.messages", queued },          { "fetch.wait.max.ms", "200" },
        { "fetch.error.backoff.ms", "100" },
    };
    static const struct kafka_setting few[] = {
        { "fetch.wait.max.ms", "10" },
        { "queued.min.messages", "1" },
        { "fetch.message.max.bytes", "16384" },
    };

    snprintf(fetch_bytes, sizeof(fetch_bytes), "%zu", kafka->fetch_bytes);
    snprintf(queued_kib, sizeof(queued_kib), "%zu", kafka->fetch_bytes * 4 / 1024);
    snprintf(queued, sizeof(queued), "%zu", kafka->fetch_bytes * 4 / MESSAGE_BYTES);
    if (kafka_client_new(kafka, RD_KAFKA_CONSUMER, own, ARRAY_LEN(own), NULL, &kafka->self,
                         &kafka->reader, err) < 0 ||
        kafka_client_new(kafka, RD_KAFKA_CONSUMER, few, ARRAY_LEN(few), NULL, &kafka->self,
                         &kafka->asker, err) < 0)
        return -1;
    return 0;
}

int log_kafka_open(const struct log_kafka_options *options, struct log **out, struct err *err)
{
    struct kafka *kafka;

    for (size_t i = 0; i < options->count; i++)
        if (log_kafka_refuse(options->name[i], err) < 0)
            return -1;
    kafka = kafka_new(options);
    if (open_readers(kafka, err) < 0) {
        log_kafka_close(&kafka->base);
        return -1;
    }
    *out = &kafka->base;
    return 0;
}
