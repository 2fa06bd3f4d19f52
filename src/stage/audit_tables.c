// SPDX-License-Identifier: Apache-2.0
/*
 * audit_tables.c: which snapshot of each table is compared.
 *
 * Gold's map names the Silver snapshot that Gold has finished, and Silver's commits keep that
 * snapshot listed.  Where it is not (expired by others, rolled back, or Gold reads by sequence
 * numbers at the moment), Silver's newest serves, and of its files only those up to Gold's sequence
 * number must be in Gold.
 */
#include "stage/audit_tables.h"

#include "core/json.h"
#include "core/micros.h"
#include "core/num.h"
#include "protocol/own_rows.h"
#include "stage/stage.h"
#include "protocol/read_on.h"

#include <inttypes.h>
#include <string.h>

static const struct ice_metadata *metadata_of(const struct audit_table *table)
{
    return table->chain.table.metadata;
}

static int gone(const struct audit_table *table, struct err *err)
{
    return err_set(err, ERR_RETRY,
                   "%s: a file went away while it was read (expired or compacted): run it again",
                   audit_table_name(table));
}

/* -- files */

struct listing {
    struct audit *audit;
    struct audit_table *table;
    int time_index, offset_index; /* columns, or -1 */
    struct buf files;             /* struct audit_file */
};

static void range_of(const struct listing *listing, const struct ice_data_file *file, int index,
                     int64_t *low, int64_t *high)
{
    const struct ice_definition *definition = &listing->table->chain.table.definition;

    if (index >= 0 && ice_data_file_range_int64(file, definition->field[index].field_id, low, high))
        return;
    *low = INT64_MIN;
    *high = INT64_MAX;
}

static bool is_of_others(const struct ice_snapshot *snapshot, const char *operation)
{
    return snapshot != NULL && ice_snapshot_get(snapshot, "k2.commit-id") == NULL &&
           strcmp(snapshot->operation, operation) == 0;
}

/* Not so what comes behind a delete of others: that is how pyiceberg rewrites files. */
static bool is_appended_by_others(const struct ice_metadata *metadata, int64_t snapshot_id)
{
    const struct ice_snapshot *snapshot = ice_metadata_snapshot(metadata, snapshot_id);

    return is_of_others(snapshot, "append") &&
           !is_of_others(ice_metadata_snapshot(metadata, snapshot->parent), "delete");
}

static int list_file(void *context, const struct ice_data_file *file, struct err *err)
{
    struct listing *listing = context;
    struct audit_table *table = listing->table;
    struct audit_file entry = {
        .path = arena_text(&listing->audit->arena, span_text(file->path)),
        .bytes = file->bytes,
        .rows = file->rows,
        .sequence = file->sequence,
        .file_sequence = file->file_sequence,
        .level = own_rows_level_unkeyed(metadata_of(table), file->snapshot_id),
        .is_appended_by_others = is_appended_by_others(metadata_of(table), file->snapshot_id),
    };
    int64_t oldest;

    (void)err;
    range_of(listing, file, listing->time_index, &entry.time_low, &entry.time_high);
    range_of(listing, file, listing->offset_index, &entry.offset_low, &entry.offset_high);
    range_of(listing, file, table->stamp, &oldest, &entry.stamp_high);
    table->oldest_us = int64_min(table->oldest_us, oldest);
    table->rows += file->rows;
    buf_put(&listing->files, &entry, sizeof(entry));
    return 0;
}

/* Live files of the snapshot fixed, and the first `taken` of the one begun. */
static int list_files(struct audit *audit, struct audit_table *table,
                      const struct ice_snapshot *begun, int64_t taken, int time_index,
                      struct err *err)
{
    struct listing listing = { audit, table, time_index, table->chain.origin.offset, BUF_INIT };
    const struct ice_file_visitor visitor = { list_file, &listing };
    struct ice_data_file **added = NULL;
    size_t count = 0;
    int rc = 0;

