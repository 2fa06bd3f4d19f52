// SPDX-License-Identifier: Apache-2.0
/*
 * avro_file.h: Avro's object container (Avro 1.11, "Object Container Files"), as Iceberg's
 * manifests and manifest lists use it.  Codecs: null and deflate, which every reader takes.
 */
#ifndef K2_CODEC_AVRO_FILE_H
#define K2_CODEC_AVRO_FILE_H

#include "codec/avro_schema.h"
#include "core/buf.h"

enum {
    AVRO_BLOCK_BYTES = 64 * 1024,             /* a block is written when it has grown to this */
    AVRO_BLOCK_BYTES_MAX = 256 * 1024 * 1024, /* read: an inflated block's */
};

enum avro_codec { AVRO_CODEC_NULL, AVRO_CODEC_DEFLATE };

struct avro_pair {
    const char *key;
    struct span value;
};

struct avro_file_writer {
    struct buf *out; /* borrowed: the whole file's image */
    struct buf block;
    int64_t block_count;
    enum avro_codec codec;
    uint8_t sync[16];
};

/* Writes the header into *out (which should be empty): `schema_json` and the pairs as metadata.
 * The sync marker is the 16 bytes at `sync`: the caller brings randomness. */
void avro_file_begin(struct avro_file_writer *writer, struct buf *out, const char *schema_json,
                     const struct avro_pair *metadata, size_t count, enum avro_codec codec,
                     const uint8_t sync[16]);
/* Where the next datum's encoding is to be put; then avro_file_end_datum. */
struct buf *avro_file_datum(struct avro_file_writer *writer);
void avro_file_end_datum(struct avro_file_writer *writer);
/* Writes the last block and frees the writer's memory; the image is complete. */
void avro_file_finish(struct avro_file_writer *writer);

struct avro_file_reader {
    size_t image_size;
    struct span rest;    /* of the image */
    struct buf inflated; /* owned */
    struct span block;   /* the data of the block at hand that is not consumed yet */
    int64_t left_in_block;
    enum avro_codec codec;
    uint8_t sync[16];
    struct span schema_json;          /* borrowed from the image */
    const struct avro_pair *metadata; /* in the arena given at open */
    size_t metadata_count;
};

/* `image` is borrowed.  CORRUPT: no container, no schema, or a codec that is not read (it is
 * named). The reader may be closed in any case. */
CHECK_RESULT int avro_file_open(struct avro_file_reader *reader, struct arena *arena,
                                struct span image, struct err *err);
void avro_file_close(struct avro_file_reader *reader);
/* 1 when reader->block stands at a datum, which the caller must consume from it; 0 at the end; -1
 * CORRUPT.  Spans into the previous block die with the call when the codec is deflate. */
enum { AVRO_DATUM = 1 };
CHECK_RESULT int avro_file_next(struct avro_file_reader *reader, struct err *err);
/* The value of a metadata key, or an empty span with data NULL. */
struct span avro_file_metadata(const struct avro_file_reader *reader, const char *key);

#endif
