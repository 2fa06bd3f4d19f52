// SPDX-License-Identifier: Apache-2.0
/* mutations.c: clauses switched off one at a time; the checker must notice each.  The table is that
 * of docs/commit.md.
 *
 * A seed that is known to catch a mutation stands with it and is tried first, for some are caught
 * by one seed in a thousand.  Whatever changes the random streams makes it stale: then all seeds
 * are tried in turn, and the one that catches is named, to be put into the table.  A stale number
 * costs time, never truth. */
#include "sim/sim.h"

#include "sim/seeds.h"

#include <string.h>

/* Set once before any simulation runs, in a process of its own. */
static struct {
    bool is_off[CLAUSE_COUNT];
} switches;

bool clause_on(enum clause clause)
{
    return !switches.is_off[clause];
}

void sim_switch_off(const enum clause *clauses, size_t count)
{
    for (size_t i = 0; i < CLAUSE_COUNT; i++)
        switches.is_off[i] = false;
    for (size_t i = 0; i < count; i++)
        switches.is_off[clauses[i]] = true;
}

static const struct mutation {
    uint64_t seed; /* known to catch it; 0: none is known */
    const char *name, *what;
    enum clause clause[4];
    size_t count;
} mutations[] = {
    { 4,
      "rule 1 upkeep",
      "upkeep's snapshot does not carry the map",
      { CLAUSE_UPKEEP_CARRIES_MAP },
      1 },
    { 1,
      "rule 2 test",
      "no test of positions before the swap",
      { CLAUSE_POSITION_TEST, CLAUSE_EPOCH, CLAUSE_FENCE },
      3 },
    { 2,
      "rule 3 unknown",
      "an unknown answer is a failure: sent again",
      { CLAUSE_UNKNOWN_IS_NOT_FAILURE },
      1 },
    { 1, "rule 4 property", "chain cut: begin at the earliest", { CLAUSE_PROPERTY }, 1 },
    { 1,
      "rule 4 count",
      "chain cut: the property is not held against the rows",
      { CLAUSE_COUNT_OWN_ROWS },
      1 },
    { 47, "rule 4 epoch", "a rollback begins no new epoch", { CLAUSE_EPOCH }, 1 },
    { 7,
      "rule 4 root",
      "a chain whose oldest snapshot names no parent is taken for whole",
      { CLAUSE_ROOT_IS_FIRST },
      1 },
    { 14,
      "rule 4 claim",
      "rows of files without our key are taken as they come",
      { CLAUSE_CLAIM_BY_COUNT },
      1 },
    { 270,
      "rule 4 rewrite",
      "a file without our key may hold what came after it",
      { CLAUSE_REWRITE_COMES_LATER },
      1 },
    { 6,
      "rule 4 retained",
      "Silver does not ask from where on Bronze answers",
      { CLAUSE_REFUSE_BELOW_RETAINED },
      1 },
    { 11,
      "rule 5 order",
      "Silver is committed before the dead letters",
      { CLAUSE_DEAD_LETTERS_FIRST },
      1 },
    { 7, "rule 5 D > S", "judged again by today's rules", { CLAUSE_FOLLOW_DECISION }, 1 },
    { 1, "rule 5 D < S", "a row that passes today is not written", { CLAUSE_DECISION_LOST }, 1 },
    { 1,
      "rule 5 offsets",
      "Silver takes Bronze's files whole, whatever S says",
      { CLAUSE_CUT_BY_OWN_OFFSET },
      1 },
    { 477, "rule 5 fence", "a stale decision lands in Silver", { CLAUSE_FENCE }, 1 },
    { 2,
      "rule 6 stamp",
      "files of one Bronze snapshot interleave in offsets",
      { CLAUSE_ONE_STAMP_A_BATCH },
      1 },
    { 68,
      "rule 6 begun",
      "the position does not name the snapshot begun",
      { CLAUSE_BEGUN_SNAPSHOT_NAMED },
      1 },
    { 146,
      "rule 6 second path",
      "selected by data sequence number",
      { CLAUSE_SECOND_PATH_BY_OFFSET },
      1 },
    { 460,
      "rule 6 listing",
      "Gold's sequence number serves whatever main has become",
      { CLAUSE_LISTING_NAMED },
      1 },
    { 10, "rule 6 group", "the second path is cut by file, not by group", { CLAUSE_GROUP_CUT }, 1 },
    { 32,
      "rule 6 bound",
      "rows at or above Bronze's own map are taken",
      { CLAUSE_BRONZE_MAP_BOUND },
      1 },
    { 1, "rule 7 look-up", "Gold is not asked what it has", { CLAUSE_GOLD_LOOKUP }, 1 },
    { 355,
      "rule 7 conflict",
      "after a conflict the added files are not looked up",
      { CLAUSE_LOOKUP_AFTER_CONFLICT },
      1 },
    { 18,
      "rule 7 order",
      "copies are dropped within the batch before Gold is asked",
      { CLAUSE_GOLD_BEFORE_BATCH },
      1 },
    { 1,
      "rule 9 note",
      "complete-through: the ends are asked, then the time is noted",
      { CLAUSE_NOTE_BEFORE_ENDS },
      1 },
    { 1,
      "rule 9 ends",
      "complete-through is carried before positions reach the ends",
      { CLAUSE_ENDS_REACHED },
      1 },
    { 2,
      "rule 9 finished",
      "complete-through of the input's newest snapshot, not of the finished one",
      { CLAUSE_COMPLETE_OF_FINISHED },
      1 },
    { 14,
      "rule 9 decision",
      "complete-through stays when dead letters were rolled back",
      { CLAUSE_COMPLETE_OF_DECISION },
      1 },
    { 2,
      "rule 9 least",
      "Gold's complete-through is its newest input's",
      { CLAUSE_COMPLETE_LEAST },
      1 },
    { 235, "upkeep age", "a batch that slept for a day is swapped", { CLAUSE_CHANGE_AGE }, 1 },
    { 1,
      "rule 9 outage",
      "a registry that is down makes dead letters",
      { CLAUSE_OUTAGE_WAITS },
      1 },
};

