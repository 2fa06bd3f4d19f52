// SPDX-License-Identifier: Apache-2.0
/* parquet_footer_decode.c: two steps: the thrift structs are read in file order, then the schema's
 * flat list is walked as the tree it is, giving leaves, levels and shapes.  Row groups follow the
 * schema in the footer, so that a chunk is checked against its leaf as it is read; should a writer
 * order the fields otherwise, the footer is refused. */
#include "codec/parquet_footer_decode.h"

#include "codec/thrift_decode.h"

#include <inttypes.h>

enum { SCHEMA_DEPTH_MAX = 16 };

/* Parquet: SchemaElement. */
struct element {
    bool is_leaf; /* has a physical type */
    int32_t physical;
    int32_t type_length;
    int32_t repetition;
    struct span name;
    int32_t children;
    int32_t field_id;
    int32_t converted;
    int32_t scale;
    enum parquet_meaning meaning;
};

struct footer {
    struct arena *arena;
    struct thrift_decoder thrift;
    uint64_t data_end; /* chunks lie before it */
    struct element *element;
    size_t element_count;
    bool *ordered; /* leaf l has ColumnOrder TYPE_ORDER */
    size_t ordered_count;
    size_t leaf_count;
    struct parquet_file *out;
};

/* One path through the schema tree, from a top-level field down. */
struct walk {
    size_t next; /* element */
    size_t top;
    char path[PARQUET_PATH_BYTES_MAX];
    struct {
        size_t element;
        size_t path_size;
    } at[SCHEMA_DEPTH_MAX];
};

static int damaged(struct footer *footer, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "footer: %s", footer->thrift.problem);
}

/* Parquet: LogicalType. TIMESTAMP */
static enum parquet_meaning decode_timestamp(struct thrift_decoder *d, struct thrift_field *value)
{
    struct thrift_field field = thrift_decode_child(d, value);
    enum parquet_meaning meaning = PARQUET_MEANS_OTHER;
    bool utc = false;

    while (thrift_decode_next(d, &field)) {
        if (field.id == 1) {
            utc = thrift_decode_bool(d, &field);
        } else if (field.id == 2) {
            struct thrift_field unit = thrift_decode_child(d, &field);

            while (thrift_decode_next(d, &unit))
                meaning = unit.id == 1   ? PARQUET_MEANS_MILLIS_UTC
                          : unit.id == 2 ? PARQUET_MEANS_MICROS_UTC
                          : unit.id == 3 ? PARQUET_MEANS_NANOS_UTC
                                         : PARQUET_MEANS_OTHER;
        }
    }
    return utc ? meaning : PARQUET_MEANS_LOCAL_TIME;
}

/* Parquet: LogicalType. INTEGER */
static enum parquet_meaning decode_integer(struct thrift_decoder *d, struct thrift_field *value)
{
    struct thrift_field field = thrift_decode_child(d, value);
    bool is_signed = false;
    int bits = 0;

    while (thrift_decode_next(d, &field)) {
        if (field.id == 1)
            bits = thrift_decode_i8(d, &field);
        else if (field.id == 2)
            is_signed = thrift_decode_bool(d, &field);
    }
    if (!is_signed)
        return PARQUET_MEANS_OTHER;
    return bits == 64 ? PARQUET_MEANS_LONG : PARQUET_MEANS_INT;
}

static void decode_logical(struct thrift_decoder *d, struct thrift_field *value,
                           struct element *element)
{
    struct thrift_field field = thrift_decode_child(d, value);

    while (thrift_decode_next(d, &field)) {
        switch (field.id) {
        case 1:  /* STRING */
        case 4:  /* ENUM */
        case 12: /* JSON */
        case 13: /* BSON */
            element->meaning = PARQUET_MEANS_TEXT;
            break;
        case 5: { /* DECIMAL */
            struct thrift_field decimal = thrift_decode_child(d, &field);

            element->meaning = PARQUET_MEANS_DECIMAL;
            while (thrift_decode_next(d, &decimal))
                if (decimal.id == 1)
                    element->scale = thrift_decode_i32(d, &decimal);
            break;
        }
        case 6:
            element->meaning = PARQUET_MEANS_DATE;
            break;
        case 8:
            element->meaning = decode_timestamp(d, &field);
            break;
        case 10:
            element->meaning = decode_integer(d, &field);
            break;
        case 2: /* MAP, LIST: the tree says it */
        case 3:
            break;
        default:
            element->meaning = PARQUET_MEANS_OTHER;
        }
    }
}

