// SPDX-License-Identifier: Apache-2.0
/* What nothing names goes when it is old; all else stays, whoever writes at the same time. */
#include "iceberg/table_orphans.h"

#include "lib/ice_world.h"

#define HOUR_US  INT64_C(3600000000)
#define METADATA "mem://warehouse/space/trades/metadata/"
#define DATA     "mem://warehouse/space/trades/data/"
#define FOREIGN  "mem://warehouse/space/trades/"

enum { DAY = 20779 };

static int setup(void **state)
{
    struct ice_world *world = mem_zero(1, sizeof(struct ice_world));

    ice_world_init(world);
    store_mem_stamp(world->store, world->clock);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    ice_world_deinit(*state);
    free(*state);
    return 0;
}

static void put(struct ice_world *world, const char *uri, const char *text)
{
    struct span bytes = span_text(text);
    struct err err;

    assert_ok(store_put_new(world->store, uri, &bytes, 1, &err));
}

static bool is_there(struct ice_world *world, const char *uri)
{
    uint64_t size;
    struct err err;

    return store_size(world->store, uri, &size, &err) == 0;
}

static int sweep(struct ice_world *world, size_t candidates_max, size_t *removed, struct err *err)
{
    const struct table_orphans options = { .before_us = clock_now_us(world->clock) - 72 * HOUR_US,
                                           .note_prefix = "k2-dropped-",
                                           .candidates_max = candidates_max };

    return table_orphans_remove(&world->table, &options, removed, err);
}

/* Somebody goes on writing. */
static void remove_orphans(struct ice_world *world, size_t expected)
{
    size_t removed;
    struct err err;

    ice_world_append_rows(world, 100, 5, DAY, 0);
    assert_ok(sweep(world, 0, &removed, &err));
    assert_int_equal(removed, expected);
}

static int check_file(void *context, const struct ice_data_file *file, struct err *err)
{
    struct ice_world *world = context;

    (void)err;
    assert_true(is_there(world, file->path));
    return 0;
}

static void assert_whole(struct ice_world *world)
{
    const struct ice_file_visitor visitor = { check_file, world };
    const struct ice_metadata *metadata;
    struct err err;

    assert_ok(table_load(&world->table, &err));
    metadata = world->table.metadata;
    assert_true(is_there(world, metadata->file));
    for (size_t i = 0; i < metadata->snapshot_count; i++)
        assert_ok(table_visit_live(&world->table, &metadata->snapshot[i], &visitor, &err));
    for (size_t i = 0; i < ice_metadata_log_count(metadata); i++)
        assert_true(is_there(world, ice_metadata_log_file(metadata, i)));
}

/* A file that no commit names. */
static const char *lost_file(struct ice_world *world)
{
    return ice_world_file(world, 0, 5, DAY, 1)->path;
}

static void what_a_dead_batch_left_goes_when_it_is_old(void **state)
{
    struct ice_world *world = *state;
    const char *file = lost_file(world);

    put(world, METADATA "snap-1-1-a.avro", "");
    put(world, METADATA "b-m0.avro", "");
    ice_world_append_rows(world, 0, 5, DAY, 0);
    clock_mem_advance(world->clock, 71 * HOUR_US);
    remove_orphans(world, 0);
    clock_mem_advance(world->clock, 2 * HOUR_US);
    remove_orphans(world, 3);
    assert_false(is_there(world, file));
    assert_whole(world);
    remove_orphans(world, 0);
}

/* A swap that has passed all its tests may still be on its way. */
static void a_table_at_rest_keeps_its_orphans(void **state)
{
    struct ice_world *world = *state;
    size_t removed;
    struct err err;

    lost_file(world);
    assert_ok(sweep(world, 0, &removed, &err));
    ice_world_append_rows(world, 0, 5, DAY, 0);
    clock_mem_advance(world->clock, 80 * HOUR_US);
    assert_ok(sweep(world, 0, &removed, &err));
    assert_int_equal(removed, 0);
    remove_orphans(world, 1);
}

