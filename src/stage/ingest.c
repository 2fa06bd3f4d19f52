// SPDX-License-Identifier: Apache-2.0
/*
 * ingest.c: see ingest.h.
 *
 * Decision: an event of the feed is taken frame by frame, and the place in it is remembered, so
 * that a full queue stops in the middle of a burst and nothing that was read is lost.  What is
 * wrong is said when it begins, each minute that it lasts, and when it ends, by one place (say,
 * say_well).
 */
#include "stage/ingest.h"

#include "core/diag.h"
#include "core/hash.h"
#include "core/micros.h"
#include "core/num.h"
#include "exchange/backoff.h"
#include "stage/ingest_list.h"
#include "stage/ingest_queue.h"
#include "stage/tables.h"
#include "trade/trade_encode.h"
#include "trade/trade_schema.h"

#include <inttypes.h>

#define HEALTHY_US     (60 * MICROS_SECOND) /* of data, and failures are forgotten */
#define BACKOFF_US     (MICROS_SECOND / 2)
#define BACKOFF_US_MAX (60 * MICROS_SECOND)
#define RETRY_US       (MICROS_SECOND / 10) /* a log that refused a group */
#define MOMENT_US      (MICROS_SECOND / 1000)
#define NOTICES_US     (60 * MICROS_SECOND)
#define POLL_US        (MICROS_SECOND / 200) /* all slots of the log are under way */
#define AGAIN_US       (60 * MICROS_SECOND)  /* after which a trouble that lasts is said again */

enum { FRAMES_BETWEEN_POLLS = 64, NOTICES_MAX = 10 /* in NOTICES_US */ };

enum phase {
    PHASE_PREPARE, /* topics, schema, list: not yet */
    PHASE_WAIT,    /* for the time of the next attempt */
    PHASE_CONNECTING,
    PHASE_CONNECTED,
};

/* What can be wrong. */
enum trouble { TROUBLE_NONE, TROUBLE_PREPARE, TROUBLE_FEED, TROUBLE_LOG };

struct ingest {
    struct ingest_config config;
    struct ingest_ports ports;
    struct arena arena; /* of names */
    struct tables_names names;
    struct instruments instruments;
    struct exchange *exchange; /* NULL until the list is there */
    int32_t *partition;        /* of each instrument */
    int32_t schema_id;
    struct backoff backoff;
    enum phase phase;
    int64_t next_us; /* the next attempt, of preparing or connecting */
    int64_t
        planned_us; /* when that was decided: a clock before it ran back, and is not waited for */
    size_t url;     /* index, of the next attempt */
    struct buf url_text;
    int64_t data_us; /* when this connection's first trade came; 0: none yet */
    bool soon;       /* the exchange has said that it will end this connection */

    struct feed_event event;
    size_t event_next; /* row of event.text */
    struct ingest_queue trades, letters;
    bool is_busy;       /* all slots were under way, and nothing was acknowledged since */
    int64_t refused_us; /* the log refused a group then; 0: it did not */
    uint64_t acknowledged, acknowledged_before; /* as the log counts; when we came */
    enum trouble trouble;
    int64_t said_us;    /* when it was */
    int64_t notices_us; /* when the first of `notices` came */
    int64_t notices;    /* of the exchange; all that are more than NOTICES_MAX wait to be counted */
    struct ingest_counters counters;
};

static int64_t now_us(const struct ingest *self)
{
    return clock_now_us(self->ports.clock);
}

static void say(struct ingest *self, enum trouble trouble, const char *event, const char *text)
{
    int64_t now = now_us(self);
    bool is_news =
        self->trouble != trouble || now < self->said_us || now - self->said_us >= AGAIN_US;

    diag(is_news ? DIAG_WARN : DIAG_DEBUG, event, "exchange=%s reason=\"%s\"",
         self->config.kind->name, text);
    if (is_news)
        self->said_us = now;
    self->trouble = trouble;
    snprintf(self->counters.trouble, sizeof(self->counters.trouble), "%s", text);
}

static void say_well(struct ingest *self, enum trouble trouble, const char *event)
{
    if (self->trouble != trouble)
        return;
    diag(DIAG_INFO, event, "exchange=%s", self->config.kind->name);
    self->trouble = TROUBLE_NONE;
    self->counters.trouble[0] = '\0';
}

