// SPDX-License-Identifier: Apache-2.0
/* Contract of port/catalog.h, over all adapters: over REST when K2_REST_URL names a server whose
 * tables lie on the S3 server that K2_S3_ENDPOINT names (keys from the environment); for
 * catalog_mem by snapshot what a REST server does with a change whose base is not the newest.
 * catalog_sqlite.c has what only that one can show. */
#include "catalog_fixture.h"

static void open_memory_store(struct fixture *f)
{
    f->store = store_mem_open();
    f->guarded = (struct store){ &guarded_ops, f->store->root };
}

static void open_mem(struct fixture *f)
{
    open_memory_store(f);
    f->catalog = catalog_mem_open(&f->guarded, f->clock, false);
}

static void open_mem_by_snapshot(struct fixture *f)
{
    open_memory_store(f);
    f->catalog = catalog_mem_open(&f->guarded, f->clock, true);
}

static void a_table_that_is_not_there_is_absent(void **state)
{
    struct fixture *f = *state;
    char text[512];
    struct err err = { 0 };

    assert_int_equal(catalog_load(f->catalog, f->space, "t", NULL, &f->table, &err),
                     CATALOG_ABSENT);
    assert_int_equal(catalog_load(f->catalog, f->space, "t", "x", &f->table, &err), CATALOG_ABSENT);
    assert_int_equal(f->table.location.size, 0);
    assert_int_equal(commit_text(f, "x", document(1, 1, "", text), &err), CATALOG_CONFLICT);
    assert_int_equal(count_objects(f), 0);
}

static void a_created_table_is_loaded_as_it_was_given(void **state)
{
    struct fixture *f = *state;
    struct buf object = BUF_INIT;
    char location[256];
    struct err err;

    assert_ok(create(f, "t", &err));
    load(f);
    assert_document(f, 1, "\"a\":\"1\"");
    table_location(f, location);
    assert_int_equal(strncmp(current(f), location, strlen(location)), 0);
    assert_int_equal(strncmp(current(f) + strlen(location), "/metadata/00000-", 16), 0);
    assert_string_equal(current(f) + strlen(current(f)) - 14, ".metadata.json");
    assert_ok(store_get_all(f->store, current(f), &object, &err));
    assert_true(span_equal(buf_span(&object), buf_span(&f->table.metadata)));
    buf_deinit(&object);
}

static void create_never_replaces(void **state)
{
    struct fixture *f = *state;
    struct err err;

    assert_ok(create(f, "t", &err));
    load(f);
    assert_int_equal(create(f, "t", &err), CATALOG_EXISTS);
    assert_int_equal(count_objects(f), 1);
    assert_int_equal(catalog_load(f->catalog, f->space, "t", current(f), &f->table, &err),
                     CATALOG_UNCHANGED);
}

static void a_known_location_is_unchanged_until_a_commit(void **state)
{
    struct fixture *f = *state;
    char known[512], text[512];
    struct err err;

    assert_ok(create(f, "t", &err));
    load(f);
    snprintf(known, sizeof(known), "%s", current(f));
    buf_clear(&f->table.metadata);
    assert_int_equal(catalog_load(f->catalog, f->space, "t", known, &f->table, &err),
                     CATALOG_UNCHANGED);
    assert_int_equal(f->table.metadata.size, 0);
    assert_ok(commit_text(f, known, document(2, 2, "", text), &err));
    assert_ok(catalog_load(f->catalog, f->space, "t", known, &f->table, &err));
    assert_document(f, 2, "");
}

static void versions_rise_with_each_commit(void **state)
{
    struct fixture *f = *state;
    char text[512], version[32];
    struct err err;

    assert_ok(create(f, "t", &err));
    for (int i = 1; i < 12; i++) {
        load(f);
        assert_ok(commit_text(f, current(f), document(i + 1, i + 1, "", text), &err));
        load(f);
        assert_document(f, i + 1, "");
        snprintf(version, sizeof(version), "/metadata/%05d-", i);
        assert_non_null(strstr(current(f), version));
    }
}

