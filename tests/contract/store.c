// SPDX-License-Identifier: Apache-2.0
/* Contract of port/store.h; over S3 too when K2_S3_ENDPOINT names a server (bucket K2_S3_BUCKET,
 * keys from the environment; K2_S3_VIRTUAL_HOST: the bucket stands in the host's name); for
 * store_local also the order of its system calls, which are watched and made to fail by definitions
 * of the same names here. */
#include "port/store.h"
#include "port/s3_credentials.h"
#include "port/store_s3.h"
#include "lib/folder.h"
#include "lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the system calls below did and shall do. */
static struct {
    bool watched;
    char calls[4096]; /* "write sync link sync-folder " */
    int write_fails;  /* errno of the next write; 0: none */
    int short_writes; /* so many writes take one byte only */
    bool no_tmpfile;
    long magic; /* what statfs says instead of the truth; 0: the truth */
} fault;

static void note(const char *call)
{
    if (fault.watched)
        strncat(fault.calls, call, sizeof(fault.calls) - strlen(fault.calls) - 1);
}

int fsync(int fd)
{
    struct stat status;

    assert_int_equal(fstat(fd, &status), 0);
    note(S_ISDIR(status.st_mode) ? "sync-folder " : "sync ");
    return (int)syscall(SYS_fsync, fd);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    note("link ");
    return (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
}

int mkdir(const char *path, mode_t mode)
{
    int rc = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);

    if (rc == 0)
        note("mkdir ");
    return rc;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    if (!fault.watched)
        return syscall(SYS_write, fd, bytes, size);
    note("write ");
    if (fault.write_fails != 0) {
        errno = fault.write_fails;
        fault.write_fails = 0;
        return -1;
    }
    if (fault.short_writes > 0 && size > 1) {
        fault.short_writes--;
        size = 1;
    }
    return syscall(SYS_write, fd, bytes, size);
}

