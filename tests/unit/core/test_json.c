// SPDX-License-Identifier: Apache-2.0
#include "core/json.h"
#include "lib/test.h"

static const char frame[] =
    "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"E\":1723161255343,\"s\":\"BTCUSDT\","
    "\"t\":3735683259,\"p\":\"61837.63000000\",\"q\":\"0.02000000\",\"T\":1723161255342,\"m\":true,"
    "\"M\":true}}";

/* In a block of its own size, so that a read past the end is seen by ASan. */
static int check_copy(struct span text, struct err *err)
{
    uint8_t *copy = malloc(text.size + 1);
    int rc;

    assert_non_null(copy);
    if (text.size > 0)
        memcpy(copy + 1, text.data, text.size);
    rc = json_check(span_of(copy + 1, text.size), err);
    free(copy);
    return rc;
}

/* The must-refuse cases of JSONTestSuite (n_*), shortened, and where each is refused. */
static void what_json_is_not_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        { "", "JSON, byte 0: the text ends where a value was expected" },
        { " ", "JSON, byte 1: the text ends where a value was expected" },
        { "[1 true]", "JSON, byte 3: expected ',' or ']'" },
        { "[\"\": 1]", "JSON, byte 3: expected ',' or ']'" },
        { "[\"\"],", "JSON, byte 4: more behind the value" },
        { "[,1]", "JSON, byte 1: expected a value" },
        { "[1,,2]", "JSON, byte 3: expected a value" },
        { "[\"x\"]]", "JSON, byte 5: more behind the value" },
        { "[\"\",]", "JSON, byte 4: expected a value" },
        { "[\"x\"", "JSON, byte 4: expected ',' or ']'" },
        { "[x", "JSON, byte 1: expected a value" },
        { "[3[4]]", "JSON, byte 2: expected ',' or ']'" },
        { "[1:2]", "JSON, byte 2: expected ',' or ']'" },
        { "[", "JSON, byte 1: the text ends where a value was expected" },
        { "[-]", "JSON, byte 2: a number without a digit" },
        { "[*]", "JSON, byte 1: expected a value" },
        { "[nul]", "JSON, byte 1: expected a value" },
        { "[fals]", "JSON, byte 1: expected a value" },
        { "[tru", "JSON, byte 1: expected a value" },
        { "[True]", "JSON, byte 1: expected a value" },
        { "truefalse", "JSON, byte 4: more behind the value" },
        { "nullx", "JSON, byte 4: more behind the value" },
        { "[++1]", "JSON, byte 1: expected a value" },
        { "[+1]", "JSON, byte 1: expected a value" },
        { "[-01]", "JSON, byte 3: a number with a leading zero" },
        { "[-2.]", "JSON, byte 4: a number without a digit behind its point" },
        { "[.5]", "JSON, byte 1: expected a value" },
        { "[0.1.2]", "JSON, byte 4: expected ',' or ']'" },
        { "[0.e1]", "JSON, byte 3: a number without a digit behind its point" },
        { "[0e]", "JSON, byte 3: a number without a digit in its exponent" },
        { "[0E+]", "JSON, byte 4: a number without a digit in its exponent" },
        { "[0e+-1]", "JSON, byte 4: a number without a digit in its exponent" },
        { "[1 000.0]", "JSON, byte 3: expected ',' or ']'" },
        { "[Infinity]", "JSON, byte 1: expected a value" },
        { "[-Infinity]", "JSON, byte 2: a number without a digit" },
        { "[NaN]", "JSON, byte 1: expected a value" },
        { "[0x42]", "JSON, byte 2: expected ',' or ']'" },
        { "[012]", "JSON, byte 2: a number with a leading zero" },
        { "[1234567.12345*6]", "JSON, byte 14: expected ',' or ']'" },
        { "[12345/7890123]", "JSON, byte 6: expected ',' or ']'" },
        { "[1.34567.901234]", "JSON, byte 8: expected ',' or ']'" },
        { "[1:345678901234]", "JSON, byte 2: expected ',' or ']'" },
        { "[1a]", "JSON, byte 2: expected ',' or ']'" },
        { "{\"a\" \"b\"}", "JSON, byte 5: expected ':' behind a key" },
        { "{\"a\"}", "JSON, byte 4: expected ':' behind a key" },
        { "{a:1}", "JSON, byte 1: expected a key in quotes" },
        { "{1:1}", "JSON, byte 1: expected a key in quotes" },
        { "{'a':0}", "JSON, byte 1: expected a key in quotes" },
        { "{\"a\":}", "JSON, byte 5: expected a value" },
        { "{\"a\":0,}", "JSON, byte 7: expected a key in quotes" },
        { "{\"a\":0,,\"b\":1}", "JSON, byte 7: expected a key in quotes" },
        { "{,}", "JSON, byte 1: expected a key in quotes" },
        { "{\"a\":1 \"b\":2}", "JSON, byte 7: expected ',' or '}'" },
        { "{\"a\":1]", "JSON, byte 6: expected ',' or '}'" },
        { "[1}", "JSON, byte 2: expected ',' or ']'" },
        { "{\"a\":\"b\"}#", "JSON, byte 9: more behind the value" },
        { "{\"a\":/*c*/1}", "JSON, byte 5: expected a value" },
        { "{\"a\"", "JSON, byte 4: expected ':' behind a key" },
        { "{\"a", "JSON, byte 3: the text ends within a string" },
        { "\"", "JSON, byte 1: the text ends within a string" },
        { "\"\\", "JSON, byte 2: the text ends within a string" },
        { "\"\\\"", "JSON, byte 3: the text ends within a string" },
        { "[\"\\x00\"]", "JSON, byte 3: unknown escape in a string" },
        { "[\"\\a\"]", "JSON, byte 3: unknown escape in a string" },
        { "[\"\\u\"]", "JSON, byte 3: \\u without four hexadecimal digits" },
        { "[\"\\u00A\"]", "JSON, byte 3: \\u without four hexadecimal digits" },
        { "[\"\\u00@0\"]", "JSON, byte 3: \\u without four hexadecimal digits" },
        { "[\"\\u00G0\"]", "JSON, byte 3: \\u without four hexadecimal digits" },
        { "[\"\\u12", "JSON, byte 3: \\u without four hexadecimal digits" },
        { "[\"a\nb\"]", "JSON, byte 3: control character in a string" },
        { "[\"12345678\t\"]", "JSON, byte 10: control character in a string" },
        { "[\"1234567\x1f\"]", "JSON, byte 9: control character in a string" },
        { "[\"\x80\"]", "JSON, byte 2: a string that is not UTF-8" },
        { "[\"\xc0\xaf\"]", "JSON, byte 2: a string that is not UTF-8" },
        { "[\"\xe0\x80\xaf\"]", "JSON, byte 2: a string that is not UTF-8" },
        { "[\"\xed\xa0\x80\"]", "JSON, byte 2: a string that is not UTF-8" },
        { "[\"\xf4\x90\x80\x80\"]", "JSON, byte 2: a string that is not UTF-8" },
        { "[\"\xf0\x9f\x98\"]", "JSON, byte 2: a string that is not UTF-8" },
        { "\"\xc3", "JSON, byte 1: a string that is not UTF-8" },
        { "\xef\xbb\xbf{}", "JSON, byte 0: expected a value" },
        { "[\xc2\xa0]", "JSON, byte 1: expected a value" },
        { "[\f1]", "JSON, byte 1: expected a value" },
        { "]", "JSON, byte 0: expected a value" },
        { "{]", "JSON, byte 1: expected a key in quotes" },
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        err = (struct err){ 0 };
        if (check_copy(span_text(cases[i].text), &err) != -1)
            fail_msg("accepted: %s", cases[i].text);
        assert_int_equal(err.kind, ERR_REJECT);
        assert_string_equal(err.text, cases[i].error);
    }
    assert_err(check_copy(span_of("[\"a\0a\"]", 7), &err), ERR_REJECT);
    assert_err(check_copy(span_of("[1]\0", 4), &err), ERR_REJECT);
    assert_err(json_check(span_of(NULL, 0), &err), ERR_REJECT);
}

