// SPDX-License-Identifier: Apache-2.0
/* What needs no broker of it: opening, waiting for one that is not there, and librdkafka's words.
 */
#include "lib/test.h"

#include "core/diag.h"
#include "port/log_kafka_parts.h"

static struct log_kafka_options options_of(const char *const *name, const char *const *value)
{
    return (struct log_kafka_options){ .brokers = "127.0.0.1:1",
                                       .name = name,
                                       .value = value,
                                       .count = name == NULL ? 0 : 1,
                                       .group = "g",
                                       .replication = 1,
                                       .memory_bytes = 1 << 20,
                                       .partitions = 1 };
}

static void properties_are_refused_before_anybody_is_asked(void **state)
{
    static const struct {
        const char *name, *value, *expected;
    } cases[] = {
        { "no.such.thing", "secret", "log.properties: no.such.thing is no property of librdkafka" },
        { "session.timeout.ms", "secret",
          "log.properties: session.timeout.ms: librdkafka does not take this value" },
        { "acks", "1",
          "log.properties: acks cannot be set: only a record that all replicas in sync have is "
          "acknowledged" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct log_kafka_options options = options_of(&cases[i].name, &cases[i].value);
        struct log *log = NULL;
        struct err err;

        assert_err(log_kafka_open(&options, &log, &err), ERR_CONFIG);
        assert_string_equal(err.text, cases[i].expected);
        assert_null(log);
    }
}

static void brokers_that_are_away_are_an_outage_that_names_them(void **state)
{
    struct log_kafka_options options = options_of(NULL, NULL);
    struct log *log = NULL;
    uint64_t acknowledged = 7;
    struct err err;

    (void)state;
    assert_ok(log_kafka_open(&options, &log, &err));
    assert_string_equal(log->cluster, "");
    assert_ok(log_poll(log, 0, &acknowledged, &err));
    assert_int_equal(acknowledged, 0);
    assert_err(log_reach(log, 500000, &err), ERR_RETRY);
    assert_non_null(strstr(err.text, "no broker of 127.0.0.1:1 answers: "));
    if (strstr(err.text, "Connection refused") == NULL)
        fail_msg("%s", err.text);
    assert_string_equal(log->cluster, "");
    log_close(log);
}

static void a_login_that_is_refused_is_no_wire_that_broke(void **state)
{
    static const struct {
        const char *text;
        bool is_refusal;
    } cases[] = {
        { "sasl_ssl://127.0.0.1:9192/bootstrap: SASL authentication error: Authentication failed: "
          "Invalid username or password (after 9ms in state AUTH_REQ)",
          true },
        { "a:9092/bootstrap: SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL "
          "mechanism: broker's supported mechanisms: SCRAM-SHA-512",
          true },
        { "a:9092/bootstrap: SASL PLAIN mechanism handshake failed: Local: Broker transport "
          "failure: broker's supported mechanisms: ",
          false },
        { "ssl://a:9092/bootstrap: SSL handshake failed: error:0A000086:SSL "
          "routines::certificate verify failed: broker certificate could not be verified, verify "
          "that ssl.ca.location is correctly configured",
          true },
        { "a:9092/bootstrap: Connect to ipv4#127.0.0.1:9092 failed: Connection refused", false },
        { "a:9092/bootstrap: Disconnected: verify that security.protocol is correctly configured, "
          "broker might require SASL authentication",
          false },
        { "SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener?", false },
        { "", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(kafka_is_refusal(cases[i].text), cases[i].is_refusal);
}

static void a_right_that_is_missing_is_named_with_the_command_that_gives_it(void **state)
{
    static const struct {
        rd_kafka_resp_err_t code;
        struct kafka_right right;
        const char *what, *expected;
    } cases[] = {
        { RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
          { "Read", "topic", "t" },
          "read",
          "read topic t: this user has not the right Read: give it with `kafka-acls.sh "
          "--bootstrap-server a:1,b:2 --add --allow-principal 'User:k2' --operation Read --topic "
          "t`" },
        { RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
          { "Read", "group", "g" },
          "join",
          "join group g: this user has not the right Read: give it with `kafka-acls.sh "
          "--bootstrap-server a:1,b:2 --add --allow-principal 'User:k2' --operation Read --group "
          "g`" },
        { RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, /* an idempotent producer's id */
          { "Write", "topic", "t" },
          "send to",
          "send to topic t: this user has not the right Write: give it with `kafka-acls.sh "
          "--bootstrap-server a:1,b:2 --add --allow-principal 'User:k2' --operation Write --topic "
          "t`" },
        { RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
          { "Read", "topic", "t" },
          "read",
          "read topic t: Broker: Not leader for partition" },
    };
    struct kafka_setting setting = { "sasl.username", "k2" };
    char brokers[] = "a:1,b:2";
    struct kafka kafka = { .brokers = brokers, .setting = &setting, .setting_count = 1 };

    (void)state;
    pthread_mutex_init(&kafka.trouble.lock, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err;

        assert_err(kafka_fail_right(&kafka, cases[i].code, &cases[i].right, cases[i].what, &err),
                   ERR_RETRY);
        assert_string_equal(err.text, cases[i].expected);
    }
    pthread_mutex_destroy(&kafka.trouble.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties_are_refused_before_anybody_is_asked),
        cmocka_unit_test(brokers_that_are_away_are_an_outage_that_names_them),
        cmocka_unit_test(a_login_that_is_refused_is_no_wire_that_broke),
        cmocka_unit_test(a_right_that_is_missing_is_named_with_the_command_that_gives_it),
    };

    diag_level_min(DIAG_ERROR + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
