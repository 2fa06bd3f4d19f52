// SPDX-License-Identifier: Apache-2.0
/*
 * table_orphans.c: see the header.  For each slice: list, and keep the hashes of what is old; load,
 * and strike out what is reached; list again, and delete what was not struck out.  A hash that two
 * names share can only keep an object.
 */
#include "iceberg/table_orphans.h"

#include "core/hash.h"
#include "iceberg/table_reach.h"

#include <string.h>

enum { CANDIDATES_MAX = 1 << 20, SLICES_MAX = 1 << 16 };
/* Hashes of names; the lowest bit says that it is still a candidate, the next that it is none free.
 */
#define OPEN UINT64_C(1)
#define USED UINT64_C(2)

struct sweep {
    struct table *table;
    const struct table_orphans *options;
    struct arena arena;
    const char *prefix[2]; /* <location>/metadata/, <location>/data/ */
    const char *tail[2];   /* the same from the location's last part on: listings may spell the rest
                            * of it otherwise */
    uint64_t *slot;
    size_t capacity, count;
    size_t data_count, data_count_max;
    size_t open;
    uint64_t slice, slices;
    bool is_data; /* the listing under way is that of data/ */
    bool is_full; /* more slices are needed */
    size_t removed;
    struct buf document;
};

static uint64_t hash_of(const char *uri)
{
    return hash_fast(table_names_part(uri));
}

static uint64_t *find(const struct sweep *sweep, uint64_t hash)
{
    uint64_t key = hash | OPEN | USED;
    size_t at = (hash >> 8) & (sweep->capacity - 1);

    while (sweep->slot[at] != 0 && (sweep->slot[at] | OPEN) != key)
        at = (at + 1) & (sweep->capacity - 1);
    return &sweep->slot[at];
}

static void grow(struct sweep *sweep)
{
    size_t before = sweep->capacity;
    uint64_t *old = sweep->slot;

    sweep->capacity = before == 0 ? 1024 : 2 * before;
    sweep->slot = mem_zero(sweep->capacity, sizeof(*sweep->slot));
    for (size_t i = 0; i < before; i++) {
        if (old[i] != 0)
            *find(sweep, old[i]) = old[i];
    }
    free(old);
}

static bool ends_with(struct span name, const char *end)
{
    size_t size = strlen(end);

    return name.size > size && memcmp(name.data + name.size - size, end, size) == 0;
}

static bool is_document(const char *uri)
{
    return ends_with(table_names_part(uri), ".metadata.json");
}

/* May an object at this place go at all? */
static bool may_go(const struct sweep *sweep, const char *uri)
{
    const char *tail = sweep->tail[sweep->is_data];
    struct span name = table_names_part(uri);
    const char *rest = strstr(uri, tail);

    if (rest == NULL || name.size == 0)
        return false;
    rest += strlen(tail);
    if (!sweep->is_data)
        return strchr(rest, '/') == NULL &&
               strncmp(rest, sweep->options->note_prefix, strlen(sweep->options->note_prefix)) !=
                   0 &&
               (ends_with(name, ".avro") || is_document(uri));
    for (const char *part = rest; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        if (*part == '_' || *part == '.')
            return false;
    }
    return true;
}

/* An object without a time may be of now. */
static bool is_old(const struct sweep *sweep, int64_t modified_us)
{
    return modified_us > 0 && modified_us < sweep->options->before_us;
}

/* The object's slot; NULL: not one of this slice, or nothing that could go. */
static uint64_t *slot_of(const struct sweep *sweep, const char *uri)
{
    uint64_t hash = hash_of(uri);

    if (!may_go(sweep, uri) || (sweep->is_data && hash % sweep->slices != sweep->slice))
        return NULL;
    return find(sweep, hash);
}

static int collect(void *context, const char *uri, uint64_t size, int64_t modified_us,
                   struct err *err)
{
    struct sweep *sweep = context;
    uint64_t *slot;

