// SPDX-License-Identifier: Apache-2.0
#include "codec/avro_schema.h"
#include "core/buf.h"
#include "lib/bytes.h"
#include "lib/test.h"

static const struct avro_schema *parsed(struct arena *arena, const char *json)
{
    const struct avro_schema *schema = NULL;
    struct err err;

    assert_ok(avro_schema_parse(arena, span_text(json), &schema, &err));
    return schema;
}

static void what_is_no_schema_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *json, *text;
    } cases[] = {
        { "", "0 bytes of schema" },
        { "{", "no JSON" },
        { "\"long\" x", "something stands behind the JSON at byte 7" },
        { "\"long", "no JSON" },
        { "7", "no JSON" },
        { "null", "no JSON" },
        { "[7]", "branch 0: a type was expected" },
        { "\"lung\"", "lung is no type known here" },
        { "[]", "a union without branches" },
        { "[\"null\",\"null\"]", "a union with null twice" },
        { "[\"null\",[\"long\"]]", "a union directly in a union" },
        { "{}", "type: a text was expected" },
        { "{\"type\":\"array\"}", "items: a type was expected" },
        { "{\"type\":\"map\",\"values\":\"x\"}", "values: x is no type known here" },
        { "{\"type\":\"fixed\",\"name\":\"f\"}", "fixed f has no size" },
        { "{\"type\":\"fixed\",\"name\":\"f\",\"size\":-1}", "fixed f has no size" },
        { "{\"type\":\"enum\",\"name\":\"e\"}", "symbols: a list was expected" },
        { "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"A\"]}", "A stands there twice" },
        { "{\"type\":\"enum\",\"symbols\":[\"A\"]}", "enum: a text was expected" },
        { "{\"type\":\"record\",\"name\":\"r\"}", "record r has no list of fields" },
        { "{\"type\":\"record\",\"name\":\"r\",\"fields\":[7]}", "a field that is no object" },
        { "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"\",\"type\":\"int\"}]}",
          "field name: a name of 1 to 1024 bytes" },
        { "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\\u0000b\"}]}",
          "field name: a name of 1 to 1024 bytes" },
        { "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},"
          "{\"name\":\"a\",\"type\":\"int\"}]}",
          "field a stands there twice" },
        { "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":[\"null\","
          "\"r\"]"
          "}]}",
          "avro schema: r: field a: branch 1: r holds itself" },
        { "[{\"type\":\"fixed\",\"name\":\"f\",\"size\":1},"
          "{\"type\":\"fixed\",\"name\":\"f\",\"size\":1}]",
          "f is defined twice" },
    };
    struct arena arena = ARENA_INIT;
    const struct avro_schema *schema = NULL;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_err(avro_schema_parse(&arena, span_text(cases[i].json), &schema, &err), ERR_CORRUPT);
        if (strstr(err.text, cases[i].text) == NULL)
            fail_msg("%s: %s", cases[i].json, err.text);
    }
    arena_deinit(&arena);
}

static void nesting_is_bounded_also_through_references(void **state)
{
    struct arena arena = ARENA_INIT;
    struct buf json = BUF_INIT;
    const struct avro_schema *schema = NULL;
    struct err err;

    (void)state;
    for (int levels = AVRO_DEPTH_MAX - 1; levels <= AVRO_DEPTH_MAX; levels++) {
        buf_clear(&json);
        for (int i = 0; i < levels; i++)
            buf_put_text(&json, "{\"type\":\"array\",\"items\":");
        buf_put_text(&json, "\"int\"");
        for (int i = 0; i < levels; i++)
            buf_put_byte(&json, '}');
        if (levels < AVRO_DEPTH_MAX)
            assert_ok(avro_schema_parse(&arena, buf_span(&json), &schema, &err));
        else
            assert_err(avro_schema_parse(&arena, buf_span(&json), &schema, &err), ERR_CORRUPT);
    }
    buf_clear(&json); /* each record holds the one before: flat as text, 40 deep written out */
    buf_put_text(&json, "{\"type\":\"record\",\"name\":\"all\",\"fields\":["
                        "{\"name\":\"f0\",\"type\":{\"type\":\"record\",\"name\":\"r0\","
                        "\"fields\":[]}}");
    for (int i = 1; i < 40; i++)
        buf_printf(&json,
                   ",{\"name\":\"f%d\",\"type\":{\"type\":\"record\",\"name\":\"r%d\","
                   "\"fields\":[{\"name\":\"x\",\"type\":\"r%d\"}]}}",
                   i, i, i - 1);
    buf_put_text(&json, "]}");
    assert_err(avro_schema_parse(&arena, buf_span(&json), &schema, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.text, "deeper than 32"));
    buf_deinit(&json);
    arena_deinit(&arena);
}

