// SPDX-License-Identifier: Apache-2.0
#include "lib/test.h"

#include "core/diag.h"
#include "core/hash.h"
#include "core/micros.h"
#include "exchange/binance.h"
#include "stage/ingest.h"
#include "trade/trade_decode.h"
#include "trade/trade_schema.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START (INT64_C(1723161255) * MICROS_SECOND)
#define TOPIC "market.crypto.trades.binance"
#define DEAD  "market.crypto.trades.binance.dlq"
#define LIST                                                                                       \
    "{\"symbols\":[{\"symbol\":\"BTCUSDT\",\"status\":\"TRADING\",\"quoteAsset\":\"USDT\"},"       \
    "{\"symbol\":\"ETHBTC\",\"status\":\"BREAK\",\"quoteAsset\":\"BTC\"}]}"

enum { SLOTS = 5, GROUPS_MAX = 4096 };

/* log_mem with slots: groups are acknowledged only when the test says so, and it can refuse. */
struct slow_log {
    struct log base;
    struct log *inner;
    size_t held[SLOTS];
    size_t used;
    uint64_t acknowledged;
    bool holds;
    enum err_kind refuses;    /* ERR_NONE: nothing */
    bool cannot_write;        /* poll says so */
    size_t group[GROUPS_MAX]; /* sizes of the groups taken */
    size_t group_count, tries;
};

static int slow_ensure_topic(struct log *log, const char *topic, int32_t partitions,
                             struct err *err)
{
    return log_ensure_topic(((struct slow_log *)log)->inner, topic, partitions, err);
}

static int slow_send(struct log *log, const char *topic, const struct log_record *records,
                     size_t count, struct err *err)
{
    struct slow_log *slow = (struct slow_log *)log;

    slow->tries++;
    if (slow->refuses != ERR_NONE)
        return err_set(err, slow->refuses, "no room");
    if (slow->used == SLOTS)
        return LOG_BUSY;
    if (log_send(slow->inner, topic, records, count, err) != 0)
        return -1;
    slow->group[slow->group_count++ % GROUPS_MAX] = count;
    slow->held[slow->used++] = count;
    return 0;
}

static int slow_poll(struct log *log, int64_t wait_us, uint64_t *acknowledged, struct err *err)
{
    struct slow_log *slow = (struct slow_log *)log;

    (void)wait_us;
    if (slow->cannot_write)
        return err_set(err, ERR_RETRY, "disk asleep");
    while (!slow->holds && slow->used > 0)
        slow->acknowledged += slow->held[--slow->used];
    *acknowledged = slow->acknowledged;
    return 0;
}

struct fixture {
    struct slow_log log;
    struct ingest_ports ports;
    struct ingest_config config;
    struct ingest *ingest;
    int64_t next_id;
};

static const char *const symbols[] = { "BTCUSDT", "ETHBTC" };
static const char *const urls[] = { "ws://one", "ws://two/ws" };

static int set_up(void **state)
{
    static const struct log_ops slow_ops = {
        .ensure_topic = slow_ensure_topic,
        .send = slow_send,
        .poll = slow_poll,
    };
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->log.inner = log_mem_open(1);
    fixture->log.base.ops = &slow_ops;
    fixture->log.acknowledged = 1000; /* another's, before us */
    fixture->ports.clock = clock_mem_open(START, 7);
    fixture->ports.feed = feed_mem_open(fixture->ports.clock);
    fixture->ports.http = http_mem_open();
    fixture->ports.registry = registry_mem_open();
    fixture->ports.log = &fixture->log.base;
    fixture->config = (struct ingest_config){
        .kind = &binance_kind,
        .urls = urls,
        .url_count = 2,
        .rest_url = "http://rest",
        .symbols = symbols,
        .symbol_count = 2,
        .partitions = 40,
        .flush_every = 10,
        .waiting_bytes_max = 20000,
        .scale = 8,
    };
    fixture->ingest = ingest_new(&fixture->config, &fixture->ports);
    fixture->next_id = 1;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    ingest_free(fixture->ingest);
    feed_close(fixture->ports.feed);
    http_close(fixture->ports.http);
    registry_close(fixture->ports.registry);
    clock_close(fixture->ports.clock);
    log_close(fixture->log.inner);
    free(fixture);
    return 0;
}

