// SPDX-License-Identifier: Apache-2.0
/* positions.c: the map as entries in arrays (a few dozen, looked up linearly) and as JSON text.
 * json-c does the parsing: a map is read a few times a minute. */
#include "protocol/positions.h"

#include "core/buf.h"
#include "core/micros.h"
#include "core/num.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

void positions_init(struct positions *map, struct arena *arena)
{
    *map = (struct positions){ .arena = arena, .commit_id = "", .worker = "" };
}

static char *copy_text(struct arena *arena, const char *text)
{
    return arena_text(arena, span_text(text));
}

void positions_copy(struct positions *to, struct arena *arena, const struct positions *from)
{
    struct positions copy;

    positions_init(&copy, arena);
    copy.epoch = from->epoch;
    copy.is_rolled = from->is_rolled;
    copy.complete_us = from->complete_us;
    copy.commit_id = copy_text(arena, from->commit_id);
    copy.worker = copy_text(arena, from->worker);
    for (size_t i = 0; i < from->offset_count; i++)
        positions_set_offset(&copy, &from->offset[i]);
    for (size_t i = 0; i < from->input_count; i++)
        positions_set_input(&copy, &from->input[i]);
    for (size_t i = 0; i < from->retained_count; i++)
        positions_set_retained(&copy, &from->retained[i]);
    *to = copy;
}

static struct position_offset *find_offset(const struct positions *map, const char *topic,
                                           int32_t partition)
{
    for (size_t i = 0; i < map->offset_count; i++)
        if (map->offset[i].partition == partition && strcmp(map->offset[i].topic, topic) == 0)
            return &map->offset[i];
    return NULL;
}

static struct position_input *find_input(const struct positions *map, const char *table)
{
    for (size_t i = 0; i < map->input_count; i++)
        if (strcmp(map->input[i].table, table) == 0)
            return &map->input[i];
    return NULL;
}

static struct position_retained *find_retained(const struct positions *map, const char *topic,
                                               int32_t partition)
{
    for (size_t i = 0; i < map->retained_count; i++)
        if (map->retained[i].partition == partition && strcmp(map->retained[i].topic, topic) == 0)
            return &map->retained[i];
    return NULL;
}

const struct position_offset *positions_offset(const struct positions *map, const char *topic,
                                               int32_t partition)
{
    return find_offset(map, topic, partition);
}

const struct position_input *positions_input(const struct positions *map, const char *table)
{
    return find_input(map, table);
}

int64_t positions_retained_or(const struct positions *map, const char *topic, int32_t partition,
                              int64_t otherwise)
{
    const struct position_retained *entry = find_retained(map, topic, partition);

    return entry == NULL ? otherwise : entry->from;
}

int64_t positions_retained(const struct positions *map, const char *topic, int32_t partition)
{
    return positions_retained_or(map, topic, partition, 0);
}

int64_t positions_next(const struct positions *map, const char *topic, int32_t partition)
{
    const struct position_offset *entry = find_offset(map, topic, partition);

    return entry == NULL ? 0 : entry->next;
}

/* Room for one more entry of `size` behind `count`: arrays grow by doubling within the arena. */
static void *with_room(struct arena *arena, void *entries, size_t count, size_t size)
{
    void *grown;

    if (count > 0 && (count < 8 || (count & (count - 1)) != 0))
        return entries;
    grown = arena_zero(arena, count == 0 ? 8 : 2 * count, size);
    if (count > 0)
        memcpy(grown, entries, count * size);
    return grown;
}

void positions_set_offset(struct positions *map, const struct position_offset *entry)
{
    struct position_offset *at = find_offset(map, entry->topic, entry->partition);
    struct position_offset copy = *entry;

    if (at == NULL) {
        map->offset = with_room(map->arena, map->offset, map->offset_count, sizeof(*at));
        at = &map->offset[map->offset_count++];
        copy.topic = copy_text(map->arena, entry->topic);
        copy.cluster = copy_text(map->arena, entry->cluster);
    } else {
        copy.topic = at->topic;
        copy.cluster = strcmp(at->cluster, entry->cluster) == 0
                           ? at->cluster
                           : copy_text(map->arena, entry->cluster);
    }
    *at = copy;
}

void positions_set_input(struct positions *map, const struct position_input *entry)
{
    struct position_input *at = find_input(map, entry->table);
    struct position_input copy = *entry;

    if (at == NULL) {
        map->input = with_room(map->arena, map->input, map->input_count, sizeof(*at));
        at = &map->input[map->input_count++];
    }
    copy.table = copy_text(map->arena, entry->table);
    copy.uuid = copy_text(map->arena, entry->uuid);
    *at = copy;
}

