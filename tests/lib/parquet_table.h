// SPDX-License-Identifier: Apache-2.0
/* parquet_table.h: the fields of the table in tests/vectors/parquet (make.py). */
#ifndef K2_TESTS_PARQUET_TABLE_H
#define K2_TESTS_PARQUET_TABLE_H

#include "codec/parquet.h"

#define PARQUET_VECTORS K2_SOURCE_DIR "/tests/vectors/parquet/"

static const struct parquet_field PARQUET_TABLE[] = {
    { .name = "flag", .field_id = 1, .kind = PARQUET_BOOL },
    { .name = "count", .field_id = 2, .kind = PARQUET_INT },
    { .name = "offset", .field_id = 3, .kind = PARQUET_LONG, .required = true },
    { .name = "day", .field_id = 4, .kind = PARQUET_DATE },
    { .name = "time", .field_id = 5, .kind = PARQUET_TIMESTAMPTZ, .required = true },
    { .name = "price",
      .field_id = 6,
      .kind = PARQUET_DECIMAL,
      .required = true,
      .precision = 18,
      .scale = 8 },
    { .name = "wide", .field_id = 7, .kind = PARQUET_DECIMAL, .precision = 38, .scale = 18 },
    { .name = "small", .field_id = 8, .kind = PARQUET_DECIMAL, .precision = 9, .scale = 2 },
    { .name = "symbol", .field_id = 9, .kind = PARQUET_STRING, .required = true },
    { .name = "id", .field_id = 10, .kind = PARQUET_STRING },
    { .name = "raw", .field_id = 11, .kind = PARQUET_BINARY },
    { .name = "nothing", .field_id = 12, .kind = PARQUET_STRING },
    { .name = "tags",
      .field_id = 13,
      .kind = PARQUET_LIST,
      .child_id = { 15 },
      .child_optional = true },
    { .name = "vendor",
      .field_id = 14,
      .kind = PARQUET_MAP,
      .child_id = { 16, 17 },
      .child_optional = true },
};

#endif