static int64_t now(const struct fixture *fixture)
{
    return clock_now_us(fixture->ports.clock);
}

static void step(struct fixture *fixture, int64_t wait_us)
{
    struct err err;

    assert_ok(ingest_step(fixture->ingest, wait_us, &err));
}

static struct ingest_counters count(const struct fixture *fixture)
{
    struct ingest_counters counters;

    ingest_counters(fixture->ingest, &counters);
    return counters;
}

/* Steps until it is connected and has asked for its symbols. */
static void connect(struct fixture *fixture)
{
    http_mem_push(fixture->ports.http, 200, SPAN(LIST));
    feed_mem_push_connected(fixture->ports.feed, 0);
    for (int i = 0; i < 20 && feed_mem_sent(fixture->ports.feed, 0) == NULL; i++)
        step(fixture, 1000);
    assert_non_null(feed_mem_sent(fixture->ports.feed, 0));
    feed_mem_push_frame(fixture->ports.feed, 0, SPAN("{\"result\":null,\"id\":1}"));
    step(fixture, 0);
    assert_int_equal(count(fixture).subscribed, 2);
}

static void push_trades(struct fixture *fixture, int64_t at_us, size_t trades)
{
    for (size_t i = 0; i < trades; i++) {
        char text[256];

        snprintf(text, sizeof(text),
                 "{\"e\":\"trade\",\"E\":1723161255343,\"s\":\"%s\",\"t\":%" PRId64
                 ",\"p\":\"61837.63\",\"q\":\"0.02\",\"T\":1723161255342,\"m\":true}",
                 symbols[fixture->next_id % 2], fixture->next_id);
        fixture->next_id++;
        feed_mem_push_frame(fixture->ports.feed, at_us, span_text(text));
    }
}

static int64_t records(const struct fixture *fixture, const char *topic, int32_t partition)
{
    int64_t first, end;
    struct err err;

    assert_ok(log_bounds(fixture->log.inner, topic, partition, &first, &end, &err));
    return end;
}

static int64_t all_trades(const struct fixture *fixture)
{
    int64_t total = 0;

    for (int32_t i = 0; i < 40; i++)
        total += records(fixture, TOPIC, i);
    return total;
}

static void a_trade_is_in_the_log_as_v2_avro_under_its_symbol(void **state)
{
    struct fixture *fixture = *state;
    struct log_batch batch;
    struct buf schema = BUF_INIT;
    struct span body;
    int32_t partition = (int32_t)((hash_murmur2(SPAN("BTCUSDT")) & 0x7fffffff) % 40), id;
    int64_t next;
    struct err err;

    connect(fixture);
    fixture->next_id = 1002;
    push_trades(fixture, 0, 1);
    step(fixture, 0);
    assert_int_equal(all_trades(fixture), 0); /* one trade waits for others */
    step(fixture, 200000);
    step(fixture, 0);
    log_batch_init(&batch);
    assert_ok(log_read(fixture->log.inner, TOPIC, partition, 0, 10, 1 << 20, &batch, &next, &err));
    assert_int_equal(batch.value.rows, 1);
    assert_true(span_equal(column_bytes(&batch.key, 0), SPAN("BTCUSDT")));
    assert_true(column_is_null(&batch.headers, 0));
    assert_in_range(column_int64(&batch.timestamp, 0), START, now(fixture));
    assert_true(trade_decode_header(column_bytes(&batch.value, 0), &id, &body));
    assert_ok(registry_get(fixture->ports.registry, id, &schema, &err));
    assert_true(span_equal(buf_span(&schema), trade_schema_json()));
    assert_non_null(memmem(body.data, body.size, "BINANCE-1002", 12));
    assert_non_null(memmem(body.data, body.size, "USDT", 4));
    assert_int_equal(count(fixture).trades, 1);
    assert_int_equal(count(fixture).acknowledged, 1);
    buf_deinit(&schema);
    log_batch_deinit(&batch);
}

