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

static struct span trim(struct span text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && strchr(" \t\r", text.data[text.size - 1]) != NULL)
        text.size--;
    return text;
}

bool http_answer_header(const struct http_answer *answer, const char *name, struct span *value)
{
    const char *line = (const char *)answer->header.data;
    size_t left = answer->header.size, size = strlen(name);

    while (left > 0) {
        const char *end = memchr(line, '\n', left);
        size_t length = end == NULL ? left : (size_t)(end - line);

        if (length > size && line[size] == ':' && strncasecmp(line, name, size) == 0) {
            *value = trim(span_of(line + size + 1, length - size - 1));
            return true;
        }
        if (end == NULL)
            break;
        left -= length + 1;
        line = end + 1;
    }
    return false;
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