/* The must-accept cases (y_*). */
static void what_json_is_passes(void **state)
{
    static const char *const cases[] = {
        "[[]   ]",
        "[\"\"]",
        "[]",
        "[\"a\"]",
        "[false]",
        "[null, 1, \"1\", {}]",
        "[null]",
        "[1\n]",
        " [1]",
        "[1,null,null,null,2]",
        "[2] ",
        "[123e65]",
        "[0e+1]",
        "[0e1]",
        "[ 4]",
        "[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]",
        "[20e1]",
        "[-0]",
        "[-123]",
        "[-1]",
        "[1E22]",
        "[1E-2]",
        "[1E+2]",
        "[123e45]",
        "[123.456e78]",
        "[1e-2]",
        "[123456789012345678901234567890123456789012]",
        "{\"asd\":\"sdf\",\"dfg\":\"fgh\"}",
        "{\"a\":\"b\",\"a\":\"c\"}",
        "{}",
        "{\"\":0}",
        "{\"foo\\u0000bar\": 42}",
        "{\"a\":[], \"b\" :\t{\r} }",
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
        "[\"\\u0060\\u012a\\uAbCd\"]",
        "[\"\\uD801\\udc37\"]",
        "[\"\\uD800\"]",
        "[\"\\\\n\"]",
        "[\"a/*b*/c\"]",
        "[\"\x7f\"]",
        "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]",
        "[\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\xe0\xa0\x80\"]",
        "\"x\"",
        "42",
        "-0.1",
        "null",
        "\"\"",
        frame,
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        err = (struct err){ 0 };
        if (check_copy(span_text(cases[i]), &err) != 0)
            fail_msg("refused: %s: %s", cases[i], err.text);
    }
}

