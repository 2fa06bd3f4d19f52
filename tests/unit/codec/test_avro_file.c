// SPDX-License-Identifier: Apache-2.0
#include "codec/avro_encode.h"
#include "codec/avro_file.h"
#include "lib/trade_avro.h"
#include "lib/test.h"

#include <zlib.h>

static const uint8_t sync_marker[16] = "0123456789abcde\n";
static const enum avro_codec codecs[] = { AVRO_CODEC_NULL, AVRO_CODEC_DEFLATE };

/* A file of the longs 0..count, each followed by `padding` bytes. */
static void write_file(struct buf *out, enum avro_codec codec, int64_t count, size_t padding)
{
    static const struct avro_pair metadata[] = { { "format-version", { (const uint8_t *)"2", 1 } },
                                                 { "content", { (const uint8_t *)"data", 4 } },
                                                 { "empty", { NULL, 0 } } };
    struct avro_file_writer writer;

    avro_file_begin(&writer, out,
                    "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                    "{\"name\":\"n\",\"type\":\"long\"},{\"name\":\"p\",\"type\":\"bytes\"}]}",
                    metadata, ARRAY_LEN(metadata), codec, sync_marker);
    for (int64_t i = 0; i < count; i++) {
        struct buf *datum = avro_file_datum(&writer);

        avro_put_long(datum, i);
        avro_put_long(datum, (int64_t)padding);
        memset(buf_extend(datum, padding), (int)(i % 251), padding);
        avro_file_end_datum(&writer);
    }
    avro_file_finish(&writer);
}

/* Reads all there is; -1 at the first error, else the number of data. */
static int64_t read_file(struct span image, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct avro_file_reader reader;
    struct span padding = { NULL, 0 };
    int64_t count = 0;
    int64_t n = 0;
    int rc;

    rc = avro_file_open(&reader, &arena, image, err);
    while (rc >= 0 && (rc = avro_file_next(&reader, err)) == AVRO_DATUM) {
        if (avro_get_long(&reader.block, &n, err) < 0 ||
            avro_get_bytes(&reader.block, &padding, err) < 0)
            rc = -1;
        else if (n == count)
            count++;
    }
    avro_file_close(&reader);
    arena_deinit(&arena);
    return rc < 0 ? -1 : count;
}

static void what_is_no_container_is_corrupt(void **state)
{
    static const struct {
        const char *hex, *text;
    } cases[] = {
        { "", "it does not begin as one" },
        { "4f 62 6a 02", "it does not begin as one" },
        { "4f 62 6a 01", "metadata" },
        { "4f 62 6a 01 ff ff ff ff ff ff ff ff ff 01", "metadata" },
        { "4f 62 6a 01 fe ff ff ff ff ff ff ff ff 01", "metadata" },
        { "4f 62 6a 01 00", "no schema" },
        { "4f 62 6a 01 02 16 61 76 72 6f 2e 73 63 68 65 6d 61 02 7b 00 00 00", "cut short in the" },
        { "4f 62 6a 01 02 14 61 76 72 6f 2e 63 6f 64 65 63 0c 73 6e 61 70 70 79 00",
          "codec snappy is not read" },
    };
    struct arena arena = ARENA_INIT;
    struct avro_file_reader reader;
    struct buf image = BUF_INIT;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t *exact;

        buf_clear(&image);
        bytes_put_hex(&image, cases[i].hex);
        exact = bytes_exact(buf_span(&image));
        assert_err(avro_file_open(&reader, &arena, span_of(exact, image.size), &err), ERR_CORRUPT);
        avro_file_close(&reader);
        if (strstr(err.text, cases[i].text) == NULL)
            fail_msg("%s", err.text);
        free(exact);
    }
    buf_deinit(&image);
    arena_deinit(&arena);
}

