// SPDX-License-Identifier: Apache-2.0
/*
 * oracle_table.c: from the current snapshot down to the rows, adding up on the way: every count
 * that a file states of what lies below it is compared with what lies there (Iceberg spec v2,
 * "Manifest Lists", "Manifests", "Snapshots").
 */
#include "sim/oracle_tables.h"

#include <inttypes.h>
#include <zstd.h>

enum { STATUS_EXISTING = 0, STATUS_ADDED = 1, STATUS_DELETED = 2, STATUSES = 3 };

struct reader {
    struct arena *arena;
    struct arena of_manifest, of_file; /* what is not handed out: emptied for each */
    struct store *store;
    struct oracle_metadata metadata;
    struct oracle_avro_cache avro;
    struct oracle_parquet parquet;
    struct buf image;
    struct buf rows;  /* struct oracle_row */
    struct buf paths; /* const char *, of live files */
    int64_t live_records, live_bytes;
    struct {
        int64_t files, records;
    } by_current[STATUSES]; /* entries that the current snapshot has made */
};

/* One row of the manifest list. */
struct listed {
    const struct oracle_avro_file *list;
    const struct oracle_avro_value *row;
    const char *path;
    int64_t sequence, min_sequence, snapshot_id;
    const struct oracle_spec *spec;
};

/* What a manifest's entries come to. */
struct sums {
    int64_t files[STATUSES], records[STATUSES];
    int64_t min_sequence;
    struct {
        bool has_null, has_value;
        int64_t least, most;
    } part[ORACLE_PARTS_MAX];
};

/* The whole object, in an arena. */
static struct span fetch(struct reader *reader, struct arena *arena, const char *path, int64_t size,
                         const struct oracle_bytes *by)
{
    struct err err = { 0 };
    int rc;

    buf_clear(&reader->image);
    rc = store_get_all(reader->store, path, &reader->image, &err);
    if (rc != 0)
        oracle_bytes_fail(by, "%s: %s", path, rc < 0 ? err.text : "is not there");
    if (size != ORACLE_NONE && (uint64_t)size != reader->image.size)
        oracle_bytes_fail(by, "%s has %zu bytes, not %" PRId64, path, reader->image.size, size);
    return arena_copy(arena, buf_span(&reader->image));
}

static void check_meta(const struct oracle_avro_file *file, const char *key, const char *wanted)
{
    struct span value = oracle_avro_meta(file, key);

    if (!span_equal(value, span_text(wanted)))
        oracle_bytes_fail(file->bytes, "%s is %.*s, not %s", key, SPAN_ARGS(value), wanted);
}

static void check_meta_number(const struct oracle_avro_file *file, const char *key, int64_t wanted)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, wanted);
    check_meta(file, key, text);
}

/* -- data files */

static const struct oracle_cell *keep_cells(const struct reader *reader,
                                            const struct oracle_parquet_file *file)
{
    size_t count = file->row_count * reader->metadata.field_count;
    struct oracle_cell *cell = arena_alloc(reader->arena, (count + 1) * sizeof(*cell));

    for (size_t i = 0; i < count; i++) {
        cell[i] = file->cell[i];
        if (cell[i].text.size > 0)
            cell[i].text = arena_copy(reader->arena, cell[i].text);
    }
    return cell;
}

static void read_file(struct reader *reader, const struct listed *manifest,
                      const struct oracle_entry *entry)
{
    struct oracle_parquet_file file;
    const struct oracle_cell *cell;
    struct span image;

    arena_reset(&reader->of_file);
    image = fetch(reader, &reader->of_file, entry->path, entry->bytes, entry->manifest->bytes);
    oracle_parquet_read(&reader->parquet, entry->path, image, &file);
    oracle_entry_check(&reader->metadata, manifest->spec, entry, &file);
    cell = keep_cells(reader, &file);
    for (size_t i = 0; i < file.row_count; i++) {
        const struct oracle_row row = { .cell = &cell[i * reader->metadata.field_count],
                                        .sequence = entry->sequence,
                                        .snapshot_id = entry->snapshot_id,
                                        .path = entry->path,
                                        .has_writer_key = file.has_writer_key };

        buf_put(&reader->rows, &row, sizeof(row));
    }
    buf_put(&reader->paths, &entry->path, sizeof(entry->path));
    reader->live_records += (int64_t)file.row_count;
    reader->live_bytes += entry->bytes;
}

