// SPDX-License-Identifier: Apache-2.0
/*
 * catalog_sqlite.c: the tables that Iceberg's JdbcCatalog and pyiceberg's SqlCatalog share.
 *
 * The order is what makes a commit durable: the metadata object first, then one UPDATE that
 * compares the whole location, inside BEGIN IMMEDIATE, so that whoever loses learns it from the
 * number of rows changed and never from a lock.  Objects are written and read outside of the
 * mutex.  Java makes files without iceberg_type (views), so the column is looked for at open.
 */
#include "port/catalog.h"
#include "port/sqlite_db.h"

#include <pthread.h>

static const char create_sql[] =
    "CREATE TABLE IF NOT EXISTS iceberg_tables(catalog_name VARCHAR(255) NOT NULL,"
    " table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,"
    " metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000),"
    " iceberg_type VARCHAR(5), PRIMARY KEY(catalog_name,table_namespace,table_name));"
    "CREATE TABLE IF NOT EXISTS iceberg_namespace_properties(catalog_name VARCHAR(255) NOT NULL,"
    " namespace VARCHAR(255) NOT NULL, property_key VARCHAR(255) NOT NULL,"
    " property_value VARCHAR(1000) NOT NULL, PRIMARY KEY(catalog_name,namespace,property_key))";

/* ?1 catalog, ?2 namespace, ?3 table.  Views are none of ours. */
#define IS_TABLE "(iceberg_type='TABLE' OR iceberg_type IS NULL)"
#define WHERE    " WHERE catalog_name=?1 AND table_namespace=?2 AND table_name=?3 AND "

enum { LOAD_TRIES_MAX = 5 };

struct statements {
    const char *find, *list, *insert, *swap;
};

static const struct statements with_type = {
    "SELECT metadata_location FROM iceberg_tables" WHERE IS_TABLE,
    "SELECT table_name FROM iceberg_tables WHERE catalog_name=?1 AND table_namespace=?2 "
    "AND " IS_TABLE " ORDER BY table_name",
    "INSERT INTO iceberg_tables(catalog_name, table_namespace, table_name, metadata_location,"
    " iceberg_type) VALUES(?1, ?2, ?3, ?4, 'TABLE') ON CONFLICT DO NOTHING",
    "UPDATE iceberg_tables SET metadata_location=?4, previous_metadata_location=?5" WHERE
    "metadata_location=?5 AND " IS_TABLE,
};

static const struct statements without_type = {
    "SELECT metadata_location FROM iceberg_tables" WHERE "1",
    "SELECT table_name FROM iceberg_tables WHERE catalog_name=?1 AND table_namespace=?2"
    " ORDER BY table_name",
    "INSERT INTO iceberg_tables(catalog_name, table_namespace, table_name, metadata_location)"
    " VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    "UPDATE iceberg_tables SET metadata_location=?4, previous_metadata_location=?5" WHERE
    "metadata_location=?5",
};

static const char insert_space[] =
    "INSERT OR IGNORE INTO iceberg_namespace_properties(catalog_name, namespace, property_key,"
    " property_value) VALUES(?1, ?2, 'exists', 'true')";

struct catalog_sqlite {
    struct catalog base;
    struct store *store;
    struct clock *clock;
    char *name;
    const struct statements *sql;
    sqlite3 *db;
    pthread_mutex_t lock; /* of db */
};

/* Prepares and binds as many of: catalog, namespace, table, location, base location. */
static int prepare(struct catalog_sqlite *sqlite, const char *sql, const char *const *values,
                   int count, sqlite3_stmt **out, struct err *err)
{
    if (sqlite_db_prepare(sqlite->db, sql, out, err) < 0)
        return -1;
    sqlite_db_bind_text(*out, 1, span_text(sqlite->name));
    for (int i = 0; i < count; i++)
        sqlite_db_bind_text(*out, i + 2, span_text(values[i]));
    return 0;
}

/* Runs a statement that changes rows; *changed: how many. */
static int change(struct catalog_sqlite *sqlite, const char *sql, const char *const *values,
                  int count, int *changed, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = prepare(sqlite, sql, values, count, &statement, err);

    if (rc == 0)
        rc = sqlite_db_run(statement, err);
    *changed = sqlite3_changes(sqlite->db);
    sqlite3_finalize(statement);
    return rc;
}

/* Replaces *location; CATALOG_ABSENT. */
static int find_location(struct catalog_sqlite *sqlite, const char *space, const char *name,
                         struct buf *location, struct err *err)
{
    const char *const values[] = { space, name };
    sqlite3_stmt *statement = NULL;
    int rc;

