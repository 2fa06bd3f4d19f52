// SPDX-License-Identifier: Apache-2.0
/* json_find.h: members of small JSON objects by name, for answers of servers: each look walks the
 * object anew, and what is not looked for is passed over.  Over core/json.h, so as strict. */
#ifndef K2_CORE_JSON_FIND_H
#define K2_CORE_JSON_FIND_H

#include "core/json.h"

/* The whole text of a member's value, quotes and brackets included.  False: no such member, or
 * `object` is no well-formed object. */
CHECK_RESULT bool json_find(struct span object, const char *name, struct span *value);
/* Replaces *out by a member's text: a string's with its escapes resolved, a number's as it is.
 * False also for a member of another type; *out is empty then. */
CHECK_RESULT bool json_find_text(struct span object, const char *name, struct buf *out);
/* A whole number from least to most. */
CHECK_RESULT bool json_find_integer(struct span object, const char *name, int64_t least,
                                    int64_t most, int64_t *out);

/* Calls `visit` with the whole text of each element of an array; false when it is none, or when
 * `visit` returns false. */
CHECK_RESULT bool json_each(struct span array, bool (*visit)(void *context, struct span element),
                            void *context);

#endif
