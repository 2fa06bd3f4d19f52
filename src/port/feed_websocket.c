// SPDX-License-Identifier: Apache-2.0
/*
 * feed_websocket.c: feed.h over libwebsockets in client mode.
 *
 * Decision: a thread of its own runs the library.  Pings are answered while the caller is busy with
 * the log, and a burst is read off the socket at once; what has not been fetched is bounded, and at
 * the bound the socket is no longer read (TCP then slows the server down, and no ping is seen until
 * the caller has caught up).  The two threads share `struct shared`, under one lock; of the library
 * only lws_cancel_service is called from outside its thread.
 *
 * Liveness is judged by the kernel's own count of milliseconds since the last data came (TCP_INFO):
 * it sees pings, partial frames and TLS alike, and the library shows us none of these.
 */
#include "port/feed.h"

#include "core/num.h"
#include "port/feed_url.h"

#include <errno.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum command { COMMAND_NONE, COMMAND_CONNECT, COMMAND_DISCONNECT };

/* All under `lock`. */
struct shared {
    enum command command;
    bool quit;
    bool connected, closed; /* events that have not been fetched */
    bool open;              /* a connection or an attempt, as the caller knows it */
    struct feed_event inbox;
    struct column outbox; /* texts to send */
};

struct feed_websocket {
    struct feed feed;
    struct feed_websocket_options options;
    struct clock *clock;
    struct lws_context *context;
    SSL_CTX *tls; /* of the context */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct shared shared;
    struct feed_url url; /* written before COMMAND_CONNECT, read after it */

    /* The service thread's own. */
    struct lws *wsi; /* NULL: none */
    lws_sorted_usec_list_t timer;
    int64_t started_ms; /* the attempt, the connection, or its being read again */
    bool attempt;       /* its end has not been reported */
    bool established, paused;
    struct buf partial;              /* a message whose end has not come */
    struct buf sending;              /* LWS_PRE bytes, then the text */
    char verdict[FEED_REASON_BYTES]; /* why we are closing it ourselves */
};

static struct feed_websocket *self_of(struct feed *feed)
{
    return (struct feed_websocket *)(void *)feed;
}

