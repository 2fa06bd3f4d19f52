// SPDX-License-Identifier: Apache-2.0
/* parquet_index.c: bounds are kept serialized, the order of pages is judged on what was
 * serialized: cut bounds need not be ordered as the values are. */
#include "codec/parquet_index.h"
#include "codec/thrift_encode.h"

enum { UNORDERED, ASCENDING, DESCENDING }; /* parquet.thrift, BoundaryOrder */

struct page {
    int64_t offset;
    int64_t first_row;
    size_t size;
    size_t nulls;
    bool present;                          /* has a value that is not null */
    int128 low, high;                      /* numbers, to compare */
    size_t lower_at, upper_at, bounds_end; /* in index->bounds */
};

void parquet_index_deinit(struct parquet_index *index)
{
    buf_deinit(&index->pages);
    buf_deinit(&index->bounds);
}

void parquet_index_clear(struct parquet_index *index)
{
    buf_clear(&index->pages);
    buf_clear(&index->bounds);
}

static size_t page_count(const struct parquet_index *index)
{
    return index->pages.size / sizeof(struct page);
}

static struct page page_at(const struct parquet_index *index, size_t i)
{
    struct page page;

    memcpy(&page, index->pages.data + i * sizeof(page), sizeof(page));
    return page;
}

void parquet_index_put(struct parquet_index *index, const struct parquet_shape *shape,
                       int64_t offset, size_t size, size_t first_row, size_t nulls,
                       const struct parquet_bounds *bounds)
{
    struct page page = {
        .offset = offset,
        .first_row = (int64_t)first_row,
        .size = size,
        .nulls = nulls,
        .present = bounds->present,
        .low = bounds->low,
        .high = bounds->high,
    };

    page.lower_at = index->bounds.size;
    if (bounds->present)
        parquet_bounds_put_lower(&index->bounds, shape, bounds);
    page.upper_at = index->bounds.size;
    if (bounds->present)
        parquet_bounds_put_upper(&index->bounds, shape, bounds);
    page.bounds_end = index->bounds.size;
    buf_put(&index->pages, &page, sizeof(page));
}

static struct span lower_of(const struct parquet_index *index, const struct page *page)
{
    return span_of(index->bounds.data + page->lower_at, page->upper_at - page->lower_at);
}

static struct span upper_of(const struct parquet_index *index, const struct page *page)
{
    return span_of(index->bounds.data + page->upper_at, page->bounds_end - page->upper_at);
}

static int order_of(int128 a, int128 b)
{
    return (a > b) - (a < b);
}

/* Both bounds never fall, or never rise, from page to page; pages of nulls do not count. */
static int32_t boundary_order(const struct parquet_index *index, bool bytes)
{
    bool ascending = true, descending = true;
    struct page last = { .present = false };

    for (size_t i = 0; i < page_count(index); i++) {
        struct page page = page_at(index, i);
        int low, high;

        if (!page.present)
            continue;
        if (last.present) {
            low = bytes ? span_compare(lower_of(index, &last), lower_of(index, &page))
                        : order_of(last.low, page.low);
            high = bytes ? span_compare(upper_of(index, &last), upper_of(index, &page))
                         : order_of(last.high, page.high);
            ascending = ascending && low <= 0 && high <= 0;
            descending = descending && low >= 0 && high >= 0;
        }
        last = page;
    }
    return ascending ? ASCENDING : descending ? DESCENDING : UNORDERED;
}

void parquet_index_encode_columns(const struct parquet_index *index,
                                  const struct parquet_shape *shape, struct buf *out)
{
    size_t count = page_count(index);
    struct thrift_encoder encoder;

    thrift_encode_begin(&encoder, out);
    thrift_encode_list(&encoder, 1, THRIFT_TRUE, count);
    for (size_t i = 0; i < count; i++)
        thrift_encode_item_bool(&encoder, !page_at(index, i).present);
    thrift_encode_list(&encoder, 2, THRIFT_BINARY, count);
    for (size_t i = 0; i < count; i++) {
        struct page page = page_at(index, i);

        thrift_encode_item_binary(&encoder, lower_of(index, &page));
    }
    thrift_encode_list(&encoder, 3, THRIFT_BINARY, count);
    for (size_t i = 0; i < count; i++) {
        struct page page = page_at(index, i);

        thrift_encode_item_binary(&encoder, upper_of(index, &page));
    }
    thrift_encode_i32(&encoder, 4, boundary_order(index, shape->type == PARQUET_TYPE_BYTE_ARRAY));
    thrift_encode_list(&encoder, 5, THRIFT_I64, count);
    for (size_t i = 0; i < count; i++)
        thrift_encode_item_i64(&encoder, (int64_t)page_at(index, i).nulls);
    thrift_encode_end(&encoder);
}

void parquet_index_encode_offsets(const struct parquet_index *index, struct buf *out)
{
    struct thrift_encoder encoder;

    thrift_encode_begin(&encoder, out);
    thrift_encode_list(&encoder, 1, THRIFT_STRUCT, page_count(index));
    for (size_t i = 0; i < page_count(index); i++) {
        struct page page = page_at(index, i);

        thrift_encode_item_struct(&encoder);
        thrift_encode_i64(&encoder, 1, page.offset);
        thrift_encode_i32(&encoder, 2, (int32_t)page.size);
        thrift_encode_i64(&encoder, 3, page.first_row);
        thrift_encode_end(&encoder);
    }
    thrift_encode_end(&encoder);
}