    (void)size;
    (void)err;
    if (2 * sweep->count >= sweep->capacity)
        grow(sweep);
    if (!is_old(sweep, modified_us) && !is_document(uri)) /* of these all are checked */
        return 0;
    slot = slot_of(sweep, uri);
    if (slot == NULL || *slot != 0)
        return 0;
    if (sweep->is_data && sweep->data_count++ == sweep->data_count_max) {
        sweep->is_full = true;
        sweep->data_count--;
        return 0;
    }
    *slot = hash_of(uri) | OPEN | USED;
    sweep->count++;
    sweep->open++;
    return 0;
}

static void strike_out(void *context, const char *uri)
{
    struct sweep *sweep = context;
    uint64_t *slot = find(sweep, hash_of(uri));

    sweep->open -= *slot & OPEN;
    *slot &= ~OPEN;
}

static bool is_unreached(const struct sweep *sweep, const char *uri)
{
    const uint64_t *slot = slot_of(sweep, uri);

    return slot != NULL && (*slot & OPEN) != 0;
}

/* A document that nothing reaches is that of a try of ours, of any age, unless it is another
 * table's. */
static int check_document(void *context, const char *uri, uint64_t size, int64_t modified_us,
                          struct err *err)
{
    struct sweep *sweep = context;
    struct ice_metadata *metadata = NULL;
    int rc;

    (void)size;
    (void)modified_us;
    if (!is_document(uri) || !is_unreached(sweep, uri))
        return 0;
    buf_clear(&sweep->document);
    rc = store_get_all(sweep->table->ports.store, uri, &sweep->document, err);
    if (rc == STORE_ABSENT)
        return 0;
    if (rc == 0)
        rc = ice_metadata_parse(buf_span(&sweep->document), uri, &metadata, err);
    if (rc < 0)
        return err->kind == ERR_RETRY
                   ? -1
                   : err_set(err, ERR_REFUSED,
                             "orphans stay: %s cannot be read, and might be another table's: move "
                             "it away",
                             uri);
    if (strcmp(metadata->uuid, sweep->table->metadata->uuid) != 0)
        rc = err_set(err, ERR_REFUSED,
                     "orphans stay: %s is another table's (%s): move that table's files away, or "
                     "register it",
                     uri, metadata->uuid);
    ice_metadata_unref(metadata);
    return rc;
}

static int delete_orphan(void *context, const char *uri, uint64_t size, int64_t modified_us,
                         struct err *err)
{
    struct sweep *sweep = context;

    (void)size;
    if (!is_old(sweep, modified_us) || !is_unreached(sweep, uri))
        return 0;
    if (store_remove(sweep->table->ports.store, uri, err) < 0)
        return err_wrap(err, "remove %s", uri);
    sweep->removed++;
    return 0;
}

static int list(struct sweep *sweep, bool is_data,
                int (*visit)(void *context, const char *uri, uint64_t size, int64_t modified_us,
                             struct err *err),
                struct err *err)
{
    const struct store_visitor visitor = { visit, sweep };

    sweep->is_data = is_data;
    return store_list(sweep->table->ports.store, sweep->prefix[is_data], &visitor, err);
}

/* -- notes */

struct notes {
    struct table_reach *reach;
    struct store *store;
    struct buf text;
};

static int keep_noted(void *context, const char *uri, uint64_t size, int64_t modified_us,
                      struct err *err)
{
    struct notes *notes = context;
    int rc;

    (void)size;
    (void)modified_us;
    buf_clear(&notes->text);
    rc = store_get_all(notes->store, uri, &notes->text, err);
    buf_put_byte(&notes->text, 0);
    for (char *line = (char *)notes->text.data, *end; rc == 0 && *line != 0; line = end) {
        end = line + strcspn(line, "\n");
        if (*end != 0)
            *end++ = 0;
        if (ends_with(table_names_part(line), ".avro"))
            rc = table_reach_list(notes->reach, line, err);
        else
            notes->reach->reached(notes->reach->context, line);
        rc = rc == TABLE_GONE ? 0 : rc; /* already cleaned */
    }
    return rc == STORE_ABSENT ? 0 : rc;
}

