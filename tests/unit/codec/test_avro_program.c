// SPDX-License-Identifier: Apache-2.0
/* What the compiler makes of schemas and wishes, seen through what the program reads. */
#include "codec/avro_decode.h"
#include "codec/avro_encode.h"
#include "lib/trade_avro.h"
#include "lib/test.h"

#define RECORD(name, fields) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define FIELD(name, type)    "{\"name\":\"" name "\",\"type\":" type "}"
#define ID(name, id, type)   "{\"name\":\"" name "\",\"field-id\":" #id ",\"type\":" type "}"
#define OPTIONAL(type)       "[\"null\"," type "]"

struct fixture {
    struct arena arena;
    const struct avro_schema *schema;
    const struct avro_program *program;
    struct buf datum;
    struct avro_cell cell[8];
};

static void set_up(struct fixture *f, const char *schema)
{
    struct err err;

    *f = (struct fixture){ .arena = ARENA_INIT };
    assert_ok(avro_schema_parse(&f->arena, span_text(schema), &f->schema, &err));
}

static void compile(struct fixture *f, const struct avro_wish *wishes, size_t count)
{
    struct err err;

    assert_ok(avro_program_compile(&f->arena, f->schema, wishes, count, &f->program, &err));
}

/* Encodes `json`, runs the program, and requires that it takes the datum to its last byte. */
static void run(struct fixture *f, const char *json)
{
    struct span in;
    struct err err;

    buf_clear(&f->datum);
    trade_avro_put(&f->datum, f->schema, json);
    in = buf_span(&f->datum);
    assert_ok(avro_program_run(f->program, &in, f->cell, &err));
    assert_int_equal(in.size, 0);
}

static void tear_down(struct fixture *f)
{
    buf_deinit(&f->datum);
    arena_deinit(&f->arena);
}

static void assert_text(struct span got, const char *expected)
{
    if (!span_equal(got, span_text(expected)))
        fail_msg("%.*s is not %s", SPAN_ARGS(got), expected);
}

static void a_wish_that_cannot_be_met_is_refused_by_name(void **state)
{
    static const struct {
        struct avro_wish wish;
        const char *text;
    } cases[] = {
        { { .path = "n", .type = AVRO_STRING }, "wish n: the writer has a long, not a string" },
        { { .path = "s", .type = AVRO_LONG }, "wish s: the writer has a string, not a long" },
        { { .path = "s", .type = AVRO_ENUM }, "a string, not a enum" },
        { { .path = "u", .type = AVRO_LONG }, "wish u: the writer has a mixed union, not a long" },
        { { .path = "u/x", .type = AVRO_LONG }, "a mixed union, not a record" },
        { { .path = "n/x", .type = AVRO_LONG }, "a long, not a record" },
        { { .path = "a/x", .type = AVRO_LONG }, "a array, not a record" },
        { { .path = "a", .type = AVRO_MAP }, "a array, not a map" },
        { { .path = "z", .type = AVRO_NULL }, "a null, not a null" },
        { { .path = "q", .type = AVRO_LONG, .required = true }, "the writer has no such field" },
        { { .path = "r/q", .type = AVRO_LONG, .required = true }, "the writer has no such field" },
        { { .path = "", .type = AVRO_LONG }, "a record, not a long" },
    };
    struct fixture f;
    struct err err;

    (void)state;
    set_up(
        &f,
        RECORD(
            "R",
            FIELD("n", "\"long\"") "," FIELD("s", "\"string\"") "," FIELD(
                "u",
                "[\"long"
                "\","
                "\"string"
                "\"]") "," FIELD("z",
                                 "\"null\"") "," FIELD("a",
                                                       "{\"type\":\"array\",\"items\":"
                                                       "\"long\"}") "," FIELD("r",
                                                                              OPTIONAL(RECORD(
                                                                                  "I",
                                                                                  FIELD("x",
                                                                                        "\"int"
                                                                                        "\""))))));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_err(avro_program_compile(&f.arena, f.schema, &cases[i].wish, 1, &f.program, &err),
                   ERR_CORRUPT);
        if (strstr(err.text, cases[i].text) == NULL)
            fail_msg("%s", err.text);
    }
    tear_down(&f);
}

static void a_value_is_wished_for_once(void **state)
{
    static const struct avro_wish twice[] = { { .path = "n", .type = AVRO_LONG },
                                              { .path = "n", .type = AVRO_DOUBLE } };
    struct fixture f;
    struct err err;

    (void)state;
    set_up(&f, RECORD("R", FIELD("n", "\"long\"")));
    assert_err(avro_program_compile(&f.arena, f.schema, twice, 2, &f.program, &err), ERR_FATAL);
    tear_down(&f);
}

