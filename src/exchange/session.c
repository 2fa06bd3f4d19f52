// SPDX-License-Identifier: Apache-2.0
/* session.c: see session.h. */
#include "exchange/session.h"

#include "core/micros.h"
#include "core/num.h"

#include <inttypes.h>
#include <stdarg.h>

enum { TRIES_MAX = 3, MESSAGE_BYTES_MAX = 200, TRADES_TO_KNOW = 20 };

#define SILENCE_US_MIN (30 * MICROS_SECOND)
#define TICK_US_MAX    (2 * MICROS_SECOND)
#define NEVER          INT64_MAX

struct pending_action {
    enum exchange_action_type type;
    size_t from, size; /* in action_text */
};

static struct session_request *requests(const struct session *self)
{
    return (struct session_request *)(void *)self->requests.data;
}

static size_t request_count(const struct session *self)
{
    return self->requests.size / sizeof(struct session_request);
}

void session_init(struct session *self, const struct instruments *instruments,
                  const struct session_rules *rules)
{
    *self = (struct session){ .instruments = instruments, .rules = *rules };
    self->symbol = mem_zero(instruments->count + 1, sizeof(*self->symbol));
    for (size_t i = 0; i < instruments->count; i++)
        self->symbol[i].last_id = -1;
}

void session_deinit(struct session *self)
{
    free(self->symbol);
    buf_deinit(&self->requests);
    buf_deinit(&self->actions);
    buf_deinit(&self->action_text);
    *self = (struct session){ 0 };
}

/* -- actions */

void session_act(struct session *self, enum exchange_action_type type, const char *format, ...)
{
    struct pending_action action = { type, self->action_text.size, 0 };
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_put_text(&self->action_text, text);
    action.size = self->action_text.size - action.from;
    buf_put(&self->actions, &action, sizeof(action));
}

bool session_action(struct session *self, struct exchange_action *out)
{
    const struct pending_action *action;

    if (self->action_next * sizeof(*action) >= self->actions.size) {
        buf_clear(&self->actions);
        buf_clear(&self->action_text);
        self->action_next = 0;
        return false;
    }
    action = (const struct pending_action *)(const void *)self->actions.data + self->action_next++;
    out->type = action->type;
    out->text = span_of(self->action_text.data + action->from, action->size);
    return true;
}

/* -- requests */

static void drop_request(struct session *self, size_t index)
{
    struct session_request *at = requests(self) + index;

    memmove(at, at + 1, (request_count(self) - index - 1) * sizeof(*at));
    self->requests.size -= sizeof(*at);
}

static void put_request(struct session *self, size_t first, size_t count)
{
    struct session_request request = { .first = first, .count = count };

    buf_put(&self->requests, &request, sizeof(request));
}

static bool is_settled(const struct session *self, const struct session_request *range)
{
    for (size_t i = range->first; i < range->first + range->count; i++)
        if (session_is_wanted(self, i))
            return false;
    return true;
}

static void forget(struct session *self)
{
    buf_clear(&self->requests);
    for (size_t i = 0; i < self->instruments->count; i++)
        self->symbol[i].state = SESSION_IDLE;
    self->trade_us = self->frame_us = 0;
    self->is_halted = false;
}

void session_connected(struct session *self, int64_t now_us)
{
    size_t count = self->instruments->count, most = self->rules.names_max;

    forget(self);
    self->connected = true;
    self->tick_us = self->send_us = now_us;
    for (size_t i = 0; i < count; i += most)
        put_request(self, i, size_min(most, count - i));
}

void session_disconnected(struct session *self)
{
    forget(self);
    self->connected = false;
}

static void send_request(struct session *self, struct session_request *request, int64_t now_us,
                         session_ask ask, void *context)
{
    struct pending_action action = { EXCHANGE_SEND, self->action_text.size, 0 };

    request->id = ++self->next_id;
    request->sent_us = now_us;
    request->tries++;
    for (size_t i = request->first; i < request->first + request->count; i++)
        if (self->symbol[i].state == SESSION_IDLE)
            self->symbol[i].state = SESSION_REQUESTED;
    ask(context, request, &self->action_text);
    action.size = self->action_text.size - action.from;
    buf_put(&self->actions, &action, sizeof(action));
    self->send_us = now_us + self->rules.send_gap_us;
}

/* A request has gone without reply for too long. */
static void on_lost(struct session *self, size_t index, int64_t now_us)
{
    struct session_request *request = requests(self) + index;

    if (request->tries < TRIES_MAX) {
        request->id = 0;
        self->send_us = int64_max(self->send_us, now_us);
        return;
    }
    if (self->trade_us == 0)
        session_act(self, EXCHANGE_RECONNECT, "%d requests to subscribe without a reply",
                    TRIES_MAX);
    else
        session_act(self, EXCHANGE_NOTE, "%zu symbols from %.*s on: never acknowledged",
                    request->count, SPAN_ARGS(self->instruments->list[request->first].name));
    drop_request(self, index);
}

/* -- silence */

static int64_t silence_us_max(const struct session *self)
{
    return int64_max(SILENCE_US_MIN, 20 * self->interval_us);
}

static bool minds_frames(const struct session *self)
{
    return self->rules.dead_us != 0 && self->frame_us != 0;
}

static bool minds_trades(const struct session *self)
{
    return self->trade_us != 0 && self->trades_known >= TRADES_TO_KNOW && !self->is_halted;
}

