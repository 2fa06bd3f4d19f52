// SPDX-License-Identifier: Apache-2.0
/* micros.h: times as microseconds since 1970-01-01 UTC, and the civil calendar (proleptic
 * Gregorian).  Floors, so that times before 1970 fall into the right day and hour. */
#ifndef K2_CORE_MICROS_H
#define K2_CORE_MICROS_H

#include "core/base.h"
#include "core/span.h"

#define MICROS_SECOND INT64_C(1000000)
#define MICROS_HOUR   (3600 * MICROS_SECOND)
#define MICROS_DAY    (24 * MICROS_HOUR)

/* The calendar that every reader has: the first microsecond of the year 1, the last of 9999. */
#define MICROS_MIN (INT64_C(-62135596800) * MICROS_SECOND)
#define MICROS_MAX (INT64_C(253402300800) * MICROS_SECOND - 1)

enum { MICROS_TEXT_BYTES_MAX = 40 };

int32_t micros_day(int64_t us);         /* days since 1970-01-01, floor */
int64_t micros_hour(int64_t us);        /* hours since 1970-01-01T00, floor */
int32_t micros_hour_of_day(int64_t us); /* 0 to 23 */
int32_t micros_days_from_civil(int year, int month, int day);
void micros_civil_from_days(int32_t days, int *year, int *month, int *day);

/* "2026-11-22T15:25:11.123456Z", terminated; returns the length. */
size_t micros_format(int64_t us, char text[MICROS_TEXT_BYTES_MAX]);
/* "2026-11-22" */
size_t micros_format_day(int32_t days, char text[MICROS_TEXT_BYTES_MAX]);
/* RFC 3339, 0 to 9 fraction digits rounded to the nearest microsecond, Z or an offset; false for
 * anything else. */
CHECK_RESULT bool micros_parse(struct span text, int64_t *out);

#endif
