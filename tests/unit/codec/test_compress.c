// SPDX-License-Identifier: Apache-2.0
#include "codec/compress.h"

#include "lib/test.h"

static void a_frame_that_is_damaged_cut_or_of_another_size_is_corrupt(void **state)
{
    struct compress compress = COMPRESS_INIT;
    struct buf frame = BUF_INIT, out = BUF_INIT;
    struct err err = { 0 };

    (void)state;
    buf_put_text(&out, "kept");
    assert_err(compress_zstd_decode(&compress, SPAN("no frame at all"), 10, &out, &err),
               ERR_CORRUPT);
    compress_zstd_encode(&compress, 1, SPAN("ten bytes."), &frame);
    assert_err(compress_zstd_decode(&compress, buf_span(&frame), 11, &out, &err), ERR_CORRUPT);
    assert_err(compress_zstd_decode(&compress, buf_span(&frame), 9, &out, &err), ERR_CORRUPT);
    frame.size--;
    assert_err(compress_zstd_decode(&compress, buf_span(&frame), 10, &out, &err), ERR_CORRUPT);
    assert_int_equal(out.size, 4);
    buf_deinit(&frame);
    buf_deinit(&out);
    compress_deinit(&compress);
}

static void what_was_compressed_comes_back_behind_what_is_there(void **state)
{
    struct compress compress = COMPRESS_INIT;
    struct buf in = BUF_INIT, frame = BUF_INIT, out = BUF_INIT;
    struct err err = { 0 };

    (void)state;
    for (int round = 0; round < 3; round++) {
        buf_clear(&frame);
        buf_clear(&out);
        buf_put_text(&out, "kept");
        compress_zstd_encode(&compress, 1 + round, buf_span(&in), &frame);
        assert_ok(compress_zstd_decode(&compress, buf_span(&frame), in.size, &out, &err));
        assert_int_equal(out.size, 4 + in.size);
        assert_true(in.size == 0 || memcmp(out.data + 4, in.data, in.size) == 0);
        for (int i = 0; i < 10000; i++)
            buf_printf(&in, "%d,", i * round);
    }
    assert_true(frame.size < in.size);
    buf_deinit(&in);
    buf_deinit(&frame);
    buf_deinit(&out);
    compress_deinit(&compress);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_that_is_damaged_cut_or_of_another_size_is_corrupt),
        cmocka_unit_test(what_was_compressed_comes_back_behind_what_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
