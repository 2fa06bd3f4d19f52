// SPDX-License-Identifier: Apache-2.0
/* num.h: checked arithmetic on sizes, and loads and stores of fixed endianness.  Every size that
 * depends on outside bytes is computed with these. */
#ifndef K2_CORE_NUM_H
#define K2_CORE_NUM_H

#include "core/base.h"

#include <string.h>

/* False on overflow; *out is then undefined. */
CHECK_RESULT static inline bool size_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

CHECK_RESULT static inline bool size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline uint32_t load_le32(const void *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v; /* little-endian hosts only, see the assertion below */
}

static inline uint64_t load_le64(const void *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline void store_le32(void *p, uint32_t v)
{
    memcpy(p, &v, sizeof(v));
}

static inline void store_le64(void *p, uint64_t v)
{
    memcpy(p, &v, sizeof(v));
}

static inline uint32_t load_be32(const void *p)
{
    return __builtin_bswap32(load_le32(p));
}

static inline uint64_t load_be64(const void *p)
{
    return __builtin_bswap64(load_le64(p));
}

static inline void store_be32(void *p, uint32_t v)
{
    store_le32(p, __builtin_bswap32(v));
}

static inline void store_be64(void *p, uint64_t v)
{
    store_le64(p, __builtin_bswap64(v));
}

STATIC_ASSERT(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "Arrow's and Parquet's layouts are ours");

static inline size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline int64_t int64_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t int64_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
