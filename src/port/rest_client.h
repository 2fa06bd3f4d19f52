// SPDX-License-Identifier: Apache-2.0
/*
 * rest_client.h: one request to an Iceberg REST catalog: its configuration asked for first, who we
 * are, what may be sent again.  Beneath catalog_rest.c, which knows what the requests mean.  Any
 * thread.
 */
#ifndef K2_PORT_REST_CLIENT_H
#define K2_PORT_REST_CLIENT_H

#include "port/catalog_rest.h"

struct rest_client;

struct rest_call {
    const char *method;
    const char *path; /* behind /v1/{prefix}, with its query; begins with a slash */
    struct span body; /* JSON; empty: none */
    bool once;        /* what must not arrive twice: never sent again by us */
    const char *etag; /* If-None-Match; NULL: none */
};

/* As catalog_rest_open. */
CHECK_RESULT int rest_client_open(const struct catalog_rest_options *options,
                                  const struct http_opener *opener, struct clock *clock,
                                  struct rest_client **out, struct err *err);
void rest_client_close(struct rest_client *client);

/* 0: an answer, whatever its status; for a call that is `once` also one that may pass.  -1:
 * answer->is_sent says whether the call may have had its effect. */
CHECK_RESULT int rest_client_call(struct rest_client *client, const struct rest_call *call,
                                  struct http_answer *answer, struct err *err);

/* -1 with the server's own words (ErrorModel) about `what`. */
int rest_client_refused(const struct http_answer *answer, const char *what, enum err_kind kind,
                        struct err *err);

/* Appends text with all but the unreserved characters percent-encoded. */
void rest_client_encode(const char *text, struct buf *out);

#endif
