// SPDX-License-Identifier: Apache-2.0
#include "trade/trade_encode.h"
#include "lib/test.h"
#include "trade/trade_id.h"

static struct trade a_trade(void)
{
    struct trade trade = {
        .message_id = "f8eed7ec-b2fe-8253-8000-0000deaa00bb",
        .exchange = SPAN("X"),
        .symbol = SPAN("AB"),
        .currency = SPAN("B"),
        .trade_id = 10,
        .timestamp_us = 64,
        .price = 128,
        .quantity = -1,
        .side = TRADE_SELL,
        .ingestion_timestamp_us = -65,
        .platform_sequence = 0,
    };

    return trade;
}

/* Avro 1.11, "Binary Encoding": zigzag base-128 numbers, lengths before bytes. */
#define HEAD                                                                                       \
    "\0\0\0\1\2"                                                                                   \
    "\x48"                                                                                         \
    "f8eed7ec-b2fe-8253-8000-0000deaa00bb"
#define BODY                                                                                       \
    "\x08"                                                                                         \
    "X-10"                                                                                         \
    "\x04"                                                                                         \
    "AB"                                                                                           \
    "\x02"                                                                                         \
    "X"                                                                                            \
    "\x02"                                                                                         \
    "\x80\x01"                                                                                     \
    "\x04\x00\x80"                                                                                 \
    "\x02\xff"                                                                                     \
    "\x02"                                                                                         \
    "B"                                                                                            \
    "\x02"

static void a_record_is_header_and_fields_in_order(void **state)
{
    const struct span expected = SPAN(HEAD BODY "\x00"
                                                "\x02\x14"
                                                "\x81\x01"
                                                "\x02\x00"
                                                "\x00");
    struct trade trade = a_trade();
    struct buf out = BUF_INIT;

    (void)state;
    trade_encode(&trade, 258, &out);
    assert_int_equal(out.size, expected.size);
    assert_memory_equal(out.data, expected.data, expected.size);
    buf_deinit(&out);
}

static void conditions_and_vendor_data_are_one_block_each(void **state)
{
    const struct span expected = SPAN(HEAD BODY "\x02\x06"
                                                "lim"
                                                "\x00"
                                                "\x02\x14"
                                                "\x81\x01"
                                                "\x02\x00"
                                                "\x02\x04"
                                                "\x02"
                                                "k"
                                                "\x04"
                                                "vv"
                                                "\x02"
                                                "l"
                                                "\x00"
                                                "\x00");
    const struct trade_pair pairs[] = { { SPAN("k"), SPAN("vv") }, { SPAN("l"), SPAN("") } };
    struct trade trade = a_trade();
    struct buf out = BUF_INIT;

    (void)state;
    trade.order_type = SPAN("lim");
    trade.vendor = pairs;
    trade.vendor_count = 2;
    trade_encode(&trade, 258, &out);
    assert_int_equal(out.size, expected.size);
    assert_memory_equal(out.data, expected.data, expected.size);
    buf_deinit(&out);
}

static void a_trade_without_a_number_goes_by_its_message_id(void **state)
{
    const struct span expected = SPAN(HEAD "\x4c"
                                           "X-f8eed7ec-b2fe-8253-8000-0000deaa00bb");
    struct trade trade = a_trade();
    struct buf out = BUF_INIT;

    (void)state;
    trade.trade_id = TRADE_NO_ID;
    trade_encode(&trade, 258, &out);
    assert_memory_equal(out.data, expected.data, expected.size);
    assert_memory_equal(out.data + out.size - 6, "\x00\x81\x01\x02\x00\x00", 6);
    buf_deinit(&out);
}

static void records_are_appended(void **state)
{
    struct trade trade = a_trade();
    struct buf out = BUF_INIT;
    size_t first;

    (void)state;
    trade.trade_id = TRADE_ID_MAX;
    trade.price = ((int128)1 << 126) - 1;
    trade.timestamp_us = INT64_MIN;
    trade_encode(&trade, INT32_MAX, &out);
    first = out.size;
    trade_encode(&trade, INT32_MAX, &out);
    assert_int_equal(out.size, 2 * first);
    assert_memory_equal(out.data, out.data + first, first);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_header_and_fields_in_order),
        cmocka_unit_test(conditions_and_vendor_data_are_one_block_each),
        cmocka_unit_test(a_trade_without_a_number_goes_by_its_message_id),
        cmocka_unit_test(records_are_appended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
