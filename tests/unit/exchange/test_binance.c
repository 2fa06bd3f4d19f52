// SPDX-License-Identifier: Apache-2.0
#include "lib/test.h"

#include "core/decimal.h"
#include "core/micros.h"
#include "exchange/binance.h"

#include <stdlib.h>
#include <string.h>

#define NOW (INT64_C(1723161255) * MICROS_SECOND)
#define RECORDED                                                                                   \
    "{\"e\":\"trade\",\"E\":1723161255343,\"s\":\"BTCUSDT\",\"t\":3735683259,"                     \
    "\"p\":\"61837.63000000\",\"q\":\"0.02000000\",\"T\":1723161255342,\"m\":true,\"M\":true}"
#define COMBINED "{\"stream\":\"btcusdt@trade\",\"data\":" RECORDED "}"

struct fixture {
    struct instruments instruments;
    struct exchange *exchange;
    size_t trades;
    char last[1024]; /* the last trade, as text */
};

static void put(void *context, struct trade *trade)
{
    struct fixture *fixture = context;
    static const char *const sides[] = { "BUY", "SELL", "SELL_SHORT", "UNKNOWN" };
    char price[DECIMAL_TEXT_BYTES_MAX], quantity[DECIMAL_TEXT_BYTES_MAX];
    int used;

    decimal_format(trade->price, 18, price);
    decimal_format(trade->quantity, 18, quantity);
    used = snprintf(fixture->last, sizeof(fixture->last), "%s %.*s %.*s/%.*s %lld %lld %s %s %s",
                    trade->message_id, SPAN_ARGS(trade->exchange), SPAN_ARGS(trade->symbol),
                    SPAN_ARGS(trade->currency), (long long)trade->trade_id,
                    (long long)trade->timestamp_us, price, quantity, sides[trade->side]);
    for (size_t i = 0; i < trade->vendor_count; i++)
        used += snprintf(fixture->last + used, sizeof(fixture->last) - (size_t)used, " %.*s=%.*s",
                         SPAN_ARGS(trade->vendor[i].key), SPAN_ARGS(trade->vendor[i].value));
    assert_int_equal(trade->ingestion_timestamp_us, NOW + 7);
    assert_int_equal(trade->order_type.size, 0);
    fixture->trades++;
}

static void list(struct fixture *fixture, size_t count)
{
    const char *names[1024];
    char text[1024][16];
    struct err err;

    for (size_t i = 0; i < count; i++) {
        struct instrument pair = { .currency = SPAN("USDT") };

        snprintf(text[i], sizeof(text[i]), i == 0 ? "BTCUSDT" : i == 1 ? "A/BUSDT" : "T%zuUSDT", i);
        names[i] = text[i];
        pair.name = pair.symbol = span_text(text[i]);
        instruments_put(&fixture->instruments, SPAN("BINANCE"), &pair);
    }
    assert_ok(instruments_check(&fixture->instruments, "binance", names, count, 8, &err));
    fixture->exchange = binance_kind.new(&fixture->instruments);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    list(fixture, 2);
    exchange_connected(fixture->exchange, "ws://x/stream", NOW);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    exchange_free(fixture->exchange);
    instruments_deinit(&fixture->instruments);
    free(fixture);
    return 0;
}

static int frame(struct fixture *fixture, const char *text, struct err *err)
{
    struct exchange_sink sink = { put, fixture };
    /* A copy of the exact size, so that a read beyond its end is seen. */
    char *copy = malloc(strlen(text) + 1);
    size_t size = strlen(text);
    int rc;

    memcpy(copy, text, size);
    copy = realloc(copy, size > 0 ? size : 1);
    rc = exchange_frame(fixture->exchange, span_of(copy, size), NOW + 7, &sink, err);
    free(copy);
    return rc;
}

