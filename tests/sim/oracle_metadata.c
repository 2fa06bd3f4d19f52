// SPDX-License-Identifier: Apache-2.0
/* oracle_metadata.c: a walk over the document with json-c; what is not asked for is not looked at.
 */
#include "sim/oracle_tables.h"

#include <inttypes.h>
#include <json-c/json.h>

struct walk {
    struct arena *arena;
    struct oracle_metadata *out;
};

static struct json_object *find(const struct walk *walk, struct json_object *json, const char *key,
                                enum json_type type)
{
    struct json_object *value = NULL;

    if (!json_object_is_type(json, json_type_object))
        oracle_bytes_fail(&walk->out->bytes, "no object where there should be \"%s\"", key);
    if (!json_object_object_get_ex(json, key, &value))
        return NULL;
    if (!json_object_is_type(value, type))
        oracle_bytes_fail(&walk->out->bytes, "\"%s\" is no %s", key, json_type_to_name(type));
    return value;
}

static struct json_object *get(const struct walk *walk, struct json_object *json, const char *key,
                               enum json_type type)
{
    struct json_object *value = find(walk, json, key, type);

    if (value == NULL)
        oracle_bytes_fail(&walk->out->bytes, "no \"%s\"", key);
    return value;
}

static int64_t get_integer(const struct walk *walk, struct json_object *json, const char *key)
{
    return json_object_get_int64(get(walk, json, key, json_type_int));
}

static const char *get_text(const struct walk *walk, struct json_object *json, const char *key)
{
    return json_object_get_string(get(walk, json, key, json_type_string));
}

static char *keep_text(const struct walk *walk, struct json_object *json, const char *key)
{
    return arena_text(walk->arena, span_text(get_text(walk, json, key)));
}

/* The list's member whose `key` is `id`; exactly one. */
static struct json_object *pick(const struct walk *walk, struct json_object *list, const char *key,
                                int64_t id)
{
    struct json_object *found = NULL;

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);

        if (get_integer(walk, item, key) != id)
            continue;
        if (found != NULL)
            oracle_bytes_fail(&walk->out->bytes, "two of \"%s\" %" PRId64, key, id);
        found = item;
    }
    if (found == NULL)
        oracle_bytes_fail(&walk->out->bytes, "no \"%s\" %" PRId64, key, id);
    return found;
}

/* -- schema */

static void read_type(const struct walk *walk, struct json_object *json, struct oracle_field *field)
{
    static const struct {
        const char *name;
        enum oracle_type type;
    } types[] = {
        { "int", ORACLE_INT },       { "date", ORACLE_DATE },
        { "long", ORACLE_LONG },     { "timestamptz", ORACLE_TIMESTAMPTZ },
        { "string", ORACLE_STRING }, { "binary", ORACLE_BINARY },
    };
    const char *text;
    int end = 0;

    field->type = ORACLE_NESTED;
    if (json_object_is_type(json, json_type_object))
        return;
    text = json_object_get_string(json);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcmp(types[i].name, text) == 0)
            field->type = types[i].type;
    }
    if (field->type != ORACLE_NESTED)
        return;
    if (sscanf(text, "decimal(%d,%d)%n", &field->precision, &field->scale, &end) != 2 ||
        end != (int)strlen(text) || field->precision > 18)
        oracle_bytes_fail(&walk->out->bytes, "column %s is of type %s", field->name, text);
    field->type = ORACLE_DECIMAL;
}

static void read_schema(const struct walk *walk, struct json_object *root)
{
    struct oracle_metadata *out = walk->out;
    struct json_object *schema = pick(walk, get(walk, root, "schemas", json_type_array),
                                      "schema-id", get_integer(walk, root, "current-schema-id"));
    struct json_object *list = get(walk, schema, "fields", json_type_array);
    int64_t last = get_integer(walk, root, "last-column-id");

    out->field_count = json_object_array_length(list);
    out->field = arena_zero(walk->arena, out->field_count, sizeof(*out->field));
    for (size_t i = 0; i < out->field_count; i++) {
        struct json_object *from = json_object_array_get_idx(list, i);
        struct json_object *type = NULL;
        struct oracle_field *field = &out->field[i];

        field->id = (int32_t)get_integer(walk, from, "id");
        field->name = keep_text(walk, from, "name");
        field->required = json_object_get_boolean(get(walk, from, "required", json_type_boolean));
        if (!json_object_object_get_ex(from, "type", &type))
            oracle_bytes_fail(&out->bytes, "column %s has no type", field->name);
        read_type(walk, type, field);
        if (field->id > last)
            oracle_bytes_fail(&out->bytes, "last-column-id is below column %s", field->name);
        for (size_t k = 0; k < i; k++)
            if (out->field[k].id == field->id || strcmp(out->field[k].name, field->name) == 0)
                oracle_bytes_fail(&out->bytes, "column %s is there twice", field->name);
    }
}