/* -- manifests */

/* Fills in what an entry inherits, and checks it against the snapshots that are listed. */
static void inherit(const struct reader *reader, const struct listed *manifest,
                    struct oracle_entry *entry)
{
    const struct oracle_metadata *metadata = &reader->metadata;
    const struct oracle_bytes *bytes = entry->manifest->bytes;

    if (entry->status < 0 || entry->status >= STATUSES)
        oracle_bytes_fail(bytes, "%s: status %" PRId64, entry->path, entry->status);
    if (entry->snapshot_id == ORACLE_NONE)
        entry->snapshot_id = manifest->snapshot_id;
    if (entry->status == STATUS_ADDED) {
        if (entry->snapshot_id != manifest->snapshot_id)
            oracle_bytes_fail(bytes, "%s was added by another snapshot than its manifest",
                              entry->path);
        if (entry->sequence == ORACLE_NONE)
            entry->sequence = manifest->sequence;
        if (entry->file_sequence == ORACLE_NONE)
            entry->file_sequence = manifest->sequence;
    }
    if (entry->sequence < 0 || entry->file_sequence < entry->sequence ||
        entry->file_sequence > manifest->sequence)
        oracle_bytes_fail(bytes, "%s: sequence numbers %" PRId64 " and %" PRId64, entry->path,
                          entry->sequence, entry->file_sequence);
    for (size_t i = 0; entry->status != STATUS_DELETED && i < metadata->snapshot_count; i++)
        if ((metadata->snapshot[i].id == entry->snapshot_id) !=
            (metadata->snapshot[i].sequence == entry->file_sequence))
            oracle_bytes_fail(bytes, "%s: sequence %" PRId64 " and snapshot %" PRId64, entry->path,
                              entry->file_sequence, entry->snapshot_id);
}

static void add_entry(struct reader *reader, const struct listed *manifest,
                      const struct oracle_entry *entry, struct sums *sums)
{
    sums->files[entry->status]++;
    sums->records[entry->status] += entry->row_count;
    if (entry->snapshot_id == reader->metadata.current->id) {
        reader->by_current[entry->status].files++;
        reader->by_current[entry->status].records += entry->row_count;
    }
    if (entry->status != STATUS_DELETED && entry->sequence < sums->min_sequence)
        sums->min_sequence = entry->sequence;
    for (size_t i = 0; i < manifest->spec->part_count; i++) {
        int64_t value = entry->partition[i].value;

        if (entry->partition[i].is_null) {
            sums->part[i].has_null = true;
            continue;
        }
        if (!sums->part[i].has_value || value < sums->part[i].least)
            sums->part[i].least = value;
        if (!sums->part[i].has_value || value > sums->part[i].most)
            sums->part[i].most = value;
        sums->part[i].has_value = true;
    }
}

static void check_part_bound(const struct listed *manifest, const struct oracle_avro_value *part,
                             bool has_value, int64_t value, const char *name, int32_t id)
{
    const struct oracle_avro_value *bound = oracle_avro_field(manifest->list, part, name, id);
    uint8_t bytes[4];

    if (bound->kind == ORACLE_AVRO_NULL && !has_value)
        return;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)((uint64_t)value >> (8 * i));
    if (bound->kind == ORACLE_AVRO_NULL || !has_value ||
        !span_equal(bound->bytes, span_of(bytes, sizeof(bytes))))
        oracle_bytes_fail(manifest->list->bytes, "%s: %s of a partition field is wrong",
                          manifest->path, name);
}

static void check_parts(const struct listed *manifest, const struct sums *sums)
{
    const struct oracle_avro_value *parts =
        oracle_avro_field(manifest->list, manifest->row, "partitions", 507);

    if (parts->kind == ORACLE_AVRO_NULL)
        return;
    if (parts->kind != ORACLE_AVRO_ARRAY || parts->count != manifest->spec->part_count)
        oracle_bytes_fail(manifest->list->bytes, "%s: %zu partition summaries", manifest->path,
                          parts->count);
    for (size_t i = 0; i < parts->count; i++) {
        const struct oracle_avro_value *part = &parts->item[i];

        if (oracle_avro_integer(manifest->list, part, "contains_null", 509) !=
            sums->part[i].has_null)
            oracle_bytes_fail(manifest->list->bytes, "%s: contains_null is wrong", manifest->path);
        check_part_bound(manifest, part, sums->part[i].has_value, sums->part[i].least,
                         "lower_bound", 510);
        check_part_bound(manifest, part, sums->part[i].has_value, sums->part[i].most, "upper_bound",
                         511);
    }
}

