// SPDX-License-Identifier: Apache-2.0
/*
 * log_kafka_parts.h: what the files of the Kafka adapter share.
 *
 * log_kafka.c          the log: topics, the port's operations
 * log_kafka_client.c   configuration, errors
 * log_kafka_reader.c   bounds, reading, one record's timestamp
 * log_kafka_member.c   the group
 * log_kafka_producer.c groups of records on their way
 * log_kafka_admin.c    making topics, their settings
 */
#ifndef K2_PORT_LOG_KAFKA_PARTS_H
#define K2_PORT_LOG_KAFKA_PARTS_H

#include "port/log_kafka.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

enum { KAFKA_WAIT_MS = 10000, KAFKA_PARTITIONS_MAX = 10000 };

/* The last thing that librdkafka complained of; any thread. */
struct kafka_trouble {
    pthread_mutex_t lock;
    char text[sizeof(((struct err *)0)->text)];
    char refusal[256]; /* of a login or a certificate: the last one; "": none */
};

/* What a client's callbacks know it by: first in the struct that has the client. */
struct kafka_owner {
    struct kafka *kafka;
};

struct kafka_setting {
    const char *name, *value;
};

struct kafka_member;
struct kafka_producer;

struct kafka_partition {
    bool is_started;
    int64_t next;               /* offset, of the next record that we give */
    rd_kafka_resp_err_t denied; /* what fetching last came to, when that was a denial */
    rd_kafka_message_t **held;  /* taken from librdkafka and not yet given */
    size_t held_at, held_count;
};

struct kafka_topic {
    struct kafka_topic *next;
    char *name;
    rd_kafka_topic_t *handle; /* of the reader */
    int32_t count;
    pthread_mutex_t lock; /* of all below */
    struct kafka_partition *partition;
    struct buf headers;          /* of one record */
    struct kafka_member *member; /* NULL: nobody has asked for an assignment */
    uint64_t generation;         /* of the assignment that the partitions are read by */
    bool is_round;
    bool has_ends, has_firsts; /* of this round */
    int64_t round_until_us;    /* 0: nothing was waited for yet */
    int64_t *first, *end;
};

struct kafka {
    struct log base;
    struct kafka_owner self;
    char *cluster;
    char *brokers, *group;
    struct kafka_setting *setting; /* owned */
    size_t setting_count;
    int32_t replication;
    bool may_create;
    size_t fetch_bytes; /* of one partition */
    struct kafka_trouble trouble;
    rd_kafka_t *reader;
    rd_kafka_t *asker; /* an answer would stand behind the fetch that a broker keeps waiting */
    pthread_mutex_t lookup_lock; /* of reading single records through the asker */
    pthread_mutex_t lock;        /* of the list of topics */
    struct kafka_topic *topics;
    struct kafka_producer *producer; /* one thread's; NULL until it sends */
};

/* -- client */

/* `own`: settings below those of the user.  `prepare`, if any, sets callbacks; `owner` is the
 * client's opaque. */
int kafka_client_new(struct kafka *kafka, rd_kafka_type_t type, const struct kafka_setting *own,
                     size_t count, void (*prepare)(rd_kafka_conf_t *conf),
                     struct kafka_owner *owner, rd_kafka_t **out, struct err *err);
/* -1 RETRY, with what librdkafka said last. */
int kafka_fail(struct kafka *kafka, rd_kafka_resp_err_t code, struct err *err, const char *format,
               ...) PRINTF_LIKE(4, 5);
/* What librdkafka said was forgotten: of before a success it explains nothing. */
void kafka_forget_trouble(struct kafka *kafka);
/* True, and CONFIG in *err: brokers have refused our login, or we their certificate. */
bool kafka_refusal(struct kafka *kafka, struct err *err);
/* Whether librdkafka's words are of such a refusal, not of a wire that broke in the middle. */
bool kafka_is_refusal(const char *text);
bool kafka_is_denied(rd_kafka_resp_err_t code);

/* What brokers that check rights (ACLs) must let this user do. */
struct kafka_right {
    const char *operation; /* "Read" */
    const char *kind;      /* "topic", "group" */
    const char *name;
};

/* The command that gives it. */
void kafka_right_fix(const struct kafka *kafka, const struct kafka_right *right, char *out,
                     size_t size);
/* As kafka_fail, "WHAT KIND NAME: …"; when the brokers deny it the text names the command. */
int kafka_fail_right(struct kafka *kafka, rd_kafka_resp_err_t code, const struct kafka_right *right,
                     const char *what, struct err *err);
int64_t kafka_now_us(void); /* of the monotonic clock */

/* -- topics */

/* LOG_ABSENT.  Topics stay until the log is closed. */
int kafka_find_topic(struct kafka *kafka, const char *name, struct kafka_topic **out,
                     struct err *err);
/* From the brokers; LOG_ABSENT.  *brokers, if any: how many there are. */
int kafka_count_partitions(struct kafka *kafka, const char *name, int32_t *count, int32_t *brokers,
                           int32_t *replicas, struct err *err);
int kafka_make_topic(struct kafka *kafka, const char *name, int32_t partitions, struct err *err);

/* -- reader; the topic's lock is held where there is a topic */

int kafka_bounds(struct kafka *kafka, const char *name, int32_t partition, int32_t count,
                 int64_t *first, int64_t *end, struct err *err);
int kafka_read(struct kafka *kafka, struct kafka_topic *topic, int32_t partition, int64_t from,
               size_t records_max, size_t bytes_max, struct log_batch *out, int64_t *next,
               struct err *err);
int kafka_timestamp_at(struct kafka *kafka, const char *name, int32_t partition, int64_t offset,
                       int64_t *timestamp_us, struct err *err);
/* What the brokers say to reading partition 0. */
rd_kafka_resp_err_t kafka_may_read(struct kafka *kafka, const char *name);
void kafka_stop_partition(struct kafka_topic *topic, int32_t partition);

/* -- group */

int kafka_member_new(struct kafka *kafka, const char *topic, struct kafka_member **out,
                     struct err *err);
void kafka_member_free(struct kafka_member *member);
/* Appends the group of a topic to *out. */
void kafka_group_of(const struct kafka *kafka, const char *topic, struct buf *out);
/* RETRY while the group has not answered. */
int kafka_member_look(struct kafka_member *member, struct log_assignment *out, struct err *err);

/* -- producer */

int kafka_send(struct kafka *kafka, const struct kafka_topic *topic,
               const struct log_record *records, size_t count, struct err *err);
int kafka_poll(struct kafka *kafka, int64_t wait_us, uint64_t *acknowledged, struct err *err);
void kafka_producer_free(struct kafka_producer *producer);

#endif
