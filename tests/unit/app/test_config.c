// SPDX-License-Identifier: Apache-2.0
#include "lib/test.h"

#include "app/config.h"
#include "app/config_doc.h"
#include "app/config_value.h"
#include "lib/folder.h"

static void assert_faults(const char *text, const char *expected)
{
    struct config config;
    struct buf faults = BUF_INIT;
    struct err err = { 0 };
    int rc = config_parse(&config, "k2.yaml", span_text(text), &faults, &err);

    if (rc != -1 || strcmp(buf_text(&faults), expected) != 0)
        fail_msg("%s\n  gave     %s\n  expected %s", text, buf_text(&faults), expected);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_memory_equal(err.text, buf_text(&faults), strlen(err.text)); /* the first one */
    buf_deinit(&faults);
    config_deinit(&config);
}

static void what_is_wrong_names_file_line_and_what_was_expected(void **state)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        /* keys */
        { "memroy: 1GiB\n", "1: unknown key memroy; did you mean memory?" },
        { "\n\nsilver:\n  intervall: 3s\n",
          "4: unknown key silver.intervall; did you mean silver.interval?" },
        { "silver: {interval: 3s, cadence: 3s}\n",
          "1: unknown key silver.cadence; expected one of: interval, retention" },
        { "exchanges: {coinbase: {}}\n",
          "1: unknown key exchanges.coinbase; expected one of: binance, kraken" },
        { "gold.interval: 10s\n",
          "1: unknown key gold.interval; expected one of: data_dir, memory, "
          "exchanges, ingest, log, registry, catalog, store, encoding, namespace, "
          "bronze, silver, dlq, gold, maintain, http, shutdown_timeout" },
        { "memory: 1GiB\nmemory: 2GiB\n", "2: memory is there twice" },
        { "[1, 2]: 3\n", "1: a key that is no word" },
        /* units and limits */
        { "silver: {interval: 10}\n", "1: silver.interval: \"10\": expected a duration such as "
                                      "500ms, 10s, 5m, 24h or 7d" },
        { "silver: {interval: 10 s}\n", "1: silver.interval: \"10 s\": expected a duration such as "
                                        "500ms, 10s, 5m, 24h or 7d" },
        { "silver: {interval: -3s}\n", "1: silver.interval: \"-3s\": expected a duration such as "
                                       "500ms, 10s, 5m, 24h or 7d" },
        { "silver: {interval: 99999999999999999999s}\n",
          "1: silver.interval: \"99999999999999999999s\": expected a duration such as 500ms, 10s, "
          "5m, 24h or 7d" },
        { "silver: {interval: 9223372036854775807d}\n",
          "1: silver.interval: \"9223372036854775807d\": expected a duration such as 500ms, 10s, "
          "5m, 24h or 7d" },
        { "silver: {interval: 500ms}\n", "1: silver.interval: \"500ms\": expected 1s to 1h" },
        { "memory: 128\n", "1: memory: \"128\": expected a size such as 128MiB or 2GiB" },
        { "memory: 128mib\n", "1: memory: \"128mib\": expected a size such as 128MiB or 2GiB" },
        { "memory: 1MiB\n", "1: memory: \"1MiB\": expected 64MiB to 1TiB" },
        { "ingest: {flush_every: ten}\n",
          "1: ingest.flush_every: \"ten\": expected a whole number" },
        { "ingest: {flush_every: 0}\n", "1: ingest.flush_every: \"0\": expected 1 to 100000" },
        { "bronze: {partitions: {binance: 1.5}}\n",
          "1: bronze.partitions.binance: \"1.5\": expected a whole number" },
        /* kinds of values */
        { "memory:\n", "1: memory: has no value" },
        { "memory: [1GiB]\n", "1: memory: expected a single value" },
        { "silver: 30s\n", "1: silver: expected keys with values" },
        { "- memory\n", "1: expected keys with values" },
        { "namespace: \"a b\"\n", "1: namespace: \"a b\": expected letters, digits, _ and -" },
        { "namespace: ''\n", "1: namespace: \"\": expected a text that is not empty" },
        { "exchanges: {binance: {symbols: BTCUSDT}}\n",
          "1: exchanges.binance.symbols: \"BTCUSDT\": expected a list such as [A, B]" },
        { "exchanges: {binance: {symbols: []}}\n",
          "1: exchanges.binance.symbols: a list of 0, expected 1 to 1000 items" },
        { "exchanges: {binance: {symbols: [[A]]}}\n",
          "1: exchanges.binance.symbols: item 1 is no text" },
        { "exchanges:\n  binance:\n    symbols:\n      - A\n      - A\n",
          "4: exchanges.binance.symbols: \"A\" is there twice" },
        { "exchanges: {binance: {urls: [\"http://x\"]}}\n",
          "1: exchanges.binance.urls: \"http://x\": expected a text that begins with "
          "ws://|wss://" },
        { "log: {type: kafka}\n", "1: log.type: kafka needs log.brokers" },
        { "log: {type: nats}\n", "1: log.type: \"nats\": expected embedded or kafka" },
        { "log: {brokers: \"a:9092\"}\n", "1: log.brokers goes with log.type: kafka" },
        { "log: {type: kafka, brokers: \"a:9092\", retention: 1h}\n",
          "1: log.retention goes with log.type: embedded" },
        { "log: {properties: {a: {b: c}}}\n", "1: log.properties: key 1 or its value is no text" },
        { "log: {properties: {a.b: 1, a.b: 2}}\n", "1: log.properties: a.b is there twice" },
        { "log: {type: kafka, brokers: a, properties: {acks: 1}}\n",
          "1: log.properties: acks cannot be set: only a record that all replicas in sync have is "
          "acknowledged" },
        { "log: {properties: a}\n", "1: log.properties: \"a\": expected keys with values" },
        { "log: {properties: {sasl.password: \"${K2_NOT_SET}\"}}\n",
          "1: log.properties: sasl.password: ${K2_NOT_SET} is not set in the environment" },
        { "registry: {type: http}\n", "1: registry.type: http needs registry.url" },
        { "registry: {url: \"http://r\"}\n", "1: registry.url goes with registry.type: http" },
        { "registry: {type: http, url: \"r:8081\"}\n",
          "1: registry.url: \"r:8081\": expected a text that begins with http://|https://" },
        { "catalog: {type: rest}\n", "1: catalog.type: rest needs catalog.uri" },
        { "catalog:\n  type: rest\n  uri: \"http://c\"\n  name: x\n",
          "4: catalog.name goes with catalog.type: sqlite" },
        { "store: {type: s3}\n", "1: store.type: s3 needs store.bucket" },
        { "store: {type: s3, bucket: abc, path_style: yes}\n",
          "1: store.path_style: \"yes\": expected false or true" },
        { "exchanges:\n  kraken: {api: v3}\n",
          "2: exchanges.kraken.api: \"v3\": expected v1 or v2" },
        /* contradictions */
        { "exchanges:\n  kraken:\n    api: v1\n    urls: [\"ws://a\", \"ws://a/v2\"]\n",
          "4: exchanges.kraken.urls: item 2 ends in /v2, and exchanges.kraken.api is v1" },
        { "log: {retention: 1m}\nbronze: {interval: 5m}\n",
          "2: log.retention is shorter than bronze.interval: expected several times as long" },
        /* YAML */
        { "memory: {\n", "2: no YAML: did not find expected node content" },
        { "\"\xff\": 1\n", "1: no YAML: invalid leading UTF-8 octet" },
        { "memory: 1GiB\n---\nmemory: 2GiB\n", "3: a second document, expected one" },
        { "memory: *none\n", "1: no YAML: found undefined alias" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char expected[512];

        snprintf(expected, sizeof(expected), "k2.yaml:%s\n", cases[i].fault);
        assert_faults(cases[i].text, expected);
    }
}

