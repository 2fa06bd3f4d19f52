// SPDX-License-Identifier: Apache-2.0
/* Pairs of schemas: what a datum of the writer's is to the reader, or why it is not. */
#include "codec/avro_resolve.h"
#include "codec/avro_decode.h"
#include "codec/avro_json.h"
#include "lib/test.h"
#include "lib/trade_avro.h"

#include <json-c/json.h>

#define RECORD(name, fields)       "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define FIELD(name, type)          "{\"name\":\"" name "\",\"type\":" type "}"
#define DEFAULT(name, type, value) "{\"name\":\"" name "\",\"type\":" type ",\"default\":" value "}"
#define ALIAS(name, type, alias)                                                                   \
    "{\"name\":\"" name "\",\"type\":" type ",\"aliases\":[\"" alias "\"]}"
#define ENUM(name, symbols) "{\"type\":\"enum\",\"name\":\"" name "\",\"symbols\":[" symbols "]}"
#define ENUM_DEFAULT(name, symbols, value)                                                         \
    "{\"type\":\"enum\",\"name\":\"" name "\",\"symbols\":[" symbols "],\"default\":\"" value "\"" \
    "}"
#define FIXED(name, size)   "{\"type\":\"fixed\",\"name\":\"" name "\",\"size\":" size "}"
#define ARRAY(items)        "{\"type\":\"array\",\"items\":" items "}"
#define MAP(values)         "{\"type\":\"map\",\"values\":" values "}"
#define LOGICAL(type, name) "{\"type\":\"" type "\",\"logicalType\":\"" name "\"}"
#define DECIMAL(precision, scale)                                                                  \
    "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":" precision ",\"scale\":" scale \
    "}"

struct fixture {
    struct arena arena;
    const struct avro_schema *writer, *reader, *resolved;
    struct buf datum, json;
};

static void parse(struct fixture *f, const char *writer, const char *reader)
{
    struct err err;

    arena_reset(&f->arena);
    assert_ok(avro_schema_parse(&f->arena, span_text(writer), &f->writer, &err));
    assert_ok(avro_schema_parse(&f->arena, span_text(reader), &f->reader, &err));
}

static void tear_down(struct fixture *f)
{
    arena_deinit(&f->arena);
    buf_deinit(&f->datum);
    buf_deinit(&f->json);
}

/* Encodes by the writer's schema, decodes by the resolved one. */
static int read_as(struct fixture *f, const char *datum, struct err *err)
{
    struct span in;
    int rc;

    buf_clear(&f->datum);
    buf_clear(&f->json);
    trade_avro_put(&f->datum, f->writer, datum);
    in = buf_span(&f->datum);
    rc = avro_json_decode(f->resolved, &in, &f->json, err);
    if (rc == 0)
        assert_int_equal(in.size, 0);
    return rc;
}