static void check_sums(const struct listed *manifest, const struct sums *sums)
{
    const struct {
        const char *name;
        int32_t id;
        int64_t real;
    } counts[] = {
        { "added_files_count", 504, sums->files[STATUS_ADDED] },
        { "existing_files_count", 505, sums->files[STATUS_EXISTING] },
        { "deleted_files_count", 506, sums->files[STATUS_DELETED] },
        { "added_rows_count", 512, sums->records[STATUS_ADDED] },
        { "existing_rows_count", 513, sums->records[STATUS_EXISTING] },
        { "deleted_rows_count", 514, sums->records[STATUS_DELETED] },
    };

    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        int64_t said =
            oracle_avro_integer(manifest->list, manifest->row, counts[i].name, counts[i].id);

        if (said != counts[i].real)
            oracle_bytes_fail(manifest->list->bytes, "%s: %s is %" PRId64 ", but it is %" PRId64,
                              manifest->path, counts[i].name, said, counts[i].real);
    }
    if (sums->min_sequence != INT64_MAX && manifest->min_sequence != sums->min_sequence)
        oracle_bytes_fail(manifest->list->bytes,
                          "%s: min_sequence_number is %" PRId64 ", but it is %" PRId64,
                          manifest->path, manifest->min_sequence, sums->min_sequence);
    check_parts(manifest, sums);
}

static void read_manifest(struct reader *reader, const struct listed *manifest)
{
    int64_t length = oracle_avro_integer(manifest->list, manifest->row, "manifest_length", 501);
    struct sums sums = { .min_sequence = INT64_MAX };
    struct oracle_avro_file file;
    struct span image;

    if (length < 0)
        oracle_bytes_fail(manifest->list->bytes, "%s has a negative length", manifest->path);
    arena_reset(&reader->of_manifest);
    image = fetch(reader, &reader->of_manifest, manifest->path, length, manifest->list->bytes);
    oracle_avro_read(&reader->avro, &reader->of_manifest, manifest->path, image, &file);
    check_meta(&file, "format-version", "2");
    check_meta(&file, "content", "data");
    check_meta_number(&file, "partition-spec-id", manifest->spec->id);
    oracle_avro_meta(&file, "schema");
    oracle_avro_meta(&file, "partition-spec");
    for (size_t i = 0; i < file.row_count; i++) {
        struct oracle_entry entry;

        oracle_entry_read(reader->arena, &file, &file.row[i], manifest->spec, &entry);
        inherit(reader, manifest, &entry);
        add_entry(reader, manifest, &entry, &sums);
        if (entry.status != STATUS_DELETED)
            read_file(reader, manifest, &entry);
    }
    check_sums(manifest, &sums);
}

/* -- the list */

static void list_row(const struct reader *reader, const struct oracle_avro_file *list,
                     const struct oracle_avro_value *row, struct listed *out)
{
    const struct oracle_metadata *metadata = &reader->metadata;
    int64_t spec = oracle_avro_integer(list, row, "partition_spec_id", 502);

    *out = (struct listed){ .list = list, .row = row };
    out->path = arena_text(reader->arena, oracle_avro_bytes(list, row, "manifest_path", 500));
    out->sequence = oracle_avro_integer(list, row, "sequence_number", 515);
    out->min_sequence = oracle_avro_integer(list, row, "min_sequence_number", 516);
    out->snapshot_id = oracle_avro_integer(list, row, "added_snapshot_id", 503);
    for (size_t i = 0; i < metadata->spec_count; i++)
        if (metadata->spec[i].id == spec)
            out->spec = &metadata->spec[i];
    if (out->spec == NULL)
        oracle_bytes_fail(list->bytes, "%s is of spec %" PRId64, out->path, spec);
    if (oracle_avro_integer(list, row, "content", 517) != 0)
        oracle_bytes_fail(list->bytes, "%s is of delete files", out->path);
    if (out->sequence > metadata->current->sequence || out->min_sequence > out->sequence ||
        out->min_sequence < 0)
        oracle_bytes_fail(list->bytes, "%s: sequence numbers %" PRId64 " and %" PRId64, out->path,
                          out->sequence, out->min_sequence);
    if ((out->snapshot_id == metadata->current->id) !=
        (out->sequence == metadata->current->sequence))
        oracle_bytes_fail(list->bytes, "%s has not the sequence number of its snapshot", out->path);
}

