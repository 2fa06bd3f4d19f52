// SPDX-License-Identifier: Apache-2.0
/* registry_sqlite.c: two tables that may lie beside the catalog's.  Ids rise from 1 and are never
 * given again, because no schema is ever removed. */
#include "port/registry.h"
#include "port/sqlite_db.h"

#include <pthread.h>

static const char create_sql[] =
    "CREATE TABLE IF NOT EXISTS k2_schemas(id INTEGER PRIMARY KEY, schema TEXT NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS k2_subjects(subject TEXT NOT NULL, version INTEGER NOT NULL,"
    " id INTEGER NOT NULL, PRIMARY KEY(subject, version))";
static const char find_sql[] = "SELECT id FROM k2_schemas JOIN k2_subjects USING (id)"
                               " WHERE schema=?1 AND subject=?2";
static const char put_schema_sql[] = "INSERT OR IGNORE INTO k2_schemas(schema)"
                                     " SELECT ?1 WHERE ?2 IS NOT NULL"; /* ?2: one form for all */
static const char put_subject_sql[] =
    "INSERT INTO k2_subjects SELECT ?2, 1 + coalesce((SELECT max(version) FROM k2_subjects"
    " WHERE subject=?2), 0), id FROM k2_schemas s WHERE schema=?1"
    " AND NOT EXISTS (SELECT 1 FROM k2_subjects WHERE subject=?2 AND id=s.id)";

static const char last_sql[] = "SELECT schema FROM k2_schemas JOIN k2_subjects USING (id)"
                               " WHERE subject=?2 AND ?1 IS NOT NULL ORDER BY version DESC LIMIT 1";
static const char list_sql[] = "SELECT subject, version, id, schema FROM k2_subjects"
                               " JOIN k2_schemas USING (id) WHERE ?1 IS NULL OR subject=?1"
                               " ORDER BY subject, version";

struct registry_sqlite {
    struct registry base;
    registry_may_follow *may_follow;
    sqlite3 *db;
    pthread_mutex_t lock; /* of db */
};

/* Runs a statement over ?1 schema, ?2 subject; SQLITE_DB_ROW: *id is its answer. */
static int run(sqlite3 *db, const char *sql, struct span schema, const char *subject, int32_t *id,
               struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite_db_prepare(db, sql, &statement, err);

    if (rc == 0) {
        sqlite_db_bind_text(statement, 1, schema);
        sqlite_db_bind_text(statement, 2, span_text(subject));
        rc = sqlite_db_step(statement, err);
    }
    if (rc == SQLITE_DB_ROW)
        *id = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return rc;
}

/* Asks whether the schema may follow the subject's newest; one that the subject has already may. */
static int judge(const struct registry_sqlite *sqlite, struct span schema, const char *subject,
                 struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int32_t id;
    int rc = sqlite->may_follow == NULL ? SQLITE_DB_ROW
                                        : run(sqlite->db, find_sql, schema, subject, &id, err);

    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = sqlite_db_prepare(sqlite->db, last_sql, &statement, err);
    if (rc == 0) {
        sqlite_db_bind_text(statement, 1, schema);
        sqlite_db_bind_text(statement, 2, span_text(subject));
        rc = sqlite_db_step(statement, err);
    }
    if (rc == SQLITE_DB_ROW)
        rc = sqlite->may_follow(sqlite_db_column(statement, 0), schema, err);
    sqlite3_finalize(statement);
    return rc;
}

/* 0 also when another process was faster. */
static int insert(const struct registry_sqlite *sqlite, struct span schema, const char *subject,
                  struct err *err)
{
    sqlite3 *db = sqlite->db;
    int rc = -1;

    if (sqlite_db_exec(db, "BEGIN IMMEDIATE", err) == 0 &&
        judge(sqlite, schema, subject, err) == 0 &&
        run(db, put_schema_sql, schema, subject, NULL, err) == 0 &&
        run(db, put_subject_sql, schema, subject, NULL, err) == 0)
        rc = sqlite_db_exec(db, "COMMIT", err);
    sqlite_db_rollback(db);
    return rc;
}