int openat(int folder, const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (fault.no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

int statfs(const char *path, struct statfs *status)
{
    int rc = (int)syscall(SYS_statfs, path, status);

    if (fault.magic != 0)
        status->f_type = fault.magic;
    return rc;
}

struct adapter {
    const char *name;
    struct store *(*open)(const char *folder);
    bool no_tmpfile;
};

struct fixture {
    char *folder;
    struct store *store;
    struct buf uri;
};

static struct store *open_mem(const char *folder)
{
    (void)folder;
    return store_mem_open();
}

static struct store *open_local(const char *folder)
{
    struct store *store = NULL;
    struct err err = { 0 };
    char *path = folder_path(folder, "deep/warehouse");

    if (store_local_open(path, &store, &err) < 0)
        fail_msg("%s", err.text);
    free(path);
    return store;
}

/* Each world has a prefix of its own: nothing of an earlier run is seen.  Small parts and pages, so
 * that uploads and listings take several. */
static struct store *open_s3(const char *folder)
{
    static struct s3_keys *keys;
    static struct clock *clock;
    const char *bucket = getenv("K2_S3_BUCKET");
    struct store_s3_options options = { .endpoint = getenv("K2_S3_ENDPOINT"),
                                        .region = "us-east-1",
                                        .bucket = bucket != NULL ? bucket : "lakehouse",
                                        .path_style = getenv("K2_S3_VIRTUAL_HOST") == NULL,
                                        .part_bytes = 5 << 20,
                                        .list_max = 3 };
    struct store *store = NULL;
    struct err err = { 0 };
    char prefix[64];

    (void)folder;
    if (keys == NULL) {
        keys = s3_keys_new(NULL, NULL, NULL, NULL);
        clock = clock_system_open();
    }
    snprintf(prefix, sizeof(prefix), "contract/%016llx", (unsigned long long)clock_random(clock));
    options.prefix = prefix;
    options.credentials = s3_keys_credentials(keys);
    if (store_s3_open(&options, &http_opener_curl, clock, &store, &err) < 0 ||
        store_s3_check(store, &err) < 0)
        fail_msg("%s", err.text);
    return store;
}

static int setup(void **state)
{
    const struct adapter *adapter = *state;
    struct fixture *fixture = mem_zero(1, sizeof(*fixture));

    memset(&fault, 0, sizeof(fault));
    fault.no_tmpfile = adapter->no_tmpfile;
    fixture->folder = folder_new();
    fixture->store = adapter->open(fixture->folder);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    memset(&fault, 0, sizeof(fault));
    store_close(fixture->store);
    buf_deinit(&fixture->uri);
    folder_free(fixture->folder);
    free(fixture);
    return 0;
}

/* root/name, until the next call. */
static const char *uri_of(struct fixture *f, const char *name)
{
    buf_clear(&f->uri);
    buf_printf(&f->uri, "%s/%s", f->store->root, name);
    return buf_text(&f->uri);
}

static int put(struct fixture *f, const char *name, const char *text, struct err *err)
{
    struct span part = span_text(text);

    return store_put_new(f->store, uri_of(f, name), &part, 1, err);
}

static void assert_object(struct fixture *f, const char *name, const char *text)
{
    struct buf out = BUF_INIT;
    struct err err;

    assert_ok(store_get_all(f->store, uri_of(f, name), &out, &err));
    assert_int_equal(out.size, strlen(text));
    assert_string_equal(buf_text(&out), text);
    buf_deinit(&out);
}

static void assert_absent(struct fixture *f, const char *name)
{
    struct buf out = BUF_INIT;
    uint64_t size = 77;
    struct err err = { 0 };

    assert_int_equal(store_size(f->store, uri_of(f, name), &size, &err), STORE_ABSENT);
    assert_int_equal(size, 77);
    assert_int_equal(store_get(f->store, uri_of(f, name), 0, 0, &out, &err), STORE_ABSENT);
    assert_int_equal(store_get_all(f->store, uri_of(f, name), &out, &err), STORE_ABSENT);
    assert_int_equal(out.size, 0);
    buf_deinit(&out);
}

static void absent_objects_are_a_condition(void **state)
{
    struct fixture *f = *state;
    struct err err;

    assert_absent(f, "a");
    assert_ok(put(f, "a", "1", &err));
    assert_absent(f, "b");
    assert_absent(f, "a/b");
    assert_absent(f, "c/d/e");
    assert_ok(store_remove(f->store, uri_of(f, "b"), &err));
    assert_ok(store_remove(f->store, uri_of(f, "a/b"), &err));
}

static void a_folder_is_no_object(void **state)
{
    struct fixture *f = *state;
    struct err err;

    assert_ok(put(f, "a/b/c", "1", &err));
    assert_absent(f, "a");
    assert_absent(f, "a/b");
}

static void the_parts_come_back_in_one(void **state)
{
    const struct span parts[] = { SPAN("one "), { NULL, 0 }, SPAN("two "), SPAN("three") };
    struct fixture *f = *state;
    uint64_t size = 0;
    struct err err;

    assert_ok(store_put_new(f->store, uri_of(f, "x/y=1/z%20 .bin"), parts, ARRAY_LEN(parts), &err));
    assert_object(f, "x/y=1/z%20 .bin", "one two three");
    assert_ok(store_size(f->store, uri_of(f, "x/y=1/z%20 .bin"), &size, &err));
    assert_int_equal(size, 13);
}

static void put_new_never_replaces(void **state)
{
    struct fixture *f = *state;
    struct err err = { 0 };

    assert_ok(put(f, "a", "first", &err));
    assert_int_equal(put(f, "a", "second", &err), STORE_EXISTS);
    assert_object(f, "a", "first");
    assert_ok(store_remove(f->store, uri_of(f, "a"), &err));
    assert_ok(put(f, "a", "third", &err));
    assert_object(f, "a", "third");
}

static int note_uri(void *context, const char *uri, uint64_t size, int64_t modified_us,
                    struct err *err)
{
    (void)size;
    (void)modified_us;
    (void)err;
    buf_printf(context, "%s;", uri);
    return 0;
}

static void a_name_may_hold_any_character(void **state)
{
    static const char *const names[] = {
        "a b+c%20d=e&f",
        "!$'()*,;:@~^`{}|[]\\<>\"",
        "\xc3\xa9\xe2\x82\xac/\xf0\x9f\x98\x80",
        "x?y#z",
        "date=2026-11-22/hour=7/.hidden..x",
    };
    struct fixture *f = *state;
    struct buf found = BUF_INIT;
    const struct store_visitor visitor = { note_uri, &found };
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_ok(put(f, names[i], "text", &err));
        assert_object(f, names[i], "text");
        buf_clear(&found);
        assert_ok(store_list(f->store, uri_of(f, names[i]), &visitor, &err));
        assert_int_equal(found.data[--found.size], ';');
        assert_string_equal(buf_text(&found), uri_of(f, names[i]));
        assert_ok(store_remove(f->store, uri_of(f, names[i]), &err));
        assert_absent(f, names[i]);
    }
    buf_deinit(&found);
}

static void an_empty_object_is_there(void **state)
{
    struct fixture *f = *state;
    struct err err = { 0 };

    assert_ok(store_put_new(f->store, uri_of(f, "none"), NULL, 0, &err));
    assert_object(f, "none", "");
    assert_int_equal(put(f, "none", "x", &err), STORE_EXISTS);
}

static void put_new_refuses_what_is_not_under_the_root(void **state)
{
    static const char *const names[] = {
        "s3://bucket/a", "mem://other/a",   "file:///a",         "/a", "a",
        "file://host/a", "mem://warehouse", "mem://warehouse2/a"
    };
    const struct span part = SPAN("x");
    struct fixture *f = *state;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_err(store_put_new(f->store, names[i], &part, 1, &err), ERR_CONFIG);
}

static void get_reads_a_range_and_appends_it(void **state)
{
    struct fixture *f = *state;
    struct buf out = BUF_INIT;
    struct err err;

    assert_ok(put(f, "a", "0123456789", &err));
    assert_ok(store_get(f->store, uri_of(f, "a"), 3, 4, &out, &err));
    assert_ok(store_get(f->store, uri_of(f, "a"), 10, 0, &out, &err));
    assert_ok(store_get(f->store, uri_of(f, "a"), 9, 1, &out, &err));
    assert_string_equal(buf_text(&out), "34569");
    buf_deinit(&out);
}

static void get_past_the_end_is_corrupt_and_appends_nothing(void **state)
{
    static const struct {
        uint64_t offset;
        size_t size;
    } ranges[] = { { 0, 11 },         { 10, 1 },       { 11, 0 },
                   { UINT64_MAX, 1 }, { 1, SIZE_MAX }, { 0, SIZE_MAX } };
    struct fixture *f = *state;
    struct buf out = BUF_INIT;
    struct err err;

    assert_ok(put(f, "a", "0123456789", &err));
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        assert_err(
            store_get(f->store, uri_of(f, "a"), ranges[i].offset, ranges[i].size, &out, &err),
            ERR_CORRUPT);
        assert_int_equal(out.size, 0);
    }
    buf_deinit(&out);
}

