// SPDX-License-Identifier: Apache-2.0
/*
 * log_kafka_client.c: one way to make a client of librdkafka.
 *
 * Ours below, the user's over them, the guarantees on top: those the user cannot name.  Whatever
 * librdkafka logs goes to diagnostics at debug level, and its last complaint into the errors of the
 * calls that failed, because a call alone says "timed out" where the log says why.
 */
#include "port/log_kafka_parts.h"

#include "core/diag.h"
#include "core/micros.h"
#include "core/num.h"

#include <stdarg.h>
#include <time.h>

enum { LEVEL_WARNING = 4 };

static const struct {
    const char *name, *why;
} refused[] = {
    { "bootstrap.servers", "log.brokers says it" },
    { "metadata.broker.list", "log.brokers says it" },
    { "group.id", "log.group says it" },
    { "enable.idempotence", "a record that is sent again must not be there twice" },
    { "acks", "only a record that all replicas in sync have is acknowledged" },
    { "request.required.acks", "only a record that all replicas in sync have is acknowledged" },
    { "message.timeout.ms", "a record is sent until it is acknowledged" },
    { "delivery.timeout.ms", "a record is sent until it is acknowledged" },
    { "message.send.max.retries", "a record is sent until it is acknowledged" },
    { "retries", "a record is sent until it is acknowledged" },
    { "transactional.id", "the log takes no transactions" },
    { "enable.auto.commit", "positions are in the table, never in the group" },
    { "auto.commit.enable", "positions are in the table, never in the group" },
    { "enable.auto.offset.store", "positions are in the table, never in the group" },
    { "auto.offset.reset", "a position that the log does not have is refused, never moved" },
    { "enable.partition.eof", "the end of a partition must be seen" },
    { "isolation.level", "only committed records are read" },
    { "partition.assignment.strategy", "partitions move between Bronze processes one by one" },
    { "allow.auto.create.topics", "log.create_topics says it" },
};

static const struct kafka_setting producer_guarantees[] = {
    { "enable.idempotence", "true" },
    { "acks", "all" },
    { "message.timeout.ms", "0" },
};
static const struct kafka_setting consumer_guarantees[] = {
    { "enable.auto.commit", "false" },
    { "enable.auto.offset.store", "false" },
    { "auto.offset.reset", "error" },
    { "isolation.level", "read_committed" },
    { "enable.partition.eof", "true" },
    { "partition.assignment.strategy", "cooperative-sticky" },
    { "allow.auto.create.topics", "false" },
};

int64_t kafka_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * MICROS_SECOND + now.tv_nsec / 1000;
}

int log_kafka_refuse(const char *name, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (strcmp(refused[i].name, name) == 0)
            return err_set(err, ERR_CONFIG, "log.properties: %s cannot be set: %s", name,
                           refused[i].why);
    return 0;
}

bool kafka_is_denied(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
}

static const char *user_of(const struct kafka *kafka)
{
    for (size_t i = 0; i < kafka->setting_count; i++)
        if (strcmp(kafka->setting[i].name, "sasl.username") == 0)
            return kafka->setting[i].value;
    return "NAME";
}

void kafka_right_fix(const struct kafka *kafka, const struct kafka_right *right, char *out,
                     size_t size)
{
    snprintf(out, size,
             "`kafka-acls.sh --bootstrap-server %s --add --allow-principal 'User:%s' --operation "
             "%s --%s %s`",
             kafka->brokers, user_of(kafka), right->operation, right->kind, right->name);
}

int kafka_fail_right(struct kafka *kafka, rd_kafka_resp_err_t code, const struct kafka_right *right,
                     const char *what, struct err *err)
{
    char fix[400];

    if (!kafka_is_denied(code))
        return kafka_fail(kafka, code, err, "%s %s %s", what, right->kind, right->name);
    kafka_right_fix(kafka, right, fix, sizeof(fix));
    return err_set(err, ERR_RETRY, "%s %s %s: this user has not the right %s: give it with %s",
                   what, right->kind, right->name, right->operation, fix);
}

int kafka_fail(struct kafka *kafka, rd_kafka_resp_err_t code, struct err *err, const char *format,
               ...)
{
    struct kafka_trouble *trouble = &kafka->trouble;
    char what[200], why[sizeof(trouble->text)];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    pthread_mutex_lock(&trouble->lock);
    snprintf(why, sizeof(why), "%s", trouble->text);
    pthread_mutex_unlock(&trouble->lock);
    if (kafka_is_denied(code))
        why[0] = 0;
    return err_set(err, ERR_RETRY, "%s: %s%s%s", what, rd_kafka_err2str(code),
                   why[0] == 0 ? "" : "; ", why);
}

