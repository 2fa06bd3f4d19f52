// SPDX-License-Identifier: Apache-2.0
/* Columns of data files: whole, in part, of other shapes, and damaged. */
#include "iceberg/table_read.h"

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

/* Reads all of a column back and compares it with the world's own, which the file was made of. */
static void assert_same(struct ice_world *world, struct table_reader *reader, size_t index)
{
    struct column back;
    struct err err;

    column_init(&back, world->column[index].type);
    for (size_t g = 0; g < reader->file.row_group_count; g++)
        assert_ok(table_reader_column(reader, g, index, &back, &err));
    assert_true(column_equal(&back, &world->column[index]));
    column_deinit(&back);
}

static void every_column_comes_back(void **state)
{
    static const size_t rows[] = { 1, 200, 20000 }; /* the last beyond the tail that is fetched */
    struct ice_world *world = *state;
    struct table_reader reader = { 0 };
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ice_data_file *file = ice_world_file(world, 0, rows[i], DAY, 4);

        assert_ok(table_reader_open(&reader, &world->table, file, &err));
        assert_int_equal(reader.file.rows, rows[i]);
        for (size_t c = ICE_WORLD_COLUMNS; c-- > 0;)
            assert_same(world, &reader, c);
    }
    assert_true(reader.tail > 0);
    table_reader_deinit(&reader);
}

static void row_groups_have_ranges(void **state)
{
    struct ice_world *world = *state;
    const struct column *columns[ICE_WORLD_COLUMNS];
    const struct table_file_options options = { .zstd_level = 1, .row_group_rows = 10 };
    const int32_t partition[] = { DAY, 4 };
    struct table_reader reader = { 0 };
    struct ice_data_file *file = NULL;
    int64_t lower, upper;
    struct err err;

    for (int64_t n = 0; n < 25; n++)
        ice_world_row(world, n, DAY, 4);
    for (size_t i = 0; i < ICE_WORLD_COLUMNS; i++)
        columns[i] = &world->column[i];
    assert_ok(table_write_file(&world->table, &world->arena, columns, 0, 25, partition, &options,
                               &file, &err));
    assert_int_equal(file->split_offset_count, 3);
    assert_int_equal(file->sort_order_id, 0);
    assert_ok(table_reader_open(&reader, &world->table, file, &err));
    assert_int_equal(reader.file.row_group_count, 3);
    assert_true(table_reader_range(&reader, 1, 2, &lower, &upper));
    assert_int_equal(lower, INT64_C(86400000000) * DAY + 10);
    assert_int_equal(upper, INT64_C(86400000000) * DAY + 19);
    assert_false(table_reader_range(&reader, 1, 0, &lower, &upper)); /* a text without bounds */
    assert_false(table_reader_range(&reader, 1, 8, &lower, &upper)); /* a list */
    for (size_t c = 0; c < ICE_WORLD_COLUMNS; c++)
        assert_same(world, &reader, c);
    table_reader_deinit(&reader);
}

static void a_column_that_the_file_lacks_is_all_null(void **state)
{
    struct ice_world *world = *state;
    struct parquet_field fields[ICE_WORLD_COLUMNS];
    struct ice_definition wider = ice_world_definition;
    struct ice_data_file *file = ice_world_file(world, 0, 30, DAY, 4);
    struct table_reader reader = { 0 };
    struct column back;
    struct table table;
    struct err err;

    /* The same file by a table that knows another column in place of `text`. */
    memcpy(fields, ice_world_field, sizeof(fields));
    fields[1].name = "newer";
    fields[1].field_id = 40;
    wider.field = fields;
    table_init(&table, &world->ports, "space", &wider);
    assert_ok(table_reader_open(&reader, &table, file, &err));
    column_init(&back, COLUMN_BYTES);
    assert_ok(table_reader_column(&reader, 0, 1, &back, &err));
    assert_int_equal(back.rows, 30);
    assert_int_equal(back.null_count, 30);
    column_deinit(&back);
    table_reader_deinit(&reader);
    table_deinit(&table);
}

static void a_file_that_is_not_there_is_gone(void **state)
{
    struct ice_world *world = *state;
    struct ice_data_file *file = ice_world_file(world, 0, 30, DAY, 4);
    struct table_reader reader = { 0 };
    struct err err;

    assert_ok(store_remove(world->store, file->path, &err));
    assert_int_equal(table_reader_open(&reader, &world->table, file, &err), TABLE_GONE);
    table_reader_deinit(&reader);
}

static void a_wrong_size_or_no_parquet_is_corrupt(void **state)
{
    struct ice_world *world = *state;
    struct ice_data_file *file = ice_world_file(world, 0, 30, DAY, 4);
    struct ice_data_file other = *file;
    const struct span junk = SPAN("PAR1 this is not what it says PAR1");
    struct table_reader reader = { 0 };
    struct err err;

    other.bytes = file->bytes - 1;
    assert_err(table_reader_open(&reader, &world->table, &other, &err), ERR_CORRUPT);
    other.bytes = file->bytes + 1;
    assert_err(table_reader_open(&reader, &world->table, &other, &err), ERR_CORRUPT);
    other.bytes = 3;
    assert_err(table_reader_open(&reader, &world->table, &other, &err), ERR_CORRUPT);
    other.path = "mem://warehouse/junk.parquet";
    other.bytes = (int64_t)junk.size;
    assert_ok(store_put_new(world->store, other.path, &junk, 1, &err));
    assert_err(table_reader_open(&reader, &world->table, &other, &err), ERR_CORRUPT);
    table_reader_deinit(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_wrong_size_or_no_parquet_is_corrupt, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_there_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(every_column_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(row_groups_have_ranges, setup, teardown),
        cmocka_unit_test_setup_teardown(a_column_that_the_file_lacks_is_all_null, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
