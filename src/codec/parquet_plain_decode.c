// SPDX-License-Identifier: Apache-2.0
/* parquet_plain_decode.c: one loop for each pair of physical type and column type.  A page must be
 * used up to its last byte: one that is not was written for another schema. */
#include "codec/parquet_plain_decode.h"

#include "core/num.h"

static const char beyond_precision[] = "a decimal is beyond its column's precision";
static const char not_micros[] = "an INT96 time is no number of microseconds";

enum { INT96_BYTES = 12, JULIAN_DAY_OF_1970 = 2440588 };

size_t parquet_plain_decode_width(const struct parquet_target *target)
{
    switch (target->type) {
    case COLUMN_BOOL:
        return 1;
    case COLUMN_INT32:
        return sizeof(int32_t);
    case COLUMN_INT64:
        return sizeof(int64_t);
    case COLUMN_DECIMAL:
        return sizeof(int128);
    default:
        return 0;
    }
}

/* Largest magnitude of a 64-bit decimal, INT64_MAX when all 64 bits are within the precision. */
static int64_t narrow_limit(const struct parquet_target *target)
{
    return target->limit > INT64_MAX ? INT64_MAX : (int64_t)target->limit - 1;
}

static bool int64s_to_decimals(const struct parquet_target *target, const uint8_t *from,
                               size_t count, uint8_t *out)
{
    const int64_t high = narrow_limit(target);
    const int64_t low = high == INT64_MAX ? INT64_MIN : -high;
    bool good = true;

    for (size_t i = 0; i < count; i++) {
        int64_t value = (int64_t)load_le64(from + i * 8);

        good &= (value >= low) & (value <= high);
        store_le64(out + i * 16, (uint64_t)value);
        store_le64(out + i * 16 + 8, (uint64_t)(value >> 63));
    }
    return good;
}

bool parquet_plain_decode_int64s(const struct parquet_target *target, const int64_t *values,
                                 size_t count, uint8_t *out)
{
    switch (target->type) {
    case COLUMN_INT32:
        for (size_t i = 0; i < count; i++)
            store_le32(out + i * 4, (uint32_t)values[i]);
        return true;
    case COLUMN_INT64:
        memcpy(out, values, count * sizeof(*values));
        return true;
    default:
        return int64s_to_decimals(target, (const uint8_t *)values, count, out);
    }
}

static bool int32s(const struct parquet_target *target, const uint8_t *from, size_t count,
                   uint8_t *out)
{
    int64_t batch[256];

    if (target->type == COLUMN_INT32) {
        memcpy(out, from, count * 4);
        return true;
    }
    for (size_t done = 0, n; done < count; done += n) {
        n = size_min(count - done, ARRAY_LEN(batch));
        for (size_t i = 0; i < n; i++)
            batch[i] = (int32_t)load_le32(from + (done + i) * 4);
        if (!parquet_plain_decode_int64s(target, batch, n,
                                         out + done * parquet_plain_decode_width(target)))
            return false;
    }
    return true;
}

/* Two's complement, big-endian, `size` 1 to 16. */
static inline __attribute__((always_inline)) bool put_big_endian(
    const struct parquet_target *target, const uint8_t *from, size_t size, uint8_t *out)
{
    uint128 value = (from[0] & 0x80) != 0 ? ~(uint128)0 : 0;
    size_t high = size & 7;

    for (size_t i = 0; i < high; i++)
        value = value << 8 | from[i];
    if (size == 16)
        value = (uint128)load_be64(from) << 64 | load_be64(from + 8);
    else if (size >= 8)
        value = value << 64 | load_be64(from + high);
    memcpy(out, &value, sizeof(value));
    return ((int128)value < 0 ? -value : value) < target->limit;
}

static bool put_fixed_decimals(const struct parquet_target *target, const uint8_t *from,
                               size_t count, uint8_t *out)
{
    const size_t size = target->type_length;
    bool good = true;

    if (size == 16)
        for (size_t i = 0; i < count; i++)
            good &= put_big_endian(target, from + i * 16, 16, out + i * 16);
    else
        for (size_t i = 0; i < count; i++)
            good &= put_big_endian(target, from + i * size, size, out + i * 16);
    return good;
}

static int byte_array_decimals(const struct parquet_target *target, struct span body, size_t count,
                               uint8_t *out, struct err *err)
{
    const uint8_t *at = body.data;
    const uint8_t *end = body.data + body.size;

    for (size_t i = 0; i < count; i++) {
        uint32_t size;

        if (end - at < 4)
            return err_set(err, ERR_CORRUPT, "the page ends before its values do");
        size = load_le32(at);
        at += 4;
        if (size == 0 || size > sizeof(int128) || size > (size_t)(end - at))
            return err_set(err, ERR_CORRUPT, "a decimal of %u bytes", (unsigned)size);
        if (!put_big_endian(target, at, size, out + i * sizeof(int128)))
            return err_set(err, ERR_CORRUPT, "%s", beyond_precision);
        at += size;
    }
    if (at != end)
        return err_set(err, ERR_CORRUPT, "the page is longer than its values");
    return 0;
}

/* INT96: nanoseconds of the day, then the Julian day.  False where microseconds cannot hold it. */
static bool int96s_to_micros(const uint8_t *from, size_t count, uint8_t *out)
{
    bool good = true;

    for (size_t i = 0; i < count; i++) {
        uint64_t nanos = load_le64(from + i * INT96_BYTES);
        int64_t day = (int64_t)load_le32(from + i * INT96_BYTES + 8) - JULIAN_DAY_OF_1970;
        int64_t micros;

        good &= nanos % 1000 == 0;
        good &= !__builtin_mul_overflow(day, INT64_C(86400000000), &micros);
        good &= !__builtin_add_overflow(micros, (int64_t)(nanos / 1000), &micros);
        store_le64(out + i * 8, (uint64_t)micros);
    }
    return good;
}

