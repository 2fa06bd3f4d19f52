// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_dictionary_decode.h: a chunk's dictionary and the pages that index it (RLE_DICTIONARY = 8
 * and PLAIN_DICTIONARY = 2; apache/parquet-format, Encodings.md).
 *
 * A dictionary owns nothing: its values lie in the reader's scratch memory, already as values of
 * the column, so that a page is gathered by plain copies.
 */
#ifndef K2_CODEC_PARQUET_DICTIONARY_DECODE_H
#define K2_CODEC_PARQUET_DICTIONARY_DECODE_H

#include "codec/parquet_plain_decode.h"

/* A value of BYTES in the dictionary page. */
struct parquet_dictionary_entry {
    uint32_t at, size;
};

struct parquet_dictionary {
    size_t count;
    const uint8_t *values; /* fixed width: as in a column; BYTES: the page, with slack behind it */
    const struct parquet_dictionary_entry *entry; /* BYTES */
    size_t size_max;                              /* BYTES: of an entry */
};

/* Finds the `count` values of a dictionary page of BYTES, and the size of the greatest. */
CHECK_RESULT int parquet_dictionary_decode_entries(struct span page, size_t count,
                                                   struct parquet_dictionary_entry *entry,
                                                   size_t *size_max, struct err *err);
/* Appends the `count` values that `body` (bit width, indices) means to the values, and for BYTES
 * the offsets, of *to, whose row count is left as it is. */
CHECK_RESULT int parquet_dictionary_decode(const struct parquet_dictionary *dictionary,
                                           const struct parquet_target *target, struct span body,
                                           size_t count, struct column *to, struct err *err);

#endif
