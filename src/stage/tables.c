// SPDX-License-Identifier: Apache-2.0
/*
 * tables.c: the columns, once.
 *
 * Encodings (reference: measured in bytes and ns a row): dictionaries where values recur, prices
 * and sizes included; PLAIN for ids and times, where trying a dictionary costs time and bytes.
 * message_id has no bounds anywhere: its order means nothing, and they would cost 72 bytes a file.
 */
#include "stage/tables.h"

#define REQUIRED(name_, id_, kind_, encoding_)                                                     \
    {                                                                                              \
        .name = name_, .field_id = id_, .kind = kind_, .required = true, .encoding = encoding_     \
    }
#define OPTIONAL(name_, id_, kind_, encoding_)                                                     \
    {                                                                                              \
        .name = name_, .field_id = id_, .kind = kind_, .encoding = encoding_                       \
    }
#define DECIMAL(name_, id_)                                                                        \
    {                                                                                              \
        .name = name_, .field_id = id_, .kind = PARQUET_DECIMAL, .required = true,                 \
        .encoding = PARQUET_DICTIONARY, .precision = TABLES_DECIMAL_PRECISION,                     \
        .scale = TABLES_DECIMAL_SCALE                                                              \
    }

/* The 15 fields; ids inside list and map come after the table's last column. */
#define TRADE_COLUMNS(element_id, key_id, value_id)                                                \
    { .name = "message_id",                                                                        \
      .field_id = 1,                                                                               \
      .kind = PARQUET_STRING,                                                                      \
      .required = true,                                                                            \
      .no_bounds = true },                                                                         \
        REQUIRED("trade_id", 2, PARQUET_STRING, PARQUET_PLAIN),                                    \
        REQUIRED("symbol", 3, PARQUET_STRING, PARQUET_DICTIONARY),                                 \
        REQUIRED("exchange", 4, PARQUET_STRING, PARQUET_DICTIONARY),                               \
        REQUIRED("asset_class", 5, PARQUET_STRING, PARQUET_DICTIONARY),                            \
        REQUIRED("timestamp", 6, PARQUET_TIMESTAMPTZ, PARQUET_PLAIN), DECIMAL("price", 7),         \
        DECIMAL("quantity", 8), REQUIRED("currency", 9, PARQUET_STRING, PARQUET_DICTIONARY),       \
        REQUIRED("side", 10, PARQUET_STRING, PARQUET_DICTIONARY),                                  \
        { .name = "trade_conditions",                                                              \
          .field_id = 11,                                                                          \
          .kind = PARQUET_LIST,                                                                    \
          .required = true,                                                                        \
          .encoding = PARQUET_DICTIONARY,                                                          \
          .child_id = { element_id, 0 } },                                                         \
        OPTIONAL("source_sequence", 12, PARQUET_LONG, PARQUET_PLAIN),                              \
        REQUIRED("ingestion_timestamp", 13, PARQUET_TIMESTAMPTZ, PARQUET_PLAIN),                   \
        OPTIONAL("platform_sequence", 14, PARQUET_LONG, PARQUET_PLAIN),                            \
    {                                                                                              \
        .name = "vendor_data", .field_id = 15, .kind = PARQUET_MAP,                                \
        .encoding = PARQUET_DICTIONARY, .child_id = {                                              \
            key_id,                                                                                \
            value_id                                                                               \
        }                                                                                          \
    }

static const struct parquet_field bronze_fields[BRONZE_COLUMNS] = {
    { .name = "raw_bytes", .field_id = 1, .kind = PARQUET_BINARY, .no_bounds = true },
    REQUIRED("topic", 2, PARQUET_STRING, PARQUET_DICTIONARY),
    REQUIRED("partition", 3, PARQUET_INT, PARQUET_DICTIONARY),
    REQUIRED("offset", 4, PARQUET_LONG, PARQUET_PLAIN),
    REQUIRED("kafka_timestamp", 5, PARQUET_TIMESTAMPTZ, PARQUET_PLAIN),
    REQUIRED("ingestion_timestamp", 6, PARQUET_TIMESTAMPTZ, PARQUET_DICTIONARY),
    REQUIRED("ingestion_date", 7, PARQUET_DATE, PARQUET_DICTIONARY),
};

static const struct parquet_field silver_fields[SILVER_COLUMNS] = {
    TRADE_COLUMNS(22, 23, 24),
    REQUIRED("validation_timestamp", 16, PARQUET_TIMESTAMPTZ, PARQUET_DICTIONARY),
    REQUIRED("bronze_ingestion_timestamp", 17, PARQUET_TIMESTAMPTZ, PARQUET_DICTIONARY),
    REQUIRED("schema_id", 18, PARQUET_INT, PARQUET_DICTIONARY),
    REQUIRED("kafka_partition", 19, PARQUET_INT, PARQUET_DICTIONARY),
    REQUIRED("kafka_offset", 20, PARQUET_LONG, PARQUET_PLAIN),
    OPTIONAL("replay_id", 21, PARQUET_STRING, PARQUET_DICTIONARY),
};

