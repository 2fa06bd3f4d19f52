// SPDX-License-Identifier: Apache-2.0
/*
 * test_oracle.c: the oracle reads what src/iceberg writes, cell for cell, and aborts, saying why,
 * when anything that a file states is not so.
 *
 * A lie is told before the file is written (of a data file, of a manifest's row), in the metadata
 * document, or in the bytes of a stored object; the oracle then runs in a child process.
 */
#include "sim/oracle.h"

#include "core/random.h"
#include "iceberg/table.h"
#include "iceberg/table_merge.h"
#include "lib/test.h"
#include "stage/tables.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DAY = 20779, FILES_MAX = 4 };

static const int64_t day_us = INT64_C(86400000000);

struct world {
    struct store *store;
    struct clock *clock;
    struct catalog *catalog;
    struct table_ports ports;
    struct ice_definition definition;
    struct table table;
    struct arena arena;
    struct random random;
    struct column column[SILVER_COLUMNS]; /* all rows ever put */
    struct table_file_options options;
    struct ice_data_file *file[FILES_MAX]; /* of the batch being made */
    size_t file_count;
    struct {
        size_t first, count;
        int64_t snapshot_id;
    } batch[64];
    size_t batch_count;
};

static struct ice_definition shape(size_t index)
{
    return index == 0   ? tables_bronze("bronze")
           : index == 1 ? tables_silver("silver")
           : index == 2 ? tables_dead_letters()
                        : tables_gold();
}

static void world_init(struct world *world, size_t index)
{
    struct err err = { 0 };
    size_t count;
    const struct ice_pair *properties;

    *world = (struct world){ .definition = shape(index) };
    properties = tables_properties(&world->definition, &count);
    world->random.state = 11 + index;
    world->store = store_mem_open();
    world->clock = clock_mem_open(INT64_C(1795360000000000), 7);
    world->catalog = catalog_mem_open(world->store, world->clock, false);
    world->ports = (struct table_ports){ world->catalog, world->store, world->clock };
    world->options = (struct table_file_options){ .zstd_level = 1, .sorted = true };
    world->options.pairs = tables_footer(&world->options.pair_count);
    for (size_t i = 0; i < world->definition.field_count; i++)
        column_init(&world->column[i], parquet_column_type(world->definition.field[i].kind));
    table_init(&world->table, &world->ports, "space", &world->definition);
    assert_ok(table_ensure(&world->table, properties, count, &err));
}

static void world_deinit(struct world *world)
{
    for (size_t i = 0; i < world->definition.field_count; i++)
        column_deinit(&world->column[i]);
    table_deinit(&world->table);
    catalog_close(world->catalog);
    clock_close(world->clock);
    store_close(world->store);
    arena_deinit(&world->arena);
}

/* -- rows */

static void put_text(struct world *world, struct column *column, int64_t n)
{
    static const char *const recurring[] = { "", "BTCUSDT", "ETHUSDT", "\xc3\xa4 of two bytes",
                                             "longer than the sixteen characters of a bound" };
    char text[64];
    int size;

    if (random_below(&world->random, 2) == 0) {
        column_put_bytes(column, span_text(recurring[random_below(&world->random, 5)]));
        return;
    }
    size = snprintf(text, sizeof(text), "value %lld, and \xf0\x9f\x90\x9f", (long long)n);
    column_put_bytes(column, span_of(text, (size_t)size));
}

static void put_entries(struct world *world, struct column *column)
{
    for (uint64_t i = random_below(&world->random, 3); i > 0; i--) {
        column_put_bytes(column->child[0], SPAN("entry"));
        if (column->type == COLUMN_MAP)
            column_put_bytes(column->child[1], SPAN("value"));
    }
    column_put_entries(column);
}