/* Parquet: ConvertedType, for files older than logical types. */
static enum parquet_meaning converted_meaning(int32_t converted)
{
    switch (converted) {
    case -1:
        return PARQUET_MEANS_NOTHING;
    case 0:  /* UTF8 */
    case 4:  /* ENUM */
    case 19: /* JSON */
    case 20: /* BSON */
        return PARQUET_MEANS_TEXT;
    case 5:
        return PARQUET_MEANS_DECIMAL;
    case 6:
        return PARQUET_MEANS_DATE;
    case 9: /* TIMESTAMP_MILLIS */
        return PARQUET_MEANS_MILLIS_UTC;
    case 10: /* TIMESTAMP_MICROS */
        return PARQUET_MEANS_MICROS_UTC;
    case 15: /* INT_8, INT_16, INT_32 */
    case 16:
    case 17:
        return PARQUET_MEANS_INT;
    case 18: /* INT_64 */
        return PARQUET_MEANS_LONG;
    default:
        return PARQUET_MEANS_OTHER;
    }
}

static void decode_element(struct footer *footer, struct thrift_field *value,
                           struct element *element)
{
    struct thrift_decoder *d = &footer->thrift;
    struct thrift_field field = thrift_decode_child(d, value);

    *element = (struct element){ .field_id = -1, .converted = -1 };
    while (thrift_decode_next(d, &field)) {
        switch (field.id) {
        case 1:
            element->is_leaf = true;
            element->physical = thrift_decode_i32(d, &field);
            break;
        case 2:
            element->type_length = thrift_decode_i32(d, &field);
            break;
        case 3:
            element->repetition = thrift_decode_i32(d, &field);
            break;
        case 4:
            element->name = thrift_decode_binary(d, &field);
            break;
        case 5:
            element->children = thrift_decode_i32(d, &field);
            break;
        case 6:
            element->converted = thrift_decode_i32(d, &field);
            break;
        case 7:
            element->scale = thrift_decode_i32(d, &field);
            break;
        case 9:
            element->field_id = thrift_decode_i32(d, &field);
            break;
        case 10:
            decode_logical(d, &field, element);
            break;
        default:
            break;
        }
    }
    if (element->meaning == PARQUET_MEANS_NOTHING)
        element->meaning = converted_meaning(element->converted);
}

static enum parquet_leaf_shape shape_of(const struct footer *footer, const struct walk *walk,
                                        size_t depth, uint8_t repeated)
{
    if (depth == 1 && repeated == 0)
        return PARQUET_LEAF_FLAT;
    /* repeated leaf; list { repeated leaf }; list or map { repeated group { leaf } } */
    if (repeated == 1 && depth <= 3 &&
        footer->element[walk->at[depth <= 2 ? depth - 1 : 1].element].repetition ==
            PARQUET_REPETITION_REPEATED)
        return PARQUET_LEAF_REPEATED;
    return PARQUET_LEAF_OTHER;
}

