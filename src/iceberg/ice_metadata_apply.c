// SPDX-License-Identifier: Apache-2.0
/*
 * ice_metadata_apply.c: the successor of a document.
 *
 * Members are written in the base's order; those that a commit does not touch, known or not, are
 * copied as the text they were, and so are the snapshots, refs and log entries that stay.  So a
 * commit costs a copy of the document, not its making.  The same change as a REST catalog wants it
 * is at the end: there the server does all of this.
 */
#include "iceberg/ice_json.h"
#include "iceberg/ice_metadata_private.h"
#include "iceberg/ice_schema.h"

#include "core/num.h"

#include <inttypes.h>

struct apply {
    const struct ice_metadata *base;
    const struct ice_change *change;
    int64_t now_ms;
    struct buf *out;
};

static bool is_dropped(const struct apply *apply, int64_t id)
{
    for (size_t i = 0; i < apply->change->drop_count; i++) {
        if (apply->change->drop[i] == id)
            return !ice_metadata_is_tagged(apply->base, id);
    }
    return false;
}

/* Before an item: nothing in front of the first one. */
static void comma(struct buf *out)
{
    uint8_t last = out->data[out->size - 1];

    if (last != '[' && last != '{' && last != ':')
        buf_put_byte(out, ',');
}

static void put_key(const char *key, struct buf *out)
{
    comma(out);
    ice_json_put_text(key, out);
    buf_put_byte(out, ':');
}

static void put_snapshot(const struct apply *apply)
{
    const struct ice_change *change = apply->change;
    struct buf *out = apply->out;

    comma(out);
    buf_printf(out, "{\"sequence-number\":%" PRId64 ",\"snapshot-id\":%" PRId64,
               apply->base->last_sequence + 1, change->snapshot_id);
    if (apply->base->main != ICE_NONE)
        buf_printf(out, ",\"parent-snapshot-id\":%" PRId64, apply->base->main);
    buf_printf(out, ",\"timestamp-ms\":%" PRId64 ",\"summary\":{", apply->now_ms);
    ice_json_put_pair("operation", change->operation, out);
    for (size_t i = 0; i < change->summary_count; i++)
        if (change->summary[i].value != NULL)
            ice_json_put_pair(change->summary[i].key, change->summary[i].value, out);
    buf_put_text(out, "},\"manifest-list\":");
    ice_json_put_text(change->manifest_list, out);
    buf_printf(out, ",\"schema-id\":%d}", apply->base->schema_id);
}

static void put_snapshots(const struct apply *apply)
{
    const struct span *text = ICE_ARRAY(apply->base->private_->snapshot_texts, struct span);

    buf_put_byte(apply->out, '[');
    for (size_t i = 0; i < apply->base->snapshot_count; i++) {
        if (is_dropped(apply, apply->base->snapshot[i].id))
            continue;
        comma(apply->out);
        buf_put_span(apply->out, text[i]);
    }
    put_snapshot(apply);
    buf_put_byte(apply->out, ']');
}

/* Entries up to and including the newest one of a snapshot that is gone leave: what is left is a
 * history without holes. */
static void put_history(const struct apply *apply)
{
    const struct buf *history = &apply->base->private_->history;
    const struct ice_history *entry = ICE_ARRAY(*history, struct ice_history);
    size_t count = ICE_COUNT(*history, struct ice_history), first = 0;

    for (size_t i = 0; i < count; i++) {
        if (ice_metadata_snapshot(apply->base, entry[i].snapshot) == NULL ||
            is_dropped(apply, entry[i].snapshot))
            first = i + 1;
    }
    buf_put_byte(apply->out, '[');
    for (size_t i = first; i < count; i++) {
        comma(apply->out);
        buf_put_span(apply->out, entry[i].value);
    }
    comma(apply->out);
    buf_printf(apply->out, "{\"timestamp-ms\":%" PRId64 ",\"snapshot-id\":%" PRId64 "}]",
               apply->now_ms, apply->change->snapshot_id);
}

