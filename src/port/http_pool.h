// SPDX-License-Identifier: Apache-2.0
/*
 * http_pool.h: what the adapters that speak HTTP to one server share: a handle for each thread that
 * is in a request just now, and how long to wait before a request is tried again.
 */
#ifndef K2_PORT_HTTP_POOL_H
#define K2_PORT_HTTP_POOL_H

#include "port/clock.h"
#include "port/http.h"

struct http_pool; /* any thread's */

/* Opens one more handle. */
struct http_opener {
    int (*open)(void *context, struct http **out, struct err *err);
    void *context;
};

/* http_curl_open. */
extern const struct http_opener http_opener_curl;

struct http_pool *http_pool_new(const struct http_opener *opener);
/* No handle may be out. */
void http_pool_free(struct http_pool *pool);

/* http_send on a handle that nobody else uses meanwhile. */
CHECK_RESULT int http_pool_send(struct http_pool *pool, const struct http_request *request,
                                struct http_answer *answer, struct err *err);

/* True for what may go better the next time: 429, 500, 502, 503, 504. */
bool http_is_passing(int status);

/* Waits before try number `failures` + 1: up to 0.1 s doubled each time, at most 5 s, with full
 * jitter; at least what the answer's Retry-After (seconds) asks for, up to 10 s.  answer may be
 * NULL. */
void http_pause(struct clock *clock, int failures, const struct http_answer *answer);

#endif
