// SPDX-License-Identifier: Apache-2.0
#include "conn.h"

#include "wsframe.h"

#include "core/diag.h"
#include "core/num.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)

enum {
    OUT_BYTES_FREE_RUN = 64 * 1024,   /* speed 0: no more than this ahead of the socket */
    OUT_BYTES_MAX = 64 * 1024 * 1024, /* a client that is further behind is dropped */
    OUT_BYTES_KEPT = 1024 * 1024,     /* sent bytes that may lie in front */
    IN_BYTES_MAX = 2 * 1024 * 1024,
    CLOSE_WAIT_S = 10,
    LINGER_S = 2,
    RESET_LOOK_NS = 1000000,
    HUGE_BYTES = 16 * 1024 * 1024,
};

struct conn *conn_new(struct venue *venue, int fd, bool rest)
{
    struct conn *conn = mem_zero(1, sizeof(*conn));

    conn->venue = venue;
    conn->fd = fd;
    conn->rest = rest;
    conn->junk_at = conn->utf8_at = SIZE_MAX;
    return conn;
}

void conn_free(struct conn *conn)
{
    if (!conn->rest)
        diag(DIAG_INFO, "connection_closed", "fd=%d frames=%zu", conn->fd, conn->sent);
    if (conn->subscribed)
        conn->venue->subscribed--;
    close(conn->fd);
    session_deinit(&conn->session);
    buf_deinit(&conn->in);
    buf_deinit(&conn->out);
    buf_deinit(&conn->message);
    buf_deinit(&conn->held);
    free(conn);
}

bool conn_has_output(const struct conn *conn)
{
    return conn->out_at < conn->out.size;
}

static const struct faults *faults(const struct conn *conn)
{
    return &conn->venue->options->faults;
}

