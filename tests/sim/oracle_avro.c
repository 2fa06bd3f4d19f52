// SPDX-License-Identifier: Apache-2.0
/*
 * oracle_avro.c: a container file becomes a tree of values by the schema that it carries.
 *
 * No resolution against a reader's schema: what the oracle looks for is looked up by name, and its
 * field-id is compared, because half of the world's readers go by the one and half by the other.
 */
#include "sim/oracle_formats.h"

#include <json-c/json.h>
#include <zlib.h>

struct field {
    const char *name;
    int32_t id; /* -1: none */
    const struct oracle_avro_schema *schema;
};

struct oracle_avro_schema {
    enum oracle_avro_kind kind;
    const char *name;                            /* RECORD, FIXED */
    size_t size;                                 /* FIXED */
    const struct field *field;                   /* RECORD */
    const struct oracle_avro_schema *const *sub; /* UNION: branches; ARRAY: the items' */
    size_t count;
};

struct oracle_avro_seen {
    struct span text;
    const struct oracle_avro_schema *schema;
    struct oracle_avro_seen *next;
};

enum { NAMED_MAX = 64, DEPTH_MAX = 32 };

/* A schema being parsed, and the named types in it so far. */
struct parser {
    struct arena *arena;
    const struct oracle_bytes *bytes;
    const struct oracle_avro_schema *named[NAMED_MAX];
    size_t named_count;
};

static const struct oracle_avro_schema *parse(struct parser *parser, struct json_object *json,
                                              int depth);

static struct json_object *member(const struct parser *parser, struct json_object *json,
                                  const char *key)
{
    struct json_object *value = NULL;

    if (!json_object_is_type(json, json_type_object) ||
        !json_object_object_get_ex(json, key, &value))
        oracle_bytes_fail(parser->bytes, "a schema without \"%s\"", key);
    return value;
}

static char *text_member(const struct parser *parser, struct json_object *json, const char *key)
{
    struct json_object *value = member(parser, json, key);

    if (!json_object_is_type(value, json_type_string))
        oracle_bytes_fail(parser->bytes, "\"%s\" of a schema is no text", key);
    return arena_text(parser->arena, span_text(json_object_get_string(value)));
}

static const struct oracle_avro_schema *parse_name(struct parser *parser, const char *name)
{
    static const struct oracle_avro_schema primitive[] = {
        { .kind = ORACLE_AVRO_NULL, .name = "null" },
        { .kind = ORACLE_AVRO_BOOLEAN, .name = "boolean" },
        { .kind = ORACLE_AVRO_INT, .name = "int" },
        { .kind = ORACLE_AVRO_LONG, .name = "long" },
        { .kind = ORACLE_AVRO_BYTES, .name = "bytes" },
        { .kind = ORACLE_AVRO_STRING, .name = "string" },
    };

    for (size_t i = 0; i < ARRAY_LEN(primitive); i++)
        if (strcmp(primitive[i].name, name) == 0)
            return &primitive[i];
    for (size_t i = 0; i < parser->named_count; i++)
        if (strcmp(parser->named[i]->name, name) == 0)
            return parser->named[i];
    oracle_bytes_fail(parser->bytes, "a schema of type \"%s\"", name);
}

static void put_named(struct parser *parser, const struct oracle_avro_schema *schema)
{
    for (size_t i = 0; i < parser->named_count; i++)
        if (strcmp(parser->named[i]->name, schema->name) == 0)
            oracle_bytes_fail(parser->bytes, "two types \"%s\"", schema->name);
    if (parser->named_count == NAMED_MAX)
        oracle_bytes_fail(parser->bytes, "too many types");
    parser->named[parser->named_count++] = schema;
}

static void parse_fields(struct parser *parser, struct json_object *json, int depth,
                         struct oracle_avro_schema *schema)
{
    struct json_object *list = member(parser, json, "fields");
    struct field *field;

    if (!json_object_is_type(list, json_type_array))
        oracle_bytes_fail(parser->bytes, "fields that are no array");
    schema->count = json_object_array_length(list);
    schema->field = field = arena_zero(parser->arena, schema->count, sizeof(*field));
    for (size_t i = 0; i < schema->count; i++) {
        struct json_object *from = json_object_array_get_idx(list, i);
        struct json_object *id = NULL;

        field[i].name = text_member(parser, from, "name");
        field[i].id = -1;
        if (json_object_object_get_ex(from, "field-id", &id))
            field[i].id = json_object_get_int(id);
        field[i].schema = parse(parser, member(parser, from, "type"), depth);
        for (size_t k = 0; k < i; k++)
            if (strcmp(field[k].name, field[i].name) == 0)
                oracle_bytes_fail(parser->bytes, "two fields \"%s\"", field[i].name);
    }
}

