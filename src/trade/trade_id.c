// SPDX-License-Identifier: Apache-2.0
/* trade_id.c: the prefix costs a SHA-256, an id 32 hexadecimal digits. */
#include "trade/trade_id.h"
#include "core/buf.h"
#include "core/hash.h"

static const char hex[] = "0123456789abcdef";

/* The lowest `digits` digits of `value`. */
static char *put_hex(char *at, uint64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value >>= 4)
        at[i] = hex[value & 15];
    return at + digits;
}

struct trade_id_prefix trade_id_prefix(struct span exchange, struct span symbol)
{
    struct trade_id_prefix prefix;
    struct buf text = BUF_INIT;
    uint8_t hash[32], uuid[16] = { 0 };
    char all[UUID_TEXT_BYTES];

    buf_put_span(&text, exchange);
    buf_put_byte(&text, ':');
    buf_put_span(&text, symbol);
    hash_sha256(buf_span(&text), hash);
    buf_deinit(&text);

    /* The version pushes the last 12 of the 60 bits, custom_b, half a byte on. */
    memcpy(uuid, hash, 6);
    uuid[6] = (uint8_t)(0x80 | hash[6] >> 4);
    uuid[7] = (uint8_t)(hash[6] << 4 | hash[7] >> 4);
    uuid_format(uuid, all);
    memcpy(prefix.text, all, sizeof(prefix.text));
    return prefix;
}

bool trade_id_format(const struct trade_id_prefix *prefix, int64_t id, char text[UUID_TEXT_BYTES])
{
    uint64_t low = UINT64_C(1) << 63 | (uint64_t)id; /* the variant, 10, and custom_c */
    char *at = text + sizeof(prefix->text);

    if (id < 0 || id > TRADE_ID_MAX)
        return false;
    memcpy(text, prefix->text, sizeof(prefix->text));
    at = put_hex(at, low >> 48, 4);
    *at++ = '-';
    at = put_hex(at, low, 12);
    *at = 0;
    return true;
}
