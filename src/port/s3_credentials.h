// SPDX-License-Identifier: Apache-2.0
/*
 * s3_credentials.h: where the keys to a store come from: the configuration, the environment
 * (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), or a file as AWS's tools have it
 * (AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials, the section AWS_PROFILE or "default"); the
 * first that has both keys.  A file is read again when its keys are refused: others renew it.
 */
#ifndef K2_PORT_S3_CREDENTIALS_H
#define K2_PORT_S3_CREDENTIALS_H

#include "port/store_s3.h"

struct s3_keys; /* any thread's by the rule of struct s3_credentials */

/* access, secret, token as configured, "" or NULL for none; file: NULL for the usual places. */
struct s3_keys *s3_keys_new(const char *access, const char *secret, const char *token,
                            const char *file);
void s3_keys_free(struct s3_keys *keys);
/* Borrows keys. */
struct s3_credentials s3_keys_credentials(struct s3_keys *keys);

/* One section of a credentials file; appends NUL-ended texts.  False: no such section, or a key is
 * missing in it. */
struct s3_section {
    struct buf access, secret, token;
};
CHECK_RESULT bool s3_credentials_parse(struct span text, const char *section,
                                       struct s3_section *out);

#endif