static void what_is_not_ours_to_judge_stays(void **state)
{
    static const char *const stays[] = {
        METADATA "k2-dropped-1.txt", METADATA "stats.puffin",  METADATA "version-hint.text",
        METADATA "deep/b-m0.avro",   FOREIGN "else/a.parquet", FOREIGN "a.parquet",
        DATA "_temporary/a.parquet", DATA "x=1/.a.parquet",    "mem://warehouse/space/b/data/a",
    };
    struct ice_world *world = *state;

    for (size_t i = 0; i < ARRAY_LEN(stays); i++)
        put(world, stays[i], "");
    put(world, DATA "x=1/a.parquet", "");
    clock_mem_advance(world->clock, 80 * HOUR_US);
    remove_orphans(world, 1);
    for (size_t i = 0; i < ARRAY_LEN(stays); i++)
        assert_true(is_there(world, stays[i]));
}

static void an_object_without_a_time_stays(void **state)
{
    struct ice_world *world = *state;
    const char *file;

    store_mem_stamp(world->store, NULL);
    file = lost_file(world);
    clock_mem_advance(world->clock, 80 * HOUR_US);
    remove_orphans(world, 0);
    assert_true(is_there(world, file));
}

/* Dropped within the hour: a reader may be at it, and the note's clean-up is to delete it. */
static void what_a_note_names_stays(void **state)
{
    struct ice_world *world = *state;
    int64_t id = ice_world_append_rows(world, 0, 5, DAY, 0);
    const struct ice_data_file *file = ice_world_file(world, 9, 5, DAY, 9);
    const char *list;

    assert_int_equal(world->table.metadata->main, id);
    list = arena_text(&world->arena,
                      span_text(ice_metadata_current(world->table.metadata)->manifest_list));
    put(world, METADATA "k2-dropped-1.txt",
        arena_printf(&world->arena,
                     "%s\n" METADATA "gone.metadata.json\n" METADATA "snap-7-1-gone.avro", list));
    put(world, METADATA "gone.metadata.json", "{}");
    clock_mem_advance(world->clock, 80 * HOUR_US);
    ice_world_append(world, &file, 1, &id, 1);
    assert_true(is_there(world, list));
    remove_orphans(world, 0);
    assert_true(is_there(world, list));
    assert_whole(world);
}

static void another_tables_document_stops_it(void **state)
{
    struct ice_world *world = *state;
    struct buf text = BUF_INIT;
    char *uuid;
    size_t removed;
    struct err err;

    assert_ok(store_get_all(world->store, world->table.metadata->file, &text, &err));
    uuid = strstr((char *)(uintptr_t)buf_text(&text), world->table.metadata->uuid);
    assert_non_null(uuid);
    uuid[0] = uuid[0] == '0' ? '1' : '0';
    lost_file(world);
    clock_mem_advance(world->clock, 80 * HOUR_US);
    ice_world_append_rows(world, 100, 5, DAY, 0);
    /* Young itself: the old table was written until its catalog was lost. */
    put(world, METADATA "00007-x.metadata.json", "no document");
    assert_err(sweep(world, 0, &removed, &err), ERR_REFUSED);
    assert_int_equal(removed, 0);
    assert_non_null(strstr(err.text, "00007-x.metadata.json cannot be read"));
    assert_ok(store_remove(world->store, METADATA "00007-x.metadata.json", &err));
    put(world, METADATA "00007-y.metadata.json", buf_text(&text));
    assert_err(sweep(world, 0, &removed, &err), ERR_REFUSED);
    assert_int_equal(removed, 0);
    assert_non_null(strstr(err.text, "is another table's"));
    assert_ok(store_remove(world->store, METADATA "00007-y.metadata.json", &err));
    remove_orphans(world, 1);
    buf_deinit(&text);
}