static void groups_leave_at_ten_trades_or_after_100_ms(void **state)
{
    struct fixture *fixture = *state;

    connect(fixture);
    push_trades(fixture, 0, 10);
    step(fixture, 0);
    assert_int_equal(fixture->log.group_count, 1);
    assert_int_equal(fixture->log.group[0], 10);
    push_trades(fixture, now(fixture), 9);
    step(fixture, 0);
    clock_mem_advance(fixture->ports.clock, 99999);
    step(fixture, 0);
    assert_int_equal(fixture->log.group_count, 1);
    clock_mem_advance(fixture->ports.clock, 1);
    step(fixture, 0);
    assert_int_equal(fixture->log.group_count, 2);
    assert_int_equal(fixture->log.group[1], 9);
}

static void groups_grow_while_all_slots_are_under_way(void **state)
{
    struct fixture *fixture = *state;

    connect(fixture);
    fixture->log.holds = true;
    push_trades(fixture, 0, 80);
    step(fixture, 0);
    assert_int_equal(fixture->log.group_count, 5);
    assert_int_equal(count(fixture).sent, 50);
    assert_int_equal(count(fixture).acknowledged, 0);
    assert_int_equal(count(fixture).waiting, 30);
    fixture->log.holds = false;
    step(fixture, 0);
    step(fixture, 0);
    assert_int_equal(fixture->log.group_count, 6);
    assert_int_equal(fixture->log.group[5], 30);
    step(fixture, 0);
    assert_int_equal(count(fixture).acknowledged, 80);
}

static void groups_have_a_bound_and_nothing_is_sent_twice(void **state)
{
    struct fixture *fixture = *state;

    ingest_free(fixture->ingest);
    fixture->config.waiting_bytes_max = 64 << 20;
    fixture->ingest = ingest_new(&fixture->config, &fixture->ports);
    connect(fixture);
    fixture->log.holds = true;
    push_trades(fixture, 0, 20000); /* 3 MB */
    step(fixture, 0);
    assert_int_equal(count(fixture).waiting, 20000 - 50);
    fixture->log.holds = false;
    for (int i = 0; i < 10; i++)
        step(fixture, 0);
    assert_in_range(fixture->log.group_count, 5 + 3, 5 + 4);
    for (size_t i = 5; i < fixture->log.group_count; i++)
        assert_in_range(fixture->log.group[i], 1, 10000);
    assert_int_equal(all_trades(fixture), 20000);
    assert_int_equal(count(fixture).acknowledged, 20000);
}

static void a_log_that_takes_nothing_stops_the_reading(void **state)
{
    struct fixture *fixture = *state;
    size_t reads;

    connect(fixture);
    fixture->log.holds = true;
    push_trades(fixture, 0, 1000);
    for (int i = 0; i < 5; i++)
        step(fixture, 0);
    assert_true(count(fixture).is_paused);
    assert_in_range(count(fixture).trades, 100, 200); /* 20,000 bytes, and five groups of ten */
    reads = feed_mem_reads(fixture->ports.feed);
    for (int i = 0; i < 100; i++)
        step(fixture, 100000);
    assert_int_equal(feed_mem_reads(fixture->ports.feed), reads);
    fixture->log.holds = false;
    for (int i = 0; i < 60; i++)
        step(fixture, 10000);
    assert_false(count(fixture).is_paused);
    assert_int_equal(count(fixture).acknowledged, 1000);
    assert_int_equal(all_trades(fixture), 1000);
}