static void every_cut_of_a_frame_is_refused(void **state)
{
    struct err err;

    (void)state;
    for (size_t size = 0; size < sizeof(frame) - 1; size++)
        assert_err(check_copy(span_of(frame, size), &err), ERR_REJECT);
}

static void no_changed_byte_reads_past_the_end(void **state)
{
    char text[sizeof(frame)];
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(frame) - 1; i++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, frame, sizeof(frame));
            text[i] = (char)byte;
            if (check_copy(span_of(text, sizeof(frame) - 1), &err) != 0)
                assert_int_equal(err.kind, ERR_REJECT);
        }
    }
}

static void nesting_ends_at_sixty_four(void **state)
{
    char text[1000] = { 0 };
    struct err err;

    (void)state;
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    assert_ok(json_check(span_text(text), &err));
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    assert_err(json_check(span_text(text), &err), ERR_REJECT);
    assert_string_equal(err.text, "JSON, byte 64: nested more than 64 deep");
    memset(text, '[', sizeof(text) - 1);
    assert_err(json_check(span_text(text), &err), ERR_REJECT);
}

static void a_frame_hands_out_its_members_in_order(void **state)
{
    static const struct {
        const char *key, *text;
        enum json_type type;
    } members[] = {
        { "e", "trade", JSON_STRING },
        { "E", "1723161255343", JSON_NUMBER },
        { "s", "BTCUSDT", JSON_STRING },
        { "t", "3735683259", JSON_NUMBER },
        { "p", "61837.63000000", JSON_STRING },
        { "q", "0.02000000", JSON_STRING },
        { "T", "1723161255342", JSON_NUMBER },
        { "m", "true", JSON_TRUE },
        { "M", "true", JSON_TRUE },
    };
    struct json json;
    struct json_value key, value;
    struct err err;

    (void)state;
    json_init(&json, span_text(frame));
    assert_ok(json_value(&json, &value, &err));
    assert_int_equal(value.type, JSON_OBJECT);
    assert_ok(json_member(&json, &key, &value, &err));
    assert_true(json_is(&key, SPAN("stream")) && json_is(&value, SPAN("btcusdt@trade")));
    assert_ok(json_member(&json, &key, &value, &err));
    assert_true(json_is(&key, SPAN("data")) && value.type == JSON_OBJECT);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        assert_ok(json_member(&json, &key, &value, &err));
        assert_true(span_equal(key.text, span_text(members[i].key)));
        assert_true(span_equal(value.text, span_text(members[i].text)));
        assert_int_equal(value.type, members[i].type);
        assert_false(value.escaped);
    }
    assert_int_equal(json_member(&json, &key, &value, &err), JSON_END);
    assert_int_equal(json_member(&json, &key, &value, &err), JSON_END);
    assert_ok(json_finish(&json, &err));
}

