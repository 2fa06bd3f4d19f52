// SPDX-License-Identifier: Apache-2.0
/* catalog_rest.c over scripted answers: what each answer to a commit means, what is sent again, who
 * we are, credentials.  Against a real server the whole pipeline is run (tests/services). */
#include "port/catalog_rest.h"

#include "lib/test.h"

#include <string.h>

#define ERROR_BODY(type) "{\"error\":{\"message\":\"words\",\"type\":\"" type "\",\"code\":400}}"
#define TABLE            "http://c/api/v1/p%20x%7Cy/z/namespaces/space/tables/t"

struct fixture {
    struct http *http;
    struct clock *clock;
    struct catalog *catalog;
    struct catalog_table table;
    size_t sent; /* requests checked so far */
};

static int give_http(void *context, struct http **out, struct err *err)
{
    (void)err;
    *out = ((struct fixture *)context)->http;
    return 0;
}

static const struct catalog_rest_options plain = { .uri = "http://c/api/", .warehouse = "w h" };

static void open_with(struct fixture *f, const struct catalog_rest_options *options)
{
    const struct http_opener opener = { give_http, f };
    struct err err = { 0 };

    f->http = http_mem_open();
    f->clock = clock_mem_open(INT64_C(1700000000000000), 1);
    assert_ok(catalog_rest_open(options, &opener, f->clock, &f->catalog, &err));
}

static void push(struct fixture *f, int status, const char *body)
{
    http_mem_push(f->http, status, span_text(body));
}

static void push_config(struct fixture *f, const char *more)
{
    struct buf body = BUF_INIT;

    buf_printf(&body,
               "{\"defaults\":{\"prefix\":\"no\"},\"overrides\":{\"prefix\":\"p x%%7Cy/z\"}%s}",
               more);
    http_mem_push(f->http, 200, buf_span(&body));
    buf_deinit(&body);
    f->sent++;
}

static int setup(void **state)
{
    struct fixture *f = mem_zero(1, sizeof(*f));

    open_with(f, &plain);
    *state = f;
    return 0;
}

static int setup_bare(void **state)
{
    *state = mem_zero(1, sizeof(struct fixture));
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    catalog_table_deinit(&f->table);
    catalog_close(f->catalog);
    clock_close(f->clock);
    free(f);
    return 0;
}

static int commit(struct fixture *f, struct err *err)
{
    const struct catalog_commit change = { .base_location = "s3://b/m1",
                                           .table_location = "s3://b/t",
                                           .requirements = SPAN("[{\"type\":\"r\"}]"),
                                           .updates = SPAN("[{\"action\":\"u\"}]") };

    return catalog_commit(f->catalog, "space", "t", &change, err);
}

static int load(struct fixture *f, const char *known, struct err *err)
{
    return catalog_load(f->catalog, "space", "t", known, &f->table, err);
}

static void the_configuration_comes_first_and_once(void **state)
{
    struct fixture *f = *state;
    struct err err = { 0 };

    push_config(f, "");
    push(f, 404, ERROR_BODY("NoSuchTableException"));
    push(f, 404, ERROR_BODY("NoSuchTableException"));
    assert_int_equal(load(f, NULL, &err), CATALOG_ABSENT);
    assert_int_equal(load(f, NULL, &err), CATALOG_ABSENT);
    assert_string_equal(http_mem_url(f->http, 0), "http://c/api/v1/config?warehouse=w%20h");
    assert_string_equal(http_mem_url(f->http, 1), TABLE "?snapshots=all");
    assert_string_equal(http_mem_url(f->http, 2), TABLE "?snapshots=all");
}

static void a_table_is_loaded_as_the_server_has_it(void **state)
{
    struct fixture *f = *state;
    struct err err = { 0 };

    push_config(f, "");
    http_mem_push_header(f->http, 200, "ETag: W/\"1\"\r\n",
                         SPAN("{\"metadata-location\":\"s3:\\/\\/b/m1\",\"config\":{},"
                              "\"metadata\": {\"a\": [1, 9223372036854775807]} }"));
    assert_ok(load(f, NULL, &err));
    assert_string_equal(buf_text(&f->table.location), "s3://b/m1");
    assert_string_equal(buf_text(&f->table.metadata), "{\"a\": [1, 9223372036854775807]}");

    push(f, 304, "");
    assert_int_equal(load(f, "s3://b/m1", &err), CATALOG_UNCHANGED);
    assert_non_null(strstr(http_mem_header(f->http, 2), "If-None-Match: W/\"1\"\n"));
    /* The tag is that state's only. */
    push(f, 200, "{\"metadata-location\":\"s3://b/m0\",\"metadata\":{}}");
    assert_int_equal(load(f, "s3://b/m0", &err), CATALOG_UNCHANGED);
    assert_null(strstr(http_mem_header(f->http, 3), "If-None-Match"));
    assert_string_equal(buf_text(&f->table.location), "s3://b/m1");
}