static void what_is_no_trade_is_rejected_with_a_word(void **state)
{
#define T(fields) "{\"e\":\"trade\"," fields "}"
#define GOOD      "\"s\":\"BTCUSDT\",\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":1723161255342"
    static const struct {
        const char *text, *word;
    } bad[] = {
        { "", "not_json" },
        { "hello", "not_json" },
        { "{\"e\":\"trade\"", "not_json" },
        { COMBINED "x", "not_json" },
        { "{\"e\":\"tr\xff\"}", "not_json" },
        { "[1,2", "not_json" },
        { "[" COMBINED "]", "unknown_message" },
        { "42", "unknown_message" },
        { "{}", "unknown_message" },
        { "{\"stream\":\"btcusdt@trade\",\"data\":{}}", "unknown_message" },
        { "{\"stream\":\"btcusdt@trade\",\"data\":[1]}", "unknown_message" },
        { "{\"data\":{\"data\":" RECORDED "}}", "unknown_message" },
        { "{\"code\":1}", "unknown_message" },
        { "{\"e\":\"aggTrade\",\"a\":1}", "unknown_event: aggTrade" },
        { "{\"e\":\"blockTrade\",\"t\":1}", "unknown_event" },
        { "{\"e\":17}", "unknown_event" },
        { T("\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":1723161255342"), "missing_field: s" },
        { T("\"s\":\"BTCUSDT\",\"p\":\"1\",\"q\":\"1\",\"T\":1723161255342"), "missing_field: t" },
        { T("\"s\":\"BTCUSDT\",\"t\":1,\"q\":\"1\",\"T\":1723161255342"), "missing_field: p" },
        { T("\"s\":\"BTCUSDT\",\"t\":1,\"p\":\"1\",\"T\":1723161255342"), "missing_field: q" },
        { T("\"s\":\"BTCUSDT\",\"t\":1,\"p\":\"1\",\"q\":\"1\""), "missing_field: T" },
        { T(GOOD ",\"s\":5"), "wrong_type: s" },
        { T(GOOD ",\"t\":null"), "wrong_type: t" },
        { T(GOOD ",\"p\":[1]"), "wrong_type: p" },
        { T(GOOD ",\"t\":1.5"), "bad_number: t" },
        { T(GOOD ",\"t\":\"\""), "bad_number: t" },
        { T(GOOD ",\"t\":1234567890123456789012345678901234567890"), "bad_number: t" },
        { T(GOOD ",\"p\":\"one\""), "bad_number: p" },
        { T(GOOD ",\"p\":\"\""), "bad_number: p" },
        { T(GOOD ",\"q\":0.0000000000000000001"), "number_not_representable: q" },
        { T(GOOD ",\"q\":1234567890123456789012345678901234567890"),
          "number_not_representable: q" },
        { T(GOOD ",\"t\":-1"), "bad_trade_id" },
        { T(GOOD ",\"t\":4611686018427387904"), "bad_trade_id" },
        { T(GOOD ",\"T\":1723161255342000"), "wrong_time_unit" },
        { T(GOOD ",\"T\":1723161255"), "wrong_time_unit" },
        { T(GOOD ",\"T\":-1723161255342"), "wrong_time_unit" },
        { T(GOOD ",\"E\":1723161255342000"), "wrong_time_unit" },
        { T(GOOD ",\"s\":\"btcusdt\""), "unknown_symbol: btcusdt" },
        { T(GOOD ",\"s\":\"\""), "unknown_symbol" },
        { T(GOOD ",\"s\":\"\\ud800\""), "not_json" },
    };
    struct fixture *fixture = *state;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_err(frame(fixture, bad[i].text, &err), ERR_REJECT);
        if (strncmp(err.text, bad[i].word, strlen(bad[i].word)) != 0)
            fail_msg("%s: %s", bad[i].text, err.text);
        assert_int_equal(fixture->trades, 0);
    }
    assert_ok(frame(fixture, T(GOOD), &err));
}

static void a_trade_comes_out_exactly(void **state)
{
#define RESULT                                                                                     \
    " BINANCE BTCUSDT/USDT 3735683259 1723161255342000 61837.630000000000000000 "                  \
    "0.020000000000000000 SELL"
#define TIMES " event_time=1723161255343"
    static const struct {
        const char *text, *trade;
    } good[] = {
        { COMBINED, RESULT TIMES },
        { RECORDED, RESULT TIMES },
        /* keys in another order, blanks, M missing */
        { " {\"data\" : {\"m\" : true, \"T\": 1723161255342,\n\"q\":\"0.02\",\"p\":\"61837.63\","
          "\"t\":3735683259,\"s\":\"BTCUSDT\",\"E\":1723161255343,\"e\":\"trade\"},"
          "\"stream\":\"btcusdt@trade\"} ",
          RESULT TIMES },
        /* numbers and strings change places; exponents; escapes in keys and text */
        { "{\"\\u0065\":\"tr\\u0061de\",\"E\":\"1723161255343\",\"s\":\"BTC\\u0055SDT\","
          "\"t\":\"3735683259\",\"p\":6.183763e4,\"q\":2E-2,\"T\":\"1723161255342\",\"m\":true}",
          RESULT TIMES },
        /* no event time */
        { "{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"t\":3735683259,\"p\":\"61837.63000000\","
          "\"q\":\"0.02000000\",\"T\":1723161255342,\"m\":true,\"M\":true}",
          RESULT },
        /* events before 2023 */
        { "{\"e\":\"trade\",\"E\":1723161255343,\"s\":\"BTCUSDT\",\"t\":3735683259,"
          "\"p\":\"61837.63\",\"q\":\"0.02\",\"b\":88,\"a\":50,\"T\":1723161255342,\"m\":true}",
          RESULT TIMES " buyer_order_id=88 seller_order_id=50" },
        /* keys that nobody knows: scalars are kept, once, as they are written */
        { "{\"e\":\"trade\",\"E\":1723161255343,\"s\":\"BTCUSDT\",\"t\":3735683259,"
          "\"p\":\"61837.63\",\"q\":\"0.02\",\"X\":\"MAR\\u004bET\",\"n\":1e08,\"o\":{\"p\":\"9\"},"
          "\"z\":[\"T\"],\"y\":null,\"n\":5,\"event_time\":3,\"T\":1723161255342,\"m\":true}",
          RESULT TIMES " X=MARKET n=1e08" },
        /* what m does not say is not known */
        { "{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"t\":0,\"p\":\"0\",\"q\":\"-1\","
          "\"T\":1723161255342}",
          " BINANCE BTCUSDT/USDT 0 1723161255342000 0.000000000000000000 -1.000000000000000000 "
          "UNKNOWN" },
        { "{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"t\":0,\"p\":\"1\",\"q\":\"1\",\"T\":1723161255342,"
          "\"m\":1}",
          " BINANCE BTCUSDT/USDT 0 1723161255342000 1.000000000000000000 1.000000000000000000 "
          "UNKNOWN" },
        { "{\"e\":\"trade\",\"s\":\"A\\/BUSDT\",\"t\":4611686018427387903,"
          "\"p\":\"0.000000000000000001\",\"q\":46116860414.00000000,\"T\":9999999999999,"
          "\"m\":false}",
          " BINANCE A/BUSDT/USDT 4611686018427387903 9999999999999000 0.000000000000000001 "
          "46116860414.000000000000000000 BUY" },
    };
    struct fixture *fixture = *state;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_ok(frame(fixture, good[i].text, &err));
        assert_int_equal(fixture->trades, i + 1);
        assert_string_equal(fixture->last + UUID_TEXT_BYTES - 1, good[i].trade);
    }
    assert_ok(frame(fixture, COMBINED, &err));
    assert_memory_equal(fixture->last, "f8eed7ec-b2fe-8253-8000-0000deaa00bb", UUID_TEXT_BYTES - 1);
}