static const struct parquet_field dead_letter_fields[DEAD_COLUMNS] = {
    { .name = "raw_record", .field_id = 1, .kind = PARQUET_BINARY, .no_bounds = true },
    REQUIRED("error_reason", 2, PARQUET_STRING, PARQUET_DICTIONARY),
    REQUIRED("error_type", 3, PARQUET_STRING, PARQUET_DICTIONARY),
    REQUIRED("error_timestamp", 4, PARQUET_TIMESTAMPTZ, PARQUET_DICTIONARY),
    REQUIRED("bronze_source", 5, PARQUET_STRING, PARQUET_DICTIONARY),
    REQUIRED("kafka_topic", 6, PARQUET_STRING, PARQUET_DICTIONARY),
    REQUIRED("kafka_partition", 7, PARQUET_INT, PARQUET_DICTIONARY),
    REQUIRED("kafka_offset", 8, PARQUET_LONG, PARQUET_PLAIN),
    OPTIONAL("schema_id", 9, PARQUET_INT, PARQUET_DICTIONARY),
    REQUIRED("dlq_date", 10, PARQUET_DATE, PARQUET_DICTIONARY),
};

static const struct parquet_field gold_fields[GOLD_COLUMNS] = {
    TRADE_COLUMNS(19, 20, 21),
    REQUIRED("gold_ingestion_timestamp", 16, PARQUET_TIMESTAMPTZ, PARQUET_DICTIONARY),
    REQUIRED("exchange_date", 17, PARQUET_DATE, PARQUET_DICTIONARY),
    REQUIRED("exchange_hour", 18, PARQUET_INT, PARQUET_DICTIONARY),
};

static const struct ice_partition_field bronze_partition[] = { { "ingestion_date_day", 7,
                                                                 ICE_DAY } };
static const struct ice_partition_field silver_partition[] = { { "validation_timestamp_day", 16,
                                                                 ICE_DAY } };
static const struct ice_partition_field dead_letter_partition[] = { { "dlq_date_day", 10,
                                                                      ICE_DAY } };
static const struct ice_partition_field gold_partition[] = {
    { "exchange_date", 17, ICE_IDENTITY },
    { "exchange_hour", 18, ICE_IDENTITY },
};
static const int32_t gold_sort[] = { 6, 2 };

struct ice_definition tables_bronze(const char *name)
{
    return (struct ice_definition){ .name = name,
                                    .field = bronze_fields,
                                    .field_count = BRONZE_COLUMNS,
                                    .partition = bronze_partition,
                                    .partition_count = ARRAY_LEN(bronze_partition) };
}

struct ice_definition tables_silver(const char *name)
{
    return (struct ice_definition){ .name = name,
                                    .field = silver_fields,
                                    .field_count = SILVER_COLUMNS,
                                    .partition = silver_partition,
                                    .partition_count = ARRAY_LEN(silver_partition) };
}

struct ice_definition tables_dead_letters(void)
{
    return (struct ice_definition){ .name = TABLES_DEAD_LETTERS,
                                    .field = dead_letter_fields,
                                    .field_count = DEAD_COLUMNS,
                                    .partition = dead_letter_partition,
                                    .partition_count = ARRAY_LEN(dead_letter_partition) };
}

struct ice_definition tables_gold(void)
{
    return (struct ice_definition){ .name = TABLES_GOLD,
                                    .field = gold_fields,
                                    .field_count = GOLD_COLUMNS,
                                    .partition = gold_partition,
                                    .partition_count = ARRAY_LEN(gold_partition),
                                    .sort_id = gold_sort,
                                    .sort_count = ARRAY_LEN(gold_sort) };
}

struct chain_origin tables_bronze_origin(void)
{
    return (struct chain_origin){ BRONZE_TOPIC, BRONZE_PARTITION, BRONZE_OFFSET, NULL };
}

struct chain_origin tables_silver_origin(const char *topic)
{
    return (struct chain_origin){ -1, SILVER_KAFKA_PARTITION, SILVER_KAFKA_OFFSET, topic };
}

struct chain_origin tables_dead_letters_origin(void)
{
    return (struct chain_origin){ DEAD_KAFKA_TOPIC, DEAD_KAFKA_PARTITION, DEAD_KAFKA_OFFSET, NULL };
}

struct chain_origin tables_gold_origin(void)
{
    return (struct chain_origin){ -1, -1, -1, NULL };
}

static bool has_column(const struct ice_definition *definition, const char *name)
{
    for (size_t i = 0; i < definition->field_count; i++)
        if (strcmp(definition->field[i].name, name) == 0)
            return true;
    return false;
}

const struct ice_pair *tables_properties(const struct ice_definition *definition, size_t *count)
{
    static const struct ice_pair properties[] = {
        { "write.parquet.compression-codec", "zstd" },
        { "write.metadata.previous-versions-max", "100" },
        { "commit.retry.num-retries", "20" },
        { "write.metadata.metrics.column.message_id", "counts" }, /* the last */
    };

    *count = ARRAY_LEN(properties) - !has_column(definition, "message_id");
    return properties;
}

const struct parquet_pair *tables_footer(size_t *count)
{
    static const struct parquet_pair pairs[] = { { CHAIN_WRITER_KEY, CHAIN_WRITER_VALUE } };

    *count = ARRAY_LEN(pairs);
    return pairs;
}

void tables_names(struct tables_names *names, struct arena *arena, const char *exchange)
{
    names->exchange = arena_text(arena, span_text(exchange));
    names->topic = arena_printf(arena, "market.crypto.trades.%s", exchange);
    names->dead_topic = arena_printf(arena, "market.crypto.trades.%s.dlq", exchange);
    names->bronze = arena_printf(arena, "bronze_%s_trades", exchange);
    names->silver = arena_printf(arena, "silver_%s_trades", exchange);
    names->ingest = arena_printf(arena, "ingest_%s", exchange);
}