/* Row n of the hour; times ascend with n, so that rows are in gold's order. */
static void put_cell(struct world *world, size_t index, int64_t n, int32_t hour)
{
    const struct parquet_field *field = &world->definition.field[index];
    struct column *column = &world->column[index];
    int64_t big = (int64_t)random_next(&world->random);

    if (!field->required && random_below(&world->random, 4) == 0) {
        column_put_null(column);
        return;
    }
    switch (field->kind) {
    case PARQUET_INT:
        column_put_int32(column, hour);
        break;
    case PARQUET_DATE:
        column_put_int32(column, DAY);
        break;
    case PARQUET_LONG:
        column_put_int64(column, big >> random_below(&world->random, 60));
        break;
    case PARQUET_TIMESTAMPTZ:
        column_put_int64(column, DAY * day_us + n);
        break;
    case PARQUET_DECIMAL:
        column_put_decimal(column, big % INT64_C(1000000000000000000));
        break;
    case PARQUET_STRING:
    case PARQUET_BINARY:
        put_text(world, column, n);
        break;
    default:
        put_entries(world, column);
    }
}

/* A file of `count` new rows, in the batch being made. */
static struct ice_data_file *put_file(struct world *world, size_t count, int32_t hour)
{
    const struct column *columns[SILVER_COLUMNS];
    int32_t partition[ICE_PARTITION_FIELDS_MAX] = { DAY, hour };
    size_t first = world->column[0].rows;
    struct err err = { 0 };

    for (size_t n = 0; n < count; n++)
        for (size_t i = 0; i < world->definition.field_count; i++)
            put_cell(world, i, (int64_t)n, hour);
    for (size_t i = 0; i < world->definition.field_count; i++)
        columns[i] = &world->column[i];
    assert_true(world->file_count < FILES_MAX);
    assert_ok(table_write_file(&world->table, &world->arena, columns, first, count, partition,
                               &world->options, &world->file[world->file_count], &err));
    return world->file[world->file_count++];
}

static void write_manifest(struct world *world, struct table_change *change,
                           struct ice_manifest_row *row)
{
    struct err err = { 0 };

    *change = (struct table_change){ .operation = "append",
                                     .snapshot_id = table_new_snapshot_id(&world->table),
                                     .added = row,
                                     .added_count = 1 };
    assert_ok(table_write_manifest(&world->table, &world->arena,
                                   (const struct ice_data_file *const *)world->file,
                                   world->file_count, change->snapshot_id, row, &err));
}

static void swap(struct world *world, const struct table_change *change)
{
    size_t first = 0;
    struct err err = { 0 };

    assert_ok(table_swap(&world->table, world->table.metadata, change, &err));
    for (size_t i = 0; i < world->batch_count; i++)
        first += world->batch[i].count;
    assert_true(world->batch_count < ARRAY_LEN(world->batch));
    world->batch[world->batch_count].first = first;
    world->batch[world->batch_count].count = world->column[0].rows - first;
    world->batch[world->batch_count++].snapshot_id = change->snapshot_id;
    world->file_count = 0;
}

static void commit(struct world *world)
{
    struct table_change change;
    struct ice_manifest_row row;

    write_manifest(world, &change, &row);
    swap(world, &change);
}

/* -- comparing */

static struct span document(struct world *world)
{
    struct catalog_table now = { 0 };
    struct span copy;
    struct err err = { 0 };

    assert_ok(catalog_load(world->catalog, "space", world->definition.name, NULL, &now, &err));
    copy = arena_copy(&world->arena, buf_span(&now.metadata));
    catalog_table_deinit(&now);
    return copy;
}

static void assert_cell(const struct parquet_field *field, const struct column *column, size_t row,
                        const struct oracle_cell *cell)
{
    bool is_nested = field->kind == PARQUET_LIST || field->kind == PARQUET_MAP;

    assert_int_equal(cell->is_null, is_nested || column_is_null(column, row));
    if (cell->is_null)
        return;
    switch (column->type) {
    case COLUMN_INT32:
        assert_int_equal(cell->integer, column_int32(column, row));
        break;
    case COLUMN_INT64:
        assert_int_equal(cell->integer, column_int64(column, row));
        break;
    case COLUMN_DECIMAL:
        assert_true(cell->integer == column_decimal(column, row));
        break;
    default:
        assert_true(span_equal(cell->text, column_bytes(column, row)));
    }
}

