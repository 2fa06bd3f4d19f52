// SPDX-License-Identifier: Apache-2.0
/* http_tool.c: http_curl.c as a program, for tests/interop/test_http.py:
 *
 *     http_tool URL TIMEOUT_MS ANSWER_BYTES_MAX [METHOD BODY [HEADER…]]
 *
 * BODY goes out in parts of 7 bytes; METHOD! is sent once.  Prints "STATUS BODY" and, when a METHOD
 * was named, the headers; or "KIND TEXT", and then whether the request left. */
#include "core/num.h"
#include "port/http.h"

#include <stdlib.h>
#include <string.h>

enum { PART_BYTES = 7, PARTS_MAX = 1000 };

static size_t cut(const char *body, struct span *part)
{
    size_t size = strlen(body), count = 0;

    for (size_t at = 0; at < size && count < PARTS_MAX; at += PART_BYTES)
        part[count++] = span_of(body + at, size_min(PART_BYTES, size - at));
    return count;
}

int main(int argc, char **argv)
{
    struct http *http = NULL;
    struct http_answer answer = { 0 };
    struct http_request request = { .method = "GET", .compressed = true };
    struct span part[PARTS_MAX];
    struct err err = { 0 };
    char *once;

    if (argc < 4 || argc == 5)
        return 2;
    request.url = argv[1];
    request.timeout_ms = strtoll(argv[2], NULL, 10);
    request.answer_bytes_max = strtoull(argv[3], NULL, 10);
    if (argc > 5) {
        once = strchr(argv[4], '!');
        request.once = once != NULL;
        if (once != NULL)
            *once = 0;
        request.method = argv[4];
        request.body = part;
        request.body_count = cut(argv[5], part);
        request.header = (const char *const *)argv + 6;
        request.header_count = (size_t)(argc - 6);
    }
    if (http_curl_open(&http, &err) < 0 || http_send(http, &request, &answer, &err) < 0)
        printf("%s %s%s\n", err_kind_name(err.kind), err.text,
               argc <= 5        ? ""
               : answer.is_sent ? " (sent)"
                                : " (not sent)");
    else
        printf("%d %s\n%s", answer.status, buf_text(&answer.body),
               argc > 5 ? buf_text(&answer.header) : "");
    http_answer_deinit(&answer);
    http_close(http);
    return 0;
}
