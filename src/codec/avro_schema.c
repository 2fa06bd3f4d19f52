// SPDX-License-Identifier: Apache-2.0
/*
 * avro_schema.c: schema JSON to a tree.
 *
 * A name used again is the same node again, so the tree is a DAG, and a short schema may stand for
 * a huge one.  Everything that walks it later expands it; therefore size and depth are counted here
 * as if each reference were written out, and bounded once for all.
 */
#include "codec/avro_schema.h"

#include "core/buf.h"
#include "core/json_escape.h"
#include "core/num.h"

#include <json-c/json.h>

enum {
    NODES_MAX = 65536, /* references written out */
    NAME_BYTES_MAX = 1024,
    JSON_DEPTH_MAX = 4 * AVRO_DEPTH_MAX, /* a record takes three levels of JSON, a union one */
};

struct named {
    const struct avro_schema *schema; /* NULL while its own fields are being read */
    size_t height;                    /* levels below it */
    size_t nodes;                     /* below it */
};

struct parser {
    struct arena *arena;
    struct json_object *index; /* full name -> index in `named` */
    struct buf named;          /* of struct named */
    size_t nodes;
    size_t deepest;
};

/* Where a schema stands. */
struct place {
    const char *space; /* the namespace, "" when there is none */
    size_t depth;
};

static const char *const type_names[] = {
    [AVRO_NULL] = "null",   [AVRO_BOOLEAN] = "boolean", [AVRO_INT] = "int",
    [AVRO_LONG] = "long",   [AVRO_FLOAT] = "float",     [AVRO_DOUBLE] = "double",
    [AVRO_BYTES] = "bytes", [AVRO_STRING] = "string",   [AVRO_RECORD] = "record",
    [AVRO_ENUM] = "enum",   [AVRO_ARRAY] = "array",     [AVRO_MAP] = "map",
    [AVRO_UNION] = "union", [AVRO_FIXED] = "fixed",
};

const char *avro_schema_unqualified(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot == NULL ? name : dot + 1;
}

bool avro_schema_has_name(const char *const *list, const char *name)
{
    for (; list != NULL && *list != NULL; list++)
        if (strcmp(*list, name) == 0)
            return true;
    return false;
}

bool avro_schema_is_decimal(const struct avro_schema *schema)
{
    return schema->logical != NULL && strcmp(schema->logical, "decimal") == 0;
}

const char *avro_schema_type_name(enum avro_type type)
{
    return type_names[type];
}

static int parse(struct parser *p, struct json_object *json, struct place at,
                 const struct avro_schema **out, struct err *err);

static struct avro_schema *new_schema(struct parser *p, enum avro_type type)
{
    struct avro_schema *schema = arena_zero(p->arena, 1, sizeof(*schema));

    *schema = (struct avro_schema){
        .type = type, .as = type, .element_id = -1, .key_id = -1, .value_id = -1
    };
    return schema;
}

/* A text of 1 to NAME_BYTES_MAX bytes without a NUL. */
static int name_of(struct json_object *json, const char *what, const char **out, struct err *err)
{
    const char *text;
    size_t size;

    if (!json_object_is_type(json, json_type_string))
        return err_set(err, ERR_CORRUPT, "%s: a text was expected", what);
    text = json_object_get_string(json);
    size = (size_t)json_object_get_string_len(json);
    if (size == 0 || size > NAME_BYTES_MAX || strlen(text) != size)
        return err_set(err, ERR_CORRUPT, "%s: a name of 1 to %d bytes was expected", what,
                       NAME_BYTES_MAX);
    *out = text;
    return 0;
}

/* False when absent or not a number within the limits. */
static bool number_of(struct json_object *object, const char *key, int64_t max, int64_t *out)
{
    struct json_object *json;

    if (!json_object_object_get_ex(object, key, &json) || !json_object_is_type(json, json_type_int))
        return false;
    *out = json_object_get_int64(json);
    return *out >= 0 && *out <= max;
}

static int32_t id_of(struct json_object *object, const char *key)
{
    int64_t id;

    return number_of(object, key, INT32_MAX, &id) ? (int32_t)id : -1;
}

