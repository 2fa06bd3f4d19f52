// SPDX-License-Identifier: Apache-2.0
#include "kraken_fixture.h"

#define FRAME(rows) "[993,[" rows "],\"trade\",\"XBT/USD\"]"
#define ROW(price, volume, time, side, type)                                                       \
    "[\"" price "\",\"" volume "\",\"" time "\",\"" side "\",\"" type "\",\"\"]"
#define TIME  "1618678150.826417"
#define EQUAL ROW("354.04000000", "0.28245396", TIME, "s", "m")
#define REPLY(pair, status, more)                                                                  \
    "{\"channelID\":993,\"channelName\":\"trade\",\"event\":\"subscriptionStatus\",\"pair\":"      \
    "\"" pair "\",\"status\":\"" status "\",\"subscription\":{\"name\":\"trade\"}" more "}"
#define STATUS(status)                                                                             \
    "{\"connectionID\":18239578009413566319,\"event\":\"systemStatus\",\"status\":\"" status       \
    "\",\"version\":\"1.8.3\"}"
#define HEARTBEAT "{\"event\":\"heartbeat\"}"
/* Recorded: https://github.com/bmoscon/cryptofeed (sample_data/KRAKEN.ws.48.0; XFree86-style
 * licence) and https://github.com/thrasher-corp/gocryptotrader (MIT).  This product includes
 * software developed by Bryant Moscon (http://www.bryantmoscon.com/). */
#define TWO                                                                                        \
    "[993,[[\"354.04000000\",\"0.28245396\",\"1618678150.826417\",\"s\",\"m\",\"\"],"              \
    "[\"353.81000000\",\"1.71754604\",\"1618678150.827816\",\"s\",\"m\",\"\"]],\"trade\","         \
    "\"XMR/USD\"]"
#define SIAS                                                                                       \
    "[1921,[[\"0.043040\",\"20000.00000000\",\"1618678158.135041\",\"b\",\"l\",\"\"]],\"trade\","  \
    "\"SC/EUR\"]"
#define BITCOIN                                                                                    \
    "[119930881,[[\"95873.80000\",\"0.00051182\",\"1740353380.379186\",\"b\",\"l\",\"\"]],"        \
    "\"trade\",\"XBT/USD\"]"
#define ONE "BTCUSD/USD -1 1618678150826417 1.000000000000000000 1.000000000000000000 "

static int set_up(void **state)
{
    *state = fixture_new(&kraken_v1_kind);
    return 0;
}

static void what_is_no_trade_is_rejected_with_a_word(void **state)
{
    static const struct {
        const char *text, *word;
    } bad[] = {
        { "", "not_json" },
        { "[993", "not_json" },
        { TWO "x", "not_json" },
        { "{\"event\":\"heartbeat\"", "not_json" },
        { "{\"event\":\"heartbeat\"}x", "not_json" },
        { "42", "unknown_message" },
        { "{}", "unknown_message" },
        { "[]", "unknown_message" },
        { "[[],7,\"XBT/USD\"]", "unknown_message" },
        { "{\"event\":\"addOrderStatus\"}", "unknown_event: addOrderStatus" },
        { "[13,{\"a\":[]},\"book-10\",\"XBT/USD\"]", "unknown_event: book-10" },
        { "[13,[\"5698.4\",\"5700.0\"],\"spread\",\"XBT/USD\"]", "unknown_event: spread" },
        { "[993,{},\"trade\",\"XBT/USD\"]", "missing_field: data" },
        { "[993,[" ROW("1", "1", TIME, "b", "l") "],\"trade\",\"\\ud800\"]", "not_json" },
        { "[993,[" ROW("1", "1", TIME, "b", "l") "],\"trade\",\"ETH/USD\"]", "unknown_symbol" },
        { "[993,[" ROW("1", "1", TIME, "b", "l") "],\"trade\",\"XBT\"]", "unknown_symbol: XBT" },
        { FRAME("17"), "wrong_type" },
        { FRAME("{\"price\":1}"), "wrong_type" },
        { FRAME("[]"), "missing_field: price" },
        { FRAME("[\"1\"]"), "missing_field: volume" },
        { FRAME("[\"1\",\"1\"]"), "missing_field: time" },
        { FRAME("[[],\"1\",\"" TIME "\"]"), "wrong_type: price" },
        { FRAME(ROW("one", "1", TIME, "b", "l")), "bad_number: price" },
        { FRAME(ROW("1", "1e-19", TIME, "b", "l")), "number_not_representable: volume" },
        { FRAME(ROW("1", "1", "noon", "b", "l")), "bad_number: time" },
        { FRAME(ROW("1", "1", "1618678150826.417", "b", "l")), "bad_time" },
        { FRAME(ROW("1", "1", "-1618678150.826417", "b", "l")), "bad_time" },
        { FRAME(ROW("1", "1", "1e18", "b", "l")), "bad_time" },
        { FRAME("[\"1\",\"1\",\"" TIME "\",\"b\",\"\\ud800\",\"\"]"), "not_json" },
    };
    struct fixture *fixture = *state;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_err(fixture_frame(fixture, bad[i].text, &err), ERR_REJECT);
        if (strncmp(err.text, bad[i].word, strlen(bad[i].word)) != 0)
            fail_msg("%s: %s", bad[i].text, err.text);
        assert_int_equal(fixture->trades, 0);
    }
}

