// SPDX-License-Identifier: Apache-2.0
/*
 * clause.h: the clauses of exactly-once that a test can switch off.
 *
 * In what ships a clause is the constant true.  tests/sim builds the same sources with K2_MUTATIONS
 * and switches one clause off at a time, to show that the checker notices: a rule that nothing
 * breaks without is no rule.  Names are those of docs/commit.md.
 */
#ifndef K2_PROTOCOL_CLAUSE_H
#define K2_PROTOCOL_CLAUSE_H

#include "core/base.h"

enum clause {
    CLAUSE_UPKEEP_CARRIES_MAP,     /* rule 1 */
    CLAUSE_POSITION_TEST,          /* rule 2 */
    CLAUSE_UNKNOWN_IS_NOT_FAILURE, /* rule 3 */
    CLAUSE_PROPERTY,               /* rule 4: the property serves when the chain is cut */
    CLAUSE_COUNT_OWN_ROWS,         /* rule 4: ... and is checked against the rows */
    CLAUSE_EPOCH,                  /* rule 4: a rollback begins a new epoch */
    CLAUSE_CLAIM_BY_COUNT,         /* rule 4: of files without our key, what the map lacks */
    CLAUSE_REWRITE_COMES_LATER,    /* rule 4: ... and no row that came after the file */
    CLAUSE_ROOT_IS_FIRST,          /* rule 4: a snapshot without a parent may have lost it */
    CLAUSE_DEAD_LETTERS_FIRST,     /* rule 5 */
    CLAUSE_FOLLOW_DECISION,        /* rule 5: D > S */
    CLAUSE_DECISION_LOST,          /* rule 5: D < S */
    CLAUSE_CUT_BY_OWN_OFFSET,      /* rule 5: offsets decide for Silver */
    CLAUSE_FENCE,                  /* rule 5: Silver names the epoch of the dead letters */
    CLAUSE_REFUSE_BELOW_RETAINED,  /* rule 4 */
    CLAUSE_ONE_STAMP_A_BATCH,      /* rule 6: files of a snapshot are in offset order */
    CLAUSE_BEGUN_SNAPSHOT_NAMED,   /* rule 6 */
    CLAUSE_SECOND_PATH_BY_OFFSET,  /* rule 6 */
    CLAUSE_LISTING_NAMED,          /* rule 6: a sequence number speaks of one listing */
    CLAUSE_GROUP_CUT,              /* rule 6: files that overlap are cut by offset together */
    CLAUSE_BRONZE_MAP_BOUND,       /* rule 6: rows at or above Bronze's own map are never taken */
    CLAUSE_GOLD_LOOKUP,            /* rule 7 */
    CLAUSE_LOOKUP_AFTER_CONFLICT,  /* rule 7 */
    CLAUSE_GOLD_BEFORE_BATCH,      /* rule 7: the order of the two tests */
    CLAUSE_OUTAGE_WAITS,           /* rule 9 */
    CLAUSE_NOTE_BEFORE_ENDS,       /* rule 9: complete-through: T is noted, then ends are asked */
    CLAUSE_ENDS_REACHED,           /* rule 9: ... and carried once positions reach those ends */
    CLAUSE_COMPLETE_OF_FINISHED,   /* rule 9: ... of the input's snapshot that is finished */
    CLAUSE_COMPLETE_OF_DECISION,   /* rule 9: ... and none while dead letters are missing */
    CLAUSE_COMPLETE_LEAST,         /* rule 9: ... and the least of all inputs */
    CLAUSE_CHANGE_AGE,             /* upkeep: what was begun long ago is not swapped */
    CLAUSE_COUNT,
};

#ifdef K2_MUTATIONS
bool clause_on(enum clause clause); /* tests/sim/mutations.c */
#else
static inline bool clause_on(enum clause clause)
{
    (void)clause;
    return true;
}
#endif

#endif
