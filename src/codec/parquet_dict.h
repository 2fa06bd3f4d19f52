// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_dict.h: the dictionary of one column chunk, built by hashing, given up as soon as it is
 * seen not to pay.  It pays while its PLAIN bytes and the packed indices are fewer than the values'
 * PLAIN bytes.  All zero is a fresh one; memory is kept from build to build.
 */
#ifndef K2_CODEC_PARQUET_DICT_H
#define K2_CODEC_PARQUET_DICT_H

#include "codec/parquet_values.h"

enum {
    PARQUET_DICT_GIVEN_UP = 1,
    PARQUET_DICT_BYTES_MAX = 1 << 20, /* PLAIN bytes of the dictionary page */
};

struct parquet_dict {
    struct buf slots;                 /* open addressing: 1 + entry, 0 is free */
    struct buf tags;                  /* byte arrays: the hash of each entry */
    struct buf fixed, offsets, bytes; /* the entries in order of first appearance */
    struct buf indices;               /* uint32_t, one for each value */
    uint32_t mask;                    /* slots - 1 */
    struct parquet_values entries;    /* the same entries as values: borrowed from the bufs */
};

void parquet_dict_deinit(struct parquet_dict *dict);

/* INT32, INT64, FIXED_LEN_BYTE_ARRAY and BYTE_ARRAY.  On GIVEN_UP the dictionary holds nothing of
 * use. */
CHECK_RESULT int parquet_dict_build(struct parquet_dict *dict, const struct parquet_values *values);

static inline const uint32_t *parquet_dict_indices(const struct parquet_dict *dict)
{
    return (const uint32_t *)(const void *)dict->indices.data;
}

#endif
