// SPDX-License-Identifier: Apache-2.0
/* json_escape.c: see the header. */
#include "core/json_escape.h"

#include "core/num.h"
#include "core/utf8.h"

int json_escape_unit(const uint8_t *at, const uint8_t *end)
{
    int value = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = at[i] - '0', letter = (at[i] | 0x20) - 'a';

        if ((digit < 0 || digit > 9) && (letter < 0 || letter > 5))
            return -1;
        value = value << 4 | (digit >= 0 && digit <= 9 ? digit : letter + 10);
    }
    return value;
}

size_t json_escape_pair(const uint8_t *at, const uint8_t *end, uint8_t out[4])
{
    int high, low;

    if (end - at < 12 || at[0] != '\\' || at[1] != 'u' || at[6] != '\\' || at[7] != 'u')
        return 0;
    high = json_escape_unit(at + 2, end);
    low = json_escape_unit(at + 8, end);
    if (high < 0xd800 || high > 0xdbff || low < 0xdc00 || low > 0xdfff)
        return 0;
    return utf8_encode(0x10000 + ((uint32_t)(high & 0x3ff) << 10 | (uint32_t)(low & 0x3ff)), out);
}

void json_escape_join(struct span text, struct buf *out)
{
    const uint8_t *at = text.data, *end = at + text.size;
    uint8_t character[4];

    while (at < end) {
        const uint8_t *escape = memchr(at, '\\', (size_t)(end - at));
        size_t size;

        if (escape == NULL)
            escape = end;
        buf_put(out, at, (size_t)(escape - at));
        if (escape == end)
            return;
        size = json_escape_pair(escape, end, character);
        if (size > 0) {
            buf_put(out, character, size);
            at = escape + 12;
        } else {
            size = size_min(2, (size_t)(end - escape));
            buf_put(out, escape, size);
            at = escape + size;
        }
    }
}
