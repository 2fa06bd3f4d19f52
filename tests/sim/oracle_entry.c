// SPDX-License-Identifier: Apache-2.0
/* oracle_entry.c: what a manifest says of a data file must be what the file says (Iceberg spec v2,
 * "Manifests"; appendix D for the bytes of bounds). */
#include "sim/oracle_tables.h"

#include <inttypes.h>

#define FAIL(entry, ...) oracle_bytes_fail((entry)->manifest->bytes, __VA_ARGS__)

static int64_t inherited(const struct oracle_avro_file *manifest,
                         const struct oracle_avro_value *record, const char *name, int32_t id)
{
    const struct oracle_avro_value *value = oracle_avro_field(manifest, record, name, id);

    return value->kind == ORACLE_AVRO_NULL ? ORACLE_NONE
                                           : oracle_avro_integer(manifest, record, name, id);
}

static void read_partition(const struct oracle_spec *spec, struct oracle_entry *out)
{
    const struct oracle_avro_value *partition =
        oracle_avro_field(out->manifest, out->file, "partition", 102);

    if (partition->kind != ORACLE_AVRO_RECORD || partition->count != spec->part_count)
        FAIL(out, "a partition that is not of spec %d", spec->id);
    for (size_t i = 0; i < spec->part_count; i++) {
        const struct oracle_avro_value *value =
            oracle_avro_field(out->manifest, partition, spec->part[i].name, spec->part[i].id);

        out->partition[i].is_null = value->kind == ORACLE_AVRO_NULL;
        if (!out->partition[i].is_null)
            out->partition[i].value =
                oracle_avro_integer(out->manifest, partition, spec->part[i].name, spec->part[i].id);
    }
}

void oracle_entry_read(struct arena *arena, const struct oracle_avro_file *manifest,
                       const struct oracle_avro_value *record, const struct oracle_spec *spec,
                       struct oracle_entry *out)
{
    struct span format;

    *out = (struct oracle_entry){ .manifest = manifest };
    out->status = oracle_avro_integer(manifest, record, "status", 0);
    out->snapshot_id = inherited(manifest, record, "snapshot_id", 1);
    out->sequence = inherited(manifest, record, "sequence_number", 3);
    out->file_sequence = inherited(manifest, record, "file_sequence_number", 4);
    out->file = oracle_avro_field(manifest, record, "data_file", 2);
    out->path = arena_text(arena, oracle_avro_bytes(manifest, out->file, "file_path", 100));
    out->row_count = oracle_avro_integer(manifest, out->file, "record_count", 103);
    out->bytes = oracle_avro_integer(manifest, out->file, "file_size_in_bytes", 104);
    format = oracle_avro_bytes(manifest, out->file, "file_format", 101);
    if (!span_equal(format, SPAN("PARQUET")) && !span_equal(format, SPAN("parquet")))
        FAIL(out, "%s is of format %.*s", out->path, SPAN_ARGS(format));
    if (oracle_avro_integer(manifest, out->file, "content", 134) != 0)
        FAIL(out, "%s is a delete file", out->path);
    if (oracle_avro_field(manifest, out->file, "key_metadata", 131)->kind != ORACLE_AVRO_NULL ||
        oracle_avro_field(manifest, out->file, "equality_ids", 135)->kind != ORACLE_AVRO_NULL ||
        oracle_avro_field(manifest, out->file, "nan_value_counts", 137)->kind != ORACLE_AVRO_NULL)
        FAIL(out, "%s has keys or NaN counts", out->path);
    read_partition(spec, out);
}

/* -- counts and bounds */

struct range {
    const struct oracle_cell *least, *most; /* NULL: all rows are null */
    size_t nulls;
};

struct check {
    const struct oracle_metadata *metadata;
    const struct oracle_spec *spec;
    const struct oracle_entry *entry;
    const struct oracle_parquet_file *file;
    struct range *range; /* of each column */
};

static const struct oracle_cell *cell_of(const struct check *check, size_t row, size_t column)
{
    return &check->file->cell[row * check->metadata->field_count + column];
}

static int compare(const struct oracle_cell *a, const struct oracle_cell *b)
{
    int order = (int)b->is_null - (int)a->is_null;

    if (order == 0)
        order = (a->integer > b->integer) - (a->integer < b->integer);
    return order != 0 ? order : span_compare(a->text, b->text);
}

static void take_range(const struct check *check, size_t column, struct range *range)
{
    *range = (struct range){ 0 };
    for (size_t row = 0; row < check->file->row_count; row++) {
        const struct oracle_cell *cell = cell_of(check, row, column);

        if (cell->is_null) {
            range->nulls++;
            continue;
        }
        if (range->least == NULL || compare(cell, range->least) < 0)
            range->least = cell;
        if (range->most == NULL || compare(cell, range->most) > 0)
            range->most = cell;
    }
}

