// SPDX-License-Identifier: Apache-2.0
/* hands.c: what others do to our tables, atomically and without a map.  Expiry, tags and rollbacks
 * are edits of the metadata document itself, as another library would make them. */
#include "sim/sim.h"

#include "core/micros.h"
#include "iceberg/table_read.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

/* -- edits of the document */

struct edit {
    struct sim *sim;
    const char *name;
    struct catalog_table now;
    struct json_object *root;
};

static bool edit_begin(struct edit *edit, struct sim *sim, enum sim_table table)
{
    struct err err;
    int rc;

    *edit = (struct edit){ .sim = sim, .name = sim_table_name(sim, table) };
    rc = catalog_load(sim->catalog, sim->ports.space, edit->name, NULL, &edit->now, &err);
    if (rc != 0)
        return false;
    edit->root = json_tokener_parse(buf_text(&edit->now.metadata));
    ASSERT(edit->root != NULL);
    if (json_object_object_get(edit->root, "current-snapshot-id") != NULL)
        return true;
    json_object_put(edit->root);
    catalog_table_deinit(&edit->now);
    return false;
}

static void edit_end(struct edit *edit)
{
    size_t size;
    const char *text = json_object_to_json_string_length(
        edit->root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);
    struct catalog_commit commit = {
        .base_location = buf_text(&edit->now.location),
        .table_location = json_object_get_string(json_object_object_get(edit->root, "location")),
        .metadata = span_of(text, size),
    };
    struct err err;

    if (catalog_commit(edit->sim->catalog, edit->sim->ports.space, edit->name, &commit, &err) != 0)
        abort();
    json_object_put(edit->root);
    catalog_table_deinit(&edit->now);
}

static void edit_forget(struct edit *edit)
{
    json_object_put(edit->root);
    catalog_table_deinit(&edit->now);
}

static int64_t main_of(const struct edit *edit)
{
    return json_object_get_int64(json_object_object_get(edit->root, "current-snapshot-id"));
}

static struct json_object *list_of(const struct edit *edit, const char *key)
{
    return json_object_object_get(edit->root, key);
}

static int64_t id_at(struct json_object *list, size_t index)
{
    return json_object_get_int64(
        json_object_object_get(json_object_array_get_idx(list, index), "snapshot-id"));
}

/* True when a ref names the snapshot. */
static bool is_referenced(const struct edit *edit, int64_t id)
{
    struct json_object *refs = list_of(edit, "refs");

    json_object_object_foreach(refs, name, ref)
    {
        (void)name;
        if (json_object_get_int64(json_object_object_get(ref, "snapshot-id")) == id)
            return true;
    }
    return false;
}

/* As pyiceberg does; Java leaves the name of a parent that is gone. */
static void forget_lost_parents(struct json_object *snapshots)
{
    for (size_t i = 0; i < json_object_array_length(snapshots); i++) {
        struct json_object *snapshot = json_object_array_get_idx(snapshots, i);
        int64_t parent =
            json_object_get_int64(json_object_object_get(snapshot, "parent-snapshot-id"));
        bool is_there = false;

        for (size_t k = 0; k < json_object_array_length(snapshots); k++)
            is_there = is_there || id_at(snapshots, k) == parent;
        if (!is_there)
            json_object_object_del(snapshot, "parent-snapshot-id");
    }
}

void sim_foreign_expire(struct sim *sim, enum sim_table table)
{
    struct edit edit;
    struct json_object *snapshots, *history;

    if (!edit_begin(&edit, sim, table))
        return;
    sim_trace(sim, "expire %s to %" PRId64, edit.name, main_of(&edit));
    snapshots = list_of(&edit, "snapshots");
    for (size_t i = json_object_array_length(snapshots); i-- > 0;)
        if (!is_referenced(&edit, id_at(snapshots, i)))
            json_object_array_del_idx(snapshots, i, 1);
    if (random_below(&sim->random, 2) == 0)
        forget_lost_parents(snapshots);
    history = list_of(&edit, "snapshot-log");
    if (json_object_array_length(history) > 1)
        json_object_array_del_idx(history, 0, json_object_array_length(history) - 1);
    edit_end(&edit);
}