static const struct oracle_avro_schema *parse_union(struct parser *parser, struct json_object *json,
                                                    int depth)
{
    struct oracle_avro_schema *schema = arena_zero(parser->arena, 1, sizeof(*schema));
    const struct oracle_avro_schema **sub;

    schema->kind = ORACLE_AVRO_UNION;
    schema->count = json_object_array_length(json);
    sub = arena_zero(parser->arena, schema->count, sizeof(const struct oracle_avro_schema *));
    for (size_t i = 0; i < schema->count; i++)
        sub[i] = parse(parser, json_object_array_get_idx(json, i), depth);
    schema->sub = sub;
    return schema;
}

static const struct oracle_avro_schema *parse_object(struct parser *parser,
                                                     struct json_object *json, int depth)
{
    struct oracle_avro_schema *schema;
    struct json_object *type = member(parser, json, "type");
    const char *name;

    if (!json_object_is_type(type, json_type_string))
        return parse(parser, type, depth);
    name = json_object_get_string(type);
    schema = arena_zero(parser->arena, 1, sizeof(*schema));
    if (strcmp(name, "record") == 0) {
        schema->kind = ORACLE_AVRO_RECORD;
        schema->name = text_member(parser, json, "name");
        put_named(parser, schema);
        parse_fields(parser, json, depth, schema);
    } else if (strcmp(name, "array") == 0) {
        const struct oracle_avro_schema **sub =
            arena_zero(parser->arena, 1, sizeof(const struct oracle_avro_schema *));

        schema->kind = ORACLE_AVRO_ARRAY;
        *sub = parse(parser, member(parser, json, "items"), depth);
        schema->sub = sub;
    } else if (strcmp(name, "fixed") == 0) {
        schema->kind = ORACLE_AVRO_FIXED;
        schema->name = text_member(parser, json, "name");
        schema->size = (size_t)json_object_get_int64(member(parser, json, "size"));
        put_named(parser, schema);
    } else {
        return parse_name(parser, name);
    }
    return schema;
}

static const struct oracle_avro_schema *parse(struct parser *parser, struct json_object *json,
                                              int depth)
{
    if (depth > DEPTH_MAX)
        oracle_bytes_fail(parser->bytes, "a schema nested too deep");
    if (json_object_is_type(json, json_type_string))
        return parse_name(parser, json_object_get_string(json));
    if (json_object_is_type(json, json_type_array))
        return parse_union(parser, json, depth + 1);
    if (json_object_is_type(json, json_type_object))
        return parse_object(parser, json, depth + 1);
    oracle_bytes_fail(parser->bytes, "a schema that is no text, array or object");
}

static const struct oracle_avro_schema *schema_of(struct oracle_avro_cache *cache,
                                                  const struct oracle_bytes *bytes,
                                                  struct span text)
{
    struct parser parser = { .arena = cache->arena, .bytes = bytes };
    struct oracle_avro_seen *seen = cache->seen;
    struct json_object *json;

    for (; seen != NULL; seen = seen->next)
        if (span_equal(seen->text, text))
            return seen->schema;
    seen = arena_zero(cache->arena, 1, sizeof(*seen));
    seen->text = arena_copy(cache->arena, text);
    seen->next = cache->seen;
    json = json_tokener_parse(arena_text(cache->arena, text));
    if (json == NULL)
        oracle_bytes_fail(bytes, "the schema is no JSON");
    seen->schema = parse(&parser, json, 0);
    json_object_put(json);
    cache->seen = seen;
    return seen->schema;
}

static void decode(struct arena *arena, struct oracle_bytes *bytes,
                   const struct oracle_avro_schema *schema, struct oracle_avro_value *out);

/* The count in front of a block of an array or map; with a size in bytes behind it when negative.
 */
static size_t block_count(struct oracle_bytes *bytes)
{
    int64_t count = oracle_bytes_zigzag(bytes);

    if (count < 0) {
        int64_t size = oracle_bytes_zigzag(bytes);

        if (size < 0 || count == INT64_MIN)
            oracle_bytes_fail(bytes, "a block of %lld bytes", (long long)size);
        count = -count;
    }
    if ((uint64_t)count > bytes->size - bytes->at)
        oracle_bytes_fail(bytes, "a block of %lld items", (long long)count);
    return (size_t)count;
}

static void decode_array(struct arena *arena, struct oracle_bytes *bytes,
                         const struct oracle_avro_schema *schema, struct oracle_avro_value *out)
{
    struct oracle_avro_value *item = NULL;

    for (size_t count; (count = block_count(bytes)) > 0;) {
        struct oracle_avro_value *more = arena_zero(arena, out->count + count, sizeof(*more));

        if (out->count > 0)
            memcpy(more, item, out->count * sizeof(*more));
        item = more;
        for (size_t i = 0; i < count; i++)
            decode(arena, bytes, schema->sub[0], &item[out->count++]);
    }
    out->item = item;
}

