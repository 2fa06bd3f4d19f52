// SPDX-License-Identifier: Apache-2.0
#include "codec/parquet_rle_encode.h"
#include "codec/parquet_rle_decode.h"

#include "lib/bytes.h"
#include "lib/test.h"

static void assert_bytes(const struct buf *out, const char *hex)
{
    struct buf expected = BUF_INIT;

    bytes_put_hex(&expected, hex);
    assert_int_equal(out->size, expected.size);
    assert_memory_equal(out->data, expected.data, expected.size);
    buf_deinit(&expected);
}

static void the_examples_of_the_specification_come_out(void **state)
{
    static const struct {
        uint32_t values[16];
        size_t count;
        int width;
        const char *hex;
    } vectors[] = {
        { { 0, 1, 2, 3, 4, 5, 6, 7 }, 8, 3, "03 88 c6 fa" }, /* Encodings.md */
        { { 4, 4, 4 }, 3, 3, "06 04" },
        { { 1, 0, 1 }, 3, 1, "03 05" }, /* filled up with zeros */
        { { 0, 1, 2, 3, 3 }, 5, 2, "03 e4 03" },
        { { 300, 300 }, 2, 9, "04 2c 01" },
        { { 0, 0 }, 2, 0, "04" }, /* a run of no bytes */
        { { 0 }, 0, 3, "" },
        { { 0xfffffffe, 1 },
          2,
          32,
          "03 fe ff ff ff 01 00 00 00 00 00 00 00 00 00 00 00"
          "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct buf out = BUF_INIT;

        parquet_rle_encode(&out, vectors[i].values, vectors[i].count, vectors[i].width);
        assert_bytes(&out, vectors[i].hex);
        buf_deinit(&out);
    }
}

static void a_long_run_between_others_is_a_run(void **state)
{
    uint32_t values[8 + 100 + 3] = { 1, 2, 3, 1, 2, 3, 1, 2 };
    struct buf out = BUF_INIT;

    (void)state;
    for (size_t i = 8; i < 108; i++)
        values[i] = 5;
    values[108] = 1;
    parquet_rle_encode(&out, values, ARRAY_LEN(values), 3);
    assert_bytes(&out, "03 d1 a2 45  c8 01 05  03 01 00 00");
    buf_deinit(&out);
}

static void every_width_comes_back(void **state)
{
    uint64_t seed = 11;

    (void)state;
    for (int width = 0; width <= 32; width++)
        for (int round = 0; round < 40; round++) {
            uint32_t values[700], back[700];
            size_t count = (size_t)(bytes_random(&seed) % ARRAY_LEN(values));
            uint64_t change = 1 + bytes_random(&seed) % 60;
            uint32_t max = width == 32 ? UINT32_MAX : (1u << width) - 1;
            struct buf out = BUF_INIT;
            struct parquet_rle rle;
            uint8_t *copy;

            for (size_t i = 0; i < count; i++)
                values[i] = i == 0 || bytes_random(&seed) % change == 0
                                ? (uint32_t)bytes_random(&seed) & max
                                : values[i - 1];
            parquet_rle_encode(&out, values, count, width);
            copy = bytes_exact(buf_span(&out));
            assert_true(parquet_rle_decode_begin(&rle, span_of(copy, out.size), (unsigned)width));
            assert_true(parquet_rle_decode(&rle, back, count));
            assert_memory_equal(values, back, count * sizeof(*values));
            free(copy);
            buf_deinit(&out);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_specification_come_out),
        cmocka_unit_test(a_long_run_between_others_is_a_run),
        cmocka_unit_test(every_width_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
