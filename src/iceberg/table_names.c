// SPDX-License-Identifier: Apache-2.0
/* table_names.c: see the header. */
#include "iceberg/table_names.h"

#include "core/hash.h"

#include <string.h>

struct span table_names_part(const char *uri)
{
    const char *slash = strrchr(uri, '/');

    return span_text(slash == NULL ? uri : slash + 1);
}

static struct span *find_slot(struct span *slots, size_t capacity, struct span name)
{
    size_t at = hash_fast(name) & (capacity - 1);

    while (slots[at].data != NULL && !span_equal(slots[at], name))
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static void grow(struct table_names *names)
{
    size_t capacity = names->capacity == 0 ? 1024 : 2 * names->capacity;
    struct span *slots = arena_zero(names->arena, capacity, sizeof(*slots));

    for (size_t i = 0; i < names->capacity; i++) {
        if (names->slot[i].data != NULL)
            *find_slot(slots, capacity, names->slot[i]) = names->slot[i];
    }
    names->slot = slots;
    names->capacity = capacity;
}

bool table_names_add(struct table_names *names, const char *uri)
{
    struct span name = table_names_part(uri);
    struct span *slot;

    if (2 * names->count >= names->capacity)
        grow(names);
    slot = find_slot(names->slot, names->capacity, name);
    if (slot->data != NULL)
        return false;
    *slot = span_text(arena_text(names->arena, name));
    names->count++;
    return true;
}

bool table_names_has(const struct table_names *names, const char *uri)
{
    return names->capacity > 0 &&
           find_slot(names->slot, names->capacity, table_names_part(uri))->data != NULL;
}
