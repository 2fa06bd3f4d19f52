// SPDX-License-Identifier: Apache-2.0
/* ordinals.c: a ring for each pair, searched from its newest: equals are neighbours mostly. */
#include "exchange/ordinals.h"

#include "core/buf.h"

struct seen {
    uint64_t key;
    uint32_t count;
};

struct ordinals_pair {
    struct seen *ring; /* NULL until the pair trades */
    size_t used, newest;
};

void ordinals_init(struct ordinals *ordinals, size_t count)
{
    ordinals->pair = mem_zero(count + 1, sizeof(*ordinals->pair));
    ordinals->count = count;
}

void ordinals_deinit(struct ordinals *ordinals)
{
    for (size_t i = 0; i < ordinals->count; i++)
        free(ordinals->pair[i].ring);
    free(ordinals->pair);
    *ordinals = (struct ordinals){ 0 };
}

void ordinals_forget(struct ordinals *ordinals, size_t pair)
{
    ordinals->pair[pair].used = 0;
}

uint32_t ordinals_next(struct ordinals *ordinals, size_t index, uint64_t key)
{
    struct ordinals_pair *pair = &ordinals->pair[index];

    if (pair->ring == NULL)
        pair->ring = mem_zero(ORDINALS_REMEMBERED, sizeof(*pair->ring));
    for (size_t i = 0; i < pair->used; i++) {
        struct seen *seen = &pair->ring[(pair->newest - i) % ORDINALS_REMEMBERED];

        if (seen->key == key)
            return seen->count++;
    }
    pair->newest = (pair->newest + 1) % ORDINALS_REMEMBERED;
    pair->ring[pair->newest] = (struct seen){ .key = key, .count = 1 };
    if (pair->used < ORDINALS_REMEMBERED)
        pair->used++;
    return 0;
}
