// SPDX-License-Identifier: Apache-2.0
/* parquet_footer_encode.c: field numbers are those of parquet.thrift.  The file's version is 1, as
 * every Java writer has it. */
#include "codec/parquet_footer_encode.h"
#include "codec/thrift_encode.h"

enum { /* ConvertedType */
       CONVERTED_NONE = -1,
       CONVERTED_UTF8 = 0,
       CONVERTED_MAP = 1,
       CONVERTED_LIST = 3,
       CONVERTED_DECIMAL = 5,
       CONVERTED_DATE = 6,
       CONVERTED_TIMESTAMP_MICROS = 10,
};

enum { /* LogicalType's union */
       LOGICAL_NONE = 0,
       LOGICAL_STRING = 1,
       LOGICAL_MAP = 2,
       LOGICAL_LIST = 3,
       LOGICAL_DECIMAL = 5,
       LOGICAL_DATE = 6,
       LOGICAL_TIMESTAMP = 8,
};

struct element {
    const char *name;
    int type; /* parquet_type, -1 for a group */
    size_t type_size;
    int repetition; /* -1: the root */
    size_t children;
    int32_t field_id; /* -1: none */
    int converted;
    int16_t logical;
    uint8_t precision, scale;
};

static void put_logical(struct thrift_encoder *encoder, const struct element *element)
{
    thrift_encode_struct(encoder, 10);
    thrift_encode_struct(encoder, element->logical);
    if (element->logical == LOGICAL_DECIMAL) {
        thrift_encode_i32(encoder, 1, element->scale);
        thrift_encode_i32(encoder, 2, element->precision);
    } else if (element->logical == LOGICAL_TIMESTAMP) {
        thrift_encode_bool(encoder, 1, true); /* adjusted to UTC */
        thrift_encode_struct(encoder, 2);
        thrift_encode_struct(encoder, 2); /* MICROS */
        thrift_encode_end(encoder);
        thrift_encode_end(encoder);
    }
    thrift_encode_end(encoder);
    thrift_encode_end(encoder);
}

static void put_element(struct thrift_encoder *encoder, const struct element *element)
{
    thrift_encode_item_struct(encoder);
    if (element->type >= 0)
        thrift_encode_i32(encoder, 1, element->type);
    if (element->type_size > 0)
        thrift_encode_i32(encoder, 2, (int32_t)element->type_size);
    if (element->repetition >= 0)
        thrift_encode_i32(encoder, 3, element->repetition);
    thrift_encode_text(encoder, 4, element->name);
    if (element->type < 0)
        thrift_encode_i32(encoder, 5, (int32_t)element->children);
    if (element->converted != CONVERTED_NONE)
        thrift_encode_i32(encoder, 6, element->converted);
    if (element->logical == LOGICAL_DECIMAL) {
        thrift_encode_i32(encoder, 7, element->scale);
        thrift_encode_i32(encoder, 8, element->precision);
    }
    if (element->field_id >= 0)
        thrift_encode_i32(encoder, 9, element->field_id);
    if (element->logical != LOGICAL_NONE)
        put_logical(encoder, element);
    thrift_encode_end(encoder);
}

static void set_logical(struct element *element, const struct parquet_field *field)
{
    switch (field->kind) {
    case PARQUET_DATE:
        element->converted = CONVERTED_DATE;
        element->logical = LOGICAL_DATE;
        return;
    case PARQUET_TIMESTAMPTZ:
        element->converted = CONVERTED_TIMESTAMP_MICROS;
        element->logical = LOGICAL_TIMESTAMP;
        return;
    case PARQUET_DECIMAL:
        element->converted = CONVERTED_DECIMAL;
        element->logical = LOGICAL_DECIMAL;
        element->precision = field->precision;
        element->scale = field->scale;
        return;
    case PARQUET_STRING:
    case PARQUET_LIST: /* of its leaves, which are text */
    case PARQUET_MAP:
        element->converted = CONVERTED_UTF8;
        element->logical = LOGICAL_STRING;
        return;
    default:
        return;
    }
}

static void put_leaf(struct thrift_encoder *encoder, const struct parquet_shape *shape)
{
    struct element element = {
        .name = shape->path[shape->path_count - 1],
        .type = (int)shape->type,
        .type_size = shape->type_size,
        .repetition = shape->optional ? PARQUET_REPETITION_OPTIONAL : PARQUET_REPETITION_REQUIRED,
        .field_id = shape->field_id,
        .converted = CONVERTED_NONE,
    };

    set_logical(&element, shape->field);
    put_element(encoder, &element);
}

