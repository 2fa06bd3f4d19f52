// SPDX-License-Identifier: Apache-2.0
#include "lib/test.h"

#include "exchange/binance_list.h"

#include <string.h>

#define PAIR(symbol, quote, status, tick, step)                                                    \
    "{\"symbol\":\"" symbol "\",\"status\":\"" status                                              \
    "\",\"baseAsset\":\"BTC\",\"quoteAsset\":\"" quote                                             \
    "\",\"orderTypes\":[\"LIMIT\"],\"filters\":[{\"filterType\":\"PRICE_FILTER\",\"minPrice\":"    \
    "\"0."                                                                                         \
    "01\",\"tickSize\":\"" tick "\"},{\"filterType\":\"LOT_SIZE\",\"stepSize\":\"" step            \
    "\"},{\"filterType\":\"MARKET_LOT_SIZE\",\"stepSize\":\"0.0000000001\"}]}"
#define LIST(pairs)                                                                                \
    "{\"timezone\":\"UTC\",\"rateLimits\":[{\"limit\":6000}],\"symbols\":[" pairs "]}"

static const char *const two[] = { "BTCUSDT", "ETHUSDT" };

static void what_is_no_list_is_asked_for_again(void **state)
{
    static const char *const wrong[] = {
        "",
        "<html>",
        "[]",
        "{}",
        "{\"symbols\":{}}",
        "{\"symbols\":[{\"symbol\":\"BTCUSDT\",",
        LIST("{\"symbol\":\"BTCUSDT\"}"), /* no quote asset */
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct instruments instruments = INSTRUMENTS_INIT;

        assert_err(binance_list_parse(span_text(wrong[i]), two, 2, &instruments, &err), ERR_RETRY);
        instruments_deinit(&instruments);
    }
}

static void pairs_that_are_named_are_taken(void **state)
{
    struct instruments instruments = INSTRUMENTS_INIT;
    const struct instrument *pair;
    struct err err;

    (void)state;
    assert_ok(binance_list_parse(
        SPAN(LIST(PAIR("ETHUSDT", "USDT", "BREAK", "0.01000000", "0.00010000") ",7," PAIR(
            "XRPBTC", "BTC", "TRADING", "1", "1") "," PAIR("BTC\\u0055SDT", "USDT", "TRADING",
                                                           "10.00000000", "0.00001000"))),
        two, 2, &instruments, &err));
    assert_ok(instruments_check(&instruments, "binance", two, 2, 8, &err));
    assert_int_equal(instruments.count, 2);
    pair = instruments_find(&instruments, SPAN("ETHUSDT"));
    assert_false(pair->is_trading);
    assert_true(span_equal(pair->status, SPAN("BREAK")));
    assert_int_equal(pair->price_decimals, 2);
    assert_int_equal(pair->quantity_decimals, 4);
    pair = instruments_find(&instruments, SPAN("BTCUSDT"));
    assert_true(pair->is_trading);
    assert_true(span_equal(pair->currency, SPAN("USDT")));
    assert_int_equal(pair->price_decimals, 0);
    assert_int_equal(pair->quantity_decimals, 5);
    assert_null(instruments_find(&instruments, SPAN("XRPBTC")));
    instruments_deinit(&instruments);
}

static void everything_wrong_is_said_in_one_error(void **state)
{
    static const char *const names[] = { "BTCUSDT",  "NOPE",    "FINEUSDT",
                                         "TWINUSDT", "BTCUSDT", "nada" };
    struct instruments instruments = INSTRUMENTS_INIT;
    struct err err;

    (void)state;
    assert_ok(binance_list_parse(
        SPAN(LIST(PAIR("BTCUSDT", "USDT", "TRADING", "0.01", "0.00001") "," PAIR(
            "FINEUSDT", "USDT", "TRADING", "0.0000000001",
            "1") "," PAIR("TWINUSDT", "USDT", "TRADING", "0.00000001",
                          "0.00000000") "," PAIR("TWINUSDT", "BTC", "TRADING", "1", "1"))),
        names, 6, &instruments, &err));
    assert_err(instruments_check(&instruments, "binance", names, 6, 8, &err), ERR_CONFIG);
    assert_string_equal(err.text,
                        "exchanges.binance.symbols: not in the exchange's list: NOPE, nada; named "
                        "twice: BTCUSDT; one symbol for two pairs: TWINUSDT and TWINUSDT are both "
                        "TWINUSDT; more decimals than the tables' 8: FINEUSDT (price 10, quantity "
                        "0)");
    instruments_deinit(&instruments);
}

static void the_url_names_the_pairs_or_asks_for_all(void **state)
{
    static const char *const names[] = { "BTCUSDT", "\xe5\xb8\x81USDT" };
    struct buf url = BUF_INIT;

    (void)state;
    binance_list_url("https://a/", names, 2, false, &url);
    assert_string_equal(buf_text(&url), "https://a/api/v3/exchangeInfo?showPermissionSets=false&"
                                        "symbols=%5B%22BTCUSDT%22,%22%E5%B8%81USDT%22%5D");
    buf_clear(&url);
    binance_list_url("https://a", names, 2, true, &url);
    assert_string_equal(buf_text(&url), "https://a/api/v3/exchangeInfo?showPermissionSets=false");
    buf_deinit(&url);
}

static void decimals_are_those_that_count(void **state)
{
    static const struct {
        const char *text;
        int decimals;
    } sizes[] = {
        { "1", 0 },      { "0.01000000", 2 }, { "10.00000000", 0 },   { "0.00000001", 8 },
        { "1e-08", 8 },  { "0.5", 1 },        { "0.00000000", -1 },   { "", -1 },
        { "-0.01", -1 }, { "x", -1 },         { "0.0000000001", 10 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        assert_int_equal(instruments_decimals(span_text(sizes[i].text)), sizes[i].decimals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_list_is_asked_for_again),
        cmocka_unit_test(pairs_that_are_named_are_taken),
        cmocka_unit_test(everything_wrong_is_said_in_one_error),
        cmocka_unit_test(the_url_names_the_pairs_or_asks_for_all),
        cmocka_unit_test(decimals_are_those_that_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
