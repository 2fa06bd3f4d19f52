// SPDX-License-Identifier: Apache-2.0
/* trade_decode.c: one run of the compiled Avro program, then one cell into each column.  What the
 * program cannot see (UTF-8, a time's range, a list's items) is tested while putting, and a row
 * that fails there is taken back. */
#include "trade/trade_decode.h"
#include "codec/avro_decode.h"
#include "codec/avro_resolve.h"
#include "core/decimal.h"
#include "core/micros.h"
#include "core/num.h"
#include "core/utf8.h"
#include "trade/trade_encode.h"

struct trade_decoder {
    const struct avro_program *program;
    const struct avro_schema *record;  /* the writer's, resolved */
    int64_t time_factor[TRADE_FIELDS]; /* of the two times: a unit of the writer's, in microseconds;
                                          NANOS: a thousandth of one */
    int32_t scale[TRADE_FIELDS];       /* of price and quantity: the writer's */
    const struct avro_program *item[TRADE_FIELDS]; /* of list and map: a text that is none in the
                                                      writer's encoding; NULL: plain texts */
};

enum { NANOS = -1000 };

/* The reader: a trade of which any field may be null or missing, because what is not there is for
 * the rules to judge, each by its own name.  Texts for the two enums: the same. */
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":[\"null\"," type "],\"default\":null}"
#define TEXT(name)        FIELD(name, "\"string\"")
#define LONG(name)        FIELD(name, "\"long\"")
#define TIME(name)        FIELD(name, "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}")
#define DECIMAL(name)                                                                              \
    FIELD(name, "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":38,\"scale\":18}")

static const char reader_json[] = "{\"type\":\"record\",\"name\":\"TradeV2\",\"fields\":["
    /* clang-format off */
    TEXT("message_id") "," TEXT("trade_id") "," TEXT("symbol") "," TEXT("exchange") ","
    TEXT("asset_class") "," TIME("timestamp") "," DECIMAL("price") "," DECIMAL("quantity") ","
    TEXT("currency") "," TEXT("side") ","
    "{\"name\":\"trade_conditions\",\"default\":[],"
      "\"type\":[{\"type\":\"array\",\"items\":\"string\"},\"null\"]},"
    LONG("source_sequence") "," TIME("ingestion_timestamp") "," LONG("platform_sequence") ","
    FIELD("vendor_data", "{\"type\":\"map\",\"values\":\"string\"}")
    /* clang-format on */
    "]}";

static const struct avro_wish wishes[TRADE_FIELDS] = {
    [TRADE_MESSAGE_ID] = { .path = "message_id", .type = AVRO_STRING },
    [TRADE_TRADE_ID] = { .path = "trade_id", .type = AVRO_STRING },
    [TRADE_SYMBOL] = { .path = "symbol", .type = AVRO_STRING },
    [TRADE_EXCHANGE] = { .path = "exchange", .type = AVRO_STRING },
    [TRADE_ASSET_CLASS] = { .path = "asset_class", .type = AVRO_STRING },
    [TRADE_TIMESTAMP] = { .path = "timestamp", .type = AVRO_LONG },
    [TRADE_PRICE] = { .path = "price", .type = AVRO_BYTES },
    [TRADE_QUANTITY] = { .path = "quantity", .type = AVRO_BYTES },
    [TRADE_CURRENCY] = { .path = "currency", .type = AVRO_STRING },
    [TRADE_SIDE] = { .path = "side", .type = AVRO_STRING },
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
    if (is_logical(schema, "timestamp-micros"))
        *factor = 1;
    else if (is_logical(schema, "timestamp-millis"))
        *factor = 1000;
    else if (is_logical(schema, "timestamp-nanos"))
        *factor = NANOS;
    else
        return err_set(err, ERR_CORRUPT, "a time as %s", schema->logical);
    return 0;
}

static int learn_decimal(const struct avro_schema *schema, int32_t *scale, struct err *err)
{
    if (schema->scale < 0 || schema->scale > DECIMAL_DIGITS_MAX)
        return err_set(err, ERR_CORRUPT, "scale %d", schema->scale);
    *scale = schema->scale;
    return 0;
}

/* Items that are a union, say, are read by a program of their own. */
static int learn_items(struct arena *arena, const struct avro_schema *schema,
                       const struct avro_program **item, struct err *err)
{
    static const struct avro_wish text = { .path = "", .type = AVRO_STRING, .required = true };
    enum avro_type type = schema->branch[0]->type;

    if (type == AVRO_STRING || type == AVRO_BYTES)
        return 0;
    return avro_program_compile(arena, schema->branch[0], &text, 1, item, err);
}

/* What the program leaves open about a field: unit, scale, type of the items. */
static int learn_field(struct arena *arena, struct trade_decoder *decoder, enum trade_field field,
                       struct err *err)
{
    const struct avro_schema *schema = avro_program_schema(decoder->program, field);