/* A NULL-terminated list of names from a JSON array, each once. */
static int names_of(struct parser *p, struct json_object *array, const char *what,
                    const char *const **out, size_t *count, struct err *err)
{
    struct json_object *seen = NULL;
    const char **names;
    int rc = -1;

    if (!json_object_is_type(array, json_type_array))
        return err_set(err, ERR_CORRUPT, "%s: a list was expected", what);
    *count = json_object_array_length(array);
    names = arena_zero(p->arena, *count + 1, sizeof(*names));
    seen = json_object_new_object();
    for (size_t i = 0; i < *count; i++) {
        const char *name;

        if (name_of(json_object_array_get_idx(array, i), what, &name, err) < 0)
            goto out;
        if (json_object_object_get_ex(seen, name, NULL)) {
            err_set(err, ERR_CORRUPT, "%s: %s stands there twice", what, name);
            goto out;
        }
        json_object_object_add(seen, name, NULL);
        names[i] = arena_text(p->arena, span_text(name));
    }
    *out = names;
    rc = 0;
out:
    json_object_put(seen);
    return rc;
}

/* An invalid decimal is its underlying type (Avro 1.11, "Logical Types"). */
static void set_logical(struct parser *p, struct json_object *object, struct avro_schema *schema)
{
    struct json_object *json;
    int64_t precision = 0;
    int64_t scale = 0;

    if (!json_object_object_get_ex(object, "logicalType", &json) ||
        !json_object_is_type(json, json_type_string))
        return;
    if (strcmp(json_object_get_string(json), "decimal") == 0) {
        if (schema->type != AVRO_BYTES && schema->type != AVRO_FIXED)
            return;
        if (!number_of(object, "precision", INT32_MAX, &precision) || precision == 0)
            return;
        if (json_object_object_get_ex(object, "scale", NULL) &&
            !number_of(object, "scale", precision, &scale))
            return;
        schema->precision = (int32_t)precision;
        schema->scale = (int32_t)scale;
    }
    schema->logical = arena_text(p->arena, span_text(json_object_get_string(json)));
}

static struct named *named_at(struct parser *p, size_t index)
{
    return (struct named *)(void *)p->named.data + index;
}

static bool find_named(struct parser *p, const char *full, size_t *index)
{
    struct json_object *json;

    if (!json_object_object_get_ex(p->index, full, &json))
        return false;
    *index = (size_t)json_object_get_int64(json);
    return true;
}

static const char *full_name(struct parser *p, const char *space, const char *name)
{
    if (strchr(name, '.') != NULL || space[0] == 0)
        return arena_text(p->arena, span_text(name));
    return arena_printf(p->arena, "%s.%s", space, name);
}

static int refer(struct parser *p, const char *name, struct place at,
                 const struct avro_schema **out, struct err *err)
{
    const struct named *named;
    size_t index;

    if (!find_named(p, full_name(p, at.space, name), &index))
        return err_set(err, ERR_CORRUPT, "%s is no type known here", name);
    named = named_at(p, index);
    if (named->schema == NULL)
        return err_set(err, ERR_CORRUPT, "%s holds itself: recursive types are not read", name);
    p->nodes += named->nodes;
    p->deepest = size_max(p->deepest, at.depth + named->height);
    if (p->deepest >= AVRO_DEPTH_MAX || p->nodes > NODES_MAX)
        return err_set(err, ERR_CORRUPT, "%s: the schema is deeper than %d or larger than %d", name,
                       AVRO_DEPTH_MAX, NODES_MAX);
    *out = named->schema;
    return 0;
}

/* A primitive's name or that of a type defined before. */
static int parse_name(struct parser *p, struct json_object *json, struct place at,
                      const struct avro_schema **out, struct err *err)
{
    const char *name;

    if (name_of(json, "type", &name, err) < 0)
        return -1;
    for (enum avro_type type = AVRO_NULL; type <= AVRO_STRING; type++) {
        if (strcmp(name, type_names[type]) == 0) {
            *out = new_schema(p, type);
            return 0;
        }
    }
    return refer(p, name, at, out, err);
}