static void a_commit_on_an_old_base_conflicts_and_leaves_no_object(void **state)
{
    struct fixture *f = *state;
    char base[512], text[512];
    struct err err;

    assert_ok(create(f, "t", &err));
    load(f);
    snprintf(base, sizeof(base), "%s", current(f));
    assert_ok(commit_text(f, base, document(2, 2, "", text), &err));
    assert_int_equal(commit_text(f, base, document(3, 2, "", text), &err), CATALOG_CONFLICT);
    load(f);
    assert_document(f, 2, "");
    assert_int_equal(count_objects(f), 2);
}

static void a_store_that_fails_changes_nothing(void **state)
{
    struct fixture *f = *state;
    char known[512], text[512];
    struct err err;

    f->put_fails = true;
    assert_err(create(f, "t", &err), ERR_RETRY);
    assert_int_equal(catalog_load(f->catalog, f->space, "t", NULL, &f->table, &err),
                     CATALOG_ABSENT);
    f->put_fails = false;
    assert_ok(create(f, "t", &err));
    load(f);
    snprintf(known, sizeof(known), "%s", current(f));
    f->put_fails = true;
    if (f->keys != NULL) /* a server's 500 does not say that nothing was done */
        assert_int_equal(commit_text(f, known, document(2, 2, "", text), &err), CATALOG_UNKNOWN);
    else
        assert_err(commit_text(f, known, document(2, 2, "", text), &err), ERR_RETRY);
    assert_int_equal(catalog_load(f->catalog, f->space, "t", known, &f->table, &err),
                     CATALOG_UNCHANGED);
    f->put_fails = false;
    assert_ok(commit_text(f, known, document(2, 2, "", text), &err));
}

static void list_gives_the_tables_of_one_namespace_sorted(void **state)
{
    static const char *const tables[] = { "t", "b", "z_1", "a" };
    struct fixture *f = *state;
    struct buf names = BUF_INIT;
    const struct catalog_visitor visitor = { append_name, &names };
    char location[256], text[512], below[80], beside[80];
    struct err err;

    snprintf(below, sizeof(below), "%s.sub", f->space);
    snprintf(beside, sizeof(beside), "%s_too", f->space);
    assert_ok(catalog_list(f->catalog, f->space, &visitor, &err));
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        assert_ok(create(f, tables[i], &err));
    document(1, 1, "", text);
    assert_ok(catalog_create(f->catalog, beside, "o", table_location(f, location), span_text(text),
                             &err));
    assert_ok(catalog_create(f->catalog, below, "t", location, span_text(text), &err));
    assert_ok(catalog_list(f->catalog, f->space, &visitor, &err));
    assert_string_equal(buf_text(&names), "a b t z_1 ");
    memset(buf_extend(&names, 100), 'x', 100);
    assert_err(catalog_list(f->catalog, f->space, &visitor, &err), ERR_REFUSED);
    buf_deinit(&names);
}

static void next_locations_count_on_from_any_base(void **state)
{
    static const struct {
        const char *base, *begin;
    } cases[] = {
        { NULL, "file:///w/t/metadata/00000-" },
        { "file:///w/t/metadata/00012-x.metadata.json", "file:///w/t/metadata/00013-" },
        { "s3://b/99999-a.gz.metadata.json", "file:///w/t/metadata/100000-" },
        { "/p/v3.metadata.json", "file:///w/t/metadata/00000-" },
        { "/p/12.metadata.json", "file:///w/t/metadata/00000-" },
        { "/p/99999999999999999999-a.json", "file:///w/t/metadata/00000-" },
        { "", "file:///w/t/metadata/00000-" },
        { "7-a", "file:///w/t/metadata/00008-" },
    };
    struct clock *clock = clock_mem_open(0, 1);
    struct buf location = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *text, *uuid;

        buf_clear(&location);
        catalog_next_location("file:///w/t", cases[i].base, clock, &location);
        text = buf_text(&location);
        assert_int_equal(strncmp(text, cases[i].begin, strlen(cases[i].begin)), 0);
        uuid = text + strlen(cases[i].begin);
        assert_int_equal(strlen(uuid), 36 + strlen(".metadata.json"));
        assert_int_equal(uuid[14], '4');
    }
    buf_deinit(&location);
    clock_close(clock);
}