static void pairs_that_do_not_resolve_say_where(void **state)
{
    static const struct {
        const char *writer, *reader, *text;
    } cases[] = {
        { "\"long\"", "\"int\"", "the writer has long, the reader int" },
        { "\"double\"", "\"float\"", "the writer has double, the reader float" },
        { "\"int\"", "\"string\"", "the writer has int, the reader string" },
        { "\"string\"", ENUM("E", "\"A\""), "the writer has string, the reader enum E" },
        { "\"null\"", "\"int\"", "the writer has null" },
        { FIXED("F", "3"), FIXED("F", "4"), "the writer has fixed F" },
        { FIXED("F", "3"), FIXED("G", "3"), "the writer has fixed F, the reader fixed G" },
        { FIXED("F", "3"), "\"bytes\"", "the writer has fixed F" },
        { ENUM("E", "\"A\""), ENUM("D", "\"A\""), "the writer has enum E, the reader enum D" },
        { RECORD("R", ""), RECORD("S", ""), "the writer has record R, the reader record S" },
        { ARRAY("\"int\""), ARRAY("\"string\""), "items: the writer has int" },
        { ARRAY("\"int\""), MAP("\"int\""), "the writer has array, the reader map" },
        { "\"int\"", "[\"null\",\"string\"]", "the writer has int, the reader string" },
        { "[\"int\",\"long\"]", "\"string\"", "no branch of the writer's can be read" },
        { RECORD("R", FIELD("a", "\"int\"")), RECORD("R", FIELD("b", "\"int\"")),
          "field b: the writer has none, and it has no default" },
        { RECORD("R", FIELD("a", RECORD("S", FIELD("x", "\"string\"")))),
          RECORD("R", FIELD("a", RECORD("S", FIELD("x", "\"long\"")))),
          "field a: field x: the writer has string, the reader long" },
        { "\"bytes\"", DECIMAL("9", "2"), "the writer has bytes, the reader bytes decimal" },
        { "\"string\"", DECIMAL("9", "2"), "the writer has string" },
        { LOGICAL("long", "time-micros"), LOGICAL("long", "timestamp-micros"), "time-micros" },
        { LOGICAL("int", "date"), LOGICAL("long", "timestamp-micros"), "int date" },
        { LOGICAL("long", "local-timestamp-micros"), LOGICAL("long", "timestamp-micros"),
          "local-timestamp-micros" },
        { "\"int\"", ENUM_DEFAULT("E", "\"A\"", "B"), "the default B is no symbol" },
    };
    struct fixture f = { .arena = ARENA_INIT };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err;

        parse(&f, cases[i].writer, cases[i].reader);
        assert_err(avro_resolve(&f.arena, f.writer, f.reader, &f.resolved, &err), ERR_CORRUPT);
        if (strstr(err.text, cases[i].text) == NULL)
            fail_msg("%zu: %s", i, err.text);
    }
    tear_down(&f);
}

static void defaults_that_are_no_value_of_their_field_are_refused(void **state)
{
    static const char *const bad[][2] = {
        { "\"int\"", "\"1\"" },
        { "\"int\"", "2147483648" },
        { "\"int\"", "1.5" },
        { "\"int\"", "null" },
        { "\"boolean\"", "0" },
        { "\"bytes\"", "\"\xc4\x80\"" }, /* U+0100 is no byte */
        { FIXED("F", "2"), "\"abc\"" },
        { ENUM("E", "\"A\""), "\"B\"" },
        { "[\"null\",\"int\"]", "\"x\"" },
        { ARRAY("\"int\""), "[1,\"2\"]" },
        { MAP("\"int\""), "{\"a\":null}" },
        { MAP("\"int\""), "[]" },
        { RECORD("S", FIELD("x", "\"int\"")), "{}" },
        { RECORD("S", DEFAULT("x", "\"int\"", "\"y\"")), "{\"x\":1}" },
    };
    struct fixture f = { .arena = ARENA_INIT };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char reader[512];
        struct err err;

        snprintf(reader, sizeof(reader), RECORD("R", DEFAULT("a", "%s", "%s")), bad[i][0],
                 bad[i][1]);
        parse(&f, RECORD("R", FIELD("a", "\"int\"")), reader);
        assert_err(avro_resolve(&f.arena, f.writer, f.reader, &f.resolved, &err), ERR_CORRUPT);
        if (strstr(err.text, "default") == NULL)
            fail_msg("%zu: %s", i, err.text);
        parse(&f, reader, RECORD("Q", "")); /* a writer's is nobody's business */
        assert_err(avro_resolve(&f.arena, f.writer, f.reader, &f.resolved, &err), ERR_CORRUPT);
        assert_non_null(strstr(err.text, "the writer has record R"));
    }
    tear_down(&f);
}

