// SPDX-License-Identifier: Apache-2.0
/*
 * oracle_formats.h: Avro, Thrift and Parquet as the oracle reads them: whole trees in an arena, by
 * recursion.  Written from the specifications alone; nothing of src/codec is used, so that a
 * mistake there cannot hide itself here.  Whatever is unexpected ends the process with the name of
 * the file and the byte.
 */
#ifndef K2_TESTS_SIM_ORACLE_FORMATS_H
#define K2_TESTS_SIM_ORACLE_FORMATS_H

#include "core/arena.h"
#include "core/buf.h"
#include "sim/oracle.h"

struct json_object;

/* -- oracle_bytes.c: a cursor over the bytes of one file */

struct oracle_bytes {
    const char *name; /* of the file */
    const uint8_t *data;
    size_t size, at;
    size_t origin;    /* where data[0] lies in the file */
    bool is_unpacked; /* decompressed from there */
};

_Noreturn void oracle_bytes_fail(const struct oracle_bytes *bytes, const char *format, ...)
    PRINTF_LIKE(2, 3);
/* The next `size` bytes. */
const uint8_t *oracle_bytes_take(struct oracle_bytes *bytes, uint64_t size);
uint8_t oracle_bytes_byte(struct oracle_bytes *bytes);
uint64_t oracle_bytes_varint(struct oracle_bytes *bytes); /* unsigned LEB128, at most 64 bits */
int64_t oracle_bytes_zigzag(struct oracle_bytes *bytes);
uint64_t oracle_bytes_le(struct oracle_bytes *bytes, size_t size); /* little-endian */

/* -- oracle_avro.c: object container files (Avro 1.11 specification) */

enum oracle_avro_kind {
    ORACLE_AVRO_NULL,
    ORACLE_AVRO_BOOLEAN,
    ORACLE_AVRO_INT,
    ORACLE_AVRO_LONG,
    ORACLE_AVRO_BYTES,
    ORACLE_AVRO_STRING,
    ORACLE_AVRO_FIXED,
    ORACLE_AVRO_RECORD,
    ORACLE_AVRO_ARRAY,
    ORACLE_AVRO_UNION, /* of schemas only: a value has its branch's kind */
};

struct oracle_avro_schema;

struct oracle_avro_value {
    enum oracle_avro_kind kind;
    int64_t integer;
    struct span bytes;
    const struct oracle_avro_value *item; /* of an array; or a record's fields */
    size_t count;
    const struct oracle_avro_schema *schema;
};

struct oracle_avro_pair {
    struct span key, value;
};

struct oracle_avro_file {
    const struct oracle_bytes *bytes; /* for messages */
    const struct oracle_avro_pair *pair;
    size_t pair_count;
    const struct oracle_avro_value *row;
    size_t row_count;
};

/* Schemas that were parsed before, by their text, in an arena; nothing else at first. */
struct oracle_avro_cache {
    struct arena *arena;
    struct oracle_avro_seen *seen;
};

/* *out lives in `arena` and points into `image`. */
void oracle_avro_read(struct oracle_avro_cache *cache, struct arena *arena, const char *name,
                      struct span image, struct oracle_avro_file *out);
/* Metadata of the file; fails when there is none. */
struct span oracle_avro_meta(const struct oracle_avro_file *file, const char *key);
/* A field of a record; fails unless the schema has it under this name with this field-id. */
const struct oracle_avro_value *oracle_avro_field(const struct oracle_avro_file *file,
                                                  const struct oracle_avro_value *record,
                                                  const char *name, int32_t id);
/* The same, of these kinds; null fails. */
int64_t oracle_avro_integer(const struct oracle_avro_file *file,
                            const struct oracle_avro_value *record, const char *name, int32_t id);
struct span oracle_avro_bytes(const struct oracle_avro_file *file,
                              const struct oracle_avro_value *record, const char *name, int32_t id);

/* -- oracle_thrift.c: structs of the compact protocol */

enum oracle_thrift_type {
    ORACLE_THRIFT_BOOL = 1, /* a struct's field says its value by types 1 and 2; here always 1 */
    ORACLE_THRIFT_BYTE = 3,
    ORACLE_THRIFT_I16 = 4,
    ORACLE_THRIFT_I32 = 5,
    ORACLE_THRIFT_I64 = 6,
    ORACLE_THRIFT_BINARY = 8,
    ORACLE_THRIFT_LIST = 9,
    ORACLE_THRIFT_STRUCT = 12,
};

struct oracle_thrift {
    int16_t id; /* of a struct's field */
    enum oracle_thrift_type type;
    enum oracle_thrift_type item_type; /* LIST */
    int64_t integer;
    struct span bytes;
    struct oracle_thrift *item; /* LIST: items; STRUCT: fields, ids ascend */
    size_t count;
};

/* One struct from the cursor on. */
void oracle_thrift_read(struct arena *arena, struct oracle_bytes *bytes, struct oracle_thrift *out);
/* A field by id and type, or NULL; another type fails. */
const struct oracle_thrift *oracle_thrift_find(const struct oracle_bytes *bytes,
                                               const struct oracle_thrift *of, int16_t id,
                                               enum oracle_thrift_type type);
/* A field that must be there. */
const struct oracle_thrift *oracle_thrift_get(const struct oracle_bytes *bytes,
                                              const struct oracle_thrift *of, int16_t id,
                                              enum oracle_thrift_type type);

/* -- oracle_parquet.c: data files */

enum oracle_type {
    ORACLE_INT,
    ORACLE_DATE,
    ORACLE_LONG,
    ORACLE_TIMESTAMPTZ,
    ORACLE_DECIMAL, /* of at most 18 digits */
    ORACLE_STRING,
    ORACLE_BINARY,
    ORACLE_NESTED, /* left out */
};

struct oracle_field {
    int32_t id;
    const char *name;
    enum oracle_type type;
    int32_t precision, scale;
    bool required;
};

struct oracle_parquet_chunk_size {
    int32_t id; /* of the leaf */
    int64_t bytes;
};

struct oracle_parquet_file {
    struct oracle_bytes bytes; /* for messages */
    size_t row_count;
    struct oracle_cell *cell; /* row by row, field_count in each */
    int64_t *group_offset;
    size_t group_count;
    struct oracle_parquet_chunk_size *size; /* of each leaf, over all row groups */
    size_t size_count;
    bool has_writer_key;
};

struct oracle_parquet {
    struct arena *arena;
    void *zstd; /* a ZSTD_DCtx */
    const struct oracle_field *field;
    size_t field_count;
};

/* *out lives in the reader's arena and points into `image`. */
void oracle_parquet_read(const struct oracle_parquet *reader, const char *name, struct span image,
                         struct oracle_parquet_file *out);

#endif
