// SPDX-License-Identifier: Apache-2.0
/* store_s3.c over scripted answers: what is tried again, what a lost answer means, what is signed.
 * The promises of store.h themselves are tests/contract/store.c's, over a real server. */
#include "port/store_s3.h"

#include "lib/test.h"

#include <stdio.h>
#include <string.h>

#define ERROR_BODY(code) "<Error><Code>" code "</Code><Message>words</Message></Error>"
#define URI              "s3://bkt/pre/a b"

struct fixture {
    struct http *http;
    struct clock *clock;
    struct store *store;
    int refused; /* how often credentials were asked for after a refusal */
};

static int give_http(void *context, struct http **out, struct err *err)
{
    (void)err;
    *out = ((struct fixture *)context)->http;
    return 0;
}

static int give_key(void *context, const char *uri, bool is_refused, struct s3_key *key,
                    struct err *err)
{
    struct fixture *f = context;

    (void)err;
    assert_memory_equal(uri, "s3://bkt/pre/", 13);
    f->refused += is_refused;
    *key = (struct s3_key){ "AK", "SK", f->refused > 0 ? "renewed" : NULL };
    return 0;
}

static int setup(void **state)
{
    struct fixture *f = mem_zero(1, sizeof(*f));
    const struct http_opener opener = { give_http, f };
    const struct store_s3_options options = { .endpoint = "https://s3.test:9000",
                                              .region = "eu-test-1",
                                              .bucket = "bkt",
                                              .prefix = "pre",
                                              .credentials = { give_key, f },
                                              .tries = 3,
                                              .part_bytes = 4,
                                              .list_max = 2 };
    struct err err = { 0 };

    f->http = http_mem_open();
    f->clock = clock_mem_open(INT64_C(1369353600000000), 1);
    *state = f;
    return store_s3_open(&options, &opener, f->clock, &f->store, &err);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    store_close(f->store);
    clock_close(f->clock);
    free(f);
    return 0;
}

static int put(struct fixture *f, const char *text, struct err *err)
{
    const struct span part = span_text(text);

    return store_put_new(f->store, URI, &part, 1, err);
}

/* The value of a request's header. */
static const char *header_of(struct fixture *f, size_t index, const char *name)
{
    static char value[256];
    const char *at = strstr(http_mem_header(f->http, index), name);

    value[0] = '\0';
    if (at != NULL)
        sscanf(at + strlen(name), "%255[^\n]", value);
    return value;
}

static void a_write_is_signed_and_conditional(void **state)
{
    struct fixture *f = *state;
    struct err err = { 0 };

    http_mem_push(f->http, 200, SPAN(""));
    assert_ok(put(f, "text", &err));
    assert_string_equal(http_mem_url(f->http, 0), "https://bkt.s3.test:9000/pre/a%20b");
    assert_string_equal(http_mem_method(f->http, 0), "PUT");
    assert_string_equal(header_of(f, 0, "if-none-match: "), "*");
    assert_string_equal(header_of(f, 0, "x-amz-date: "), "20130524T000000Z");
    assert_non_null(strstr(header_of(f, 0, "Authorization: "),
                           "SignedHeaders=host;if-none-match;x-amz-content-sha256;x-amz-date;"
                           "x-amz-meta-k2-put,"));
    assert_null(strstr(http_mem_header(f->http, 0), "SK"));
}

static void what_may_pass_is_tried_again_and_no_more_often_than_said(void **state)
{
    static const struct {
        int status;
        const char *body;
    } passing[] = {
        { 503, ERROR_BODY("SlowDown") },
        { 500, "" },
        { 429, "" },
        { 409, ERROR_BODY("ConditionalRequestConflict") },
        { 400, ERROR_BODY("RequestTimeout") },
        { 0, "connection reset" },
    };
    struct fixture *f = *state;
    struct err err = { 0 };
    size_t sent = 0;

    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
        int64_t before_us = clock_now_us(f->clock);

        http_mem_push(f->http, passing[i].status, span_text(passing[i].body));
        http_mem_push(f->http, 200, SPAN(""));
        assert_ok(put(f, "text", &err));
        sent += 2;
        assert_non_null(http_mem_url(f->http, sent - 1));
        assert_null(http_mem_url(f->http, sent));
        assert_true(clock_now_us(f->clock) - before_us <= 100000);
    }
    for (int i = 0; i < 3; i++)
        http_mem_push(f->http, 503, SPAN(ERROR_BODY("SlowDown")));
    assert_err(put(f, "text", &err), ERR_RETRY);
    assert_non_null(strstr(err.text, "after 3 tries"));
    assert_non_null(strstr(err.text, "SlowDown"));
    assert_null(http_mem_url(f->http, sent + 3));
}

