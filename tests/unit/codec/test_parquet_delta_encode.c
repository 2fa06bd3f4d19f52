// SPDX-License-Identifier: Apache-2.0
#include "codec/parquet_delta_encode.h"
#include "codec/parquet_delta_decode.h"

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
        int64_t values[8];
        size_t count;
        const char *hex; /* header: block 128, 4 miniblocks, count, first value */
    } vectors[] = {
        { { 1, 2, 3, 4, 5 }, 5, "80 01 04 05 02  02 00 00 00 00" },
        { { 7, 5, 3, 1, 2, 3, 4, 5 },
          8,
          "80 01 04 08 0e  03 02 00 00 00  c0 3f 00 00 00 00 00 00" },
        { { -3 }, 1, "80 01 04 01 05" },
        { { 0 }, 0, "80 01 04 00 00" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct buf out = BUF_INIT;
        int32_t narrow[8];

        parquet_delta_encode_int64(&out, vectors[i].values, vectors[i].count);
        assert_bytes(&out, vectors[i].hex);
        buf_clear(&out);
        for (size_t k = 0; k < 8; k++)
            narrow[k] = (int32_t)vectors[i].values[k];
        parquet_delta_encode_int32(&out, narrow, vectors[i].count);
        assert_bytes(&out, vectors[i].hex);
        buf_deinit(&out);
    }
}

/* A difference of 32-bit values that passes 32 bits wraps, and so no miniblock is wider. */
static void differences_wrap_in_the_width_of_the_column(void **state)
{
    static const int32_t narrow[] = { INT32_MAX, INT32_MIN, INT32_MAX };
    static const int64_t wide[] = { INT64_MIN, INT64_MAX, INT64_MIN };
    struct buf out = BUF_INIT;

    (void)state;
    parquet_delta_encode_int32(&out, narrow, 3); /* +1, -1: least -1, excess 2 and 0 */
    assert_bytes(&out, "80 01 04 03 fe ff ff ff 0f  01 02 00 00 00  02 00 00 00 00 00 00 00");
    buf_clear(&out);
    parquet_delta_encode_int64(&out, wide, 3); /* -1, +1 */
    assert_bytes(&out, "80 01 04 03 ff ff ff ff ff ff ff ff ff 01  01 02 00 00 00"
                       "08 00 00 00 00 00 00 00");
    buf_deinit(&out);
}

static int64_t draw(uint64_t *seed, int bits, int64_t last)
{
    uint64_t r = bytes_random(seed);

    return bits < 0 ? (int64_t)((uint64_t)last + (r & 7)) : (int64_t)(r >> (63 - bits % 64));
}

static void numbers_of_every_size_come_back(void **state)
{
    const struct parquet_target long_target = { .physical = PARQUET_TYPE_INT64,
                                                .type = COLUMN_INT64 };
    const struct parquet_target int_target = { .physical = PARQUET_TYPE_INT32,
                                               .type = COLUMN_INT32 };
    uint64_t seed = 5;
    struct err err = { 0 };

    (void)state;
    for (int round = 0; round < 700; round++) {
        enum { MOST = 600 };
        int64_t wide[MOST], wide_back[MOST + PARQUET_SLACK];
        int32_t narrow[MOST], narrow_back[MOST + PARQUET_SLACK];
        size_t count = (size_t)(bytes_random(&seed) % MOST);
        struct buf out = BUF_INIT;

        for (size_t i = 0; i < count; i++) {
            wide[i] = draw(&seed, round % 65 - 1, i == 0 ? 0 : wide[i - 1]);
            narrow[i] = (int32_t)wide[i];
        }
        parquet_delta_encode_int64(&out, wide, count);
        buf_reserve(&out, PARQUET_SLACK);
        assert_ok(
            parquet_delta_decode(&long_target, buf_span(&out), count, (uint8_t *)wide_back, &err));
        assert_memory_equal(wide, wide_back, count * sizeof(*wide));
        buf_clear(&out);
        parquet_delta_encode_int32(&out, narrow, count);
        buf_reserve(&out, PARQUET_SLACK);
        assert_ok(
            parquet_delta_decode(&int_target, buf_span(&out), count, (uint8_t *)narrow_back, &err));
        assert_memory_equal(narrow, narrow_back, count * sizeof(*narrow));
        buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_specification_come_out),
        cmocka_unit_test(differences_wrap_in_the_width_of_the_column),
        cmocka_unit_test(numbers_of_every_size_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
