// SPDX-License-Identifier: Apache-2.0
/* parquet_fit.c: a type that says nothing of its meaning fits by its physical type; one that means
 * something else never does: a wrong reading would be silent. */
#include "codec/parquet_fit.h"

#include "core/num.h"

#include <inttypes.h>

static bool means(const struct parquet_leaf_layout *leaf, enum parquet_meaning meaning)
{
    return leaf->meaning == PARQUET_MEANS_NOTHING || leaf->meaning == meaning;
}

static bool time_fits(const struct parquet_leaf_layout *leaf)
{
    if (leaf->physical == PARQUET_TYPE_INT96)
        return leaf->meaning == PARQUET_MEANS_NOTHING;
    return leaf->physical == PARQUET_TYPE_INT64 &&
           (means(leaf, PARQUET_MEANS_MICROS_UTC) || leaf->meaning == PARQUET_MEANS_MILLIS_UTC ||
            leaf->meaning == PARQUET_MEANS_NANOS_UTC);
}

static bool decimal_fits(const struct parquet_leaf_layout *leaf, const struct parquet_field *field)
{
    if (leaf->meaning != PARQUET_MEANS_DECIMAL || leaf->scale != field->scale)
        return false;
    switch (leaf->physical) {
    case PARQUET_TYPE_INT32:
    case PARQUET_TYPE_INT64:
    case PARQUET_TYPE_BYTE_ARRAY:
        return true;
    default:
        return leaf->physical == PARQUET_TYPE_FIXED_LEN_BYTE_ARRAY &&
               (size_t)leaf->type_length <= sizeof(int128);
    }
}

/* Of LIST and MAP: one of their leaves. */
static bool leaf_fits(const struct parquet_leaf_layout *leaf, const struct parquet_field *field)
{
    const enum parquet_type physical = leaf->physical;

    switch (field->kind) {
    case PARQUET_BOOL:
        return physical == PARQUET_TYPE_BOOLEAN;
    case PARQUET_INT:
        return physical == PARQUET_TYPE_INT32 && means(leaf, PARQUET_MEANS_INT);
    case PARQUET_DATE:
        return physical == PARQUET_TYPE_INT32 && means(leaf, PARQUET_MEANS_DATE);
    case PARQUET_LONG:
        return (physical == PARQUET_TYPE_INT32 && means(leaf, PARQUET_MEANS_INT)) ||
               (physical == PARQUET_TYPE_INT64 && means(leaf, PARQUET_MEANS_LONG));
    case PARQUET_TIMESTAMPTZ:
        return time_fits(leaf);
    case PARQUET_DECIMAL:
        return decimal_fits(leaf, field);
    default:
        return physical == PARQUET_TYPE_BYTE_ARRAY && means(leaf, PARQUET_MEANS_TEXT);
    }
}

static const char *kind_name(enum parquet_kind kind)
{
    static const char *const names[] = { "bool",    "int",    "long",   "date", "timestamptz",
                                         "decimal", "string", "binary", "list", "map" };

    return names[kind];
}

static const char *physical_name(enum parquet_type physical)
{
    static const char *const names[] = {
        "BOOLEAN", "INT32",  "INT64",      "INT96",
        "FLOAT",   "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"
    };

    return names[physical]; /* the footer's decoder has checked it */
}

static const char *meaning_name(enum parquet_meaning meaning)
{
    static const char *const names[] = { [PARQUET_MEANS_NOTHING] = "not annotated",
                                         [PARQUET_MEANS_TEXT] = "text",
                                         [PARQUET_MEANS_INT] = "int",
                                         [PARQUET_MEANS_LONG] = "long",
                                         [PARQUET_MEANS_DATE] = "date",
                                         [PARQUET_MEANS_MILLIS_UTC] = "timestamptz in ms",
                                         [PARQUET_MEANS_MICROS_UTC] = "timestamptz in us",
                                         [PARQUET_MEANS_NANOS_UTC] = "timestamptz in ns",
                                         [PARQUET_MEANS_LOCAL_TIME] = "timestamp without zone",
                                         [PARQUET_MEANS_DECIMAL] = "decimal",
                                         [PARQUET_MEANS_OTHER] = "a type of no column here" };

    return names[meaning];
}

int parquet_fit_check(const struct parquet_leaf_layout *leaf, size_t leaf_count,
                      const struct parquet_field *field, struct err *err)
{
    static const char *const nesting[] = { [PARQUET_LEAF_FLAT] = "",
                                           [PARQUET_LEAF_REPEATED] = "repeated ",
                                           [PARQUET_LEAF_OTHER] = "nested " };
    const bool nested = field->kind == PARQUET_MAP || field->kind == PARQUET_LIST;

    if (leaf_count == (field->kind == PARQUET_MAP ? 2 : 1) &&
        leaf->shape == (nested ? PARQUET_LEAF_REPEATED : PARQUET_LEAF_FLAT) &&
        leaf_fits(leaf, field))
        return 0;
    return err_set(err, ERR_CORRUPT,
                   "its type in the file, %s%s (%s, scale %" PRId32
                   ", one of %zu leaves), is not that of the field, %s of scale %d",
                   nesting[leaf->shape], physical_name(leaf->physical), meaning_name(leaf->meaning),
                   leaf->scale, leaf_count, kind_name(field->kind), field->scale);
}

bool parquet_fit_times(enum parquet_meaning meaning, int64_t *times, size_t count)
{
    bool good = true;

    if (meaning == PARQUET_MEANS_MILLIS_UTC)
        for (size_t i = 0; i < count; i++)
            good &= !__builtin_mul_overflow(times[i], INT64_C(1000), &times[i]);
    if (meaning == PARQUET_MEANS_NANOS_UTC)
        for (size_t i = 0; i < count; i++) {
            good &= times[i] % 1000 == 0;
            times[i] /= 1000;
        }
    return good;
}

bool parquet_fit_range(const struct parquet_leaf_layout *leaf, const struct parquet_field *field,
                       struct span lower, struct span upper, int64_t range[2])
{
    struct err unread;

    if (leaf->physical != PARQUET_TYPE_INT64 || lower.size != 8 || upper.size != 8 ||
        parquet_fit_check(leaf, 1, field, &unread) < 0)
        return false;
    range[0] = (int64_t)load_le64(lower.data);
    range[1] = (int64_t)load_le64(upper.data);
    return parquet_fit_times(leaf->meaning, range, 2);
}
