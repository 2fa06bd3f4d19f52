// SPDX-License-Identifier: Apache-2.0
/*
 * trade_tool.c: trades for foreign Avro readers to judge, and foreign Avro judged by us.
 *
 *   trade_tool schema
 *   trade_tool id EXCHANGE SYMBOL NUMBER         message_id, or "refused"
 *   trade_tool encode binance|kraken SEED COUNT  a record in hex, a tab, its trade as JSON
 *   trade_tool decode SCHEMA.avsc                records in hex on stdin; each row as JSON, or
 *                                                "reject"
 *
 * Decimals are texts with 18 digits, times are microseconds.
 */
#include "core/decimal.h"
#include "core/json.h"
#include "lib/generate.h"
#include "trade/trade_decode.h"
#include "trade/trade_encode.h"
#include "trade/trade_schema.h"

#include <inttypes.h>
#include <string.h>

enum { SCHEMA_ID = 0x01020304, LINE_BYTES_MAX = 1 << 20 };

static void put_name(struct buf *out, enum trade_field field)
{
    buf_printf(out, "%c\"%s\":", field == 0 ? '{' : ',', trade_field_name(field));
}

static void put_text_field(struct buf *out, enum trade_field field, struct span text)
{
    put_name(out, field);
    json_quote(text, out);
}

static void put_integer_field(struct buf *out, enum trade_field field, int64_t value)
{
    put_name(out, field);
    buf_printf(out, "%" PRId64, value);
}

static void put_decimal(struct buf *out, int128 value)
{
    char text[DECIMAL_TEXT_BYTES_MAX];

    if (value == TRADE_INEXACT_POSITIVE || value == TRADE_INEXACT_NEGATIVE)
        buf_put_text(out, value > 0 ? "\"inexact\"" : "\"-inexact\"");
    else
        json_quote(span_of(text, decimal_format(value, TRADE_WIRE_SCALE, text)), out);
}

static void put_pairs(struct buf *out, const struct trade_pair *pairs, size_t count)
{
    buf_put_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        buf_put_text(out, i == 0 ? "" : ",");
        json_quote(pairs[i].key, out);
        buf_put_byte(out, ':');
        json_quote(pairs[i].value, out);
    }
    buf_put_byte(out, '}');
}

/* What the record must say, from the trade and not from its encoding. */
static void put_trade(struct buf *out, const struct trade *trade)
{
    static const char *const sides[] = { "BUY", "SELL", "SELL_SHORT", "UNKNOWN" };
    char id[64];

    snprintf(id, sizeof(id), "%.*s-%" PRId64, SPAN_ARGS(trade->exchange), trade->trade_id);
    put_text_field(out, TRADE_MESSAGE_ID, span_text(trade->message_id));
    put_text_field(out, TRADE_TRADE_ID, span_text(id));
    put_text_field(out, TRADE_SYMBOL, trade->symbol);
    put_text_field(out, TRADE_EXCHANGE, trade->exchange);
    put_text_field(out, TRADE_ASSET_CLASS, SPAN("crypto"));
    put_integer_field(out, TRADE_TIMESTAMP, trade->timestamp_us);
    put_name(out, TRADE_PRICE);
    put_decimal(out, trade->price);
    put_name(out, TRADE_QUANTITY);
    put_decimal(out, trade->quantity);
    put_text_field(out, TRADE_CURRENCY, trade->currency);
    put_text_field(out, TRADE_SIDE, span_text(sides[trade->side]));
    put_name(out, TRADE_TRADE_CONDITIONS);
    buf_put_byte(out, '[');
    if (trade->order_type.size > 0)
        json_quote(trade->order_type, out);
    buf_put_byte(out, ']');
    put_integer_field(out, TRADE_SOURCE_SEQUENCE, trade->trade_id);
    put_integer_field(out, TRADE_INGESTION_TIMESTAMP, trade->ingestion_timestamp_us);
    put_integer_field(out, TRADE_PLATFORM_SEQUENCE, trade->platform_sequence);
    put_name(out, TRADE_VENDOR_DATA);
    if (trade->vendor_count > 0)
        put_pairs(out, trade->vendor, trade->vendor_count);
    else
        buf_put_text(out, "null");
    buf_put_byte(out, '}');
}

