// SPDX-License-Identifier: Apache-2.0
/* bytes.h: bytes for tests: from hex text, from files, and exact copies that ASan watches. */
#ifndef K2_TESTS_BYTES_H
#define K2_TESTS_BYTES_H

#include "core/buf.h"

/* Appends the bytes of "00 ff 1a"; blanks are passed over. */
static inline void bytes_put_hex(struct buf *out, const char *hex)
{
    unsigned digits = 0;
    unsigned value = 0;

    for (; *hex != 0; hex++) {
        const char *all = "0123456789abcdef";
        const char *digit = strchr(all, *hex);

        if (digit == NULL)
            continue;
        value = value << 4 | (unsigned)(digit - all);
        if (++digits % 2 == 0)
            buf_put_byte(out, (uint8_t)value);
    }
}

/* Appends a whole file; a file that is not there ends the test. */
static inline void bytes_put_file(struct buf *out, const char *path)
{
    FILE *file = fopen(path, "rb");
    char chunk[4096];
    size_t got;

    if (file == NULL) {
        fprintf(stderr, "%s cannot be opened\n", path);
        abort();
    }
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
        buf_put(out, chunk, got);
    fclose(file);
}

/* A copy in memory of just that size, so that a read past its end is seen; free() it. */
static inline uint8_t *bytes_exact(struct span bytes)
{
    uint8_t *copy = mem_alloc(bytes.size + (bytes.size == 0));

    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return copy;
}

/* The same numbers on every run (xorshift64*). */
static inline uint64_t bytes_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1DULL;
}

#endif