static void put_leaf(struct footer *footer, struct walk *walk, size_t depth)
{
    struct parquet_file *file = footer->out;
    struct parquet_leaf *leaf = &file->leaf[file->leaf_count];
    struct parquet_leaf_layout *layout = &file->layout->leaf[file->leaf_count];
    const struct element *top = &footer->element[walk->at[0].element];
    const struct element *self = &footer->element[walk->at[depth - 1].element];
    size_t path_size = walk->at[depth - 1].path_size;
    uint8_t repeated = 0;

    *layout = (struct parquet_leaf_layout){ .physical = (enum parquet_type)self->physical,
                                            .meaning = self->meaning,
                                            .type_length = self->type_length,
                                            .scale = self->scale,
                                            .top = walk->top };
    for (size_t i = 0; i < depth; i++) {
        int32_t repetition = footer->element[walk->at[i].element].repetition;

        layout->level_max =
            (uint8_t)(layout->level_max + (repetition != PARQUET_REPETITION_REQUIRED));
        if (repetition == PARQUET_REPETITION_REPEATED && repeated++ == 0)
            layout->entry_level = layout->level_max;
    }
    layout->row_level = top->repetition == PARQUET_REPETITION_OPTIONAL;
    layout->shape = shape_of(footer, walk, depth, repeated);
    *leaf = (struct parquet_leaf){
        .path = arena_text(footer->arena, span_of(walk->path, path_size)),
        .name = arena_text(footer->arena, top->name),
        .field_id = self->field_id,
        .top_id = top->field_id,
    };
    file->leaf_count++;
}

static int check_element(const struct element *element, struct err *err)
{
    if (element->repetition < PARQUET_REPETITION_REQUIRED ||
        element->repetition > PARQUET_REPETITION_REPEATED)
        return err_set(err, ERR_CORRUPT, "footer: schema: unknown repetition %" PRId32,
                       element->repetition);
    if (element->children < 0 || (element->is_leaf && element->children > 0))
        return err_set(err, ERR_CORRUPT,
                       "footer: schema: a leaf or group with %" PRId32 " children",
                       element->children);
    if (element->is_leaf &&
        (element->physical < 0 || element->physical > PARQUET_TYPE_FIXED_LEN_BYTE_ARRAY))
        return err_set(err, ERR_CORRUPT, "footer: schema: unknown physical type %" PRId32,
                       element->physical);
    if (element->is_leaf && element->physical == PARQUET_TYPE_FIXED_LEN_BYTE_ARRAY &&
        element->type_length <= 0)
        return err_set(err, ERR_CORRUPT, "footer: schema: fixed type of %" PRId32 " bytes",
                       element->type_length);
    return 0;
}

/* Takes the subtree that begins at walk->next, whose root is `depth` levels below the schema's. */
static int walk_subtree(struct footer *footer, struct walk *walk, size_t depth, struct err *err)
{
    const struct element *element;
    size_t path_size = depth > 0 ? walk->at[depth - 1].path_size : 0;

    if (depth == SCHEMA_DEPTH_MAX || walk->next == footer->element_count)
        return err_set(err, ERR_CORRUPT, "footer: schema: %s",
                       depth == SCHEMA_DEPTH_MAX ? "nested too deeply" : "ends too early");
    walk->at[depth].element = walk->next;
    element = &footer->element[walk->next++];
    if (check_element(element, err) < 0)
        return -1;
    if (element->name.size + 1 > sizeof(walk->path) - path_size)
        return err_set(err, ERR_CORRUPT, "footer: schema: name of %zu bytes", element->name.size);
    if (depth > 0)
        walk->path[path_size++] = '.';
    if (element->name.size > 0)
        memcpy(walk->path + path_size, element->name.data, element->name.size);
    walk->at[depth].path_size = path_size + element->name.size;
    if (element->is_leaf)
        put_leaf(footer, walk, depth + 1);
    for (int32_t i = 0; i < element->children; i++)
        if (walk_subtree(footer, walk, depth + 1, err) < 0)
            return -1;
    return 0;
}

static int build_leaves(struct footer *footer, struct err *err)
{
    struct parquet_file *file = footer->out;
    struct walk walk = { .next = 1 };
    int32_t tops = footer->element[0].children;

    for (size_t i = 1; i < footer->element_count; i++)
        footer->leaf_count += footer->element[i].is_leaf;
    file->leaf = arena_zero(footer->arena, footer->leaf_count, sizeof(*file->leaf));
    file->layout->leaf = arena_zero(footer->arena, footer->leaf_count, sizeof(*file->layout->leaf));
    for (int32_t i = 0; i < tops; i++) {
        walk.top = (size_t)i;
        if (walk.next < footer->element_count && footer->element[walk.next].field_id >= 0)
            file->layout->has_ids = true;
        if (walk_subtree(footer, &walk, 0, err) < 0)
            return -1;
    }
    if (walk.next != footer->element_count)
        return err_set(err, ERR_CORRUPT, "footer: schema: elements outside the tree");
    return 0;
}

