// SPDX-License-Identifier: Apache-2.0
/*
 * world.h: the recordings as one ordered list of frames, and the clock that says which are due.
 *
 * At speed X > 0 frame k is due `due_ns / X` after the start; what a client was not there for it
 * has missed.  At speed 0 nothing waits for a clock: a stream has come as far as its furthest
 * client was sent, and goes on from there.  One thread.
 */
#ifndef K2_EXCHANGE_SIM_WORLD_H
#define K2_EXCHANGE_SIM_WORLD_H

#include "options.h"

#include "core/arena.h"
#include "core/buf.h"

struct exchange;

struct frame {
    struct span text;   /* as recorded */
    int64_t receive_ns; /* as recorded */
    int64_t due_ns;     /* from the world's start, at speed 1 */
    int64_t time_ms;    /* the exchange's own time of it */
    size_t order;       /* of reading */
    uint32_t stream;    /* index */
    uint32_t recording; /* index */
    const void *detail; /* what the exchange's part found in it */
};

struct stream {
    struct span name;
    void *detail; /* the exchange's, or NULL */
    size_t sent;  /* speed 0: frames below this index have been sent to someone */
};

struct world {
    const struct options *options;
    struct arena arena;
    struct frame *frames;
    size_t count, capacity;
    struct stream *streams;
    size_t stream_count;
    int64_t shift_ms[OPTIONS_RECORDINGS_MAX];
    int64_t length_ns;
    size_t ignored; /* recorded lines that are no event of a stream */
    bool started;
    int64_t start_ns;
    int64_t rest_minute; /* REST: the minute that the weight was used in */
    unsigned rest_weight;
    size_t rest_lagged; /* answers that --faults rest-lag has cut short */
    size_t position;    /* speed > 0: frames below this index are due */
};

/* Reads all recordings.  -1: a sentence that names file and line. */
CHECK_RESULT int world_load(struct world *world, const struct options *options, struct err *err);
void world_deinit(struct world *world);

/* The stream of that name: its index, or stream_count. */
size_t world_stream_find(const struct world *world, struct span name);
/* The same, added if it is new. */
uint32_t world_stream(struct world *world, struct span name);

/* Starts the clock unless it runs or --shift-time names another instant. */
void world_start(struct world *world, int64_t now_ns);
/* Moves the clock on; to be called before the questions below. */
void world_tick(struct world *world, int64_t now_ns);
/* Where a stream subscribed now begins: an index into frames. */
size_t world_begin(const struct world *world, size_t stream);
/* Frames below this may be sent. */
size_t world_end(const struct world *world);
bool world_is_due(const struct world *world, size_t frame);
/* How many of `count` rows a REST answer gives: all, or half of them while --faults rest-lag says.
 */
int64_t world_rest_rows(struct world *world, int64_t count);
/* When the next frame falls due; INT64_MAX: none will by the clock alone. */
int64_t world_next_ns(const struct world *world);

#endif
