// SPDX-License-Identifier: Apache-2.0
/* clock_system.c: CLOCK_REALTIME and getrandom.  Without state, so any thread may use it. */
#include "port/clock.h"
#include "core/buf.h"
#include "core/micros.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

static int64_t system_now_us(struct clock *clock)
{
    struct timespec now;

    (void)clock;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * MICROS_SECOND + now.tv_nsec / 1000;
}

static void system_wait_us(struct clock *clock, int64_t us)
{
    struct timespec pause;

    (void)clock;
    if (us <= 0)
        return;
    pause = (struct timespec){ .tv_sec = us / MICROS_SECOND, .tv_nsec = us % MICROS_SECOND * 1000 };
    /* A signal ends the pause early: whoever waits looks at its stop flag then. */
    nanosleep(&pause, NULL);
}

static uint64_t system_random(struct clock *clock)
{
    uint64_t value = 0;
    ssize_t size;

    (void)clock;
    do
        size = getrandom(&value, sizeof(value), 0);
    while (size < 0 && errno == EINTR);
    ASSERT(size == (ssize_t)sizeof(value)); /* Linux: 8 bytes come whole or not at all */
    return value;
}

static void system_close(struct clock *clock)
{
    free(clock);
}

struct clock *clock_system_open(void)
{
    static const struct clock_ops ops = { system_now_us, system_wait_us, system_random,
                                          system_close };
    struct clock *clock = mem_zero(1, sizeof(*clock));

    clock->ops = &ops;
    return clock;
}
