// SPDX-License-Identifier: Apache-2.0
/* table_clean.c: see the header.  Everything that can fail to be read is read before the first
 * deletion. */
#include "iceberg/table_clean.h"

#include "iceberg/table_names.h"
#include "iceberg/table_reach.h"

#include <string.h>

struct clean {
    struct table *table;
    struct arena arena;
    struct table_names reached, noted;
    struct buf candidates; /* const char *: URIs, each once */
    bool names_data;
};

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Whether it lies under the table's <location><folder>. */
static bool is_under(const struct clean *clean, const char *uri, const char *folder)
{
    const char *location = clean->table->metadata->location;

    return begins_with(uri, location) && begins_with(uri + strlen(location), folder);
}

static void add_candidate(struct clean *clean, const char *uri)
{
    const char *copy;

    if (!is_under(clean, uri, "/") || strstr(uri, "/../") != NULL ||
        table_names_part(uri).size == 0)
        return;
    if (!table_names_add(&clean->noted, uri))
        return;
    copy = arena_text(&clean->arena, span_text(uri));
    buf_put(&clean->candidates, &copy, sizeof(copy));
    clean->names_data = clean->names_data || !is_under(clean, uri, "/metadata/");
}

static void add_lines(struct clean *clean, struct span text)
{
    size_t start = 0;

    for (size_t i = 0; i <= text.size; i++) {
        if (i < text.size && text.data[i] != '\n')
            continue;
        if (i > start && memchr(text.data + start, 0, i - start) == NULL)
            add_candidate(clean, arena_text(&clean->arena, span_of(text.data + start, i - start)));
        start = i + 1;
    }
}

static int read_notes(struct clean *clean, const char *const *notes, size_t count, struct buf *text,
                      struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        int rc = store_get_all(clean->table->ports.store, notes[i], text, err);

        if (rc < 0)
            return err_wrap(err, "get %s", notes[i]);
        buf_put_byte(text, '\n');
    }
    return 0;
}

static void add_reached(void *context, const char *uri)
{
    struct clean *clean = context;

    table_names_add(&clean->reached, uri);
}

static int reach_all(struct clean *clean, struct err *err)
{
    struct table_reach reach;
    int rc;

    table_reach_init(&reach, clean->table, clean->names_data, add_reached, clean);
    rc = table_reach_all(&reach, err);
    table_reach_deinit(&reach);
    return rc;
}

static bool is_list(const char *uri)
{
    return begins_with((const char *)table_names_part(uri).data, "snap-");
}

static const char *candidate(const struct clean *clean, size_t index)
{
    return ((const char *const *)(const void *)clean->candidates.data)[index];
}

static size_t candidate_count(const struct clean *clean)
{
    return clean->candidates.size / sizeof(const char *);
}

/* The manifests that unreached lists name are candidates too.  A list that is gone already took
 * none with it: they are deleted first. */
static int expand_lists(struct clean *clean, struct err *err)
{
    size_t count = candidate_count(clean);
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++) {
        const struct ice_snapshot list = { .manifest_list = candidate(clean, i) };
        struct arena arena = ARENA_INIT;
        struct ice_manifest_row *rows = NULL;
        size_t row_count = 0;

        if (!is_list(list.manifest_list) || table_names_has(&clean->reached, list.manifest_list))
            continue;
        rc = table_manifests(clean->table, &arena, &list, &rows, &row_count, err);
        for (size_t k = 0; k < row_count && rc == 0; k++) {
            if (is_under(clean, rows[k].path, "/metadata/"))
                add_candidate(clean, rows[k].path);
        }
        rc = rc == TABLE_GONE ? 0 : rc;
        arena_deinit(&arena);
    }
    return rc;
}

static int delete_candidates(struct clean *clean, bool lists, size_t *removed, struct err *err)
{
    for (size_t i = 0; i < candidate_count(clean); i++) {
        const char *uri = candidate(clean, i);

        if (is_list(uri) != lists || table_names_has(&clean->reached, uri))
            continue;
        if (store_remove(clean->table->ports.store, uri, err) < 0)
            return err_wrap(err, "remove %s", uri);
        ++*removed;
    }
    return 0;
}

int table_clean(struct table *table, const char *const *notes, size_t count, size_t *removed,
                struct err *err)
{
    struct clean clean = { .table = table };
    struct buf text = BUF_INIT;
    int rc;

    *removed = 0;
    clean.reached.arena = clean.noted.arena = &clean.arena;
    rc = read_notes(&clean, notes, count, &text, err);
    if (rc == 0)
        rc = table_load(table, err);
    if (rc == 0) {
        add_lines(&clean, buf_span(&text));
        rc = reach_all(&clean, err);
    }
    if (rc == 0)
        rc = expand_lists(&clean, err);
    if (rc == 0)
        rc = delete_candidates(&clean, false, removed, err);
    if (rc == 0)
        rc = delete_candidates(&clean, true, removed, err);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = store_remove(table->ports.store, notes[i], err);
    buf_deinit(&text);
    buf_deinit(&clean.candidates);
    arena_deinit(&clean.arena);
    return rc < 0 ? err_wrap(err, "clean %s", table->definition.name) : rc;
}
