// SPDX-License-Identifier: Apache-2.0
/* ice_schema.c: see the header.  The order of keys is Java's. */
#include "iceberg/ice_schema.h"

#include "iceberg/ice_json.h"
#include "iceberg/ice_transform.h"

static const char *const iceberg_names[] = {
    [PARQUET_BOOL] = "boolean",    [PARQUET_INT] = "int",
    [PARQUET_LONG] = "long",       [PARQUET_DATE] = "date",
    [PARQUET_DECIMAL] = "decimal", [PARQUET_TIMESTAMPTZ] = "timestamptz",
    [PARQUET_STRING] = "string",   [PARQUET_BINARY] = "binary",
    [PARQUET_LIST] = "list",       [PARQUET_MAP] = "map",
};

static const char *const sql_names[] = {
    [PARQUET_BOOL] = "BOOLEAN",  [PARQUET_INT] = "INT",         [PARQUET_LONG] = "BIGINT",
    [PARQUET_DATE] = "DATE",     [PARQUET_DECIMAL] = "DECIMAL", [PARQUET_TIMESTAMPTZ] = "TIMESTAMP",
    [PARQUET_STRING] = "STRING", [PARQUET_BINARY] = "BINARY",   [PARQUET_LIST] = "ARRAY",
    [PARQUET_MAP] = "MAP",
};

static void put_type_text(const struct parquet_field *field, const char *const *names,
                          char text[ICE_TYPE_TEXT_BYTES_MAX])
{
    const char *name = names[field->kind], *string = names[PARQUET_STRING];

    switch (field->kind) {
    case PARQUET_DECIMAL:
        snprintf(text, ICE_TYPE_TEXT_BYTES_MAX, "%s(%d, %d)", name, field->precision, field->scale);
        break;
    case PARQUET_LIST:
        snprintf(text, ICE_TYPE_TEXT_BYTES_MAX, "%s<%s>", name, string);
        break;
    case PARQUET_MAP:
        snprintf(text, ICE_TYPE_TEXT_BYTES_MAX, "%s<%s, %s>", name, string, string);
        break;
    default:
        snprintf(text, ICE_TYPE_TEXT_BYTES_MAX, "%s", name);
        break;
    }
}

void ice_schema_type(const struct parquet_field *field, char text[ICE_TYPE_TEXT_BYTES_MAX])
{
    put_type_text(field, iceberg_names, text);
}

void ice_schema_sql_type(const struct parquet_field *field, char text[ICE_TYPE_TEXT_BYTES_MAX])
{
    put_type_text(field, sql_names, text);
}

static void put_type(const struct parquet_field *field, struct buf *out)
{
    const char *optional = field->child_optional ? "false" : "true";
    char text[ICE_TYPE_TEXT_BYTES_MAX];

    if (field->kind == PARQUET_LIST) {
        buf_printf(out,
                   "{\"type\":\"list\",\"element-id\":%d,\"element\":\"string\","
                   "\"element-required\":%s}",
                   field->child_id[0], optional);
    } else if (field->kind == PARQUET_MAP) {
        buf_printf(out,
                   "{\"type\":\"map\",\"key-id\":%d,\"key\":\"string\",\"value-id\":%d,"
                   "\"value\":\"string\",\"value-required\":%s}",
                   field->child_id[0], field->child_id[1], optional);
    } else {
        ice_schema_type(field, text);
        ice_json_put_text(text, out);
    }
}

void ice_schema_put(const struct ice_definition *definition, struct buf *out)
{
    buf_put_text(out, "{\"type\":\"struct\",\"schema-id\":0,\"fields\":[");
    for (size_t i = 0; i < definition->field_count; i++) {
        const struct parquet_field *field = &definition->field[i];

        buf_printf(out, "%s{\"id\":%d,\"name\":", i == 0 ? "" : ",", field->field_id);
        ice_json_put_text(field->name, out);
        buf_printf(out, ",\"required\":%s,\"type\":", field->required ? "true" : "false");
        put_type(field, out);
        buf_put_byte(out, '}');
    }
    buf_put_text(out, "]}");
}

void ice_schema_put_spec(const struct ice_definition *definition, struct buf *out)
{
    buf_put_text(out, "{\"spec-id\":0,\"fields\":[");
    for (size_t i = 0; i < definition->partition_count; i++) {
        const struct ice_partition_field *part = &definition->partition[i];

        buf_printf(out, "%s{\"name\":", i == 0 ? "" : ",");
        ice_json_put_text(part->name, out);
        buf_printf(out, ",\"transform\":\"%s\",\"source-id\":%d,\"field-id\":%d}",
                   ice_transform_name(part->transform), part->source_id,
                   ICE_PARTITION_ID_FIRST + (int)i);
    }
    buf_put_text(out, "]}");
}

