// SPDX-License-Identifier: Apache-2.0
/* http.c: what is the same for all adapters of http.h. */
#include "port/http.h"

#include <string.h>
#include <strings.h>

void http_answer_deinit(struct http_answer *answer)
{
    buf_deinit(&answer->header);
    buf_deinit(&answer->body);
}

bool http_answer_header(const struct http_answer *answer, const char *name, struct span *value)
{
    const char *line = (const char *)answer->header.data;
    size_t left = answer->header.size, size = strlen(name);

    while (left > 0) {
        const char *end = memchr(line, '\n', left);
        size_t length = end == NULL ? left : (size_t)(end - line);

        if (length > size && line[size] == ':' && strncasecmp(line, name, size) == 0) {
            *value = span_trim(span_of(line + size + 1, length - size - 1));
            return true;
        }
        if (end == NULL)
            break;
        left -= length + 1;
        line = end + 1;
    }
    return false;
}

static bool is_unreserved(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void http_encode(struct span text, bool keep_slashes, struct buf *out)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];

        if (is_unreserved(c) || (keep_slashes && c == '/'))
            buf_put_byte(out, c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

int http_get(struct http *http, const char *url, int64_t timeout_ms, size_t body_bytes_max,
             int *status, struct buf *body, struct err *err)
{
    const struct http_request request = { .method = "GET",
                                          .url = url,
                                          .timeout_ms = timeout_ms,
                                          .answer_bytes_max = body_bytes_max,
                                          .compressed = true };
    struct http_answer answer = { 0 };
    int rc = http_send(http, &request, &answer, err);

    if (rc == 0) {
        *status = answer.status;
        buf_put_span(body, buf_span(&answer.body));
    }
    http_answer_deinit(&answer);
    return rc;
}