static void a_server_that_asks_for_patience_gets_it(void **state)
{
    struct fixture *f = *state;
    struct err err = { 0 };
    int64_t before_us = clock_now_us(f->clock);

    http_mem_push_header(f->http, 503, "Retry-After: 3\r\n", SPAN(""));
    http_mem_push(f->http, 200, SPAN(""));
    assert_ok(put(f, "text", &err));
    assert_true(clock_now_us(f->clock) - before_us >= 3000000);
}

static void what_does_not_pass_is_said_at_once(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum err_kind kind;
    } rows[] = {
        { 403, ERROR_BODY("AccessDenied"), ERR_RETRY },
        { 404, ERROR_BODY("NoSuchBucket"), ERR_RETRY },
        { 507, "", ERR_FULL },
        { 400, ERROR_BODY("EntityTooLarge"), ERR_FULL },
    };
    struct fixture *f = *state;
    struct err err = { 0 };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        http_mem_push(f->http, rows[i].status, span_text(rows[i].body));
        assert_err(put(f, "text", &err), rows[i].kind);
        assert_non_null(strstr(err.text, URI));
        assert_null(http_mem_url(f->http, i + 1));
    }
}

static void a_name_that_is_taken_is_a_condition(void **state)
{
    struct fixture *f = *state;
    struct err err = { 0 };

    http_mem_push(f->http, 412, SPAN(ERROR_BODY("PreconditionFailed")));
    http_mem_push(f->http, 200, SPAN(""));
    assert_int_equal(put(f, "text", &err), STORE_EXISTS);
    assert_null(http_mem_url(f->http, 2));
}

/* The first try arrived, its answer did not; the second finds the name taken. */
static void a_lost_answer_is_told_from_another_s_object(void **state)
{
    struct fixture *f = *state;
    struct err err = { 0 };
    char token[300];

    http_mem_push(f->http, 0, SPAN("connection reset"));
    http_mem_push(f->http, 412, SPAN(""));
    http_mem_push_header(f->http, 200, "x-amz-meta-k2-put: 0123456789abcdef\r\n", SPAN(""));
    assert_int_equal(put(f, "text", &err), STORE_EXISTS);
    snprintf(token, sizeof(token), "%s", header_of(f, 0, "x-amz-meta-k2-put: "));
    assert_int_equal(strlen(token), 16);
    assert_string_equal(header_of(f, 1, "x-amz-meta-k2-put: "), token);
    assert_string_equal(http_mem_method(f->http, 2), "HEAD");
}

/* The same world again: its tokens are known then. */
static void our_own_object_behind_a_lost_answer_is_a_success(void **state)
{
    struct fixture *f = *state;
    struct fixture *again;
    void *other = NULL;
    struct err err = { 0 };
    char header[300];

    http_mem_push(f->http, 200, SPAN(""));
    assert_ok(put(f, "text", &err));
    snprintf(header, sizeof(header), "X-Amz-Meta-K2-Put: %s\r\n",
             header_of(f, 0, "x-amz-meta-k2-put: "));
    assert_int_equal(setup(&other), 0);
    again = other;
    http_mem_push(again->http, 0, SPAN("connection reset"));
    http_mem_push(again->http, 412, SPAN(""));
    http_mem_push_header(again->http, 200, header, SPAN(""));
    assert_ok(put(again, "text", &err));
    teardown(&other);
}

