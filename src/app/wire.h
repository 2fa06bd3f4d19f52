// SPDX-License-Identifier: Apache-2.0
/*
 * wire.h: configuration -> adapters -> ports: the only place that knows all adapters.
 */
#ifndef K2_APP_WIRE_H
#define K2_APP_WIRE_H

#include "app/config.h"
#include "port/feed.h"
#include "port/http.h"
#include "port/s3_credentials.h"
#include "stage/stage.h"
#include "trade/trade_check.h"

/* What a command needs opened. */
enum {
    WIRE_TABLES = 1,   /* store and catalog */
    WIRE_REGISTRY = 2, /* schema registry */
    WIRE_LOG = 4,      /* message log */
    WIRE_MAKE = 8,     /* what is missing is made; without it that is CONFIG */
    WIRE_LATER = 16,   /* servers need not answer yet: the jobs wait for them; without it they have
                          10 s */
};

struct wire {
    const struct config *config;
    struct arena arena;
    const char *database, *log_file, *warehouse; /* paths */
    const char *worker;                          /* host-pid-random */
    struct trade_rules rules;
    struct clock *clock;
    struct store *store;
    struct s3_keys *keys; /* of the store, when it is S3 and the catalog vends none */
    struct catalog *catalog;
    struct registry *registry;
    struct log *log;
};

/* Opens `parts`; afterwards, also after -1, wire_close.  Borrows config.  The ports are any
 * thread's. */
CHECK_RESULT int wire_open(struct wire *wire, const struct config *config, int parts,
                           struct err *err);
void wire_close(struct wire *wire);

bool wire_registry_is_embedded(const struct config *config);
/* Whether anything lies under data_dir. */
bool wire_is_embedded(const struct config *config);

/* Opens wire->log for a command that can do without; WIRE_NO_LOG: there is none, an embedded log
 * that was never made.  RETRY: it is Kafka, and no broker answers.  No group is joined. */
enum { WIRE_NO_LOG = 1 };
CHECK_RESULT int wire_find_log(struct wire *wire, struct err *err);

/* Another handle on the log, the caller's to close: acknowledgements are counted by handle.  Its
 * servers need not have answered: log_reach. */
CHECK_RESULT int wire_open_log(struct wire *wire, struct log **out, struct err *err);
CHECK_RESULT int wire_open_feed(struct wire *wire, struct feed **out, struct err *err);
CHECK_RESULT int wire_open_http(struct wire *wire, struct http **out, struct err *err);

/* Borrowed from `wire`; batches are cut from the configured memory. */
void wire_stage_ports(const struct wire *wire, struct stage_ports *out);
/* The same for maintain, which needs no log that forgets by itself: on Kafka none. */
void wire_maintain_ports(const struct wire *wire, struct stage_ports *out);

/* The exchanges that run, by name. */
const char *const *wire_exchanges(const struct config *config, size_t *count);
int32_t wire_partitions(const struct wire *wire, const char *exchange);

#endif
