// SPDX-License-Identifier: Apache-2.0
/* worker.c: a job as a process: it has ports of its own, and when it dies its successor begins with
 * nothing but the tables. */
#include "sim/sim.h"

#include "core/micros.h"
#include "iceberg/table_orphans.h"
#include "protocol/commit.h"

#include <string.h>

static void between_calls(void *context)
{
    struct sim_worker *worker = context;

    if (!worker->process.is_dead)
        fiber_yield(worker->fiber);
}

static struct stage_ports ports_of(struct sim_worker *worker)
{
    struct stage_ports ports = worker->sim->ports;

    ports.table.catalog = worker->process.catalog;
    ports.table.store = worker->process.store;
    ports.log = worker->process.log;
    ports.registry = worker->process.registry;
    ports.worker = worker->name;
    if (worker->job != SIM_JOB_BRONZE)
        ports.batch_rows = worker->sim->read_rows;
    return ports;
}

static void begin_process(struct sim_worker *worker)
{
    struct sim *sim = worker->sim;
    const struct sim_exchange *exchange = &sim->exchange[worker->exchange];
    const char *const names[SIM_EXCHANGES] = { sim->exchange[0].name, sim->exchange[1].name };
    struct stage_ports ports;

    fault_process_init(&worker->process, &sim->faults, between_calls, worker);
    ports = ports_of(worker);
    switch (worker->job) {
    case SIM_JOB_BRONZE:
        worker->stage.bronze = bronze_new(&ports, exchange->name, exchange->partitions);
        break;
    case SIM_JOB_SILVER:
        worker->stage.silver =
            silver_new(&ports, exchange->name, exchange->partitions, &sim->rules);
        break;
    case SIM_JOB_GOLD:
        worker->stage.gold =
            gold_new(&ports, names, SIM_EXCHANGES, SIM_WINDOW_S * INT64_C(1000000));
        break;
    case SIM_JOB_UPKEEP:
        sim_open_table(sim, worker->table, &worker->upkeep);
        worker->upkeep.table.ports.catalog = worker->process.catalog;
        worker->upkeep.table.ports.store = worker->process.store;
        break;
    }
}

static void end_process(struct sim_worker *worker)
{
    switch (worker->job) {
    case SIM_JOB_BRONZE:
        bronze_free(worker->stage.bronze);
        break;
    case SIM_JOB_SILVER:
        silver_free(worker->stage.silver);
        break;
    case SIM_JOB_GOLD:
        gold_free(worker->stage.gold);
        break;
    case SIM_JOB_UPKEEP:
        chain_deinit(&worker->upkeep);
        break;
    }
    fault_process_deinit(&worker->process);
}

/* Merges manifests, or removes orphans of a day. */
static int keep_up(struct sim_worker *worker)
{
    struct sim *sim = worker->sim;
    const struct table_orphans options = { .before_us = clock_now_us(sim->clock) - MICROS_DAY,
                                           .note_prefix = COMMIT_DROPPED_PREFIX,
                                           .candidates_max = 8 };
    size_t removed;
    int rc;

    if (sim_chance(sim, 50))
        return commit_merge_manifests(&worker->upkeep, 2, &worker->err);
    rc = table_orphans_remove(&worker->upkeep.table, &options, &removed, &worker->err);
    sim_trace(sim, "%s: %zu orphans removed", worker->name, removed);
    return rc > 0 ? STAGE_IDLE : rc;
}

static void step(void *context)
{
    struct sim_worker *worker = context;

    switch (worker->job) {
    case SIM_JOB_BRONZE:
        worker->rc = bronze_step(worker->stage.bronze, &worker->err);
        break;
    case SIM_JOB_SILVER:
        worker->rc = silver_step(worker->stage.silver, &worker->err);
        break;
    case SIM_JOB_GOLD:
        worker->rc = gold_step(worker->stage.gold, &worker->err);
        break;
    case SIM_JOB_UPKEEP:
        worker->rc = keep_up(worker);
        break;
    }
}

static void report(struct sim_worker *worker)
{
    struct sim *sim = worker->sim;

    if (worker->rc >= 0) {
        sim_trace(sim, "%s: %s", worker->name,
                  worker->rc == 0            ? "done"
                  : worker->rc == STAGE_IDLE ? "idle"
                                             : "lost");
        return;
    }
    sim_trace(sim, "%s: %s: %s", worker->name, err_kind_name(worker->err.kind), worker->err.text);
    if (worker->err.kind == ERR_REFUSED && sim->refused_count < ARRAY_LEN(sim->refused))
        sim->refused[sim->refused_count++] = worker->err;
    if (worker->err.kind == ERR_CORRUPT || worker->err.kind == ERR_CONFIG ||
        (worker->err.kind == ERR_FATAL && !worker->process.is_dead))
        sim_break(sim, worker->name, worker->err.text);
}

bool sim_advance(struct sim_worker *worker)
{
    if (!worker->is_running) {
        worker->fiber = fiber_new(step, worker);
        worker->is_running = true;
    }
    if (fiber_resume(worker->fiber))
        return true;
    fiber_free(worker->fiber);
    worker->fiber = NULL;
    worker->is_running = false;
    if (!worker->process.is_dead)
        report(worker);
    return false;
}

void sim_crash(struct sim_worker *worker)
{
    sim_trace(worker->sim, "%s: crash%s", worker->name, worker->is_running ? " in a step" : "");
    worker->process.is_dead = true;
    while (worker->is_running && sim_advance(worker)) {
    }
    end_process(worker);
    begin_process(worker);
}

static struct sim_worker *hire(struct sim *sim, enum sim_job job, int exchange, int instance)
{
    static const char *const jobs[] = { "bronze", "silver", "gold", "upkeep" };
    struct sim_worker *worker = mem_zero(1, sizeof(*worker));

    ASSERT(sim->worker_count < SIM_WORKERS_MAX);
    *worker = (struct sim_worker){ .sim = sim, .job = job, .exchange = exchange };
    snprintf(worker->name, sizeof(worker->name), "%s-%d-%d", jobs[job], exchange, instance);
    sim->worker[sim->worker_count++] = worker;
    return worker;
}

void sim_hire(struct sim *sim)
{
    for (int instance = 1; instance <= 2; instance++) {
        for (int x = 0; x < SIM_EXCHANGES; x++) {
            begin_process(hire(sim, SIM_JOB_BRONZE, x, instance));
            begin_process(hire(sim, SIM_JOB_SILVER, x, instance));
        }
        begin_process(hire(sim, SIM_JOB_GOLD, 0, instance));
    }
    for (int table = 0; table < SIM_TABLES; table++) {
        struct sim_worker *worker = hire(sim, SIM_JOB_UPKEEP, 0, table);

        worker->table = (enum sim_table)table;
        begin_process(worker);
    }
}

void sim_fire_all(struct sim *sim)
{
    for (size_t i = 0; i < sim->worker_count; i++) {
        sim->worker[i]->process.is_dead = true;
        while (sim->worker[i]->is_running && sim_advance(sim->worker[i])) {
        }
        end_process(sim->worker[i]);
        free(sim->worker[i]);
    }
    sim->worker_count = 0;
}
