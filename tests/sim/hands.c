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

static bool is_listed(const struct edit *edit, int64_t id)
{
    struct json_object *snapshots = list_of(edit, "snapshots");

    for (size_t i = 0; i < json_object_array_length(snapshots); i++)
        if (id_at(snapshots, i) == id)
            return true;
    return false;
}

/* Also one that main's oldest snapshot names as its parent and that is listed no more. */
static bool is_ancestor(const struct edit *edit, int64_t id)
{
    struct json_object *snapshots = list_of(edit, "snapshots");
    int64_t at = main_of(edit);

    for (size_t hops = json_object_array_length(snapshots) + 1; hops-- > 0;) {
        struct json_object *snapshot = NULL;

        for (size_t i = 0; i < json_object_array_length(snapshots); i++)
            if (id_at(snapshots, i) == at)
                snapshot = json_object_array_get_idx(snapshots, i);
        if (at == id)
            return snapshot != NULL; /* a parent that is gone may still be named */
        if (snapshot == NULL || json_object_object_get(snapshot, "parent-snapshot-id") == NULL)
            return false;
        at = json_object_get_int64(json_object_object_get(snapshot, "parent-snapshot-id"));
    }
    return false;
}

/* Ends the edit. */
static void set_main(struct edit *edit, int64_t id)
{
    struct json_object *entry = json_object_new_object();

    sim_trace(edit->sim, "roll back %s %" PRId64 " -> %" PRId64, edit->name, main_of(edit), id);
    json_object_object_add(edit->root, "current-snapshot-id", json_object_new_int64(id));
    json_object_object_add(json_object_object_get(list_of(edit, "refs"), "main"), "snapshot-id",
                           json_object_new_int64(id));
    json_object_object_add(entry, "snapshot-id", json_object_new_int64(id));
    json_object_object_add(entry, "timestamp-ms",
                           json_object_get(list_of(edit, "last-updated-ms")));
    json_object_array_add(list_of(edit, "snapshot-log"), entry);
    edit_end(edit);
}

/* Bronze and Gold go anywhere; Silver and dead letters back to an ancestor only (design, rule 5),
 * and so does a Bronze that was set forward: another branch may hold what Silver has passed over.
 */
void sim_roll_back(struct sim *sim, enum sim_table table)
{
    bool goes_anywhere = (table <= SIM_BRONZE_1 && !sim->is_skipped[table]) || table == SIM_GOLD;
    struct json_object *snapshots;
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
    sim->is_rolled[table] = true;
    set_main(&edit, choice[random_below(&sim->random, count)]);
}

/* Main's parent, if main is a compaction of others and the parent is listed; else 0. */
static int64_t before_compaction(const struct edit *edit)
{
    struct json_object *snapshots = list_of(edit, "snapshots");
    int64_t parent = 0;

    for (size_t i = 0; i < json_object_array_length(snapshots); i++) {
        struct json_object *snapshot = json_object_array_get_idx(snapshots, i);
        struct json_object *summary = json_object_object_get(snapshot, "summary");
        const char *operation =
            json_object_get_string(json_object_object_get(summary, "operation"));

        if (id_at(snapshots, i) == main_of(edit) && strcmp(operation, "replace") == 0 &&
            json_object_object_get(summary, "k2.commit-id") == NULL)
            parent = json_object_get_int64(json_object_object_get(snapshot, "parent-snapshot-id"));
    }
    return is_listed(edit, parent) ? parent : 0;
}

