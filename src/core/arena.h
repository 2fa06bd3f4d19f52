// SPDX-License-Identifier: Apache-2.0
/* arena.h: bump memory with one lifetime: a batch, a parsed document.  Nothing in it is freed
 * alone.  Chunks survive arena_reset, so a stage that reuses its arena stops allocating.  Same
 * policy as buf.h: it cannot fail.  One thread at a time. */
#ifndef K2_CORE_ARENA_H
#define K2_CORE_ARENA_H

#include "core/base.h"
#include "core/span.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *first;
    struct arena_chunk *current;
    size_t used; /* bytes handed out since the last reset */
};

#define ARENA_INIT ((struct arena){ NULL, NULL, 0 })

void arena_deinit(struct arena *arena);
/* All that was handed out is gone; the memory is kept for the next batch. */
void arena_reset(struct arena *arena);
/* 16-byte aligned, uninitialised. */
void *arena_alloc(struct arena *arena, size_t size);
/* count * size, zeroed; the product is checked. */
void *arena_zero(struct arena *arena, size_t count, size_t size);
/* A copy with a terminator behind it. */
char *arena_text(struct arena *arena, struct span text);
struct span arena_copy(struct arena *arena, struct span bytes);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