static void assert_row(const struct world *world, size_t batch, size_t row,
                       const struct oracle_row *read)
{
    assert_true(read->has_writer_key == (world->options.pair_count > 0));
    assert_int_equal(read->sequence, batch + 1);
    assert_int_equal(read->snapshot_id, world->batch[batch].snapshot_id);
    assert_non_null(strstr(read->path, ".parquet"));
    for (size_t i = 0; i < world->definition.field_count; i++)
        assert_cell(&world->definition.field[i], &world->column[i], row, &read->cell[i]);
}

/* New manifests stand in front; within one, files and rows as they were put. */
static void assert_all_rows(struct world *world)
{
    struct oracle_table table;
    size_t at = 0;

    oracle_read(&world->arena, world->store, document(world), &table);
    assert_int_equal(table.column_count, world->definition.field_count);
    for (size_t i = 0; i < table.column_count; i++) {
        assert_string_equal(table.column[i], world->definition.field[i].name);
        assert_int_equal(oracle_column(&table, table.column[i]), i);
    }
    assert_int_equal(table.row_count, world->column[0].rows);
    for (size_t batch = world->batch_count; batch-- > 0;) {
        for (size_t i = 0; i < world->batch[batch].count; i++)
            assert_row(world, batch, world->batch[batch].first + i, &table.row[at++]);
    }
    assert_int_equal(at, table.row_count);
}

static void an_empty_table_has_columns_and_no_rows(void **state)
{
    struct world world;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        world_init(&world, i);
        assert_all_rows(&world);
        world_deinit(&world);
    }
}

static void all_rows_come_back_from_all_four_shapes(void **state)
{
    struct world world;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        world_init(&world, i);
        for (int32_t batch = 0; batch < 3; batch++) {
            put_file(&world, 1, batch);
            put_file(&world, 100, batch + 1);
            put_file(&world, 9, batch + 2);
            commit(&world);
        }
        assert_all_rows(&world);
        world_deinit(&world);
    }
}

static void row_groups_and_uncompressed_pages_are_read(void **state)
{
    struct world world;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        world_init(&world, i);
        world.options.row_group_rows = 7;
        put_file(&world, 50, 1);
        world.options.zstd_level = 0;
        put_file(&world, 50, 2);
        commit(&world);
        world.options = (struct table_file_options){ 0 };
        put_file(&world, 20, 3);
        world.options.pairs = tables_footer(&world.options.pair_count);
        world.file_count = 0; /* never committed: its rows are not there */
        for (size_t c = 0; c < world.definition.field_count; c++)
            column_truncate(&world.column[c], 100);
        assert_all_rows(&world);
        world_deinit(&world);
    }
}

static void a_chunk_of_several_pages_is_read(void **state)
{
    struct world world;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        world_init(&world, i);
        put_file(&world, 45000, 1);
        commit(&world);
        assert_all_rows(&world);
        world_deinit(&world);
    }
}

static void a_file_without_the_writers_key_is_known(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, 0);
    world.options.pair_count = 0;
    put_file(&world, 20, 3);
    commit(&world);
    assert_all_rows(&world);
    world_deinit(&world);
}

/* Deflated manifests and lists, EXISTING entries with their own numbers. */
static void merged_manifests_keep_rows_and_numbers(void **state)
{
    struct world world;
    struct ice_manifest_row *rows;
    struct table_change change = { .operation = "replace" };
    struct oracle_table table;
    struct err err = { 0 };

    (void)state;
    world_init(&world, 1);
    for (int32_t batch = 0; batch < 40; batch++) {
        put_file(&world, 3, batch % 24);
        commit(&world);
    }
    assert_all_rows(&world);
    change.snapshot_id = table_new_snapshot_id(&world.table);
    assert_ok(table_merge_plan(&world.table, &world.arena, world.table.metadata, change.snapshot_id,
                               2, &rows, &change.instead_count, &err));
    change.instead = rows;
    assert_ok(table_swap(&world.table, world.table.metadata, &change, &err));
    oracle_read(&world.arena, world.store, document(&world), &table);
    assert_int_equal(table.row_count, 120);
    for (size_t i = 0; i < table.row_count; i++) {
        size_t batch = (size_t)table.row[i].sequence - 1;

        assert_row(&world, batch, world.batch[batch].first + i % 3, &table.row[i]);
    }
    world_deinit(&world);
}

/* -- lies */

