// SPDX-License-Identifier: Apache-2.0
/* trade_avro.h: the V2 trade of the design as an Avro schema, a datum, and wishes for all of it. */
#ifndef K2_TESTS_TRADE_AVRO_H
#define K2_TESTS_TRADE_AVRO_H

#include "codec/avro_decode.h"
#include "codec/avro_json.h"
#include "lib/bytes.h"

#include <json-c/json.h>

enum { TRADE_AVRO_FIELDS = 15 };

static const struct avro_wish trade_avro_wishes[TRADE_AVRO_FIELDS] = {
    { .path = "message_id", .type = AVRO_STRING },
    { .path = "trade_id", .type = AVRO_STRING },
    { .path = "symbol", .type = AVRO_STRING },
    { .path = "exchange", .type = AVRO_STRING },
    { .path = "asset_class", .type = AVRO_ENUM },
    { .path = "timestamp", .type = AVRO_LONG },
    { .path = "price", .type = AVRO_BYTES },
    { .path = "quantity", .type = AVRO_BYTES },
    { .path = "currency", .type = AVRO_STRING },
    { .path = "side", .type = AVRO_ENUM },
    { .path = "trade_conditions", .type = AVRO_ARRAY },
    { .path = "source_sequence", .type = AVRO_LONG },
    { .path = "ingestion_timestamp", .type = AVRO_LONG },
    { .path = "platform_sequence", .type = AVRO_LONG },
    { .path = "vendor_data", .type = AVRO_MAP },
};

/* 60500.12 and 0.0025 with 18 decimals. */
static const char trade_avro_json[] =
    "{\"message_id\":\"1f0a3c55-9b27-8d4e-a1b2-00000000dead\",\"trade_id\":\"BINANCE-3735683259\","
    "\"symbol\":\"BTCUSDT\",\"exchange\":\"BINANCE\",\"asset_class\":\"crypto\","
    "\"timestamp\":1722902400123456,\"price\":\"0ccfb7d3e4a059dc0000\","
    "\"quantity\":\"08e1bc9bf04000\",\"currency\":\"USDT\",\"side\":\"SELL\","
    "\"trade_conditions\":[\"market\",\"x\"],\"source_sequence\":3735683259,"
    "\"ingestion_timestamp\":1722902400125001,\"platform_sequence\":null,"
    "\"vendor_data\":{\"is_buyer_maker\":\"true\",\"event_type\":\"trade\"}}";

static inline const struct avro_schema *trade_avro_schema(struct arena *arena)
{
    const struct avro_schema *schema = NULL;
    struct buf json = BUF_INIT;
    struct err err;

    bytes_put_file(&json, K2_SOURCE_DIR "/tests/vectors/avro/trade_v2.avsc");
    if (avro_schema_parse(arena, buf_span(&json), &schema, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    buf_deinit(&json);
    return schema;
}

/* Appends the datum that `json` says. */
static inline void trade_avro_put(struct buf *out, const struct avro_schema *schema,
                                  const char *json)
{
    struct json_object *object = json_tokener_parse(json);
    struct err err;

    if (avro_json_encode(schema, object, out, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    json_object_put(object);
}

#endif
