// SPDX-License-Identifier: Apache-2.0
/* server.c: one thread, one epoll.  Every turn looks at every connection: they are few, and a turn
 * that forgets none is easier to trust than one that is told whom to look at. */
#include "server.h"

#include "conn.h"
#include "wsframe.h"

#include "core/diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)

struct server {
    struct venue venue;
    int epoll, signals, streams, rest; /* descriptors */
    struct conn *conns;
    bool stopped;
    bool closing;    /* --stop-when-done: all have all */
    int64_t done_ns; /* since when they have; 0: they have not */
};

static struct now get_now(void)
{
    struct timespec real, mono;

    clock_gettime(CLOCK_REALTIME, &real);
    clock_gettime(CLOCK_MONOTONIC, &mono);
    return (struct now){ real.tv_sec * SECOND_NS + real.tv_nsec,
                         mono.tv_sec * SECOND_NS + mono.tv_nsec };
}

static int watch(struct server *server, int fd, void *key, struct err *err)
{
    struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = key } };

    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        return err_errno(err, "epoll_ctl");
    return 0;
}

static int listen_on(struct server *server, uint16_t port, int *fd, uint16_t *bound,
                     struct err *err)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    socklen_t size = sizeof(address);
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return err_errno(err, "socket");
    setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(*fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(*fd, 128) < 0 ||
        getsockname(*fd, (struct sockaddr *)&address, &size) < 0)
        return err_errno(err, "listen on 127.0.0.1:%u", port);
    *bound = ntohs(address.sin_port);
    return watch(server, *fd, fd, err);
}

static int open_all(struct server *server, struct err *err)
{
    const struct options *options = server->venue.options;
    uint16_t port = 0, rest_port = 0;
    sigset_t set;

    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll < 0)
        return err_errno(err, "epoll_create1");
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (server->signals < 0)
        return err_errno(err, "signalfd");
    if (watch(server, server->signals, &server->signals, err) < 0 ||
        listen_on(server, options->port, &server->streams, &port, err) < 0 ||
        listen_on(server, options->rest_port, &server->rest, &rest_port, err) < 0)
        return -1;
    printf("listening ws=127.0.0.1:%u rest=127.0.0.1:%u\n", port, rest_port);
    fflush(stdout);
    return 0;
}

static void accept_all(struct server *server, int listener, bool rest)
{
    struct err err;
    int fd, on = 1;

    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct conn *conn = conn_new(&server->venue, fd, rest);

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (watch(server, fd, conn, &err) < 0) {
            diag_err(DIAG_ERROR, "accept", &err, "fd=%d", fd);
            conn_free(conn);
            continue;
        }
        conn->events = EPOLLIN;
        conn->next = server->conns;
        server->conns = conn;
    }
}

static void step_all(struct server *server, struct now now)
{
    struct conn **link = &server->conns;

    while (*link != NULL) {
        struct conn *conn = *link;
        struct epoll_event event = { .data = { .ptr = conn } };

        conn_step(conn, now);
        if (conn->state == CONN_DEAD) {
            *link = conn->next;
            conn_free(conn);
            continue;
        }
        event.events = conn->state == CONN_FROZEN ? 0 : EPOLLIN;
        event.events |= conn_has_output(conn) ? EPOLLOUT : 0;
        if (event.events != conn->events)
            epoll_ctl(server->epoll, EPOLL_CTL_MOD, conn->fd, &event);
        conn->events = event.events;
        link = &conn->next;
    }
}

static bool all_have_all(struct server *server)
{
    const struct world *world = &server->venue.world;
    bool ended = server->venue.options->speed == 0
                     ? server->venue.finished
                     : world->started && world->position == world->count;

    for (struct conn *conn = server->conns; ended && conn != NULL; conn = conn->next) {
        if (conn->rest || conn->state == CONN_HEAD)
            continue;
        ended = !conn_has_output(conn) &&
                (conn->state != CONN_OPEN || session_next(&conn->session) == NULL);
    }
    return ended;
}