static int64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The connection is over: tells the caller, once. */
static void report_closed(struct feed_websocket *self, const char *reason, int64_t retry_after_ms)
{
    self->wsi = NULL;
    if (!self->attempt)
        return;
    self->attempt = false;
    lws_sul_cancel(&self->timer);
    pthread_mutex_lock(&self->lock);
    self->shared.closed = true;
    snprintf(self->shared.inbox.reason, sizeof(self->shared.inbox.reason), "%s",
             self->verdict[0] != '\0' ? self->verdict : reason);
    self->shared.inbox.retry_after_ms = retry_after_ms;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

/* Ends the connection for a reason of our own; the library calls back later, for nobody. */
static void give_up(struct feed_websocket *self, const char *format, ...) PRINTF_LIKE(2, 3);
static void give_up(struct feed_websocket *self, const char *format, ...)
{
    struct lws *wsi = self->wsi;
    va_list args;

    va_start(args, format);
    vsnprintf(self->verdict, sizeof(self->verdict), format, args);
    va_end(args);
    report_closed(self, "", 0);
    if (wsi != NULL)
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

/* Milliseconds since the kernel last got data on the connection; 0 when it cannot say. */
static int64_t silent_ms(struct lws *wsi)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);

    if (getsockopt(lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return 0;
    return info.tcpi_last_data_recv;
}

static void tick(lws_sorted_usec_list_t *timer)
{
    struct feed_websocket *self = lws_container_of(timer, struct feed_websocket, timer);
    int64_t period_ms = int64_min(1000, self->options.idle_ms_max / 4 + 1);
    int64_t age_ms = monotonic_ms() - self->started_ms;

    if (!self->established && age_ms >= self->options.connect_ms_max) {
        give_up(self, "%.150s: no WebSocket after %" PRId64 " ms", self->url.text,
                self->options.connect_ms_max);
        return;
    }
    if (self->established && !self->paused &&
        int64_min(age_ms, silent_ms(self->wsi)) >= self->options.idle_ms_max) {
        give_up(self, "%.150s: not a byte for %" PRId64 " ms", self->url.text,
                self->options.idle_ms_max);
        return;
    }
    lws_sul_schedule(self->context, 0, &self->timer, tick, period_ms * LWS_US_PER_MS);
}

/* The library says nothing of names that cannot be looked up. */
static const char *why_not(const struct feed_url *url)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    int rc = getaddrinfo(url->host, NULL, &hints, &found);

    if (rc == 0)
        freeaddrinfo(found);
    return rc == 0 ? "cannot connect" : gai_strerror(rc);
}

static void begin(struct feed_websocket *self)
{
    /* No pings of the library's own: its idea of liveness is not ours. */
    static const lws_retry_bo_t no_pings = { 0 };
    struct lws_client_connect_info info = { 0 };

    info.context = self->context;
    info.address = self->url.host;
    info.port = self->url.port;
    info.path = self->url.path;
    info.host = self->url.authority;
    info.ssl_connection = self->url.tls ? LCCSCF_USE_SSL : 0;
    info.ssl_connection |= LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
    info.alpn = "http/1.1"; /* or the server may pick HTTP/2 */
    info.local_protocol_name = "feed";
    info.ietf_version_or_minus_one = -1;
    info.retry_and_idle_policy = &no_pings;
    info.userdata = self;
    info.pwsi = &self->wsi;
    self->attempt = true;
    self->established = self->paused = false;
    self->verdict[0] = '\0';
    buf_clear(&self->partial);
    self->started_ms = monotonic_ms();
    lws_sul_schedule(self->context, 0, &self->timer, tick, LWS_US_PER_MS);
    if (lws_client_connect_via_info(&info) == NULL) {
        self->wsi = NULL; /* freed, whatever the library has left there */
        give_up(self, "%.150s: %s", self->url.text, why_not(&self->url));
    }
}

/* What the caller has asked for since the last look. */
static void obey(struct feed_websocket *self)
{
    enum command command;
    bool resume, send;

    pthread_mutex_lock(&self->lock);
    command = self->shared.command;
    self->shared.command = COMMAND_NONE;
    resume = self->paused && self->shared.inbox.text.values.size < self->options.queue_bytes_max;
    send = self->shared.outbox.rows > 0;
    pthread_mutex_unlock(&self->lock);
    if (command == COMMAND_CONNECT)
        begin(self);
    else if (command == COMMAND_DISCONNECT)
        give_up(self, "closed by us");
    if (self->wsi == NULL || !self->established)
        return;
    if (resume) {
        self->paused = false;
        self->started_ms = monotonic_ms();
        lws_rx_flow_control(self->wsi, 1);
    }
    if (send)
        lws_callback_on_writable(self->wsi);
}

static void put_message(struct feed_websocket *self, struct lws *wsi, struct span text)
{
    struct feed_event *inbox = &self->shared.inbox;
    int64_t now_us = clock_now_us(self->clock);

    pthread_mutex_lock(&self->lock);
    if (inbox->text.rows == 0)
        pthread_cond_signal(&self->changed);
    column_put_bytes(&inbox->text, text);
    column_put_int64(&inbox->received_us, now_us);
    if (!self->paused && inbox->text.values.size >= self->options.queue_bytes_max) {
        self->paused = true;
        lws_rx_flow_control(wsi, 0);
    }
    pthread_mutex_unlock(&self->lock);
}

static int on_receive(struct feed_websocket *self, struct lws *wsi, struct span piece)
{
    size_t left = lws_remaining_packet_payload(wsi);
    bool last = left == 0 && lws_is_final_fragment(wsi);
    size_t size;

    if (!size_add(self->partial.size, piece.size, &size) || !size_add(size, left, &size) ||
        size > self->options.frame_bytes_max) {
        give_up(self, "%.150s: a message of more than %zu bytes", self->url.text,
                self->options.frame_bytes_max);
        return -1;
    }
    if (last && self->partial.size == 0) {
        put_message(self, wsi, piece);
        return 0;
    }
    buf_put_span(&self->partial, piece);
    if (last) {
        put_message(self, wsi, buf_span(&self->partial));
        buf_clear(&self->partial);
    }
    return 0;
}

static int on_writable(struct feed_websocket *self, struct lws *wsi)
{
    struct column *outbox = &self->shared.outbox;
    size_t size = 0;

    pthread_mutex_lock(&self->lock);
    buf_clear(&self->sending);
    buf_extend(&self->sending, LWS_PRE);
    for (size_t i = 0; i < outbox->rows && i < 1; i++) {
        size = column_bytes(outbox, i).size;
        buf_put_span(&self->sending, column_bytes(outbox, i));
    }
    if (outbox->rows > 1) {
        struct column rest;

        column_init(&rest, COLUMN_BYTES);
        column_append(&rest, outbox, 1, outbox->rows - 1);
        column_deinit(outbox);
        *outbox = rest;
        lws_callback_on_writable(wsi);
    } else {
        column_clear(outbox);
    }
    pthread_mutex_unlock(&self->lock);
    if (size > 0 && lws_write(wsi, self->sending.data + LWS_PRE, size, LWS_WRITE_TEXT) < 0)
        return -1;
    return 0;
}

static void on_established(struct feed_websocket *self, struct lws *wsi)
{
    int fd = lws_get_socket_fd(wsi);
    int on = 1;
    unsigned int unanswered_ms = (unsigned int)self->options.idle_ms_max;

    /* Neither is worth a word when it fails: both only find a dead peer sooner. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof(unanswered_ms));
    self->established = true;
    self->started_ms = monotonic_ms();
    pthread_mutex_lock(&self->lock);
    self->shared.connected = true;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    obey(self);
}

/* The upgrade failed: the server's status says more than the library's words. */
static void on_refused(struct feed_websocket *self, struct lws *wsi, const char *words)
{
    unsigned int status = lws_http_client_http_response(wsi);
    char header[32] = { 0 };
    char reason[FEED_REASON_BYTES];
    int64_t seconds = 0;

    if (status != 0 && status != 101)
        snprintf(reason, sizeof(reason), "%.150s: HTTP %u", self->url.text, status);
    else
        snprintf(reason, sizeof(reason), "%.150s: %s", self->url.text, words);
    if (lws_hdr_copy(wsi, header, sizeof(header), WSI_TOKEN_HTTP_RETRY_AFTER) > 0)
        seconds = strtoll(header, NULL, 10);
    report_closed(self, reason, int64_max(0, int64_min(seconds, 86400)) * 1000);
}

/* The close frame's code is the first two bytes, its words follow. */
static void on_peer_close(struct feed_websocket *self, struct span frame)
{
    unsigned int code = frame.size < 2 ? 1005 : (unsigned int)(frame.data[0] << 8 | frame.data[1]);
    size_t words = frame.size < 2 ? 0 : size_min(frame.size - 2, 120);

    snprintf(self->verdict, sizeof(self->verdict), "closed by the server: %u %.*s", code,
             (int)words, words == 0 ? "" : (const char *)frame.data + 2);
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t size)
{
    /* `user` is something else for some of the library's own events. */
    struct feed_websocket *self = lws_context_user(lws_get_context(wsi));

    (void)user;
    if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED)
        obey(self);
    if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR && self->attempt && self->wsi == NULL)
        self->wsi = wsi; /* failed before begin() was told of it */
    if (self->wsi == NULL || self->wsi != wsi)
        return 0; /* of no connection, or of one that we have given up */
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        on_established(self, wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return on_receive(self, wsi, span_of(in, size));
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return on_writable(self, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        on_peer_close(self, span_of(in, size));
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        on_refused(self, wsi, in == NULL ? "connection failed" : in);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY: /* all that comes of a reset before the upgrade is sent */
        report_closed(self, "the connection broke", 0);
        return 0;
    default:
        return 0;
    }
}

static void *serve(void *context)
{
    struct feed_websocket *self = context;
    bool quit = false;

    while (!quit) {
        lws_service(self->context, 0);
        pthread_mutex_lock(&self->lock);
        quit = self->shared.quit;
        pthread_mutex_unlock(&self->lock);
    }
    return NULL;
}

static int websocket_connect(struct feed *feed, const char *url, struct err *err)
{
    struct feed_websocket *self = self_of(feed);

    ASSERT(!self->shared.open);
    if (feed_url_parse(&self->url, url, err) < 0)
        return -1;
    pthread_mutex_lock(&self->lock);
    self->shared.open = true;
    self->shared.connected = self->shared.closed = false;
    feed_event_clear(&self->shared.inbox);
    column_clear(&self->shared.outbox);
    self->shared.command = COMMAND_CONNECT;
    pthread_mutex_unlock(&self->lock);
    lws_cancel_service(self->context);
    return 0;
}

/* Under the lock: moves what there is into *event; false when there is nothing. */
static bool fetch(struct feed_websocket *self, struct feed_event *event)
{
    struct shared *shared = &self->shared;
    struct feed_event empty = *event;

    if (shared->connected) {
        shared->connected = false;
        event->type = FEED_CONNECTED;
        return true;
    }
    if (shared->inbox.text.rows > 0) {
        event->text = shared->inbox.text;
        event->received_us = shared->inbox.received_us;
        event->type = FEED_FRAMES;
        shared->inbox.text = empty.text; /* the memory goes round */
        shared->inbox.received_us = empty.received_us;
        return true;
    }
    if (!shared->closed)
        return false;
    event->type = FEED_CLOSED;
    memcpy(event->reason, shared->inbox.reason, sizeof(event->reason));
    event->retry_after_ms = shared->inbox.retry_after_ms;
    shared->closed = shared->open = false;
    return true;
}

static int websocket_next(struct feed *feed, int64_t wait_us, struct feed_event *event,
                          struct err *err)
{
    struct feed_websocket *self = self_of(feed);
    struct timespec until;
    bool found, stuck;
    int rc = 0;

    (void)err;
    feed_event_clear(event);
    clock_gettime(CLOCK_MONOTONIC, &until);
    wait_us = int64_max(0, wait_us) + until.tv_nsec / 1000;
    until.tv_sec += (time_t)(wait_us / 1000000);
    until.tv_nsec = (wait_us % 1000000) * 1000;
    pthread_mutex_lock(&self->lock);
    while (!(found = fetch(self, event)) && rc == 0)
        rc = pthread_cond_timedwait(&self->changed, &self->lock, &until);
    stuck = found && event->text.values.size >= self->options.queue_bytes_max;
    pthread_mutex_unlock(&self->lock);
    if (stuck)
        lws_cancel_service(self->context); /* to read the socket again */
    return 0;
}

static int websocket_send(struct feed *feed, struct span text, struct err *err)
{
    struct feed_websocket *self = self_of(feed);

    (void)err;
    pthread_mutex_lock(&self->lock);
    column_put_bytes(&self->shared.outbox, text);
    pthread_mutex_unlock(&self->lock);
    lws_cancel_service(self->context);
    return 0;
}

static void websocket_disconnect(struct feed *feed)
{
    struct feed_websocket *self = self_of(feed);

    pthread_mutex_lock(&self->lock);
    if (self->shared.command == COMMAND_CONNECT) { /* the attempt has not begun */
        self->shared.command = COMMAND_NONE;
        self->shared.closed = true;
        snprintf(self->shared.inbox.reason, sizeof(self->shared.inbox.reason), "closed by us");
    } else if (self->shared.open && !self->shared.closed) {
        self->shared.command = COMMAND_DISCONNECT;
    }
    pthread_mutex_unlock(&self->lock);
    lws_cancel_service(self->context);
}

static void websocket_close(struct feed *feed)
{
    struct feed_websocket *self = self_of(feed);

    pthread_mutex_lock(&self->lock);
    self->shared.quit = true;
    pthread_mutex_unlock(&self->lock);
    lws_cancel_service(self->context);
    pthread_join(self->thread, NULL);
    self->wsi = NULL;
    lws_context_destroy(self->context);
    SSL_CTX_free(self->tls);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    feed_event_deinit(&self->shared.inbox);
    column_deinit(&self->shared.outbox);
    buf_deinit(&self->partial);
    buf_deinit(&self->sending);
    free(self);
}

static struct lws_context *make_context(struct feed_websocket *self)
{
    static const struct lws_protocols protocols[] = { { .name = "feed", .callback = callback },
                                                      { 0 } };
    struct lws_context_creation_info info = { 0 };

    /* Ours, because the library finds its own again only in the last context of a process. */
    self->tls = SSL_CTX_new(TLS_client_method());
    if (self->tls == NULL || SSL_CTX_set_default_verify_paths(self->tls) != 1)
        return NULL;
    lws_set_log_level(0, NULL); /* what matters comes as an event's reason */
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.gid = -1;
    info.uid = -1;
    info.provided_client_ssl_ctx = self->tls;
    info.fd_limit_per_thread = 8; /* or it makes a table for as many as ulimit allows */
    info.pt_serv_buf_size = 128 * 1024;
    info.timeout_secs = (unsigned int)(self->options.connect_ms_max / 1000 + 2);
    info.user = self;
    return lws_create_context(&info);
}

static void with_defaults(struct feed_websocket_options *options)
{
    if (options->connect_ms_max == 0)
        options->connect_ms_max = 10000;
    if (options->idle_ms_max == 0)
        options->idle_ms_max = 30000;
    if (options->frame_bytes_max == 0)
        options->frame_bytes_max = 16 << 20;
    if (options->queue_bytes_max == 0)
        options->queue_bytes_max = 8 << 20;
}

int feed_websocket_open(const struct feed_websocket_options *options, struct clock *clock,
                        struct feed **out, struct err *err)
{
    static const struct feed_ops ops = { websocket_connect, websocket_next, websocket_send,
                                         websocket_disconnect, websocket_close };
    struct feed_websocket *self = mem_zero(1, sizeof(*self));
    pthread_condattr_t attributes;

    self->feed.ops = &ops;
    self->options = *options;
    with_defaults(&self->options);
    self->clock = clock;
    feed_event_init(&self->shared.inbox);
    column_init(&self->shared.outbox, COLUMN_BYTES);
    self->context = make_context(self);
    if (self->context == NULL) {
        SSL_CTX_free(self->tls);
        free(self);
        return err_set(err, ERR_FATAL, "libwebsockets cannot be set up");
    }
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if ((errno = pthread_create(&self->thread, NULL, serve, self)) != 0) {
        err_errno(err, "start the feed's thread");
        lws_context_destroy(self->context);
        SSL_CTX_free(self->tls);
        free(self);
        return -1;
    }
    *out = &self->feed;
    return 0;
}
