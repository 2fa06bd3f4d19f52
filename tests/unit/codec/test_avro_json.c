// SPDX-License-Identifier: Apache-2.0
#include "codec/avro_json.h"
#include "lib/trade_avro.h"
#include "lib/test.h"

#define ENUM  "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}"
#define FIXED "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}"
#define RECORD                                                                                     \
    "{\"type\":\"record\",\"name\":\"n.R\",\"fields\":["                                           \
    "{\"name\":\"x\",\"type\":\"int\"},{\"name\":\"y\",\"type\":[\"null\",\"string\"]}]}"

struct fixture {
    struct arena arena;
    const struct avro_schema *schema;
    struct json_object *json;
    struct buf datum, text;
};

static void set_up(struct fixture *f, const char *schema, const char *json)
{
    struct err err;

    *f = (struct fixture){ .arena = ARENA_INIT };
    assert_ok(avro_schema_parse(&f->arena, span_text(schema), &f->schema, &err));
    f->json = json_tokener_parse(json);
}

static void tear_down(struct fixture *f)
{
    json_object_put(f->json);
    buf_deinit(&f->datum);
    buf_deinit(&f->text);
    arena_deinit(&f->arena);
}

static void what_does_not_fit_the_schema_is_rejected(void **state)
{
    static const struct {
        const char *schema, *json, *text;
    } cases[] = {
        { "\"null\"", "0", "null was expected, not 0" },
        { "\"boolean\"", "1", "boolean was expected, not 1" },
        { "\"int\"", "2147483648", "int was expected" },
        { "\"int\"", "1.0", "int was expected" },
        { "\"long\"", "9223372036854775808", "long was expected" },
        { "\"long\"", "\"1\"", "long was expected" },
        { "\"long\"", "null", "long was expected, not null" },
        { "\"double\"", "\"nan\"", "double was expected" },
        { "\"double\"", "null", "double was expected, not null" },
        { "\"string\"", "1", "string was expected" },
        { "\"bytes\"", "\"abc\"", "bytes was expected" },
        { "\"bytes\"", "\"0g\"", "bytes was expected" },
        { FIXED, "\"010203\"", "F was expected" },
        { ENUM, "\"C\"", "E was expected" },
        { ENUM, "0", "E was expected" },
        { "{\"type\":\"array\",\"items\":\"int\"}", "{}", "array was expected" },
        { "{\"type\":\"array\",\"items\":\"int\"}", "[1,null]", "item 1: int was expected" },
        { "{\"type\":\"map\",\"values\":\"int\"}", "[]", "map was expected" },
        { "{\"type\":\"map\",\"values\":\"int\"}", "{\"k\":\"v\"}", "k: int was expected" },
        { RECORD, "[]", "n.R was expected" },
        { RECORD, "{\"y\":\"a\"}", "json to avro: x: int was expected, not null" },
        { RECORD, "{\"x\":1,\"z\":2}", "z is no field of n.R" },
        { "[\"int\",\"string\"]", "1", "union was expected" },
        { "[\"int\",\"string\"]", "null", "union was expected" },
        { "[\"int\",\"string\"]", "{\"long\":1}", "union was expected" },
        { "[\"int\",\"string\"]", "{\"int\":1,\"string\":\"\"}", "union was expected" },
        { "[\"null\",\"string\"]", "{\"string\":\"a\"}", "string was expected" },
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;

        set_up(&f, cases[i].schema, cases[i].json);
        assert_err(avro_json_encode(f.schema, f.json, &f.datum, &err), ERR_REJECT);
        if (strstr(err.text, cases[i].text) == NULL)
            fail_msg("%s", err.text);
        tear_down(&f);
    }
}

