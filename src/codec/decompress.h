// SPDX-License-Identifier: Apache-2.0
/*
 * decompress.h: one block of compressed bytes in, exactly the promised number of bytes out.
 *
 * The size is promised by whoever framed the block (a Parquet page header) and bounded there;
 * nothing is written past it, whatever the block says.  `codec` is an enum
 * parquet_codec (apache/parquet-format, Compression.md); LZO, BROTLI and the Hadoop framing of LZ4
 * are refused by name, gzip may have several members.
 */
#ifndef K2_CODEC_DECOMPRESS_H
#define K2_CODEC_DECOMPRESS_H

#include "codec/parquet_format.h"
#include "core/err.h"
#include "core/span.h"

/* Keeps zstd's tables from block to block; all zero is ready for use.  One thread at a time. */
struct decompress {
    struct ZSTD_DCtx_s *zstd;
};

void decompress_deinit(struct decompress *context);
/* "zstd", …; "unknown" for a number that no codec has. */
const char *decompress_codec_name(int codec);
/* Fills out[0..size).  CORRUPT when the block is damaged, holds another number of bytes, or its
 * codec is not built. */
CHECK_RESULT int decompress_block(struct decompress *context, int codec, struct span block,
                                  uint8_t *out, size_t size, struct err *err);

#endif
