// SPDX-License-Identifier: Apache-2.0
/*
 * runner.c: one mutex, one condition for everybody: a process has a handful of jobs, and an event
 * (a commit, a turn in the draining) is rare.  A job's counters are copied under the mutex after
 * each step, so that nobody reads what its thread writes.
 */
#include "stage/runner.h"

#include "core/diag.h"
#include "core/num.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct job {
    struct runner_job job;
    struct runner *runner;
    size_t index;
    pthread_t thread;
    bool has_thread;
    struct pace pace; /* the thread's own; view.state is what others see */
    unsigned batches; /* since the last upkeep */
    bool is_woken;    /* under the lock, like all below */
    bool has_begun;   /* a step was not in vain; of a source: it has read something */
    struct runner_view view;
};

struct runner {
    struct clock *clock;
    int64_t drain_us; /* of a draining that a failure begins */
    int fd;
    pthread_mutex_t lock;
    pthread_cond_t event;
    /* under the lock */
    bool is_draining;
    bool leaves;      /* jobs that have not begun */
    int64_t until_us; /* of the draining */
    int turn;         /* the lowest order that has not ended */
    bool has_failed;
    struct err failure;
    struct job job[RUNNER_JOBS_MAX];
    size_t count;
};

struct runner *runner_new(struct clock *clock, const struct runner_job *jobs, size_t count,
                          int64_t drain_us)
{
    struct runner *runner = mem_zero(1, sizeof(*runner));
    pthread_condattr_t attributes;

    ASSERT(count <= RUNNER_JOBS_MAX);
    runner->clock = clock;
    runner->drain_us = drain_us;
    runner->fd = -1;
    runner->count = count;
    pthread_mutex_init(&runner->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&runner->event, &attributes);
    pthread_condattr_destroy(&attributes);
    for (size_t i = 0; i < count; i++) {
        runner->job[i] = (struct job){ .job = jobs[i], .runner = runner, .index = i };
        runner->job[i].view.name = jobs[i].name;
        pace_init(&runner->job[i].pace, jobs[i].interval_us, clock_now_us(clock));
    }
    return runner;
}

/* -- under the lock */

static void next_turn(struct runner *runner)
{
    int turn = INT32_MAX;

    for (size_t i = 0; i < runner->count; i++)
        if (!runner->job[i].view.has_ended && runner->job[i].job.order < turn)
            turn = runner->job[i].job.order;
    runner->turn = turn;
}

static void begin_to_drain(struct runner *runner, int64_t timeout_us, bool leaves)
{
    if (runner->is_draining)
        return;
    runner->is_draining = true;
    runner->leaves = leaves;
    runner->until_us = clock_now_us(runner->clock) + timeout_us;
    next_turn(runner);
    pthread_cond_broadcast(&runner->event);
}

/* Whether nothing can be there for the job to finish: neither it nor one before it has begun. */
static bool is_left(const struct job *job)
{
    const struct runner *runner = job->runner;

    if (!runner->leaves)
        return false;
    for (size_t i = 0; i < runner->count; i++)
        if (runner->job[i].has_begun && runner->job[i].job.order <= job->job.order)
            return false;
    return true;
}

static bool is_turn(const struct job *job)
{
    return job->runner->is_draining &&
           (job->job.ends_at_once || job->runner->turn >= job->job.order);
}

static void wait_us(struct runner *runner, int64_t us)
{
    struct timespec until;

    if (us == INT64_MAX) {
        pthread_cond_wait(&runner->event, &runner->lock);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += us / 1000000;
    until.tv_nsec += us % 1000000 * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&runner->event, &runner->lock, &until);
}

/* -- one job */

static void say(const struct job *job, enum pace_news news, const struct err *err)
{
    switch (news) {
    case PACE_NO_NEWS:
        break;
    case PACE_BEGINS_TO_WAIT:
        diag_err(DIAG_WARN, "job_waits", err, "job=%s", job->job.name);
        break;
    case PACE_STILL_WAITS:
        diag_err(DIAG_WARN, "job_waits", err, "job=%s since_s=%" PRId64, job->job.name,
                 (job->pace.said_us - job->pace.waits_us) / 1000000);
        break;
    case PACE_RECOVERED:
        diag(DIAG_INFO, "job_recovered", "job=%s", job->job.name);
        break;
    case PACE_IS_REFUSED:
        diag_err(DIAG_ERROR, "job_refused", err, "job=%s", job->job.name);
        break;
    case PACE_STANDS_BY:
        diag(DIAG_INFO, "job_stands_by", "job=%s active=%s", job->job.name, job->pace.rival);
        break;
    case PACE_TAKES_OVER:
        diag(DIAG_INFO, "job_takes_over", "job=%s from=%s", job->job.name, job->pace.rival);
        break;
    case PACE_HAS_FAILED:
        diag_err(DIAG_ERROR, "job_failed", err, "job=%s", job->job.name);
        break;
    }
}

