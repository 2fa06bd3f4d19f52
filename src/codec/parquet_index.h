// SPDX-License-Identifier: Apache-2.0
/* parquet_index.h: the pages of one column chunk as they are written, and the column index and
 * offset index made of them (apache/parquet-format, PageIndex.md).  All zero is a fresh one; memory
 * is kept from chunk to chunk. */
#ifndef K2_CODEC_PARQUET_INDEX_H
#define K2_CODEC_PARQUET_INDEX_H

#include "codec/parquet_bounds.h"

struct parquet_index {
    struct buf pages;  /* the module's own records */
    struct buf bounds; /* their bounds, serialized */
};

void parquet_index_deinit(struct parquet_index *index);
void parquet_index_clear(struct parquet_index *index);

/* A data page at `offset` in the file, `size` bytes with its header, whose first row is `first_row`
 * of the row group.  Bounds without a value: a page of nulls. */
void parquet_index_put(struct parquet_index *index, const struct parquet_shape *shape,
                       int64_t offset, size_t size, size_t first_row, size_t nulls,
                       const struct parquet_bounds *bounds);

/* Append ColumnIndex and OffsetIndex, each a whole Thrift message. */
void parquet_index_encode_columns(const struct parquet_index *index,
                                  const struct parquet_shape *shape, struct buf *out);
void parquet_index_encode_offsets(const struct parquet_index *index, struct buf *out);

#endif