/* A try whose document was written and never named. */
static void a_document_of_its_own_goes(void **state)
{
    struct ice_world *world = *state;
    struct buf text = BUF_INIT;
    struct err err;

    assert_ok(store_get_all(world->store, world->table.metadata->file, &text, &err));
    put(world, METADATA "00001-x.metadata.json", buf_text(&text));
    clock_mem_advance(world->clock, 80 * HOUR_US);
    remove_orphans(world, 1);
    assert_false(is_there(world, METADATA "00001-x.metadata.json"));
    assert_whole(world);
    buf_deinit(&text);
}

static void nothing_goes_when_a_manifest_is_missing(void **state)
{
    struct ice_world *world = *state;
    const char *file = lost_file(world);
    size_t removed;
    struct err err;

    clock_mem_advance(world->clock, 80 * HOUR_US);
    ice_world_append_rows(world, 0, 5, DAY, 0);
    assert_ok(store_remove(world->store, ice_metadata_current(world->table.metadata)->manifest_list,
                           &err));
    table_deinit(&world->table); /* it remembers the newest list */
    table_init(&world->table, &world->ports, "space", &ice_world_definition);
    assert_int_equal(sweep(world, 0, &removed, &err), TABLE_GONE);
    assert_true(is_there(world, file));
}

static void many_are_done_in_slices(void **state)
{
    struct ice_world *world = *state;
    size_t removed;
    struct err err;

    for (int i = 0; i < 20; i++)
        ice_world_append_rows(world, 10 * i, 2, DAY, i);
    for (int i = 0; i < 200; i++)
        put(world, arena_printf(&world->arena, DATA "x=%d/%05d-lost.parquet", i % 7, i), "");
    clock_mem_advance(world->clock, 80 * HOUR_US);
    ice_world_append_rows(world, 900, 2, DAY, 0);
    assert_ok(sweep(world, 20, &removed, &err)); /* less than lie in metadata/ */
    assert_int_equal(removed, 200);
    assert_whole(world);
}

/* A process that slept between its file and its commit, while another removed orphans. */
static void a_change_that_is_too_old_is_not_swapped(void **state)
{
    static const struct {
        int64_t age_us;
        int rc;
    } cases[] = { { 12 * HOUR_US, 0 }, { 12 * HOUR_US + 1, -1 }, { 100 * HOUR_US, -1 } };
    struct ice_world *world = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct ice_data_file *file = ice_world_file(world, 0, 5, DAY, 1);
        struct table_change change = { .operation = "append",
                                       .snapshot_id = table_new_snapshot_id(&world->table),
                                       .added_count = 1,
                                       .oldest_us = file->written_us };
        struct ice_manifest_row row;
        struct err err = { 0 };

        assert_int_equal(file->written_us, clock_now_us(world->clock));
        assert_ok(table_write_manifest(&world->table, &world->arena, &file, 1, change.snapshot_id,
                                       &row, &err));
        change.added = &row;
        clock_mem_advance(world->clock, cases[i].age_us);
        assert_int_equal(table_swap(&world->table, world->table.metadata, &change, &err),
                         cases[i].rc);
        if (cases[i].rc < 0)
            assert_int_equal(err.kind, ERR_RETRY);
        assert_whole(world);
    }
    assert_int_equal(world->table.metadata->snapshot_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_a_dead_batch_left_goes_when_it_is_old),
        TEST(a_table_at_rest_keeps_its_orphans),
        TEST(what_is_not_ours_to_judge_stays),
        TEST(an_object_without_a_time_stays),
        TEST(what_a_note_names_stays),
        TEST(another_tables_document_stops_it),
        TEST(a_document_of_its_own_goes),
        TEST(nothing_goes_when_a_manifest_is_missing),
        TEST(many_are_done_in_slices),
        TEST(a_change_that_is_too_old_is_not_swapped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
