// SPDX-License-Identifier: Apache-2.0
/* table_private.h: what the table_*.c files share. */
#ifndef K2_ICEBERG_TABLE_PRIVATE_H
#define K2_ICEBERG_TABLE_PRIVATE_H

#include "core/random.h"
#include "iceberg/table.h"

/* A fresh UUID as text, out of the clock port's randomness. */
void table_new_uuid(struct table *table, char text[UUID_TEXT_BYTES]);
void table_new_sync(struct table *table, uint8_t sync[16]);
/* After a swap that succeeded: table->metadata is the newest in the catalog, or, where that cannot
 * be had or is another's already, `document`.  The swap is done, so nothing here can undo it. */
void table_load_successor(struct table *table, struct span document, int64_t snapshot_id);
/* Writes one object under a name that is new; that it exists is an error then. */
CHECK_RESULT int table_put(struct table *table, const char *uri, struct span image,
                           struct err *err);

#endif
