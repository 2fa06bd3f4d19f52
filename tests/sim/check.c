// SPDX-License-Identifier: Apache-2.0
/*
 * check.c: rule 8, independent of the jobs: what must hold once faults have stopped and all has
 * come to rest.  Compares what the oracle reads with what was produced.
 */
#include "sim/sim.h"

#include "sim/oracle.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <string.h>

#define WINDOW_US (SIM_WINDOW_S * INT64_C(1000000))

struct view {
    struct sim *sim;
    struct arena arena;
    struct oracle_table table[SIM_TABLES];
    struct json_object *properties[SIM_TABLES]; /* NULL: no such table */
    struct json_object *root[SIM_TABLES];
    int *count[SIM_EXCHANGES][3]; /* for each record: rows in Bronze, Silver, dead letters */
    struct buf *text;
    size_t violations;
};

bool sim_is_own(struct sim *sim, enum sim_table table, const struct oracle_table *of, size_t row)
{
    struct ice_definition definition = sim_definition(sim, table);
    const struct oracle_cell *mark =
        &of->row[row].cell[oracle_column(of, definition.field[sim_mark(table)].name)];

    return mark->is_null || !span_equal(mark->text, span_text(SIM_FOREIGN));
}

static void violate(struct view *view, const char *format, ...) PRINTF_LIKE(2, 3);

static void violate(struct view *view, const char *format, ...)
{
    char line[400];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (view->violations++ < 12)
        buf_printf(view->text, "  %s\n", line);
}

static void load(struct view *view, enum sim_table table)
{
    struct sim *sim = view->sim;
    struct catalog_table now = { BUF_INIT, BUF_INIT };
    struct err err;

    if (catalog_load(sim->catalog, sim->ports.space, sim_table_name(sim, table), NULL, &now,
                     &err) == 0) {
        view->root[table] = json_tokener_parse(buf_text(&now.metadata));
        view->properties[table] = json_object_object_get(view->root[table], "properties");
        oracle_read(&view->arena, sim->store, arena_copy(&view->arena, buf_span(&now.metadata)),
                    &view->table[table]);
    }
    catalog_table_deinit(&now);
}

static const struct oracle_cell *cell(const struct view *view, enum sim_table table, size_t row,
                                      const char *column)
{
    const struct oracle_table *of = &view->table[table];

    return &of->row[row].cell[oracle_column(of, column)];
}

static bool is_text(const struct oracle_cell *cell, const char *text)
{
    return !cell->is_null && span_equal(cell->text, span_text(text));
}

static struct json_object *snapshot_of(struct json_object *root, int64_t id)
{
    struct json_object *list = json_object_object_get(root, "snapshots");

    for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
        struct json_object *snapshot = json_object_array_get_idx(list, i);

        if (json_object_get_int64(json_object_object_get(snapshot, "snapshot-id")) == id)
            return snapshot;
    }
    return NULL;
}

/* A part of the table's map: from our newest snapshot on main's chain, else from the properties.
 * (The properties alone may be those of a branch that a rollback has left.) */
static struct json_object *map_part(const struct view *view, enum sim_table table, const char *key)
{
    struct json_object *root = view->root[table];
    struct json_object *at = snapshot_of(
        root, json_object_get_int64(json_object_object_get(root, "current-snapshot-id")));

    while (at != NULL) {
        struct json_object *part =
            json_object_object_get(json_object_object_get(at, "summary"), key);

        if (part != NULL)
            return part;
        at = snapshot_of(root,
                         json_object_get_int64(json_object_object_get(at, "parent-snapshot-id")));
    }
    return json_object_object_get(view->properties[table], key);
}

/* A number in the table's own map, or `absent`. */
static int64_t from_map(const struct view *view, enum sim_table table, const char *key,
                        const char *topic, int32_t partition, int index, int64_t absent)
{
    struct json_object *text = map_part(view, table, key);
    struct json_object *root, *of_topic, *entry;
    char number[16];
    int64_t value = absent;

    if (text == NULL)
        return absent;
    snprintf(number, sizeof(number), "%" PRId32, partition);
    root = json_tokener_parse(json_object_get_string(text));
    of_topic = json_object_object_get(root, topic);
    entry = of_topic == NULL ? NULL : json_object_object_get(of_topic, number);
    if (entry != NULL)
        value = json_object_get_int64(index < 0 ? entry
                                                : json_object_array_get_idx(entry, (size_t)index));
    json_object_put(root);
    return value;
}