static void pairs_that_resolve_give_the_readers_value(void **state)
{
    static const struct {
        const char *writer, *reader, *datum, *json; /* json NULL: the datum is refused */
    } cases[] = {
        { "\"int\"", "\"long\"", "7", "7" },
        { "\"int\"", "\"float\"", "16777217", "16777216.0" },
        { "\"int\"", "\"double\"", "16777217", "16777217.0" },
        { "\"long\"", "\"double\"", "3", "3.0" },
        { "\"float\"", "\"double\"", "0.5", "0.5" },
        { "\"string\"", "\"bytes\"", "\"ab\"", "\"6162\"" },
        { "\"bytes\"", "\"string\"", "\"6162\"", "\"ab\"" },
        { ENUM("E", "\"A\",\"B\""), "\"string\"", "\"B\"", "\"B\"" },
        { ENUM("a.E", "\"A\",\"B\""), ENUM("b.E", "\"B\",\"C\""), "\"B\"", "\"B\"" },
        { ENUM("E", "\"A\",\"B\""), ENUM("E", "\"B\""), "\"A\"", NULL },
        { ENUM("E", "\"A\",\"B\""), ENUM_DEFAULT("E", "\"B\",\"C\"", "C"), "\"A\"", "\"C\"" },
        { FIXED("F", "2"), "{\"type\":\"fixed\",\"name\":\"G\",\"aliases\":[\"F\"],\"size\":2}",
          "\"0102\"", "\"0102\"" },
        { "{\"type\":\"fixed\",\"name\":\"G\",\"aliases\":[\"F\"],\"size\":2}", FIXED("F", "2"),
          "\"0102\"", "\"0102\"" },
        { "{\"type\":\"fixed\",\"name\":\"n.F\",\"size\":1}",
          "{\"type\":\"fixed\",\"name\":\"n.G\",\"aliases\":[\"F\"],\"size\":1}", "\"01\"",
          "\"01\"" },
        /* unions on either side */
        { "\"int\"", "[\"null\",\"long\"]", "7", "7" },
        { "\"int\"", "[\"double\",\"int\"]", "7", "7" },
        { "\"int\"", "[\"double\",\"long\"]", "7", "7.0" },
        { "[\"null\",\"int\"]", "\"long\"", "7", "7" },
        { "[\"null\",\"int\"]", "\"long\"", "null", NULL },
        { "[\"null\",\"int\"]", "[\"long\",\"null\"]", "null", "null" },
        { "[\"int\",\"float\"]", "\"double\"", "{\"int\":7}", "{\"int\":7.0}" },
        { "[\"int\",\"string\"]", "\"long\"", "{\"string\":\"x\"}", NULL },
        { "[\"int\",\"string\"]", "\"long\"", "{\"int\":5}", "5" },
        /* records */
        { RECORD("R", FIELD("a", "\"int\"") "," FIELD("b", "\"string\"")),
          RECORD("R", FIELD("b", "\"bytes\"") "," DEFAULT("c", "\"long\"", "9")),
          "{\"a\":1,\"b\":\"x\"}", "{\"b\":\"78\",\"c\":9}" },
        { RECORD("R", FIELD("a", "\"int\"")), RECORD("R", ALIAS("z", "\"long\"", "a")), "{\"a\":1}",
          "{\"z\":1}" },
        { RECORD("R", ALIAS("px", "\"int\"", "price")), RECORD("R", FIELD("price", "\"long\"")),
          "{\"px\":1}", "{\"price\":1}" },
        /* the field that has the name, and not the one that once had it */
        { RECORD("R", ALIAS("px", "\"int\"", "price") "," FIELD("price", "\"int\"")),
          RECORD("R", FIELD("price", "\"long\"")), "{\"px\":1,\"price\":2}", "{\"price\":2}" },
        { RECORD("R", FIELD("a", "\"int\"") "," FIELD("b", "\"int\"")),
          RECORD("R", ALIAS("b", "\"int\"", "a") "," FIELD("a", "\"int\"")), "{\"a\":1,\"b\":2}",
          "{\"a\":1,\"b\":2}" },
        { RECORD("R", FIELD("a", "\"int\"")),
          RECORD("R", "{\"name\":\"b\",\"type\":\"int\",\"aliases\":[\"a\"],\"default\":5},"
                      "{\"name\":\"c\",\"type\":\"int\",\"aliases\":[\"a\"],\"default\":6}"),
          "{\"a\":1}", "{\"b\":1,\"c\":6}" },
        { RECORD("R", FIELD("a", ARRAY(RECORD("I", FIELD("x", "\"int\""))))),
          RECORD("R", FIELD("a", ARRAY(RECORD("I", DEFAULT("y", "\"string\"", "\"d\"") "," FIELD(
                                                       "x", "\"double\""))))),
          "{\"a\":[{\"x\":1},{\"x\":2}]}",
          "{\"a\":[{\"x\":1.0,\"y\":\"d\"},{\"x\":2.0,\"y\":\"d\"}]}" },
        { MAP("\"int\""), MAP("[\"null\",\"double\"]"), "{\"k\":3}", "{\"k\":3.0}" },
        /* defaults: characters as bytes, a union's later branch, fields of their own */
        { RECORD("R", ""), RECORD("R", DEFAULT("a", "\"bytes\"", "\"\xc3\xbf\\u0000\"")), "{}",
          "{\"a\":\"ff00\"}" },
        { RECORD("R", ""), RECORD("R", DEFAULT("a", "[\"null\",\"int\"]", "5")), "{}",
          "{\"a\":5}" },
        { RECORD("R", ""),
          RECORD("R", DEFAULT("a", RECORD("S", DEFAULT("x", "\"int\"", "4")), "{}")), "{}",
          "{\"a\":{\"x\":4}}" },
        /* decimals and times stay in the writer's scale and unit */
        { DECIMAL("9", "2"), DECIMAL("9", "4"), "\"7b\"", "\"7b\"" },
        { LOGICAL("long", "timestamp-millis"), LOGICAL("long", "timestamp-micros"), "5", "5" },
    };
    struct fixture f = { .arena = ARENA_INIT };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err;
        int rc;

        parse(&f, cases[i].writer, cases[i].reader);
        assert_ok(avro_resolve(&f.arena, f.writer, f.reader, &f.resolved, &err));
        rc = read_as(&f, cases[i].datum, &err);
        if (cases[i].json == NULL)
            assert_true(rc == -1 && err.kind == ERR_REJECT);
        else if (rc != 0 || strcmp(buf_text(&f.json), cases[i].json) != 0)
            fail_msg("%zu: %s", i, rc != 0 ? err.text : buf_text(&f.json));
    }
    tear_down(&f);
}