/* Says how many notices of the last minute were not said, once it is over. */
static void end_notices(struct ingest *self, bool is_over)
{
    int64_t now = now_us(self);

    if (self->notices == 0 ||
        (!is_over && now >= self->notices_us && now < self->notices_us + NOTICES_US))
        return;
    if (self->notices > NOTICES_MAX)
        diag(DIAG_WARN, "exchange_notices_unsaid", "exchange=%s count=%" PRId64,
             self->config.kind->name, self->notices - NOTICES_MAX);
    self->notices = 0;
}

/* What an exchange has to say is its own choice, also how often. */
static void say_notice(struct ingest *self, struct span text)
{
    end_notices(self, false);
    if (self->notices == 0)
        self->notices_us = now_us(self);
    if (++self->notices <= NOTICES_MAX)
        diag(DIAG_WARN, "exchange_notice", "exchange=%s text=\"%.*s\"", self->config.kind->name,
             SPAN_ARGS(text));
}

static void poll_log(struct ingest *self, int64_t wait_us)
{
    struct err err = { 0 };
    uint64_t before = self->acknowledged;

    if (log_poll(self->ports.log, wait_us, &self->acknowledged, &err) < 0) {
        say(self, TROUBLE_LOG, "ingest_log_failing", err.text);
        return;
    }
    if (self->acknowledged == before)
        return;
    self->is_busy = false;
    if (self->refused_us == 0)
        say_well(self, TROUBLE_LOG, "ingest_log_well");
}

/* Waits for an answer of the log, or a moment where it cannot be waited for. */
static void await_log(struct ingest *self, int64_t wait_us)
{
    uint64_t before = self->acknowledged;

    poll_log(self, int64_min(wait_us, RETRY_US));
    if (self->acknowledged == before)
        clock_wait_us(self->ports.clock,
                      int64_min(wait_us, self->refused_us != 0 ? RETRY_US : MOMENT_US));
}

/* False: the log takes nothing more now. */
static bool send_group(struct ingest *self, struct ingest_queue *queue)
{
    struct err err = { 0 };
    size_t taken;
    int rc = ingest_queue_send(queue, self->ports.log, &taken, &err);

    if (rc == LOG_BUSY) {
        self->is_busy = true;
        return false;
    }
    if (rc < 0) {
        self->refused_us = now_us(self);
        say(self, TROUBLE_LOG, "ingest_log_refuses", err.text);
        return false;
    }
    self->counters.sent += (int64_t)taken;
    if (self->refused_us != 0)
        say_well(self, TROUBLE_LOG, "ingest_log_well");
    self->refused_us = 0;
    return true;
}

/* Sends what is due. */
static void flush(struct ingest *self)
{
    struct ingest_queue *queues[] = { &self->letters, &self->trades };
    int64_t now = now_us(self);

    if (self->is_busy ||
        (self->refused_us != 0 && now >= self->refused_us && now < self->refused_us + RETRY_US))
        return;
    for (size_t i = 0; i < ARRAY_LEN(queues); i++)
        while (ingest_queue_due_us(queues[i], now) <= now)
            if (!send_group(self, queues[i]))
                return;
}

/* The log takes nothing, and as much waits as may. */
static bool is_full(const struct ingest *self)
{
    return ingest_queue_bytes(&self->trades) + ingest_queue_bytes(&self->letters) >=
           self->config.waiting_bytes_max;
}

static void pause_or_resume(struct ingest *self)
{
    bool is_full_now = is_full(self) || self->refused_us != 0;

    if (is_full_now == self->counters.is_paused)
        return;
    self->counters.is_paused = is_full_now;
    diag(is_full_now ? DIAG_WARN : DIAG_INFO, is_full_now ? "ingest_paused" : "ingest_resumed",
         "exchange=%s waiting=%zu acknowledged=%" PRIu64, self->config.kind->name,
         ingest_queue_count(&self->trades) + ingest_queue_count(&self->letters),
         self->acknowledged - self->acknowledged_before);
}

static void plan(struct ingest *self, bool soon, int64_t least_us)
{
    self->planned_us = now_us(self);
    self->next_us = backoff_next(&self->backoff, self->planned_us, clock_random(self->ports.clock),
                                 soon, least_us);
}

static bool is_time(const struct ingest *self)
{
    int64_t now = now_us(self);

    return now >= self->next_us || now < self->planned_us;
}