static struct span decode_bytes(struct oracle_bytes *bytes)
{
    int64_t size = oracle_bytes_zigzag(bytes);

    if (size < 0)
        oracle_bytes_fail(bytes, "bytes of size %lld", (long long)size);
    return span_of(oracle_bytes_take(bytes, (uint64_t)size), (size_t)size);
}

static void decode_record(struct arena *arena, struct oracle_bytes *bytes,
                          const struct oracle_avro_schema *schema, struct oracle_avro_value *out)
{
    struct oracle_avro_value *item = arena_zero(arena, schema->count, sizeof(*item));

    for (size_t i = 0; i < schema->count; i++)
        decode(arena, bytes, schema->field[i].schema, &item[i]);
    out->item = item;
    out->count = schema->count;
}

static void decode(struct arena *arena, struct oracle_bytes *bytes,
                   const struct oracle_avro_schema *schema, struct oracle_avro_value *out)
{
    int64_t branch;

    *out = (struct oracle_avro_value){ .kind = schema->kind, .schema = schema };
    switch (schema->kind) {
    case ORACLE_AVRO_NULL:
        return;
    case ORACLE_AVRO_BOOLEAN:
        out->integer = oracle_bytes_byte(bytes);
        if (out->integer > 1)
            oracle_bytes_fail(bytes, "a boolean of %lld", (long long)out->integer);
        return;
    case ORACLE_AVRO_INT:
    case ORACLE_AVRO_LONG:
        out->integer = oracle_bytes_zigzag(bytes);
        if (schema->kind == ORACLE_AVRO_INT &&
            (out->integer < INT32_MIN || out->integer > INT32_MAX))
            oracle_bytes_fail(bytes, "an int of %lld", (long long)out->integer);
        return;
    case ORACLE_AVRO_BYTES:
    case ORACLE_AVRO_STRING:
        out->bytes = decode_bytes(bytes);
        return;
    case ORACLE_AVRO_FIXED:
        out->bytes = span_of(oracle_bytes_take(bytes, schema->size), schema->size);
        return;
    case ORACLE_AVRO_RECORD:
        decode_record(arena, bytes, schema, out);
        return;
    case ORACLE_AVRO_ARRAY:
        decode_array(arena, bytes, schema, out);
        return;
    case ORACLE_AVRO_UNION:
        branch = oracle_bytes_zigzag(bytes);
        if (branch < 0 || (uint64_t)branch >= schema->count)
            oracle_bytes_fail(bytes, "branch %lld of a union", (long long)branch);
        decode(arena, bytes, schema->sub[branch], out);
        return;
    }
}

/* -- the container */

static void read_pairs(struct arena *arena, struct oracle_bytes *bytes,
                       struct oracle_avro_file *out)
{
    struct buf pairs = BUF_INIT;

    for (size_t count; (count = block_count(bytes)) > 0;) {
        for (size_t i = 0; i < count; i++) {
            struct oracle_avro_pair pair;

            pair.key = decode_bytes(bytes);
            pair.value = decode_bytes(bytes);
            buf_put(&pairs, &pair, sizeof(pair));
        }
    }
    out->pair_count = pairs.size / sizeof(struct oracle_avro_pair);
    out->pair = (const void *)arena_copy(arena, buf_span(&pairs)).data;
    buf_deinit(&pairs);
}

static struct oracle_bytes inflated(struct arena *arena, const struct oracle_bytes *packed)
{
    struct oracle_bytes out = *packed;
    struct buf buf = BUF_INIT;
    z_stream stream = { 0 };
    uint8_t *in = arena_alloc(arena, packed->size + 1); /* zlib's pointer is not const */
    int rc = Z_OK;

    memcpy(in, packed->data, packed->size);
    stream.next_in = in;
    stream.avail_in = (uInt)packed->size;
    if (inflateInit2(&stream, -15) != Z_OK)
        oracle_bytes_fail(packed, "inflateInit2");
    while (rc == Z_OK) {
        stream.next_out = buf_extend(&buf, 65536);
        stream.avail_out = 65536;
        rc = inflate(&stream, Z_NO_FLUSH);
        buf.size -= stream.avail_out;
    }
    if (rc != Z_STREAM_END || stream.avail_in > 0)
        oracle_bytes_fail(packed, "a block that does not inflate (%d)", rc);
    inflateEnd(&stream);
    out.size = buf.size;
    out.data = arena_copy(arena, buf_span(&buf)).data;
    out.is_unpacked = true;
    buf_deinit(&buf);
    return out;
}

