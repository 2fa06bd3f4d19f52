// SPDX-License-Identifier: Apache-2.0
/* parquet_page.h: one page out: header with CRC, body compressed (parquet.thrift, PageHeader;
 * Data page v1 and dictionary page). */
#ifndef K2_CODEC_PARQUET_PAGE_H
#define K2_CODEC_PARQUET_PAGE_H

#include "codec/compress.h"
#include "codec/parquet_format.h"
#include "core/err.h"

struct parquet_page {
    enum parquet_page_type type; /* DATA or DICTIONARY */
    enum parquet_encoding encoding;
    size_t values;  /* entries, nulls included; of a dictionary its entries */
    int zstd_level; /* 0: uncompressed */
};

struct parquet_page_size {
    size_t compressed, uncompressed; /* both with the header */
};

/* Appends the page to *out; `scratch` is overwritten.  FATAL if the body passes 2 GiB - 1, which
 * the format cannot say. */
CHECK_RESULT int parquet_page_encode(const struct parquet_page *page, struct span body,
                                     struct compress *compress, struct buf *scratch,
                                     struct buf *out, struct parquet_page_size *size,
                                     struct err *err);

#endif