static void microseconds_are_taken_when_the_url_asks_for_them(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    exchange_connected(fixture->exchange, "ws://x/stream?timeUnit=MICROSECOND", NOW);
    assert_err(frame(fixture, COMBINED, &err), ERR_REJECT);
    assert_ok(frame(fixture, T(GOOD ",\"T\":1723161255342999"), &err));
    assert_non_null(strstr(fixture->last, " 1723161255342999 "));
}

/* The next action, which must be of this type; its text. */
static const char *action(struct fixture *fixture, enum exchange_action_type type)
{
    static char text[8192];
    struct exchange_action action;

    assert_true(exchange_action(fixture->exchange, &action));
    snprintf(text, sizeof(text), "%.*s", SPAN_ARGS(action.text));
    if (action.type != type)
        fail_msg("another action: %s", text);
    return text;
}

static void no_action(struct fixture *fixture)
{
    struct exchange_action action;

    assert_false(exchange_action(fixture->exchange, &action));
}

static struct exchange_counters count(struct fixture *fixture)
{
    struct exchange_counters counters;

    exchange_count(fixture->exchange, &counters);
    return counters;
}

static void symbols_are_subscribed_and_acknowledged(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    assert_int_equal(exchange_due_us(fixture->exchange), NOW);
    no_action(fixture);
    exchange_tick(fixture->exchange, NOW);
    assert_string_equal(
        action(fixture, EXCHANGE_SEND),
        "{\"method\":\"SUBSCRIBE\",\"params\":[\"btcusdt@trade\",\"a/busdt@trade\"],\"id\":1}");
    no_action(fixture);
    assert_int_equal(count(fixture).acked, 0);
    assert_ok(frame(fixture, "{\"result\":null,\"id\":77}", &err));
    assert_int_equal(count(fixture).acked, 0);
    assert_ok(frame(fixture, "{\"result\":null,\"id\":1}", &err));
    assert_int_equal(count(fixture).acked, 2);
    assert_int_equal(count(fixture).control, 2);
    assert_int_equal(exchange_due_us(fixture->exchange), INT64_MAX);
    exchange_disconnected(fixture->exchange);
    assert_int_equal(count(fixture).acked, 0);
}