static void put_log(const struct apply *apply)
{
    const struct buf *log = &apply->base->private_->log;
    const struct ice_logged *entry = ICE_ARRAY(*log, struct ice_logged);
    bool stored = apply->base->file[0] != 0;
    size_t count = ICE_COUNT(*log, struct ice_logged);
    size_t total = count + stored, most = size_max(1, apply->change->metadata_log_max);

    buf_put_byte(apply->out, '[');
    for (size_t i = total > most ? total - most : 0; i < count; i++) {
        comma(apply->out);
        buf_put_span(apply->out, entry[i].value);
    }
    if (stored) {
        comma(apply->out);
        buf_printf(apply->out, "{\"timestamp-ms\":%" PRId64 ",\"metadata-file\":",
                   apply->base->last_updated_ms);
        ice_json_put_text(apply->base->file, apply->out);
        buf_put_byte(apply->out, '}');
    }
    buf_put_byte(apply->out, ']');
}

static const struct ice_ref *find_main(const struct ice_metadata *base)
{
    const struct buf *refs = &base->private_->refs;
    const struct ice_ref *ref = ICE_ARRAY(*refs, struct ice_ref);

    for (size_t i = 0; i < ICE_COUNT(*refs, struct ice_ref); i++) {
        if (strcmp(ref[i].name, "main") == 0)
            return &ref[i];
    }
    return NULL;
}

/* The members of main's ref other than the id, each with a comma in front: how long its snapshots
 * are to be kept is others' to say. */
static void put_main_retention(const struct ice_metadata *base, struct buf *out)
{
    const struct ice_ref *ref = find_main(base);
    struct err err;
    struct json json;
    struct json_value name, value;
    struct span raw;

    if (ref == NULL)
        return;
    json_init(&json, ref->value);
    if (json_value(&json, &value, &err) < 0)
        return;
    while (json_member(&json, &name, &value, &err) == 0 &&
           ice_json_raw(&json, &value, &raw, &err) == 0) {
        if (json_is(&name, SPAN("snapshot-id")) || json_is(&name, SPAN("type")))
            continue;
        buf_put_byte(out, ',');
        buf_put(out, name.text.data - 1, name.text.size + 2);
        buf_put_byte(out, ':');
        buf_put_span(out, raw);
    }
}

static void put_refs(const struct apply *apply)
{
    const struct buf *refs = &apply->base->private_->refs;
    const struct ice_ref *ref = ICE_ARRAY(*refs, struct ice_ref);

    buf_put_byte(apply->out, '{');
    for (size_t i = 0; i < ICE_COUNT(*refs, struct ice_ref); i++) {
        if (strcmp(ref[i].name, "main") == 0)
            continue;
        comma(apply->out);
        buf_put_span(apply->out, ref[i].name_json);
        buf_put_byte(apply->out, ':');
        buf_put_span(apply->out, ref[i].value);
    }
    put_key("main", apply->out);
    buf_printf(apply->out, "{\"snapshot-id\":%" PRId64 ",\"type\":\"branch\"",
               apply->change->snapshot_id);
    put_main_retention(apply->base, apply->out);
    buf_put_text(apply->out, "}}");
}

static bool is_set(const struct ice_change *change, const char *key)
{
    for (size_t i = 0; i < change->property_count; i++) {
        if (strcmp(change->properties[i].key, key) == 0)
            return true;
    }
    return false;
}

static void put_properties(const struct apply *apply)
{
    const struct buf *properties = &apply->base->private_->properties;
    const struct ice_pair *old = ICE_ARRAY(*properties, struct ice_pair);
    const struct ice_change *change = apply->change;

    buf_put_byte(apply->out, '{');
    for (size_t i = 0; i < ICE_COUNT(*properties, struct ice_pair); i++) {
        if (!is_set(change, old[i].key))
            ice_json_put_pair(old[i].key, old[i].value, apply->out);
    }
    for (size_t i = 0; i < change->property_count; i++) {
        if (change->properties[i].value != NULL)
            ice_json_put_pair(change->properties[i].key, change->properties[i].value, apply->out);
    }
    buf_put_byte(apply->out, '}');
}