void sim_foreign_tag(struct sim *sim, enum sim_table table)
{
    struct edit edit;
    struct json_object *refs, *snapshots;

    if (!edit_begin(&edit, sim, table))
        return;
    refs = list_of(&edit, "refs");
    if (json_object_object_get(refs, "mark") != NULL) {
        json_object_object_del(refs, "mark");
    } else {
        struct json_object *ref = json_object_new_object();

        snapshots = list_of(&edit, "snapshots");
        json_object_object_add(
            ref, "snapshot-id",
            json_object_new_int64(
                id_at(snapshots, random_below(&sim->random, json_object_array_length(snapshots)))));
        json_object_object_add(ref, "type", json_object_new_string("tag"));
        json_object_object_add(refs, "mark", ref);
    }
    sim_trace(sim, "tag %s", edit.name);
    edit_end(&edit);
}

static bool is_ancestor(const struct edit *edit, int64_t id)
{
    struct json_object *snapshots = list_of(edit, "snapshots");
    int64_t at = main_of(edit);

    for (size_t hops = json_object_array_length(snapshots) + 1; hops-- > 0;) {
        struct json_object *snapshot = NULL;

        if (at == id)
            return true;
        for (size_t i = 0; i < json_object_array_length(snapshots); i++)
            if (id_at(snapshots, i) == at)
                snapshot = json_object_array_get_idx(snapshots, i);
        if (snapshot == NULL || json_object_object_get(snapshot, "parent-snapshot-id") == NULL)
            return false;
        at = json_object_get_int64(json_object_object_get(snapshot, "parent-snapshot-id"));
    }
    return false;
}

/* Bronze and Gold go anywhere; Silver and dead letters back to an ancestor only (design, rule 5).
 */
void sim_roll_back(struct sim *sim, enum sim_table table)
{
    bool goes_anywhere = table <= SIM_BRONZE_1 || table == SIM_GOLD;
    struct json_object *snapshots, *entry;
    struct edit edit;
    int64_t choice[5];
    size_t count = 0;

    if (!edit_begin(&edit, sim, table))
        return;
    snapshots = list_of(&edit, "snapshots");
    for (size_t i = json_object_array_length(snapshots); i-- > 0 && count < ARRAY_LEN(choice);) {
        int64_t id = id_at(snapshots, i);

        if (id != main_of(&edit) && (goes_anywhere || is_ancestor(&edit, id)))
            choice[count++] = id;
    }
    if (count == 0) {
        edit_forget(&edit);
        return;
    }
    choice[0] = choice[random_below(&sim->random, count)];
    sim_trace(sim, "roll back %s %" PRId64 " -> %" PRId64, edit.name, main_of(&edit), choice[0]);
    sim->is_rolled[table] = true;
    json_object_object_add(edit.root, "current-snapshot-id", json_object_new_int64(choice[0]));
    json_object_object_add(json_object_object_get(list_of(&edit, "refs"), "main"), "snapshot-id",
                           json_object_new_int64(choice[0]));
    entry = json_object_new_object();
    json_object_object_add(entry, "snapshot-id", json_object_new_int64(choice[0]));
    json_object_object_add(entry, "timestamp-ms",
                           json_object_get(list_of(&edit, "last-updated-ms")));
    json_object_array_add(list_of(&edit, "snapshot-log"), entry);
    edit_end(&edit);
}

/* -- files: appended, compacted, or rewritten without some rows */

struct rewrite {
    struct sim *sim;
    struct chain_table chain;
    struct arena arena;
    int64_t snapshot_id;               /* of the snapshot to be */
    const struct ice_data_file **live; /* copies */
    size_t live_count;
    struct column column[SILVER_COLUMNS];
    struct table_reader reader;
};

static int collect(void *context, const struct ice_data_file *file, struct err *err)
{
    struct rewrite *rewrite = context;
    const struct ice_data_file **grown =
        arena_zero(&rewrite->arena, rewrite->live_count + 1, sizeof(*grown));

    (void)err;
    if (rewrite->live_count > 0)
        memcpy(grown, rewrite->live, rewrite->live_count * sizeof(*grown));
    grown[rewrite->live_count++] = ice_data_file_copy(&rewrite->arena, file);
    rewrite->live = grown;
    return 0;
}

