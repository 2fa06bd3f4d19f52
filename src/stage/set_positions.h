// SPDX-License-Identifier: Apache-2.0
/*
 * set_positions.h: `k2 positions set`: which positions may be set by hand, and what goes with them.
 *
 * TARGET is a table's name or the job's (bronze-binance, silver-binance, dead-letters, gold); the
 * words say what to:
 *
 *   gold         INPUT=all             read all live files of a Silver table again; rule 7 drops
 *                                      what Gold has
 *                INPUT=SNAPSHOT        go on behind a snapshot that Gold has taken
 *   others       TOPIC/PARTITION=OFFSET|earliest|latest, or one of the two words for every
 *                partition that the table has begun
 *                rows                  the rows that are there are what there is: positions as the
 *                                      table's own rows have them
 *
 * Nothing that is set doubles a row: a position goes back only where no row stands above it, and
 * begins a new epoch.  Nothing is passed over in silence: a position that goes forward lists the
 * offsets in k2.skipped.  Silver and the dead letters go together (rule 5).  What Bronze skips they
 * pass over by themselves, for its map says so.
 */
#ifndef K2_STAGE_SET_POSITIONS_H
#define K2_STAGE_SET_POSITIONS_H

#include "stage/stage.h"

struct set_positions;

/* Borrows all.  ports->log may be NULL where only tables are set by tables. */
struct set_positions *set_positions_new(const struct stage_ports *ports,
                                        const char *const *exchanges, size_t exchange_count);
void set_positions_free(struct set_positions *set);

/* Once.  CONFIG: the words are not understood, or no such table; REFUSED: it would double or lose
 * rows, with the reason. */
CHECK_RESULT int set_positions_plan(struct set_positions *set, const char *target,
                                    const char *const *words, size_t count, struct err *err);

bool set_positions_changes(struct set_positions *set);
/* Before and after, a line for each entry that is set, and each range skipped; appended. */
void set_positions_describe(struct set_positions *set, struct buf *out);

/* Commits what was planned, a table after the other.  RETRY: a job moved meanwhile; what was set
 * before that stands, and planning the same again sets the rest. */
CHECK_RESULT int set_positions_apply(struct set_positions *set, const char *who, const char *reason,
                                     struct err *err);

#endif