    table->oldest_us = INT64_MAX;
    if (table->snapshot != NULL)
        rc = table_visit_live(&table->chain.table, table->snapshot, &visitor, err);
    if (rc == 0 && begun != NULL)
        rc = table_added_files(&table->chain.table, &audit->arena, begun, &added, &count, err);
    for (size_t i = 0; rc == 0 && i < count && i < (size_t)taken; i++)
        rc = list_file(&listing, added[i], err);
    table->count = listing.files.size / sizeof(*table->file);
    table->file = arena_zero(&audit->arena, table->count + 1, sizeof(*table->file));
    if (table->count > 0)
        memcpy(table->file, listing.files.data, listing.files.size);
    buf_deinit(&listing.files);
    return rc <= 0 ? rc : gone(table, err);
}

int audit_tables_open(struct table_reader *reader, struct audit_table *table,
                      struct audit_file *file, struct err *err)
{
    const struct ice_data_file at = { .path = file->path, .bytes = file->bytes };
    int rc = table_reader_open(reader, &table->chain.table, &at, err);

    if (rc != 0)
        return rc < 0 ? -1 : gone(table, err);
    if (own_rows_is_ours(reader))
        file->origin = AUDIT_OURS;
    else
        file->origin = file->is_appended_by_others ? AUDIT_OTHERS : AUDIT_UNSURE;
    return 0;
}

int audit_tables_claim(struct audit_table *table, struct err *err)
{
    if (table->has_claims)
        return 0;
    table->has_claims = true;
    if (own_rows_claim(&table->chain, metadata_of(table), table->snapshot, &table->map,
                       &table->claims, err) == 0)
        return 0;
    own_claims_deinit(&table->claims);
    return err->kind == ERR_REFUSED ? 0 : -1;
}

bool audit_tables_holds(const struct audit_table *table, const struct audit_file *file,
                        struct span topic, int32_t partition, int64_t offset)
{
    return file->origin == AUDIT_OURS || table->claims.count == 0 ||
           own_claims_hold(&table->claims, file->level, file->file_sequence, topic, partition,
                           offset);
}

int audit_tables_columns(struct table_reader *reader, size_t group, const int *index, size_t count,
                         struct table_rows *rows, struct column *column, struct err *err)
{
    const int64_t all = reader->file.row_group[group].rows;
    int rc = 0;

    rows->first += rows->count;
    rows->count = int64_min(STAGE_BATCH_ROWS, all - rows->first);
    if (rows->count <= 0)
        return AUDIT_NO_ROWS;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        column_clear(&column[i]);
        if (index[i] >= 0)
            rc = table_reader_rows(reader, group, (size_t)index[i], rows, 1, &column[i], err);
    }
    return rc <= 0 ? rc
                   : err_set(err, ERR_RETRY, "%s went away while it was read: run it again",
                             reader->path);
}

/* -- snapshots and maps */

static void open_table(struct audit *audit, struct audit_table *table,
                       const struct ice_definition *definition, const struct chain_origin *origin,
                       int stamp)
{
    table->stamp = stamp;
    chain_init(&table->chain, &audit->options->ports, audit->options->space, definition, origin,
               "audit");
    positions_init(&table->map, &audit->arena);
    table->taken = INT64_MAX;
}

/* The newest snapshot and the map that holds for it.  A map that protocol refuses is a violation,
 * and the property serves for what can still be compared. */
static int fix_newest(struct audit *audit, struct audit_table *table, struct err *err)
{
    int rc = table->chain.table.metadata != NULL ? 0 : table_load(&table->chain.table, err);

    if (rc != 0)
        return rc == TABLE_ABSENT ? 0 : rc;
    table->snapshot = ice_metadata_current(metadata_of(table));
    rc = chain_find_map(&table->chain, metadata_of(table), &audit->arena, &table->map, err);
    if (rc == 0 || err->kind != ERR_REFUSED)
        return rc;
    audit_report_case(&audit->report, AUDIT_POSITION, 1, "%s", err->text);
    positions_init(&table->map, &audit->arena);
    rc = positions_of_properties(&table->map, metadata_of(table), err);
    return rc < 0 ? -1 : 0;
}

