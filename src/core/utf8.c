// SPDX-License-Identifier: Apache-2.0
/* utf8.c: almost all text here is ASCII, and is found out to be with a few loads and one branch. */
#include "core/utf8.h"
#include "core/num.h"

size_t utf8_size(const uint8_t *at, const uint8_t *end)
{
    uint8_t lead = at[0];
    size_t size = lead < 0x80   ? 1
                  : lead < 0xc2 ? 0
                  : lead < 0xe0 ? 2
                  : lead < 0xf0 ? 3
                  : lead < 0xf5 ? 4
                                : 0;
    /* The second byte excludes overlong forms, surrogates and what lies above U+10FFFF. */
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;

    if (size <= 1)
        return size;
    if ((size_t)(end - at) < size || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

/* The last load of each kind overlaps the one before it. */
static bool is_ascii(const uint8_t *at, size_t size)
{
    uint64_t bits = 0;

    if (size >= 8) {
        for (size_t i = 0; i + 8 < size; i += 8)
            bits |= load_le64(at + i);
        bits |= load_le64(at + size - 8);
    } else if (size >= 4) {
        bits = load_le32(at) | load_le32(at + size - 4);
    } else {
        for (size_t i = 0; i < size; i++)
            bits |= at[i];
    }
    return (bits & UINT64_C(0x8080808080808080)) == 0;
}

bool utf8_valid(struct span text)
{
    const uint8_t *at = text.data;
    const uint8_t *end = at + text.size;

    if (is_ascii(at, text.size))
        return true;
    while (at < end) {
        size_t size = utf8_size(at, end);

        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

size_t utf8_encode(uint32_t c, uint8_t out[4])
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xc0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xe0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (c & 0x3f));
    return 4;
}
