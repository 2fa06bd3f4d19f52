// SPDX-License-Identifier: Apache-2.0
/* run.c: what happens next is drawn from the seed: one port call of one worker, or something from
 * outside.  Then the faults stop and every job goes on until nothing moves. */
#include "sim/sim.h"

#include <string.h>

/* How much of what this seed has, in hundredths of a draw. */
struct mix {
    int hands, rolls, registry, crash, lose, keep_running;
    int naps; /* all sleep for a day, in the middle of what they do */
    int retain;
};

enum { NAPS_MAX = 5 };

static enum sim_table any_table(struct sim *sim)
{
    return (enum sim_table)sim_between(sim, 0, SIM_TABLES - 1);
}

static void use_hands(struct sim *sim)
{
    enum sim_table table = any_table(sim);

    switch (sim_between(sim, 0, 8)) {
    case 0:
    case 1:
        sim_foreign_compact(sim, table);
        break;
    case 2:
        sim_foreign_append(sim, table);
        break;
    case 3:
        sim_foreign_expire(sim, table);
        break;
    case 4:
    case 5:
        sim_foreign_trap(sim);
        break;
    case 6:
    case 7:
        sim_undo_compaction(sim, table);
        break;
    default:
        sim_foreign_tag(sim, table);
    }
}

static void operate(struct sim *sim)
{
    struct err refused = sim->refused[sim->refused_count - 1];

    sim->refused_count = 0;
    sim_operate(sim, &refused);
}

static void go_on(struct sim *sim, struct sim_worker **at, const struct mix *mix)
{
    if (!(*at)->is_running || !sim_chance(sim, mix->keep_running)) {
        *at = sim->worker[random_below(&sim->random, sim->worker_count)];
        /* Upkeep is seldom. */
        if ((*at)->job == SIM_JOB_UPKEEP && !(*at)->is_running && !sim_chance(sim, 10))
            return;
    }
    sim_advance(*at);
}

static void crash_one(struct sim *sim)
{
    sim_crash(sim->worker[random_below(&sim->random, sim->worker_count)]);
}

static void look(struct sim *sim, int64_t least_us)
{
    char broken[sizeof(sim->broken)];

    if (!sim_check_complete(sim, least_us, broken))
        sim_break(sim, "complete-through", broken);
}

static void happen(struct sim *sim, struct sim_worker **at, const struct mix *mix)
{
    int draw = (int)sim_between(sim, 0, 999);
    int from = 0;

    if (draw < (from += 15))
        sim_produce(sim);
    else if (draw < (from += mix->hands))
        use_hands(sim);
    else if (draw < (from += mix->rolls))
        sim_roll_back(sim, any_table(sim));
    else if (draw < (from += mix->registry))
        sim_change_registry(sim);
    else if (draw < (from += mix->crash))
        crash_one(sim);
    else if (draw < (from += mix->lose))
        sim_lose_records(sim);
    else if (draw < (from += 2))
        fault_apply_late(&sim->faults);
    else if (draw < (from += 2) && sim->refused_count > 0)
        operate(sim);
    else if (draw < (from += 2))
        look(sim, 0);
    else if (draw < (from += 2))
        clock_mem_advance(sim->clock, sim_between(sim, 1, 90) * INT64_C(1000000));
    else if (draw < (from += mix->retain))
        sim_retain(sim, (int)sim_between(sim, 0, SIM_EXCHANGES - 1));
    else if (draw < (from += mix->naps) && sim->naps++ < NAPS_MAX)
        clock_mem_advance(sim->clock, INT64_C(25) * 3600 * 1000000);
    else
        go_on(sim, at, mix);
}

/* -- draining */

static void finish_steps(struct sim *sim)
{
    for (size_t i = 0; i < sim->worker_count; i++)
        while (sim->worker[i]->is_running && sim_advance(sim->worker[i])) {
        }
}

static bool do_step(struct sim_worker *worker)
{
    while (sim_advance(worker)) {
    }
    return worker->rc == 0;
}

/* One round of all jobs; true when something moved. */
static bool drain_round(struct sim *sim)
{
    bool moved = false;

    clock_mem_advance(sim->clock, INT64_C(61000000));
    for (size_t i = 0; i < sim->worker_count; i++) {
        if (sim->worker[i]->job == SIM_JOB_UPKEEP)
            continue;
        moved |= do_step(sim->worker[i]);
        if (sim->refused_count > 0) {
            operate(sim);
            moved = true;
        }
    }
    return moved;
}

/* Processes that begin anew: decoders of a schema that was broken must not live on in one, and
 * Bronze learns how often to commit rule 9's time alone. */
static void begin_anew(struct sim *sim, int64_t complete_commit_us)
{
    sim->ports.complete_commit_us = complete_commit_us;
    for (size_t i = 0; i < sim->worker_count; i++)
        if (sim->worker[i]->job == SIM_JOB_SILVER || sim->worker[i]->job == SIM_JOB_BRONZE)
            sim_crash(sim->worker[i]);
}

bool sim_settle(struct sim *sim)
{
    begin_anew(sim, 0);
    for (int round = 0; round < 400 && sim->broken[0] == 0; round++)
        if (!drain_round(sim))
            return sim->broken[0] == 0;
    return false;
}

/* Nothing moves any more, and still each table says that it is complete through later and later. */
static void stay_idle(struct sim *sim)
{
    int64_t rest_us = clock_now_us(sim->clock);

    begin_anew(sim, INT64_C(60000000));
    for (int round = 0; round < 4; round++)
        drain_round(sim);
    look(sim, rest_us);
}

static bool drain(struct sim *sim)
{
    sim_trace(sim, "drain");
    sim->faults.percent = 0;
    finish_steps(sim);
    while (fault_apply_late(&sim->faults)) {
    }
    sim_mend(sim);
    sim->refused_count = 0;
    if (!sim_settle(sim))
        return false;
    stay_idle(sim);
    return sim->broken[0] == 0;
}

bool sim_run(struct sim *sim)
{
    static const int hands[] = { 0, 6, 15 }, rolls[] = { 0, 2, 6 }, seldom[] = { 0, 6 };
    static const int keep[] = { 50, 90, 98 };
    struct mix mix = { hands[sim_between(sim, 0, 2)],  rolls[sim_between(sim, 0, 2)],
                       seldom[sim_between(sim, 0, 1)], seldom[sim_between(sim, 0, 1)],
                       sim_chance(sim, 25) ? 3 : 0,    keep[sim_between(sim, 0, 2)],
                       seldom[sim_between(sim, 0, 1)], sim->has_retention ? 10 : 0 };
    int64_t draws = sim_between(sim, 1000, 5000);
    struct sim_worker *at = sim->worker[0];

    for (int64_t i = 0; i < draws && sim->broken[0] == 0; i++)
        happen(sim, &at, &mix);
    return sim->broken[0] == 0 && drain(sim);
}
