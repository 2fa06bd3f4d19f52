// SPDX-License-Identifier: Apache-2.0
/* bronze_spans.c: spans lie file by file; an index by (partition, first offset) finds what overlaps
 * a position, another the oldest file. */
#include "stage/bronze_spans.h"

#include "core/num.h"
#include "protocol/clause.h"

#include <string.h>

void bronze_spans_deinit(struct bronze_spans *spans)
{
    live_files_deinit(&spans->files);
    own_claims_deinit(&spans->claims);
    buf_deinit(&spans->from);
    buf_deinit(&spans->to);
    buf_deinit(&spans->spans);
    buf_deinit(&spans->by_offset);
    buf_deinit(&spans->first_of);
    buf_deinit(&spans->by_age);
    buf_deinit(&spans->passed);
    buf_deinit(&spans->next);
}

void bronze_spans_forget(struct bronze_spans *spans)
{
    live_files_forget(&spans->files);
}

size_t bronze_spans_memory(const struct bronze_spans *spans)
{
    return live_files_memory(&spans->files) + spans->spans.capacity + spans->by_offset.capacity +
           spans->first_of.capacity + spans->by_age.capacity + spans->next.capacity +
           spans->passed.capacity;
}

static int64_t *from_of(const struct bronze_spans *spans)
{
    return (int64_t *)(void *)spans->from.data;
}

static int64_t *to_of(const struct bronze_spans *spans)
{
    return (int64_t *)(void *)spans->to.data;
}

static struct bronze_span *span_at(const struct bronze_spans *spans, size_t index)
{
    return (struct bronze_span *)(void *)spans->spans.data + index;
}

static size_t span_count(const struct bronze_spans *spans)
{
    return spans->spans.size / sizeof(struct bronze_span);
}

static const uint32_t *numbers(const struct buf *buf)
{
    return (const uint32_t *)(const void *)buf->data;
}

static void put_number(struct buf *buf, size_t number)
{
    const uint32_t value = (uint32_t)number;

    buf_put(buf, &value, sizeof(value));
}

bool offset_window_overlaps(const struct offset_window *window, int64_t lower, int64_t upper)
{
    for (int32_t p = 0; p < window->count; p++)
        if (window->from[p] < window->to[p] && upper >= window->from[p] && lower < window->to[p])
            return true;
    return false;
}

bool offset_window_may_hold(const struct offset_window *window, const struct ice_data_file *file,
                            int32_t offset_id)
{
    int64_t lower, upper;

    return !ice_data_file_range_int64(file, offset_id, &lower, &upper) ||
           offset_window_overlaps(window, lower, upper);
}

/* -- listing */