static void every_trade_of_a_frame_comes_out_exactly(void **state)
{
    static const struct {
        const char *text, *trades;
    } good[] = {
        { TWO, "XMRUSD/USD -1 1618678150826417 354.040000000000000000 0.282453960000000000 SELL "
               "market\n"
               "XMRUSD/USD -1 1618678150827816 353.810000000000000000 1.717546040000000000 SELL "
               "market\n" },
        { SIAS, "SCEUR/EUR -1 1618678158135041 0.043040000000000000 20000.000000000000000000 BUY "
                "limit\n" },
        { BITCOIN, "BTCUSD/USD -1 1740353380379186 95873.800000000000000000 "
                   "0.000511820000000000 BUY limit\n" },
        /* numbers bare, an exponent, the time rounded, escapes, blanks, a fifth element */
        { " [ 993 , [ [ 1 , 1e0 , 1618678150.8264166 , \"\\u0062\" , \"l\" , \"\" ] ] , "
          "\"tr\\u0061de\" , \"XBT\\/USD\" ] ",
          ONE "BUY limit\n" },
        { "[0,[" ROW("1", "1", TIME, "s", "m") "],[],\"trade\",\"BTC/USD\"]", ONE "SELL market\n" },
        { FRAME(ROW("1", "1", TIME, "x", "t")), ONE "UNKNOWN t\n" },
        { FRAME("[1,1,\"" TIME "\"]"), ONE "UNKNOWN \n" },
        { FRAME("[1,1,\"" TIME "\",\"b\",\"l\",\"p\\u0061id\",61044952,null,[1],\"\",true]"),
          ONE "BUY limit misc=paid field7=61044952 field11=true\n" },
        { FRAME(""), "" },
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        fixture_gives(fixture, good[i].text, good[i].trades);
}

static void a_bad_trade_rejects_its_frame_and_the_others_are_kept(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    assert_err(fixture_frame(fixture,
                             FRAME("[],7," ROW("1", "1", TIME, "b",
                                               "l") ",[\"x\"]," ROW("2", "1", TIME, "b", "l")),
                             &err),
               ERR_REJECT);
    assert_string_equal(err.text, "missing_field: price");
    assert_int_equal(fixture->trades, 2);
}

static void more_elements_than_are_kept_do_no_harm(void **state)
{
    struct fixture *fixture = *state;
    struct buf text = BUF_INIT;
    struct err err;

    buf_put_text(&text, "[993,[[1,1,\"" TIME "\",\"b\",\"\\u006c\",\"misc\"");
    for (int i = 0; i < 60; i++)
        buf_put_text(&text, ",\"\\u0061\"");
    buf_put_text(&text, "]],\"trade\",\"XBT\\u002fUSD\"]");
    assert_ok(fixture_frame(fixture, buf_text(&text), &err));
    assert_non_null(strstr(buf_text(&fixture->lines), " limit misc=misc field7=a field8=a"));
    assert_non_null(strstr(buf_text(&fixture->lines), "field21=a\n"));
    buf_deinit(&text);
}

static void ids_are_those_of_the_recipe(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    /* Two equals, in a frame and in two; other forms of the same numbers are equal. */
    assert_ok(fixture_frame(fixture, "[993,[" EQUAL "," EQUAL "],\"trade\",\"XMR/USD\"]", &err));
    assert_ok(fixture_frame(fixture, SIAS, &err));
    assert_ok(fixture_frame(fixture, BITCOIN, &err));
    assert_ok(
        fixture_frame(fixture,
                      "[7,[[354.04,28245396e-8,\"1618678150.8264170\",\"s\",\"m\"]],\"trade\","
                      "\"XMR/USD\"]",
                      &err));
    assert_string_equal(fixture_id(fixture, 0), "f2fe0fb8-289b-568b-83db-c5b65ea5195f");
    assert_string_equal(fixture_id(fixture, 1), "2255b79c-087e-5a7e-87ed-b0c2edea98eb");
    assert_string_equal(fixture_id(fixture, 2), "40574052-5219-516b-98d7-fcef012c09f1");
    assert_string_equal(fixture_id(fixture, 3), "2b128cf3-8462-5899-9991-daab1ced3f90");
    assert_string_equal(fixture_id(fixture, 4), "fbc35e53-7f47-515d-89c2-6a2f2a59910b");
}

static void what_is_sent_again_after_a_reconnect_has_the_same_ids(void **state)
{
    struct fixture *fixture = *state;
    char first[2][UUID_TEXT_BYTES];
    struct err err;

    exchange_tick(fixture->exchange, NOW);
    assert_ok(fixture_frame(fixture, "[993,[" EQUAL "],\"trade\",\"XMR/USD\"]", &err));
    assert_ok(fixture_frame(fixture, "[993,[" EQUAL "],\"trade\",\"XMR/USD\"]", &err));
    memcpy(first[0], fixture_id(fixture, 0), UUID_TEXT_BYTES);
    memcpy(first[1], fixture_id(fixture, 1), UUID_TEXT_BYTES);
    exchange_disconnected(fixture->exchange);
    exchange_connected(fixture->exchange, "ws://x", NOW);
    exchange_tick(fixture->exchange, NOW);
    buf_clear(&fixture->lines);
    assert_ok(
        fixture_frame(fixture, "[1,[" EQUAL "," EQUAL "," EQUAL "],\"trade\",\"XMR/USD\"]", &err));
    assert_string_equal(fixture_id(fixture, 0), first[0]);
    assert_string_equal(fixture_id(fixture, 1), first[1]);
    assert_string_not_equal(fixture_id(fixture, 2), first[0]);
    assert_string_not_equal(fixture_id(fixture, 2), first[1]);
}

static void pairs_are_subscribed_and_answered_one_by_one(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    assert_ok(fixture_frame(fixture, STATUS("online"), &err));
    exchange_tick(fixture->exchange, NOW);
    assert_string_equal(fixture_action(fixture, EXCHANGE_SEND),
                        "{\"event\":\"subscribe\",\"pair\":[\"XBT/USD\",\"XMR/USD\",\"SC/EUR\","
                        "\"XDG/USD\"],\"subscription\":{\"name\":\"trade\"},\"reqid\":1}");
    assert_ok(fixture_frame(fixture, REPLY("XBT/USD", "subscribed", ""), &err));
    assert_ok(fixture_frame(fixture, REPLY("XDG/USD", "subscribed", ",\"reqid\":1"), &err));
    assert_int_equal(fixture_count(fixture).acked, 2);
    assert_ok(fixture_frame(
        fixture,
        "{\"errorMessage\":\"Currency pair not supported XMR/USD\",\"event\":"
        "\"subscriptionStatus\",\"pair\":\"XMR/USD\",\"status\":\"error\",\"reqid\":1}",
        &err));
    assert_string_equal(fixture_action(fixture, EXCHANGE_NOTE),
                        "XMR/USD is refused: Currency pair not supported XMR/USD");
    assert_ok(fixture_frame(fixture, SIAS, &err));
    assert_int_equal(fixture_count(fixture).acked, 3);
    assert_int_equal(fixture_count(fixture).refused, 1);
    exchange_tick(fixture->exchange, NOW + 7);
    fixture_no_action(fixture);
    assert_int_equal(exchange_due_us(fixture->exchange), NOW + 7 + 5 * MICROS_SECOND);
    assert_ok(fixture_frame(fixture, REPLY("SC/EUR", "unsubscribed", ""), &err));
    assert_non_null(strstr(fixture_action(fixture, EXCHANGE_RECONNECT), "SC/EUR"));
}

static void errors_without_a_pair_are_told_apart(void **state)
{
    struct fixture *fixture = *state;
    struct err err;

    exchange_tick(fixture->exchange, NOW);
    fixture_action(fixture, EXCHANGE_SEND);
    assert_ok(fixture_frame(
        fixture, "{\"errorMessage\":\"Exceeded msg rate\",\"event\":\"error\",\"reqid\":1}", &err));
    fixture_action(fixture, EXCHANGE_NOTE);
    exchange_tick(fixture->exchange, NOW + 6 * MICROS_SECOND);
    fixture_action(fixture, EXCHANGE_SEND);
    assert_ok(fixture_frame(
        fixture, "{\"errorMessage\":\"Malformed request\",\"event\":\"error\",\"reqid\":2}", &err));
    exchange_tick(fixture->exchange, NOW + 7 * MICROS_SECOND);
    assert_non_null(strstr(fixture_action(fixture, EXCHANGE_SEND), "[\"XBT/USD\",\"XMR/USD\"]"));
    assert_ok(fixture_frame(fixture, "{\"event\":\"pong\",\"reqid\":42}", &err));
    fixture_no_action(fixture);
}

static void the_url_is_as_configured(void **state)
{
    struct fixture *fixture = *state;
    struct buf out = BUF_INIT;

    exchange_url(fixture->exchange, "wss://ws.kraken.com", &out);
    assert_string_equal(buf_text(&out), "wss://ws.kraken.com");
    buf_deinit(&out);
}

/* The session of 2021-04-17, frame by frame: recordings/README.md. */
static void a_recorded_session_gives_all_its_trades(void **state)
{
    static const char *const names[] = {
        "WAVES/EUR", "XMR/USD",   "KSM/BTC", "GRT/ETH", "SC/EUR",
        "ETH/CHF",   "OCEAN/XBT", "OMG/USD", "XBT/CHF", "ADA/XBT"
    };
    struct fixture *fixture = *state;
    FILE *file = fopen(K2_SOURCE_DIR "/recordings/kraken-v1-20210417.txt", "re");
    char line[4096];
    size_t frames = 0;
    struct err err;

    assert_non_null(file);
    fixture_clear(fixture);
    *fixture = (struct fixture){ .kind = &kraken_v1_kind };
    fixture_list(fixture, names, ARRAY_LEN(names));
    exchange_tick(fixture->exchange, NOW);
    fixture_action(fixture, EXCHANGE_SEND);
    while (fgets(line, sizeof(line), file) != NULL) {
        const char *text = strpbrk(line, "{[");

        if (text == NULL || strstr(line, "<-") != NULL || line[0] == '#')
            continue;
        line[strcspn(line, "\n")] = 0;
        assert_ok(fixture_frame(fixture, text, &err));
        frames++;
    }
    fclose(file);
    assert_true(frames >= 8);
    assert_int_equal(fixture->trades, 10);
    fixture_no_action(fixture);
}

static void changed_frames_are_taken_or_rejected(void **state)
{
    static const char *const frames[] = {
        TWO,
        SIAS,
        FRAME("[1,1,\"" TIME "\",\"b\",\"l\",\"p\\u0061id\",61044952,null,[1],\"\",true]"),
        REPLY("XBT/USD", "subscribed", ",\"reqid\":1"),
        REPLY("XBT/USD", "error", ",\"errorMessage\":\"No\""),
        STATUS("maintenance"),
        HEARTBEAT,
        "{\"event\":\"pong\",\"reqid\":42}",
    };

    fixture_mutate(*state, frames, ARRAY_LEN(frames), "{}[]\",:\\0123456789.eE-+bslm");
    every_trade_of_a_frame_comes_out_exactly(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_trade_is_rejected_with_a_word),
        TEST(every_trade_of_a_frame_comes_out_exactly),
        TEST(a_bad_trade_rejects_its_frame_and_the_others_are_kept),
        TEST(more_elements_than_are_kept_do_no_harm),
        TEST(ids_are_those_of_the_recipe),
        TEST(what_is_sent_again_after_a_reconnect_has_the_same_ids),
        TEST(pairs_are_subscribed_and_answered_one_by_one),
        TEST(errors_without_a_pair_are_told_apart),
        TEST(the_url_is_as_configured),
        TEST(a_recorded_session_gives_all_its_trades),
        TEST(changed_frames_are_taken_or_rejected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
