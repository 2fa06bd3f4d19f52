// SPDX-License-Identifier: Apache-2.0
#include "lib/test.h"

#include "lib/folder.h"
#include "protocol/commit.h"
#include "stage/bronze.h"
#include "stage/maintain.h"
#include "stage/tables.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define NOW_US     INT64_C(1795360000000000)
#define SECOND_US  INT64_C(1000000)
#define TOPIC      "market.crypto.trades.binance"
#define DEAD_TOPIC "market.crypto.trades.binance.dlq"

static const char *const exchanges[] = { "binance" };

struct world {
    char *folder; /* of a store that has one */
    struct clock *clock;
    struct store *store;
    struct catalog *catalog;
    struct log *log;
    struct registry *registry;
    struct stage_ports ports;
    struct bronze *bronze;
    struct maintain *maintain;
};

static int setup_over(void **state, struct store *store)
{
    struct world *world = mem_zero(1, sizeof(*world));
    struct maintain_config config = { .exchanges = exchanges,
                                      .exchange_count = 1,
                                      .log_retention_us = 100 * SECOND_US,
                                      .merge_at_least = 10 };
    struct err err = { 0 };

    world->clock = clock_mem_open(NOW_US, 7);
    world->store = store;
    world->catalog = catalog_mem_open(world->store, world->clock, false);
    world->log = log_mem_open(7);
    world->registry = registry_mem_open();
    world->ports = (struct stage_ports){
        .table = { world->catalog, world->store, world->clock },
        .log = world->log,
        .registry = world->registry,
        .space = "market_data",
        .worker = "w",
        .batch_rows = 100,
        .batch_bytes = 10000,
        .keep_newest = 3,
        .keep_for_readers = 1,
    };
    assert_ok(log_ensure_topic(world->log, TOPIC, 2, &err));
    assert_ok(log_ensure_topic(world->log, DEAD_TOPIC, 1, &err));
    world->bronze = bronze_new(&world->ports, "binance", 2);
    world->maintain = maintain_new(&world->ports, &config);
    *state = world;
    return 0;
}

static int setup(void **state)
{
    return setup_over(state, store_mem_open());
}

static int setup_local(void **state)
{
    char *folder = folder_new();
    struct store *store;
    struct err err = { 0 };
    struct world *world;
    int rc;

    assert_ok(store_local_open(folder, &store, &err));
    rc = setup_over(state, store);
    world = *state;
    world->folder = folder;
    return rc;
}

static int teardown(void **state)
{
    struct world *world = *state;
    char *folder = world->folder;

    maintain_free(world->maintain);
    bronze_free(world->bronze);
    log_close(world->log);
    registry_close(world->registry);
    catalog_close(world->catalog);
    store_close(world->store);
    clock_close(world->clock);
    folder_free(folder);
    free(world);
    return 0;
}

/* A record of one second ago in partition 1. */
static void send_one(struct world *world)
{
    const struct log_record record = { .partition = 1,
                                       .timestamp_us = clock_now_us(world->clock) - SECOND_US,
                                       .value = SPAN("raw") };
    struct err err = { 0 };

    assert_ok(log_send(world->log, TOPIC, &record, 1, &err));
}

/* So many batches of a record each, two seconds apart. */
static void fill(struct world *world, int batches)
{
    struct err err = { 0 };

    for (int i = 0; i < batches; i++) {
        clock_mem_advance(world->clock, 2 * SECOND_US);
        send_one(world);
        assert_ok(bronze_step(world->bronze, &err));
    }
}

struct count {
    int objects, notes;
};

static int count_one(void *context, const char *uri, uint64_t size, int64_t modified_us,
                     struct err *err)
{
    struct count *count = context;

    (void)size;
    (void)modified_us;
    (void)err;
    count->objects++;
    count->notes += strstr(uri, COMMIT_DROPPED_PREFIX) != NULL;
    return 0;
}

static struct count count_objects(struct world *world)
{
    struct count count = { 0 };
    const struct store_visitor visitor = { count_one, &count };
    struct err err = { 0 };

    assert_ok(store_list(world->store, world->store->root, &visitor, &err));
    return count;
}

static int64_t first_of_log(struct world *world)
{
    int64_t first, end;
    struct err err = { 0 };

    assert_ok(log_bounds(world->log, TOPIC, 1, &first, &end, &err));
    return first;
}

static int64_t total_records(struct world *world)
{
    struct chain_table *chain = bronze_table(world->bronze);
    struct err err = { 0 };
    const struct ice_snapshot *snapshot;

    assert_ok(table_load(&chain->table, &err));
    snapshot = ice_metadata_current(chain->table.metadata);
    return atoll(ice_snapshot_get(snapshot, "total-records"));
}

static int count_file(void *context, const struct ice_data_file *file, struct err *err)
{
    (void)file;
    (void)err;
    ++*(int *)context;
    return 0;
}

