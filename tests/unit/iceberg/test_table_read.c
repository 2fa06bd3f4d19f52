// SPDX-License-Identifier: Apache-2.0
/* Columns of data files: whole, in part, of other shapes, and damaged. */
#include "iceberg/table_read.h"

#include "core/num.h"
#include "core/random.h"
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

/* Random runs of each column, against the world's own. */
static void assert_runs(struct ice_world *world, struct table_reader *reader, struct random *random,
                        size_t index)
{
    const size_t rows = world->column[index].rows;
    struct table_rows runs[12];
    struct column back, expected;
    size_t count = 0;
    struct err err;

    column_init(&back, world->column[index].type);
    column_init(&expected, world->column[index].type);
    for (size_t at = 0; count < ARRAY_LEN(runs); count++) {
        size_t first = at + random_below(random, rows / 5), size;

        if (first >= rows)
            break;
        size = size_min(rows - first, random_below(random, random_below(random, 2) ? 9 : 30000));
        runs[count] = (struct table_rows){ (int64_t)first, (int64_t)size };
        column_append(&expected, &world->column[index], first, size);
        at = first + size;
    }
    column_put_null(&back); /* a row from before */
    assert_ok(table_reader_rows(reader, 0, index, runs, count, &back, &err));
    assert_int_equal(back.rows, expected.rows + 1);
    for (size_t done = 0, n; done < expected.rows; done += n) {
        struct column part, same;

        n = size_min(expected.rows - done, 50000);
        column_init(&part, back.type);
        column_init(&same, back.type);
        column_append(&part, &back, done + 1, n);
        column_append(&same, &expected, done, n);
        assert_true(column_equal(&part, &same));
        column_deinit(&part);
        column_deinit(&same);
    }
    column_deinit(&back);
    column_deinit(&expected);
}

enum damage { WHOLE, NO_INDEX, BAD_INDEX };

/* With its page index, without one, and with one that is somewhere else. */
static void rows_are_the_same_with_and_without_a_page_index(void **state)
{
    struct ice_world *world = *state;
    struct ice_data_file *file = ice_world_file(world, 0, 70000, DAY, 4);
    struct table_reader reader = { 0 };
    struct random random = { 3 };
    struct err err;

    for (int damage = WHOLE; damage <= BAD_INDEX; damage++) {
        assert_ok(table_reader_open(&reader, &world->table, file, &err));
        for (size_t i = 0; i < reader.file.leaf_count; i++) {
            struct parquet_place *place = &reader.file.row_group[0].chunk[i].offset_index;

            assert_true(place->size > 0);
            if (damage == NO_INDEX)
                place->size = 0;
            else if (damage == BAD_INDEX)
                place->offset += 1 + (int64_t)i;
        }
        for (size_t c = 0; c < ICE_WORLD_COLUMNS; c++)
            for (int round = 0; round < 10; round++)
                assert_runs(world, &reader, &random, c);
    }
    table_reader_deinit(&reader);
}

/* Long texts end a page by its bytes, short ones by its rows. */
static void a_map_whose_keys_and_values_have_other_pages(void **state)
{
    enum { MAP = 9, ROWS = 70000 };
    struct ice_world *world = *state;
    const struct column *columns[ICE_WORLD_COLUMNS];
    const struct table_file_options options = { .zstd_level = 1 };
    const int32_t partition[] = { DAY, 4 };
    struct column *map = &world->column[MAP];
    struct table_reader reader = { 0 };
    struct random random = { 5 };
    struct ice_data_file *file = NULL;
    char text[120];
    struct err err;

    for (int64_t n = 0; n < ROWS; n++)
        ice_world_row(world, n, DAY, 4);
    column_clear(map);
    for (int n = 0; n < ROWS; n++) {
        for (int i = 0; i < n % 3; i++) {
            column_put_bytes(map->child[0], SPAN("key"));
            snprintf(text, sizeof(text), "%0*d", n % 100 + 10, n);
            column_put_bytes(map->child[1], span_text(text));
        }
        column_put_entries(map);
    }
    for (size_t i = 0; i < ICE_WORLD_COLUMNS; i++)
        columns[i] = &world->column[i];
    assert_ok(table_write_file(&world->table, &world->arena, columns, 0, ROWS, partition, &options,
                               &file, &err));
    assert_ok(table_reader_open(&reader, &world->table, file, &err));
    for (int round = 0; round < 30; round++)
        assert_runs(world, &reader, &random, MAP);
    table_reader_deinit(&reader);
}

struct wish {
    int64_t from, to;
};

static bool is_wished(const void *context, int64_t lower, int64_t upper)
{
    const struct wish *wish = context;

    return lower <= wish->to && upper >= wish->from;
}

static void pages_are_found_by_their_times(void **state)
{
    struct ice_world *world = *state;
    struct ice_data_file *file = ice_world_file(world, 0, 70000, DAY, 4);
    const int64_t day = INT64_C(86400000000) * DAY;
    const struct {
        struct wish wish;
        size_t count;
        int64_t first, last; /* rows */
    } cases[] = {
        { { day - 9, day - 1 }, 0, 0, 0 },
        { { day, day }, 1, 0, 20000 },
        { { day + 19999, day + 20000 }, 2, 0, 40000 },
        { { day + 60000, day + 90000 }, 1, 60000, 70000 },
        { { day, day + 70000 }, 4, 0, 70000 },
    };
    struct table_reader reader = { 0 };
    const struct table_rows *runs;
    size_t count;
    struct err err;

    assert_ok(table_reader_open(&reader, &world->table, file, &err));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_ok(
            table_reader_pages(&reader, 0, 2, is_wished, &cases[i].wish, &runs, &count, &err));
        assert_int_equal(count, cases[i].count);
        if (count > 0) {
            assert_int_equal(runs[0].first, cases[i].first);
            assert_int_equal(runs[count - 1].first + runs[count - 1].count, cases[i].last);
        }
    }
    reader.file.row_group[0].chunk[2].column_index.size = 0;
    assert_ok(table_reader_pages(&reader, 0, 2, is_wished, &cases[0].wish, &runs, &count, &err));
    assert_int_equal(count, 4);
    reader.file.row_group[0].chunk[2].offset_index.size = 0;
    assert_ok(table_reader_pages(&reader, 0, 2, is_wished, &cases[0].wish, &runs, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(runs[0].count, 70000);
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
    column_clear(&back);
    fields[1].required = true;
    table_deinit(&table);
    table_init(&table, &world->ports, "space", &wider);
    assert_ok(table_reader_open(&reader, &table, file, &err));
    assert_err(table_reader_column(&reader, 0, 1, &back, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.text, "no column newer, which is required"));
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
        cmocka_unit_test_setup_teardown(rows_are_the_same_with_and_without_a_page_index, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_map_whose_keys_and_values_have_other_pages, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(pages_are_found_by_their_times, setup, teardown),
        cmocka_unit_test_setup_teardown(a_column_that_the_file_lacks_is_all_null, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
