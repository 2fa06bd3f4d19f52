// SPDX-License-Identifier: Apache-2.0
/* trade_encode.c: the fields in the schema's order, one statement each. */
#include "trade/trade_encode.h"
#include "codec/avro_encode.h"
#include "trade/trade_schema.h"

/* Room for all but the text: header, lengths, times, decimals, numbers, counts. */
enum { FIXED_BYTES_MAX = 256, PAIR_BYTES_MAX = 2 * AVRO_LONG_BYTES_MAX };

/* One growth for the whole record. */
static void reserve(const struct trade *trade, struct buf *out)
{
    size_t bytes = FIXED_BYTES_MAX + 2 * UUID_TEXT_BYTES + 2 * trade->exchange.size +
                   trade->symbol.size + trade->currency.size + trade->order_type.size;

    for (size_t i = 0; i < trade->vendor_count; i++)
        bytes += PAIR_BYTES_MAX + trade->vendor[i].key.size + trade->vendor[i].value.size;
    buf_reserve(out, bytes);
}

static void put_header(struct buf *out, int32_t schema_id)
{
    uint8_t *at = buf_extend(out, TRADE_HEADER_BYTES);

    at[0] = 0;
    store_be32(at + 1, (uint32_t)schema_id);
}

/* EXCHANGE-number, or EXCHANGE-message_id where there is no number. */
static void put_trade_id(const struct trade *trade, struct buf *out)
{
    char reversed[20], digits[20];
    struct span id = span_of(trade->message_id, UUID_TEXT_BYTES - 1);

    if (trade->trade_id >= 0) {
        int64_t rest = trade->trade_id;
        size_t count = 0;

        do {
            reversed[count++] = (char)('0' + rest % 10);
            rest /= 10;
        } while (rest > 0);
        for (size_t i = 0; i < count; i++)
            digits[i] = reversed[count - 1 - i];
        id = span_of(digits, count);
    }
    avro_put_long(out, (int64_t)(trade->exchange.size + 1 + id.size));
    buf_put_span(out, trade->exchange);
    buf_put_byte(out, '-');
    buf_put_span(out, id);
}

static void put_conditions(struct span order_type, struct buf *out)
{
    if (order_type.size > 0) {
        avro_put_long(out, 1);
        avro_put_bytes(out, order_type);
    }
    avro_put_long(out, 0);
}

static void put_optional_long(int64_t value, bool present, struct buf *out)
{
    avro_put_long(out, present);
    if (present)
        avro_put_long(out, value);
}

static void put_vendor(const struct trade_pair *pairs, size_t count, struct buf *out)
{
    avro_put_long(out, count > 0);
    if (count == 0)
        return;
    avro_put_long(out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        avro_put_bytes(out, pairs[i].key);
        avro_put_bytes(out, pairs[i].value);
    }
    avro_put_long(out, 0);
}

void trade_encode(const struct trade *trade, int32_t schema_id, struct buf *out)
{
    reserve(trade, out);
    put_header(out, schema_id);
    avro_put_bytes(out, span_of(trade->message_id, UUID_TEXT_BYTES - 1));
    put_trade_id(trade, out);
    avro_put_bytes(out, trade->symbol);
    avro_put_bytes(out, trade->exchange);
    avro_put_long(out, TRADE_SCHEMA_CRYPTO);
    avro_put_long(out, trade->timestamp_us);
    avro_put_decimal(out, trade->price);
    avro_put_decimal(out, trade->quantity);
    avro_put_bytes(out, trade->currency);
    avro_put_long(out, (int64_t)trade->side);
    put_conditions(trade->order_type, out);
    put_optional_long(trade->trade_id, trade->trade_id >= 0, out);
    avro_put_long(out, trade->ingestion_timestamp_us);
    put_optional_long(trade->platform_sequence, true, out);
    put_vendor(trade->vendor, trade->vendor_count, out);
}
