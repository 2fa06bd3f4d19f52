// SPDX-License-Identifier: Apache-2.0
/* kraken.c: pairs, times and snapshots, which v1 and v2 have in common. */
#include "kraken.h"

#include "core/decimal.h"
#include "core/micros.h"

#include <inttypes.h>

#define SECOND_NS INT64_C(1000000000)

struct kraken_pair *kraken_pair(struct world *world, struct span name, uint32_t *stream)
{
    uint32_t index = world_stream(world, name);

    if (world->streams[index].detail == NULL)
        world->streams[index].detail = arena_zero(&world->arena, 1, sizeof(struct kraken_pair));
    *stream = index;
    return world->streams[index].detail;
}

static int decimals(struct span number)
{
    enum { SCALE = 18 };
    int128 value;
    int count = SCALE;

    if (decimal_parse(number, SCALE, &value) != 0 || value == 0)
        return 0;
    while (count > 0 && value % 10 == 0) {
        value /= 10;
        count--;
    }
    return count;
}

void kraken_note(struct world *world, struct frame *frame, struct span name,
                 struct kraken_trade *trades, size_t count)
{
    struct kraken_event *event = arena_zero(&world->arena, 1, sizeof(*event));
    struct kraken_pair *pair = kraken_pair(world, name, &frame->stream);

    event->trades = arena_alloc(&world->arena, count * sizeof(trades[0]));
    for (size_t i = 0; i < count; i++) {
        int digits = decimals(trades[i].price);

        pair->price_decimals = pair->price_decimals < digits ? digits : pair->price_decimals;
        if (trades[i].id == 0)
            trades[i].id = pair->last_id + 1;
        pair->last_id = trades[i].id;
        if (trades[i].time_ns == pair->last_ns)
            trades[i].rest_ns = pair->last_rest_ns < 900 ? pair->last_rest_ns + 100 : 900;
        pair->last_ns = trades[i].time_ns;
        pair->last_rest_ns = trades[i].rest_ns;
        event->trades[i] = trades[i];
    }
    event->count = count;
    frame->detail = event;
    frame->time_ms = trades[count - 1].time_ns / 1000000;
}

static void put_fraction(int64_t ns, int digits, struct buf *out)
{
    char text[12];

    if (digits == 0)
        return;
    snprintf(text, sizeof(text), ".%09" PRId64, ns % SECOND_NS);
    buf_put(out, text, (size_t)digits + 1);
}

void kraken_put_time(const struct session *session, const struct frame *frame,
                     const struct kraken_trade *trade, bool v2, struct buf *out)
{
    int64_t shift_ms = session->world->shift_ms[frame->recording], ns;
    int digits = trade->time_digits;
    char text[MICROS_TEXT_BYTES_MAX];

    if (session->wrong_time == WRONG_TIME_AHEAD)
        shift_ms += WRONG_TIME_AHEAD_MS;
    ns = session->wrong_time == WRONG_TIME_1970 ? 0 : trade->time_ns + shift_ms * 1000000;
    if (digits < 3 && shift_ms % 1000 != 0)
        digits = 3;
    if (session->wrong_time == WRONG_TIME_UNIT) { /* milliseconds */
        buf_printf(out, v2 ? "%" PRId64 : "\"%" PRId64 "\"", ns / 1000000);
        return;
    }
    buf_put_byte(out, '"');
    if (v2)
        micros_format(ns / SECOND_NS * MICROS_SECOND, text);
    else
        snprintf(text, sizeof(text), "%" PRId64, ns / SECOND_NS);
    buf_put(out, text, v2 ? strlen("2026-11-22T15:25:11") : strlen(text));
    put_fraction(ns, digits, out);
    buf_put_text(out, v2 ? "Z\"" : "\"");
}

void kraken_put_moved(const struct session *session, const struct frame *frame, struct span whole,
                      bool v2, struct buf *out)
{
    const struct kraken_event *event = frame->detail;
    const uint8_t *at = whole.data, *end = whole.data + whole.size;

    for (size_t i = 0; i < event->count; i++) {
        struct span time = event->trades[i].time;

        if (time.data < at || time.data >= end)
            continue;
        buf_put(out, at, (size_t)(time.data - 1 - at));
        kraken_put_time(session, frame, &event->trades[i], v2, out);
        at = time.data + time.size + 1;
    }
    buf_put(out, at, (size_t)(end - at));
}

void kraken_put_snapshot(const struct session *session, size_t stream, bool v2, struct buf *out)
{
    const struct world *world = session->world;
    size_t index = world_begin(world, stream), passed = 0;
    bool first = true;

    for (size_t i = 0; i < index; i++)
        if (world->frames[i].stream == stream)
            passed += ((const struct kraken_event *)world->frames[i].detail)->count;
    passed = passed > KRAKEN_SNAPSHOT_TRADES ? passed - KRAKEN_SNAPSHOT_TRADES : 0;
    for (size_t i = 0; i < index; i++) {
        const struct kraken_event *event = world->frames[i].detail;

        for (size_t k = 0; world->frames[i].stream == stream && k < event->count; k++) {
            if (passed > 0) {
                passed--;
                continue;
            }
            buf_put_text(out, first ? "" : ",");
            first = false;
            kraken_put_moved(session, &world->frames[i], event->trades[k].row, v2, out);
        }
    }
}

size_t kraken_listed(const struct session *session, struct span name)
{
    const struct world *world = session->world;
    size_t stream = world_stream_find(world, name), every = world->options->faults.refuse;

    if (every != 0 && (session->asked + 1) % every == 0)
        stream = world->stream_count;
    return stream;
}