static void many_symbols_go_in_batches_of_200_three_a_second(void **state)
{
    struct fixture *fixture = *state;
    int64_t now = NOW, sent[6];
    size_t batches = 0;

    exchange_free(fixture->exchange);
    instruments_deinit(&fixture->instruments);
    list(fixture, 1024);
    exchange_connected(fixture->exchange, "ws://x/stream", now);
    while (batches < 6) {
        struct exchange_action action;
        size_t names = 1;

        now = exchange_due_us(fixture->exchange);
        exchange_tick(fixture->exchange, now);
        assert_true(exchange_action(fixture->exchange, &action));
        assert_int_equal(action.type, EXCHANGE_SEND);
        for (size_t i = 0; i < action.text.size; i++)
            names += action.text.data[i] == '@';
        assert_int_equal(names - 1, batches < 5 ? 200 : 24);
        sent[batches++] = now;
        no_action(fixture);
    }
    for (size_t i = 3; i < 6; i++)
        assert_true(sent[i] - sent[i - 3] >= MICROS_SECOND);
    assert_true(sent[5] - sent[0] < 2 * MICROS_SECOND);
}

static void a_request_without_reply_is_made_three_times(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < 3; i++) {
        int64_t due = exchange_due_us(fixture->exchange);

        assert_int_equal(due, NOW + i * 10 * MICROS_SECOND);
        exchange_tick(fixture->exchange, due);
        if (i > 0)
            exchange_tick(fixture->exchange, due);
        assert_non_null(strstr(action(fixture, EXCHANGE_SEND), "SUBSCRIBE"));
        no_action(fixture);
    }
    exchange_tick(fixture->exchange, exchange_due_us(fixture->exchange));
    assert_non_null(strstr(action(fixture, EXCHANGE_RECONNECT), "without a reply"));
}

static void a_trade_acknowledges_its_symbol_when_the_reply_is_lost(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    exchange_tick(fixture->exchange, NOW);
    action(fixture, EXCHANGE_SEND);
    assert_ok(frame(fixture, COMBINED, &err));
    assert_int_equal(count(fixture).acked, 1);
    assert_ok(frame(fixture, T(GOOD ",\"s\":\"A/BUSDT\""), &err));
    exchange_tick(fixture->exchange, NOW + 11 * MICROS_SECOND);
    no_action(fixture);
    assert_int_equal(exchange_due_us(fixture->exchange), INT64_MAX);
}

static void a_refused_request_is_halved_until_the_name_stands_alone(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    exchange_tick(fixture->exchange, NOW);
    action(fixture, EXCHANGE_SEND);
    assert_ok(frame(fixture, "{\"code\":2,\"msg\":\"Invalid request\",\"id\":1}", &err));
    exchange_tick(fixture->exchange, NOW + MICROS_SECOND);
    assert_string_equal(action(fixture, EXCHANGE_SEND),
                        "{\"method\":\"SUBSCRIBE\",\"params\":[\"btcusdt@trade\"],\"id\":2}");
    assert_ok(frame(fixture, "{\"error\":{\"code\":2,\"msg\":\"no such thing\"},\"id\":2}", &err));
    assert_string_equal(action(fixture, EXCHANGE_NOTE), "BTCUSDT is refused: no such thing");
    exchange_tick(fixture->exchange, NOW + 2 * MICROS_SECOND);
    assert_string_equal(action(fixture, EXCHANGE_SEND),
                        "{\"method\":\"SUBSCRIBE\",\"params\":[\"a/busdt@trade\"],\"id\":3}");
    assert_int_equal(count(fixture).refused, 1);
    assert_ok(frame(fixture, "{\"code\":3,\"msg\":\"again\"}", &err)); /* without id */
    action(fixture, EXCHANGE_NOTE);
    assert_string_equal(action(fixture, EXCHANGE_RECONNECT), "every symbol is refused");
    assert_int_equal(count(fixture).refused, 2);
    assert_ok(frame(fixture, "{\"code\":3,\"msg\":\"what\"}", &err));
    assert_string_equal(action(fixture, EXCHANGE_NOTE), "the exchange says: what");
}

