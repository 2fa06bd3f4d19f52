// SPDX-License-Identifier: Apache-2.0
/* parquet_level_decode.c: spreading goes backwards in place, so that no second buffer is needed. */
#include "codec/parquet_level_decode.h"

#include "core/num.h"

static size_t bit(const uint8_t *bitmap, size_t i)
{
    return (size_t)bitmap[i / 8] >> i % 8 & 1;
}

/* Once as many values are left as rows, the rest stand where they belong. */
#define SPREAD(type)                                                                               \
    static void spread_##type(type *values, size_t count, size_t present, const uint8_t *bitmap)   \
    {                                                                                              \
        size_t from = present;                                                                     \
                                                                                                   \
        for (size_t i = count; i > from;) {                                                        \
            size_t is_present = bit(bitmap, --i);                                                  \
                                                                                                   \
            from -= is_present;                                                                    \
            values[i] = is_present != 0 ? values[from] : (type)0;                                  \
        }                                                                                          \
    }

SPREAD(uint8_t)
SPREAD(int32_t)
SPREAD(int64_t)
SPREAD(int128)

/* ends[-1] is the end of the row before; a null ends where its predecessor does. */
static void spread_ends(int32_t *ends, size_t count, size_t present, const uint8_t *bitmap)
{
    size_t from = present;

    for (size_t i = count; i > from;) {
        i--;
        ends[i] = (ends - 1)[from];
        from -= bit(bitmap, i);
    }
}

static void *extend_tail(struct buf *buf, size_t count, size_t present, size_t width)
{
    buf_extend(buf, (count - present) * width);
    return buf->data + buf->size - count * width;
}

static void spread(struct column *column, size_t count, size_t present, const uint8_t *bitmap)
{
    switch (column->type) {
    case COLUMN_BOOL:
        spread_uint8_t(extend_tail(&column->values, count, present, 1), count, present, bitmap);
        break;
    case COLUMN_INT32:
        spread_int32_t(extend_tail(&column->values, count, present, 4), count, present, bitmap);
        break;
    case COLUMN_INT64:
        spread_int64_t(extend_tail(&column->values, count, present, 8), count, present, bitmap);
        break;
    case COLUMN_DECIMAL:
        spread_int128(extend_tail(&column->values, count, present, 16), count, present, bitmap);
        break;
    default:
        spread_ends(extend_tail(&column->offsets, count, present, 4), count, present, bitmap);
    }
}

/* Ones up to `rows` bits; bits past the last row are always 1 (column.c counts on it). */
static void extend_validity(struct column *column, size_t rows)
{
    size_t bytes = (rows + 7) / 8;

    if (bytes > column->validity.size) {
        size_t more = bytes - column->validity.size;

        memset(buf_extend(&column->validity, more), 0xff, more);
    }
}

/* Ends `count` rows whose values are in place. */
static void put_rows(struct column *column, size_t count, size_t nulls, const uint8_t *bitmap)
{
    size_t shift = column->rows % 8;

    column->null_count += nulls;
    if (column->null_count > 0)
        extend_validity(column, column->rows + count);
    if (nulls > 0) {
        uint8_t *to = column->validity.data + column->rows / 8;

        for (size_t i = 0; i < count; i += 8) {
            size_t n = size_min(count - i, 8);
            uint32_t zeros = ((uint32_t)~bitmap[i / 8] & ((1u << n) - 1)) << shift;

            to[i / 8] &= (uint8_t)~zeros;
            if (zeros >> 8 != 0)
                to[i / 8 + 1] &= (uint8_t) ~(zeros >> 8);
        }
    }
    column->rows += count;
}

void parquet_level_decode_nulls(struct column *column, size_t count, size_t present,
                                const uint8_t *bitmap)
{
    ASSERT(present <= count);
    if (present < count)
        spread(column, count, present, bitmap);
    put_rows(column, count, count - present, bitmap);
}

int parquet_level_decode_count(const struct parquet_leaf_layout *layout,
                               struct parquet_level_page *page, struct err *err)
{
    const uint8_t row_level = layout->row_level;
    const uint8_t entry_level = layout->entry_level;
    const uint8_t level_max = layout->level_max;
    uint8_t worst = 0;

    page->rows = page->null_rows = page->entries = page->present = 0;
    for (size_t begin = 0, n; begin < page->count; begin += n) {
        const uint8_t *repetition = page->repetition + begin;
        const uint8_t *definition = page->definition + begin;
        uint8_t rows = 0, null_rows = 0, entries = 0, present = 0; /* vectors of bytes */

        n = size_min(page->count - begin, 255);
        for (size_t i = 0; i < n; i++) {
            uint8_t level = definition[i];
            uint8_t starts = repetition[i] == 0;

            rows = (uint8_t)(rows + starts);
            null_rows = (uint8_t)(null_rows + (starts & (level < row_level)));
            entries = (uint8_t)(entries + (level >= entry_level));
            present = (uint8_t)(present + (level == level_max));
            worst = level > worst ? level : worst;
        }
        page->rows += rows;
        page->null_rows += null_rows;
        page->entries += entries;
        page->present += present;
    }
    if (worst > level_max)
        return err_set(err, ERR_CORRUPT, "definition level %d where the schema has %d", worst,
                       level_max);
    return 0;
}

