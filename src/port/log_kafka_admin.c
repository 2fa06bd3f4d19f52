// SPDX-License-Identifier: Apache-2.0
/* log_kafka_admin.c: what the brokers know of a topic, making one, and its settings. */
#include "port/log_kafka_parts.h"

#include "core/micros.h"
#include "core/num.h"

#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#define SETTLE_US (20 * MICROS_SECOND) /* that a new topic may take to be everywhere */

enum { SYNC_MIN = 2 };

/* -- metadata */

static int refuse_denied(struct kafka *kafka, rd_kafka_resp_err_t code, const char *operation,
                         const char *what, const char *topic, struct err *err)
{
    kafka_fail_right(kafka, code, &(struct kafka_right){ operation, "topic", topic }, what, err);
    if (kafka_is_denied(code))
        err->kind = ERR_CONFIG;
    return -1;
}

int kafka_count_partitions(struct kafka *kafka, const char *name, int32_t *count, int32_t *brokers,
                           int32_t *replicas, struct err *err)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(kafka->asker, name, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code;

    if (handle == NULL)
        return LOG_ABSENT;
    code = rd_kafka_metadata(kafka->asker, 0, handle, &metadata, KAFKA_WAIT_MS);
    rd_kafka_topic_destroy(handle);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        const struct rd_kafka_metadata_topic *topic = &metadata->topics[0];

        code = metadata->topic_cnt == 1 ? topic->err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        if (brokers != NULL)
            *brokers = metadata->broker_cnt;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && topic->partition_cnt > 0) {
            *count = topic->partition_cnt;
            if (replicas != NULL)
                *replicas = topic->partitions[0].replica_cnt;
        }
        rd_kafka_metadata_destroy(metadata);
    }
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        code == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        return LOG_ABSENT;
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? 0
               : refuse_denied(kafka, code, "Describe", "look at", name, err);
}

/* -- making a topic */

static int refuse_to_make(const struct kafka *kafka, const char *name, int32_t partitions,
                          const char *why, struct err *err)
{
    return err_set(
        err, ERR_CONFIG,
        "topic %s is not there and %s: make it with `kafka-topics.sh --bootstrap-server "
        "%s --create --topic %s --partitions %" PRId32 " --replication-factor %" PRId32
        " --config min.insync.replicas=%d --config unclean.leader.election.enable=false`",
        name, why, kafka->brokers, name, partitions, kafka->replication,
        kafka->replication < SYNC_MIN ? kafka->replication : SYNC_MIN);
}

/* What one topic's creation came to. */
static rd_kafka_resp_err_t create(struct kafka *kafka, rd_kafka_NewTopic_t *topic, bool only_asks)
{
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(kafka->asker, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka->asker);
    rd_kafka_event_t *event;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    size_t count = 0;
    char text[128];

    rd_kafka_AdminOptions_set_operation_timeout(options, KAFKA_WAIT_MS, text, sizeof(text));
    if (only_asks)
        rd_kafka_AdminOptions_set_validate_only(options, 1, text, sizeof(text));
    rd_kafka_CreateTopics(kafka->asker, &topic, 1, options, queue);
    event = rd_kafka_queue_poll(queue, 2 * KAFKA_WAIT_MS);
    if (event != NULL) {
        code = rd_kafka_event_error(event);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            const rd_kafka_CreateTopics_result_t *result =
                rd_kafka_event_CreateTopics_result(event);
            const rd_kafka_topic_result_t **topics =
                rd_kafka_CreateTopics_result_topics(result, &count);

            code = count == 1 ? rd_kafka_topic_result_error(topics[0]) : RD_KAFKA_RESP_ERR__FAIL;
        }
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    return code;
}

static int await_topic(struct kafka *kafka, const char *name, int32_t partitions, struct err *err)
{
    int64_t until_us = kafka_now_us() + SETTLE_US;
    int64_t *ends = mem_zero((size_t)partitions, 2 * sizeof(*ends));
    int32_t count = 0;
    int rc;

    do {
        rc = kafka_count_partitions(kafka, name, &count, NULL, NULL, err);
        if (rc == 0 && count == partitions)
            rc =
                kafka_bounds(kafka, name, 0, count, ends, ends + count, err); /* all have leaders */
        if (rc != 0)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ 0, 100000000 }, NULL);
    } while (rc != 0 && kafka_now_us() < until_us);
    free(ends);
    if (rc > 0)
        return err_set(err, ERR_RETRY, "topic %s was made and is not there yet", name);
    if (rc == 0 && count != partitions)
        return err_set(err, ERR_CONFIG, "topic %s has %" PRId32 " partitions, not %" PRId32, name,
                       count, partitions);
    return rc;
}