/* False when the table is absent or empty. */
static bool rewrite_begin(struct rewrite *rewrite, struct sim *sim, enum sim_table table)
{
    const struct ice_file_visitor visitor = { collect, rewrite };
    const struct ice_snapshot *current;
    struct err err;
    const struct ice_definition *definition;

    *rewrite = (struct rewrite){ .sim = sim };
    sim_open_table(sim, table, &rewrite->chain);
    definition = &rewrite->chain.table.definition;
    for (size_t i = 0; i < definition->field_count; i++)
        column_init(&rewrite->column[i], parquet_column_type(definition->field[i].kind));
    if (table_load(&rewrite->chain.table, &err) != 0)
        return false;
    rewrite->snapshot_id = table_new_snapshot_id(&rewrite->chain.table);
    current = ice_metadata_current(rewrite->chain.table.metadata);
    if (current != NULL && table_visit_live(&rewrite->chain.table, current, &visitor, &err) != 0)
        abort();
    return true;
}

static void rewrite_end(struct rewrite *rewrite)
{
    for (size_t i = 0; i < rewrite->chain.table.definition.field_count; i++)
        column_deinit(&rewrite->column[i]);
    table_reader_deinit(&rewrite->reader);
    chain_deinit(&rewrite->chain);
    arena_deinit(&rewrite->arena);
}

static void read_rows(struct rewrite *rewrite, const struct ice_data_file *file)
{
    struct table *table = &rewrite->chain.table;
    struct err err;

    if (table_reader_open(&rewrite->reader, table, file, &err) != 0)
        abort();
    for (size_t g = 0; g < rewrite->reader.file.row_group_count; g++)
        for (size_t i = 0; i < table->definition.field_count; i++)
            if (table_reader_column(&rewrite->reader, g, i, &rewrite->column[i], &err) != 0)
                abort();
}

static const struct ice_data_file *write_rows(struct rewrite *rewrite, size_t first, size_t count,
                                              const int32_t *partition, bool has_key)
{
    const struct column *columns[SILVER_COLUMNS];
    struct table_file_options options = { .zstd_level = 1 };
    struct ice_data_file *file;
    struct err err;

    if (has_key)
        options.pairs = tables_footer(&options.pair_count);
    for (size_t i = 0; i < rewrite->chain.table.definition.field_count; i++)
        columns[i] = &rewrite->column[i];
    if (table_write_file(&rewrite->chain.table, &rewrite->arena, columns, first, count, partition,
                         &options, &file, &err) != 0)
        abort();
    return file;
}

/* A foreign snapshot: no map, no properties. */
static void commit_files(struct rewrite *rewrite, const char *operation,
                         const struct ice_data_file *const *files, size_t count, bool instead)
{
    struct table *table = &rewrite->chain.table;
    struct table_change change = { .operation = operation, .snapshot_id = rewrite->snapshot_id };
    struct ice_manifest_row row;
    struct err err;

    if (count > 0 && table_write_manifest(table, &rewrite->arena, files, count, change.snapshot_id,
                                          &row, &err) != 0)
        abort();
    if (instead) {
        change.instead = &row;
        change.instead_count = count > 0 ? 1 : 0;
    } else {
        change.added = &row;
        change.added_count = 1;
    }
    sim_trace(rewrite->sim, "foreign %s on %s, %zu files", operation, table->definition.name,
              count);
    if (table_swap(table, table->metadata, &change, &err) != 0) {
        fprintf(stderr, "foreign %s: %s\n", operation, err.text);
        abort();
    }
}

static bool has_key(struct rewrite *rewrite, const struct ice_data_file *file)
{
    struct err err;

    if (table_reader_open(&rewrite->reader, &rewrite->chain.table, file, &err) != 0)
        abort();
    return parquet_file_pair(&rewrite->reader.file, CHAIN_WRITER_KEY).data != NULL;
}

static bool same_partition(const struct ice_data_file *a, const struct ice_data_file *b)
{
    return memcmp(a->partition, b->partition, sizeof(a->partition)) == 0;
}

