// SPDX-License-Identifier: Apache-2.0
/* Commits without rows on a table in memory: what they leave behind is listed, logged or noted. */
#include "protocol/commit.h"

#include "lib/test.h"

#include <stdio.h>
#include <string.h>

enum { COMMITS = COMMIT_METADATA_LOG_KEPT + 20 };

struct world {
    struct clock *clock;
    struct store *store;
    struct table_ports ports;
    struct chain_table chain;
    struct arena arena;
    struct buf notes, objects; /* text; const char * */
};

static void world_open(struct world *world)
{
    static const struct parquet_field field = { .name = "a", .field_id = 1, .kind = PARQUET_LONG };
    static const struct ice_definition definition = { .name = "t",
                                                      .field = &field,
                                                      .field_count = 1 };
    static const struct chain_origin origin = { -1, -1, -1, NULL };
    struct err err;

    *world = (struct world){ .clock = clock_mem_open(0, 7), .store = store_mem_open() };
    world->ports = (struct table_ports){ catalog_mem_open(world->store, world->clock, false),
                                         world->store, world->clock };
    chain_init(&world->chain, &world->ports, "s", &definition, &origin, "test");
    assert_ok(table_ensure(&world->chain.table, NULL, 0, &err));
}

static void world_close(struct world *world)
{
    chain_deinit(&world->chain);
    catalog_close(world->ports.catalog);
    store_close(world->store);
    clock_close(world->clock);
    arena_deinit(&world->arena);
    buf_deinit(&world->notes);
    buf_deinit(&world->objects);
}

static void commit(struct world *world, int64_t sequence)
{
    struct position_input input = { .table = "b",
                                    .uuid = "u",
                                    .sequence = sequence,
                                    .snapshot = sequence,
                                    .begun = POSITION_NONE };
    struct positions map;
    struct commit_batch batch = { .planned = &map, .input = &input, .input_count = 1 };
    struct err err;

    positions_init(&map, &world->arena);
    assert_ok(chain_load(&world->chain, &world->arena, &map, &err));
    assert_ok(commit_run(&world->chain, &batch, &err));
}

static int sort_object(void *context, const char *uri, uint64_t size, int64_t modified_us,
                       struct err *err)
{
    struct world *world = context;
    const char *copy;

    (void)size;
    (void)modified_us;
    if (strstr(uri, COMMIT_DROPPED_PREFIX) != NULL)
        return store_get_all(world->store, uri, &world->notes, err);
    copy = arena_text(&world->arena, span_text(uri));
    buf_put(&world->objects, &copy, sizeof(copy));
    return 0;
}

static bool is_known(struct world *world, const char *uri)
{
    const struct ice_metadata *metadata = world->chain.table.metadata;
    char line[512];

    if (strcmp(uri, metadata->file) == 0)
        return true;
    for (size_t i = 0; i < ice_metadata_log_count(metadata); i++)
        if (strcmp(uri, ice_metadata_log_file(metadata, i)) == 0)
            return true;
    for (size_t i = 0; i < metadata->snapshot_count; i++)
        if (strcmp(uri, metadata->snapshot[i].manifest_list) == 0)
            return true;
    snprintf(line, sizeof(line), "%s\n", uri);
    return strstr(buf_text(&world->notes), line) != NULL;
}

static void no_object_is_forgotten(void **state)
{
    static const struct {
        size_t keep_newest;
        int64_t downstream_sequence;
    } cases[] = {
        { 3, INT64_MAX },       /* all but three are dropped */
        { 3, 0 },               /* none, readers need them: the log of metadata ends all the same */
        { COMMITS, INT64_MAX }, /* none */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world world;
        const struct store_visitor visitor = { sort_object, &world };
        const char *const *object;
        struct err err;

        world_open(&world);
        world.chain.keep_newest = cases[i].keep_newest;
        world.chain.downstream_sequence = cases[i].downstream_sequence;
        for (int64_t sequence = 1; sequence <= COMMITS; sequence++)
            commit(&world, sequence);
        assert_ok(store_list(world.store, world.store->root, &visitor, &err));
        object = (const char *const *)(const void *)world.objects.data;
        for (size_t k = 0; k < world.objects.size / sizeof(*object); k++)
            if (!is_known(&world, object[k]))
                fail_msg("case %zu: nothing names %s", i, object[k]);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_object_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