    pthread_mutex_lock(&sqlite->lock);
    rc = prepare(sqlite, sqlite->sql->find, values, 2, &statement, err);
    if (rc == 0)
        rc = sqlite_db_step(statement, err);
    buf_clear(location);
    if (rc == SQLITE_DB_ROW)
        buf_put_span(location, sqlite_db_column(statement, 0));
    sqlite3_finalize(statement);
    pthread_mutex_unlock(&sqlite->lock);
    if (rc < 0)
        return err_wrap(err, "find %s.%s", space, name);
    return rc == SQLITE_DB_ROW ? 0 : CATALOG_ABSENT;
}

static int sqlite_load(struct catalog *catalog, const char *space, const char *name,
                       const char *known, struct catalog_table *out, struct err *err)
{
    struct catalog_sqlite *sqlite = (struct catalog_sqlite *)catalog;
    struct catalog_table table = { BUF_INIT, BUF_INIT };
    int rc = STORE_ABSENT;

    /* A location may be gone because the table has moved on since: then the row has another. */
    for (int i = 0; i < LOAD_TRIES_MAX && rc == STORE_ABSENT; i++) {
        rc = find_location(sqlite, space, name, &table.location, err);
        if (rc == 0 && known != NULL && span_equal(span_text(known), buf_span(&table.location)))
            rc = CATALOG_UNCHANGED;
        if (rc != 0)
            goto out;
        rc = store_get_all(sqlite->store, buf_text(&table.location), &table.metadata, err);
    }
    if (rc == STORE_ABSENT)
        rc = err_set(err, ERR_CORRUPT, "load %s.%s: its metadata %s is not there", space, name,
                     buf_text(&table.location));
    if (rc == 0) {
        catalog_table_deinit(out);
        *out = table;
        return 0;
    }
out:
    catalog_table_deinit(&table);
    return rc;
}

/* Writes a document under a new name, which *location is then. */
static int write_metadata(struct catalog_sqlite *sqlite, const char *table_location,
                          const char *base_location, struct span metadata, struct buf *location,
                          struct err *err)
{
    int rc;

    catalog_next_location(table_location, base_location, sqlite->clock, location);
    rc = store_put_new(sqlite->store, buf_text(location), &metadata, 1, err);
    return rc > 0 ? err_set(err, ERR_FATAL, "put %s: the name is taken", buf_text(location)) : rc;
}

/* An object that certainly no row names; if it cannot be removed it is an orphan like others. */
static void drop_metadata(struct catalog_sqlite *sqlite, struct buf *location)
{
    struct err ignored = { 0 };
    int rc = store_remove(sqlite->store, buf_text(location), &ignored);

    (void)rc;
}

/*
 * COMMIT.  A lock or a full disk is told before anything is visible, and the transaction is still
 * to be rolled back; after another error the file may or may not have it: CATALOG_UNKNOWN.
 */
static int end_transaction(sqlite3 *db, struct err *err)
{
    int rc = sqlite_db_exec(db, "COMMIT", err);
    bool certain =
        rc == 0 || sqlite3_errcode(db) == SQLITE_BUSY || sqlite3_errcode(db) == SQLITE_FULL;

    return certain ? rc : CATALOG_UNKNOWN;
}

static int swap(struct catalog_sqlite *sqlite, const char *const values[4], struct err *err)
{
    int changed = 0;
    int rc = -1;

    pthread_mutex_lock(&sqlite->lock);
    if (sqlite_db_exec(sqlite->db, "BEGIN IMMEDIATE", err) == 0 &&
        change(sqlite, sqlite->sql->swap, values, 4, &changed, err) == 0)
        rc = changed == 1 ? end_transaction(sqlite->db, err) : CATALOG_CONFLICT;
    sqlite_db_rollback(sqlite->db);
    pthread_mutex_unlock(&sqlite->lock);
    return rc;
}

static int sqlite_commit(struct catalog *catalog, const char *space, const char *name,
                         const struct catalog_commit *commit, struct err *err)
{
    struct catalog_sqlite *sqlite = (struct catalog_sqlite *)catalog;
    struct buf location = BUF_INIT;
    int rc = find_location(sqlite, space, name, &location, err);

    if (rc == CATALOG_ABSENT ||
        (rc == 0 && !span_equal(span_text(commit->base_location), buf_span(&location))))
        rc = CATALOG_CONFLICT; /* known before a document is written for nothing */
    if (rc != 0)
        goto out;
    buf_clear(&location);
    rc = write_metadata(sqlite, commit->table_location, commit->base_location, commit->metadata,
                        &location, err);
    if (rc == 0) {
        const char *const values[] = { space, name, buf_text(&location), commit->base_location };

        rc = swap(sqlite, values, err);
        if (rc == CATALOG_CONFLICT)
            drop_metadata(sqlite, &location);
    }
    if (rc < 0)
        err_wrap(err, "commit %s.%s", space, name);
out:
    buf_deinit(&location);
    return rc;
}