/* Runs the oracle in a child; it must abort and say `words`. */
static void assert_abort(struct world *world, struct span metadata, const char *words)
{
    char said[1024];
    size_t size = 0;
    int ends[2], status = 0;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        struct oracle_table table;

        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        oracle_read(&world->arena, world->store, metadata, &table);
        _exit(0);
    }
    assert_true(child > 0);
    close(ends[1]);
    for (ssize_t rc;
         size < sizeof(said) - 1 && (rc = read(ends[0], said + size, sizeof(said) - 1 - size)) > 0;)
        size += (size_t)rc;
    said[size] = 0;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        fail_msg("no abort where it should say \"%s\"", words);
    if (strstr(said, words) == NULL)
        fail_msg("said \"%s\" and not \"%s\"", said, words);
}

static struct ice_count *own_counts(struct world *world, const struct ice_count *counts, size_t n)
{
    return (void *)(uintptr_t)arena_copy(&world->arena, span_of(counts, n * sizeof(*counts))).data;
}

static void set_bound(struct world *world, const struct ice_bound **bounds, size_t count,
                      int32_t id, struct span value)
{
    struct ice_bound *own =
        (void *)(uintptr_t)arena_copy(&world->arena, span_of(*bounds, count * sizeof(**bounds)))
            .data;

    for (size_t i = 0; i < count; i++) {
        if (own[i].field_id != id)
            continue;
        own[i].value = value;
        *bounds = own;
        return;
    }
    fail_msg("no bound of column %d", id);
}

enum lie {
    RECORD_COUNT,
    FILE_SIZE,
    COLUMN_SIZE,
    VALUE_COUNT,
    NULL_COUNT,
    LONG_LOWER,
    LONG_UPPER,
    TEXT_LOWER,
    TEXT_UPPER,
    DATE_LOWER,
    SPLIT_OFFSET,
    PARTITION,
    SORT_ORDER,
    PATH,
    LIES,
};

static void tell(struct world *world, enum lie lie, struct ice_data_file *file)
{
    static const int64_t split = 5;
    struct ice_count *size = own_counts(world, file->column_size, file->column_size_count);
    struct ice_count *values = own_counts(world, file->value_count, file->value_count_count);
    struct ice_count *nulls = own_counts(world, file->null_count, file->null_count_count);

    file->rows += lie == RECORD_COUNT;
    file->bytes += lie == FILE_SIZE;
    size[2].value += lie == COLUMN_SIZE;
    values[3].value -= lie == VALUE_COUNT;
    nulls[0].value += lie == NULL_COUNT;
    file->column_size = size;
    file->value_count = values;
    file->null_count = nulls;
    if (lie == LONG_LOWER)
        set_bound(world, &file->lower, file->lower_count, BRONZE_OFFSET + 1, SPAN("01234567"));
    if (lie == LONG_UPPER)
        set_bound(world, &file->upper, file->upper_count, BRONZE_OFFSET + 1, SPAN("01234567"));
    if (lie == TEXT_LOWER)
        set_bound(world, &file->lower, file->lower_count, BRONZE_TOPIC + 1, SPAN("~"));
    if (lie == TEXT_UPPER)
        set_bound(world, &file->upper, file->upper_count, BRONZE_TOPIC + 1, SPAN("A"));
    if (lie == DATE_LOWER)
        set_bound(world, &file->lower, file->lower_count, BRONZE_INGESTION_DATE + 1, SPAN("0123"));
    if (lie == SPLIT_OFFSET)
        file->split_offset = &split;
    file->partition[0].value += lie == PARTITION;
    file->sort_order_id = lie == SORT_ORDER ? 1 : 0;
    if (lie == PATH)
        file->path = "mem://warehouse/nowhere.parquet";
}