static int live_files(struct world *world)
{
    struct chain_table *chain = bronze_table(world->bronze);
    struct err err = { 0 };
    int count = 0;
    const struct ice_file_visitor visitor = { count_file, &count };

    assert_ok(table_load(&chain->table, &err));
    assert_ok(table_visit_live(&chain->table, ice_metadata_current(chain->table.metadata), &visitor,
                               &err));
    return count;
}

static size_t manifests(struct world *world)
{
    struct chain_table *chain = bronze_table(world->bronze);
    struct arena arena = ARENA_INIT;
    struct ice_manifest_row *rows;
    struct err err = { 0 };
    size_t count;

    assert_ok(table_load(&chain->table, &err));
    assert_ok(table_manifests(&chain->table, &arena, ice_metadata_current(chain->table.metadata),
                              &rows, &count, &err));
    arena_deinit(&arena);
    return count;
}

static void without_tables_there_is_nothing_to_do(void **state)
{
    struct world *world = *state;
    struct err err = { 0 };

    assert_int_equal(maintain_step(world->maintain, &err), STAGE_IDLE);
    assert_int_equal(maintain_counters(world->maintain)->tables, 0);
}

static void manifests_are_merged_and_what_was_dropped_is_deleted(void **state)
{
    struct world *world = *state;
    struct err err = { 0 };
    struct count before, after;

    fill(world, 30);
    before = count_objects(world);
    assert_true(before.notes > 10);
    assert_int_equal(manifests(world), 30);
    assert_int_equal(maintain_step(world->maintain, &err), STAGE_IDLE);
    after = count_objects(world);
    assert_int_equal(maintain_counters(world->maintain)->tables, 1);
    assert_true(maintain_counters(world->maintain)->removed > 10);
    assert_true(after.objects < before.objects);
    assert_int_equal(after.notes, 0);
    assert_int_equal(manifests(world), 1);
    /* Nothing that the table says was touched, and Bronze goes on. */
    assert_int_equal(total_records(world), 30);
    assert_int_equal(live_files(world), 30);
    fill(world, 2);
    assert_int_equal(total_records(world), 32);
}

static void the_log_forgets_what_is_old_and_taken(void **state)
{
    struct world *world = *state;
    struct err err = { 0 };

    fill(world, 60); /* timestamps from 121 s to 1 s ago */
    send_one(world); /* not taken */
    assert_int_equal(maintain_step(world->maintain, &err), STAGE_IDLE);
    assert_true(first_of_log(world) >= 8 && first_of_log(world) <= 12); /* older than 100 s */
    clock_mem_advance(world->clock, 1000 * SECOND_US);
    assert_int_equal(maintain_step(world->maintain, &err), STAGE_IDLE);
    assert_int_equal(first_of_log(world), 60); /* old, but Bronze has yet to take it */
    assert_ok(bronze_step(world->bronze, &err));
    assert_int_equal(total_records(world), 61);
}

static void a_table_in_trouble_keeps_nothing_else_from_its_upkeep(void **state)
{
    struct world *world = *state;
    struct chain_table *chain = bronze_table(world->bronze);
    struct err err = { 0 };
    struct count before;
    const char *list;

    fill(world, 60);
    assert_ok(table_load(&chain->table, &err));
    list = ice_metadata_current(chain->table.metadata)->manifest_list;
    before = count_objects(world);
    assert_ok(store_remove(world->store, list, &err));
    assert_int_equal(maintain_step(world->maintain, &err), -1);
    assert_int_equal(count_objects(world).objects, before.objects - 1); /* nothing was deleted */
    assert_true(first_of_log(world) >= 8);
}

static int64_t note_us;

static int set_time(const char *path, const struct stat *status, int type, struct FTW *place)
{
    const struct timespec times[2] = { { note_us / SECOND_US, 0 }, { note_us / SECOND_US, 0 } };

    (void)status;
    (void)place;
    return type == FTW_F ? utimensat(AT_FDCWD, path, times, 0) : 0;
}

static void what_was_dropped_within_the_hour_stays(void **state)
{
    struct world *world = *state;
    struct err err = { 0 };
    int before;

    fill(world, 8); /* too few to be merged */
    before = count_objects(world).objects;
    assert_true(count_objects(world).notes > 2);
    note_us = clock_now_us(world->clock) - 59 * 60 * SECOND_US;
    assert_int_equal(nftw(world->folder, set_time, 16, FTW_PHYS), 0);
    assert_int_equal(maintain_step(world->maintain, &err), STAGE_IDLE);
    assert_int_equal(count_objects(world).objects, before);
    clock_mem_advance(world->clock, 2 * 60 * SECOND_US);
    assert_int_equal(maintain_step(world->maintain, &err), STAGE_IDLE);
    assert_int_equal(count_objects(world).notes, 0);
    assert_true(maintain_counters(world->maintain)->removed > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_tables_there_is_nothing_to_do, setup, teardown),
        cmocka_unit_test_setup_teardown(manifests_are_merged_and_what_was_dropped_is_deleted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_dropped_within_the_hour_stays, setup_local,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_log_forgets_what_is_old_and_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(a_table_in_trouble_keeps_nothing_else_from_its_upkeep,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
