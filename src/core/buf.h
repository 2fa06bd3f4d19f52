// SPDX-License-Identifier: Apache-2.0
/*
 * buf.h: owned bytes that grow; with arena.c the only place that asks malloc for memory whose size
 * depends on data.
 *
 * Policy: memory that cannot be had ends the process with a message.  Every crash point is safe
 * (docs/commit.md), batches are cut by size long before, and a caller that had to handle this
 * could do nothing else.  So nothing here can fail.
 */
#ifndef K2_CORE_BUF_H
#define K2_CORE_BUF_H

#include "core/base.h"
#include "core/span.h"

#include <string.h>

struct buf {
    uint8_t *data;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes owned */
};

#define BUF_INIT ((struct buf){ NULL, 0, 0 }) /* all zero is an empty buf too */

void buf_deinit(struct buf *buf);
/* Makes room for `more` bytes past size; data may move. */
void buf_grow(struct buf *buf, size_t more);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

static inline void buf_reserve(struct buf *buf, size_t more)
{
    if (buf->capacity - buf->size < more)
        buf_grow(buf, more);
}

/* Keeps the capacity. */
static inline void buf_clear(struct buf *buf)
{
    buf->size = 0;
}

static inline void buf_put(struct buf *buf, const void *bytes, size_t size)
{
    buf_reserve(buf, size);
    if (size > 0)
        memcpy(buf->data + buf->size, bytes, size);
    buf->size += size;
}

static inline void buf_put_span(struct buf *buf, struct span span)
{
    buf_put(buf, span.data, span.size);
}

static inline void buf_put_text(struct buf *buf, const char *text)
{
    buf_put(buf, text, strlen(text));
}

static inline void buf_put_byte(struct buf *buf, uint8_t byte)
{
    buf_reserve(buf, 1);
    buf->data[buf->size++] = byte;
}

/* `size` uninitialised bytes at the end, to be filled by the caller. */
static inline uint8_t *buf_extend(struct buf *buf, size_t size)
{
    uint8_t *at;

    buf_reserve(buf, size);
    at = buf->data + buf->size;
    buf->size += size;
    return at;
}

static inline struct span buf_span(const struct buf *buf)
{
    return (struct span){ buf->data, buf->size };
}

/* The bytes as a C string: a terminator is put behind them, size is unchanged. */
static inline const char *buf_text(struct buf *buf)
{
    buf_reserve(buf, 1);
    buf->data[buf->size] = 0;
    return (const char *)buf->data;
}

/* malloc, calloc, strdup by the same policy. */
void *mem_alloc(size_t size);
void *mem_zero(size_t count, size_t size);
char *mem_text(const char *text);
void *mem_realloc(void *old, size_t count, size_t size);

#endif