static const char *const lie_words[LIES] = {
    [RECORD_COUNT] = "a record_count of 41, but it is 40",
    [FILE_SIZE] = "bytes, not",
    [COLUMN_SIZE] = "column 3 has",
    [VALUE_COUNT] = "value_counts of column 4 is 39, but it is 40",
    [NULL_COUNT] = "null_value_counts of column 1",
    [LONG_LOWER] = "lower_bounds of column offset contradicts",
    [LONG_UPPER] = "upper_bounds of column offset contradicts",
    [TEXT_LOWER] = "lower_bounds of column topic contradicts",
    [TEXT_UPPER] = "upper_bounds of column topic contradicts",
    [DATE_LOWER] = "lower_bounds of column ingestion_date contradicts",
    [SPLIT_OFFSET] = "a split_offset of 5",
    [PARTITION] = "is not of its partition, ingestion_date_day",
    [SORT_ORDER] = "no sort order 1",
    [PATH] = "nowhere.parquet: is not there",
};

static void a_lie_about_a_data_file_aborts(void **state)
{
    (void)state;
    for (enum lie lie = 0; lie < LIES; lie++) {
        struct world world;

        world_init(&world, 0);
        put_file(&world, 40, 2);
        tell(&world, lie, world.file[0]);
        commit(&world);
        assert_abort(&world, document(&world), lie_words[lie]);
        world_deinit(&world);
    }
}

static void a_lie_in_the_list_aborts(void **state)
{
    static const char *const words[] = {
        "bytes, not",
        "added_files_count is 3, but it is 2",
        "added_rows_count is 51, but it is 50",
        "existing_files_count is 1, but it is 0",
        "deleted_rows_count is 1, but it is 0",
        "min_sequence_number is 0, but it is 1",
        "lower_bound of a partition field is wrong",
        "upper_bound of a partition field is wrong",
        "contains_null is wrong",
        "is of spec 9",
        "was added by another snapshot",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct world world;
        struct table_change change;
        struct ice_manifest_row row;

        world_init(&world, 1);
        put_file(&world, 40, 2);
        put_file(&world, 10, 2);
        write_manifest(&world, &change, &row);
        row.length -= i == 0;
        row.added_files += i == 1;
        row.added_rows += i == 2;
        row.existing_files += i == 3;
        row.deleted_rows += i == 4;
        row.min_sequence = i == 5 ? 0 : row.min_sequence;
        row.partition[0].lower -= i == 6;
        row.partition[0].upper += i == 7;
        row.partition[0].contains_null = i == 8;
        row.spec_id = i == 9 ? 9 : row.spec_id;
        change.snapshot_id += i == 10;
        row.snapshot_id += i == 10;
        swap(&world, &change);
        assert_abort(&world, document(&world), words[i]);
        world_deinit(&world);
    }
}

static void a_file_that_is_live_twice_aborts(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, 2);
    put_file(&world, 10, 1);
    world.file[world.file_count++] = world.file[0];
    commit(&world);
    assert_abort(&world, document(&world), "is live twice");
    world_deinit(&world);
}

/* Gold's order is by time; here time falls. */
static void rows_out_of_the_order_they_claim_abort(void **state)
{
    struct world world;
    const struct column *columns[SILVER_COLUMNS];
    const int32_t partition[] = { DAY, 1 };
    struct ice_data_file *file;
    struct err err = { 0 };

    (void)state;
    world_init(&world, 3);
    put_file(&world, 10, 1);
    put_file(&world, 10, 1);
    world.file_count = 0;
    for (size_t i = 0; i < world.definition.field_count; i++)
        columns[i] = &world.column[i];
    assert_ok(table_write_file(&world.table, &world.arena, columns, 0, 20, partition,
                               &world.options, &file, &err));
    world.file[world.file_count++] = file;
    commit(&world);
    assert_abort(&world, document(&world), "row 10 is not in order 1");
    world_deinit(&world);
}

/* The text with the first `from` replaced. */
static struct span edited(struct world *world, struct span text, const char *from, const char *to)
{
    const char *all = arena_text(&world->arena, text);
    const char *at = strstr(all, from);

    if (at == NULL)
        fail_msg("no %s in %s", from, all);
    return span_text(
        arena_printf(&world->arena, "%.*s%s%s", (int)(at - all), all, to, at + strlen(from)));
}

