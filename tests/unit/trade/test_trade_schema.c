// SPDX-License-Identifier: Apache-2.0
#include "trade/trade_schema.h"
#include "codec/avro_schema.h"
#include "core/hash.h"
#include "lib/test.h"
#include "trade/trade.h"

static void the_registered_text_never_changes(void **state)
{
    uint8_t hash[32];
    char hex[65];

    (void)state;
    hash_sha256(trade_schema_json(), hash);
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    assert_string_equal(hex, "2a719268911f06eb521dc73874a9b0e57860094ec726b83a523b7a74162033f2");
}

static void the_schema_names_the_fields_in_order(void **state)
{
    struct arena arena = ARENA_INIT;
    const struct avro_schema *schema = NULL;
    struct err err;

    (void)state;
    assert_ok(avro_schema_parse(&arena, trade_schema_json(), &schema, &err));
    assert_int_equal(schema->type, AVRO_RECORD);
    assert_string_equal(schema->name, "com.k2.marketdata.TradeV2");
    assert_int_equal(schema->count, TRADE_FIELDS);
    for (int i = 0; i < TRADE_FIELDS; i++)
        assert_string_equal(schema->field[i].name, trade_field_name((enum trade_field)i));
    assert_string_equal(schema->field[TRADE_TIMESTAMP].schema->logical, "timestamp-micros");
    assert_int_equal(schema->field[TRADE_PRICE].schema->precision, TRADE_WIRE_PRECISION);
    assert_int_equal(schema->field[TRADE_PRICE].schema->scale, TRADE_WIRE_SCALE);
    assert_string_equal(schema->field[TRADE_ASSET_CLASS].schema->symbol[TRADE_SCHEMA_CRYPTO],
                        "crypto");
    assert_string_equal(schema->field[TRADE_SIDE].schema->symbol[TRADE_BUY], "BUY");
    assert_string_equal(schema->field[TRADE_SIDE].schema->symbol[TRADE_SELL], "SELL");
    assert_string_equal(schema->field[TRADE_SIDE].schema->symbol[TRADE_SELL_SHORT], "SELL_SHORT");
    assert_string_equal(schema->field[TRADE_SIDE].schema->symbol[TRADE_UNKNOWN], "UNKNOWN");
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_registered_text_never_changes),
        cmocka_unit_test(the_schema_names_the_fields_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
