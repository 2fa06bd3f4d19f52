// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_reader.c: a field of a row group, leaf by leaf, page by page.
 *
 * Scratch memory holds the chunk's dictionary at its front and behind it, anew for each page, the
 * page's bytes and levels; nothing is allocated for a page once it has grown.
 */
#include "codec/parquet_reader.h"

#include "codec/parquet_bytes_decode.h"
#include "codec/parquet_delta_decode.h"
#include "codec/parquet_dictionary_decode.h"
#include "codec/parquet_fit.h"
#include "codec/parquet_footer_decode.h"
#include "codec/parquet_level_decode.h"
#include "codec/parquet_page_decode.h"
#include "codec/parquet_plain_decode.h"
#include "codec/parquet_rle_decode.h"
#include "core/num.h"

#include <inttypes.h>

/* One column chunk on its way into one column. */
struct leaf_reader {
    const struct parquet_leaf_layout *layout;
    struct parquet_target target;
    int codec;
    bool nulls_allowed;
    struct span rest;   /* pages yet to come */
    size_t values_left; /* nulls included; at most, if in_part */
    bool in_part;       /* of a list or map some pages, whose values nobody has counted */
    struct parquet_scratch *scratch;
    struct buf *page;              /* of scratch */
    bool has_dictionary, has_data; /* seen so far */
    size_t dictionary_count;
    size_t dictionary_size_max;   /* of an entry of BYTES */
    size_t dictionary_entries_at; /* in *page; the page itself, of BYTES, is at 0 */
    size_t dictionary_end;
    struct column *to;               /* takes the values */
    struct parquet_level_rows *rows; /* takes offsets and nulls of a list or map, else NULL */
};

int parquet_footer_size(struct span tail, uint64_t file_size, uint64_t *footer_size,
                        struct err *err)
{
    const uint64_t overhead = PARQUET_TAIL_BYTES + 4; /* and the magic in front */
    uint32_t size;

    if (tail.size != PARQUET_TAIL_BYTES || file_size < overhead)
        return err_set(err, ERR_CORRUPT, "a Parquet file of %" PRIu64 " bytes", file_size);
    if (memcmp(tail.data + 4, "PARE", 4) == 0)
        return err_set(err, ERR_CORRUPT, "the Parquet file is encrypted");
    if (memcmp(tail.data + 4, "PAR1", 4) != 0)
        return err_set(err, ERR_CORRUPT, "not a Parquet file: it does not end in PAR1");
    size = load_le32(tail.data);
    if (size == 0 || size > file_size - overhead || size > PARQUET_FOOTER_BYTES_MAX)
        return err_set(err, ERR_CORRUPT, "a Parquet footer of %" PRIu32 " bytes in %" PRIu64, size,
                       file_size);
    *footer_size = size;
    return 0;
}

int parquet_file_parse(struct arena *arena, struct span footer, uint64_t file_size,
                       struct parquet_file *out, struct err *err)
{
    return parquet_footer_decode(arena, footer, file_size, out, err);
}

bool parquet_file_leaves(const struct parquet_file *file, const struct parquet_field *field,
                         size_t *first, size_t *count)
{
    const struct parquet_leaf_layout *layout = file->layout->leaf;

    *first = *count = 0;
    for (size_t i = 0; i < file->leaf_count; i++) {
        const struct parquet_leaf *leaf = &file->leaf[i];

        if (*count > 0) {
            if (layout[i].top != layout[*first].top)
                break;
            ++*count;
        } else if (file->layout->has_ids ? leaf->top_id == field->field_id
                                         : strcmp(leaf->name, field->name) == 0) {
            *first = i;
            *count = 1;
        }
    }
    return *count > 0;
}

bool parquet_file_range(const struct parquet_file *file, size_t row_group,
                        const struct parquet_field *field, int64_t *lower, int64_t *upper)
{
    const struct parquet_chunk *chunk;
    size_t first, count;
    int64_t range[2];

    ASSERT(row_group < file->row_group_count);
    if (!parquet_file_leaves(file, field, &first, &count) || count != 1)
        return false;
    chunk = &file->row_group[row_group].chunk[first];
    if (!chunk->has_bounds ||
        !parquet_fit_range(&file->layout->leaf[first], field, chunk->lower, chunk->upper, range))
        return false;
    *lower = range[0];
    *upper = range[1];
    return true;
}

struct span parquet_file_pair(const struct parquet_file *file, const char *key)
{
    struct span wanted = span_text(key);