/* Creates the table, lets another commit go by, then commits on the first base. */
static int rebase(struct fixture *f, const char *other, const char *ours)
{
    char base[512];
    struct err err;

    assert_ok(create(f, "t", &err));
    load(f);
    snprintf(base, sizeof(base), "%s", current(f));
    assert_ok(commit_text(f, base, other, &err));
    return commit_text(f, base, ours, &err);
}

/* A member of the document that was loaded. */
static void assert_part(struct fixture *f, const char *key, const char *expected)
{
    struct buf text = BUF_INIT;
    struct span part = { 0 };

    assert_true(json_find(buf_span(&f->table.metadata), key, &part));
    buf_put_span(&text, part);
    assert_string_equal(buf_text(&text), expected);
    buf_deinit(&text);
}

static void by_snapshot_properties_of_both_are_kept(void **state)
{
    static const struct {
        const char *other, *ours, *merged;
    } cases[] = {
        { "\"a\":\"1\",\"b\":\"2\"", "\"a\":\"1\",\"c\":\"3\"",
          "{\"a\":\"1\",\"c\":\"3\",\"b\":\"2\"}" },
        { "\"a\":\"2\"", "\"a\":\"1\"", "{\"a\":\"2\"}" },
        { "\"a\":\"1\"", "\"a\":\"3\"", "{\"a\":\"3\"}" },
        { "\"a\":\"2\"", "\"a\":\"3\"", "{\"a\":\"3\"}" },
        { "", "\"a\":\"1\",\"x\":\"y\"", "{\"x\":\"y\"}" },
        { "\"a\":\"1\"", "", "{}" },
    };
    struct fixture *f = *state;
    char other[512], ours[512];
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_ok(
            rebase(f, document(1, 1, cases[i].other, other), document(2, 2, cases[i].ours, ours)));
        load(f);
        assert_part(f, "properties", cases[i].merged);
        assert_part(f, "current-snapshot-id", "2");
        assert_non_null(strstr(buf_text(&f->table.metadata), "9223372036854775807"));
        assert_non_null(strstr(buf_text(&f->table.metadata), "\"a/b\""));
        catalog_close(f->catalog);
        f->catalog = catalog_mem_open(&f->guarded, f->clock, true);
    }
}

static void by_snapshot_a_dropped_snapshot_stays_dropped(void **state)
{
    struct fixture *f = *state;
    struct err err;

    assert_ok(rebase(f, "{\"current-snapshot-id\":1,\"last-sequence-number\":1,\"snapshots\":[]}",
                     "{\"current-snapshot-id\":2,\"last-sequence-number\":2,\"snapshots\":"
                     "[{\"snapshot-id\":1},{\"snapshot-id\":2}]}"));
    load(f);
    assert_non_null(strstr(buf_text(&f->table.metadata), "\"snapshots\":[{\"snapshot-id\":2}]"));
}

