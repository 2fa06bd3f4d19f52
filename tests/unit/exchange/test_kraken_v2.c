// SPDX-License-Identifier: Apache-2.0
#include "kraken_fixture.h"

#define ROW                                                                                        \
    "\"symbol\":\"BTC/USD\",\"side\":\"buy\",\"price\":1,\"qty\":1,\"ord_type\":\"limit\","        \
    "\"trade_id\":1,\"timestamp\":\"2026-07-23T22:56:48Z\""
#define FRAME(rows) "{\"channel\":\"trade\",\"type\":\"update\",\"data\":[" rows "]}"
#define TRADE(more) FRAME("{" ROW more "}")
#define REPLY(symbol, id)                                                                          \
    "{\"method\":\"subscribe\",\"result\":{\"channel\":\"trade\",\"snapshot\":true,\"symbol\":"    \
    "\"" symbol "\"},\"success\":true,\"time_in\":\"2026-08-02T04:23:42.847625Z\",\"time_out\":"   \
    "\"2026-08-02T04:23:42.847647Z\",\"req_id\":" id "}"
#define REFUSAL(symbol, message, id)                                                               \
    "{\"error\":\"" message "\",\"method\":\"subscribe\",\"success\":false,\"symbol\":\"" symbol   \
    "\",\"time_in\":\"\",\"time_out\":\"\",\"req_id\":" id "}"
#define STATUS(system)                                                                             \
    "{\"channel\":\"status\",\"type\":\"update\",\"data\":[{\"version\":\"2.0.10\",\"system\":"    \
    "\"" system "\",\"api_version\":\"v2\",\"connection_id\":15413894943188002760}]}"
#define HEARTBEAT "{\"channel\":\"heartbeat\"}"
/* Recorded: https://github.com/elkinal/tickstore (MIT), internal/venue/kraken/testdata. */
#define SNAPSHOT                                                                                   \
    "{\"channel\":\"trade\",\"type\":\"snapshot\",\"data\":[{\"symbol\":\"BTC/USD\",\"side\":"     \
    "\"buy\",\"price\":65140.3,\"qty\":0.00037999,\"ord_type\":\"limit\",\"trade_id\":104182602,"  \
    "\"timestamp\":\"2026-07-23T22:56:44.013986Z\"}]}"
#define UPDATE                                                                                     \
    "{\"channel\":\"trade\",\"type\":\"update\",\"data\":[{\"symbol\":\"BTC/USD\",\"side\":"       \
    "\"buy\",\"price\":65140.3,\"qty\":0.01500000,\"ord_type\":\"market\",\"trade_id\":104182603," \
    "\"timestamp\":\"2026-07-23T22:56:48.226099Z\"},{\"symbol\":\"BTC/USD\",\"side\":\"sell\","    \
    "\"price\":65139.9,\"qty\":0.00250000,\"ord_type\":\"limit\",\"trade_id\":104182604,"          \
    "\"timestamp\":\"2026-07-23T22:56:48.300000Z\"}]}"
#define ONE " 1.000000000000000000 1.000000000000000000 "

static int set_up(void **state)
{
    *state = fixture_new(&kraken_v2_kind);
    return 0;
}

