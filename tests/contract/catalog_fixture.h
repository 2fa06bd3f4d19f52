// SPDX-License-Identifier: Apache-2.0
/* catalog_fixture.h: what the catalog's suites share: a catalog over a store whose puts can fail,
 * and documents as far as a catalog looks into them.  Over REST the server writes: it is sent what
 * makes such a document out of the one before. */
#ifndef K2_TESTS_CONTRACT_CATALOG_FIXTURE_H
#define K2_TESTS_CONTRACT_CATALOG_FIXTURE_H

#include "port/catalog_rest.h"
#include "port/s3_credentials.h"
#include "core/json_find.h"
#include "lib/folder.h"
#include "lib/test.h"

#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>

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
    char space[64];
    struct s3_keys *keys; /* over REST only, where the server makes the documents */
};

static inline int guarded_put(struct store *store, const char *uri, const struct span *parts,
                              size_t count, struct err *err)
{
    struct fixture *f = (struct fixture *)store;

    if (f->put_fails)
        return err_set(err, ERR_RETRY, "put fails");
    return store_put_new(f->store, uri, parts, count, err);
}

static inline int guarded_size(struct store *store, const char *uri, uint64_t *size,
                               struct err *err)
{
    return store_size(((struct fixture *)store)->store, uri, size, err);
}

static inline int guarded_get(struct store *store, const char *uri, uint64_t offset, size_t size,
                              struct buf *out, struct err *err)
{
    return store_get(((struct fixture *)store)->store, uri, offset, size, out, err);
}

static inline int guarded_remove(struct store *store, const char *uri, struct err *err)
{
    return store_remove(((struct fixture *)store)->store, uri, err);
}

static const struct store_ops guarded_ops = { guarded_put,    guarded_size, guarded_get,
                                              guarded_remove, NULL,         NULL };

static inline void open_file(struct fixture *f)
{
    char *file = folder_path(f->folder, "k2.db");
    struct err err = { 0 };

    if (catalog_sqlite_open(file, "iceberg", &f->guarded, f->clock, &f->catalog, &err) < 0)
        fail_msg("%s", err.text);
    free(file);
}

static inline void open_sqlite(struct fixture *f)
{
    char *folder = folder_path(f->folder, "warehouse");
    struct err err = { 0 };

    if (store_local_open(folder, &f->store, &err) < 0)
        fail_msg("%s", err.text);
    f->guarded = (struct store){ &guarded_ops, f->store->root };
    free(folder);
    open_file(f);
}

static inline sqlite3 *open_db(struct fixture *f)
{
    char *file = folder_path(f->folder, "k2.db");
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    free(file);
    return db;
}

