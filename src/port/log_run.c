// SPDX-License-Identifier: Apache-2.0
/* log_run.c: runs of records.  Sizes are checked against what is left of the body although the CRC
 * was right: bytes at rest are outside input. */
#include "port/log_run.h"
#include "core/num.h"

#include <zlib.h>

enum { VERSION = 1, HEAD_BYTES = 5, TAIL_BYTES = 4, VARINT_BYTES_MAX = 10 };

static void put_varint(struct buf *buf, uint64_t value)
{
    buf_reserve(buf, VARINT_BYTES_MAX);
    for (; value >= 0x80; value >>= 7)
        buf->data[buf->size++] = (uint8_t)(value | 0x80);
    buf->data[buf->size++] = (uint8_t)value;
}

static uint64_t size_code(struct span bytes)
{
    return bytes.data == NULL ? 0 : (uint64_t)bytes.size + 1;
}

static uint64_t zigzag(uint64_t difference)
{
    return difference << 1 ^ (uint64_t)((int64_t)difference >> 63);
}

static uint64_t unzigzag(uint64_t code)
{
    return code >> 1 ^ (0 - (code & 1));
}

static uint32_t checksum(const uint8_t *data, size_t size)
{
    return (uint32_t)crc32_z(0, data, size);
}

void log_run_put(struct log_run *run, const struct log_record *record)
{
    struct buf *body = &run->body;

    if (run->count == 0) {
        buf_clear(body);
        buf_put_byte(body, VERSION);
        store_le32(buf_extend(body, 4), 0);
        run->timestamp = 0;
        run->timestamp_max = record->timestamp_us;
    }
    put_varint(body, zigzag((uint64_t)record->timestamp_us - (uint64_t)run->timestamp));
    put_varint(body, size_code(record->key));
    put_varint(body, size_code(record->value));
    put_varint(body, size_code(record->headers));
    buf_put_span(body, record->key);
    buf_put_span(body, record->value);
    buf_put_span(body, record->headers);
    run->timestamp = record->timestamp_us;
    run->timestamp_max = int64_max(run->timestamp_max, record->timestamp_us);
    run->count++;
}

struct span log_run_end(struct log_run *run)
{
    struct buf *body = &run->body;
    uint32_t sum;

    ASSERT(run->count > 0 && run->count <= UINT32_MAX);
    store_le32(body->data + 1, (uint32_t)run->count);
    sum = checksum(body->data, body->size);
    store_le32(buf_extend(body, TAIL_BYTES), sum);
    return buf_span(body);
}

void log_run_clear(struct log_run *run)
{
    run->count = 0;
    buf_clear(&run->body);
}

void log_run_deinit(struct log_run *run)
{
    buf_deinit(&run->body);
    run->count = 0;
}

int log_run_check(struct span body, size_t *count, struct err *err)
{
    if (body.size < HEAD_BYTES + TAIL_BYTES)
        return err_set(err, ERR_CORRUPT, "run of %zu bytes", body.size);
    if (body.data[0] != VERSION)
        return err_set(err, ERR_CORRUPT, "run of version %d", body.data[0]);
    if (checksum(body.data, body.size - TAIL_BYTES) !=
        load_le32(body.data + body.size - TAIL_BYTES))
        return err_set(err, ERR_CORRUPT, "run with a wrong CRC");
    *count = load_le32(body.data + 1);
    return 0;
}

/* Where a reader stands in a body. */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    uint64_t timestamp;
};

static struct cursor cursor_of(struct span body)
{
    return (struct cursor){ body.data + HEAD_BYTES, body.data + body.size - TAIL_BYTES, 0 };
}

static inline bool take_varint(struct cursor *cursor, uint64_t *value)
{
    uint64_t result = 0;

    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;

        result |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = result;
            return true;
        }
    }
    return false;
}

static inline bool take_bytes(struct cursor *cursor, uint64_t code, struct span *bytes)
{
    if (code == 0) {
        *bytes = span_of(NULL, 0);
        return true;
    }
    if (code - 1 > (uint64_t)(cursor->end - cursor->at))
        return false;
    *bytes = span_of(cursor->at, (size_t)code - 1);
    cursor->at += code - 1;
    return true;
}

static inline bool take_record(struct cursor *cursor, struct log_record *record)
{
    uint64_t difference, key, value, headers;

    if (!take_varint(cursor, &difference) || !take_varint(cursor, &key) ||
        !take_varint(cursor, &value) || !take_varint(cursor, &headers))
        return false;
    cursor->timestamp += unzigzag(difference);
    record->timestamp_us = (int64_t)cursor->timestamp;
    return take_bytes(cursor, key, &record->key) && take_bytes(cursor, value, &record->value) &&
           take_bytes(cursor, headers, &record->headers);
}

static inline void put_optional(struct column *column, struct span bytes)
{
    if (bytes.data == NULL)
        column_put_null(column);
    else
        column_put_bytes(column, bytes);
}

int log_run_decode(struct span body, const struct log_take *take, struct log_batch *out,
                   size_t *taken, size_t *bytes, struct err *err)
{
    struct cursor cursor = cursor_of(body);
    const size_t count = load_le32(body.data + 1);
    const size_t rows = size_min(count, body.size); /* a record has 4 bytes at least */
    struct log_record record;

    *taken = 0;
    *bytes = 0;
    column_reserve(&out->offset, rows, 0);
    column_reserve(&out->timestamp, rows, 0);
    column_reserve(&out->key, rows, 0);
    column_reserve(&out->value, rows, body.size);
    column_reserve(&out->headers, rows, 0);
    for (size_t i = 0; i < count; i++) {
        if (!take_record(&cursor, &record))
            return err_set(err, ERR_CORRUPT, "run: record %zu of %zu is cut short", i, count);
        if (i < take->skip)
            continue;
        column_put_int64(&out->offset, take->first_offset + (int64_t)i);
        column_put_int64(&out->timestamp, record.timestamp_us);
        put_optional(&out->key, record.key);
        put_optional(&out->value, record.value);
        put_optional(&out->headers, record.headers);
        *bytes += record.key.size + record.value.size + record.headers.size;
        if (++*taken >= take->records_max || *bytes >= take->bytes_max)
            return 0;
    }
    if (cursor.at != cursor.end)
        return err_set(err, ERR_CORRUPT, "run: bytes behind its %zu records", count);
    return 0;
}

int log_run_timestamp(struct span body, size_t index, int64_t *timestamp_us, struct err *err)
{
    struct cursor cursor = cursor_of(body);
    struct log_record record = { 0 };

    for (size_t i = 0; i <= index; i++)
        if (!take_record(&cursor, &record))
            return err_set(err, ERR_CORRUPT, "run: record %zu is cut short", i);
    *timestamp_us = record.timestamp_us;
    return 0;
}
