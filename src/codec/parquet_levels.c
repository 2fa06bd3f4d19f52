// SPDX-License-Identifier: Apache-2.0
/* parquet_levels.c: the common page has no null, or nothing else, and is then one run; only a page
 * that mixes them is spelled out. */
#include "codec/parquet_levels.h"
#include "codec/parquet_rle_encode.h"
#include "codec/parquet_values.h"
#include "core/num.h"

/* Opens the length in front of levels; returns where it stands. */
static size_t open_length(struct buf *out)
{
    size_t at = out->size;

    buf_extend(out, sizeof(uint32_t));
    return at;
}

static void close_length(struct buf *out, size_t at)
{
    store_le32(out->data + at, (uint32_t)(out->size - at - sizeof(uint32_t)));
}

static void put_levels(struct buf *out, const uint32_t *levels, size_t count, uint32_t max)
{
    size_t length = open_length(out);

    parquet_rle_encode(out, levels, count, parquet_rle_encode_width(max));
    close_length(out, length);
}

static struct parquet_level_counts encode_flat(const struct column *column, size_t first,
                                               size_t count, struct buf *scratch, struct buf *out)
{
    size_t nulls = parquet_values_nulls(column, first, count);

    if (nulls == 0 || nulls == count) {
        size_t length = open_length(out);

        parquet_rle_encode_run(out, nulls == 0, count, 1);
        close_length(out, length);
    } else {
        uint32_t *levels;

        buf_clear(scratch);
        levels = (uint32_t *)(void *)buf_extend(scratch, count * sizeof(*levels));
        for (size_t i = 0; i < count; i++)
            levels[i] = column->validity.data[(first + i) >> 3] >> ((first + i) & 7) & 1;
        put_levels(out, levels, count, 1);
    }
    return (struct parquet_level_counts){ count, count - nulls };
}

/* Levels of one row: `entries` children from `child` on.  Returns how many were put. */
static size_t put_row(const struct parquet_shape *shape, const struct column *leaf, size_t child,
                      size_t entries, uint32_t *rep, uint32_t *def, size_t *values)
{
    for (size_t k = 0; k < entries; k++) {
        uint32_t null = column_is_null(leaf, child + k);

        rep[k] = k > 0;
        def[k] = shape->def_max - null;
        *values += 1 - null;
    }
    return entries;
}

static struct parquet_level_counts encode_nested(const struct parquet_shape *shape,
                                                 const struct column *column, size_t first,
                                                 size_t count, struct buf *scratch, struct buf *out)
{
    const struct column *leaf = parquet_shape_leaf(shape, column);
    const int32_t *offsets = column_offsets(column) + first;
    size_t most = (size_t)(offsets[count] - offsets[0]) + count;
    uint32_t empty = !shape->field->required; /* an empty list; below it, a null one */
    uint32_t *rep, *def;
    size_t n = 0, values = 0;

    buf_clear(scratch);
    rep = (uint32_t *)(void *)buf_extend(scratch, 2 * most * sizeof(*rep));
    def = rep + most;
    for (size_t i = 0; i < count; i++) {
        size_t entries = (size_t)(offsets[i + 1] - offsets[i]);

        if (entries > 0) {
            ASSERT(!column_is_null(column, first + i));
            n += put_row(shape, leaf, (size_t)offsets[i], entries, rep + n, def + n, &values);
            continue;
        }
        rep[n] = 0;
        def[n++] = empty - column_is_null(column, first + i);
    }
    put_levels(out, rep, n, shape->rep_max);
    put_levels(out, def, n, shape->def_max);
    return (struct parquet_level_counts){ n, values };
}

struct parquet_level_counts parquet_levels_encode(const struct parquet_shape *shape,
                                                  const struct column *column, size_t first,
                                                  size_t count, struct buf *scratch,
                                                  struct buf *out)
{
    if (shape->child >= 0)
        return encode_nested(shape, column, first, count, scratch, out);
    if (shape->def_max > 0)
        return encode_flat(column, first, count, scratch, out);
    return (struct parquet_level_counts){ count, count };
}