static int parse_union(struct parser *p, struct json_object *array, struct place at,
                       const struct avro_schema **out, struct err *err)
{
    struct avro_schema *schema = new_schema(p, AVRO_UNION);
    const struct avro_schema **branch;
    unsigned seen = 0;

    schema->count = json_object_array_length(array);
    if (schema->count == 0)
        return err_set(err, ERR_CORRUPT, "a union without branches");
    branch = arena_zero(p->arena, schema->count, sizeof(struct avro_schema *));
    schema->branch = branch;
    at.depth++;
    for (size_t i = 0; i < schema->count; i++) {
        if (parse(p, json_object_array_get_idx(array, i), at, &branch[i], err) < 0)
            return err_wrap(err, "branch %zu", i);
        if (branch[i]->type == AVRO_UNION)
            return err_set(err, ERR_CORRUPT, "a union directly in a union");
        if (branch[i]->name != NULL)
            continue;
        if ((seen >> branch[i]->type & 1) != 0)
            return err_set(err, ERR_CORRUPT, "a union with %s twice", type_names[branch[i]->type]);
        seen |= 1u << branch[i]->type;
    }
    *out = schema;
    return 0;
}

static int parse_field(struct parser *p, struct json_object *object, struct json_object *seen,
                       struct place at, struct avro_field *out, struct err *err)
{
    static const char *const none[] = { NULL };
    struct json_object *json = NULL;
    const char *name;
    size_t count;

    if (!json_object_is_type(object, json_type_object))
        return err_set(err, ERR_CORRUPT, "a field that is no object");
    if (name_of(json_object_object_get(object, "name"), "field name", &name, err) < 0)
        return -1;
    if (json_object_object_get_ex(seen, name, NULL))
        return err_set(err, ERR_CORRUPT, "field %s stands there twice", name);
    json_object_object_add(seen, name, NULL);
    *out = (struct avro_field){ .name = arena_text(p->arena, span_text(name)),
                                .field_id = id_of(object, "field-id"),
                                .aliases = none };
    if (json_object_object_get_ex(object, "default", &json)) {
        const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
                                                                    JSON_C_TO_STRING_NOSLASHESCAPE);

        out->default_json = arena_text(p->arena, span_text(text));
    }
    if (json_object_object_get_ex(object, "aliases", &json) &&
        names_of(p, json, "aliases", &out->aliases, &count, err) < 0)
        return err_wrap(err, "field %s", name);
    if (parse(p, json_object_object_get(object, "type"), at, &out->schema, err) < 0)
        return err_wrap(err, "field %s", name);
    return 0;
}

static int parse_record(struct parser *p, struct json_object *object, struct place at,
                        struct avro_schema *schema, struct err *err)
{
    struct json_object *fields = json_object_object_get(object, "fields");
    struct json_object *seen = NULL;
    struct avro_field *field;
    int rc = -1;

    if (!json_object_is_type(fields, json_type_array))
        return err_set(err, ERR_CORRUPT, "record %s has no list of fields", schema->name);
    schema->count = json_object_array_length(fields);
    field = arena_zero(p->arena, schema->count, sizeof(*field));
    schema->field = field;
    seen = json_object_new_object();
    for (size_t i = 0; i < schema->count; i++) {
        if (parse_field(p, json_object_array_get_idx(fields, i), seen, at, &field[i], err) < 0)
            goto out;
    }
    rc = 0;
out:
    json_object_put(seen);
    return rc;
}

static int parse_enum(struct parser *p, struct json_object *object, struct avro_schema *schema,
                      struct err *err)
{
    struct json_object *json;

    if (json_object_object_get_ex(object, "default", &json) &&
        json_object_is_type(json, json_type_string))
        schema->symbol_default = arena_text(p->arena, span_text(json_object_get_string(json)));
    return names_of(p, json_object_object_get(object, "symbols"), "symbols", &schema->symbol,
                    &schema->count, err);
}

/* Of a named type: an alias without a dot is one of its own namespace. */
static int parse_aliases(struct parser *p, struct json_object *object, const char *space,
                         struct avro_schema *schema, struct err *err)
{
    static const char *const none[] = { NULL };
    struct json_object *json;
    const char *const *given;
    const char **full;
    size_t count;

    schema->aliases = none;
    if (!json_object_object_get_ex(object, "aliases", &json))
        return 0;
    if (names_of(p, json, "aliases", &given, &count, err) < 0)
        return -1;
    full = arena_zero(p->arena, count + 1, sizeof(*full));
    for (size_t i = 0; i < count; i++)
        full[i] = full_name(p, space, given[i]);
    schema->aliases = full;
    return 0;
}