static void units_are_the_writers_or_else_the_readers(void **state)
{
    static const struct {
        const char *writer, *reader, *logical;
        int32_t scale;
    } cases[] = {
        { LOGICAL("long", "timestamp-millis"), LOGICAL("long", "timestamp-micros"),
          "timestamp-millis", 0 },
        { "\"int\"", LOGICAL("long", "timestamp-micros"), "timestamp-micros", 0 },
        { LOGICAL("int", "time-millis"), LOGICAL("long", "time-micros"), "time-millis", 0 },
        { LOGICAL("long", "timestamp-nanos"), "\"long\"", "timestamp-nanos", 0 },
        { DECIMAL("9", "2"), DECIMAL("38", "18"), "decimal", 2 },
        { DECIMAL("9", "2"), "\"bytes\"", "decimal", 2 },
    };
    struct fixture f = { .arena = ARENA_INIT };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err;

        parse(&f, cases[i].writer, cases[i].reader);
        assert_ok(avro_resolve(&f.arena, f.writer, f.reader, &f.resolved, &err));
        assert_string_equal(f.resolved->logical, cases[i].logical);
        assert_int_equal(f.resolved->scale, cases[i].scale);
    }
    tear_down(&f);
}

/* What is refused in a datum is refused by the program too, with the reason. */
static void a_program_reads_by_the_resolved_schema(void **state)
{
    static const struct avro_wish wishes[] = {
        { .path = "n", .type = AVRO_DOUBLE },    { .path = "e", .type = AVRO_ENUM },
        { .path = "c/x", .type = AVRO_STRING },  { .path = "c", .type = AVRO_RECORD },
        { .path = "gone", .type = AVRO_STRING }, { .path = "o", .type = AVRO_LONG },
        { .path = "d/x", .type = AVRO_LONG },    { .path = "late", .type = AVRO_ARRAY },
    };
    static const struct {
        const char *datum, *text; /* text NULL: it is read */
    } cases[] = {
        { "{\"o\":{\"string\":\"x\"},\"n\":{\"int\":1},\"e\":\"A\",\"more\":\"m\"}",
          "o: the writer has string, the reader long" },
        { "{\"o\":null,\"n\":{\"int\":1},\"e\":\"Z\",\"more\":\"m\"}", "a symbol that the reader" },
        { "{\"o\":null,\"n\":{\"float\":0.5},\"e\":\"B\",\"more\":\"m\"}", NULL },
        { "{\"o\":{\"int\":4},\"n\":{\"int\":16777217},\"e\":\"A\",\"more\":\"m\"}", NULL },
    };
    struct fixture f = { .arena = ARENA_INIT };
    const struct avro_program *program;
    struct avro_cell cell[ARRAY_LEN(wishes)];
    struct err err;

    (void)state;
    parse(
        &f,
        RECORD(
            "R",
            FIELD("o", "[\"null\",\"string\",\"int\"]") "," FIELD(
                "n",
                "[\"int\",\"float\"]") "," FIELD("e",
                                                 ENUM(
                                                     "E",
                                                     "\"A\",\"Z\",\"B\"")) "," FIELD("more",
                                                                                     "\"string\"")),
        RECORD(
            "R",
            FIELD("n", "\"double\"") "," FIELD("e", ENUM("E", "\"B\",\"A\"")) "," DEFAULT(
                "c", RECORD("C", FIELD("x", "\"string\"")),
                "{\"x\":\"dflt\"}") "," DEFAULT("o", "[\"null\",\"long\"]",
                                                "null") "," DEFAULT("d", "[\"null\",\"C\"]",
                                                                    "null") "," DEFAULT("late",
                                                                                        ARRAY(
                                                                                            "\"int"
                                                                                            "\""),
                                                                                        "[1]")));
    assert_ok(avro_resolve(&f.arena, f.writer, f.reader, &f.resolved, &err));
    assert_err(avro_program_compile(&f.arena, f.resolved,
                                    &(struct avro_wish){ "more", NULL, AVRO_STRING, true }, 1,
                                    &program, &err),
               ERR_CORRUPT); /* the reader has no such field */
    assert_err(avro_program_compile(&f.arena, f.resolved,
                                    &(struct avro_wish){ "d/x", NULL, AVRO_LONG, false }, 1,
                                    &program, &err),
               ERR_CORRUPT); /* a text */
    assert_ok(avro_program_compile(&f.arena, f.resolved, wishes, 6, &program, &err));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct span in;
        int rc;

        buf_clear(&f.datum);
        trade_avro_put(&f.datum, f.writer, cases[i].datum);
        in = buf_span(&f.datum);
        rc = avro_program_run(program, &in, cell, &err);
        if (cases[i].text == NULL) {
            assert_ok(rc);
            assert_int_equal(in.size, 0);
            continue;
        }
        assert_int_equal(rc, -1);
        assert_int_equal(err.kind, ERR_REJECT);
        if (strstr(err.text, cases[i].text) == NULL)
            fail_msg("%s", err.text);
    }
    assert_true(cell[0].real == 16777217.0);
    assert_true(span_equal(cell[1].bytes, SPAN("A")));
    assert_true(span_equal(cell[2].bytes, SPAN("dflt")));
    assert_true(span_equal(cell[3].bytes, SPAN("\x08"
                                               "dflt")));
    assert_true(cell[4].is_null);
    assert_false(cell[5].is_null);
    assert_int_equal(cell[5].integer, 4);
    tear_down(&f);
}

