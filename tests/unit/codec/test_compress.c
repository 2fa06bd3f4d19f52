// SPDX-License-Identifier: Apache-2.0
#include "codec/compress.h"
#include "codec/decompress.h"

#include "lib/test.h"

static void what_was_compressed_comes_back_and_stands_behind_what_is_there(void **state)
{
    struct compress compress = COMPRESS_INIT;
    struct decompress decompress = { NULL };
    struct buf in = BUF_INIT, frame = BUF_INIT, out = BUF_INIT;
    struct err err = { 0 };

    (void)state;
    for (int round = 0; round < 3; round++) {
        buf_clear(&frame);
        buf_clear(&out);
        buf_put_text(&frame, "kept");
        compress_zstd_encode(&compress, 1 + round, buf_span(&in), &frame);
        assert_memory_equal(frame.data, "kept", 4);
        buf_extend(&out, in.size + 1);
        assert_ok(decompress_block(&decompress, PARQUET_CODEC_ZSTD,
                                   span_of(frame.data + 4, frame.size - 4), out.data, in.size,
                                   &err));
        assert_true(in.size == 0 || memcmp(out.data, in.data, in.size) == 0);
        for (int i = 0; i < 10000; i++)
            buf_printf(&in, "%d,", i * round);
    }
    assert_true(frame.size < in.size / 2);
    buf_deinit(&in);
    buf_deinit(&frame);
    buf_deinit(&out);
    compress_deinit(&compress);
    decompress_deinit(&decompress);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_compressed_comes_back_and_stands_behind_what_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
