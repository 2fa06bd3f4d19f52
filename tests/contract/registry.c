// SPDX-License-Identifier: Apache-2.0
/* Contract of port/registry.h; over HTTP too when K2_REGISTRY_URL names a registry. */
#include "port/registry.h"
#include "port/registry_http.h"
#include "lib/folder.h"
#include "lib/test.h"

#include <sys/wait.h>
#include <unistd.h>

struct adapter {
    const char *name;
    struct registry *(*open)(const char *folder);
};

struct fixture {
    char *folder;
    struct registry *registry;
    const struct adapter *adapter;
};

static struct registry *open_mem(const char *folder)
{
    (void)folder;
    return registry_mem_open();
}

static struct registry *open_sqlite(const char *folder)
{
    struct registry *registry = NULL;
    struct err err = { 0 };
    char *file = folder_path(folder, "sub/k2.db");

    if (registry_sqlite_open(file, NULL, &registry, &err) < 0)
        fail_msg("%s", err.text);
    free(file);
    return registry;
}

static struct registry *open_http(const char *folder)
{
    static struct clock *clock;
    const struct registry_http_options options = { .url = getenv("K2_REGISTRY_URL") };
    struct registry *registry = NULL;
    struct err err = { 0 };

    (void)folder;
    if (clock == NULL)
        clock = clock_system_open();
    if (registry_http_open(&options, &http_opener_curl, clock, &registry, &err) < 0 ||
        registry_http_check(registry, &err) < 0)
        fail_msg("%s", err.text);
    return registry;
}

static int setup(void **state)
{
    struct fixture *fixture = mem_zero(1, sizeof(*fixture));

    fixture->adapter = *state;
    fixture->folder = folder_new();
    fixture->registry = fixture->adapter->open(fixture->folder);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    registry_close(fixture->registry);
    folder_free(fixture->folder);
    free(fixture);
    return 0;
}

static void an_unknown_id_is_absent_and_leaves_the_buffer(void **state)
{
    struct fixture *f = *state;
    struct buf schema = BUF_INIT;
    struct err err = { 0 };

    buf_put_text(&schema, "x");
    for (int32_t id = -1; id <= 1; id++)
        assert_int_equal(registry_get(f->registry, id, &schema, &err), REGISTRY_ABSENT);
    assert_int_equal(registry_get(f->registry, INT32_MAX, &schema, &err), REGISTRY_ABSENT);
    assert_int_equal(schema.size, 1);
    buf_deinit(&schema);
}

static void a_schema_comes_back_under_its_id(void **state)
{
    struct fixture *f = *state;
    struct buf schema = BUF_INIT;
    struct err err;
    int32_t a = 0, b = 0;

    assert_ok(registry_put(f->registry, "t-value", SPAN("\"int\""), &a, &err));
    assert_ok(registry_put(f->registry, "t-value", SPAN("\"long\""), &b, &err));
    assert_true(a > 0 && b > 0 && a != b);
    assert_ok(registry_get(f->registry, a, &schema, &err));
    assert_ok(registry_get(f->registry, b, &schema, &err));
    assert_string_equal(buf_text(&schema), "\"int\"\"long\"");
    buf_deinit(&schema);
}

static void the_same_text_has_the_same_id_under_any_subject(void **state)
{
    static const char *const subjects[] = { "t-value", "t-value", "u-value", "t-value", "u-value" };
    struct fixture *f = *state;
    struct err err;
    int32_t first = 0;

    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        int32_t id = 0;

        assert_ok(registry_put(f->registry, subjects[i], SPAN("\"int\""), &id, &err));
        first = i == 0 ? id : first;
        assert_int_equal(id, first);
    }
}

static void put_until(struct registry *registry, int count)
{
    struct err err;

    for (int i = 0; i < count; i++) {
        char text[32];
        int32_t id = 0;

        snprintf(text, sizeof(text), "{\"type\":\"t%d\"}", i);
        assert_ok(registry_put(registry, "s", span_text(text), &id, &err));
        assert_true(id > 0);
    }
}

static void sqlite_keeps_ids_over_a_reopen(void **state)
{
    struct fixture *f = *state;
    struct buf schema = BUF_INIT;
    struct err err;
    int32_t a = 0, b = 0;

    assert_ok(registry_put(f->registry, "s", SPAN("\"int\""), &a, &err));
    registry_close(f->registry);
    f->registry = open_sqlite(f->folder);
    assert_ok(registry_put(f->registry, "s", SPAN("\"int\""), &b, &err));
    assert_int_equal(a, b);
    assert_ok(registry_get(f->registry, a, &schema, &err));
    assert_string_equal(buf_text(&schema), "\"int\"");
    buf_deinit(&schema);
}