static int encode(const char *exchange, uint64_t seed, int count)
{
    bool kraken = strcmp(exchange, "kraken") == 0;
    struct buf record = BUF_INIT, line = BUF_INIT;
    struct generate generate;

    generate_init(&generate, kraken ? GENERATE_KRAKEN : GENERATE_BINANCE, seed,
                  INT64_C(1723161255342123), 50);
    for (int i = 0; i < count; i++) {
        struct trade trade;

        generate_next(&generate, &trade);
        buf_clear(&record);
        buf_clear(&line);
        trade_encode(&trade, SCHEMA_ID, &record);
        for (size_t b = 0; b < record.size; b++)
            buf_printf(&line, "%02x", record.data[b]);
        buf_put_byte(&line, '\t');
        put_trade(&line, &trade);
        puts(buf_text(&line));
    }
    buf_deinit(&record);
    buf_deinit(&line);
    return 0;
}

static void put_entries(struct buf *out, const struct column *column)
{
    bool is_map = column->type == COLUMN_MAP;
    size_t end = (size_t)column_offsets(column)[1];

    buf_put_byte(out, is_map ? '{' : '[');
    for (size_t i = 0; i < end; i++) {
        buf_put_text(out, i == 0 ? "" : ",");
        json_quote(column_bytes(column->child[0], i), out);
        if (is_map) {
            buf_put_byte(out, ':');
            json_quote(column_bytes(column->child[1], i), out);
        }
    }
    buf_put_byte(out, is_map ? '}' : ']');
}

/* The one row of a batch. */
static void put_row(struct buf *out, const struct trade_batch *batch)
{
    for (int i = 0; i < TRADE_FIELDS; i++) {
        const struct column *column = &batch->column[i];

        put_name(out, (enum trade_field)i);
        if (column_is_null(column, 0))
            buf_put_text(out, "null");
        else if (column->type == COLUMN_INT64)
            buf_printf(out, "%" PRId64, column_int64(column, 0));
        else if (column->type == COLUMN_DECIMAL)
            put_decimal(out, column_decimal(column, 0));
        else if (column->type == COLUMN_BYTES)
            json_quote(column_bytes(column, 0), out);
        else
            put_entries(out, column);
    }
    buf_put_byte(out, '}');
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to the end of the line. */
static void read_hex(const char *text, struct buf *out)
{
    buf_clear(out);
    for (; hex_value(text[0]) >= 0 && hex_value(text[1]) >= 0; text += 2)
        buf_put_byte(out, (uint8_t)(hex_value(text[0]) << 4 | hex_value(text[1])));
}

static void decode_line(const struct trade_decoder *decoder, struct span record)
{
    struct buf line = BUF_INIT;
    struct trade_batch batch;
    struct span body;
    int32_t schema_id;
    struct err err = { 0 };

    trade_batch_init(&batch);
    if (trade_decode_header(record, &schema_id, &body) &&
        trade_decode(decoder, body, &batch, &err) == 0)
        put_row(&line, &batch);
    else
        buf_put_text(&line, "reject");
    puts(buf_text(&line));
    trade_batch_deinit(&batch);
    buf_deinit(&line);
}

static int decode(const char *path)
{
    static char line[LINE_BYTES_MAX];
    struct arena arena = ARENA_INIT;
    const struct avro_schema *schema = NULL;
    const struct trade_decoder *decoder = NULL;
    struct buf record = BUF_INIT;
    struct err err = { 0 };
    FILE *file = fopen(path, "r");
    size_t size;
    int rc = 1;

    if (file == NULL) {
        perror(path);
        return 1;
    }
    size = fread(line, 1, sizeof(line), file);
    fclose(file);
    if (avro_schema_parse(&arena, span_of(line, size), &schema, &err) < 0 ||
        trade_decoder_compile(&arena, schema, &decoder, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        goto out;
    }
    while (fgets(line, sizeof(line), stdin) != NULL) {
        read_hex(line, &record);
        decode_line(decoder, buf_span(&record));
    }
    rc = 0;
out:
    buf_deinit(&record);
    arena_deinit(&arena);
    return rc;
}

static int print_id(const char *exchange, const char *symbol, int64_t number)
{
    struct trade_id_prefix prefix = trade_id_prefix(span_text(exchange), span_text(symbol));
    char text[UUID_TEXT_BYTES];

    puts(trade_id_format(&prefix, number, text) ? text : "refused");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "schema") == 0)
        return printf("%.*s\n", SPAN_ARGS(trade_schema_json())) < 0;
    if (argc == 5 && strcmp(argv[1], "id") == 0)
        return print_id(argv[2], argv[3], strtoll(argv[4], NULL, 10));
    if (argc == 5 && strcmp(argv[1], "encode") == 0)
        return encode(argv[2], strtoull(argv[3], NULL, 10), atoi(argv[4]));
    if (argc == 3 && strcmp(argv[1], "decode") == 0)
        return decode(argv[2]);
    fprintf(stderr, "usage: trade_tool schema | id | encode | decode, see trade_tool.c\n");
    return 2;
}
