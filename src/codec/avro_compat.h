// SPDX-License-Identifier: Apache-2.0
/*
 * avro_compat.h: compatibility BACKWARD, as schema registries have it: readers that have the next
 * schema can read every datum that was written with the last one.
 *
 * By the letter of the specification (Avro 1.12, "Schema Resolution"), as readers other than K2 go
 * by it, so narrower than avro_resolve.h: aliases are the reader's, all branches and symbols that
 * may have been written must be readable, decimals keep precision and scale, and times their unit:
 * a reader that takes a price with another scale reads another price, and no reader says so.
 */
#ifndef K2_CODEC_AVRO_COMPAT_H
#define K2_CODEC_AVRO_COMPAT_H

#include "core/err.h"
#include "core/span.h"

/* Is this text an Avro schema whose defaults are values of their fields?  CORRUPT says why not. */
CHECK_RESULT int avro_compat_check(struct span schema, struct err *err);
/* CORRUPT: one of the texts is no schema; REFUSED: the place, and what a reader would miss. */
CHECK_RESULT int avro_compat_backward(struct span last, struct span next, struct err *err);

#endif
