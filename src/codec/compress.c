// SPDX-License-Identifier: Apache-2.0
/* compress.c: one-shot zstd over reused contexts.  Frames have no checksum: pages carry their own
 * CRC. */
#include "codec/compress.h"

#include <zstd.h>

void compress_deinit(struct compress *compress)
{
    ZSTD_freeCCtx(compress->zstd_encoder);
    ZSTD_freeDCtx(compress->zstd_decoder);
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

    if (compress->zstd_encoder == NULL)
        compress->zstd_encoder = ZSTD_createCCtx();
    if (compress->zstd_encoder == NULL)
        die_without_memory("zstd context");
    buf_reserve(out, bound);
    size = ZSTD_compressCCtx(compress->zstd_encoder, out->data + out->size, bound, in.data, in.size,
                             level);
    if (ZSTD_isError(size)) /* with room for the bound only memory can fail */
        die_without_memory(ZSTD_getErrorName(size));
    out->size += size;
}

int compress_zstd_decode(struct compress *compress, struct span in, size_t size, struct buf *out,
                         struct err *err)
{
    size_t done;

    if (compress->zstd_decoder == NULL)
        compress->zstd_decoder = ZSTD_createDCtx();
    if (compress->zstd_decoder == NULL)
        die_without_memory("zstd context");
    buf_reserve(out, size);
    done =
        ZSTD_decompressDCtx(compress->zstd_decoder, out->data + out->size, size, in.data, in.size);
    if (ZSTD_isError(done))
        return err_set(err, ERR_CORRUPT, "zstd: %s", ZSTD_getErrorName(done));
    if (done != size)
        return err_set(err, ERR_CORRUPT, "zstd: %zu bytes where %zu were announced", done, size);
    out->size += size;
    return 0;
}
