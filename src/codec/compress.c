// SPDX-License-Identifier: Apache-2.0
/* compress.c: one-shot zstd over a reused context.  Frames have no checksum: pages carry their own
 * CRC. */
#include "codec/compress.h"

#include <zstd.h>

void compress_deinit(struct compress *compress)
{
    ZSTD_freeCCtx(compress->zstd);
    *compress = COMPRESS_INIT;
}

static void die_without_memory(const char *what)
{
    fprintf(stderr, "k2: %s: no memory\n", what);
    abort();
}

void compress_zstd_encode(struct compress *compress, int level, struct span in, struct buf *out)
{
    size_t bound = ZSTD_compressBound(in.size);
    size_t size;

    if (compress->zstd == NULL)
        compress->zstd = ZSTD_createCCtx();
    if (compress->zstd == NULL)
        die_without_memory("zstd context");
    buf_reserve(out, bound);
    size = ZSTD_compressCCtx(compress->zstd, out->data + out->size, bound, in.data, in.size, level);
    if (ZSTD_isError(size)) /* with room for the bound only memory can fail */
        die_without_memory(ZSTD_getErrorName(size));
    out->size += size;
}
