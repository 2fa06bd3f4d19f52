// SPDX-License-Identifier: Apache-2.0
/* rest_vended.h: the credentials that a REST catalog hands out with its tables (LoadTableResult:
 * storage-credentials, and before that config), by the prefix they are good for.  Any thread. */
#ifndef K2_PORT_REST_VENDED_H
#define K2_PORT_REST_VENDED_H

#include "core/buf.h"
#include "port/clock.h"
#include "port/s3_sign.h"

struct rest_vended;

struct rest_vended *rest_vended_new(void);
void rest_vended_free(struct rest_vended *vended);

/* Takes what a load's answer brings for a table. */
void rest_vended_take(struct rest_vended *vended, const char *space, const char *name,
                      struct span answer);

/* Those of the longest prefix of `uri`, copied into the texts of *lent, and whose table they are.
 */
struct rest_lent {
    struct buf access, secret, token, space, name;
    int64_t ends_ms; /* INT64_MAX: not said */
};
void rest_lent_deinit(struct rest_lent *lent);
CHECK_RESULT bool rest_vended_find(struct rest_vended *vended, const char *uri,
                                   struct rest_lent *lent);

#endif