/* The column with this field id; SIZE_MAX: one inside a list or map. */
static size_t column_of(const struct check *check, int64_t id, const char *what)
{
    for (size_t i = 0; i < check->metadata->field_count; i++)
        if (check->metadata->field[i].id == id && check->metadata->field[i].type != ORACLE_NESTED)
            return i;
    for (size_t i = 0; i < check->file->size_count; i++)
        if (check->file->size[i].id == id)
            return SIZE_MAX;
    FAIL(check->entry, "%s: %s of column %" PRId64 ", which is not there", check->entry->path, what,
         id);
}

/* Ids of an int-keyed map and where it lies in data_file. */
struct map {
    const char *name;
    int32_t id, key_id, value_id;
};

static const struct oracle_avro_value *map_of(const struct check *check, const struct map *map)
{
    const struct oracle_avro_value *value =
        oracle_avro_field(check->entry->manifest, check->entry->file, map->name, map->id);

    if (value->kind == ORACLE_AVRO_NULL)
        return NULL;
    if (value->kind != ORACLE_AVRO_ARRAY)
        FAIL(check->entry, "%s is no array", map->name);
    for (size_t i = 0; i < value->count; i++) {
        for (size_t k = 0; k < i; k++)
            if (value->item[i].item[0].integer == value->item[k].item[0].integer)
                FAIL(check->entry, "%s has a key twice", map->name);
    }
    return value;
}

static int64_t key_of(const struct check *check, const struct map *map,
                      const struct oracle_avro_value *item)
{
    return oracle_avro_integer(check->entry->manifest, item, "key", map->key_id);
}

static void check_sizes(const struct check *check)
{
    static const struct map map = { "column_sizes", 108, 117, 118 };
    const struct oracle_avro_value *list = map_of(check, &map);

    for (size_t i = 0; list != NULL && i < list->count; i++) {
        int64_t id = key_of(check, &map, &list->item[i]);
        int64_t size = oracle_avro_integer(check->entry->manifest, &list->item[i], "value", 118);

        column_of(check, id, map.name);
        for (size_t k = 0; k < check->file->size_count; k++)
            if (check->file->size[k].id == id && check->file->size[k].bytes != size)
                FAIL(check->entry, "%s: column %" PRId64 " has %" PRId64 " bytes, not %" PRId64,
                     check->entry->path, id, check->file->size[k].bytes, size);
    }
}

static void check_counts(const struct check *check, bool of_nulls)
{
    static const struct map maps[] = { { "value_counts", 109, 119, 120 },
                                       { "null_value_counts", 110, 121, 122 } };
    const struct map *map = &maps[of_nulls];
    const struct oracle_avro_value *list = map_of(check, map);

    for (size_t i = 0; list != NULL && i < list->count; i++) {
        int64_t id = key_of(check, map, &list->item[i]);
        size_t column = column_of(check, id, map->name);
        int64_t count =
            oracle_avro_integer(check->entry->manifest, &list->item[i], "value", map->value_id);
        size_t real;

        if (column == SIZE_MAX)
            continue;
        real = of_nulls ? check->range[column].nulls : check->file->row_count;
        if (count < 0 || (uint64_t)count != real)
            FAIL(check->entry, "%s: %s of column %" PRId64 " is %" PRId64 ", but it is %zu",
                 check->entry->path, map->name, id, count, real);
    }
}

static int64_t decode_number(const struct check *check, const struct oracle_field *field,
                             struct span value)
{
    size_t size = field->type == ORACLE_INT || field->type == ORACLE_DATE ? 4 : 8;
    bool is_decimal = field->type == ORACLE_DECIMAL;
    uint64_t number = 0;

    if (is_decimal ? value.size < 1 || value.size > 8 : value.size != size)
        FAIL(check->entry, "%s: a bound of column %s has %zu bytes", check->entry->path,
             field->name, value.size);
    for (size_t i = 0; i < value.size; i++) {
        size_t from = is_decimal ? i : value.size - 1 - i; /* big-endian, little-endian */

        number = number << 8 | value.data[from];
    }
    if (value.size == 8)
        return (int64_t)number;
    if ((number >> (8 * value.size - 1) & 1) != 0)
        number |= UINT64_MAX << (8 * value.size);
    return (int64_t)number;
}

/*
 * Numbers exactly, although the specification takes a wider bound: ours are exact, and offsets are
 * looked up by them.  Text may be cut: a lower bound is a prefix of the least, an upper bound not
 * below the greatest.
 */
static bool is_bound(const struct check *check, const struct oracle_field *field,
                     const struct range *range, struct span value, bool is_upper)
{
    if (field->type == ORACLE_STRING || field->type == ORACLE_BINARY) {
        struct span least = range->least->text;

        if (is_upper)
            return span_compare(value, range->most->text) >= 0;
        return value.size <= least.size &&
               span_equal(value, (struct span){ least.data, value.size });
    }
    return decode_number(check, field, value) ==
           (is_upper ? range->most->integer : range->least->integer);
}