/* The two groups around the leaves of a list or map; the inner one has no id. */
static void put_groups(struct thrift_encoder *encoder, const struct parquet_field *field,
                       size_t leaves)
{
    bool list = field->kind == PARQUET_LIST;
    const struct element outer = {
        .name = field->name,
        .type = -1,
        .repetition = field->required ? PARQUET_REPETITION_REQUIRED : PARQUET_REPETITION_OPTIONAL,
        .children = 1,
        .field_id = field->field_id,
        .converted = list ? CONVERTED_LIST : CONVERTED_MAP,
        .logical = list ? LOGICAL_LIST : LOGICAL_MAP,
    };
    const struct element inner = {
        .name = list ? "list" : "key_value",
        .type = -1,
        .repetition = PARQUET_REPETITION_REPEATED,
        .children = leaves,
        .field_id = -1,
        .converted = CONVERTED_NONE,
    };

    put_element(encoder, &outer);
    put_element(encoder, &inner);
}

static void put_schema(struct thrift_encoder *encoder, const struct parquet_footer *footer)
{
    const struct element root = {
        .name = "table",
        .type = -1,
        .repetition = -1,
        .children = footer->field_count,
        .field_id = -1,
        .converted = CONVERTED_NONE,
    };
    size_t elements = 1 + footer->leaf_count;

    for (size_t i = 0; i < footer->field_count; i++)
        if (footer->field[i].kind == PARQUET_LIST || footer->field[i].kind == PARQUET_MAP)
            elements += 2;
    thrift_encode_list(encoder, 2, THRIFT_STRUCT, elements);
    put_element(encoder, &root);
    for (size_t i = 0; i < footer->field_count; i++) {
        struct parquet_shape shapes[PARQUET_SHAPE_LEAVES_MAX];
        size_t leaves = parquet_shape_of(&footer->field[i], i, shapes);

        if (shapes[0].child >= 0)
            put_groups(encoder, &footer->field[i], leaves);
        for (size_t k = 0; k < leaves; k++)
            put_leaf(encoder, &shapes[k]);
    }
}

static void put_statistics(struct thrift_encoder *encoder, const struct parquet_shape *shape,
                           const struct parquet_chunk_encoded *chunk)
{
    struct buf bounds = BUF_INIT;
    bool lower_exact, upper_exact;
    size_t lower;

    thrift_encode_struct(encoder, 12);
    thrift_encode_i64(encoder, 3, (int64_t)chunk->nulls);
    if (chunk->bounds.present) {
        lower_exact = parquet_bounds_put_lower(&bounds, shape, &chunk->bounds);
        lower = bounds.size;
        upper_exact = parquet_bounds_put_upper(&bounds, shape, &chunk->bounds);
        thrift_encode_binary(encoder, 5, span_of(bounds.data + lower, bounds.size - lower));
        thrift_encode_binary(encoder, 6, span_of(bounds.data, lower));
        thrift_encode_bool(encoder, 7, upper_exact);
        thrift_encode_bool(encoder, 8, lower_exact);
    }
    thrift_encode_end(encoder);
    buf_deinit(&bounds);
}

static void put_encoding_stats(struct thrift_encoder *encoder, enum parquet_page_type type,
                               enum parquet_encoding encoding, size_t pages)
{
    thrift_encode_item_struct(encoder);
    thrift_encode_i32(encoder, 1, (int32_t)type);
    thrift_encode_i32(encoder, 2, (int32_t)encoding);
    thrift_encode_i32(encoder, 3, (int32_t)pages);
    thrift_encode_end(encoder);
}

