// SPDX-License-Identifier: Apache-2.0
/*
 * status.h: what the status port answers: requests in, answers out, no socket (status/server.h has
 * those).
 *
 *     GET /health    200 when no job is in trouble, else 503: JSON that says which are, and why
 *     GET /metrics   counters of the jobs, as Prometheus reads them
 *     /subjects, /schemas, /config, /compatibility: the embedded registry, status/registry_api.h
 */
#ifndef K2_STATUS_STATUS_H
#define K2_STATUS_STATUS_H

#include "port/registry.h"
#include "stage/runner.h"

struct status_request {
    const char *method; /* "GET" */
    const char *path;   /* "/subjects/a%2Fb": not decoded, without the query */
    struct span body;
};

struct status_answer {
    int status;       /* of HTTP */
    const char *type; /* of the content; static */
    struct buf body;
};

/* All borrowed.  Answers come from one thread at a time, any. */
struct status {
    struct runner *runner;
    size_t jobs;               /* of the runner */
    struct registry *registry; /* the embedded one; NULL: it is elsewhere */
};

/* Appends to answer->body, which is the caller's. */
void status_answer(const struct status *status, const struct status_request *request,
                   struct status_answer *answer);

#endif
