// SPDX-License-Identifier: Apache-2.0
/* parquet_dictionary_decode.c: indices are unpacked in batches that stay in the first cache, judged
 * once for a batch, then gathered. */
#include "codec/parquet_dictionary_decode.h"

#include "codec/parquet_rle_decode.h"
#include "core/num.h"

enum { BATCH = 1024, RUN_MIN = 64 };

int parquet_dictionary_decode_entries(struct span page, size_t count,
                                      struct parquet_dictionary_entry *entry, size_t *size_max,
                                      struct err *err)
{
    size_t at = 0;

    *size_max = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t size;

        if (page.size - at < 4)
            return err_set(err, ERR_CORRUPT, "the dictionary ends before its values do");
        size = load_le32(page.data + at);
        at += 4;
        if (size > page.size - at)
            return err_set(err, ERR_CORRUPT, "a dictionary value of %u bytes where %zu are left",
                           (unsigned)size, page.size - at);
        entry[i] = (struct parquet_dictionary_entry){ (uint32_t)at, size };
        *size_max = size > *size_max ? size : *size_max;
        at += size;
    }
    if (at != page.size)
        return err_set(err, ERR_CORRUPT, "the dictionary is longer than its values");
    return 0;
}

static void gather_fixed(const uint8_t *values, size_t width, const uint32_t *index, size_t count,
                         uint8_t *out)
{
    switch (width) {
    case 4:
        for (size_t i = 0; i < count; i++)
            memcpy(out + i * 4, values + (size_t)index[i] * 4, 4);
        break;
    case 8:
        for (size_t i = 0; i < count; i++)
            memcpy(out + i * 8, values + (size_t)index[i] * 8, 8);
        break;
    default:
        ASSERT(width == 16);
        for (size_t i = 0; i < count; i++)
            memcpy(out + i * 16, values + (size_t)index[i] * 16, 16);
    }
}

/* One copy of whole blocks for each value, whose size is at most `block`: no branch depends on a
 * value's size. */
static inline __attribute__((always_inline)) size_t gather_blocks(
    const struct parquet_dictionary *dictionary, const uint32_t *index, size_t count,
    const size_t block, uint8_t *out, size_t end, int32_t *ends)
{
    for (size_t i = 0; i < count; i++) {
        struct parquet_dictionary_entry e = dictionary->entry[index[i]];

        memcpy(out + end, dictionary->values + e.at, block);
        end += e.size;
        ends[i] = (int32_t)end;
    }
    return end;
}

static size_t gather_long(const struct parquet_dictionary *dictionary, const uint32_t *index,
                          size_t count, uint8_t *out, size_t end, int32_t *ends)
{
    for (size_t i = 0; i < count; i++) {
        struct parquet_dictionary_entry e = dictionary->entry[index[i]];

        memcpy(out + end, dictionary->values + e.at, e.size);
        end += e.size;
        ends[i] = (int32_t)end;
    }
    return end;
}

/* False when the column would grow beyond what its offsets can say. */
static bool gather_bytes(const struct parquet_dictionary *dictionary, const uint32_t *index,
                         size_t count, int32_t *ends, struct buf *values)
{
    size_t end = values->size;
    size_t most = count * dictionary->size_max;

    if (dictionary->size_max > PARQUET_SLACK) {
        most = 0;
        for (size_t i = 0; i < count; i++)
            most += dictionary->entry[index[i]].size;
    }
    if (end + most > INT32_MAX)
        return false;
    buf_reserve(values, most + PARQUET_SLACK);
    if (dictionary->size_max <= 16)
        end = gather_blocks(dictionary, index, count, 16, values->data, end, ends);
    else if (dictionary->size_max <= PARQUET_SLACK)
        end = gather_blocks(dictionary, index, count, PARQUET_SLACK, values->data, end, ends);
    else
        end = gather_long(dictionary, index, count, values->data, end, ends);
    values->size = end;
    return true;
}