/* Silver's snapshot that Gold has finished, with its map; false when another must serve. */
static bool fix_named(struct audit *audit, struct audit_table *silver,
                      const struct position_input *at, struct err *err)
{
    const struct ice_metadata *metadata = metadata_of(silver);
    const struct ice_snapshot *named = ice_metadata_snapshot(metadata, at->snapshot);
    const struct ice_snapshot *of_map = named;
    int rc = 0;

    if (named == NULL || named->sequence != at->sequence || at->listed > 0 ||
        !ice_metadata_is_ancestor(metadata, named->id, metadata->main) ||
        (at->begun != POSITION_NONE && ice_metadata_snapshot(metadata, at->begun) == NULL))
        return false;
    while (of_map != NULL &&
           (rc = positions_of_snapshot(&silver->map, of_map, err)) == POSITIONS_FOREIGN) {
        positions_init(&silver->map, &audit->arena);
        of_map = ice_metadata_snapshot(metadata, of_map->parent);
    }
    if (of_map == NULL || rc != 0)
        return false;
    silver->snapshot = named;
    return true;
}

static bool is_rolled_back(const struct ice_metadata *metadata, const struct position_input *at)
{
    return (at->uuid[0] != 0 && strcmp(at->uuid, metadata->uuid) != 0) ||
           (ice_metadata_snapshot(metadata, at->snapshot) != NULL && chain_is_whole(metadata) &&
            !ice_metadata_is_ancestor(metadata, at->snapshot, metadata->main));
}

static int fix_silver(struct audit *audit, struct audit_exchange *exchange, struct err *err)
{
    struct audit_table *silver = &exchange->silver;
    const struct position_input *at = positions_input(&audit->gold.map, exchange->names.silver);
    const struct ice_snapshot *begun = NULL;
    int rc = table_load(&silver->chain.table, err);

    if (rc < 0)
        return -1;
    if (rc == TABLE_ABSENT || silver->chain.table.metadata->main == ICE_NONE) {
        if (at != NULL)
            audit_report_case(&audit->report, AUDIT_POSITION, 1,
                              "%s: absent or empty, and %s has read it", exchange->names.silver,
                              TABLES_GOLD);
        return 0;
    }
    if (at != NULL && is_rolled_back(metadata_of(silver), at)) {
        audit_report_case(&audit->report, AUDIT_POSITION, 1,
                          "%s: rolled back or made anew since %s has read it",
                          exchange->names.silver, TABLES_GOLD);
    } else if (at != NULL && fix_named(audit, silver, at, err)) {
        if (at->begun != POSITION_NONE)
            begun = ice_metadata_snapshot(metadata_of(silver), at->begun);
        silver->has_begun = begun != NULL;
        return list_files(audit, silver, begun, at->taken, TRADE_TIMESTAMP, err);
    }
    silver->taken = at == NULL ? -1 : read_on_taken(metadata_of(silver), at);
    positions_init(&silver->map, &audit->arena);
    if (fix_newest(audit, silver, err) != 0)
        return -1;
    return list_files(audit, silver, NULL, 0, TRADE_TIMESTAMP, err);
}

/* -- exchanges: those asked for, and those that Gold has read */

static const char *exchange_of_silver(struct audit *audit, const char *table)
{
    static const char prefix[] = "silver_", suffix[] = "_trades";
    size_t size = strlen(table);
    size_t around = sizeof(prefix) + sizeof(suffix) - 2;

    if (size <= around || strncmp(table, prefix, sizeof(prefix) - 1) != 0 ||
        strcmp(table + size - (sizeof(suffix) - 1), suffix) != 0)
        return NULL;
    return arena_text(&audit->arena, span_of(table + sizeof(prefix) - 1, size - around));
}

