// SPDX-License-Identifier: Apache-2.0
#include "codec/parquet_rle_decode.h"
#include "codec/parquet_rle_encode.h"
#include "core/random.h"
#include "lib/test.h"
#include "lib/bytes.h"

enum { COUNT = 5000 };

static void runs_that_are_damaged_give_no_values(void **state)
{
    static const struct {
        unsigned width;
        const char *hex;
        size_t count;
    } cases[] = {
        { 3, "", 1 },
        { 3, "10", 1 },                   /* the value is missing */
        { 3, "10 08", 1 },                /* a value of 4 bits */
        { 9, "10 01", 1 },                /* half a value */
        { 3, "02 07", 2 },                /* one where two are wanted */
        { 3, "03 ff ff", 6 },             /* 5 whole values in 2 bytes */
        { 3, "00 00 00 00", 1 },          /* runs of nothing */
        { 3, "80", 1 },                   /* half a head */
        { 3, "80 80 80 80 80 01 00", 1 }, /* a head of 6 bytes */
        { 1, "03", 1 },
    };
    uint32_t out[16];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf bytes = BUF_INIT;
        struct parquet_rle rle;
        uint8_t *exact;

        bytes_put_hex(&bytes, cases[i].hex);
        exact = bytes_exact(buf_span(&bytes));
        assert_true(parquet_rle_decode_begin(&rle, span_of(exact, bytes.size), cases[i].width));
        assert_false(parquet_rle_decode(&rle, out, cases[i].count));
        free(exact);
        buf_deinit(&bytes);
    }
    assert_false(parquet_rle_decode_begin(&(struct parquet_rle){ 0 }, span_of(NULL, 0), 33));
}

static void a_last_group_that_is_not_padded_is_read(void **state)
{
    struct parquet_rle rle;
    uint32_t out[5];

    (void)state;
    assert_true(parquet_rle_decode_begin(&rle, span_of("\x03\x88\xc6", 3), 3));
    assert_true(parquet_rle_decode(&rle, out, 5)); /* 0 1 2 3 4, of a group of 8 */
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(out[i], i);
}

/* Runs and mixtures of values below 2^width. */
static void fill(struct random *random, unsigned width, uint32_t *values)
{
    const uint64_t end = UINT64_C(1) << width;

    for (size_t i = 0; i < COUNT;) {
        size_t n = (size_t)random_below(random, 40) + 1;
        bool run = random_below(random, 2) == 0;
        uint32_t value = (uint32_t)random_below(random, end);

        for (; n > 0 && i < COUNT; n--, i++)
            values[i] = run ? value : (uint32_t)random_below(random, end);
    }
}

static void every_width_comes_back_in_pieces_of_any_size(void **state)
{
    static uint32_t values[COUNT], out[COUNT];
    struct random random = { 3 };

    (void)state;
    for (unsigned width = 0; width <= 32; width++) {
        struct buf bytes = BUF_INIT;
        struct parquet_rle rle;
        uint8_t *exact;

        fill(&random, width, values);
        parquet_rle_encode(&bytes, values, COUNT, (int)width);
        exact = bytes_exact(buf_span(&bytes));
        assert_true(parquet_rle_decode_begin(&rle, span_of(exact, bytes.size), width));
        for (size_t done = 0, n; done < COUNT; done += n) {
            uint32_t value;

            n = (size_t)random_below(&random, 100) + 1;
            n = n > COUNT - done ? COUNT - done : n;
            if (random_below(&random, 3) == 0 &&
                (n = parquet_rle_decode_run(&rle, n, &value)) > 0) {
                for (size_t i = 0; i < n; i++)
                    out[done + i] = value;
            } else {
                n = n == 0 ? 1 : n;
                assert_true(parquet_rle_decode(&rle, out + done, n));
            }
        }
        assert_memory_equal(out, values, sizeof(values));
        free(exact);
        buf_deinit(&bytes);
    }
}

static void levels_come_back_as_bytes_and_as_bits(void **state)
{
    static uint32_t values[COUNT];
    static uint8_t small[COUNT], bits[COUNT / 8 + 1];
    struct random random = { 4 };

    (void)state;
    for (unsigned width = 1; width <= 8; width++) {
        struct buf bytes = BUF_INIT;
        struct parquet_rle rle;

        fill(&random, width, values);
        parquet_rle_encode(&bytes, values, COUNT, (int)width);
        assert_true(parquet_rle_decode_begin(&rle, buf_span(&bytes), width));
        for (size_t done = 0, n; done < COUNT; done += n) {
            n = (size_t)random_below(&random, 700) + 1;
            n = n > COUNT - done ? COUNT - done : n;
            assert_true(parquet_rle_decode_small(&rle, small + done, n));
        }
        for (size_t i = 0; i < COUNT; i++)
            assert_int_equal(small[i], values[i]);
        buf_deinit(&bytes);
    }
    for (int round = 0; round < 50; round++) {
        struct buf bytes = BUF_INIT;
        struct parquet_rle rle;
        size_t skip = (size_t)random_below(&random, 30), ones = 0, expected = 0;

        fill(&random, 1, values);
        parquet_rle_encode(&bytes, values, COUNT, 1);
        assert_true(parquet_rle_decode_begin(&rle, buf_span(&bytes), 1));
        assert_true(parquet_rle_decode_small(&rle, small, skip));
        memset(bits, 0xee, sizeof(bits));
        assert_true(parquet_rle_decode_bits(&rle, bits, COUNT - skip, &ones));
        for (size_t i = 0; i < COUNT - skip; i++) {
            assert_int_equal(bits[i / 8] >> i % 8 & 1, values[skip + i]);
            expected += values[skip + i];
        }
        assert_int_equal(ones, expected);
        buf_deinit(&bytes);
    }
}

static void all_ones_need_no_bitmap(void **state)
{
    struct buf bytes = BUF_INIT;
    struct parquet_rle rle;
    size_t ones = 0;

    (void)state;
    parquet_rle_encode_run(&bytes, 1, 1000000, 1);
    assert_true(parquet_rle_decode_begin(&rle, buf_span(&bytes), 1));
    assert_true(parquet_rle_decode_bits(&rle, NULL, 1000000, &ones));
    assert_int_equal(ones, 1000000);
    assert_false(parquet_rle_decode_bits(&rle, NULL, 1, &ones));
    buf_deinit(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_that_are_damaged_give_no_values),
        cmocka_unit_test(a_last_group_that_is_not_padded_is_read),
        cmocka_unit_test(every_width_comes_back_in_pieces_of_any_size),
        cmocka_unit_test(levels_come_back_as_bytes_and_as_bits),
        cmocka_unit_test(all_ones_need_no_bitmap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