/* A live file as it goes into the new manifest: EXISTING or DELETED. */
static const struct ice_data_file *as(struct rewrite *rewrite, enum ice_status status,
                                      const struct ice_data_file *file)
{
    struct ice_data_file *copy = ice_data_file_copy(&rewrite->arena, file);

    copy->status = status;
    if (status == ICE_DELETED)
        copy->snapshot_id = rewrite->snapshot_id;
    return copy;
}

static void shuffle_rows(struct rewrite *rewrite)
{
    size_t rows = rewrite->column[0].rows;
    uint32_t *order = arena_zero(&rewrite->arena, rows + 1, sizeof(*order));

    for (size_t i = 0; i < rows; i++)
        order[i] = (uint32_t)i;
    for (size_t i = rows; i > 1; i--) {
        size_t k = random_below(&rewrite->sim->random, i);
        uint32_t kept = order[k];

        order[k] = order[i - 1];
        order[i - 1] = kept;
    }
    for (size_t c = 0; c < rewrite->chain.table.definition.field_count; c++) {
        struct column shuffled;

        column_init(&shuffled, rewrite->column[c].type);
        column_gather(&shuffled, &rewrite->column[c], order, rows);
        column_deinit(&rewrite->column[c]);
        rewrite->column[c] = shuffled;
    }
}

/* Some of our files of one partition become one or two with the rows in another order; the tool
 * keeps the footer's keys, so that they are still known as ours. */
void sim_foreign_compact(struct sim *sim, enum sim_table table)
{
    struct rewrite rewrite;
    const struct ice_data_file **next;
    const struct ice_data_file *first = NULL;
    int32_t partition[ICE_PARTITION_FIELDS_MAX];
    size_t count = 0, merged = 0, rows, cut;

    if (!rewrite_begin(&rewrite, sim, table) || rewrite.live_count < 2)
        goto out;
    next = arena_zero(&rewrite.arena, rewrite.live_count + 2, sizeof(*next));
    for (size_t i = 0; i < rewrite.live_count; i++) {
        const struct ice_data_file *file = rewrite.live[i];

        if (has_key(&rewrite, file) && sim_chance(sim, 70) &&
            (first == NULL || same_partition(first, file))) {
            first = first == NULL ? file : first;
            read_rows(&rewrite, file);
            next[count++] = as(&rewrite, ICE_DELETED, file);
            merged++;
        } else {
            next[count++] = as(&rewrite, ICE_EXISTING, file);
        }
    }
    if (merged < 2)
        goto out;
    for (size_t i = 0; i < ICE_PARTITION_FIELDS_MAX; i++)
        partition[i] = first->partition[i].value;
    shuffle_rows(&rewrite);
    rows = rewrite.column[0].rows;
    cut = random_below(&sim->random, rows);
    if (cut > 0)
        next[count++] = write_rows(&rewrite, 0, cut, partition, true);
    next[count++] = write_rows(&rewrite, cut, rows - cut, partition, true);
    commit_files(&rewrite, "replace", next, count, true);
    sim->is_compacted[table] = true;
out:
    rewrite_end(&rewrite);
}

bool sim_remove_foreign(struct sim *sim, enum sim_table table)
{
    struct rewrite rewrite;
    const struct ice_data_file **next;
    size_t count = 0;
    bool has_found = false;

    if (rewrite_begin(&rewrite, sim, table) && rewrite.live_count > 0) {
        next = arena_zero(&rewrite.arena, rewrite.live_count, sizeof(*next));
        for (size_t i = 0; i < rewrite.live_count; i++) {
            bool is_ours = has_key(&rewrite, rewrite.live[i]);

            has_found |= !is_ours;
            next[count++] = as(&rewrite, is_ours ? ICE_EXISTING : ICE_DELETED, rewrite.live[i]);
        }
        if (has_found)
            commit_files(&rewrite, "overwrite", next, count, true);
    }
    rewrite_end(&rewrite);
    return has_found;
}

/* -- foreign appends */