/* True for an object whose snapshot-id is dropped. */
static bool is_of_dropped(const struct apply *apply, struct json *json)
{
    struct json_value name, value;
    struct err err;
    int64_t id = ICE_NONE;

    while (json_member(json, &name, &value, &err) == 0) {
        if (json_is(&name, SPAN("snapshot-id"))) {
            if (ice_json_int64(&value, "snapshot-id", &id, &err) < 0)
                id = ICE_NONE;
        } else if (json_skip(json, &value, &err) < 0) {
            break;
        }
    }
    return is_dropped(apply, id);
}

/* statistics, partition-statistics: what belongs to a dropped snapshot goes with it. */
static void put_statistics(const struct apply *apply, struct span old)
{
    struct json json;
    struct json_value array, element;
    struct err err;

    json_init(&json, old);
    if (apply->change->drop_count == 0 || json_value(&json, &array, &err) < 0 ||
        array.type != JSON_ARRAY) {
        buf_put_span(apply->out, old);
        return;
    }
    buf_put_byte(apply->out, '[');
    while (json_element(&json, &element, &err) == 0) {
        const uint8_t *start = element.text.data;

        if (element.type != JSON_OBJECT || is_of_dropped(apply, &json))
            continue;
        comma(apply->out);
        buf_put(apply->out, start, (size_t)(json_position(&json) - start));
    }
    buf_put_byte(apply->out, ']');
}

static void put_sequence(const struct apply *apply)
{
    buf_printf(apply->out, "%" PRId64, apply->base->last_sequence + 1);
}

static void put_updated(const struct apply *apply)
{
    buf_printf(apply->out, "%" PRId64, apply->now_ms);
}

static void put_current(const struct apply *apply)
{
    buf_printf(apply->out, "%" PRId64, apply->change->snapshot_id);
}

/* The members that every commit changes; one that the base lacks is added behind the others. */
static const struct {
    const char *key;
    void (*put)(const struct apply *apply);
} changed[] = {
    { "last-sequence-number", put_sequence },
    { "last-updated-ms", put_updated },
    { "properties", put_properties },
    { "current-snapshot-id", put_current },
    { "refs", put_refs },
    { "snapshots", put_snapshots },
    { "snapshot-log", put_history },
    { "metadata-log", put_log },
};

static void put_member(const struct apply *apply, const struct ice_member *member)
{
    for (size_t i = 0; i < ARRAY_LEN(changed); i++) {
        if (strcmp(member->key, changed[i].key) == 0) {
            changed[i].put(apply);
            return;
        }
    }
    if (strcmp(member->key, "statistics") == 0 || strcmp(member->key, "partition-statistics") == 0)
        put_statistics(apply, member->value);
    else
        buf_put_span(apply->out, member->value);
}

static struct apply apply_of(const struct ice_metadata *base, const struct ice_change *change,
                             struct buf *out)
{
    return (struct apply){ base, change, int64_max(change->now_ms, base->last_updated_ms), out };
}

void ice_metadata_apply(const struct ice_metadata *base, const struct ice_change *change,
                        struct buf *out)
{
    struct apply apply = apply_of(base, change, out);
    const struct buf *members = &base->private_->members;
    const struct ice_member *member = ICE_ARRAY(*members, struct ice_member);

