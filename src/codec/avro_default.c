// SPDX-License-Identifier: Apache-2.0
/*
 * avro_default.c: the default's JSON and its schema side by side.
 *
 * A union tries one branch after the other, and a short default may stand for a huge one through
 * the defaults of its fields; so the values tried are counted, and the bytes.
 */
#include "codec/avro_default.h"

#include "codec/avro_encode.h"
#include "codec/avro_json.h"

#include <json-c/json.h>

enum { TRIED_MAX = 1 << 20 };

struct encoder {
    struct buf *out;
    size_t size_max;
    size_t tries; /* left */
};

static int encode(struct encoder *e, const struct avro_schema *schema, struct json_object *json,
                  struct err *err);
static int encode_field(struct encoder *e, const struct avro_field *field, struct err *err);

static int unexpected(const struct avro_schema *schema, struct json_object *json, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "default: a %s was expected, not %.40s",
                   avro_schema_type_name(schema->type),
                   json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
}

/* The characters U+0000 to U+00FF of a text as bytes; false when it has others. */
static bool get_latin(struct json_object *json, struct buf *bytes)
{
    const uint8_t *text = (const uint8_t *)json_object_get_string(json);
    size_t size = (size_t)json_object_get_string_len(json);

    for (size_t i = 0; i < size; i++) {
        if (text[i] < 0x80)
            buf_put_byte(bytes, text[i]);
        else if ((text[i] & 0xfc) == 0xc0 && i + 1 < size) {
            buf_put_byte(bytes, (uint8_t)(text[i] << 6 | (text[i + 1] & 0x3f)));
            i++;
        } else
            return false;
    }
    return true;
}

static int encode_bytes(struct encoder *e, const struct avro_schema *schema,
                        struct json_object *json, struct err *err)
{
    struct buf bytes = BUF_INIT;
    int rc = -1;

    if (!json_object_is_type(json, json_type_string) || !get_latin(json, &bytes) ||
        (schema->type == AVRO_FIXED && bytes.size != schema->fixed_size)) {
        unexpected(schema, json, err);
        goto out;
    }
    if (schema->type == AVRO_BYTES)
        avro_put_long(e->out, (int64_t)bytes.size);
    buf_put_span(e->out, buf_span(&bytes));
    rc = 0;
out:
    buf_deinit(&bytes);
    return rc;
}

static int encode_record(struct encoder *e, const struct avro_schema *schema,
                         struct json_object *json, struct err *err)
{
    if (!json_object_is_type(json, json_type_object))
        return unexpected(schema, json, err);
    for (size_t i = 0; i < schema->count; i++) {
        const struct avro_field *field = &schema->field[i];
        struct json_object *value;
        int rc;

        if (json_object_object_get_ex(json, field->name, &value))
            rc = encode(e, field->schema, value, err);
        else if (field->default_json != NULL)
            rc = encode_field(e, field, err);
        else
            rc = err_set(err, ERR_CORRUPT, "default: missing, and it has none of its own");
        if (rc < 0)
            return err_wrap(err, "%s", field->name);
    }
    return 0;
}

static int encode_array(struct encoder *e, const struct avro_schema *schema,
                        struct json_object *json, struct err *err)
{
    size_t count;

    if (!json_object_is_type(json, json_type_array))
        return unexpected(schema, json, err);
    count = json_object_array_length(json);
    if (count > 0)
        avro_put_long(e->out, (int64_t)count);
    for (size_t i = 0; i < count; i++)
        if (encode(e, schema->branch[0], json_object_array_get_idx(json, i), err) < 0)
            return err_wrap(err, "item %zu", i);
    avro_put_long(e->out, 0);
    return 0;
}

static int encode_map(struct encoder *e, const struct avro_schema *schema, struct json_object *json,
                      struct err *err)
{
    if (!json_object_is_type(json, json_type_object))
        return unexpected(schema, json, err);
    if (json_object_object_length(json) > 0)
        avro_put_long(e->out, json_object_object_length(json));
    json_object_object_foreach(json, key, value)
    {
        avro_put_bytes(e->out, span_text(key));
        if (encode(e, schema->branch[0], value, err) < 0)
            return err_wrap(err, "%s", key);
    }
    avro_put_long(e->out, 0);
    return 0;
}

static int encode_union(struct encoder *e, const struct avro_schema *schema,
                        struct json_object *json, struct err *err)
{
    size_t begin = e->out->size;

    for (size_t i = 0; i < schema->count; i++) {
        avro_put_long(e->out, (int64_t)i);
        if (encode(e, schema->branch[i], json, err) == 0)
            return 0;
        e->out->size = begin;
    }
    return unexpected(schema, json, err);
}

static int encode(struct encoder *e, const struct avro_schema *schema, struct json_object *json,
                  struct err *err)
{
    int rc;

    if (e->tries == 0 || e->out->size > e->size_max)
        return err_set(err, ERR_CORRUPT, "default: too large");
    e->tries--;
    switch (schema->type) {
    case AVRO_BYTES:
    case AVRO_FIXED:
        rc = encode_bytes(e, schema, json, err);
        break;
    case AVRO_RECORD:
        return encode_record(e, schema, json, err);
    case AVRO_ARRAY:
        return encode_array(e, schema, json, err);
    case AVRO_MAP:
        return encode_map(e, schema, json, err);
    case AVRO_UNION:
        return encode_union(e, schema, json, err);
    default:
        rc = avro_json_encode(schema, json, e->out, err);
        if (rc < 0)
            rc = unexpected(schema, json, err);
    }
    if (rc == 0 && e->out->size > e->size_max)
        return err_set(err, ERR_CORRUPT, "default: too large");
    return rc;
}

static int encode_field(struct encoder *e, const struct avro_field *field, struct err *err)
{
    struct json_tokener *tokener = json_tokener_new_ex(4 * AVRO_DEPTH_MAX);
    struct json_object *json;
    int rc = -1;

    ASSERT(tokener != NULL);
    json = json_tokener_parse_ex(tokener, field->default_json, -1);
    if (json_tokener_get_error(tokener) != json_tokener_success)
        err_set(err, ERR_CORRUPT, "default: no JSON: %.40s", field->default_json);
    else
        rc = encode(e, field->schema, json, err);
    json_object_put(json);
    json_tokener_free(tokener);
    return rc;
}

int avro_default_encode(const struct avro_field *field, size_t bytes_max, struct buf *out,
                        struct err *err)
{
    struct encoder e = { out, out->size + bytes_max, TRIED_MAX };

    return encode_field(&e, field, err);
}