static void what_is_no_trade_is_rejected_with_a_word(void **state)
{
    static const struct {
        const char *text, *word;
    } bad[] = {
        { "", "not_json" },
        { "hello", "not_json" },
        { "{\"channel\":\"trade\"", "not_json" },
        { UPDATE "x", "not_json" },
        { "{\"channel\":\"trade\",\"data\":[{\"symbol\":\"BTC/USD\xff\"}]}", "not_json" },
        { "[" UPDATE "]", "unknown_message" },
        { "42", "unknown_message" },
        { "[4", "not_json" },
        { "{}", "unknown_message" },
        { "{\"method\":\"amend\",\"success\":true}", "unknown_message" },
        { "{\"channel\":\"book\",\"data\":[]}", "unknown_event: book" },
        { "{\"channel\":7}", "unknown_event: 7" },
        { "{\"channel\":\"trade\"}", "missing_field: data" },
        { "{\"channel\":\"trade\",\"data\":{}}", "wrong_type: data" },
        { FRAME("17"), "wrong_type" },
        { FRAME("[1,2]"), "wrong_type" },
        { FRAME("{}"), "missing_field: symbol" },
        { TRADE(",\"symbol\":5"), "wrong_type: symbol" },
        { TRADE(",\"symbol\":\"\\ud800\""), "not_json" },
        { TRADE(",\"symbol\":\"ETH/USD\""), "unknown_symbol: ETH/USD" },
        { TRADE(",\"symbol\":\"BTCUSD\""), "unknown_symbol" },
        { TRADE(",\"symbol\":\"BT/CUSD\""), "unknown_symbol" },
        { TRADE(",\"symbol\":\"btc/usd\""), "unknown_symbol" },
        { TRADE(",\"symbol\":\"\""), "unknown_symbol" },
        { TRADE(",\"price\":null"), "wrong_type: price" },
        { TRADE(",\"price\":\"one\""), "bad_number: price" },
        { TRADE(",\"qty\":1e-19"), "number_not_representable: qty" },
        { TRADE(",\"qty\":1234567890123456789012345678901234567890"),
          "number_not_representable: qty" },
        { TRADE(",\"trade_id\":1.5"), "bad_number: trade_id" },
        { TRADE(",\"trade_id\":-1"), "bad_trade_id" },
        { TRADE(",\"trade_id\":4611686018427387904"), "bad_trade_id" },
        { TRADE(",\"timestamp\":1785600000"), "wrong_type: timestamp" },
        { TRADE(",\"timestamp\":\"yesterday\""), "bad_time: yesterday" },
    };
    struct fixture *fixture = *state;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_err(fixture_frame(fixture, bad[i].text, &err), ERR_REJECT);
        if (strncmp(err.text, bad[i].word, strlen(bad[i].word)) != 0)
            fail_msg("%s: %s", bad[i].text, err.text);
        assert_int_equal(fixture->trades, 0);
    }
    assert_ok(fixture_frame(fixture, TRADE(""), &err));
}

static void every_trade_of_a_frame_comes_out_exactly(void **state)
{
    static const struct {
        const char *text, *trades;
    } good[] = {
        { SNAPSHOT, "BTCUSD/USD 104182602 1784847404013986 65140.300000000000000000 "
                    "0.000379990000000000 BUY limit type=snapshot\n" },
        { UPDATE, "BTCUSD/USD 104182603 1784847408226099 65140.300000000000000000 "
                  "0.015000000000000000 BUY market\n"
                  "BTCUSD/USD 104182604 1784847408300000 65139.900000000000000000 "
                  "0.002500000000000000 SELL limit\n" },
        /* the data before the channel, blanks, exponents, escapes, nanoseconds rounded */
        { " {\"data\" : [ {\"timestamp\":\"2026-07-23T22:56:48.226099566Z\",\"trade_id\":\"5\","
          "\"qty\":5E-05,\"price\":1e1,\"side\":\"s\\u0065ll\",\"symbol\":\"XBT\\/USD\","
          "\"ord_type\":\"m\\u0061rket\"} ],\"type\":\"update\",\n\"channel\":\"tr\\u0061de\"} ",
          "BTCUSD/USD 5 1784847408226100 10.000000000000000000 0.000050000000000000 SELL "
          "market\n" },
        { TRADE(",\"symbol\":\"XDG/USD\""), "DOGEUSD/USD 1 1784847408000000" ONE "BUY limit\n" },
        /* what is new is not known */
        { TRADE(",\"side\":\"short\""), "BTCUSD/USD 1 1784847408000000" ONE "UNKNOWN limit\n" },
        { TRADE(",\"side\":null"), "BTCUSD/USD 1 1784847408000000" ONE "UNKNOWN limit\n" },
        { TRADE(",\"ord_type\":\"iceberg\""), "BTCUSD/USD 1 1784847408000000" ONE "BUY iceberg\n" },
        { TRADE(",\"ord_type\":7"), "BTCUSD/USD 1 1784847408000000" ONE "BUY \n" },
        { TRADE(",\"liq\\u0065\":\"A\\u0042\",\"n\":1e08,\"o\":{\"price\":9},\"a\":[1],\"z\":null,"
                "\"n\":5"),
          "BTCUSD/USD 1 1784847408000000" ONE "BUY limit liqe=AB n=1e08\n" },
        { FRAME(""), "" },
    };
    struct fixture *fixture = *state;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        fixture_gives(fixture, good[i].text, good[i].trades);
    buf_clear(&fixture->lines);
    assert_ok(fixture_frame(fixture, TRADE(",\"trade_id\":74512345"), &err));
    assert_string_equal(fixture_id(fixture, 0), "7d9450f4-6431-86b1-8000-00000470f7d9");
}

