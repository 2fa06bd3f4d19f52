// SPDX-License-Identifier: Apache-2.0
/*
 * table.c: a table's handle: loading, making, and reading what its metadata names.
 *
 * The list that was read or written last is kept: it is what the next commit starts from, and a
 * lone writer then reads nothing from the store to commit.  Objects never change, so nothing can be
 * stale.
 */
#include "iceberg/table.h"

#include "iceberg/table_private.h"

#include "core/diag.h"

void table_new_uuid(struct table *table, char text[UUID_TEXT_BYTES])
{
    uint64_t high = clock_random(table->ports.clock);
    uint64_t low = clock_random(table->ports.clock);
    uint8_t uuid[16];

    uuid_from_random(high, low, uuid);
    uuid_format(uuid, text);
}

void table_new_sync(struct table *table, uint8_t sync[16])
{
    for (int i = 0; i < 2; i++) {
        uint64_t bits = clock_random(table->ports.clock);

        memcpy(sync + 8 * i, &bits, sizeof(bits));
    }
}

int table_put(struct table *table, const char *uri, struct span image, struct err *err)
{
    int rc = store_put_new(table->ports.store, uri, &image, 1, err);

    if (rc == STORE_EXISTS)
        return err_set(err, ERR_RETRY, "put %s: the name is taken", uri);
    return rc < 0 ? err_wrap(err, "put %s", uri) : 0;
}

void table_init(struct table *table, const struct table_ports *ports, const char *space,
                const struct ice_definition *definition)
{
    size_t fields = definition->field_count * sizeof(*table->field);
    size_t partition = definition->partition_count * sizeof(*table->partition);
    size_t sort = definition->sort_count * sizeof(*table->sort_id);

    ASSERT(definition->field_count > 0);
    ASSERT(definition->partition_count <= ICE_PARTITION_FIELDS_MAX);
    *table = (struct table){
        .ports = *ports,
        .space = mem_text(space),
        .definition = *definition,
        .field = mem_alloc(fields),
        .reader = ice_manifest_reader_new(),
    };
    memcpy(table->field, definition->field, fields);
    table->definition.field = table->field;
    table->definition.name = mem_text(definition->name);
    if (partition > 0) {
        table->partition = mem_alloc(partition);
        memcpy(table->partition, definition->partition, partition);
        table->definition.partition = table->partition;
    }
    if (sort > 0) {
        table->sort_id = mem_alloc(sort);
        memcpy(table->sort_id, definition->sort_id, sort);
        table->definition.sort_id = table->sort_id;
    }
}

void table_use_delta(struct table *table)
{
    ASSERT(table->writer == NULL);
    for (size_t i = 0; i < table->definition.field_count; i++) {
        struct parquet_field *field = &table->field[i];

        if (field->encoding == PARQUET_PLAIN &&
            (field->kind == PARQUET_LONG || field->kind == PARQUET_TIMESTAMPTZ))
            field->encoding = PARQUET_DELTA;
    }
}

void table_deinit(struct table *table)
{
    char *name = NULL;

    memcpy(&name, &table->definition.name, sizeof(name)); /* ours since table_init */
    ice_metadata_unref(table->metadata);
    parquet_writer_free(table->writer);
    ice_manifest_reader_free(table->reader);
    catalog_table_deinit(&table->loaded);
    buf_deinit(&table->scratch);
    buf_deinit(&table->image);
    buf_deinit(&table->list_uri);
    buf_deinit(&table->list);
    free(table->field);
    free(table->partition);
    free(table->sort_id);
    free(table->space);
    free(name);
    *table = (struct table){ 0 };
}

static int32_t new_id(const struct table *table, const struct parquet_field *resolved, int32_t old)
{
    size_t i = 0;

    while (i < table->definition.field_count && table->field[i].field_id != old)
        i++;
    ASSERT(i < table->definition.field_count); /* spec and order are of the definition's columns */
    return resolved[i].field_id;
}

/* Takes over the table's own field ids, and with them the sources of spec and order. */
static void adopt_ids(struct table *table, const struct parquet_field *resolved)
{
    size_t bytes = table->definition.field_count * sizeof(*resolved);

    if (memcmp(table->field, resolved, bytes) == 0)
        return;
    for (size_t i = 0; i < table->definition.partition_count; i++)
        table->partition[i].source_id = new_id(table, resolved, table->partition[i].source_id);
    for (size_t i = 0; i < table->definition.sort_count; i++)
        table->sort_id[i] = new_id(table, resolved, table->sort_id[i]);
    memcpy(table->field, resolved, bytes);
    parquet_writer_free(table->writer); /* it has written the old ids' shape */
    table->writer = NULL;
}

