// SPDX-License-Identifier: Apache-2.0
/* A batch looked up in a large Gold table in memory, behind a store that counts what is read. */
#include "stage/gold_lookup.h"

#include "core/micros.h"
#include "core/num.h"
#include "core/random.h"
#include "lib/test.h"

#include <inttypes.h>

enum { DAY = 20779, HOUR = 4, GOLD_ROWS = 300000, STEP_US = 10000, BATCH_ROWS = 600 };

struct counting {
    struct store store;
    struct store *inner;
    uint64_t bytes; /* of data files, since the test set it to 0 */
};

struct world {
    struct counting counting;
    struct clock *clock;
    struct catalog *catalog;
    struct table_ports ports;
    struct table table;
    struct arena arena;
    struct column gold[GOLD_COLUMNS];
    struct column batch[TRADE_FIELDS];
    struct trade_dedup dedup;
    struct gold_lookup lookup;
};

static struct counting *counting_of(struct store *store)
{
    return (struct counting *)(void *)store;
}

static int counting_put_new(struct store *store, const char *uri, const struct span *parts,
                            size_t count, struct err *err)
{
    return store_put_new(counting_of(store)->inner, uri, parts, count, err);
}

static int counting_size(struct store *store, const char *uri, uint64_t *size, struct err *err)
{
    return store_size(counting_of(store)->inner, uri, size, err);
}

static int counting_get(struct store *store, const char *uri, uint64_t offset, size_t size,
                        struct buf *out, struct err *err)
{
    if (strstr(uri, "/data/") != NULL)
        counting_of(store)->bytes += size;
    return store_get(counting_of(store)->inner, uri, offset, size, out, err);
}

static const struct store_ops counting_ops = { .put_new = counting_put_new,
                                               .size = counting_size,
                                               .get = counting_get };

/* Trade n of Gold, or one that differs from it in its id. */
static void put_trade(struct column *columns, struct random *random, int64_t n, bool other)
{
    const int64_t time = DAY * MICROS_DAY + HOUR * MICROS_HOUR + n * STEP_US;
    char text[64];

    for (size_t i = 0; i < TRADE_FIELDS; i++)
        switch (i) {
        case TRADE_MESSAGE_ID:
            snprintf(text, sizeof(text), "%08x-0000-8000-8000-%012llx", other ? 7u : 1u,
                     (unsigned long long)n);
            column_put_bytes(&columns[i], span_text(text));
            break;
        case TRADE_PRICE:
        case TRADE_QUANTITY:
            column_put_decimal(&columns[i], (int128)(1000 + n % 977) * 100000);
            break;
        case TRADE_SIDE:
            column_put_bytes(&columns[i], n % 3 == 0 ? SPAN("BUY") : SPAN("SELL"));
            break;
        case TRADE_TIMESTAMP:
        case TRADE_INGESTION_TIMESTAMP:
            column_put_int64(&columns[i], time);
            break;
        case TRADE_TRADE_CONDITIONS:
            column_put_entries(&columns[i]);
            break;
        case TRADE_VENDOR_DATA:
            column_put_null(&columns[i]);
            break;
        case TRADE_SOURCE_SEQUENCE:
        case TRADE_PLATFORM_SEQUENCE:
            column_put_int64(&columns[i], (int64_t)random_next(random));
            break;
        default:
            column_put_bytes(&columns[i], SPAN("BTCUSDT"));
        }
}

static void write_gold(struct world *world)
{
    const struct table_file_options options = { .zstd_level = 1, .sorted = true };
    const int32_t partition[] = { DAY, HOUR };
    const struct column *columns[GOLD_COLUMNS];
    const struct ice_data_file *files[1];
    struct ice_data_file *file = NULL;
    struct ice_manifest_row row;
    struct random random = { 1 };
    struct table_change change = { .operation = "append", .added = &row, .added_count = 1 };
    struct err err = { 0 };

    for (int64_t n = 0; n < GOLD_ROWS; n++)
        put_trade(world->gold, &random, n, false);
    column_repeat_int64(&world->gold[GOLD_INGESTION_TIMESTAMP], DAY * MICROS_DAY, GOLD_ROWS);
    column_repeat_int32(&world->gold[GOLD_EXCHANGE_DATE], DAY, GOLD_ROWS);
    column_repeat_int32(&world->gold[GOLD_EXCHANGE_HOUR], HOUR, GOLD_ROWS);
    for (size_t i = 0; i < GOLD_COLUMNS; i++)
        columns[i] = &world->gold[i];
    assert_ok(table_write_file(&world->table, &world->arena, columns, 0, GOLD_ROWS, partition,
                               &options, &file, &err));
    files[0] = file;
    change.snapshot_id = table_new_snapshot_id(&world->table);
    assert_ok(table_write_manifest(&world->table, &world->arena, files, 1, change.snapshot_id, &row,
                                   &err));
    assert_ok(table_swap(&world->table, world->table.metadata, &change, &err));
}