static void sqlite_gives_two_processes_the_same_ids(void **state)
{
    enum { SCHEMAS = 50 };
    struct fixture *f = *state;
    struct buf schema = BUF_INIT;
    struct err err = { 0 };
    int status = 0;
    pid_t child;

    registry_close(f->registry);
    f->registry = NULL;
    child = fork();
    if (child == 0) {
        struct registry *registry = open_sqlite(f->folder);

        put_until(registry, SCHEMAS);
        registry_close(registry);
        _exit(0);
    }
    f->registry = open_sqlite(f->folder);
    put_until(f->registry, SCHEMAS);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (int32_t id = 1; id <= SCHEMAS; id++)
        assert_ok(registry_get(f->registry, id, &schema, &err));
    assert_int_equal(registry_get(f->registry, SCHEMAS + 1, &schema, &err), REGISTRY_ABSENT);
    buf_deinit(&schema);
}

static int put_text(void *context, const struct registry_version *version)
{
    buf_printf(context, "%s %d %d %.*s\n", version->subject, (int)version->version,
               (int)version->id, SPAN_ARGS(version->schema));
    return version->version == 3 ? 7 : 0;
}

static void sqlite_lists_versions_in_order(void **state)
{
    static const char *const puts[][2] = { { "b", "1" }, { "a", "2" }, { "b", "2" }, { "b", "1" } };
    struct fixture *f = *state;
    struct buf text = BUF_INIT;
    struct err err = { 0 };
    int32_t id = 0;

    assert_ok(registry_list(f->registry, NULL, put_text, &text, &err));
    assert_int_equal(text.size, 0);
    for (size_t i = 0; i < ARRAY_LEN(puts); i++)
        assert_ok(registry_put(f->registry, puts[i][0], span_text(puts[i][1]), &id, &err));
    assert_ok(registry_list(f->registry, NULL, put_text, &text, &err));
    assert_string_equal(buf_text(&text), "a 1 2 2\nb 1 1 1\nb 2 2 2\n");
    buf_clear(&text);
    assert_ok(registry_list(f->registry, "c", put_text, &text, &err));
    assert_ok(registry_put(f->registry, "b", SPAN("3"), &id, &err));
    assert_ok(registry_put(f->registry, "b", SPAN("4"), &id, &err));
    assert_int_equal(registry_list(f->registry, "b", put_text, &text, &err), 7);
    assert_string_equal(buf_text(&text), "b 1 1 1\nb 2 2 2\nb 3 3 3\n");
    buf_deinit(&text);
}

/* Schemas are numbers here, and only the next one may follow. */
static int is_next(struct span last, struct span next, struct err *err)
{
    return last.data[0] + 1 == next.data[0] ? 0 : err_set(err, ERR_REFUSED, "not the next");
}

static void sqlite_refuses_what_may_not_follow(void **state)
{
    static const struct {
        const char *subject, *schema;
        int rc;
    } puts[] = { { "a", "2", 0 }, { "a", "4", -1 }, { "a", "3", 0 }, { "a", "2", 0 },
                 { "a", "4", 0 }, { "b", "4", 0 },  { "b", "2", -1 } };
    struct fixture *f = *state;
    struct buf text = BUF_INIT;
    struct err err = { 0 };
    char *file = folder_path(f->folder, "ruled.db");
    int32_t id = 0;

    registry_close(f->registry);
    f->registry = NULL;
    assert_ok(registry_sqlite_open(file, is_next, &f->registry, &err));
    for (size_t i = 0; i < ARRAY_LEN(puts); i++)
        assert_int_equal(
            registry_put(f->registry, puts[i].subject, span_text(puts[i].schema), &id, &err),
            puts[i].rc);
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_ok(registry_list(f->registry, "b", put_text, &text, &err));
    assert_string_equal(buf_text(&text), "b 1 3 4\n");
    buf_deinit(&text);
    free(file);
}

#define TEST(function, adapter)                                                                    \
    cmocka_unit_test_prestate_setup_teardown(function, setup, teardown, adapter)

int main(void)
{
    struct adapter adapters[] = { { "mem", open_mem },
                                  { "sqlite", open_sqlite },
                                  { "http", open_http } };
    size_t count = ARRAY_LEN(adapters) - (getenv("K2_REGISTRY_URL") == NULL);
    const struct CMUnitTest own[] = {
        TEST(sqlite_keeps_ids_over_a_reopen, &adapters[1]),
        TEST(sqlite_gives_two_processes_the_same_ids, &adapters[1]),
        TEST(sqlite_lists_versions_in_order, &adapters[1]),
        TEST(sqlite_refuses_what_may_not_follow, &adapters[1]),
    };
    int failed = 0;

    for (size_t i = 0; i < count; i++) {
        const struct CMUnitTest tests[] = {
            TEST(an_unknown_id_is_absent_and_leaves_the_buffer, &adapters[i]),
            TEST(a_schema_comes_back_under_its_id, &adapters[i]),
            TEST(the_same_text_has_the_same_id_under_any_subject, &adapters[i]),
        };

        failed += cmocka_run_group_tests_name(adapters[i].name, tests, NULL, NULL);
    }
    return failed + cmocka_run_group_tests_name("sqlite alone", own, NULL, NULL);
}