    decoder->time_factor[field] = 1;
    if (schema == NULL) /* always null */
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
        return learn_items(arena, schema, &decoder->item[field], err);
    default:
        return 0;
    }
}

/* A schema of which no field is a trade's has nothing to say to the rules. */
static int check_shared(const struct avro_schema *record, struct err *err)
{
    for (size_t i = 0; record != NULL && i < record->count; i++)
        if (record->field[i].role == AVRO_ROLE_READ)
            return 0;
    return err_set(err, ERR_CORRUPT, "no field of a trade");
}

void trade_decoder_missing(const struct trade_decoder *decoder, struct buf *out)
{
    size_t begin = out->size;

    for (int i = 0; i < TRADE_FIELDS; i++) {
        const char *name = trade_field_name((enum trade_field)i);

        if (i != TRADE_TRADE_CONDITIONS && i != TRADE_SOURCE_SEQUENCE &&
            i != TRADE_PLATFORM_SEQUENCE && i != TRADE_VENDOR_DATA &&
            avro_schema_field(decoder->record, name)->role == AVRO_ROLE_CONSTANT)
            buf_printf(out, "%s%s", out->size > begin ? "," : "", name);
    }
}

static int resolve(struct arena *arena, const struct avro_schema *writer,
                   const struct avro_schema **out, struct err *err)
{
    const struct avro_schema *present = avro_schema_present(writer);
    const struct avro_schema *reader;
    struct avro_schema any;

    if (avro_schema_parse(arena, span_text(reader_json), &reader, err) < 0)
        return -1;
    any = *reader;
    if (present != NULL && present->name != NULL)
        any.name = present->name; /* the record may be called as it likes */
    return avro_resolve(arena, writer, &any, out, err);
}

int trade_decoder_compile(struct arena *arena, const struct avro_schema *writer,
                          const struct trade_decoder **out, struct err *err)
{
    struct trade_decoder *decoder = arena_zero(arena, 1, sizeof(*decoder));
    const struct avro_schema *resolved;

    if (resolve(arena, writer, &resolved, err) < 0)
        return err_wrap(err, "trade schema");
    decoder->record = avro_schema_present(resolved);
    if (check_shared(decoder->record, err) < 0 ||
        avro_program_compile(arena, resolved, wishes, TRADE_FIELDS, &decoder->program, err) < 0)
        return err_wrap(err, "trade schema");
    for (int i = 0; i < TRADE_FIELDS; i++)
        if (learn_field(arena, decoder, (enum trade_field)i, err) < 0)
            return err_wrap(err, "trade schema: %s", trade_field_name((enum trade_field)i));
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
    if (factor == NANOS && value % 1000 != 0)
        return err_set(err, ERR_REJECT, "a time finer than a microsecond");
    if (factor == NANOS)
        value /= 1000;
    else if (__builtin_mul_overflow(value, factor, &value))
        return err_set(err, ERR_REJECT, "a time out of range");
    column_put_int64(column, value);
    return 0;
}

/* No rule asks about ingest's time, and one that readers cannot show would make the whole table
 * unreadable to them. */
static int check_calendar(const struct column *column, struct err *err)
{
    int64_t us = column_int64(column, column->rows - 1);

    if (us < MICROS_MIN || us > MICROS_MAX)
        return err_set(err, ERR_REJECT, "a time out of range");
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

static int get_item(struct span *in, const struct avro_program *program, struct span *text,
                    struct err *err)
{
    struct avro_cell cell;

    if (program == NULL)
        return avro_get_bytes(in, text, err);
    if (avro_program_run(program, in, &cell, err) < 0)
        return -1;
    *text = cell.bytes;
    return 0;
}

/* A list's texts, or a map's keys and values in turn; the last of them by `program`. */
static int put_items(struct column *column, struct span blocks, const struct avro_program *program,
                     struct err *err)
{
    int texts = column->type == COLUMN_MAP ? 2 : 1;
    struct avro_items items;
    struct span text;
    int rc;

    avro_items_init(&items, blocks);
    while ((rc = avro_items_next(&items, err)) == AVRO_ITEM) {
        for (int i = 0; i < texts; i++)
            if (get_item(&items.rest, i + 1 == texts ? program : NULL, &text, err) < 0 ||
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
        column_put_null(column);
        return 0;
    }
    switch (column->type) {
    case COLUMN_INT64:
        if (put_integer(column, cell->integer, decoder->time_factor[field], err) < 0)
            return -1;
        return field == TRADE_INGESTION_TIMESTAMP ? check_calendar(column, err) : 0;
    case COLUMN_DECIMAL:
        put_decimal(column, cell->bytes, decoder->scale[field]);
        return 0;
    case COLUMN_BYTES:
        return put_text(column, cell->bytes, err);
    default:
        return put_items(column, cell->bytes, decoder->item[field], err);
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
