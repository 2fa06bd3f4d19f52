// SPDX-License-Identifier: Apache-2.0
/* Contract of port/catalog.h; for catalog_sqlite also the rows that other readers see, two
 * processes, and a COMMIT whose outcome is not known; for catalog_mem by snapshot what a REST
 * server does with a change whose base is not the newest. */
#include "port/catalog.h"
#include "lib/folder.h"
#include "lib/test.h"

#include <errno.h>
#include <json-c/json.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_bool sync_fails; /* of data: SQLite's, not the store's folders and files */
static atomic_bool disk_full;
static atomic_long magic;

int fdatasync(int fd)
{
    if (atomic_load(&sync_fails)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
    if (atomic_load(&disk_full)) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

int statfs(const char *path, struct statfs *status)
{
    int rc = (int)syscall(SYS_statfs, path, status);

    if (atomic_load(&magic) != 0)
        status->f_type = atomic_load(&magic);
    return rc;
}

struct fixture;

struct adapter {
    const char *name;
    void (*open)(struct fixture *fixture);
};

/* A store whose puts may fail. */
struct fixture {
    struct store guarded;
    struct store *store; /* behind it */
    bool put_fails;
    char *folder;
    struct clock *clock;
    struct catalog *catalog;
    struct catalog_table table;
};

static int guarded_put(struct store *store, const char *uri, const struct span *parts, size_t count,
                       struct err *err)
{
    struct fixture *f = (struct fixture *)store;

    if (f->put_fails)
        return err_set(err, ERR_RETRY, "put fails");
    return store_put_new(f->store, uri, parts, count, err);
}

static int guarded_size(struct store *store, const char *uri, uint64_t *size, struct err *err)
{
    return store_size(((struct fixture *)store)->store, uri, size, err);
}

static int guarded_get(struct store *store, const char *uri, uint64_t offset, size_t size,
                       struct buf *out, struct err *err)
{
    return store_get(((struct fixture *)store)->store, uri, offset, size, out, err);
}

static int guarded_remove(struct store *store, const char *uri, struct err *err)
{
    return store_remove(((struct fixture *)store)->store, uri, err);
}

static const struct store_ops guarded_ops = { guarded_put,    guarded_size, guarded_get,
                                              guarded_remove, NULL,         NULL };

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

static void open_file(struct fixture *f)
{
    char *file = folder_path(f->folder, "k2.db");
    struct err err = { 0 };

    if (catalog_sqlite_open(file, "iceberg", &f->guarded, f->clock, &f->catalog, &err) < 0)
        fail_msg("%s", err.text);
    free(file);
}

static void open_sqlite(struct fixture *f)
{
    char *folder = folder_path(f->folder, "warehouse");
    struct err err = { 0 };

    if (store_local_open(folder, &f->store, &err) < 0)
        fail_msg("%s", err.text);
    f->guarded = (struct store){ &guarded_ops, f->store->root };
    free(folder);
    open_file(f);
}

static sqlite3 *open_db(struct fixture *f)
{
    char *file = folder_path(f->folder, "k2.db");
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    free(file);
    return db;
}

static void run_sql(struct fixture *f, const char *sql)
{
    sqlite3 *db = open_db(f);

    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* A file as Java makes it: without views. */
static void open_sqlite_of_java(struct fixture *f)
{
    run_sql(f, "CREATE TABLE iceberg_tables(catalog_name VARCHAR(255) NOT NULL,"
               " table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,"
               " metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000),"
               " PRIMARY KEY(catalog_name,table_namespace,table_name))");
    open_sqlite(f);
}

static int setup(void **state)
{
    const struct adapter *adapter = *state;
    struct fixture *f = mem_zero(1, sizeof(*f));

    f->folder = folder_new();
    f->clock = clock_mem_open(1700000000000000, 3);
    adapter->open(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    atomic_store(&sync_fails, false);
    atomic_store(&disk_full, false);
    atomic_store(&magic, 0);
    catalog_table_deinit(&f->table);
    catalog_close(f->catalog);
    store_close(f->store);
    clock_close(f->clock);
    folder_free(f->folder);
    free(f);
    return 0;
}

static const char *table_location(struct fixture *f, char location[256])
{
    snprintf(location, 256, "%s/market/t", f->store->root);
    return location;
}

/* A document as far as a catalog looks into it. */
static const char *document(int snapshot, int sequence, const char *properties, char text[512])
{
    snprintf(text, 512,
             "{\"current-snapshot-id\":%d,\"last-sequence-number\":%d,\"properties\":{%s},"
             "\"snapshots\":[{\"snapshot-id\":%d}],\"big\":9223372036854775807,\"url\":\"a/b\"}",
             snapshot, sequence, properties, snapshot);
    return text;
}

static int create(struct fixture *f, const char *name, struct err *err)
{
    char location[256], text[512];

    return catalog_create(f->catalog, "market", name, table_location(f, location),
                          span_text(document(1, 1, "\"a\":\"1\"", text)), err);
}

static int commit_text(struct fixture *f, const char *base, const char *metadata, struct err *err)
{
    char location[256];
    const struct catalog_commit commit = { .base_location = base,
                                           .table_location = table_location(f, location),
                                           .metadata = span_text(metadata) };

    return catalog_commit(f->catalog, "market", "t", &commit, err);
}

static void load(struct fixture *f)
{
    struct err err;

    assert_ok(catalog_load(f->catalog, "market", "t", NULL, &f->table, &err));
}

static const char *current(struct fixture *f)
{
    return buf_text(&f->table.location);
}

static int count_visit(void *context, const char *uri, uint64_t size, int64_t modified_us,
                       struct err *err)
{
    (void)uri;
    (void)size;
    (void)modified_us;
    (void)err;
    ++*(size_t *)context;
    return 0;
}

static size_t count_objects(struct fixture *f)
{
    size_t count = 0;
    const struct store_visitor visitor = { count_visit, &count };
    struct buf prefix = BUF_INIT;
    struct err err;

    buf_printf(&prefix, "%s/", f->store->root);
    assert_ok(store_list(f->store, buf_text(&prefix), &visitor, &err));
    buf_deinit(&prefix);
    return count;
}

static void a_table_that_is_not_there_is_absent(void **state)
{
    struct fixture *f = *state;
    char text[512];
    struct err err = { 0 };

    assert_int_equal(catalog_load(f->catalog, "market", "t", NULL, &f->table, &err),
                     CATALOG_ABSENT);
    assert_int_equal(catalog_load(f->catalog, "market", "t", "x", &f->table, &err), CATALOG_ABSENT);
    assert_int_equal(f->table.location.size, 0);
    assert_int_equal(commit_text(f, "x", document(1, 1, "", text), &err), CATALOG_CONFLICT);
    assert_int_equal(count_objects(f), 0);
}

static void a_created_table_is_loaded_as_it_was_given(void **state)
{
    struct fixture *f = *state;
    struct buf object = BUF_INIT;
    char location[256], text[512];
    struct err err;

    assert_ok(create(f, "t", &err));
    load(f);
    assert_string_equal(buf_text(&f->table.metadata), document(1, 1, "\"a\":\"1\"", text));
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
    assert_int_equal(catalog_load(f->catalog, "market", "t", current(f), &f->table, &err),
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
    assert_int_equal(catalog_load(f->catalog, "market", "t", known, &f->table, &err),
                     CATALOG_UNCHANGED);
    assert_int_equal(f->table.metadata.size, 0);
    assert_ok(commit_text(f, known, document(2, 2, "", text), &err));
    assert_ok(catalog_load(f->catalog, "market", "t", known, &f->table, &err));
    assert_string_equal(buf_text(&f->table.metadata), text);
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
        assert_string_equal(buf_text(&f->table.metadata), text);
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
    assert_string_equal(buf_text(&f->table.metadata), document(2, 2, "", text));
    assert_int_equal(count_objects(f), 2);
}

static void a_store_that_fails_changes_nothing(void **state)
{
    struct fixture *f = *state;
    char known[512], text[512];
    struct err err;

    f->put_fails = true;
    assert_err(create(f, "t", &err), ERR_RETRY);
    assert_int_equal(catalog_load(f->catalog, "market", "t", NULL, &f->table, &err),
                     CATALOG_ABSENT);
    f->put_fails = false;
    assert_ok(create(f, "t", &err));
    load(f);
    snprintf(known, sizeof(known), "%s", current(f));
    f->put_fails = true;
    assert_err(commit_text(f, known, document(2, 2, "", text), &err), ERR_RETRY);
    assert_int_equal(catalog_load(f->catalog, "market", "t", known, &f->table, &err),
                     CATALOG_UNCHANGED);
    f->put_fails = false;
    assert_ok(commit_text(f, known, document(2, 2, "", text), &err));
}

static int append_name(void *context, const char *name, struct err *err)
{
    struct buf *names = context;

    buf_printf(names, "%s ", name);
    return names->size > 100 ? err_set(err, ERR_REFUSED, "enough") : 0;
}

static void list_gives_the_tables_of_one_namespace_sorted(void **state)
{
    static const char *const tables[] = { "t", "b", "z_1", "a" };
    struct fixture *f = *state;
    struct buf names = BUF_INIT;
    const struct catalog_visitor visitor = { append_name, &names };
    char location[256];
    struct err err;

    assert_ok(catalog_list(f->catalog, "market", &visitor, &err));
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        assert_ok(create(f, tables[i], &err));
    assert_ok(
        catalog_create(f->catalog, "other", "o", table_location(f, location), SPAN("{}"), &err));
    assert_ok(catalog_create(f->catalog, "market.sub", "t", location, SPAN("{}"), &err));
    assert_ok(catalog_list(f->catalog, "market", &visitor, &err));
    assert_string_equal(buf_text(&names), "a b t z_1 ");
    memset(buf_extend(&names, 100), 'x', 100);
    assert_err(catalog_list(f->catalog, "market", &visitor, &err), ERR_REFUSED);
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
        struct json_object *merged;

        assert_ok(
            rebase(f, document(1, 1, cases[i].other, other), document(2, 2, cases[i].ours, ours)));
        load(f);
        merged = json_tokener_parse(buf_text(&f->table.metadata));
        assert_string_equal(
            json_object_to_json_string_ext(json_object_object_get(merged, "properties"),
                                           JSON_C_TO_STRING_PLAIN),
            cases[i].merged);
        assert_int_equal(json_object_get_int(json_object_object_get(merged, "current-snapshot-id")),
                         2);
        json_object_put(merged);
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

/* The rows of a query as "a|b|c\n". */
static void assert_rows(struct fixture *f, const char *sql, const char *expected)
{
    sqlite3 *db = open_db(f);
    sqlite3_stmt *statement = NULL;
    struct buf rows = BUF_INIT;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const unsigned char *text = sqlite3_column_text(statement, i);

            buf_printf(&rows, "%s%s", text == NULL ? "null" : (const char *)text,
                       i + 1 < sqlite3_column_count(statement) ? "|" : "\n");
        }
    assert_string_equal(buf_text(&rows), expected);
    buf_deinit(&rows);
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

static void sqlite_rows_are_those_of_java_and_pyiceberg(void **state)
{
    struct fixture *f = *state;
    struct buf expected = BUF_INIT;
    char first[512], text[512];
    char *file = folder_path(f->folder, "k2.db");
    struct stat status;
    struct err err;

    assert_ok(create(f, "t", &err));
    assert_ok(create(f, "u", &err));
    load(f);
    snprintf(first, sizeof(first), "%s", current(f));
    assert_ok(commit_text(f, first, document(2, 2, "", text), &err));
    load(f);
    buf_printf(&expected, "iceberg|market|t|%s|%s|TABLE\n", current(f), first);
    assert_rows(f, "SELECT * FROM iceberg_tables WHERE table_name='t'", buf_text(&expected));
    assert_rows(f, "SELECT * FROM iceberg_namespace_properties", "iceberg|market|exists|true\n");
    assert_rows(f, "PRAGMA journal_mode", "wal\n");
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    buf_deinit(&expected);
    free(file);
}

static void sqlite_leaves_views_and_other_catalogs_alone(void **state)
{
    struct fixture *f = *state;
    struct buf names = BUF_INIT;
    const struct catalog_visitor visitor = { append_name, &names };
    char text[512];
    struct err err = { 0 };

    run_sql(f, "INSERT INTO iceberg_tables VALUES('iceberg', 'market', 't', 'v', NULL, 'VIEW'),"
               " ('another', 'market', 'u', 'v', NULL, 'TABLE')");
    assert_int_equal(catalog_load(f->catalog, "market", "t", NULL, &f->table, &err),
                     CATALOG_ABSENT);
    assert_int_equal(catalog_load(f->catalog, "market", "u", NULL, &f->table, &err),
                     CATALOG_ABSENT);
    assert_int_equal(commit_text(f, "v", document(1, 1, "", text), &err), CATALOG_CONFLICT);
    assert_ok(catalog_list(f->catalog, "market", &visitor, &err));
    assert_int_equal(names.size, 0);
    assert_int_equal(create(f, "t", &err), CATALOG_EXISTS);
    assert_int_equal(count_objects(f), 0);
    buf_deinit(&names);
}

static void sqlite_follows_what_others_commit(void **state)
{
    struct fixture *f = *state;
    char text[512], known[512];
    struct buf sql = BUF_INIT;
    struct span part = SPAN("{}");
    struct err err;

    assert_ok(create(f, "t", &err));
    load(f);
    snprintf(known, sizeof(known), "%s", current(f));
    buf_printf(&sql, "%s/foreign.metadata.json", f->store->root);
    assert_ok(store_put_new(f->store, buf_text(&sql), &part, 1, &err));
    buf_clear(&sql);
    buf_printf(&sql, "UPDATE iceberg_tables SET metadata_location='%s/foreign.metadata.json'",
               f->store->root);
    run_sql(f, buf_text(&sql));
    assert_int_equal(commit_text(f, known, document(2, 2, "", text), &err), CATALOG_CONFLICT);
    assert_ok(catalog_load(f->catalog, "market", "t", known, &f->table, &err));
    assert_string_equal(buf_text(&f->table.metadata), "{}");
    assert_ok(commit_text(f, current(f), document(2, 2, "", text), &err));
    run_sql(f, "UPDATE iceberg_tables SET metadata_location='file:///nowhere'");
    assert_err(catalog_load(f->catalog, "market", "t", NULL, &f->table, &err), ERR_CORRUPT);
    buf_deinit(&sql);
}

static void sqlite_does_not_know_what_a_failed_commit_did(void **state)
{
    struct fixture *f = *state;
    char base[512], text[512];
    struct err err;

    assert_ok(create(f, "t", &err));
    load(f);
    snprintf(base, sizeof(base), "%s", current(f));
    atomic_store(&sync_fails, true);
    assert_int_equal(commit_text(f, base, document(2, 2, "", text), &err), CATALOG_UNKNOWN);
    atomic_store(&sync_fails, false);
    assert_int_equal(count_objects(f), 2); /* nothing is deleted */
    load(f);
    assert_ok(commit_text(f, current(f), document(3, 3, "", text), &err));
}

static void sqlite_without_room_certainly_did_nothing(void **state)
{
    struct fixture *f = *state;
    char base[512], text[512];
    struct err err;

    assert_ok(create(f, "t", &err));
    load(f);
    snprintf(base, sizeof(base), "%s", current(f));
    atomic_store(&disk_full, true);
    assert_err(commit_text(f, base, document(2, 2, "", text), &err), ERR_FULL);
    atomic_store(&disk_full, false);
    assert_int_equal(catalog_load(f->catalog, "market", "t", base, &f->table, &err),
                     CATALOG_UNCHANGED);
    assert_ok(commit_text(f, base, document(2, 2, "", text), &err));
}

static void sqlite_refuses_network_file_systems(void **state)
{
    struct fixture *f = *state;
    char *file = folder_path(f->folder, "other.db");
    struct catalog *catalog = NULL;
    struct err err;

    atomic_store(&magic, NFS_SUPER_MAGIC);
    assert_err(catalog_sqlite_open(file, "c", f->store, f->clock, &catalog, &err), ERR_CONFIG);
    free(file);
}

/* Adds one to the snapshot's id so many times. */
static void count_up(struct fixture *f, int times)
{
    char text[512];
    struct err err;

    while (times > 0) {
        struct json_object *metadata;
        int snapshot, rc;

        load(f);
        metadata = json_tokener_parse(buf_text(&f->table.metadata));
        snapshot = json_object_get_int(json_object_object_get(metadata, "current-snapshot-id"));
        json_object_put(metadata);
        rc = commit_text(f, current(f), document(snapshot + 1, snapshot + 1, "", text), &err);
        if (rc < 0)
            fail_msg("%s", err.text);
        assert_true(rc == 0 || rc == CATALOG_CONFLICT);
        times -= rc == 0;
    }
}

static void sqlite_loses_no_commit_of_two_processes(void **state)
{
    enum { COMMITS = 60 };
    struct fixture *f = *state;
    char text[512];
    int status = -1;
    pid_t child;
    struct err err;

    assert_ok(create(f, "t", &err));
    catalog_close(f->catalog);
    child = fork();
    open_file(f);
    if (child == 0) {
        clock_close(f->clock);
        f->clock = clock_system_open();
        catalog_close(f->catalog);
        open_file(f);
        count_up(f, COMMITS);
        catalog_close(f->catalog);
        _exit(0);
    }
    count_up(f, COMMITS);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    load(f);
    assert_string_equal(buf_text(&f->table.metadata),
                        document(1 + 2 * COMMITS, 1 + 2 * COMMITS, "", text));
    assert_int_equal(count_objects(f), 1 + 2 * COMMITS);
}

struct counter {
    struct fixture f; /* a table of its own over the shared catalog */
    int times;
};

static void *count_in_thread(void *argument)
{
    struct counter *counter = argument;

    count_up(&counter->f, counter->times);
    return NULL;
}

static void sqlite_loses_no_commit_of_two_threads(void **state)
{
    enum { COMMITS = 30 };
    struct fixture *f = *state;
    struct counter counters[2];
    pthread_t threads[2];
    char text[512];
    struct err err;

    catalog_close(f->catalog);
    clock_close(f->clock);
    f->clock = clock_system_open();
    open_file(f);
    assert_ok(create(f, "t", &err));
    for (int i = 0; i < 2; i++) {
        counters[i] = (struct counter){ .f = *f, .times = COMMITS };
        assert_int_equal(pthread_create(&threads[i], NULL, count_in_thread, &counters[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        catalog_table_deinit(&counters[i].f.table);
    }
    load(f);
    assert_string_equal(buf_text(&f->table.metadata),
                        document(1 + 2 * COMMITS, 1 + 2 * COMMITS, "", text));
}

#define TEST(function, adapter)                                                                    \
    cmocka_unit_test_prestate_setup_teardown(function, setup, teardown, adapter)

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
        TEST(by_snapshot_a_moved_main_or_a_taken_sequence_number_conflicts, &adapters[1]),
        TEST(sqlite_rows_are_those_of_java_and_pyiceberg, &adapters[2]),
        TEST(sqlite_leaves_views_and_other_catalogs_alone, &adapters[2]),
        TEST(sqlite_follows_what_others_commit, &adapters[2]),
        TEST(sqlite_does_not_know_what_a_failed_commit_did, &adapters[2]),
        TEST(sqlite_without_room_certainly_did_nothing, &adapters[2]),
        TEST(sqlite_refuses_network_file_systems, &adapters[2]),
        TEST(sqlite_loses_no_commit_of_two_threads, &adapters[2]),
        TEST(sqlite_loses_no_commit_of_two_processes, &adapters[2]),
        TEST(sqlite_loses_no_commit_of_two_processes, &adapters[3]),
    };
    int failed = 0;

    for (size_t i = 0; i < ARRAY_LEN(adapters); i++)
        failed += run_contract(&adapters[i]);
    return failed + cmocka_run_group_tests_name("one alone", own, NULL, NULL);
}