/* The document becomes the table's newest; on an error the old one stays. */
static int adopt(struct table *table, struct span document, const char *file, struct err *err)
{
    size_t count = table->definition.field_count;
    struct parquet_field *resolved = mem_zero(count, sizeof(*resolved));
    struct ice_metadata *metadata = NULL;
    int rc = ice_metadata_parse(document, file, &metadata, err);

    memcpy(resolved, table->field, count * sizeof(*resolved));
    if (rc == 0)
        rc = ice_metadata_match(metadata, &table->definition, resolved, err);
    if (rc == 0) {
        adopt_ids(table, resolved);
        ice_metadata_unref(table->metadata);
        table->metadata = metadata;
        table->sort_order_id = ice_metadata_sort_order(metadata, &table->definition);
        metadata = NULL;
    }
    ice_metadata_unref(metadata);
    free(resolved);
    return rc;
}

int table_load(struct table *table, struct err *err)
{
    const char *known = table->metadata == NULL ? NULL : table->metadata->file;
    int rc;

    if (known != NULL && known[0] == 0)
        known = NULL; /* our own successor, whose place was not learnt */
    rc = catalog_load(table->ports.catalog, table->space, table->definition.name, known,
                      &table->loaded, err);
    if (rc == CATALOG_UNCHANGED)
        return 0;
    if (rc == CATALOG_ABSENT)
        return TABLE_ABSENT;
    if (rc == 0)
        rc =
            adopt(table, buf_span(&table->loaded.metadata), buf_text(&table->loaded.location), err);
    return rc < 0 ? err_wrap(err, "load %s.%s", table->space, table->definition.name) : 0;
}

void table_load_successor(struct table *table, struct span document, int64_t snapshot_id)
{
    struct err err = { 0 };

    /* What the catalog has now is the successor unless another writer was at once behind us. */
    if (table_load(table, &err) == 0 && table->metadata->main == snapshot_id)
        return;
    if (adopt(table, document, "", &err) < 0)
        diag_err(DIAG_WARN, "successor", &err, "table=%s", table->definition.name);
}

static int create(struct table *table, const struct ice_pair *properties, size_t count,
                  struct err *err)
{
    struct buf location = BUF_INIT, document = BUF_INIT;
    char uuid[UUID_TEXT_BYTES];
    int rc;

    table_new_uuid(table, uuid);
    buf_printf(&location, "%s/%s/%s", table->ports.store->root, table->space,
               table->definition.name);
    ice_metadata_create(&table->definition, uuid, buf_text(&location),
                        clock_now_us(table->ports.clock) / 1000, properties, count, &document);
    rc = catalog_create(table->ports.catalog, table->space, table->definition.name,
                        buf_text(&location), buf_span(&document), err);
    buf_deinit(&location);
    buf_deinit(&document);
    if (rc < 0)
        return err_wrap(err, "create %s.%s", table->space, table->definition.name);
    return 0; /* CATALOG_EXISTS: another was faster, and it is as good */
}

int table_ensure(struct table *table, const struct ice_pair *properties, size_t count,
                 struct err *err)
{
    int rc = table_load(table, err);

    if (rc != TABLE_ABSENT)
        return rc;
    if (create(table, properties, count, err) < 0)
        return -1;
    rc = table_load(table, err);
    if (rc == TABLE_ABSENT)
        return err_set(err, ERR_RETRY, "%s.%s was made and is not there", table->space,
                       table->definition.name);
    return rc;
}

int64_t table_new_snapshot_id(struct table *table)
{
    for (;;) {
        int64_t id =
            (int64_t)((clock_random(table->ports.clock) ^ clock_random(table->ports.clock)) &
                      INT64_MAX);

        if (id != 0 &&
            (table->metadata == NULL || ice_metadata_snapshot(table->metadata, id) == NULL))
            return id;
    }
}

