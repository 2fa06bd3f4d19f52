// SPDX-License-Identifier: Apache-2.0
/*
 * log_kafka.h: the log on Kafka, through librdkafka.
 *
 * Records are produced with an idempotent producer and acks=all, and read as read_committed, so a
 * gap stands where an aborted transaction was.  Positions are the caller's: nothing is committed to
 * the group, which only hands out partitions.  Timestamps have a grain of a millisecond and must be
 * above zero; the broker refuses one that lies far ahead of its clock, for as long as it does.
 * Empty headers come back as none.  What the log forgets is the topic's own setting.
 */
#ifndef K2_PORT_LOG_KAFKA_H
#define K2_PORT_LOG_KAFKA_H

#include "port/log.h"

struct log_kafka_options {
    const char *brokers;      /* "a:9092,b:9092" */
    const char *const *name;  /* properties of librdkafka */
    const char *const *value; /* theirs */
    size_t count;             /* of them */
    const char *group;        /* the group of topic a.b is GROUP-b */
    int32_t replication;      /* of topics that are made */
    bool may_create;          /* topics that are missing */
    size_t memory_bytes;      /* of records fetched ahead, in all partitions */
    size_t partitions;        /* that share it */
};

/* Copies the options, and waits for nobody: log_reach does.  CONFIG: a property that librdkafka
 * does not take, or one that a guarantee rests on; values are never in a message. */
CHECK_RESULT int log_kafka_open(const struct log_kafka_options *options, struct log **out,
                                struct err *err);

/* CONFIG when log_kafka_open would refuse the property for its name. */
CHECK_RESULT int log_kafka_refuse(const char *name, struct err *err);

/* What `k2 check` asks of a topic.  Of one that is there: two replicas in sync, no unclean
 * election, the rights to read it and to see its settings, and, with a group, to see that (whether
 * one may join it too cannot be known without moving its partitions) and to write (to any topic:
 * more cannot be known without writing).  Of one that is not: enough brokers
 * and the right to create it.  `say` is called for each that is not so, with a sentence that names
 * the fix. CONFIG: not even the right to look at it; the text names the fix. */
CHECK_RESULT int log_kafka_check(struct log *log, const char *topic, bool has_group,
                                 void (*say)(void *context, const char *what, const char *fix),
                                 void *context, struct err *err);

#endif
