// SPDX-License-Identifier: Apache-2.0
/* registry_http.c over scripted answers.  The promises of registry.h are
 * tests/contract/registry.c's, over a real registry. */
#include "port/registry_http.h"

#include "lib/test.h"

#include <string.h>

struct fixture {
    struct http *http;
    struct clock *clock;
    struct registry *registry;
};

static int give_http(void *context, struct http **out, struct err *err)
{
    (void)err;
    *out = ((struct fixture *)context)->http;
    return 0;
}

static int setup(void **state)
{
    struct fixture *f = mem_zero(1, sizeof(*f));
    const struct http_opener opener = { give_http, f };
    const struct registry_http_options options = { .url = "http://r/apis/v7/",
                                                   .user = "Aladdin",
                                                   .password = "open sesame" };
    struct err err = { 0 };

    f->http = http_mem_open();
    f->clock = clock_mem_open(0, 1);
    *state = f;
    return registry_http_open(&options, &opener, f->clock, &f->registry, &err);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    registry_close(f->registry);
    clock_close(f->clock);
    free(f);
    return 0;
}

static void a_schema_is_put_under_a_subject_that_is_backward(void **state)
{
    struct fixture *f = *state;
    int32_t id = 0;
    struct err err = { 0 };

    http_mem_push(f->http, 200, SPAN("{\"compatibility\":\"BACKWARD\"}"));
    http_mem_push(f->http, 200, SPAN("{\"id\":7}"));
    assert_ok(registry_put(f->registry, "a.b/c-value", SPAN("{\"type\":\"string\"}"), &id, &err));
    assert_int_equal(id, 7);
    assert_string_equal(http_mem_url(f->http, 0), "http://r/apis/v7/config/a.b%2Fc-value");
    assert_string_equal(http_mem_method(f->http, 0), "PUT");
    assert_string_equal(http_mem_url(f->http, 1),
                        "http://r/apis/v7/subjects/a.b%2Fc-value/versions");
    assert_true(
        span_equal(http_mem_body(f->http, 1),
                   SPAN("{\"schemaType\":\"AVRO\",\"schema\":\"{\\\"type\\\":\\\"string\\\"}\"}")));
    /* RFC 7617's example. */
    assert_non_null(
        strstr(http_mem_header(f->http, 1), "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n"));
}

static void an_incompatible_or_broken_schema_is_refused_with_the_registry_s_words(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum err_kind kind;
        const char *says;
    } rows[] = {
        { 409, "{\"error_code\":409,\"message\":\"reader lacks \\\"x\\\"\"}", ERR_REFUSED,
          "reader lacks \"x\"" },
        { 422, "{\"error_code\":42201,\"message\":\"no Avro\"}", ERR_REFUSED, "no Avro" },
        { 401, "", ERR_RETRY, "registry.user" },
        { 404, "<html>", ERR_RETRY, "registry.url" },
        { 200, "{\"id\":\"x\"}", ERR_RETRY, "without an id" },
        { 200, "{\"id\":0}", ERR_RETRY, "without an id" },
        { 200, "{\"id\":2147483648}", ERR_RETRY, "without an id" },
        { 200, "[", ERR_RETRY, "without an id" },
    };
    struct fixture *f = *state;
    int32_t id = 0;
    struct err err = { 0 };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        http_mem_push(f->http, 200, SPAN("{}"));
        http_mem_push(f->http, rows[i].status, span_text(rows[i].body));
        assert_err(registry_put(f->registry, "s-value", SPAN("1"), &id, &err), rows[i].kind);
        assert_non_null(strstr(err.text, rows[i].says));
        assert_non_null(strstr(err.text, "s-value"));
    }
    assert_int_equal(id, 0);
}

static void a_known_schema_lives_through_an_outage(void **state)
{
    struct fixture *f = *state;
    struct buf schema = BUF_INIT;
    struct err err = { 0 };

    for (int id = 9; id > 0; id -= 4) {
        http_mem_push(f->http, 200, SPAN("{\"schema\":\"\\\"long\\\"\",\"schemaType\":\"AVRO\"}"));
        buf_clear(&schema);
        assert_ok(registry_get(f->registry, id, &schema, &err));
        assert_string_equal(buf_text(&schema), "\"long\"");
    }
    for (int id = 9; id > 0; id -= 4)
        assert_ok(registry_get(f->registry, id, &schema, &err));
    assert_null(http_mem_url(f->http, 3));
    assert_err(registry_get(f->registry, 2, &schema, &err), ERR_RETRY);
    assert_non_null(strstr(err.text, "no network"));
    buf_deinit(&schema);
}