static void all_faults_of_a_file_are_found_at_once(void **state)
{
    (void)state;
    assert_faults("memory: 3\n"
                  "silver:\n"
                  "  interval: 3\n"
                  "  retension: 3d\n"
                  "log: {type: nats}\n",
                  "k2.yaml:1: memory: \"3\": expected a size such as 128MiB or 2GiB\n"
                  "k2.yaml:3: silver.interval: \"3\": expected a duration such as 500ms, 10s, 5m, "
                  "24h or 7d\n"
                  "k2.yaml:4: unknown key silver.retension; did you mean silver.retention?\n"
                  "k2.yaml:5: log.type: \"nats\": expected embedded or kafka\n");
}

static void a_file_that_is_not_there_is_an_error_but_no_file_is_none(void **state)
{
    struct config config;
    struct buf faults = BUF_INIT;
    struct err err = { 0 };

    (void)state;
    assert_err(config_load(&config, "/nowhere/k2.yaml", &faults, &err), ERR_CONFIG);
    assert_string_equal(err.text, "/nowhere/k2.yaml: No such file or directory");
    config_deinit(&config);
    buf_clear(&faults);
    assert_err(config_load(&config, "/", &faults, &err), ERR_CONFIG);
    config_deinit(&config);
    assert_ok(config_load(&config, NULL, &faults, &err));
    assert_string_equal(config.data_dir, "./k2-data");
    config_deinit(&config);
    buf_deinit(&faults);
}