static void a_large_object_survives_the_way(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_INIT, out = BUF_INIT;
    struct span part;
    struct err err;

    for (uint32_t i = 0; i < 1500000; i++)
        buf_put(&in, &i, sizeof(i));
    part = buf_span(&in);
    assert_ok(store_put_new(f->store, uri_of(f, "large"), &part, 1, &err));
    assert_ok(store_get_all(f->store, uri_of(f, "large"), &out, &err));
    assert_true(span_equal(part, buf_span(&out)));
    buf_deinit(&in);
    buf_deinit(&out);
}

/* Collects "name:size " of what a listing finds, sorted by the caller's choice of names. */
struct found {
    struct fixture *f;
    struct buf text;
    int count, stop_at;
    bool removes;
};

static int visit(void *context, const char *uri, uint64_t size, int64_t modified_us,
                 struct err *err)
{
    struct found *found = context;
    const char *root = found->f->store->root;

    assert_int_equal(strncmp(uri, root, strlen(root)), 0);
    assert_true(modified_us >= 0);
    buf_printf(&found->text, "%s:%d ", uri + strlen(root) + 1, (int)size);
    if (++found->count == found->stop_at)
        return err_set(err, ERR_REFUSED, "stopped");
    return found->removes ? store_remove(found->f->store, uri, err) : 0;
}

static int list(struct found *found, const char *prefix, struct err *err)
{
    const struct store_visitor visitor = { visit, found };

    buf_clear(&found->text);
    found->count = 0;
    return store_list(found->f->store, uri_of(found->f, prefix), &visitor, err);
}

static void put_some(struct fixture *f)
{
    static const char *const names[] = { "t/data/a", "t/data/ab", "t/data/b/c", "t/database", "u" };
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_ok(put(f, names[i], names[i], &err));
}

static void list_finds_all_with_the_prefix(void **state)
{
    static const struct {
        const char *prefix;
        int count;
        const char *one; /* must be among them */
    } cases[] = { { "", 5, "u:1 " },
                  { "t/data/", 3, "t/data/b/c:10 " },
                  { "t/data", 4, "t/database:10 " },
                  { "t/data/a", 2, "t/data/ab:9 " },
                  { "t/data/ab", 1, "t/data/ab:9 " },
                  { "t/data/b/", 1, "t/data/b/c:10 " },
                  { "t/x", 0, "" },
                  { "x/y/", 0, "" },
                  { "u/", 0, "" } };
    struct found found = { .f = *state };
    struct err err;

    put_some(*state);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_ok(list(&found, cases[i].prefix, &err));
        assert_int_equal(found.count, cases[i].count);
        assert_non_null(strstr(buf_text(&found.text), cases[i].one));
    }
    buf_deinit(&found.text);
}

