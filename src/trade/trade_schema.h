// SPDX-License-Identifier: Apache-2.0
/* trade_schema.h: the V2 record as an Avro schema: what ingest registers and writes by. */
#ifndef K2_TRADE_TRADE_SCHEMA_H
#define K2_TRADE_TRADE_SCHEMA_H

#include "core/span.h"

/* JSON without blanks, the same bytes for ever: a registry may compare texts. */
struct span trade_schema_json(void);

/* The numbers that the encoder writes for the schema's two enums. */
enum { TRADE_SCHEMA_CRYPTO = 1 };

#endif
