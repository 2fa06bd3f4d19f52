// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_page_decode.h: the pages of a column chunk (apache/parquet-format, parquet.thrift:
 * PageHeader): header, checksum, decompression, and where levels end and values begin.
 */
#ifndef K2_CODEC_PARQUET_PAGE_DECODE_H
#define K2_CODEC_PARQUET_PAGE_DECODE_H

#include "codec/decompress.h"
#include "codec/parquet_footer_decode.h"

enum { PARQUET_PAGE_BYTES_MAX = 512 << 20 };

struct parquet_page {
    int32_t type; /* one that the reader does not know is passed over */
    int32_t encoding;
    size_t values; /* nulls included */
    size_t size;   /* uncompressed */
    struct span stored;
    bool compressed;
    /* v1: how the levels are encoded; v2: their bytes, and its own counts. */
    int32_t definition_encoding, repetition_encoding;
    size_t definition_bytes, repetition_bytes;
    size_t nulls, rows;
};

/* A data page taken apart. */
struct parquet_page_parts {
    struct span repetition, definition; /* RLE runs without length */
    struct span values;
};

/* "PLAIN", …; "unknown" for a number that the format does not have. */
const char *parquet_page_decode_encoding_name(int encoding);
/* Takes one page off the front of *rest (borrowed), its checksum verified where it has one. */
CHECK_RESULT int parquet_page_decode_next(struct span *rest, struct parquet_page *page,
                                          struct err *err);
/* The uncompressed bytes; *out (page->size bytes) is used when they are not there already.  Of a v2
 * page only the values, of size - repetition_bytes - definition_bytes. */
CHECK_RESULT int parquet_page_decode_bytes(const struct parquet_page *page, int codec,
                                           struct decompress *decompress, uint8_t *out,
                                           struct span *bytes, struct err *err);
/* Cuts a data page's bytes; which levels there are is the schema's business. */
CHECK_RESULT int parquet_page_decode_parts(const struct parquet_page *page, struct span bytes,
                                           bool has_repetition, bool has_definition,
                                           struct parquet_page_parts *parts, struct err *err);

#endif
