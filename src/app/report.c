// SPDX-License-Identifier: Apache-2.0
/*
 * report.c: the map is found as protocol/chain.c finds it, but nothing is checked and nothing
 * refused: whoever asks may be about to mend just that.
 */
#include "app/report.h"

#include "core/num.h"

#include <inttypes.h>
#include <string.h>

static int add_name(void *context, const char *name, struct err *err)
{
    struct buf *names = context;
    char *copy = mem_text(name);

    (void)err;
    buf_put(names, &copy, sizeof(copy));
    return 0;
}

static int64_t number_of(const struct ice_snapshot *snapshot, const char *key)
{
    const char *text = ice_snapshot_get(snapshot, key);
    char *end = NULL;
    long long value = text == NULL ? -1 : strtoll(text, &end, 10);

    return text == NULL || end == text || *end != 0 || value < 0 ? -1 : (int64_t)value;
}

static int find_map(struct report_table *table, const struct ice_metadata *metadata,
                    struct arena *arena, struct err *err)
{
    const struct ice_snapshot *at = ice_metadata_current(metadata);
    struct positions property;
    int rc;

    table->map_snapshot = ICE_NONE;
    positions_init(&property, arena);
    positions_init(&table->map, arena);
    rc = positions_of_properties(&property, metadata, err);
    if (rc < 0)
        return -1;
    table->has_map = rc == 0;
    for (; at != NULL; at = ice_metadata_snapshot(metadata, at->parent)) {
        rc = positions_of_snapshot(&table->map, at, err);
        if (rc < 0)
            return -1;
        if (rc == 0) {
            table->map_snapshot = at->id;
            if (table->has_map && strcmp(table->map.commit_id, property.commit_id) != 0)
                table->map.epoch = property.epoch + 1;
            table->has_map = true;
            return 0;
        }
    }
    if (chain_is_whole(metadata))
        return 0; /* and none of ours */
    table->is_cut = table->has_map && ice_metadata_current(metadata) != NULL;
    if (table->is_cut)
        table->map = property;
    return 0;
}

static int read_table(struct report_table *table, struct arena *arena, struct span document,
                      const char *file, struct err *err)
{
    struct ice_metadata *metadata = NULL;
    const struct ice_snapshot *current;
    int rc = ice_metadata_parse(document, file, &metadata, err);

    if (rc != 0)
        return -1;
    current = ice_metadata_current(metadata);
    table->uuid = arena_text(arena, span_text(metadata->uuid));
    table->location = arena_text(arena, span_text(metadata->location));
    table->metadata_file = arena_text(arena, span_text(file));
    table->snapshot = metadata->main;
    table->snapshots = (int64_t)metadata->snapshot_count;
    table->last_commit_us = -1;
    if (current != NULL) {
        table->rows = number_of(current, "total-records");
        table->files = number_of(current, "total-data-files");
        table->bytes = number_of(current, "total-files-size");
        table->last_commit_us = current->timestamp_ms * 1000;
    }
    rc = find_map(table, metadata, arena, err);
    ice_metadata_unref(metadata);
    return rc;
}

static void load_table(struct report *report, const struct wire *wire, struct report_table *table)
{
    struct catalog_table loaded = { BUF_INIT, BUF_INIT };
    int rc =
        catalog_load(wire->catalog, wire->config->space, table->name, NULL, &loaded, &table->err);

    if (rc == 0)
        (void)read_table(table, &report->arena, buf_span(&loaded.metadata),
                         buf_text(&loaded.location), &table->err);
    else if (rc > 0)
        err_set(&table->err, ERR_RETRY, "%s has just been dropped", table->name);
    catalog_table_deinit(&loaded);
}

int report_load(struct report *report, const struct wire *wire, struct err *err)
{
    struct buf names = BUF_INIT;
    const struct catalog_visitor visitor = { add_name, &names };
    char **name;
    int rc = catalog_list(wire->catalog, wire->config->space, &visitor, err);

    *report = (struct report){ .arena = ARENA_INIT };
    name = (char **)(void *)names.data;
    report->count = names.size / sizeof(*name);
    report->table = arena_zero(&report->arena, report->count + 1, sizeof(*report->table));
    for (size_t i = 0; i < report->count; i++) {
        report->table[i].name = arena_text(&report->arena, span_text(name[i]));
        free(name[i]);
        if (rc == 0)
            load_table(report, wire, &report->table[i]);
    }
    buf_deinit(&names);
    return rc;
}

void report_deinit(struct report *report)
{
    arena_deinit(&report->arena);
    *report = (struct report){ .arena = ARENA_INIT };
}

/* -- for people */

void report_number(int64_t number, struct buf *out)
{
    char text[32];
    size_t size;

    if (number < 0) {
        buf_put_byte(out, '-');
        return;
    }
    size = (size_t)snprintf(text, sizeof(text), "%" PRId64, number);
    for (size_t i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            buf_put_byte(out, ',');
        buf_put_byte(out, (uint8_t)text[i]);
    }
}

void report_bytes(int64_t bytes, struct buf *out)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    double value = (double)bytes;
    size_t unit = 0;

    if (bytes < 0) {
        buf_put_byte(out, '-');
        return;
    }
    for (; value >= 1024 && unit + 1 < ARRAY_LEN(units); unit++)
        value /= 1024;
    buf_printf(out, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

static void put_topic(const struct positions *map, size_t first, const char *indent,
                      struct buf *out)
{
    const char *topic = map->offset[first].topic;
    int64_t rows = 0, next = 0, partitions = 0;

    for (size_t i = 0; i < first; i++)
        if (strcmp(map->offset[i].topic, topic) == 0)
            return; /* said already */
    for (size_t i = first; i < map->offset_count; i++) {
        if (strcmp(map->offset[i].topic, topic) != 0)
            continue;
        partitions++;
        rows += map->offset[i].rows;
        next += map->offset[i].next;
    }
    buf_printf(out, "%stopic %s: ", indent, topic);
    report_number(rows, out);
    buf_put_text(out, " rows out of ");
    report_number(next, out);
    buf_printf(out, " offsets of %" PRId64 " partitions\n", partitions);
}

void report_progress(const struct report_table *table, const char *indent, struct buf *out)
{
    const struct positions *map = &table->map;

    if (!table->has_map)
        return;
    for (size_t i = 0; i < map->offset_count; i++)
        put_topic(map, i, indent, out);
    for (size_t i = 0; i < map->input_count; i++) {
        const struct position_input *input = &map->input[i];

        buf_printf(out, "%stable %s: ", indent, input->table);
        if (input->snapshot != POSITION_NONE)
            buf_printf(out, "up to snapshot %" PRId64 " (sequence %" PRId64 "), ", input->snapshot,
                       input->sequence);
        if (input->begun != POSITION_NONE)
            buf_printf(out, "%" PRId64 " files of %" PRId64 ", ", input->taken, input->begun);
        if (input->listed > 0)
            buf_printf(out, "live files of %" PRId64 " up to sequence %" PRId64 ", ", input->listed,
                       input->through);
        buf_printf(out, "epoch %" PRId64 "\n", input->epoch);
    }
}