static void world_open(struct world *world)
{
    const struct ice_definition gold = tables_gold();
    struct err err = { 0 };

    *world = (struct world){ 0 };
    world->counting.inner = store_mem_open();
    world->counting.store = (struct store){ &counting_ops, world->counting.inner->root };
    world->clock = clock_mem_open(DAY * MICROS_DAY, 7);
    world->catalog = catalog_mem_open(&world->counting.store, world->clock, false);
    world->ports = (struct table_ports){ world->catalog, &world->counting.store, world->clock };
    for (size_t i = 0; i < GOLD_COLUMNS; i++)
        column_init(&world->gold[i], parquet_column_type(gold.field[i].kind));
    for (size_t i = 0; i < TRADE_FIELDS; i++)
        column_init(&world->batch[i], trade_field_type((enum trade_field)i));
    table_init(&world->table, &world->ports, "space", &gold);
    assert_ok(table_ensure(&world->table, NULL, 0, &err));
    gold_lookup_init(&world->lookup);
    write_gold(world);
}

static void world_close(struct world *world)
{
    gold_lookup_deinit(&world->lookup);
    trade_dedup_deinit(&world->dedup);
    for (size_t i = 0; i < GOLD_COLUMNS; i++)
        column_deinit(&world->gold[i]);
    for (size_t i = 0; i < TRADE_FIELDS; i++)
        column_deinit(&world->batch[i]);
    table_deinit(&world->table);
    catalog_close(world->catalog);
    clock_close(world->clock);
    store_close(world->counting.inner);
    arena_deinit(&world->arena);
}

/* A batch of trades from row `first` on, every `step`th, of which every other one is new; what is
 * found must be what Gold's whole columns give.  The bytes read of data files. */
static uint64_t look_up(struct world *world, int64_t first, int64_t step, int64_t window_us)
{
    struct trade_keys batch = gold_keys(world->batch), gold = gold_keys(world->gold);
    struct random random = { 9 };
    uint8_t found[BATCH_ROWS];
    struct err err = { 0 };

    for (size_t i = 0; i < TRADE_FIELDS; i++)
        column_clear(&world->batch[i]);
    for (int64_t i = 0; i < BATCH_ROWS; i++)
        put_trade(world->batch, &random, first + i * step, i % 2 == 1);
    trade_dedup_begin(&world->dedup, &batch, window_us);
    world->counting.bytes = 0;
    assert_ok(
        gold_lookup_run(&world->lookup, &world->table, world->table.metadata, &world->dedup, &err));
    memcpy(found, world->dedup.mark, sizeof(found));
    trade_dedup_restart(&world->dedup);
    trade_dedup_against(&world->dedup, &gold);
    assert_memory_equal(found, world->dedup.mark, sizeof(found));
    return world->counting.bytes;
}

static void only_pages_whose_times_overlap_are_read(void **state)
{
    struct world world;
    uint64_t all, few, ends, none;

    (void)state;
    world_open(&world);
    all = look_up(&world, 0, GOLD_ROWS / BATCH_ROWS, 60 * MICROS_SECOND);
    assert_int_equal(world.dedup.copies, BATCH_ROWS / 2);
    assert_int_equal(world.lookup.rows_read, GOLD_ROWS);
    world.lookup.rows_read = 0;
    few = look_up(&world, GOLD_ROWS / 2 + 100, 1, 10 * MICROS_SECOND);
    assert_int_equal(world.dedup.copies, BATCH_ROWS / 2);
    assert_in_range(world.lookup.rows_read, BATCH_ROWS, 40000);
    world.lookup.rows_read = 0;
    ends = look_up(&world, GOLD_ROWS - BATCH_ROWS / 2, 1, 10 * MICROS_SECOND);
    assert_int_equal(world.dedup.copies, BATCH_ROWS / 4);
    assert_in_range(world.lookup.rows_read, BATCH_ROWS / 2, 20000);
    none = look_up(&world, GOLD_ROWS + 5000, 1, 10 * MICROS_SECOND);
    assert_int_equal(none, 0);
    print_message("bytes read: all of it %" PRIu64 ", one place %" PRIu64 ", the end %" PRIu64 "\n",
                  all, few, ends);
    assert_true(few * 4 < all && ends * 4 < all);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_pages_whose_times_overlap_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
