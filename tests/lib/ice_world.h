// SPDX-License-Identifier: Apache-2.0
/* ice_world.h: a small table of every kind of column over in-memory ports, and rows for it. */
#ifndef K2_TESTS_ICE_WORLD_H
#define K2_TESTS_ICE_WORLD_H

#include "core/decimal.h"
#include "iceberg/table.h"
#include "lib/test.h"

enum { ICE_WORLD_COLUMNS = 10 };

static const struct parquet_field ice_world_field[ICE_WORLD_COLUMNS] = {
    { .name = "id", .field_id = 1, .kind = PARQUET_STRING, .required = true, .no_bounds = true },
    { .name = "text", .field_id = 2, .kind = PARQUET_STRING },
    { .name = "time", .field_id = 3, .kind = PARQUET_TIMESTAMPTZ, .required = true },
    { .name = "price", .field_id = 4, .kind = PARQUET_DECIMAL, .precision = 18, .scale = 8 },
    { .name = "day", .field_id = 5, .kind = PARQUET_DATE, .required = true },
    { .name = "hour", .field_id = 6, .kind = PARQUET_INT, .required = true },
    { .name = "number", .field_id = 7, .kind = PARQUET_LONG },
    { .name = "raw", .field_id = 8, .kind = PARQUET_BINARY },
    { .name = "tags", .field_id = 9, .kind = PARQUET_LIST, .child_id = { 11 } },
    { .name = "more",
      .field_id = 10,
      .kind = PARQUET_MAP,
      .child_id = { 12, 13 },
      .child_optional = true },
};
static const struct ice_partition_field ice_world_partition[] = { { "day", 5, ICE_IDENTITY },
                                                                  { "hour", 6, ICE_IDENTITY } };
static const int32_t ice_world_sort[] = { 3, 1 };

static const struct ice_definition ice_world_definition = {
    .name = "trades",
    .field = ice_world_field,
    .field_count = ICE_WORLD_COLUMNS,
    .partition = ice_world_partition,
    .partition_count = 2,
    .sort_id = ice_world_sort,
    .sort_count = 2,
};

struct ice_world {
    struct store *store;
    struct clock *clock;
    struct catalog *catalog;
    struct table_ports ports;
    struct table table;
    struct arena arena;
    struct column column[ICE_WORLD_COLUMNS];
};

static inline void ice_world_init(struct ice_world *world)
{
    struct err err = { 0 };

    *world = (struct ice_world){ 0 };
    world->store = store_mem_open();
    world->clock = clock_mem_open(INT64_C(1795360000000000), 7);
    world->catalog = catalog_mem_open(world->store, world->clock, false);
    world->ports = (struct table_ports){ world->catalog, world->store, world->clock };
    for (size_t i = 0; i < ICE_WORLD_COLUMNS; i++)
        column_init(&world->column[i], parquet_column_type(ice_world_field[i].kind));
    table_init(&world->table, &world->ports, "space", &ice_world_definition);
    assert_ok(table_ensure(&world->table, NULL, 0, &err));
}

static inline void ice_world_deinit(struct ice_world *world)
{
    for (size_t i = 0; i < ICE_WORLD_COLUMNS; i++)
        column_deinit(&world->column[i]);
    table_deinit(&world->table);
    catalog_close(world->catalog);
    clock_close(world->clock);
    store_close(world->store);
    arena_deinit(&world->arena);
}

/* Row n of the day and hour; every 5th has nulls where there may be. */
static inline void ice_world_row(struct ice_world *world, int64_t n, int32_t day, int32_t hour)
{
    struct column *c = world->column;
    char text[64];
    int size = snprintf(text, sizeof(text), "row %lld of the table, \xc3\xa4\xf0\x9f\x90\x9f",
                        (long long)n);

    column_put_bytes(&c[0], span_text(text));
    column_put_int64(&c[2], (int64_t)day * 86400000000 + n);
    column_put_int32(&c[4], day);
    column_put_int32(&c[5], hour);
    if (n % 5 == 4) {
        for (size_t i = 0; i < ICE_WORLD_COLUMNS; i++) {
            if (!ice_world_field[i].required)
                column_put_null(&c[i]);
        }
        return;
    }
    column_put_bytes(&c[1], span_of(text, (size_t)(size - 6)));
    column_put_decimal(&c[3], (int128)n * 150000000 - 7);
    column_put_int64(&c[6], n * n);
    column_put_bytes(&c[7], span_of(text, (size_t)n % 30));
    for (int64_t i = 0; i < n % 3; i++) {
        column_put_bytes(c[8].child[0], SPAN("tag"));
        column_put_bytes(c[9].child[0], span_of(text, (size_t)(4 + i)));
        if (i == 1)
            column_put_null(c[9].child[1]);
        else
            column_put_bytes(c[9].child[1], SPAN("value"));
    }
    column_put_entries(&c[8]);
    column_put_entries(&c[9]);
}

static inline void ice_world_clear(struct ice_world *world)
{
    for (size_t i = 0; i < ICE_WORLD_COLUMNS; i++)
        column_clear(&world->column[i]);
}

/* A file of `count` rows from row `first` on, of one day and hour; the columns hold just these. */
static inline struct ice_data_file *ice_world_file(struct ice_world *world, int64_t first,
                                                   size_t count, int32_t day, int32_t hour)
{
    const struct column *columns[ICE_WORLD_COLUMNS];
    const struct table_file_options options = { .zstd_level = 1, .sorted = true };
    const int32_t partition[] = { day, hour };
    struct ice_data_file *file = NULL;
    struct err err = { 0 };

    ice_world_clear(world);
    for (size_t i = 0; i < count; i++)
        ice_world_row(world, first + (int64_t)i, day, hour);
    for (size_t i = 0; i < ICE_WORLD_COLUMNS; i++)
        columns[i] = &world->column[i];
    assert_ok(table_write_file(&world->table, &world->arena, columns, 0, count, partition, &options,
                               &file, &err));
    return file;
}

/* Appends the files as one snapshot of the newest metadata; its id. */
static inline int64_t ice_world_append(struct ice_world *world,
                                       const struct ice_data_file *const *files, size_t count,
                                       const int64_t *drop, size_t drop_count)
{
    static const struct ice_pair pairs[] = { { "k2.test", "yes" } };
    struct ice_manifest_row row;
    struct table_change change = { .operation = "append",
                                   .snapshot_id = table_new_snapshot_id(&world->table),
                                   .added = &row,
                                   .added_count = 1,
                                   .summary = pairs,
                                   .summary_count = 1,
                                   .properties = pairs,
                                   .property_count = 1,
                                   .drop = drop,
                                   .drop_count = drop_count };
    struct err err = { 0 };

    assert_ok(table_write_manifest(&world->table, &world->arena, files, count, change.snapshot_id,
                                   &row, &err));
    assert_ok(table_swap(&world->table, world->table.metadata, &change, &err));
    return change.snapshot_id;
}

static inline int64_t ice_world_append_rows(struct ice_world *world, int64_t first, size_t count,
                                            int32_t day, int32_t hour)
{
    const struct ice_data_file *file = ice_world_file(world, first, count, day, hour);

    return ice_world_append(world, &file, 1, NULL, 0);
}

#endif