static int decode_schema(struct footer *footer, struct thrift_field *field, struct err *err)
{
    struct thrift_field element;
    size_t count = thrift_decode_list(&footer->thrift, field, THRIFT_STRUCT, &element);

    if (footer->thrift.problem != NULL)
        return damaged(footer, err);
    if (footer->element != NULL || count == 0 || count > PARQUET_SCHEMA_ELEMENTS_MAX)
        return err_set(err, ERR_CORRUPT, "footer: schema of %zu elements", count);
    footer->element = arena_zero(footer->arena, count, sizeof(*footer->element));
    footer->element_count = count;
    for (size_t i = 0; i < count; i++) {
        thrift_decode_element(&footer->thrift, &element);
        decode_element(footer, &element, &footer->element[i]);
    }
    if (footer->thrift.problem != NULL)
        return damaged(footer, err);
    return build_leaves(footer, err);
}

/* Parquet: Statistics.  Only the new bounds: the old ones were compared wrongly by many. */
static void decode_statistics(struct thrift_decoder *d, struct thrift_field *value,
                              struct parquet_chunk *chunk)
{
    struct thrift_field field = thrift_decode_child(d, value);
    bool has_lower = false;
    bool has_upper = false;

    while (thrift_decode_next(d, &field)) {
        switch (field.id) {
        case 3:
            chunk->null_count = thrift_decode_i64(d, &field);
            chunk->has_null_count = chunk->null_count >= 0;
            break;
        case 5:
            chunk->upper = thrift_decode_binary(d, &field);
            has_upper = true;
            break;
        case 6:
            chunk->lower = thrift_decode_binary(d, &field);
            has_lower = true;
            break;
        default:
            break;
        }
    }
    chunk->has_bounds = has_lower && has_upper;
}

/* Offsets and codec of one chunk, before they are judged. */
struct chunk_meta {
    int32_t physical, codec;
    int64_t data_offset, dictionary_offset;
    bool present, elsewhere, encrypted;
};

/* Parquet: ColumnMetaData */
static void decode_column_meta(struct thrift_decoder *d, struct thrift_field *value,
                               struct parquet_chunk *chunk, struct chunk_meta *meta)
{
    struct thrift_field field = thrift_decode_child(d, value);

    meta->present = true;
    while (thrift_decode_next(d, &field)) {
        switch (field.id) {
        case 1:
            meta->physical = thrift_decode_i32(d, &field);
            break;
        case 4:
            meta->codec = thrift_decode_i32(d, &field);
            break;
        case 5:
            chunk->values = thrift_decode_i64(d, &field);
            break;
        case 7:
            chunk->size = thrift_decode_i64(d, &field);
            break;
        case 9:
            meta->data_offset = thrift_decode_i64(d, &field);
            break;
        case 11:
            meta->dictionary_offset = thrift_decode_i64(d, &field);
            break;
        case 12:
            decode_statistics(d, &field, chunk);
            break;
        default:
            break;
        }
    }
}

/* Parquet: ColumnChunk */
static void decode_chunk(struct thrift_decoder *d, struct thrift_field *value,
                         struct parquet_chunk *chunk, struct chunk_meta *meta)
{
    struct thrift_field field = thrift_decode_child(d, value);

