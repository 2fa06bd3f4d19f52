// SPDX-License-Identifier: Apache-2.0
/*
 * table_swap.c: the commit's last steps: list, metadata, compare-and-swap.
 *
 * Durable in this order, so that every crash point leaves either the old table or the new one and
 * at worst objects that nothing names.  Nothing is deleted here, whatever the answer: after an
 * unknown one the list may be the table's.  The cost is that of the list and the metadata, however
 * many files the table has.
 */
#include "iceberg/table_private.h"

#include <inttypes.h>

enum { METADATA_LOG_MAX = 100 };

struct swap {
    struct table *table;
    const struct ice_metadata *base;
    const struct ice_snapshot *current; /* of the base, or NULL */
    const struct table_change *change;
    struct arena arena;
    struct ice_manifest_row *old_row, *row;
    size_t old_count, count;
    const char *list_uri;
    struct ice_pair *summary;
    size_t summary_count;
};

static int gather_rows(struct swap *swap, struct err *err)
{
    const struct table_change *change = swap->change;
    size_t first = change->instead == NULL ? change->added_count : change->instead_count;
    int rc = 0;

    if (swap->current != NULL)
        rc = table_manifests(swap->table, &swap->arena, swap->current, &swap->old_row,
                             &swap->old_count, err);
    if (rc == TABLE_GONE)
        return err_set(err, ERR_RETRY, "%s: not there", swap->current->manifest_list);
    if (rc < 0)
        return -1;
    swap->row = arena_zero(&swap->arena, first + swap->old_count + 1, sizeof(*swap->row));
    if (first > 0)
        memcpy(swap->row, change->instead == NULL ? change->added : change->instead,
               first * sizeof(*swap->row));
    swap->count = first;
    for (size_t i = 0; i < swap->old_count && change->instead == NULL; i++) {
        const struct ice_manifest_row *row = &swap->old_row[i];

        /* What only tells of deletions has told it. */
        if (row->added_files + row->existing_files > 0)
            swap->row[swap->count++] = *row;
    }
    return 0;
}

struct tally {
    int64_t files, rows, deletes;
    int64_t added_files, added_rows, added_bytes;
    int64_t deleted_files, deleted_rows, deleted_bytes;
    int64_t changed_partitions, created;
};

/* Files and rows of the whole table are counted from the list itself: it is the truth, whatever
 * the summary before said. */
static struct tally tally_rows(const struct swap *swap)
{
    struct tally tally = { 0 };

    for (size_t i = 0; i < swap->count; i++) {
        const struct ice_manifest_row *row = &swap->row[i];

        if (row->content != ICE_DATA) {
            tally.deletes += row->added_files + row->existing_files;
            continue;
        }
        tally.files += row->added_files + row->existing_files;
        tally.rows += row->added_rows + row->existing_rows;
        if (row->sequence >= 0)
            continue;
        tally.created++;
        tally.added_files += row->added_files;
        tally.added_rows += row->added_rows;
        tally.added_bytes += row->added_bytes;
        tally.deleted_files += row->deleted_files;
        tally.deleted_rows += row->deleted_rows;
        tally.deleted_bytes += row->deleted_bytes;
        tally.changed_partitions += row->changed_partitions;
    }
    return tally;
}

static void put(struct swap *swap, const char *key, int64_t value)
{
    swap->summary[swap->summary_count++] =
        (struct ice_pair){ key, arena_printf(&swap->arena, "%" PRId64, value) };
}

/* A total of the snapshot before; 0 for the first snapshot; -1 when another writer left it out, as
 * then nobody knows it. */
static int64_t total_before(const struct swap *swap, const char *key)
{
    const char *text;
    char *end;
    long long value;

    if (swap->current == NULL)
        return 0;
    text = ice_snapshot_get(swap->current, key);
    if (text == NULL || *text == 0)
        return -1;
    value = strtoll(text, &end, 10);
    return *end != 0 || value < 0 ? -1 : value;
}

static void put_total(struct swap *swap, const char *key, int64_t more)
{
    int64_t before = total_before(swap, key), sum;

    if (before >= 0 && !__builtin_add_overflow(before, more, &sum) && sum >= 0)
        put(swap, key, sum);
}

/* Spec: "Optional Snapshot Summary Fields".  All totals are carried on in each snapshot: one that
 * is left out once never comes back. */
