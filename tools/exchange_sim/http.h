// SPDX-License-Identifier: Apache-2.0
/* http.h: as much of HTTP/1.1 (RFC 9112) as an upgrade and GET requests without a body need. */
#ifndef K2_EXCHANGE_SIM_HTTP_H
#define K2_EXCHANGE_SIM_HTTP_H

#include "core/buf.h"
#include "core/span.h"

enum { HTTP_MORE = 1, HTTP_HEAD_BYTES_MAX = 16 * 1024 };

struct http_request { /* spans into the bytes it was parsed from */
    struct span method, path, query;
    struct span headers; /* lines, without the empty one */
    size_t size;         /* bytes that the head took */
};

/* 0, HTTP_MORE, or -1: no request that is understood here (answer 400 and close). */
CHECK_RESULT int http_parse(struct span bytes, struct http_request *request);
/* The value of the first header of that name, without regard to case; false: none. */
bool http_header(const struct http_request *request, const char *name, struct span *value);
/* True when the comma-separated header holds the token, without regard to case. */
bool http_header_has(const struct http_request *request, const char *name, const char *token);
/* Appends the parameter's value, percent-decoded; false: not there (nothing appended). */
bool http_query(const struct http_request *request, const char *name, struct buf *value);
void http_percent_decode(struct span text, struct buf *out);
/* `headers`: more lines, each with its \r\n, or "". */
void http_respond(struct buf *out, int status, const char *headers, struct span body);

#endif