    for (size_t i = 0; i < file->pair_count; i++)
        if (span_equal(file->pair[i].key, wanted))
            return file->pair[i].value;
    return (struct span){ NULL, 0 };
}

static size_t aligned(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

static int read_dictionary(struct leaf_reader *r, const struct parquet_page *page, struct err *err)
{
    const size_t width = parquet_plain_decode_width(&r->target);
    size_t entry_size = width > 0 ? width : sizeof(struct parquet_dictionary_entry);
    struct span bytes;
    uint8_t *entries;

    if (r->has_dictionary || r->has_data || r->target.physical == PARQUET_TYPE_BOOLEAN ||
        (page->encoding != PARQUET_ENCODING_PLAIN &&
         page->encoding != PARQUET_ENCODING_PLAIN_DICTIONARY))
        return err_set(err, ERR_CORRUPT,
                       "a dictionary where none may be, encoded as %s (%" PRId32 ")",
                       parquet_page_decode_encoding_name(page->encoding), page->encoding);
    if (page->values > page->size)
        return err_set(err, ERR_CORRUPT, "a dictionary of %zu values in %zu bytes", page->values,
                       page->size);
    r->has_dictionary = true;
    r->dictionary_count = page->values;
    r->dictionary_entries_at = aligned(page->size + PARQUET_SLACK);
    r->dictionary_end = aligned(r->dictionary_entries_at + page->values * entry_size);
    buf_clear(r->page);
    buf_extend(r->page, r->dictionary_end);
    entries = r->page->data + r->dictionary_entries_at;
    if (parquet_page_decode_bytes(page, r->codec, &r->scratch->decompress, r->page->data, &bytes,
                                  err) < 0)
        return -1;
    if (width > 0)
        return parquet_plain_decode_fixed(&r->target, bytes, page->values, entries, err);
    if (bytes.data != r->page->data && bytes.size > 0)
        memcpy(r->page->data, bytes.data, bytes.size);
    return parquet_dictionary_decode_entries(bytes, page->values,
                                             (struct parquet_dictionary_entry *)(void *)entries,
                                             &r->dictionary_size_max, err);
}

static int put_dictionary_values(struct leaf_reader *r, struct span body, size_t count,
                                 struct err *err)
{
    const uint8_t *entries = r->page->data + r->dictionary_entries_at;
    struct parquet_dictionary dictionary = { .count = r->dictionary_count, .values = entries };

    if (!r->has_dictionary)
        return err_set(err, ERR_CORRUPT, "dictionary indices without a dictionary");
    if (r->target.type == COLUMN_BYTES) {
        dictionary.values = r->page->data;
        dictionary.size_max = r->dictionary_size_max;
        dictionary.entry = (const struct parquet_dictionary_entry *)(const void *)entries;
    }
    return parquet_dictionary_decode(&dictionary, &r->target, body, count, r->to, err);
}

/* Booleans as RLE runs with their length in front. */
static int put_rle_booleans(struct leaf_reader *r, struct span body, size_t count, struct err *err)
{
    struct parquet_rle rle;

    if (body.size < 4 || load_le32(body.data) > body.size - 4 ||
        !parquet_rle_decode_begin(&rle, span_of(body.data + 4, load_le32(body.data)), 1) ||
        !parquet_rle_decode_small(&rle, buf_extend(&r->to->values, count), count))
        return err_set(err, ERR_CORRUPT, "RLE booleans end before their values do");
    return 0;
}

static int put_delta_bytes(struct leaf_reader *r, enum parquet_encoding encoding, struct span body,
                           size_t count, struct err *err)
{
    struct column *bytes = &r->scratch->bytes;

    if (r->target.type == COLUMN_BYTES)
        return parquet_bytes_decode(encoding, body, count, &r->scratch->spare, r->to, err);
    bytes->type = COLUMN_BYTES;
    column_clear(bytes);
    column_first_offset(bytes);
    if (parquet_bytes_decode(encoding, body, count, &r->scratch->spare, bytes, err) < 0)
        return -1;
    return parquet_plain_decode_decimals(&r->target, bytes, count,
                                         buf_extend(&r->to->values, count * sizeof(int128)), err);
}

static bool is_integer(enum parquet_type physical)
{
    return physical == PARQUET_TYPE_INT32 || physical == PARQUET_TYPE_INT64;
}

static bool is_bytes(enum parquet_type physical)
{
    return physical == PARQUET_TYPE_BYTE_ARRAY || physical == PARQUET_TYPE_FIXED_LEN_BYTE_ARRAY;
}

/* Values as the file has them. */
static int put_encoded(struct leaf_reader *r, int32_t encoding, struct span body, size_t count,
                       struct err *err)
{
    const size_t width = parquet_plain_decode_width(&r->target);
    const enum parquet_type physical = r->target.physical;

    if (encoding == PARQUET_ENCODING_RLE_DICTIONARY ||
        encoding == PARQUET_ENCODING_PLAIN_DICTIONARY)
        return put_dictionary_values(r, body, count, err);
    if (encoding == PARQUET_ENCODING_PLAIN && r->target.type == COLUMN_BYTES)
        return parquet_plain_decode_bytes(body, count, r->to, err);
    if (encoding == PARQUET_ENCODING_PLAIN)
        return parquet_plain_decode_fixed(&r->target, body, count,
                                          buf_extend(&r->to->values, count * width), err);
    if (encoding == PARQUET_ENCODING_DELTA_BINARY_PACKED && is_integer(physical))
        return parquet_delta_decode(&r->target, body, count,
                                    buf_extend(&r->to->values, count * width), err);
    if ((encoding == PARQUET_ENCODING_DELTA_BYTE_ARRAY && is_bytes(physical)) ||
        (encoding == PARQUET_ENCODING_DELTA_LENGTH_BYTE_ARRAY &&
         physical == PARQUET_TYPE_BYTE_ARRAY))
        return put_delta_bytes(r, (enum parquet_encoding)encoding, body, count, err);
    if (encoding == PARQUET_ENCODING_BYTE_STREAM_SPLIT &&
        (is_integer(physical) || physical == PARQUET_TYPE_FIXED_LEN_BYTE_ARRAY))
        return parquet_plain_decode_split(&r->target, body, count, &r->scratch->spare,
                                          buf_extend(&r->to->values, count * width), err);
    if (encoding == PARQUET_ENCODING_RLE && physical == PARQUET_TYPE_BOOLEAN)
        return put_rle_booleans(r, body, count, err);
    return err_set(err, ERR_CORRUPT, "encoding %s (%" PRId32 ") is not supported here",
                   parquet_page_decode_encoding_name(encoding), encoding);
}

/* Appends `count` values, nulls left out. */
static int put_values(struct leaf_reader *r, int32_t encoding, struct span body, size_t count,
                      struct err *err)
{
    int64_t *times;

    if (put_encoded(r, encoding, body, count, err) < 0)
        return -1;
    if (r->target.type != COLUMN_INT64)
        return 0;
    times = (int64_t *)(void *)(r->to->values.data + r->to->values.size) - count;
    if (!parquet_fit_times(r->layout->meaning, times, count))
        return err_set(err, ERR_CORRUPT, "a time that is no number of microseconds");
    return 0;
}

static int check_nulls(const struct leaf_reader *r, const struct parquet_page *page, size_t nulls,
                       size_t rows, struct err *err)
{
    if (nulls > 0 && !r->nulls_allowed)
        return err_set(err, ERR_CORRUPT, "%zu nulls where none may be", nulls);
    if (page->type == PARQUET_PAGE_DATA_V2 && page->rows != rows)
        return err_set(err, ERR_CORRUPT, "%zu rows in a page that says %zu", rows, page->rows);
    return 0;
}

static int read_flat_page(struct leaf_reader *r, const struct parquet_page *page,
                          const struct parquet_page_parts *parts, uint8_t *levels, struct err *err)
{
    struct parquet_rle rle;
    size_t present = page->values;

    if (r->layout->level_max > 0 &&
        (!parquet_rle_decode_begin(&rle, parts->definition, 1) ||
         !parquet_rle_decode_bits(&rle, levels, page->values, &present)))
        return err_set(err, ERR_CORRUPT, "definition levels end before their values do");
    if (check_nulls(r, page, page->values - present, page->values, err) < 0)
        return -1;
    if (present > 0 && put_values(r, page->encoding, parts->values, present, err) < 0)
        return -1;
    parquet_level_decode_nulls(r->to, page->values, present, levels);
    return 0;
}

/* `levels` has room for two bytes and one bit for each value. */
static int read_repeated_page(struct leaf_reader *r, const struct parquet_page *page,
                              const struct parquet_page_parts *parts, uint8_t *levels,
                              struct err *err)
{
    const size_t count = page->values;
    const unsigned width = r->layout->level_max > 1 ? 2 : 1;
    uint8_t *bitmap = levels + 2 * count;
    struct parquet_level_page decoded = { .repetition = levels,
                                          .definition = levels + count,
                                          .count = count };
    struct parquet_rle repetition, definition;

    if (!parquet_rle_decode_begin(&repetition, parts->repetition, 1) ||
        !parquet_rle_decode_small(&repetition, levels, count) ||
        !parquet_rle_decode_begin(&definition, parts->definition, width) ||
        !parquet_rle_decode_small(&definition, levels + count, count))
        return err_set(err, ERR_CORRUPT, "levels end before their values do");
    if (parquet_level_decode_count(r->layout, &decoded, err) < 0 ||
        check_nulls(r, page, decoded.entries - decoded.present, decoded.rows, err) < 0 ||
        parquet_level_decode_rows(r->layout, &decoded, r->rows, bitmap, err) < 0)
        return -1;
    if (decoded.present > 0 &&
        put_values(r, page->encoding, parts->values, decoded.present, err) < 0)
        return -1;
    if (decoded.present < decoded.entries)
        parquet_level_decode_entries(r->layout, &decoded, bitmap);
    parquet_level_decode_nulls(r->to, decoded.entries, decoded.present, bitmap);
    return 0;
}

static int read_data_page(struct leaf_reader *r, const struct parquet_page *page, struct err *err)
{
    const bool repeated = r->rows != NULL;
    struct parquet_page_parts parts;
    struct span bytes;
    size_t levels_at;
    uint8_t *memory;

    if (page->values > r->values_left)
        return err_set(err, ERR_CORRUPT, "a page of %zu values where %zu are left", page->values,
                       r->values_left);
    r->has_data = true;
    r->values_left -= page->values;
    levels_at = aligned(page->size + PARQUET_SLACK);
    r->page->size = r->dictionary_end;
    memory =
        buf_extend(r->page, levels_at + (repeated ? 2 * page->values : 0) + page->values / 8 + 1);
    if (parquet_page_decode_bytes(page, r->codec, &r->scratch->decompress, memory, &bytes, err) <
            0 ||
        parquet_page_decode_parts(page, bytes, repeated, r->layout->level_max > 0, &parts, err) < 0)
        return -1;
    return repeated ? read_repeated_page(r, page, &parts, memory + levels_at, err)
                    : read_flat_page(r, page, &parts, memory + levels_at, err);
}

static int read_leaf(struct leaf_reader *r, struct err *err)
{
    buf_clear(r->page);
    if (r->to->offsets.size == 0 && r->to->type == COLUMN_BYTES)
        column_first_offset(r->to);
    while (r->rest.size > 0) {
        struct parquet_page page;
        int rc = 0;

        if (parquet_page_decode_next(&r->rest, &page, err) < 0)
            return -1;
        if (page.type == PARQUET_PAGE_DICTIONARY)
            rc = read_dictionary(r, &page, err);
        else if (page.type == PARQUET_PAGE_DATA || page.type == PARQUET_PAGE_DATA_V2)
            rc = read_data_page(r, &page, err);
        if (rc < 0)
            return -1;
    }
    if (r->values_left > 0 && !r->in_part)
        return err_set(err, ERR_CORRUPT, "%zu values are missing", r->values_left);
    return 0;
}

static uint128 power_of_ten(unsigned exponent)
{
    uint128 power = 1;

    ASSERT(exponent <= 38);
    while (exponent-- > 0)
        power *= 10;
    return power;
}

static struct leaf_reader leaf_reader(const struct parquet_file *file, size_t row_group,
                                      const struct parquet_field *field, size_t leaf)
{
    const struct parquet_leaf_layout *layout = &file->layout->leaf[leaf];
    bool is_decimal = field->kind == PARQUET_DECIMAL;

    return (struct leaf_reader){
        .layout = layout,
        .target = { .physical = layout->physical,
                    .type_length = (size_t)layout->type_length,
                    .limit = is_decimal ? power_of_ten(field->precision) : 0 },
        .codec = file->layout->codec[row_group * file->leaf_count + leaf],
        .values_left = (size_t)file->row_group[row_group].chunk[leaf].values,
    };
}

/* The whole chunk. */
static int check_chunk(const struct parquet_file *file, size_t row_group,
                       const struct parquet_field *field, size_t leaf, struct span bytes,
                       struct err *err)
{
    const struct parquet_row_group *group = &file->row_group[row_group];
    const struct parquet_chunk *chunk = &group->chunk[leaf];

    if (bytes.size != (uint64_t)chunk->size)
        return err_set(err, ERR_CORRUPT, "%zu bytes where the footer says %" PRId64, bytes.size,
                       chunk->size);
    if (field->kind != PARQUET_LIST && field->kind != PARQUET_MAP && chunk->values != group->rows)
        return err_set(err, ERR_CORRUPT, "%" PRId64 " values for %" PRId64 " rows", chunk->values,
                       group->rows);
    return 0;
}

/* One leaf of the field: the i-th of *out's children, or *out itself. */
static int read_field_leaf(const struct parquet_field *field, size_t i, size_t rows,
                           struct leaf_reader *r, struct column *out, struct err *err)
{
    struct parquet_level_rows level_rows = { .out = out };

    if (field->kind != PARQUET_LIST && field->kind != PARQUET_MAP) {
        r->to = out;
        r->target.type = out->type;
        r->nulls_allowed = !field->required;
        return read_leaf(r, err);
    }
    r->to = out->child[i];
    r->target.type = COLUMN_BYTES;
    r->nulls_allowed = field->child_optional && (field->kind == PARQUET_LIST || i == 1);
    r->rows = &level_rows;
    level_rows.verify = i > 0;
    level_rows.row = i > 0 ? out->rows - rows : out->rows;
    level_rows.left = rows;
    level_rows.entries = r->to->rows;
    if (read_leaf(r, err) < 0)
        return -1;
    return parquet_level_decode_finish(&level_rows, err);
}

void parquet_scratch_deinit(struct parquet_scratch *scratch)
{
    buf_deinit(&scratch->page);
    buf_deinit(&scratch->spare);
    column_deinit(&scratch->bytes);
    decompress_deinit(&scratch->decompress);
}

/* Some pages, or the whole chunks. */
static int read_rows(const struct parquet_file *file, size_t row_group,
                     const struct parquet_field *field, const struct span *bytes, size_t rows,
                     bool whole, struct parquet_scratch *scratch, struct column *out,
                     struct err *err)
{
    const size_t old_nulls = out->null_count;
    size_t first, count;
    int rc = 0;

    ASSERT(row_group < file->row_group_count && out->type == parquet_column_type(field->kind));
    if (!parquet_file_leaves(file, field, &first, &count))
        return err_set(err, ERR_CORRUPT, "column %s: the file has none", field->name);
    if (out->offsets.size == 0 && (out->type == COLUMN_LIST || out->type == COLUMN_MAP))
        column_first_offset(out);
    for (size_t i = 0; i < count && rc == 0; i++) {
        struct leaf_reader r = leaf_reader(file, row_group, field, first + i);

        r.rest = bytes[i];
        r.scratch = scratch;
        r.page = &scratch->page;
        rc = parquet_fit_check(r.layout, count, field, err);
        if (rc == 0 && whole) {
            rc = check_chunk(file, row_group, field, first + i, bytes[i], err);
        } else if (r.layout->shape == PARQUET_LEAF_FLAT) {
            r.values_left = rows;
        } else {
            r.in_part = true;
        }
        if (rc == 0)
            rc = read_field_leaf(field, i, rows, &r, out, err);
        if (rc < 0)
            err_wrap(err, "column %s, row group %zu", file->leaf[first + i].path, row_group);
    }
    if (rc == 0 && field->required && out->null_count > old_nulls)
        rc = err_set(err, ERR_CORRUPT, "column %s, row group %zu: null rows where none may be",
                     file->leaf[first].path, row_group);
    return rc;
}

int parquet_read_field(const struct parquet_file *file, size_t row_group,
                       const struct parquet_field *field, const struct span *bytes,
                       struct parquet_scratch *scratch, struct column *out, struct err *err)
{
    const size_t rows = (size_t)file->row_group[row_group].rows;

    return read_rows(file, row_group, field, bytes, rows, true, scratch, out, err);
}

int parquet_read_pages(const struct parquet_file *file, size_t row_group,
                       const struct parquet_field *field, const struct span *bytes, size_t rows,
                       struct parquet_scratch *scratch, struct column *out, struct err *err)
{
    return read_rows(file, row_group, field, bytes, rows, false, scratch, out, err);
}