int kafka_make_topic(struct kafka *kafka, const char *name, int32_t partitions, struct err *err)
{
    rd_kafka_NewTopic_t *topic;
    rd_kafka_resp_err_t code;
    int32_t count, brokers = 0;
    char text[256], sync[16];

    if (!kafka->may_create)
        return refuse_to_make(kafka, name, partitions, "log.create_topics is false", err);
    if (kafka_count_partitions(kafka, name, &count, &brokers, NULL, err) < 0)
        return -1;
    if (brokers < kafka->replication) /* the others may be starting */
        return err_set(err, ERR_RETRY,
                       "topic %s is not there, and the cluster has %" PRId32
                       " brokers where log.replication is %" PRId32
                       ": start the others, or set log.replication",
                       name, brokers, kafka->replication);
    topic = rd_kafka_NewTopic_new(name, partitions, kafka->replication, text, sizeof(text));
    if (topic == NULL)
        return err_set(err, ERR_CONFIG, "topic %s: %s", name, text);
    snprintf(sync, sizeof(sync), "%d",
             kafka->replication < SYNC_MIN ? kafka->replication : SYNC_MIN);
    rd_kafka_NewTopic_set_config(topic, "min.insync.replicas", sync);
    rd_kafka_NewTopic_set_config(topic, "unclean.leader.election.enable", "false");
    code = create(kafka, topic, false);
    rd_kafka_NewTopic_destroy(topic);
    if (kafka_is_denied(code))
        return refuse_to_make(kafka, name, partitions, "this user has not the right Create for it",
                              err);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return refuse_denied(kafka, code, "Create", "make", name, err);
    return await_topic(kafka, name, partitions, err);
}

/* -- settings */

struct look {
    void (*say)(void *context, const char *what, const char *fix);
    void *context;
    const char *name; /* of the topic */
    const char *brokers;
};

PRINTF_LIKE(3, 4)
static void say(const struct look *look, const char *what, const char *format, ...)
{
    char fix[512];
    va_list args;

    va_start(args, format);
    vsnprintf(fix, sizeof(fix), format, args);
    va_end(args);
    look->say(look->context, what, fix);
}

static void judge(const struct look *look, const char *name, const char *value)
{
    char what[300];
    const char *wanted;

    if (strcmp(name, "min.insync.replicas") == 0 && strtol(value, NULL, 10) < SYNC_MIN)
        wanted = "2";
    else if (strcmp(name, "unclean.leader.election.enable") == 0 && strcmp(value, "false") != 0)
        wanted = "false";
    else
        return;
    snprintf(what, sizeof(what), "topic %s has %s=%s", look->name, name, value);
    say(look, what,
        "what was acknowledged could be lost with one broker: `kafka-configs.sh "
        "--bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s=%s`",
        look->brokers, look->name, name, wanted);
}

static rd_kafka_resp_err_t describe(struct kafka *kafka, rd_kafka_ResourceType_t type,
                                    const char *name, const struct look *look)
{
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(type, name);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka->asker);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_event_t *event;
    size_t count = 0, entries = 0;

    rd_kafka_DescribeConfigs(kafka->asker, &resource, 1, NULL, queue);
    event = rd_kafka_queue_poll(queue, 2 * KAFKA_WAIT_MS);
    if (event != NULL) {
        code = rd_kafka_event_error(event);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            const rd_kafka_ConfigResource_t **found = rd_kafka_DescribeConfigs_result_resources(
                rd_kafka_event_DescribeConfigs_result(event), &count);
            const rd_kafka_ConfigEntry_t **entry = NULL;

            code = count == 1 ? rd_kafka_ConfigResource_error(found[0]) : RD_KAFKA_RESP_ERR__FAIL;
            if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
                entry = rd_kafka_ConfigResource_configs(found[0], &entries);
            for (size_t i = 0; i < entries; i++)
                if (rd_kafka_ConfigEntry_value(entry[i]) != NULL)
                    judge(look, rd_kafka_ConfigEntry_name(entry[i]),
                          rd_kafka_ConfigEntry_value(entry[i]));
        }
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_ConfigResource_destroy(resource);
    return code;
}

/* -- rights */

static void say_denied(struct kafka *kafka, const struct look *look,
                       const struct kafka_right *right)
{
    char what[300], fix[400];

    snprintf(what, sizeof(what), "this user has not the right %s for %s %s", right->operation,
             right->kind, right->name);
    kafka_right_fix(kafka, right, fix, sizeof(fix));
    say(look, what, "%s", fix);
}

/* Idempotent producers are given an id if they may write to any topic: more cannot be known without
 * writing.  Brokers that do not answer within a second have denied nothing. */