static void flush(struct conn *conn)
{
    ssize_t sent;

    while (conn_has_output(conn)) {
        size_t size = conn->out_at < conn->trickle_end ? 1 : conn->out.size - conn->out_at;

        sent = send(conn->fd, conn->out.data + conn->out_at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            conn->state = CONN_DEAD;
        if (sent < 0)
            break;
        conn->out_at += (size_t)sent;
    }
    if (!conn_has_output(conn)) {
        buf_clear(&conn->out);
        conn->out_at = conn->trickle_end = 0;
    } else if (conn->out_at > OUT_BYTES_KEPT) {
        conn->out.size -= conn->out_at;
        memmove(conn->out.data, conn->out.data + conn->out_at, conn->out.size);
        conn->trickle_end -= size_min(conn->trickle_end, conn->out_at);
        conn->out_at = 0;
    }
}

void conn_close(struct conn *conn, unsigned code, const char *reason, struct now now)
{
    diag(DIAG_INFO, "connection_closing", "fd=%d code=%u reason=\"%s\"", conn->fd, code, reason);
    wsframe_encode_close(&conn->out, code, reason);
    conn->state = CONN_CLOSING;
    conn->deadline_ns = now.mono_ns + CLOSE_WAIT_S * SECOND_NS;
}

static void ping(struct conn *conn, struct now now)
{
    char text[24];
    int64_t ms = now.real_ns / 1000000;

    snprintf(text, sizeof(text), "%" PRId64, ms);
    conn->pings_ms[conn->ping_count++ % CONN_PINGS_KEPT] = ms;
    if (conn->unanswered_ns == 0)
        conn->unanswered_ns = now.mono_ns;
    wsframe_encode(&conn->out, WSFRAME_PING, true, span_text(text));
}

static void pong(struct conn *conn, struct span payload)
{
    char text[24];

    for (size_t i = 0; i < CONN_PINGS_KEPT && i < conn->ping_count; i++) {
        snprintf(text, sizeof(text), "%" PRId64, conn->pings_ms[i]);
        if (span_equal(payload, span_text(text)))
            conn->unanswered_ns = 0;
    }
}

static void put_text(struct conn *conn, struct span text, struct now now)
{
    size_t third = text.size / 3;

    if (faults(conn)->fragmented == 0) {
        wsframe_encode(&conn->out, WSFRAME_TEXT, true, text);
        return;
    }
    wsframe_encode(&conn->out, WSFRAME_TEXT, false, span_of(text.data, third));
    if (conn->mixed_ping_ns == 0 || now.mono_ns - conn->mixed_ping_ns >= SECOND_NS) {
        conn->mixed_ping_ns = now.mono_ns;
        ping(conn, now);
    }
    wsframe_encode(&conn->out, WSFRAME_CONTINUATION, false, span_of(text.data + third, third));
    wsframe_encode(&conn->out, WSFRAME_CONTINUATION, true,
                   span_of(text.data + 2 * third, text.size - 2 * third));
}

/* Faults that put a bad frame before the next one. */
static void put_bad_frames(struct conn *conn, const struct frame *frame, struct buf *text)
{
    const struct faults *f = faults(conn);
    const struct exchange *exchange = conn->venue->exchange;
    bool any = conn->sent > 0;
    size_t at = conn->out.size;

    if (any && f->junk != 0 && conn->sent % f->junk == 0 && conn->junk_at != conn->sent) {
        conn->junk_at = conn->sent;
        buf_clear(text);
        exchange->put_junk(&conn->session, frame, conn->junk_sent++, text);
        wsframe_encode(&conn->out, WSFRAME_TEXT, true, buf_span(text));
    }
    if (any && f->utf8 != 0 && conn->sent % f->utf8 == 0 && conn->utf8_at != conn->sent) {
        conn->utf8_at = conn->sent;
        buf_clear(text);
        exchange->put(&conn->session, frame, 0, text);
        text->data[text->size / 2] = 0xff;
        wsframe_encode(&conn->out, WSFRAME_TEXT, true, buf_span(text));
    }
    if (f->rsv1 != 0 && conn->sent >= f->rsv1 && !conn->rsv1_said) {
        conn->rsv1_said = true;
        at = conn->out.size;
        wsframe_encode(&conn->out, WSFRAME_TEXT, true, SPAN("{}"));
        conn->out.data[at] |= 0x40;
    }
    if (f->huge != 0 && conn->sent >= f->huge && !conn->huge_said) {
        conn->huge_said = true;
        buf_clear(text);
        memset(buf_extend(text, HUGE_BYTES), ' ', HUGE_BYTES);
        wsframe_encode(&conn->out, WSFRAME_TEXT, true, buf_span(text));
    }
}

/* The faults that come before the next frame; false: that frame must not be sent now. */
static bool before_frame(struct conn *conn, const struct frame *frame, struct buf *text,
                         struct now now)
{
    const struct faults *f = faults(conn);
    const struct exchange *exchange = conn->venue->exchange;
    size_t whole;

    if (f->stop_data != 0 && conn->sent >= f->stop_data)
        return false;
    if (f->freeze != 0 && conn->sent >= f->freeze) {
        conn->state = CONN_FROZEN;
        return false;
    }
    if (f->shutdown != 0 && conn->sent >= 2 * f->shutdown) {
        conn_close(conn, WSFRAME_GOING_AWAY, "server shutdown", now);
        return false;
    }
    if (f->shutdown != 0 && conn->sent >= f->shutdown && !conn->shutdown_said) {
        conn->shutdown_said = true;
        exchange->put_shutdown(&conn->session, now.real_ns, text);
        wsframe_encode(&conn->out, WSFRAME_TEXT, true, buf_span(text));
    }
    put_bad_frames(conn, frame, text);
    if (f->reset != 0 && conn->sent >= f->reset) {
        whole = conn->out.size;
        buf_clear(text);
        exchange->put(&conn->session, frame, 0, text);
        wsframe_encode(&conn->out, WSFRAME_TEXT, true, buf_span(text));
        conn->out.size = whole + (conn->out.size - whole) / 2;
        conn->state = CONN_RESET;
        conn->deadline_ns = now.mono_ns;
        return false;
    }
    return true;
}

static enum wrong_time next_wrong_time(struct conn *conn)
{
    static const enum wrong_time turns[] = { WRONG_TIME_UNIT, WRONG_TIME_AHEAD, WRONG_TIME_1970 };
    size_t every = faults(conn)->wrong_time;

    if (every == 0 || (conn->sent + 1) % every != 0)
        return WRONG_TIME_NOT;
    return turns[conn->wrong_sent++ % ARRAY_LEN(turns)];
}

/* Puts what the session is owed into the output, at most `count` frames. */
static void feed(struct conn *conn, size_t count, struct now now)
{
    const struct options *options = conn->venue->options;
    const struct frame *frame;
    struct buf text = BUF_INIT;

    while (count-- > 0 && conn->state == CONN_OPEN &&
           (frame = session_next(&conn->session)) != NULL) {
        size_t waiting = conn->out.size - conn->out_at;

        if (options->speed == 0 && waiting >= OUT_BYTES_FREE_RUN)
            break;
        if (waiting > OUT_BYTES_MAX) {
            diag(DIAG_WARN, "client_too_slow", "fd=%d waiting=%zu", conn->fd, waiting);
            conn->state = CONN_DEAD;
            break;
        }
        buf_clear(&text);
        if (!before_frame(conn, frame, &text, now))
            break;
        buf_clear(&text);
        conn->session.wrong_time = next_wrong_time(conn);
        conn->venue->exchange->put(&conn->session, frame,
                                   options->faults.reordered != 0 ? conn->sent + 1 : 0, &text);
        conn->session.wrong_time = WRONG_TIME_NOT;
        put_text(conn, buf_span(&text), now);
        session_take(&conn->session);
        if (options->faults.trickle != 0 && conn->sent < FAULTS_TRICKLED_FRAMES)
            conn->trickle_end = conn->out.size;
        conn->sent++;
        if (conn->held.size > 0 && conn->sent >= conn->held_until) {
            buf_put_span(&conn->out, buf_span(&conn->held));
            buf_clear(&conn->held);
        }
    }
    if (conn->sent > 0 && conn->venue->world.started &&
        conn->session.cursor == conn->venue->world.count)
        conn->venue->finished = true;
    buf_deinit(&text);
}

/* Counts the connection once it has a stream; the world begins when enough of them have. */
static void note_subscribed(struct conn *conn, struct now now)
{
    struct venue *venue = conn->venue;

    if (conn->subscribed || conn->session.name_count == 0)
        return;
    conn->subscribed = true;
    venue->subscribed++;
    if (venue->subscribed < venue->options->clients)
        return;
    world_start(&venue->world, now.real_ns);
    world_tick(&venue->world, now.real_ns);
}

static void refuse(struct conn *conn, int status, const char *headers)
{
    char all[160];

    diag(DIAG_INFO, "upgrade_refused", "fd=%d status=%d", conn->fd, status);
    snprintf(all, sizeof(all), "%sConnection: close\r\n", headers);
    http_respond(&conn->out, status, all, SPAN(""));
    conn->state = CONN_DRAIN;
}

/* Of one address: all clients are on this machine. */
static bool too_many_attempts(struct venue *venue, struct now now)
{
    const struct exchange *exchange = venue->exchange;
    int64_t *slot = &venue->attempts_ns[venue->upgrades % exchange->attempts_max];
    bool many = *slot != 0 && now.mono_ns - *slot < exchange->attempts_window_s * SECOND_NS;

    *slot = now.mono_ns;
    venue->upgrades++;
    return many;
}

static void greet(struct conn *conn)
{
    struct buf text = BUF_INIT;

    if (conn->venue->exchange->put_greeting == NULL)
        return;
    conn->venue->exchange->put_greeting(&conn->session, &text);
    wsframe_encode(&conn->out, WSFRAME_TEXT, true, buf_span(&text));
    buf_deinit(&text);
}

static bool is_upgrade(const struct http_request *request, struct span *key)
{
    return span_equal(request->method, SPAN("GET")) &&
           http_header_has(request, "Upgrade", "websocket") &&
           http_header_has(request, "Connection", "Upgrade") &&
           http_header(request, "Sec-WebSocket-Key", key) && key->size == 24;
}

/* --faults http-503, http-429, http-403, one after the other; 0: not refused. */
static int refused_status(const struct conn *conn)
{
    const struct faults *f = faults(conn);
    size_t number = conn->venue->upgrades;

    if (number <= f->http_503)
        return 503;
    if (number - f->http_503 <= f->http_429)
        return 429;
    return number - f->http_503 - f->http_429 <= f->http_403 ? 403 : 0;
}

static void upgrade(struct conn *conn, const struct http_request *request, struct now now)
{
    struct venue *venue = conn->venue;
    struct span key;
    char accept[WSFRAME_ACCEPT_BYTES], headers[40];
    int status;

    if (too_many_attempts(venue, now)) {
        snprintf(headers, sizeof(headers), "Retry-After: %d\r\n",
                 venue->exchange->attempts_window_s);
        refuse(conn, 429, headers);
        return;
    }
    status = refused_status(conn);
    if (status != 0) {
        refuse(conn, status, status == 403 ? "" : "Retry-After: 1\r\n");
        return;
    }
    if (!is_upgrade(request, &key)) {
        refuse(conn, 400, "");
        return;
    }
    if (!http_header_has(request, "Sec-WebSocket-Version", "13")) {
        refuse(conn, 426, "Sec-WebSocket-Version: 13\r\n");
        return;
    }
    session_init(&conn->session, &venue->world, venue->accepted);
    status = venue->exchange->open(&conn->session, request);
    if (status != 101) {
        refuse(conn, status, "");
        return;
    }
    venue->accepted++;
    diag(DIAG_INFO, "connection_open", "fd=%d streams=%zu", conn->fd, conn->session.name_count);
    wsframe_accept(key, accept);
    buf_printf(&conn->out,
               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
               "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
               accept);
    conn->state = CONN_OPEN;
    conn->ping_at_ns = now.mono_ns + venue->options->ping_every_ns;
    conn->idle_at_ns = now.mono_ns + venue->options->idle_after_ns;
    conn->end_at_ns =
        venue->options->life_ns == 0 ? INT64_MAX : now.mono_ns + venue->options->life_ns;
    if (faults(conn)->glued == 0)
        flush(conn);
    greet(conn);
    note_subscribed(conn, now);
    if (faults(conn)->glued != 0) {
        feed(conn, 1, now);
        if (conn->sent == 0 && venue->exchange->put_greeting == NULL)
            ping(conn, now);
        flush(conn);
    }
}

/* True when this message is one too many for its second. */
static bool too_many_messages(struct conn *conn, struct now now)
{
    size_t max = conn->venue->exchange->messages_max;
    int64_t *slot = &conn->messages_ns[conn->message_count % max];
    bool many = conn->message_count >= max && now.mono_ns - *slot < SECOND_NS;

    *slot = now.mono_ns;
    conn->message_count++;
    return many;
}

/* Each line is a text. */
static void put_replies(struct conn *conn, struct span lines)
{
    const struct faults *f = faults(conn);
    struct buf *out = f->ack_late == 0 ? &conn->out : &conn->held;

    if (conn->held.size == 0)
        conn->held_until = conn->sent + f->ack_late;
    while (lines.size > 0) {
        const uint8_t *end = memchr(lines.data, '\n', lines.size);
        struct span line =
            span_of(lines.data, end == NULL ? lines.size : (size_t)(end - lines.data));

        if (conn->venue->replies++ >= f->ack_lost)
            wsframe_encode(out, WSFRAME_TEXT, true, line);
        lines.data += line.size + (end != NULL);
        lines.size -= line.size + (end != NULL);
    }
}

static void answer(struct conn *conn, struct span text, bool too_many, struct now now)
{
    const struct exchange *exchange = conn->venue->exchange;
    struct buf replies = BUF_INIT;
    int code = 0;

    conn->idle_at_ns = now.mono_ns + conn->venue->options->idle_after_ns;
    if (too_many)
        exchange->put_too_many(&replies);
    else
        code = exchange->message(&conn->session, text, now.real_ns, &replies);
    if (code != 0) {
        conn_close(conn, (unsigned)code, "policy violation", now);
    } else {
        note_subscribed(conn, now);
        if (faults(conn)->glued != 0)
            feed(conn, 1, now);
        if (conn->state == CONN_OPEN)
            put_replies(conn, buf_span(&replies));
    }
    buf_deinit(&replies);
}

static void take_close(struct conn *conn, struct span payload)
{
    if (conn->state == CONN_OPEN) {
        if (payload.size == 1)
            wsframe_encode_close(&conn->out, WSFRAME_PROTOCOL, "");
        else
            wsframe_encode(&conn->out, WSFRAME_CLOSE, true,
                           span_of(payload.data, size_min(payload.size, 2)));
    }
    conn->state = CONN_DRAIN;
}

static void take_data(struct conn *conn, const struct wsframe *frame, struct now now)
{
    bool first = frame->opcode != WSFRAME_CONTINUATION, many;

    if (frame->opcode == WSFRAME_BINARY) {
        conn_close(conn, WSFRAME_UNSUPPORTED, "binary message", now);
        return;
    }
    if (first == conn->in_message) {
        conn_close(conn, WSFRAME_PROTOCOL, "fragments out of order", now);
        return;
    }
    if (first)
        buf_clear(&conn->message);
    buf_put_span(&conn->message, frame->payload);
    conn->in_message = !frame->last;
    if (conn->message.size > WSFRAME_PAYLOAD_BYTES_MAX) {
        conn_close(conn, WSFRAME_TOO_BIG, "message too big", now);
    } else if (frame->last) {
        many = too_many_messages(conn, now);
        if (many && conn->venue->exchange->put_too_many == NULL)
            conn_close(conn, WSFRAME_POLICY, "too many requests", now);
        else
            answer(conn, buf_span(&conn->message), many, now);
    }
}

static void take_frame(struct conn *conn, const struct wsframe *frame, struct now now)
{
    if (frame->opcode == WSFRAME_CLOSE) {
        take_close(conn, frame->payload);
        return;
    }
    if (conn->state != CONN_OPEN)
        return;
    if (frame->opcode != WSFRAME_PING && frame->opcode != WSFRAME_PONG) {
        take_data(conn, frame, now);
        return;
    }
    if (conn->venue->exchange->control_counts && too_many_messages(conn, now))
        conn_close(conn, WSFRAME_POLICY, "too many requests", now);
    else if (frame->opcode == WSFRAME_PING)
        wsframe_encode(&conn->out, WSFRAME_PONG, true, frame->payload);
    else
        pong(conn, frame->payload);
}

/* One HTTP request or one frame off the input; false: none that is whole. */
static bool take_one(struct conn *conn, size_t *used, struct now now)
{
    struct span rest = span_of(conn->in.data + *used, conn->in.size - *used);
    struct http_request request;
    struct wsframe frame;
    int rc;

    if (conn->state == CONN_HEAD) {
        rc = rest.size == 0 ? HTTP_MORE : http_parse(rest, &request);
        if (rc == 0) {
            *used += request.size;
            if (!conn->rest)
                upgrade(conn, &request, now);
            else
                conn->venue->exchange->rest(&conn->venue->world, &request, now.real_ns, &conn->out);
            if (conn->rest && http_header_has(&request, "Connection", "close"))
                conn->state = CONN_DRAIN;
        } else if (rc < 0) {
            refuse(conn, 400, "");
        }
        return rc == 0;
    }
    if (conn->state != CONN_OPEN && conn->state != CONN_CLOSING)
        return false;
    rc = wsframe_decode(conn->in.data + *used, rest.size, &frame);
    if (rc == 0) {
        *used += frame.size;
        take_frame(conn, &frame, now);
    } else if (rc > 0 && conn->state == CONN_OPEN) {
        conn_close(conn, (unsigned)rc, "protocol error", now);
    } else if (rc > 0) {
        conn->state = CONN_DRAIN;
    }
    return rc == 0;
}

void conn_read(struct conn *conn, struct now now)
{
    enum { CHUNK = 16 * 1024 };
    size_t used = 0;
    ssize_t got = recv(conn->fd, buf_extend(&conn->in, CHUNK), CHUNK, MSG_DONTWAIT);

    conn->in.size -= CHUNK - (size_t)(got < 0 ? 0 : got);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
        conn->state = CONN_DEAD;
        return;
    }
    while (take_one(conn, &used, now))
        ;
    conn->in.size -= used;
    memmove(conn->in.data, conn->in.data + used, conn->in.size);
    if (conn->in.size > IN_BYTES_MAX || conn->state >= CONN_DRAIN)
        buf_clear(&conn->in);
}

