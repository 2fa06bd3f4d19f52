// SPDX-License-Identifier: Apache-2.0
/* hash.h: the hashes that formats name, and one for our own tables. */
#ifndef K2_CORE_HASH_H
#define K2_CORE_HASH_H

#include "core/base.h"
#include "core/span.h"

/* Murmur3 x86 32 (Iceberg, appendix B, with seed 0). */
uint32_t hash_murmur3(struct span bytes, uint32_t seed);
/* Murmur2 as Kafka's Java clients partition by key; partition = (hash & 0x7fffffff) % count. */
uint32_t hash_murmur2(struct span bytes);
void hash_sha256(struct span bytes, uint8_t out[32]);
/* Of the parts, one behind the other. */
void hash_sha256_parts(const struct span *parts, size_t count, uint8_t out[32]);
void hash_hmac_sha256(struct span key, struct span bytes, uint8_t out[32]);
/* Fast, not stable across versions: only for tables in memory. */
uint64_t hash_fast(struct span bytes);

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    uint128 product =
        (uint128)(a ^ UINT64_C(0x9e3779b97f4a7c15)) * (b ^ UINT64_C(0xbf58476d1ce4e5b9));

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#endif