static int compare_int64(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

/* Lowers `to` where a partition has more than its share of spans. */
static void lower_window(struct bronze_spans *spans, size_t share)
{
    size_t count = span_count(spans);
    int64_t *firsts = mem_alloc((count + 1) * sizeof(*firsts));

    for (int32_t p = 0; p < spans->partitions; p++) {
        size_t n = 0;

        for (size_t i = 0; i < count; i++)
            if (span_at(spans, i)->partition == p)
                firsts[n++] = span_at(spans, i)->first;
        if (n <= share)
            continue;
        qsort(firsts, n, sizeof(*firsts), compare_int64);
        to_of(spans)[p] = int64_max(firsts[share], firsts[0] + 1);
        spans->is_shortened = true;
    }
    free(firsts);
}

/* Takes out what the window no longer holds. */
static void clip_spans(struct bronze_spans *spans)
{
    size_t count = span_count(spans);
    size_t kept = 0;

    buf_clear(&spans->first_of);
    for (size_t i = 0; i < count; i++) {
        struct bronze_span span = *span_at(spans, i);
        int64_t to = to_of(spans)[span.partition];

        if (span.first >= to)
            continue;
        span.last = int64_min(span.last, to - 1);
        while (spans->first_of.size / sizeof(uint32_t) <= span.file)
            put_number(&spans->first_of, kept);
        *span_at(spans, kept++) = span;
    }
    while (spans->first_of.size / sizeof(uint32_t) < live_files_count(&spans->files))
        put_number(&spans->first_of, kept);
    spans->spans.size = kept * sizeof(struct bronze_span);
}

static struct bronze_span *span_in_file(struct bronze_spans *spans, size_t begin, int32_t partition)
{
    const struct bronze_span fresh = { INT64_MAX, INT64_MIN,
                                       (uint32_t)live_files_count(&spans->files), partition };

    for (size_t i = begin; i < span_count(spans); i++)
        if (span_at(spans, i)->partition == partition)
            return span_at(spans, i);
    buf_put(&spans->spans, &fresh, sizeof(fresh));
    return span_at(spans, span_count(spans) - 1);
}

struct listing {
    struct bronze_spans *spans;
    int32_t offset_id; /* field id of the offset column */
    size_t spans_max;
};

static int list_file(void *context, const struct ice_data_file *file, enum own_level level,
                     const struct column *topic, const struct column *partition,
                     const struct column *offset, struct err *err)
{
    struct listing *listing = context;
    struct bronze_spans *spans = listing->spans;
    size_t begin = span_count(spans);
    struct bronze_span *span = NULL;

    (void)topic;
    (void)err;
    for (size_t row = 0; row < offset->rows; row++) {
        int32_t p = column_int32(partition, row);
        int64_t at = column_int64(offset, row);

        if (column_is_null(offset, row) || column_is_null(partition, row) || p < 0 ||
            p >= spans->partitions || at < from_of(spans)[p] || at >= to_of(spans)[p])
            continue;
        if (span == NULL || span->partition != p)
            span = span_in_file(spans, begin, p);
        span->first = int64_min(span->first, at);
        span->last = int64_max(span->last, at);
    }
    if (span == NULL)
        return 0;
    put_number(&spans->first_of, begin);
    live_files_add(&spans->files, file, level);
    if (span_count(spans) > listing->spans_max) {
        lower_window(spans, listing->spans_max / 2 / (size_t)spans->partitions + 1);
        clip_spans(spans);
        listing->spans_max = size_max(listing->spans_max, 2 * span_count(spans));
    }
    return 0;
}

static bool wants(void *context, const struct ice_data_file *file)
{
    const struct listing *listing = context;
    const struct offset_window window = { from_of(listing->spans), to_of(listing->spans),
                                          listing->spans->partitions };

    return offset_window_may_hold(&window, file, listing->offset_id);
}

static int compare_spans(const void *left, const void *right, void *context)
{
    const struct bronze_spans *spans = context;
    const uint32_t *l = left, *r = right;
    const struct bronze_span *a = span_at(spans, *l), *b = span_at(spans, *r);

    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return (*l > *r) - (*l < *r);
}

static int compare_files(const void *left, const void *right, void *context)
{
    const struct bronze_spans *spans = context;
    const uint32_t *l = left, *r = right;
    int64_t a = live_files_at(&spans->files, *l)->sequence;
    int64_t b = live_files_at(&spans->files, *r)->sequence;

    if (a != b)
        return a < b ? -1 : 1;
    return (*l > *r) - (*l < *r);
}

/* Nothing is passed yet. */
static void begin_anew(struct bronze_spans *spans)
{
    size_t count = span_count(spans);
    int32_t p = 0;

    buf_clear(&spans->passed);
    buf_clear(&spans->next);
    spans->oldest = 0;
    buf_put_span(&spans->passed, buf_span(&spans->from));
    for (size_t i = 0; i < count; i++)
        for (; p <= span_at(spans, numbers(&spans->by_offset)[i])->partition; p++)
            put_number(&spans->next, i);
    for (; p <= spans->partitions; p++)
        put_number(&spans->next, count);
}

static void make_indexes(struct bronze_spans *spans)
{
    size_t files = live_files_count(&spans->files);

    put_number(&spans->first_of, span_count(spans));
    for (size_t i = 0; i < span_count(spans); i++)
        put_number(&spans->by_offset, i);
    for (size_t i = 0; i < files; i++)
        put_number(&spans->by_age, i);
    if (files > 0) {
        qsort_r(spans->by_offset.data, span_count(spans), sizeof(uint32_t), compare_spans, spans);
        qsort_r(spans->by_age.data, files, sizeof(uint32_t), compare_files, spans);
    }
    begin_anew(spans);
}

/* What the listing has of the window can be read from it. */
static bool covers(const struct bronze_spans *spans, const struct offset_window *window)
{
    bool has_any = false;

    if (spans->partitions != window->count)
        return false;
    for (int32_t p = 0; p < window->count; p++) {
        if (window->from[p] < from_of(spans)[p])
            return false;
        has_any |= window->from[p] < int64_min(to_of(spans)[p], window->to[p]);
    }
    return has_any;
}

int bronze_spans_list(struct bronze_spans *spans, struct chain_table *bronze,
                      const struct positions *map, const struct offset_window *window,
                      struct err *err)
{
    const struct ice_metadata *metadata = bronze->table.metadata;
    struct listing listing = { spans,
                               bronze->table.definition.field[bronze->origin.offset].field_id,
                               spans->spans_max == 0 ? BRONZE_SPANS_MAX : spans->spans_max };
    const struct own_rows_visitor visitor = { list_file, wants, &listing };
    int rc;

    if (live_files_hold(&spans->files, metadata, map->epoch) && covers(spans, window))
        return 0;
    buf_clear(&spans->from);
    buf_clear(&spans->to);
    buf_clear(&spans->spans);
    buf_clear(&spans->by_offset);
    buf_clear(&spans->first_of);
    buf_clear(&spans->by_age);
    spans->is_shortened = false;
    spans->partitions = window->count;
    buf_put(&spans->from, window->from, (size_t)window->count * sizeof(*window->from));
    buf_put(&spans->to, window->to, (size_t)window->count * sizeof(*window->to));
    live_files_begin(&spans->files, bronze, map);
    rc = own_rows_visit(bronze, metadata, map, &visitor, &spans->claims, err);
    if (rc == 0)
        make_indexes(spans);
    else
        bronze_spans_forget(spans);
    return rc;
}

/* -- choosing */

struct choosing {
    const struct bronze_spans *spans;
    const struct offset_window *window;
    int64_t after_sequence;
    bool *is_wanted; /* by file */
    int64_t *end;
    size_t *next;    /* by partition: of by_offset, the first span that `end` has not reached */
    uint32_t *queue; /* files wanted, in that order */
    size_t queued;
    int64_t rows;
};

static bool is_left(const struct choosing *c, const struct bronze_span *span)
{
    int32_t p = span->partition;

    if (!clause_on(CLAUSE_SECOND_PATH_BY_OFFSET) &&
        live_files_at(&c->spans->files, span->file)->sequence <= c->after_sequence)
        return false;
    return span->last >= c->window->from[p] && span->first < c->window->to[p];
}

/* At most: offsets may have gaps. */
static int64_t rows_of(const struct choosing *c, const struct bronze_span *span)
{
    int32_t p = span->partition;

    return int64_min(span->last, c->window->to[p] - 1) -
           int64_max(span->first, c->window->from[p]) + 1;
}

static void want(struct choosing *c, uint32_t file)
{
    if (!c->is_wanted[file])
        c->queue[c->queued++] = file;
    c->is_wanted[file] = true;
}

/* The next span of a partition in order of first offsets, or NULL. */
static const struct bronze_span *next_of(const struct choosing *c, int32_t p)
{
    size_t count = span_count(c->spans);
    const struct bronze_span *span;

    if (c->next[p] == count)
        return NULL;
    span = span_at(c->spans, numbers(&c->spans->by_offset)[c->next[p]]);
    return span->partition == p ? span : NULL;
}

/* Partition p will be read to `to`: with what begins below that, and what overlaps it. */
static void raise_end(struct choosing *c, int32_t p, int64_t to)
{
    const struct bronze_span *span;

    c->end[p] = int64_max(c->end[p], to);
    while ((span = next_of(c, p)) != NULL && span->first < c->end[p]) {
        c->next[p]++;
        if (!is_left(c, span))
            continue;
        c->rows += rows_of(c, span);
        if (!clause_on(CLAUSE_GROUP_CUT))
            continue;
        c->end[p] = int64_max(c->end[p], int64_min(span->last + 1, c->window->to[p]));
        want(c, span->file);
    }
}

/* How many rows a file has that are not chosen yet. */
static int64_t cost_of(const struct choosing *c, uint32_t file)
{
    const uint32_t *first = numbers(&c->spans->first_of) + file;
    int64_t rows = 0;

    for (uint32_t i = first[0]; i < first[1]; i++) {
        const struct bronze_span *span = span_at(c->spans, i);

        if (is_left(c, span) &&
            int64_max(span->first, c->window->from[span->partition]) >= c->end[span->partition])
            rows += rows_of(c, span);
    }
    return rows;
}

static void take_whole(struct choosing *c, uint32_t file)
{
    const uint32_t *first = numbers(&c->spans->first_of) + file;

    want(c, file);
    for (uint32_t i = first[0]; i < first[1]; i++) {
        const struct bronze_span *span = span_at(c->spans, i);

        if (is_left(c, span))
            raise_end(c, span->partition,
                      int64_min(span->last + 1, c->window->to[span->partition]));
    }
}

/* Lies all of a file below `passed`? */
static bool is_passed(const struct bronze_spans *spans, uint32_t file, const int64_t *passed)
{
    const uint32_t *first = numbers(&spans->first_of) + file;

    for (uint32_t i = first[0]; i < first[1]; i++)
        if (span_at(spans, i)->last >= passed[span_at(spans, i)->partition])
            return false;
    return true;
}

/* The oldest files first, and before the next one those that they have drawn in. */
static void take_files(struct choosing *c, int64_t rows_max)
{
    size_t files = live_files_count(&c->spans->files);
    size_t oldest = c->spans->oldest, whole = 0;

    while (whole < c->queued || oldest < files) {
        bool is_queued = whole < c->queued;
        uint32_t file = is_queued ? c->queue[whole++] : numbers(&c->spans->by_age)[oldest++];
        int64_t cost = cost_of(c, file);

        if (cost == 0)
            continue;
        if (rows_max >= 0 && c->rows > 0 && cost > rows_max - c->rows)
            return;
        take_whole(c, file);
    }
}

static bool begins_below(const struct offset_window *window, const int64_t *passed)
{
    for (int32_t p = 0; p < window->count; p++)
        if (window->from[p] < passed[p])
            return true;
    return false;
}

/* Lets go of what lies below the window for good. */
static void pass(struct bronze_spans *spans, const struct offset_window *window)
{
    int64_t *passed;
    uint32_t *next;

    if (begins_below(window, (const int64_t *)(const void *)spans->passed.data))
        begin_anew(spans);
    passed = (int64_t *)(void *)spans->passed.data;
    next = (uint32_t *)(void *)spans->next.data;
    for (int32_t p = 0; p < window->count; p++) {
        const struct bronze_span *span;

        passed[p] = window->from[p];
        while (next[p] < span_count(spans) &&
               (span = span_at(spans, numbers(&spans->by_offset)[next[p]]))->partition == p &&
               span->last < passed[p])
            next[p]++;
    }
    while (spans->oldest < live_files_count(&spans->files) &&
           is_passed(spans, numbers(&spans->by_age)[spans->oldest], passed))
        spans->oldest++;
}

/* -- a group that is larger than a batch is cut by offset */

/* Where partition p's rows begin: what lies below was compacted away or never was. */
static int64_t begin_of(const struct choosing *c, int32_t p)
{
    size_t at = numbers(&c->spans->next)[p];
    const struct bronze_span *span = NULL;

    for (; at < span_count(c->spans); at++) {
        span = span_at(c->spans, numbers(&c->spans->by_offset)[at]);
        if (span->partition != p)
            return c->end[p];
        if (is_left(c, span))
            break;
    }
    if (at == span_count(c->spans))
        return c->end[p];
    return int64_min(int64_max(c->window->from[p], span->first), c->end[p]);
}

/* Rows below the ends when no partition gives more than `share`; offsets may have gaps. */
static int64_t rows_within(const struct choosing *c, const int64_t *begin, int64_t share)
{
    int64_t rows = 0;

    for (int32_t p = 0; p < c->window->count; p++)
        rows += int64_min(c->end[p] - begin[p], share);
    return rows;
}

static bool is_needed(const struct choosing *c, uint32_t file)
{
    const uint32_t *first = numbers(&c->spans->first_of) + file;

    for (uint32_t i = first[0]; i < first[1]; i++) {
        const struct bronze_span *span = span_at(c->spans, i);

        if (is_left(c, span) && span->first < c->end[span->partition])
            return true;
    }
    return false;
}

/* Lowers the ends until the rows are rows_max at most, with as much of each partition. */
static void cut_ends(struct choosing *c, int64_t rows_max)
{
    size_t partitions = (size_t)c->window->count;
    int64_t *begin = mem_zero(partitions + 1, sizeof(*begin));
    int64_t share = 1, too_much = c->rows + 1;

    for (int32_t p = 0; p < c->window->count; p++)
        begin[p] = begin_of(c, p);
    if (rows_within(c, begin, INT64_MAX) <= rows_max) {
        free(begin); /* overlaps were counted twice */
        return;
    }
    while (too_much - share > 1) {
        int64_t middle = share + (too_much - share) / 2;

        if (rows_within(c, begin, middle) <= rows_max)
            share = middle;
        else
            too_much = middle;
    }
    for (size_t p = 0; p < partitions; p++) {
        c->end[p] = begin[p] + int64_min(c->end[p] - begin[p], share);
        c->next[p] = numbers(&c->spans->next)[p];
    }
    for (size_t i = 0; i < c->queued; i++)
        c->is_wanted[c->queue[i]] = is_needed(c, c->queue[i]);
    free(begin);
}

/* A partition of which nothing is left was read to the end of the window.  True when all were. */
static bool finish(struct choosing *c)
{
    bool is_all = !c->spans->is_shortened;

    for (int32_t p = 0; p < c->window->count; p++) {
        const struct bronze_span *span;

        while ((span = next_of(c, p)) != NULL && !is_left(c, span))
            c->next[p]++;
        if (span != NULL)
            is_all = false;
        else if (c->window->to[p] < INT64_MAX)
            c->end[p] = int64_max(c->end[p], c->window->to[p]);
    }
    return is_all;
}

bool bronze_spans_choose(struct bronze_spans *spans, const struct offset_window *window,
                         int64_t rows_max, int64_t after_sequence, bool *is_wanted, int64_t *end)
{
    size_t partitions = (size_t)window->count;
    int64_t *to = mem_zero(partitions + 1, sizeof(*to));
    struct offset_window listed = { window->from, to, window->count };
    struct choosing c = {
        .spans = spans,
        .window = &listed,
        .after_sequence = after_sequence,
        .is_wanted = is_wanted,
        .end = end,
        .next = mem_zero(partitions + 1, sizeof(*c.next)),
        .queue = mem_zero(live_files_count(&spans->files) + 1, sizeof(*c.queue)),
    };
    bool is_all;

    for (size_t p = 0; p < partitions; p++) {
        end[p] = window->from[p];
        to[p] = int64_min(window->to[p], to_of(spans)[p]);
    }
    pass(spans, window);
    for (size_t p = 0; p < partitions; p++)
        c.next[p] = numbers(&spans->next)[p];
    take_files(&c, rows_max);
    if (rows_max >= 0 && c.rows > rows_max)
        cut_ends(&c, rows_max);
    is_all = finish(&c);
    free(c.next);
    free(c.queue);
    free(to);
    return is_all;
}