static size_t column_of(const struct walk *walk, int64_t id)
{
    for (size_t i = 0; i < walk->out->field_count; i++)
        if (walk->out->field[i].id == id)
            return i;
    oracle_bytes_fail(&walk->out->bytes, "source-id %" PRId64 " is no column", id);
}

/* -- partition specs and sort orders */

static void read_spec(const struct walk *walk, struct json_object *json, struct oracle_spec *spec)
{
    struct json_object *list = get(walk, json, "fields", json_type_array);

    spec->id = (int32_t)get_integer(walk, json, "spec-id");
    spec->part_count = json_object_array_length(list);
    spec->part = arena_zero(walk->arena, spec->part_count, sizeof(*spec->part));
    if (spec->part_count > ORACLE_PARTS_MAX)
        oracle_bytes_fail(&walk->out->bytes, "spec %d has too many fields", spec->id);
    for (size_t i = 0; i < spec->part_count; i++) {
        struct json_object *from = json_object_array_get_idx(list, i);
        const char *transform = get_text(walk, from, "transform");

        spec->part[i].id = (int32_t)get_integer(walk, from, "field-id");
        spec->part[i].name = keep_text(walk, from, "name");
        spec->part[i].column = column_of(walk, get_integer(walk, from, "source-id"));
        spec->part[i].is_day = strcmp(transform, "day") == 0;
        if (!spec->part[i].is_day && strcmp(transform, "identity") != 0)
            oracle_bytes_fail(&walk->out->bytes, "transform %s", transform);
    }
}

static void read_specs(const struct walk *walk, struct json_object *root)
{
    struct json_object *list = get(walk, root, "partition-specs", json_type_array);
    struct oracle_metadata *out = walk->out;

    pick(walk, list, "spec-id", get_integer(walk, root, "default-spec-id"));
    out->spec_count = json_object_array_length(list);
    out->spec = arena_zero(walk->arena, out->spec_count, sizeof(*out->spec));
    for (size_t i = 0; i < out->spec_count; i++)
        read_spec(walk, json_object_array_get_idx(list, i), &out->spec[i]);
}

static void read_order(const struct walk *walk, struct json_object *json,
                       struct oracle_order *order)
{
    struct json_object *list = get(walk, json, "fields", json_type_array);

    order->id = (int32_t)get_integer(walk, json, "order-id");
    order->column_count = json_object_array_length(list);
    order->column = arena_zero(walk->arena, order->column_count, sizeof(*order->column));
    for (size_t i = 0; i < order->column_count; i++) {
        struct json_object *from = json_object_array_get_idx(list, i);

        order->column[i] = column_of(walk, get_integer(walk, from, "source-id"));
        if (strcmp(get_text(walk, from, "transform"), "identity") != 0 ||
            strcmp(get_text(walk, from, "direction"), "asc") != 0 ||
            strcmp(get_text(walk, from, "null-order"), "nulls-first") != 0)
            oracle_bytes_fail(&walk->out->bytes, "sort order %d is not plain", order->id);
    }
}

static void read_orders(const struct walk *walk, struct json_object *root)
{
    struct json_object *list = get(walk, root, "sort-orders", json_type_array);
    struct oracle_metadata *out = walk->out;

    pick(walk, list, "order-id", get_integer(walk, root, "default-sort-order-id"));
    out->order_count = json_object_array_length(list);
    out->order = arena_zero(walk->arena, out->order_count, sizeof(*out->order));
    for (size_t i = 0; i < out->order_count; i++)
        read_order(walk, json_object_array_get_idx(list, i), &out->order[i]);
}

/* -- snapshots */

static int64_t summary_number(const struct walk *walk, struct json_object *summary, const char *key)
{
    struct json_object *value = find(walk, summary, key, json_type_string);
    const char *text;
    char *end = NULL;
    long long number;

    if (value == NULL)
        return ORACLE_NONE;
    text = json_object_get_string(value);
    number = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != 0)
        oracle_bytes_fail(&walk->out->bytes, "\"%s\" of a summary is \"%s\"", key, text);
    return number;
}

