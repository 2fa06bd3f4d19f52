// SPDX-License-Identifier: Apache-2.0
/* buf.c: growth by half again, so that a buf that is reused soon stops growing. */
#include "core/buf.h"
#include "core/num.h"

#include <stdarg.h>

static void *owned_or_die(void *memory, size_t size)
{
    if (memory == NULL && size > 0) {
        fprintf(stderr, "k2: out of memory: %zu bytes were not to be had\n", size);
        abort();
    }
    return memory;
}

void *mem_alloc(size_t size)
{
    return owned_or_die(malloc(size), size);
}

void *mem_zero(size_t count, size_t size)
{
    return owned_or_die(calloc(count, size), count);
}

void *mem_realloc(void *old, size_t count, size_t size)
{
    return owned_or_die(reallocarray(old, count, size), count);
}

char *mem_text(const char *text)
{
    return owned_or_die(strdup(text), 1);
}

void buf_deinit(struct buf *buf)
{
    free(buf->data);
    *buf = BUF_INIT;
}

void buf_grow(struct buf *buf, size_t more)
{
    size_t needed;
    size_t capacity;

    if (!size_add(buf->size, more, &needed) || needed > SIZE_MAX / 2)
        owned_or_die(NULL, SIZE_MAX);
    capacity = size_max(size_max(needed, buf->capacity + buf->capacity / 2), 64);
    buf->data = mem_realloc(buf->data, capacity, 1);
    buf->capacity = capacity;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASSERT(size >= 0);
    buf_reserve(buf, (size_t)size + 1);
    va_start(args, format);
    vsnprintf((char *)buf->data + buf->size, (size_t)size + 1, format, args);
    va_end(args);
    buf->size += (size_t)size;
}
