// SPDX-License-Identifier: Apache-2.0
/* avro_encode.c: decimals; the other primitives are inline. */
#include "codec/avro_encode.h"

void avro_put_decimal(struct buf *out, int128 unscaled)
{
    uint8_t bytes[16];
    uint128 bits = (uint128)unscaled;
    size_t first = 0;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(bits >> (8 * (15 - i)));
    /* A leading byte that only repeats the next one's sign says nothing. */
    while (first < 15 && bytes[first] == (bytes[first + 1] >= 0x80 ? 0xff : 0x00))
        first++;
    avro_put_bytes(out, span_of(bytes + first, sizeof(bytes) - first));
}
