// SPDX-License-Identifier: Apache-2.0
/*
 * trade_decode.h: log records back into columns.
 *
 * A decoder is compiled once for each schema id that occurs, by Avro's schema resolution as
 * avro_resolve.h has it; the reader is the V2 record with texts for the enums, and every field
 * nullable: one that the writer does not have, or has as null, is null in the batch
 * (trade_conditions, which has a default, an empty list), and the rules of trade_check.h name it.
 * Decimals come by the writer's scale, times in its unit, both exactly or not at all.
 */
#ifndef K2_TRADE_TRADE_DECODE_H
#define K2_TRADE_TRADE_DECODE_H

#include "codec/avro_schema.h"
#include "core/buf.h"
#include "trade/trade.h"

/* Splits a record behind the registry's header; false when it is too short or has another magic
 * byte: such a record is deserialization_failed. */
CHECK_RESULT bool trade_decode_header(struct span record, int32_t *schema_id, struct span *body);

struct trade_decoder; /* immutable once compiled: may be shared by threads */

/* Memory from `arena`; keeps a reference to `writer`.  CORRUPT: no record of this schema can be a
 * trade (it names the field and why, or has no field of one), so that all of them are
 * deserialization_failed. */
CHECK_RESULT int trade_decoder_compile(struct arena *arena, const struct avro_schema *writer,
                                       const struct trade_decoder **out, struct err *err);

/* Appends the names of the fields that the writer's schema lacks although they have no default,
 * with commas: each of its records is a dead letter by the first of them. */
void trade_decoder_missing(const struct trade_decoder *decoder, struct buf *out);

/*
 * Appends one row.  REJECT, and the batch is as it was, for bytes that are not such a record, that
 * go on behind it, whose text is not UTF-8, or whose ingestion_timestamp is outside the years 1 to
 * 9999.  A price or quantity that does not fit 38 digits at TRADE_WIRE_SCALE exactly is
 * TRADE_INEXACT_POSITIVE or TRADE_INEXACT_NEGATIVE there.
 * The caller cuts a batch before its bodies together reach 1 GiB (column.h).
 */
CHECK_RESULT int trade_decode(const struct trade_decoder *decoder, struct span body,
                              struct trade_batch *batch, struct err *err);

#endif
