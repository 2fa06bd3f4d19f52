// SPDX-License-Identifier: Apache-2.0
/* hands.c: what others do to the files of our tables, atomically and without a map; and retention,
 * which is ours and has one. */
#include "sim/sim.h"

#include "core/micros.h"
#include "core/num.h"
#include "iceberg/table_read.h"

#include <inttypes.h>
#include <string.h>

/* -- files: appended, compacted, or rewritten without some rows */

struct rewrite {
    struct sim *sim;
    struct chain_table chain;
    struct arena arena;
    int64_t snapshot_id;               /* of the snapshot to be */
    const struct positions *map;       /* of a snapshot of ours; else NULL */
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

/* A foreign snapshot has no map and no properties. */
static void commit_files(struct rewrite *rewrite, const char *operation,
                         const struct ice_data_file *const *files, size_t count, bool instead)
{
    struct table *table = &rewrite->chain.table;
    struct table_change change = { .operation = operation, .snapshot_id = rewrite->snapshot_id };
    struct ice_pair pairs[POSITIONS_PAIRS];
    struct ice_manifest_row row;
    struct err err;

    if (rewrite->map != NULL) {
        positions_pairs(rewrite->map, pairs);
        change.summary = change.properties = pairs;
        change.summary_count = change.property_count = POSITIONS_PAIRS;
    }
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
    sim_trace(rewrite->sim, "%s %s on %s, %zu files", rewrite->map != NULL ? "our" : "foreign",
              operation, table->definition.name, count);
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

/* Rows of others at offsets that are, or may come to be, of ours. */
static bool has_rows_in_our_stead(const struct rewrite *rewrite, enum sim_table table)
{
    const struct column *mark = &rewrite->column[sim_mark(table)];
    int offset = rewrite->chain.origin.offset;

    for (size_t row = 0; offset >= 0 && row < mark->rows; row++)
        if (is_foreign(mark, row) &&
            column_int64(&rewrite->column[offset], row) < SIM_FOREIGN_OFFSETS)
            return true;
    return false;
}

/* Some files of one partition become one or two with the rows in another order.  A tool that keeps
 * the footer's keys takes only files that are known as ours; one that drops them takes any, and
 * rows of others with ours, but for those at offsets of ours in a table that was rolled back: such
 * a row could take the place of one of ours that was taken away (assumption A7 of docs/commit.md).
 */
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
    if (merged == 0 ||
        (!keeps_key && sim->is_rolled[table] && has_rows_in_our_stead(&rewrite, table)))
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
        sim->is_bereft[table] = true;
    }
    rewrite_end(&rewrite);
}

/* Up to which offset all have read a partition of Bronze, and below its highest row: the map counts
 * up to that.  0 where a table is absent or its map is not to be had. */
static int64_t read_by_all(struct sim *sim, int x, int32_t partition,
                           const struct positions *bronze)
{
    const enum sim_table readers[] = { (enum sim_table)(SIM_SILVER_0 + x), SIM_DEAD };
    const char *topic = sim->exchange[x].names.topic;
    const struct position_offset *entry = positions_offset(bronze, topic, partition);
    int64_t limit = entry == NULL ? 0 : entry->high;

    for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
        struct chain_table chain;
        struct arena arena = ARENA_INIT;
        struct positions map;
        struct err err;

        sim_open_table(sim, readers[i], &chain);
        positions_init(&map, &arena);
        if (chain_load(&chain, &arena, &map, &err) != 0)
            limit = 0;
        limit = int64_min(limit, positions_next(&map, topic, partition));
        chain_deinit(&chain);
        arena_deinit(&arena);
    }
    return limit;
}

/* Are all rows of the file, which was just read, ours and read by all?  Takes them off the map. */
static bool let_go(struct rewrite *rewrite, int x, const int64_t *limit, struct positions *map)
{
    const struct column *partition = &rewrite->column[BRONZE_PARTITION];
    const struct column *offset = &rewrite->column[BRONZE_OFFSET];
    const char *topic = rewrite->sim->exchange[x].names.topic;

    for (size_t row = 0; row < offset->rows; row++)
        if (is_foreign(&rewrite->column[BRONZE_RAW_BYTES], row) ||
            column_int64(offset, row) >= limit[column_int32(partition, row)])
            return false;
    for (size_t row = 0; row < offset->rows; row++) {
        int32_t p = column_int32(partition, row);
        int64_t above = column_int64(offset, row) + 1;
        struct position_offset entry = *positions_offset(map, topic, p);
        struct position_retained retained = { topic, p, above };

        entry.rows--;
        positions_set_offset(map, &entry);
        if (above > positions_retained(map, topic, p))
            positions_set_retained(map, &retained);
    }
    return true;
}

void sim_retain(struct sim *sim, int exchange)
{
    struct rewrite rewrite;
    struct positions map;
    const struct ice_data_file **next;
    int64_t limit[SIM_PARTITIONS_MAX];
    size_t gone = 0;
    struct err err;

    positions_init(&map, &rewrite.arena);
    if (!rewrite_begin(&rewrite, sim, (enum sim_table)(SIM_BRONZE_0 + exchange)) ||
        chain_find_map(&rewrite.chain, rewrite.chain.table.metadata, &rewrite.arena, &map, &err) !=
            0)
        goto out;
    for (int32_t p = 0; p < SIM_PARTITIONS_MAX; p++)
        limit[p] = read_by_all(sim, exchange, p, &map);
    next = arena_zero(&rewrite.arena, rewrite.live_count + 1, sizeof(*next));
    for (size_t i = 0; i < rewrite.live_count; i++) {
        const struct ice_data_file *file = rewrite.live[i];
        bool goes = has_key(&rewrite, file);

        clear_rows(&rewrite);
        if (goes)
            read_rows(&rewrite, file);
        goes = goes && let_go(&rewrite, exchange, limit, &map);
        gone += goes;
        next[i] = as(&rewrite, goes ? ICE_DELETED : ICE_EXISTING, file);
    }
    if (gone == 0)
        goto out;
    map.commit_id = arena_printf(&rewrite.arena, "retention-%" PRId64, rewrite.snapshot_id);
    rewrite.map = &map;
    commit_files(&rewrite, "delete", next, rewrite.live_count, true);
    for (int32_t p = 0; p < SIM_PARTITIONS_MAX; p++)
        sim->retained[exchange][p] =
            int64_max(sim->retained[exchange][p],
                      positions_retained(&map, sim->exchange[exchange].names.topic, p));
out:
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
                               : SIM_FOREIGN_OFFSETS + ++sim->foreign;
}

/* A row under an offset of ours, or one that will never be. */
void sim_append_row(struct sim *sim, enum sim_table table, int64_t offset)
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
    sim_append_row(sim, table, foreign_offset(sim, exchange_of(table)));
}