static void every_type_is_read_as_what_it_may_be(void **state)
{
    static const struct avro_wish wishes[] = {
        { .path = "i", .type = AVRO_DOUBLE },  { .path = "f", .type = AVRO_DOUBLE },
        { .path = "d", .type = AVRO_DOUBLE },  { .path = "x", .type = AVRO_STRING },
        { .path = "b", .type = AVRO_BOOLEAN }, { .path = "e", .type = AVRO_ENUM },
        { .path = "l", .type = AVRO_DOUBLE },  { .path = "y", .type = AVRO_BYTES },
    };
    struct fixture f;

    (void)state;
    set_up(
        &f,
        RECORD(
            "R",
            FIELD("i", "\"int\"") "," FIELD("f", "\"float\"") "," FIELD("d", "\"double\"") "," FIELD("x", "{\"type\":\"fixed\",\"name\":\"X\",\"size\":3}") "," FIELD(
                "b", "\"boolean\"") "," FIELD("e",
                                              "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":["
                                              "\"A\",\"B\"]"
                                              "}") "," FIELD("l",
                                                             "\"long\"") "," FIELD("y",
                                                                                   "\"bytes\"")));
    compile(&f, wishes, ARRAY_LEN(wishes));
    run(&f, "{\"i\":-3,\"f\":0.5,\"d\":1e300,\"x\":\"616263\",\"b\":true,\"e\":\"B\","
            "\"l\":4611686018427387904,\"y\":\"00ff\"}");
    assert_true(f.cell[0].real == -3.0);
    assert_true(f.cell[1].real == 0.5);
    assert_true(f.cell[2].real == 1e300);
    assert_text(f.cell[3].bytes, "abc");
    assert_int_equal(f.cell[4].integer, 1);
    assert_int_equal(f.cell[5].integer, 1);
    assert_text(f.cell[5].bytes, "B");
    assert_true(f.cell[6].real == 4611686018427387904.0);
    assert_true(span_equal(f.cell[7].bytes, span_of("\0\xff", 2)));
    for (size_t i = 0; i < ARRAY_LEN(wishes); i++) {
        assert_false(f.cell[i].is_null);
        assert_ptr_equal(avro_program_schema(f.program, i), f.schema->field[i].schema);
    }
    tear_down(&f);
}

static void wishes_go_through_records_and_optional_records(void **state)
{
    static const struct avro_wish wishes[] = {
        { .path = "a/b/c", .type = AVRO_LONG }, { .path = "a/b", .type = AVRO_RECORD },
        { .path = "a/s", .type = AVRO_STRING }, { .path = "t", .type = AVRO_LONG },
        { .path = "a/q", .type = AVRO_LONG },   { .path = "w/x/y", .type = AVRO_LONG },
    };
    struct fixture f;

    (void)state;
    set_up(
        &f,
        RECORD(
            "R",
            FIELD(
                "a",
                OPTIONAL(RECORD(
                    "A",
                    FIELD("b",
                          "[" RECORD(
                              "B",
                              FIELD("c", "\"long\"") "," FIELD(
                                  "d",
                                  "\"string\"")) ",\"null\""
                                                 "]") "," FIELD("s",
                                                                "\"string\"")))) "," FIELD("t",
                                                                                           "\"int"
                                                                                           "\"")));
    compile(&f, wishes, ARRAY_LEN(wishes));
    run(&f, "{\"a\":{\"b\":{\"c\":300,\"d\":\"x\"},\"s\":\"yes\"},\"t\":7}");
    assert_int_equal(f.cell[0].integer, 300);
    assert_true(span_equal(f.cell[1].bytes, span_of("\xd8\x04\x02x", 4)));
    assert_text(f.cell[2].bytes, "yes");
    assert_int_equal(f.cell[3].integer, 7);
    for (size_t i = 0; i < 4; i++)
        assert_false(f.cell[i].is_null);
    assert_true(f.cell[4].is_null && f.cell[5].is_null);

    run(&f, "{\"a\":{\"b\":null,\"s\":\"no\"},\"t\":8}");
    assert_true(f.cell[0].is_null && f.cell[1].is_null);
    assert_false(f.cell[2].is_null || f.cell[3].is_null);
    assert_text(f.cell[2].bytes, "no");

    run(&f, "{\"a\":null,\"t\":9}");
    assert_true(f.cell[0].is_null && f.cell[1].is_null && f.cell[2].is_null);
    assert_int_equal(f.cell[3].integer, 9);
    assert_null(avro_program_schema(f.program, 4));
    assert_int_equal(avro_program_schema(f.program, 1)->type, AVRO_RECORD);
    tear_down(&f);
}

static void ids_go_before_names(void **state)
{
    static const int32_t one[] = { 1, 0 }, five[] = { 2, 5, 0 }, status[] = { 0 },
                         nine[] = { 9, 0 };
    static const struct avro_wish wishes[] = {
        { .path = "old", .ids = one, .type = AVRO_LONG },     /* renamed */
        { .path = "r/gone", .ids = five, .type = AVRO_LONG }, /* the name is another's now */
        { .path = "status", .ids = status, .type = AVRO_LONG },
        { .path = "plain", .ids = nine, .type = AVRO_LONG }, /* a field without an id */
        { .path = "named", .ids = status, .type = AVRO_LONG },
    };
    struct fixture f;
    struct err err;

    (void)state;
    set_up(
        &f,
        RECORD(
            "R",
            ID("new", 1, "\"long\"") "," ID("r", 2, RECORD("I", ID("gone", 6, "\"long\""))) "," ID(
                "state", 0, "\"int\"") "," FIELD("plain", "\"int\"")));
    compile(&f, wishes, 4);
    run(&f, "{\"new\":11,\"r\":{\"gone\":12},\"state\":13,\"plain\":14}");
    assert_int_equal(f.cell[0].integer, 11);
    assert_true(f.cell[1].is_null);
    assert_int_equal(f.cell[2].integer, 13);
    assert_int_equal(f.cell[3].integer, 14);
    assert_err(avro_program_compile(
                   &f.arena, f.schema,
                   &(struct avro_wish){
                       .path = "r/gone", .ids = five, .type = AVRO_LONG, .required = true },
                   1, &f.program, &err),
               ERR_CORRUPT);
    tear_down(&f);

    set_up(&f, RECORD("R", ID("named", 7, "\"long\""))); /* 0 also means: by name */
    compile(&f, wishes + 4, 1);
    run(&f, "{\"named\":15}");
    assert_int_equal(f.cell[0].integer, 15);
    tear_down(&f);
}

static void what_is_not_wished_for_is_skipped(void **state)
{
    static const char *const types[][2] = {
        { "\"null\"", "null" },
        { "\"boolean\"", "true" },
        { "\"int\"", "-70000" },
        { "\"long\"", "9000000000" },
        { "\"float\"", "1.5" },
        { "\"double\"", "1.5" },
        { "\"bytes\"", "\"00ff\"" },
        { "\"string\"", "\"text\"" },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":5}", "\"0102030405\"" },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":0}", "\"\"" },
        { "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", "\"B\"" },
        { "[\"null\",\"long\"]", "null" },
        { "[\"null\",\"long\"]", "77" },
        { "[\"long\"]", "77" },
        { "[\"null\"]", "null" },
        { "[\"long\",\"null\",\"double\",\"string\"]", "{\"double\":2}" },
        { "[\"long\",\"null\",\"double\",\"string\"]", "null" },
        { "[\"long\",\"null\",\"double\",\"string\"]", "{\"string\":\"x\"}" },
        { "{\"type\":\"array\",\"items\":\"string\"}", "[]" },
        { "{\"type\":\"array\",\"items\":\"string\"}", "[\"a\",\"\",\"bc\"]" },
        { "{\"type\":\"array\",\"items\":\"double\"}", "[1,2,3]" },
        { "{\"type\":\"array\",\"items\":\"null\"}", "[null,null,null]" },
        { "{\"type\":\"map\",\"values\":\"null\"}", "{\"a\":null}" },
        { "{\"type\":\"map\",\"values\":\"bytes\"}", "{\"a\":\"00\",\"b\":\"\"}" },
        { "{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{\"type\":\"map\","
          "\"values\":[\"int\",\"boolean\"]}}}",
          "[[],[{},{\"k\":{\"int\":1},\"l\":{\"boolean\":true}}],[{}]]" },
        { "{\"type\":\"array\",\"items\":" RECORD(
              "P", FIELD("x", "\"float\"") "," FIELD("y", OPTIONAL("\"float\""))) "}",
          "[{\"x\":1,\"y\":2},{\"x\":1,\"y\":null}]" },
        { RECORD("P", FIELD("x", "\"float\"") "," FIELD("y", "\"double\"")), "{\"x\":1,\"y\":2}" },
        { RECORD("P", ""), "{}" },
    };
    static const struct avro_wish wishes[] = { { .path = "before", .type = AVRO_BOOLEAN },
                                               { .path = "after", .type = AVRO_LONG } };
    char text[1024];
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        snprintf(
            text, sizeof(text),
            RECORD("R",
                   FIELD("f1", "\"float\"") "," FIELD("before", "\"boolean\"") "," FIELD(
                       "f2",
                       "\"double\"") "," FIELD("skipped",
                                               "%s") "," FIELD("f3",
                                                               "\"float\"") "," FIELD("after",
                                                                                      "\"long\"")),
            types[i][0]);
        set_up(&f, text);
        compile(&f, wishes, ARRAY_LEN(wishes));
        snprintf(text, sizeof(text),
                 "{\"f1\":1,\"before\":true,\"f2\":2,\"skipped\":%s,\"f3\":3,\"after\":4711}",
                 types[i][1]);
        run(&f, text);
        assert_int_equal(f.cell[0].integer, 1);
        assert_int_equal(f.cell[1].integer, 4711);
        tear_down(&f);
    }
}

