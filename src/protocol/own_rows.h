// SPDX-License-Identifier: Apache-2.0
/* own_rows.h: which rows of a table K2 itself wrote, by origin.  Reads columns, so it is for what
 * happens seldom: a cut chain, a rollback, the audit. */
#ifndef K2_PROTOCOL_OWN_ROWS_H
#define K2_PROTOCOL_OWN_ROWS_H

#include "iceberg/table_read.h"
#include "protocol/chain.h"

/* Rule 4: for each partition, also those that the map lacks, the live rows of our own must match
 * the map's count and highest offset.  REFUSED: fewer (rows_lost) or more (foreign_rows). */
CHECK_RESULT int own_rows_check(struct chain_table *chain, const struct ice_metadata *metadata,
                                const struct positions *map, struct err *err);

/* Origins of the live own rows, one visit for each file.  The columns die after the call. */
struct own_rows_visitor {
    /* topic is NULL where the table has only one.  0 to go on. */
    int (*visit)(void *context, const struct ice_data_file *file, const struct column *topic,
                 const struct column *partition, const struct column *offset, struct err *err);
    /* Optional: false passes a file over by its statistics. */
    bool (*wants)(void *context, const struct ice_data_file *file);
    void *context;
};
/* `map`, when not NULL: where files that are not ours were passed over, ours must still hold what
 * it says (own_rows_check), or somebody has rewritten rows of ours under his own name and passing
 * them over would lose them.  TABLE_GONE as table_visit_live. */
CHECK_RESULT int own_rows_visit(struct chain_table *chain, const struct ice_metadata *metadata,
                                const struct positions *map, const struct own_rows_visitor *visitor,
                                struct err *err);

/* True when the footer holds our writer's key. */
bool own_rows_is_ours(const struct table_reader *reader);

#endif