static void read_block(struct arena *arena, struct oracle_bytes *bytes, bool deflate,
                       const struct oracle_avro_schema *schema, struct buf *rows)
{
    int64_t count = oracle_bytes_zigzag(bytes);
    int64_t size = oracle_bytes_zigzag(bytes);
    struct oracle_bytes block = { .name = bytes->name, .origin = bytes->at };

    if (count <= 0 || size < 0)
        oracle_bytes_fail(bytes, "a block of %lld objects in %lld bytes", (long long)count,
                          (long long)size);
    block.data = oracle_bytes_take(bytes, (uint64_t)size);
    block.size = (size_t)size;
    if (deflate)
        block = inflated(arena, &block);
    for (int64_t i = 0; i < count; i++) {
        struct oracle_avro_value value;

        decode(arena, &block, schema, &value);
        buf_put(rows, &value, sizeof(value));
    }
    if (block.at != block.size)
        oracle_bytes_fail(&block, "%zu bytes behind the last object", block.size - block.at);
}

static bool is_deflated(const struct oracle_avro_file *file)
{
    for (size_t i = 0; i < file->pair_count; i++) {
        if (!span_equal(file->pair[i].key, SPAN("avro.codec")))
            continue;
        if (span_equal(file->pair[i].value, SPAN("deflate")))
            return true;
        if (!span_equal(file->pair[i].value, SPAN("null")))
            oracle_bytes_fail(file->bytes, "codec %.*s", SPAN_ARGS(file->pair[i].value));
    }
    return false;
}

void oracle_avro_read(struct oracle_avro_cache *cache, struct arena *arena, const char *name,
                      struct span image, struct oracle_avro_file *out)
{
    struct oracle_bytes *bytes = arena_zero(arena, 1, sizeof(*bytes));
    const struct oracle_avro_schema *schema;
    const uint8_t *sync;
    struct buf rows = BUF_INIT;
    bool deflate;

    *bytes = (struct oracle_bytes){ .name = name, .data = image.data, .size = image.size };
    *out = (struct oracle_avro_file){ .bytes = bytes };
    if (memcmp(oracle_bytes_take(bytes, 4), "Obj\x01", 4) != 0)
        oracle_bytes_fail(bytes, "not an Avro object container");
    read_pairs(arena, bytes, out);
    schema = schema_of(cache, bytes, oracle_avro_meta(out, "avro.schema"));
    deflate = is_deflated(out);
    sync = oracle_bytes_take(bytes, 16);
    while (bytes->at < bytes->size) {
        read_block(arena, bytes, deflate, schema, &rows);
        if (memcmp(oracle_bytes_take(bytes, 16), sync, 16) != 0)
            oracle_bytes_fail(bytes, "another sync marker");
    }
    out->row_count = rows.size / sizeof(*out->row);
    out->row = (const void *)arena_copy(arena, buf_span(&rows)).data;
    buf_deinit(&rows);
}

struct span oracle_avro_meta(const struct oracle_avro_file *file, const char *key)
{
    for (size_t i = 0; i < file->pair_count; i++)
        if (span_equal(file->pair[i].key, span_text(key)))
            return file->pair[i].value;
    oracle_bytes_fail(file->bytes, "no metadata \"%s\"", key);
}

const struct oracle_avro_value *oracle_avro_field(const struct oracle_avro_file *file,
                                                  const struct oracle_avro_value *record,
                                                  const char *name, int32_t id)
{
    if (record->kind != ORACLE_AVRO_RECORD)
        oracle_bytes_fail(file->bytes, "no record where there should be \"%s\"", name);
    for (size_t i = 0; i < record->count; i++) {
        const struct field *field = &record->schema->field[i];

        if ((strcmp(field->name, name) == 0) != (field->id == id))
            oracle_bytes_fail(file->bytes, "\"%s\" has field-id %d, where \"%s\" is %d",
                              field->name, field->id, name, id);
        if (field->id == id)
            return &record->item[i];
    }
    oracle_bytes_fail(file->bytes, "no field \"%s\"", name);
}

int64_t oracle_avro_integer(const struct oracle_avro_file *file,
                            const struct oracle_avro_value *record, const char *name, int32_t id)
{
    const struct oracle_avro_value *value = oracle_avro_field(file, record, name, id);

    if (value->kind != ORACLE_AVRO_INT && value->kind != ORACLE_AVRO_LONG &&
        value->kind != ORACLE_AVRO_BOOLEAN)
        oracle_bytes_fail(file->bytes, "\"%s\" is no number", name);
    return value->integer;
}

struct span oracle_avro_bytes(const struct oracle_avro_file *file,
                              const struct oracle_avro_value *record, const char *name, int32_t id)
{
    const struct oracle_avro_value *value = oracle_avro_field(file, record, name, id);

    if (value->kind != ORACLE_AVRO_STRING && value->kind != ORACLE_AVRO_BYTES)
        oracle_bytes_fail(file->bytes, "\"%s\" is no text", name);
    return value->bytes;
}
