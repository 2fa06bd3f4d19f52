// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_run.c: k2 run: jobs in threads; this thread has the signals, the time and the display.
 *
 * Signals come through a descriptor: they are blocked before the first thread begins.  A thread
 * that does not come back in time is not waited for: every crash point is safe.
 */
#include "app/app.h"
#include "app/cmd.h"
#include "app/config_value.h"
#include "app/jobs.h"
#include "app/progress.h"
#include "core/diag.h"
#include "core/micros.h"
#include "core/num.h"
#include "status/server.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* For threads that are in the middle of a step when the time is over. */
#define GRACE_US (2 * MICROS_SECOND)

struct options {
    const char *config, *jobs;
    int64_t for_us; /* 0: for ever */
    bool progress, help;
};

static int parse(int argc, char **argv, struct options *options)
{
    static const struct option long_options[] = {
        { "config", required_argument, NULL, 'c' }, { "jobs", required_argument, NULL, 'j' },
        { "for", required_argument, NULL, 'f' },    { "progress", no_argument, NULL, 'p' },
        { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
    };
    int letter;

    opterr = 0;
    optind = 1;
    while ((letter = getopt_long(argc, argv, "+:", long_options, NULL)) != -1) {
        if (letter == 'c')
            options->config = optarg;
        else if (letter == 'j')
            options->jobs = optarg;
        else if (letter == 'p')
            options->progress = true;
        else if (letter == 'h')
            options->help = true;
        else if (letter == ':')
            return app_usage(argv[0], "%s expects a value", argv[optind - 1]);
        else if (letter != 'f')
            return app_usage(argv[0], "unknown option %s", argv[optind - 1]);
        else if (!config_value_duration(optarg, &options->for_us) || options->for_us == 0)
            return app_usage(argv[0], "--for: \"%s\": expected a duration such as 60s or 5m",
                             optarg);
    }
    if (optind < argc)
        return app_usage(argv[0], "unexpected argument \"%s\"", argv[optind]);
    return APP_DONE;
}

/* -- the wait */

struct run {
    const struct config *config;
    struct clock *clock;
    struct runner *runner;
    struct registry *registry; /* that the status port serves, or NULL */
    struct server *server;     /* of the status port, or NULL */
    size_t jobs;
    int signal_fd, http_fd; /* http_fd: -1: no status port */
    int64_t until_us;       /* of --for; INT64_MAX */
    int64_t give_up_us;     /* 0: not decided */
    int64_t drain_us;       /* when draining began */
    bool shows;
    bool is_draining;
    struct progress progress;
};

static int open_signals(struct err *err)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return err_errno(err, "block signals");
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? err_errno(err, "signalfd") : fd;
}

static void drain(struct run *run, const char *reason,
                  void (*begin)(struct runner *runner, int64_t timeout_us))
{
    diag(DIAG_INFO, "stopping", "reason=%s shutdown_timeout_s=%" PRId64, reason,
         run->config->shutdown_timeout_us / MICROS_SECOND);
    run->is_draining = true;
    run->drain_us = clock_now_us(run->clock);
    begin(run->runner, run->config->shutdown_timeout_us);
}

/* One Ctrl-C may come twice: from the terminal to the group, and from a wrapper that passes it on.
 */
#define ECHO_US (MICROS_SECOND / 5)

/* Without waiting for adapters: one that cannot write may hang for longer than shutdown_timeout. */
static _Noreturn void leave(int code)
{
    fflush(stdout);
    _exit(code);
}