static void a_file_comes_back_with_its_metadata(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        struct arena arena = ARENA_INIT;
        struct avro_file_reader reader;
        struct buf image = BUF_INIT;
        struct err err;

        write_file(&image, codecs[i], 10000, 20);
        assert_int_equal(read_file(buf_span(&image), &err), 10000);
        assert_ok(avro_file_open(&reader, &arena, buf_span(&image), &err));
        assert_int_equal(reader.codec, codecs[i]);
        assert_int_equal(reader.metadata_count, 5);
        assert_string_equal(reader.metadata[0].key, "avro.schema");
        assert_string_equal(reader.metadata[1].key, "avro.codec");
        assert_string_equal(reader.metadata[2].key, "format-version");
        assert_true(span_equal(avro_file_metadata(&reader, "content"), SPAN("data")));
        assert_true(span_equal(avro_file_metadata(&reader, "avro.schema"), reader.schema_json));
        assert_non_null(avro_file_metadata(&reader, "empty").data);
        assert_int_equal(avro_file_metadata(&reader, "empty").size, 0);
        assert_null(avro_file_metadata(&reader, "absent").data);
        avro_file_close(&reader);
        arena_deinit(&arena);
        buf_deinit(&image);
    }
}

static void blocks_are_cut_at_64_kib(void **state)
{
    struct arena arena = ARENA_INIT;
    struct avro_file_reader reader;
    struct buf image = BUF_INIT;
    struct err err;
    int rc;

    (void)state;
    write_file(&image, AVRO_CODEC_NULL, 400, 1000);
    assert_ok(avro_file_open(&reader, &arena, buf_span(&image), &err));
    while ((rc = avro_file_next(&reader, &err)) == AVRO_DATUM) {
        int64_t n;
        struct span padding;

        assert_in_range(reader.block.size, 1, AVRO_BLOCK_BYTES + 1004);
        assert_ok(avro_get_long(&reader.block, &n, &err));
        assert_ok(avro_get_bytes(&reader.block, &padding, &err));
    }
    assert_int_equal(rc, 0);
    avro_file_close(&reader);
    arena_deinit(&arena);
    buf_deinit(&image);
}

static void a_file_without_data_is_a_header(void **state)
{
    struct buf image = BUF_INIT;
    struct err err;

    (void)state;
    write_file(&image, AVRO_CODEC_DEFLATE, 0, 0);
    assert_int_equal(read_file(buf_span(&image), &err), 0);
    assert_memory_equal(image.data + image.size - 16, sync_marker, 16);
    buf_deinit(&image);
}

/* Cut where a block ends, a file is just shorter; anywhere else it is corrupt. */
static void every_truncation_of_a_file_is_corrupt(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        struct buf header = BUF_INIT;
        struct buf image = BUF_INIT;
        struct err err;

        write_file(&header, codecs[i], 0, 0);
        write_file(&image, codecs[i], 30, 5);
        for (size_t size = 0; size < image.size; size++) {
            uint8_t *exact = bytes_exact(span_of(image.data, size));

            if (size == header.size) {
                assert_int_equal(read_file(span_of(exact, size), &err), 0);
            } else {
                assert_int_equal(read_file(span_of(exact, size), &err), -1);
                assert_int_equal(err.kind, ERR_CORRUPT);
            }
            free(exact);
        }
        buf_deinit(&header);
        buf_deinit(&image);
    }
}

static void flipped_bytes_of_a_file_are_read_or_corrupt(void **state)
{
    uint64_t random = 7;
    int64_t refused = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        struct buf image = BUF_INIT;
        struct err err;

        write_file(&image, codecs[i], 40, 3);
        for (int k = 0; k < 10000; k++) {
            uint8_t *exact = bytes_exact(buf_span(&image));

            exact[bytes_random(&random) % image.size] = (uint8_t)bytes_random(&random);
            err = (struct err){ 0 };
            if (read_file(span_of(exact, image.size), &err) < 0) {
                assert_true(err.kind == ERR_CORRUPT || err.kind == ERR_REJECT);
                refused++;
            }
            free(exact);
        }
        buf_deinit(&image);
    }
    assert_in_range(refused, 2000, 19000);
}

static size_t header_size(void)
{
    struct buf header = BUF_INIT;
    size_t size;

    write_file(&header, AVRO_CODEC_NULL, 0, 0);
    size = header.size;
    buf_deinit(&header);
    return size;
}

