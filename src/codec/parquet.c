// SPDX-License-Identifier: Apache-2.0
/* parquet.c: what is fixed by a field's kind alone. */
#include "codec/parquet.h"

enum column_type parquet_column_type(enum parquet_kind kind)
{
    switch (kind) {
    case PARQUET_BOOL:
        return COLUMN_BOOL;
    case PARQUET_INT:
    case PARQUET_DATE:
        return COLUMN_INT32;
    case PARQUET_LONG:
    case PARQUET_TIMESTAMPTZ:
        return COLUMN_INT64;
    case PARQUET_DECIMAL:
        return COLUMN_DECIMAL;
    case PARQUET_STRING:
    case PARQUET_BINARY:
        return COLUMN_BYTES;
    case PARQUET_LIST:
        return COLUMN_LIST;
    case PARQUET_MAP:
        return COLUMN_MAP;
    }
    ASSERT(false); /* not a kind */
    return COLUMN_BYTES;
}
