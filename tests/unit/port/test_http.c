// SPDX-License-Identifier: Apache-2.0
/* http.c: headers of an answer, and what the scripted adapter notes of a request. */
#include "port/http.h"

#include "lib/test.h"

#include <string.h>

static void a_header_is_found_by_its_name_in_any_case(void **state)
{
    static const char lines[] =
        "Date: now\r\nETag-Old: x\r\neTAG:\t \"abc\" \r\nEmpty:\r\nETag: 2\r\nLast: 1";
    struct http_answer answer = { 0 };
    struct span value;

    (void)state;
    assert_false(http_answer_header(&answer, "ETag", &value));
    buf_put_text(&answer.header, lines);
    assert_true(http_answer_header(&answer, "ETag", &value));
    assert_true(span_equal(value, SPAN("\"abc\"")));
    assert_true(http_answer_header(&answer, "empty", &value));
    assert_int_equal(value.size, 0);
    assert_true(http_answer_header(&answer, "last", &value));
    assert_true(span_equal(value, SPAN("1")));
    assert_false(http_answer_header(&answer, "ETa", &value));
    http_answer_deinit(&answer);
}

static void the_script_answers_in_turn_and_notes_what_was_asked(void **state)
{
    const struct span parts[] = { SPAN("one"), SPAN("two") };
    const char *const headers[] = { "A: 1", "B: 2" };
    const struct http_request request = { .method = "PUT",
                                          .url = "http://a/b?c",
                                          .header = headers,
                                          .header_count = 2,
                                          .body = parts,
                                          .body_count = 2,
                                          .answer_bytes_max = 4 };
    struct http *http = http_mem_open();
    struct http_answer answer = { 0 };
    struct span value;
    struct err err = { 0 };

    (void)state;
    http_mem_push_header(http, 503, "Retry-After: 3\r\n", SPAN("busy"));
    http_mem_push(http, 0, SPAN("reset"));
    http_mem_push(http, 200, SPAN("too long"));
    assert_ok(http_send(http, &request, &answer, &err));
    assert_int_equal(answer.status, 503);
    assert_true(http_answer_header(&answer, "retry-after", &value));
    assert_true(span_equal(buf_span(&answer.body), SPAN("busy")));
    assert_err(http_send(http, &request, &answer, &err), ERR_RETRY);
    assert_non_null(strstr(err.text, "PUT http://a/b: reset"));
    assert_true(answer.is_sent);
    assert_err(http_send(http, &request, &answer, &err), ERR_REJECT);
    assert_non_null(strstr(err.text, "more than 4 bytes"));
    assert_err(http_send(http, &request, &answer, &err), ERR_RETRY);
    assert_non_null(strstr(err.text, "no network"));
    assert_false(answer.is_sent);
    assert_string_equal(http_mem_method(http, 3), "PUT");
    assert_string_equal(http_mem_header(http, 3), "A: 1\nB: 2\n");
    assert_true(span_equal(http_mem_body(http, 3), SPAN("onetwo")));
    assert_null(http_mem_url(http, 4));
    http_answer_deinit(&answer);
    http_close(http);
}

static void everything_but_the_unreserved_is_encoded(void **state)
{
    struct buf text = BUF_INIT;

    (void)state;
    http_encode(SPAN("aZ0-._~ /+%\xc3\xa9=&"), true, &text);
    assert_string_equal(buf_text(&text), "aZ0-._~%20/%2B%25%C3%A9%3D%26");
    buf_clear(&text);
    http_encode(SPAN("a/b"), false, &text);
    assert_string_equal(buf_text(&text), "a%2Fb");
    buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_found_by_its_name_in_any_case),
        cmocka_unit_test(everything_but_the_unreserved_is_encoded),
        cmocka_unit_test(the_script_answers_in_turn_and_notes_what_was_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