static void what_is_no_catalog_is_not_an_absent_table(void **state)
{
    static const struct {
        int status;
        const char *body;
    } rows[] = {
        { 404, "<html>not found</html>" },
        { 404, "" },
        { 200, "{}" },
        { 200, "{\"metadata\":{}}" },
        { 200, "<html>" },
        { 403, ERROR_BODY("Forbidden") },
        { 304, "" },
    };
    struct fixture *f = *state;
    struct err err = { 0 };

    push_config(f, "");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        push(f, rows[i].status, rows[i].body);
        assert_err(load(f, NULL, &err), ERR_RETRY);
    }
}

static void a_load_that_may_pass_is_tried_again(void **state)
{
    struct fixture *f = *state;
    struct err err = { 0 };

    push(f, 503, "");
    push_config(f, "");
    push(f, 0, "reset");
    push(f, 500, "");
    push(f, 200, "{\"metadata-location\":\"s3://b/m1\",\"metadata\":{}}");
    assert_ok(load(f, NULL, &err));
    for (int i = 0; i < 3; i++)
        push(f, 502, "");
    assert_err(load(f, NULL, &err), ERR_RETRY);
    assert_non_null(strstr(err.text, "status 502"));
}

static void each_answer_to_a_commit_means_one_thing(void **state)
{
    static const struct {
        int status, rc;
        const char *body;
        enum err_kind kind;
    } rows[] = {
        { 200, 0, "{}", ERR_NONE },
        { 204, 0, "", ERR_NONE },
        { 409, CATALOG_CONFLICT, ERROR_BODY("CommitFailedException"), ERR_NONE },
        { 404, CATALOG_CONFLICT, ERROR_BODY("NoSuchTableException"), ERR_NONE },
        { 404, -1, "<html>", ERR_RETRY },
        { 500, CATALOG_UNKNOWN, "", ERR_NONE },
        { 502, CATALOG_UNKNOWN, "", ERR_NONE },
        { 503, CATALOG_UNKNOWN, ERROR_BODY("ServiceUnavailable"), ERR_NONE },
        { 504, CATALOG_UNKNOWN, "", ERR_NONE },
        { 0, CATALOG_UNKNOWN, "connection reset", ERR_NONE },
        { 302, CATALOG_UNKNOWN, "", ERR_NONE },
        { 429, -1, "", ERR_RETRY },
        { 403, -1, ERROR_BODY("Forbidden"), ERR_RETRY },
        { 400, -1, ERROR_BODY("BadRequestException"), ERR_REFUSED },
        { 422, -1, ERROR_BODY("Unprocessable"), ERR_REFUSED },
    };
    struct fixture *f = *state;
    struct err err = { 0 };

    push_config(f, "");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        push(f, rows[i].status, rows[i].body);
        err = (struct err){ 0 };
        assert_int_equal(commit(f, &err), rows[i].rc);
        assert_int_equal(err.kind, rows[i].kind);
        assert_string_equal(http_mem_method(f->http, f->sent), "POST");
        assert_null(http_mem_url(f->http, ++f->sent)); /* sent once */
    }
    assert_true(span_equal(http_mem_body(f->http, 1),
                           SPAN("{\"identifier\":{\"namespace\":[\"space\"],\"name\":\"t\"},"
                                "\"requirements\":[{\"type\":\"r\"}],"
                                "\"updates\":[{\"action\":\"u\"}]}")));
    assert_null(strstr(http_mem_header(f->http, 1), "Idempotency-Key"));
    /* No answer because there was no connection: certainly not done. */
    assert_err(commit(f, &err), ERR_RETRY);
}