void kafka_forget_trouble(struct kafka *kafka)
{
    pthread_mutex_lock(&kafka->trouble.lock);
    kafka->trouble.text[0] = 0;
    kafka->trouble.refusal[0] = 0;
    pthread_mutex_unlock(&kafka->trouble.lock);
}

bool kafka_refusal(struct kafka *kafka, struct err *err)
{
    struct kafka_trouble *trouble = &kafka->trouble;
    bool is_refused;

    pthread_mutex_lock(&trouble->lock);
    is_refused = trouble->refusal[0] != 0;
    if (is_refused)
        err_set(err, ERR_CONFIG, "%s", trouble->refusal);
    pthread_mutex_unlock(&trouble->lock);
    return is_refused;
}

bool kafka_is_refusal(const char *text)
{
    static const char *const broken[] = { "transport failure", "imed out", "isconnected" };
    static const char *const refusal[] = {
        "SASL authentication error",
        "SASL mechanism handshake failed",
        "Authentication failed",
        "SaslAuthenticateRequest failed",
        "mechanism handshake failed",
        "certificate verify failed",
        "certificate could not be verified",
        "client SSL authentication might be required",
    };

    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        if (strstr(text, broken[i]) != NULL)
            return false;
    for (size_t i = 0; i < ARRAY_LEN(refusal); i++)
        if (strstr(text, refusal[i]) != NULL)
            return true;
    return false;
}

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    struct kafka_trouble *trouble = NULL;
    const char *rest = strncmp(text, "[thrd:", 6) == 0 ? strstr(text, "]: ") : NULL;

    if (rest != NULL)
        text = rest + 3;
    diag(DIAG_DEBUG, "kafka_client", "level=%d facility=%s text=\"%s\"", level, facility, text);
    /* "2/2 brokers are down" comes behind the reason. */
    if (level > LEVEL_WARNING || strcmp(facility, "CONFWARN") == 0 ||
        strstr(text, "brokers are down") != NULL)
        return;
    trouble = &((struct kafka_owner *)rd_kafka_opaque(client))->kafka->trouble;
    pthread_mutex_lock(&trouble->lock);
    snprintf(trouble->text, sizeof(trouble->text), "%s", text);
    if (kafka_is_refusal(text))
        snprintf(trouble->refusal, sizeof(trouble->refusal), "%s", text);
    pthread_mutex_unlock(&trouble->lock);
}

/* librdkafka's own words quote the value: they are left out. */
static int set(rd_kafka_conf_t *conf, const struct kafka_setting *setting, const char *where,
               struct err *err)
{
    char text[256];

    switch (rd_kafka_conf_set(conf, setting->name, setting->value, text, sizeof(text))) {
    case RD_KAFKA_CONF_UNKNOWN:
        return err_set(err, ERR_CONFIG, "%s%s is no property of librdkafka", where, setting->name);
    case RD_KAFKA_CONF_INVALID:
        return err_set(err, ERR_CONFIG, "%s%s: librdkafka does not take this value", where,
                       setting->name);
    case RD_KAFKA_CONF_OK:
        break;
    }
    return 0;
}

static int set_all(rd_kafka_conf_t *conf, const struct kafka_setting *setting, size_t count,
                   const char *where, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (set(conf, &setting[i], where, err) < 0)
            return -1;
    return 0;
}

int kafka_client_new(struct kafka *kafka, rd_kafka_type_t type, const struct kafka_setting *own,
                     size_t count, void (*prepare)(rd_kafka_conf_t *conf),
                     struct kafka_owner *owner, rd_kafka_t **out, struct err *err)
{
    const struct kafka_setting brokers = { "bootstrap.servers", kafka->brokers };
    const struct kafka_setting client_id = { "client.id", "k2" };
    bool is_producer = type == RD_KAFKA_PRODUCER;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[256];

    rd_kafka_conf_set_opaque(conf, owner);
    rd_kafka_conf_set_log_cb(conf, on_log);
    if (prepare != NULL)
        prepare(conf);
    if (set(conf, &client_id, "", err) < 0 || set_all(conf, own, count, "", err) < 0 ||
        set_all(conf, kafka->setting, kafka->setting_count, "log.properties: ", err) < 0 ||
        set(conf, &brokers, "", err) < 0 ||
        (is_producer
             ? set_all(conf, producer_guarantees, ARRAY_LEN(producer_guarantees), "", err)
             : set_all(conf, consumer_guarantees, ARRAY_LEN(consumer_guarantees), "", err)) < 0) {
        rd_kafka_conf_destroy(conf);
        return -1;
    }
    *out = rd_kafka_new(type, conf, text, sizeof(text));
    if (*out != NULL)
        return 0;
    rd_kafka_conf_destroy(conf);
    return err_set(err, ERR_CONFIG, "log.properties: %s", text);
}
