// SPDX-License-Identifier: Apache-2.0
/*
 * avro_json.c: walks schema and value side by side, recursively: a schema is at most AVRO_DEPTH_MAX
 * deep.  Values that take no byte are counted while decoding, because a few bytes can ask for any
 * number of them.
 */
#include "codec/avro_json.h"

#include "codec/avro_decode.h"
#include "codec/avro_encode.h"
#include "core/utf8.h"

#include <json-c/json.h>
#include <math.h>

struct decoder {
    struct span in;
    struct buf *out;
    size_t empty; /* values of no size that may still come */
};

static const char *branch_name(const struct avro_schema *schema)
{
    return schema->name != NULL ? schema->name : avro_schema_type_name(schema->type);
}

/* The number of the branch with this name, or count. */
static size_t find_branch(const struct avro_schema *schema, const char *name)
{
    size_t i = 0;

    while (i < schema->count && strcmp(branch_name(schema->branch[i]), name) != 0)
        i++;
    return i;
}

static int unexpected(const struct avro_schema *schema, struct json_object *json, struct err *err)
{
    return err_set(err, ERR_REJECT, "%s was expected, not %.40s", branch_name(schema),
                   json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
}

/* A whole number of 64 bits; json-c clamps what is larger. */
static bool integer_of(struct json_object *json, int64_t *out)
{
    if (!json_object_is_type(json, json_type_int) || json_object_get_uint64(json) > INT64_MAX)
        return false;
    *out = json_object_get_int64(json);
    return true;
}

static bool real_of(struct json_object *json, double *out)
{
    static const struct {
        const char *text;
        double value;
    } names[] = { { "NaN", NAN }, { "Infinity", INFINITY }, { "-Infinity", -INFINITY } };

    if (json_object_is_type(json, json_type_double) || json_object_is_type(json, json_type_int)) {
        *out = json_object_get_double(json);
        return true;
    }
    for (size_t i = 0; json != NULL && i < ARRAY_LEN(names); i++) {
        if (strcmp(json_object_get_string(json), names[i].text) == 0) {
            *out = names[i].value;
            return true;
        }
    }
    return false;
}

static bool put_real(const struct avro_schema *schema, struct json_object *json, struct buf *out)
{
    double value;
    float single;

    if (!real_of(json, &value))
        return false;
    if (schema->type == AVRO_DOUBLE) {
        avro_put_double(out, value);
        return true;
    }
    single = (float)value;
    buf_put(out, &single, sizeof(single));
    return true;
}

static int nibble_of(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* bytes and fixed. */
static bool put_hex(const struct avro_schema *schema, struct json_object *json, struct buf *out)
{
    const char *text;
    size_t size;

    if (!json_object_is_type(json, json_type_string))
        return false;
    text = json_object_get_string(json);
    size = (size_t)json_object_get_string_len(json) / 2;
    if ((size_t)json_object_get_string_len(json) != 2 * size)
        return false;
    if (schema->type == AVRO_FIXED && size != schema->fixed_size)
        return false;
    if (schema->type == AVRO_BYTES)
        avro_put_long(out, (int64_t)size);
    for (size_t i = 0; i < size; i++) {
        int high = nibble_of(text[2 * i]);
        int low = nibble_of(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        buf_put_byte(out, (uint8_t)(high << 4 | low));
    }
    return true;
}

static bool put_symbol(const struct avro_schema *schema, struct json_object *json, struct buf *out)
{
    for (size_t i = 0; json_object_is_type(json, json_type_string) && i < schema->count; i++) {
        if (strcmp(schema->symbol[i], json_object_get_string(json)) == 0) {
            avro_put_long(out, (int64_t)i);
            return true;
        }
    }
    return false;
}

static bool put_leaf(const struct avro_schema *schema, struct json_object *json, struct buf *out)
{
    int64_t integer;

    switch (schema->type) {
    case AVRO_NULL:
        return json == NULL;
    case AVRO_BOOLEAN:
        if (!json_object_is_type(json, json_type_boolean))
            return false;
        avro_put_boolean(out, json_object_get_boolean(json) != 0);
        return true;
    case AVRO_INT:
    case AVRO_LONG:
        if (!integer_of(json, &integer))
            return false;
        avro_put_long(out, integer);
        return schema->type == AVRO_LONG || integer == (int32_t)integer;
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
        return put_real(schema, json, out);
    case AVRO_STRING:
        if (!json_object_is_type(json, json_type_string))
            return false;
        avro_put_bytes(
            out, span_of(json_object_get_string(json), (size_t)json_object_get_string_len(json)));
        return true;
    case AVRO_ENUM:
        return put_symbol(schema, json, out);
    default:
        return put_hex(schema, json, out);
    }
}

static int encode(const struct avro_schema *schema, struct json_object *json, struct buf *out,
                  struct err *err);

static int encode_record(const struct avro_schema *schema, struct json_object *json,
                         struct buf *out, struct err *err)
{
    int found = 0;

    for (size_t i = 0; i < schema->count; i++) {
        struct json_object *value = NULL;

        found += json_object_object_get_ex(json, schema->field[i].name, &value) != 0;
        if (encode(schema->field[i].schema, value, out, err) < 0)
            return err_wrap(err, "%s", schema->field[i].name);
    }
    if (found == json_object_object_length(json))
        return 0;
    json_object_object_foreach(json, name, value)
    {
        (void)value;
        if (avro_schema_field(schema, name) == NULL)
            return err_set(err, ERR_REJECT, "%s is no field of %s", name, schema->name);
    }
    return 0;
}

static int encode_array(const struct avro_schema *schema, struct json_object *json, struct buf *out,
                        struct err *err)
{
    size_t count = json_object_array_length(json);

    if (count > 0)
        avro_put_long(out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        if (encode(schema->branch[0], json_object_array_get_idx(json, i), out, err) < 0)
            return err_wrap(err, "item %zu", i);
    }
    avro_put_long(out, 0);
    return 0;
}

static int encode_map(const struct avro_schema *schema, struct json_object *json, struct buf *out,
                      struct err *err)
{
    if (json_object_object_length(json) > 0)
        avro_put_long(out, json_object_object_length(json));
    json_object_object_foreach(json, key, value)
    {
        avro_put_bytes(out, span_text(key));
        if (encode(schema->branch[0], value, out, err) < 0)
            return err_wrap(err, "%s", key);
    }
    avro_put_long(out, 0);
    return 0;
}

static int encode_union(const struct avro_schema *schema, struct json_object *json, struct buf *out,
                        struct err *err)
{
    const struct avro_schema *present = avro_schema_present(schema);
    size_t branch = schema->count;

    if (json == NULL) {
        branch = find_branch(schema, "null");
    } else if (present != NULL) {
        branch = find_branch(schema, branch_name(present));
    } else if (json_object_is_type(json, json_type_object) &&
               json_object_object_length(json) == 1) {
        json_object_object_foreach(json, name, value)
        {
            branch = find_branch(schema, name);
            json = value;
        }
    }
    if (branch == schema->count)
        return unexpected(schema, json, err);
    avro_put_long(out, (int64_t)branch);
    return encode(schema->branch[branch], json, out, err);
}

static int encode(const struct avro_schema *schema, struct json_object *json, struct buf *out,
                  struct err *err)
{
    enum json_type type = json_object_get_type(json);

    switch (schema->type) {
    case AVRO_UNION:
        return encode_union(schema, json, out, err);
    case AVRO_RECORD:
        return type == json_type_object ? encode_record(schema, json, out, err)
                                        : unexpected(schema, json, err);
    case AVRO_ARRAY:
        return type == json_type_array ? encode_array(schema, json, out, err)
                                       : unexpected(schema, json, err);
    case AVRO_MAP:
        return type == json_type_object ? encode_map(schema, json, out, err)
                                        : unexpected(schema, json, err);
    default:
        return put_leaf(schema, json, out) ? 0 : unexpected(schema, json, err);
    }
}

int avro_json_encode(const struct avro_schema *schema, struct json_object *json, struct buf *out,
                     struct err *err)
{
    return encode(schema, json, out, err) < 0 ? err_wrap(err, "json to avro") : 0;
}

static void put_text(struct buf *out, struct span text)
{
    buf_put_byte(out, '"');
    for (size_t i = 0; i < text.size;) {
        size_t size = utf8_size(text.data + i, text.data + text.size);

        if (size == 0)
            buf_put_text(out, "\xef\xbf\xbd");
        else if (text.data[i] < 0x20)
            buf_printf(out, "\\u%04x", text.data[i]);
        else if (text.data[i] == '"' || text.data[i] == '\\')
            buf_printf(out, "\\%c", text.data[i]);
        else
            buf_put(out, text.data + i, size);
        i += size_max(size, 1);
    }
    buf_put_byte(out, '"');
}

static void put_bytes(struct buf *out, struct span bytes)
{
    static const char digits[] = "0123456789abcdef";

    buf_put_byte(out, '"');
    for (size_t i = 0; i < bytes.size; i++) {
        buf_put_byte(out, (uint8_t)digits[bytes.data[i] >> 4]);
        buf_put_byte(out, (uint8_t)digits[bytes.data[i] & 15]);
    }
    buf_put_byte(out, '"');
}

/* As many digits as bring the number back, a float's too when it is read as a double; a point, so
 * that -0 stays one. */
static void put_number(struct buf *out, double value)
{
    size_t begin = out->size;

    if (isnan(value)) {
        buf_put_text(out, "\"NaN\"");
    } else if (isinf(value)) {
        buf_put_text(out, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    } else {
        buf_printf(out, "%.17g", value);
        if (strpbrk(buf_text(out) + begin, ".e") == NULL)
            buf_put_text(out, ".0");
    }
}

static int cut_short(const struct avro_schema *schema, struct err *err)
{
    return err_set(err, ERR_REJECT, "cut short, or no %s", branch_name(schema));
}

static int get_choice(struct decoder *d, const struct avro_schema *schema, size_t *out,
                      struct err *err)
{
    int64_t n;

    if (avro_get_long(&d->in, &n, err) < 0)
        return -1;
    if (n < 0 || (uint64_t)n >= schema->count)
        return err_set(err, ERR_REJECT, "%lld is none of the %zu of %s", (long long)n,
                       schema->count, branch_name(schema));
    *out = (size_t)n;
    return 0;
}

static int get_raw(struct decoder *d, const struct avro_schema *schema, size_t size,
                   struct span *out, struct err *err)
{
    if (d->in.size < size)
        return cut_short(schema, err);
    *out = span_of(d->in.data, size);
    if (size > 0)
        d->in = span_of(d->in.data + size, d->in.size - size);
    return 0;
}

static int decode_number(struct decoder *d, const struct avro_schema *schema, struct err *err)
{
    struct span raw = { NULL, 0 };
    int64_t integer;
    double real;
    float single;

    switch (schema->type) {
    case AVRO_BOOLEAN:
        if (get_raw(d, schema, 1, &raw, err) < 0)
            return -1;
        if (raw.data[0] > 1)
            return cut_short(schema, err);
        buf_put_text(d->out, raw.data[0] != 0 ? "true" : "false");
        return 0;
    case AVRO_FLOAT:
        if (get_raw(d, schema, sizeof(single), &raw, err) < 0)
            return -1;
        memcpy(&single, raw.data, sizeof(single));
        put_number(d->out, (double)single);
        return 0;
    case AVRO_DOUBLE:
        if (get_raw(d, schema, sizeof(real), &raw, err) < 0)
            return -1;
        memcpy(&real, raw.data, sizeof(real));
        put_number(d->out, real);
        return 0;
    default:
        if (avro_get_long(&d->in, &integer, err) < 0)
            return -1;
        if (schema->type == AVRO_INT && integer != (int32_t)integer)
            return cut_short(schema, err);
        if (schema->as == AVRO_FLOAT)
            put_number(d->out, (double)(float)integer);
        else if (schema->as == AVRO_DOUBLE)
            put_number(d->out, (double)integer);
        else
            buf_printf(d->out, "%lld", (long long)integer);
        return 0;
    }
}

static int decode(struct decoder *d, const struct avro_schema *schema, struct err *err);

static int decode_field(struct decoder *d, const struct avro_field *field, struct err *err)
{
    struct span constant = field->constant;

    if (field->role == AVRO_ROLE_CONSTANT)
        return avro_json_decode(field->schema, &constant, d->out, err);
    return decode(d, field->schema, err);
}

static int decode_record(struct decoder *d, const struct avro_schema *schema, struct err *err)
{
    const char *comma = "";

    buf_put_byte(d->out, '{');
    for (size_t i = 0; i < schema->count; i++) {
        size_t before = d->out->size;

        buf_put_text(d->out, comma);
        put_text(d->out, span_text(schema->field[i].name));
        buf_put_byte(d->out, ':');
        if (decode_field(d, &schema->field[i], err) < 0)
            return err_wrap(err, "%s", schema->field[i].name);
        if (schema->field[i].role == AVRO_ROLE_SKIP)
            d->out->size = before;
        else
            comma = ",";
    }
    buf_put_byte(d->out, '}');
    return 0;
}

static int decode_items(struct decoder *d, const struct avro_schema *schema, struct err *err)
{
    bool is_map = schema->type == AVRO_MAP;
    struct avro_items items;
    struct span key;
    size_t count = 0;
    int rc;

    buf_put_byte(d->out, is_map ? '{' : '[');
    avro_items_init(&items, d->in);
    while ((rc = avro_items_next(&items, err)) == AVRO_ITEM) {
        if (count++ > 0)
            buf_put_byte(d->out, ',');
        d->in = items.rest;
        if (is_map) {
            if (avro_get_bytes(&d->in, &key, err) < 0)
                return -1;
            put_text(d->out, key);
            buf_put_byte(d->out, ':');
        }
        if (decode(d, schema->branch[0], err) < 0)
            return err_wrap(err, "item %zu", count - 1);
        items.rest = d->in;
    }
    d->in = items.rest;
    buf_put_byte(d->out, is_map ? '}' : ']');
    return rc;
}

static int decode_union(struct decoder *d, const struct avro_schema *schema, struct err *err)
{
    const struct avro_schema *branch;
    bool named;
    size_t n;

    if (get_choice(d, schema, &n, err) < 0)
        return -1;
    branch = schema->branch[n];
    if (branch->refused != NULL)
        return err_set(err, ERR_REJECT, "%s", branch->refused);
    named = branch->type != AVRO_NULL && avro_schema_present(schema) == NULL;
    if (named) {
        buf_put_byte(d->out, '{');
        put_text(d->out, span_text(branch_name(branch)));
        buf_put_byte(d->out, ':');
    }
    if (decode(d, branch, err) < 0)
        return -1;
    if (named)
        buf_put_byte(d->out, '}');
    return 0;
}

static int decode_any(struct decoder *d, const struct avro_schema *schema, struct err *err)
{
    struct span bytes;
    size_t n;

    switch (schema->type) {
    case AVRO_NULL:
        buf_put_text(d->out, "null");
        return 0;
    case AVRO_BYTES:
    case AVRO_STRING:
        if (avro_get_bytes(&d->in, &bytes, err) < 0)
            return -1;
        if (schema->as == AVRO_BYTES)
            put_bytes(d->out, bytes);
        else
            put_text(d->out, bytes);
        return 0;
    case AVRO_FIXED:
        if (get_raw(d, schema, schema->fixed_size, &bytes, err) < 0)
            return -1;
        put_bytes(d->out, bytes);
        return 0;
    case AVRO_ENUM:
        if (get_choice(d, schema, &n, err) < 0)
            return -1;
        if (schema->symbol[n] == NULL)
            return err_set(err, ERR_REJECT, "symbol %zu of %s is none of the reader's", n,
                           branch_name(schema));
        put_text(d->out, span_text(schema->symbol[n]));
        return 0;
    case AVRO_RECORD:
        return decode_record(d, schema, err);
    case AVRO_ARRAY:
    case AVRO_MAP:
        return decode_items(d, schema, err);
    case AVRO_UNION:
        return decode_union(d, schema, err);
    default:
        return decode_number(d, schema, err);
    }
}

static int decode(struct decoder *d, const struct avro_schema *schema, struct err *err)
{
    size_t before = d->in.size;

    if (decode_any(d, schema, err) < 0)
        return -1;
    if (d->in.size < before)
        return 0;
    if (d->empty == 0)
        return err_set(err, ERR_REJECT, "too many values that take no bytes");
    d->empty--;
    return 0;
}

int avro_json_decode(const struct avro_schema *schema, struct span *in, struct buf *out,
                     struct err *err)
{
    struct decoder d = { *in, out, AVRO_EMPTY_ITEMS_MAX };

    if (decode(&d, schema, err) < 0)
        return err_wrap(err, "avro to json");
    *in = d.in;
    return 0;
}