static void a_bad_trade_rejects_its_frame_and_the_others_are_kept(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    assert_err(
        fixture_frame(
            fixture, FRAME("{" ROW "},{" ROW ",\"price\":\"x\"},7,{" ROW ",\"trade_id\":2}"), &err),
        ERR_REJECT);
    assert_string_equal(err.text, "bad_number: price");
    assert_int_equal(fixture->trades, 2);
}

static void more_fields_than_are_kept_do_no_harm(void **state)
{
    struct fixture *fixture = *state;
    struct buf text = BUF_INIT;
    struct err err;

    buf_put_text(&text, "{\"channel\":\"trade\",\"type\":\"snapshot\",\"data\":[{" ROW);
    for (int i = 0; i < 40; i++)
        buf_printf(&text, ",\"k\\u0065y%d\":\"v\\u0061lue\"", i);
    buf_put_text(&text, "}]}");
    assert_ok(fixture_frame(fixture, buf_text(&text), &err));
    assert_non_null(strstr(buf_text(&fixture->lines), "type=snapshot key0=value"));
    assert_non_null(strstr(buf_text(&fixture->lines), "key15=value"));
    assert_null(strstr(buf_text(&fixture->lines), "key16"));
    buf_deinit(&text);
}

static void pairs_are_subscribed_and_answered_one_by_one(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    assert_ok(fixture_frame(fixture, STATUS("online"), &err));
    exchange_tick(fixture->exchange, NOW);
    assert_string_equal(
        fixture_action(fixture, EXCHANGE_SEND),
        "{\"method\":\"subscribe\",\"params\":{\"channel\":\"trade\",\"symbol\":[\"BTC/USD\","
        "\"XMR/USD\",\"SC/EUR\",\"DOGE/USD\"],\"snapshot\":true},\"req_id\":1}");
    fixture_no_action(fixture);
    assert_ok(fixture_frame(fixture, REPLY("BTC/USD", "1"), &err));
    assert_int_equal(fixture_count(fixture).acked, 1);
    assert_ok(fixture_frame(fixture, REFUSAL("XMR/USD", "Currency pair not supported XMR/USD", "1"),
                            &err));
    assert_string_equal(fixture_action(fixture, EXCHANGE_NOTE),
                        "XMR/USD is refused: Currency pair not supported XMR/USD");
    assert_ok(fixture_frame(fixture, REFUSAL("SC/EUR", "Already subscribed", "1"), &err));
    fixture_no_action(fixture);
    assert_int_equal(fixture_count(fixture).acked, 2);
    assert_int_equal(fixture_count(fixture).refused, 1);
    /* the last reply is lost: that pair is asked for again, and only that */
    for (int i = 0; i < 10; i++)
        assert_ok(fixture_frame_of(fixture, SPAN(HEARTBEAT), NOW + i * MICROS_SECOND, &err));
    exchange_tick(fixture->exchange, NOW + 10 * MICROS_SECOND);
    exchange_tick(fixture->exchange, NOW + 10 * MICROS_SECOND);
    assert_string_equal(fixture_action(fixture, EXCHANGE_SEND),
                        "{\"method\":\"subscribe\",\"params\":{\"channel\":\"trade\",\"symbol\":["
                        "\"DOGE/USD\"],\"snapshot\":true},\"req_id\":2}");
    fixture_no_action(fixture);
    assert_ok(fixture_frame(fixture, TRADE(",\"symbol\":\"DOGE/USD\""), &err));
    assert_int_equal(fixture_count(fixture).acked, 3);
    exchange_disconnected(fixture->exchange);
    assert_int_equal(fixture_count(fixture).acked, 0);
    assert_int_equal(exchange_due_us(fixture->exchange), INT64_MAX);
}

static void a_hundred_pairs_go_in_one_request_two_requests_a_second(void **state)
{
    struct fixture *fixture = *state;
    const char *names[250];
    char text[250][16];

    fixture_clear(fixture);
    *fixture = (struct fixture){ .kind = &kraken_v2_kind };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(text[i], sizeof(text[i]), "T%zu/USD", i);
        names[i] = text[i];
    }
    fixture_list(fixture, names, ARRAY_LEN(names));
    for (size_t i = 0; i < 3; i++) {
        const char *at;
        size_t count = 0;

        assert_int_equal(exchange_due_us(fixture->exchange), NOW + (int64_t)i * 500000);
        exchange_tick(fixture->exchange, exchange_due_us(fixture->exchange));
        for (at = fixture_action(fixture, EXCHANGE_SEND); (at = strstr(at, "/USD")) != NULL; at++)
            count++;
        assert_int_equal(count, i < 2 ? 100 : 50);
        fixture_no_action(fixture);
    }
}

