// SPDX-License-Identifier: Apache-2.0
/* table_names.h: a set of objects by the last part of their URIs, which is unique within a table
 * (names are random), so that two spellings of a store cannot make one object look like two. */
#ifndef K2_ICEBERG_TABLE_NAMES_H
#define K2_ICEBERG_TABLE_NAMES_H

#include "core/arena.h"
#include "core/span.h"

/* All zero but for the arena is an empty set. */
struct table_names {
    struct arena *arena; /* borrowed: of the names and the table */
    struct span *slot;   /* data NULL: free */
    size_t capacity, count;
};

/* What stands behind the last slash. */
struct span table_names_part(const char *uri);
/* True when the name is new. */
bool table_names_add(struct table_names *names, const char *uri);
bool table_names_has(const struct table_names *names, const char *uri);

#endif
