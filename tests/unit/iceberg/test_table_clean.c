// SPDX-License-Identifier: Apache-2.0
/* Only what nothing reaches is deleted, and nothing at all when that cannot be known. */
#include "iceberg/table_clean.h"

#include "iceberg/table_merge.h"
#include "lib/ice_world.h"

enum { DAY = 20779 };

static int setup(void **state)
{
    *state = mem_zero(1, sizeof(struct ice_world));
    ice_world_init(*state);
    return 0;
}

static int teardown(void **state)
{
    ice_world_deinit(*state);
    free(*state);
    return 0;
}

static const char *put_note(struct ice_world *world, const char *name, const char *text)
{
    const char *uri = arena_printf(&world->arena, "mem://warehouse/space/trades/metadata/%s", name);
    struct span bytes = span_text(text);
    struct err err;

    assert_ok(store_put_new(world->store, uri, &bytes, 1, &err));
    return uri;
}

static bool is_there(struct ice_world *world, const char *uri)
{
    uint64_t size;
    struct err err;

    return store_size(world->store, uri, &size, &err) == 0;
}

static int count_object(void *context, const char *uri, uint64_t size, int64_t modified_us,
                        struct err *err)
{
    (void)uri;
    (void)size;
    (void)modified_us;
    (void)err;
    ++*(size_t *)context;
    return 0;
}

static size_t count_objects(struct ice_world *world)
{
    size_t count = 0;
    const struct store_visitor visitor = { count_object, &count };
    struct err err;

    assert_ok(store_list(world->store, "mem://warehouse/", &visitor, &err));
    return count;
}

/* Three snapshots and a merge of their manifests. */
static void fill(struct ice_world *world, int64_t id[3])
{
    struct ice_manifest_row *rows = NULL;
    size_t count = 0;
    struct table_change change = { .operation = "replace" };
    struct err err;

    for (int i = 0; i < 3; i++)
        id[i] = ice_world_append_rows(world, 10 * i, 5, DAY, i);
    change.snapshot_id = table_new_snapshot_id(&world->table);
    assert_ok(table_merge_plan(&world->table, &world->arena, world->table.metadata,
                               change.snapshot_id, 3, &rows, &count, &err));
    change.instead = rows;
    change.instead_count = count;
    assert_ok(table_swap(&world->table, world->table.metadata, &change, &err));
}

/* A note of the lists of snapshots that are then dropped by another append. */
static const char *drop(struct ice_world *world, const int64_t *id, size_t count)
{
    const struct ice_data_file *file;
    struct buf text = BUF_INIT;
    const char *note;

    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s\n",
                   ice_metadata_snapshot(world->table.metadata, id[i])->manifest_list);
    note = put_note(world, "k2-dropped-1.txt", buf_text(&text));
    buf_deinit(&text);
    file = ice_world_file(world, 90, 5, DAY, 9);
    ice_world_append(world, &file, 1, id, count);
    return note;
}

static int count_rows(void *context, const struct ice_data_file *file, struct err *err)
{
    (void)err;
    *(int64_t *)context += file->rows;
    return 0;
}

static void assert_all_snapshots_can_be_read(struct ice_world *world)
{
    const struct ice_metadata *metadata = world->table.metadata;
    struct err err;

    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        int64_t rows = 0;
        const struct ice_file_visitor visitor = { count_rows, &rows };

        assert_ok(table_visit_live(&world->table, &metadata->snapshot[i], &visitor, &err));
        assert_int_equal(
            rows, strtoll(ice_snapshot_get(&metadata->snapshot[i], "total-records"), NULL, 10));
    }
}

static void lists_and_manifests_of_dropped_snapshots_go(void **state)
{
    struct ice_world *world = *state;
    int64_t id[3];
    const char *note;
    size_t removed = 0, before;
    struct err err;

    fill(world, id);
    note = drop(world, id, 3);
    before = count_objects(world);
    assert_ok(table_clean(&world->table, &note, 1, &removed, &err));
    assert_int_equal(removed, 6); /* three lists, and the three manifests that were merged */
    assert_int_equal(count_objects(world), before - 7);
    assert_false(is_there(world, note));
    assert_all_snapshots_can_be_read(world);
}

static void what_a_listed_snapshot_reaches_stays(void **state)
{
    struct ice_world *world = *state;
    int64_t id[3];
    const char *note;
    size_t removed = 9;
    struct err err;

    fill(world, id);
    note = drop(world, id, 2);
    assert_ok(table_clean(&world->table, &note, 1, &removed, &err));
    assert_int_equal(removed, 2); /* the third snapshot still names all three manifests */
    assert_all_snapshots_can_be_read(world);
}

