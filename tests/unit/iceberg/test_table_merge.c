// SPDX-License-Identifier: Apache-2.0
/* Merging manifests changes how files are listed, and nothing else. */
#include "iceberg/table_merge.h"

#include "codec/avro_encode.h"
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

/* What must be the same before and after: one line for each live file, in any order. */
struct lines {
    char *line[64];
    size_t count;
};

static int add_line(void *context, const struct ice_data_file *file, struct err *err)
{
    struct lines *lines = context;
    struct buf text = BUF_INIT;

    (void)err;
    buf_printf(&text, "%s %lld %lld snapshot %lld sequence %lld %lld order %d %d/%d bounds %zu",
               file->path, (long long)file->rows, (long long)file->bytes,
               (long long)file->snapshot_id, (long long)file->sequence,
               (long long)file->file_sequence, file->sort_order_id, file->partition[0].value,
               file->partition[1].value, file->lower_count);
    lines->line[lines->count++] = mem_text(buf_text(&text));
    buf_deinit(&text);
    return 0;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void take_lines(struct ice_world *world, struct lines *lines)
{
    const struct ice_file_visitor visitor = { add_line, lines };
    struct err err;

    assert_ok(table_visit_live(&world->table, ice_metadata_current(world->table.metadata), &visitor,
                               &err));
    qsort(lines->line, lines->count, sizeof(*lines->line), compare_lines);
}

static void assert_same_lines(struct lines *a, struct lines *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_string_equal(a->line[i], b->line[i]);
        free(a->line[i]);
        free(b->line[i]);
    }
    *a = *b = (struct lines){ 0 };
}

static size_t count_manifests(struct ice_world *world)
{
    struct ice_manifest_row *rows = NULL;
    size_t count = 0;
    struct err err;

    assert_ok(table_manifests(&world->table, &world->arena,
                              ice_metadata_current(world->table.metadata), &rows, &count, &err));
    return count;
}

static int merge(struct ice_world *world, size_t at_least, struct err *err)
{
    struct ice_manifest_row *rows = NULL;
    size_t count = 0;
    struct table_change change = { .operation = "replace",
                                   .snapshot_id = table_new_snapshot_id(&world->table) };
    int rc = table_merge_plan(&world->table, &world->arena, world->table.metadata,
                              change.snapshot_id, at_least, &rows, &count, err);

    if (rc != 0)
        return rc;
    change.instead = rows;
    change.instead_count = count;
    return table_swap(&world->table, world->table.metadata, &change, err);
}

static void few_manifests_are_left_as_they_are(void **state)
{
    struct ice_world *world = *state;
    struct err err = { 0 };

    assert_int_equal(merge(world, 1, &err), TABLE_MERGE_NOTHING);
    ice_world_append_rows(world, 0, 5, DAY, 1);
    assert_int_equal(merge(world, 1, &err), TABLE_MERGE_NOTHING);
    ice_world_append_rows(world, 0, 5, DAY, 1);
    assert_int_equal(merge(world, 3, &err), TABLE_MERGE_NOTHING);
    assert_int_equal(count_manifests(world), 2);
}

static void merging_keeps_files_numbers_and_totals(void **state)
{
    struct ice_world *world = *state;
    struct lines before = { 0 }, after = { 0 };
    struct ice_data_file **files = NULL;
    const struct ice_snapshot *current;
    size_t count = 9;
    struct err err = { 0 };

    for (int i = 0; i < 20; i++)
        ice_world_append_rows(world, 10 * i, 5 + (size_t)i, DAY + i % 3, i % 4);
    take_lines(world, &before);
    assert_ok(merge(world, 20, &err));
    assert_int_equal(count_manifests(world), 1);
    take_lines(world, &after);
    assert_same_lines(&before, &after);
    current = ice_metadata_current(world->table.metadata);
    assert_string_equal(current->operation, "replace");
    assert_string_equal(ice_snapshot_get(current, "total-data-files"), "20");
    assert_string_equal(ice_snapshot_get(current, "total-records"), "290");
    assert_string_equal(ice_snapshot_get(current, "manifests-created"), "1");
    assert_string_equal(ice_snapshot_get(current, "manifests-replaced"), "20");
    assert_null(ice_snapshot_get(current, "added-records"));
    /* The merge added no file, however its manifest is listed. */
    assert_ok(table_added_files(&world->table, &world->arena, current, &files, &count, &err));
    assert_int_equal(count, 0);
    /* And a second one takes the first one's manifest in again. */
    ice_world_append_rows(world, 0, 3, DAY, 1);
    take_lines(world, &before);
    assert_ok(merge(world, 2, &err));
    take_lines(world, &after);
    assert_same_lines(&before, &after);
    assert_int_equal(count_manifests(world), 1);
}

