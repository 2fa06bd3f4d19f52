// SPDX-License-Identifier: Apache-2.0
/* avro_encode.c: decimals; the other primitives are inline. */
#include "codec/avro_encode.h"
#include "core/decimal.h"

void avro_put_decimal(struct buf *out, int128 unscaled)
{
    uint8_t *at;
    size_t size;

    buf_reserve(out, 1 + 16);
    at = out->data + out->size;
    size = decimal_bytes(unscaled, at + 1);
    at[0] = (uint8_t)(size << 1); /* zigzag, 2 to 32 */
    out->size += 1 + size;
}
