// SPDX-License-Identifier: Apache-2.0
/*
 * avro_file.c: the object container, whole images in memory (a manifest is a few MB at most).
 *
 * Blocks are inflated one at a time into memory that is reused.  Bytes behind the end of a deflate
 * stream are let pass: fastavro, which pyiceberg writes with, leaves three of zlib's checksum
 * there.
 */
#include "codec/avro_file.h"

#include "codec/avro_decode.h"
#include "codec/avro_encode.h"

#define ZLIB_CONST
#include <zlib.h>

enum { SYNC_BYTES = 16, RAW_DEFLATE = -15 };

static const uint8_t magic[4] = { 'O', 'b', 'j', 1 };

static void put_pair(struct buf *out, const char *key, struct span value)
{
    avro_put_bytes(out, span_text(key));
    avro_put_bytes(out, value);
}

void avro_file_begin(struct avro_file_writer *writer, struct buf *out, const char *schema_json,
                     const struct avro_pair *metadata, size_t count, enum avro_codec codec,
                     const uint8_t sync[16])
{
    *writer = (struct avro_file_writer){ .out = out, .codec = codec };
    memcpy(writer->sync, sync, SYNC_BYTES);
    buf_put(out, magic, sizeof(magic));
    avro_put_long(out, (int64_t)count + 2);
    put_pair(out, "avro.schema", span_text(schema_json));
    put_pair(out, "avro.codec", codec == AVRO_CODEC_DEFLATE ? SPAN("deflate") : SPAN("null"));
    for (size_t i = 0; i < count; i++)
        put_pair(out, metadata[i].key, metadata[i].value);
    avro_put_long(out, 0);
    buf_put(out, sync, SYNC_BYTES);
}

/* Into `out`, which is empty. */
static void deflate_block(struct span block, struct buf *out)
{
    z_stream stream = { .next_in = block.data, .avail_in = (uInt)block.size };
    uLong bound;

    ASSERT(block.size <= INT32_MAX); /* a block is cut at 64 KiB and a datum */
    ASSERT(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW_DEFLATE, 8,
                        Z_DEFAULT_STRATEGY) == Z_OK);
    bound = deflateBound(&stream, (uLong)block.size);
    buf_reserve(out, bound);
    stream.next_out = out->data;
    stream.avail_out = (uInt)bound;
    ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out->size = stream.total_out;
    deflateEnd(&stream);
}

static void put_block(struct avro_file_writer *writer)
{
    struct buf packed = BUF_INIT;
    struct span data = buf_span(&writer->block);

    if (writer->block_count == 0)
        return;
    if (writer->codec == AVRO_CODEC_DEFLATE) {
        deflate_block(data, &packed);
        data = buf_span(&packed);
    }
    avro_put_long(writer->out, writer->block_count);
    avro_put_bytes(writer->out, data);
    buf_put(writer->out, writer->sync, SYNC_BYTES);
    buf_clear(&writer->block);
    writer->block_count = 0;
    buf_deinit(&packed);
}

struct buf *avro_file_datum(struct avro_file_writer *writer)
{
    return &writer->block;
}

void avro_file_end_datum(struct avro_file_writer *writer)
{
    writer->block_count++;
    /* Data of no size are bounded by number, as the reader bounds them. */
    if (writer->block.size >= AVRO_BLOCK_BYTES || writer->block_count >= AVRO_BLOCK_BYTES)
        put_block(writer);
}

void avro_file_finish(struct avro_file_writer *writer)
{
    put_block(writer);
    buf_deinit(&writer->block);
}

static int corrupt(struct err *err)
{
    err->kind = ERR_CORRUPT;
    return err_wrap(err, "avro file");
}

static int get_metadata(struct avro_file_reader *reader, struct arena *arena, struct err *err)
{
    struct buf pairs = BUF_INIT;
    struct avro_items items;
    int rc;

    avro_items_init(&items, reader->rest);
    while ((rc = avro_items_next(&items, err)) == AVRO_ITEM) {
        struct avro_pair pair;
        struct span key;

        if (avro_get_bytes(&items.rest, &key, err) < 0 ||
            avro_get_bytes(&items.rest, &pair.value, err) < 0) {
            rc = -1;
            break;
        }
        pair.key = arena_text(arena, key);
        buf_put(&pairs, &pair, sizeof(pair));
    }
    reader->rest = items.rest;
    reader->metadata_count = pairs.size / sizeof(struct avro_pair);
    reader->metadata = (const void *)arena_copy(arena, buf_span(&pairs)).data;
    buf_deinit(&pairs);
    return rc < 0 ? err_wrap(err, "metadata") : 0;
}

static int set_codec(struct avro_file_reader *reader, struct err *err)
{
    struct span name = avro_file_metadata(reader, "avro.codec");

    if (name.data == NULL || span_equal(name, SPAN("null")))
        reader->codec = AVRO_CODEC_NULL;
    else if (span_equal(name, SPAN("deflate")))
        reader->codec = AVRO_CODEC_DEFLATE;
    else
        return err_set(err, ERR_CORRUPT, "codec %.*s is not read, only null and deflate",
                       (int)size_min(name.size, 40), (const char *)name.data);
    return 0;
}