static void row_bitmap(const struct parquet_leaf_layout *layout,
                       const struct parquet_level_page *page, uint8_t *bitmap)
{
    size_t row = 0;

    memset(bitmap, 0, (page->rows + 7) / 8);
    for (size_t i = 0; i < page->count; i++) {
        if (page->repetition[i] != 0)
            continue;
        bitmap[row / 8] |= (uint8_t)((page->definition[i] >= layout->row_level) << row % 8);
        row++;
    }
}

/* A row's start is the offset at its index; the offset behind the last row that has begun holds the
 * end so far.  True when every entry that continues a row finds one to continue. */
static bool append_rows(const struct parquet_leaf_layout *layout,
                        const struct parquet_level_page *page, struct parquet_level_rows *rows)
{
    const uint8_t entry_level = layout->entry_level;
    size_t entries = rows->entries;
    bool open = rows->open;
    bool bad = false;
    int32_t *start;

    buf_extend(&rows->out->offsets, page->rows * sizeof(*start));
    start = (int32_t *)(void *)rows->out->offsets.data + rows->row;
    for (size_t i = 0; i < page->count; i++) {
        bool starts = page->repetition[i] == 0;
        bool has = page->definition[i] >= entry_level;

        *start = (int32_t)entries;
        start += starts;
        bad |= !starts & !(has & open);
        entries += has;
        open = has;
    }
    *start = (int32_t)entries;
    rows->entries = entries;
    rows->open = open;
    return !bad;
}

static bool verify_rows(const struct parquet_leaf_layout *layout,
                        const struct parquet_level_page *page, struct parquet_level_rows *rows)
{
    const int32_t *start = column_offsets(rows->out) + rows->row;
    size_t entries = rows->entries;
    size_t row = rows->row;
    bool open = rows->open;
    bool bad = false;

    for (size_t i = 0; i < page->count; i++) {
        bool starts = page->repetition[i] == 0;
        bool has = page->definition[i] >= layout->entry_level;

        if (starts) {
            bad |= *start++ != (int32_t)entries;
            bad |= column_is_null(rows->out, row++) != (page->definition[i] < layout->row_level);
        }
        bad |= !starts & !(has & open);
        entries += has;
        open = has;
    }
    rows->entries = entries;
    rows->open = open;
    return !bad;
}

int parquet_level_decode_rows(const struct parquet_leaf_layout *layout,
                              const struct parquet_level_page *page,
                              struct parquet_level_rows *rows, uint8_t *bitmap, struct err *err)
{
    bool good;

    if (page->rows > rows->left)
        return err_set(err, ERR_CORRUPT, "%zu rows begin in a page where %zu are left", page->rows,
                       rows->left);
    if (rows->entries + page->entries > INT32_MAX)
        return err_set(err, ERR_CORRUPT, "more than 2^31 entries in a column");
    if (rows->verify) {
        good = verify_rows(layout, page, rows);
    } else {
        good = append_rows(layout, page, rows);
        if (page->null_rows > 0)
            row_bitmap(layout, page, bitmap);
        put_rows(rows->out, page->rows, page->null_rows, bitmap);
    }
    rows->row += page->rows;
    rows->left -= page->rows;
    if (!good)
        return err_set(err, ERR_CORRUPT, "%s",
                       rows->verify ? "keys and values are not of the same rows"
                                    : "an entry goes on in a row that has none");
    return 0;
}

void parquet_level_decode_entries(const struct parquet_leaf_layout *layout,
                                  const struct parquet_level_page *page, uint8_t *bitmap)
{
    size_t entry = 0;

    memset(bitmap, 0, (page->entries + 7) / 8);
    for (size_t i = 0; i < page->count; i++) {
        if (page->definition[i] < layout->entry_level)
            continue;
        bitmap[entry / 8] |= (uint8_t)((page->definition[i] == layout->level_max) << entry % 8);
        entry++;
    }
}

int parquet_level_decode_finish(const struct parquet_level_rows *rows, struct err *err)
{
    if (rows->left > 0)
        return err_set(err, ERR_CORRUPT, "%zu rows are missing", rows->left);
    if ((size_t)column_offsets(rows->out)[rows->row] != rows->entries)
        return err_set(err, ERR_CORRUPT, "keys and values are not equally many");
    return 0;
}