static void stale_keys_are_asked_for_anew_once(void **state)
{
    static const struct {
        int status;
        const char *body;
    } rows[] = {
        { 403, ERROR_BODY("ExpiredToken") },
        { 403, ERROR_BODY("InvalidTokenId") },
        { 403, ERROR_BODY("SignatureDoesNotMatch") },
        { 403, "" },
        { 400, "" },
    };
    struct fixture *f = *state;
    struct err err = { 0 };
    size_t sent = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        f->refused = 0;
        http_mem_push(f->http, rows[i].status, span_text(rows[i].body));
        http_mem_push(f->http, 200, SPAN(""));
        assert_ok(put(f, "text", &err));
        assert_int_equal(f->refused, 1);
        assert_string_equal(header_of(f, sent, "x-amz-security-token: "), "");
        assert_string_equal(header_of(f, sent + 1, "x-amz-security-token: "), "renewed");
        http_mem_push(f->http, rows[i].status, span_text(rows[i].body));
        http_mem_push(f->http, rows[i].status, span_text(rows[i].body));
        assert_err(put(f, "text", &err), ERR_RETRY);
        assert_int_equal(f->refused, 2);
        sent += 4;
    }
}

static void a_large_object_goes_up_in_parts(void **state)
{
    struct fixture *f = *state;
    const struct span parts[] = { SPAN("012"), SPAN("3456"), SPAN(""), SPAN("789") };
    struct err err = { 0 };

    http_mem_push(f->http, 200, SPAN("<R><UploadId>u/1</UploadId></R>"));
    for (int i = 0; i < 3; i++)
        http_mem_push_header(f->http, 200, "ETag: \"e\"\r\n", SPAN(""));
    http_mem_push(f->http, 200, SPAN("<R/>"));
    assert_ok(store_put_new(f->store, URI, parts, 4, &err));
    assert_string_equal(http_mem_url(f->http, 0), "https://bkt.s3.test:9000/pre/a%20b?uploads=");
    assert_string_equal(http_mem_url(f->http, 3),
                        "https://bkt.s3.test:9000/pre/a%20b?partNumber=3&uploadId=u%2F1");
    assert_true(span_equal(http_mem_body(f->http, 1), SPAN("0123")));
    assert_true(span_equal(http_mem_body(f->http, 2), SPAN("4567")));
    assert_true(span_equal(http_mem_body(f->http, 3), SPAN("89")));
    assert_string_equal(header_of(f, 4, "if-none-match: "), "*");
    assert_non_null(strstr((const char *)http_mem_body(f->http, 4).data,
                           "<Part><PartNumber>2</PartNumber><ETag>\"e\"</ETag></Part>"));
}

/* An error may stand in the body of a 200; what was begun is given up. */
static void an_upload_that_fails_is_aborted(void **state)
{
    struct fixture *f = *state;
    const struct span part = SPAN("0123456789");
    struct err err = { 0 };

    http_mem_push(f->http, 200, SPAN("<R><UploadId>u</UploadId></R>"));
    for (int i = 0; i < 3; i++)
        http_mem_push_header(f->http, 200, "ETag: \"e\"\r\n", SPAN(""));
    http_mem_push(f->http, 200, SPAN(ERROR_BODY("InternalError")));
    http_mem_push(f->http, 204, SPAN(""));
    assert_err(store_put_new(f->store, URI, &part, 1, &err), ERR_RETRY);
    assert_string_equal(http_mem_method(f->http, 5), "DELETE");
}

static void a_range_is_read_whole_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    struct buf out = BUF_INIT;
    struct err err = { 0 };

    http_mem_push(f->http, 206, SPAN("cde"));
    assert_ok(store_get(f->store, URI, 2, 3, &out, &err));
    assert_string_equal(header_of(f, 0, "range: "), "bytes=2-4");
    assert_string_equal(buf_text(&out), "cde");
    http_mem_push(f->http, 206, SPAN("cd"));
    http_mem_push_header(f->http, 200, "Content-Length: 4\r\n", SPAN(""));
    assert_err(store_get(f->store, URI, 2, 3, &out, &err), ERR_CORRUPT);
    http_mem_push(f->http, 206, SPAN("cd"));
    http_mem_push_header(f->http, 200, "Content-Length: 5\r\n", SPAN(""));
    assert_err(store_get(f->store, URI, 2, 3, &out, &err), ERR_RETRY);
    http_mem_push(f->http, 200, SPAN("abcde"));
    http_mem_push_header(f->http, 200, "Content-Length: 5\r\n", SPAN(""));
    assert_err(store_get(f->store, URI, 2, 3, &out, &err), ERR_CONFIG);
    http_mem_push(f->http, 404, SPAN(ERROR_BODY("NoSuchKey")));
    assert_int_equal(store_get(f->store, URI, 2, 3, &out, &err), STORE_ABSENT);
    http_mem_push(f->http, 404, SPAN(ERROR_BODY("NoSuchBucket")));
    assert_err(store_get(f->store, URI, 2, 3, &out, &err), ERR_RETRY);
    assert_string_equal(buf_text(&out), "cde");
    buf_deinit(&out);
}

