// SPDX-License-Identifier: Apache-2.0
/* parquet_page_decode.c: sizes are judged as soon as they are known, so that what follows computes
 * with numbers that hold. */
#include "codec/parquet_page_decode.h"

#include "codec/thrift_decode.h"
#include "core/num.h"

#define ZLIB_CONST
#include <inttypes.h>
#include <zlib.h>

/* Parquet: PageHeader, before anything of it is believed. */
struct header {
    int32_t type, size, stored;
    int32_t values, encoding;
    int32_t definition_encoding, repetition_encoding;
    int32_t definition_bytes, repetition_bytes;
    int32_t nulls, rows;
    uint32_t crc;
    bool has_crc, has_own, compressed; /* own: the struct that belongs to the type */
};

static const uint8_t nothing[1];

const char *parquet_page_decode_encoding_name(int encoding)
{
    static const char *const names[] = {
        "PLAIN",          "GROUP_VAR_INT",       "PLAIN_DICTIONARY",        "RLE",
        "BIT_PACKED",     "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY",
        "RLE_DICTIONARY", "BYTE_STREAM_SPLIT",
    };

    return encoding >= 0 && (size_t)encoding < ARRAY_LEN(names) ? names[encoding] : "unknown";
}

/* Parquet: DataPageHeader; of DictionaryPageHeader the first two fields are the same. */
static void decode_data_header(struct thrift_decoder *d, struct thrift_field *value,
                               struct header *header)
{
    struct thrift_field field = thrift_decode_child(d, value);

    while (thrift_decode_next(d, &field)) {
        switch (field.id) {
        case 1:
            header->values = thrift_decode_i32(d, &field);
            break;
        case 2:
            header->encoding = thrift_decode_i32(d, &field);
            break;
        case 3:
            if (header->type == PARQUET_PAGE_DATA)
                header->definition_encoding = thrift_decode_i32(d, &field);
            break;
        case 4:
            header->repetition_encoding = thrift_decode_i32(d, &field);
            break;
        default:
            break;
        }
    }
}

/* Parquet: DataPageHeaderV2 */
static void decode_v2_header(struct thrift_decoder *d, struct thrift_field *value,
                             struct header *header)
{
    struct thrift_field field = thrift_decode_child(d, value);

    while (thrift_decode_next(d, &field)) {
        switch (field.id) {
        case 1:
            header->values = thrift_decode_i32(d, &field);
            break;
        case 2:
            header->nulls = thrift_decode_i32(d, &field);
            break;
        case 3:
            header->rows = thrift_decode_i32(d, &field);
            break;
        case 4:
            header->encoding = thrift_decode_i32(d, &field);
            break;
        case 5:
            header->definition_bytes = thrift_decode_i32(d, &field);
            break;
        case 6:
            header->repetition_bytes = thrift_decode_i32(d, &field);
            break;
        case 7:
            header->compressed = thrift_decode_bool(d, &field);
            break;
        default:
            break;
        }
    }
}

static void decode_header(struct thrift_decoder *d, struct header *header)
{
    struct thrift_field field = thrift_decode_struct(d);

    *header = (struct header){ .type = -1, .size = -1, .stored = -1, .compressed = true };
    while (thrift_decode_next(d, &field)) {
        switch (field.id) {
        case 1:
            header->type = thrift_decode_i32(d, &field);
            break;
        case 2:
            header->size = thrift_decode_i32(d, &field);
            break;
        case 3:
            header->stored = thrift_decode_i32(d, &field);
            break;
        case 4:
            header->crc = (uint32_t)thrift_decode_i32(d, &field);
            header->has_crc = true;
            break;
        case 5:
        case 7:
            if (header->type != (field.id == 5 ? PARQUET_PAGE_DATA : PARQUET_PAGE_DICTIONARY))
                break;
            decode_data_header(d, &field, header);
            header->has_own = true;
            break;
        case 8:
            if (header->type != PARQUET_PAGE_DATA_V2)
                break;
            decode_v2_header(d, &field, header);
            header->has_own = true;
            break;
        default:
            break;
        }
    }
}