/* --stop-when-done: a second is given to a client that has more to ask for. */
static void stop_when_done(struct server *server, struct now now)
{
    bool streams = false;

    if (!server->closing) {
        if (!all_have_all(server))
            server->done_ns = 0;
        else if (server->done_ns == 0)
            server->done_ns = now.mono_ns;
        if (server->done_ns == 0 || now.mono_ns - server->done_ns < SECOND_NS)
            return;
        server->closing = true;
        for (struct conn *conn = server->conns; conn != NULL; conn = conn->next)
            if (conn->state == CONN_OPEN)
                conn_close(conn, WSFRAME_NORMAL, "end of the recordings", now);
    }
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next)
        streams =
            streams || (!conn->rest && conn->state != CONN_FROZEN && conn->state != CONN_HEAD);
    server->stopped = server->stopped || !streams;
}

static int64_t wait_ns(const struct server *server, struct now now)
{
    int64_t next_ns = world_next_ns(&server->venue.world), wait = INT64_MAX;

    if (next_ns != INT64_MAX)
        wait = next_ns - now.real_ns;
    for (const struct conn *conn = server->conns; conn != NULL; conn = conn->next) {
        int64_t deadline_ns = conn_deadline_ns(conn);

        if (deadline_ns != INT64_MAX && deadline_ns - now.mono_ns < wait)
            wait = deadline_ns - now.mono_ns;
    }
    if (server->done_ns != 0 && wait > SECOND_NS / 10)
        wait = SECOND_NS / 10;
    return wait < 0 ? 0 : wait < 60 * SECOND_NS ? wait : 60 * SECOND_NS;
}

static void take_event(struct server *server, const struct epoll_event *event)
{
    struct conn *conn = event->data.ptr;

    if (event->data.ptr == &server->signals)
        server->stopped = true;
    else if (event->data.ptr == &server->streams)
        accept_all(server, server->streams, false);
    else if (event->data.ptr == &server->rest)
        accept_all(server, server->rest, true);
    else if (conn->state == CONN_FROZEN && (event->events & (EPOLLHUP | EPOLLERR)) != 0)
        conn->state = CONN_DEAD;
    else if ((event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        conn_read(conn, get_now());
}

static int loop(struct server *server, struct err *err)
{
    struct epoll_event events[64];

    while (!server->stopped) {
        struct now now = get_now();
        struct timespec timeout;
        int64_t wait;
        int count;

        world_tick(&server->venue.world, now.real_ns);
        step_all(server, now);
        if (server->venue.options->stop_when_done)
            stop_when_done(server, now);
        if (server->stopped)
            break;
        wait = wait_ns(server, now);
        timeout = (struct timespec){ wait / SECOND_NS, wait % SECOND_NS };
        count = epoll_pwait2(server->epoll, events, (int)ARRAY_LEN(events), &timeout, NULL);
        if (count < 0 && errno != EINTR)
            return err_errno(err, "epoll_pwait2");
        world_tick(&server->venue.world, get_now().real_ns);
        for (int i = 0; i < count; i++)
            take_event(server, &events[i]);
    }
    return 0;
}

int server_run(const struct options *options, struct err *err)
{
    struct server server = { .epoll = -1, .signals = -1, .streams = -1, .rest = -1 };
    int rc = -1;

    server.venue.options = options;
    server.venue.exchange = options->exchange;
    if (world_load(&server.venue.world, options, err) == 0 && open_all(&server, err) == 0)
        rc = loop(&server, err);
    while (server.conns != NULL) {
        struct conn *conn = server.conns;

        server.conns = conn->next;
        conn_free(conn);
    }
    for (size_t i = 0; i < 4; i++) {
        int fd = (int[]){ server.epoll, server.signals, server.streams, server.rest }[i];

        if (fd >= 0)
            close(fd);
    }
    world_deinit(&server.venue.world);
    return rc;
}
