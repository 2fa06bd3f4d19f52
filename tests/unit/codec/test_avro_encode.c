// SPDX-License-Identifier: Apache-2.0
#include "codec/avro_decode.h"
#include "codec/avro_encode.h"
#include "lib/bytes.h"
#include "lib/test.h"

static void assert_bytes(const struct buf *got, const char *hex)
{
    struct buf expected = BUF_INIT;

    bytes_put_hex(&expected, hex);
    assert_int_equal(got->size, expected.size);
    assert_memory_equal(got->data, expected.data, expected.size);
    buf_deinit(&expected);
}

static void longs_are_the_bytes_of_the_specification_and_come_back(void **state)
{
    static const struct {
        int64_t value;
        const char *hex;
    } cases[] = {
        { 0, "00" },
        { -1, "01" },
        { 1, "02" },
        { -64, "7f" },
        { 64, "80 01" },
        { 8191, "fe 7f" },
        { 8192, "80 80 01" },
        { INT32_MAX, "fe ff ff ff 0f" },
        { INT64_MAX, "fe ff ff ff ff ff ff ff ff 01" },
        { INT64_MIN, "ff ff ff ff ff ff ff ff ff 01" },
    };
    struct buf out = BUF_INIT;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct span in;
        int64_t back = 7;

        buf_clear(&out);
        avro_put_long(&out, cases[i].value);
        assert_bytes(&out, cases[i].hex);
        for (size_t size = 0; size < out.size; size++) {
            uint8_t *exact = bytes_exact(span_of(out.data, size));

            in = span_of(exact, size);
            assert_err(avro_get_long(&in, &back, &err), ERR_REJECT);
            free(exact);
        }
        buf_put_byte(&out, 0xaa);
        in = buf_span(&out);
        assert_ok(avro_get_long(&in, &back, &err));
        assert_true(back == cases[i].value);
        assert_int_equal(in.size, 1);
    }
    buf_deinit(&out);
}

static void a_long_of_more_than_64_bits_is_refused(void **state)
{
    static const char *const cases[] = { "ff ff ff ff ff ff ff ff ff 02",
                                         "80 80 80 80 80 80 80 80 80 80 00",
                                         "ff ff ff ff ff ff ff ff ff ff 01" };
    struct buf in = BUF_INIT;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct span span;
        int64_t value;

        buf_clear(&in);
        bytes_put_hex(&in, cases[i]);
        span = buf_span(&in);
        assert_err(avro_get_long(&span, &value, &err), ERR_REJECT);
    }
    buf_deinit(&in);
}

static void decimals_take_the_fewest_bytes_and_come_back(void **state)
{
    const int128 max = (int128)(~(uint128)0 >> 1);
    const struct {
        int128 value;
        const char *hex;
    } cases[] = {
        { 0, "02 00" },
        { -1, "02 ff" },
        { 127, "02 7f" },
        { 128, "04 00 80" },
        { -128, "02 80" },
        { -129, "04 ff 7f" },
        { 65535, "06 00 ff ff" },
        { max, "20 7f ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff" },
        { -max - 1, "20 80 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00" },
    };
    struct buf out = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int128 back = 7;

        buf_clear(&out);
        avro_put_decimal(&out, cases[i].value);
        assert_bytes(&out, cases[i].hex);
        assert_true(avro_decimal(span_of(out.data + 1, out.size - 1), &back));
        assert_true(back == cases[i].value);
    }
    buf_deinit(&out);
}

static void a_decimal_is_read_through_sign_extension_and_not_beyond(void **state)
{
    static const struct {
        const char *hex;
        bool fits;
        int64_t value;
    } cases[] = {
        { "", true, 0 },
        { "00 00 05", true, 5 },
        { "ff ff ff 85", true, -123 },
        { "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 07", true, 7 },
        { "ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff fe", true, -2 },
        { "01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", false, 0 },
        { "00 80 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", false, 0 },
        { "ff 7f ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff", false, 0 },
    };
    struct buf in = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int128 value = 99;

        buf_clear(&in);
        bytes_put_hex(&in, cases[i].hex);
        assert_int_equal(avro_decimal(buf_span(&in), &value), cases[i].fits);
        if (cases[i].fits)
            assert_true(value == cases[i].value);
        else
            assert_true(value == 99);
    }
    buf_deinit(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longs_are_the_bytes_of_the_specification_and_come_back),
        cmocka_unit_test(a_long_of_more_than_64_bits_is_refused),
        cmocka_unit_test(decimals_take_the_fewest_bytes_and_come_back),
        cmocka_unit_test(a_decimal_is_read_through_sign_extension_and_not_beyond),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