/* Pings prove the socket only: a feed whose usual flow has stopped is dead. */
static void check_silence(struct session *self, int64_t now_us)
{
    int64_t unseen_us = now_us - self->tick_us > TICK_US_MAX ? now_us - self->tick_us : 0;

    if (self->trade_us != 0)
        self->trade_us += unseen_us;
    if (self->frame_us != 0)
        self->frame_us += unseen_us;
    self->tick_us = now_us;
    if (minds_frames(self) && now_us - self->frame_us >= self->rules.dead_us) {
        session_act(self, EXCHANGE_RECONNECT, "no frame, not even a heartbeat, for %" PRId64 " s",
                    (now_us - self->frame_us) / MICROS_SECOND);
        self->frame_us = self->trade_us = 0;
    } else if (minds_trades(self) && now_us - self->trade_us >= silence_us_max(self)) {
        session_act(self, EXCHANGE_RECONNECT, "subscribed, but no trade for %" PRId64 " s",
                    (now_us - self->trade_us) / MICROS_SECOND);
        self->trade_us = 0;
    }
}

void session_tick(struct session *self, int64_t now_us, session_ask ask, void *context)
{
    if (!self->connected)
        return;
    for (size_t i = 0; i < request_count(self); i++) {
        struct session_request *request = requests(self) + i;
        size_t before = request_count(self);

        if (is_settled(self, request))
            drop_request(self, i);
        else if (request->id != 0 && now_us - request->sent_us >= self->rules.reply_us_max)
            on_lost(self, i, now_us);
        else if (request->id == 0 && now_us >= self->send_us)
            send_request(self, request, now_us, ask, context);
        i -= before - request_count(self);
    }
    check_silence(self, now_us);
}

int64_t session_due_us(const struct session *self)
{
    int64_t due = NEVER;

    if (!self->connected)
        return NEVER;
    for (size_t i = 0; i < request_count(self); i++) {
        const struct session_request *request = requests(self) + i;

        due = int64_min(due, request->id == 0 ? self->send_us
                                              : request->sent_us + self->rules.reply_us_max);
    }
    if (minds_frames(self))
        due = int64_min(due, self->frame_us + self->rules.dead_us);
    if (minds_trades(self))
        due = int64_min(due, self->trade_us + silence_us_max(self));
    return due;
}

/* -- replies */

const struct session_request *session_request(const struct session *self, int64_t id)
{
    for (size_t i = 0; i < request_count(self); i++)
        if (id != 0 ? requests(self)[i].id == id : requests(self)[i].id != 0)
            return &requests(self)[i];
    return NULL;
}

void session_ack_symbol(struct session *self, size_t index, int64_t now_us)
{
    self->symbol[index].state = SESSION_ACKED;
    if (self->trade_us == 0)
        self->trade_us = now_us;
    if (self->frame_us == 0)
        self->frame_us = now_us;
}

void session_grant(struct session *self, const struct session_request *request, int64_t now_us)
{
    for (size_t i = request->first; i < request->first + request->count; i++)
        session_ack_symbol(self, i, now_us);
    drop_request(self, (size_t)(request - requests(self)));
}

void session_refuse_symbol(struct session *self, size_t index, struct span message)
{
    if (self->symbol[index].state == SESSION_REFUSED)
        return;
    self->symbol[index].state = SESSION_REFUSED;
    session_act(self, EXCHANGE_NOTE, "%.*s is refused: %.*s",
                SPAN_ARGS(self->instruments->list[index].name),
                (int)size_min(message.size, MESSAGE_BYTES_MAX), (const char *)message.data);
    for (size_t i = 0; i < self->instruments->count; i++)
        if (self->symbol[i].state != SESSION_REFUSED)
            return;
    session_act(self, EXCHANGE_RECONNECT, "every symbol is refused");
}

void session_refuse(struct session *self, const struct session_request *request,
                    struct span message)
{
    const struct session_request whole = *request;
    size_t half = whole.count / 2;

    drop_request(self, (size_t)(request - requests(self)));
    if (whole.count == 1 && session_is_wanted(self, whole.first)) {
        session_refuse_symbol(self, whole.first, message);
    } else if (whole.count > 1) {
        put_request(self, whole.first, half);
        put_request(self, whole.first + half, whole.count - half);
    }
}

void session_postpone(struct session *self, const struct session_request *request, int64_t until_us)
{
    requests(self)[request - requests(self)].id = 0;
    self->send_us = int64_max(self->send_us, until_us);
}

/* -- trades */

/* A running mean over the last 64 or so. */
static void learn_interval(struct session *self, int64_t now_us)
{
    if (self->trade_us != 0)
        self->interval_us += (int64_max(0, now_us - self->trade_us) - self->interval_us) / 64;
    self->trades_known++;
    self->trade_us = int64_max(self->trade_us, now_us);
}

static void follow_ids(struct session *self, struct session_symbol *symbol, int64_t id)
{
    if (symbol->last_id >= 0 && id > symbol->last_id + 1)
        self->counters.missing += id - symbol->last_id - 1;
    else if (id <= symbol->last_id)
        self->counters.repeated++;
    symbol->last_id = int64_max(symbol->last_id, id);
}

void session_trade(struct session *self, size_t index, int64_t id, int64_t received_us)
{
    struct session_symbol *symbol = &self->symbol[index];

    symbol->state = SESSION_ACKED;
    if (self->frame_us == 0)
        self->frame_us = received_us;
    if (id >= 0)
        follow_ids(self, symbol, id);
    learn_interval(self, received_us);
    self->counters.trades++;
}

void session_count(const struct session *self, struct exchange_counters *out)
{
    *out = self->counters;
    out->symbols = (int64_t)self->instruments->count;
    out->acked = out->refused = 0;
    for (size_t i = 0; i < self->instruments->count; i++) {
        out->acked += self->symbol[i].state == SESSION_ACKED;
        out->refused += self->symbol[i].state == SESSION_REFUSED;
    }
}