/* No rollback of ours: all rows are there as before. */
void sim_undo_compaction(struct sim *sim, enum sim_table table)
{
    struct edit edit;

    if (!edit_begin(&edit, sim, table))
        return;
    if (before_compaction(&edit) != 0)
        set_main(&edit, before_compaction(&edit));
    else
        edit_forget(&edit);
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

static bool is_foreign(const struct column *mark, size_t row)
{
    return !column_is_null(mark, row) &&
           span_equal(column_bytes(mark, row), span_text(SIM_FOREIGN));
}

static bool has_foreign_rows(const struct rewrite *rewrite, enum sim_table table)
{
    const struct column *mark = &rewrite->column[sim_mark(table)];

    for (size_t row = 0; row < mark->rows; row++)
        if (is_foreign(mark, row))
            return true;
    return false;
}

/* Some files of one partition become one or two with the rows in another order.  A tool that keeps
 * the footer's keys takes only files that are known as ours; one that drops them takes any, and
 * rows of others with ours, but for a table that was rolled back: there a row of others could take
 * the place of one of ours that was taken away (assumption A7 of docs/commit.md). */
void sim_foreign_compact(struct sim *sim, enum sim_table table)
{
    struct rewrite rewrite;
    const struct ice_data_file **next;
    const struct ice_data_file *first = NULL;
    bool keeps_key = sim_chance(sim, 50);
    int32_t partition[ICE_PARTITION_FIELDS_MAX];
    size_t count = 0, merged = 0, rows, cut;

    if (!rewrite_begin(&rewrite, sim, table))
        goto out;
    next = arena_zero(&rewrite.arena, rewrite.live_count + 2, sizeof(*next));
    for (size_t i = 0; i < rewrite.live_count; i++) {
        const struct ice_data_file *file = rewrite.live[i];

        if ((!keeps_key || has_key(&rewrite, file)) && sim_chance(sim, 70) &&
            (first == NULL || same_partition(first, file))) {
            first = first == NULL ? file : first;
            read_rows(&rewrite, file);
            next[count++] = as(&rewrite, ICE_DELETED, file);
            merged++;
        } else {
            next[count++] = as(&rewrite, ICE_EXISTING, file);
        }
    }
    if (merged == 0 || (!keeps_key && sim->is_rolled[table] && has_foreign_rows(&rewrite, table)))
        goto out;
    for (size_t i = 0; i < ICE_PARTITION_FIELDS_MAX; i++)
        partition[i] = first->partition[i].value;
    shuffle_rows(&rewrite);
    rows = rewrite.column[0].rows;
    cut = random_below(&sim->random, rows);
    if (cut > 0)
        next[count++] = write_rows(&rewrite, 0, cut, partition, keeps_key);
    next[count++] = write_rows(&rewrite, cut, rows - cut, partition, keeps_key);
    sim_trace(sim, "compact %s, %s the key", sim_table_name(sim, table),
              keeps_key ? "keeping" : "dropping");
    commit_files(&rewrite, "replace", next, count, true);
    sim->is_compacted[table] = true;
out:
    rewrite_end(&rewrite);
}

/* -- what an observer knows */

size_t sim_mark(enum sim_table table)
{
    if (table <= SIM_BRONZE_1)
        return BRONZE_RAW_BYTES;
    return table == SIM_DEAD ? (size_t)DEAD_RAW_RECORD : (size_t)TRADE_TRADE_ID;
}

static void clear_rows(struct rewrite *rewrite)
{
    for (size_t c = 0; c < rewrite->chain.table.definition.field_count; c++)
        column_clear(&rewrite->column[c]);
}

/* Of the rows read, keeps our own; true when there were others. */
static bool drop_foreign_rows(struct rewrite *rewrite, enum sim_table table)
{
    const struct column *mark = &rewrite->column[sim_mark(table)];
    size_t rows = mark->rows;
    uint32_t *index = arena_zero(&rewrite->arena, rows + 1, sizeof(*index));
    size_t kept = 0;

    for (size_t row = 0; row < rows; row++)
        if (!is_foreign(mark, row))
            index[kept++] = (uint32_t)row;
    if (kept == rows)
        return false;
    for (size_t c = 0; c < rewrite->chain.table.definition.field_count; c++)
        column_keep(&rewrite->column[c], 0, index, kept);
    return true;
}

bool sim_remove_foreign(struct sim *sim, enum sim_table table)
{
    struct rewrite rewrite;
    const struct ice_data_file **next;
    int32_t partition[ICE_PARTITION_FIELDS_MAX];
    size_t count = 0;
    bool has_found = false;

    if (rewrite_begin(&rewrite, sim, table) && rewrite.live_count > 0) {
        next = arena_zero(&rewrite.arena, 2 * rewrite.live_count, sizeof(*next));
        for (size_t i = 0; i < rewrite.live_count; i++) {
            clear_rows(&rewrite);
            read_rows(&rewrite, rewrite.live[i]);
            if (!drop_foreign_rows(&rewrite, table)) {
                next[count++] = as(&rewrite, ICE_EXISTING, rewrite.live[i]);
                continue;
            }
            has_found = true;
            next[count++] = as(&rewrite, ICE_DELETED, rewrite.live[i]);
            for (size_t k = 0; k < ICE_PARTITION_FIELDS_MAX; k++)
                partition[k] = rewrite.live[i]->partition[k].value;
            if (rewrite.column[0].rows > 0)
                next[count++] = write_rows(&rewrite, 0, rewrite.column[0].rows, partition, false);
        }
        if (has_found)
            commit_files(&rewrite, "overwrite", next, count, true);
    }
    rewrite_end(&rewrite);
    return has_found;
}

void sim_remove_keyless(struct sim *sim, enum sim_table table)
{
    struct rewrite rewrite;
    const struct ice_data_file **next;

    if (rewrite_begin(&rewrite, sim, table) && rewrite.live_count > 0) {
        next = arena_zero(&rewrite.arena, rewrite.live_count, sizeof(*next));
        for (size_t i = 0; i < rewrite.live_count; i++)
            next[i] = as(&rewrite, has_key(&rewrite, rewrite.live[i]) ? ICE_EXISTING : ICE_DELETED,
                         rewrite.live[i]);
        commit_files(&rewrite, "overwrite", next, rewrite.live_count, true);
    }
    rewrite_end(&rewrite);
}

static void count_row(struct rewrite *rewrite, size_t row, struct sim_counts *counts)
{
    struct sim *sim = rewrite->sim;
    const struct chain_origin *origin = &rewrite->chain.origin;
    int32_t p = column_int32(&rewrite->column[origin->partition], row);
    int64_t at = column_int64(&rewrite->column[origin->offset], row);
    struct span topic = origin->topic < 0 ? span_text(origin->only_topic)
                                          : column_bytes(&rewrite->column[origin->topic], row);

    for (int x = 0; x < SIM_EXCHANGES; x++) {
        struct position_offset *entry = &counts->entry[x][p];

        if (!span_equal(topic, span_text(sim->exchange[x].names.topic)))
            continue;
        entry->rows++;
        entry->high = at > entry->high ? at : entry->high;
    }
}

void sim_count_own(struct sim *sim, enum sim_table table, struct sim_counts *counts)
{
    struct rewrite rewrite;

    *counts = (struct sim_counts){ 0 };
    for (int x = 0; x < SIM_EXCHANGES; x++)
        for (int32_t p = 0; p < SIM_PARTITIONS_MAX; p++)
            counts->entry[x][p].high = POSITION_NONE;
    if (rewrite_begin(&rewrite, sim, table))
        for (size_t i = 0; i < rewrite.live_count; i++)
            read_rows(&rewrite, rewrite.live[i]);
    (void)drop_foreign_rows(&rewrite, table);
    for (size_t row = 0; row < rewrite.column[0].rows; row++)
        count_row(&rewrite, row, counts);
    rewrite_end(&rewrite);
}

/* -- foreign appends */

static void put_default(struct column *column, const struct parquet_field *field)
{
    if (!field->required)
        column_put_null(column);
    else if (column->type == COLUMN_BYTES)
        column_put_bytes(column, span_text(SIM_FOREIGN));
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

/* An offset of ours in partition 0, before its time, or one that will never be. */
static int64_t foreign_offset(struct sim *sim, int exchange)
{
    return sim_chance(sim, 30) ? sim->end[exchange][0] + sim_between(sim, 0, 3)
                               : 1000000000 + ++sim->foreign;
}

/* A row under an offset of ours, or one that will never be. */
static void append_row(struct sim *sim, enum sim_table table, int64_t offset)
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
    set_text(&rewrite, sim_mark(table), SIM_FOREIGN);
    if (table <= SIM_BRONZE_1) {
        int x = (int)table - SIM_BRONZE_0;

        set_text(&rewrite, BRONZE_TOPIC, sim->exchange[x].names.topic);
        set_int64(&rewrite, BRONZE_OFFSET, offset);
        set_int32(&rewrite, BRONZE_INGESTION_DATE, partition[0]);
    } else if (table == SIM_DEAD) {
        set_text(&rewrite, DEAD_KAFKA_TOPIC, sim->exchange[0].names.topic);
        set_int64(&rewrite, DEAD_KAFKA_OFFSET, offset);
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
        set_int64(&rewrite, SILVER_KAFKA_OFFSET, offset);
    }
    file = write_rows(&rewrite, 0, 1, partition, false);
    commit_files(&rewrite, "append", &file, 1, false);
    rewrite_end(&rewrite);
}

/* The exchange whose offsets the rows of a table have. */
static int exchange_of(enum sim_table table)
{
    return table == SIM_BRONZE_1 || table == SIM_SILVER_1 ? 1 : 0;
}

void sim_foreign_append(struct sim *sim, enum sim_table table)
{
    append_row(sim, table, foreign_offset(sim, exchange_of(table)));
}

/* The one row that would come in the stead of ours: appended by others at the very next offset,
 * then Bronze takes that offset, and is rolled back to before it, and its snapshots are expired. */
void sim_foreign_trap(struct sim *sim)
{
    const enum sim_table table = SIM_BRONZE_1; /* of one partition */
    struct sim_trap *trap = &sim->trap;
    int64_t end = sim->end[exchange_of(table)][0];
    struct edit edit;

    if (trap->snapshot == 0 || end > trap->offset + 1) {
        append_row(sim, table, end);
        if (!edit_begin(&edit, sim, table))
            return;
        *trap = (struct sim_trap){ .snapshot = main_of(&edit), .offset = end };
        edit_forget(&edit);
        return;
    }
    if (!edit_begin(&edit, sim, table))
        return;
    if (end == trap->offset || main_of(&edit) == trap->snapshot ||
        !is_listed(&edit, trap->snapshot) || !is_ancestor(&edit, trap->snapshot)) {
        edit_forget(&edit);
        return;
    }
    sim->is_rolled[table] = true;
    set_main(&edit, trap->snapshot);
    append_row(sim, table, 1000000000 + ++sim->foreign);
    sim_foreign_expire(sim, table);
    trap->snapshot = 0;
}