static void a_log_that_refuses_a_group_gets_it_again(void **state)
{
    static const enum err_kind kinds[] = { ERR_FULL, ERR_RETRY };
    struct fixture *fixture = *state;
    size_t reads, tries;

    connect(fixture);
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        fixture->log.refuses = kinds[k];
        push_trades(fixture, 0, 25);
        step(fixture, 0);
        step(fixture, 0);
        assert_true(count(fixture).is_paused);
        assert_string_equal(count(fixture).trouble, "no room");
        reads = feed_mem_reads(fixture->ports.feed);
        tries = fixture->log.tries;
        for (int i = 0; i < 20; i++)
            step(fixture, 100000);
        assert_int_equal(feed_mem_reads(fixture->ports.feed), reads);
        assert_in_range(fixture->log.tries - tries, 5, 40);
        fixture->log.refuses = ERR_NONE;
        for (int i = 0; i < 5; i++)
            step(fixture, 100000);
        assert_false(count(fixture).is_paused);
        assert_string_equal(count(fixture).trouble, "");
        assert_int_equal(all_trades(fixture), 25 * ((int64_t)k + 1));
    }
}

static void a_log_that_cannot_write_is_named(void **state)
{
    struct fixture *fixture = *state;

    connect(fixture);
    fixture->log.cannot_write = true;
    push_trades(fixture, 0, 10);
    step(fixture, 0);
    assert_string_equal(count(fixture).trouble, "disk asleep");
    fixture->log.cannot_write = false;
    step(fixture, 0);
    assert_string_equal(count(fixture).trouble, "");
}

static void what_is_no_trade_goes_raw_to_the_dead_letters(void **state)
{
    static const struct {
        const char *frame, *reason;
    } letters[] = {
        { "no json", "not_json" },
        { "{\"e\":\"kline\"}", "unknown_event" },
        { "{\"e\":\"trade\",\"s\":\"XRPUSDT\",\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":1723161255342}",
          "unknown_symbol" },
        { "{\"a\":\"\xff\"}", "not_json" },
        { "", "not_json" },
    };
    struct fixture *fixture = *state;
    struct log_batch batch;
    int64_t next;
    struct err err;

    connect(fixture);
    for (size_t i = 0; i < ARRAY_LEN(letters); i++)
        feed_mem_push_frame(fixture->ports.feed, 0, span_text(letters[i].frame));
    feed_mem_push_frame(fixture->ports.feed, 0, SPAN("{\"result\":null,\"id\":9}"));
    step(fixture, 0);
    step(fixture, 200000);
    step(fixture, 0);
    log_batch_init(&batch);
    assert_ok(log_read(fixture->log.inner, DEAD, 0, 0, 100, 1 << 20, &batch, &next, &err));
    assert_int_equal(batch.value.rows, ARRAY_LEN(letters));
    for (size_t i = 0; i < batch.value.rows; i++) {
        struct span reason, received;

        assert_true(span_equal(column_bytes(&batch.value, i), span_text(letters[i].frame)));
        assert_true(column_is_null(&batch.key, i));
        assert_true(log_headers_get(column_bytes(&batch.headers, i), "k2-reason", &reason));
        assert_true(span_equal(reason, span_text(letters[i].reason)));
        assert_true(log_headers_get(column_bytes(&batch.headers, i), "k2-received", &received));
        assert_memory_equal(received.data, "2024-08-08T23:54:15.", 20);
    }
    assert_int_equal(count(fixture).dead_letters, ARRAY_LEN(letters));
    assert_int_equal(count(fixture).acknowledged, ARRAY_LEN(letters));
    assert_int_equal(count(fixture).control, 2);
    log_batch_deinit(&batch);
}

/* Steps until so many connections have been asked for; when the last one was. */
static int64_t attempt(struct fixture *fixture, size_t attempts)
{
    for (int i = 0; i < 100000 && count(fixture).attempts < (int64_t)attempts; i++)
        step(fixture, 100000);
    assert_int_equal(count(fixture).attempts, attempts);
    return now(fixture);
}

