// SPDX-License-Identifier: Apache-2.0
/*
 * catalog_mem.c: tables in a sorted array, metadata files in the given store.
 *
 * It can stand for both kinds of catalog.  By location it is SQLite: any change makes a commit
 * lose.  By snapshot it is a REST server, which applies a commit's change to whatever the table
 * has become, as long as main is where the commit says: the port hands over a whole document, so
 * the change is found again by comparing it with the base's.  One thread.
 */
#include "port/catalog.h"

#include <json-c/json.h>

struct table {
    char *space;
    char *name;
    struct catalog_table now;
};

struct catalog_mem {
    struct catalog base;
    struct store *store;
    struct clock *clock;
    bool by_snapshot;
    struct table *tables; /* by space, name */
    size_t count;
};

static size_t place_of(const struct catalog_mem *mem, const char *space, const char *name)
{
    size_t place = 0;

    while (place < mem->count) {
        int order = strcmp(mem->tables[place].space, space);

        if (order == 0)
            order = strcmp(mem->tables[place].name, name);
        if (order >= 0)
            break;
        place++;
    }
    return place;
}

static struct table *find(const struct catalog_mem *mem, const char *space, const char *name)
{
    size_t place = place_of(mem, space, name);

    return place < mem->count && strcmp(mem->tables[place].space, space) == 0 &&
                   strcmp(mem->tables[place].name, name) == 0
               ? &mem->tables[place]
               : NULL;
}

static int mem_load(struct catalog *catalog, const char *space, const char *name, const char *known,
                    struct catalog_table *out, struct err *err)
{
    struct table *table = find((struct catalog_mem *)catalog, space, name);

    (void)err;
    if (table == NULL)
        return CATALOG_ABSENT;
    if (known != NULL && span_equal(span_text(known), buf_span(&table->now.location)))
        return CATALOG_UNCHANGED;
    buf_clear(&out->location);
    buf_put_span(&out->location, buf_span(&table->now.location));
    buf_clear(&out->metadata);
    buf_put_span(&out->metadata, buf_span(&table->now.metadata));
    return 0;
}

/* Writes the document; *table is at it afterwards. */
static int write_metadata(struct catalog_mem *mem, struct catalog_table *table,
                          const char *table_location, const char *base_location,
                          struct span metadata, struct err *err)
{
    struct catalog_table next = { BUF_INIT, BUF_INIT };
    int rc;

    catalog_next_location(table_location, base_location, mem->clock, &next.location);
    rc = store_put_new(mem->store, buf_text(&next.location), &metadata, 1, err);
    if (rc > 0)
        rc = err_set(err, ERR_FATAL, "put %s: it exists", buf_text(&next.location));
    if (rc == 0) {
        buf_put_span(&next.metadata, metadata);
        catalog_table_deinit(table);
        *table = next;
    } else {
        catalog_table_deinit(&next);
    }
    return rc;
}

static int mem_create(struct catalog *catalog, const char *space, const char *name,
                      const char *table_location, struct span metadata, struct err *err)
{
    struct catalog_mem *mem = (struct catalog_mem *)catalog;
    size_t place = place_of(mem, space, name);
    struct catalog_table first = { BUF_INIT, BUF_INIT };
    struct table *table;

    if (find(mem, space, name) != NULL)
        return CATALOG_EXISTS;
    if (write_metadata(mem, &first, table_location, NULL, metadata, err) < 0)
        return -1;
    mem->tables = mem_realloc(mem->tables, mem->count + 1, sizeof(*mem->tables));
    table = &mem->tables[place];
    memmove(table + 1, table, (mem->count - place) * sizeof(*table));
    *table = (struct table){ mem_text(space), mem_text(name), first };
    mem->count++;
    return 0;
}

static struct json_object *parse(struct span text)
{
    struct json_tokener *tokener = json_tokener_new_ex(JSON_TOKENER_DEFAULT_DEPTH);
    struct json_object *object = NULL;

    if (text.size <= INT32_MAX)
        object = json_tokener_parse_ex(tokener, (const char *)text.data, (int)text.size);
    json_tokener_free(tokener);
    return object;
}

/* No snapshot is -1, as old writers also put it. */
static int64_t number_of(struct json_object *object, const char *key)
{
    struct json_object *value = json_object_object_get(object, key);

    return value == NULL ? -1 : json_object_get_int64(value);
}

/* A property's text; NULL when there is none. */
static const char *property_of(struct json_object *properties, const char *key)
{
    struct json_object *value = json_object_object_get(properties, key);

    return value == NULL ? NULL : json_object_get_string(value);
}

static bool text_equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Puts current's value of a key in place of next's, where current has changed it and next not. */
static void merge_key(struct json_object *base, struct json_object *current,
                      struct json_object *next, const char *key)
{
    const char *was = property_of(base, key);
    const char *is = property_of(current, key);

    if (text_equal(was, is) || !text_equal(was, property_of(next, key)))
        return;
    if (is == NULL)
        json_object_object_del(next, key);
    else
        json_object_object_add(next, key, json_object_new_string(is));
}

static void merge_properties(struct json_object *base, struct json_object *current,
                             struct json_object *next)
{
    struct json_object *of_base = json_object_object_get(base, "properties");
    struct json_object *of_current = json_object_object_get(current, "properties");
    struct json_object *of_next = json_object_object_get(next, "properties");

    if (of_next == NULL) {
        of_next = json_object_new_object();
        json_object_object_add(next, "properties", of_next);
    }
    if (of_base != NULL) {
        json_object_object_foreach(of_base, key, value)
        {
            (void)value;
            merge_key(of_base, of_current, of_next, key);
        }
    }
    if (of_current != NULL) {
        json_object_object_foreach(of_current, key, value)
        {
            (void)value;
            merge_key(of_base, of_current, of_next, key);
        }
    }
}

