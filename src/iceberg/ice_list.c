// SPDX-License-Identifier: Apache-2.0
/*
 * ice_list.c: manifest lists in Avro (Iceberg spec v2, "Manifest Lists").
 *
 * Rows of others are carried over: what the row's own fields cannot hold (partition summaries of
 * other types) is kept as Avro blocks, brought into our form when the list was written in another.
 * Field ids decide on reading, because the names of the counts have changed over the years.
 */
#include "iceberg/ice_manifest.h"

#include "codec/avro_decode.h"
#include "codec/avro_encode.h"
#include "core/num.h"

#include <inttypes.h>

/* Below this many rows the schema in the header outweighs them. */
enum { DEFLATE_ROWS_MIN = 16 };

#define REQUIRED(name, id, type)                                                                   \
    "{\"name\":\"" name "\",\"type\":\"" type "\",\"field-id\":" id "},"
#define NULLABLE(name, id, type)                                                                   \
    "{\"name\":\"" name "\",\"type\":[\"null\",\"" type "\"],\"default\":null,\"field-id\":" id "}"

/* clang-format off */
static const char schema[] =
    "{\"type\":\"record\",\"name\":\"manifest_file\",\"fields\":["
    REQUIRED("manifest_path", "500", "string")
    REQUIRED("manifest_length", "501", "long")
    REQUIRED("partition_spec_id", "502", "int")
    REQUIRED("content", "517", "int")
    REQUIRED("sequence_number", "515", "long")
    REQUIRED("min_sequence_number", "516", "long")
    REQUIRED("added_snapshot_id", "503", "long")
    REQUIRED("added_files_count", "504", "int")
    REQUIRED("existing_files_count", "505", "int")
    REQUIRED("deleted_files_count", "506", "int")
    REQUIRED("added_rows_count", "512", "long")
    REQUIRED("existing_rows_count", "513", "long")
    REQUIRED("deleted_rows_count", "514", "long")
    "{\"name\":\"partitions\",\"type\":[\"null\",{\"type\":\"array\",\"items\":"
    "{\"type\":\"record\",\"name\":\"r508\",\"fields\":["
    REQUIRED("contains_null", "509", "boolean")
    NULLABLE("contains_nan", "518", "boolean") ","
    NULLABLE("lower_bound", "510", "bytes") ","
    NULLABLE("upper_bound", "511", "bytes")
    "]},\"element-id\":508}],\"default\":null,\"field-id\":507},"
    NULLABLE("key_metadata", "519", "bytes") "]}";
/* clang-format on */

static void put_optional_bytes(struct buf *out, struct span bytes)
{
    avro_put_long(out, bytes.data != NULL);
    if (bytes.data != NULL)
        avro_put_bytes(out, bytes);
}

static void put_bound(struct buf *out, bool present, int32_t value)
{
    uint8_t bytes[4];

    store_le32(bytes, (uint32_t)value);
    put_optional_bytes(out, span_of(present ? bytes : NULL, sizeof(bytes)));
}

/* Blocks of r508.  contains_nan is said to be false: dates and integers have no NaN. */
static void put_summaries(struct buf *out, const struct ice_manifest_row *row)
{
    if (row->summaries.data != NULL) {
        buf_put_span(out, row->summaries);
        return;
    }
    if (row->partition_count > 0)
        avro_put_long(out, (int64_t)row->partition_count);
    for (size_t i = 0; i < row->partition_count; i++) {
        avro_put_boolean(out, row->partition[i].contains_null);
        avro_put_long(out, 1);
        avro_put_boolean(out, false);
        put_bound(out, row->partition[i].has_bounds, row->partition[i].lower);
        put_bound(out, row->partition[i].has_bounds, row->partition[i].upper);
    }
    avro_put_long(out, 0);
}

