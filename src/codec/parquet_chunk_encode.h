// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_chunk_encode.h: one leaf of one row group out: dictionary page if it pays, data pages cut
 * by rows and bytes, bounds of each and of all.  Its scratch memory serves chunk after chunk.
 */
#ifndef K2_CODEC_PARQUET_CHUNK_ENCODE_H
#define K2_CODEC_PARQUET_CHUNK_ENCODE_H

#include "codec/compress.h"
#include "codec/parquet_bounds.h"
#include "codec/parquet_dict.h"
#include "codec/parquet_index.h"
#include "codec/parquet_page.h"

/* All zero is a fresh one but for the limits. */
struct parquet_chunk_encoder {
    int zstd_level;
    size_t page_rows_max, page_bytes_max;
    struct compress compress;
    struct parquet_dict dict;
    struct parquet_index index; /* of the chunk encoded last */
    struct buf values, levels, body, compressed, stamps;
};

struct parquet_chunk_encoded {
    enum parquet_encoding encoding; /* of the data pages */
    bool has_dictionary;
    int64_t dictionary_offset, data_offset; /* in the file; the first only with a dictionary */
    int64_t compressed_bytes, uncompressed_bytes; /* page headers included */
    size_t entries, nulls; /* nulls: entries without a value, so also empty lists */
    size_t data_pages;
    struct parquet_bounds bounds; /* borrowed from the columns and the encoder; none where the
                                     field wishes so */
};

void parquet_chunk_encoder_deinit(struct parquet_chunk_encoder *encoder);

/* Appends rows [first, first + count), at least one, of the field's column to *out, whose end is
 * at `position` in the file.  FATAL as parquet_writer_row_group. */
CHECK_RESULT int parquet_chunk_encode(struct parquet_chunk_encoder *encoder,
                                      const struct parquet_shape *shape,
                                      const struct column *column, size_t first, size_t count,
                                      int64_t position, struct buf *out,
                                      struct parquet_chunk_encoded *chunk, struct err *err);

#endif