/* -- offsets */

/* Was there ever a reason to pass over the record by hand?  The table's own list is not believed.
 */
static bool may_be_skipped(const struct sim *sim, enum sim_table table,
                           const struct sim_record *record)
{
    const char *topic = sim->exchange[record->exchange].names.topic;
    int64_t first, end;
    struct err err;

    if (table > SIM_BRONZE_1)
        return record->offset < sim->retained[record->exchange][record->partition];
    if (log_bounds(sim->log, topic, record->partition, &first, &end, &err) != 0)
        abort();
    return record->offset < first || sim->is_bereft[table];
}

bool sim_is_skipped(const struct sim *sim, enum sim_table table, struct json_object *properties,
                    const struct sim_record *record)
{
    struct json_object *text = json_object_object_get(properties, "k2.skipped");
    struct json_object *list =
        text == NULL ? NULL : json_tokener_parse(json_object_get_string(text));
    const char *topic = sim->exchange[record->exchange].names.topic;
    bool found = false;

    for (size_t i = 0; list != NULL && i < json_object_array_length(list) && !found; i++) {
        struct json_object *of = json_object_array_get_idx(list, i);

        found = strcmp(json_object_get_string(json_object_object_get(of, "topic")), topic) == 0 &&
                json_object_get_int(json_object_object_get(of, "partition")) == record->partition &&
                json_object_get_int64(json_object_object_get(of, "from")) <= record->offset &&
                json_object_get_int64(json_object_object_get(of, "to")) > record->offset;
    }
    json_object_put(list);
    return found && may_be_skipped(sim, table, record);
}

/* Below this Bronze answers no more: retention. */
static int64_t retained_from(const struct view *view, int x, int32_t partition)
{
    return from_map(view, (enum sim_table)(SIM_BRONZE_0 + x), "k2.retained-from",
                    view->sim->exchange[x].names.topic, partition, -1, 0);
}

static bool is_skipped(const struct view *view, enum sim_table table,
                       const struct sim_record *record)
{
    return sim_is_skipped(view->sim, table, view->properties[table], record);
}

/* May no table but Bronze have the record?  What Bronze holds is to be decided, whatever it once
 * passed over. */
static bool is_passed_over(const struct view *view, const struct sim_record *record, bool in_bronze)
{
    return (!in_bronze &&
            is_skipped(view, (enum sim_table)(SIM_BRONZE_0 + record->exchange), record)) ||
           is_skipped(view, (enum sim_table)(SIM_SILVER_0 + record->exchange), record) ||
           is_skipped(view, SIM_DEAD, record);
}

struct place {
    enum sim_table table;
    const char *topic_column, *partition_column, *offset_column;
};

static void places(int x, struct place place[3])
{
    place[0] = (struct place){ (enum sim_table)(SIM_BRONZE_0 + x), "topic", "partition", "offset" };
    place[1] = (struct place){ (enum sim_table)(SIM_SILVER_0 + x), NULL, "kafka_partition",
                               "kafka_offset" };
    place[2] = (struct place){ SIM_DEAD, "kafka_topic", "kafka_partition", "kafka_offset" };
}

static const struct sim_record *record_at(const struct sim *sim, int x, int64_t partition,
                                          int64_t offset)
{
    for (size_t i = 0; i < sim->record_count; i++)
        if (sim->record[i].exchange == x && sim->record[i].partition == partition &&
            sim->record[i].offset == offset)
            return &sim->record[i];
    return NULL;
}

/* Is what the row says what the log holds? */
static bool row_is_record(const struct view *view, const struct place *place, size_t row,
                          const struct sim_record *record)
{
    switch (place->table) {
    case SIM_BRONZE_0:
    case SIM_BRONZE_1:
        return span_equal(cell(view, place->table, row, "raw_bytes")->text, record->value);
    case SIM_DEAD:
        return span_equal(cell(view, place->table, row, "raw_record")->text, record->value);
    default:
        return !record->is_junk &&
               is_text(cell(view, place->table, row, "message_id"), record->message_id) &&
               cell(view, place->table, row, "timestamp")->integer == record->timestamp_us &&
               cell(view, place->table, row, "price")->integer == record->price_units;
    }
}