static inline void run_sql(struct fixture *f, const char *sql)
{
    sqlite3 *db = open_db(f);

    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* A file as Java makes it: without views. */
static inline void open_sqlite_of_java(struct fixture *f)
{
    run_sql(f, "CREATE TABLE iceberg_tables(catalog_name VARCHAR(255) NOT NULL,"
               " table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,"
               " metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000),"
               " PRIMARY KEY(catalog_name,table_namespace,table_name))");
    open_sqlite(f);
}

/* Namespace and prefix of its own: nothing of an earlier run is seen. */
static inline void open_rest(struct fixture *f)
{
    const struct catalog_rest_options catalog = { .uri = getenv("K2_REST_URL") };
    struct store_s3_options store = { .endpoint = getenv("K2_S3_ENDPOINT"),
                                      .region = "us-east-1",
                                      .bucket = "lakehouse",
                                      .prefix = f->space,
                                      .path_style = true };
    struct err err;

    clock_close(f->clock);
    f->clock = clock_system_open();
    snprintf(f->space, sizeof(f->space), "contract_%016" PRIx64, clock_random(f->clock));
    store.prefix = f->space;
    f->keys = s3_keys_new(NULL, NULL, NULL, NULL);
    store.credentials = s3_keys_credentials(f->keys);
    assert_ok(store_s3_open(&store, &http_opener_curl, f->clock, &f->store, &err));
    f->guarded = (struct store){ &guarded_ops, f->store->root };
    assert_ok(catalog_rest_open(&catalog, &http_opener_curl, f->clock, &f->catalog, &err));
}

static inline int setup(void **state)
{
    const struct adapter *adapter = *state;
    struct fixture *f = mem_zero(1, sizeof(*f));

    f->folder = folder_new();
    f->clock = clock_mem_open(1700000000000000, 3);
    snprintf(f->space, sizeof(f->space), "market");
    adapter->open(f);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;

    catalog_table_deinit(&f->table);
    catalog_close(f->catalog);
    store_close(f->store);
    s3_keys_free(f->keys);
    clock_close(f->clock);
    folder_free(f->folder);
    free(f);
    return 0;
}

/* Over REST a store that fails is a bucket that the server has not. */
static inline const char *table_location(struct fixture *f, char location[256])
{
    snprintf(location, 256, "%s/market/t",
             f->keys != NULL && f->put_fails ? "s3://nowhere" : f->store->root);
    return location;
}

/* A document as far as a catalog looks into it; a table is created from one too. */
static inline const char *document(int snapshot, int sequence, const char *properties,
                                   char text[512])
{
    snprintf(text, 512,
             "{\"current-snapshot-id\":%d,\"last-sequence-number\":%d,\"properties\":{%s},"
             "\"snapshots\":[{\"snapshot-id\":%d}],\"big\":9223372036854775807,\"url\":\"a/b\","
             "\"schemas\":[{\"type\":\"struct\",\"schema-id\":0,\"fields\":[]}]}",
             snapshot, sequence, properties, snapshot);
    return text;
}

static inline int64_t number_in(struct span metadata, const char *key)
{
    int64_t number = -1;

    return json_find_integer(metadata, key, 0, INT64_MAX, &number) ? number : -1;
}

static inline int create(struct fixture *f, const char *name, struct err *err)
{
    char location[256], text[512];

    return catalog_create(f->catalog, f->space, name, table_location(f, location),
                          span_text(document(1, 1, "\"a\":\"1\"", text)), err);
}

/* REST: Requirements: main as the document at `base` has it. */
static inline void put_requirements(struct fixture *f, const char *base, struct buf *out)
{
    struct buf metadata = BUF_INIT;
    struct err err = { 0 };
    int64_t main = store_get_all(f->store, base, &metadata, &err) == 0
                       ? number_in(buf_span(&metadata), "current-snapshot-id")
                       : -1;

    buf_put_text(out, "[{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":");
    if (main < 0)
        buf_put_text(out, "null}]");
    else
        buf_printf(out, "%" PRId64 "}]", main);
    buf_deinit(&metadata);
}

/* REST: Updates */
static inline void put_updates(struct fixture *f, struct span metadata, struct buf *out)
{
    int64_t snapshot = number_in(metadata, "current-snapshot-id");

    buf_printf(out,
               "[{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":%" PRId64
               ",\"sequence-number\":%" PRId64 ",\"timestamp-ms\":%" PRId64
               ",\"manifest-list\":\"%s/list.avro\",\"summary\":{\"operation\":\"append\"},"
               "\"schema-id\":0}},{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\","
               "\"type\":\"branch\",\"snapshot-id\":%" PRId64 "}",
               snapshot, number_in(metadata, "last-sequence-number"), clock_now_us(f->clock) / 1000,
               f->store->root, snapshot);
    if (f->put_fails)
        buf_put_text(out, ",{\"action\":\"set-properties\",\"updates\":"
                          "{\"write.metadata.path\":\"s3://nowhere/metadata\"}}");
    buf_put_byte(out, ']');
}

static inline int commit_text(struct fixture *f, const char *base, const char *metadata,
                              struct err *err)
{
    struct buf requirements = BUF_INIT, updates = BUF_INIT;
    char location[256];
    struct catalog_commit commit = { .base_location = base,
                                     .table_location = table_location(f, location),
                                     .metadata = span_text(metadata) };
    int rc;

    if (f->keys != NULL) {
        put_requirements(f, base, &requirements);
        put_updates(f, commit.metadata, &updates);
        commit.requirements = buf_span(&requirements);
        commit.updates = buf_span(&updates);
    }
    rc = catalog_commit(f->catalog, f->space, "t", &commit, err);
    buf_deinit(&requirements);
    buf_deinit(&updates);
    return rc;
}

static inline void load(struct fixture *f)
{
    struct err err;

    assert_ok(catalog_load(f->catalog, f->space, "t", NULL, &f->table, &err));
}

static inline const char *current(struct fixture *f)
{
    return buf_text(&f->table.location);
}

/* What was loaded is document(number, number, properties); the first of a server has no snapshot
 * yet. */
static inline void assert_document(struct fixture *f, int number, const char *properties)
{
    struct span metadata = buf_span(&f->table.metadata);
    char text[512];

    if (f->keys == NULL) {
        assert_string_equal(buf_text(&f->table.metadata),
                            document(number, number, properties, text));
    } else {
        assert_int_equal(number_in(metadata, "current-snapshot-id"), number > 1 ? number : -1);
        assert_int_equal(number_in(metadata, "last-sequence-number"), number > 1 ? number : 0);
        assert_non_null(strstr(buf_text(&f->table.metadata), properties));
    }
}

static inline int count_visit(void *context, const char *uri, uint64_t size, int64_t modified_us,
                              struct err *err)
{
    (void)uri;
    (void)size;
    (void)modified_us;
    (void)err;
    ++*(size_t *)context;
    return 0;
}

static inline size_t count_objects(struct fixture *f)
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

static inline int append_name(void *context, const char *name, struct err *err)
{
    struct buf *names = context;

    buf_printf(names, "%s ", name);
    return names->size > 100 ? err_set(err, ERR_REFUSED, "enough") : 0;
}

/* Adds one to the snapshot's id so many times, against all others who do. */
static inline void count_up(struct fixture *f, int times)
{
    char text[512];
    struct err err;

    while (times > 0) {
        int snapshot, rc;

        load(f);
        snapshot = (int)number_in(buf_span(&f->table.metadata), "current-snapshot-id");
        snapshot = snapshot < 1 ? 2 : snapshot + 1;
        rc = commit_text(f, current(f), document(snapshot, snapshot, "", text), &err);
        if (rc < 0)
            fail_msg("%s", err.text);
        assert_true(rc == 0 || rc == CATALOG_CONFLICT);
        times -= rc == 0;
    }
}

struct counter {
    struct fixture f; /* a table of its own over the shared catalog */
    int times;
};

static inline void *count_in_thread(void *argument)
{
    struct counter *counter = argument;

    count_up(&counter->f, counter->times);
    return NULL;
}

/* Of an adapter that may be asked by several threads. */
static inline void no_commit_of_two_threads_is_lost(void **state)
{
    enum { COMMITS = 15 };
    struct fixture *f = *state;
    struct counter counters[2];
    pthread_t threads[2];
    struct err err;

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
    assert_document(f, 1 + 2 * COMMITS, "");
    if (f->keys == NULL) /* a server leaves what lost the race */
        assert_int_equal(count_objects(f), 1 + 2 * COMMITS);
}

#define TEST(function, adapter)                                                                    \
    cmocka_unit_test_prestate_setup_teardown(function, setup, teardown, adapter)

#endif
