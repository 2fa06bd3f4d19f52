// SPDX-License-Identifier: Apache-2.0
/* random.h: a small seeded generator (splitmix64) for jitter, simulation and tests, and text forms
 * of UUIDs.  Real randomness comes through the clock port, so that a simulation owns it. */
#ifndef K2_CORE_RANDOM_H
#define K2_CORE_RANDOM_H

#include "core/base.h"

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 to limit - 1; limit > 0. */
static inline uint64_t random_below(struct random *random, uint64_t limit)
{
    return random_next(random) % limit;
}

enum { UUID_TEXT_BYTES = 37 }; /* 36 and the terminator */

/* RFC 9562 text of 16 bytes. */
void uuid_format(const uint8_t uuid[16], char text[UUID_TEXT_BYTES]);
/* A version-4 UUID out of 128 random bits. */
void uuid_from_random(uint64_t high, uint64_t low, uint8_t uuid[16]);

#endif