/* Appends a manifest whose one entry has key metadata, which we cannot write again. */
static void append_foreign(struct ice_world *world)
{
    static const char schema[] =
        "{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":["
        "{\"name\":\"status\",\"type\":\"int\",\"field-id\":0},"
        "{\"name\":\"data_file\",\"type\":{\"type\":\"record\",\"name\":\"r2\",\"fields\":["
        "{\"name\":\"file_path\",\"type\":\"string\",\"field-id\":100},"
        "{\"name\":\"file_format\",\"type\":\"string\",\"field-id\":101},"
        "{\"name\":\"partition\",\"type\":{\"type\":\"record\",\"name\":\"r102\",\"fields\":["
        "{\"name\":\"day\",\"type\":\"int\",\"field-id\":1000},"
        "{\"name\":\"hour\",\"type\":\"int\",\"field-id\":1001}]},\"field-id\":102},"
        "{\"name\":\"record_count\",\"type\":\"long\",\"field-id\":103},"
        "{\"name\":\"file_size_in_bytes\",\"type\":\"long\",\"field-id\":104},"
        "{\"name\":\"key_metadata\",\"type\":\"bytes\",\"field-id\":131}]},\"field-id\":2}]}";
    const uint8_t sync[16] = { 0 };
    struct avro_file_writer writer;
    struct buf image = BUF_INIT, *datum;
    struct ice_manifest_row row;
    struct table_change change = { .operation = "append",
                                   .snapshot_id = table_new_snapshot_id(&world->table),
                                   .added = &row,
                                   .added_count = 1 };
    struct span bytes;
    struct err err;

    avro_file_begin(&writer, &image, schema, NULL, 0, AVRO_CODEC_NULL, sync);
    datum = avro_file_datum(&writer);
    avro_put_long(datum, ICE_ADDED);
    avro_put_bytes(datum, SPAN("s3://elsewhere/f.parquet"));
    avro_put_bytes(datum, SPAN("PARQUET"));
    avro_put_long(datum, DAY);
    avro_put_long(datum, 7);
    avro_put_long(datum, 11);
    avro_put_long(datum, 222);
    avro_put_bytes(datum, SPAN("key"));
    avro_file_end_datum(&writer);
    avro_file_finish(&writer);
    ice_manifest_row_init(&row, &world->table.definition, change.snapshot_id);
    row.path =
        arena_printf(&world->arena, "mem://warehouse/f%lld.avro", (long long)change.snapshot_id);
    row.length = (int64_t)image.size;
    row.added_files = 1;
    row.added_rows = 11;
    bytes = buf_span(&image);
    assert_ok(store_put_new(world->store, row.path, &bytes, 1, &err));
    assert_ok(table_swap(&world->table, world->table.metadata, &change, &err));
    buf_deinit(&image);
}

static void what_cannot_be_written_again_is_left_alone(void **state)
{
    struct ice_world *world = *state;
    struct lines before = { 0 }, after = { 0 };
    struct err err = { 0 };

    ice_world_append_rows(world, 0, 5, DAY, 1);
    append_foreign(world);
    assert_int_equal(merge(world, 2, &err), TABLE_MERGE_NOTHING);
    ice_world_append_rows(world, 0, 5, DAY, 2);
    append_foreign(world);
    take_lines(world, &before);
    assert_ok(merge(world, 2, &err));
    take_lines(world, &after);
    assert_same_lines(&before, &after);
    assert_int_equal(count_manifests(world), 3);
    assert_string_equal(
        ice_snapshot_get(ice_metadata_current(world->table.metadata), "total-records"), "32");
}

static void a_manifest_that_is_gone_stops_the_merge(void **state)
{
    struct ice_world *world = *state;
    struct ice_manifest_row *rows = NULL;
    size_t count = 0;
    struct err err = { 0 };

    ice_world_append_rows(world, 0, 5, DAY, 1);
    ice_world_append_rows(world, 0, 5, DAY, 1);
    assert_ok(table_manifests(&world->table, &world->arena,
                              ice_metadata_current(world->table.metadata), &rows, &count, &err));
    assert_ok(store_remove(world->store, rows[1].path, &err));
    assert_int_equal(merge(world, 2, &err), TABLE_GONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_manifest_that_is_gone_stops_the_merge, setup, teardown),
        cmocka_unit_test_setup_teardown(few_manifests_are_left_as_they_are, setup, teardown),
        cmocka_unit_test_setup_teardown(merging_keeps_files_numbers_and_totals, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_again_is_left_alone, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
