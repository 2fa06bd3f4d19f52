// SPDX-License-Identifier: Apache-2.0
/* base.h: the few words that every other header uses. */
#ifndef K2_CORE_BASE_H
#define K2_CORE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A result that must be looked at. */
#define CHECK_RESULT __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_index)                                                     \
    __attribute__((format(printf, format_index, first_index)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/*
 * For our own mistakes only, in every build: a program that is wrong about itself must stop before
 * it writes, and every crash point is safe (docs/commit.md).  Never on what came from a wire, a
 * disk or a user: that is an err.
 */
#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition);      \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#define STATIC_ASSERT(condition, text) _Static_assert(condition, text)

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

#endif