static void step_heartbeat(struct conn *conn, struct now now)
{
    struct buf text = BUF_INIT;

    if (conn->venue->exchange->put_heartbeat == NULL || conn->session.name_count == 0) {
        conn->heartbeat_at_ns = 0;
        return;
    }
    if (conn->heartbeat_at_ns == 0) {
        conn->heartbeat_at_ns = now.mono_ns + SECOND_NS;
        return;
    }
    if (now.mono_ns < conn->heartbeat_at_ns)
        return;
    conn->heartbeat_at_ns = int64_max(conn->heartbeat_at_ns, now.mono_ns - SECOND_NS) + SECOND_NS;
    conn->venue->exchange->put_heartbeat(&text);
    wsframe_encode(&conn->out, WSFRAME_TEXT, true, buf_span(&text));
    buf_deinit(&text);
}

/* Without a subscription; the messages of a client put it off. */
static bool is_idle(const struct conn *conn)
{
    return conn->venue->exchange->idle_closes && conn->session.name_count == 0;
}

static void step_open(struct conn *conn, struct now now)
{
    int64_t every_ns = conn->venue->options->ping_every_ns;

    if (conn->unanswered_ns != 0 && now.mono_ns - conn->unanswered_ns >= 3 * every_ns) {
        conn_close(conn, WSFRAME_POLICY, "pong timeout", now);
        return;
    }
    if (now.mono_ns >= conn->end_at_ns) {
        conn_close(conn, WSFRAME_GOING_AWAY, "end of the connection's life", now);
        return;
    }
    if (is_idle(conn) && now.mono_ns >= conn->idle_at_ns) {
        conn_close(conn, WSFRAME_NORMAL, "no subscription", now);
        return;
    }
    step_heartbeat(conn, now);
    if (now.mono_ns >= conn->ping_at_ns) {
        ping(conn, now);
        conn->ping_at_ns = now.mono_ns + every_ns;
    }
    feed(conn, SIZE_MAX, now);
}

