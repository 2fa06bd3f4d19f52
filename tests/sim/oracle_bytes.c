// SPDX-License-Identifier: Apache-2.0
/* oracle_bytes.c: every read of the oracle goes through here, so none leaves its file. */
#include "sim/oracle_formats.h"

#include <stdarg.h>

void oracle_bytes_fail(const struct oracle_bytes *bytes, const char *format, ...)
{
    va_list list;

    fprintf(stderr, "oracle: %s, ", bytes->name);
    if (bytes->is_unpacked)
        fprintf(stderr, "byte %zu of what is packed at byte %zu: ", bytes->at, bytes->origin);
    else
        fprintf(stderr, "byte %zu: ", bytes->origin + bytes->at);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    abort();
}

const uint8_t *oracle_bytes_take(struct oracle_bytes *bytes, uint64_t size)
{
    const uint8_t *at = bytes->data + bytes->at;

    if (size > bytes->size - bytes->at)
        oracle_bytes_fail(bytes, "%llu bytes wanted, %zu left", (unsigned long long)size,
                          bytes->size - bytes->at);
    bytes->at += size;
    return at;
}

uint8_t oracle_bytes_byte(struct oracle_bytes *bytes)
{
    return *oracle_bytes_take(bytes, 1);
}

uint64_t oracle_bytes_varint(struct oracle_bytes *bytes)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = oracle_bytes_byte(bytes);

        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    oracle_bytes_fail(bytes, "a varint of more than 64 bits");
}

int64_t oracle_bytes_zigzag(struct oracle_bytes *bytes)
{
    uint64_t value = oracle_bytes_varint(bytes);

    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

uint64_t oracle_bytes_le(struct oracle_bytes *bytes, size_t size)
{
    const uint8_t *at = oracle_bytes_take(bytes, size);
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}
