// SPDX-License-Identifier: Apache-2.0
/*
 * ice_transform.h: partition transforms (Iceberg spec v2, "Partition Transforms", appendix B), and
 * the cuts of bounds that are made of the same pieces.
 *
 * Null maps to null in each of them; that is the caller's.  Pure.
 */
#ifndef K2_ICEBERG_ICE_TRANSFORM_H
#define K2_ICEBERG_ICE_TRANSFORM_H

#include "core/buf.h"
#include "iceberg/ice_definition.h"

/* "identity", "day" */
const char *ice_transform_name(enum ice_transform transform);
/* What day() and hour() give for a timestamp in microseconds; day() of a date is the date. */
int32_t ice_transform_day(int64_t us);
int32_t ice_transform_hour(int64_t us);

/* bucket[count], count > 0.  int and long hash alike, date as int, times as their microseconds. */
int32_t ice_transform_bucket_int64(int64_t value, int32_t count);
int32_t ice_transform_bucket_decimal(int128 unscaled, int32_t count);
/* string (UTF-8), binary, fixed, uuid (big-endian) */
int32_t ice_transform_bucket_bytes(struct span value, int32_t count);

/* truncate[width], width > 0: floor to a multiple (of the unscaled value for a decimal). */
int64_t ice_transform_truncate_int64(int64_t value, int64_t width);
int128 ice_transform_truncate_decimal(int128 unscaled, int128 width);
/* The first `width` code points, or bytes. */
struct span ice_transform_truncate_text(struct span text, size_t width);
struct span ice_transform_truncate_bytes(struct span bytes, size_t width);

/*
 * The least text (or bytes) of at most `width` code points (bytes) that no value with the prefix
 * is above, appended to *out: the last code point that can be is raised by one, past the
 * surrogates, those behind it are left out.  What is short enough is taken as it is.  False, and
 * nothing appended, when there is none.
 */
CHECK_RESULT bool ice_transform_upper_text(struct span text, size_t width, struct buf *out);
CHECK_RESULT bool ice_transform_upper_bytes(struct span bytes, size_t width, struct buf *out);

/* "exchange_date=2026-11-22/exchange_hour=15", for paths; nothing for an unpartitioned table. */
void ice_transform_path(const struct ice_definition *definition, const int32_t *values,
                        struct buf *out);

#endif