static void an_unknown_id_is_absent_after_three_answers_that_say_so(void **state)
{
    static const char unknown[] = "{\"error_code\":40403,\"message\":\"Schema not found\"}";
    struct fixture *f = *state;
    struct buf schema = BUF_INIT;
    struct err err = { 0 };

    for (int i = 0; i < 3; i++)
        http_mem_push(f->http, 404, span_text(unknown));
    assert_int_equal(registry_get(f->registry, 5, &schema, &err), REGISTRY_ABSENT);
    assert_null(http_mem_url(f->http, 3));

    http_mem_push(f->http, 404, span_text(unknown));
    http_mem_push(f->http, 200, SPAN("{\"schema\":\"x\"}"));
    assert_ok(registry_get(f->registry, 5, &schema, &err));

    /* What is no registry's answer says nothing about the id. */
    http_mem_push(f->http, 404, SPAN("<html>not found</html>"));
    assert_err(registry_get(f->registry, 6, &schema, &err), ERR_RETRY);
    http_mem_push(f->http, 404, SPAN("{\"error_code\":404,\"message\":\"HTTP 404 Not Found\"}"));
    assert_err(registry_get(f->registry, 6, &schema, &err), ERR_RETRY);
    http_mem_push(f->http, 200, SPAN("{\"subject\":\"x\"}"));
    assert_err(registry_get(f->registry, 6, &schema, &err), ERR_RETRY);
    buf_deinit(&schema);
}

static void a_registry_that_stumbles_is_asked_again(void **state)
{
    struct fixture *f = *state;
    struct buf schema = BUF_INIT;
    struct err err = { 0 };

    http_mem_push(f->http, 503, SPAN(""));
    http_mem_push(f->http, 0, SPAN("reset"));
    http_mem_push(f->http, 200, SPAN("{\"schema\":\"x\"}"));
    assert_ok(registry_get(f->registry, 1, &schema, &err));
    for (int i = 0; i < 3; i++)
        http_mem_push(f->http, 500, SPAN(""));
    assert_err(registry_get(f->registry, 2, &schema, &err), ERR_RETRY);
    assert_non_null(strstr(err.text, "status 500"));
    buf_deinit(&schema);
}

static void the_check_names_what_is_wrong(void **state)
{
    static const struct {
        int status;
        const char *body, *says;
    } rows[] = {
        { 401, "{\"error_code\":40101,\"message\":\"who are you\"}", "who are you" },
        { 403, "", "registry.user" },
        { 404, "", "registry.url" },
        { 200, "<html>", "registry.url" },
    };
    struct fixture *f = *state;
    struct err err = { 0 };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        http_mem_push(f->http, rows[i].status, span_text(rows[i].body));
        assert_err(registry_http_check(f->registry, &err), ERR_CONFIG);
        assert_non_null(strstr(err.text, rows[i].says));
    }
    http_mem_push(f->http, 200, SPAN("[]"));
    assert_ok(registry_http_check(f->registry, &err));
    assert_err(registry_http_check(f->registry, &err), ERR_CONFIG);
}

static void options_that_cannot_be_are_refused(void **state)
{
    static const struct registry_http_options rows[] = {
        { .url = "r:8081" },
        { .url = "http://u@r" },
        { .url = "http://r?x" },
        { .url = "http://r", .user = "u", .token = "t" },
    };
    struct registry *registry;
    struct err err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_err(registry_http_open(&rows[i], &http_opener_curl, NULL, &registry, &err),
                   ERR_CONFIG);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_schema_is_put_under_a_subject_that_is_backward),
        TEST(an_incompatible_or_broken_schema_is_refused_with_the_registry_s_words),
        TEST(a_known_schema_lives_through_an_outage),
        TEST(an_unknown_id_is_absent_after_three_answers_that_say_so),
        TEST(a_registry_that_stumbles_is_asked_again),
        TEST(the_check_names_what_is_wrong),
        cmocka_unit_test(options_that_cannot_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