static int check_header(const struct header *header, size_t left, struct err *err)
{
    if (header->type < 0 || header->size < 0 || header->size > PARQUET_PAGE_BYTES_MAX ||
        header->stored < 0 || (size_t)header->stored > left)
        return err_set(err, ERR_CORRUPT,
                       "page of type %" PRId32 ", %" PRId32 " bytes, stored in %" PRId32
                       " where %zu are left",
                       header->type, header->size, header->stored, left);
    if (!header->has_own &&
        (header->type == PARQUET_PAGE_DATA || header->type == PARQUET_PAGE_DICTIONARY ||
         header->type == PARQUET_PAGE_DATA_V2))
        return err_set(err, ERR_CORRUPT, "page of type %" PRId32 " without its header",
                       header->type);
    if (header->values < 0 || header->values > PARQUET_GROUP_VALUES_MAX || header->nulls < 0 ||
        header->nulls > header->values || header->rows < 0)
        return err_set(err, ERR_CORRUPT,
                       "page of %" PRId32 " values, %" PRId32 " nulls, %" PRId32 " rows",
                       header->values, header->nulls, header->rows);
    if (header->definition_bytes < 0 || header->repetition_bytes < 0 ||
        (int64_t)header->definition_bytes + header->repetition_bytes >
            int64_min(header->size, header->stored))
        return err_set(err, ERR_CORRUPT, "levels of %" PRId32 " and %" PRId32 " bytes in %" PRId32,
                       header->definition_bytes, header->repetition_bytes, header->stored);
    return 0;
}

int parquet_page_decode_next(struct span *rest, struct parquet_page *page, struct err *err)
{
    struct thrift_decoder d = thrift_decode_begin(*rest);
    struct header header;

    decode_header(&d, &header);
    if (d.problem != NULL)
        return err_set(err, ERR_CORRUPT, "page header: %s", d.problem);
    if (check_header(&header, (size_t)(d.end - d.at), err) < 0)
        return -1;
    *page = (struct parquet_page){
        .type = header.type,
        .encoding = header.encoding,
        .values = (size_t)header.values,
        .size = (size_t)header.size,
        .stored = span_of(d.at, (size_t)header.stored),
        .compressed = header.compressed,
        .definition_encoding = header.definition_encoding,
        .repetition_encoding = header.repetition_encoding,
        .definition_bytes = (size_t)header.definition_bytes,
        .repetition_bytes = (size_t)header.repetition_bytes,
        .nulls = (size_t)header.nulls,
        .rows = (size_t)header.rows,
    };
    *rest = span_of(d.at + header.stored, (size_t)(d.end - d.at) - (size_t)header.stored);
    if (header.has_crc && crc32(0, page->stored.data, (uInt)page->stored.size) != header.crc)
        return err_set(err, ERR_CORRUPT, "page of %zu bytes: its checksum is another one",
                       page->stored.size);
    return 0;
}

int parquet_page_decode_bytes(const struct parquet_page *page, int codec,
                              struct decompress *decompress, uint8_t *out, struct span *bytes,
                              struct err *err)
{
    size_t levels = page->definition_bytes + page->repetition_bytes;
    size_t size = page->size - levels;
    struct span stored = span_of(page->stored.data + levels, page->stored.size - levels);

    if (size == 0) {
        *bytes = span_of(nothing, 0);
        return 0;
    }
    if (codec == PARQUET_CODEC_UNCOMPRESSED || !page->compressed) {
        if (stored.size != size)
            return err_set(err, ERR_CORRUPT, "page of %zu bytes, uncompressed in %zu", size,
                           stored.size);
        *bytes = stored;
        return 0;
    }
    *bytes = span_of(out, size);
    return decompress_block(decompress, codec, stored, out, size, err);
}

/* Levels of a v1 page: RLE with its length in front. */
static int cut_levels(struct span *bytes, int32_t encoding, struct span *levels, struct err *err)
{
    uint32_t size;

    if (encoding != PARQUET_ENCODING_RLE)
        return err_set(err, ERR_CORRUPT, "levels encoded as %s (%" PRId32 ") are not supported",
                       parquet_page_decode_encoding_name(encoding), encoding);
    if (bytes->size < 4 || (size = load_le32(bytes->data)) > bytes->size - 4)
        return err_set(err, ERR_CORRUPT, "levels longer than their page");
    *levels = span_of(bytes->data + 4, size);
    *bytes = span_of(bytes->data + 4 + size, bytes->size - 4 - size);
    return 0;
}

int parquet_page_decode_parts(const struct parquet_page *page, struct span bytes,
                              bool has_repetition, bool has_definition,
                              struct parquet_page_parts *parts, struct err *err)
{
    *parts = (struct parquet_page_parts){ { nothing, 0 }, { nothing, 0 }, bytes };
    if (page->type == PARQUET_PAGE_DATA_V2) {
        const uint8_t *levels = page->stored.data;

        parts->repetition = span_of(levels, page->repetition_bytes);
        parts->definition = span_of(levels + page->repetition_bytes, page->definition_bytes);
        return 0;
    }
    if (has_repetition &&
        cut_levels(&parts->values, page->repetition_encoding, &parts->repetition, err) < 0)
        return -1;
    if (has_definition &&
        cut_levels(&parts->values, page->definition_encoding, &parts->definition, err) < 0)
        return -1;
    return 0;
}