static void a_commit_carries_a_key_of_its_own_where_that_is_honoured(void **state)
{
    struct fixture *f = *state;
    struct err err = { 0 };
    const char *first, *second;

    push_config(f, ",\"idempotency-key-lifetime\":\"PT30M\"");
    push(f, 200, "{}");
    push(f, 200, "{}");
    assert_ok(commit(f, &err));
    assert_ok(commit(f, &err));
    first = strstr(http_mem_header(f->http, 1), "Idempotency-Key: 018bcfe5-6800-7");
    second = strstr(http_mem_header(f->http, 2), "Idempotency-Key: 018bcfe5-6800-7");
    assert_non_null(first);
    assert_non_null(second);
    assert_int_equal(strcspn(first, "\n"), 17 + 36);
    assert_memory_not_equal(first, second, 17 + 36);
}

static void a_table_is_made_with_its_namespace(void **state)
{
    static const char document[] =
        "{\"format-version\":2,\"schemas\":[{\"schema-id\":0,\"fields\":[]}],\"partition-specs\":"
        "[{\"spec-id\":0}],\"sort-orders\":[{\"order-id\":0}],\"properties\":{\"a\":\"b\"}}";
    struct fixture *f = *state;
    struct err err = { 0 };

    push_config(f, "");
    push(f, 404, ERROR_BODY("NoSuchNamespaceException"));
    push(f, 200, "{}");
    push(f, 200, "{}");
    assert_ok(catalog_create(f->catalog, "space", "t", "s3://b/t", span_text(document), &err));
    assert_true(span_equal(http_mem_body(f->http, 2),
                           SPAN("{\"namespace\":[\"space\"],\"properties\":{}}")));
    assert_true(span_equal(
        http_mem_body(f->http, 3),
        SPAN("{\"name\":\"t\",\"location\":\"s3://b/t\",\"schema\":{\"schema-id\":0,\"fields\":[]},"
             "\"partition-spec\":{\"spec-id\":0},\"write-order\":{\"order-id\":0},"
             "\"properties\":{\"format-version\":\"2\",\"a\":\"b\"},\"stage-create\":false}")));
    push(f, 409, ERROR_BODY("AlreadyExistsException"));
    assert_int_equal(
        catalog_create(f->catalog, "space", "t", "s3://b/t", span_text(document), &err),
        CATALOG_EXISTS);
}

static int append_name(void *context, const char *name, struct err *err)
{
    (void)err;
    buf_printf(context, "%s ", name);
    return 0;
}

static void a_listing_goes_over_its_pages_and_is_sorted(void **state)
{
    struct fixture *f = *state;
    struct buf names = BUF_INIT;
    const struct catalog_visitor visitor = { append_name, &names };
    struct err err = { 0 };

    push_config(f, "");
    push(f, 200,
         "{\"identifiers\":[{\"namespace\":[\"space\"],\"name\":\"b\"}],"
         "\"next-page-token\":\"x y\"}");
    push(f, 200,
         "{\"identifiers\":[{\"namespace\":[\"space\"],\"name\":\"a\"}],"
         "\"next-page-token\":null}");
    assert_ok(catalog_list(f->catalog, "space", &visitor, &err));
    assert_string_equal(buf_text(&names), "a b ");
    assert_non_null(strstr(http_mem_url(f->http, 2), "/tables?pageToken=x%20y"));
    push(f, 404, ERROR_BODY("NoSuchNamespaceException"));
    assert_ok(catalog_list(f->catalog, "space", &visitor, &err));
    buf_deinit(&names);
}