static void add_exchange(struct audit *audit, const char *name)
{
    struct audit_exchange *exchange = &audit->exchange[audit->exchange_count];
    struct ice_definition definition;
    struct chain_origin origin;

    for (size_t i = 0; i < audit->exchange_count; i++)
        if (strcmp(audit->exchange[i].names.exchange, name) == 0)
            return;
    audit->exchange_count++;
    tables_names(&exchange->names, &audit->arena, name);
    definition = tables_bronze(exchange->names.bronze);
    origin = tables_bronze_origin();
    open_table(audit, &exchange->bronze, &definition, &origin, BRONZE_INGESTION_TIMESTAMP);
    definition = tables_silver(exchange->names.silver);
    origin = tables_silver_origin(exchange->names.topic);
    open_table(audit, &exchange->silver, &definition, &origin, SILVER_VALIDATION_TIMESTAMP);
}

static void add_exchanges(struct audit *audit)
{
    const struct positions *gold = &audit->gold.map;

    audit->exchange = arena_zero(&audit->arena, audit->options->exchange_count + gold->input_count,
                                 sizeof(*audit->exchange));
    for (size_t i = 0; i < audit->options->exchange_count; i++)
        add_exchange(audit, audit->options->exchanges[i]);
    for (size_t i = 0; i < gold->input_count; i++) {
        const char *name = exchange_of_silver(audit, gold->input[i].table);

        if (name != NULL)
            add_exchange(audit, name);
    }
}

static void describe(struct audit *audit, const struct audit_table *table)
{
    char time[MICROS_TEXT_BYTES_MAX];

    if (table->snapshot == NULL) {
        audit_report_line(&audit->report, "%s: nothing there yet", audit_table_name(table));
        return;
    }
    micros_format(table->snapshot->timestamp_ms * 1000, time);
    audit_report_line(
        &audit->report, "%s: %" PRId64 " rows in %zu files, snapshot %" PRId64 " of %s",
        audit_table_name(table), table->rows, table->count, table->snapshot->id, time);
}

static int fix_and_list(struct audit *audit, struct audit_table *table, int time_index,
                        struct err *err)
{
    if (fix_newest(audit, table, err) != 0)
        return -1;
    return list_files(audit, table, NULL, 0, time_index, err);
}

static void put_json_pair(struct buf *out, const char *key, const char *value)
{
    buf_printf(out, ",\"%s\":", key);
    json_quote(span_text(value), out);
}

static void put_skip_json(struct buf *json, const struct audit_table *table,
                          const struct setting_skip *skip)
{
    buf_printf(json, "%s{\"partition\":%" PRId32 ",\"from\":%" PRId64 ",\"to\":%" PRId64,
               json->size > 0 ? "," : "", skip->partition, skip->from, skip->to);
    put_json_pair(json, "table", audit_table_name(table));
    put_json_pair(json, "topic", skip->topic);
    put_json_pair(json, "time", skip->time);
    put_json_pair(json, "who", skip->who);
    put_json_pair(json, "reason", skip->reason);
    buf_put_byte(json, '}');
}

/* Every audit says what was passed over by hand, by whom. */
static int list_skipped(struct audit *audit, struct audit_table *table, struct err *err)
{
    if (metadata_of(table) == NULL)
        return 0;
    if (setting_skipped(metadata_of(table), &audit->arena, &table->skip, &table->skip_count, err) !=
        0)
        return err_wrap(err, "%s", audit_table_name(table));
    for (size_t i = 0; i < table->skip_count; i++) {
        const struct setting_skip *skip = &table->skip[i];

        audit_report_case(
            &audit->report, AUDIT_SKIPPED, 1,
            "%s: topic %s partition %" PRId32 " offsets [%" PRId64 ", %" PRId64 ") by %s at %s%s%s",
            audit_table_name(table), skip->topic, skip->partition, skip->from, skip->to, skip->who,
            skip->time, skip->reason[0] != 0 ? ": " : "", skip->reason);
        put_skip_json(&audit->report.skipped, table, skip);
    }
    return 0;
}