static void list_stops_when_the_visitor_fails(void **state)
{
    struct found found = { .f = *state, .stop_at = 2 };
    struct err err;

    put_some(*state);
    assert_err(list(&found, "", &err), ERR_REFUSED);
    assert_int_equal(found.count, 2);
    buf_deinit(&found.text);
}

static void a_visitor_may_remove_what_it_visits(void **state)
{
    struct found found = { .f = *state, .removes = true };
    struct err err;

    put_some(*state);
    assert_ok(list(&found, "t/", &err));
    assert_int_equal(found.count, 4);
    assert_ok(list(&found, "", &err));
    assert_string_equal(buf_text(&found.text), "u:1 ");
    buf_deinit(&found.text);
}

static void local_syncs_the_bytes_before_the_name_and_then_the_folder(void **state)
{
    struct fixture *f = *state;
    struct err err = { 0 };

    fault.watched = true;
    assert_ok(put(f, "a", "1", &err));
    assert_string_equal(fault.calls, "write sync link sync-folder ");
    fault.calls[0] = 0;
    assert_int_equal(put(f, "a", "1", &err), STORE_EXISTS);
    assert_string_equal(fault.calls, "write sync link sync-folder ");
    fault.watched = false;
}

static void local_makes_folders_durably(void **state)
{
    struct fixture *f = *state;
    struct err err;

    fault.watched = true;
    assert_ok(put(f, "x/y/a", "1", &err));
    assert_string_equal(fault.calls, "mkdir sync-folder mkdir sync-folder "
                                     "write sync link sync-folder ");
    fault.watched = false;
}

static void local_leaves_nothing_behind_on_a_full_disk(void **state)
{
    struct fixture *f = *state;
    struct found found = { .f = f };
    struct err err;

    fault.watched = true;
    fault.write_fails = ENOSPC;
    assert_err(put(f, "a", "1", &err), ERR_FULL);
    assert_non_null(strstr(err.text, "No space left"));
    fault.write_fails = EIO;
    assert_err(put(f, "a", "1", &err), ERR_RETRY);
    fault.watched = false;
    assert_absent(f, "a");
    assert_ok(list(&found, "", &err));
    assert_int_equal(found.count, 0);
    assert_ok(put(f, "a", "2", &err));
    assert_object(f, "a", "2");
    buf_deinit(&found.text);
}

static void local_goes_on_after_interrupted_and_short_writes(void **state)
{
    struct fixture *f = *state;
    struct err err;

    fault.watched = true;
    fault.write_fails = EINTR;
    fault.short_writes = 5;
    assert_ok(put(f, "a", "0123456789", &err));
    fault.watched = false;
    assert_object(f, "a", "0123456789");
}

static void local_refuses_network_file_systems(void **state)
{
    static const long magics[] = { NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC, (long)0xfe534d42,
                                   (long)0xff534d42, V9FS_MAGIC,      CEPH_SUPER_MAGIC };
    struct fixture *f = *state;
    struct store *store = NULL;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
        fault.magic = magics[i];
        assert_err(store_local_open(f->folder, &store, &err), ERR_CONFIG);
        assert_null(store);
    }
    fault.magic = FUSE_SUPER_MAGIC;
    assert_ok(store_local_open(f->folder, &store, &err));
    store_close(store);
}

static void local_reads_bare_paths_and_short_file_uris(void **state)
{
    static const char *const forms[] = { "", "file:", "file://" };
    struct fixture *f = *state;
    struct buf uri = BUF_INIT, out = BUF_INIT;
    struct err err;

    assert_ok(put(f, "a", "1", &err));
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        buf_clear(&uri);
        buf_printf(&uri, "%s%s/a", forms[i], f->store->root + strlen("file://"));
        assert_ok(store_get_all(f->store, buf_text(&uri), &out, &err));
    }
    assert_string_equal(buf_text(&out), "111");
    assert_err(store_get_all(f->store, "s3://b/a", &out, &err), ERR_CONFIG);
    assert_err(store_get_all(f->store, "file://host/a", &out, &err), ERR_CONFIG);
    buf_deinit(&uri);
    buf_deinit(&out);
}

static void local_refuses_to_write_out_of_its_root(void **state)
{
    static const char *const names[] = { "../a", "x/../../a", "x/", "" };
    struct fixture *f = *state;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_err(put(f, names[i], "1", &err), ERR_CONFIG);
}