static void schemas_ten_thousand_deep_are_refused(void **state)
{
    static const char *const open[] = { "[", "{\"type\":", "{\"type\":\"array\",\"items\":",
                                        ("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{"
                                         "\"name\":\"f\",\"type\":") };
    static const char *const defaults[] = { "[", "{\"a\":" };
    struct arena arena = ARENA_INIT;
    struct buf json = BUF_INIT;
    const struct avro_schema *schema = NULL;
    struct err err;

    (void)state;
    for (size_t kind = 0; kind < ARRAY_LEN(open); kind++) {
        buf_clear(&json);
        for (int i = 0; i < 10000; i++)
            buf_put_text(&json, open[kind]);
        assert_err(avro_schema_parse(&arena, buf_span(&json), &schema, &err), ERR_CORRUPT);
        assert_non_null(strstr(err.text, "nesting too deep"));
    }
    for (size_t kind = 0; kind < ARRAY_LEN(defaults); kind++) {
        buf_clear(&json);
        buf_put_text(&json, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"f\","
                            "\"type\":\"int\",\"default\":");
        for (int i = 0; i < 10000; i++)
            buf_put_text(&json, defaults[kind]);
        assert_err(avro_schema_parse(&arena, buf_span(&json), &schema, &err), ERR_CORRUPT);
    }
    buf_deinit(&json);
    arena_deinit(&arena);
}

/* 20 records, each holding the one before twice: a million nodes written out. */
static void size_is_bounded_through_references(void **state)
{
    struct arena arena = ARENA_INIT;
    struct buf json = BUF_INIT;
    const struct avro_schema *schema = NULL;
    struct err err;

    (void)state;
    buf_put_text(&json, "{\"type\":\"record\",\"name\":\"all\",\"fields\":["
                        "{\"name\":\"f0\",\"type\":{\"type\":\"record\",\"name\":\"r0\","
                        "\"fields\":[]}}");
    for (int i = 1; i < 20; i++)
        buf_printf(&json,
                   ",{\"name\":\"f%d\",\"type\":{\"type\":\"record\",\"name\":\"r%d\","
                   "\"fields\":[{\"name\":\"x\",\"type\":\"r%d\"},{\"name\":\"y\",\"type\":"
                   "\"r%d\"}]}}",
                   i, i, i - 1, i - 1);
    buf_put_text(&json, "]}");
    assert_err(avro_schema_parse(&arena, buf_span(&json), &schema, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.text, "larger than 65536"));
    buf_deinit(&json);
    arena_deinit(&arena);
}

static void what_iceberg_and_resolution_need_is_kept(void **state)
{
    struct arena arena = ARENA_INIT;
    const struct avro_schema *schema, *map;
    const struct avro_field *field;

    (void)state;
    schema = parsed(&arena, "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
                            "{\"name\":\"m\",\"field-id\":108,\"default\":null,\"aliases\":[\"n\"],"
                            "\"type\":[\"null\",{\"type\":\"array\",\"logicalType\":\"map\","
                            "\"element-id\":9,\"items\":\"long\"}]},"
                            "{\"name\":\"k\",\"type\":{\"type\":\"map\",\"values\":\"bytes\","
                            "\"key-id\":117,\"value-id\":118},\"default\":{\"a/b\": 1.50}},"
                            "{\"name\":\"s\",\"type\":\"string\","
                            "\"default\":\"\\ud836\\udc00 \\u20ac\"}]}");
    assert_int_equal(schema->type, AVRO_RECORD);
    assert_int_equal(schema->count, 3);
    field = avro_schema_field(schema, "m");
    assert_ptr_equal(field, &schema->field[0]);
    assert_int_equal(field->field_id, 108);
    assert_string_equal(field->default_json, "null");
    assert_string_equal(field->aliases[0], "n");
    assert_null(field->aliases[1]);
    map = avro_schema_present(field->schema);
    assert_int_equal(map->type, AVRO_ARRAY);
    assert_string_equal(map->logical, "map");
    assert_int_equal(map->element_id, 9);
    field = avro_schema_field(schema, "k");
    assert_int_equal(field->field_id, -1);
    assert_string_equal(field->default_json, "{\"a/b\":1.50}");
    assert_null(field->aliases[0]);
    assert_int_equal(field->schema->key_id, 117);
    assert_int_equal(field->schema->value_id, 118);
    field = avro_schema_field(schema, "s");
    assert_string_equal(field->default_json, "\"\xf0\x9d\xa0\x80 \xe2\x82\xac\"");
    assert_null(avro_schema_field(schema, "n"));
    arena_deinit(&arena);
}

