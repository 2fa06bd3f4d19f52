// SPDX-License-Identifier: Apache-2.0
/* wsframe.h: the server's side of WebSocket frames (RFC 6455), bytes in, bytes out. */
#ifndef K2_EXCHANGE_SIM_WSFRAME_H
#define K2_EXCHANGE_SIM_WSFRAME_H

#include "core/buf.h"
#include "core/span.h"

enum wsframe_opcode {
    WSFRAME_CONTINUATION = 0,
    WSFRAME_TEXT = 1,
    WSFRAME_BINARY = 2,
    WSFRAME_CLOSE = 8,
    WSFRAME_PING = 9,
    WSFRAME_PONG = 10,
};

enum wsframe_close {
    WSFRAME_NORMAL = 1000,
    WSFRAME_GOING_AWAY = 1001,
    WSFRAME_PROTOCOL = 1002,
    WSFRAME_UNSUPPORTED = 1003,
    WSFRAME_POLICY = 1008,
    WSFRAME_TOO_BIG = 1009,
};

enum { WSFRAME_MORE = -1, WSFRAME_PAYLOAD_BYTES_MAX = 1024 * 1024, WSFRAME_ACCEPT_BYTES = 29 };

struct wsframe {
    enum wsframe_opcode opcode;
    bool last;           /* FIN */
    struct span payload; /* unmasked, in place */
    size_t size;         /* bytes that the frame took */
};

/* Takes a client's frame off the front of `bytes`, which is unmasked in place: 0, WSFRAME_MORE, or
 * the code to close with: an unmasked, reserved, oversized or otherwise forbidden frame. */
CHECK_RESULT int wsframe_decode(uint8_t *bytes, size_t size, struct wsframe *frame);
void wsframe_encode(struct buf *out, enum wsframe_opcode opcode, bool last, struct span payload);
/* code 0: without one */
void wsframe_encode_close(struct buf *out, unsigned code, const char *reason);
/* Sec-WebSocket-Accept for a key. */
void wsframe_accept(struct span key, char accept[WSFRAME_ACCEPT_BYTES]);

#endif
