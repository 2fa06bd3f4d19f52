// SPDX-License-Identifier: Apache-2.0
/* log_world.h: Kafka for a test that believes to be alone: the names of its topics are made unique
 * by what its folder is called. */
#ifndef K2_TESTS_CONTRACT_LOG_WORLD_H
#define K2_TESTS_CONTRACT_LOG_WORLD_H

#include "port/log_kafka.h"
#include "log_fixture.h"

#include <unistd.h>

struct log_world {
    struct log base;
    struct log *kafka;
    char prefix[64];
    char name[512];
};

static inline struct log_world *log_world_of(struct log *log, const char *topic)
{
    struct log_world *world = (struct log_world *)log;

    snprintf(world->name, sizeof(world->name), "%s%s", topic[0] == 0 ? "" : world->prefix, topic);
    return world;
}

#define WORLD(topic) struct log_world *w = log_world_of(log, topic)

static inline int log_world_ensure_topic(struct log *log, const char *topic, int32_t partitions,
                                         struct err *err)
{
    WORLD(topic);
    return log_ensure_topic(w->kafka, w->name, partitions, err);
}

static inline int log_world_partitions(struct log *log, const char *topic, int32_t *count,
                                       struct err *err)
{
    WORLD(topic);
    return log_partitions(w->kafka, w->name, count, err);
}

static inline int log_world_bounds(struct log *log, const char *topic, int32_t partition,
                                   int64_t *first, int64_t *end, struct err *err)
{
    WORLD(topic);
    return log_bounds(w->kafka, w->name, partition, first, end, err);
}

static inline int log_world_timestamp_at(struct log *log, const char *topic, int32_t partition,
                                         int64_t offset, int64_t *timestamp_us, struct err *err)
{
    WORLD(topic);
    return log_timestamp_at(w->kafka, w->name, partition, offset, timestamp_us, err);
}

static inline int log_world_read(struct log *log, const char *topic, int32_t partition,
                                 int64_t from, size_t records_max, size_t bytes_max,
                                 struct log_batch *out, int64_t *next, struct err *err)
{
    WORLD(topic);
    return log_read(w->kafka, w->name, partition, from, records_max, bytes_max, out, next, err);
}

static inline int log_world_send(struct log *log, const char *topic,
                                 const struct log_record *records, size_t count, struct err *err)
{
    WORLD(topic);
    return log_send(w->kafka, w->name, records, count, err);
}

static inline int log_world_poll(struct log *log, int64_t wait_us, uint64_t *acknowledged,
                                 struct err *err)
{
    return log_poll(((struct log_world *)log)->kafka, wait_us, acknowledged, err);
}

static inline int log_world_retain(struct log *log, const char *topic, int32_t partition,
                                   int64_t below, int64_t older_than_us, struct err *err)
{
    WORLD(topic);
    return log_retain(w->kafka, w->name, partition, below, older_than_us, err);
}

static inline void log_world_close(struct log *log)
{
    log_close(((struct log_world *)log)->kafka);
    free(log);
}

static inline int log_world_assigned(struct log *log, const char *topic, struct log_assignment *out,
                                     struct err *err)
{
    WORLD(topic);
    return log_assigned(w->kafka, w->name, out, err);
}

static inline int log_world_bounds_all(struct log *log, const char *topic, int32_t count,
                                       int64_t *first, int64_t *end, struct err *err)
{
    WORLD(topic);
    return log_bounds_all(w->kafka, w->name, count, first, end, err);
}

static inline struct log *log_kafka_world_open(const char *brokers, const char *folder)
{
    static const struct log_ops ops = {
        log_world_ensure_topic, log_world_partitions, log_world_bounds,     log_world_timestamp_at,
        log_world_read,         log_world_send,       log_world_poll,       log_world_retain,
        log_world_close,        log_world_assigned,   log_world_bounds_all, NULL,
    };
    static const char *const names[] = { "message.max.bytes" };
    static const char *const values[] = { "8000000" };
    struct log_world *world = mem_zero(1, sizeof(*world));
    struct log_kafka_options options = { .brokers = brokers,
                                         .name = names,
                                         .value = values,
                                         .count = 1,
                                         .group = world->prefix,
                                         .replication = 1,
                                         .may_create = true,
                                         .memory_bytes = 16 << 20,
                                         .partitions = 3 };
    const char *slash = strrchr(folder, '/');
    struct err err = { 0 };

    snprintf(world->prefix, sizeof(world->prefix), "%d-%s-", (int)getpid(),
             slash == NULL ? folder : slash + 1);
    if (log_kafka_open(&options, &world->kafka, &err) < 0 ||
        log_reach(world->kafka, 10000000, &err) < 0)
        fail_msg("%s", err.text);
    world->base = (struct log){ &ops, world->kafka->cluster };
    return &world->base;
}

#endif
