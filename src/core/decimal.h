// SPDX-License-Identifier: Apache-2.0
/* decimal.h: exact decimals as an unscaled int128 and a scale.  Prices and quantities come as a
 * number's text and never pass through a double. */
#ifndef K2_CORE_DECIMAL_H
#define K2_CORE_DECIMAL_H

#include "core/base.h"
#include "core/span.h"

enum { DECIMAL_DIGITS_MAX = 38, DECIMAL_TEXT_BYTES_MAX = 48 };

/*
 * `-?digits[.digits][(e|E)[+-]digits]` at exactly `scale` decimals into *out.
 *   0   done
 *   DECIMAL_SYNTAX    the text is no number
 *   DECIMAL_INEXACT   a non-zero digit lies beyond `scale`
 *   DECIMAL_OVERFLOW  more than 38 digits at that scale
 */
enum { DECIMAL_SYNTAX = 1, DECIMAL_INEXACT, DECIMAL_OVERFLOW };
CHECK_RESULT int decimal_parse(struct span text, int scale, int128 *out);

/* From one scale to another: 0, DECIMAL_INEXACT or DECIMAL_OVERFLOW. */
CHECK_RESULT int decimal_rescale(int128 unscaled, int from_scale, int to_scale, int128 *out);

/* True when |unscaled| < 10^precision, precision 1 to 38. */
bool decimal_fits(int128 unscaled, int precision);
int128 decimal_power(int exponent); /* 10^exponent, 0 to 38 */

/* "-1.50000000" with all of `scale` decimals, terminated; returns the length. */
size_t decimal_format(int128 unscaled, int scale, char text[DECIMAL_TEXT_BYTES_MAX]);

/* Big-endian two's complement in as few bytes as hold it, one for 0 (Avro's bytes decimal,
 * Iceberg's bound); returns 1 to 16. */
size_t decimal_bytes(int128 unscaled, uint8_t out[16]);

#endif