/* What a record, an enum and a fixed have of their own. */
static int parse_body(struct parser *p, struct json_object *object, struct place at,
                      struct avro_schema *schema, struct err *err)
{
    int64_t size;

    switch (schema->type) {
    case AVRO_RECORD:
        return parse_record(p, object, at, schema, err);
    case AVRO_ENUM:
        return parse_enum(p, object, schema, err);
    default:
        if (!number_of(object, "size", INT32_MAX, &size))
            return err_set(err, ERR_CORRUPT, "fixed %s has no size", schema->name);
        schema->fixed_size = (size_t)size;
        set_logical(p, object, schema);
        return 0;
    }
}

/* The namespace: of the name itself, else the attribute, else the enclosing one. */
static int space_of(struct parser *p, struct json_object *object, const char *name,
                    const char **space, struct err *err)
{
    const char *dot = strrchr(name, '.');
    struct json_object *json;

    if (dot != NULL) {
        *space = arena_text(p->arena, span_of(name, (size_t)(dot - name)));
        return 0;
    }
    if (!json_object_object_get_ex(object, "namespace", &json) || json == NULL)
        return 0;
    if (json_object_is_type(json, json_type_string) && json_object_get_string_len(json) == 0) {
        *space = "";
        return 0;
    }
    return name_of(json, "namespace", space, err);
}

static int parse_named(struct parser *p, struct json_object *object, enum avro_type type,
                       struct place at, const struct avro_schema **out, struct err *err)
{
    struct avro_schema *schema = new_schema(p, type);
    const struct named opened = { 0 };
    size_t nodes = p->nodes;
    size_t deepest = p->deepest;
    size_t index = p->named.size / sizeof(opened);
    struct named *named;
    const char *name;

    if (name_of(json_object_object_get(object, "name"), type_names[type], &name, err) < 0)
        return -1;
    if (space_of(p, object, name, &at.space, err) < 0)
        return err_wrap(err, "%s", name);
    schema->name = full_name(p, at.space, name);
    if (find_named(p, schema->name, &(size_t){ 0 }))
        return err_set(err, ERR_CORRUPT, "%s is defined twice", schema->name);
    json_object_object_add(p->index, schema->name, json_object_new_int64((int64_t)index));
    buf_put(&p->named, &opened, sizeof(opened));
    p->deepest = at.depth;
    if (parse_aliases(p, object, at.space, schema, err) < 0)
        return err_wrap(err, "%s", schema->name);
    if (parse_body(p, object, (struct place){ at.space, at.depth + 1 }, schema, err) < 0)
        return err_wrap(err, "%s", schema->name);
    named = named_at(p, index);
    *named = (struct named){ schema, p->deepest - at.depth, p->nodes - nodes };
    p->deepest = size_max(p->deepest, deepest);
    *out = schema;
    return 0;
}

static int parse_items(struct parser *p, struct json_object *object, enum avro_type type,
                       struct place at, const struct avro_schema **out, struct err *err)
{
    struct avro_schema *schema = new_schema(p, type);
    const struct avro_schema **items = arena_zero(p->arena, 1, sizeof(struct avro_schema *));
    const char *key = type == AVRO_ARRAY ? "items" : "values";

    at.depth++;
    if (parse(p, json_object_object_get(object, key), at, items, err) < 0)
        return err_wrap(err, "%s", key);
    schema->branch = items;
    schema->count = 1;
    schema->element_id = id_of(object, "element-id");
    schema->key_id = id_of(object, "key-id");
    schema->value_id = id_of(object, "value-id");
    set_logical(p, object, schema);
    *out = schema;
    return 0;
}