static struct config parse(const char *text)
{
    struct config config;
    struct buf faults = BUF_INIT;
    struct err err = { 0 };

    assert_ok(config_parse(&config, "k2.yaml", span_text(text), &faults, &err));
    assert_int_equal(faults.size, 0);
    buf_deinit(&faults);
    return config;
}

static void without_a_key_its_default_holds(void **state)
{
    static const char *const empty[] = {
        "", "\n", "# nothing\n", "---\n...\n", "exchanges:\n", "{}"
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
        struct config config = parse(empty[i]);

        assert_string_equal(config.data_dir, "./k2-data");
        assert_int_equal(config.memory_bytes, 128 << 20);
        assert_int_equal(config.binance_urls.count, 1);
        assert_string_equal(config.binance_urls.item[0], "wss://stream.binance.com:9443");
        assert_string_equal(config.binance_rest_url, "https://api.binance.com");
        assert_int_equal(config.binance_symbols.count, 2);
        assert_string_equal(config.binance_symbols.item[0], "BTCUSDT");
        assert_string_equal(config.binance_symbols.item[1], "ETHUSDT");
        assert_int_equal(config.flush_every, 10);
        assert_string_equal(config.log_type, "embedded");
        assert_int_equal(config.log_retention_us, INT64_C(86400000000));
        assert_string_equal(config.registry_type, "embedded");
        assert_string_equal(config.catalog_type, "sqlite");
        assert_string_equal(config.catalog_name, "iceberg");
        assert_string_equal(config.store_type, "local");
        assert_string_equal(config.space, "market_data");
        assert_int_equal(config.bronze_interval_us, 10000000);
        assert_int_equal(config.binance_partitions, 40);
        assert_int_equal(config.kraken_partitions, 20);
        assert_string_equal(config.kraken_api, "v2");
        assert_string_equal(config.kraken_symbols.item[0], "BTC/USD");
        assert_int_equal(config.silver_interval_us, 30000000);
        assert_int_equal(config.gold_interval_us, 60000000);
        assert_int_equal(config.dedup_window_us, 2000000);
        assert_int_equal(config.shutdown_timeout_us, 30000000);
        assert_int_equal(config.idle.count, 0);
        config_deinit(&config);
    }
}

static void flow_and_block_style_say_the_same(void **state)
{
    static const char *const texts[] = {
        "exchanges: {binance: {urls: [\"ws://a\", 'wss://b'], symbols: [X, Y, Z]}}\n"
        "bronze: {interval: 1m, partitions: {binance: 7}}\n"
        "gold: {dedup_window: 500ms}\n",
        "exchanges:\n  binance:\n    urls:\n      - ws://a\n      - wss://b\n"
        "    symbols:\n    - X\n    - Y\n    - Z\n"
        "bronze:\n  interval: 60s\n  partitions:\n    binance: 7\n"
        "gold:\n  dedup_window: 500000us # short\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct config config = parse(texts[i]);

        assert_int_equal(config.binance_urls.count, 2);
        assert_string_equal(config.binance_urls.item[0], "ws://a");
        assert_string_equal(config.binance_urls.item[1], "wss://b");
        assert_int_equal(config.binance_symbols.count, 3);
        assert_string_equal(config.binance_symbols.item[2], "Z");
        assert_int_equal(config.bronze_interval_us, 60000000);
        assert_int_equal(config.binance_partitions, 7);
        assert_int_equal(config.dedup_window_us, 500000);
        config_deinit(&config);
    }
}

