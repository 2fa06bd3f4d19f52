// SPDX-License-Identifier: Apache-2.0
/* utf8.h: is it text?  A string column that is not UTF-8 breaks every reader of the table, so
 * bytes from outside are tested before they become one (Unicode, table 3-7). */
#ifndef K2_CORE_UTF8_H
#define K2_CORE_UTF8_H

#include "core/span.h"

bool utf8_valid(struct span text);
/* Bytes of the well-formed sequence that begins at `at` < `end`, 1 to 4; 0 when there is none. */
size_t utf8_size(const uint8_t *at, const uint8_t *end);
/* Writes a code point, up to U+10FFFF and no surrogate; the bytes that it takes, 1 to 4. */
size_t utf8_encode(uint32_t code_point, uint8_t out[4]);

#endif
