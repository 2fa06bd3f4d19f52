// SPDX-License-Identifier: Apache-2.0
/* parquet_dict.c: linear probing at most half full.  A number's slot leads to its entry, which is
 * the key; a byte array's entry also keeps its hash, so that a wrong slot is seldom looked into.
 * Runs of one value (exchange, symbol) skip the table. */
#include "codec/parquet_dict.h"
#include "codec/parquet_rle_encode.h"
#include "core/num.h"

enum {
    SLOTS_MIN = 1024,
    FIRST_CHECK = 4096, /* values; the cost is looked at here and then whenever they have doubled */
};

#define ALWAYS_INLINE __attribute__((always_inline)) static inline

void parquet_dict_deinit(struct parquet_dict *dict)
{
    buf_deinit(&dict->slots);
    buf_deinit(&dict->tags);
    buf_deinit(&dict->fixed);
    buf_deinit(&dict->offsets);
    buf_deinit(&dict->bytes);
    buf_deinit(&dict->indices);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint128 product = (uint128)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd1342543de82ef95u);

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

ALWAYS_INLINE uint32_t hash_fixed(const uint8_t *key, size_t width)
{
    if (width == 4)
        return (uint32_t)((load_le32(key) * 0x9e3779b97f4a7c15u) >> 32);
    if (width == 8)
        return (uint32_t)((load_le64(key) * 0x9e3779b97f4a7c15u) >> 32);
    return (uint32_t)mix(load_le64(key), load_le64(key + 8));
}

/* Not against an adversary's strings: a column of colliding ones is slow until it is given up. */
static uint32_t hash_bytes(struct span key)
{
    const uint8_t *p = key.data;
    size_t left = key.size;
    uint64_t hash = key.size;

    for (; left > 16; p += 16, left -= 16)
        hash = mix(load_le64(p) ^ hash, load_le64(p + 8));
    if (left >= 8)
        return (uint32_t)mix(load_le64(p) ^ hash, load_le64(p + left - 8));
    if (left >= 4)
        return (uint32_t)mix(load_le32(p) ^ hash, load_le32(p + left - 4));
    if (left > 0)
        hash ^= (uint64_t)p[0] << 16 | (uint64_t)p[left / 2] << 8 | p[left - 1];
    return (uint32_t)mix(hash, left);
}

static uint32_t *slots_of(struct parquet_dict *dict)
{
    return (uint32_t *)(void *)dict->slots.data;
}

static void reset_slots(struct parquet_dict *dict, size_t count)
{
    buf_clear(&dict->slots);
    memset(buf_extend(&dict->slots, count * sizeof(uint32_t)), 0, count * sizeof(uint32_t));
    dict->mask = (uint32_t)(count - 1);
}

static void reset(struct parquet_dict *dict, const struct parquet_values *values)
{
    buf_clear(&dict->tags);
    buf_clear(&dict->fixed);
    buf_clear(&dict->offsets);
    buf_clear(&dict->bytes);
    buf_clear(&dict->indices);
    buf_extend(&dict->indices, values->count * sizeof(uint32_t));
    reset_slots(dict, SLOTS_MIN);
    dict->entries = *values;
    dict->entries.count = 0;
    if (values->type == PARQUET_TYPE_BYTE_ARRAY)
        memset(buf_extend(&dict->offsets, sizeof(int32_t)), 0, sizeof(int32_t));
}

static void seat(struct parquet_dict *dict, uint32_t hash, uint32_t entry)
{
    uint32_t *slots = slots_of(dict);
    uint32_t at = hash & dict->mask;

    while (slots[at] != 0)
        at = (at + 1) & dict->mask;
    slots[at] = entry + 1;
}

/* Seats the entry just appended; doubles a table that is half full. */
ALWAYS_INLINE void seat_new(struct parquet_dict *dict, uint32_t hash, size_t width)
{
    size_t count = ++dict->entries.count;

    if (count * 2 <= dict->mask) {
        seat(dict, hash, (uint32_t)(count - 1));
        return;
    }
    reset_slots(dict, ((size_t)dict->mask + 1) * 4);
    for (size_t i = 0; i < count; i++)
        seat(dict,
             width > 0 ? hash_fixed(dict->fixed.data + i * width, width)
                       : load_le32(dict->tags.data + i * sizeof(uint32_t)),
             (uint32_t)i);
}