static void summarize(struct swap *swap)
{
    const struct table_change *change = swap->change;
    struct tally tally = tally_rows(swap);
    int64_t kept = (int64_t)swap->count - tally.created;

    swap->summary = arena_zero(&swap->arena, change->summary_count + 20, sizeof(*swap->summary));
    if (tally.added_files > 0) {
        put(swap, "added-data-files", tally.added_files);
        put(swap, "added-records", tally.added_rows);
        put(swap, "added-files-size", tally.added_bytes);
    }
    if (tally.deleted_files > 0) {
        put(swap, "deleted-data-files", tally.deleted_files);
        put(swap, "deleted-records", tally.deleted_rows);
        put(swap, "removed-files-size", tally.deleted_bytes);
    }
    put(swap, "changed-partition-count", tally.changed_partitions);
    put(swap, "total-records", tally.rows);
    put(swap, "total-data-files", tally.files);
    put(swap, "total-delete-files", tally.deletes);
    put_total(swap, "total-files-size", tally.added_bytes - tally.deleted_bytes);
    put_total(swap, "total-position-deletes", 0);
    put_total(swap, "total-equality-deletes", 0);
    put(swap, "manifests-created", tally.created);
    put(swap, "manifests-kept", kept);
    put(swap, "manifests-replaced", (int64_t)swap->old_count - kept);
    for (size_t i = 0; i < change->summary_count; i++)
        swap->summary[swap->summary_count++] = change->summary[i];
}

/* The list becomes the handle's newest one too: the next commit starts from it. */
static int write_list(struct swap *swap, struct err *err)
{
    struct table *table = swap->table;
    char uuid[UUID_TEXT_BYTES];
    uint8_t sync[16];

    if (table->swap_snapshot_id != swap->change->snapshot_id) {
        table->swap_snapshot_id = swap->change->snapshot_id;
        table->swap_attempt = 0;
    }
    table_new_uuid(table, uuid);
    table_new_sync(table, sync);
    swap->list_uri =
        arena_printf(&swap->arena, "%s/metadata/snap-%" PRId64 "-%u-%s.avro", swap->base->location,
                     swap->change->snapshot_id, ++table->swap_attempt, uuid);
    buf_clear(&table->list_uri);
    buf_clear(&table->list);
    ice_list_encode(swap->row, swap->count, swap->change->snapshot_id, swap->base->main,
                    swap->base->last_sequence + 1, sync, &table->list);
    if (table_put(table, swap->list_uri, buf_span(&table->list), err) < 0) {
        buf_clear(&table->list);
        return -1;
    }
    buf_put_text(&table->list_uri, swap->list_uri);
    return 0;
}

/* The last look before the swap: what was written long ago may be gone. */
static int test_age(const struct swap *swap, int64_t now_us, struct err *err)
{
    int64_t oldest_us = swap->change->oldest_us;

    if (oldest_us == 0 || now_us - oldest_us <= TABLE_CHANGE_AGE_US_MAX)
        return 0;
    return err_set(err, ERR_RETRY, "it was begun %" PRId64 " s ago, and is dropped",
                   (now_us - oldest_us) / 1000000);
}

static int commit(struct swap *swap, struct buf *document, struct err *err)
{
    struct table *table = swap->table;
    const struct table_change *asked = swap->change;
    struct buf requirements = BUF_INIT, updates = BUF_INIT;
    const struct ice_change change = {
        .operation = asked->operation,
        .snapshot_id = asked->snapshot_id,
        .manifest_list = swap->list_uri,
        .summary = swap->summary,
        .summary_count = swap->summary_count,
        .properties = asked->properties,
        .property_count = asked->property_count,
        .drop = asked->drop,
        .drop_count = asked->drop_count,
        .now_ms = clock_now_us(table->ports.clock) / 1000,
        .metadata_log_max = METADATA_LOG_MAX,
    };
    struct catalog_commit commit = {
        .base_location = swap->base->file,
        .table_location = swap->base->location,
    };
    int rc;

    ice_metadata_apply(swap->base, &change, document);
    ice_metadata_requirements(swap->base, &requirements);
    ice_metadata_updates(swap->base, &change, &updates);
    commit.metadata = buf_span(document);
    commit.requirements = buf_span(&requirements);
    commit.updates = buf_span(&updates);
    rc = test_age(swap, clock_now_us(table->ports.clock), err);
    if (rc == 0)
        rc = catalog_commit(table->ports.catalog, table->space, table->definition.name, &commit,
                            err);
    buf_deinit(&requirements);
    buf_deinit(&updates);
    if (rc == CATALOG_CONFLICT)
        return TABLE_CONFLICT;
    return rc == CATALOG_UNKNOWN ? TABLE_UNKNOWN : rc;
}

int table_swap(struct table *table, const struct ice_metadata *base,
               const struct table_change *change, struct err *err)
{
    struct swap swap = { .table = table, .base = base, .change = change };
    struct buf document = BUF_INIT;
    int rc;

    ASSERT(change->instead == NULL || change->added_count == 0);
    swap.current = ice_metadata_current(base);
    rc = gather_rows(&swap, err);
    if (rc == 0) {
        summarize(&swap);
        rc = write_list(&swap, err);
    }
    if (rc == 0)
        rc = commit(&swap, &document, err);
    if (rc == 0)
        table_load_successor(table, buf_span(&document), change->snapshot_id);
    buf_deinit(&document);
    arena_deinit(&swap.arena);
    return rc < 0 ? err_wrap(err, "swap %s", table->definition.name) : rc;
}