static void values_are_encoded_as_specified_and_come_back(void **state)
{
    static const struct {
        const char *schema, *json, *hex;
    } cases[] = {
        { "\"null\"", "null", "" },
        { "\"boolean\"", "true", "01" },
        { "\"int\"", "-2147483648", "ff ff ff ff 0f" },
        { "\"long\"", "9223372036854775807", "fe ff ff ff ff ff ff ff ff 01" },
        { "\"long\"", "-9223372036854775808", "ff ff ff ff ff ff ff ff ff 01" },
        { "\"float\"", "0.10000000149011612", "cd cc cc 3d" },
        { "\"double\"", "0.10000000000000001", "9a 99 99 99 99 99 b9 3f" },
        { "\"double\"", "-0.0", "00 00 00 00 00 00 00 80" },
        { "\"double\"", "\"-Infinity\"", "00 00 00 00 00 00 f0 ff" },
        { "\"string\"", "\"a\\\"\\\\\\u0000\\u001f\xe2\x82\xac\"", "10 61 22 5c 00 1f e2 82 ac" },
        { "\"bytes\"", "\"00ff7f\"", "06 00 ff 7f" },
        { FIXED, "\"00ff\"", "00 ff" },
        { ENUM, "\"B\"", "02" },
        { "{\"type\":\"array\",\"items\":\"int\"}", "[]", "00" },
        { "{\"type\":\"array\",\"items\":\"int\"}", "[1,2]", "04 02 04 00" },
        { "{\"type\":\"map\",\"values\":\"int\"}", "{}", "00" },
        { "{\"type\":\"map\",\"values\":\"int\"}", "{\"a\":1}", "02 02 61 02 00" },
        { RECORD, "{\"x\":1,\"y\":null}", "02 00" },
        { RECORD, "{\"x\":1,\"y\":\"z\"}", "02 02 02 7a" },
        { "[\"null\"]", "null", "00" },
        { "[\"int\"]", "1", "00 02" },
        { "[\"int\",\"null\"]", "null", "02" },
        { "[\"int\",\"null\",\"string\"]", "null", "02" },
        { "[\"int\",\"null\",\"string\"]", "{\"string\":\"a\"}", "04 02 61" },
        { "[\"int\"," RECORD "]", "{\"n.R\":{\"x\":1,\"y\":null}}", "02 02 00" },
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf expected = BUF_INIT;
        struct fixture f;
        struct span in;

        set_up(&f, cases[i].schema, cases[i].json);
        bytes_put_hex(&expected, cases[i].hex);
        assert_ok(avro_json_encode(f.schema, f.json, &f.datum, &err));
        if (!span_equal(buf_span(&f.datum), buf_span(&expected)))
            fail_msg("%s", cases[i].json);
        buf_put_byte(&f.datum, 0xee);
        in = buf_span(&f.datum);
        assert_ok(avro_json_decode(f.schema, &in, &f.text, &err));
        assert_int_equal(in.size, 1);
        assert_string_equal(buf_text(&f.text), cases[i].json);
        buf_deinit(&expected);
        tear_down(&f);
    }
}

static void a_missing_field_counts_as_null(void **state)
{
    struct fixture f;
    struct span in;
    struct err err;

    (void)state;
    set_up(&f, RECORD, "{\"x\":5}");
    assert_ok(avro_json_encode(f.schema, f.json, &f.datum, &err));
    in = buf_span(&f.datum);
    assert_ok(avro_json_decode(f.schema, &in, &f.text, &err));
    assert_string_equal(buf_text(&f.text), "{\"x\":5,\"y\":null}");
    tear_down(&f);
}

static void the_trade_comes_back(void **state)
{
    struct fixture f;
    struct buf schema = BUF_INIT;
    struct span in;
    struct err err;

    (void)state;
    bytes_put_file(&schema, K2_SOURCE_DIR "/tests/vectors/avro/trade_v2.avsc");
    set_up(&f, buf_text(&schema), trade_avro_json);
    assert_ok(avro_json_encode(f.schema, f.json, &f.datum, &err));
    in = buf_span(&f.datum);
    assert_ok(avro_json_decode(f.schema, &in, &f.text, &err));
    assert_string_equal(buf_text(&f.text), trade_avro_json);
    buf_deinit(&schema);
    tear_down(&f);
}

static void what_is_not_utf_8_is_replaced(void **state)
{
    static const struct {
        const char *hex, *text;
    } cases[] = {
        { "02 ff", "\"\xef\xbf\xbd\"" },
        { "04 c3 28", "\"\xef\xbf\xbd(\"" },
        { "02 e2", "\"\xef\xbf\xbd\"" },
        { "04 e2 82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
        { "04 c0 80", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },                /* overlong */
        { "06 ed a0 80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, /* a surrogate */
        { "08 f0 9f 98 80", "\"\xf0\x9f\x98\x80\"" },
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        struct span in;
        uint8_t *exact;

        set_up(&f, "\"string\"", "null");
        bytes_put_hex(&f.datum, cases[i].hex);
        exact = bytes_exact(buf_span(&f.datum));
        in = span_of(exact, f.datum.size);
        assert_ok(avro_json_decode(f.schema, &in, &f.text, &err));
        assert_string_equal(buf_text(&f.text), cases[i].text);
        free(exact);
        tear_down(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_the_schema_is_rejected),
        cmocka_unit_test(values_are_encoded_as_specified_and_come_back),
        cmocka_unit_test(a_missing_field_counts_as_null),
        cmocka_unit_test(the_trade_comes_back),
        cmocka_unit_test(what_is_not_utf_8_is_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
