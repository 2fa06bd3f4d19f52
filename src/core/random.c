// SPDX-License-Identifier: Apache-2.0
/* random.c: UUIDs (RFC 9562): the canonical text, and version 4 from bits that the caller brings.
 */
#include "core/random.h"
#include "core/num.h"

void uuid_format(const uint8_t uuid[16], char text[UUID_TEXT_BYTES])
{
    static const char hex[] = "0123456789abcdef";
    char *at = text;

    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = hex[uuid[i] >> 4];
        *at++ = hex[uuid[i] & 15];
    }
    *at = 0;
}

/* RFC 9562, 5.4: version in the high half of octet 6, variant in the two top bits of octet 8. */
void uuid_from_random(uint64_t high, uint64_t low, uint8_t uuid[16])
{
    store_be64(uuid, high);
    store_be64(uuid + 8, low);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}
