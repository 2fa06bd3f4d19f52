// SPDX-License-Identifier: Apache-2.0
/* conn.h: one client's connection: bytes in, protocol, faults, bytes out.  It never blocks; the
 * loop in server.c calls conn_read when there is something to read and conn_step on every turn. */
#ifndef K2_EXCHANGE_SIM_CONN_H
#define K2_EXCHANGE_SIM_CONN_H

#include "exchange.h"

enum {
    CONN_PINGS_KEPT = 4,
};

struct now {
    int64_t real_ns, mono_ns;
};

/* What connections share. */
struct venue {
    const struct options *options;
    const struct exchange *exchange;
    struct world world;
    size_t upgrades;   /* asked for so far */
    size_t accepted;   /* of them */
    size_t subscribed; /* open connections with a stream */
    size_t replies;    /* texts, sent or lost */
    bool finished;     /* some client has got the world's last frame */
    int64_t attempts_ns[EXCHANGE_ATTEMPTS_MAX];
};

enum conn_state {
    CONN_HEAD,    /* waits for an HTTP request */
    CONN_OPEN,    /* WebSocket */
    CONN_CLOSING, /* our close frame is out */
    CONN_DRAIN,   /* end the sending behind what is still to be sent */
    CONN_LINGER,  /* ended; what the client still sends is read, or its answer would be lost */
    CONN_RESET,   /* the same with a TCP reset, once the client's kernel has it all */
    CONN_FROZEN,
    CONN_DEAD,
};

struct conn {
    struct conn *next;
    struct venue *venue;
    int fd;
    bool rest;
    enum conn_state state;
    struct buf in, out;
    size_t out_at;      /* sent so far */
    size_t trickle_end; /* up to here one byte a write */
    struct session session;
    bool subscribed; /* counted in the venue */
    size_t sent;     /* data frames */
    size_t junk_sent, junk_at;
    size_t wrong_sent, utf8_at;
    bool shutdown_said, rsv1_said, huge_said;
    struct buf held;    /* --faults ack-late: replies, as frames */
    size_t held_until;  /* `sent` then */
    struct buf message; /* of the client, in fragments */
    bool in_message;
    int64_t end_at_ns;                   /* monotonic: --life */
    int64_t ping_at_ns, unanswered_ns;   /* monotonic; 0: no ping is unanswered */
    int64_t heartbeat_at_ns, idle_at_ns; /* monotonic; 0: no heartbeats are due */
    int64_t mixed_ping_ns;               /* --faults fragmented */
    int64_t pings_ms[CONN_PINGS_KEPT];
    size_t ping_count;
    int64_t messages_ns[EXCHANGE_MESSAGES_MAX];
    size_t message_count;
    int64_t deadline_ns; /* monotonic: the end of CLOSING and LINGER, the next look of RESET */
    unsigned events;     /* that epoll was told */
};

struct conn *conn_new(struct venue *venue, int fd, bool rest);
void conn_free(struct conn *conn);
void conn_read(struct conn *conn, struct now now);
/* Pings, deadlines, frames that are due, output. */
void conn_step(struct conn *conn, struct now now);
/* Sends a close frame and waits for the client's. */
void conn_close(struct conn *conn, unsigned code, const char *reason, struct now now);
bool conn_has_output(const struct conn *conn);
/* When conn_step must be called at the latest; monotonic. */
int64_t conn_deadline_ns(const struct conn *conn);

#endif
