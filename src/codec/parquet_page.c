// SPDX-License-Identifier: Apache-2.0
/* parquet_page.c: the header names the compressed size, so the body is compressed aside first. */
#include "codec/parquet_page.h"
#include "codec/thrift_encode.h"

#include <zlib.h>

static void put_header(const struct parquet_page *page, size_t uncompressed, struct span body,
                       struct buf *out)
{
    struct thrift_encoder encoder;
    uint32_t crc = (uint32_t)crc32_z(0, body.data, body.size);

    thrift_encode_begin(&encoder, out);
    thrift_encode_i32(&encoder, 1, (int32_t)page->type);
    thrift_encode_i32(&encoder, 2, (int32_t)uncompressed);
    thrift_encode_i32(&encoder, 3, (int32_t)body.size);
    thrift_encode_i32(&encoder, 4, (int32_t)crc);
    if (page->type == PARQUET_PAGE_DATA) {
        thrift_encode_struct(&encoder, 5); /* DataPageHeader */
        thrift_encode_i32(&encoder, 1, (int32_t)page->values);
        thrift_encode_i32(&encoder, 2, (int32_t)page->encoding);
        thrift_encode_i32(&encoder, 3, PARQUET_ENCODING_RLE);
        thrift_encode_i32(&encoder, 4, PARQUET_ENCODING_RLE);
    } else {
        thrift_encode_struct(&encoder, 7); /* DictionaryPageHeader */
        thrift_encode_i32(&encoder, 1, (int32_t)page->values);
        thrift_encode_i32(&encoder, 2, (int32_t)page->encoding);
    }
    thrift_encode_end(&encoder);
    thrift_encode_end(&encoder);
}

int parquet_page_encode(const struct parquet_page *page, struct span body,
                        struct compress *compress, struct buf *scratch, struct buf *out,
                        struct parquet_page_size *size, struct err *err)
{
    size_t uncompressed = body.size;
    size_t before = out->size;
    size_t header;

    if (page->zstd_level > 0) {
        buf_clear(scratch);
        compress_zstd_encode(compress, page->zstd_level, body, scratch);
        body = buf_span(scratch);
    }
    if (uncompressed > INT32_MAX || body.size > INT32_MAX || page->values > INT32_MAX)
        return err_set(err, ERR_FATAL, "a page of %zu bytes is too large", uncompressed);
    put_header(page, uncompressed, body, out);
    header = out->size - before;
    buf_put_span(out, body);
    size->compressed = header + body.size;
    size->uncompressed = header + uncompressed;
    return 0;
}