    *chunk = (struct parquet_chunk){ .size = -1, .values = -1 };
    *meta = (struct chunk_meta){ .physical = -1, .codec = -1, .data_offset = -1 };
    while (thrift_decode_next(d, &field)) {
        switch (field.id) {
        case 1:
            meta->elsewhere = thrift_decode_binary(d, &field).size > 0;
            break;
        case 3:
            decode_column_meta(d, &field, chunk, meta);
            break;
        case 4:
            chunk->offset_index.offset = thrift_decode_i64(d, &field);
            break;
        case 5:
            chunk->offset_index.size = thrift_decode_i32(d, &field);
            break;
        case 6:
            chunk->column_index.offset = thrift_decode_i64(d, &field);
            break;
        case 7:
            chunk->column_index.size = thrift_decode_i32(d, &field);
            break;
        case 8:
        case 9:
            meta->encrypted = true;
            break;
        default:
            break;
        }
    }
}

/* An index that is not within the file is none. */
static void check_place(const struct footer *footer, struct parquet_place *place)
{
    if (place->offset < 0 || place->size <= 0 || (uint64_t)place->size > footer->data_end ||
        (uint64_t)place->offset > footer->data_end - (uint64_t)place->size)
        *place = (struct parquet_place){ 0, 0 };
}

/* Bounds of the physical type's size, in the order that the format defines, or none. */
static bool bounds_hold(const struct footer *footer, size_t leaf, const struct parquet_chunk *chunk)
{
    const struct parquet_leaf_layout *layout = &footer->out->layout->leaf[leaf];
    size_t size;

    switch (layout->physical) {
    case PARQUET_TYPE_BOOLEAN:
        size = 1;
        break;
    case PARQUET_TYPE_INT32:
        size = 4;
        break;
    case PARQUET_TYPE_INT64:
        size = 8;
        break;
    case PARQUET_TYPE_FIXED_LEN_BYTE_ARRAY:
        size = (size_t)layout->type_length;
        break;
    case PARQUET_TYPE_BYTE_ARRAY:
        return chunk->has_bounds;
    default:
        return false; /* no order that all agree on */
    }
    return chunk->has_bounds && chunk->lower.size == size && chunk->upper.size == size;
}

static int check_chunk(const struct footer *footer, size_t leaf, struct parquet_chunk *chunk,
                       const struct chunk_meta *meta, struct err *err)
{
    const struct parquet_leaf_layout *layout = &footer->out->layout->leaf[leaf];
    uint64_t end;

    if (!meta->present || meta->elsewhere || meta->encrypted)
        return err_set(err, ERR_CORRUPT, "column %s is %s", footer->out->leaf[leaf].path,
                       meta->encrypted   ? "encrypted"
                       : meta->elsewhere ? "in another file"
                                         : "not described");
    /* A chunk without values may have no data page, and offset 0 stands for it. */
    chunk->offset = meta->dictionary_offset > 0 &&
                            (meta->data_offset <= 0 || meta->dictionary_offset < meta->data_offset)
                        ? meta->dictionary_offset
                        : meta->data_offset;
    if (meta->physical != (int32_t)layout->physical || meta->codec < 0 || meta->codec > INT8_MAX ||
        chunk->values < 0 || chunk->values > PARQUET_GROUP_VALUES_MAX || chunk->size < 0 ||
        chunk->offset < 0 ||
        __builtin_add_overflow((uint64_t)chunk->offset, (uint64_t)chunk->size, &end) ||
        end > footer->data_end)
        return err_set(err, ERR_CORRUPT,
                       "column %s: type %" PRId32 ", codec %" PRId32 ", %" PRId64
                       " values, %" PRId64 " bytes at %" PRId64,
                       footer->out->leaf[leaf].path, meta->physical, meta->codec, chunk->values,
                       chunk->size, chunk->offset);
    check_place(footer, &chunk->column_index);
    check_place(footer, &chunk->offset_index);
    return 0;
}

static int decode_chunks(struct footer *footer, struct thrift_field *field, size_t index,
                         struct err *err)
{
    struct parquet_file *file = footer->out;
    struct parquet_row_group *group = &file->row_group[index];
    struct thrift_field element;
    size_t count = thrift_decode_list(&footer->thrift, field, THRIFT_STRUCT, &element);

