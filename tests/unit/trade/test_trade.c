// SPDX-License-Identifier: Apache-2.0
#include "trade/trade.h"
#include "lib/test.h"

static void the_fields_are_fifteen_in_the_order_of_the_wire(void **state)
{
    static const char *const names[] = {
        "message_id",
        "trade_id",
        "symbol",
        "exchange",
        "asset_class",
        "timestamp",
        "price",
        "quantity",
        "currency",
        "side",
        "trade_conditions",
        "source_sequence",
        "ingestion_timestamp",
        "platform_sequence",
        "vendor_data",
    };

    (void)state;
    assert_int_equal(TRADE_FIELDS, 15);
    assert_int_equal(ARRAY_LEN(names), TRADE_FIELDS);
    for (int i = 0; i < TRADE_FIELDS; i++)
        assert_string_equal(trade_field_name((enum trade_field)i), names[i]);
}

static void a_batch_keeps_its_columns_in_step(void **state)
{
    struct trade_batch batch;

    (void)state;
    trade_batch_init(&batch);
    trade_batch_put_nulls(&batch);
    trade_batch_put_nulls(&batch);
    column_put_bytes(&batch.column[TRADE_SYMBOL], SPAN("BTCUSDT"));
    column_put_bytes(batch.column[TRADE_VENDOR_DATA].child[0], SPAN("key"));
    trade_batch_truncate(&batch, 2);
    assert_int_equal(batch.rows, 2);
    assert_int_equal(batch.column[TRADE_VENDOR_DATA].child[0]->rows, 0);
    for (int i = 0; i < TRADE_FIELDS; i++) {
        assert_int_equal(batch.column[i].type, trade_field_type((enum trade_field)i));
        assert_int_equal(batch.column[i].rows, 2);
        assert_int_equal(batch.column[i].null_count, 2);
    }
    trade_batch_truncate(&batch, 1);
    assert_int_equal(batch.column[TRADE_PRICE].rows, 1);
    trade_batch_clear(&batch);
    assert_int_equal(batch.rows, 0);
    assert_int_equal(batch.column[TRADE_SIDE].rows, 0);
    trade_batch_deinit(&batch);
}

static void the_marks_of_inexact_values_are_no_decimals(void **state)
{
    (void)state;
    assert_true(TRADE_INEXACT_POSITIVE > 0 && TRADE_INEXACT_NEGATIVE < 0);
    assert_true(TRADE_INEXACT_POSITIVE / 170 > (int128)1000000000000000000 * 1000000000000000000);
    assert_true(TRADE_INEXACT_NEGATIVE + TRADE_INEXACT_POSITIVE == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_are_fifteen_in_the_order_of_the_wire),
        cmocka_unit_test(a_batch_keeps_its_columns_in_step),
        cmocka_unit_test(the_marks_of_inexact_values_are_no_decimals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
