// SPDX-License-Identifier: Apache-2.0
/* hash.c: both Murmurs from Austin Appleby's public-domain reference, over bytes of any alignment;
 * SHA-256 is OpenSSL's. */
#include "core/hash.h"
#include "core/num.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

static uint32_t rotate(uint32_t x, int bits)
{
    return x << bits | x >> (32 - bits);
}

/* The last 1 to 3 bytes as a little-endian number. */
static uint32_t load_tail(const uint8_t *at, size_t size)
{
    uint32_t tail = 0;

    for (size_t i = 0; i < size; i++)
        tail |= (uint32_t)at[i] << (8 * i);
    return tail;
}

static uint32_t murmur3_mix(uint32_t k)
{
    return rotate(k * 0xcc9e2d51u, 15) * 0x1b873593u;
}

uint32_t hash_murmur3(struct span bytes, uint32_t seed)
{
    size_t whole = bytes.size & ~(size_t)3;
    uint32_t h = seed;

    for (size_t i = 0; i < whole; i += 4)
        h = rotate(h ^ murmur3_mix(load_le32(bytes.data + i)), 13) * 5 + 0xe6546b64u;
    if (whole < bytes.size)
        h ^= murmur3_mix(load_tail(bytes.data + whole, bytes.size - whole));
    h ^= (uint32_t)bytes.size;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

/* org.apache.kafka.common.utils.Utils.murmur2 */
uint32_t hash_murmur2(struct span bytes)
{
    const uint32_t m = 0x5bd1e995u;
    size_t whole = bytes.size & ~(size_t)3;
    uint32_t h = 0x9747b28cu ^ (uint32_t)bytes.size;

    for (size_t i = 0; i < whole; i += 4) {
        uint32_t k = load_le32(bytes.data + i) * m;

        h = h * m ^ (k ^ k >> 24) * m;
    }
    if (whole < bytes.size)
        h = (h ^ load_tail(bytes.data + whole, bytes.size - whole)) * m;
    h = (h ^ h >> 13) * m;
    return h ^ h >> 15;
}

void hash_sha256(struct span bytes, uint8_t out[32])
{
    SHA256(bytes.size > 0 ? bytes.data : (const uint8_t *)"", bytes.size, out);
}

void hash_sha256_parts(const struct span *parts, size_t count, uint8_t out[32])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_done = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;

    for (size_t i = 0; is_done && i < count; i++)
        is_done = EVP_DigestUpdate(context, parts[i].data, parts[i].size) == 1;
    is_done = is_done && EVP_DigestFinal_ex(context, out, NULL) == 1;
    EVP_MD_CTX_free(context);
    ASSERT(is_done); /* memory, or a library without SHA-256 */
}

void hash_hmac_sha256(struct span key, struct span bytes, uint8_t out[32])
{
    const unsigned char *done = HMAC(EVP_sha256(), key.size > 0 ? key.data : (const uint8_t *)"",
                                     (int)key.size, bytes.data, bytes.size, out, NULL);

    ASSERT(done != NULL);
}

uint64_t hash_fast(struct span bytes)
{
    const uint8_t *at = bytes.data;
    size_t left = bytes.size;
    uint64_t h = hash_mix(bytes.size, 0);
    uint64_t last[2] = { 0, 0 };

    for (; left > 16; left -= 16, at += 16)
        h = hash_mix(load_le64(at) ^ h, load_le64(at + 8));
    if (left > 0)
        memcpy(last, at, left);
    return hash_mix(last[0] ^ h, last[1]);
}