/* Fills `size` bytes with copies of their first `unit`. */
static void fill_repeated(uint8_t *out, size_t unit, size_t size)
{
    for (size_t done = unit; done < size; done *= 2)
        memcpy(out + done, out, size_min(done, size - done));
}

static bool repeat_bytes(const struct parquet_dictionary *dictionary, uint32_t index, size_t count,
                         int32_t *ends, struct buf *values)
{
    struct parquet_dictionary_entry e = dictionary->entry[index];
    size_t end = values->size;
    size_t size;
    uint8_t *out;

    if (!size_mul(e.size, count, &size) || size > INT32_MAX || end + size > INT32_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        ends[i] = (int32_t)(end + (i + 1) * e.size);
    if (size > 0) {
        out = buf_extend(values, size);
        memcpy(out, dictionary->values + e.at, e.size);
        fill_repeated(out, e.size, size);
    }
    return true;
}

static uint32_t greatest(const uint32_t *index, size_t count)
{
    uint32_t max = 0;

    for (size_t i = 0; i < count; i++)
        max = index[i] > max ? index[i] : max;
    return max;
}

/* Where the values of a page go: `out` or, for BYTES, `ends` and the column's values. */
struct place {
    struct column *to;
    size_t width;
    uint8_t *out;
    int32_t *ends;
};

/* False when the column would become too large. */
static bool put_run(const struct parquet_dictionary *dictionary, const struct place *place,
                    uint32_t index, size_t done, size_t count)
{
    const size_t width = place->width;

    if (width == 0)
        return repeat_bytes(dictionary, index, count, place->ends + done, &place->to->values);
    memcpy(place->out + done * width, dictionary->values + index * width, width);
    fill_repeated(place->out + done * width, width, count * width);
    return true;
}

static bool put_batch(const struct parquet_dictionary *dictionary, const struct place *place,
                      const uint32_t *index, size_t done, size_t count)
{
    const size_t width = place->width;

    if (width == 0)
        return gather_bytes(dictionary, index, count, place->ends + done, &place->to->values);
    gather_fixed(dictionary->values, width, index, count, place->out + done * width);
    return true;
}

int parquet_dictionary_decode(const struct parquet_dictionary *dictionary,
                              const struct parquet_target *target, struct span body, size_t count,
                              struct column *to, struct err *err)
{
    struct place place = { .to = to, .width = parquet_plain_decode_width(target) };
    struct parquet_rle rle;
    uint32_t index[BATCH];

    if (count == 0)
        return 0;
    if (body.size == 0 ||
        !parquet_rle_decode_begin(&rle, span_of(body.data + 1, body.size - 1), body.data[0]))
        return err_set(err, ERR_CORRUPT, "dictionary indices without a bit width of 0 to 32");
    if (place.width > 0)
        place.out = buf_extend(&to->values, count * place.width);
    else
        place.ends = (int32_t *)(void *)buf_extend(&to->offsets, count * sizeof(*place.ends));
    for (size_t done = 0, n; done < count; done += n) {
        bool run = (n = parquet_rle_decode_run(&rle, count - done, index)) >= RUN_MIN;
        uint32_t max;

        for (size_t i = 1; i < n && !run; i++)
            index[i] = index[0];
        if (!run) {
            size_t more = size_min(count - done, BATCH) - n;

            if (!parquet_rle_decode(&rle, index + n, more))
                return err_set(err, ERR_CORRUPT, "dictionary indices end before their values do");
            n += more;
        }
        max = greatest(index, run ? 1 : n);
        if (max >= dictionary->count)
            return err_set(err, ERR_CORRUPT, "dictionary index %u of %zu values", (unsigned)max,
                           dictionary->count);
        if (!(run ? put_run(dictionary, &place, index[0], done, n)
                  : put_batch(dictionary, &place, index, done, n)))
            return err_set(err, ERR_CORRUPT, "more than 2 GiB of bytes in a column");
    }
    return 0;
}