/* Counts, for each record of an exchange, our rows in one table. */
static void count_rows(struct view *view, int x, const struct place *place, int *count)
{
    struct sim *sim = view->sim;
    const struct oracle_table *table = &view->table[place->table];

    for (size_t row = 0; row < table->row_count; row++) {
        const struct sim_record *record;
        int64_t p, at;

        if (!sim_is_own(sim, place->table, table, row) ||
            (place->topic_column != NULL &&
             !is_text(cell(view, place->table, row, place->topic_column),
                      sim->exchange[x].names.topic)))
            continue;
        p = cell(view, place->table, row, place->partition_column)->integer;
        at = cell(view, place->table, row, place->offset_column)->integer;
        record = record_at(sim, x, p, at);
        if (record == NULL) {
            violate(view, "%s: partition %" PRId64 " offset %" PRId64 " never was",
                    sim_table_name(sim, place->table), p, at);
            continue;
        }
        count[record - sim->record]++;
        if (!row_is_record(view, place, row, record))
            violate(view, "%s: partition %" PRId64 " offset %" PRId64 " is not what the log holds",
                    sim_table_name(sim, place->table), p, at);
        if (place->table == SIM_DEAD && record->schema == 1 &&
            is_text(cell(view, SIM_DEAD, row, "error_reason"), "schema_not_found"))
            violate(view, "dead letters: an outage taken for a verdict at %" PRId64, at);
    }
}

static void check_positions(struct view *view, int x, const struct place *place)
{
    struct sim *sim = view->sim;
    const char *topic = sim->exchange[x].names.topic;

    for (int32_t p = 0; p < sim->exchange[x].partitions; p++) {
        int64_t next = from_map(view, place->table, "k2.offsets", topic, p, 0, sim->begin[x][p]);

        if (next != sim->end[x][p])
            violate(view,
                    "%s: partition %" PRId32 " stands at %" PRId64 ", the log ends at %" PRId64,
                    sim_table_name(sim, place->table), p, next, sim->end[x][p]);
    }
}

static void check_offsets(struct view *view, int x)
{
    struct sim *sim = view->sim;
    int **count = view->count[x];
    struct place place[3];

    places(x, place);
    for (int i = 0; i < 3; i++) {
        count[i] = arena_zero(&view->arena, sim->record_count + 1, sizeof(*count[i]));
        count_rows(view, x, &place[i], count[i]);
        check_positions(view, x, &place[i]);
    }
    for (size_t r = 0; r < sim->record_count; r++) {
        const struct sim_record *record = &sim->record[r];

        if (record->exchange != x)
            continue;
        if (count[0][r] > 1 ||
            (count[0][r] == 0 && record->offset >= retained_from(view, x, record->partition) &&
             !is_skipped(view, place[0].table, record)))
            violate(view, "bronze: %d partition %" PRId32 " offset %" PRId64 " %d times", x,
                    record->partition, record->offset, count[0][r]);
        if (count[1][r] + count[2][r] > 1 ||
            (count[1][r] + count[2][r] == 0 && !is_passed_over(view, record, count[0][r] > 0)))
            violate(view,
                    "%d partition %" PRId32 " offset %" PRId64 ": %d in silver, %d in dead letters",
                    x, record->partition, record->offset, count[1][r], count[2][r]);
    }
}

/* -- Gold */

struct trade_row {
    struct span id, side;
    int64_t price, quantity, at, sequence;
    bool is_ours;
};

static size_t trades_of(struct view *view, enum sim_table table, struct trade_row **out)
{
    const struct oracle_table *of = &view->table[table];
    struct trade_row *rows = arena_zero(&view->arena, of->row_count + 1, sizeof(*rows));

    for (size_t i = 0; i < of->row_count; i++)
        rows[i] = (struct trade_row){
            cell(view, table, i, "message_id")->text,   cell(view, table, i, "side")->text,
            cell(view, table, i, "price")->integer,     cell(view, table, i, "quantity")->integer,
            cell(view, table, i, "timestamp")->integer, of->row[i].sequence,
            sim_is_own(view->sim, table, of, i)
        };
    *out = rows;
    return of->row_count;
}

static bool same_key(const struct trade_row *a, const struct trade_row *b)
{
    return a->price == b->price && a->quantity == b->quantity && span_equal(a->id, b->id) &&
           span_equal(a->side, b->side);
}

