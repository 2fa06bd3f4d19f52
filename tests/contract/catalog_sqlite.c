// SPDX-License-Identifier: Apache-2.0
/* catalog_sqlite alone: the rows that other readers see, processes and threads on one file, a
 * COMMIT whose outcome is not known. */
#include "catalog_fixture.h"

#include <errno.h>
#include <linux/magic.h>
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

static int heal(void **state)
{
    atomic_store(&sync_fails, false);
    atomic_store(&disk_full, false);
    atomic_store(&magic, 0);
    return teardown(state);
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
    assert_int_equal(status.st_mode & 0137, 0);
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

static void sqlite_loses_no_commit_of_two_threads(void **state)
{
    struct fixture *f = *state;

    catalog_close(f->catalog);
    clock_close(f->clock);
    f->clock = clock_system_open();
    open_file(f);
    no_commit_of_two_threads_is_lost(state);
}

#define SQLITE_TEST(function, adapter)                                                             \
    cmocka_unit_test_prestate_setup_teardown(function, setup, heal, adapter)

int main(void)
{
    struct adapter sqlite = { "sqlite", open_sqlite };
    struct adapter java = { "sqlite, Java's file", open_sqlite_of_java };
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(sqlite_rows_are_those_of_java_and_pyiceberg, &sqlite),
        SQLITE_TEST(sqlite_leaves_views_and_other_catalogs_alone, &sqlite),
        SQLITE_TEST(sqlite_follows_what_others_commit, &sqlite),
        SQLITE_TEST(sqlite_does_not_know_what_a_failed_commit_did, &sqlite),
        SQLITE_TEST(sqlite_without_room_certainly_did_nothing, &sqlite),
        SQLITE_TEST(sqlite_refuses_network_file_systems, &sqlite),
        SQLITE_TEST(sqlite_loses_no_commit_of_two_threads, &sqlite),
        SQLITE_TEST(sqlite_loses_no_commit_of_two_processes, &sqlite),
        SQLITE_TEST(sqlite_loses_no_commit_of_two_processes, &java),
    };

    return cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
}
