// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_index_decode.h: where a chunk's pages are and what they hold (apache/parquet-format,
 * PageIndex.md), so that a reader of few rows fetches few pages.
 *
 * An index is an aid: one that is damaged, or does not agree with its chunk, is no index, and the
 * chunk is read whole.  What it says of values is believed as statistics are.
 */
#ifndef K2_CODEC_PARQUET_INDEX_DECODE_H
#define K2_CODEC_PARQUET_INDEX_DECODE_H

#include "codec/parquet_footer_decode.h"

struct parquet_index_page {
    int64_t offset, size;    /* in the file, header included */
    int64_t first_row, rows; /* of the row group */
    bool has_range;
    int64_t lower, upper; /* of the values that are not null, as the field has them */
};

/* The data pages of a chunk from its offset index, in order, none overlapping, with together
 * `rows` rows; in `arena`.  What of the chunk lies before the first is its dictionary. */
CHECK_RESULT bool parquet_index_decode_pages(struct arena *arena, struct span index,
                                             const struct parquet_chunk *chunk, int64_t rows,
                                             struct parquet_index_page **pages, size_t *count);

/* The pages' ranges from the column index of a LONG or TIMESTAMPTZ; none has one if it is no good.
 */
void parquet_index_decode_ranges(struct span index, const struct parquet_leaf_layout *leaf,
                                 const struct parquet_field *field,
                                 struct parquet_index_page *pages, size_t count);

#endif
