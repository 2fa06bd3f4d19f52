// SPDX-License-Identifier: Apache-2.0
/* ice_definition.c: looking into a data file's statistics, and copying one.  Files have a score of
 * columns, so a linear search is what is fastest. */
#include "iceberg/ice_definition.h"

#include "core/num.h"

static struct span find_bound(const struct ice_bound *bound, size_t count, int32_t field_id)
{
    for (size_t i = 0; i < count; i++) {
        if (bound[i].field_id == field_id)
            return bound[i].value;
    }
    return (struct span){ NULL, 0 };
}

struct span ice_data_file_lower(const struct ice_data_file *file, int32_t field_id)
{
    return find_bound(file->lower, file->lower_count, field_id);
}

struct span ice_data_file_upper(const struct ice_data_file *file, int32_t field_id)
{
    return find_bound(file->upper, file->upper_count, field_id);
}

bool ice_data_file_range_int64(const struct ice_data_file *file, int32_t field_id, int64_t *lower,
                               int64_t *upper)
{
    struct span low = ice_data_file_lower(file, field_id);
    struct span high = ice_data_file_upper(file, field_id);

    if (low.size != sizeof(*lower) || high.size != sizeof(*upper))
        return false;
    *lower = (int64_t)load_le64(low.data);
    *upper = (int64_t)load_le64(high.data);
    return true;
}

bool ice_data_file_range_int32(const struct ice_data_file *file, int32_t field_id, int32_t *lower,
                               int32_t *upper)
{
    struct span low = ice_data_file_lower(file, field_id);
    struct span high = ice_data_file_upper(file, field_id);

    if (low.size != sizeof(*lower) || high.size != sizeof(*upper))
        return false;
    *lower = (int32_t)load_le32(low.data);
    *upper = (int32_t)load_le32(high.data);
    return true;
}

static const void *copy_array(struct arena *arena, const void *from, size_t count, size_t size)
{
    void *to;

    if (count == 0)
        return NULL;
    to = arena_zero(arena, count, size);
    memcpy(to, from, count * size);
    return to;
}

static const struct ice_bound *copy_bounds(struct arena *arena, const struct ice_bound *from,
                                           size_t count)
{
    struct ice_bound *to;

    if (count == 0)
        return NULL;
    to = arena_zero(arena, count, sizeof(*to));
    for (size_t i = 0; i < count; i++) {
        to[i].field_id = from[i].field_id;
        to[i].value = arena_copy(arena, from[i].value);
    }
    return to;
}

struct ice_data_file *ice_data_file_copy(struct arena *arena, const struct ice_data_file *file)
{
    struct ice_data_file *to = arena_alloc(arena, sizeof(*to));

    *to = *file;
    to->path = arena_text(arena, span_text(file->path));
    to->column_size =
        copy_array(arena, file->column_size, file->column_size_count, sizeof(*file->column_size));
    to->value_count =
        copy_array(arena, file->value_count, file->value_count_count, sizeof(*file->value_count));
    to->null_count =
        copy_array(arena, file->null_count, file->null_count_count, sizeof(*file->null_count));
    to->lower = copy_bounds(arena, file->lower, file->lower_count);
    to->upper = copy_bounds(arena, file->upper, file->upper_count);
    to->split_offset = copy_array(arena, file->split_offset, file->split_offset_count,
                                  sizeof(*file->split_offset));
    return to;
}
