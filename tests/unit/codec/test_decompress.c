// SPDX-License-Identifier: Apache-2.0
/* The blocks were made by pyarrow.Codec, the last by gzip in two members, of
 * "k2 k2 k2 k2 k2 k2 k2 k2 ". */
#include "codec/decompress.h"
#include "lib/test.h"
#include "lib/bytes.h"

static const char TEXT[] = "k2 k2 k2 k2 k2 k2 k2 k2 ";

static const struct {
    int codec;
    const char *hex;
} BLOCKS[] = {
    { PARQUET_CODEC_UNCOMPRESSED,
      "6b 32 20 6b 32 20 6b 32 20 6b 32 20 6b 32 20 6b 32 20 6b 32 20 6b 32 20" },
    { PARQUET_CODEC_SNAPPY, "18 08 6b 32 20 52 03 00" },
    { PARQUET_CODEC_GZIP,
      "1f 8b 08 00 00 00 00 00 02 03 cb 36 52 c8 c6 86 00 a8 fb 96 02 18 00 00 00" },
    { PARQUET_CODEC_LZ4_RAW, "3c 6b 32 20 03 00 50 32 20 6b 32 20" },
    { PARQUET_CODEC_ZSTD, "28 b5 2f fd 20 18 4d 00 00 18 6b 32 20 01 00 7e 6e 08" },
    { PARQUET_CODEC_GZIP,
      "1f 8b 08 00 00 00 00 00 02 03 cb 36 52 c8 06 23 00 72 8d 16 bb 09 00 00 00 1f 8b 08 00 00 "
      "00 00 00 02 03 cb 36 52 c8 46 42 00 c1 8b 5b 89 0f 00 00 00" },
};

static void every_codec_gives_its_bytes(void **state)
{
    struct decompress context = { NULL };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BLOCKS); i++) {
        struct buf block = BUF_INIT;
        uint8_t out[sizeof(TEXT)];

        bytes_put_hex(&block, BLOCKS[i].hex);
        assert_ok(decompress_block(&context, BLOCKS[i].codec, buf_span(&block), out,
                                   sizeof(TEXT) - 1, &err));
        assert_memory_equal(out, TEXT, sizeof(TEXT) - 1);
        buf_deinit(&block);
    }
    decompress_deinit(&context);
}

static void another_size_or_a_cut_block_is_corrupt(void **state)
{
    struct decompress context = { NULL };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BLOCKS); i++) {
        struct buf block = BUF_INIT;

        bytes_put_hex(&block, BLOCKS[i].hex);
        for (size_t size = 0; size < 2 * sizeof(TEXT); size++) {
            uint8_t *out = mem_alloc(size + 1);

            if (size != sizeof(TEXT) - 1)
                assert_err(
                    decompress_block(&context, BLOCKS[i].codec, buf_span(&block), out, size, &err),
                    ERR_CORRUPT);
            free(out);
        }
        for (size_t size = 0; size < block.size; size++) {
            uint8_t *exact = bytes_exact(span_of(block.data, size));
            uint8_t out[sizeof(TEXT)];

            assert_err(decompress_block(&context, BLOCKS[i].codec, span_of(exact, size), out,
                                        sizeof(TEXT) - 1, &err),
                       ERR_CORRUPT);
            free(exact);
        }
        buf_deinit(&block);
    }
    decompress_deinit(&context);
}

static void codecs_that_are_not_built_are_named(void **state)
{
    struct decompress context = { NULL };
    uint8_t out[1];
    struct err err;

    (void)state;
    assert_err(decompress_block(&context, PARQUET_CODEC_BROTLI, SPAN("x"), out, 1, &err),
               ERR_CORRUPT);
    assert_string_equal(err.text, "compression brotli (4) is not supported");
    assert_err(decompress_block(&context, 99, SPAN("x"), out, 1, &err), ERR_CORRUPT);
    assert_string_equal(err.text, "compression unknown (99) is not supported");
    assert_err(decompress_block(&context, -1, SPAN("x"), out, 1, &err), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codecs_that_are_not_built_are_named),
        cmocka_unit_test(another_size_or_a_cut_block_is_corrupt),
        cmocka_unit_test(every_codec_gives_its_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