    if (footer->thrift.problem != NULL)
        return damaged(footer, err);
    if (count != file->leaf_count || group->chunk != NULL)
        return err_set(err, ERR_CORRUPT, "%zu column chunks for %zu columns", count,
                       file->leaf_count);
    group->chunk = arena_zero(footer->arena, count, sizeof(*group->chunk));
    for (size_t i = 0; i < count; i++) {
        struct chunk_meta meta;

        thrift_decode_element(&footer->thrift, &element);
        decode_chunk(&footer->thrift, &element, &group->chunk[i], &meta);
        if (footer->thrift.problem != NULL)
            return damaged(footer, err);
        if (check_chunk(footer, i, &group->chunk[i], &meta, err) < 0)
            return -1;
        file->layout->codec[index * count + i] = (int8_t)meta.codec;
    }
    return 0;
}

/* Parquet: RowGroup */
static int decode_row_group(struct footer *footer, struct thrift_field *value, size_t index,
                            struct err *err)
{
    struct thrift_decoder *d = &footer->thrift;
    struct parquet_row_group *group = &footer->out->row_group[index];
    struct thrift_field field = thrift_decode_child(d, value);

    group->rows = -1;
    while (thrift_decode_next(d, &field)) {
        if (field.id == 1 && decode_chunks(footer, &field, index, err) < 0)
            return -1;
        if (field.id == 3)
            group->rows = thrift_decode_i64(d, &field);
    }
    if (d->problem != NULL)
        return damaged(footer, err);
    if (group->rows < 0 || group->rows > PARQUET_GROUP_VALUES_MAX ||
        (group->chunk == NULL && footer->leaf_count > 0))
        return err_set(err, ERR_CORRUPT, "row group of %" PRId64 " rows", group->rows);
    return 0;
}

static int decode_row_groups(struct footer *footer, struct thrift_field *field, struct err *err)
{
    struct parquet_file *file = footer->out;
    struct thrift_field element;
    size_t count = thrift_decode_list(&footer->thrift, field, THRIFT_STRUCT, &element);

    if (footer->thrift.problem != NULL)
        return damaged(footer, err);
    if (footer->element == NULL || file->row_group != NULL || count > PARQUET_ROW_GROUPS_MAX)
        return err_set(err, ERR_CORRUPT, "footer: %zu row groups %s", count,
                       footer->element == NULL ? "before the schema" : "");
    file->row_group = arena_zero(footer->arena, count, sizeof(*file->row_group));
    /* A chunk's description takes more than a byte, so this product is bounded by the footer. */
    if (count * file->leaf_count > (size_t)(footer->thrift.end - footer->thrift.at))
        return err_set(err, ERR_CORRUPT, "footer: ends too early for %zu row groups", count);
    file->layout->codec = arena_zero(footer->arena, count * file->leaf_count, 1);
    for (size_t i = 0; i < count; i++) {
        thrift_decode_element(&footer->thrift, &element);
        if (decode_row_group(footer, &element, i, err) < 0)
            return err_wrap(err, "footer: row group %zu", i);
    }
    file->row_group_count = count;
    return 0;
}

static int decode_pairs(struct footer *footer, struct thrift_field *field, struct err *err)
{
    struct thrift_decoder *d = &footer->thrift;
    struct thrift_field element;
    size_t count = thrift_decode_list(d, field, THRIFT_STRUCT, &element);
    struct parquet_pair_span *pairs;

    if (d->problem != NULL)
        return damaged(footer, err);
    if (count > PARQUET_PAIRS_MAX)
        return err_set(err, ERR_CORRUPT, "footer: %zu key-value pairs", count);
    pairs = arena_zero(footer->arena, count, sizeof(*pairs));
    for (size_t i = 0; i < count && thrift_decode_element(d, &element); i++) {
        struct thrift_field pair = thrift_decode_child(d, &element);

        pairs[i].value = SPAN("");
        while (thrift_decode_next(d, &pair)) {
            if (pair.id == 1)
                pairs[i].key = thrift_decode_binary(d, &pair);
            else if (pair.id == 2)
                pairs[i].value = thrift_decode_binary(d, &pair);
        }
    }
    footer->out->pair = pairs;
    footer->out->pair_count = count;
    return d->problem != NULL ? damaged(footer, err) : 0;
}

