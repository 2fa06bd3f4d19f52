// SPDX-License-Identifier: Apache-2.0
/* feed.c: see feed.h. */
#include "port/feed.h"

void feed_event_init(struct feed_event *event)
{
    *event = (struct feed_event){ 0 };
    column_init(&event->text, COLUMN_BYTES);
    column_init(&event->received_us, COLUMN_INT64);
}

void feed_event_deinit(struct feed_event *event)
{
    column_deinit(&event->text);
    column_deinit(&event->received_us);
}

void feed_event_clear(struct feed_event *event)
{
    event->type = FEED_IDLE;
    column_clear(&event->text);
    column_clear(&event->received_us);
    event->reason[0] = '\0';
    event->retry_after_ms = 0;
}
