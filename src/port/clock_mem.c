// SPDX-License-Identifier: Apache-2.0
/* clock_mem.c: virtual time: it moves only when somebody waits or the simulation says so, so a run
 * is a function of its seed.  One thread. */
#include "port/clock.h"
#include "core/buf.h"
#include "core/random.h"

struct clock_mem {
    struct clock base;
    int64_t now_us;
    struct random random;
};

static int64_t mem_now_us(struct clock *clock)
{
    return ((struct clock_mem *)clock)->now_us;
}

static void mem_wait_us(struct clock *clock, int64_t us)
{
    if (us > 0)
        clock_mem_advance(clock, us);
}

static uint64_t mem_random(struct clock *clock)
{
    return random_next(&((struct clock_mem *)clock)->random);
}

static void mem_close(struct clock *clock)
{
    free(clock);
}

static const struct clock_ops ops = { mem_now_us, mem_wait_us, mem_random, mem_close };

struct clock *clock_mem_open(int64_t start_us, uint64_t seed)
{
    struct clock_mem *clock = mem_zero(1, sizeof(*clock));

    clock->base.ops = &ops;
    clock->now_us = start_us;
    clock->random.state = seed;
    return &clock->base;
}

void clock_mem_advance(struct clock *clock, int64_t us)
{
    ASSERT(clock->ops == &ops);
    ((struct clock_mem *)clock)->now_us += us;
}
