// SPDX-License-Identifier: Apache-2.0
#include "core/utf8.h"
#include "lib/test.h"

/* Unicode, table 3-7, row by row: the edges outside it. */
static void ill_formed_sequences_are_no_text(void **state)
{
    const struct span texts[] = {
        SPAN("\x80"),
        SPAN("\xbf"),
        SPAN("\xc0\x80"),
        SPAN("\xc1\xbf"),
        SPAN("\xc2"),
        SPAN("\xc2\x7f"),
        SPAN("\xc2\xc0"),
        SPAN("\xe0\x9f\xbf"),
        SPAN("\xe0\xa0"),
        SPAN("\xe1\x80\xc0"),
        SPAN("\xed\xa0\x80"),
        SPAN("\xed\xbf\xbf"),
        SPAN("\xef\xbf"),
        SPAN("\xf0\x8f\xbf\xbf"),
        SPAN("\xf0\x90\x80"),
        SPAN("\xf4\x90\x80\x80"),
        SPAN("\xf5\x80\x80\x80"),
        SPAN("\xff"),
        SPAN("\xfe\xff"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        uint8_t padded[24];

        assert_false(utf8_valid(texts[i]));
        for (size_t before = 0; before < 12; before++) { /* at every place of the 8-byte steps */
            memset(padded, 'a', sizeof(padded));
            memcpy(padded + before, texts[i].data, texts[i].size);
            assert_false(utf8_valid(span_of(padded, sizeof(padded))));
            assert_false(utf8_valid(span_of(padded, before + texts[i].size)));
        }
    }
}

static void well_formed_sequences_are_text(void **state)
{
    (void)state;
    assert_true(utf8_valid(span_of(NULL, 0)));
    assert_true(utf8_valid(SPAN("BTCUSDT")));
    assert_true(utf8_valid(SPAN("a\0b")));
    assert_true(utf8_valid(SPAN("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xec\xbf\xbf\xed\x9f\xbf")));
    assert_true(utf8_valid(SPAN("\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")));
    assert_true(utf8_valid(SPAN("12345678\xe5\xb8\x81\xe5\xae\x89\xe4\xba\xba\xe7\x94\x9fUSDT")));
}

/* All of them, so that encoder and test agree on every length and edge. */
static void what_is_encoded_is_one_sequence_in_code_point_order(void **state)
{
    uint8_t before[4] = { 0 }, now[4] = { 0 };

    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        size_t size;

        if (c == 0xd800)
            c = 0xe000;
        memset(now, 0, sizeof(now));
        size = utf8_encode(c, now);
        assert_int_equal(utf8_size(now, now + size), size);
        assert_true(c == 0 || memcmp(before, now, sizeof(now)) < 0);
        memcpy(before, now, sizeof(now));
    }
    assert_memory_equal(now, "\xf4\x8f\xbf\xbf", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ill_formed_sequences_are_no_text),
        cmocka_unit_test(well_formed_sequences_are_text),
        cmocka_unit_test(what_is_encoded_is_one_sequence_in_code_point_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
