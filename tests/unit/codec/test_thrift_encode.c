// SPDX-License-Identifier: Apache-2.0
#include "codec/thrift_encode.h"

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

static void numbers_are_zigzag_varints(void **state)
{
    static const struct {
        int64_t value;
        const char *hex; /* field 1, its value, stop */
    } vectors[] = {
        { 0, "16 00 00" },
        { -1, "16 01 00" },
        { 1, "16 02 00" },
        { 63, "16 7e 00" },
        { 64, "16 80 01 00" },
        { -65, "16 81 01 00" },
        { INT64_MAX, "16 fe ff ff ff ff ff ff ff ff 01 00" },
        { INT64_MIN, "16 ff ff ff ff ff ff ff ff ff 01 00" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct buf out = BUF_INIT;
        struct thrift_encoder encoder;

        thrift_encode_begin(&encoder, &out);
        thrift_encode_i64(&encoder, 1, vectors[i].value);
        thrift_encode_end(&encoder);
        assert_bytes(&out, vectors[i].hex);
        buf_deinit(&out);
    }
}

static void a_field_far_from_the_last_has_its_id_spelled_out(void **state)
{
    struct buf out = BUF_INIT;
    struct thrift_encoder encoder;

    (void)state;
    thrift_encode_begin(&encoder, &out);
    thrift_encode_i32(&encoder, 1, -1);
    thrift_encode_bool(&encoder, 2, true);
    thrift_encode_bool(&encoder, 17, false); /* 15 on: still in the header */
    thrift_encode_text(&encoder, 33, "ab");  /* 16 on */
    thrift_encode_byte(&encoder, 34, -2);
    thrift_encode_i16(&encoder, 35, 300);
    thrift_encode_end(&encoder);
    assert_bytes(&out, "15 01  11  f2  08 42 02 61 62  13 fe  14 d8 04  00");
    buf_deinit(&out);
}

static void structs_nest_and_count_their_ids_anew(void **state)
{
    struct buf out = BUF_INIT, apart = BUF_INIT;
    struct thrift_encoder encoder, other;

    (void)state;
    thrift_encode_begin(&other, &apart);
    thrift_encode_i32(&other, 3, 1);
    thrift_encode_end(&other);
    thrift_encode_begin(&encoder, &out);
    thrift_encode_i32(&encoder, 4, 1);
    thrift_encode_struct(&encoder, 5);
    thrift_encode_i32(&encoder, 3, 1);
    thrift_encode_end(&encoder);
    thrift_encode_raw(&encoder, 6, buf_span(&apart));
    thrift_encode_i32(&encoder, 7, 1);
    thrift_encode_end(&encoder);
    assert_bytes(&out, "45 02  1c 35 02 00  1c 35 02 00  15 02  00");
    buf_deinit(&out);
    buf_deinit(&apart);
}

static void lists_of_fifteen_and_more_have_their_count_behind(void **state)
{
    struct buf out = BUF_INIT;
    struct thrift_encoder encoder;

    (void)state;
    thrift_encode_begin(&encoder, &out);
    thrift_encode_list(&encoder, 1, THRIFT_TRUE, 2);
    thrift_encode_item_bool(&encoder, true);
    thrift_encode_item_bool(&encoder, false);
    thrift_encode_list(&encoder, 2, THRIFT_I32, 15);
    for (int i = 0; i < 15; i++)
        thrift_encode_item_i32(&encoder, -i);
    thrift_encode_list(&encoder, 3, THRIFT_STRUCT, 1);
    thrift_encode_item_struct(&encoder);
    thrift_encode_i32(&encoder, 1, 5);
    thrift_encode_end(&encoder);
    thrift_encode_list(&encoder, 4, THRIFT_BINARY, 0);
    thrift_encode_list(&encoder, 5, THRIFT_I64, 1);
    thrift_encode_item_i64(&encoder, 5);
    thrift_encode_end(&encoder);
    assert_bytes(&out, "19 21 01 02  19 f5 0f 00 01 03 05 07 09 0b 0d 0f 11 13 15 17 19 1b"
                       "19 1c 15 0a 00  19 08  19 16 0a  00");
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_zigzag_varints),
        cmocka_unit_test(a_field_far_from_the_last_has_its_id_spelled_out),
        cmocka_unit_test(structs_nest_and_count_their_ids_anew),
        cmocka_unit_test(lists_of_fifteen_and_more_have_their_count_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
