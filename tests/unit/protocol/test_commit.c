// SPDX-License-Identifier: Apache-2.0
/* A commit whose answer was lost, and what others do before it looks again. */
#include "protocol/commit.h"

#include "lib/test.h"

#include <json-c/json.h>
#include <string.h>

/* The next commit lands, its answer is lost, and main is set back to `back_to` right behind it. */
struct foul_catalog {
    struct catalog base;
    struct catalog *inner;
    int64_t back_to; /* 0: nothing more happens */
    bool expires;    /* what is not main's goes as well */
};

struct world {
    struct clock *clock;
    struct store *store;
    struct foul_catalog catalog;
    struct table_ports ports;
    struct chain_table chain;
    struct arena arena;
};

static int foul_load(struct catalog *catalog, const char *space, const char *name,
                     const char *known, struct catalog_table *out, struct err *err)
{
    return catalog_load(((struct foul_catalog *)catalog)->inner, space, name, known, out, err);
}

static int foul_create(struct catalog *catalog, const char *space, const char *name,
                       const char *table_location, struct span metadata, struct err *err)
{
    return catalog_create(((struct foul_catalog *)catalog)->inner, space, name, table_location,
                          metadata, err);
}

static void keep_only(struct json_object *root, const char *key, int64_t id)
{
    struct json_object *list = json_object_object_get(root, key);

    for (size_t i = json_object_array_length(list); i-- > 0;) {
        struct json_object *of =
            json_object_object_get(json_object_array_get_idx(list, i), "snapshot-id");

        if (json_object_get_int64(of) != id)
            json_object_array_del_idx(list, i, 1);
    }
}

static void roll_back(struct foul_catalog *foul, const char *space, const char *name)
{
    struct catalog_table now = { BUF_INIT, BUF_INIT };
    struct catalog_commit commit = { 0 };
    struct json_object *root, *main_ref;
    struct err err;

    assert_ok(catalog_load(foul->inner, space, name, NULL, &now, &err));
    root = json_tokener_parse(buf_text(&now.metadata));
    main_ref = json_object_object_get(json_object_object_get(root, "refs"), "main");
    json_object_object_add(root, "current-snapshot-id", json_object_new_int64(foul->back_to));
    json_object_object_add(main_ref, "snapshot-id", json_object_new_int64(foul->back_to));
    if (foul->expires) {
        keep_only(root, "snapshots", foul->back_to);
        keep_only(root, "snapshot-log", foul->back_to);
    }
    commit.base_location = buf_text(&now.location);
    commit.table_location = json_object_get_string(json_object_object_get(root, "location"));
    commit.metadata = span_text(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN));
    foul->back_to = 0;
    assert_ok(catalog_commit(foul->inner, space, name, &commit, &err));
    json_object_put(root);
    catalog_table_deinit(&now);
}

static int foul_commit(struct catalog *catalog, const char *space, const char *name,
                       const struct catalog_commit *commit, struct err *err)
{
    struct foul_catalog *foul = (struct foul_catalog *)catalog;
    int rc = catalog_commit(foul->inner, space, name, commit, err);

    if (rc != 0 || foul->back_to == 0)
        return rc;
    roll_back(foul, space, name);
    return CATALOG_UNKNOWN;
}

static void world_open(struct world *world)
{
    static const struct catalog_ops ops = { foul_load, foul_create, foul_commit, NULL, NULL };
    static const struct parquet_field field = { .name = "a", .field_id = 1, .kind = PARQUET_LONG };
    static const struct ice_definition definition = { .name = "t",
                                                      .field = &field,
                                                      .field_count = 1 };
    static const struct chain_origin origin = { -1, -1, -1, NULL };
    struct err err;

    *world = (struct world){ .clock = clock_mem_open(0, 7), .store = store_mem_open() };
    world->catalog.base.ops = &ops;
    world->catalog.inner = catalog_mem_open(world->store, world->clock, false);
    world->ports = (struct table_ports){ &world->catalog.base, world->store, world->clock };
    chain_init(&world->chain, &world->ports, "s", &definition, &origin, "test");
    assert_ok(table_ensure(&world->chain.table, NULL, 0, &err));
}

static void world_close(struct world *world)
{
    chain_deinit(&world->chain);
    catalog_close(world->catalog.inner);
    store_close(world->store);
    clock_close(world->clock);
    arena_deinit(&world->arena);
}

/* 0 or COMMIT_LOST. */
static int commit(struct world *world, int64_t snapshot)
{
    struct position_input input = { .table = "b",
                                    .uuid = "u",
                                    .sequence = snapshot,
                                    .snapshot = snapshot,
                                    .begun = POSITION_NONE };
    struct positions map;
    struct commit_batch batch = { .planned = &map, .input = &input, .input_count = 1 };
    struct err err;
    int rc;

    positions_init(&map, &world->arena);
    assert_ok(chain_load(&world->chain, &world->arena, &map, &err));
    rc = commit_run(&world->chain, &batch, &err);
    assert_true(rc >= 0);
    return rc;
}

/* A snapshot of others, who drop ours at once: the chain is cut.  Its id. */
static int64_t cut_chain(struct world *world)
{
    struct table *table = &world->chain.table;
    struct err err;

    assert_ok(table_load(table, &err));
    const int64_t drop[] = { table->metadata->main };
    const struct table_change change = { .operation = "append",
                                         .snapshot_id = table_new_snapshot_id(table),
                                         .drop = drop,
                                         .drop_count = 1 };

    assert_ok(table_swap(table, table->metadata, &change, &err));
    return change.snapshot_id;
}

/* The property serves here, and stands where the batch begins: only what landed tells. */
static void a_batch_that_landed_and_was_taken_back_is_lost(void **state)
{
    (void)state;
    for (int expires = 0; expires < 2; expires++) {
        struct world world;
        int64_t foreign;
        struct err err;

        world_open(&world);
        assert_int_equal(commit(&world, 1), 0);
        foreign = cut_chain(&world);
        world.catalog.back_to = foreign;
        world.catalog.expires = expires == 1;
        assert_int_equal(commit(&world, 2), COMMIT_LOST);
        assert_ok(table_load(&world.chain.table, &err));
        assert_int_equal(world.chain.table.metadata->main, foreign);
        assert_int_equal(commit(&world, 2), 0);
        assert_ok(table_load(&world.chain.table, &err));
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_that_landed_and_was_taken_back_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