static void read_summary(const struct walk *walk, struct json_object *json)
{
    struct oracle_metadata *out = walk->out;

    json_object_object_foreach(json, key, value)
    {
        if (!json_object_is_type(value, json_type_string))
            oracle_bytes_fail(&out->bytes, "\"%s\" of a summary is no text", key);
    }
    get(walk, json, "operation", json_type_string);
    out->summary = (struct oracle_summary){
        .total_records = summary_number(walk, json, "total-records"),
        .total_files = summary_number(walk, json, "total-data-files"),
        .total_bytes = summary_number(walk, json, "total-files-size"),
        .added_records = summary_number(walk, json, "added-records"),
        .added_files = summary_number(walk, json, "added-data-files"),
        .deleted_records = summary_number(walk, json, "deleted-records"),
        .deleted_files = summary_number(walk, json, "deleted-data-files"),
    };
    if (summary_number(walk, json, "total-delete-files") > 0)
        oracle_bytes_fail(&out->bytes, "the table has delete files");
}

static void read_list(const struct walk *walk, struct json_object *list, int64_t last)
{
    struct oracle_metadata *out = walk->out;

    out->snapshot_count = json_object_array_length(list);
    out->snapshot = arena_zero(walk->arena, out->snapshot_count, sizeof(*out->snapshot));
    for (size_t i = 0; i < out->snapshot_count; i++) {
        struct json_object *from = json_object_array_get_idx(list, i);
        struct oracle_snapshot *snapshot = &out->snapshot[i];

        snapshot->id = get_integer(walk, from, "snapshot-id");
        snapshot->sequence = get_integer(walk, from, "sequence-number");
        if (snapshot->sequence > last || snapshot->sequence < 1)
            oracle_bytes_fail(&out->bytes, "snapshot %" PRId64 " has sequence %" PRId64,
                              snapshot->id, snapshot->sequence);
        for (size_t k = 0; k < i; k++)
            if (out->snapshot[k].id == snapshot->id ||
                out->snapshot[k].sequence == snapshot->sequence)
                oracle_bytes_fail(&out->bytes, "snapshot %" PRId64 " or its sequence twice",
                                  snapshot->id);
    }
}

/* The ref main, ORACLE_NONE without. */
static int64_t main_ref(const struct walk *walk, struct json_object *root, int64_t without_refs)
{
    struct json_object *refs = find(walk, root, "refs", json_type_object);
    struct json_object *ref;

    if (refs == NULL)
        return without_refs;
    json_object_object_foreach(refs, name, each)
    {
        int64_t id = get_integer(walk, each, "snapshot-id");
        bool found = false;

        for (size_t i = 0; i < walk->out->snapshot_count; i++)
            found = found || walk->out->snapshot[i].id == id;
        if (!found)
            oracle_bytes_fail(&walk->out->bytes, "ref %s names no listed snapshot", name);
    }
    ref = find(walk, refs, "main", json_type_object);
    return ref == NULL ? ORACLE_NONE : get_integer(walk, ref, "snapshot-id");
}

static void read_snapshots(const struct walk *walk, struct json_object *root)
{
    struct oracle_metadata *out = walk->out;
    struct json_object *list = find(walk, root, "snapshots", json_type_array);
    struct json_object *current = find(walk, root, "current-snapshot-id", json_type_int);
    int64_t last = get_integer(walk, root, "last-sequence-number");
    int64_t id = current == NULL ? ORACLE_NONE : json_object_get_int64(current);

    if (list != NULL)
        read_list(walk, list, last);
    if (main_ref(walk, root, id) != id)
        oracle_bytes_fail(&out->bytes, "main is not the current snapshot");
    if (id == ORACLE_NONE)
        return;
    current = pick(walk, get(walk, root, "snapshots", json_type_array), "snapshot-id", id);
    for (size_t i = 0; i < out->snapshot_count; i++)
        if (out->snapshot[i].id == id)
            out->current = &out->snapshot[i];
    out->manifest_list = keep_text(walk, current, "manifest-list");
    read_summary(walk, get(walk, current, "summary", json_type_object));
}

void oracle_metadata_read(struct arena *arena, struct span json, struct oracle_metadata *out)
{
    const struct walk walk = { .arena = arena, .out = out };
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *root;

    *out = (struct oracle_metadata){
        .bytes = { .name = "the metadata document", .data = json.data, .size = json.size }
    };
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    root = json_tokener_parse_ex(tokener, (const char *)json.data, (int)json.size);
    out->bytes.at = json_tokener_get_parse_end(tokener);
    if (root == NULL || out->bytes.at != json.size)
        oracle_bytes_fail(&out->bytes, "no JSON");
    json_tokener_free(tokener);
    if (get_integer(&walk, root, "format-version") != 2)
        oracle_bytes_fail(&out->bytes, "another format-version");
    out->bytes.name =
        arena_printf(arena, "the metadata document of %s", get_text(&walk, root, "location"));
    read_schema(&walk, root);
    read_specs(&walk, root);
    read_orders(&walk, root);
    read_snapshots(&walk, root);
    json_object_put(root);
}