static void a_note_of_a_commit_that_failed_deletes_nothing(void **state)
{
    struct ice_world *world = *state;
    int64_t id[3];
    const struct ice_metadata *metadata;
    struct buf text = BUF_INIT;
    const char *note;
    size_t removed = 9;
    struct err err;

    fill(world, id);
    metadata = world->table.metadata;
    for (size_t i = 0; i < metadata->snapshot_count; i++)
        buf_printf(&text, "%s\n", metadata->snapshot[i].manifest_list);
    buf_printf(&text, "%s\n%s\n\n", metadata->file, ice_metadata_log_file(metadata, 0));
    note = put_note(world, "k2-dropped-2.txt", buf_text(&text));
    assert_ok(table_clean(&world->table, &note, 1, &removed, &err));
    assert_int_equal(removed, 0);
    assert_all_snapshots_can_be_read(world);
    buf_deinit(&text);
}

static void foreign_places_and_other_spellings_are_never_deleted(void **state)
{
    struct ice_world *world = *state;
    int64_t id[3];
    const char *elsewhere, *note, *live, *name;
    struct buf text = BUF_INIT;
    size_t removed = 9;
    struct err err;

    fill(world, id);
    elsewhere = "mem://warehouse/space/other/metadata/snap-1.avro";
    assert_ok(store_put_new(world->store, elsewhere, &SPAN("x"), 1, &err));
    live = ice_metadata_current(world->table.metadata)->manifest_list;
    name = strrchr(live, '/') + 1;
    buf_printf(&text,
               "%s\nmem://warehouse/space/trades/../other/metadata/snap-1.avro\n"
               "mem://warehouse/space/trades/metadata/./%s\n"
               "mem://warehouse/space/trades/metadata/\n",
               elsewhere, name);
    note = put_note(world, "k2-dropped-3.txt", buf_text(&text));
    assert_ok(table_clean(&world->table, &note, 1, &removed, &err));
    assert_int_equal(removed, 0);
    assert_true(is_there(world, elsewhere));
    buf_deinit(&text);
}

static void data_files_go_only_when_no_manifest_names_them(void **state)
{
    struct ice_world *world = *state;
    const struct ice_data_file *live = ice_world_file(world, 0, 5, DAY, 1);
    const struct ice_data_file *orphan = ice_world_file(world, 9, 5, DAY, 1);
    struct buf text = BUF_INIT;
    const char *note;
    size_t removed = 9;
    struct err err;

    ice_world_append(world, &live, 1, NULL, 0);
    buf_printf(&text, "%s\n%s\n%s\n", live->path, orphan->path, orphan->path);
    note = put_note(world, "k2-dropped-4.txt", buf_text(&text));
    assert_ok(table_clean(&world->table, &note, 1, &removed, &err));
    assert_int_equal(removed, 1);
    assert_true(is_there(world, live->path));
    assert_false(is_there(world, orphan->path));
    buf_deinit(&text);
}

static void nothing_is_deleted_when_a_needed_file_is_missing(void **state)
{
    struct ice_world *world = *state;
    struct table fresh;
    int64_t id[3];
    const char *note;
    size_t removed = 9, before;
    struct err err;

    fill(world, id);
    note = drop(world, id, 2);
    assert_ok(store_remove(
        world->store, ice_metadata_snapshot(world->table.metadata, id[2])->manifest_list, &err));
    before = count_objects(world);
    table_init(&fresh, &world->ports, "space", &ice_world_definition);
    assert_int_equal(table_clean(&fresh, &note, 1, &removed, &err), TABLE_GONE);
    assert_int_equal(removed, 0);
    assert_int_equal(count_objects(world), before);
    table_deinit(&fresh);
}

static void cleaning_twice_is_as_good_as_once(void **state)
{
    struct ice_world *world = *state;
    int64_t id[3];
    const char *notes[2];
    size_t removed = 9;
    struct err err;

    fill(world, id);
    notes[0] = drop(world, id, 3);
    notes[1] = "mem://warehouse/space/trades/metadata/k2-dropped-gone.txt";
    assert_ok(table_clean(&world->table, notes, 2, &removed, &err));
    assert_int_equal(removed, 6);
    assert_ok(table_clean(&world->table, notes, 2, &removed, &err));
    assert_int_equal(removed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_deleted_when_a_needed_file_is_missing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(foreign_places_and_other_spellings_are_never_deleted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_note_of_a_commit_that_failed_deletes_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_a_listed_snapshot_reaches_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_and_manifests_of_dropped_snapshots_go, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(data_files_go_only_when_no_manifest_names_them, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(cleaning_twice_is_as_good_as_once, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