static void put_row(struct buf *out, const struct ice_manifest_row *row, int64_t sequence)
{
    avro_put_bytes(out, span_text(row->path));
    avro_put_long(out, row->length);
    avro_put_long(out, row->spec_id);
    avro_put_long(out, row->content == ICE_DATA ? 0 : 1);
    avro_put_long(out, row->sequence < 0 ? sequence : row->sequence);
    avro_put_long(out, row->min_sequence < 0 ? sequence : row->min_sequence);
    avro_put_long(out, row->snapshot_id);
    avro_put_long(out, row->added_files);
    avro_put_long(out, row->existing_files);
    avro_put_long(out, row->deleted_files);
    avro_put_long(out, row->added_rows);
    avro_put_long(out, row->existing_rows);
    avro_put_long(out, row->deleted_rows);
    avro_put_long(out, 1);
    put_summaries(out, row);
    put_optional_bytes(out, row->key_metadata);
}

void ice_list_encode(const struct ice_manifest_row *rows, size_t count, int64_t snapshot_id,
                     int64_t parent_id, int64_t sequence, const uint8_t sync[16], struct buf *out)
{
    struct avro_file_writer writer;
    char snapshot[24], parent[24] = "null", number[24];

    snprintf(snapshot, sizeof(snapshot), "%" PRId64, snapshot_id);
    snprintf(number, sizeof(number), "%" PRId64, sequence);
    if (parent_id != ICE_NONE)
        snprintf(parent, sizeof(parent), "%" PRId64, parent_id);
    const struct avro_pair pairs[] = {
        { "snapshot-id", span_text(snapshot) },
        { "parent-snapshot-id", span_text(parent) },
        { "sequence-number", span_text(number) },
        { "format-version", SPAN("2") },
    };
    avro_file_begin(&writer, out, schema, pairs, ARRAY_LEN(pairs),
                    count < DEFLATE_ROWS_MIN ? AVRO_CODEC_NULL : AVRO_CODEC_DEFLATE, sync);
    for (size_t i = 0; i < count; i++) {
        put_row(avro_file_datum(&writer), &rows[i], sequence);
        avro_file_end_datum(&writer);
    }
    avro_file_finish(&writer);
}

enum cell {
    CELL_PATH,
    CELL_LENGTH,
    CELL_SPEC,
    CELL_CONTENT,
    CELL_SEQUENCE,
    CELL_MIN_SEQUENCE,
    CELL_SNAPSHOT,
    CELL_ADDED_FILES,
    CELL_EXISTING_FILES,
    CELL_DELETED_FILES,
    CELL_ADDED_ROWS,
    CELL_EXISTING_ROWS,
    CELL_DELETED_ROWS,
    CELL_PARTITIONS,
    CELL_KEY_METADATA,
    CELL_COUNT,
};

#define IDS(...) ((const int32_t[]){ __VA_ARGS__, 0 })

static int compile_row(struct arena *arena, const struct avro_schema *writer,
                       const struct avro_program **out, struct err *err)
{
    const struct avro_wish wishes[CELL_COUNT] = {
        [CELL_PATH] = { "manifest_path", IDS(500), AVRO_STRING, true },
        [CELL_LENGTH] = { "manifest_length", IDS(501), AVRO_LONG, true },
        [CELL_SPEC] = { "partition_spec_id", IDS(502), AVRO_LONG, true },
        [CELL_CONTENT] = { "content", IDS(517), AVRO_LONG, false },
        [CELL_SEQUENCE] = { "sequence_number", IDS(515), AVRO_LONG, false },
        [CELL_MIN_SEQUENCE] = { "min_sequence_number", IDS(516), AVRO_LONG, false },
        [CELL_SNAPSHOT] = { "added_snapshot_id", IDS(503), AVRO_LONG, true },
        [CELL_ADDED_FILES] = { "added_files_count", IDS(504), AVRO_LONG, true },
        [CELL_EXISTING_FILES] = { "existing_files_count", IDS(505), AVRO_LONG, true },
        [CELL_DELETED_FILES] = { "deleted_files_count", IDS(506), AVRO_LONG, true },
        [CELL_ADDED_ROWS] = { "added_rows_count", IDS(512), AVRO_LONG, true },
        [CELL_EXISTING_ROWS] = { "existing_rows_count", IDS(513), AVRO_LONG, true },
        [CELL_DELETED_ROWS] = { "deleted_rows_count", IDS(514), AVRO_LONG, true },
        [CELL_PARTITIONS] = { "partitions", IDS(507), AVRO_ARRAY, false },
        [CELL_KEY_METADATA] = { "key_metadata", IDS(519), AVRO_BYTES, false },
    };

    return avro_program_compile(arena, writer, wishes, CELL_COUNT, out, err);
}

