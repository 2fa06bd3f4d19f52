// SPDX-License-Identifier: Apache-2.0
#include "codec/thrift_decode.h"
#include "lib/test.h"
#include "lib/bytes.h"

struct fixture {
    struct buf bytes;
    uint8_t *exact;
    struct thrift_decoder decoder;
};

static void begin(struct fixture *f, const char *hex)
{
    *f = (struct fixture){ .bytes = BUF_INIT };
    bytes_put_hex(&f->bytes, hex);
    f->exact = bytes_exact(buf_span(&f->bytes));
    f->decoder = thrift_decode_begin(span_of(f->exact, f->bytes.size));
}

static void end(struct fixture *f)
{
    free(f->exact);
    buf_deinit(&f->bytes);
}

static void damaged_structs_stop_the_decoder(void **state)
{
    static const struct {
        const char *hex, *problem;
    } cases[] = {
        { "", "too early" },
        { "15 02", "too early" }, /* no stop */
        { "15", "too early" },    /* no value */
        { "15 ff ff ff ff ff ff ff ff ff 7f 00", "64 bits" },
        { "18 05 61 00", "beyond the end" }, /* binary of 5 bytes */
        { "18 ff ff ff ff ff ff ff ff ff 01 00", "beyond the end" },
        { "19 55 02 00", "longer than its bytes" }, /* list of 5 */
        { "19 f5 ff ff ff ff 0f 00", "longer than its bytes" },
        { "19 10 00 00", "longer than its bytes" }, /* a list of stops */
        { "1b ff ff 03 88 00", "longer than its bytes" },
        { "1e 00", "unknown type" },
        { "17 00 00 00 00", "beyond the end" },        /* double of 4 bytes */
        { "05 ff ff 7f 00", "out of" },                /* field id beyond 16 bits */
        { "05 fe ff 03 00 15 00 00", "out of range" }, /* 32767, then + 1 */
        { "1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c",
          "too deeply" },
        { "19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19",
          "too deeply" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        struct thrift_field field;

        begin(&f, cases[i].hex);
        field = thrift_decode_struct(&f.decoder);
        while (thrift_decode_next(&f.decoder, &field))
            ; /* all are skipped */
        assert_non_null(f.decoder.problem);
        if (strstr(f.decoder.problem, cases[i].problem) == NULL)
            fail_msg("%s: %s", cases[i].hex, f.decoder.problem);
        assert_false(thrift_decode_next(&f.decoder, &field));
        end(&f);
    }
}

static void values_of_another_type_are_refused(void **state)
{
    struct fixture f;
    struct thrift_field field, element;

    (void)state;
    begin(&f, "15 02 00"); /* i32 1 */
    field = thrift_decode_struct(&f.decoder);
    assert_true(thrift_decode_next(&f.decoder, &field));
    assert_int_equal(thrift_decode_i64(&f.decoder, &field), 0);
    assert_non_null(f.decoder.problem);
    assert_int_equal(thrift_decode_i32(&f.decoder, &field), 0);
    end(&f);

    begin(&f, "15 80 80 80 80 20 00"); /* 2^32, as an i32 */
    field = thrift_decode_struct(&f.decoder);
    assert_true(thrift_decode_next(&f.decoder, &field));
    assert_int_equal(thrift_decode_i32(&f.decoder, &field), 0);
    assert_non_null(f.decoder.problem);
    end(&f);

    begin(&f, "19 15 02 00"); /* list of one i32 */
    field = thrift_decode_struct(&f.decoder);
    assert_true(thrift_decode_next(&f.decoder, &field));
    assert_int_equal(thrift_decode_list(&f.decoder, &field, THRIFT_STRUCT, &element), 0);
    assert_non_null(f.decoder.problem);
    end(&f);
}

static void fields_are_taken_and_unknown_ones_skipped(void **state)
{
    struct fixture f;
    struct thrift_field field, child, element;

    (void)state;
    /* 1: true, 2: i64 -2, 5: {1: i32 7, 2: "x"}, 6: unknown list of maps, 7: [i32 1, i32 2],
     * 300: "end" */
    begin(&f,
          "11 16 03 3c 15 0e 18 01 78 00 19 1b 01 85 01 6b 04 19 25 02 04 08 d8 04 03 65 6e 64 00");
    field = thrift_decode_struct(&f.decoder);
    assert_true(thrift_decode_next(&f.decoder, &field));
    assert_int_equal(field.id, 1);
    assert_true(thrift_decode_bool(&f.decoder, &field));
    assert_true(thrift_decode_next(&f.decoder, &field));
    assert_int_equal(thrift_decode_i64(&f.decoder, &field), -2);
    assert_true(thrift_decode_next(&f.decoder, &field));
    assert_int_equal(field.id, 5);
    child = thrift_decode_child(&f.decoder, &field);
    assert_true(thrift_decode_next(&f.decoder, &child));
    assert_int_equal(thrift_decode_i32(&f.decoder, &child), 7);
    assert_true(thrift_decode_next(&f.decoder, &child)); /* its text is not taken */
    assert_false(thrift_decode_next(&f.decoder, &child));
    assert_true(thrift_decode_next(&f.decoder, &field));
    assert_int_equal(field.id, 6);
    assert_true(thrift_decode_next(&f.decoder, &field));
    assert_int_equal(field.id, 7);
    assert_int_equal(thrift_decode_list(&f.decoder, &field, THRIFT_I32, &element), 2);
    assert_true(thrift_decode_element(&f.decoder, &element)); /* not taken */
    assert_true(thrift_decode_element(&f.decoder, &element));
    assert_int_equal(thrift_decode_i32(&f.decoder, &element), 2);
    thrift_decode_list_end(&f.decoder, &element);
    assert_true(thrift_decode_next(&f.decoder, &field));
    assert_int_equal(field.id, 300);
    assert_true(span_equal(thrift_decode_binary(&f.decoder, &field), SPAN("end")));
    assert_false(thrift_decode_next(&f.decoder, &field));
    assert_null(f.decoder.problem);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_structs_stop_the_decoder),
        cmocka_unit_test(values_of_another_type_are_refused),
        cmocka_unit_test(fields_are_taken_and_unknown_ones_skipped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
