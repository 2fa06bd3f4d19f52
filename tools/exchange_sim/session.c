// SPDX-License-Identifier: Apache-2.0
#include "session.h"

void session_init(struct session *session, struct world *world, size_t number)
{
    *session = (struct session){ .world = world, .number = number };
    session->again = number >= world->options->clients;
    session->next = mem_alloc((world->stream_count + 1) * sizeof(session->next[0]));
    for (size_t i = 0; i < world->stream_count; i++)
        session->next[i] = SIZE_MAX;
    session->cursor = world->count;
}

void session_deinit(struct session *session)
{
    for (size_t i = 0; i < session->name_count; i++)
        buf_deinit(&session->names[i]);
    free(session->names);
    free(session->next);
    *session = (struct session){ 0 };
}

static size_t find(const struct session *session, struct span name)
{
    size_t i = 0;

    while (i < session->name_count && !span_equal(buf_span(&session->names[i]), name))
        i++;
    return i;
}

bool session_subscribe(struct session *session, struct span name)
{
    struct world *world = session->world;
    size_t replay = session->again ? world->options->faults.replay : 0;
    size_t stream = world_stream_find(world, name), at = find(session, name);
    struct buf copy = BUF_INIT;

    if (at < session->name_count)
        return true;
    if (session->name_count == SESSION_STREAMS_MAX)
        return false;
    buf_put_span(&copy, name);
    session->names = mem_realloc(session->names, at + 1, sizeof(session->names[0]));
    session->names[session->name_count++] = copy;
    if (stream < world->stream_count) {
        size_t from = world_begin(world, stream);

        from -= from < replay ? from : replay;
        session->next[stream] = from;
        if (from < session->cursor)
            session->cursor = from;
    }
    return true;
}

bool session_has(const struct session *session, struct span name)
{
    return find(session, name) < session->name_count;
}

void session_unsubscribe(struct session *session, struct span name)
{
    size_t stream = world_stream_find(session->world, name), at = find(session, name);

    if (at == session->name_count)
        return;
    buf_deinit(&session->names[at]);
    session->name_count--;
    memmove(session->names + at, session->names + at + 1,
            (session->name_count - at) * sizeof(session->names[0]));
    if (stream < session->world->stream_count)
        session->next[stream] = SIZE_MAX;
}

const struct frame *session_next(struct session *session)
{
    const struct world *world = session->world;
    size_t end = world_end(world), skip = world->options->faults.skip;

    while (session->cursor < end) {
        const struct frame *frame = &world->frames[session->cursor];

        if (session->cursor < session->next[frame->stream])
            session->cursor++;
        else if (skip != 0 && (session->cursor + 1) % skip == 0)
            session_take(session);
        else
            return frame;
    }
    return NULL;
}

void session_take(struct session *session)
{
    uint32_t index = session->world->frames[session->cursor].stream;
    struct stream *stream = &session->world->streams[index];

    session->cursor++;
    session->next[index] = session->cursor;
    if (stream->sent < session->cursor)
        stream->sent = session->cursor;
}