static void local_takes_a_relative_folder_and_gives_an_absolute_root(void **state)
{
    struct fixture *f = *state;
    struct store *store = NULL;
    struct err err;

    assert_int_equal(chdir(f->folder), 0);
    assert_ok(store_local_open("./rel/wh/", &store, &err));
    assert_int_equal(strncmp(store->root, "file:///", 8), 0);
    assert_string_equal(store->root + strlen(store->root) - 7, "/rel/wh");
    store_close(store);
    assert_int_equal(chdir("/"), 0);
}

static void put_without_end(struct fixture *f, int report)
{
    for (uint32_t i = 0;; i++) {
        char name[32], text[64];
        struct err err = { 0 };

        snprintf(name, sizeof(name), "k/%u/%u", i % 7, i);
        snprintf(text, sizeof(text), "object %u of some length", i);
        if (put(f, name, text, &err) != 0 || write(report, &i, sizeof(i)) != sizeof(i))
            _exit(1);
    }
}

static int check_whole(void *context, const char *uri, uint64_t size, int64_t modified_us,
                       struct err *err)
{
    char text[64];
    int number = atoi(strrchr(uri, '/') + 1);

    (void)modified_us;
    (void)err;
    snprintf(text, sizeof(text), "object %d of some length", number);
    assert_int_equal(size, strlen(text));
    ++*(uint32_t *)context;
    return 0;
}

static void local_has_every_object_whole_after_a_kill(void **state)
{
    struct fixture *f = *state;
    uint32_t last = 0, found = 0;
    const struct store_visitor visitor = { check_whole, &found };
    struct err err;
    int ends[2];
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0)
        put_without_end(f, ends[1]);
    close(ends[1]);
    while (last < 60)
        assert_int_equal(read(ends[0], &last, sizeof(last)), sizeof(last));
    kill(child, SIGKILL);
    while (read(ends[0], &last, sizeof(last)) == sizeof(last))
        ;
    close(ends[0]);
    waitpid(child, NULL, 0);
    assert_ok(store_list(f->store, uri_of(f, ""), &visitor, &err));
    assert_true(found == last + 1 || found == last + 2);
}

#define TEST(function, adapter)                                                                    \
    cmocka_unit_test_prestate_setup_teardown(function, setup, teardown, adapter)

static int run_contract(struct adapter *adapter)
{
    const struct CMUnitTest tests[] = {
        TEST(absent_objects_are_a_condition, adapter),
        TEST(a_folder_is_no_object, adapter),
        TEST(the_parts_come_back_in_one, adapter),
        TEST(put_new_never_replaces, adapter),
        TEST(a_name_may_hold_any_character, adapter),
        TEST(an_empty_object_is_there, adapter),
        TEST(put_new_refuses_what_is_not_under_the_root, adapter),
        TEST(get_reads_a_range_and_appends_it, adapter),
        TEST(get_past_the_end_is_corrupt_and_appends_nothing, adapter),
        TEST(a_large_object_survives_the_way, adapter),
        TEST(list_finds_all_with_the_prefix, adapter),
        TEST(list_stops_when_the_visitor_fails, adapter),
        TEST(a_visitor_may_remove_what_it_visits, adapter),
    };

    return cmocka_run_group_tests_name(adapter->name, tests, NULL, NULL);
}

static int run_local(struct adapter *adapter)
{
    const struct CMUnitTest tests[] = {
        TEST(local_syncs_the_bytes_before_the_name_and_then_the_folder, adapter),
        TEST(local_makes_folders_durably, adapter),
        TEST(local_leaves_nothing_behind_on_a_full_disk, adapter),
        TEST(local_goes_on_after_interrupted_and_short_writes, adapter),
        TEST(local_refuses_network_file_systems, adapter),
        TEST(local_reads_bare_paths_and_short_file_uris, adapter),
        TEST(local_refuses_to_write_out_of_its_root, adapter),
        TEST(local_takes_a_relative_folder_and_gives_an_absolute_root, adapter),
        TEST(local_has_every_object_whole_after_a_kill, adapter),
    };

    return cmocka_run_group_tests_name(adapter->name, tests, NULL, NULL);
}

int main(void)
{
    struct adapter adapters[] = { { "mem", open_mem, false },
                                  { "local", open_local, false },
                                  { "local without O_TMPFILE", open_local, true } };
    struct adapter s3 = { "s3", open_s3, false };
    int failed = 0;

    for (size_t i = 0; i < ARRAY_LEN(adapters); i++)
        failed += run_contract(&adapters[i]);
    for (size_t i = 1; i < ARRAY_LEN(adapters); i++)
        failed += run_local(&adapters[i]);
    if (getenv("K2_S3_ENDPOINT") != NULL)
        failed += run_contract(&s3);
    return failed;
}