static void exchanges_that_are_named_run_and_without_a_name_all(void **state)
{
    static const struct {
        const char *text, *names;
    } cases[] = {
        { "", "binance kraken " },
        { "exchanges:\n", "binance kraken " },
        { "exchanges: {}\n", "binance kraken " },
        { "bronze: {partitions: {kraken: 3}}\n", "binance kraken " },
        { "exchanges: {binance: {symbols: [X]}}\n", "binance " },
        { "exchanges:\n  kraken:\n", "kraken " },
        { "exchanges: {kraken: {}}\n", "kraken " },
        { "exchanges: {kraken: {api: v1}, binance: {}}\n", "binance kraken " },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config config = parse(cases[i].text);
        struct buf names = BUF_INIT;

        for (size_t k = 0; k < config.exchanges.count; k++)
            buf_printf(&names, "%s ", config.exchanges.item[k]);
        assert_string_equal(buf_text(&names), cases[i].names);
        buf_deinit(&names);
        config_deinit(&config);
    }
}

static void the_designs_own_example_is_taken(void **state)
{
    struct config config =
        parse("data_dir: ./k2-data\n"
              "memory: 128MiB\n"
              "exchanges:\n"
              "  binance: {urls: [\"wss://stream.binance.com:9443\"], rest_url: "
              "\"https://api.binance.com\", symbols: [BTCUSDT, ETHUSDT]}\n"
              "  kraken:  {api: v2, urls: [\"wss://ws.kraken.com/v2\"], rest_url: "
              "\"https://api.kraken.com\", symbols: [BTC/USD, ETH/USD]}\n"
              "ingest:    {flush_every: 10}\n"
              "log:       {type: embedded, retention: 24h}\n"
              "registry:  {type: embedded}\n"
              "catalog:   {type: sqlite, name: iceberg}\n"
              "store:     {type: local}\n"
              "namespace: market_data\n"
              "bronze:    {interval: 10s, retention: 7d, partitions: {binance: 40, kraken: 20}}\n"
              "silver:    {interval: 30s, retention: 30d}\n"
              "dlq:       {retention: 90d}\n"
              "gold:      {interval: 60s, dedup_window: 2s}\n"
              "http:      {listen: \"127.0.0.1:8080\"}\n"
              "shutdown_timeout: 30s\n");

    (void)state;
    assert_int_equal(config.idle.count, 3); /* said to have no effect yet */
    assert_string_equal(config.idle.item[0], "bronze.retention");
    config_deinit(&config);
}

static void secrets_come_from_environment_and_files_and_are_never_printed(void **state)
{
    char *folder = folder_new();
    char *file = folder_path(folder, "secret");
    struct buf text = BUF_INIT;
    FILE *out = fopen(file, "w");
    struct config config;

    (void)state;
    assert_non_null(out);
    fputs("hush hush\r\n\n", out);
    fclose(out);
    assert_int_equal(setenv("K2_TEST_SECRET", "hunter 2", 1), 0);
    assert_int_equal(unsetenv("K2_TEST_ABSENT"), 0);
    config = parse("data_dir: /x/${K2_TEST_SECRET}/${K2_TEST_SECRET}y\n");
    assert_string_equal(config.data_dir, "/x/hunter 2/hunter 2y");
    config_deinit(&config);
    buf_printf(&text, "data_dir: 'file:%s'\n", file);
    config = parse(buf_text(&text));
    assert_string_equal(config.data_dir, "hush hush");
    config_deinit(&config);

    assert_faults("namespace: ${K2_TEST_SECRET}\n",
                  "k2.yaml:1: namespace: \"${K2_TEST_SECRET}\": expected letters, digits, _ and "
                  "-\n");
    assert_faults("data_dir: ${K2_TEST_ABSENT}\n",
                  "k2.yaml:1: data_dir: ${K2_TEST_ABSENT} is not set in the environment\n");
    assert_faults("data_dir: a${K2_TEST\n", "k2.yaml:1: data_dir: ${ without its }\n");
    assert_faults("data_dir: ${a b}\n", "k2.yaml:1: data_dir: expected ${NAME} of letters, digits "
                                        "and underscores\n");
    assert_faults("data_dir: file:/nowhere/at/all\n",
                  "k2.yaml:1: data_dir: file:/nowhere/at/all: No such file or directory\n");
    assert_faults("data_dir: file:/dev/zero\n",
                  "k2.yaml:1: data_dir: file:/dev/zero: expected one text of up to 64 KiB\n");
    buf_deinit(&text);
    free(file);
    folder_free(folder);
}

