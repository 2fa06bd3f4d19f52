// SPDX-License-Identifier: Apache-2.0
/*
 * http.h: port: one HTTP request and its whole answer, bounded in time and size.
 *
 * Beneath the other ports' HTTP adapters too (catalog_rest.c, registry_http.c, store_s3.c), which
 * decide on retries themselves: nothing is retried here.  Adapters: http_curl.c, http_mem.c.  One
 * thread at a time; connections are kept from request to request.
 */
#ifndef K2_PORT_HTTP_H
#define K2_PORT_HTTP_H

#include "core/buf.h"
#include "core/err.h"

struct http;

struct http_request {
    const char *method; /* GET, HEAD, PUT, POST, DELETE */
    const char *url;
    const char *const *header; /* "Name: value"; "Name;" for an empty value */
    size_t header_count;
    const struct span *body; /* parts, one behind the other; sent with their Content-Length */
    size_t body_count;       /* 0: no body (POST and PUT: an empty one) */
    int64_t timeout_ms;      /* for the whole request; connecting gets at most 10 s of it */
    size_t answer_bytes_max; /* of the body */
    bool once; /* what must not arrive twice: sent on a fresh connection, as a kept one may have
                  died, and then the request would be sent again unasked */
    bool compressed; /* says that a compressed answer is welcome; it is handed out inflated */
};

struct http_answer {
    int status;
    struct buf header; /* "Name: value\r\n" lines, as sent */
    struct buf body;
    bool is_sent; /* after -1: false when certainly no byte of the request left */
};

struct http_ops {
    int (*send)(struct http *http, const struct http_request *request, struct http_answer *answer,
                struct err *err);
    void (*close)(struct http *http);
};

struct http {
    const struct http_ops *ops;
};

/* Replaces what *answer holds; 0 whatever its status (redirects are not followed).  RETRY: no whole
 * answer; the text names method and URL without its query, and what failed.  REJECT: more than
 * answer_bytes_max.  CONFIG: no such URL, or a certificate that does not verify. */
CHECK_RESULT static inline int http_send(struct http *http, const struct http_request *request,
                                         struct http_answer *answer, struct err *err)
{
    return http->ops->send(http, request, answer, err);
}

void http_answer_deinit(struct http_answer *answer);
/* The first header of that name, in any case, without blanks around it; false: none. */
CHECK_RESULT bool http_answer_header(const struct http_answer *answer, const char *name,
                                     struct span *value);

/* Appends text with everything percent-encoded but A-Z a-z 0-9 - . _ ~ (RFC 3986, section 2.3), and
 * slashes if asked. */
void http_encode(struct span text, bool keep_slashes, struct buf *out);

/* A GET whose answer's body is appended to *body; as http_send. */
CHECK_RESULT int http_get(struct http *http, const char *url, int64_t timeout_ms,
                          size_t body_bytes_max, int *status, struct buf *body, struct err *err);

static inline void http_close(struct http *http)
{
    if (http != NULL)
        http->ops->close(http);
}

/* TLS: the name is verified against the system's certificates, or SSL_CERT_FILE's. */
CHECK_RESULT int http_curl_open(struct http **out, struct err *err);

/* Answers from a script, oldest first; when it is empty, the network is down.  An answer of status
 * 0 is a failure of which it is not known whether the request arrived: RETRY with its body as the
 * text. */
struct http *http_mem_open(void);
void http_mem_push(struct http *http, int status, struct span body);
/* The same with headers ("Name: value\r\n" lines). */
void http_mem_push_header(struct http *http, int status, const char *header, struct span body);
/* What the index-th request was, as text: method, its headers one a line, body; NULL beyond the
 * last. */
const char *http_mem_url(struct http *http, size_t index);
const char *http_mem_method(struct http *http, size_t index);
const char *http_mem_header(struct http *http, size_t index);
struct span http_mem_body(struct http *http, size_t index);
/* And how long it was to be waited for; 0 beyond the last. */
int64_t http_mem_timeout_ms(struct http *http, size_t index);

#endif