static int parse_object(struct parser *p, struct json_object *object, struct place at,
                        const struct avro_schema **out, struct err *err)
{
    struct json_object *json = json_object_object_get(object, "type");
    const char *type;

    if (json_object_is_type(json, json_type_object) || json_object_is_type(json, json_type_array)) {
        at.depth++;
        return parse(p, json, at, out, err); /* {"type": {"type": …}} */
    }
    if (name_of(json, "type", &type, err) < 0)
        return -1;
    if (strcmp(type, "record") == 0 || strcmp(type, "error") == 0)
        return parse_named(p, object, AVRO_RECORD, at, out, err);
    if (strcmp(type, "enum") == 0)
        return parse_named(p, object, AVRO_ENUM, at, out, err);
    if (strcmp(type, "fixed") == 0)
        return parse_named(p, object, AVRO_FIXED, at, out, err);
    if (strcmp(type, "array") == 0)
        return parse_items(p, object, AVRO_ARRAY, at, out, err);
    if (strcmp(type, "map") == 0)
        return parse_items(p, object, AVRO_MAP, at, out, err);
    for (enum avro_type t = AVRO_NULL; t <= AVRO_STRING; t++) {
        if (strcmp(type, type_names[t]) == 0) {
            struct avro_schema *schema = new_schema(p, t);

            set_logical(p, object, schema);
            *out = schema;
            return 0;
        }
    }
    return refer(p, type, at, out, err);
}

static int parse(struct parser *p, struct json_object *json, struct place at,
                 const struct avro_schema **out, struct err *err)
{
    p->nodes++;
    p->deepest = size_max(p->deepest, at.depth);
    if (p->deepest >= AVRO_DEPTH_MAX || p->nodes > NODES_MAX)
        return err_set(err, ERR_CORRUPT, "the schema is deeper than %d or larger than %d",
                       AVRO_DEPTH_MAX, NODES_MAX);
    switch (json_object_get_type(json)) {
    case json_type_string:
        return parse_name(p, json, at, out, err);
    case json_type_array:
        return parse_union(p, json, at, out, err);
    case json_type_object:
        return parse_object(p, json, at, out, err);
    default:
        return err_set(err, ERR_CORRUPT, "a type was expected");
    }
}

static struct json_object *parse_json(struct span text, struct err *err)
{
    struct json_tokener *tokener = NULL;
    struct json_object *json = NULL;
    struct buf joined = BUF_INIT;
    size_t end;

    if (text.size == 0 || text.size > AVRO_SCHEMA_BYTES_MAX) {
        err_set(err, ERR_CORRUPT, "%zu bytes of schema, 1 to %d were expected", text.size,
                AVRO_SCHEMA_BYTES_MAX);
        return NULL;
    }
    tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
    ASSERT(tokener != NULL);
    json_escape_join(text, &joined);
    text = buf_span(&joined);
    json = json_tokener_parse_ex(tokener, (const char *)text.data, (int)text.size);
    if (json == NULL) {
        err_set(err, ERR_CORRUPT, "no JSON: %s",
                json_tokener_error_desc(json_tokener_get_error(tokener)));
        goto out;
    }
    end = json_tokener_get_parse_end(tokener);
    while (end < text.size && strchr(" \t\r\n", text.data[end]) != NULL && text.data[end] != 0)
        end++;
    if (end < text.size) {
        err_set(err, ERR_CORRUPT, "something stands behind the JSON at byte %zu", end);
        json_object_put(json);
        json = NULL;
    }
out:
    json_tokener_free(tokener);
    buf_deinit(&joined);
    return json;
}

int avro_schema_parse(struct arena *arena, struct span json, const struct avro_schema **out,
                      struct err *err)
{
    struct parser p = { .arena = arena };
    struct json_object *root = NULL;
    int rc = -1;

    root = parse_json(json, err);
    if (root == NULL)
        goto out;
    p.index = json_object_new_object();
    rc = parse(&p, root, (struct place){ "", 0 }, out, err);
out:
    json_object_put(p.index);
    json_object_put(root);
    buf_deinit(&p.named);
    return rc < 0 ? err_wrap(err, "avro schema") : 0;
}

const struct avro_field *avro_schema_field(const struct avro_schema *record, const char *name)
{
    for (size_t i = 0; record->type == AVRO_RECORD && i < record->count; i++) {
        if (strcmp(record->field[i].name, name) == 0)
            return &record->field[i];
    }
    return NULL;
}

const struct avro_schema *avro_schema_present(const struct avro_schema *schema)
{
    const struct avro_schema *present = NULL;

    if (schema->type != AVRO_UNION)
        return schema;
    for (size_t i = 0; i < schema->count; i++) {
        if (schema->branch[i]->type == AVRO_NULL || schema->branch[i]->refused != NULL)
            continue;
        if (present != NULL)
            return NULL;
        present = schema->branch[i];
    }
    return present;
}
