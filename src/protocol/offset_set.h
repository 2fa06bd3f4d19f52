// SPDX-License-Identifier: Apache-2.0
/* offset_set.h: a set of (partition, offset), for comparing what two tables hold. */
#ifndef K2_PROTOCOL_OFFSET_SET_H
#define K2_PROTOCOL_OFFSET_SET_H

#include "core/base.h"

struct offset_set {
    struct offset_set_slot {
        int64_t offset;
        int32_t partition;
        bool is_used;
    } * slot;
    size_t count, capacity; /* capacity is a power of two, or 0 */
};

/* All zero is an empty set. */
void offset_set_deinit(struct offset_set *set);
void offset_set_clear(struct offset_set *set);
/* False when it was there already. */
bool offset_set_add(struct offset_set *set, int32_t partition, int64_t offset);
bool offset_set_has(const struct offset_set *set, int32_t partition, int64_t offset);

#endif