/* -- hostile */

/* A record of an enum with `symbols` symbols, and of `fields` more fields that have defaults. */
static void put_wide(struct buf *out, size_t symbols, size_t fields)
{
    buf_put_text(out, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"e\",\"type\":{"
                      "\"type\":\"enum\",\"name\":\"E\",\"symbols\":[");
    for (size_t i = 0; i < symbols; i++)
        buf_printf(out, "%s\"S%d\"", i == 0 ? "" : ",", (int)i);
    buf_put_text(out, "]}}");
    for (size_t i = 0; i < fields; i++)
        buf_printf(out, ",{\"name\":\"f%d\",\"type\":\"E\",\"default\":\"S1\"}", (int)i);
    buf_put_text(out, "]}");
}

static void wide_schemas_resolve_in_good_time(void **state)
{
    struct fixture f = { .arena = ARENA_INIT };
    struct buf writer = BUF_INIT;
    struct buf reader = BUF_INIT;
    struct err err;

    (void)state;
    put_wide(&writer, 60000, 2000);
    put_wide(&reader, 50000, 4000);
    parse(&f, buf_text(&writer), buf_text(&reader));
    assert_ok(avro_resolve(&f.arena, f.writer, f.reader, &f.resolved, &err));
    assert_int_equal(f.resolved->count, 4001);
    assert_null(f.resolved->field[0].schema->symbol[59999]);
    assert_string_equal(f.resolved->field[0].schema->symbol[49999], "S49999");
    assert_int_equal(f.resolved->field[4000].role, AVRO_ROLE_CONSTANT);
    buf_deinit(&writer);
    buf_deinit(&reader);
    tear_down(&f);
}