static void put_default(struct column *column, const struct parquet_field *field)
{
    if (!field->required)
        column_put_null(column);
    else if (column->type == COLUMN_BYTES)
        column_put_bytes(column, SPAN("foreign"));
    else if (column->type == COLUMN_INT32)
        column_put_int32(column, 0);
    else if (column->type == COLUMN_INT64)
        column_put_int64(column, 0);
    else if (column->type == COLUMN_DECIMAL)
        column_put_decimal(column, 0);
    else
        column_put_entries(column);
}

static void set_int64(struct rewrite *rewrite, size_t column, int64_t value)
{
    column_clear(&rewrite->column[column]);
    column_put_int64(&rewrite->column[column], value);
}

static void set_int32(struct rewrite *rewrite, size_t column, int32_t value)
{
    column_clear(&rewrite->column[column]);
    column_put_int32(&rewrite->column[column], value);
}

static void set_text(struct rewrite *rewrite, size_t column, const char *value)
{
    column_clear(&rewrite->column[column]);
    column_put_bytes(&rewrite->column[column], span_text(value));
}

static void set_decimal(struct rewrite *rewrite, size_t column, int128 value)
{
    column_clear(&rewrite->column[column]);
    column_put_decimal(&rewrite->column[column], value);
}

/* A copy of a recent trade, its time off by up to the window, in a Gold or Silver row. */
static int64_t fill_trade(struct rewrite *rewrite)
{
    struct sim *sim = rewrite->sim;
    const struct sim_record *of =
        &sim->record[sim->record_count - 1 -
                     random_below(&sim->random, sim->record_count < 6 ? sim->record_count : 6)];
    int64_t at = of->timestamp_us + sim_between(sim, -SIM_WINDOW_S, SIM_WINDOW_S) * MICROS_SECOND;

    set_text(rewrite, TRADE_MESSAGE_ID, of->message_id);
    set_text(rewrite, TRADE_SIDE, "BUY");
    set_decimal(rewrite, TRADE_PRICE, of->price_units);
    set_decimal(rewrite, TRADE_QUANTITY, 100000);
    set_int64(rewrite, TRADE_TIMESTAMP, at);
    return at;
}

void sim_foreign_append(struct sim *sim, enum sim_table table)
{
    struct rewrite rewrite;
    int32_t partition[2] = { micros_day(clock_now_us(sim->clock)), 0 };
    const struct ice_data_file *file;
    int64_t at;

    if (sim->record_count == 0 || !rewrite_begin(&rewrite, sim, table)) {
        if (sim->record_count > 0)
            rewrite_end(&rewrite);
        return;
    }
    for (size_t i = 0; i < rewrite.chain.table.definition.field_count; i++)
        put_default(&rewrite.column[i], &rewrite.chain.table.definition.field[i]);
    if (table <= SIM_BRONZE_1) {
        int x = (int)table - SIM_BRONZE_0;

        /* An offset of ours, before its time, or one that will never be. */
        set_int64(&rewrite, BRONZE_OFFSET,
                  sim_chance(sim, 30) ? sim->end[x][0] + sim_between(sim, 0, 3)
                                      : 1000000000 + ++sim->foreign);
        set_int32(&rewrite, BRONZE_INGESTION_DATE, partition[0]);
    } else if (table == SIM_DEAD) {
        set_int64(&rewrite, DEAD_KAFKA_OFFSET, 1000000000 + ++sim->foreign);
        set_int32(&rewrite, DEAD_DATE, partition[0]);
    } else if (table == SIM_GOLD) {
        at = fill_trade(&rewrite);
        partition[0] = micros_day(at);
        partition[1] = micros_hour_of_day(at);
        set_int32(&rewrite, GOLD_EXCHANGE_DATE, partition[0]);
        set_int32(&rewrite, GOLD_EXCHANGE_HOUR, partition[1]);
    } else {
        fill_trade(&rewrite);
        set_int64(&rewrite, SILVER_VALIDATION_TIMESTAMP, clock_now_us(sim->clock));
        set_int64(&rewrite, SILVER_KAFKA_OFFSET, 1000000000 + ++sim->foreign);
    }
    file = write_rows(&rewrite, 0, 1, partition, false);
    commit_files(&rewrite, "append", &file, 1, false);
    rewrite_end(&rewrite);
}