static void numbers_print_as_a_file_says_them(void **state)
{
    static const struct {
        enum config_kind kind;
        const char *text;
        int64_t value;
    } cases[] = {
        { CONFIG_DURATION, "0s", 0 },
        { CONFIG_DURATION, "7us", 7 },
        { CONFIG_DURATION, "500ms", 500000 },
        { CONFIG_DURATION, "90s", 90000000 },
        { CONFIG_DURATION, "2m", 120000000 },
        { CONFIG_DURATION, "25h", INT64_C(90000000000) },
        { CONFIG_DURATION, "7d", INT64_C(604800000000) },
        { CONFIG_SIZE, "1023B", 1023 },
        { CONFIG_SIZE, "128MiB", 128 << 20 },
        { CONFIG_SIZE, "3GiB", INT64_C(3) << 30 },
        { CONFIG_COUNT, "40", 40 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf text = BUF_INIT;
        int64_t value = -1;
        bool is_good = cases[i].kind == CONFIG_DURATION
                           ? config_value_duration(cases[i].text, &value)
                       : cases[i].kind == CONFIG_SIZE ? config_value_size(cases[i].text, &value)
                                                      : config_value_count(cases[i].text, &value);

        assert_true(is_good);
        assert_int_equal(value, cases[i].value);
        config_value_print(cases[i].kind, value, &text);
        assert_string_equal(buf_text(&text), cases[i].text);
        buf_deinit(&text);
    }
}

static void the_committed_page_is_what_the_table_gives(void **state)
{
    FILE *file = fopen(K2_SOURCE_DIR "/docs/configuration.md", "r");
    struct buf page = BUF_INIT, committed = BUF_INIT;

    (void)state;
    assert_non_null(file);
    buf_reserve(&committed, 1 << 20);
    committed.size = fread(committed.data, 1, 1 << 20, file);
    fclose(file);
    config_doc(&page);
    if (!span_equal(buf_span(&page), buf_span(&committed)))
        fail_msg("docs/configuration.md is not what option.def gives: run scripts/docs.sh");
    buf_deinit(&page);
    buf_deinit(&committed);
}

/* The YAML block of the page, read as a configuration, changes nothing. */
static void the_defaults_on_the_page_are_the_defaults(void **state)
{
    struct buf page = BUF_INIT;
    struct config config, defaults = parse("");
    char *begin, *end;

    (void)state;
    config_doc(&page);
    begin = strstr(buf_text(&page), "```yaml\n") + strlen("```yaml\n");
    end = strstr(begin, "```");
    *end = 0;
    config = parse(begin);
#define OPTION(member, key, kind, initial, min, max, shape, effect, sentence)                      \
    assert_same_##kind(config.member, defaults.member);
#define assert_same_TEXT      assert_string_equal
#define assert_same_CHOICE    assert_string_equal
#define assert_same_SIZE      assert_int_equal
#define assert_same_DURATION  assert_int_equal
#define assert_same_COUNT     assert_int_equal
#define assert_same_MAP(a, b) assert_int_equal((a).count, (b).count)
#define assert_same_LIST(a, b)                                                                     \
    assert_int_equal((a).count, (b).count);                                                        \
    assert_string_equal((a).item[(a).count - 1], (b).item[(b).count - 1])
#include "app/option.def"
    config_deinit(&config);
    config_deinit(&defaults);
    buf_deinit(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_names_file_line_and_what_was_expected),
        cmocka_unit_test(all_faults_of_a_file_are_found_at_once),
        cmocka_unit_test(a_file_that_is_not_there_is_an_error_but_no_file_is_none),
        cmocka_unit_test(without_a_key_its_default_holds),
        cmocka_unit_test(flow_and_block_style_say_the_same),
        cmocka_unit_test(exchanges_that_are_named_run_and_without_a_name_all),
        cmocka_unit_test(the_designs_own_example_is_taken),
        cmocka_unit_test(secrets_come_from_environment_and_files_and_are_never_printed),
        cmocka_unit_test(numbers_print_as_a_file_says_them),
        cmocka_unit_test(the_committed_page_is_what_the_table_gives),
        cmocka_unit_test(the_defaults_on_the_page_are_the_defaults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