static void read_list(struct reader *reader)
{
    const struct oracle_metadata *metadata = &reader->metadata;
    struct span image =
        fetch(reader, reader->arena, metadata->manifest_list, ORACLE_NONE, &metadata->bytes);
    struct oracle_avro_file list;
    struct listed *row;

    oracle_avro_read(&reader->avro, reader->arena, metadata->manifest_list, image, &list);
    check_meta(&list, "format-version", "2");
    check_meta_number(&list, "snapshot-id", metadata->current->id);
    check_meta_number(&list, "sequence-number", metadata->current->sequence);
    row = arena_zero(reader->arena, list.row_count + 1, sizeof(*row));
    for (size_t i = 0; i < list.row_count; i++) {
        list_row(reader, &list, &list.row[i], &row[i]);
        for (size_t k = 0; k < i; k++)
            if (strcmp(row[k].path, row[i].path) == 0)
                oracle_bytes_fail(list.bytes, "%s is listed twice", row[i].path);
        read_manifest(reader, &row[i]);
    }
}

/* -- the whole */

static void check_total(const struct reader *reader, const char *name, int64_t said, int64_t real)
{
    if (said != ORACLE_NONE && said != real)
        oracle_bytes_fail(&reader->metadata.bytes,
                          "%s is %" PRId64 " in the summary, but it is %" PRId64, name, said, real);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void check_totals(const struct reader *reader)
{
    const struct oracle_summary *summary = &reader->metadata.summary;
    size_t files = reader->paths.size / sizeof(const char *);
    const char **path = (const char **)(void *)reader->paths.data;

    check_total(reader, "total-records", summary->total_records, reader->live_records);
    check_total(reader, "total-data-files", summary->total_files, (int64_t)files);
    check_total(reader, "total-files-size", summary->total_bytes, reader->live_bytes);
    check_total(reader, "added-records", summary->added_records,
                reader->by_current[STATUS_ADDED].records);
    check_total(reader, "added-data-files", summary->added_files,
                reader->by_current[STATUS_ADDED].files);
    check_total(reader, "deleted-records", summary->deleted_records,
                reader->by_current[STATUS_DELETED].records);
    check_total(reader, "deleted-data-files", summary->deleted_files,
                reader->by_current[STATUS_DELETED].files);
    if (files > 0)
        qsort(path, files, sizeof(*path), compare_paths);
    for (size_t i = 1; i < files; i++)
        if (strcmp(path[i - 1], path[i]) == 0)
            oracle_bytes_fail(&reader->metadata.bytes, "%s is live twice", path[i]);
}

void oracle_read(struct arena *arena, struct store *store, struct span metadata,
                 struct oracle_table *out)
{
    struct reader reader = { .arena = arena, .store = store, .avro = { .arena = arena } };
    struct oracle_metadata *of = &reader.metadata;

    oracle_metadata_read(arena, metadata, of);
    *out = (struct oracle_table){ .column_count = of->field_count };
    out->column = arena_zero(arena, of->field_count + 1, sizeof(const char *));
    for (size_t i = 0; i < of->field_count; i++)
        out->column[i] = of->field[i].name;
    reader.parquet = (struct oracle_parquet){ .arena = &reader.of_file,
                                              .zstd = ZSTD_createDCtx(),
                                              .field = of->field,
                                              .field_count = of->field_count };
    if (of->current != NULL) {
        read_list(&reader);
        check_totals(&reader);
    }
    ZSTD_freeDCtx(reader.parquet.zstd);
    out->row_count = reader.rows.size / sizeof(*out->row);
    out->row = arena_alloc(arena, reader.rows.size + 1);
    if (reader.rows.size > 0)
        memcpy(out->row, reader.rows.data, reader.rows.size);
    arena_deinit(&reader.of_manifest);
    arena_deinit(&reader.of_file);
    buf_deinit(&reader.image);
    buf_deinit(&reader.rows);
    buf_deinit(&reader.paths);
}

size_t oracle_column(const struct oracle_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->column[i], name) == 0)
            return i;
    fprintf(stderr, "oracle: no column %s\n", name);
    abort();
}
