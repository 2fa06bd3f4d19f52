// SPDX-License-Identifier: Apache-2.0
/* http_mem.c: see http.h. */
#include "port/http.h"

#include "core/column.h"

#include <string.h>

/* One row an answer, one row a request; texts end with a NUL. */
enum { ANSWER_HEADER, ANSWER_BODY, METHOD, URL, HEADER, BODY, COLUMNS };

struct http_mem {
    struct http http;
    struct column status;
    struct column column[COLUMNS];
    struct column timeout_ms;
    size_t answered;
};

static struct http_mem *self(struct http *http)
{
    return (struct http_mem *)(void *)http;
}

static void put_text(struct column *column, const char *text)
{
    column_put_bytes(column, span_of(text, strlen(text) + 1));
}

static void note(struct http_mem *mem, const struct http_request *request)
{
    struct buf text = BUF_INIT;

    put_text(&mem->column[METHOD], request->method);
    column_put_int64(&mem->timeout_ms, request->timeout_ms);
    put_text(&mem->column[URL], request->url);
    for (size_t i = 0; i < request->header_count; i++)
        buf_printf(&text, "%s\n", request->header[i]);
    put_text(&mem->column[HEADER], buf_text(&text));
    buf_clear(&text);
    for (size_t i = 0; i < request->body_count; i++)
        buf_put_span(&text, request->body[i]);
    column_put_bytes(&mem->column[BODY], buf_span(&text));
    buf_deinit(&text);
}

static int mem_send(struct http *http, const struct http_request *request,
                    struct http_answer *answer, struct err *err)
{
    struct http_mem *mem = self(http);
    int place = (int)strcspn(request->url, "?");
    struct span body;

    note(mem, request);
    buf_clear(&answer->header);
    buf_clear(&answer->body);
    answer->is_sent = mem->answered < mem->status.rows;
    if (!answer->is_sent)
        return err_set(err, ERR_RETRY, "%s %.*s: no network", request->method, place, request->url);
    body = column_bytes(&mem->column[ANSWER_BODY], mem->answered);
    buf_put_span(&answer->header, column_bytes(&mem->column[ANSWER_HEADER], mem->answered));
    answer->status = column_int32(&mem->status, mem->answered++);
    if (answer->status == 0)
        return err_set(err, ERR_RETRY, "%s %.*s: %.*s", request->method, place, request->url,
                       SPAN_ARGS(body));
    if (body.size > request->answer_bytes_max)
        return err_set(err, ERR_REJECT, "%s %.*s: more than %zu bytes", request->method, place,
                       request->url, request->answer_bytes_max);
    buf_put_span(&answer->body, body);
    return 0;
}

static void mem_close(struct http *http)
{
    struct http_mem *mem = self(http);

    column_deinit(&mem->status);
    column_deinit(&mem->timeout_ms);
    for (size_t i = 0; i < COLUMNS; i++)
        column_deinit(&mem->column[i]);
    free(mem);
}

struct http *http_mem_open(void)
{
    static const struct http_ops ops = { mem_send, mem_close };
    struct http_mem *mem = mem_zero(1, sizeof(*mem));

    mem->http.ops = &ops;
    column_init(&mem->status, COLUMN_INT32);
    column_init(&mem->timeout_ms, COLUMN_INT64);
    for (size_t i = 0; i < COLUMNS; i++)
        column_init(&mem->column[i], COLUMN_BYTES);
    return &mem->http;
}

void http_mem_push_header(struct http *http, int status, const char *header, struct span body)
{
    column_put_int32(&self(http)->status, status);
    column_put_bytes(&self(http)->column[ANSWER_HEADER], span_text(header));
    column_put_bytes(&self(http)->column[ANSWER_BODY], body);
}

void http_mem_push(struct http *http, int status, struct span body)
{
    http_mem_push_header(http, status, "", body);
}

static const char *text_at(struct http *http, int which, size_t index)
{
    struct column *column = &self(http)->column[which];

    return index < column->rows ? (const char *)column_bytes(column, index).data : NULL;
}

const char *http_mem_url(struct http *http, size_t index)
{
    return text_at(http, URL, index);
}

const char *http_mem_method(struct http *http, size_t index)
{
    return text_at(http, METHOD, index);
}

const char *http_mem_header(struct http *http, size_t index)
{
    return text_at(http, HEADER, index);
}

struct span http_mem_body(struct http *http, size_t index)
{
    struct column *column = &self(http)->column[BODY];

    return index < column->rows ? column_bytes(column, index) : span_of(NULL, 0);
}

int64_t http_mem_timeout_ms(struct http *http, size_t index)
{
    const struct column *column = &self(http)->timeout_ms;

    return index < column->rows ? column_int64(column, index) : 0;
}
