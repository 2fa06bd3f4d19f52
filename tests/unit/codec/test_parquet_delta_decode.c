// SPDX-License-Identifier: Apache-2.0
#include "codec/parquet_delta_decode.h"
#include "codec/parquet_delta_encode.h"
#include "core/random.h"
#include "lib/test.h"
#include "lib/bytes.h"

static const struct parquet_target LONG = { .physical = PARQUET_TYPE_INT64, .type = COLUMN_INT64 };

static void damaged_pages_are_corrupt(void **state)
{
    static const struct {
        const char *hex;
        size_t count;
    } cases[] = {
        { "", 1 },
        { "80 01 04 01", 1 },    /* no first value */
        { "80 01 04 02 0e", 1 }, /* another number of values */
        { "80 01 04 01 0e", 2 },
        { "00 04 01 0e", 1 },                /* blocks of nothing */
        { "80 01 00 01 0e", 1 },             /* no miniblocks */
        { "80 01 03 01 0e", 1 },             /* that do not divide the block */
        { "80 01 20 01 0e", 1 },             /* of 4 values */
        { "80 80 80 80 01 04 01 0e", 1 },    /* blocks of 2^28 */
        { "80 01 04 02 0e", 2 },             /* no block */
        { "80 01 04 02 0e 00 01 00 00", 2 }, /* widths cut short */
        { "80 01 04 02 0e 00 41 00 00 00 00 00 00 00 00 00 00 00 00 00", 2 }, /* 65 bits */
        { "80 01 04 09 0e 00 04 00 00 00 11 22 33", 9 }, /* 8 values of 4 bits in 3 bytes */
        { "80 01 04 02 0e ff ff ff ff ff ff ff ff ff ff 01", 2 },
    };
    int64_t out[16];
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf bytes = BUF_INIT;
        uint8_t *exact;

        bytes_put_hex(&bytes, cases[i].hex);
        exact = bytes_exact(buf_span(&bytes));
        assert_err(parquet_delta_decode(&LONG, span_of(exact, bytes.size), cases[i].count,
                                        (uint8_t *)out, &err),
                   ERR_CORRUPT);
        free(exact);
        buf_deinit(&bytes);
    }
}

static void a_last_miniblock_that_is_not_padded_is_read(void **state)
{
    struct buf bytes = BUF_INIT;
    int64_t out[9];
    struct err err;

    (void)state;
    bytes_put_hex(&bytes, "80 01 04 09 0e 02 04 00 00 00 10 32 54 76"); /* 7, then + 1 + i */
    assert_ok(parquet_delta_decode(&LONG, buf_span(&bytes), 9, (uint8_t *)out, &err));
    for (int64_t i = 0, value = 7; i < 9; value += 1 + i++)
        assert_int_equal(out[i], value);
    buf_deinit(&bytes);
}

static void integers_of_all_widths_come_back(void **state)
{
    struct random random = { 5 };
    int64_t values[700], out[700];
    int32_t narrow[700], narrow_out[700];
    struct err err;

    (void)state;
    for (unsigned round = 0; round < 65 * 6; round++) {
        struct parquet_target target = LONG;
        struct buf bytes = BUF_INIT;
        size_t count = (size_t)random_below(&random, 700) + 1;
        uint8_t *exact;

        for (size_t i = 0; i < count; i++) {
            values[i] = round % 65 == 0 ? 9 : (int64_t)(random_next(&random) >> (64 - round % 65));
            narrow[i] = (int32_t)values[i];
        }
        parquet_delta_encode_int64(&bytes, values, count);
        exact = bytes_exact(buf_span(&bytes));
        assert_ok(
            parquet_delta_decode(&target, span_of(exact, bytes.size), count, (uint8_t *)out, &err));
        assert_memory_equal(out, values, count * sizeof(*out));
        free(exact);

        buf_clear(&bytes);
        parquet_delta_encode_int32(&bytes, narrow, count);
        target.physical = PARQUET_TYPE_INT32;
        target.type = COLUMN_INT32;
        assert_ok(
            parquet_delta_decode(&target, buf_span(&bytes), count, (uint8_t *)narrow_out, &err));
        assert_memory_equal(narrow_out, narrow, count * sizeof(*narrow));
        target.type = COLUMN_INT64; /* widened, sums still wrap at 32 bits */
        assert_ok(parquet_delta_decode(&target, buf_span(&bytes), count, (uint8_t *)out, &err));
        for (size_t i = 0; i < count; i++)
            assert_true(out[i] == narrow[i]);
        buf_deinit(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_pages_are_corrupt),
        cmocka_unit_test(a_last_miniblock_that_is_not_padded_is_read),
        cmocka_unit_test(integers_of_all_widths_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
