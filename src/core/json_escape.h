// SPDX-License-Identifier: Apache-2.0
/*
 * json_escape.h: \u escapes of JSON (RFC 8259, section 7).
 *
 * Apart from json.h, because json-c's headers and that one cannot stand in one file, and whoever
 * reads with json-c needs json_escape_join.
 */
#ifndef K2_CORE_JSON_ESCAPE_H
#define K2_CORE_JSON_ESCAPE_H

#include "core/buf.h"

/* Four hexadecimal digits, or -1. */
int json_escape_unit(const uint8_t *at, const uint8_t *end);
/* Writes, as UTF-8, the character of an escaped surrogate pair that begins at `at`; its bytes, 0
 * when none begins there.  A pair is 12 bytes long. */
size_t json_escape_pair(const uint8_t *at, const uint8_t *end, uint8_t out[4]);
/* Appends a JSON text with its escaped surrogate pairs as the characters that they are, all else as
 * it is: json-c 0.16 reads one in 32 of those characters as U+FFFD (U+1D800, all whose low 16 bits
 * are those of a surrogate). */
void json_escape_join(struct span text, struct buf *out);

#endif
