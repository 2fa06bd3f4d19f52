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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_that_62_bits_do_not_hold_are_refused),
        cmocka_unit_test(ids_are_the_recipes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
