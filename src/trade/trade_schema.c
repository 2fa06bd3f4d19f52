// SPDX-License-Identifier: Apache-2.0
/* trade_schema.c: written out as text, because this text, once registered, may never change; the
 * tests hold it against enum trade_field. */
#include "trade/trade_schema.h"

#define TEXT(name) "{\"name\":\"" name "\",\"type\":\"string\"},"
#define MICROS(name)                                                                               \
    "{\"name\":\"" name "\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"
#define DECIMAL(name)                                                                              \
    "{\"name\":\"" name "\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\","             \
    "\"precision\":38,\"scale\":18}},"
#define OPTIONAL_LONG(name) "{\"name\":\"" name "\",\"type\":[\"null\",\"long\"],\"default\":null},"

struct span trade_schema_json(void)
{
    return SPAN(
        "{\"type\":\"record\",\"name\":\"TradeV2\",\"namespace\":\"com.k2.marketdata\","
        "\"fields\":[" TEXT("message_id") TEXT("trade_id") TEXT("symbol") TEXT(
            "exchange") "{\"name\":\"asset_class\",\"type\":{\"type\":\"enum\",\"name\":"
                        "\"AssetClass\","
                        "\"symbols\":[\"equities\",\"crypto\",\"futures\",\"options\"]}}," MICROS(
                            "timestamp") DECIMAL("price") DECIMAL("quantity")
                            TEXT("currency") "{\"name\":\"side\",\"type\":{\"type\":\"enum\","
                                             "\"name\":\"TradeSide\","
                                             "\"symbols\":[\"BUY\",\"SELL\",\"SELL_SHORT\","
                                             "\"UNKNOWN\"]}},"
                                             "{\"name\":\"trade_conditions\",\"type\":{\"type\":"
                                             "\"array\",\"items\":\"string\"},"
                                             "\"default\":[]}," OPTIONAL_LONG("source_sequence")
                                                 MICROS("ingestion_timestamp") OPTIONAL_LONG(
                                                     "platform_sequence") "{\"name\":\"vendor_"
                                                                          "data\",\"type\":["
                                                                          "\"null\",{\"type\":"
                                                                          "\"map\",\"values\":"
                                                                          "\"string\"}],"
                                                                          "\"default\":null}]}");
}
