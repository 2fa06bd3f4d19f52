// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include "exchange.h"
#include "recording.h"

#include <string.h>

size_t world_stream_find(const struct world *world, struct span name)
{
    size_t i = 0;

    while (i < world->stream_count && !span_equal(world->streams[i].name, name))
        i++;
    return i;
}

uint32_t world_stream(struct world *world, struct span name)
{
    size_t i = world_stream_find(world, name);

    if (i == world->stream_count) {
        world->streams = mem_realloc(world->streams, i + 1, sizeof(world->streams[0]));
        world->streams[i] = (struct stream){ .name = arena_copy(&world->arena, name) };
        world->stream_count++;
    }
    return (uint32_t)i;
}

static int add_frame(void *context, int64_t receive_ns, struct span text, struct err *err)
{
    struct world *world = context;
    struct frame frame = { .receive_ns = receive_ns };
    int rc;

    frame.order = world->count;
    frame.text = arena_copy(&world->arena, text);
    rc = world->options->exchange->parse(world, &frame, err);
    if (rc < 0)
        return -1;
    if (rc == EXCHANGE_IGNORED) {
        world->ignored++;
        return 0;
    }
    if (world->count == world->capacity) {
        world->capacity = world->capacity * 2 + 1024;
        world->frames = mem_realloc(world->frames, world->capacity, sizeof(world->frames[0]));
    }
    world->frames[world->count++] = frame;
    return 0;
}

static int by_due(const void *left, const void *right)
{
    const struct frame *a = left, *b = right;

    if (a->due_ns != b->due_ns)
        return a->due_ns < b->due_ns ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

static int load_recording(struct world *world, size_t index, struct err *err)
{
    const char *path = world->options->recordings[index];
    size_t from = world->count;

    if (recording_read(path, add_frame, world, err) < 0)
        return -1;
    if (world->count == from)
        return err_set(err, ERR_CONFIG, "%s: no event of a stream in it", path);
    for (size_t i = from; i < world->count; i++) {
        struct frame *frame = &world->frames[i];

        frame->recording = (uint32_t)index;
        if (i > from && frame->receive_ns < frame[-1].receive_ns)
            return err_set(err, ERR_CONFIG, "%s: receive times go back at frame %zu", path,
                           i - from + 1);
        frame->due_ns = frame->receive_ns;
        if (world->options->shift_time)
            frame->due_ns -= world->frames[from].receive_ns;
    }
    return 0;
}

/* Merges the recordings into one order; equal times keep the order of the command line. */
static void merge(struct world *world)
{
    int64_t first;

    qsort(world->frames, world->count, sizeof(world->frames[0]), by_due);
    first = world->frames[0].due_ns;
    for (size_t i = 0; i < world->count; i++)
        world->frames[i].due_ns -= first;
    world->length_ns = world->frames[world->count - 1].due_ns;
    for (size_t i = 0; world->options->faults.swap != 0 && i + 1 < world->count; i += 2) {
        struct frame *a = &world->frames[i], held = *a;
        int64_t due_ns = a[0].due_ns;

        if (a[0].stream == a[1].stream)
            continue;
        a[0] = a[1];
        a[1] = held;
        a[1].due_ns = a[0].due_ns;
        a[0].due_ns = due_ns;
    }
}

int world_load(struct world *world, const struct options *options, struct err *err)
{
    *world = (struct world){ .options = options, .arena = ARENA_INIT };
    for (size_t i = 0; i < options->recording_count; i++)
        if (load_recording(world, i, err) < 0)
            return -1;
    merge(world);
    return 0;
}

void world_deinit(struct world *world)
{
    free(world->frames);
    free(world->streams);
    arena_deinit(&world->arena);
}

/* The first frame of each recording is moved to start - L * (1 - 1/X); at X below 1 to the start,
 * because time then falls behind by itself. */
static void shift_times(struct world *world)
{
    double speed = world->options->speed;
    double share = speed == 0 ? 1 : speed < 1 ? 0 : 1 - 1 / speed;
    int64_t base_ms = (world->start_ns - (int64_t)((double)world->length_ns * share)) / 1000000;
    bool seen[OPTIONS_RECORDINGS_MAX] = { false };

    for (size_t i = 0; world->options->shift_time && i < world->count; i++) {
        uint32_t recording = world->frames[i].recording;

        if (!seen[recording])
            world->shift_ms[recording] = base_ms - world->frames[i].time_ms;
        seen[recording] = true;
    }
}

void world_start(struct world *world, int64_t now_ns)
{
    if (world->started || world->options->start_given)
        return;
    world->started = true;
    world->start_ns = now_ns;
    shift_times(world);
}

void world_tick(struct world *world, int64_t now_ns)
{
    double speed = world->options->speed;

    if (!world->started && world->options->start_given && now_ns >= world->options->start_ns) {
        world->started = true;
        world->start_ns = world->options->start_ns;
        shift_times(world);
    }
    if (!world->started || speed == 0)
        return;
    while (world->position < world->count && (double)world->frames[world->position].due_ns <=
                                                 (double)(now_ns - world->start_ns) * speed)
        world->position++;
}

size_t world_begin(const struct world *world, size_t stream)
{
    return world->options->speed == 0 ? world->streams[stream].sent : world->position;
}

size_t world_end(const struct world *world)
{
    if (world->options->speed != 0)
        return world->position;
    return world->started ? world->count : 0;
}

bool world_is_due(const struct world *world, size_t frame)
{
    return frame < world_begin(world, world->frames[frame].stream);
}

int64_t world_rest_rows(struct world *world, int64_t count)
{
    if (world->rest_lagged >= world->options->faults.rest_lag)
        return count;
    world->rest_lagged++;
    return count / 2;
}

int64_t world_next_ns(const struct world *world)
{
    double speed = world->options->speed;

    if (!world->started)
        return world->options->start_given ? world->options->start_ns : INT64_MAX;
    if (speed == 0 || world->position == world->count)
        return INT64_MAX;
    return world->start_ns + (int64_t)((double)world->frames[world->position].due_ns / speed) + 1;
}
