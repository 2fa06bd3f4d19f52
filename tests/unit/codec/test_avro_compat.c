// SPDX-License-Identifier: Apache-2.0
/* Pairs of schemas, last and next: which may follow, and what is said of those that may not. */
#include "codec/avro_compat.h"
#include "lib/test.h"

#define RECORD(fields)             "{\"type\":\"record\",\"name\":\"T\",\"fields\":[" fields "]}"
#define FIELD(name, type)          "{\"name\":\"" name "\",\"type\":" type "}"
#define DEFAULT(name, type, value) "{\"name\":\"" name "\",\"type\":" type ",\"default\":" value "}"
#define ALIAS(name, type, alias)                                                                   \
    "{\"name\":\"" name "\",\"type\":" type ",\"aliases\":[\"" alias "\"]}"
#define ENUM(symbols)            "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[" symbols "]}"
#define LOGICAL(type, name)      "{\"type\":\"" type "\",\"logicalType\":\"" name "\"}"
#define DECIMAL(type, precision) DECIMAL_SCALED(type, precision, "18")
#define DECIMAL_SCALED(type, precision, scale)                                                     \
    "{\"type\":\"" type "\",\"logicalType\":\"decimal\",\"precision\":" precision                  \
    ",\"scale\":" scale "}"

struct pair {
    const char *last, *next, *text; /* text: what the refusal holds */
};

static void what_may_not_follow_is_refused_with_its_place(void **state)
{
    static const struct pair pairs[] = {
        { "\"int\"", "\"string\"", "int cannot be read as string" },
        { "\"long\"", "\"int\"", "long cannot be read as int" },
        { "\"double\"", "\"float\"", "double" },
        { RECORD(FIELD("a", "\"int\"")), RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\"")),
          "field b is new and has no default" },
        { RECORD(FIELD("a", "\"int\"")), RECORD(FIELD("a", "\"string\"")), "field a: " },
        { RECORD(FIELD("a", "\"int\"")), RECORD(FIELD("b", "\"int\"")), "field b is new" },
        /* the writer's alias, which avro_resolve takes, is nothing to other readers */
        { RECORD(ALIAS("b", "\"int\"", "a")), RECORD(FIELD("a", "\"int\"")), "field a is new" },
        { RECORD(FIELD("a", "[\"null\",\"int\"]")), RECORD(FIELD("a", "\"int\"")),
          "null cannot be read as int" },
        { "[\"null\",\"string\",\"int\"]", "[\"null\",\"string\"]", "int" },
        { ENUM("\"A\",\"B\""), ENUM("\"A\""), "enum E has lost B" },
        { ENUM("\"A\""), "\"string\"", "enum E" },
        { ENUM("\"A\""), "{\"type\":\"enum\",\"name\":\"F\",\"symbols\":[\"A\"]}", "enum F" },
        { "{\"type\":\"fixed\",\"name\":\"X\",\"size\":4}",
          "{\"type\":\"fixed\",\"name\":\"X\",\"size\":5}", "fixed X" },
        { DECIMAL("bytes", "38"), DECIMAL_SCALED("bytes", "38", "8"),
          "bytes decimal(38,18) cannot be read as bytes decimal(38,8)" },
        { DECIMAL("bytes", "38"), DECIMAL("bytes", "30"), "decimal(30,18)" },
        { "\"bytes\"", DECIMAL("bytes", "38"), "bytes cannot be read as bytes decimal" },
        { LOGICAL("long", "timestamp-millis"), LOGICAL("long", "timestamp-micros"), "millis" },
        { "{\"type\":\"array\",\"items\":\"long\"}", "{\"type\":\"array\",\"items\":\"int\"}",
          "items: " },
        { "{\"type\":\"map\",\"values\":\"long\"}", "{\"type\":\"array\",\"items\":\"long\"}",
          "map" },
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        assert_err(avro_compat_backward(span_text(pairs[i].last), span_text(pairs[i].next), &err),
                   ERR_REFUSED);
        if (strstr(err.text, pairs[i].text) == NULL)
            fail_msg("%zu: \"%s\" lacks \"%s\"", i, err.text, pairs[i].text);
    }
}

static void what_old_records_can_be_read_by_may_follow(void **state)
{
    static const struct pair pairs[] = {
        { "\"int\"", "\"long\"", "" },
        { "\"int\"", "[\"null\",\"double\"]", "" },
        { "\"string\"", "\"bytes\"", "" },
        { "[\"null\",\"int\"]", "[\"string\",\"long\",\"null\"]", "" },
        { "[\"int\"]", "\"int\"", "" },
        { RECORD(FIELD("a", "\"int\"")),
          RECORD(FIELD("a", "\"long\"") "," DEFAULT("b", "\"string\"", "\"\"")), "" },
        { RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\"")), RECORD(FIELD("b", "\"int\"")),
          "" },
        { RECORD(FIELD("a", "\"int\"")), RECORD(ALIAS("b", "\"int\"", "a")), "" },
        { "{\"type\":\"record\",\"name\":\"x.T\",\"fields\":[]}", RECORD(""), "" },
        { ENUM("\"A\""), ENUM("\"B\",\"A\""), "" },
        { ENUM("\"A\",\"B\""),
          "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"],\"default\":\"A\"}", "" },
        { DECIMAL("bytes", "38"), DECIMAL("bytes", "38"), "" },
        { DECIMAL("bytes", "38"), "\"bytes\"", "" },
        { "\"long\"", LOGICAL("long", "timestamp-micros"), "" },
        { "{\"type\":\"map\",\"values\":\"int\"}", "{\"type\":\"map\",\"values\":\"long\"}", "" },
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        assert_ok(avro_compat_backward(span_text(pairs[i].last), span_text(pairs[i].next), &err));
}

static void what_is_no_schema_is_no_schema(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "\"integer\"",
        RECORD(FIELD("a", "\"b\"")),
        RECORD(DEFAULT("a", "\"int\"", "\"text\"")),
        "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"],\"default\":\"B\"}",
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_err(avro_compat_check(span_text(texts[i]), &err), ERR_CORRUPT);
        assert_err(avro_compat_backward(SPAN("\"int\""), span_text(texts[i]), &err), ERR_CORRUPT);
    }
    assert_err(avro_compat_backward(SPAN("\"integer\""), SPAN("\"int\""), &err), ERR_CORRUPT);
    assert_non_null(strstr(err.text, "the subject's last schema"));
    assert_ok(avro_compat_check(SPAN("\"int\""), &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_not_follow_is_refused_with_its_place),
        cmocka_unit_test(what_old_records_can_be_read_by_may_follow),
        cmocka_unit_test(what_is_no_schema_is_no_schema),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