static int insert(struct catalog_sqlite *sqlite, const char *const values[3], struct err *err)
{
    int changed = 0;
    int rc = -1;

    pthread_mutex_lock(&sqlite->lock);
    if (sqlite_db_exec(sqlite->db, "BEGIN IMMEDIATE", err) == 0 &&
        change(sqlite, insert_space, values, 1, &changed, err) == 0 &&
        change(sqlite, sqlite->sql->insert, values, 3, &changed, err) == 0)
        rc = changed == 1 ? sqlite_db_exec(sqlite->db, "COMMIT", err) : CATALOG_EXISTS;
    sqlite_db_rollback(sqlite->db);
    pthread_mutex_unlock(&sqlite->lock);
    return rc;
}

static int sqlite_create(struct catalog *catalog, const char *space, const char *name,
                         const char *table_location, struct span metadata, struct err *err)
{
    struct catalog_sqlite *sqlite = (struct catalog_sqlite *)catalog;
    struct buf location = BUF_INIT;
    int rc = find_location(sqlite, space, name, &location, err);

    if (rc == 0)
        rc = CATALOG_EXISTS;
    if (rc != CATALOG_ABSENT)
        goto out;
    rc = write_metadata(sqlite, table_location, NULL, metadata, &location, err);
    if (rc == 0) {
        const char *const values[] = { space, name, buf_text(&location) };

        rc = insert(sqlite, values, err);
        if (rc == CATALOG_EXISTS)
            drop_metadata(sqlite, &location);
    }
    if (rc < 0)
        err_wrap(err, "create %s.%s", space, name);
out:
    buf_deinit(&location);
    return rc;
}

/* All names, each with a terminator: a visitor may call the catalog, so the lock is not held. */
static int list_names(struct catalog_sqlite *sqlite, const char *space, struct buf *names,
                      struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int rc;

    pthread_mutex_lock(&sqlite->lock);
    rc = prepare(sqlite, sqlite->sql->list, &space, 1, &statement, err);
    while (rc == 0 && (rc = sqlite_db_step(statement, err)) == SQLITE_DB_ROW) {
        buf_put_span(names, sqlite_db_column(statement, 0));
        buf_put_byte(names, 0);
        rc = 0;
    }
    sqlite3_finalize(statement);
    pthread_mutex_unlock(&sqlite->lock);
    return rc < 0 ? err_wrap(err, "list %s", space) : 0;
}

static int sqlite_list(struct catalog *catalog, const char *space,
                       const struct catalog_visitor *visitor, struct err *err)
{
    struct buf names = BUF_INIT;
    int rc = list_names((struct catalog_sqlite *)catalog, space, &names, err);

    for (size_t at = 0; rc == 0 && at < names.size;) {
        const char *name = (const char *)names.data + at;

        at += strlen(name) + 1;
        rc = visitor->visit(visitor->context, name, err);
    }
    buf_deinit(&names);
    return rc;
}

static void sqlite_close(struct catalog *catalog)
{
    struct catalog_sqlite *sqlite = (struct catalog_sqlite *)catalog;

    sqlite3_close(sqlite->db);
    pthread_mutex_destroy(&sqlite->lock);
    free(sqlite->name);
    free(sqlite);
}

static int find_type_column(sqlite3 *db, bool *found, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite_db_prepare(db, "PRAGMA table_info(iceberg_tables)", &statement, err);

    *found = false;
    if (rc == 0)
        while ((rc = sqlite_db_step(statement, err)) == SQLITE_DB_ROW)
            if (span_equal(sqlite_db_column(statement, 1), SPAN("iceberg_type")))
                *found = true;
    sqlite3_finalize(statement);
    return rc;
}

int catalog_sqlite_open(const char *file, const char *catalog_name, struct store *store,
                        struct clock *clock, struct catalog **out, struct err *err)
{
    static const struct catalog_ops ops = { sqlite_load, sqlite_create, sqlite_commit, sqlite_list,
                                            sqlite_close };
    struct catalog_sqlite *sqlite;
    sqlite3 *db = NULL;
    bool typed;

    if (sqlite_db_open(file, NULL, &db, err) < 0)
        return -1;
    if (sqlite_db_exec(db, create_sql, err) < 0 || find_type_column(db, &typed, err) < 0) {
        sqlite3_close(db);
        return err_wrap(err, "%s", file);
    }
    sqlite = mem_zero(1, sizeof(*sqlite));
    *sqlite = (struct catalog_sqlite){ .base.ops = &ops,
                                       .store = store,
                                       .clock = clock,
                                       .name = mem_text(catalog_name),
                                       .sql = typed ? &with_type : &without_type,
                                       .db = db };
    pthread_mutex_init(&sqlite->lock, NULL);
    *out = &sqlite->base;
    return 0;
}
