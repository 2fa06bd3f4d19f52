// SPDX-License-Identifier: Apache-2.0
/*
 * compress.h: compression of pages, with the context reused: making a zstd context costs more
 * than compressing a page.  All zero is a fresh one.  One thread at a time.
 */
#ifndef K2_CODEC_COMPRESS_H
#define K2_CODEC_COMPRESS_H

#include "core/buf.h"

struct ZSTD_CCtx_s;

struct compress {
    struct ZSTD_CCtx_s *zstd;
};

#define COMPRESS_INIT ((struct compress){ NULL })

void compress_deinit(struct compress *compress);

/* Appends `in` as one zstd frame to *out.  Levels as zstd's: 1 to 19.  Cannot fail: like buf.h it
 * ends the process where there is no memory. */
void compress_zstd_encode(struct compress *compress, int level, struct span in, struct buf *out);

#endif