/* Each record's default is many of the next one's. */
static void defaults_that_multiply_are_refused(void **state)
{
    struct fixture f = { .arena = ARENA_INIT };
    struct buf reader = BUF_INIT;
    struct err err;

    (void)state;
    buf_put_text(&reader, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[");
    for (int level = 0; level < 5; level++) {
        buf_printf(&reader,
                   "{\"name\":\"l%d\",\"default\":{},\"type\":{\"type\":\"record\",\"name\":\"L%"
                   "d\",\"fields\":[",
                   level, level);
        for (int i = 0; i < 8; i++)
            if (level == 0)
                buf_printf(&reader, "%s{\"name\":\"x%d\",\"type\":\"string\",\"default\":\"%0*d\"}",
                           i > 0 ? "," : "", i, 200, i);
            else
                buf_printf(&reader, "%s{\"name\":\"x%d\",\"type\":\"L%d\",\"default\":{}}",
                           i > 0 ? "," : "", i, level - 1);
        buf_printf(&reader, "]}}%s", level < 4 ? "," : "]}");
    }
    parse(&f, RECORD("R", ""), buf_text(&reader));
    assert_err(avro_resolve(&f.arena, f.writer, f.reader, &f.resolved, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.text, "default: too large"));
    buf_deinit(&reader);
    tear_down(&f);
}

static void a_megabyte_of_defaults_is_a_constant_or_refused(void **state)
{
    struct fixture f = { .arena = ARENA_INIT };
    struct buf reader = BUF_INIT;
    struct err err;

    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        buf_clear(&reader);
        buf_put_text(&reader, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[");
        for (int i = 0; i < 8; i++)
            buf_printf(&reader, "%s{\"name\":\"f%d\",\"type\":\"string\",\"default\":\"%0*d\"}",
                       i > 0 ? "," : "", i, 130000, i);
        if (wrong == 1)
            buf_put_text(&reader,
                         ",{\"name\":\"g\",\"type\":{\"type\":\"array\",\"items\":\"int\"},"
                         "\"default\":[1,2,\"3\"]}");
        buf_put_text(&reader, "]}");
        parse(&f, RECORD("R", FIELD("x", "\"int\"")), buf_text(&reader));
        if (wrong == 1) {
            assert_err(avro_resolve(&f.arena, f.writer, f.reader, &f.resolved, &err), ERR_CORRUPT);
            continue;
        }
        assert_ok(avro_resolve(&f.arena, f.writer, f.reader, &f.resolved, &err));
        assert_ok(read_as(&f, "{\"x\":1}", &err));
        assert_in_range(f.json.size, 1040000, 1041000);
    }
    buf_deinit(&reader);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_that_do_not_resolve_say_where),
        cmocka_unit_test(defaults_that_are_no_value_of_their_field_are_refused),
        cmocka_unit_test(pairs_that_resolve_give_the_readers_value),
        cmocka_unit_test(units_are_the_writers_or_else_the_readers),
        cmocka_unit_test(a_program_reads_by_the_resolved_schema),
        cmocka_unit_test(wide_schemas_resolve_in_good_time),
        cmocka_unit_test(defaults_that_multiply_are_refused),
        cmocka_unit_test(a_megabyte_of_defaults_is_a_constant_or_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
