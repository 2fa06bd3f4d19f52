// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_level_decode.h: from definition and repetition levels to the nulls and offsets of Arrow's
 * layout.
 *
 * Values are decoded densely, without their nulls, to the end of a column; then they are spread to
 * their rows, which costs nothing where a page has no null.
 */
#ifndef K2_CODEC_PARQUET_LEVEL_DECODE_H
#define K2_CODEC_PARQUET_LEVEL_DECODE_H

#include "codec/parquet_footer_decode.h"

/* The last `present` values of *column become `count` rows: row i is null where bit i of `bitmap`
 * is 0.  `bitmap` is read only when present < count. */
void parquet_level_decode_nulls(struct column *column, size_t count, size_t present,
                                const uint8_t *bitmap);

/* The rows of a list or map while one leaf's pages go by. */
struct parquet_level_rows {
    struct column *out;
    bool verify;    /* a map's second leaf: the rows exist, and must be the same */
    size_t row;     /* the next one to begin */
    size_t left;    /* that are yet to begin */
    size_t entries; /* in the child so far */
    bool open;      /* the last row has an entry, more may follow */
};

/* Levels of one page, a byte each, and what they come to. */
struct parquet_level_page {
    const uint8_t *repetition, *definition;
    size_t count;
    size_t rows, null_rows, entries, present;
};

/* Counts; CORRUPT when a level is beyond the schema's. */
CHECK_RESULT int parquet_level_decode_count(const struct parquet_leaf_layout *layout,
                                            struct parquet_level_page *page, struct err *err);
/* Appends (or verifies) the offsets and nulls of the page's rows.  `bitmap` has room for a bit for
 * each row. */
CHECK_RESULT int parquet_level_decode_rows(const struct parquet_leaf_layout *layout,
                                           const struct parquet_level_page *page,
                                           struct parquet_level_rows *rows, uint8_t *bitmap,
                                           struct err *err);
/* The bitmap of entries: 1 where the value is present. */
void parquet_level_decode_entries(const struct parquet_leaf_layout *layout,
                                  const struct parquet_level_page *page, uint8_t *bitmap);
/* After the last page. */
CHECK_RESULT int parquet_level_decode_finish(const struct parquet_level_rows *rows,
                                             struct err *err);

#endif