static bool had_batch(int rc)
{
    return rc == 0 || rc == PACE_ALL_TAKEN;
}

/* What a step did becomes known: counters, state, and a commit to those downstream. */
static void publish(struct job *job, int rc, const struct err *err)
{
    struct runner *runner = job->runner;
    struct runner_counters counters = { 0 };

    if (job->job.count != NULL)
        job->job.count(job->job.context, &counters);
    pthread_mutex_lock(&runner->lock);
    job->view.counters = counters;
    job->view.state = job->pace.state;
    job->has_begun |= job->job.stop != NULL ? counters.ingest.frames > 0 : rc >= 0;
    if (rc < 0)
        snprintf(job->view.trouble, sizeof(job->view.trouble), "%s", err->text);
    else
        job->view.trouble[0] = 0;
    if (had_batch(rc) && job->job.wakes != 0) {
        for (size_t i = 0; i < runner->count; i++)
            runner->job[i].is_woken |= (job->job.wakes >> i & 1) != 0;
        pthread_cond_broadcast(&runner->event);
    }
    pthread_mutex_unlock(&runner->lock);
}

static void do_upkeep(struct job *job)
{
    struct err err = { 0 };

    job->batches = 0;
    if (job->job.upkeep(job->job.context, &err) < 0)
        diag_err(DIAG_WARN, "upkeep_failed", &err, "job=%s", job->job.name);
}

static int step(struct job *job, struct err *err)
{
    struct clock *clock = job->runner->clock;
    int64_t began_us = clock_now_us(clock);
    int rc = job->job.step(job->job.context, err);
    const char *rival =
        rc == STAGE_LOST && job->job.rival != NULL ? job->job.rival(job->job.context) : "";

    say(job, pace_stepped(&job->pace, rc, err, rival, began_us, clock_now_us(clock)), err);
    publish(job, rc, err);
    if (had_batch(rc) && job->job.upkeep != NULL && ++job->batches >= RUNNER_UPKEEP_BATCHES)
        do_upkeep(job);
    return rc;
}

/* Waits until the next step is due.  False: the job's turn to drain has come. */
static bool wait_for_step(struct job *job)
{
    struct runner *runner = job->runner;
    bool goes_on = true;

    pthread_mutex_lock(&runner->lock);
    for (;;) {
        int64_t now = clock_now_us(runner->clock);
        int64_t left;

        if (job->is_woken)
            pace_woken(&job->pace, now);
        job->is_woken = false;
        goes_on = !is_turn(job);
        left = pace_wait_us(&job->pace, now);
        if (!goes_on || left == 0)
            break;
        wait_us(runner, left);
    }
    pthread_mutex_unlock(&runner->lock);
    return goes_on;
}

static int64_t time_left_us(struct runner *runner)
{
    int64_t left = INT64_MAX;

    pthread_mutex_lock(&runner->lock);
    if (runner->is_draining)
        left = int64_max(0, runner->until_us - clock_now_us(runner->clock));
    pthread_mutex_unlock(&runner->lock);
    return left;
}

static bool may_leave(struct job *job)
{
    bool may;

    pthread_mutex_lock(&job->runner->lock);
    may = job->pace.state == PACE_WAITING && is_left(job);
    pthread_mutex_unlock(&job->runner->lock);
    return may;
}

/* Steps until there is nothing left.  True: there is not. */
static bool drain_stage(struct job *job, struct err *err)
{
    for (;;) {
        int64_t left = time_left_us(job->runner);
        int rc;

        if (may_leave(job))
            return true;
        if (left == 0)
            return false;
        rc = step(job, err);
        if (rc == STAGE_IDLE)
            return true;
        if (rc < 0 && job->pace.state != PACE_WAITING)
            return false;
        if (rc < 0) {
            pthread_mutex_lock(&job->runner->lock);
            wait_us(job->runner,
                    int64_min(left, pace_wait_us(&job->pace, clock_now_us(job->runner->clock))));
            pthread_mutex_unlock(&job->runner->lock);
        }
    }
}

static bool drain_source(struct job *job)
{
    struct err err = { 0 };

    if (job->job.stop(job->job.context, time_left_us(job->runner), &err) == 0) {
        publish(job, 1, &err);
        return true;
    }
    diag_err(DIAG_ERROR, "job_not_finished", &err, "job=%s", job->job.name);
    publish(job, -1, &err);
    return false;
}

