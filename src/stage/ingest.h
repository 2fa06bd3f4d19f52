// SPDX-License-Identifier: Apache-2.0
/*
 * ingest.h: exchange -> log topic: trades as V2 Avro, keyed by symbol; frames that are no trades
 * raw to the exchange's dead-letter topic.
 *
 * A step is one look at everything that may have happened: it waits for the feed at most as long as
 * asked, and never for the log.  Groups leave as ingest_queue.h says; a trade is safe once the log
 * acknowledges it, and those that are not yet are counted.  When the log cannot take trades and
 * `waiting_bytes_max` of them wait, the feed is not read until it can.
 *
 * Outages end no step: no network, no log, no registry are said once, tried again with backoff, and
 * said again when they are over; ingest_counters has the text of what is wrong now.  Of an
 * exchange's notices ten a minute are said, and then how many more there were.
 */
#ifndef K2_STAGE_INGEST_H
#define K2_STAGE_INGEST_H

#include "exchange/exchange.h"
#include "port/feed.h"
#include "port/http.h"
#include "port/log.h"
#include "port/registry.h"

struct ingest_ports {
    struct feed *feed;
    struct http *http;
    struct log *log; /* of this ingest alone: acknowledgements are counted by log handle */
    struct registry *registry;
    struct clock *clock;
};

struct ingest_config {
    const struct exchange_kind *kind; /* &binance_kind */
    const char *const *urls;          /* alternatives, tried in turn; at least one */
    size_t url_count;
    const char *rest_url;
    const char *const *symbols;
    size_t symbol_count;
    int32_t partitions;       /* of the topic */
    size_t flush_every;       /* trades that make a group due: 10 */
    size_t waiting_bytes_max; /* of records that the log has not taken: 4 MiB */
    int scale;                /* decimals of the tables' prices and quantities */
};

struct ingest_counters {
    int64_t frames, trades, dead_letters;
    int64_t control;            /* frames that were replies and notices */
    int64_t missing, repeated;  /* trade ids passed over; seen before */
    int64_t sent, acknowledged; /* records that the log took; that it has safe */
    int64_t waiting;            /* records that it has not taken */
    int64_t attempts, connections;
    int64_t last_frame_us; /* when the last one was read; 0: none yet */
    int64_t lag_us;        /* of the last trade: its reading behind the exchange's time */
    int64_t symbols, subscribed, refused;
    bool is_connected, is_paused; /* paused: the log cannot take trades, the feed is not read */
    char trouble[256];            /* what is wrong now, for people; empty: nothing */
};

struct ingest; /* one thread's */

/* Does no I/O yet.  Borrows what config and ports point to. */
struct ingest *ingest_new(const struct ingest_config *config, const struct ingest_ports *ports);
void ingest_free(struct ingest *ingest);

/* Waits up to wait_us for something to do.  0; -1 CONFIG or worse: somebody must act, the text says
 * who: a symbol is not listed, a topic has other partitions, … */
CHECK_RESULT int ingest_step(struct ingest *ingest, int64_t wait_us, struct err *err);

/* Closes the connection, takes what was read from it, and waits until the log has acknowledged it
 * all, at most timeout_us.  RETRY: the text says how much it has not.  No step after it. */
CHECK_RESULT int ingest_stop(struct ingest *ingest, int64_t timeout_us, struct err *err);

void ingest_counters(const struct ingest *ingest, struct ingest_counters *out);

/* Asks the exchange for its list and tests the configured symbols against it, once; for `k2 check`.
 * CONFIG; RETRY with the URL and what failed. */
CHECK_RESULT int ingest_check(const struct ingest_config *config, struct http *http,
                              struct err *err);

#endif
