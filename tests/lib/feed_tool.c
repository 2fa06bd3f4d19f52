// SPDX-License-Identifier: Apache-2.0
/*
 * feed_tool.c: feed_websocket.c as a program, for tests/interop/test_feed.py.
 *
 *   feed_tool URL [connect_ms=N] [idle_ms=N] [frame_bytes=N] [queue_bytes=N] [pause_ms=N]
 * [send=TEXT] [disconnect=1]
 *
 * Prints an event a line (long frames by size) until the connection is closed; pause_ms: after
 * CONNECTED nothing is fetched for so long; disconnect: at once, before the attempt has begun.
 */
#include "port/clock.h"
#include "port/feed.h"

#include <inttypes.h>
#include <string.h>

static int64_t option(int argc, char **argv, const char *name)
{
    size_t size = strlen(name);

    for (int i = 2; i < argc; i++)
        if (strncmp(argv[i], name, size) == 0 && argv[i][size] == '=')
            return strtoll(argv[i] + size + 1, NULL, 10);
    return 0;
}

static void print_frames(const struct feed_event *event)
{
    printf("frames %zu\n", event->text.rows);
    for (size_t i = 0; i < event->text.rows; i++) {
        struct span text = column_bytes(&event->text, i);

        if (text.size <= 100)
            printf("text %.*s\n", SPAN_ARGS(text));
        else
            printf("size %zu\n", text.size);
    }
}

static int print_events(struct feed *feed, struct clock *clock, int argc, char **argv,
                        struct err *err)
{
    struct feed_event event;

    feed_event_init(&event);
    do {
        if (feed_next(feed, 100000, &event, err) < 0)
            return -1;
        if (event.type == FEED_FRAMES)
            print_frames(&event);
        if (event.type == FEED_CLOSED)
            printf("closed retry_after_ms=%" PRId64 " %s\n", event.retry_after_ms, event.reason);
        if (event.type == FEED_CONNECTED) {
            printf("connected\n");
            for (int i = 2; i < argc; i++)
                if (strncmp(argv[i], "send=", 5) == 0 &&
                    feed_send(feed, span_text(argv[i] + 5), err) < 0)
                    return -1;
            fflush(stdout);
            clock_wait_us(clock, option(argc, argv, "pause_ms") * 1000);
        }
        fflush(stdout);
    } while (event.type != FEED_CLOSED);
    feed_event_deinit(&event);
    return 0;
}

int main(int argc, char **argv)
{
    struct feed_websocket_options options = { 0 };
    struct clock *clock = clock_system_open();
    struct feed *feed = NULL;
    struct err err = { 0 };
    int rc = -1;

    if (argc < 2)
        return 2;
    options.connect_ms_max = option(argc, argv, "connect_ms");
    options.idle_ms_max = option(argc, argv, "idle_ms");
    options.frame_bytes_max = (size_t)option(argc, argv, "frame_bytes");
    options.queue_bytes_max = (size_t)option(argc, argv, "queue_bytes");
    if (feed_websocket_open(&options, clock, &feed, &err) == 0 &&
        feed_connect(feed, argv[1], &err) == 0) {
        if (option(argc, argv, "disconnect") != 0)
            feed_disconnect(feed);
        rc = print_events(feed, clock, argc, argv, &err);
    }
    if (rc < 0)
        printf("error %s\n", err.text);
    feed_close(feed);
    clock_close(clock);
    return rc == 0 ? 0 : 1;
}