static void a_token_is_fetched_kept_and_renewed(void **state)
{
    struct fixture *f = *state;
    const struct catalog_rest_options options = { .uri = "http://c",
                                                  .client_id = "i d",
                                                  .client_secret = "s&",
                                                  .oauth2_uri = "http://auth/token" };
    struct err err = { 0 };

    open_with(f, &options);
    push(f, 200, "{\"access_token\":\"T1\",\"expires_in\":100}");
    push(f, 200, "{}");
    push(f, 200, "{}");
    assert_ok(commit(f, &err));
    assert_string_equal(http_mem_url(f->http, 0), "http://auth/token");
    assert_true(span_equal(http_mem_body(f->http, 0),
                           SPAN("grant_type=client_credentials&client_id=i%20d&client_secret=s%26&"
                                "scope=catalog")));
    assert_non_null(strstr(http_mem_header(f->http, 2), "Authorization: Bearer T1\n"));

    clock_mem_advance(f->clock, 89000000);
    push(f, 200, "{}");
    assert_ok(commit(f, &err));
    clock_mem_advance(f->clock, 2000000);
    push(f, 200, "{\"access_token\":\"T2\"}");
    push(f, 200, "{}");
    assert_ok(commit(f, &err));
    assert_non_null(strstr(http_mem_header(f->http, 5), "Authorization: Bearer T2\n"));

    /* Refused: a new one, once, also for a commit, which was not looked at. */
    push(f, 401, ERROR_BODY("NotAuthorizedException"));
    push(f, 200, "{\"access_token\":\"T3\"}");
    push(f, 200, "{}");
    assert_ok(commit(f, &err));
    push(f, 401, "");
    push(f, 200, "{\"access_token\":\"T4\"}");
    push(f, 401, "");
    assert_err(commit(f, &err), ERR_RETRY);
    assert_null(http_mem_url(f->http, 12));
}

static void a_token_serves_to_its_end_where_no_other_is_to_be_had(void **state)
{
    struct fixture *f = *state;
    const struct catalog_rest_options options = { .uri = "http://c",
                                                  .client_id = "i",
                                                  .client_secret = "s" };
    struct err err = { 0 };

    open_with(f, &options);
    push(f, 200, "{\"access_token\":\"T1\",\"expires_in\":100}");
    push(f, 200, "{}");
    push(f, 200, "{}");
    assert_ok(commit(f, &err));
    clock_mem_advance(f->clock, 90000000);
    push(f, 503, "");
    push(f, 200, "{}");
    assert_ok(commit(f, &err));
    assert_non_null(strstr(http_mem_url(f->http, 3), "oauth"));
    assert_int_equal(http_mem_timeout_ms(f->http, 3), 2500); /* of the 10 s that T1 has left */
    assert_non_null(strstr(http_mem_header(f->http, 4), "Authorization: Bearer T1\n"));
    push(f, 200, "{}"); /* not asked again at once */
    assert_ok(commit(f, &err));
    assert_non_null(strstr(http_mem_header(f->http, 5), "Authorization: Bearer T1\n"));
    clock_mem_advance(f->clock, 2600000);
    push(f, 200, "{\"access_token\":\"T2\",\"expires_in\":100}");
    push(f, 200, "{}");
    assert_ok(commit(f, &err));
    assert_non_null(strstr(http_mem_header(f->http, 7), "Authorization: Bearer T2\n"));
    clock_mem_advance(f->clock, 100000000);
    for (int i = 0; i < 3; i++)
        push(f, 503, "");
    assert_err(commit(f, &err), ERR_RETRY);
}

static void a_token_that_cannot_be_had_says_so_and_sends_no_commit(void **state)
{
    struct fixture *f = *state;
    const struct catalog_rest_options options = { .uri = "http://c",
                                                  .client_id = "i",
                                                  .client_secret = "s" };
    struct err err = { 0 };

    open_with(f, &options);
    for (int i = 0; i < 3; i++)
        push(f, 401, "{\"error\":\"invalid_client\"}");
    assert_err(commit(f, &err), ERR_RETRY);
    assert_non_null(strstr(err.text, "invalid_client: "));
    assert_non_null(strstr(err.text, "catalog.client_id"));
    assert_string_equal(http_mem_url(f->http, 0), "http://c/v1/oauth/tokens");
    for (int i = 0; i < 3; i++)
        push(f, 400, "{\"error\":\"invalid_scope\",\"error_description\":\"no such scope\"}");
    assert_err(commit(f, &err), ERR_RETRY);
    assert_non_null(strstr(err.text, "status 400: invalid_scope: no such scope"));
}

#define VENDED(prefix, key, ends)                                                                  \
    "{\"prefix\":\"" prefix "\",\"config\":{\"s3.access-key-id\":\"" key                           \
    "\",\"s3.secret-access-key\":\"S\",\"s3.session-token\":\"T\","                                \
    "\"s3.session-token-expires-at-ms\":\"" ends "\"}}"

