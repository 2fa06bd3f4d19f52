// SPDX-License-Identifier: Apache-2.0
/* parquet_bounds.c: one pass for each width; byte arrays compare with the greatest first, because
 * ids and times mostly grow. */
#include "codec/parquet_bounds.h"
#include "core/num.h"

static void of_int32(const int32_t *values, size_t count, struct parquet_bounds *out)
{
    int32_t low = values[0], high = values[0];

    for (size_t i = 1; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    out->low = low;
    out->high = high;
}

static void of_int64(const int64_t *values, size_t count, struct parquet_bounds *out)
{
    int64_t low = values[0], high = values[0];

    for (size_t i = 1; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    out->low = low;
    out->high = high;
}

static void widen(struct parquet_bounds *out, const struct parquet_values *values, size_t i)
{
    if (values->type != PARQUET_TYPE_BYTE_ARRAY) {
        int128 number = parquet_values_number(values, i);

        if (!out->present || number < out->low)
            out->low = number;
        if (!out->present || number > out->high)
            out->high = number;
    } else {
        struct span bytes = parquet_values_bytes(values, i);

        if (!out->present)
            out->low_bytes = out->high_bytes = bytes;
        else if (span_compare(bytes, out->high_bytes) > 0)
            out->high_bytes = bytes;
        else if (span_compare(bytes, out->low_bytes) < 0)
            out->low_bytes = bytes;
    }
    out->present = true;
}

struct parquet_bounds parquet_bounds_of(const struct parquet_values *values, size_t first,
                                        size_t count)
{
    struct parquet_bounds out = { .present = false };

    if (count == 0)
        return out;
    if (values->width == 4) {
        of_int32((const int32_t *)(const void *)values->fixed + first, count, &out);
    } else if (values->width == 8) {
        of_int64((const int64_t *)(const void *)values->fixed + first, count, &out);
    } else {
        for (size_t i = first; i < first + count; i++)
            widen(&out, values, i);
    }
    out.present = true;
    return out;
}

struct parquet_bounds parquet_bounds_of_indices(const struct parquet_values *entries,
                                                const uint32_t *indices, size_t count,
                                                struct buf *stamps)
{
    struct parquet_bounds out = { .present = false };
    uint8_t *seen;

    if (count < entries->count) { /* marking them would cost more than looking at each */
        for (size_t i = 0; i < count; i++)
            widen(&out, entries, indices[i]);
        return out;
    }
    buf_clear(stamps);
    seen = buf_extend(stamps, entries->count);
    memset(seen, 0, entries->count);
    for (size_t i = 0; i < count; i++)
        seen[indices[i]] = 1;
    for (size_t i = 0; i < entries->count; i++)
        if (seen[i])
            widen(&out, entries, i);
    return out;
}

void parquet_bounds_merge(struct parquet_bounds *all, const struct parquet_bounds *more,
                          enum parquet_type type)
{
    if (!more->present)
        return;
    if (!all->present) {
        *all = *more;
    } else if (type == PARQUET_TYPE_BYTE_ARRAY) {
        if (span_compare(more->low_bytes, all->low_bytes) < 0)
            all->low_bytes = more->low_bytes;
        if (span_compare(more->high_bytes, all->high_bytes) > 0)
            all->high_bytes = more->high_bytes;
    } else {
        if (more->low < all->low)
            all->low = more->low;
        if (more->high > all->high)
            all->high = more->high;
    }
}

static void put_big_endian(struct buf *out, int128 value, size_t size)
{
    for (size_t i = size; i > 0; i--)
        buf_put_byte(out, (uint8_t)((uint128)value >> (8 * (i - 1))));
}

static void put_number(struct buf *out, const struct parquet_shape *shape, int128 value)
{
    int32_t narrow = (int32_t)value;
    int64_t number = (int64_t)value;

    switch (shape->type) {
    case PARQUET_TYPE_BOOLEAN:
        buf_put_byte(out, (uint8_t)value);
        return;
    case PARQUET_TYPE_INT32:
        buf_put(out, &narrow, sizeof(narrow));
        return;
    case PARQUET_TYPE_INT64:
        buf_put(out, &number, sizeof(number));
        return;
    default:
        put_big_endian(out, value, shape->type_size);
    }
}

void parquet_bounds_put_single(struct buf *out, const struct parquet_shape *shape, int128 value)
{
    size_t size = 1;

    if (shape->field->kind != PARQUET_DECIMAL) {
        put_number(out, shape, value);
        return;
    }
    while (size < sizeof(value) && value >> (8 * size - 1) != 0 && value >> (8 * size - 1) != -1)
        size++;
    put_big_endian(out, value, size);
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Where a prefix of at most PARQUET_BOUNDS_BYTES_MAX bytes ends: for text before a character that
 * would be cut; bytes that are no UTF-8 are cut anywhere. */
static size_t prefix_size(struct span whole, bool text)
{
    size_t size = PARQUET_BOUNDS_BYTES_MAX;

    for (int back = 0; text && back < 3 && is_continuation(whole.data[size]); back++)
        size--;
    return is_continuation(whole.data[size]) && text ? PARQUET_BOUNDS_BYTES_MAX : size;
}

/* The size of the well-formed character that ends the prefix, its code point in *point; 0: none. */
static size_t last_character(const uint8_t *bytes, size_t size, uint32_t *point)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    static const uint8_t lead_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    static const uint8_t lead[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };
    size_t length = 1;

    while (length < 4 && length < size && is_continuation(bytes[size - length]))
        length++;
    if ((bytes[size - length] & ~lead_bits[length] & 0xff) != lead[length])
        return 0;
    *point = bytes[size - length] & lead_bits[length];
    for (size_t i = size - length + 1; i < size; i++)
        *point = *point << 6 | (bytes[i] & 0x3f);
    return *point >= least[length] && *point <= 0x10ffff ? length : 0;
}

static void put_character(struct buf *out, uint32_t point)
{
    if (point < 0x80) {
        buf_put_byte(out, (uint8_t)point);
        return;
    }
    if (point < 0x800) {
        buf_put_byte(out, (uint8_t)(0xc0 | point >> 6));
    } else if (point < 0x10000) {
        buf_put_byte(out, (uint8_t)(0xe0 | point >> 12));
        buf_put_byte(out, (uint8_t)(0x80 | (point >> 6 & 0x3f)));
    } else {
        buf_put_byte(out, (uint8_t)(0xf0 | point >> 18));
        buf_put_byte(out, (uint8_t)(0x80 | (point >> 12 & 0x3f)));
        buf_put_byte(out, (uint8_t)(0x80 | (point >> 6 & 0x3f)));
    }
    buf_put_byte(out, (uint8_t)(0x80 | (point & 0x3f)));
}

/* Replaces the last character, or byte, of out[from..) by the next one up, dropping those that have
 * none.  False when nothing is left. */
static bool increment(struct buf *out, size_t from, bool text)
{
    while (out->size > from) {
        uint32_t point = 0;
        size_t size = text ? last_character(out->data + from, out->size - from, &point) : 0;

        if (size > 0) {
            out->size -= size;
            if (point == 0x10ffff)
                continue;
            put_character(out, point == 0xd7ff ? 0xe000 : point + 1); /* surrogates are no text */
            return true;
        }
        if (out->data[out->size - 1] != 0xff) {
            out->data[out->size - 1]++;
            return true;
        }
        out->size--;
    }
    return false;
}

bool parquet_bounds_put_lower(struct buf *out, const struct parquet_shape *shape,
                              const struct parquet_bounds *bounds)
{
    struct span whole = bounds->low_bytes;

    if (shape->type != PARQUET_TYPE_BYTE_ARRAY) {
        put_number(out, shape, bounds->low);
        return true;
    }
    if (whole.size <= PARQUET_BOUNDS_BYTES_MAX) {
        buf_put_span(out, whole);
        return true;
    }
    buf_put(out, whole.data, prefix_size(whole, shape->text));
    return false;
}

bool parquet_bounds_put_upper(struct buf *out, const struct parquet_shape *shape,
                              const struct parquet_bounds *bounds)
{
    struct span whole = bounds->high_bytes;
    size_t from = out->size;

    if (shape->type != PARQUET_TYPE_BYTE_ARRAY) {
        put_number(out, shape, bounds->high);
        return true;
    }
    if (whole.size > PARQUET_BOUNDS_BYTES_MAX) {
        buf_put(out, whole.data, prefix_size(whole, shape->text));
        if (increment(out, from, shape->text))
            return false;
    }
    buf_put_span(out, whole);
    return true;
}