static int strike_out_all(struct sweep *sweep, struct err *err)
{
    struct notes notes = { .store = sweep->table->ports.store };
    const struct store_visitor visitor = { keep_noted, &notes };
    struct table_reach reach;
    int rc;

    table_reach_init(&reach, sweep->table, true, strike_out, sweep);
    notes.reach = &reach;
    rc = table_reach_all(&reach, err);
    if (rc == 0 && sweep->open > 0)
        rc = store_list(
            sweep->table->ports.store,
            arena_printf(&sweep->arena, "%s%s", sweep->prefix[0], sweep->options->note_prefix),
            &visitor, err);
    buf_deinit(&notes.text);
    table_reach_deinit(&reach);
    return rc;
}

/* Whether a swap that was begun before `before_us` must meet another base by now: it was loaded no
 * later than TABLE_CHANGE_AGE_US_MAX after that, and main's snapshot is younger. */
static bool has_moved_on(const struct sweep *sweep)
{
    const struct ice_snapshot *current = ice_metadata_current(sweep->table->metadata);

    return current != NULL &&
           current->timestamp_ms > (sweep->options->before_us + TABLE_CHANGE_AGE_US_MAX) / 1000;
}

/* Of is_full nothing has been done. */
static int sweep_slice(struct sweep *sweep, struct err *err)
{
    int rc;

    if (sweep->slot != NULL)
        memset(sweep->slot, 0, sweep->capacity * sizeof(*sweep->slot));
    sweep->count = sweep->data_count = sweep->open = 0;
    sweep->is_full = false;
    rc = list(sweep, false, collect, err);
    if (rc == 0 && !sweep->is_full)
        rc = list(sweep, true, collect, err);
    if (rc != 0 || sweep->is_full || sweep->open == 0)
        return rc;
    rc = table_load(sweep->table, err);
    if (rc == 0 && !has_moved_on(sweep))
        return 0;
    if (rc == 0)
        rc = strike_out_all(sweep, err);
    if (rc != 0 || sweep->open == 0)
        return rc;
    rc = list(sweep, false, check_document, err);
    if (rc == 0)
        rc = list(sweep, true, delete_orphan, err);
    if (rc == 0)
        rc = list(sweep, false, delete_orphan, err);
    return rc;
}

static void sweep_init(struct sweep *sweep, struct table *table,
                       const struct table_orphans *options)
{
    static const char *const folder[2] = { "metadata", "data" };
    const char *location = table->metadata->location;
    const char *last = strrchr(location, '/');

    *sweep = (struct sweep){ .table = table, .options = options, .slices = 1 };
    sweep->data_count_max = options->candidates_max == 0 ? CANDIDATES_MAX : options->candidates_max;
    for (size_t i = 0; i < ARRAY_LEN(folder); i++) {
        sweep->prefix[i] = arena_printf(&sweep->arena, "%s/%s/", location, folder[i]);
        sweep->tail[i] =
            arena_printf(&sweep->arena, "%s/%s/", last == NULL ? location : last, folder[i]);
    }
}

int table_orphans_remove(struct table *table, const struct table_orphans *options, size_t *removed,
                         struct err *err)
{
    struct sweep sweep;
    int rc = table_load(table, err);

    *removed = 0;
    if (rc != 0)
        return rc;
    sweep_init(&sweep, table, options);
    for (; rc == 0 && sweep.slice < sweep.slices; sweep.slice++) {
        rc = sweep_slice(&sweep, err);
        if (rc == 0 && sweep.is_full && sweep.slices == SLICES_MAX)
            rc = err_set(err, ERR_REFUSED, "more files than %d slices hold", SLICES_MAX);
        if (rc == 0 && sweep.is_full) {
            sweep.slices *= 2;
            sweep.slice = UINT64_MAX; /* from 0 on again */
        }
    }
    *removed = sweep.removed;
    free(sweep.slot);
    buf_deinit(&sweep.document);
    arena_deinit(&sweep.arena);
    return rc < 0 ? err_wrap(err, "orphans of %s", table->definition.name) : rc;
}
