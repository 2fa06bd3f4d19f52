// SPDX-License-Identifier: Apache-2.0
/*
 * log_kafka_member.c: a member of a topic's group, which reads nothing.
 *
 * A thread of its own polls it, so that rebalances are answered whatever the reader does: a commit
 * that takes longer than max.poll.interval.ms costs no membership.  Partitions are assigned paused,
 * at their end, so that nothing is fetched and no offset of the group is ever asked for.
 */
#include "port/log_kafka_parts.h"

#include "core/diag.h"
#include "core/num.h"

#include <inttypes.h>
#include <time.h>

enum { POLL_MS = 200, FIRST_WAIT_S = 5 };

struct kafka_member {
    struct kafka_owner owner;
    char *topic, *group;
    rd_kafka_t *client;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    bool is_ours[KAFKA_PARTITIONS_MAX];
    bool has_joined, is_ending;
    uint64_t generation;
};

static void note(struct kafka_member *member, const rd_kafka_topic_partition_list_t *partitions,
                 bool is_ours, bool has_joined)
{
    pthread_mutex_lock(&member->lock);
    for (int i = 0; i < partitions->cnt; i++)
        if (partitions->elems[i].partition >= 0 &&
            partitions->elems[i].partition < KAFKA_PARTITIONS_MAX)
            member->is_ours[partitions->elems[i].partition] = is_ours;
    member->has_joined = has_joined;
    member->generation++;
    pthread_cond_broadcast(&member->changed);
    pthread_mutex_unlock(&member->lock);
    diag(DIAG_INFO, is_ours ? "kafka_assigned" : "kafka_revoked",
         "topic=%s group=%s partitions=%d lost=%d", member->topic, member->group, partitions->cnt,
         !has_joined);
    if (is_ours)
        kafka_forget_trouble(member->owner.kafka); /* what kept us out of the group */
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct kafka_member *member = opaque;
    bool is_assigned = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    bool is_lost = !is_assigned && rd_kafka_assignment_lost(client) != 0;
    rd_kafka_error_t *error;

    if (is_assigned) {
        for (int i = 0; i < partitions->cnt; i++)
            partitions->elems[i].offset = RD_KAFKA_OFFSET_END;
        error = rd_kafka_incremental_assign(client, partitions);
        rd_kafka_pause_partitions(client, partitions);
    } else {
        error = rd_kafka_incremental_unassign(client, partitions);
    }
    if (error != NULL) {
        diag(DIAG_WARN, "kafka_rebalance_failed", "topic=%s reason=\"%s\"", member->topic,
             rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
    }
    note(member, partitions, is_assigned, !is_lost);
}

static void prepare(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
}

static bool is_ending(struct kafka_member *member)
{
    bool is;

    pthread_mutex_lock(&member->lock);
    is = member->is_ending;
    pthread_mutex_unlock(&member->lock);
    return is;
}

/* Into the errors of those who wait for the group. */
static void complain(struct kafka_member *member, const rd_kafka_message_t *message)
{
    struct kafka_trouble *trouble = &member->owner.kafka->trouble;
    bool is_group = message->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    const struct kafka_right right = { "Read", is_group ? "group" : "topic",
                                       is_group ? member->group : member->topic };
    struct err err = { 0 };

    if (kafka_is_denied(message->err))
        kafka_fail_right(member->owner.kafka, message->err, &right, "join", &err);
    else
        err_set(&err, ERR_RETRY, "group %s: %s", member->group, rd_kafka_message_errstr(message));
    pthread_mutex_lock(&trouble->lock);
    snprintf(trouble->text, sizeof(trouble->text), "%s", err.text);
    pthread_mutex_unlock(&trouble->lock);
}

static void *run(void *context)
{
    struct kafka_member *member = context;

    while (!is_ending(member)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(member->client, POLL_MS);

        if (message == NULL)
            continue;
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR &&
            message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            complain(member, message);
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(member->client);
    return NULL;
}

static int subscribe(struct kafka_member *member, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t code;

    rd_kafka_topic_partition_list_add(list, member->topic, RD_KAFKA_PARTITION_UA);
    code = rd_kafka_subscribe(member->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(member->owner.kafka, code, err, "subscribe to %s", member->topic);
    if (pthread_create(&member->thread, NULL, run, member) != 0)
        return err_set(err, ERR_FATAL, "no thread for the group of %s", member->topic);
    return 0;
}

static void destroy(struct kafka_member *member)
{
    if (member->client != NULL)
        rd_kafka_destroy(member->client);
    pthread_mutex_destroy(&member->lock);
    pthread_cond_destroy(&member->changed);
    free(member->topic);
    free(member->group);
    free(member);
}

void kafka_group_of(const struct kafka *kafka, const char *topic, struct buf *out)
{
    const char *dot = strrchr(topic, '.');

    buf_printf(out, "%s-%s", kafka->group, dot == NULL ? topic : dot + 1);
}

int kafka_member_new(struct kafka *kafka, const char *topic, struct kafka_member **out,
                     struct err *err)
{
    struct kafka_member *member = mem_zero(1, sizeof(*member));
    struct buf group = BUF_INIT;
    struct kafka_setting own[] = {
        { "group.id", NULL },
        { "session.timeout.ms", "10000" },
        { "queued.min.messages", "1" },
        { "fetch.message.max.bytes", "1024" },
    };
    int rc;

    kafka_group_of(kafka, topic, &group);
    member->owner.kafka = kafka;
    member->topic = mem_text(topic);
    member->group = mem_text(buf_text(&group));
    buf_deinit(&group);
    pthread_mutex_init(&member->lock, NULL);
    pthread_cond_init(&member->changed, NULL);
    own[0].value = member->group;
    rc = kafka_client_new(kafka, RD_KAFKA_CONSUMER, own, ARRAY_LEN(own), prepare, &member->owner,
                          &member->client, err);
    if (rc == 0) {
        rd_kafka_poll_set_consumer(member->client);
        rc = subscribe(member, err);
    }
    if (rc < 0) {
        destroy(member);
        return -1;
    }
    *out = member;
    return 0;
}

void kafka_member_free(struct kafka_member *member)
{
    if (member == NULL)
        return;
    pthread_mutex_lock(&member->lock);
    member->is_ending = true;
    pthread_mutex_unlock(&member->lock);
    pthread_join(member->thread, NULL);
    destroy(member);
}

int kafka_member_look(struct kafka_member *member, struct log_assignment *out, struct err *err)
{
    struct timespec until;
    int32_t beyond = -1;
    bool has_joined;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FIRST_WAIT_S;
    pthread_mutex_lock(&member->lock);
    while (!member->has_joined &&
           pthread_cond_timedwait(&member->changed, &member->lock, &until) == 0)
        ;
    has_joined = member->has_joined;
    out->count = 0;
    out->generation = member->generation;
    for (int32_t i = 0; i < KAFKA_PARTITIONS_MAX; i++) {
        if (!member->is_ours[i])
            continue;
        if ((size_t)i < out->capacity)
            out->partition[out->count++] = i;
        else
            beyond = i;
    }
    pthread_mutex_unlock(&member->lock);
    if (!has_joined)
        return kafka_fail(member->owner.kafka, RD_KAFKA_RESP_ERR__TIMED_OUT, err,
                          "group %s hands out no partitions of %s", member->group, member->topic);
    if (beyond >= 0)
        return err_set(err, ERR_CONFIG, "topic %s has a partition %" PRId32 ", configured are %zu",
                       member->topic, beyond, out->capacity);
    return 0;
}