static int list_all_skipped(struct audit *audit, struct err *err)
{
    for (size_t i = 0; i < audit->exchange_count; i++)
        if (list_skipped(audit, &audit->exchange[i].bronze, err) != 0 ||
            list_skipped(audit, &audit->exchange[i].silver, err) != 0)
            return -1;
    return list_skipped(audit, &audit->dead, err);
}

int audit_tables_fix(struct audit *audit, struct err *err)
{
    struct ice_definition definition = tables_gold();
    struct chain_origin origin = tables_gold_origin();

    open_table(audit, &audit->gold, &definition, &origin, GOLD_INGESTION_TIMESTAMP);
    definition = tables_dead_letters();
    origin = tables_dead_letters_origin();
    open_table(audit, &audit->dead, &definition, &origin, DEAD_ERROR_TIMESTAMP);
    if (fix_and_list(audit, &audit->gold, TRADE_TIMESTAMP, err) != 0)
        return -1;
    add_exchanges(audit);
    for (size_t i = 0; i < audit->exchange_count; i++)
        if (fix_silver(audit, &audit->exchange[i], err) != 0)
            return -1;
    if (fix_and_list(audit, &audit->dead, -1, err) != 0)
        return -1;
    for (size_t i = 0; i < audit->exchange_count; i++)
        if (fix_and_list(audit, &audit->exchange[i].bronze, -1, err) != 0)
            return -1;
    for (size_t i = 0; i < audit->exchange_count; i++) {
        describe(audit, &audit->exchange[i].bronze);
        describe(audit, &audit->exchange[i].silver);
    }
    describe(audit, &audit->dead);
    describe(audit, &audit->gold);
    return list_all_skipped(audit, err);
}

void audit_tables_deinit(struct audit *audit)
{
    for (size_t i = 0; i < audit->exchange_count; i++) {
        chain_deinit(&audit->exchange[i].bronze.chain);
        chain_deinit(&audit->exchange[i].silver.chain);
        own_claims_deinit(&audit->exchange[i].bronze.claims);
        own_claims_deinit(&audit->exchange[i].silver.claims);
    }
    chain_deinit(&audit->dead.chain);
    own_claims_deinit(&audit->dead.claims);
    chain_deinit(&audit->gold.chain);
}

/* -- foreign hands */

static const char *summary_or(const struct ice_snapshot *snapshot, const char *key,
                              const char *otherwise)
{
    const char *value = ice_snapshot_get(snapshot, key);

    return value == NULL ? otherwise : value;
}

/* Who made a snapshot, as far as its summary tells. */
static const char *maker_of(struct audit *audit, const struct ice_snapshot *snapshot)
{
    static const char *const ids[] = { "app-id", "spark.app.id", "trino_query_id", "flink.job-id" };
    const char *engine = summary_or(snapshot, "engine-name", "");
    const char *id = "";

    for (size_t i = 0; i < ARRAY_LEN(ids) && id[0] == 0; i++)
        id = summary_or(snapshot, ids[i], "");
    if (engine[0] == 0 && id[0] == 0)
        return "others";
    return arena_printf(&audit->arena, "%s%s%s", engine, engine[0] != 0 && id[0] != 0 ? " " : "",
                        id);
}

