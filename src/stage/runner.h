// SPDX-License-Identifier: Apache-2.0
/*
 * runner.h: the jobs of one process, a plain blocking thread each, stepped as pace.h says.
 *
 * Draining: jobs end in the order of their `order`.  Sources are stopped first; then the jobs of
 * the next order step until one step finds nothing to do (STAGE_IDLE); and so on, until the time
 * given is over.  A job that fails for good (CORRUPT, CONFIG, FATAL) makes the others drain.  Until
 * their turn comes jobs go on as ever.
 *
 * A job that waits for its servers since it began, and behind which no job has begun either, has
 * nothing to finish: unless runner_drain is asked to, nobody waits for it.
 *
 * All functions: the thread that made the runner.
 */
#ifndef K2_STAGE_RUNNER_H
#define K2_STAGE_RUNNER_H

#include "port/clock.h"
#include "stage/ingest.h"
#include "stage/pace.h"
#include "stage/stage.h"

/* What a job has done since it began; a job fills its own half. */
struct runner_counters {
    struct stage_counters stage;
    struct ingest_counters ingest;
};

struct runner_job {
    const char *name; /* "silver-binance" */
    void *context;
    /* As stage.h says, or PACE_ALL_TAKEN.  Called by the job's thread only, as all that follow. */
    int (*step)(void *context, struct err *err);
    /* A source: its step waits by itself, and it is stopped by this instead of being stepped until
     * idle.  NULL for stages. */
    int (*stop)(void *context, int64_t timeout_us, struct err *err);
    /* Optional: after every RUNNER_UPKEEP_BATCHES batches.  Its failure is said, never the job's.
     */
    int (*upkeep)(void *context, struct err *err);
    void (*count)(void *context, struct runner_counters *out);
    /* Optional: whose commit ours was last lost to. */
    const char *(*rival)(void *context);
    int64_t interval_us;
    int order;
    bool ends_at_once; /* when draining begins, whatever there may be to do */
    unsigned wakes;    /* bit i: a batch of this job is upstream of job i */
};

enum { RUNNER_UPKEEP_BATCHES = 32, RUNNER_JOBS_MAX = 32 };

struct runner;

/* What is known of a job from outside. */
struct runner_view {
    const char *name;
    enum pace_state state;
    bool has_ended, has_drained; /* drained: what it had is done */
    struct runner_counters counters;
    char
        trouble[sizeof(((struct err *)0)->text)]; /* what it waits for or is refused by; "": none */
};

/* Copies the jobs, borrows what they point to.  `drain_us`: for the draining that a failure begins.
 */
struct runner *runner_new(struct clock *clock, const struct runner_job *jobs, size_t count,
                          int64_t drain_us);
/* Begins all threads; they inherit the caller's signal mask. */
CHECK_RESULT int runner_start(struct runner *runner, struct err *err);
/* Begins to drain, at most for timeout_us; the first call counts. */
void runner_drain(struct runner *runner, int64_t timeout_us);
/* The same; jobs that have not begun end at once. */
void runner_stop(struct runner *runner, int64_t timeout_us);
/* A descriptor that poll finds readable when a job has ended; runner_ended makes it unreadable. */
int runner_fd(const struct runner *runner);
/* True when all jobs have ended. */
bool runner_ended(struct runner *runner);
/* How long the draining may still take; INT64_MAX while there is none. */
int64_t runner_time_left_us(struct runner *runner);
void runner_look(struct runner *runner, size_t index, struct runner_view *out);
/* After runner_ended: the first failure, or -1 RETRY naming the jobs that could not finish. */
CHECK_RESULT int runner_result(struct runner *runner, struct err *err);
/* Waits for the threads. */
void runner_free(struct runner *runner);

#endif