enum summary_cell { SUMMARY_NULL, SUMMARY_NAN, SUMMARY_LOWER, SUMMARY_UPPER, SUMMARY_COUNT };

static int compile_summary(struct arena *arena, const struct avro_schema *item,
                           const struct avro_program **out, struct err *err)
{
    const struct avro_wish wishes[SUMMARY_COUNT] = {
        [SUMMARY_NULL] = { "contains_null", IDS(509), AVRO_BOOLEAN, true },
        [SUMMARY_NAN] = { "contains_nan", IDS(518), AVRO_BOOLEAN, false },
        [SUMMARY_LOWER] = { "lower_bound", IDS(510), AVRO_BYTES, false },
        [SUMMARY_UPPER] = { "upper_bound", IDS(511), AVRO_BYTES, false },
    };

    return avro_program_compile(arena, item, wishes, SUMMARY_COUNT, out, err);
}

struct list_reader {
    struct arena *arena;
    struct avro_file_reader file;
    const struct avro_program *row, *summary;
    struct buf rows, summaries;
};

/* One summary: into our form behind *out, and into the row where it fits there. */
static bool keep_summary(const struct avro_cell *cells, struct ice_manifest_row *row, size_t index,
                         struct buf *out)
{
    const struct avro_cell *lower = &cells[SUMMARY_LOWER], *upper = &cells[SUMMARY_UPPER];
    bool contains_null = cells[SUMMARY_NULL].is_null || cells[SUMMARY_NULL].integer != 0;

    avro_put_boolean(out, contains_null);
    avro_put_long(out, !cells[SUMMARY_NAN].is_null);
    if (!cells[SUMMARY_NAN].is_null)
        avro_put_boolean(out, cells[SUMMARY_NAN].integer != 0);
    avro_put_long(out, !lower->is_null);
    if (!lower->is_null)
        avro_put_bytes(out, lower->bytes);
    avro_put_long(out, !upper->is_null);
    if (!upper->is_null)
        avro_put_bytes(out, upper->bytes);

    if (index >= ICE_PARTITION_FIELDS_MAX || lower->is_null != upper->is_null)
        return false;
    if (!lower->is_null && (lower->bytes.size != 4 || upper->bytes.size != 4))
        return false;
    row->partition[index].contains_null = contains_null;
    row->partition[index].has_bounds = !lower->is_null;
    if (!lower->is_null) {
        row->partition[index].lower = (int32_t)load_le32(lower->bytes.data);
        row->partition[index].upper = (int32_t)load_le32(upper->bytes.data);
    }
    return true;
}

static int read_summaries(struct list_reader *reader, struct span blocks,
                          struct ice_manifest_row *row, struct err *err)
{
    struct avro_items items;
    struct avro_cell cells[SUMMARY_COUNT];
    struct buf *kept = &reader->summaries;
    bool fits = true;
    size_t count = 0;
    int rc;

    buf_clear(kept);
    avro_items_init(&items, blocks);
    while ((rc = avro_items_next(&items, err)) == AVRO_ITEM) {
        if (avro_program_run(reader->summary, &items.rest, cells, err) < 0)
            return -1;
        avro_put_long(kept, 1);
        fits = keep_summary(cells, row, count++, kept) && fits;
    }
    if (rc < 0)
        return -1;
    avro_put_long(kept, 0);
    row->summaries = arena_copy(reader->arena, buf_span(kept));
    row->partition_count = fits ? count : 0;
    return 0;
}

/* A number that v1 lists lack. */
static int64_t or_zero(const struct avro_cell *cell)
{
    return cell->is_null ? 0 : cell->integer;
}

/* A count of files or rows; others' v1 lists may have none, and then nothing can be said. */
static int32_t narrow(int64_t value, bool *bad)
{
    *bad = *bad || value < 0 || value > INT32_MAX;
    return *bad ? 0 : (int32_t)value;
}

static int64_t natural(int64_t value, bool *bad)
{
    *bad = *bad || value < 0;
    return value;
}

static int take_row(struct list_reader *reader, const struct avro_cell *cells,
                    struct ice_manifest_row *row, struct err *err)
{
    bool bad = false;

