// SPDX-License-Identifier: Apache-2.0
/* Loading, appending, conflicts and reading back, over in-memory ports. */
#include "iceberg/table.h"

#include "iceberg/ice_metadata_private.h"
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

static const char *summary(const struct ice_world *world, const char *key)
{
    const char *value = ice_snapshot_get(ice_metadata_current(world->table.metadata), key);

    return value == NULL ? "(none)" : value;
}

static void load_says_absent_for_a_table_that_is_not_there(void **state)
{
    struct ice_world *world = *state;
    struct ice_definition other = ice_world_definition;
    struct table table;
    struct err err = { 0 };

    other.name = "nothing";
    table_init(&table, &world->ports, "space", &other);
    assert_int_equal(table_load(&table, &err), TABLE_ABSENT);
    assert_null(table.metadata);
    table_deinit(&table);
}

static void a_new_table_is_empty_and_ours(void **state)
{
    struct ice_world *world = *state;
    const struct ice_metadata *metadata = world->table.metadata;

    assert_null(ice_metadata_current(metadata));
    assert_int_equal(metadata->main, ICE_NONE);
    assert_string_equal(metadata->location, "mem://warehouse/space/trades");
    assert_int_equal(world->table.sort_order_id, 1);
}

static void ensure_twice_gives_the_same_table(void **state)
{
    struct ice_world *world = *state;
    struct table other;
    struct err err = { 0 };

    table_init(&other, &world->ports, "space", &ice_world_definition);
    assert_ok(table_ensure(&other, NULL, 0, &err));
    assert_string_equal(other.metadata->uuid, world->table.metadata->uuid);
    table_deinit(&other);
}

static int count_file(void *context, const struct ice_data_file *file, struct err *err)
{
    (void)err;
    *(int64_t *)context += file->rows;
    return 0;
}

static int64_t live_rows(struct ice_world *world)
{
    int64_t rows = 0;
    const struct ice_file_visitor visitor = { count_file, &rows };
    struct err err = { 0 };

    assert_ok(table_visit_live(&world->table, ice_metadata_current(world->table.metadata), &visitor,
                               &err));
    return rows;
}

static void appends_add_up_and_carry_totals(void **state)
{
    struct ice_world *world = *state;
    const struct ice_data_file *files[3];
    int64_t first;

    first = ice_world_append_rows(world, 0, 10, DAY, 3);
    assert_string_equal(summary(world, "total-records"), "10");
    assert_string_equal(summary(world, "added-records"), "10");
    assert_string_equal(summary(world, "total-delete-files"), "0");
    for (int i = 0; i < 3; i++)
        files[i] = ice_world_file(world, 100 * i, 7, DAY, i / 2);
    ice_world_append(world, files, 3, NULL, 0);
    assert_string_equal(summary(world, "added-data-files"), "3");
    assert_string_equal(summary(world, "added-records"), "21");
    assert_string_equal(summary(world, "total-records"), "31");
    assert_string_equal(summary(world, "total-data-files"), "4");
    assert_string_equal(summary(world, "changed-partition-count"), "2");
    assert_string_equal(summary(world, "manifests-created"), "1");
    assert_string_equal(summary(world, "manifests-kept"), "1");
    assert_string_equal(summary(world, "manifests-replaced"), "0");
    assert_string_equal(summary(world, "k2.test"), "yes");
    assert_int_equal(ice_metadata_current(world->table.metadata)->parent, first);
    assert_int_equal(ice_metadata_current(world->table.metadata)->sequence, 2);
    assert_int_equal(live_rows(world), 31);
}