static void attempts_wait_longer_and_longer_and_take_the_urls_in_turn(void **state)
{
    struct fixture *fixture = *state;
    int64_t last = 0, total = 0;

    http_mem_push(fixture->ports.http, 200, SPAN(LIST));
    for (size_t i = 1; i <= 40; i++) {
        int64_t at;

        feed_mem_push_closed(fixture->ports.feed, 0, "nobody there", 0);
        at = attempt(fixture, i);
        assert_string_equal(feed_mem_url(fixture->ports.feed, i - 1),
                            i % 2 == 1 ? "ws://one/stream" : "ws://two/ws");
        if (i > 1) {
            int64_t limit = i < 9 ? (MICROS_SECOND / 2) << (i - 2) : 60 * MICROS_SECOND;

            assert_in_range(at - last, 0, limit + 100000);
            total += at - last;
        }
        last = at;
    }
    assert_true(total > 30 * 15 * MICROS_SECOND); /* 30 s is the mean of the last 30 */
    assert_string_equal(count(fixture).trouble, "nobody there");
    feed_mem_push_connected(fixture->ports.feed, 0);
    push_trades(fixture, 0, 1);
    for (int i = 0; i < 1000 && count(fixture).trades == 0; i++)
        step(fixture, 100000);
    assert_string_equal(count(fixture).trouble, "");
}

static void a_minute_of_data_makes_good_and_less_does_not(void **state)
{
    static const int64_t seconds[] = { 59, 61 };
    struct fixture *fixture = *state;
    size_t attempts = 0;

    http_mem_push(fixture->ports.http, 200, SPAN(LIST));
    for (size_t c = 0; c < ARRAY_LEN(seconds); c++) {
        int64_t most_us = 0;

        for (int i = 0; i < 8; i++) {
            feed_mem_push_closed(fixture->ports.feed, 0, "nobody there", 0);
            attempt(fixture, ++attempts);
        }
        for (int round = 0; round < 5; round++) {
            int64_t from_us;

            attempt(fixture, ++attempts);
            from_us = now(fixture) + MICROS_SECOND;
            feed_mem_push_connected(fixture->ports.feed, 0);
            push_trades(fixture, from_us, 1);
            push_trades(fixture, from_us + seconds[c] * MICROS_SECOND, 1);
            feed_mem_push_closed(fixture->ports.feed, from_us + seconds[c] * MICROS_SECOND, "bye",
                                 0);
            while (now(fixture) < from_us + seconds[c] * MICROS_SECOND ||
                   count(fixture).is_connected)
                step(fixture, 100000);
            from_us = now(fixture);
            attempt(fixture, attempts + 1);
            attempts++;
            most_us = now(fixture) - from_us > most_us ? now(fixture) - from_us : most_us;
            feed_mem_push_closed(fixture->ports.feed, 0, "nobody there", 0);
        }
        if (seconds[c] < 60)
            assert_true(most_us > 5 * MICROS_SECOND);
        else
            assert_true(most_us <= MICROS_SECOND / 2 + 100000);
    }
}

static void a_retry_after_is_kept_even_when_it_is_long(void **state)
{
    struct fixture *fixture = *state;
    int64_t from_us;

    http_mem_push(fixture->ports.http, 200, SPAN(LIST));
    feed_mem_push_closed(fixture->ports.feed, 0, "HTTP 418", 600000);
    from_us = attempt(fixture, 1);
    assert_true(attempt(fixture, 2) - from_us >= 600 * MICROS_SECOND);
}

