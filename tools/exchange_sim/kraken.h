// SPDX-License-Identifier: Apache-2.0
/* kraken.h: Kraken spot, WebSocket v1 and v2 and their REST, after docs.kraken.com/api.  A stream
 * is a pair's trades, under the pair's name in that version: XBT/USD in v1, BTC/USD in v2. */
#ifndef K2_EXCHANGE_SIM_KRAKEN_H
#define K2_EXCHANGE_SIM_KRAKEN_H

#include "exchange.h"

#include "core/json.h"

extern const struct exchange kraken_v1_exchange, kraken_v2_exchange;

enum { KRAKEN_SNAPSHOT_TRADES = 50 };

struct kraken_trade {
    struct span row; /* array or object, as recorded */
    struct span price, quantity, side, type, misc, symbol;
    struct span time; /* its text */
    int64_t time_ns;
    int time_digits; /* of the fraction */
    int rest_ns;     /* REST tells trades of one instant apart by hundreds of nanoseconds */
    int64_t id;      /* v1 has none: counted, for REST */
};

/* A frame's detail. */
struct kraken_event {
    struct kraken_trade *trades;
    size_t count;
};

/* A stream's detail. */
struct kraken_pair {
    int64_t channel, last_id, last_ns;
    int last_rest_ns;
    int price_decimals; /* as many as the recording's trades use */
};

/* kraken.c: what v1 and v2 share. */

/* The pair of that name as in the recording, added if it is new. */
struct kraken_pair *kraken_pair(struct world *world, struct span name, uint32_t *stream);
/* Completes a frame whose trades (copied) are all of `name`: detail, stream, time_ms. */
void kraken_note(struct world *world, struct frame *frame, struct span name,
                 struct kraken_trade *trades, size_t count);
/* A trade's time, moved as --shift-time asks, or wrong as session->wrong_time says. */
void kraken_put_time(const struct session *session, const struct frame *frame,
                     const struct kraken_trade *trade, bool v2, struct buf *out);
/* The text within `whole`, a part of the frame's, with all times moved. */
void kraken_put_moved(const struct session *session, const struct frame *frame, struct span whole,
                      bool v2, struct buf *out);
/* The rows of the last 50 trades that `stream` has had, comma-separated. */
void kraken_put_snapshot(const struct session *session, size_t stream, bool v2, struct buf *out);
/* One of the world's pairs, and not one that --faults refuse picks: its stream; or stream_count. */
size_t kraken_listed(const struct session *session, struct span name);

/* kraken_request.c: a client's request, its members under v1's or v2's names. */
struct kraken_request {
    struct json_value method, channel, id;
    struct json names;
    bool has_method, has_channel, has_id, has_names;
    bool names_wrong, params_wrong; /* there, and of the wrong type */
    bool snapshot;
};

/* False: not a JSON object. */
CHECK_RESULT bool kraken_request_parse(struct span text, bool v2, struct kraken_request *request);
/* The next name, its escapes resolved, in place of what `name` held: 0; 1: it is no string; -1:
 * there is none. */
int kraken_request_name(struct kraken_request *request, struct buf *name);

/* kraken_rest.c */
void kraken_rest(struct world *world, const struct http_request *request, int64_t now_ns,
                 struct buf *out);

#endif
