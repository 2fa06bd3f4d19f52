// SPDX-License-Identifier: Apache-2.0
/* json_find.c */
#include "core/json_find.h"

#include "lib/test.h"

static const char object[] = " {\"a\" : \"x\\n\\u00e9\", \"n\": -12, \"o\": {\"a\": [1, \"]\"] } ,"
                             "\"f\":1.5,\"big\":9223372036854775808,\"a\":\"second\",\"z\":null} ";

static void a_member_is_found_whole(void **state)
{
    static const struct {
        const char *name, *text;
    } rows[] = {
        { "a", "\"x\\n\\u00e9\"" },
        { "n", "-12" },
        { "o", "{\"a\": [1, \"]\"] }" },
        { "f", "1.5" },
        { "z", "null" },
    };
    struct span value;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(json_find(span_text(object), rows[i].name, &value));
        assert_true(span_equal(value, span_text(rows[i].text)));
    }
    assert_false(json_find(span_text(object), "b", &value));
    assert_false(json_find(SPAN("[]"), "a", &value));
    assert_false(json_find(SPAN("{\"a\":1"), "a", &value));
    assert_false(json_find(SPAN("{\"a\":1}x"), "a", &value));
    assert_false(json_find(SPAN(""), "a", &value));
}

static void texts_and_numbers_are_taken_as_asked(void **state)
{
    struct buf text = BUF_INIT;
    int64_t number = 7;

    (void)state;
    assert_true(json_find_text(span_text(object), "a", &text));
    assert_string_equal(buf_text(&text), "x\n\xc3\xa9");
    assert_true(json_find_text(span_text(object), "n", &text));
    assert_string_equal(buf_text(&text), "-12");
    assert_false(json_find_text(span_text(object), "z", &text));
    assert_int_equal(text.size, 0);
    assert_false(json_find_integer(span_text(object), "f", 0, 9, &number));
    assert_false(json_find_integer(span_text(object), "n", 0, 9, &number));
    assert_false(json_find_integer(span_text(object), "a", 0, 9, &number));
    assert_false(json_find_integer(span_text(object), "big", 0, INT64_MAX, &number));
    assert_int_equal(number, 7);
    assert_true(json_find_integer(span_text(object), "n", -12, 9, &number));
    assert_int_equal(number, -12);
    buf_deinit(&text);
}

static bool take(void *context, struct span element)
{
    struct buf *seen = context;

    buf_printf(seen, "%.*s;", SPAN_ARGS(element));
    return !span_equal(element, SPAN("0"));
}

static void elements_are_visited_in_order(void **state)
{
    struct buf seen = BUF_INIT;

    (void)state;
    assert_true(json_each(SPAN("[1, {\"a\":[2]},\"b\" ]"), take, &seen));
    assert_string_equal(buf_text(&seen), "1;{\"a\":[2]};\"b\";");
    assert_true(json_each(SPAN("[]"), take, &seen));
    assert_false(json_each(SPAN("[0,1]"), take, &seen));
    assert_false(json_each(SPAN("[1"), take, &seen));
    assert_false(json_each(SPAN("{}"), take, &seen));
    buf_deinit(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_is_found_whole),
        cmocka_unit_test(texts_and_numbers_are_taken_as_asked),
        cmocka_unit_test(elements_are_visited_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
