// SPDX-License-Identifier: Apache-2.0
/* trade.c: the 15 fields, once, and batches of them. */
#include "trade/trade.h"

static const struct {
    const char *name;
    enum column_type type;
} fields[TRADE_FIELDS] = {
    [TRADE_MESSAGE_ID] = { "message_id", COLUMN_BYTES },
    [TRADE_TRADE_ID] = { "trade_id", COLUMN_BYTES },
    [TRADE_SYMBOL] = { "symbol", COLUMN_BYTES },
    [TRADE_EXCHANGE] = { "exchange", COLUMN_BYTES },
    [TRADE_ASSET_CLASS] = { "asset_class", COLUMN_BYTES },
    [TRADE_TIMESTAMP] = { "timestamp", COLUMN_INT64 },
    [TRADE_PRICE] = { "price", COLUMN_DECIMAL },
    [TRADE_QUANTITY] = { "quantity", COLUMN_DECIMAL },
    [TRADE_CURRENCY] = { "currency", COLUMN_BYTES },
    [TRADE_SIDE] = { "side", COLUMN_BYTES },
    [TRADE_TRADE_CONDITIONS] = { "trade_conditions", COLUMN_LIST },
    [TRADE_SOURCE_SEQUENCE] = { "source_sequence", COLUMN_INT64 },
    [TRADE_INGESTION_TIMESTAMP] = { "ingestion_timestamp", COLUMN_INT64 },
    [TRADE_PLATFORM_SEQUENCE] = { "platform_sequence", COLUMN_INT64 },
    [TRADE_VENDOR_DATA] = { "vendor_data", COLUMN_MAP },
};

const char *trade_field_name(enum trade_field field)
{
    return fields[field].name;
}

enum column_type trade_field_type(enum trade_field field)
{
    return fields[field].type;
}

void trade_batch_init(struct trade_batch *batch)
{
    batch->rows = 0;
    for (int i = 0; i < TRADE_FIELDS; i++)
        column_init(&batch->column[i], fields[i].type);
}

void trade_batch_deinit(struct trade_batch *batch)
{
    batch->rows = 0;
    for (int i = 0; i < TRADE_FIELDS; i++)
        column_deinit(&batch->column[i]);
}

void trade_batch_clear(struct trade_batch *batch)
{
    batch->rows = 0;
    for (int i = 0; i < TRADE_FIELDS; i++)
        column_clear(&batch->column[i]);
}

void trade_batch_put_nulls(struct trade_batch *batch)
{
    for (int i = 0; i < TRADE_FIELDS; i++)
        column_put_null(&batch->column[i]);
    batch->rows++;
}

void trade_batch_truncate(struct trade_batch *batch, size_t rows)
{
    batch->rows = rows;
    for (int i = 0; i < TRADE_FIELDS; i++)
        column_truncate(&batch->column[i], rows);
}
