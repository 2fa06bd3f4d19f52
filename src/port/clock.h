// SPDX-License-Identifier: Apache-2.0
/* clock.h: port: time and randomness.  Whatever a stage knows of either comes from here, so that a
 * simulation owns both.  Adapters: clock_system.c, clock_mem.c. */
#ifndef K2_PORT_CLOCK_H
#define K2_PORT_CLOCK_H

#include "core/base.h"

struct clock;

struct clock_ops {
    int64_t (*now_us)(struct clock *clock);
    void (*wait_us)(struct clock *clock, int64_t us);
    uint64_t (*random)(struct clock *clock);
    void (*close)(struct clock *clock);
};

struct clock {
    const struct clock_ops *ops;
};

/* Microseconds since 1970 UTC; may run back a little. */
static inline int64_t clock_now_us(struct clock *clock)
{
    return clock->ops->now_us(clock);
}

/* Waits about so long; for pauses between tries, never for events. */
static inline void clock_wait_us(struct clock *clock, int64_t us)
{
    clock->ops->wait_us(clock, us);
}

static inline uint64_t clock_random(struct clock *clock)
{
    return clock->ops->random(clock);
}

static inline void clock_close(struct clock *clock)
{
    if (clock != NULL)
        clock->ops->close(clock);
}

/* The machine's clock and the kernel's randomness; any thread. */
struct clock *clock_system_open(void);
/* Virtual time from `start_us`; wait_us moves it; random is a function of the seed. */
struct clock *clock_mem_open(int64_t start_us, uint64_t seed);
void clock_mem_advance(struct clock *clock, int64_t us);

#endif
