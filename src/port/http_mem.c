// SPDX-License-Identifier: Apache-2.0
/* http_mem.c: see http.h. */
#include "port/http.h"

#include "core/column.h"

#include <string.h>

struct http_mem {
    struct http http;
    struct column status, body, url;
    size_t answered;
};

static struct http_mem *self(struct http *http)
{
    return (struct http_mem *)(void *)http;
}

static int mem_get(struct http *http, const char *url, int64_t timeout_ms, size_t body_bytes_max,
                   int *status, struct buf *body, struct err *err)
{
    struct http_mem *mem = self(http);
    struct span answer;

    (void)timeout_ms;
    column_put_bytes(&mem->url, span_of(url, strlen(url) + 1));
    if (mem->answered == mem->status.rows)
        return err_set(err, ERR_RETRY, "GET %s: no network", url);
    answer = column_bytes(&mem->body, mem->answered);
    *status = column_int32(&mem->status, mem->answered++);
    if (*status == 0)
        return err_set(err, ERR_RETRY, "GET %s: %.*s", url, SPAN_ARGS(answer));
    if (answer.size > body_bytes_max)
        return err_set(err, ERR_REJECT, "GET %s: more than %zu bytes", url, body_bytes_max);
    buf_put_span(body, answer);
    return 0;
}

static void mem_close(struct http *http)
{
    struct http_mem *mem = self(http);

    column_deinit(&mem->status);
    column_deinit(&mem->body);
    column_deinit(&mem->url);
    free(mem);
}

struct http *http_mem_open(void)
{
    static const struct http_ops ops = { mem_get, mem_close };
    struct http_mem *mem = mem_zero(1, sizeof(*mem));

    mem->http.ops = &ops;
    column_init(&mem->status, COLUMN_INT32);
    column_init(&mem->body, COLUMN_BYTES);
    column_init(&mem->url, COLUMN_BYTES);
    return &mem->http;
}

void http_mem_push(struct http *http, int status, struct span body)
{
    column_put_int32(&self(http)->status, status);
    column_put_bytes(&self(http)->body, body);
}

const char *http_mem_url(struct http *http, size_t index)
{
    struct column *url = &self(http)->url;

    return index < url->rows ? (const char *)column_bytes(url, index).data : NULL;
}