static void names_are_found_in_their_namespace(void **state)
{
    struct arena arena = ARENA_INIT;
    const struct avro_schema *schema;
    struct err err;

    (void)state;
    schema = parsed(&arena, "{\"type\":\"record\",\"name\":\"a.b.R\",\"fields\":["
                            "{\"name\":\"x\",\"type\":{\"type\":\"fixed\",\"name\":\"F\","
                            "\"size\":4}},"
                            "{\"name\":\"y\",\"type\":\"F\"},{\"name\":\"z\",\"type\":\"a.b.F\"},"
                            "{\"name\":\"w\",\"type\":{\"type\":\"enum\",\"name\":\"E\","
                            "\"namespace\":\"\",\"symbols\":[\"ONE\",\"TWO\"]}},"
                            "{\"name\":\"v\",\"type\":{\"type\":\"string\"}}]}");
    assert_string_equal(schema->name, "a.b.R");
    assert_string_equal(schema->field[0].schema->name, "a.b.F");
    assert_ptr_equal(schema->field[1].schema, schema->field[0].schema);
    assert_ptr_equal(schema->field[2].schema, schema->field[0].schema);
    assert_string_equal(schema->field[3].schema->name, "E");
    assert_string_equal(schema->field[3].schema->symbol[1], "TWO");
    assert_int_equal(schema->field[4].schema->type, AVRO_STRING);
    assert_err(avro_schema_parse(&arena,
                                 SPAN("[{\"type\":\"fixed\",\"name\":\"a.F\",\"size\":1},\"F\"]"),
                                 &schema, &err),
               ERR_CORRUPT);
    arena_deinit(&arena);
}

static void an_invalid_decimal_is_just_bytes(void **state)
{
    static const struct {
        const char *json;
        int precision, scale;
    } cases[] = {
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":38,\"scale\":18}", 38,
          18 },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4}", 4, 0 },
        { "{\"type\":\"fixed\",\"name\":\"f\",\"size\":8,\"logicalType\":\"decimal\","
          "\"precision\":18,\"scale\":8}",
          18, 8 },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":5}", 0, 0 },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":-1}", 0, 0 },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":0}", 0, 0 },
        { "{\"type\":\"bytes\",\"logicalType\":\"decimal\"}", 0, 0 },
        { "{\"type\":\"long\",\"logicalType\":\"decimal\",\"precision\":4}", 0, 0 },
    };
    struct arena arena = ARENA_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct avro_schema *schema = parsed(&arena, cases[i].json);

        assert_int_equal(schema->precision, cases[i].precision);
        assert_int_equal(schema->scale, cases[i].scale);
        assert_int_equal(schema->logical != NULL, cases[i].precision > 0);
    }
    arena_deinit(&arena);
}

static void every_truncation_of_the_trade_schema_is_refused(void **state)
{
    struct arena arena = ARENA_INIT;
    struct buf json = BUF_INIT;
    const struct avro_schema *schema = NULL;
    uint64_t random = 1;
    struct err err;

    (void)state;
    bytes_put_file(&json, K2_SOURCE_DIR "/tests/vectors/avro/trade_v2.avsc");
    assert_ok(avro_schema_parse(&arena, buf_span(&json), &schema, &err));
    assert_int_equal(schema->count, 15);
    for (size_t size = 0; size + 2 < json.size; size++) {
        uint8_t *exact = bytes_exact(span_of(json.data, size));

        assert_err(avro_schema_parse(&arena, span_of(exact, size), &schema, &err), ERR_CORRUPT);
        free(exact);
        arena_reset(&arena);
    }
    for (int i = 0; i < 5000; i++) {
        size_t at = bytes_random(&random) % json.size;
        uint8_t was = json.data[at];

        json.data[at] = (uint8_t)bytes_random(&random);
        if (avro_schema_parse(&arena, buf_span(&json), &schema, &err) != 0)
            assert_int_equal(err.kind, ERR_CORRUPT);
        json.data[at] = was;
        arena_reset(&arena);
    }
    buf_deinit(&json);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_schema_is_refused_with_its_place),
        cmocka_unit_test(nesting_is_bounded_also_through_references),
        cmocka_unit_test(schemas_ten_thousand_deep_are_refused),
        cmocka_unit_test(size_is_bounded_through_references),
        cmocka_unit_test(what_iceberg_and_resolution_need_is_kept),
        cmocka_unit_test(names_are_found_in_their_namespace),
        cmocka_unit_test(an_invalid_decimal_is_just_bytes),
        cmocka_unit_test(every_truncation_of_the_trade_schema_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
