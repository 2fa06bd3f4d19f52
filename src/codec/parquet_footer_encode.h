// SPDX-License-Identifier: Apache-2.0
/* parquet_footer_encode.h: the footer out (parquet.thrift, FileMetaData): schema with logical and
 * converted types and field ids, row groups, statistics, column orders. */
#ifndef K2_CODEC_PARQUET_FOOTER_ENCODE_H
#define K2_CODEC_PARQUET_FOOTER_ENCODE_H

#include "codec/parquet_chunk_encode.h"
#include "codec/parquet_writer.h"

struct parquet_footer_chunk {
    struct span meta;                                 /* by parquet_footer_encode_chunk */
    int64_t column_index_offset, offset_index_offset; /* in the file */
    size_t column_index_size, offset_index_size;      /* 0: there is none */
};

struct parquet_footer_group {
    int64_t offset; /* of its first byte */
    int64_t rows;
    int64_t compressed_bytes, uncompressed_bytes;
};

/* All borrowed. */
struct parquet_footer {
    const struct parquet_field *field;
    size_t field_count;
    size_t leaf_count;
    const struct parquet_footer_group *group;
    size_t group_count;
    const struct parquet_footer_chunk *chunk; /* leaf_count for each group */
    const struct parquet_pair *pair;
    size_t pair_count;
    const char *created_by;
};

/* Appends a chunk's ColumnMetaData, which can be known at once, unlike where its indexes will be.
 */
void parquet_footer_encode_chunk(struct buf *out, const struct parquet_shape *shape,
                                 enum parquet_codec codec,
                                 const struct parquet_chunk_encoded *chunk);

/* Appends FileMetaData, without length and magic. */
void parquet_footer_encode(struct buf *out, const struct parquet_footer *footer);

#endif
