// SPDX-License-Identifier: Apache-2.0
#include "lib/test.h"

#include "exchange/kraken_list.h"

#include <string.h>

/* As the exchange documents it; "lot" and "fees" stand for what we do not read. */
#define PAIR(key, wsname, status, decimals, more)                                                  \
    "\"" key "\":{\"altname\":\"" key "\",\"wsname\":\"" wsname                                    \
    "\",\"base\":\"XXBT\",\"quote\":\"ZUSD\",\"lot\":\"unit\",\"pair_decimals\":" decimals         \
    ",\"lot_decimals\":8,\"fees\":[[0,0.26],[50000,0.24]],\"status\":\"" status "\"" more "}"
#define LIST(pairs) "{\"error\":[],\"result\":{" pairs "}}"

static const char *const two[] = { "BTC/USD", "ETH/XBT" };

static void what_is_no_list_is_asked_for_again(void **state)
{
    static const char *const wrong[] = {
        "",
        "<html>",
        "[]",
        "{}",
        "{\"error\":[]}",
        "{\"error\":[],\"result\":[]}",
        "{\"error\":[],\"result\":{\"XXBTZUSD\":{\"wsname\":\"XBT/USD\",",
        LIST("\"X\":{\"wsname\":\"\\ud800\"}"),
        "{\"error\":[\"EGeneral:Too many requests\"],\"result\":{}}",
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct instruments instruments = INSTRUMENTS_INIT;

        assert_err(kraken_list_parse(span_text(wrong[i]), two, 2, &instruments, &err), ERR_RETRY);
        instruments_deinit(&instruments);
    }
    assert_string_equal(err.text, "AssetPairs: EGeneral:Too many requests");
}

static void pairs_that_are_named_are_taken(void **state)
{
    struct instruments instruments = INSTRUMENTS_INIT;
    const struct instrument *pair;
    struct err err;

    (void)state;
    assert_ok(kraken_list_parse(
        SPAN(LIST(
            PAIR("XXBTZUSD", "XBT\\/USD", "online", "1", ",\"tick_size\":\"0.1\"") ",\"x\":7," PAIR(
                "XXBTZEUR", "XBT/EUR", "online", "1",
                "") "," PAIR("XETHXXBT", "ETH/XBT", "cancel_only", "5",
                             ",\"tick_size\":1e-05") ",\"XBTUSD.d\":{\"altname\":\"XBTUSD.d\"}")),
        two, 2, &instruments, &err));
    assert_ok(instruments_check(&instruments, "kraken", two, 2, 8, &err));
    assert_int_equal(instruments.count, 2);
    pair = instruments_find(&instruments, SPAN("BTCUSD"));
    assert_true(pair->is_trading);
    assert_true(span_equal(pair->name, SPAN("BTC/USD")));
    assert_true(span_equal(pair->currency, SPAN("USD")));
    assert_int_equal(pair->price_decimals, 1);
    assert_int_equal(pair->quantity_decimals, 8);
    pair = instruments_find(&instruments, SPAN("ETHBTC"));
    assert_false(pair->is_trading);
    assert_true(span_equal(pair->name, SPAN("ETH/XBT"))); /* as configured */
    assert_true(span_equal(pair->currency, SPAN("BTC")));
    assert_int_equal(pair->price_decimals, 5);
    instruments_deinit(&instruments);
}

static void everything_wrong_is_said_in_one_error(void **state)
{
    static const char *const names[] = { "BTC/USD", "XBT/USD", "A/BC", "AB/C",
                                         "SC/BTC",  "NO/SUCH", "A/BC" };
    struct instruments instruments = INSTRUMENTS_INIT;
    struct err err;

    (void)state;
    assert_ok(
        kraken_list_parse(SPAN(LIST(PAIR("XXBTZUSD", "XBT/USD", "online", "1", "") "," PAIR(
                              "ABC", "A/BC", "online", "1",
                              "") "," PAIR("ABCX", "AB/C", "online", "1",
                                           "") "," PAIR("SCXBT", "SC/XBT", "online", "10", ""))),
                          names, ARRAY_LEN(names), &instruments, &err));
    assert_err(instruments_check(&instruments, "kraken", names, ARRAY_LEN(names), 8, &err),
               ERR_CONFIG);
    assert_string_equal(err.text,
                        "exchanges.kraken.symbols: not in the exchange's list: NO/SUCH; named "
                        "twice: A/BC; one symbol for two pairs: BTC/USD and XBT/USD are both "
                        "BTCUSD, A/BC and AB/C are both ABC; more decimals than the tables' 8: "
                        "SC/BTC (price 10, quantity 8)");
    instruments_deinit(&instruments);
}

static void two_listed_pairs_of_one_name_are_refused(void **state)
{
    struct instruments instruments = INSTRUMENTS_INIT;
    struct err err;

    (void)state;
    assert_ok(kraken_list_parse(SPAN(LIST(PAIR("XXBTZUSD", "XBT/USD", "online", "1", "") "," PAIR(
                                    "BTCUSD", "BTC/USD", "online", "1", ""))),
                                two, 1, &instruments, &err));
    assert_err(instruments_check(&instruments, "kraken", two, 1, 8, &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, "one symbol for two pairs"));
    instruments_deinit(&instruments);
}

static void the_url_asks_for_all(void **state)
{
    struct buf url = BUF_INIT;

    (void)state;
    kraken_list_url("https://a/", two, 2, false, &url);
    assert_string_equal(buf_text(&url), "https://a/0/public/AssetPairs");
    buf_deinit(&url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_list_is_asked_for_again),
        cmocka_unit_test(pairs_that_are_named_are_taken),
        cmocka_unit_test(everything_wrong_is_said_in_one_error),
        cmocka_unit_test(two_listed_pairs_of_one_name_are_refused),
        cmocka_unit_test(the_url_asks_for_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
