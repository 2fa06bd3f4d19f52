// SPDX-License-Identifier: Apache-2.0
/* log.c: batches and headers, the same for every log. */
#include "port/log.h"
#include "core/num.h"

void log_batch_init(struct log_batch *batch)
{
    column_init(&batch->offset, COLUMN_INT64);
    column_init(&batch->timestamp, COLUMN_INT64);
    column_init(&batch->key, COLUMN_BYTES);
    column_init(&batch->value, COLUMN_BYTES);
    column_init(&batch->headers, COLUMN_BYTES);
}

void log_batch_clear(struct log_batch *batch)
{
    column_clear(&batch->offset);
    column_clear(&batch->timestamp);
    column_clear(&batch->key);
    column_clear(&batch->value);
    column_clear(&batch->headers);
}

void log_batch_deinit(struct log_batch *batch)
{
    column_deinit(&batch->offset);
    column_deinit(&batch->timestamp);
    column_deinit(&batch->key);
    column_deinit(&batch->value);
    column_deinit(&batch->headers);
}

int log_bounds_all(struct log *log, const char *topic, int32_t count, int64_t *first, int64_t *end,
                   struct err *err)
{
    int rc = 0;

    if (log->ops->bounds_all != NULL)
        return log->ops->bounds_all(log, topic, count, first, end, err);
    for (int32_t i = 0; rc == 0 && i < count; i++)
        rc = log_bounds(log, topic, i, &first[i], &end[i], err);
    return rc;
}

int log_assigned(struct log *log, const char *topic, struct log_assignment *out, struct err *err)
{
    int32_t count = 0;
    int rc;

    if (log->ops->assigned != NULL)
        return log->ops->assigned(log, topic, out, err);
    rc = log_partitions(log, topic, &count, err);
    if (rc != 0)
        return rc;
    if ((size_t)count > out->capacity)
        return err_set(err, ERR_CONFIG, "topic %s has %d partitions, not %zu", topic, (int)count,
                       out->capacity);
    for (int32_t i = 0; i < count; i++)
        out->partition[i] = i;
    out->count = (size_t)count;
    out->generation = 1;
    return 0;
}

static void put_sized(struct buf *headers, struct span bytes)
{
    ASSERT(bytes.size <= UINT32_MAX);
    store_le32(buf_extend(headers, 4), (uint32_t)bytes.size);
    buf_put_span(headers, bytes);
}

static bool take_sized(struct span *rest, struct span *bytes)
{
    uint32_t size;

    if (rest->size < 4)
        return false;
    size = load_le32(rest->data);
    if (size > rest->size - 4)
        return false;
    *bytes = span_of(rest->data + 4, size);
    *rest = span_of(rest->data + 4 + size, rest->size - 4 - size);
    return true;
}

void log_headers_put(struct buf *headers, const char *key, struct span value)
{
    put_sized(headers, span_text(key));
    put_sized(headers, value);
}

bool log_headers_next(struct span *headers, struct span *key, struct span *value)
{
    return take_sized(headers, key) && take_sized(headers, value);
}

bool log_headers_get(struct span headers, const char *key, struct span *value)
{
    struct span name, found;

    while (log_headers_next(&headers, &name, &found))
        if (span_equal(name, span_text(key))) {
            *value = found;
            return true;
        }
    return false;
}