static bool may_write(struct kafka *kafka)
{
    int64_t until_us = kafka_now_us() + MICROS_SECOND;
    rd_kafka_t *client = NULL;
    struct err err = { 0 };
    bool may = true;
    char text[128];

    if (kafka_client_new(kafka, RD_KAFKA_PRODUCER, NULL, 0, NULL, &kafka->self, &client, &err) < 0)
        return true; /* said by who sends */
    while (may && kafka_now_us() < until_us) {
        rd_kafka_poll(client, 50);
        may = !kafka_is_denied(rd_kafka_fatal_error(client, text, sizeof(text)));
    }
    rd_kafka_destroy(client);
    return may;
}

/* What the group's offsets are is of no interest: only whether they may be seen.  That takes
 * Describe where joining takes Read, but joining would move the partitions of those that are in it.
 */
static bool may_join(struct kafka *kafka, const char *topic, const char *group)
{
    const struct kafka_setting own[] = { { "group.id", group } };
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    int64_t until_us = kafka_now_us() + 5 * MICROS_SECOND;
    rd_kafka_t *client = NULL;
    struct err err = { 0 };
    bool may = true, is_answered = false;

    rd_kafka_topic_partition_list_add(list, topic, 0);
    if (kafka_client_new(kafka, RD_KAFKA_CONSUMER, own, ARRAY_LEN(own), NULL, &kafka->self, &client,
                         &err) < 0)
        goto out;
    rd_kafka_poll_set_consumer(client);
    while (may && !is_answered && kafka_now_us() < until_us) {
        rd_kafka_resp_err_t code = rd_kafka_committed(client, list, 500);
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 0);

        is_answered = code == RD_KAFKA_RESP_ERR_NO_ERROR;
        may = code != RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED &&
              (message == NULL || message->err != RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
        if (message != NULL)
            rd_kafka_message_destroy(message);
    }
    rd_kafka_destroy(client);
out:
    rd_kafka_topic_partition_list_destroy(list);
    return may;
}

static void look_at_rights(struct kafka *kafka, const struct look *look, bool has_group)
{
    struct buf group = BUF_INIT;

    if (kafka_is_denied(kafka_may_read(kafka, look->name)))
        say_denied(kafka, look, &(struct kafka_right){ "Read", "topic", look->name });
    kafka_group_of(kafka, look->name, &group);
    if (has_group && !may_join(kafka, look->name, buf_text(&group)))
        say_denied(kafka, look, &(struct kafka_right){ "Read", "group", buf_text(&group) });
    if (has_group && !may_write(kafka))
        say_denied(kafka, look, &(struct kafka_right){ "Write", "topic", look->name });
    buf_deinit(&group);
}

/* Of a topic that is to be made: whether it can be. */
static void look_at_making(struct kafka *kafka, const struct look *look, int32_t brokers)
{
    rd_kafka_NewTopic_t *topic;
    char what[300], text[128];

    if (brokers < kafka->replication) {
        snprintf(what, sizeof(what), "the cluster has %" PRId32 " brokers", brokers);
        say(look, what,
            "topics are made with log.replication %" PRId32
            ": start the others, or set log.replication",
            kafka->replication);
        return;
    }
    topic = kafka->may_create
                ? rd_kafka_NewTopic_new(look->name, 1, kafka->replication, text, sizeof(text))
                : NULL;
    if (topic == NULL)
        return;
    if (kafka_is_denied(create(kafka, topic, true)))
        say_denied(kafka, look, &(struct kafka_right){ "Create", "topic", look->name });
    rd_kafka_NewTopic_destroy(topic);
}

static void look_at_replicas(const struct look *look, int32_t replicas)
{
    char what[300];

    if (replicas >= SYNC_MIN)
        return;
    snprintf(what, sizeof(what), "topic %s has %" PRId32 " replica", look->name, replicas);
    say(look, what,
        "what was acknowledged is lost with its broker: raise it with "
        "`kafka-reassign-partitions.sh`");
}

/* Topics that are made get their settings from us: only of one that is there they matter. */
int log_kafka_check(struct log *log, const char *topic, bool has_group,
                    void (*say_it)(void *context, const char *what, const char *fix), void *context,
                    struct err *err)
{
    struct kafka *kafka = (struct kafka *)log;
    struct look look = { say_it, context, topic, kafka->brokers };
    int32_t count = 0, brokers = 0, replicas = 0;
    rd_kafka_resp_err_t code;
    int rc = kafka_count_partitions(kafka, topic, &count, &brokers, &replicas, err);

    if (rc < 0)
        return -1;
    if (rc == LOG_ABSENT) {
        look_at_making(kafka, &look, brokers);
        return 0;
    }
    look_at_replicas(&look, replicas);
    look_at_rights(kafka, &look, has_group);
    code = describe(kafka, RD_KAFKA_RESOURCE_TOPIC, topic, &look);
    if (kafka_is_denied(code))
        say_denied(kafka, &look, &(struct kafka_right){ "DescribeConfigs", "topic", topic });
    else if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(kafka, code, err, "see the settings of topic %s", topic);
    return 0;
}