static int load_list(struct ingest *self, struct err *err)
{
    const struct instruments *list = &self->instruments;

    if (ingest_list_fetch(&self->config, self->ports.http, &self->instruments, err) < 0) {
        instruments_deinit(&self->instruments);
        return -1;
    }
    self->partition = mem_zero(list->count, sizeof(*self->partition));
    for (size_t i = 0; i < list->count; i++) {
        uint32_t hash = hash_murmur2(list->list[i].symbol) & 0x7fffffff;

        self->partition[i] = (int32_t)(hash % (uint32_t)self->config.partitions);
        if (!list->list[i].is_trading)
            diag(DIAG_WARN, "symbol_not_trading", "exchange=%s symbol=%.*s status=%.*s",
                 self->config.kind->name, SPAN_ARGS(list->list[i].symbol),
                 SPAN_ARGS(list->list[i].status));
    }
    self->exchange = self->config.kind->new (list);
    return 0;
}

static int prepare(struct ingest *self, struct err *err)
{
    struct log *log = self->ports.log;
    struct span schema = trade_schema_json();
    char subject[256];

    snprintf(subject, sizeof(subject), "%s-value", self->names.topic);
    if (log_ensure_topic(log, self->names.topic, self->config.partitions, err) < 0 ||
        log_ensure_topic(log, self->names.dead_topic, 1, err) < 0)
        return -1;
    if (registry_put(self->ports.registry, subject, schema, &self->schema_id, err) < 0)
        return err_wrap(err, "register %s", subject);
    return load_list(self, err);
}

static int try_prepare(struct ingest *self, struct err *err)
{
    if (!is_time(self))
        return 0;
    if (prepare(self, err) < 0) {
        if (err->kind != ERR_RETRY && err->kind != ERR_FULL)
            return -1;
        plan(self, false, 0);
        say(self, TROUBLE_PREPARE, "ingest_not_ready", err->text);
        return 0;
    }
    say_well(self, TROUBLE_PREPARE, "ingest_ready");
    backoff_reset(&self->backoff);
    self->phase = PHASE_WAIT;
    plan(self, true, 0);
    return 0;
}

static void put_trade(void *context, struct trade *trade)
{
    struct ingest *self = context;
    struct ingest_queue *queue = &self->trades;
    const struct instrument *instrument = instruments_find(&self->instruments, trade->symbol);
    size_t begin = ingest_queue_begin(queue);

    trade->platform_sequence = ++self->counters.trades;
    trade_encode(trade, self->schema_id, &queue->bytes);
    ingest_queue_put(queue, begin, queue->bytes.size,
                     self->partition[instrument - self->instruments.list],
                     trade->ingestion_timestamp_us, instrument->symbol);
    self->counters.lag_us = trade->ingestion_timestamp_us - trade->timestamp_us;
    if (self->data_us == 0)
        self->data_us = trade->ingestion_timestamp_us;
}

/* The raw frame, with the word that its rejection begins with. */
static void put_letter(struct ingest *self, struct span frame, int64_t received_us,
                       const struct err *why)
{
    struct ingest_queue *queue = &self->letters;
    size_t begin = ingest_queue_begin(queue), headers_at;
    char received[MICROS_TEXT_BYTES_MAX];
    struct span word = span_of(why->text, strcspn(why->text, ":"));

    buf_put_span(&queue->bytes, frame);
    headers_at = queue->bytes.size;
    log_headers_put(&queue->bytes, "k2-reason", word);
    log_headers_put(&queue->bytes, "k2-received",
                    span_of(received, micros_format(received_us, received)));
    ingest_queue_put(queue, begin, headers_at, 0, received_us, (struct span){ NULL, 0 });
    self->counters.dead_letters++;
    diag(DIAG_DEBUG, "dead_letter", "exchange=%s reason=\"%s\"", self->config.kind->name,
         why->text);
}

/* Frames of the event that have not been taken, until the queue is full. */
static void take_frames(struct ingest *self)
{
    struct exchange_sink sink = { put_trade, self };
    struct feed_event *event = &self->event;

    while (event->type == FEED_FRAMES && self->event_next < event->text.rows && !is_full(self)) {
        struct span frame = column_bytes(&event->text, self->event_next);
        int64_t received_us = column_int64(&event->received_us, self->event_next);
        struct err why;

        if (exchange_frame(self->exchange, frame, received_us, &sink, &why) < 0)
            put_letter(self, frame, received_us, &why);
        self->event_next++;
        self->counters.frames++;
        self->counters.last_frame_us = received_us;
        if (self->event_next % FRAMES_BETWEEN_POLLS == 0)
            poll_log(self, 0);
        if (ingest_queue_count(&self->trades) >= self->config.flush_every)
            flush(self);
    }
}