static void check_bounds(const struct check *check, bool is_upper)
{
    static const struct map maps[] = { { "lower_bounds", 125, 126, 127 },
                                       { "upper_bounds", 128, 129, 130 } };
    const struct map *map = &maps[is_upper];
    const struct oracle_avro_value *list = map_of(check, map);

    for (size_t i = 0; list != NULL && i < list->count; i++) {
        int64_t id = key_of(check, map, &list->item[i]);
        size_t column = column_of(check, id, map->name);
        struct span value =
            oracle_avro_bytes(check->entry->manifest, &list->item[i], "value", map->value_id);

        if (column == SIZE_MAX)
            FAIL(check->entry, "%s: %s inside a list or map", check->entry->path, map->name);
        if (check->range[column].least == NULL || !is_bound(check, &check->metadata->field[column],
                                                            &check->range[column], value, is_upper))
            FAIL(check->entry, "%s: %s of column %s contradicts its values", check->entry->path,
                 map->name, check->metadata->field[column].name);
    }
}

static void check_splits(const struct check *check)
{
    const struct oracle_avro_value *list =
        oracle_avro_field(check->entry->manifest, check->entry->file, "split_offsets", 132);

    if (list->kind == ORACLE_AVRO_NULL)
        return;
    if (list->kind != ORACLE_AVRO_ARRAY || list->count != check->file->group_count)
        FAIL(check->entry, "%s: %zu split_offsets of %zu row groups", check->entry->path,
             list->count, check->file->group_count);
    for (size_t i = 0; i < list->count; i++) {
        if (list->item[i].integer < 4 || list->item[i].integer >= check->entry->bytes ||
            list->item[i].integer != check->file->group_offset[i])
            FAIL(check->entry, "%s: a split_offset of %" PRId64, check->entry->path,
                 list->item[i].integer);
    }
}

/* -- rows */

static int64_t day_of(const struct oracle_field *field, int64_t value)
{
    const int64_t day_us = INT64_C(86400000000);

    if (field->type == ORACLE_DATE)
        return value;
    return value / day_us - (value % day_us < 0);
}

static void check_partition(const struct check *check)
{
    for (size_t i = 0; i < check->spec->part_count; i++) {
        const struct oracle_part *part = &check->spec->part[i];
        const struct oracle_field *field = &check->metadata->field[part->column];

        for (size_t row = 0; row < check->file->row_count; row++) {
            const struct oracle_cell *cell = cell_of(check, row, part->column);
            int64_t value = part->is_day ? day_of(field, cell->integer) : cell->integer;

            if (cell->is_null != check->entry->partition[i].is_null ||
                (!cell->is_null && value != check->entry->partition[i].value))
                FAIL(check->entry, "%s: row %zu is not of its partition, %s", check->entry->path,
                     row, part->name);
        }
    }
}

static void check_order(const struct check *check)
{
    const struct oracle_avro_value *id =
        oracle_avro_field(check->entry->manifest, check->entry->file, "sort_order_id", 140);
    const struct oracle_order *order = NULL;

    if (id->kind == ORACLE_AVRO_NULL)
        return;
    for (size_t i = 0; i < check->metadata->order_count; i++)
        if (check->metadata->order[i].id == id->integer)
            order = &check->metadata->order[i];
    if (order == NULL)
        FAIL(check->entry, "%s: no sort order %" PRId64, check->entry->path, id->integer);
    for (size_t row = 1; row < check->file->row_count; row++) {
        int sign = 0;

        for (size_t i = 0; sign == 0 && i < order->column_count; i++)
            sign = compare(cell_of(check, row - 1, order->column[i]),
                           cell_of(check, row, order->column[i]));
        if (sign > 0)
            FAIL(check->entry, "%s: row %zu is not in order %d", check->entry->path, row,
                 order->id);
    }
}

static void check_required(const struct check *check)
{
    for (size_t i = 0; i < check->metadata->field_count; i++) {
        const struct oracle_field *field = &check->metadata->field[i];

        if (field->required && field->type != ORACLE_NESTED && check->range[i].nulls > 0)
            FAIL(check->entry, "%s: a null in required column %s", check->entry->path, field->name);
    }
}

void oracle_entry_check(const struct oracle_metadata *metadata, const struct oracle_spec *spec,
                        const struct oracle_entry *entry, const struct oracle_parquet_file *file)
{
    struct check check = { .metadata = metadata, .spec = spec, .entry = entry, .file = file };

    if (entry->row_count < 1 || (uint64_t)entry->row_count != file->row_count)
        FAIL(entry, "%s: a record_count of %" PRId64 ", but it is %zu", entry->path,
             entry->row_count, file->row_count);
    check.range = mem_zero(metadata->field_count + 1, sizeof(*check.range));
    for (size_t i = 0; i < metadata->field_count; i++)
        take_range(&check, i, &check.range[i]);
    check_required(&check);
    check_sizes(&check);
    check_counts(&check, false);
    check_counts(&check, true);
    check_bounds(&check, false);
    check_bounds(&check, true);
    check_splits(&check);
    check_partition(&check);
    check_order(&check);
    free(check.range);
}
