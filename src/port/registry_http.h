// SPDX-License-Identifier: Apache-2.0
/*
 * registry_http.h: port/registry.h over the HTTP API that Confluent's registry has and others
 * (Apicurio, Karapace, Redpanda) share: POST /subjects/<s>/versions, GET /schemas/ids/<id>,
 * PUT /config/<s>.
 *
 * A subject is set to compatibility BACKWARD before a schema is put under it: new records must be
 * readable by the readers of old ones.  A schema that is not is REFUSED, with the registry's words.
 * An id once answered is kept for good (it never changes), so that what is known decodes through an
 * outage.  An id that the registry does not know is asked for `absent_tries` times before it is
 * REGISTRY_ABSENT: a follower may lag behind the one that registered it.
 */
#ifndef K2_PORT_REGISTRY_HTTP_H
#define K2_PORT_REGISTRY_HTTP_H

#include "port/http_pool.h"
#include "port/registry.h"

struct registry_http_options {
    const char *url;             /* where /subjects is; its path may be longer */
    const char *user, *password; /* basic auth; NULL or "": none */
    const char *token;           /* bearer; NULL or "": none */
    int64_t timeout_ms;          /* of a request; 0: 10 s */
    int tries;                   /* of a request that may pass; 0: 3 */
    int absent_tries;            /* 0: 3 */
};

/* Copies the options; borrows the clock.  Nothing is asked yet.  CONFIG: no such URL, or two ways
 * to say who we are. */
CHECK_RESULT int registry_http_open(const struct registry_http_options *options,
                                    const struct http_opener *opener, struct clock *clock,
                                    struct registry **out, struct err *err);

/* Asks for the subjects.  CONFIG says what is wrong: address, rights, or no such API. */
CHECK_RESULT int registry_http_check(struct registry *registry, struct err *err);

#endif