static void vended_credentials_are_those_of_the_longest_prefix(void **state)
{
    struct fixture *f = *state;
    const struct catalog_rest_options options = { .uri = "http://c", .vends = true };
    struct s3_credentials credentials;
    struct s3_key key;
    struct err err = { 0 };

    open_with(f, &options);
    credentials = catalog_rest_credentials(f->catalog);
    assert_err(credentials.get(credentials.context, "s3://b/t/x", false, &key, &err), ERR_RETRY);
    push(f, 200, "{}");
    push(f, 200,
         "{\"metadata-location\":\"s3://b/m1\",\"metadata\":{},\"storage-credentials\":[" VENDED(
             "s3://b", "A1", "1700001000000") "," VENDED("s3://b/t", "A2", "1700001000000") "]}");
    assert_ok(load(f, NULL, &err));
    assert_non_null(strstr(http_mem_header(f->http, 1), "X-Iceberg-Access-Delegation: vended-"));
    assert_ok(credentials.get(credentials.context, "s3://b/t/x", false, &key, &err));
    assert_string_equal(key.access, "A2");
    assert_string_equal(key.token, "T");
    assert_ok(credentials.get(credentials.context, "s3://b/other", false, &key, &err));
    assert_string_equal(key.access, "A1");

    /* About to run out, then refused: the table is loaded again. */
    clock_mem_advance(f->clock, INT64_C(941000000));
    push(f, 200,
         "{\"metadata-location\":\"s3://b/m1\",\"metadata\":{},\"storage-credentials\":[" VENDED(
             "s3://b/t", "A3", "1800000000000") "]}");
    assert_ok(credentials.get(credentials.context, "s3://b/t/x", false, &key, &err));
    assert_string_equal(key.access, "A3");
    push(f, 200,
         "{\"metadata-location\":\"s3://b/m1\",\"metadata\":{},\"storage-credentials\":[" VENDED(
             "s3://b/t", "A4", "1800000000000") "]}");
    assert_ok(credentials.get(credentials.context, "s3://b/t/x", true, &key, &err));
    assert_string_equal(key.access, "A4");
}

static void credentials_may_stand_in_the_table_s_config(void **state)
{
    struct fixture *f = *state;
    struct s3_credentials credentials;
    struct s3_key key;
    struct err err = { 0 };

    open_with(f, &plain);
    push(f, 200, "{}");
    push(f, 200,
         "{\"metadata-location\":\"s3://b/m1\",\"metadata\":{\"location\":\"s3://b/t\"},"
         "\"config\":{\"s3.access-key-id\":\"A\",\"s3.secret-access-key\":\"S\"}}");
    assert_ok(load(f, NULL, &err));
    credentials = catalog_rest_credentials(f->catalog);
    assert_ok(credentials.get(credentials.context, "s3://b/t/x", false, &key, &err));
    assert_string_equal(key.access, "A");
    assert_null(key.token);
}

static void options_that_cannot_be_are_refused(void **state)
{
    static const struct catalog_rest_options rows[] = {
        { .uri = "c:8181" },
        { .uri = "http://u:p@c" },
        { .uri = "http://c", .token = "t", .client_id = "i", .client_secret = "s" },
        { .uri = "http://c", .client_id = "i" },
    };
    struct catalog *catalog;
    struct err err = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_err(catalog_rest_open(&rows[i], &http_opener_curl, NULL, &catalog, &err),
                   ERR_CONFIG);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define BARE(name) cmocka_unit_test_setup_teardown(name, setup_bare, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_configuration_comes_first_and_once),
        TEST(a_table_is_loaded_as_the_server_has_it),
        TEST(what_is_no_catalog_is_not_an_absent_table),
        TEST(a_load_that_may_pass_is_tried_again),
        TEST(each_answer_to_a_commit_means_one_thing),
        TEST(a_commit_carries_a_key_of_its_own_where_that_is_honoured),
        TEST(a_table_is_made_with_its_namespace),
        TEST(a_listing_goes_over_its_pages_and_is_sorted),
        BARE(a_token_is_fetched_kept_and_renewed),
        BARE(a_token_serves_to_its_end_where_no_other_is_to_be_had),
        BARE(a_token_that_cannot_be_had_says_so_and_sends_no_commit),
        BARE(vended_credentials_are_those_of_the_longest_prefix),
        BARE(credentials_may_stand_in_the_table_s_config),
        cmocka_unit_test(options_that_cannot_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