static bool has_frames(const struct ingest *self)
{
    return self->event.type == FEED_FRAMES && self->event_next < self->event.text.rows;
}

static int act(struct ingest *self, struct err *err)
{
    struct exchange_action action;

    while (exchange_action(self->exchange, &action)) {
        switch (action.type) {
        case EXCHANGE_SEND:
            if (feed_send(self->ports.feed, action.text, err) < 0)
                return -1;
            break;
        case EXCHANGE_RECONNECT:
            diag(DIAG_INFO, "ingest_reconnects", "exchange=%s reason=\"%.*s\"",
                 self->config.kind->name, SPAN_ARGS(action.text));
            feed_disconnect(self->ports.feed);
            break;
        case EXCHANGE_ENDS:
            diag(DIAG_INFO, "ingest_will_end", "exchange=%s reason=\"%.*s\"",
                 self->config.kind->name, SPAN_ARGS(action.text));
            self->soon = true;
            break;
        case EXCHANGE_NOTE:
            say_notice(self, action.text);
            break;
        }
    }
    return 0;
}

static void judge_health(struct ingest *self)
{
    if (self->data_us != 0 && self->counters.last_frame_us - self->data_us >= HEALTHY_US)
        backoff_reset(&self->backoff);
}

static int try_connect(struct ingest *self, struct err *err)
{
    if (!is_time(self))
        return 0;
    buf_clear(&self->url_text);
    exchange_url(self->exchange, self->config.urls[self->url], &self->url_text);
    if (feed_connect(self->ports.feed, buf_text(&self->url_text), err) < 0)
        return -1;
    self->counters.attempts++;
    self->data_us = 0;
    self->soon = false;
    self->phase = PHASE_CONNECTING;
    return 0;
}

static void on_connected(struct ingest *self)
{
    self->phase = PHASE_CONNECTED;
    self->counters.connections++;
    self->counters.is_connected = true;
    exchange_connected(self->exchange, buf_text(&self->url_text), now_us(self));
    diag(DIAG_INFO, "ingest_connected", "exchange=%s url=%s", self->config.kind->name,
         buf_text(&self->url_text));
}

static void on_closed(struct ingest *self)
{
    bool had_data = self->data_us != 0;

    judge_health(self);
    if (!had_data)
        self->url = (self->url + 1) % self->config.url_count;
    plan(self, self->soon, self->event.retry_after_ms * 1000);
    if (self->phase == PHASE_CONNECTED)
        diag(DIAG_INFO, "ingest_disconnected", "exchange=%s reason=\"%s\" again_in_ms=%" PRId64,
             self->config.kind->name, self->event.reason,
             (self->next_us - self->planned_us) / 1000);
    if (!had_data)
        say(self, TROUBLE_FEED, "ingest_no_feed", self->event.reason);
    exchange_disconnected(self->exchange);
    self->counters.is_connected = false;
    self->phase = PHASE_WAIT;
}

static int on_event(struct ingest *self, struct err *err)
{
    switch (self->event.type) {
    case FEED_CONNECTED:
        on_connected(self);
        break;
    case FEED_FRAMES:
        take_frames(self);
        judge_health(self);
        say_well(self, TROUBLE_FEED, "ingest_feed_well");
        break;
    case FEED_CLOSED:
        on_closed(self);
        break;
    case FEED_IDLE:
        break;
    }
    return act(self, err);
}

/* How long the feed may be waited for. */
static int64_t patience_us(const struct ingest *self, int64_t wait_us)
{
    int64_t now = now_us(self);
    int64_t due = int64_min(ingest_queue_due_us(&self->trades, now),
                            ingest_queue_due_us(&self->letters, now));

    if (self->is_busy)
        due = int64_max(due, now + POLL_US);
    due = int64_min(due, exchange_due_us(self->exchange));
    return int64_max(0, int64_min(wait_us, due == INT64_MAX ? wait_us : due - now));
}

static int step_feed(struct ingest *self, int64_t wait_us, struct err *err)
{
    if (self->phase == PHASE_CONNECTED && !has_frames(self)) {
        exchange_tick(self->exchange, now_us(self));
        if (act(self, err) < 0)
            return -1;
    }
    if (!has_frames(self)) {
        self->event_next = 0;
        if (feed_next(self->ports.feed, patience_us(self, wait_us), &self->event, err) < 0)
            return -1;
    }
    return on_event(self, err);
}

