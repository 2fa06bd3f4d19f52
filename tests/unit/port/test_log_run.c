// SPDX-License-Identifier: Apache-2.0
#include "port/log_run.h"
#include "core/num.h"
#include "core/random.h"
#include "lib/test.h"

#include <zlib.h>

static const struct log_take everything = { 0, 0, SIZE_MAX, SIZE_MAX };

static void put(struct log_run *run, int64_t timestamp_us, const char *value)
{
    const struct log_record record = { .timestamp_us = timestamp_us, .value = span_text(value) };

    log_run_put(run, &record);
}

/* A body with a right CRC out of what stands between version and CRC. */
static struct span forge(struct buf *body, uint32_t count, const void *records, size_t size)
{
    uint32_t sum;

    buf_clear(body);
    buf_put_byte(body, 1);
    store_le32(buf_extend(body, 4), count);
    buf_put(body, records, size);
    sum = (uint32_t)crc32_z(0, body->data, body->size);
    store_le32(buf_extend(body, 4), sum);
    return buf_span(body);
}

static void bytes_that_are_no_run_are_corrupt(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = { { NULL, 0 },
                  { "", 1 },
                  { "\1\0\0\0\0\0\0\0", 8 },
                  { "\1\0\0\0\0\0\0\0\0", 9 },
                  { "\2\0\0\0\0\0\0\0\0", 9 } };
    size_t count = 7;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_err(log_run_check(span_of(cases[i].bytes, cases[i].size), &count, &err),
                   ERR_CORRUPT);
    assert_int_equal(count, 7);
}

static void every_single_damaged_bit_is_found(void **state)
{
    struct log_run run = { 0 };
    struct span body;
    size_t count;
    struct err err;

    (void)state;
    put(&run, 1700000000000000, "hello");
    put(&run, 1700000000000001, "world");
    body = log_run_end(&run);
    for (size_t bit = 0; bit < body.size * 8; bit++) {
        run.body.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_err(log_run_check(body, &count, &err), ERR_CORRUPT);
        run.body.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_ok(log_run_check(body, &count, &err));
    assert_int_equal(count, 2);
    log_run_deinit(&run);
}

static void sizes_that_do_not_fit_are_corrupt_in_spite_of_the_crc(void **state)
{
    static const struct {
        uint32_t count;
        const char *records;
        size_t size;
    } cases[] = {
        { 1, "", 0 },                                                    /* no record */
        { 1, "\0\0\0", 3 },                                              /* no size of headers */
        { 1, "\0\0\2\0", 4 },                                            /* no value */
        { 1, "\0\0\1\0x", 5 },                                           /* bytes behind */
        { 2, "\0\0\1\0", 4 },                                            /* one is missing */
        { UINT32_MAX, "\0\0\1\0", 4 },                                   /* all but one are */
        { 1, "\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0xx", 15 },   /* 2^64 - 2 bytes */
        { 1, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0\0\0", 14 }, /* 11 bytes of varint */
    };
    struct log_batch batch;
    struct buf body = BUF_INIT;
    int64_t timestamp;
    size_t count, taken, bytes;
    struct err err;

    (void)state;
    log_batch_init(&batch);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct span forged = forge(&body, cases[i].count, cases[i].records, cases[i].size);

        assert_ok(log_run_check(forged, &count, &err));
        assert_err(log_run_decode(forged, &everything, &batch, &taken, &bytes, &err), ERR_CORRUPT);
        assert_int_equal(batch.offset.rows, batch.headers.rows);
        assert_err(log_run_timestamp(forged, 1, &timestamp, &err), ERR_CORRUPT);
    }
    buf_deinit(&body);
    log_batch_deinit(&batch);
}

static void random_bytes_never_read_past_their_end(void **state)
{
    struct random random = { 5 };
    struct log_batch batch;
    struct buf body = BUF_INIT;
    int decoded = 0;

    (void)state;
    log_batch_init(&batch);
    for (int i = 0; i < 20000; i++) {
        uint8_t records[24];
        size_t size = random_below(&random, sizeof(records));
        size_t count, taken, bytes;
        struct err err;
        struct span forged;

        for (size_t k = 0; k < size; k++)
            records[k] = (uint8_t)random_below(&random, i % 2 == 0 ? 256 : 6);
        forged = forge(&body, (uint32_t)random_below(&random, 5), records, size);
        forged = span_of(memcpy(mem_alloc(forged.size), forged.data, forged.size), forged.size);
        log_batch_clear(&batch);
        assert_ok(log_run_check(forged, &count, &err));
        if (log_run_decode(forged, &everything, &batch, &taken, &bytes, &err) == 0) {
            assert_int_equal(taken, count);
            assert_int_equal(batch.value.rows, count);
            decoded++;
        } else {
            assert_int_equal(err.kind, ERR_CORRUPT);
        }
        free((void *)(uintptr_t)forged.data);
    }
    assert_true(decoded > 100);
    buf_deinit(&body);
    log_batch_deinit(&batch);
}

static void a_run_keeps_its_youngest_timestamp(void **state)
{
    struct log_run run = { 0 };

    (void)state;
    put(&run, -5, "a");
    assert_int_equal(run.timestamp_max, -5);
    put(&run, 10, "b");
    put(&run, 3, "c");
    assert_int_equal(run.timestamp_max, 10);
    assert_int_equal(run.count, 3);
    log_run_clear(&run);
    put(&run, -9, "d");
    assert_int_equal(run.timestamp_max, -9);
    log_run_deinit(&run);
}

static void a_part_of_a_run_can_be_taken(void **state)
{
    static const struct {
        struct log_take take;
        size_t taken, bytes;
        int64_t first;
    } cases[] = {
        { { 100, 0, 1, SIZE_MAX }, 1, 2, 100 }, { { 100, 3, 2, SIZE_MAX }, 2, 4, 103 },
        { { 100, 9, 5, SIZE_MAX }, 1, 2, 109 }, { { 100, 0, 99, 5 }, 3, 6, 100 },
        { { 100, 8, 99, 99 }, 2, 4, 108 },
    };
    struct log_run run = { 0 };
    struct log_batch batch;
    struct span body;
    struct err err;

    (void)state;
    log_batch_init(&batch);
    for (int i = 0; i < 10; i++)
        put(&run, i, "xy");
    body = log_run_end(&run);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t taken, bytes;
        int64_t timestamp;

        log_batch_clear(&batch);
        assert_ok(log_run_decode(body, &cases[i].take, &batch, &taken, &bytes, &err));
        assert_int_equal(taken, cases[i].taken);
        assert_int_equal(bytes, cases[i].bytes);
        assert_int_equal(batch.value.rows, taken);
        assert_int_equal(column_int64(&batch.offset, 0), cases[i].first);
        assert_int_equal(column_int64(&batch.timestamp, 0), cases[i].first - 100);
        assert_ok(log_run_timestamp(body, cases[i].take.skip, &timestamp, &err));
        assert_int_equal(timestamp, cases[i].first - 100);
    }
    log_batch_deinit(&batch);
    log_run_deinit(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_that_are_no_run_are_corrupt),
        cmocka_unit_test(every_single_damaged_bit_is_found),
        cmocka_unit_test(sizes_that_do_not_fit_are_corrupt_in_spite_of_the_crc),
        cmocka_unit_test(random_bytes_never_read_past_their_end),
        cmocka_unit_test(a_run_keeps_its_youngest_timestamp),
        cmocka_unit_test(a_part_of_a_run_can_be_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