/* Parquet: ColumnOrder; 1 is TYPE_ORDER */
static int decode_orders(struct footer *footer, struct thrift_field *field, struct err *err)
{
    struct thrift_decoder *d = &footer->thrift;
    struct thrift_field element;
    size_t count = thrift_decode_list(d, field, THRIFT_STRUCT, &element);

    if (d->problem != NULL)
        return damaged(footer, err);
    if (count > footer->leaf_count)
        return err_set(err, ERR_CORRUPT, "footer: %zu column orders for %zu columns", count,
                       footer->leaf_count);
    footer->ordered = arena_zero(footer->arena, count, sizeof(*footer->ordered));
    footer->ordered_count = count;
    for (size_t i = 0; i < count && thrift_decode_element(d, &element); i++) {
        struct thrift_field order = thrift_decode_child(d, &element);

        while (thrift_decode_next(d, &order))
            footer->ordered[i] = order.id == 1;
    }
    return d->problem != NULL ? damaged(footer, err) : 0;
}

/* Parquet: FileMetaData */
static int decode_file(struct footer *footer, struct err *err)
{
    struct thrift_decoder *d = &footer->thrift;
    struct parquet_file *file = footer->out;
    struct thrift_field field = thrift_decode_struct(d);
    int rc = 0;

    file->rows = -1;
    while (rc == 0 && thrift_decode_next(d, &field)) {
        switch (field.id) {
        case 2:
            rc = decode_schema(footer, &field, err);
            break;
        case 3:
            file->rows = thrift_decode_i64(d, &field);
            break;
        case 4:
            rc = decode_row_groups(footer, &field, err);
            break;
        case 5:
            rc = decode_pairs(footer, &field, err);
            break;
        case 6:
            file->created_by = arena_text(footer->arena, thrift_decode_binary(d, &field));
            break;
        case 7:
            rc = decode_orders(footer, &field, err);
            break;
        case 8:
            rc = err_set(err, ERR_CORRUPT, "footer: the file is encrypted");
            break;
        default:
            break;
        }
    }
    if (rc == 0 && d->problem != NULL)
        return damaged(footer, err);
    return rc;
}

int parquet_footer_decode(struct arena *arena, struct span footer_bytes, uint64_t file_size,
                          struct parquet_file *out, struct err *err)
{
    struct footer footer = { .arena = arena,
                             .thrift = thrift_decode_begin(footer_bytes),
                             .out = out };
    int64_t rows = 0;

    *out = (struct parquet_file){ .created_by = "" };
    if (file_size < PARQUET_TAIL_BYTES || footer_bytes.size > file_size - PARQUET_TAIL_BYTES)
        return err_set(err, ERR_CORRUPT, "footer larger than its file");
    footer.data_end = file_size - footer_bytes.size - PARQUET_TAIL_BYTES;
    out->layout = arena_zero(arena, 1, sizeof(*out->layout));
    if (decode_file(&footer, err) < 0)
        return -1;
    if (footer.element == NULL || out->row_group == NULL)
        return err_set(err, ERR_CORRUPT, "footer: no %s",
                       footer.element == NULL ? "schema" : "row groups");
    for (size_t g = 0; g < out->row_group_count; g++) {
        rows += out->row_group[g].rows; /* 2^17 groups of 2^26 rows at most */
        for (size_t l = 0; l < out->leaf_count; l++) {
            struct parquet_chunk *chunk = &out->row_group[g].chunk[l];

            chunk->has_bounds =
                l < footer.ordered_count && footer.ordered[l] && bounds_hold(&footer, l, chunk);
        }
    }
    if (rows != out->rows)
        return err_set(err, ERR_CORRUPT,
                       "footer: %" PRId64 " rows, but row groups of together %" PRId64, out->rows,
                       rows);
    return 0;
}
