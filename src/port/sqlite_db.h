// SPDX-License-Identifier: Apache-2.0
/* sqlite_db.h: SQLite as the adapters use it: a durable file in WAL mode, errors as err.h has them.
 * A connection is one thread's at a time; its owner brings the mutex. */
#ifndef K2_PORT_SQLITE_DB_H
#define K2_PORT_SQLITE_DB_H

#include "core/err.h"
#include "core/span.h"

#include <sqlite3.h>

/* Opens `file`, made when missing with mode 0640 and its folder: WAL, synchronous=FULL,
 * busy_timeout 30 s; a network file system is refused (CONFIG).  `setup`, SQL or NULL, runs before
 * WAL mode writes the first page. */
CHECK_RESULT int sqlite_db_open(const char *file, const char *setup, sqlite3 **out,
                                struct err *err);
/* Fills *err by SQLite's result: BUSY and I/O are RETRY, FULL is FULL, a broken file CORRUPT, one
 * that cannot be opened or written CONFIG; always -1. */
int sqlite_db_fail(sqlite3 *db, int result, struct err *err, const char *format, ...)
    PRINTF_LIKE(4, 5);
CHECK_RESULT int sqlite_db_exec(sqlite3 *db, const char *sql, struct err *err);
CHECK_RESULT int sqlite_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out,
                                   struct err *err);
enum { SQLITE_DB_ROW = 1 };
/* 0 when the statement is done, SQLITE_DB_ROW when it stands on a row. */
CHECK_RESULT int sqlite_db_step(sqlite3_stmt *statement, struct err *err);
/* Steps a statement that gives no rows, and resets it. */
CHECK_RESULT int sqlite_db_run(sqlite3_stmt *statement, struct err *err);
/* Ends a transaction that is open without its effect; nothing to do when none is. */
void sqlite_db_rollback(sqlite3 *db);

/* Bytes must live until the statement is reset. */
void sqlite_db_bind_text(sqlite3_stmt *statement, int index, struct span text);
void sqlite_db_bind_int(sqlite3_stmt *statement, int index, int64_t value);
void sqlite_db_bind_blob(sqlite3_stmt *statement, int index, struct span bytes);
/* Borrowed until the next step. */
struct span sqlite_db_column(sqlite3_stmt *statement, int index);

#endif