static bool has_snapshot(struct json_object *list, int64_t id)
{
    for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++)
        if (number_of(json_object_array_get_idx(list, i), "snapshot-id") == id)
            return true;
    return false;
}

/* Drops from next's `snapshots` or `snapshot-log` what current has dropped since base. */
static void merge_dropped(struct json_object *base, struct json_object *current,
                          struct json_object *next, const char *key)
{
    struct json_object *was = json_object_object_get(base, key);
    struct json_object *is = json_object_object_get(current, key);
    struct json_object *list = json_object_object_get(next, key);

    for (size_t i = list == NULL ? 0 : json_object_array_length(list); i-- > 0;) {
        int64_t id = number_of(json_object_array_get_idx(list, i), "snapshot-id");

        if (has_snapshot(was, id) && !has_snapshot(is, id))
            json_object_array_del_idx(list, i, 1);
    }
}

/* A commit of ours moves main alone: the other refs are current's, but for those whose snapshot the
 * change drops (as Java's server does). */
static void merge_refs(struct json_object *current, struct json_object *next)
{
    struct json_object *main_ref =
        json_object_object_get(json_object_object_get(next, "refs"), "main");
    struct json_object *of_current = json_object_object_get(current, "refs");
    struct json_object *snapshots = json_object_object_get(next, "snapshots");
    struct json_object *merged = json_object_new_object();

    if (main_ref != NULL)
        json_object_object_add(merged, "main", json_object_get(main_ref));
    if (of_current != NULL) {
        json_object_object_foreach(of_current, name, ref)
        {
            if (strcmp(name, "main") != 0 && has_snapshot(snapshots, number_of(ref, "snapshot-id")))
                json_object_object_add(merged, name, json_object_get(ref));
        }
    }
    json_object_object_add(next, "refs", merged);
}

/* Makes *next the change from base to next, applied to current.  CATALOG_CONFLICT as a server
 * finds it: main has moved, or the new snapshot's sequence number is taken. */
static int rebase(struct json_object *base, struct json_object *current, struct json_object *next)
{
    int64_t main_was = number_of(base, "current-snapshot-id");

    if (number_of(current, "current-snapshot-id") != main_was)
        return CATALOG_CONFLICT;
    if (number_of(next, "current-snapshot-id") != main_was &&
        number_of(next, "last-sequence-number") <= number_of(current, "last-sequence-number"))
        return CATALOG_CONFLICT;
    merge_properties(base, current, next);
    merge_dropped(base, current, next, "snapshots");
    merge_dropped(base, current, next, "snapshot-log");
    merge_refs(current, next);
    return 0;
}

static int commit_by_snapshot(struct catalog_mem *mem, struct table *table,
                              const struct catalog_commit *commit, struct err *err)
{
    struct buf text = BUF_INIT;
    struct json_object *base = NULL;
    struct json_object *current = NULL;
    struct json_object *next = NULL;
    int rc = store_get_all(mem->store, commit->base_location, &text, err);

    if (rc != 0) {
        rc = rc > 0 ? CATALOG_CONFLICT : rc;
        goto out;
    }
    base = parse(buf_span(&text));
    current = parse(buf_span(&table->now.metadata));
    next = parse(commit->metadata);
    if (base == NULL || current == NULL || next == NULL) {
        rc = err_set(err, ERR_CORRUPT, "commit %s: metadata is no JSON", table->name);
        goto out;
    }
    rc = rebase(base, current, next);
    if (rc == 0) {
        size_t size;
        const char *merged = json_object_to_json_string_length(
            next, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);

        rc = write_metadata(mem, &table->now, commit->table_location,
                            buf_text(&table->now.location), span_of(merged, size), err);
    }
out:
    json_object_put(next);
    json_object_put(current);
    json_object_put(base);
    buf_deinit(&text);
    return rc;
}

static int mem_commit(struct catalog *catalog, const char *space, const char *name,
                      const struct catalog_commit *commit, struct err *err)
{
    struct catalog_mem *mem = (struct catalog_mem *)catalog;
    struct table *table = find(mem, space, name);

    if (table == NULL)
        return CATALOG_CONFLICT;
    if (span_equal(span_text(commit->base_location), buf_span(&table->now.location)))
        return write_metadata(mem, &table->now, commit->table_location, commit->base_location,
                              commit->metadata, err);
    return mem->by_snapshot ? commit_by_snapshot(mem, table, commit, err) : CATALOG_CONFLICT;
}

static int mem_list(struct catalog *catalog, const char *space,
                    const struct catalog_visitor *visitor, struct err *err)
{
    const struct catalog_mem *mem = (struct catalog_mem *)catalog;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < mem->count; i++)
        if (strcmp(mem->tables[i].space, space) == 0)
            rc = visitor->visit(visitor->context, mem->tables[i].name, err);
    return rc;
}

static void mem_close(struct catalog *catalog)
{
    struct catalog_mem *mem = (struct catalog_mem *)catalog;

    for (size_t i = 0; i < mem->count; i++) {
        free(mem->tables[i].space);
        free(mem->tables[i].name);
        catalog_table_deinit(&mem->tables[i].now);
    }
    free(mem->tables);
    free(mem);
}

struct catalog *catalog_mem_open(struct store *store, struct clock *clock, bool by_snapshot)
{
    static const struct catalog_ops ops = { mem_load, mem_create, mem_commit, mem_list, mem_close };
    struct catalog_mem *mem = mem_zero(1, sizeof(*mem));

    mem->base.ops = &ops;
    mem->store = store;
    mem->clock = clock;
    mem->by_snapshot = by_snapshot;
    return &mem->base;
}
