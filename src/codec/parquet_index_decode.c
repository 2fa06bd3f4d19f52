// SPDX-License-Identifier: Apache-2.0
/* parquet_index_decode.c: pages are judged against their chunk as they are read, so that who
 * fetches them computes with numbers that hold. */
#include "codec/parquet_index_decode.h"

#include "codec/parquet_fit.h"
#include "codec/thrift_decode.h"

enum { LOWER = 2, UPPER = 3 }; /* Parquet: ColumnIndex, min_values and max_values */

/* Parquet: PageLocation */
static struct parquet_index_page decode_location(struct thrift_decoder *d,
                                                 struct thrift_field *value)
{
    struct thrift_field field = thrift_decode_child(d, value);
    struct parquet_index_page page = { .offset = -1, .size = -1, .first_row = -1 };

    while (thrift_decode_next(d, &field)) {
        if (field.id == 1)
            page.offset = thrift_decode_i64(d, &field);
        else if (field.id == 2)
            page.size = thrift_decode_i32(d, &field);
        else if (field.id == 3)
            page.first_row = thrift_decode_i64(d, &field);
    }
    return page;
}

static bool pages_hold(const struct parquet_chunk *chunk, int64_t rows,
                       struct parquet_index_page *pages, size_t count)
{
    int64_t at = chunk->offset;

    for (size_t i = 0; i < count; i++) {
        struct parquet_index_page *page = &pages[i];
        int64_t end_row = i + 1 < count ? pages[i + 1].first_row : rows;

        if (page->offset < at || page->size <= 0 ||
            page->size > chunk->size - (page->offset - chunk->offset) ||
            (i == 0 && page->first_row != 0) || end_row < page->first_row || end_row > rows)
            return false;
        page->rows = end_row - page->first_row;
        at = page->offset + page->size;
    }
    return count > 0;
}

bool parquet_index_decode_pages(struct arena *arena, struct span index,
                                const struct parquet_chunk *chunk, int64_t rows,
                                struct parquet_index_page **pages, size_t *count)
{
    struct thrift_decoder d = thrift_decode_begin(index);
    struct thrift_field field = thrift_decode_struct(&d);

    *pages = NULL;
    *count = 0;
    while (thrift_decode_next(&d, &field)) {
        struct thrift_field element;

        if (field.id != 1 || *pages != NULL)
            continue;
        *count = thrift_decode_list(&d, &field, THRIFT_STRUCT, &element);
        if (d.problem != NULL)
            return false;
        *pages = arena_zero(arena, *count, sizeof(**pages));
        for (size_t i = 0; i < *count && thrift_decode_element(&d, &element); i++)
            (*pages)[i] = decode_location(&d, &element);
        thrift_decode_list_end(&d, &element);
    }
    return d.problem == NULL && pages_hold(chunk, rows, *pages, *count);
}

/* One bound of each page, PLAIN; false when they are not `count`. */
static bool decode_bounds(struct thrift_decoder *d, struct thrift_field *field,
                          const struct parquet_leaf_layout *leaf, const struct parquet_field *as,
                          struct parquet_index_page *pages, size_t count)
{
    const bool upper = field->id == UPPER;
    struct thrift_field element;

    if (thrift_decode_list(d, field, THRIFT_BINARY, &element) != count)
        return false;
    for (size_t i = 0; i < count && thrift_decode_element(d, &element); i++) {
        struct span bound = thrift_decode_binary(d, &element);
        int64_t range[2];

        pages[i].has_range =
            (upper ? pages[i].has_range : true) && parquet_fit_range(leaf, as, bound, bound, range);
        if (pages[i].has_range)
            *(upper ? &pages[i].upper : &pages[i].lower) = range[0];
    }
    return true;
}

void parquet_index_decode_ranges(struct span index, const struct parquet_leaf_layout *leaf,
                                 const struct parquet_field *field,
                                 struct parquet_index_page *pages, size_t count)
{
    struct thrift_decoder d = thrift_decode_begin(index);
    struct thrift_field member = thrift_decode_struct(&d);
    int16_t seen = 0; /* lower, then upper: has_range is theirs together */
    bool good = true;

    while (good && thrift_decode_next(&d, &member)) {
        if (member.id != LOWER && member.id != UPPER)
            continue;
        good = member.id > seen && (member.id == LOWER || seen == LOWER) &&
               decode_bounds(&d, &member, leaf, field, pages, count);
        seen = member.id;
    }
    good = good && seen == UPPER && d.problem == NULL;
    for (size_t i = 0; i < count; i++)
        pages[i].has_range = pages[i].has_range && good;
}
