// SPDX-License-Identifier: Apache-2.0
/* parquet_delta_encode.h: DELTA_BINARY_PACKED out (Encodings.md, "Delta Encoding"): blocks of 128
 * values in four miniblocks of 32, as every writer has them. */
#ifndef K2_CODEC_PARQUET_DELTA_ENCODE_H
#define K2_CODEC_PARQUET_DELTA_ENCODE_H

#include "core/buf.h"

/* Append a page's values: header, then blocks.  Differences wrap around, in 32 bits for int32. */
void parquet_delta_encode_int32(struct buf *out, const int32_t *values, size_t count);
void parquet_delta_encode_int64(struct buf *out, const int64_t *values, size_t count);

#endif