static void by_snapshot_refs_are_those_that_the_server_has(void **state)
{
    static const struct {
        const char *snapshots, *merged;
    } cases[] = {
        { "[{\"snapshot-id\":1},{\"snapshot-id\":2}]",
          "{\"main\":{\"snapshot-id\":2},\"tag\":{\"snapshot-id\":1}}" },
        { "[{\"snapshot-id\":2}]", "{\"main\":{\"snapshot-id\":2}}" },
    };
    struct fixture *f = *state;
    char ours[512];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        snprintf(ours, sizeof(ours),
                 "{\"current-snapshot-id\":2,\"last-sequence-number\":2,\"snapshots\":%s,"
                 "\"refs\":{\"main\":{\"snapshot-id\":2},\"gone\":{\"snapshot-id\":2}}}",
                 cases[i].snapshots);
        assert_int_equal(
            rebase(f,
                   "{\"current-snapshot-id\":1,\"last-sequence-number\":1,\"snapshots\":"
                   "[{\"snapshot-id\":1}],\"refs\":{\"main\":{\"snapshot-id\":1},"
                   "\"tag\":{\"snapshot-id\":1}}}",
                   ours),
            0);
        load(f);
        assert_part(f, "refs", cases[i].merged);
        catalog_close(f->catalog);
        f->catalog = catalog_mem_open(&f->guarded, f->clock, true);
    }
}

static void by_snapshot_a_moved_main_or_a_taken_sequence_number_conflicts(void **state)
{
    static const struct {
        int other_snapshot, other_sequence, snapshot, sequence, rc;
    } cases[] = {
        { 2, 2, 3, 3, CATALOG_CONFLICT },
        { 2, 2, 1, 1, CATALOG_CONFLICT },
        { 1, 2, 3, 2, CATALOG_CONFLICT },
        { 1, 2, 3, 3, 0 },
        { 1, 1, 1, 1, 0 },
    };
    struct fixture *f = *state;
    char other[512], ours[512];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        document(cases[i].other_snapshot, cases[i].other_sequence, "", other);
        document(cases[i].snapshot, cases[i].sequence, "", ours);
        assert_int_equal(rebase(f, other, ours), cases[i].rc);
        catalog_close(f->catalog);
        f->catalog = catalog_mem_open(&f->guarded, f->clock, true);
    }
}

static int run_contract(struct adapter *adapter)
{
    const struct CMUnitTest tests[] = {
        TEST(a_table_that_is_not_there_is_absent, adapter),
        TEST(a_created_table_is_loaded_as_it_was_given, adapter),
        TEST(create_never_replaces, adapter),
        TEST(a_known_location_is_unchanged_until_a_commit, adapter),
        TEST(versions_rise_with_each_commit, adapter),
        TEST(a_commit_on_an_old_base_conflicts_and_leaves_no_object, adapter),
        TEST(a_store_that_fails_changes_nothing, adapter),
        TEST(list_gives_the_tables_of_one_namespace_sorted, adapter),
    };

    return cmocka_run_group_tests_name(adapter->name, tests, NULL, NULL);
}

int main(void)
{
    struct adapter adapters[] = { { "mem", open_mem },
                                  { "mem by snapshot", open_mem_by_snapshot },
                                  { "sqlite", open_sqlite },
                                  { "sqlite, Java's file", open_sqlite_of_java } };
    const struct CMUnitTest own[] = {
        cmocka_unit_test(next_locations_count_on_from_any_base),
        TEST(by_snapshot_properties_of_both_are_kept, &adapters[1]),
        TEST(by_snapshot_a_dropped_snapshot_stays_dropped, &adapters[1]),
        TEST(by_snapshot_refs_are_those_that_the_server_has, &adapters[1]),
        TEST(by_snapshot_a_moved_main_or_a_taken_sequence_number_conflicts, &adapters[1]),
    };
    struct adapter rest = { "rest", open_rest };
    const struct CMUnitTest shared[] = { TEST(no_commit_of_two_threads_is_lost, &rest) };
    int failed = 0;

    for (size_t i = 0; i < ARRAY_LEN(adapters); i++)
        failed += run_contract(&adapters[i]);
    if (getenv("K2_REST_URL") != NULL)
        failed +=
            run_contract(&rest) + cmocka_run_group_tests_name("rest, shared", shared, NULL, NULL);
    return failed + cmocka_run_group_tests_name("one alone", own, NULL, NULL);
}