void positions_set_retained(struct positions *map, const struct position_retained *entry)
{
    struct position_retained *at = find_retained(map, entry->topic, entry->partition);

    if (at == NULL) {
        map->retained = with_room(map->arena, map->retained, map->retained_count, sizeof(*at));
        at = &map->retained[map->retained_count++];
        at->topic = copy_text(map->arena, entry->topic);
        at->partition = entry->partition;
    }
    at->from = entry->from;
}

void positions_remove_inputs(struct positions *map)
{
    map->input_count = 0;
    map->complete_us = 0;
}

bool positions_reach(const struct positions *map, const struct position_note *note)
{
    if (note->at_us == 0)
        return false;
    for (int32_t p = 0; p < note->count; p++) {
        const struct position_offset *entry = positions_offset(map, note->topic, p);

        if (entry == NULL ? note->first[p] != note->end[p] : entry->next < note->end[p])
            return false;
    }
    return true;
}

void positions_keep_retained(struct positions *map, const struct positions *from)
{
    for (size_t i = 0; i < from->retained_count; i++)
        if (find_retained(map, from->retained[i].topic, from->retained[i].partition) == NULL)
            positions_set_retained(map, &from->retained[i]);
}

bool positions_same_offset(const struct position_offset *a, const struct position_offset *b)
{
    const struct position_offset begin = { .last = POSITION_NONE, .high = POSITION_NONE };

    a = a == NULL ? &begin : a;
    b = b == NULL ? &begin : b;
    return a->next == b->next && a->last == b->last && a->rows == b->rows && a->high == b->high;
}

bool positions_same_input(const struct position_input *a, const struct position_input *b)
{
    const struct position_input begin = { .uuid = "",
                                          .snapshot = POSITION_NONE,
                                          .begun = POSITION_NONE };

    a = a == NULL ? &begin : a;
    b = b == NULL ? &begin : b;
    return a->epoch == b->epoch && a->snapshot == b->snapshot && a->sequence == b->sequence &&
           a->begun == b->begun && a->taken == b->taken && a->listed == b->listed &&
           a->through == b->through && a->part_files == b->part_files &&
           a->part_rows == b->part_rows &&
           (a->uuid[0] == 0 || b->uuid[0] == 0 || strcmp(a->uuid, b->uuid) == 0);
}

/* -- from JSON */

static int64_t int_at(struct json_object *array, size_t index)
{
    struct json_object *value = json_object_array_get_idx(array, index);

    return value == NULL ? POSITION_NONE : json_object_get_int64(value);
}

static bool is_partition(const char *text, int32_t *partition)
{
    char *end = NULL;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (end == text || *end != 0 || errno != 0 || value < 0 || value > INT32_MAX)
        return false;
    *partition = (int32_t)value;
    return true;
}

static bool parse_topic_offsets(struct positions *map, const char *topic,
                                struct json_object *object)
{
    struct json_object *cluster = NULL;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, "cluster", &cluster) ||
        !json_object_is_type(cluster, json_type_string))
        return false;
    json_object_object_foreach(object, key, value)
    {
        struct position_offset entry = { .topic = topic,
                                         .cluster = json_object_get_string(cluster) };

        if (strcmp(key, "cluster") == 0)
            continue;
        if (!is_partition(key, &entry.partition) || !json_object_is_type(value, json_type_array) ||
            json_object_array_length(value) < 5 || json_object_array_length(value) > 6)
            return false;
        entry.next = int_at(value, 0);
        entry.last = int_at(value, 1);
        entry.last_us = int_at(value, 2);
        entry.rows = int_at(value, 3);
        entry.high = int_at(value, 4);
        entry.high_sequence = int64_max(int_at(value, 5), 0); /* absent in older maps */
        if (entry.next < 0 || entry.rows < 0)
            return false;
        positions_set_offset(map, &entry);
    }
    return true;
}

static bool parse_offsets(struct positions *map, struct json_object *root)
{
    json_object_object_foreach(root, topic, value)
    {
        if (!parse_topic_offsets(map, topic, value))
            return false;
    }
    return true;
}

static int64_t int_of(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;

    return json_object_object_get_ex(object, key, &value) ? json_object_get_int64(value)
                                                          : POSITION_NONE;
}

