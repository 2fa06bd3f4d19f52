// SPDX-License-Identifier: Apache-2.0
/*
 * tables.h: the tables of the chain: their columns, partitions and names (docs/tables.md).
 *
 * Field ids count the columns from 1 and then the elements inside lists and maps, as Iceberg's
 * createTable would.  Columns are `required` only where no row can be null.
 */
#ifndef K2_STAGE_TABLES_H
#define K2_STAGE_TABLES_H

#include "iceberg/ice_definition.h"
#include "protocol/chain.h"
#include "trade/trade.h"

enum bronze_column {
    BRONZE_RAW_BYTES,
    BRONZE_TOPIC,
    BRONZE_PARTITION,
    BRONZE_OFFSET,
    BRONZE_KAFKA_TIMESTAMP,
    BRONZE_INGESTION_TIMESTAMP,
    BRONZE_INGESTION_DATE,
    BRONZE_COLUMNS,
};

/* Behind the 15 fields of enum trade_field. */
enum silver_column {
    SILVER_VALIDATION_TIMESTAMP = TRADE_FIELDS,
    SILVER_BRONZE_INGESTION_TIMESTAMP,
    SILVER_SCHEMA_ID,
    SILVER_KAFKA_PARTITION,
    SILVER_KAFKA_OFFSET,
    SILVER_REPLAY_ID,
    SILVER_COLUMNS,
};

enum dead_letter_column {
    DEAD_RAW_RECORD,
    DEAD_ERROR_REASON,
    DEAD_ERROR_TYPE,
    DEAD_ERROR_TIMESTAMP,
    DEAD_BRONZE_SOURCE,
    DEAD_KAFKA_TOPIC,
    DEAD_KAFKA_PARTITION,
    DEAD_KAFKA_OFFSET,
    DEAD_SCHEMA_ID,
    DEAD_DATE,
    DEAD_COLUMNS,
};

enum gold_column {
    GOLD_INGESTION_TIMESTAMP = TRADE_FIELDS,
    GOLD_EXCHANGE_DATE,
    GOLD_EXCHANGE_HOUR,
    GOLD_COLUMNS,
};

/* Precision and scale of price and quantity as tables are made. */
enum { TABLES_DECIMAL_PRECISION = 18, TABLES_DECIMAL_SCALE = 8 };

#define TABLES_DEAD_LETTERS "silver_dlq_trades"
#define TABLES_GOLD         "gold_crypto_trades"

/* The definition with the given name (borrowed). */
struct ice_definition tables_bronze(const char *name);
struct ice_definition tables_silver(const char *name);
struct ice_definition tables_dead_letters(void);
struct ice_definition tables_gold(void);

/* Where rows name their origin. */
struct chain_origin tables_bronze_origin(void);
struct chain_origin tables_silver_origin(const char *topic);
struct chain_origin tables_dead_letters_origin(void);
struct chain_origin tables_gold_origin(void);

/* Properties that a table of ours is made with: none names a column that it lacks, which a REST
 * catalog would refuse. */
const struct ice_pair *tables_properties(const struct ice_definition *definition, size_t *count);

/* The footer of each data file of ours. */
const struct parquet_pair *tables_footer(size_t *count);

/* The names that belong to one exchange, in the arena. */
struct tables_names {
    const char *exchange;   /* "binance" */
    const char *topic;      /* "market.crypto.trades.binance" */
    const char *dead_topic; /* "market.crypto.trades.binance.dlq" */
    const char *bronze;     /* "bronze_binance_trades" */
    const char *silver;     /* "silver_binance_trades" */
    const char *ingest;     /* "ingest_binance": bronze_source of raw frames */
};
void tables_names(struct tables_names *names, struct arena *arena, const char *exchange);

#endif
