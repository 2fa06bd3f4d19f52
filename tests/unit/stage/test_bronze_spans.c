// SPDX-License-Identifier: Apache-2.0
/* A Bronze table of many small files, listed once and read in batches.  K2_SPANS_FILES=100000 makes
 * it as large as docs/commit.md speaks of, and says what it takes. */
#include "stage/bronze_spans.h"

#include "core/micros.h"
#include "lib/test.h"
#include "stage/stage.h"
#include "stage/tables.h"

#include <stdio.h>
#include <time.h>

enum { PARTITIONS = 8, FILES = 1000, FILES_OF_MANIFEST = 1000, ROWS = 2 };

struct world {
    struct clock *clock;
    struct store *store;
    struct catalog *catalog;
    struct chain_table bronze;
    struct arena arena;
    struct positions map;
    size_t files;
    int64_t from[PARTITIONS], to[PARTITIONS];
};

static size_t files_wanted(void)
{
    const char *text = getenv("K2_SPANS_FILES");

    return text == NULL ? FILES : strtoul(text, NULL, 10);
}

/* ROWS rows of each partition, from offset ROWS * number on. */
static struct ice_data_file *write_file(struct world *world, struct arena *arena, size_t number)
{
    struct table_file_options keyed = { .zstd_level = 1 };
    struct column column[BRONZE_COLUMNS];
    const struct column *columns[BRONZE_COLUMNS];
    const int32_t day = 20463;
    struct ice_data_file *file = NULL;
    struct err err;

    keyed.pairs = tables_footer(&keyed.pair_count);
    for (size_t i = 0; i < BRONZE_COLUMNS; i++) {
        column_init(&column[i], parquet_column_type(world->bronze.table.definition.field[i].kind));
        columns[i] = &column[i];
    }
    for (int32_t p = 0; p < PARTITIONS; p++)
        for (int64_t row = 0; row < ROWS; row++) {
            column_put_bytes(&column[BRONZE_RAW_BYTES], SPAN("x"));
            column_put_bytes(&column[BRONZE_TOPIC], SPAN("topic"));
            column_put_int32(&column[BRONZE_PARTITION], p);
            column_put_int64(&column[BRONZE_OFFSET], ROWS * (int64_t)number + row);
            column_put_int64(&column[BRONZE_KAFKA_TIMESTAMP], 0);
            column_put_int64(&column[BRONZE_INGESTION_TIMESTAMP], 0);
            column_put_int32(&column[BRONZE_INGESTION_DATE], day);
        }
    assert_ok(table_write_file(&world->bronze.table, arena, columns, 0, ROWS * PARTITIONS, &day,
                               &keyed, &file, &err));
    for (size_t i = 0; i < BRONZE_COLUMNS; i++)
        column_deinit(&column[i]);
    return file;
}

static struct ice_manifest_row write_manifest(struct world *world, size_t first, size_t count,
                                              int64_t snapshot_id)
{
    const struct ice_data_file *files[FILES_OF_MANIFEST];
    struct ice_manifest_row row;
    struct arena arena = ARENA_INIT;
    struct err err;

    for (size_t i = 0; i < count; i++)
        files[i] = write_file(world, &arena, first + i);
    assert_ok(table_write_manifest(&world->bronze.table, &world->arena, files, count, snapshot_id,
                                   &row, &err));
    arena_deinit(&arena);
    return row;
}

static void world_open(struct world *world)
{
    struct chain_origin origin = tables_bronze_origin();
    struct ice_definition definition = tables_bronze("bronze_binance_trades");
    struct stage_ports ports = { .space = "market_data", .worker = "test" };
    struct table_change change = { .operation = "append" };
    struct ice_manifest_row *rows;
    struct err err;

    *world = (struct world){ .clock = clock_mem_open(INT64_C(20463) * MICROS_DAY, 7),
                             .store = store_mem_open(),
                             .files = files_wanted() };
    world->catalog = catalog_mem_open(world->store, world->clock, false);
    ports.table = (struct table_ports){ world->catalog, world->store, world->clock };
    stage_chain_init(&world->bronze, &ports, &definition, &origin);
    assert_ok(stage_ensure_table(&world->bronze, &err));
    change.snapshot_id = table_new_snapshot_id(&world->bronze.table);
    rows = arena_zero(&world->arena, world->files / FILES_OF_MANIFEST + 1, sizeof(*rows));
    for (size_t first = 0; first < world->files; first += FILES_OF_MANIFEST) {
        size_t rest = world->files - first;

        rows[change.added_count++] = write_manifest(
            world, first, rest < FILES_OF_MANIFEST ? rest : FILES_OF_MANIFEST, change.snapshot_id);
    }
    change.added = rows;
    assert_ok(table_swap(&world->bronze.table, world->bronze.table.metadata, &change, &err));
    positions_init(&world->map, &world->arena);
    for (int p = 0; p < PARTITIONS; p++)
        world->to[p] = ROWS * (int64_t)world->files;
}