void ice_schema_put_order(const struct ice_definition *definition, struct buf *out)
{
    buf_printf(out, "{\"order-id\":%d,\"fields\":[", definition->sort_count > 0);
    for (size_t i = 0; i < definition->sort_count; i++)
        buf_printf(out,
                   "%s{\"transform\":\"identity\",\"source-id\":%d,\"direction\":\"asc\","
                   "\"null-order\":\"nulls-first\"}",
                   i == 0 ? "" : ",", definition->sort_id[i]);
    buf_put_text(out, "]}");
}

int32_t ice_schema_last_column_id(const struct ice_definition *definition)
{
    int32_t last = 0;

    for (size_t i = 0; i < definition->field_count; i++) {
        const struct parquet_field *field = &definition->field[i];
        int children = field->kind == PARQUET_LIST ? 1 : field->kind == PARQUET_MAP ? 2 : 0;

        last = field->field_id > last ? field->field_id : last;
        for (int c = 0; c < children; c++)
            last = field->child_id[c] > last ? field->child_id[c] : last;
    }
    return last;
}

/* Blanks do not count: both "decimal(18,8)" and "decimal(18, 8)" are written. */
static bool same_type_text(struct span text, const char *expected)
{
    size_t at = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == ' ')
            continue;
        while (expected[at] == ' ')
            at++;
        if (expected[at] == 0 || (uint8_t)expected[at] != text.data[i])
            return false;
        at++;
    }
    return expected[at] == 0;
}

struct nested {
    struct span type; /* "list" or "map" */
    int32_t element_id, key_id, value_id;
    bool element_is_string, key_is_string, value_is_string;
    bool element_required, value_required;
};

static int read_nested_member(struct json *json, const struct json_value *name,
                              const struct json_value *value, struct nested *nested,
                              struct err *err)
{
    if (json_is(name, SPAN("type")) && value->type == JSON_STRING) {
        nested->type = value->text;
        return 0;
    }
    if (json_is(name, SPAN("element-id")))
        return ice_json_int32(value, "element-id", &nested->element_id, err);
    if (json_is(name, SPAN("key-id")))
        return ice_json_int32(value, "key-id", &nested->key_id, err);
    if (json_is(name, SPAN("value-id")))
        return ice_json_int32(value, "value-id", &nested->value_id, err);
    if (json_is(name, SPAN("element-required")))
        return ice_json_bool(value, "element-required", &nested->element_required, err);
    if (json_is(name, SPAN("value-required")))
        return ice_json_bool(value, "value-required", &nested->value_required, err);
    if (json_is(name, SPAN("element")))
        nested->element_is_string = json_is(value, SPAN("string"));
    if (json_is(name, SPAN("key")))
        nested->key_is_string = json_is(value, SPAN("string"));
    if (json_is(name, SPAN("value")))
        nested->value_is_string = json_is(value, SPAN("string"));
    return json_skip(json, value, err);
}

static int match_nested(struct json *json, const struct parquet_field *field, int32_t child_id[2],
                        bool *child_optional, struct err *err)
{
    struct nested nested = { .element_id = -1, .key_id = -1, .value_id = -1 };
    struct json_value name, value;
    int rc;

    while ((rc = json_member(json, &name, &value, err)) == 0) {
        if (read_nested_member(json, &name, &value, &nested, err) < 0)
            return -1;
    }
    if (rc < 0)
        return -1;
    if (field->kind == PARQUET_LIST && span_equal(nested.type, SPAN("list")) &&
        nested.element_is_string && nested.element_id >= 0) {
        child_id[0] = nested.element_id;
        *child_optional = !nested.element_required;
        return 0;
    }
    if (field->kind == PARQUET_MAP && span_equal(nested.type, SPAN("map")) &&
        nested.key_is_string && nested.value_is_string && nested.key_id >= 0 &&
        nested.value_id >= 0) {
        child_id[0] = nested.key_id;
        child_id[1] = nested.value_id;
        *child_optional = !nested.value_required;
        return 0;
    }
    return ICE_SCHEMA_OTHER_TYPE;
}

int ice_schema_read_type(struct span type, const struct parquet_field *field, int32_t child_id[2],
                         bool *child_optional, struct err *err)
{
    char text[ICE_TYPE_TEXT_BYTES_MAX];
    struct json json;
    struct json_value value;

    json_init(&json, type);
    if (json_value(&json, &value, err) < 0)
        return -1;
    if (value.type == JSON_OBJECT)
        return match_nested(&json, field, child_id, child_optional, err);
    if (ice_json_expect(&value, JSON_STRING, "type", err) < 0)
        return -1;
    if (field->kind == PARQUET_LIST || field->kind == PARQUET_MAP)
        return ICE_SCHEMA_OTHER_TYPE;
    ice_schema_type(field, text);
    return same_type_text(value.text, text) ? 0 : ICE_SCHEMA_OTHER_TYPE;
}