static int count_one(void *context, const char *uri, uint64_t size, int64_t modified_us,
                     struct err *err)
{
    (void)uri;
    (void)size;
    (void)modified_us;
    (void)err;
    ++*(int *)context;
    return 0;
}

static void a_listing_goes_on_over_its_pages(void **state)
{
    static const char object[] = "<Contents><Key>pre/a</Key><Size>1</Size>"
                                 "<LastModified>2026-11-22T10:00:00Z</LastModified></Contents>";
    struct fixture *f = *state;
    struct buf page = BUF_INIT;
    int found = 0;
    const struct store_visitor visitor = { count_one, &found };
    struct err err = { 0 };

    buf_printf(&page,
               "<L>%s%s<IsTruncated>true</IsTruncated>"
               "<NextContinuationToken>n+1</NextContinuationToken></L>",
               object, object);
    http_mem_push(f->http, 200, buf_span(&page));
    buf_clear(&page);
    buf_printf(&page, "<L>%s<IsTruncated>false</IsTruncated></L>", object);
    http_mem_push(f->http, 200, buf_span(&page));
    assert_ok(store_list(f->store, "s3://bkt/pre/a", &visitor, &err));
    assert_int_equal(found, 3);
    assert_string_equal(http_mem_url(f->http, 0),
                        "https://bkt.s3.test:9000/"
                        "?encoding-type=url&list-type=2&max-keys=2&prefix=pre%2Fa");
    assert_string_equal(http_mem_url(f->http, 1),
                        "https://bkt.s3.test:9000/?continuation-token=n%2B1&encoding-type=url&"
                        "list-type=2&max-keys=2&prefix=pre%2Fa");
    buf_deinit(&page);
}

static void a_server_that_replaces_objects_does_not_pass_the_check(void **state)
{
    struct fixture *f = *state;
    struct err err = { 0 };

    http_mem_push(f->http, 200, SPAN(""));
    http_mem_push(f->http, 200, SPAN(""));
    http_mem_push(f->http, 204, SPAN(""));
    assert_err(store_s3_check(f->store, &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, "If-None-Match"));
    assert_string_equal(http_mem_method(f->http, 2), "DELETE");
    http_mem_push(f->http, 403, SPAN(ERROR_BODY("AccessDenied")));
    http_mem_push(f->http, 403, SPAN(ERROR_BODY("AccessDenied")));
    assert_err(store_s3_check(f->store, &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, "AccessDenied: words"));
}

static void an_endpoint_or_bucket_that_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *endpoint, *bucket, *names;
    } rows[] = {
        { "s3.test", "bkt", "s3.test" },        { "http://", "bkt", "store.endpoint" },
        { "http://h/path", "bkt", "no path" },  { "http://h", "ab", "store.bucket" },
        { "http://h", "b/kt", "store.bucket" },
    };
    struct err err = { 0 };
    struct store *store;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct store_s3_options options = {
            .endpoint = rows[i].endpoint, .bucket = rows[i].bucket, .region = "r", .prefix = ""
        };

        assert_err(store_s3_open(&options, &http_opener_curl, NULL, &store, &err), ERR_CONFIG);
        assert_non_null(strstr(err.text, rows[i].names));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_write_is_signed_and_conditional),
        TEST(what_may_pass_is_tried_again_and_no_more_often_than_said),
        TEST(a_server_that_asks_for_patience_gets_it),
        TEST(what_does_not_pass_is_said_at_once),
        TEST(a_name_that_is_taken_is_a_condition),
        TEST(a_lost_answer_is_told_from_another_s_object),
        TEST(our_own_object_behind_a_lost_answer_is_a_success),
        TEST(stale_keys_are_asked_for_anew_once),
        TEST(a_large_object_goes_up_in_parts),
        TEST(an_upload_that_fails_is_aborted),
        TEST(a_range_is_read_whole_or_not_at_all),
        TEST(a_listing_goes_on_over_its_pages),
        TEST(a_server_that_replaces_objects_does_not_pass_the_check),
        cmocka_unit_test(an_endpoint_or_bucket_that_cannot_be_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