/* The image of a manifest list, from the store or from memory. */
static int fetch_list(struct table *table, const char *uri, struct err *err)
{
    int rc;

    if (table->list.size > 0 && span_equal(buf_span(&table->list_uri), span_text(uri)))
        return 0;
    buf_clear(&table->list);
    buf_clear(&table->list_uri);
    rc = store_get_all(table->ports.store, uri, &table->list, err);
    if (rc == STORE_ABSENT)
        return TABLE_GONE;
    if (rc < 0) {
        buf_clear(&table->list);
        return err_wrap(err, "get %s", uri);
    }
    buf_put_text(&table->list_uri, uri);
    return 0;
}

int table_manifests(struct table *table, struct arena *arena, const struct ice_snapshot *snapshot,
                    struct ice_manifest_row **rows, size_t *count, struct err *err)
{
    int rc = fetch_list(table, snapshot->manifest_list, err);

    if (rc != 0)
        return rc;
    if (ice_list_decode(arena, buf_span(&table->list), rows, count, err) < 0)
        return err_wrap(err, "%s", snapshot->manifest_list);
    return 0;
}

int table_visit_manifest(struct table *table, const struct ice_manifest_row *row,
                         const struct ice_file_visitor *visitor, struct err *err)
{
    int rc;

    if ((uint64_t)row->length > SIZE_MAX / 4)
        return err_set(err, ERR_CORRUPT, "manifest %s: %lld bytes", row->path,
                       (long long)row->length);
    buf_clear(&table->image);
    rc = store_get(table->ports.store, row->path, 0, (size_t)row->length, &table->image, err);
    if (rc == STORE_ABSENT)
        return TABLE_GONE;
    if (rc < 0)
        return err_wrap(err, "get %s", row->path);
    return ice_manifest_reader_visit(table->reader, buf_span(&table->image), row,
                                     &table->definition, visitor, err);
}

struct live_visit {
    const struct ice_file_visitor *visitor;
};

static int visit_if_live(void *context, const struct ice_data_file *file, struct err *err)
{
    const struct live_visit *live = context;

    if (file->status == ICE_DELETED || file->content != ICE_DATA)
        return 0;
    return live->visitor->visit(live->visitor->context, file, err);
}

int table_visit_live(struct table *table, const struct ice_snapshot *snapshot,
                     const struct ice_file_visitor *visitor, struct err *err)
{
    struct live_visit live = { visitor };
    const struct ice_file_visitor filter = { visit_if_live, &live };
    struct arena arena = ARENA_INIT;
    struct ice_manifest_row *rows = NULL;
    size_t count = 0;
    int rc = table_manifests(table, &arena, snapshot, &rows, &count, err);

    for (size_t i = 0; i < count && rc == 0; i++) {
        if (rows[i].content == ICE_DATA && rows[i].added_files + rows[i].existing_files > 0)
            rc = table_visit_manifest(table, &rows[i], &filter, err);
    }
    arena_deinit(&arena);
    return rc;
}

struct added_visit {
    struct arena *arena;
    int64_t snapshot_id;
    struct buf files; /* struct ice_data_file * */
};

static int keep_if_added(void *context, const struct ice_data_file *file, struct err *err)
{
    struct added_visit *added = context;
    struct ice_data_file *copy;

    (void)err;
    if (file->status != ICE_ADDED || file->content != ICE_DATA ||
        file->snapshot_id != added->snapshot_id)
        return 0;
    copy = ice_data_file_copy(added->arena, file);
    buf_put(&added->files, &copy, sizeof(copy));
    return 0;
}

int table_added_files(struct table *table, struct arena *arena, const struct ice_snapshot *snapshot,
                      struct ice_data_file ***files, size_t *count, struct err *err)
{
    struct added_visit added = { arena, snapshot->id, BUF_INIT };
    const struct ice_file_visitor visitor = { keep_if_added, &added };
    struct arena rows_arena = ARENA_INIT;
    struct ice_manifest_row *rows = NULL;
    size_t row_count = 0;
    int rc = table_manifests(table, &rows_arena, snapshot, &rows, &row_count, err);

    for (size_t i = 0; i < row_count && rc == 0; i++) {
        if (rows[i].content == ICE_DATA && rows[i].snapshot_id == snapshot->id &&
            rows[i].added_files > 0)
            rc = table_visit_manifest(table, &rows[i], &visitor, err);
    }
    if (rc == 0) {
        *count = added.files.size / sizeof(**files);
        *files = arena_zero(arena, *count + 1, sizeof(**files));
        if (*count > 0)
            memcpy(*files, added.files.data, added.files.size);
    }
    buf_deinit(&added.files);
    arena_deinit(&rows_arena);
    return rc;
}