static void world_close(struct world *world)
{
    chain_deinit(&world->bronze);
    arena_deinit(&world->arena);
    catalog_close(world->catalog);
    store_close(world->store);
    clock_close(world->clock);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Batches until all is read; how many files they read in all. */
static size_t read_all(struct world *world, struct bronze_spans *spans, int64_t rows_max)
{
    const struct offset_window window = { world->from, world->to, PARTITIONS };
    int64_t end[PARTITIONS];
    size_t reads = 0;
    bool is_all = false;
    struct err err;

    while (!is_all) {
        bool *is_wanted;
        bool has_moved = false;
        int64_t rows = 0;

        assert_ok(bronze_spans_list(spans, &world->bronze, &world->map, &window, &err));
        is_wanted = mem_zero(world->files + 1, sizeof(*is_wanted));
        is_all = bronze_spans_choose(spans, &window, rows_max, 0, is_wanted, end);
        for (size_t i = 0; i < world->files; i++)
            reads += is_wanted[i];
        free(is_wanted);
        for (int p = 0; p < PARTITIONS; p++) {
            assert_true(end[p] >= world->from[p]);
            has_moved |= end[p] > world->from[p];
            rows += end[p] - world->from[p];
            world->from[p] = end[p];
        }
        assert_true(rows <= rows_max || rows <= PARTITIONS);
        assert_true(has_moved || is_all);
        if (spans->is_shortened && memcmp(world->from, world->to, sizeof(world->to)) == 0)
            is_all = true;
    }
    assert_memory_equal(world->from, world->to, sizeof(world->to));
    return reads;
}

static void every_file_is_read_once(void **state)
{
    struct bronze_spans spans = { 0 };
    struct world world;
    double start;
    size_t memory;

    (void)state;
    world_open(&world);
    start = seconds();
    assert_int_equal(read_all(&world, &spans, 64 * PARTITIONS * ROWS), world.files);
    memory = bronze_spans_memory(&spans);
    printf("%zu files, %d spans each: %zu bytes listed, %.2f s\n", world.files, PARTITIONS, memory,
           seconds() - start);
    /* Buffers grow by doubling. */
    assert_true(memory <= 4096 + world.files * 2 * (128 + 28 * PARTITIONS));
    bronze_spans_deinit(&spans);
    world_close(&world);
}

/* As others' compaction of a day would be. */
static void a_file_larger_than_a_batch_is_read_in_parts(void **state)
{
    static const int64_t rows_max[] = { 1, PARTITIONS, PARTITIONS * ROWS - 1, PARTITIONS * ROWS };
    static const size_t parts[] = { 2, 2, 2, 1 }; /* an offset of each partition at a time */

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows_max); i++) {
        struct bronze_spans spans = { 0 };
        struct world world;

        world_open(&world);
        if (world.files == FILES)
            assert_int_equal(read_all(&world, &spans, rows_max[i]), parts[i] * FILES);
        bronze_spans_deinit(&spans);
        world_close(&world);
    }
}

static void a_listing_is_bounded(void **state)
{
    struct bronze_spans spans = { .spans_max = 1024 };
    struct world world;

    (void)state;
    world_open(&world);
    if (world.files == FILES) {
        /* A share of the files in each listing; only the one that is cut is read twice. */
        assert_in_range(read_all(&world, &spans, 64 * PARTITIONS * ROWS), FILES, FILES + 40);
        assert_true(spans.spans.capacity <= 4 * 1024 * sizeof(struct bronze_span));
    }
    bronze_spans_deinit(&spans);
    world_close(&world);
}

static void a_listing_is_made_anew_for_what_it_does_not_hold(void **state)
{
    struct bronze_spans spans = { 0 };
    struct world world;
    const struct offset_window window = { world.from, world.to, PARTITIONS };
    struct err err;

    (void)state;
    world_open(&world);
    world.from[0] = 10;
    assert_ok(bronze_spans_list(&spans, &world.bronze, &world.map, &window, &err));
    spans.is_shortened = true; /* a mark on this listing */
    world.from[0] = 12;
    assert_ok(bronze_spans_list(&spans, &world.bronze, &world.map, &window, &err));
    assert_true(spans.is_shortened);
    world.from[0] = 0;
    assert_ok(bronze_spans_list(&spans, &world.bronze, &world.map, &window, &err));
    assert_false(spans.is_shortened);
    spans.is_shortened = true;
    world.map.epoch = 1;
    assert_ok(bronze_spans_list(&spans, &world.bronze, &world.map, &window, &err));
    assert_false(spans.is_shortened);
    bronze_spans_deinit(&spans);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_read_once),
        cmocka_unit_test(a_file_larger_than_a_batch_is_read_in_parts),
        cmocka_unit_test(a_listing_is_bounded),
        cmocka_unit_test(a_listing_is_made_anew_for_what_it_does_not_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