static void a_server_that_shuts_down_says_so(void **state)
{
    static const char *const texts[] = {
        "{\"e\":\"serverShutdown\",\"E\":1723161255343}",
        "{\"stream\":\"!serverShutdown\",\"data\":{\"e\":\"serverShutdown\",\"E\":1723161255343}}",
    };
    struct fixture *fixture = *state;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_ok(frame(fixture, texts[i], &err));
        assert_string_equal(action(fixture, EXCHANGE_ENDS), "the server shuts down");
        no_action(fixture);
    }
}

static void tick_each_second(struct fixture *fixture, int64_t from_us, int64_t to_us)
{
    for (; from_us <= to_us; from_us += MICROS_SECOND)
        exchange_tick(fixture->exchange, from_us);
}

static void a_feed_that_falls_silent_is_dead_and_a_quiet_one_is_not(void **state)
{
    struct fixture *fixture = *state;
    struct exchange_sink sink = { put, fixture };
    struct err err;

    exchange_tick(fixture->exchange, NOW);
    action(fixture, EXCHANGE_SEND);
    assert_ok(frame(fixture, "{\"result\":null,\"id\":1}", &err));
    tick_each_second(fixture, NOW, NOW + 600 * MICROS_SECOND); /* nobody trades here */
    no_action(fixture);
    for (int i = 0; i < 20; i++)
        assert_ok(exchange_frame(fixture->exchange, SPAN(COMBINED), NOW + 7, &sink, &err));
    exchange_connected(fixture->exchange, "ws://x/stream", NOW);
    exchange_tick(fixture->exchange, NOW);
    action(fixture, EXCHANGE_SEND);
    assert_ok(frame(fixture, COMBINED, &err));
    assert_ok(frame(fixture, T(GOOD ",\"s\":\"A/BUSDT\""), &err));
    tick_each_second(fixture, NOW, NOW + 30 * MICROS_SECOND);
    no_action(fixture);
    exchange_tick(fixture->exchange, NOW + 100 * MICROS_SECOND); /* nobody looked for 70 s */
    exchange_tick(fixture->exchange, NOW + 100 * MICROS_SECOND + 6);
    no_action(fixture);
    exchange_tick(fixture->exchange, NOW + 100 * MICROS_SECOND + 7);
    assert_string_equal(action(fixture, EXCHANGE_RECONNECT), "subscribed, but no trade for 30 s");
}

static void trade_ids_show_what_is_missing_and_what_comes_again(void **state)
{
    struct fixture *fixture = *state;
    static const int ids[] = { 10, 11, 12, 12, 11, 13, 17, 15, 18 };
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        char text[256];

        snprintf(text, sizeof(text), T(GOOD ",\"t\":%d"), ids[i]);
        assert_ok(frame(fixture, text, &err));
    }
    assert_int_equal(count(fixture).trades, 9);
    assert_int_equal(count(fixture).missing, 3);
    assert_int_equal(count(fixture).repeated, 3);
}

static void a_url_without_path_gets_the_combined_one(void **state)
{
    static const struct {
        const char *configured, *url;
    } urls[] = {
        { "wss://stream.binance.com:9443", "wss://stream.binance.com:9443/stream" },
        { "wss://a/", "wss://a/stream" },
        { "wss://a?timeUnit=MICROSECOND", "wss://a/stream?timeUnit=MICROSECOND" },
        { "wss://a/ws", "wss://a/ws" },
        { "ws://a/stream?timeUnit=MICROSECOND", "ws://a/stream?timeUnit=MICROSECOND" },
    };
    struct fixture *fixture = *state;
    struct buf out = BUF_INIT;

    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        buf_clear(&out);
        exchange_url(fixture->exchange, urls[i].configured, &out);
        assert_string_equal(buf_text(&out), urls[i].url);
    }
    buf_deinit(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_trade_is_rejected_with_a_word),
        TEST(a_trade_comes_out_exactly),
        TEST(microseconds_are_taken_when_the_url_asks_for_them),
        TEST(symbols_are_subscribed_and_acknowledged),
        TEST(many_symbols_go_in_batches_of_200_three_a_second),
        TEST(a_request_without_reply_is_made_three_times),
        TEST(a_trade_acknowledges_its_symbol_when_the_reply_is_lost),
        TEST(a_refused_request_is_halved_until_the_name_stands_alone),
        TEST(a_server_that_shuts_down_says_so),
        TEST(a_feed_that_falls_silent_is_dead_and_a_quiet_one_is_not),
        TEST(trade_ids_show_what_is_missing_and_what_comes_again),
        TEST(a_url_without_path_gets_the_combined_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
