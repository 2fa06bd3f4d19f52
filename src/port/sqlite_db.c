// SPDX-License-Identifier: Apache-2.0
/*
 * sqlite_db.c: opening, and the few calls that every adapter repeats.
 *
 * The file is made with mknod, not open: closing a descriptor of our own would drop the locks that
 * another connection of this process holds on it (POSIX).
 */
#include "port/sqlite_db.h"
#include "core/buf.h"
#include "port/local.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>

enum { BUSY_TIMEOUT_MS = 30000, WAL_TRIES_MAX = 100, WAL_PAUSE_MS = 20 };

static enum err_kind kind_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
        return ERR_RETRY;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return ERR_CONFIG;
    default:
        return ERR_FATAL;
    }
}

int sqlite_db_fail(sqlite3 *db, int result, struct err *err, const char *format, ...)
{
    va_list args;
    size_t used;

    err_set(err, kind_of(result), "%s", "");
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %s (%d)",
             db == NULL ? sqlite3_errstr(result) : sqlite3_errmsg(db), result);
    return -1;
}

int sqlite_db_exec(sqlite3 *db, const char *sql, struct err *err)
{
    int result = sqlite3_exec(db, sql, NULL, NULL, NULL);

    return result == SQLITE_OK ? 0 : sqlite_db_fail(db, result, err, "%.60s", sql);
}

int sqlite_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct err *err)
{
    int result = sqlite3_prepare_v2(db, sql, -1, out, NULL);

    return result == SQLITE_OK ? 0 : sqlite_db_fail(db, result, err, "%.60s", sql);
}

int sqlite_db_step(sqlite3_stmt *statement, struct err *err)
{
    int result = sqlite3_step(statement);

    if (result == SQLITE_ROW)
        return SQLITE_DB_ROW;
    return result == SQLITE_DONE ? 0
                                 : sqlite_db_fail(sqlite3_db_handle(statement), result, err,
                                                  "%.60s", sqlite3_sql(statement));
}

int sqlite_db_run(sqlite3_stmt *statement, struct err *err)
{
    int rc = sqlite_db_step(statement, err);

    ASSERT(rc <= 0);
    sqlite3_reset(statement);
    return rc;
}

void sqlite_db_rollback(sqlite3 *db)
{
    if (sqlite3_get_autocommit(db) == 0)
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

void sqlite_db_bind_text(sqlite3_stmt *statement, int index, struct span text)
{
    int result =
        sqlite3_bind_text64(statement, index, text.size == 0 ? "" : (const char *)text.data,
                            text.size, SQLITE_STATIC, SQLITE_UTF8);

    ASSERT(result == SQLITE_OK); /* the index is ours, nothing is allocated */
}

void sqlite_db_bind_int(sqlite3_stmt *statement, int index, int64_t value)
{
    int result = sqlite3_bind_int64(statement, index, value);

    ASSERT(result == SQLITE_OK);
}

void sqlite_db_bind_blob(sqlite3_stmt *statement, int index, struct span bytes)
{
    int result =
        sqlite3_bind_blob64(statement, index, bytes.size == 0 ? (const void *)"" : bytes.data,
                            bytes.size, SQLITE_STATIC);

    ASSERT(result == SQLITE_OK);
}

struct span sqlite_db_column(sqlite3_stmt *statement, int index)
{
    const void *data = sqlite3_column_blob(statement, index);

    return span_of(data, (size_t)sqlite3_column_bytes(statement, index));
}

/* Several processes may open a new file at once: SQLite answers the ones that lose the change of
 * mode with BUSY without waiting, because two of them could wait for each other. */
static int set_wal(sqlite3 *db, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = -1;

    for (int i = 0; i < WAL_TRIES_MAX && rc < 0; i++) {
        if (i > 0)
            sqlite3_sleep(WAL_PAUSE_MS);
        sqlite3_finalize(statement);
        statement = NULL;
        rc = sqlite_db_prepare(db, "PRAGMA journal_mode=WAL", &statement, err);
        if (rc == 0)
            rc = sqlite_db_step(statement, err);
        if (rc < 0 && err->kind != ERR_RETRY)
            break;
    }
    if (rc >= 0 && span_equal(sqlite_db_column(statement, 0), SPAN("wal")))
        rc = 0;
    else if (rc >= 0)
        rc = err_set(err, ERR_CONFIG, "this file system cannot hold a SQLite file in WAL mode");
    sqlite3_finalize(statement);
    return rc;
}

static int make_file(const char *file, struct err *err)
{
    char *folder = NULL;
    char *slash;
    int rc = 0;

    if (local_make_folder_of(file, err) < 0)
        return -1;
    folder = mem_text(file);
    slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[slash == folder ? 1 : 0] = 0;
    rc = local_refuse_network(slash == NULL ? "." : folder, err);
    if (rc == 0 && mknod(file, S_IFREG | 0640, 0) == 0)
        rc = local_sync_folder(slash == NULL ? "." : folder, err);
    else if (rc == 0 && errno != EEXIST)
        rc = err_errno(err, "create");
    free(folder);
    return rc;
}

int sqlite_db_open(const char *file, const char *setup, sqlite3 **out, struct err *err)
{
    sqlite3 *db = NULL;
    int result;
    int rc = -1;

    if (make_file(file, err) < 0)
        goto out;
    result = sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (result != SQLITE_OK) {
        sqlite_db_fail(db, result, err, "open");
        goto out;
    }
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    if ((setup != NULL && sqlite_db_exec(db, setup, err) < 0) || set_wal(db, err) < 0 ||
        sqlite_db_exec(db, "PRAGMA synchronous=FULL", err) < 0)
        goto out;
    rc = 0;
    *out = db;
    db = NULL;
out:
    sqlite3_close(db);
    return rc < 0 ? err_wrap(err, "%s", file) : 0;
}
