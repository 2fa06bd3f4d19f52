// SPDX-License-Identifier: Apache-2.0
/* http.h: port: one GET, bounded in time and size.  Adapters: http_curl.c, http_mem.c.  One thread
 * at a time. */
#ifndef K2_PORT_HTTP_H
#define K2_PORT_HTTP_H

#include "core/buf.h"
#include "core/err.h"

struct http;

struct http_ops {
    int (*get)(struct http *http, const char *url, int64_t timeout_ms, size_t body_bytes_max,
               int *status, struct buf *body, struct err *err);
    void (*close)(struct http *http);
};

struct http {
    const struct http_ops *ops;
};

/* Appends the answer's body to *body, whatever its status (redirects are not followed).  RETRY: no
 * whole answer; the text names the URL and what failed.  REJECT: more than body_bytes_max.
 * CONFIG: no such URL, or a certificate that does not verify. */
CHECK_RESULT static inline int http_get(struct http *http, const char *url, int64_t timeout_ms,
                                        size_t body_bytes_max, int *status, struct buf *body,
                                        struct err *err)
{
    return http->ops->get(http, url, timeout_ms, body_bytes_max, status, body, err);
}

static inline void http_close(struct http *http)
{
    if (http != NULL)
        http->ops->close(http);
}

/* TLS: the name is verified against the system's certificates, or SSL_CERT_FILE's. */
CHECK_RESULT int http_curl_open(struct http **out, struct err *err);

/* Answers from a script, oldest first; when it is empty, the network is down.  An answer of status
 * 0 is a failure: RETRY with its body as the text. */
struct http *http_mem_open(void);
void http_mem_push(struct http *http, int status, struct span body);
/* The URL of the index-th request, NULL beyond the last. */
const char *http_mem_url(struct http *http, size_t index);

#endif