/* A reset throws away what the client's kernel has not taken, so that is waited for: every frame
 * before the half one arrives. */
static void step_reset(struct conn *conn, struct now now)
{
    struct linger none = { .l_onoff = 1, .l_linger = 0 };
    int unsent = 0;

    if (!conn_has_output(conn) && ioctl(conn->fd, SIOCOUTQ, &unsent) == 0 && unsent == 0) {
        setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
        conn->state = CONN_DEAD;
    }
    conn->deadline_ns = now.mono_ns + RESET_LOOK_NS;
}

static void end_sending(struct conn *conn, struct now now)
{
    shutdown(conn->fd, SHUT_WR);
    conn->state = CONN_LINGER;
    conn->deadline_ns = now.mono_ns + LINGER_S * SECOND_NS;
}

void conn_step(struct conn *conn, struct now now)
{
    if (conn->state == CONN_OPEN)
        step_open(conn, now);
    flush(conn);
    /* at speed 0 the socket may take more than one helping */
    while (conn->state == CONN_OPEN && conn->venue->options->speed == 0 && !conn_has_output(conn) &&
           session_next(&conn->session) != NULL) {
        size_t sent = conn->sent;

        feed(conn, SIZE_MAX, now);
        flush(conn);
        if (conn->sent == sent)
            break;
    }
    if (conn->state == CONN_RESET)
        step_reset(conn, now);
    else if (conn->state == CONN_DRAIN && !conn_has_output(conn))
        end_sending(conn, now);
    else if ((conn->state == CONN_CLOSING || conn->state == CONN_LINGER) &&
             now.mono_ns >= conn->deadline_ns)
        conn->state = CONN_DEAD;
}

int64_t conn_deadline_ns(const struct conn *conn)
{
    int64_t pong_ns = conn->unanswered_ns + 3 * conn->venue->options->ping_every_ns;
    int64_t next_ns = int64_min(conn->ping_at_ns, conn->end_at_ns);

    if (conn->state == CONN_CLOSING || conn->state == CONN_LINGER || conn->state == CONN_RESET)
        return conn->deadline_ns;
    if (conn->state != CONN_OPEN)
        return INT64_MAX;
    if (conn->unanswered_ns != 0)
        next_ns = int64_min(next_ns, pong_ns);
    if (conn->heartbeat_at_ns != 0)
        next_ns = int64_min(next_ns, conn->heartbeat_at_ns);
    return is_idle(conn) ? int64_min(next_ns, conn->idle_at_ns) : next_ns;
}