    *row = (struct ice_manifest_row){ 0 };
    for (int i = CELL_PATH; i <= CELL_SPEC; i++)
        bad = bad || cells[i].is_null;
    for (int i = CELL_SNAPSHOT; i <= CELL_DELETED_ROWS; i++)
        bad = bad || cells[i].is_null;
    if (bad)
        return err_set(err, ERR_CORRUPT, "a row without path, length, spec, snapshot or counts");
    if (memchr(cells[CELL_PATH].bytes.data, 0, cells[CELL_PATH].bytes.size) != NULL)
        return err_set(err, ERR_CORRUPT, "a manifest_path with U+0000");
    row->path = arena_text(reader->arena, cells[CELL_PATH].bytes);
    row->length = natural(cells[CELL_LENGTH].integer, &bad);
    row->spec_id = narrow(cells[CELL_SPEC].integer, &bad);
    row->content = or_zero(&cells[CELL_CONTENT]) == 0 ? ICE_DATA : ICE_POSITION_DELETES;
    row->sequence = natural(or_zero(&cells[CELL_SEQUENCE]), &bad);
    row->min_sequence = natural(or_zero(&cells[CELL_MIN_SEQUENCE]), &bad);
    row->snapshot_id = natural(cells[CELL_SNAPSHOT].integer, &bad);
    row->added_files = narrow(cells[CELL_ADDED_FILES].integer, &bad);
    row->existing_files = narrow(cells[CELL_EXISTING_FILES].integer, &bad);
    row->deleted_files = narrow(cells[CELL_DELETED_FILES].integer, &bad);
    row->added_rows = natural(cells[CELL_ADDED_ROWS].integer, &bad);
    row->existing_rows = natural(cells[CELL_EXISTING_ROWS].integer, &bad);
    row->deleted_rows = natural(cells[CELL_DELETED_ROWS].integer, &bad);
    if (bad)
        return err_set(err, ERR_CORRUPT, "manifest %s: a count is out of range", row->path);
    if (!cells[CELL_KEY_METADATA].is_null)
        row->key_metadata = arena_copy(reader->arena, cells[CELL_KEY_METADATA].bytes);
    if (cells[CELL_PARTITIONS].is_null)
        return 0;
    return read_summaries(reader, cells[CELL_PARTITIONS].bytes, row, err);
}

static int read_list(struct list_reader *reader, struct span image, struct err *err)
{
    const struct avro_schema *writer, *partitions;
    struct avro_cell cells[CELL_COUNT];
    int rc;

    if (avro_file_open(&reader->file, reader->arena, image, err) < 0 ||
        avro_schema_parse(reader->arena, reader->file.schema_json, &writer, err) < 0 ||
        compile_row(reader->arena, writer, &reader->row, err) < 0)
        return -1;
    partitions = avro_program_schema(reader->row, CELL_PARTITIONS);
    if (partitions != NULL &&
        compile_summary(reader->arena, partitions->branch[0], &reader->summary, err) < 0)
        return -1;
    while ((rc = avro_file_next(&reader->file, err)) == AVRO_DATUM) {
        struct ice_manifest_row row;

        if (avro_program_run(reader->row, &reader->file.block, cells, err) < 0 ||
            take_row(reader, cells, &row, err) < 0)
            return -1;
        buf_put(&reader->rows, &row, sizeof(row));
    }
    return rc;
}

int ice_list_decode(struct arena *arena, struct span image, struct ice_manifest_row **rows,
                    size_t *count, struct err *err)
{
    struct list_reader reader = { .arena = arena };
    int rc = read_list(&reader, image, err);

    if (rc == 0) {
        *count = reader.rows.size / sizeof(**rows);
        *rows = arena_zero(arena, *count + 1, sizeof(**rows));
        if (*count > 0)
            memcpy(*rows, reader.rows.data, reader.rows.size);
    } else if (err->kind == ERR_REJECT) {
        err->kind = ERR_CORRUPT;
    }
    avro_file_close(&reader.file);
    buf_deinit(&reader.rows);
    buf_deinit(&reader.summaries);
    return rc == 0 ? 0 : err_wrap(err, "manifest list");
}
