// SPDX-License-Identifier: Apache-2.0
/*
 * avro_resolve.h: a writer's schema in a reader's terms (Avro 1.12, "Schema Resolution",
 * "Aliases").
 *
 * Nothing is done to data.  What comes out is a schema that describes the writer's bytes, and says
 * of each value what it is to the reader: fields have the reader's names, promoted values carry
 * `as`, what the writer lacks is a constant that takes no bytes, what the reader lacks is skipped,
 * and a branch or symbol that the reader cannot take is refused when a datum has it, and only then.
 * avro_program_compile and avro_json_decode read by it, so that resolving costs a schema id once
 * and a record nothing.
 *
 * As the specification has it, but for these:
 *  - A field is matched by name, else by an alias of the reader's field, else by an alias of the
 *    writer's: a producer that renames a field and leaves the old name as alias is understood
 *    without a change of the reader.  Aliases of named types serve both ways too.
 *  - A reader's union takes a branch of the writer's own type before one that it promotes to.
 *  - An enum may be read as a string: its symbol.
 *  - Decimals resolve with each other only, whatever their scale, precision and carrier; the
 *    resolved schema keeps the writer's, by which the consumer converts exactly or not at all.
 *    Likewise times: timestamp-millis, -micros and -nanos keep the writer's unit.  A plain int or
 *    long has the unit that the reader says; a time of another kind is no time of the reader's.
 */
#ifndef K2_CODEC_AVRO_RESOLVE_H
#define K2_CODEC_AVRO_RESOLVE_H

#include "codec/avro_schema.h"

enum { AVRO_DEFAULTS_BYTES_MAX = 1024 * 1024 }; /* all constants of a resolved schema */

/* Memory from `arena`; *out keeps references into both.  CORRUPT names the place: no datum of the
 * writer's can be read, or a default of the reader's is no value of its type. */
CHECK_RESULT int avro_resolve(struct arena *arena, const struct avro_schema *writer,
                              const struct avro_schema *reader, const struct avro_schema **out,
                              struct err *err);

/* The specification's promotions alone: may a value of the one type be read as the other? */
bool avro_resolve_promotes(enum avro_type writer, enum avro_type reader);

#endif