static void an_added_file_comes_back_whole(void **state)
{
    struct ice_world *world = *state;
    const struct ice_data_file *file = ice_world_file(world, 3, 40, DAY, 23);
    int64_t id = ice_world_append(world, &file, 1, NULL, 0);
    struct ice_data_file **back = NULL;
    struct err err = { 0 };
    size_t count = 0;
    int64_t lower, upper;
    int32_t low, high;

    assert_ok(table_added_files(&world->table, &world->arena,
                                ice_metadata_snapshot(world->table.metadata, id), &back, &count,
                                &err));
    assert_int_equal(count, 1);
    assert_string_equal(back[0]->path, file->path);
    assert_non_null(strstr(file->path, "/data/day=2026-11-22/hour=23/00000-"));
    assert_int_equal(back[0]->rows, 40);
    assert_int_equal(back[0]->bytes, file->bytes);
    assert_int_equal(back[0]->snapshot_id, id);
    assert_int_equal(back[0]->sequence, 1);
    assert_int_equal(back[0]->file_sequence, 1);
    assert_int_equal(back[0]->sort_order_id, 1);
    assert_int_equal(back[0]->partition[0].value, DAY);
    assert_int_equal(back[0]->partition[1].value, 23);
    assert_false(back[0]->partial);
    assert_true(ice_data_file_range_int64(back[0], 3, &lower, &upper));
    assert_int_equal(lower, INT64_C(86400000000) * DAY + 3);
    assert_int_equal(upper, INT64_C(86400000000) * DAY + 42);
    assert_true(ice_data_file_range_int32(back[0], 6, &low, &high));
    assert_int_equal(low, 23);
    /* Sizes of all leaves; counts of primitives only; no bounds where none are wished. */
    assert_int_equal(back[0]->column_size_count, 11);
    assert_int_equal(back[0]->value_count_count, 8);
    assert_int_equal(back[0]->null_count_count, 8);
    assert_null(ice_data_file_lower(back[0], 1).data);
    assert_null(ice_data_file_lower(back[0], 9).data);
    assert_int_equal(back[0]->split_offset_count, 1);
    assert_int_equal(back[0]->split_offset[0], 4);
    assert_int_equal(ice_data_file_lower(back[0], 2).size, 16); /* cut to 16 code points */
}

static void an_append_of_no_files_moves_only_the_summary(void **state)
{
    struct ice_world *world = *state;
    const struct ice_pair pair = { "k2.only", "this" };
    struct table_change change = {
        .operation = "append", .snapshot_id = 77, .summary = &pair, .summary_count = 1
    };
    struct err err = { 0 };

    ice_world_append_rows(world, 0, 10, DAY, 3);
    assert_ok(table_swap(&world->table, world->table.metadata, &change, &err));
    assert_string_equal(summary(world, "total-records"), "10");
    assert_string_equal(summary(world, "k2.only"), "this");
    assert_int_equal(live_rows(world), 10);
}

static void a_swap_against_an_old_base_is_a_conflict(void **state)
{
    struct ice_world *world = *state;
    struct ice_metadata *old = ice_metadata_ref(world->table.metadata);
    struct table_change change = { .operation = "append", .snapshot_id = 77 };
    struct err err = { 0 };

    ice_world_append_rows(world, 0, 10, DAY, 3);
    assert_int_equal(table_swap(&world->table, old, &change, &err), TABLE_CONFLICT);
    assert_ok(table_load(&world->table, &err));
    assert_null(ice_metadata_snapshot(world->table.metadata, 77));
    ice_metadata_unref(old);
    /* The list of the lost try is not taken for the table's. */
    assert_int_equal(live_rows(world), 10);
    assert_ok(table_swap(&world->table, world->table.metadata, &change, &err));
    assert_int_equal(live_rows(world), 10);
}

static void dropped_snapshots_leave_list_and_history(void **state)
{
    struct ice_world *world = *state;
    const struct ice_data_file *file;
    int64_t id[4];
    struct ice_metadata_private *own;

    for (int i = 0; i < 3; i++)
        id[i] = ice_world_append_rows(world, 10 * i, 10, DAY, i);
    file = ice_world_file(world, 0, 10, DAY, 9);
    id[3] = ice_world_append(world, &file, 1, id, 2);
    own = world->table.metadata->private_;
    assert_null(ice_metadata_snapshot(world->table.metadata, id[0]));
    assert_null(ice_metadata_snapshot(world->table.metadata, id[1]));
    assert_non_null(ice_metadata_snapshot(world->table.metadata, id[2]));
    assert_int_equal(world->table.metadata->main, id[3]);
    assert_int_equal(ICE_COUNT(own->history, struct ice_history), 2);
    assert_int_equal(ice_metadata_log_count(world->table.metadata), 4);
    assert_int_equal(live_rows(world), 40);
}