static bool parse_inputs(struct positions *map, struct json_object *root)
{
    json_object_object_foreach(root, table, value)
    {
        struct position_input entry = { .table = table };
        struct json_object *uuid = NULL, *part = NULL;

        if (!json_object_is_type(value, json_type_object) ||
            !json_object_object_get_ex(value, "uuid", &uuid) ||
            !json_object_is_type(uuid, json_type_string))
            return false;
        entry.uuid = json_object_get_string(uuid);
        entry.epoch = int_of(value, "epoch");
        entry.snapshot = int_of(value, "snapshot");
        entry.sequence = int_of(value, "sequence");
        entry.begun = int_of(value, "begun");
        entry.taken = int_of(value, "taken");
        entry.complete_us = int64_max(0, int_of(value, "complete"));
        entry.listed = int64_max(0, int_of(value, "listed"));
        entry.through = int64_max(0, int_of(value, "through"));
        if (json_object_object_get_ex(value, "part", &part) &&
            json_object_is_type(part, json_type_array)) {
            entry.part_files = int64_max(0, int_at(part, 0));
            entry.part_rows = int64_max(0, int_at(part, 1));
        }
        if (entry.epoch < 0 || entry.sequence < 0 || entry.taken < 0)
            return false;
        positions_set_input(map, &entry);
    }
    return true;
}

static bool parse_retained(struct positions *map, struct json_object *root)
{
    json_object_object_foreach(root, topic, partitions)
    {
        if (!json_object_is_type(partitions, json_type_object))
            return false;
        json_object_object_foreach(partitions, key, value)
        {
            struct position_retained entry = { .topic = topic,
                                               .from = json_object_get_int64(value) };

            if (!is_partition(key, &entry.partition))
                return false;
            positions_set_retained(map, &entry);
        }
    }
    return true;
}

static int parse_part(struct positions *map, const char *key, const char *text,
                      bool (*parse)(struct positions *, struct json_object *), struct err *err)
{
    struct json_object *root;
    bool good;

    if (text == NULL)
        return 0;
    root = json_tokener_parse(text);
    good = json_object_is_type(root, json_type_object) && parse(map, root);
    json_object_put(root);
    return good ? 0 : err_set(err, ERR_CORRUPT, "%s is not a position map: %.120s", key, text);
}

static int64_t parse_complete(const char *text)
{
    int64_t us;

    return text != NULL && micros_parse(span_text(text), &us) ? int64_max(0, us) : 0;
}

typedef const char *(*get_text)(const void *from, const char *key);

static int parse_map(struct positions *map, get_text get, const void *from, struct err *err)
{
    struct positions found;
    const char *commit_id = get(from, "k2.commit-id");
    const char *epoch = get(from, "k2.epoch");
    const char *worker = get(from, "k2.worker");

    if (commit_id == NULL)
        return POSITIONS_FOREIGN;
    positions_init(&found, map->arena);
    found.commit_id = copy_text(map->arena, commit_id);
    found.worker = copy_text(map->arena, worker == NULL ? "" : worker);
    found.epoch = epoch == NULL ? 0 : strtoll(epoch, NULL, 10);
    found.complete_us = parse_complete(get(from, "k2.complete-through"));
    if (parse_part(&found, "k2.offsets", get(from, "k2.offsets"), parse_offsets, err) != 0 ||
        parse_part(&found, "k2.inputs", get(from, "k2.inputs"), parse_inputs, err) != 0 ||
        parse_part(&found, "k2.retained-from", get(from, "k2.retained-from"), parse_retained,
                   err) != 0)
        return -1;
    *map = found;
    return 0;
}

static const char *from_summary(const void *snapshot, const char *key)
{
    return ice_snapshot_get(snapshot, key);
}

static const char *from_properties(const void *metadata, const char *key)
{
    return ice_metadata_property(metadata, key);
}

int positions_of_snapshot(struct positions *map, const struct ice_snapshot *snapshot,
                          struct err *err)
{
    return parse_map(map, from_summary, snapshot, err);
}

int64_t positions_complete_us(const struct ice_snapshot *snapshot)
{
    return parse_complete(ice_snapshot_get(snapshot, "k2.complete-through"));
}

int positions_of_properties(struct positions *map, const struct ice_metadata *metadata,
                            struct err *err)
{
    return parse_map(map, from_properties, metadata, err);
}

/* -- to JSON; topics, clusters, tables and uuids are our own names, and plain */