static void a_server_that_shuts_down_is_read_to_its_end_and_replaced_at_once(void **state)
{
    struct fixture *fixture = *state;
    int64_t from_us;

    connect(fixture);
    push_trades(fixture, 0, 3);
    feed_mem_push_frame(fixture->ports.feed, 0, SPAN("{\"e\":\"serverShutdown\",\"E\":1}"));
    push_trades(fixture, 0, 4);
    step(fixture, 0);
    assert_true(count(fixture).is_connected);
    feed_mem_push_closed(fixture->ports.feed, 0, "bye", 0);
    feed_mem_push_connected(fixture->ports.feed, 0);
    from_us = now(fixture);
    step(fixture, 0);
    step(fixture, 0);
    assert_int_equal(count(fixture).attempts, 2);
    assert_int_equal(now(fixture), from_us);
    for (int i = 0; i < 5; i++)
        step(fixture, 100000);
    assert_int_equal(all_trades(fixture), 7);
    assert_non_null(strstr(feed_mem_sent(fixture->ports.feed, 1), "SUBSCRIBE"));
    assert_string_equal(feed_mem_url(fixture->ports.feed, 1), "ws://one/stream");
}

static void without_network_it_says_so_and_goes_on(void **state)
{
    struct fixture *fixture = *state;

    http_mem_push(fixture->ports.http, 0, SPAN("Could not resolve host: rest"));
    http_mem_push(fixture->ports.http, 503, SPAN("busy"));
    http_mem_push(fixture->ports.http, 200, SPAN("<html>"));
    step(fixture, 100000);
    assert_non_null(strstr(count(fixture).trouble, "GET http://rest/api/v3/exchangeInfo"));
    assert_non_null(strstr(count(fixture).trouble, "Could not resolve host: rest"));
    for (int i = 0; i < 100 && strstr(count(fixture).trouble, "HTTP 503: busy") == NULL; i++)
        step(fixture, 100000);
    for (int i = 0; i < 100 && strstr(count(fixture).trouble, "not_json") == NULL &&
                    strstr(count(fixture).trouble, "JSON") == NULL;
         i++)
        step(fixture, 100000);
    http_mem_push(fixture->ports.http, 200, SPAN(LIST));
    for (int i = 0; i < 1000 && count(fixture).attempts == 0; i++)
        step(fixture, 100000);
    assert_string_equal(count(fixture).trouble, "");
    assert_null(http_mem_url(fixture->ports.http, 4));
}

static void symbols_that_are_not_listed_end_it_with_their_names(void **state)
{
    static const char *const wrong[] = { "BTCUSDT", "NOPE", "ETHBTC", "NADA" };
    struct fixture *fixture = *state;
    struct err err;

    ingest_free(fixture->ingest);
    fixture->config.symbols = wrong;
    fixture->config.symbol_count = ARRAY_LEN(wrong);
    fixture->ingest = ingest_new(&fixture->config, &fixture->ports);
    http_mem_push(fixture->ports.http, 400, SPAN("{\"code\":-1121,\"msg\":\"Invalid symbol.\"}"));
    http_mem_push(fixture->ports.http, 200, SPAN(LIST));
    assert_err(ingest_step(fixture->ingest, 0, &err), ERR_CONFIG);
    assert_string_equal(err.text,
                        "exchanges.binance.symbols: not in the exchange's list: NOPE, NADA");
    assert_non_null(strstr(http_mem_url(fixture->ports.http, 0), "symbols="));
    assert_null(strstr(http_mem_url(fixture->ports.http, 1), "symbols="));
}

static void another_number_of_partitions_ends_it(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    assert_ok(log_ensure_topic(fixture->log.inner, TOPIC, 7, &err));
    assert_err(ingest_step(fixture->ingest, 0, &err), ERR_CONFIG);
}

static void a_stop_takes_what_was_read_and_waits_for_the_log(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    connect(fixture);
    push_trades(fixture, 0, 13);
    step(fixture, 0);
    assert_int_equal(count(fixture).waiting, 3);
    assert_ok(ingest_stop(fixture->ingest, MICROS_SECOND, &err));
    assert_int_equal(count(fixture).acknowledged, 13);
    assert_false(count(fixture).is_connected);
}

