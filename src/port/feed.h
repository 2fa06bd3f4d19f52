// SPDX-License-Identifier: Apache-2.0
/*
 * feed.h: port: one WebSocket connection to an exchange, made again as often as it takes.
 *
 * Frames are handed out in batches, as columns: a burst comes as one event and no frame costs an
 * allocation.  What a frame means is src/exchange's business; pings are answered by the adapter, at
 * once and with their payload, also while nobody calls feed_next.  Adapters: feed_websocket.c
 * (libwebsockets), feed_mem.c (a script).  One thread at a time.
 */
#ifndef K2_PORT_FEED_H
#define K2_PORT_FEED_H

#include "core/column.h"
#include "core/err.h"

#include "port/clock.h"

enum { FEED_REASON_BYTES = 256 };

enum feed_event_type {
    FEED_IDLE,      /* nothing came within the time given */
    FEED_CONNECTED, /* the upgrade is done; messages can be sent */
    FEED_FRAMES,    /* text, received_us */
    FEED_CLOSED,    /* reason, retry_after_ms; also when a connection could not be made */
};

/* Made by feed_event_init, filled by feed_next. */
struct feed_event {
    enum feed_event_type type;
    struct column text;             /* BYTES: whole messages in order, as they came */
    struct column received_us;      /* INT64: when each was read */
    char reason[FEED_REASON_BYTES]; /* what failed, for people; terminated */
    int64_t retry_after_ms;         /* what the server asked for, else 0 */
};

void feed_event_init(struct feed_event *event);
void feed_event_deinit(struct feed_event *event);
/* IDLE and no frames; the memory is kept. */
void feed_event_clear(struct feed_event *event);

struct feed;

struct feed_ops {
    int (*connect)(struct feed *feed, const char *url, struct err *err);
    int (*next)(struct feed *feed, int64_t wait_us, struct feed_event *event, struct err *err);
    int (*send)(struct feed *feed, struct span text, struct err *err);
    void (*disconnect)(struct feed *feed);
    void (*close)(struct feed *feed);
};

struct feed {
    const struct feed_ops *ops;
};

/* Begins a connection to ws://… or wss://…; how that went is an event.  Only while there is none:
 * at first, and after FEED_CLOSED.  CONFIG: no such URL. */
CHECK_RESULT static inline int feed_connect(struct feed *feed, const char *url, struct err *err)
{
    return feed->ops->connect(feed, url, err);
}

/* Waits up to wait_us for an event; whatever *event held is gone.  For one connection: CONNECTED
 * (unless that failed), FRAMES, then CLOSED once; all frames that were read come before it. */
CHECK_RESULT static inline int feed_next(struct feed *feed, int64_t wait_us,
                                         struct feed_event *event, struct err *err)
{
    return feed->ops->next(feed, wait_us, event, err);
}

/* Queues a text message (bytes are copied); dropped when the connection is gone. */
CHECK_RESULT static inline int feed_send(struct feed *feed, struct span text, struct err *err)
{
    return feed->ops->send(feed, text, err);
}

/* Ends the connection or the attempt, if there is one; FEED_CLOSED follows, after the frames that
 * had been read. */
static inline void feed_disconnect(struct feed *feed)
{
    feed->ops->disconnect(feed);
}

static inline void feed_close(struct feed *feed)
{
    if (feed != NULL)
        feed->ops->close(feed);
}

/* Zero fields take the values in brackets. */
struct feed_websocket_options {
    int64_t connect_ms_max; /* [10,000] from feed_connect to the upgrade */
    int64_t idle_ms_max;    /* [30,000] without a byte from the server: closed */
    size_t frame_bytes_max; /* [16 MiB] a larger message: closed */
    size_t queue_bytes_max; /* [8 MiB] not yet fetched: the socket is not read */
};

/* A thread of its own serves the socket, so that a slow caller misses no ping.  TLS: the name is
 * verified against the system's certificates, or SSL_CERT_FILE's.  clock is borrowed. */
CHECK_RESULT int feed_websocket_open(const struct feed_websocket_options *options,
                                     struct clock *clock, struct feed **out, struct err *err);

/*
 * A script for tests: each entry is for the connection that is there, or the next one made.  An
 * entry is handed out by feed_next once the clock has reached its time; FRAMES holds all frames
 * that are due up to the next other entry.  A connection that finds nothing in the script stays
 * idle, unconnected.  clock is borrowed; waiting moves it.
 */
struct feed *feed_mem_open(struct clock *clock);
void feed_mem_push_connected(struct feed *feed, int64_t at_us);
void feed_mem_push_frame(struct feed *feed, int64_t at_us, struct span text);
void feed_mem_push_closed(struct feed *feed, int64_t at_us, const char *reason,
                          int64_t retry_after_ms);
/* What the other side did: URLs it was asked to connect to and texts it was sent, oldest first;
 * NULL beyond the last. */
const char *feed_mem_url(struct feed *feed, size_t index);
const char *feed_mem_sent(struct feed *feed, size_t index);
/* How often feed_next was called. */
size_t feed_mem_reads(struct feed *feed);

#endif