static bool put_fixed(const struct parquet_target *target, const uint8_t *from, size_t count,
                      uint8_t *out)
{
    switch (target->physical) {
    case PARQUET_TYPE_BOOLEAN:
        for (size_t i = 0; i < count; i++)
            out[i] = from[i / 8] >> i % 8 & 1;
        return true;
    case PARQUET_TYPE_INT32:
        return int32s(target, from, count, out);
    case PARQUET_TYPE_INT64:
        if (target->type == COLUMN_DECIMAL)
            return int64s_to_decimals(target, from, count, out);
        memcpy(out, from, count * sizeof(int64_t));
        return true;
    case PARQUET_TYPE_INT96:
        return int96s_to_micros(from, count, out);
    default:
        return put_fixed_decimals(target, from, count, out);
    }
}

/* Of a value in the file; not of BOOLEAN and BYTE_ARRAY. */
static size_t stored_width(const struct parquet_target *target)
{
    switch (target->physical) {
    case PARQUET_TYPE_INT32:
        return sizeof(int32_t);
    case PARQUET_TYPE_INT64:
        return sizeof(int64_t);
    case PARQUET_TYPE_INT96:
        return INT96_BYTES;
    default:
        return target->type_length;
    }
}

/* Bytes of `count` values, SIZE_MAX when they cannot be. */
static size_t fixed_size(const struct parquet_target *target, size_t count)
{
    size_t size;

    if (target->physical == PARQUET_TYPE_BOOLEAN)
        return count / 8 + (count % 8 != 0);
    return size_mul(count, stored_width(target), &size) ? size : SIZE_MAX;
}

int parquet_plain_decode_fixed(const struct parquet_target *target, struct span body, size_t count,
                               uint8_t *out, struct err *err)
{
    if (target->physical == PARQUET_TYPE_BYTE_ARRAY)
        return byte_array_decimals(target, body, count, out, err);
    if (body.size != fixed_size(target, count))
        return err_set(err, ERR_CORRUPT, "%zu bytes of PLAIN values where %zu values are said",
                       body.size, count);
    if (count > 0 && !put_fixed(target, body.data, count, out))
        return err_set(err, ERR_CORRUPT, "%s",
                       target->physical == PARQUET_TYPE_INT96 ? not_micros : beyond_precision);
    return 0;
}

int parquet_plain_decode_decimals(const struct parquet_target *target, const struct column *from,
                                  size_t count, uint8_t *out, struct err *err)
{
    const bool fixed = target->physical == PARQUET_TYPE_FIXED_LEN_BYTE_ARRAY;

    for (size_t i = 0; i < count; i++) {
        struct span value = column_bytes(from, i);

        if (value.size == 0 || value.size > sizeof(int128) ||
            (fixed && value.size != target->type_length))
            return err_set(err, ERR_CORRUPT, "a decimal of %zu bytes", value.size);
        if (!put_big_endian(target, value.data, value.size, out + i * sizeof(int128)))
            return err_set(err, ERR_CORRUPT, "%s", beyond_precision);
    }
    return 0;
}

int parquet_plain_decode_split(const struct parquet_target *target, struct span body, size_t count,
                               struct buf *scratch, uint8_t *out, struct err *err)
{
    const size_t width = stored_width(target);
    uint8_t *plain;

    if (body.size != fixed_size(target, count))
        return err_set(err, ERR_CORRUPT, "%zu bytes of split values where %zu values are said",
                       body.size, count);
    buf_clear(scratch);
    plain = buf_extend(scratch, body.size);
    for (size_t k = 0; k < width; k++)
        for (size_t i = 0; i < count; i++)
            plain[i * width + k] = body.data[k * count + i];
    return parquet_plain_decode_fixed(target, buf_span(scratch), count, out, err);
}

int parquet_plain_decode_bytes(struct span body, size_t count, struct column *to, struct err *err)
{
    const uint8_t *at = body.data;
    const uint8_t *end = body.data + body.size;
    size_t used = to->values.size;
    int32_t *ends;
    uint8_t *base;

    if (count > body.size / 4)
        return err_set(err, ERR_CORRUPT, "the page ends before its values do");
    if (body.size > INT32_MAX || used + body.size > INT32_MAX)
        return err_set(err, ERR_CORRUPT, "more than 2 GiB of bytes in a column");
    buf_reserve(&to->values, body.size + PARQUET_SLACK);
    ends = (int32_t *)(void *)buf_extend(&to->offsets, count * sizeof(*ends));
    base = to->values.data;
    for (size_t i = 0; i < count; i++) {
        size_t size;

        if (end - at < 4)
            return err_set(err, ERR_CORRUPT, "the page ends before its values do");
        size = load_le32(at);
        at += 4;
        if (size > (size_t)(end - at))
            return err_set(err, ERR_CORRUPT, "a value of %zu bytes in a page that has %zu left",
                           size, (size_t)(end - at));
        if ((size_t)(end - at) < size + PARQUET_SLACK) {
            memcpy(base + used, at, size);
        } else {
            memcpy(base + used, at, PARQUET_SLACK);
            for (size_t done = PARQUET_SLACK; done < size; done += PARQUET_SLACK)
                memcpy(base + used + done, at + done, PARQUET_SLACK);
        }
        at += size;
        used += size;
        ends[i] = (int32_t)used;
    }
    if (at != end)
        return err_set(err, ERR_CORRUPT, "the page is longer than its values");
    to->values.size = used;
    return 0;
}
