// SPDX-License-Identifier: Apache-2.0
/* http_tool.c: http_curl.c as a program, for tests/interop/test_http.py: `http_tool URL TIMEOUT_MS
 * BODY_BYTES_MAX` prints "STATUS BODY" or "KIND TEXT". */
#include "port/http.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    struct http *http = NULL;
    struct buf body = BUF_INIT;
    struct err err = { 0 };
    int status = 0;

    if (argc != 4)
        return 2;
    if (http_curl_open(&http, &err) < 0 ||
        http_get(http, argv[1], strtoll(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), &status,
                 &body, &err) < 0)
        printf("%s %s\n", err_kind_name(err.kind), err.text);
    else
        printf("%d %s\n", status, buf_text(&body));
    buf_deinit(&body);
    http_close(http);
    return 0;
}