static void list_foreign(struct audit *audit, const struct audit_table *table,
                         const struct ice_snapshot *snapshot)
{
    static const char *const counts[] = { "added-records", "deleted-records",
                                          "added-delete-files" };
    struct buf *json = &audit->report.foreign;
    const char *who = maker_of(audit, snapshot);
    char time[MICROS_TEXT_BYTES_MAX];

    micros_format(snapshot->timestamp_ms * 1000, time);
    audit_report_case(&audit->report, AUDIT_FOREIGN, 1,
                      "%s: snapshot %" PRId64 " of %s: %s by %s, %.20s rows added, %.20s deleted, "
                      "%.20s delete files",
                      audit_table_name(table), snapshot->id, time, snapshot->operation, who,
                      summary_or(snapshot, counts[0], "0"), summary_or(snapshot, counts[1], "0"),
                      summary_or(snapshot, counts[2], "0"));
    buf_printf(json, "%s{\"snapshot\":%" PRId64, json->size > 0 ? "," : "", snapshot->id);
    put_json_pair(json, "table", audit_table_name(table));
    put_json_pair(json, "time", time);
    put_json_pair(json, "operation", snapshot->operation);
    put_json_pair(json, "by", who);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        buf_printf(json, ",\"%s\":%lld", counts[i],
                   strtoll(summary_or(snapshot, counts[i], "0"), NULL, 10));
    buf_put_byte(json, '}');
}

static void foreign_snapshots(struct audit *audit, const struct audit_table *table)
{
    const struct ice_metadata *metadata = metadata_of(table);

    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        const struct ice_snapshot *snapshot = &metadata->snapshot[i];

        if (ice_snapshot_get(snapshot, "k2.commit-id") == NULL &&
            strcmp(snapshot->operation, "replace") != 0 &&
            snapshot->timestamp_ms >= audit->since_us / 1000)
            list_foreign(audit, table, snapshot);
    }
}

static void foreign_files(struct audit *audit, const struct audit_table *table)
{
    int64_t files[2] = { 0, 0 };
    int64_t rows[2] = { 0, 0 };

    for (size_t i = 0; i < table->count; i++) {
        if (table->file[i].origin < AUDIT_OTHERS)
            continue;
        files[table->file[i].origin - AUDIT_OTHERS]++;
        rows[table->file[i].origin - AUDIT_OTHERS] += table->file[i].rows;
    }
    if (files[0] > 0)
        audit_report_case(&audit->report, AUDIT_FOREIGN, files[0],
                          "%s: %" PRId64 " files with %" PRId64 " rows of others",
                          audit_table_name(table), files[0], rows[0]);
    if (files[1] > 0)
        audit_report_case(&audit->report, AUDIT_UNSEEN, files[1],
                          "%s: %" PRId64 " files with %" PRId64 " rows lack our key (compacted by "
                          "others?): taken where rows are absent, not tested for doubles",
                          audit_table_name(table), files[1], rows[1]);
}

static int foreign_deletes(struct audit *audit, struct audit_table *table, struct err *err)
{
    struct ice_manifest_row *rows;
    size_t count;
    int64_t files = 0;
    int rc =
        table_manifests(&table->chain.table, &audit->arena, table->snapshot, &rows, &count, err);

    if (rc != 0)
        return rc < 0 ? -1 : gone(table, err);
    for (size_t i = 0; i < count; i++)
        if (rows[i].content != ICE_DATA)
            files += rows[i].added_files + rows[i].existing_files;
    if (files > 0)
        audit_report_case(&audit->report, AUDIT_FOREIGN, files,
                          "%s: %" PRId64 " delete files of others (the rows they hide were "
                          "compared as if they were there)",
                          audit_table_name(table), files);
    return 0;
}

static int foreign_hands(struct audit *audit, struct audit_table *table, struct err *err)
{
    if (table->snapshot == NULL)
        return 0;
    foreign_snapshots(audit, table);
    foreign_files(audit, table);
    return foreign_deletes(audit, table, err);
}

int audit_tables_foreign(struct audit *audit, struct err *err)
{
    for (size_t i = 0; i < audit->exchange_count; i++)
        if (foreign_hands(audit, &audit->exchange[i].bronze, err) != 0 ||
            foreign_hands(audit, &audit->exchange[i].silver, err) != 0)
            return -1;
    return foreign_hands(audit, &audit->dead, err) != 0 ||
                   foreign_hands(audit, &audit->gold, err) != 0
               ? -1
               : 0;
}
