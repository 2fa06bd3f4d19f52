// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_bytes_decode.h: DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY (apache/parquet-format,
 * Encodings.md, 6 and 7): lengths in front as DELTA_BINARY_PACKED, then the bytes; of the second
 * only what differs from the value before.
 */
#ifndef K2_CODEC_PARQUET_BYTES_DECODE_H
#define K2_CODEC_PARQUET_BYTES_DECODE_H

#include "codec/parquet_format.h"
#include "core/column.h"
#include "core/err.h"

/* Appends `count` values, exactly `body`, to the offsets and bytes of *to, a column of BYTES that
 * has its first offset; its row count is left as it is.  `lengths` is scratch. */
CHECK_RESULT int parquet_bytes_decode(enum parquet_encoding encoding, struct span body,
                                      size_t count, struct buf *lengths, struct column *to,
                                      struct err *err);

#endif
