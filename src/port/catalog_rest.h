// SPDX-License-Identifier: Apache-2.0
/*
 * catalog_rest.h: port/catalog.h over the Iceberg REST catalog API (apache/iceberg,
 * open-api/rest-catalog-open-api.yaml).
 *
 * A commit sends requirements and updates; the server makes and writes the document.  What its
 * answer means (rule 3 of docs/commit.md): 200 done; 409 certainly not done, since a commit is sent
 * once and never again behind a connection that died; 5xx, a timeout or a reset UNKNOWN: the caller
 * loads the table and looks.  Where the server announces idempotency keys each commit carries one.
 *
 * Tables are loaded with snapshots=all: snapshots=refs hides the chain that positions are found on.
 */
#ifndef K2_PORT_CATALOG_REST_H
#define K2_PORT_CATALOG_REST_H

#include "port/catalog.h"
#include "port/http_pool.h"
#include "port/store_s3.h"

struct catalog_rest_options {
    const char *uri;       /* without /v1 */
    const char *warehouse; /* asked for at /v1/config; NULL or "": none */
    const char *token;     /* bearer; NULL or "": none */
    /* OAuth2 client credentials, instead of a token; NULL or "": none.  oauth2_uri: NULL or "" for
     * the catalog's own (deprecated) /v1/oauth/tokens; scope: "catalog". */
    const char *client_id, *client_secret, *oauth2_uri, *scope;
    bool vends;         /* ask for credentials to the store with each table */
    int64_t timeout_ms; /* of a request; 0: 30 s */
    int tries;          /* of a request that may be sent again; 0: 3 */
};

/* Copies the options; borrows the clock.  Nothing is asked yet.  CONFIG: no such URI, or two ways
 * to say who we are. */
CHECK_RESULT int catalog_rest_open(const struct catalog_rest_options *options,
                                   const struct http_opener *opener, struct clock *clock,
                                   struct catalog **out, struct err *err);

/* The credentials that the catalog vended with the tables loaded so far; those of a table are asked
 * for anew before they run out and when they were refused.  Borrows the catalog. */
struct s3_credentials catalog_rest_credentials(struct catalog *catalog);

/* Asks for the configuration and lists the namespace, which need not be there.  CONFIG says what is
 * wrong: address, warehouse, rights. */
CHECK_RESULT int catalog_rest_check(struct catalog *catalog, const char *space, struct err *err);

#endif