int ingest_step(struct ingest *self, int64_t wait_us, struct err *err)
{
    int rc = 0;

    flush(self);
    poll_log(self, 0);
    end_notices(self, false);
    pause_or_resume(self);
    if (self->counters.is_paused) {
        await_log(self, wait_us);
        flush(self);
        pause_or_resume(self);
        return 0;
    }
    if (self->phase == PHASE_PREPARE)
        rc = try_prepare(self, err);
    else if (self->phase == PHASE_WAIT)
        rc = try_connect(self, err);
    if (rc == 0 && self->phase >= PHASE_CONNECTING)
        rc = step_feed(self, wait_us, err);
    else if (rc == 0)
        clock_wait_us(self->ports.clock,
                      int64_min(wait_us, int64_max(0, self->next_us - now_us(self))));
    flush(self);
    poll_log(self, 0);
    return rc;
}

/* What was read, until the feed says CLOSED. */
static int drain(struct ingest *self, int64_t until_us, struct err *err)
{
    if (self->phase < PHASE_CONNECTING)
        return 0;
    feed_disconnect(self->ports.feed);
    while (self->phase >= PHASE_CONNECTING && now_us(self) < until_us) {
        flush(self);
        if (is_full(self))
            await_log(self, RETRY_US);
        if (has_frames(self))
            take_frames(self);
        else if (step_feed(self, RETRY_US, err) < 0)
            return -1;
    }
    return 0;
}

int ingest_stop(struct ingest *self, int64_t timeout_us, struct err *err)
{
    int64_t until_us = now_us(self) + timeout_us;
    int64_t left;

    if (drain(self, until_us, err) < 0)
        return -1;
    end_notices(self, true);
    for (;;) {
        flush(self);
        left = (int64_t)(ingest_queue_count(&self->trades) + ingest_queue_count(&self->letters)) +
               self->counters.sent - (int64_t)(self->acknowledged - self->acknowledged_before);
        if ((left <= 0 && !has_frames(self)) || now_us(self) >= until_us)
            break;
        await_log(self, RETRY_US);
    }
    if (left > 0 || has_frames(self))
        return err_set(err, ERR_RETRY, "%s: the log has not acknowledged %" PRId64 " records: %s",
                       self->config.kind->name, left, self->counters.trouble);
    return 0;
}

void ingest_counters(const struct ingest *self, struct ingest_counters *out)
{
    *out = self->counters;
    out->acknowledged = (int64_t)(self->acknowledged - self->acknowledged_before);
    out->waiting =
        (int64_t)(ingest_queue_count(&self->trades) + ingest_queue_count(&self->letters));
    out->symbols = (int64_t)self->config.symbol_count;
    if (self->exchange != NULL) {
        struct exchange_counters exchange;

        exchange_count(self->exchange, &exchange);
        out->control = exchange.control;
        out->missing = exchange.missing;
        out->repeated = exchange.repeated;
        out->subscribed = exchange.acked;
        out->refused = exchange.refused;
    }
}

struct ingest *ingest_new(const struct ingest_config *config, const struct ingest_ports *ports)
{
    struct ingest *self = mem_zero(1, sizeof(*self));
    struct err err = { 0 };

    self->config = *config;
    self->ports = *ports;
    if (self->config.flush_every == 0)
        self->config.flush_every = 10;
    if (self->config.waiting_bytes_max == 0)
        self->config.waiting_bytes_max = 4 << 20;
    tables_names(&self->names, &self->arena, config->kind->name);
    ingest_queue_init(&self->trades, self->names.topic, self->config.flush_every);
    ingest_queue_init(&self->letters, self->names.dead_topic, self->config.flush_every);
    feed_event_init(&self->event);
    self->backoff = backoff_init(BACKOFF_US, BACKOFF_US_MAX, config->kind->attempts_max,
                                 config->kind->attempt_window_us, now_us(self));
    /* A log that cannot be asked yet has acknowledged nothing. */
    if (log_poll(ports->log, 0, &self->acknowledged_before, &err) < 0)
        self->acknowledged_before = 0;
    self->acknowledged = self->acknowledged_before;
    return self;
}

void ingest_free(struct ingest *self)
{
    if (self == NULL)
        return;
    exchange_free(self->exchange);
    instruments_deinit(&self->instruments);
    free(self->partition);
    ingest_queue_deinit(&self->trades);
    ingest_queue_deinit(&self->letters);
    feed_event_deinit(&self->event);
    buf_deinit(&self->url_text);
    arena_deinit(&self->arena);
    free(self);
}