static void a_stop_is_bounded_and_says_what_is_missing(void **state)
{
    struct fixture *fixture = *state;
    int64_t from_us;
    struct err err;

    connect(fixture);
    fixture->log.refuses = ERR_FULL;
    push_trades(fixture, 0, 13);
    step(fixture, 0);
    from_us = now(fixture);
    assert_err(ingest_stop(fixture->ingest, 3 * MICROS_SECOND, &err), ERR_RETRY);
    assert_string_equal(err.text, "binance: the log has not acknowledged 13 records: no room");
    assert_in_range(now(fixture) - from_us, 3 * MICROS_SECOND, 4 * MICROS_SECOND);
}

/* Lines of `event` that ingest says on stderr until the clock has gone on by `us`, a step each 10
 * ms. */
static size_t lines_of(struct fixture *fixture, const char *event, int64_t us)
{
    static char text[1 << 16];
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    size_t lines = 0, size;

    diag_level_min(DIAG_WARN);
    dup2(fileno(file), STDERR_FILENO);
    for (int64_t until_us = now(fixture) + us; now(fixture) < until_us;)
        step(fixture, 10000);
    dup2(saved, STDERR_FILENO);
    close(saved);
    diag_level_min(DIAG_ERROR);
    rewind(file);
    size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = 0;
    fclose(file);
    for (const char *at = text; (at = strstr(at, event)) != NULL; at++)
        lines++;
    return lines;
}

static void an_exchange_that_complains_all_day_is_heard_ten_times_a_minute(void **state)
{
    struct fixture *fixture = *state;
    const struct span complaint = SPAN("{\"error\":{\"code\":1,\"msg\":\"too many\"}}");

    connect(fixture);
    for (int i = 0; i < 1000; i++)
        feed_mem_push_frame(fixture->ports.feed, now(fixture) + i * 30000, complaint);
    assert_int_equal(lines_of(fixture, "event=exchange_notice ", 59 * MICROS_SECOND), 10);
    assert_int_equal(lines_of(fixture, "event=exchange_notices_unsaid exchange=binance count=990\n",
                              2 * MICROS_SECOND),
                     1);
    feed_mem_push_frame(fixture->ports.feed, 0, complaint);
    assert_int_equal(lines_of(fixture, "event=exchange_notice ", MICROS_SECOND), 1);
    assert_int_equal(lines_of(fixture, "event=exchange_notice", 70 * MICROS_SECOND), 0);
    assert_int_equal(count(fixture).control, 1002);
}

static void a_stop_before_anything_began_is_done_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    assert_ok(ingest_stop(fixture->ingest, MICROS_SECOND, &err));
    assert_int_equal(now(fixture), START);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_trade_is_in_the_log_as_v2_avro_under_its_symbol),
        TEST(groups_leave_at_ten_trades_or_after_100_ms),
        TEST(groups_grow_while_all_slots_are_under_way),
        TEST(groups_have_a_bound_and_nothing_is_sent_twice),
        TEST(a_log_that_takes_nothing_stops_the_reading),
        TEST(a_log_that_refuses_a_group_gets_it_again),
        TEST(a_log_that_cannot_write_is_named),
        TEST(what_is_no_trade_goes_raw_to_the_dead_letters),
        TEST(attempts_wait_longer_and_longer_and_take_the_urls_in_turn),
        TEST(a_minute_of_data_makes_good_and_less_does_not),
        TEST(a_retry_after_is_kept_even_when_it_is_long),
        TEST(a_server_that_shuts_down_is_read_to_its_end_and_replaced_at_once),
        TEST(without_network_it_says_so_and_goes_on),
        TEST(symbols_that_are_not_listed_end_it_with_their_names),
        TEST(another_number_of_partitions_ends_it),
        TEST(a_stop_takes_what_was_read_and_waits_for_the_log),
        TEST(a_stop_is_bounded_and_says_what_is_missing),
        TEST(an_exchange_that_complains_all_day_is_heard_ten_times_a_minute),
        TEST(a_stop_before_anything_began_is_done_at_once),
    };

    diag_level_min(DIAG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