int avro_file_open(struct avro_file_reader *reader, struct arena *arena, struct span image,
                   struct err *err)
{
    *reader = (struct avro_file_reader){ .image_size = image.size };
    if (image.size < sizeof(magic) || memcmp(image.data, magic, sizeof(magic)) != 0)
        return err_set(err, ERR_CORRUPT, "avro file: it does not begin as one");
    reader->rest = span_of(image.data + sizeof(magic), image.size - sizeof(magic));
    if (get_metadata(reader, arena, err) < 0 || set_codec(reader, err) < 0)
        return corrupt(err);
    reader->schema_json = avro_file_metadata(reader, "avro.schema");
    if (reader->schema_json.data == NULL)
        return err_set(err, ERR_CORRUPT, "avro file: no schema");
    if (reader->rest.size < SYNC_BYTES)
        return err_set(err, ERR_CORRUPT, "avro file: cut short in the header");
    memcpy(reader->sync, reader->rest.data, SYNC_BYTES);
    reader->rest = span_of(reader->rest.data + SYNC_BYTES, reader->rest.size - SYNC_BYTES);
    return 0;
}

void avro_file_close(struct avro_file_reader *reader)
{
    buf_deinit(&reader->inflated);
}

/* Runs the stream to its end, with room that doubles up to the limit. */
static int inflate_all(z_stream *stream, struct buf *out, struct err *err)
{
    int rc = Z_OK;

    while (rc == Z_OK) {
        size_t room;

        if (out->size >= AVRO_BLOCK_BYTES_MAX)
            return err_set(err, ERR_CORRUPT, "a block inflates to more than %d bytes",
                           AVRO_BLOCK_BYTES_MAX);
        room = size_min(size_max(out->size, AVRO_BLOCK_BYTES), AVRO_BLOCK_BYTES_MAX - out->size);
        buf_reserve(out, room);
        stream->next_out = out->data + out->size;
        stream->avail_out = (uInt)room;
        rc = inflate(stream, Z_NO_FLUSH);
        out->size += room - stream->avail_out;
        if (rc == Z_OK && stream->avail_out > 0)
            rc = Z_BUF_ERROR; /* it wants more than there is */
    }
    if (rc != Z_STREAM_END)
        return err_set(err, ERR_CORRUPT, "a block does not inflate (zlib %d)", rc);
    return 0;
}

static int inflate_block(struct avro_file_reader *reader, struct span packed, struct err *err)
{
    z_stream stream = { .next_in = packed.data, .avail_in = (uInt)packed.size };
    int rc;

    if (packed.size > AVRO_BLOCK_BYTES_MAX)
        return err_set(err, ERR_CORRUPT, "a block of %zu bytes", packed.size);
    buf_clear(&reader->inflated);
    ASSERT(inflateInit2(&stream, RAW_DEFLATE) == Z_OK);
    rc = inflate_all(&stream, &reader->inflated, err);
    inflateEnd(&stream);
    reader->block = buf_span(&reader->inflated);
    return rc;
}

static size_t offset(const struct avro_file_reader *reader)
{
    return reader->image_size - reader->rest.size;
}

static int get_block(struct avro_file_reader *reader, struct err *err)
{
    struct span *rest = &reader->rest;
    size_t begin = offset(reader);
    struct span data;

    if (avro_get_long(rest, &reader->left_in_block, err) < 0 ||
        avro_get_bytes(rest, &data, err) < 0)
        return err_wrap(err, "block at byte %zu", begin);
    if (rest->size < SYNC_BYTES)
        return err_set(err, ERR_CORRUPT, "block at byte %zu: cut short", begin);
    if (memcmp(rest->data, reader->sync, SYNC_BYTES) != 0)
        return err_set(err, ERR_CORRUPT, "block at byte %zu: another sync marker at byte %zu",
                       begin, offset(reader));
    *rest = span_of(rest->data + SYNC_BYTES, rest->size - SYNC_BYTES);
    reader->block = data;
    if (reader->codec == AVRO_CODEC_DEFLATE && inflate_block(reader, data, err) < 0)
        return err_wrap(err, "block at byte %zu", begin);
    if (reader->left_in_block < 0 ||
        (uint64_t)reader->left_in_block > reader->block.size + AVRO_BLOCK_BYTES)
        return err_set(err, ERR_CORRUPT, "block at byte %zu: %lld data in %zu bytes", begin,
                       (long long)reader->left_in_block, reader->block.size);
    return 0;
}

int avro_file_next(struct avro_file_reader *reader, struct err *err)
{
    while (reader->left_in_block == 0) {
        if (reader->block.size > 0) {
            err_set(err, ERR_CORRUPT, "%zu bytes are left over in the block before byte %zu",
                    reader->block.size, offset(reader));
            return corrupt(err);
        }
        if (reader->rest.size == 0)
            return 0;
        if (get_block(reader, err) < 0)
            return corrupt(err);
    }
    reader->left_in_block--;
    return AVRO_DATUM;
}

struct span avro_file_metadata(const struct avro_file_reader *reader, const char *key)
{
    for (size_t i = 0; i < reader->metadata_count; i++) {
        if (strcmp(reader->metadata[i].key, key) == 0)
            return reader->metadata[i].value;
    }
    return (struct span){ NULL, 0 };
}
