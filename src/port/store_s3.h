// SPDX-License-Identifier: Apache-2.0
/*
 * store_s3.h: port/store.h over S3: AWS, MinIO and what else speaks its protocol.
 *
 * An object is written with If-None-Match: *, so that it never replaces another (the server must
 * know that header: store_s3_check).  Each carries a token of ours in its metadata: when an answer
 * was lost and the next try finds the name taken, the token tells our own object from another's.
 * Large objects go up in parts and appear at their completion.  Bodies are covered by the
 * signature's SHA-256.
 *
 * What may pass (5xx, 429, resets, timeouts) is tried `tries` times with backoff and jitter; then
 * it is RETRY.  So is what trying again does not mend (no such bucket, access denied, wrong region,
 * a clock that is off), with the server's own words: rights come back without us.  FULL: the server
 * has no room.
 */
#ifndef K2_PORT_STORE_S3_H
#define K2_PORT_STORE_S3_H

#include "port/http_pool.h"
#include "port/s3_sign.h"
#include "port/store.h"

/* Credentials as they are now, for the object (or, for listings, the prefix) at a URI.  Strings in
 * *key are good until the next call; a lock is held meanwhile, so they come from one thread at a
 * time.  `is_refused`: the last ones were. */
struct s3_credentials {
    int (*get)(void *context, const char *uri, bool is_refused, struct s3_key *key,
               struct err *err);
    void *context;
};

struct store_s3_options {
    const char *endpoint; /* "https://s3.eu-west-1.amazonaws.com"; no path */
    const char *region;
    const char *bucket;
    const char *prefix; /* of all keys, without slash at either end; "" for none */
    bool path_style;    /* the bucket in the path, not in the host's name */
    struct s3_credentials credentials;
    int64_t timeout_ms; /* of a small request; a body gets a second more for each 256 kB; 0: 10 s */
    int tries;          /* 0: 6 */
    size_t part_bytes;  /* objects of more than two of these go up in parts; 0: 16 MiB */
    int list_max;       /* keys a page; 0: 1,000 */
};

/* Copies the options' texts; borrows the clock and what credentials point to.  Nothing is sent yet.
 * CONFIG: an endpoint or bucket that cannot be. */
CHECK_RESULT int store_s3_open(const struct store_s3_options *options,
                               const struct http_opener *opener, struct clock *clock,
                               struct store **out, struct err *err);

/* Writes, reads, lists and removes an object under the root, and sees that a second write is
 * refused.  CONFIG says what is missing and how it is mended. */
CHECK_RESULT int store_s3_check(struct store *store, struct err *err);

#endif
