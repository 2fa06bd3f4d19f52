// SPDX-License-Identifier: Apache-2.0
/*
 * table_reach.h: every object that a table's metadata needs, in one place: whoever deletes goes by
 * this.
 */
#ifndef K2_ICEBERG_TABLE_REACH_H
#define K2_ICEBERG_TABLE_REACH_H

#include "iceberg/table.h"
#include "iceberg/table_names.h"

struct table_reach {
    struct table *table;
    bool has_data; /* data and delete files too: each manifest is read, once */
    void (*reached)(void *context, const char *uri);
    void *context;
    struct arena arena;
    struct table_names manifests; /* seen */
};

/* Borrows the table and what context points to. */
void table_reach_init(struct table_reach *reach, struct table *table, bool has_data,
                      void (*reached)(void *context, const char *uri), void *context);
void table_reach_deinit(struct table_reach *reach);

/* Of table->metadata: the document, those of its log, the manifest lists of all listed snapshots
 * (tags and branches name such), the manifests of those, and their files, also those that a
 * manifest calls deleted.  TABLE_GONE: a list or manifest is not there. */
CHECK_RESULT int table_reach_all(struct table_reach *reach, struct err *err);
/* One manifest list, its manifests and their files.  TABLE_GONE. */
CHECK_RESULT int table_reach_list(struct table_reach *reach, const char *list, struct err *err);

#endif