static void an_array_at_the_root_is_the_program_s_first_op(void **state)
{
    static const struct avro_wish wish = { .path = "", .type = AVRO_ARRAY };
    struct fixture f;

    (void)state;
    set_up(&f, "{\"type\":\"array\",\"items\":\"int\"}");
    compile(&f, NULL, 0);
    run(&f, "[1,2,3]");
    compile(&f, &wish, 1);
    run(&f, "[1,2,3]");
    assert_true(span_equal(f.cell[0].bytes, buf_span(&f.datum)));
    tear_down(&f);
}

/* Iceberg's maps: arrays of records {key, value}. */
static void the_items_of_an_array_are_read_by_a_program_of_their_own(void **state)
{
    static const int32_t sizes[] = { 108, 0 }, key[] = { 117, 0 }, value[] = { 118, 0 };
    static const struct avro_wish wishes[] = { { "column_sizes", sizes, AVRO_ARRAY, false } };
    static const struct avro_wish entry[] = { { "key", key, AVRO_LONG, true },
                                              { "value", value, AVRO_LONG, true } };
    const struct avro_program *item;
    const struct avro_schema *array;
    struct avro_cell cell[2];
    struct avro_items items;
    struct fixture f;
    struct err err;
    int64_t n = 0;

    (void)state;
    set_up(&f,
           RECORD("R", ID("column_sizes", 108,
                          OPTIONAL("{\"type\":\"array\",\"logicalType\":\"map\",\"items\":" RECORD(
                              "k117_v118",
                              ID("key", 117, "\"int\"") "," ID("value", 118, "\"long\"")) "}"))));
    compile(&f, wishes, 1);
    array = avro_program_schema(f.program, 0);
    assert_int_equal(array->type, AVRO_ARRAY);
    assert_string_equal(array->logical, "map");
    assert_ok(avro_program_compile(&f.arena, array->branch[0], entry, 2, &item, &err));
    run(&f, "{\"column_sizes\":[{\"key\":1,\"value\":100},{\"key\":2,\"value\":200}]}");
    avro_items_init(&items, f.cell[0].bytes);
    while (avro_items_next(&items, &err) == AVRO_ITEM) {
        assert_ok(avro_program_run(item, &items.rest, cell, &err));
        n++;
        assert_int_equal(cell[0].integer, n);
        assert_int_equal(cell[1].integer, n * 100);
    }
    assert_int_equal(n, 2);
    assert_int_equal(items.rest.size, 0);
    run(&f, "{\"column_sizes\":null}");
    assert_true(f.cell[0].is_null);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wish_that_cannot_be_met_is_refused_by_name),
        cmocka_unit_test(a_value_is_wished_for_once),
        cmocka_unit_test(every_type_is_read_as_what_it_may_be),
        cmocka_unit_test(wishes_go_through_records_and_optional_records),
        cmocka_unit_test(ids_go_before_names),
        cmocka_unit_test(what_is_not_wished_for_is_skipped),
        cmocka_unit_test(an_array_at_the_root_is_the_program_s_first_op),
        cmocka_unit_test(the_items_of_an_array_are_read_by_a_program_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
