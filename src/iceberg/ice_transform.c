// SPDX-License-Identifier: Apache-2.0
/* ice_transform.c: see the header.  All divisions are floors: a time before 1970 or a negative
 * price falls into the bucket below it, not towards zero. */
#include "iceberg/ice_transform.h"

#include "core/decimal.h"
#include "core/hash.h"
#include "core/micros.h"
#include "core/num.h"
#include "core/utf8.h"

const char *ice_transform_name(enum ice_transform transform)
{
    return transform == ICE_DAY ? "day" : "identity";
}

int32_t ice_transform_day(int64_t us)
{
    return micros_day(us);
}

/* int64 microseconds span 2.6e9 hours either way, which the 32 bits of the spec do not hold; times
 * of tables are far inside. */
int32_t ice_transform_hour(int64_t us)
{
    return (int32_t)int64_max(INT32_MIN, int64_min(INT32_MAX, micros_hour(us)));
}

int32_t ice_transform_bucket_bytes(struct span value, int32_t count)
{
    ASSERT(count > 0);
    return (int32_t)((hash_murmur3(value, 0) & 0x7fffffff) % (uint32_t)count);
}

int32_t ice_transform_bucket_int64(int64_t value, int32_t count)
{
    uint8_t bytes[8];

    store_le64(bytes, (uint64_t)value);
    return ice_transform_bucket_bytes(span_of(bytes, sizeof(bytes)), count);
}

int32_t ice_transform_bucket_decimal(int128 unscaled, int32_t count)
{
    uint8_t bytes[16];
    size_t size = decimal_bytes(unscaled, bytes);

    return ice_transform_bucket_bytes(span_of(bytes, size), count);
}

int64_t ice_transform_truncate_int64(int64_t value, int64_t width)
{
    int64_t rest;

    ASSERT(width > 0);
    rest = value % width;
    if (rest < 0)
        rest += width;
    /* Below the least multiple there is none: wraps around, as the reference does. */
    return (int64_t)((uint64_t)value - (uint64_t)rest);
}

int128 ice_transform_truncate_decimal(int128 unscaled, int128 width)
{
    int128 rest;

    ASSERT(width > 0);
    rest = unscaled % width;
    return unscaled - (rest < 0 ? rest + width : rest);
}

static bool is_code_point_start(uint8_t byte)
{
    return (byte & 0xc0) != 0x80;
}

struct span ice_transform_truncate_text(struct span text, size_t width)
{
    size_t seen = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (is_code_point_start(text.data[i]) && seen++ == width)
            return span_of(text.data, i);
    }
    return text;
}

struct span ice_transform_truncate_bytes(struct span bytes, size_t width)
{
    return span_of(bytes.data, size_min(bytes.size, width));
}

/* The code point after the one encoded in `bytes`, encoded into out; 0 when there is none, or when
 * the bytes are no UTF-8. */
static size_t next_code_point(struct span bytes, uint8_t out[4])
{
    static const uint8_t lead_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t c;

    if (bytes.size < 1 || bytes.size > 4)
        return 0;
    c = bytes.data[0] & lead_bits[bytes.size];
    for (size_t i = 1; i < bytes.size; i++)
        c = c << 6 | (bytes.data[i] & 0x3f);
    c = c == 0xd7ff ? 0xe000 : c + 1;
    return c > 0x10ffff ? 0 : utf8_encode(c, out);
}

bool ice_transform_upper_text(struct span text, size_t width, struct buf *out)
{
    struct span prefix = ice_transform_truncate_text(text, width);
    size_t end = prefix.size;
    uint8_t raised[4];

    if (prefix.size == text.size) {
        buf_put_span(out, text);
        return true;
    }
    while (end > 0) {
        size_t start = end - 1, size;

        while (start > 0 && !is_code_point_start(prefix.data[start]))
            start--;
        size = next_code_point(span_of(prefix.data + start, end - start), raised);
        if (size > 0) {
            buf_put(out, prefix.data, start);
            buf_put(out, raised, size);
            return true;
        }
        end = start;
    }
    return false;
}

bool ice_transform_upper_bytes(struct span bytes, size_t width, struct buf *out)
{
    size_t end = size_min(bytes.size, width);

    if (bytes.size <= width) {
        buf_put_span(out, bytes);
        return true;
    }
    while (end > 0 && bytes.data[end - 1] == 0xff)
        end--;
    if (end == 0)
        return false;
    buf_put(out, bytes.data, end);
    out->data[out->size - 1]++;
    return true;
}

static bool is_day(const struct ice_definition *definition, const struct ice_partition_field *part)
{
    if (part->transform == ICE_DAY)
        return true;
    for (size_t i = 0; i < definition->field_count; i++) {
        if (definition->field[i].field_id == part->source_id)
            return definition->field[i].kind == PARQUET_DATE;
    }
    return false;
}

void ice_transform_path(const struct ice_definition *definition, const int32_t *values,
                        struct buf *out)
{
    char text[MICROS_TEXT_BYTES_MAX];

    for (size_t i = 0; i < definition->partition_count; i++) {
        const struct ice_partition_field *part = &definition->partition[i];

        buf_printf(out, "%s%s=", i == 0 ? "" : "/", part->name);
        if (is_day(definition, part))
            buf_put(out, text, micros_format_day(values[i], text));
        else
            buf_printf(out, "%d", values[i]);
    }
}