bool sim_mutate(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(mutations); i++) {
        if (strcmp(mutations[i].name, name) == 0) {
            sim_switch_off(mutations[i].clause, mutations[i].count);
            return true;
        }
    }
    return false;
}

static void catch_it(const struct mutation *m, uint64_t first, uint64_t seeds,
                     struct seeds_result *result)
{
    sim_switch_off(m->clause, m->count);
    if (m->seed != 0)
        seeds_run(m->seed, 1, 1, true, result);
    if (m->seed == 0 || result->failed == 0)
        seeds_run(first, seeds, 2, true, result);
}

/* A seed that fails with every clause in force has caught nothing. */
static bool is_clean(uint64_t seed)
{
    struct seeds_result result;

    sim_switch_off(NULL, 0);
    seeds_run(seed, 1, 1, true, &result);
    return result.failed == 0;
}

int sim_mutations(uint64_t first, uint64_t seeds, const char *only)
{
    int missed = 0;

    for (size_t i = 0; i < ARRAY_LEN(mutations); i++) {
        const struct mutation *m = &mutations[i];
        struct seeds_result result;
        bool is_caught;

        if (strstr(m->name, only) == NULL)
            continue;
        catch_it(m, first, seeds, &result);
        is_caught = result.failed > 0 && is_clean(result.seed);
        missed += !is_caught;
        printf("%s  %s: %s", is_caught ? "caught" : "MISSED", m->name, m->what);
        if (result.failed > 0)
            printf("  [seed %lu:%.*s]", (unsigned long)result.seed, (int)strcspn(result.text, "\n"),
                   result.text);
        if (result.failed > 0 && !is_caught)
            fputs("  [the seed fails without the mutation too]", stdout);
        else if (result.failed > 0 && result.seed != m->seed)
            printf("  [put seed %lu into tests/sim/mutations.c, not %lu]",
                   (unsigned long)result.seed, (unsigned long)m->seed);
        putchar('\n');
        fflush(stdout);
    }
    sim_switch_off(NULL, 0);
    return missed;
}