static bool is_near(const struct trade_row *a, const struct trade_row *b)
{
    return (a->at > b->at ? a->at - b->at : b->at - a->at) <= WINDOW_US;
}

static void check_silver_in_gold(struct view *view, const struct trade_row *gold, size_t gold_count,
                                 const struct trade_row *silver, size_t silver_count)
{
    for (size_t s = 0; s < silver_count; s++) {
        bool is_there = false;

        for (size_t g = 0; g < gold_count && !is_there; g++)
            is_there = same_key(&silver[s], &gold[g]) && is_near(&silver[s], &gold[g]);
        if (silver[s].is_ours && !is_there)
            violate(view, "gold lacks %.*s at %" PRId64, SPAN_ARGS(silver[s].id), silver[s].at);
    }
}

static bool stands_in(const struct trade_row *row, const struct trade_row *silver, size_t count)
{
    for (size_t s = 0; s < count; s++)
        if (silver[s].is_ours && silver[s].at == row->at && same_key(row, &silver[s]))
            return true;
    return false;
}

static void check_twice(struct view *view, const struct trade_row *gold, size_t count)
{
    for (size_t a = 0; a < count; a++) {
        if (!gold[a].is_ours)
            continue;
        for (size_t b = 0; b < count; b++) {
            if (a == b || !same_key(&gold[a], &gold[b]) || !is_near(&gold[a], &gold[b]))
                continue;
            /* A foreign copy that came later is not ours to prevent. */
            if (gold[b].is_ours
                    ? b > a
                    : !view->sim->is_compacted[SIM_GOLD] && gold[b].sequence <= gold[a].sequence)
                violate(view, "gold twice: %.*s at %" PRId64 " and %" PRId64, SPAN_ARGS(gold[a].id),
                        gold[a].at, gold[b].at);
        }
    }
}

/* A trade that Gold took from a Silver that was rolled back since, and that Silver has no more: the
 * dead letters were rolled back too and have it now, or it was passed over by hand. */
static bool was_decided_again(struct view *view, const struct trade_row *gold)
{
    struct sim *sim = view->sim;

    for (size_t r = 0; r < sim->record_count; r++) {
        struct sim_record *record = &sim->record[r];
        int x = record->exchange;

        if (!sim->is_rolled[SIM_SILVER_0 + x] || record->price_units != gold->price ||
            record->timestamp_us != gold->at ||
            !span_equal(span_text(record->message_id), gold->id))
            continue;
        record->is_decided_again =
            view->count[x][1][r] == 0 &&
            (view->count[x][2][r] > 0 ? sim->is_rolled[SIM_DEAD]
                                      : is_passed_over(view, record, view->count[x][0][r] > 0));
        if (record->is_decided_again)
            return true;
    }
    return false;
}

static void check_gold(struct view *view)
{
    struct trade_row *gold, *silver[SIM_EXCHANGES];
    size_t count = trades_of(view, SIM_GOLD, &gold);
    size_t silver_count[SIM_EXCHANGES];

    for (int x = 0; x < SIM_EXCHANGES; x++) {
        silver_count[x] = trades_of(view, (enum sim_table)(SIM_SILVER_0 + x), &silver[x]);
        check_silver_in_gold(view, gold, count, silver[x], silver_count[x]);
    }
    for (size_t g = 0; g < count; g++)
        if (gold[g].is_ours && !stands_in(&gold[g], silver[0], silver_count[0]) &&
            !stands_in(&gold[g], silver[1], silver_count[1]) && !was_decided_again(view, &gold[g]))
            violate(view, "gold has %.*s at %" PRId64 ", silver has not", SPAN_ARGS(gold[g].id),
                    gold[g].at);
    check_twice(view, gold, count);
}

size_t sim_check(struct sim *sim, bool came_to_rest, struct buf *text)
{
    struct view view = { .sim = sim, .text = text };

    if (!came_to_rest) {
        violate(&view, "%s", sim->broken[0] != 0 ? sim->broken : "does not come to rest");
        return view.violations;
    }
    for (int table = 0; table < SIM_TABLES; table++)
        load(&view, (enum sim_table)table);
    for (int x = 0; x < SIM_EXCHANGES; x++)
        check_offsets(&view, x);
    check_gold(&view);
    for (int table = 0; table < SIM_TABLES; table++)
        json_object_put(view.root[table]);
    arena_deinit(&view.arena);
    return view.violations;
}
