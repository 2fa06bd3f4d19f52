// SPDX-License-Identifier: Apache-2.0
/* trade_decode.c: one run of the compiled Avro program, then one cell into each column.  What the
 * program cannot see (UTF-8, a time's range, a list's items) is tested while putting, and a row
 * that fails there is taken back. */
#include "trade/trade_decode.h"
#include "codec/avro_decode.h"
#include "core/decimal.h"
#include "core/num.h"
#include "core/utf8.h"
#include "trade/trade_encode.h"

struct trade_decoder {
    const struct avro_program *program;
    int64_t
        time_factor[TRADE_FIELDS]; /* of the two times: a unit of the writer's, in microseconds */
    int32_t scale[TRADE_FIELDS];   /* of price and quantity: the writer's */
    bool absent[TRADE_FIELDS];     /* the writer has no such field */
};

static const struct avro_wish wishes[TRADE_FIELDS] = {
    [TRADE_MESSAGE_ID] = { .path = "message_id", .type = AVRO_STRING },
    [TRADE_TRADE_ID] = { .path = "trade_id", .type = AVRO_STRING },
    [TRADE_SYMBOL] = { .path = "symbol", .type = AVRO_STRING },
    [TRADE_EXCHANGE] = { .path = "exchange", .type = AVRO_STRING },
    [TRADE_ASSET_CLASS] = { .path = "asset_class", .type = AVRO_ENUM },
    [TRADE_TIMESTAMP] = { .path = "timestamp", .type = AVRO_LONG },
    [TRADE_PRICE] = { .path = "price", .type = AVRO_BYTES },
    [TRADE_QUANTITY] = { .path = "quantity", .type = AVRO_BYTES },
    [TRADE_CURRENCY] = { .path = "currency", .type = AVRO_STRING },
    [TRADE_SIDE] = { .path = "side", .type = AVRO_ENUM },
    [TRADE_TRADE_CONDITIONS] = { .path = "trade_conditions", .type = AVRO_ARRAY },
    [TRADE_SOURCE_SEQUENCE] = { .path = "source_sequence", .type = AVRO_LONG },
    [TRADE_INGESTION_TIMESTAMP] = { .path = "ingestion_timestamp", .type = AVRO_LONG },
    [TRADE_PLATFORM_SEQUENCE] = { .path = "platform_sequence", .type = AVRO_LONG },
    [TRADE_VENDOR_DATA] = { .path = "vendor_data", .type = AVRO_MAP },
};

bool trade_decode_header(struct span record, int32_t *schema_id, struct span *body)
{
    if (record.size < TRADE_HEADER_BYTES || record.data[0] != 0)
        return false;
    *schema_id = (int32_t)load_be32(record.data + 1);
    *body = span_of(record.data + TRADE_HEADER_BYTES, record.size - TRADE_HEADER_BYTES);
    return true;
}

static bool is_logical(const struct avro_schema *schema, const char *name)
{
    return schema->logical != NULL && strcmp(schema->logical, name) == 0;
}

static int learn_time(const struct avro_schema *schema, int64_t *factor, struct err *err)
{
    if (schema->logical == NULL || is_logical(schema, "timestamp-micros"))
        *factor = 1;
    else if (is_logical(schema, "timestamp-millis"))
        *factor = 1000;
    else
        return err_set(err, ERR_CORRUPT, "a time as %s", schema->logical);
    return 0;
}

static int learn_decimal(const struct avro_schema *schema, int32_t *scale, struct err *err)
{
    if (!is_logical(schema, "decimal"))
        return err_set(err, ERR_CORRUPT, "no decimal");
    if (schema->scale < 0 || schema->scale > DECIMAL_DIGITS_MAX)
        return err_set(err, ERR_CORRUPT, "scale %d", schema->scale);
    *scale = schema->scale;
    return 0;
}

static int learn_text_items(const struct avro_schema *schema, struct err *err)
{
    enum avro_type type = schema->branch[0]->type;

    if (type != AVRO_STRING && type != AVRO_BYTES)
        return err_set(err, ERR_CORRUPT, "items that are not text");
    return 0;
}

