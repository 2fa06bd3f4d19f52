// SPDX-License-Identifier: Apache-2.0
/* parquet_shape.c: kinds to physical types, nesting to levels. */
#include "codec/parquet_shape.h"

/* The least bytes whose two's complement holds 10^precision - 1. */
static size_t decimal_size(int precision)
{
    uint128 limit = 1;
    size_t size = 1;

    for (int i = 0; i < precision; i++)
        limit *= 10;
    while (size < 16 && limit > (uint128)1 << (8 * size - 1))
        size++;
    return size;
}

static void set_type(struct parquet_shape *shape)
{
    const struct parquet_field *field = shape->field;

    shape->text = field->kind != PARQUET_BINARY;
    switch (field->kind) {
    case PARQUET_BOOL:
        shape->type = PARQUET_TYPE_BOOLEAN;
        return;
    case PARQUET_INT:
    case PARQUET_DATE:
        shape->type = PARQUET_TYPE_INT32;
        return;
    case PARQUET_LONG:
    case PARQUET_TIMESTAMPTZ:
        shape->type = PARQUET_TYPE_INT64;
        return;
    case PARQUET_DECIMAL:
        ASSERT(field->precision >= 1 && field->precision <= 38);
        shape->type = PARQUET_TYPE_INT64;
        if (field->precision > 18) {
            shape->type = PARQUET_TYPE_FIXED_LEN_BYTE_ARRAY;
            shape->type_size = decimal_size(field->precision);
        }
        return;
    default:
        shape->type = PARQUET_TYPE_BYTE_ARRAY;
    }
}

/* The leaf `child` of a list or map: one level for the repeated group, one more if the leaf may be
 * null. */
static void nest(struct parquet_shape *shape, int child)
{
    const struct parquet_field *field = shape->field;
    bool list = field->kind == PARQUET_LIST;
    bool key = field->kind == PARQUET_MAP && child == 0;

    shape->child = child;
    shape->path[1] = list ? "list" : "key_value";
    shape->path[2] = list ? "element" : key ? "key" : "value";
    shape->path_count = 3;
    shape->field_id = field->child_id[child];
    shape->optional = field->child_optional && !key;
    shape->def_max = (uint8_t)(!field->required + 1 + shape->optional);
    shape->rep_max = 1;
}

size_t parquet_shape_of(const struct parquet_field *field, size_t field_index,
                        struct parquet_shape *shapes)
{
    size_t count = field->kind == PARQUET_MAP ? 2 : 1;

    for (size_t i = 0; i < count; i++) {
        shapes[i] = (struct parquet_shape){
            .field = field,
            .field_index = field_index,
            .child = -1,
            .path = { field->name },
            .path_count = 1,
            .field_id = field->field_id,
            .optional = !field->required,
            .def_max = !field->required,
        };
        set_type(&shapes[i]);
        if (field->kind == PARQUET_LIST || field->kind == PARQUET_MAP)
            nest(&shapes[i], (int)i);
    }
    return count;
}

const struct column *parquet_shape_leaf(const struct parquet_shape *shape,
                                        const struct column *column)
{
    return shape->child < 0 ? column : column->child[shape->child];
}
