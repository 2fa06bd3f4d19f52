// SPDX-License-Identifier: Apache-2.0
/* catalog_fixture.h: what the catalog's suites share: a catalog over a store whose puts can fail,
 * and documents as far as a catalog looks into them. */
#ifndef K2_TESTS_CONTRACT_CATALOG_FIXTURE_H
#define K2_TESTS_CONTRACT_CATALOG_FIXTURE_H

#include "port/catalog.h"
#include "lib/folder.h"
#include "lib/test.h"

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

static inline int setup(void **state)
{
    const struct adapter *adapter = *state;
    struct fixture *f = mem_zero(1, sizeof(*f));

    f->folder = folder_new();
    f->clock = clock_mem_open(1700000000000000, 3);
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
    clock_close(f->clock);
    folder_free(f->folder);
    free(f);
    return 0;
}

static inline const char *table_location(struct fixture *f, char location[256])
{
    snprintf(location, 256, "%s/market/t", f->store->root);
    return location;
}

/* A document as far as a catalog looks into it. */
static inline const char *document(int snapshot, int sequence, const char *properties,
                                   char text[512])
{
    snprintf(text, 512,
             "{\"current-snapshot-id\":%d,\"last-sequence-number\":%d,\"properties\":{%s},"
             "\"snapshots\":[{\"snapshot-id\":%d}],\"big\":9223372036854775807,\"url\":\"a/b\"}",
             snapshot, sequence, properties, snapshot);
    return text;
}

static inline int create(struct fixture *f, const char *name, struct err *err)
{
    char location[256], text[512];

    return catalog_create(f->catalog, "market", name, table_location(f, location),
                          span_text(document(1, 1, "\"a\":\"1\"", text)), err);
}

static inline int commit_text(struct fixture *f, const char *base, const char *metadata,
                              struct err *err)
{
    char location[256];
    const struct catalog_commit commit = { .base_location = base,
                                           .table_location = table_location(f, location),
                                           .metadata = span_text(metadata) };

    return catalog_commit(f->catalog, "market", "t", &commit, err);
}

static inline void load(struct fixture *f)
{
    struct err err;

    assert_ok(catalog_load(f->catalog, "market", "t", NULL, &f->table, &err));
}

static inline const char *current(struct fixture *f)
{
    return buf_text(&f->table.location);
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

#define TEST(function, adapter)                                                                    \
    cmocka_unit_test_prestate_setup_teardown(function, setup, teardown, adapter)

#endif
