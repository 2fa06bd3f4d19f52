// SPDX-License-Identifier: Apache-2.0
/* parquet_fit.h: which leaves of a file can be read as which fields of a table. */
#ifndef K2_CODEC_PARQUET_FIT_H
#define K2_CODEC_PARQUET_FIT_H

#include "codec/parquet_footer_decode.h"

/* CORRUPT, naming both, unless the `leaf_count` leaves that begin with this one can be read as the
 * field. */
CHECK_RESULT int parquet_fit_check(const struct parquet_leaf_layout *leaf, size_t leaf_count,
                                   const struct parquet_field *field, struct err *err);

/* Bounds (PLAIN, physical) of such a leaf as a LONG or TIMESTAMPTZ; false when they are not whole
 * numbers of 64 bits there. */
CHECK_RESULT bool parquet_fit_range(const struct parquet_leaf_layout *leaf,
                                    const struct parquet_field *field, struct span lower,
                                    struct span upper, int64_t range[2]);

/* Makes times of the leaf's unit microseconds; false when one is not exactly so many. */
CHECK_RESULT bool parquet_fit_times(enum parquet_meaning meaning, int64_t *times, size_t count);

#endif