static void a_request_that_is_too_early_is_made_again(void **state)
{
    static const char *const texts[] = {
        "{\"error\":\"Exceeded msg rate\",\"method\":\"subscribe\",\"success\":false,\"req_id\":1}",
        "{\"Error\":\"Exceeded msg rate\"}",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct fixture *fixture = fixture_new(&kraken_v2_kind);
        struct err err;

        (void)state;
        exchange_tick(fixture->exchange, NOW);
        fixture_action(fixture, EXCHANGE_SEND);
        assert_ok(fixture_frame(fixture, texts[i], &err));
        fixture_action(fixture, EXCHANGE_NOTE);
        exchange_tick(fixture->exchange, NOW + 4 * MICROS_SECOND);
        fixture_no_action(fixture);
        exchange_tick(fixture->exchange, NOW + 7 + 5 * MICROS_SECOND);
        assert_non_null(strstr(fixture_action(fixture, EXCHANGE_SEND), "DOGE/USD"));
        fixture_clear(fixture);
        free(fixture);
    }
}

static void a_request_refused_as_a_whole_is_halved(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    exchange_tick(fixture->exchange, NOW);
    fixture_action(fixture, EXCHANGE_SEND);
    assert_ok(
        fixture_frame(fixture,
                      "{\"error\":\"Malformed request\",\"method\":\"error\",\"success\":false,"
                      "\"req_id\":1}",
                      &err));
    fixture_no_action(fixture);
    exchange_tick(fixture->exchange, NOW + MICROS_SECOND);
    assert_non_null(strstr(fixture_action(fixture, EXCHANGE_SEND), "[\"BTC/USD\",\"XMR/USD\"]"));
    assert_ok(fixture_frame(fixture, "{\"error\":\"What?\",\"req_id\":77}", &err));
    assert_string_equal(fixture_action(fixture, EXCHANGE_NOTE), "the exchange says: What?");
    assert_ok(fixture_frame(fixture, REFUSAL("NO/SUCH", "Currency pair not supported", "2"), &err));
    fixture_action(fixture, EXCHANGE_NOTE);
    assert_int_equal(fixture_count(fixture).refused, 0);
}

static void a_subscription_that_the_exchange_ends_is_made_anew(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    assert_ok(fixture_frame(fixture,
                            "{\"method\":\"unsubscribe\",\"result\":{\"channel\":\"trade\","
                            "\"symbol\":\"XMR/USD\"},\"success\":true}",
                            &err));
    assert_string_equal(fixture_action(fixture, EXCHANGE_RECONNECT),
                        "the exchange has ended the subscription to XMR/USD");
}

static void without_heartbeats_the_connection_is_dead(void **state)
{
    struct fixture *fixture = *state;
    int64_t now = NOW;
    struct err err;

    exchange_tick(fixture->exchange, now);
    fixture_action(fixture, EXCHANGE_SEND);
    for (; now < NOW + 9 * MICROS_SECOND; now += MICROS_SECOND) /* nothing is subscribed yet */
        exchange_tick(fixture->exchange, now);
    fixture_no_action(fixture);
    assert_ok(fixture_frame_of(fixture, SPAN(REPLY("BTC/USD", "1")), now, &err));
    for (int i = 0; i < 600; i++, now += MICROS_SECOND) {
        assert_ok(fixture_frame_of(fixture, SPAN(HEARTBEAT), now, &err));
        exchange_tick(fixture->exchange, now);
        for (struct exchange_action action; exchange_action(fixture->exchange, &action);)
            assert_int_not_equal(action.type, EXCHANGE_RECONNECT);
    }
    now -= MICROS_SECOND;
    assert_int_equal(exchange_due_us(fixture->exchange), now + 5 * MICROS_SECOND);
    for (int i = 1; i < 5; i++) { /* a pong is the gateway's */
        assert_ok(fixture_frame_of(fixture, SPAN("{\"method\":\"pong\",\"req_id\":9}"),
                                   now + i * MICROS_SECOND, &err));
        exchange_tick(fixture->exchange, now + i * MICROS_SECOND);
    }
    fixture_no_action(fixture);
    exchange_tick(fixture->exchange, now + 5 * MICROS_SECOND);
    assert_string_equal(fixture_action(fixture, EXCHANGE_RECONNECT),
                        "no frame, not even a heartbeat, for 5 s");
    fixture_no_action(fixture);
}

