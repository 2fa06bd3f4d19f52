// SPDX-License-Identifier: Apache-2.0
/* trade_id.c: the prefix costs a SHA-256, an id 32 hexadecimal digits. */
#include "trade/trade_id.h"
#include "core/decimal.h"
#include "core/hash.h"

#include <inttypes.h>
#include <uuid/uuid.h>

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

/* "354.04", not "354.04000000", so that the table's scale does not matter. */
static void put_number(int128 value, struct buf *out)
{
    char text[DECIMAL_TEXT_BYTES_MAX];
    size_t size = decimal_format(value, TRADE_WIRE_SCALE, text);

    while (text[size - 1] == '0')
        size--;
    if (text[size - 1] == '.')
        size--;
    buf_put(out, text, size);
}

void trade_id_put_name(const struct trade *trade, struct buf *out)
{
    static const char *const sides[] = { "BUY", "SELL", "SELL_SHORT", "UNKNOWN" };

    buf_put_span(out, trade->exchange);
    buf_put_byte(out, ':');
    buf_put_span(out, trade->symbol);
    buf_printf(out, "|%" PRId64 "|", trade->timestamp_us);
    put_number(trade->price, out);
    buf_put_byte(out, '|');
    put_number(trade->quantity, out);
    buf_printf(out, "|%s|", sides[trade->side]);
    buf_put_span(out, trade->order_type);
    buf_put_byte(out, '|');
}

void trade_id_of_name(struct span name, char text[UUID_TEXT_BYTES])
{
    static const uint8_t space[16] = { 0xbe, 0x91, 0x89, 0x31, 0x8a, 0x9a, 0x5a, 0xa0,
                                       0x86, 0xdb, 0x15, 0x1d, 0x2b, 0xe7, 0x94, 0xd0 };
    uint8_t uuid[16];

    uuid_generate_sha1(uuid, space, (const char *)name.data, name.size);
    uuid_format(uuid, text);
}