static void take_signals(struct run *run)
{
    struct signalfd_siginfo info;

    while (read(run->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        const char *name = info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT";

        if (run->is_draining && clock_now_us(run->clock) - run->drain_us < ECHO_US)
            continue;
        if (run->is_draining) {
            fprintf(stderr, "k2: %s again: stopped at once\n", name);
            leave(APP_FAILED);
        }
        drain(run, name, runner_stop);
    }
}

/* When nobody is waited for any longer: some time after the draining's own end. */
static bool is_overdue(struct run *run, int64_t now)
{
    if (runner_time_left_us(run->runner) > 0)
        return false;
    if (run->give_up_us == 0)
        run->give_up_us = now + GRACE_US;
    return now >= run->give_up_us;
}

static int patience_ms(const struct run *run, int64_t now)
{
    int64_t us = run->shows || run->is_draining ? MICROS_SECOND / 10 : MICROS_SECOND;

    if (!run->is_draining && run->until_us != INT64_MAX)
        us = int64_min(us, int64_max(0, run->until_us - now));
    return (int)(us / 1000) + 1;
}

/* Until all jobs have ended; false: they were not waited for any longer. */
static bool wait_for_end(struct run *run)
{
    struct pollfd fds[] = { { run->signal_fd, POLLIN, 0 }, { runner_fd(run->runner), POLLIN, 0 } };

    while (!runner_ended(run->runner)) {
        int64_t now = clock_now_us(run->clock);

        if (now >= run->until_us && !run->is_draining)
            drain(run, "time_is_over", runner_drain);
        if (run->shows)
            progress_show(&run->progress, run->runner, run->jobs, now, false);
        if (is_overdue(run, now))
            return false;
        if (poll(fds, ARRAY_LEN(fds), patience_ms(run, now)) > 0 && fds[0].revents != 0)
            take_signals(run);
    }
    return true;
}

/* -- the status port */

/* A default that another program has is no reason not to run; an address that the file names is. */
static int listen_for_status(const struct config *config, int *fd, struct err *err)
{
    int rc = server_listen(config->http_listen, fd, err);

    if (rc == SERVER_TAKEN && config->http_is_set)
        return err_set(err, ERR_CONFIG,
                       "http.listen %s: another program listens there; set it to a free address, "
                       "or to off",
                       config->http_listen);
    if (rc == SERVER_TAKEN)
        diag(DIAG_WARN, "status_port_off",
             "reason=\"another program listens at %s, the default of http.listen\"",
             config->http_listen);
    return rc < 0 ? -1 : 0;
}

static int serve_status(struct run *run, struct err *err)
{
    const struct status status = { run->runner, run->jobs, run->registry };

    if (run->http_fd < 0)
        return 0;
    if (server_start(run->http_fd, &status, &run->server, err) < 0)
        return -1;
    diag(DIAG_INFO, "status_port", "address=%s", server_address(run->server));
    return 0;
}

static void supervise(struct run *run, struct jobs *jobs)
{
    struct err err = { 0 };
    int rc;

    run->runner =
        runner_new(run->clock, jobs->runner, jobs->count, run->config->shutdown_timeout_us);
    if (serve_status(run, &err) < 0)
        leave(app_fail(&err));
    rc = runner_start(run->runner, &err);
    if (!wait_for_end(run)) {
        fprintf(stderr, "k2: not finished within shutdown_timeout; what is committed is safe\n");
        leave(APP_FAILED);
    }
    if (run->shows)
        progress_show(&run->progress, run->runner, run->jobs, clock_now_us(run->clock), true);
    if (rc == 0)
        rc = runner_result(run->runner, &err);
    if (rc != 0)
        leave(app_fail(&err));
    server_stop(run->server);
    runner_free(run->runner);
    diag(DIAG_INFO, "stopped", "jobs=%zu", jobs->count);
}

static int run_jobs(struct wire *wire, const struct options *options, const struct jobs_name *names,
                    size_t count, int http_fd)
{
    struct run run = { .config = wire->config,
                       .clock = wire->clock,
                       .registry = wire_registry_is_embedded(wire->config) ? wire->registry : NULL,
                       .jobs = count,
                       .http_fd = http_fd,
                       .until_us = INT64_MAX };
    struct jobs jobs = { 0 };
    struct err err = { 0 };
    int rc;

    run.signal_fd = open_signals(&err);
    if (run.signal_fd < 0)
        return app_fail(&err);
    run.shows = options->progress;
    progress_init(&run.progress, stdout, clock_now_us(wire->clock));
    if (options->for_us > 0)
        run.until_us = clock_now_us(wire->clock) + options->for_us;
    rc = jobs_init(&jobs, wire, names, count, &err);
    if (rc == 0) {
        diag(DIAG_INFO, "started", "version=" K2_VERSION " worker=%s data_dir=%s jobs=%zu",
             wire->worker, wire->config->data_dir, count);
        supervise(&run, &jobs);
    }
    jobs_deinit(&jobs);
    close(run.signal_fd);
    return rc == 0 ? APP_DONE : app_fail(&err);
}

static int open_and_run(const struct config *config, const struct options *options)
{
    struct jobs_name names[JOBS_MAX];
    struct wire wire = { 0 };
    struct err err = { 0 };
    size_t count;
    int code, http_fd = -1;

    if (jobs_select(config, options->jobs, names, &count, &err) != 0 ||
        listen_for_status(config, &http_fd, &err) < 0)
        return app_fail(&err);
    if (wire_open(&wire, config, WIRE_TABLES | WIRE_REGISTRY | WIRE_LOG | WIRE_MAKE | WIRE_LATER,
                  &err) == 0)
        code = run_jobs(&wire, options, names, count, http_fd);
    else
        code = app_fail(&err);
    wire_close(&wire);
    return code;
}

int cmd_run(int argc, char **argv)
{
    struct options options = { 0 };
    struct config config;
    int code = parse(argc, argv, &options);

    if (code != APP_DONE || options.help)
        return options.help ? app_help(argv[0]) : code;
    code = app_load_config(&config, options.config);
    if (code == APP_DONE)
        code = open_and_run(&config, &options);
    config_deinit(&config);
    return code;
}
