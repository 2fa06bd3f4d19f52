// SPDX-License-Identifier: Apache-2.0
/*
 * s3_sign.h: AWS Signature Version 4 in the Authorization header, as S3 wants it: paths are encoded
 * once and not normalised (Amazon S3 API reference, "Signature Calculations for the Authorization
 * Header: Transferring Payload in a Single Chunk").  Pure.
 */
#ifndef K2_PORT_S3_SIGN_H
#define K2_PORT_S3_SIGN_H

#include "core/buf.h"

enum { S3_HEADERS_MAX = 16, S3_DATE_BYTES = 17, S3_HASH_TEXT_BYTES = 65 };

struct s3_key {
    const char *access, *secret;
    const char *token; /* of a session, or NULL; the caller sends it as x-amz-security-token */
};

struct s3_header {
    const char *name; /* lower case */
    const char *value;
};

struct s3_request {
    const char *method;
    const char *path;               /* encoded, begins with a slash */
    const char *query;              /* encoded, sorted by name, each with an equals sign; "" */
    const struct s3_header *header; /* all that are signed: host and each x-amz-*, in any order */
    size_t header_count;            /* at most S3_HEADERS_MAX */
    const char *payload_hash;       /* hexadecimal */
    const char *date;               /* as s3_date makes it */
    const char *region;
};

/* Appends the value of the Authorization header. */
void s3_sign(const struct s3_request *request, const struct s3_key *key, struct buf *authorization);

/* "20130524T000000Z" */
void s3_date(int64_t now_us, char text[S3_DATE_BYTES]);
/* Hexadecimal SHA-256 of the parts, one behind the other. */
void s3_hash(const struct span *parts, size_t count, char text[S3_HASH_TEXT_BYTES]);

#endif
