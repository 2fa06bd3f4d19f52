// SPDX-License-Identifier: Apache-2.0
/*
 * compress.h: compression of pages, with the contexts reused: making a zstd context costs more
 * than compressing a page.  All zero is a fresh one; contexts are made when first needed.  One
 * thread at a time.
 */
#ifndef K2_CODEC_COMPRESS_H
#define K2_CODEC_COMPRESS_H

#include "core/buf.h"
#include "core/err.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

struct compress {
    struct ZSTD_CCtx_s *zstd_encoder;
    struct ZSTD_DCtx_s *zstd_decoder;
};

#define COMPRESS_INIT ((struct compress){ NULL, NULL })

void compress_deinit(struct compress *compress);

/* Appends `in` as one zstd frame to *out.  Levels as zstd's: 1 to 19.  Cannot fail: like buf.h it
 * ends the process where there is no memory. */
void compress_zstd_encode(struct compress *compress, int level, struct span in, struct buf *out);

/* Appends the `size` bytes that the frame `in` holds, neither more nor less, to *out; else CORRUPT
 * and *out as it was.  `size` is the caller's to bound before. */
CHECK_RESULT int compress_zstd_decode(struct compress *compress, struct span in, size_t size,
                                      struct buf *out, struct err *err);

#endif
