// SPDX-License-Identifier: Apache-2.0
/* binance_frame.h: one text frame of Binance's, taken apart; see binance.h for what is accepted. */
#ifndef K2_EXCHANGE_BINANCE_FRAME_H
#define K2_EXCHANGE_BINANCE_FRAME_H

#include "exchange/frame.h"

enum binance_frame_type { BINANCE_TRADE, BINANCE_REPLY, BINANCE_SHUTDOWN };

enum { BINANCE_VENDOR_MAX = FRAME_EXTRAS_MAX + 3 };

struct binance_frame {
    enum binance_frame_type type;
    /* BINANCE_TRADE */
    struct span symbol;
    int64_t id;
    int64_t time, event_time; /* in the feed's unit; event_time 0 when there is none */
    int128 price, quantity;   /* at TRADE_WIRE_SCALE */
    enum trade_side side;
    struct trade_pair vendor[BINANCE_VENDOR_MAX];
    size_t vendor_count;
    /* BINANCE_REPLY */
    bool has_id, is_refusal;
    struct span message; /* of a refusal */
};

/* REJECT as exchange_frame.  Spans point into `text` or into *scratch, which it overwrites. */
CHECK_RESULT int binance_frame_parse(struct span text, struct buf *scratch,
                                     struct binance_frame *out, struct err *err);

#endif
