// SPDX-License-Identifier: Apache-2.0
/* parquet_dictionary_decode.c: indices are unpacked in batches that stay in the first cache, judged
 * once for a batch, then gathered. */
#include "codec/parquet_dictionary_decode.h"

#include "codec/parquet_rle_decode.h"
#include "core/num.h"

enum { BATCH = 1024 };

int parquet_dictionary_decode_entries(struct span page, size_t count,
                                      struct parquet_dictionary_entry *entry, struct err *err)
{
    size_t at = 0;

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

/* False when the column would grow beyond what its offsets can say. */
static bool gather_bytes(const struct parquet_dictionary *dictionary, const uint32_t *index,
                         size_t count, int32_t *ends, struct buf *values)
{
    const struct parquet_dictionary_entry *entry = dictionary->entry;
    size_t end = values->size;
    uint8_t *out;

    for (size_t i = 0; i < count; i++)
        end += entry[index[i]].size;
    if (end > INT32_MAX)
        return false;
    buf_reserve(values, end - values->size + PARQUET_SLACK);
    end = values->size;
    out = values->data;
    for (size_t i = 0; i < count; i++) {
        struct parquet_dictionary_entry e = entry[index[i]];
        const uint8_t *from = dictionary->values + e.at;

        memcpy(out + end, from, PARQUET_SLACK);
        for (size_t done = PARQUET_SLACK; done < e.size; done += PARQUET_SLACK)
            memcpy(out + end + done, from + done, PARQUET_SLACK);
        end += e.size;
        ends[i] = (int32_t)end;
    }
    values->size = end;
    return true;
}

static uint32_t greatest(const uint32_t *index, size_t count)
{
    uint32_t max = 0;

    for (size_t i = 0; i < count; i++)
        max = index[i] > max ? index[i] : max;
    return max;
}

int parquet_dictionary_decode(const struct parquet_dictionary *dictionary,
                              const struct parquet_target *target, struct span body, size_t count,
                              struct column *to, struct err *err)
{
    const size_t width = parquet_plain_decode_width(target);
    struct parquet_rle rle;
    uint32_t index[BATCH];
    uint8_t *out = NULL;
    int32_t *ends = NULL;

    if (count == 0)
        return 0;
    if (body.size == 0 ||
        !parquet_rle_decode_begin(&rle, span_of(body.data + 1, body.size - 1), body.data[0]))
        return err_set(err, ERR_CORRUPT, "dictionary indices without a bit width of 0 to 32");
    if (width > 0)
        out = buf_extend(&to->values, count * width);
    else
        ends = (int32_t *)(void *)buf_extend(&to->offsets, count * sizeof(*ends));
    for (size_t done = 0, n; done < count; done += n) {
        uint32_t max;

        n = size_min(count - done, BATCH);
        if (!parquet_rle_decode(&rle, index, n))
            return err_set(err, ERR_CORRUPT, "dictionary indices end before their values do");
        max = greatest(index, n);
        if (max >= dictionary->count)
            return err_set(err, ERR_CORRUPT, "dictionary index %u of %zu values", (unsigned)max,
                           dictionary->count);
        if (width > 0)
            gather_fixed(dictionary->values, width, index, n, out + done * width);
        else if (!gather_bytes(dictionary, index, n, ends + done, &to->values))
            return err_set(err, ERR_CORRUPT, "more than 2 GiB of bytes in a column");
    }
    return 0;
}