static int sqlite_put(struct registry *registry, const char *subject, struct span schema,
                      int32_t *id, struct err *err)
{
    struct registry_sqlite *sqlite = (struct registry_sqlite *)registry;
    int rc;

    pthread_mutex_lock(&sqlite->lock);
    rc = run(sqlite->db, find_sql, schema, subject, id, err);
    if (rc == 0) {
        rc = insert(sqlite, schema, subject, err);
        if (rc == 0)
            rc = run(sqlite->db, find_sql, schema, subject, id, err);
        if (rc == 0)
            rc = err_set(err, ERR_CORRUPT, "%s has no id although it was just put", subject);
    }
    pthread_mutex_unlock(&sqlite->lock);
    return rc < 0 ? err_wrap(err, "register a schema") : 0;
}

static int sqlite_get(struct registry *registry, int32_t id, struct buf *schema, struct err *err)
{
    struct registry_sqlite *sqlite = (struct registry_sqlite *)registry;
    sqlite3_stmt *statement = NULL;
    int rc;

    pthread_mutex_lock(&sqlite->lock);
    rc =
        sqlite_db_prepare(sqlite->db, "SELECT schema FROM k2_schemas WHERE id=?1", &statement, err);
    if (rc == 0) {
        sqlite_db_bind_int(statement, 1, id);
        rc = sqlite_db_step(statement, err);
    }
    if (rc == SQLITE_DB_ROW)
        buf_put_span(schema, sqlite_db_column(statement, 0));
    sqlite3_finalize(statement);
    pthread_mutex_unlock(&sqlite->lock);
    return rc == SQLITE_DB_ROW ? 0 : rc == 0 ? REGISTRY_ABSENT : err_wrap(err, "schema %d", id);
}

static int sqlite_list(struct registry *registry, const char *subject, registry_visit *visit,
                       void *context, struct err *err)
{
    struct registry_sqlite *sqlite = (struct registry_sqlite *)registry;
    sqlite3_stmt *statement = NULL;
    int rc;

    pthread_mutex_lock(&sqlite->lock);
    rc = sqlite_db_prepare(sqlite->db, list_sql, &statement, err);
    if (rc == 0 && subject != NULL)
        sqlite_db_bind_text(statement, 1, span_text(subject));
    while (rc == 0 && (rc = sqlite_db_step(statement, err)) == SQLITE_DB_ROW) {
        const struct registry_version version = {
            .subject = (const char *)sqlite3_column_text(statement, 0),
            .version = sqlite3_column_int(statement, 1),
            .id = sqlite3_column_int(statement, 2),
            .schema = sqlite_db_column(statement, 3),
        };

        rc = visit(context, &version);
        if (rc != 0)
            break;
    }
    sqlite3_finalize(statement);
    pthread_mutex_unlock(&sqlite->lock);
    return rc;
}

static void sqlite_close(struct registry *registry)
{
    struct registry_sqlite *sqlite = (struct registry_sqlite *)registry;

    sqlite3_close(sqlite->db);
    pthread_mutex_destroy(&sqlite->lock);
    free(sqlite);
}

int registry_sqlite_open(const char *file, registry_may_follow *may_follow, struct registry **out,
                         struct err *err)
{
    static const struct registry_ops ops = { sqlite_put, sqlite_get, sqlite_close, sqlite_list };
    struct registry_sqlite *sqlite;
    sqlite3 *db = NULL;

    if (sqlite_db_open(file, NULL, &db, err) < 0)
        return -1;
    if (sqlite_db_exec(db, create_sql, err) < 0) {
        sqlite3_close(db);
        return err_wrap(err, "%s", file);
    }
    sqlite = mem_zero(1, sizeof(*sqlite));
    sqlite->base.ops = &ops;
    sqlite->db = db;
    sqlite->may_follow = may_follow;
    pthread_mutex_init(&sqlite->lock, NULL);
    *out = &sqlite->base;
    return 0;
}