    buf_reserve(out, base->private_->text.size + 8192);
    buf_put_byte(out, '{');
    for (size_t i = 0; i < ICE_COUNT(*members, struct ice_member); i++) {
        put_key(member[i].key, out);
        put_member(&apply, &member[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(changed); i++) {
        if (ice_metadata_member(base, changed[i].key).data == NULL) {
            put_key(changed[i].key, out);
            changed[i].put(&apply);
        }
    }
    buf_put_byte(out, '}');
}

void ice_metadata_create(const struct ice_definition *definition, const char *uuid,
                         const char *location, int64_t now_ms, const struct ice_pair *properties,
                         size_t property_count, struct buf *out)
{
    buf_put_text(out, "{\"format-version\":2");
    ice_json_put_pair("table-uuid", uuid, out);
    ice_json_put_pair("location", location, out);
    buf_printf(out,
               ",\"last-sequence-number\":0,\"last-updated-ms\":%" PRId64
               ",\"last-column-id\":%d,\"current-schema-id\":0,\"schemas\":[",
               now_ms, ice_schema_last_column_id(definition));
    ice_schema_put(definition, out);
    buf_put_text(out, "],\"default-spec-id\":0,\"partition-specs\":[");
    ice_schema_put_spec(definition, out);
    buf_printf(out, "],\"last-partition-id\":%d,\"default-sort-order-id\":%d,\"sort-orders\":[",
               ICE_PARTITION_ID_FIRST - 1 + (int)definition->partition_count,
               definition->sort_count > 0);
    ice_schema_put_order(definition, out);
    if (definition->sort_count > 0) /* Spark rewrites by another order only where 0 is listed */
        buf_put_text(out, ",{\"order-id\":0,\"fields\":[]}");
    buf_put_text(out, "],\"properties\":{");
    for (size_t i = 0; i < property_count; i++)
        ice_json_put_pair(properties[i].key, properties[i].value, out);
    buf_put_text(out, "},\"refs\":{},\"snapshots\":[],\"statistics\":[],"
                      "\"partition-statistics\":[],\"snapshot-log\":[],\"metadata-log\":[]}");
}

/* REST: Requirements.  The schema and the spec are asserted because the files were written by them,
 * which Java's own appends do not. */
void ice_metadata_requirements(const struct ice_metadata *base, struct buf *out)
{
    buf_put_text(out, "[{\"type\":\"assert-table-uuid\"");
    ice_json_put_pair("uuid", base->uuid, out);
    buf_put_text(out, "},{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":");
    if (base->main == ICE_NONE)
        buf_put_text(out, "null");
    else
        buf_printf(out, "%" PRId64, base->main);
    buf_printf(out,
               "},{\"type\":\"assert-current-schema-id\",\"current-schema-id\":%d},"
               "{\"type\":\"assert-default-spec-id\",\"default-spec-id\":%d}]",
               base->schema_id, base->spec_id);
}

static void put_property_updates(const struct ice_change *change, struct buf *out)
{
    size_t removed = 0;

    for (size_t i = 0; i < change->property_count; i++)
        removed += change->properties[i].value == NULL;
    if (removed < change->property_count) {
        buf_put_text(out, ",{\"action\":\"set-properties\",\"updates\":{");
        for (size_t i = 0; i < change->property_count; i++) {
            if (change->properties[i].value != NULL)
                ice_json_put_pair(change->properties[i].key, change->properties[i].value, out);
        }
        buf_put_text(out, "}}");
    }
    if (removed > 0) {
        buf_put_text(out, ",{\"action\":\"remove-properties\",\"removals\":[");
        for (size_t i = 0; i < change->property_count; i++) {
            if (change->properties[i].value == NULL) {
                comma(out);
                ice_json_put_text(change->properties[i].key, out);
            }
        }
        buf_put_text(out, "]}");
    }
}

/* REST: Updates */
void ice_metadata_updates(const struct ice_metadata *base, const struct ice_change *change,
                          struct buf *out)
{
    struct apply apply = apply_of(base, change, out);
    bool first = true;

    buf_put_text(out, "[{\"action\":\"add-snapshot\",\"snapshot\":");
    put_snapshot(&apply);
    buf_printf(out,
               "},{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\","
               "\"snapshot-id\":%" PRId64,
               change->snapshot_id);
    put_main_retention(base, out);
    buf_put_byte(out, '}');
    put_property_updates(change, out);
    for (size_t i = 0; i < change->drop_count; i++) {
        if (!is_dropped(&apply, change->drop[i]))
            continue;
        buf_printf(out,
                   first ? ",{\"action\":\"remove-snapshots\",\"snapshot-ids\":[%" PRId64
                         : ",%" PRId64,
                   change->drop[i]);
        first = false;
    }
    buf_put_text(out, first ? "]" : "]}]");
}
