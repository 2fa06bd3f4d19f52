// SPDX-License-Identifier: Apache-2.0
/*
 * avro_decode.h: a compiled decoder.
 *
 * A reader says which values it wishes for; compiling the writer's schema against the wishes gives
 * a flat program of reads and skips, run once per record over borrowed bytes without allocation.
 * What is not wished for is skipped.  Arrays and maps come out as the span of their encoded blocks,
 * to be walked with avro_items.  Where schemas evolve, the schema that is compiled is a resolved
 * one (avro_resolve.h): a constant is put into its cell, a refused branch or symbol is a REJECT.
 */
#ifndef K2_CODEC_AVRO_DECODE_H
#define K2_CODEC_AVRO_DECODE_H

#include "codec/avro_schema.h"

enum {
    AVRO_EMPTY_ITEMS_MAX = 4096
}; /* items that take no byte, in one datum: it bounds the work */

/* Each value is wished for once; a RECORD and values inside it are two things. */
struct avro_wish {
    const char *path;    /* names from the root, through records: "data_file/file_path"; "" is the
                            root itself */
    const int32_t *ids;  /* the same by Iceberg field ids, ended by 0 (which is tried as an id too:
                            a manifest's status has it); NULL: by names only.  Ids are tried first,
                            names where the schema's field has no id */
    enum avro_type type; /* LONG takes int and long; DOUBLE float, double, int, long; BYTES takes
                            bytes, string and fixed; STRING the same, and an enum resolved to a
                            string; ENUM, BOOLEAN, ARRAY, MAP, RECORD (the encoded span) only
                            themselves.  A union of null and such a type is taken, and one of
                            several that are all taken and have the same logical type and scale;
                            another union is refused at compile time */
    bool required;       /* absent from the writer's schema: an error at compile time; otherwise
                            such a cell is null for ever */
};

struct avro_cell {
    bool is_null;
    int64_t integer;   /* BOOLEAN, LONG, ENUM (the symbol's number, the writer's) */
    double real;       /* DOUBLE */
    struct span bytes; /* BYTES, STRING; ENUM: the symbol; ARRAY, MAP: all blocks, terminator
                          included; RECORD: its encoding.  Borrowed from the input or the schema */
};

struct avro_program; /* immutable once compiled: may be shared by threads */

/* Memory from `arena`; keeps a reference to `writer`.  CORRUPT names the wish that cannot be met.
 */
CHECK_RESULT int avro_program_compile(struct arena *arena, const struct avro_schema *writer,
                                      const struct avro_wish *wishes, size_t count,
                                      const struct avro_program **out, struct err *err);

/* The schema of a wished value (union removed: the first branch that is read), or NULL when there
 * is none: the items of an array are its branch[0]. */
const struct avro_schema *avro_program_schema(const struct avro_program *program, size_t wish);

/* Reads one datum from *in, which is moved past it, into cells[0..count).  REJECT for bytes that
 * are not such a datum; *in and cells are then undefined.  Never reads outside *in. */
CHECK_RESULT int avro_program_run(const struct avro_program *program, struct span *in,
                                  struct avro_cell *cells, struct err *err);

/* Walks the blocks of an ARRAY or MAP cell.  A block that gives its size in bytes must have it, or
 * skipping and walking would see two different data. */
struct avro_items {
    struct span rest;
    uint64_t left_in_block;
    bool block_is_sized;
    size_t behind_block; /* bytes of rest when such a block is done */
};

void avro_items_init(struct avro_items *items, struct span blocks);
/* 1 when items->rest stands at an item, which the caller must then consume from items->rest (with
 * avro_program_run or the getters below); 0 at the end; -1 REJECT.  For a MAP an item is a string
 * key and then the value. */
enum { AVRO_ITEM = 1 };
CHECK_RESULT int avro_items_next(struct avro_items *items, struct err *err);

/* Getters over raw bytes; *in is moved. REJECT when cut short or too long. */
CHECK_RESULT int avro_get_long(struct span *in, int64_t *out, struct err *err);
CHECK_RESULT int avro_get_bytes(struct span *in, struct span *out, struct err *err);
/* Big-endian two's complement of 1 to 16 bytes (longer only as sign extension; empty is 0);
 * false when it does not fit 128 bits. */
CHECK_RESULT bool avro_decimal(struct span bytes, int128 *out);

#endif