static void a_missing_manifest_is_gone_and_not_an_error(void **state)
{
    struct ice_world *world = *state;
    struct ice_manifest_row *rows = NULL;
    struct err err = { 0 };
    int64_t count = 0;
    const struct ice_file_visitor visitor = { count_file, &count };
    const struct ice_snapshot *current;
    size_t row_count = 0;

    ice_world_append_rows(world, 0, 10, DAY, 3);
    current = ice_metadata_current(world->table.metadata);
    assert_ok(table_manifests(&world->table, &world->arena, current, &rows, &row_count, &err));
    assert_int_equal(row_count, 1);
    assert_ok(store_remove(world->store, rows[0].path, &err));
    assert_int_equal(table_visit_live(&world->table, current, &visitor, &err), TABLE_GONE);
    assert_int_equal(count, 0);
}

static int stop_with_7(void *context, const struct ice_data_file *file, struct err *err)
{
    (void)context;
    (void)file;
    (void)err;
    return 7;
}

static void a_visitor_ends_the_visit_with_its_own_answer(void **state)
{
    struct ice_world *world = *state;
    const struct ice_file_visitor visitor = { stop_with_7, NULL };
    struct err err = { 0 };

    ice_world_append_rows(world, 0, 10, DAY, 3);
    assert_int_equal(table_visit_live(&world->table, ice_metadata_current(world->table.metadata),
                                      &visitor, &err),
                     7);
}

static void another_handle_sees_what_was_committed(void **state)
{
    struct ice_world *world = *state;
    struct table other;
    struct err err = { 0 };

    table_init(&other, &world->ports, "space", &ice_world_definition);
    assert_ok(table_load(&other, &err));
    ice_world_append_rows(world, 0, 10, DAY, 3);
    assert_int_equal(other.metadata->main, ICE_NONE);
    assert_ok(table_load(&other, &err));
    assert_int_equal(other.metadata->main, world->table.metadata->main);
    assert_string_equal(other.metadata->file, world->table.metadata->file);
    table_deinit(&other);
}

static int64_t chunk_bytes(const struct ice_data_file *file, int32_t field_id)
{
    for (size_t i = 0; i < file->column_size_count; i++)
        if (file->column_size[i].field_id == field_id)
            return file->column_size[i].value;
    return 0;
}

static void delta_is_for_times_and_longs_alone(void **state)
{
    struct ice_world *world = *state;
    const struct ice_data_file *plain = ice_world_file(world, 0, 1000, DAY, 3), *delta;
    struct err err = { 0 };

    table_deinit(&world->table);
    table_init(&world->table, &world->ports, "space", &ice_world_definition);
    table_use_delta(&world->table);
    assert_ok(table_load(&world->table, &err));
    delta = ice_world_file(world, 0, 1000, DAY, 3);
    for (int32_t id = 1; id <= 13; id++) {
        if (id == 3 || id == 7) /* the only time, the only long */
            assert_true(chunk_bytes(delta, id) < chunk_bytes(plain, id));
        else
            assert_int_equal(chunk_bytes(delta, id), chunk_bytes(plain, id));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(load_says_absent_for_a_table_that_is_not_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_new_table_is_empty_and_ours, setup, teardown),
        cmocka_unit_test_setup_teardown(ensure_twice_gives_the_same_table, setup, teardown),
        cmocka_unit_test_setup_teardown(appends_add_up_and_carry_totals, setup, teardown),
        cmocka_unit_test_setup_teardown(an_added_file_comes_back_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(an_append_of_no_files_moves_only_the_summary, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_swap_against_an_old_base_is_a_conflict, setup, teardown),
        cmocka_unit_test_setup_teardown(dropped_snapshots_leave_list_and_history, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_manifest_is_gone_and_not_an_error, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_visitor_ends_the_visit_with_its_own_answer, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_handle_sees_what_was_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(delta_is_for_times_and_longs_alone, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
