// SPDX-License-Identifier: Apache-2.0
/* kraken_private.h: what kraken.c does for the frames of v1 (kraken_v1.c) and v2 (kraken_v2.c). */
#ifndef K2_EXCHANGE_KRAKEN_PRIVATE_H
#define K2_EXCHANGE_KRAKEN_PRIVATE_H

#include "exchange/frame.h"
#include "exchange/kraken.h"
#include "exchange/ordinals.h"
#include "exchange/session.h"

enum { KRAKEN_VENDOR_MAX = FRAME_EXTRAS_MAX + 1 };

struct kraken;

/* A frame of one API, as exchange_frame; the frame is alive unless it says otherwise. */
typedef int (*kraken_frame)(struct kraken *self, struct span text, int64_t received_us,
                            const struct exchange_sink *sink, struct err *err);

struct kraken_dialect {
    const char *path; /* of a URL that has none */
    session_ask ask;  /* context: struct kraken */
    kraken_frame frame;
};

struct kraken {
    struct exchange exchange;
    struct session session;
    const struct kraken_dialect *dialect;
    struct arena arena;
    struct span *pair; /* of each instrument, in v2's words */
    struct ordinals ordinals;
    struct buf scratch; /* unescaped text of a trade or reply; room for a frame's */
    struct buf name;
    char system[32]; /* what the exchange says of itself; empty: not yet */
};

/* One trade of a frame, before its pair is looked up. */
struct kraken_trade {
    struct span pair;
    int64_t id; /* TRADE_NO_ID: made of the trade and its ordinal */
    int64_t timestamp_us;
    int128 price, quantity;
    enum trade_side side;
    struct span order_type;
    struct trade_pair vendor[KRAKEN_VENDOR_MAX];
    size_t vendor_count;
};

CHECK_RESULT int kraken_put(struct kraken *self, const struct kraken_trade *trade,
                            int64_t received_us, const struct exchange_sink *sink, struct err *err);

/* An answer to a request to subscribe, or an error. */
struct kraken_reply {
    int64_t id; /* 0: none */
    struct span pair;
    bool is_refusal, is_end; /* end: a subscription ended */
    struct span message;
};
void kraken_answer(struct kraken *self, const struct kraken_reply *reply, int64_t now_us);

/* What the exchange says of itself: online, maintenance, … */
void kraken_say_system(struct kraken *self, struct span system, int64_t now_us);

/* buy, b, sell, s; NULL, another type and another word are UNKNOWN. */
enum trade_side kraken_side(const struct json_value *value);
/* The text of a reply's number; 0: none, or none of ours. */
int64_t kraken_reply_id(const struct json_value *value);

/* The pairs to ask for, as JSON strings with commas between, each by `put`. */
void kraken_put_wanted(const struct kraken *self, const struct session_request *request,
                       void (*put)(struct span pair, struct buf *out), struct buf *text);

#endif