void parquet_footer_encode_chunk(struct buf *out, const struct parquet_shape *shape,
                                 enum parquet_codec codec,
                                 const struct parquet_chunk_encoded *chunk)
{
    struct thrift_encoder encoder;

    thrift_encode_begin(&encoder, out);
    thrift_encode_i32(&encoder, 1, (int32_t)shape->type);
    thrift_encode_list(&encoder, 2, THRIFT_I32, chunk->has_dictionary ? 3 : 2);
    if (chunk->has_dictionary)
        thrift_encode_item_i32(&encoder, PARQUET_ENCODING_PLAIN); /* the dictionary page */
    thrift_encode_item_i32(&encoder, (int32_t)chunk->encoding);
    thrift_encode_item_i32(&encoder, PARQUET_ENCODING_RLE); /* levels */
    thrift_encode_list(&encoder, 3, THRIFT_BINARY, shape->path_count);
    for (size_t i = 0; i < shape->path_count; i++)
        thrift_encode_item_binary(&encoder, span_text(shape->path[i]));
    thrift_encode_i32(&encoder, 4, (int32_t)codec);
    thrift_encode_i64(&encoder, 5, (int64_t)chunk->entries);
    thrift_encode_i64(&encoder, 6, chunk->uncompressed_bytes);
    thrift_encode_i64(&encoder, 7, chunk->compressed_bytes);
    thrift_encode_i64(&encoder, 9, chunk->data_offset);
    if (chunk->has_dictionary)
        thrift_encode_i64(&encoder, 11, chunk->dictionary_offset);
    put_statistics(&encoder, shape, chunk);
    thrift_encode_list(&encoder, 13, THRIFT_STRUCT, chunk->has_dictionary ? 2 : 1);
    if (chunk->has_dictionary)
        put_encoding_stats(&encoder, PARQUET_PAGE_DICTIONARY, PARQUET_ENCODING_PLAIN, 1);
    put_encoding_stats(&encoder, PARQUET_PAGE_DATA, chunk->encoding, chunk->data_pages);
    thrift_encode_end(&encoder);
}

static void put_chunk(struct thrift_encoder *encoder, const struct parquet_footer_chunk *chunk)
{
    thrift_encode_item_struct(encoder);
    thrift_encode_i64(encoder, 2, 0); /* file_offset: deprecated, must be there */
    thrift_encode_raw(encoder, 3, chunk->meta);
    thrift_encode_i64(encoder, 4, chunk->offset_index_offset);
    thrift_encode_i32(encoder, 5, (int32_t)chunk->offset_index_size);
    if (chunk->column_index_size > 0) {
        thrift_encode_i64(encoder, 6, chunk->column_index_offset);
        thrift_encode_i32(encoder, 7, (int32_t)chunk->column_index_size);
    }
    thrift_encode_end(encoder);
}

static void put_group(struct thrift_encoder *encoder, const struct parquet_footer *footer,
                      size_t group_index)
{
    const struct parquet_footer_group *group = &footer->group[group_index];

    thrift_encode_item_struct(encoder);
    thrift_encode_list(encoder, 1, THRIFT_STRUCT, footer->leaf_count);
    for (size_t i = 0; i < footer->leaf_count; i++)
        put_chunk(encoder, &footer->chunk[group_index * footer->leaf_count + i]);
    thrift_encode_i64(encoder, 2, group->uncompressed_bytes);
    thrift_encode_i64(encoder, 3, group->rows);
    thrift_encode_i64(encoder, 5, group->offset);
    thrift_encode_i64(encoder, 6, group->compressed_bytes);
    thrift_encode_end(encoder);
}

static void put_pairs(struct thrift_encoder *encoder, const struct parquet_footer *footer)
{
    if (footer->pair_count == 0)
        return;
    thrift_encode_list(encoder, 5, THRIFT_STRUCT, footer->pair_count);
    for (size_t i = 0; i < footer->pair_count; i++) {
        thrift_encode_item_struct(encoder);
        thrift_encode_text(encoder, 1, footer->pair[i].key);
        thrift_encode_text(encoder, 2, footer->pair[i].value);
        thrift_encode_end(encoder);
    }
}

void parquet_footer_encode(struct buf *out, const struct parquet_footer *footer)
{
    struct thrift_encoder encoder;
    int64_t rows = 0;

    for (size_t i = 0; i < footer->group_count; i++)
        rows += footer->group[i].rows;
    thrift_encode_begin(&encoder, out);
    thrift_encode_i32(&encoder, 1, 1);
    put_schema(&encoder, footer);
    thrift_encode_i64(&encoder, 3, rows);
    thrift_encode_list(&encoder, 4, THRIFT_STRUCT, footer->group_count);
    for (size_t i = 0; i < footer->group_count; i++)
        put_group(&encoder, footer, i);
    put_pairs(&encoder, footer);
    thrift_encode_text(&encoder, 6, footer->created_by);
    thrift_encode_list(&encoder, 7, THRIFT_STRUCT, footer->leaf_count);
    for (size_t i = 0; i < footer->leaf_count; i++) {
        thrift_encode_item_struct(&encoder);
        thrift_encode_struct(&encoder, 1); /* TYPE_ORDER */
        thrift_encode_end(&encoder);
        thrift_encode_end(&encoder);
    }
    thrift_encode_end(&encoder);
}
