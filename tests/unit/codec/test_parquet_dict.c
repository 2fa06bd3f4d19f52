// SPDX-License-Identifier: Apache-2.0
#include "codec/parquet_dict.h"

#include "lib/bytes.h"
#include "lib/test.h"

static struct parquet_values longs(const int64_t *values, size_t count)
{
    return (struct parquet_values){
        .type = PARQUET_TYPE_INT64, .width = 8, .count = count, .fixed = (const uint8_t *)values
    };
}

static struct parquet_values texts(const struct column *column)
{
    return (struct parquet_values){ .type = PARQUET_TYPE_BYTE_ARRAY,
                                    .count = column->rows,
                                    .offsets = column_offsets(column),
                                    .bytes = column->values.data };
}

/* Every index leads to the value that stands there, and no entry comes twice. */
static void assert_dictionary(const struct parquet_dict *dict, const struct parquet_values *values)
{
    const uint32_t *indices = parquet_dict_indices(dict);
    uint32_t next = 0;

    for (size_t i = 0; i < values->count; i++) {
        assert_true(indices[i] <= next);
        next += indices[i] == next;
        if (values->width > 0)
            assert_true(parquet_values_number(&dict->entries, indices[i]) ==
                        parquet_values_number(values, i));
        else
            assert_true(span_equal(parquet_values_bytes(&dict->entries, indices[i]),
                                   parquet_values_bytes(values, i)));
    }
    assert_int_equal(next, dict->entries.count);
}

static void values_that_hardly_repeat_are_given_up(void **state)
{
    struct parquet_dict dict = { 0 };
    int64_t values[20000];
    struct parquet_values all = longs(values, ARRAY_LEN(values));
    uint64_t seed = 3;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        values[i] = (int64_t)i;
    assert_int_equal(parquet_dict_build(&dict, &all), PARQUET_DICT_GIVEN_UP);
    assert_true(dict.entries.count <= 4096); /* early */
    all.count = 1;
    assert_int_equal(parquet_dict_build(&dict, &all), PARQUET_DICT_GIVEN_UP);
    all.count = ARRAY_LEN(values);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) /* enough repeats at first, too few later */
        values[i] = i < 4096 ? (int64_t)(i / 2) : (int64_t)bytes_random(&seed);
    assert_int_equal(parquet_dict_build(&dict, &all), PARQUET_DICT_GIVEN_UP);
    parquet_dict_deinit(&dict);
}

static void a_page_beyond_its_limit_is_given_up(void **state)
{
    struct parquet_dict dict = { 0 };
    struct column column;
    struct parquet_values all;
    struct buf large = BUF_INIT;

    (void)state;
    column_init(&column, COLUMN_BYTES);
    buf_extend(&large, PARQUET_DICT_BYTES_MAX / 2);
    memset(large.data, 'x', large.size);
    for (int i = 0; i < 9; i++) {
        large.data[0] = (uint8_t)('a' + i % 2);
        column_put_bytes(&column, buf_span(&large));
    }
    all = texts(&column);
    assert_int_equal(parquet_dict_build(&dict, &all), PARQUET_DICT_GIVEN_UP);
    column_deinit(&column);
    buf_deinit(&large);
    parquet_dict_deinit(&dict);
}

static void numbers_of_each_width_are_found_again(void **state)
{
    struct parquet_dict dict = { 0 };
    uint64_t seed = 9;

    (void)state;
    for (int round = 0; round < 60; round++) {
        enum { MOST = 30000 };
        static uint8_t bytes[MOST * 16];
        size_t width = (size_t)4 << round % 3;
        uint64_t distinct = 1 + bytes_random(&seed) % 3000;
        struct parquet_values all = { .type = width == 4   ? PARQUET_TYPE_INT32
                                              : width == 8 ? PARQUET_TYPE_INT64
                                                           : PARQUET_TYPE_FIXED_LEN_BYTE_ARRAY,
                                      .type_size = width == 16 ? 13 : 0,
                                      .width = width,
                                      .count = MOST,
                                      .fixed = bytes };

        for (size_t i = 0; i < MOST; i++) {
            int128 value = (int128)(bytes_random(&seed) % distinct);

            value |= value << 80;
            memcpy(bytes + i * width, &value, width);
        }
        assert_int_equal(parquet_dict_build(&dict, &all), 0);
        assert_dictionary(&dict, &all);
    }
    parquet_dict_deinit(&dict);
}

static void byte_arrays_of_all_lengths_are_found_again(void **state)
{
    struct parquet_dict dict = { 0 };
    struct column column;
    uint64_t seed = 9;

    (void)state;
    column_init(&column, COLUMN_BYTES);
    for (int round = 0; round < 20; round++) {
        struct parquet_values all;
        uint8_t bytes[80];

        column_clear(&column);
        for (int i = 0; i < 9000; i++) { /* alike but for one byte, or for the length */
            size_t size = (size_t)(bytes_random(&seed) % (2 + 4 * (unsigned)round));

            memset(bytes, 'q', sizeof(bytes));
            if (size > 0)
                bytes[bytes_random(&seed) % size] = 'r';
            column_put_bytes(&column, span_of(bytes, size));
            while (bytes_random(&seed) % 3 == 0)
                column_put_bytes(&column, span_of(bytes, size));
        }
        all = texts(&column);
        assert_int_equal(parquet_dict_build(&dict, &all), 0);
        assert_dictionary(&dict, &all);
    }
    column_deinit(&column);
    parquet_dict_deinit(&dict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_that_hardly_repeat_are_given_up),
        cmocka_unit_test(a_page_beyond_its_limit_is_given_up),
        cmocka_unit_test(numbers_of_each_width_are_found_again),
        cmocka_unit_test(byte_arrays_of_all_lengths_are_found_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