/* Borrows the entries from the bufs, which may have moved. */
static void refresh(struct parquet_dict *dict)
{
    dict->entries.fixed = dict->fixed.data;
    dict->entries.offsets = (const int32_t *)(const void *)dict->offsets.data;
    dict->entries.bytes = dict->bytes.data;
}

/* Is it worth going on after `done` values?  Early on a column with few repeats yet gets the
 * benefit of the doubt: its values may be many times as many in the end. */
static bool pays(struct parquet_dict *dict, const struct parquet_values *values, size_t done)
{
    size_t entries = dict->entries.count;
    size_t own, indices;

    refresh(dict);
    own = parquet_values_plain_bytes(&dict->entries, 0, entries);
    if (own > PARQUET_DICT_BYTES_MAX)
        return false;
    if (done == FIRST_CHECK && values->count > FIRST_CHECK)
        return entries <= done - done / 8;
    indices = done * (size_t)parquet_rle_encode_width((uint32_t)entries - 1) / 8;
    return own + indices < parquet_values_plain_bytes(values, 0, done);
}

ALWAYS_INLINE uint32_t find_fixed(struct parquet_dict *dict, const uint8_t *key, size_t width)
{
    const uint32_t *slots = slots_of(dict);
    uint32_t hash = hash_fixed(key, width);

    for (uint32_t at = hash & dict->mask; slots[at] != 0; at = (at + 1) & dict->mask)
        if (memcmp(dict->fixed.data + (slots[at] - 1) * width, key, width) == 0)
            return slots[at] - 1;
    buf_put(&dict->fixed, key, width);
    seat_new(dict, hash, width);
    return (uint32_t)dict->entries.count - 1;
}

ALWAYS_INLINE void take_fixed(struct parquet_dict *dict, const struct parquet_values *values,
                              size_t first, size_t end, size_t width)
{
    uint32_t *indices = (uint32_t *)(void *)dict->indices.data;

    for (size_t i = first; i < end; i++)
        indices[i] = find_fixed(dict, values->fixed + i * width, width);
}

static uint32_t find_bytes(struct parquet_dict *dict, struct span key)
{
    const uint32_t *slots = slots_of(dict);
    const uint32_t *tags = (const uint32_t *)(const void *)dict->tags.data;
    const int32_t *offsets = (const int32_t *)(const void *)dict->offsets.data;
    uint32_t hash = hash_bytes(key);
    int32_t end;

    for (uint32_t at = hash & dict->mask; slots[at] != 0; at = (at + 1) & dict->mask) {
        uint32_t entry = slots[at] - 1;

        if (tags[entry] == hash && (size_t)(offsets[entry + 1] - offsets[entry]) == key.size &&
            (key.size == 0 || memcmp(dict->bytes.data + offsets[entry], key.data, key.size) == 0))
            return entry;
    }
    buf_put_span(&dict->bytes, key);
    end = (int32_t)dict->bytes.size;
    buf_put(&dict->offsets, &end, sizeof(end));
    buf_put(&dict->tags, &hash, sizeof(hash));
    seat_new(dict, hash, 0);
    return (uint32_t)dict->entries.count - 1;
}

static void take_bytes(struct parquet_dict *dict, const struct parquet_values *values, size_t first,
                       size_t end)
{
    uint32_t *indices = (uint32_t *)(void *)dict->indices.data;

    for (size_t i = first; i < end; i++) {
        struct span key = parquet_values_bytes(values, i);

        if (i > first && span_equal(key, parquet_values_bytes(values, i - 1)))
            indices[i] = indices[i - 1];
        else
            indices[i] = find_bytes(dict, key);
    }
}

static void take(struct parquet_dict *dict, const struct parquet_values *values, size_t first,
                 size_t end)
{
    switch (values->width) {
    case 4:
        take_fixed(dict, values, first, end, 4);
        return;
    case 8:
        take_fixed(dict, values, first, end, 8);
        return;
    case 16:
        take_fixed(dict, values, first, end, 16);
        return;
    default:
        take_bytes(dict, values, first, end);
    }
}

int parquet_dict_build(struct parquet_dict *dict, const struct parquet_values *values)
{
    size_t check = FIRST_CHECK;

    ASSERT(values->width != 1 && values->count <= INT32_MAX);
    reset(dict, values);
    for (size_t done = 0; done < values->count;) {
        size_t end = size_min(check, values->count);

        take(dict, values, done, end);
        done = end;
        if (!pays(dict, values, done))
            return PARQUET_DICT_GIVEN_UP;
        check *= 2;
    }
    refresh(dict);
    return 0;
}