static void heartbeats_without_trades_are_a_stall_unless_trading_is_halted(void **state)
{
    struct fixture *fixture = *state;
    int64_t now = NOW;
    struct err err;

    for (int i = 0; i < 25; i++)
        assert_ok(fixture_frame_of(fixture, SPAN(TRADE("")), now, &err));
    assert_ok(fixture_frame_of(fixture, SPAN(STATUS("maintenance")), now, &err));
    assert_string_equal(fixture_action(fixture, EXCHANGE_NOTE), "the exchange is maintenance");
    assert_ok(fixture_frame_of(fixture, SPAN(STATUS("maintenance")), now, &err));
    fixture_no_action(fixture);
    for (int i = 0; i < 100; i++, now += MICROS_SECOND) {
        assert_ok(fixture_frame_of(fixture, SPAN(HEARTBEAT), now, &err));
        exchange_tick(fixture->exchange, now);
        for (struct exchange_action action; exchange_action(fixture->exchange, &action);)
            assert_int_not_equal(action.type, EXCHANGE_RECONNECT);
    }
    assert_ok(fixture_frame_of(fixture, SPAN(STATUS("online")), now, &err));
    assert_string_equal(fixture_action(fixture, EXCHANGE_NOTE), "the exchange is online");
    for (int i = 0; i < 30; i++, now += MICROS_SECOND) {
        assert_ok(fixture_frame_of(fixture, SPAN(HEARTBEAT), now, &err));
        exchange_tick(fixture->exchange, now);
        for (struct exchange_action action; exchange_action(fixture->exchange, &action);)
            assert_int_not_equal(action.type, EXCHANGE_RECONNECT);
    }
    exchange_tick(fixture->exchange, now);
    assert_string_equal(fixture_action(fixture, EXCHANGE_RECONNECT),
                        "subscribed, but no trade for 30 s");
}

static void trade_ids_show_what_is_missing_and_what_comes_again(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    assert_ok(fixture_frame(fixture, UPDATE, &err));
    assert_ok(fixture_frame(fixture, TRADE(",\"trade_id\":104182607"), &err));
    exchange_disconnected(fixture->exchange);
    exchange_connected(fixture->exchange, "ws://x", NOW);
    assert_ok(fixture_frame(fixture, SNAPSHOT, &err)); /* history: a copy */
    assert_int_equal(fixture_count(fixture).trades, 4);
    assert_int_equal(fixture_count(fixture).missing, 2);
    assert_int_equal(fixture_count(fixture).repeated, 1);
}

static void a_url_without_path_gets_the_apis(void **state)
{
    static const struct {
        const char *configured, *url;
    } urls[] = {
        { "wss://ws.kraken.com", "wss://ws.kraken.com/v2" },
        { "wss://ws.kraken.com/", "wss://ws.kraken.com/v2" },
        { "wss://ws.kraken.com/v2", "wss://ws.kraken.com/v2" },
        { "ws://127.0.0.1:9?x=1", "ws://127.0.0.1:9/v2?x=1" },
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

static void changed_frames_are_taken_or_rejected(void **state)
{
    static const char *const frames[] = {
        SNAPSHOT,
        UPDATE,
        TRADE(",\"k\":\"v\\u0061\",\"qty\":5e-05"),
        REPLY("BTC/USD", "1"),
        REFUSAL("BTC/USD", "Currency pair not supported", "1"),
        STATUS("maintenance"),
        HEARTBEAT,
        "{\"method\":\"pong\",\"req_id\":101}",
        "{\"Error\":\"Exceeded msg rate\"}",
    };

    fixture_mutate(*state, frames, ARRAY_LEN(frames), "{}[]\",:\\0123456789.eE-+untrfals");
    every_trade_of_a_frame_comes_out_exactly(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_trade_is_rejected_with_a_word),
        TEST(every_trade_of_a_frame_comes_out_exactly),
        TEST(a_bad_trade_rejects_its_frame_and_the_others_are_kept),
        TEST(more_fields_than_are_kept_do_no_harm),
        TEST(pairs_are_subscribed_and_answered_one_by_one),
        TEST(a_hundred_pairs_go_in_one_request_two_requests_a_second),
        TEST(a_request_that_is_too_early_is_made_again),
        TEST(a_request_refused_as_a_whole_is_halved),
        TEST(a_subscription_that_the_exchange_ends_is_made_anew),
        TEST(without_heartbeats_the_connection_is_dead),
        TEST(heartbeats_without_trades_are_a_stall_unless_trading_is_halted),
        TEST(trade_ids_show_what_is_missing_and_what_comes_again),
        TEST(a_url_without_path_gets_the_apis),
        TEST(changed_frames_are_taken_or_rejected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
