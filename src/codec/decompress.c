// SPDX-License-Identifier: Apache-2.0
/* decompress.c: each codec through its own library, all behind one contract on sizes. */
#include "codec/decompress.h"

#define ZLIB_CONST
#include <limits.h>
#include <lz4.h>
#include <snappy-c.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

void decompress_deinit(struct decompress *context)
{
    ZSTD_freeDCtx(context->zstd);
    *context = (struct decompress){ NULL };
}

const char *decompress_codec_name(int codec)
{
    static const char *const names[] = {
        [PARQUET_CODEC_UNCOMPRESSED] = "none", [PARQUET_CODEC_SNAPPY] = "snappy",
        [PARQUET_CODEC_GZIP] = "gzip",         [PARQUET_CODEC_LZO] = "lzo",
        [PARQUET_CODEC_BROTLI] = "brotli",     [PARQUET_CODEC_LZ4] = "lz4 (hadoop framing)",
        [PARQUET_CODEC_ZSTD] = "zstd",         [PARQUET_CODEC_LZ4_RAW] = "lz4_raw",
    };

    return codec >= 0 && (size_t)codec < ARRAY_LEN(names) ? names[codec] : "unknown";
}

/* The functions below give the number of bytes written, or SIZE_MAX for a damaged block. */

static size_t from_none(struct span block, uint8_t *out, size_t size)
{
    if (block.size != size)
        return SIZE_MAX;
    if (size > 0)
        memcpy(out, block.data, size);
    return size;
}

static size_t from_zstd(struct decompress *context, struct span block, uint8_t *out, size_t size)
{
    size_t done;

    if (context->zstd == NULL)
        context->zstd = ZSTD_createDCtx();
    ASSERT(context->zstd != NULL);
    done = ZSTD_decompressDCtx(context->zstd, out, size, block.data, block.size);
    return ZSTD_isError(done) ? SIZE_MAX : done;
}

static size_t from_snappy(struct span block, uint8_t *out, size_t size)
{
    const char *from = (const char *)block.data;
    size_t done = 0;

    if (snappy_uncompressed_length(from, block.size, &done) != SNAPPY_OK || done > size ||
        snappy_uncompress(from, block.size, (char *)out, &done) != SNAPPY_OK)
        return SIZE_MAX;
    return done;
}

static size_t from_lz4(struct span block, uint8_t *out, size_t size)
{
    int done;

    if (block.size > INT_MAX || size > INT_MAX)
        return SIZE_MAX;
    done = LZ4_decompress_safe((const char *)block.data, (char *)out, (int)block.size, (int)size);
    return done < 0 ? SIZE_MAX : (size_t)done;
}

static size_t from_gzip(struct span block, uint8_t *out, size_t size)
{
    z_stream stream = { 0 };
    size_t done = SIZE_MAX;
    int rc;

    if (block.size > UINT_MAX || size > UINT_MAX)
        return SIZE_MAX;
    stream.next_in = block.data;
    stream.avail_in = (uInt)block.size;
    stream.next_out = out;
    stream.avail_out = (uInt)size;
    rc = inflateInit2(&stream, MAX_WBITS + 32); /* zlib or gzip, by its header */
    ASSERT(rc == Z_OK);
    while ((rc = inflate(&stream, Z_FINISH)) == Z_STREAM_END && stream.avail_in > 0)
        if (inflateReset(&stream) != Z_OK)
            break;
    if (rc == Z_STREAM_END)
        done = size - stream.avail_out;
    inflateEnd(&stream);
    return done;
}

int decompress_block(struct decompress *context, int codec, struct span block, uint8_t *out,
                     size_t size, struct err *err)
{
    size_t done;

    switch (codec) {
    case PARQUET_CODEC_UNCOMPRESSED:
        done = from_none(block, out, size);
        break;
    case PARQUET_CODEC_ZSTD:
        done = from_zstd(context, block, out, size);
        break;
    case PARQUET_CODEC_SNAPPY:
        done = from_snappy(block, out, size);
        break;
    case PARQUET_CODEC_GZIP:
        done = from_gzip(block, out, size);
        break;
    case PARQUET_CODEC_LZ4_RAW:
        done = from_lz4(block, out, size);
        break;
    default:
        return err_set(err, ERR_CORRUPT, "compression %s (%d) is not supported",
                       decompress_codec_name(codec), codec);
    }
    if (done != size)
        return err_set(err, ERR_CORRUPT, "%s block of %zu bytes does not hold %zu",
                       decompress_codec_name(codec), block.size, size);
    return 0;
}