/* What the program leaves open about a field: unit, scale, type of the items. */
static int learn_field(struct trade_decoder *decoder, enum trade_field field, struct err *err)
{
    const struct avro_schema *schema = avro_program_schema(decoder->program, field);

    decoder->absent[field] = schema == NULL;
    if (schema == NULL)
        return 0;
    switch (field) {
    case TRADE_TIMESTAMP:
    case TRADE_INGESTION_TIMESTAMP:
        return learn_time(schema, &decoder->time_factor[field], err);
    case TRADE_PRICE:
    case TRADE_QUANTITY:
        return learn_decimal(schema, &decoder->scale[field], err);
    case TRADE_TRADE_CONDITIONS:
    case TRADE_VENDOR_DATA:
        return learn_text_items(schema, err);
    default:
        return 0;
    }
}

int trade_decoder_compile(struct arena *arena, const struct avro_schema *writer,
                          const struct trade_decoder **out, struct err *err)
{
    struct trade_decoder *decoder = arena_zero(arena, 1, sizeof(*decoder));

    if (avro_program_compile(arena, writer, wishes, TRADE_FIELDS, &decoder->program, err) < 0)
        return err_wrap(err, "trade schema");
    for (int i = 0; i < TRADE_FIELDS; i++) {
        decoder->time_factor[i] = 1;
        if (learn_field(decoder, (enum trade_field)i, err) < 0)
            return err_wrap(err, "trade schema: %s", trade_field_name((enum trade_field)i));
    }
    *out = decoder;
    return 0;
}

static int put_text(struct column *column, struct span text, struct err *err)
{
    if (!utf8_valid(text))
        return err_set(err, ERR_REJECT, "text that is not UTF-8");
    column_put_bytes(column, text);
    return 0;
}

static int put_integer(struct column *column, int64_t value, int64_t factor, struct err *err)
{
    if (__builtin_mul_overflow(value, factor, &value))
        return err_set(err, ERR_REJECT, "a time out of range");
    column_put_int64(column, value);
    return 0;
}

static void put_decimal(struct column *column, struct span bytes, int32_t scale)
{
    bool negative = bytes.size > 0 && bytes.data[0] >= 0x80;
    int128 value;

    if (!avro_decimal(bytes, &value) ||
        decimal_rescale(value, scale, TRADE_WIRE_SCALE, &value) != 0)
        value = negative ? TRADE_INEXACT_NEGATIVE : TRADE_INEXACT_POSITIVE;
    column_put_decimal(column, value);
}

/* A list's texts, or a map's keys and values in turn. */
static int put_items(struct column *column, struct span blocks, struct err *err)
{
    int texts = column->type == COLUMN_MAP ? 2 : 1;
    struct avro_items items;
    struct span text;
    int rc;

    avro_items_init(&items, blocks);
    while ((rc = avro_items_next(&items, err)) == AVRO_ITEM) {
        for (int i = 0; i < texts; i++)
            if (avro_get_bytes(&items.rest, &text, err) < 0 ||
                put_text(column->child[i], text, err) < 0)
                return -1;
    }
    if (rc == 0)
        column_put_entries(column);
    return rc;
}

static int put_cell(const struct trade_decoder *decoder, enum trade_field field,
                    const struct avro_cell *cell, struct column *column, struct err *err)
{
    if (cell->is_null) {
        if (field == TRADE_TRADE_CONDITIONS && decoder->absent[field])
            column_put_entries(column);
        else
            column_put_null(column);
        return 0;
    }
    switch (column->type) {
    case COLUMN_INT64:
        return put_integer(column, cell->integer, decoder->time_factor[field], err);
    case COLUMN_DECIMAL:
        put_decimal(column, cell->bytes, decoder->scale[field]);
        return 0;
    case COLUMN_BYTES:
        return put_text(column, cell->bytes, err);
    default:
        return put_items(column, cell->bytes, err);
    }
}

int trade_decode(const struct trade_decoder *decoder, struct span body, struct trade_batch *batch,
                 struct err *err)
{
    struct avro_cell cells[TRADE_FIELDS];

    if (avro_program_run(decoder->program, &body, cells, err) < 0)
        return err_wrap(err, "trade");
    if (body.size > 0)
        return err_set(err, ERR_REJECT, "trade: %zu bytes behind the record", body.size);
    for (int i = 0; i < TRADE_FIELDS; i++) {
        enum trade_field field = (enum trade_field)i;

        if (put_cell(decoder, field, &cells[i], &batch->column[i], err) < 0) {
            trade_batch_truncate(batch, batch->rows);
            return err_wrap(err, "trade: %s", trade_field_name(field));
        }
    }
    batch->rows++;
    return 0;
}