static void a_lie_in_the_metadata_aborts(void **state)
{
    static const struct {
        const char *from, *to, *words;
    } lies[] = {
        { "\"total-records\":\"30\"", "\"total-records\":\"31\"", "total-records is 31" },
        { "\"total-data-files\":\"2\"", "\"total-data-files\":\"1\"", "total-data-files is 1" },
        { "\"total-files-size\":\"", "\"total-files-size\":\"1", "total-files-size is 1" },
        { "\"added-records\":\"30\"", "\"added-records\":\"29\"", "added-records is 29" },
        { "\"added-data-files\":\"2\"", "\"added-data-files\":\"3\"", "added-data-files is 3" },
        { "\"current-snapshot-id\":", "\"current-snapshot-id\":1", "main is not the current" },
        { "\"format-version\":2", "\"format-version\":3", "another format-version" },
        { "\"last-sequence-number\":1", "\"last-sequence-number\":0", "has sequence 1" },
        { "snap-", "snip-", "is not there" },
        { "\"type\":\"int\"", "\"type\":\"long\"", "column partition is of another type" },
        { "\"name\":\"raw_bytes\",\"required\":false", "\"name\":\"raw_bytes\",\"required\":true",
          "required column raw_bytes may be null" },
        { "\"transform\":\"day\"", "\"transform\":\"hour\"", "transform hour" },
        { "}", "", "no JSON" },
    };
    struct world world;

    (void)state;
    world_init(&world, 0);
    put_file(&world, 10, 1);
    put_file(&world, 20, 1);
    commit(&world);
    assert_all_rows(&world);
    for (size_t i = 0; i < ARRAY_LEN(lies); i++)
        assert_abort(&world, edited(&world, document(&world), lies[i].from, lies[i].to),
                     lies[i].words);
    world_deinit(&world);
}

/* -- damage */

static void put_again(struct world *world, const char *path, struct span image)
{
    struct err err = { 0 };

    assert_ok(store_remove(world->store, path, &err));
    assert_ok(store_put_new(world->store, path, &image, 1, &err));
}

static void any_bit_flipped_in_a_page_aborts(void **state)
{
    struct world world;
    struct buf image = BUF_INIT;
    struct err err = { 0 };
    struct span metadata;
    const char *path;

    (void)state;
    world_init(&world, 0);
    path = put_file(&world, 30, 1)->path;
    commit(&world);
    metadata = document(&world);
    assert_ok(store_get_all(world.store, path, &image, &err));
    for (size_t at = 0; at < 300; at++) {
        image.data[at] ^= (uint8_t)(1 << at % 8);
        put_again(&world, path, buf_span(&image));
        assert_abort(&world, metadata, path);
        image.data[at] ^= (uint8_t)(1 << at % 8);
    }
    put_again(&world, path, buf_span(&image));
    assert_all_rows(&world);
    buf_deinit(&image);
    world_deinit(&world);
}

static void a_list_cut_short_aborts(void **state)
{
    struct world world;
    struct buf image = BUF_INIT;
    struct err err = { 0 };
    const char *path;

    (void)state;
    world_init(&world, 1);
    put_file(&world, 30, 1);
    commit(&world);
    path = ice_metadata_current(world.table.metadata)->manifest_list;
    assert_ok(store_get_all(world.store, path, &image, &err));
    for (size_t size = 0; size < image.size; size += 1 + image.size / 40) {
        put_again(&world, path, span_of(image.data, size));
        assert_abort(&world, document(&world), path);
    }
    put_again(&world, path, buf_span(&image));
    assert_all_rows(&world);
    buf_deinit(&image);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_has_columns_and_no_rows),
        cmocka_unit_test(a_lie_about_a_data_file_aborts),
        cmocka_unit_test(a_lie_in_the_list_aborts),
        cmocka_unit_test(a_file_that_is_live_twice_aborts),
        cmocka_unit_test(rows_out_of_the_order_they_claim_abort),
        cmocka_unit_test(a_lie_in_the_metadata_aborts),
        cmocka_unit_test(any_bit_flipped_in_a_page_aborts),
        cmocka_unit_test(a_list_cut_short_aborts),
        cmocka_unit_test(all_rows_come_back_from_all_four_shapes),
        cmocka_unit_test(row_groups_and_uncompressed_pages_are_read),
        cmocka_unit_test(a_chunk_of_several_pages_is_read),
        cmocka_unit_test(a_file_without_the_writers_key_is_known),
        cmocka_unit_test(merged_manifests_keep_rows_and_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