static void put_offsets(const struct positions *map, struct buf *out)
{
    buf_put_byte(out, '{');
    for (size_t i = 0; i < map->offset_count; i++) {
        const struct position_offset *e = &map->offset[i];
        bool first = true;

        for (size_t k = 0; k < i && first; k++)
            first = strcmp(map->offset[k].topic, e->topic) != 0;
        if (!first)
            continue;
        buf_printf(out, "%s\"%s\":{\"cluster\":\"%s\"", out->size > 1 ? "," : "", e->topic,
                   e->cluster);
        for (size_t k = i; k < map->offset_count; k++) {
            const struct position_offset *o = &map->offset[k];

            if (strcmp(o->topic, e->topic) == 0)
                buf_printf(out,
                           ",\"%" PRId32 "\":[%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64
                           ",%" PRId64 ",%" PRId64 "]",
                           o->partition, o->next, o->last, o->last_us, o->rows, o->high,
                           o->high_sequence);
        }
        buf_put_byte(out, '}');
    }
    buf_put_byte(out, '}');
}

static void put_inputs(const struct positions *map, struct buf *out)
{
    buf_put_byte(out, '{');
    for (size_t i = 0; i < map->input_count; i++) {
        const struct position_input *e = &map->input[i];

        buf_printf(out,
                   "%s\"%s\":{\"uuid\":\"%s\",\"epoch\":%" PRId64 ",\"snapshot\":%" PRId64
                   ",\"sequence\":%" PRId64 ",\"begun\":%" PRId64 ",\"taken\":%" PRId64
                   ",\"complete\":%" PRId64,
                   i > 0 ? "," : "", e->table, e->uuid, e->epoch, e->snapshot, e->sequence,
                   e->begun, e->taken, e->complete_us);
        if (e->listed > 0)
            buf_printf(out, ",\"listed\":%" PRId64 ",\"through\":%" PRId64, e->listed, e->through);
        if (e->part_files > 0 || e->part_rows > 0)
            buf_printf(out, ",\"part\":[%" PRId64 ",%" PRId64 "]", e->part_files, e->part_rows);
        buf_put_byte(out, '}');
    }
    buf_put_byte(out, '}');
}

static void put_retained(const struct positions *map, struct buf *out)
{
    buf_put_byte(out, '{');
    for (size_t i = 0; i < map->retained_count; i++) {
        const struct position_retained *e = &map->retained[i];
        bool first = true;

        for (size_t k = 0; k < i && first; k++)
            first = strcmp(map->retained[k].topic, e->topic) != 0;
        if (!first)
            continue;
        buf_printf(out, "%s\"%s\":{", out->size > 1 ? "," : "", e->topic);
        for (size_t k = i; k < map->retained_count; k++)
            if (strcmp(map->retained[k].topic, e->topic) == 0)
                buf_printf(out, "%s\"%" PRId32 "\":%" PRId64, k > i ? "," : "",
                           map->retained[k].partition, map->retained[k].from);
        buf_put_byte(out, '}');
    }
    buf_put_byte(out, '}');
}

static const char *in_arena(const struct positions *map,
                            void (*put)(const struct positions *, struct buf *))
{
    struct buf text = BUF_INIT;
    char *copy;

    put(map, &text);
    copy = arena_text(map->arena, buf_span(&text));
    buf_deinit(&text);
    return copy;
}

/* NULL: none */
static const char *complete_text(const struct positions *map)
{
    char text[MICROS_TEXT_BYTES_MAX];

    if (map->complete_us <= 0)
        return NULL;
    micros_format(map->complete_us, text);
    return copy_text(map->arena, text);
}

void positions_pairs(const struct positions *map, struct ice_pair pairs[POSITIONS_PAIRS])
{
    pairs[0] = (struct ice_pair){ "k2.commit-id", map->commit_id };
    pairs[1] = (struct ice_pair){ "k2.epoch", arena_printf(map->arena, "%" PRId64, map->epoch) };
    pairs[2] = (struct ice_pair){ "k2.worker", map->worker };
    pairs[3] = (struct ice_pair){ "k2.offsets", in_arena(map, put_offsets) };
    pairs[4] = (struct ice_pair){ "k2.inputs", in_arena(map, put_inputs) };
    pairs[5] = (struct ice_pair){ "k2.retained-from", in_arena(map, put_retained) };
    pairs[6] = (struct ice_pair){ "k2.complete-through", complete_text(map) };
}
