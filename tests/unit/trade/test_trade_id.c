// SPDX-License-Identifier: Apache-2.0
#include "trade/trade_id.h"
#include "lib/test.h"

static void ids_that_62_bits_do_not_hold_are_refused(void **state)
{
    static const int64_t ids[] = { -1, INT64_MIN, TRADE_ID_MAX + 1, INT64_MAX };
    struct trade_id_prefix prefix = trade_id_prefix(SPAN("BINANCE"), SPAN("BTCUSDT"));

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        char text[UUID_TEXT_BYTES] = "untouched";

        assert_false(trade_id_format(&prefix, ids[i], text));
        assert_string_equal(text, "untouched");
    }
}

/* Made by the recipe in Python (tests/interop/test_trade.py has it too). */
static void ids_are_the_recipes(void **state)
{
    static const struct {
        const char *exchange, *symbol;
        int64_t id;
        const char *text;
    } rows[] = {
        { "BINANCE", "BTCUSDT", 3735683259, "f8eed7ec-b2fe-8253-8000-0000deaa00bb" },
        { "BINANCE", "BTCUSDT", 0, "f8eed7ec-b2fe-8253-8000-000000000000" },
        { "BINANCE", "ETHUSDT", 1, "6aff2466-6f50-8bcd-8000-000000000001" },
        { "KRAKEN", "BTCUSD", 74512345, "7d9450f4-6431-86b1-8000-00000470f7d9" },
        { "KRAKEN", "ETHUSD", INT64_C(1) << 48, "664f1f13-985a-8ddd-8001-000000000000" },
        { "BINANCE", "\xe5\xb8\x81\xe5\xae\x89\xe4\xba\xba\xe7\x94\x9fUSDT", 12,
          "5722ae73-8a45-8c12-8000-00000000000c" },
        { "BINANCE", "BTCUSDT", TRADE_ID_MAX, "f8eed7ec-b2fe-8253-bfff-ffffffffffff" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trade_id_prefix prefix =
            trade_id_prefix(span_text(rows[i].exchange), span_text(rows[i].symbol));
        char text[UUID_TEXT_BYTES];

        assert_true(trade_id_format(&prefix, rows[i].id, text));
        assert_string_equal(text, rows[i].text);
    }
}

/* Made by the recipe in Python (docs/tables.md). */
static void ids_of_trades_without_a_number_are_the_recipes(void **state)
{
    const int128 unit = 1000000000000000000;
    static const struct {
        int64_t timestamp_us;
        int64_t price_e8, quantity_e8;
        enum trade_side side;
        const char *symbol, *type, *ordinal, *name, *text;
    } rows[] = {
        { 1618678150826417, 35404000000, 28245396, TRADE_SELL, "XMRUSD", "market", "0",
          "KRAKEN:XMRUSD|1618678150826417|354.04|0.28245396|SELL|market|",
          "f2fe0fb8-289b-568b-83db-c5b65ea5195f" },
        { 1618678150826417, 35404000000, 28245396, TRADE_SELL, "XMRUSD", "market", "1",
          "KRAKEN:XMRUSD|1618678150826417|354.04|0.28245396|SELL|market|",
          "2255b79c-087e-5a7e-87ed-b0c2edea98eb" },
        { 1740353380379186, 9587380000000, 51182, TRADE_BUY, "BTCUSD", "limit", "0",
          "KRAKEN:BTCUSD|1740353380379186|95873.8|0.00051182|BUY|limit|",
          "2b128cf3-8462-5899-9991-daab1ced3f90" },
        { 1618678158135041, 4304000, 2000000000000, TRADE_BUY, "SCEUR", "limit", "0",
          "KRAKEN:SCEUR|1618678158135041|0.04304|20000|BUY|limit|",
          "40574052-5219-516b-98d7-fcef012c09f1" },
        { 1740353380379186, 9587380000000, 51182, TRADE_UNKNOWN, "BTCUSD", "", "0",
          "KRAKEN:BTCUSD|1740353380379186|95873.8|0.00051182|UNKNOWN||",
          "5f1a4900-8f03-5a0e-9623-e3775f1f06f2" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trade trade = { .exchange = SPAN("KRAKEN"),
                               .symbol = span_text(rows[i].symbol),
                               .timestamp_us = rows[i].timestamp_us,
                               .price = rows[i].price_e8 * (unit / 100000000),
                               .quantity = rows[i].quantity_e8 * (unit / 100000000),
                               .side = rows[i].side,
                               .order_type = span_text(rows[i].type) };
        struct buf name = BUF_INIT;
        char text[UUID_TEXT_BYTES];

        trade_id_put_name(&trade, &name);
        assert_string_equal(buf_text(&name), rows[i].name);
        buf_put_text(&name, rows[i].ordinal);
        trade_id_of_name(buf_span(&name), text);
        assert_string_equal(text, rows[i].text);
        buf_deinit(&name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_that_62_bits_do_not_hold_are_refused),
        cmocka_unit_test(ids_are_the_recipes),
        cmocka_unit_test(ids_of_trades_without_a_number_are_the_recipes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
