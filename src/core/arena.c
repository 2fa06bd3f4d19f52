// SPDX-License-Identifier: Apache-2.0
/* arena.c: a list of chunks, each at least 64 KiB.  In an ASan build the unused part of a chunk is
 * poisoned, because an arena otherwise hides overruns. */
#include "core/arena.h"
#include "core/buf.h"
#include "core/num.h"

#include <stdarg.h>

#if defined(__SANITIZE_ADDRESS__)
#define K2_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define K2_ASAN 1
#endif
#endif
#ifdef K2_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(at, size)   ASAN_POISON_MEMORY_REGION(at, size)
#define UNPOISON(at, size) ASAN_UNPOISON_MEMORY_REGION(at, size)
enum { RED_ZONE = 16 };
#else
#define POISON(at, size)   ((void)(at), (void)(size))
#define UNPOISON(at, size) ((void)(at), (void)(size))
enum { RED_ZONE = 0 };
#endif

enum { CHUNK_BYTES_MIN = 64 * 1024 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t capacity;
    size_t used;
    size_t align_; /* keeps bytes[] on 16 */
    uint8_t bytes[];
};

void arena_deinit(struct arena *arena)
{
    struct arena_chunk *chunk = arena->first;

    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;

        UNPOISON(chunk->bytes, chunk->capacity);
        free(chunk);
        chunk = next;
    }
    *arena = ARENA_INIT;
}

void arena_reset(struct arena *arena)
{
    for (struct arena_chunk *chunk = arena->first; chunk != NULL; chunk = chunk->next) {
        chunk->used = 0;
        POISON(chunk->bytes, chunk->capacity);
    }
    arena->current = arena->first;
    arena->used = 0;
}

static struct arena_chunk *chunk_with_room(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk = arena->current;
    size_t capacity;

    while (chunk != NULL && chunk->capacity - chunk->used < size)
        chunk = chunk->next;
    if (chunk == NULL) {
        capacity = size_max(size, CHUNK_BYTES_MIN);
        chunk = mem_alloc(sizeof(*chunk) + capacity);
        *chunk = (struct arena_chunk){ .capacity = capacity };
        POISON(chunk->bytes, capacity);
        if (arena->current == NULL) {
            chunk->next = arena->first;
            arena->first = chunk;
        } else {
            chunk->next = arena->current->next;
            arena->current->next = chunk;
        }
    }
    arena->current = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk;
    size_t rounded;
    void *at;

    if (!size_add(size, 15 + RED_ZONE, &rounded) || rounded > SIZE_MAX / 4)
        mem_alloc(SIZE_MAX / 2);
    rounded &= ~(size_t)15;
    chunk = chunk_with_room(arena, rounded);
    at = chunk->bytes + chunk->used;
    UNPOISON(at, size);
    chunk->used += rounded;
    arena->used += rounded;
    return at;
}

void *arena_zero(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    void *at;

    if (!size_mul(count, size, &bytes))
        bytes = SIZE_MAX / 2;
    at = arena_alloc(arena, bytes);
    memset(at, 0, bytes);
    return at;
}

char *arena_text(struct arena *arena, struct span text)
{
    char *at = arena_alloc(arena, text.size + 1);

    if (text.size > 0)
        memcpy(at, text.data, text.size);
    at[text.size] = 0;
    return at;
}

struct span arena_copy(struct arena *arena, struct span bytes)
{
    return (struct span){ (const uint8_t *)arena_text(arena, bytes), bytes.size };
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    char *at;
    int size;

    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASSERT(size >= 0);
    at = arena_alloc(arena, (size_t)size + 1);
    va_start(args, format);
    vsnprintf(at, (size_t)size + 1, format, args);
    va_end(args);
    return at;
}