static void a_wrong_sync_marker_is_named_with_its_byte(void **state)
{
    struct buf image = BUF_INIT;
    char expected[128];
    struct err err;

    (void)state;
    write_file(&image, AVRO_CODEC_NULL, 2, 0);
    image.data[image.size - 1] ^= 1;
    assert_int_equal(read_file(buf_span(&image), &err), -1);
    snprintf(expected, sizeof(expected),
             "avro file: block at byte %zu: another sync marker at byte %zu", header_size(),
             image.size - 16);
    assert_string_equal(err.text, expected);
    buf_deinit(&image);
}

/* `count` and `bytes` of a block as the file says, then data that are there. */
static void assert_block_corrupt(int64_t count, int64_t bytes, size_t data, const char *text)
{
    struct buf image = BUF_INIT;
    struct err err;

    write_file(&image, AVRO_CODEC_NULL, 0, 0);
    avro_put_long(&image, count);
    avro_put_long(&image, bytes);
    memset(buf_extend(&image, data), 0, data);
    buf_put(&image, sync_marker, 16);
    assert_int_equal(read_file(buf_span(&image), &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    if (strstr(err.text, text) == NULL)
        fail_msg("%s", err.text);
    buf_deinit(&image);
}

static void hostile_sizes_are_corrupt(void **state)
{
    (void)state;
    assert_block_corrupt(1, -1, 2, "no bytes of a length");
    assert_block_corrupt(1, INT64_MAX, 2, "no bytes of a length");
    assert_block_corrupt(1, INT64_MIN, 2, "no bytes of a length");
    assert_block_corrupt(-1, 2, 2, "-1 data in 2 bytes");
    assert_block_corrupt(INT64_MIN, 2, 2, "data in 2 bytes");
    assert_block_corrupt(INT64_MAX, 2, 2, "data in 2 bytes");
    assert_block_corrupt(1, 4, 4, "2 bytes are left over");
    assert_block_corrupt(0, 2, 2, "2 bytes are left over");
}

static void put_deflated(struct buf *image, uint64_t zeros, const char *trailer)
{
    static const uint8_t chunk[65536];
    z_stream stream = { 0 };
    struct buf packed = BUF_INIT;

    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    buf_reserve(&packed, 1 << 20);
    stream.next_out = packed.data;
    stream.avail_out = 1 << 20;
    while (zeros > 0) {
        stream.next_in = (z_const Bytef *)(uintptr_t)chunk;
        stream.avail_in = (uInt)size_min(zeros, sizeof(chunk));
        zeros -= stream.avail_in;
        assert_int_equal(deflate(&stream, Z_NO_FLUSH), Z_OK);
    }
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.size = stream.total_out;
    deflateEnd(&stream);
    buf_put_text(&packed, trailer);
    avro_put_long(image, 1);
    avro_put_bytes(image, buf_span(&packed));
    buf_put(image, sync_marker, 16);
    buf_deinit(&packed);
}

static void a_block_that_inflates_without_end_is_corrupt(void **state)
{
    struct buf image = BUF_INIT;
    struct err err;

    (void)state;
    write_file(&image, AVRO_CODEC_DEFLATE, 0, 0);
    put_deflated(&image, (uint64_t)AVRO_BLOCK_BYTES_MAX + 1, "");
    assert_in_range(image.size, 1, 1 << 20);
    assert_int_equal(read_file(buf_span(&image), &err), -1);
    assert_non_null(strstr(err.text, "inflates to more than 268435456 bytes"));
    buf_deinit(&image);
}

/* fastavro leaves three bytes of zlib's checksum behind the stream. */
static void bytes_behind_a_deflate_stream_are_let_pass(void **state)
{
    struct buf image = BUF_INIT;
    struct err err;

    (void)state;
    write_file(&image, AVRO_CODEC_DEFLATE, 0, 0);
    put_deflated(&image, 2, "abc");
    assert_int_equal(read_file(buf_span(&image), &err), 1);
    buf_deinit(&image);
}

/* Both lists were written by Java; the first calls its counts added_data_files_count and so on. */
static void a_manifest_list_is_read_by_field_ids(void **state)
{
    static const int32_t ids[][2] = { { 500, 0 }, { 501, 0 }, { 503, 0 }, { 504, 0 },
                                      { 512, 0 }, { 507, 0 }, { 519, 0 } };
    static const struct avro_wish wishes[] = {
        { "manifest_path", ids[0], AVRO_STRING, true },
        { "manifest_length", ids[1], AVRO_LONG, true },
        { "added_snapshot_id", ids[2], AVRO_LONG, true },
        { "added_files_count", ids[3], AVRO_LONG, true },
        { "added_rows_count", ids[4], AVRO_LONG, true },
        { "partitions", ids[5], AVRO_ARRAY, false },
        { "key_metadata", ids[6], AVRO_BYTES, false },
    };
    static const struct {
        const char *file, *path;
        int64_t bytes, snapshot;
    } lists[] = {
        { K2_SOURCE_DIR "/tests/vectors/iceberg/manifest-list-v2-1.avro",
          "iceberg-warehouse/people/metadata/794bd2ee-052c-449c-9a6f-3a88857c747f-m0.avro", 6658,
          6653143792592159268 },
        { K2_SOURCE_DIR "/tests/vectors/iceberg/manifest-list-v2-2.avro",
          "iceberg-warehouse_2/people/metadata/80064d99-bd75-4cf3-9b27-13a60f189039-m0.avro", 6660,
          3083072880052097243 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct arena arena = ARENA_INIT;
        struct buf image = BUF_INIT;
        const struct avro_schema *schema = NULL;
        const struct avro_program *program = NULL;
        struct avro_cell cell[ARRAY_LEN(wishes)];
        struct avro_file_reader reader;
        struct avro_items items;
        struct err err;

        bytes_put_file(&image, lists[i].file);
        assert_ok(avro_file_open(&reader, &arena, buf_span(&image), &err));
        assert_int_equal(reader.codec, AVRO_CODEC_DEFLATE);
        assert_true(span_equal(avro_file_metadata(&reader, "format-version"), SPAN("2")));
        assert_ok(avro_schema_parse(&arena, reader.schema_json, &schema, &err));
        assert_ok(avro_program_compile(&arena, schema, wishes, ARRAY_LEN(wishes), &program, &err));
        assert_int_equal(avro_file_next(&reader, &err), AVRO_DATUM);
        assert_ok(avro_program_run(program, &reader.block, cell, &err));
        assert_true(span_equal(cell[0].bytes, span_text(lists[i].path)));
        assert_int_equal(cell[1].integer, lists[i].bytes);
        assert_int_equal(cell[2].integer, lists[i].snapshot);
        assert_int_equal(cell[3].integer, 1);
        assert_int_equal(cell[4].integer, 1);
        assert_false(cell[5].is_null);
        avro_items_init(&items, cell[5].bytes);
        assert_int_equal(avro_items_next(&items, &err), 0);
        assert_true(cell[6].is_null);
        assert_int_equal(avro_file_next(&reader, &err), 0);
        avro_file_close(&reader);
        buf_deinit(&image);
        arena_deinit(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_container_is_corrupt),
        cmocka_unit_test(a_file_comes_back_with_its_metadata),
        cmocka_unit_test(blocks_are_cut_at_64_kib),
        cmocka_unit_test(a_file_without_data_is_a_header),
        cmocka_unit_test(every_truncation_of_a_file_is_corrupt),
        cmocka_unit_test(flipped_bytes_of_a_file_are_read_or_corrupt),
        cmocka_unit_test(a_wrong_sync_marker_is_named_with_its_byte),
        cmocka_unit_test(hostile_sizes_are_corrupt),
        cmocka_unit_test(a_block_that_inflates_without_end_is_corrupt),
        cmocka_unit_test(bytes_behind_a_deflate_stream_are_let_pass),
        cmocka_unit_test(a_manifest_list_is_read_by_field_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
