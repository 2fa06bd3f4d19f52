// SPDX-License-Identifier: Apache-2.0
/* ingest_list.h: fetches an exchange's instrument list. */
#ifndef K2_STAGE_INGEST_LIST_H
#define K2_STAGE_INGEST_LIST_H

#include "stage/ingest.h"

/* Fills *out (empty before) with the configured pairs, checked.  CONFIG names all that is wrong
 * with them; RETRY names the URL and what failed; after either *out may be deinited only. */
CHECK_RESULT int ingest_list_fetch(const struct ingest_config *config, struct http *http,
                                   struct instruments *out, struct err *err);

#endif