static void end(struct job *job, bool has_drained, const struct err *failure)
{
    struct runner *runner = job->runner;
    uint64_t one = 1;

    pthread_mutex_lock(&runner->lock);
    job->view.has_ended = true;
    job->view.has_drained = has_drained;
    if (failure != NULL && !runner->has_failed) {
        runner->has_failed = true;
        runner->failure = *failure;
        err_wrap(&runner->failure, "%s", job->job.name);
    }
    if (failure != NULL)
        begin_to_drain(runner, runner->drain_us, true);
    next_turn(runner);
    pthread_cond_broadcast(&runner->event);
    pthread_mutex_unlock(&runner->lock);
    if (write(runner->fd, &one, sizeof(one)) < 0)
        diag(DIAG_ERROR, "job_end_unsaid", "job=%s errno=%d", job->job.name, errno);
}

static void *run(void *context)
{
    struct job *job = context;
    struct err err = { 0 };
    bool has_drained = true;

    while (wait_for_step(job)) {
        err = (struct err){ 0 };
        if (step(job, &err) < 0 && job->pace.state == PACE_FAILED) {
            end(job, false, &err);
            return NULL;
        }
    }
    if (!job->job.ends_at_once)
        has_drained = job->job.stop != NULL ? drain_source(job) : drain_stage(job, &err);
    end(job, has_drained, job->pace.state == PACE_FAILED ? &err : NULL);
    return NULL;
}

/* -- from outside */

int runner_start(struct runner *runner, struct err *err)
{
    runner->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (runner->fd < 0)
        return err_errno(err, "eventfd");
    for (size_t i = 0; i < runner->count; i++) {
        struct job *job = &runner->job[i];

        errno = pthread_create(&job->thread, NULL, run, job);
        if (errno != 0) {
            err_errno(err, "begin a thread for %s", job->job.name);
            pthread_mutex_lock(&runner->lock);
            for (size_t k = i; k < runner->count; k++)
                runner->job[k].view.has_ended = true;
            begin_to_drain(runner, 0, true);
            pthread_mutex_unlock(&runner->lock);
            return -1;
        }
        job->has_thread = true;
    }
    return 0;
}

void runner_drain(struct runner *runner, int64_t timeout_us)
{
    pthread_mutex_lock(&runner->lock);
    begin_to_drain(runner, timeout_us, false);
    pthread_mutex_unlock(&runner->lock);
}

void runner_stop(struct runner *runner, int64_t timeout_us)
{
    pthread_mutex_lock(&runner->lock);
    begin_to_drain(runner, timeout_us, true);
    pthread_mutex_unlock(&runner->lock);
}

int runner_fd(const struct runner *runner)
{
    return runner->fd;
}

bool runner_ended(struct runner *runner)
{
    bool ended = true;
    uint64_t count;

    if (read(runner->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        diag(DIAG_ERROR, "job_end_unread", "errno=%d", errno);
    pthread_mutex_lock(&runner->lock);
    for (size_t i = 0; i < runner->count; i++)
        ended = ended && runner->job[i].view.has_ended;
    pthread_mutex_unlock(&runner->lock);
    return ended;
}

int64_t runner_time_left_us(struct runner *runner)
{
    return time_left_us(runner);
}

void runner_look(struct runner *runner, size_t index, struct runner_view *out)
{
    ASSERT(index < runner->count);
    pthread_mutex_lock(&runner->lock);
    *out = runner->job[index].view;
    pthread_mutex_unlock(&runner->lock);
}

int runner_result(struct runner *runner, struct err *err)
{
    struct buf left = BUF_INIT;
    int rc = 0;

    pthread_mutex_lock(&runner->lock);
    if (runner->has_failed) {
        *err = runner->failure;
        rc = -1;
    }
    for (size_t i = 0; i < runner->count && !runner->has_failed; i++) {
        const struct runner_view *view = &runner->job[i].view;

        if (!view->has_drained)
            buf_printf(&left, "%s%s%s%s", left.size == 0 ? "" : "; ", view->name,
                       view->trouble[0] == 0 ? "" : ": ", view->trouble);
    }
    pthread_mutex_unlock(&runner->lock);
    if (left.size > 0)
        rc = err_set(err, ERR_RETRY, "not finished: %s", buf_text(&left));
    buf_deinit(&left);
    return rc;
}

void runner_free(struct runner *runner)
{
    if (runner == NULL)
        return;
    for (size_t i = 0; i < runner->count; i++)
        if (runner->job[i].has_thread)
            pthread_join(runner->job[i].thread, NULL);
    if (runner->fd >= 0)
        close(runner->fd);
    pthread_cond_destroy(&runner->event);
    pthread_mutex_destroy(&runner->lock);
    free(runner);
}
