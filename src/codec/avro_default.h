// SPDX-License-Identifier: Apache-2.0
/* avro_default.h: a field's default as a datum (Avro 1.12, "Schema Declaration", fields).  Bytes
 * and fixed are texts of which each character is a byte; a union has a bare value, of its first
 * branch that can hold it; fields that a record's value lacks have their own defaults. */
#ifndef K2_CODEC_AVRO_DEFAULT_H
#define K2_CODEC_AVRO_DEFAULT_H

#include "codec/avro_schema.h"
#include "core/buf.h"

/* Appends the default of `field`, which must have one, by the field's schema.  CORRUPT names the
 * place of what is no such value, or takes more than `bytes_max`; *out then holds part of it. */
CHECK_RESULT int avro_default_encode(const struct avro_field *field, size_t bytes_max,
                                     struct buf *out, struct err *err);

#endif