static void a_skipped_value_leaves_its_neighbours(void **state)
{
    static const char text[] = "{\"a\":[{\"x\":[1,{}]},[[]]],\"b\":{\"c\":[1,2,3]},\"d\":7}";
    struct json json;
    struct json_value key, value;
    struct err err;

    (void)state;
    json_init(&json, span_text(text));
    assert_ok(json_value(&json, &value, &err));
    assert_ok(json_member(&json, &key, &value, &err));
    assert_ok(json_skip(&json, &value, &err));
    assert_ok(json_member(&json, &key, &value, &err));
    assert_true(json_is(&key, SPAN("b")));
    assert_ok(json_member(&json, &key, &value, &err));
    assert_int_equal(value.type, JSON_ARRAY);
    assert_ok(json_element(&json, &value, &err));
    assert_ok(json_skip(&json, &value, &err)); /* a scalar: nothing to pass over */
    assert_ok(json_element(&json, &value, &err));
    assert_true(span_equal(value.text, SPAN("2")));
    assert_ok(json_element(&json, &value, &err));
    assert_int_equal(json_element(&json, &value, &err), JSON_END);
    assert_int_equal(json_member(&json, &key, &value, &err), JSON_END);
    assert_ok(json_member(&json, &key, &value, &err));
    assert_true(json_is(&key, SPAN("d")) && value.type == JSON_NUMBER);
    assert_err(json_finish(&json, &err), ERR_REJECT);
}

static void after_an_error_the_scanner_only_fails(void **state)
{
    struct json json;
    struct json_value key, value;
    struct err err;

    (void)state;
    json_init(&json, SPAN("{\"a\" 1,\"b\":2}"));
    assert_ok(json_value(&json, &value, &err));
    for (int i = 0; i < 3; i++)
        assert_err(json_member(&json, &key, &value, &err), ERR_REJECT);
    assert_err(json_finish(&json, &err), ERR_REJECT);
}

static struct json_value string_of(const char *text)
{
    struct json json;
    struct json_value value = { 0 };
    struct err err;

    json_init(&json, span_text(text));
    assert_ok(json_value(&json, &value, &err));
    assert_int_equal(value.type, JSON_STRING);
    return value;
}

static void half_a_surrogate_pair_does_not_unescape(void **state)
{
    static const char *const cases[] = {
        "\"\\ud800\"",        "\"\\udc00\"",        "\"\\ud800x\"",       "\"\\ud800\\n\"",
        "\"\\ud800\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud800\\u0041\"", "\"a\\udfff\"",
    };
    struct buf out = BUF_INIT;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_value value = string_of(cases[i]);

        assert_err(json_unescape(&value, &out, &err), ERR_REJECT);
        assert_false(json_is(&value, SPAN("\xed\xa0\x80")));
    }
    buf_deinit(&out);
}

static void escapes_become_utf8(void **state)
{
    static const struct {
        const char *text;
        const char *plain;
    } cases[] = {
        { "\"plain\"", "plain" },
        { "\"\"", "" },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
        { "\"XBT\\u002fUSD\"", "XBT/USD" },
        { "\"\\u00e9\\u20AC\\ud83d\\ude00\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "\"\\ud800\\udc00\\udbff\\udfff\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
        { "\"\xe2\x82\xac\\u0061\"", "\xe2\x82\xac\x61" },
        { "\"\\\\u0061\"", "\\u0061" },
    };
    struct buf out = BUF_INIT;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_value value = string_of(cases[i].text);
        struct span plain = span_text(cases[i].plain);

        buf_clear(&out);
        assert_ok(json_unescape(&value, &out, &err));
        assert_true(span_equal(buf_span(&out), plain));
        assert_true(json_is(&value, plain));
        assert_false(json_is(&value, SPAN("something else")));
        if (plain.size > 0)
            assert_false(json_is(&value, span_of(plain.data, plain.size - 1)));
    }
    buf_deinit(&out);
}

static void what_is_quoted_unescapes_to_itself(void **state)
{
    uint8_t bytes[128];
    struct buf quoted = BUF_INIT, back = BUF_INIT;
    struct json_value value;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    json_quote(span_of(bytes, sizeof(bytes)), &quoted);
    value = string_of(buf_text(&quoted));
    assert_ok(json_unescape(&value, &back, &err));
    assert_true(span_equal(buf_span(&back), span_of(bytes, sizeof(bytes))));
    buf_deinit(&quoted);
    buf_deinit(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_json_is_not_is_refused_with_its_place),
        cmocka_unit_test(what_json_is_passes),
        cmocka_unit_test(every_cut_of_a_frame_is_refused),
        cmocka_unit_test(no_changed_byte_reads_past_the_end),
        cmocka_unit_test(nesting_ends_at_sixty_four),
        cmocka_unit_test(a_frame_hands_out_its_members_in_order),
        cmocka_unit_test(a_skipped_value_leaves_its_neighbours),
        cmocka_unit_test(after_an_error_the_scanner_only_fails),
        cmocka_unit_test(half_a_surrogate_pair_does_not_unescape),
        cmocka_unit_test(escapes_become_utf8),
        cmocka_unit_test(what_is_quoted_unescapes_to_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
