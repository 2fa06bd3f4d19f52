// SPDX-License-Identifier: Apache-2.0
/* offset_set.c: open addressing, at most half full. */
#include "protocol/offset_set.h"

#include "core/buf.h"
#include "core/hash.h"

void offset_set_deinit(struct offset_set *set)
{
    free(set->slot);
    *set = (struct offset_set){ 0 };
}

void offset_set_clear(struct offset_set *set)
{
    if (set->capacity > 0)
        memset(set->slot, 0, set->capacity * sizeof(*set->slot));
    set->count = 0;
}

static struct offset_set_slot *find(const struct offset_set *set, int32_t partition, int64_t offset)
{
    size_t at = hash_mix((uint64_t)offset, (uint64_t)partition) & (set->capacity - 1);

    while (set->slot[at].is_used &&
           (set->slot[at].offset != offset || set->slot[at].partition != partition))
        at = (at + 1) & (set->capacity - 1);
    return &set->slot[at];
}

static void grow(struct offset_set *set)
{
    struct offset_set bigger = { .capacity = set->capacity == 0 ? 64 : 2 * set->capacity };

    bigger.slot = mem_zero(bigger.capacity, sizeof(*bigger.slot));
    bigger.count = set->count;
    for (size_t i = 0; i < set->capacity; i++)
        if (set->slot[i].is_used)
            *find(&bigger, set->slot[i].partition, set->slot[i].offset) = set->slot[i];
    free(set->slot);
    *set = bigger;
}

bool offset_set_add(struct offset_set *set, int32_t partition, int64_t offset)
{
    struct offset_set_slot *slot;

    if (2 * (set->count + 1) > set->capacity)
        grow(set);
    slot = find(set, partition, offset);
    if (slot->is_used)
        return false;
    *slot = (struct offset_set_slot){ offset, partition, true };
    set->count++;
    return true;
}

bool offset_set_has(const struct offset_set *set, int32_t partition, int64_t offset)
{
    return set->capacity > 0 && find(set, partition, offset)->is_used;
}
