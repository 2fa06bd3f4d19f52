// SPDX-License-Identifier: Apache-2.0
/* feed_mem.c: see feed.h.  The script is one list in the order pushed; a connection takes from it
 * until a CLOSED entry has been handed out. */
#include "port/feed.h"

#include "core/num.h"

struct entry {
    enum feed_event_type type;
    int64_t at_us;
    int64_t retry_after_ms;
};

struct feed_mem {
    struct feed feed;
    struct clock *clock;
    struct buf entries; /* struct entry */
    struct column text; /* a frame or a reason for each entry */
    struct column sent, url;
    size_t next, reads;
    bool connecting, connected, dropped;
};

static struct feed_mem *self(struct feed *feed)
{
    return (struct feed_mem *)(void *)feed;
}

static const struct entry *entry_at(const struct feed_mem *mem, size_t index)
{
    if (index * sizeof(struct entry) >= mem->entries.size)
        return NULL;
    return (const struct entry *)(const void *)mem->entries.data + index;
}

static int mem_connect(struct feed *feed, const char *url, struct err *err)
{
    struct feed_mem *mem = self(feed);

    (void)err;
    ASSERT(!mem->connecting && !mem->connected);
    column_put_bytes(&mem->url, span_of(url, strlen(url) + 1));
    mem->connecting = true;
    return 0;
}

static void put_closed(struct feed_mem *mem, struct feed_event *event, struct span reason,
                       int64_t retry_after_ms)
{
    event->type = FEED_CLOSED;
    snprintf(event->reason, sizeof(event->reason), "%.*s", SPAN_ARGS(reason));
    event->retry_after_ms = retry_after_ms;
    mem->connecting = mem->connected = mem->dropped = false;
}

/* Hands out what is due; false when nothing is. */
static bool take(struct feed_mem *mem, struct feed_event *event)
{
    const struct entry *entry;

    if (mem->dropped) {
        put_closed(mem, event, SPAN("closed by us"), 0);
        return true;
    }
    if (!mem->connecting && !mem->connected)
        return false;
    while ((entry = entry_at(mem, mem->next)) != NULL && entry->at_us <= clock_now_us(mem->clock)) {
        struct span text = column_bytes(&mem->text, mem->next);

        if (entry->type != FEED_FRAMES && event->text.rows > 0)
            break;
        mem->next++;
        if (entry->type == FEED_CLOSED) {
            put_closed(mem, event, text, entry->retry_after_ms);
            return true;
        }
        event->type = entry->type;
        if (entry->type == FEED_CONNECTED) {
            mem->connecting = false;
            mem->connected = true;
            return true;
        }
        column_put_bytes(&event->text, text);
        column_put_int64(&event->received_us, clock_now_us(mem->clock));
    }
    return event->text.rows > 0;
}

static int mem_next(struct feed *feed, int64_t wait_us, struct feed_event *event, struct err *err)
{
    struct feed_mem *mem = self(feed);
    const struct entry *entry = entry_at(mem, mem->next);
    int64_t now = clock_now_us(mem->clock);
    int64_t wait = wait_us;

    (void)err;
    mem->reads++;
    feed_event_clear(event);
    if (take(mem, event) || wait_us <= 0)
        return 0;
    if (entry != NULL && (mem->connecting || mem->connected) && entry->at_us > now)
        wait = int64_min(wait, entry->at_us - now);
    clock_wait_us(mem->clock, wait);
    take(mem, event);
    return 0;
}

static int mem_send(struct feed *feed, struct span text, struct err *err)
{
    struct feed_mem *mem = self(feed);
    struct buf copy = BUF_INIT;

    (void)err;
    if (!mem->connected)
        return 0;
    buf_put_span(&copy, text);
    buf_put_byte(&copy, 0);
    column_put_bytes(&mem->sent, buf_span(&copy));
    buf_deinit(&copy);
    return 0;
}

static void mem_disconnect(struct feed *feed)
{
    struct feed_mem *mem = self(feed);

    mem->dropped = mem->connecting || mem->connected;
}

static void mem_close(struct feed *feed)
{
    struct feed_mem *mem = self(feed);

    buf_deinit(&mem->entries);
    column_deinit(&mem->text);
    column_deinit(&mem->sent);
    column_deinit(&mem->url);
    free(mem);
}

struct feed *feed_mem_open(struct clock *clock)
{
    static const struct feed_ops ops = { mem_connect, mem_next, mem_send, mem_disconnect,
                                         mem_close };
    struct feed_mem *mem = mem_zero(1, sizeof(*mem));

    mem->feed.ops = &ops;
    mem->clock = clock;
    column_init(&mem->text, COLUMN_BYTES);
    column_init(&mem->sent, COLUMN_BYTES);
    column_init(&mem->url, COLUMN_BYTES);
    return &mem->feed;
}

static void push(struct feed *feed, const struct entry *entry, struct span text)
{
    buf_put(&self(feed)->entries, entry, sizeof(*entry));
    column_put_bytes(&self(feed)->text, text);
}

void feed_mem_push_connected(struct feed *feed, int64_t at_us)
{
    push(feed, &(struct entry){ FEED_CONNECTED, at_us, 0 }, SPAN(""));
}

void feed_mem_push_frame(struct feed *feed, int64_t at_us, struct span text)
{
    push(feed, &(struct entry){ FEED_FRAMES, at_us, 0 }, text);
}

void feed_mem_push_closed(struct feed *feed, int64_t at_us, const char *reason,
                          int64_t retry_after_ms)
{
    push(feed, &(struct entry){ FEED_CLOSED, at_us, retry_after_ms }, span_text(reason));
}

static const char *text_at(const struct column *column, size_t index)
{
    return index < column->rows ? (const char *)column_bytes(column, index).data : NULL;
}

const char *feed_mem_url(struct feed *feed, size_t index)
{
    return text_at(&self(feed)->url, index);
}

const char *feed_mem_sent(struct feed *feed, size_t index)
{
    return text_at(&self(feed)->sent, index);
}

size_t feed_mem_reads(struct feed *feed)
{
    return self(feed)->reads;
}
