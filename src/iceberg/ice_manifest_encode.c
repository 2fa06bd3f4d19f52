// SPDX-License-Identifier: Apache-2.0
/*
 * ice_manifest_encode.c: manifest_entry in Avro (Iceberg spec v2, "Manifests").
 *
 * Some readers match by field id, others by name, and some by the exact shape, so names, ids, order
 * and nullability are Java's.  All metadata keys are written: each is fatal to some reader when
 * it is missing.
 */
#include "iceberg/ice_json.h"
#include "iceberg/ice_manifest.h"
#include "iceberg/ice_metadata_private.h"
#include "iceberg/ice_transform.h"

#include "codec/avro_encode.h"
#include "core/num.h"

/* Below this many entries the schema in the header outweighs them, and deflate wins nothing. */
enum { DEFLATE_ENTRIES_MIN = 16 };

enum { NULL_BRANCH = 0, VALUE_BRANCH = 1 };

#define REQUIRED(name, id, type) "{\"name\":\"" name "\",\"type\":\"" type "\",\"field-id\":" id "}"
#define NULLABLE(name, id, type)                                                                   \
    "{\"name\":\"" name "\",\"type\":[\"null\"," type "],\"default\":null,\"field-id\":" id "}"
#define OPTIONAL(name, id, type) NULLABLE(name, id, type) ","
#define LIST(id, type)           "{\"type\":\"array\",\"items\":\"" type "\",\"element-id\":" id "}"
#define INT_MAP(key, value, type)                                                                  \
    "{\"type\":\"array\",\"logicalType\":\"map\",\"items\":{\"type\":\"record\",\"name\":\"k" key  \
    "_v" value "\",\"fields\":[{\"name\":\"key\",\"type\":\"int\",\"field-id\":" key               \
    "},{\"name\":\"value\",\"type\":\"" type "\",\"field-id\":" value "}]}}"

/* clang-format off */
static const char schema_head[] =
    "{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":["
    REQUIRED("status", "0", "int") ","
    OPTIONAL("snapshot_id", "1", "\"long\"")
    OPTIONAL("sequence_number", "3", "\"long\"")
    OPTIONAL("file_sequence_number", "4", "\"long\"")
    "{\"name\":\"data_file\",\"type\":{\"type\":\"record\",\"name\":\"r2\",\"fields\":["
    REQUIRED("content", "134", "int") ","
    REQUIRED("file_path", "100", "string") ","
    REQUIRED("file_format", "101", "string") ","
    "{\"name\":\"partition\",\"type\":{\"type\":\"record\",\"name\":\"r102\",\"fields\":[";

static const char schema_tail[] =
    "]},\"field-id\":102},"
    REQUIRED("record_count", "103", "long") ","
    REQUIRED("file_size_in_bytes", "104", "long") ","
    OPTIONAL("column_sizes", "108", INT_MAP("117", "118", "long"))
    OPTIONAL("value_counts", "109", INT_MAP("119", "120", "long"))
    OPTIONAL("null_value_counts", "110", INT_MAP("121", "122", "long"))
    OPTIONAL("nan_value_counts", "137", INT_MAP("138", "139", "long"))
    OPTIONAL("lower_bounds", "125", INT_MAP("126", "127", "bytes"))
    OPTIONAL("upper_bounds", "128", INT_MAP("129", "130", "bytes"))
    OPTIONAL("key_metadata", "131", "\"bytes\"")
    OPTIONAL("split_offsets", "132", LIST("133", "long"))
    OPTIONAL("equality_ids", "135", LIST("136", "int"))
    OPTIONAL("sort_order_id", "140", "\"int\"")
    NULLABLE("referenced_data_file", "143", "\"string\"")
    "]},\"field-id\":2}]}";
/* clang-format on */

static bool is_date(const struct ice_definition *definition, const struct ice_partition_field *part)
{
    if (part->transform == ICE_DAY)
        return true;
    for (size_t i = 0; i < definition->field_count; i++) {
        if (definition->field[i].field_id == part->source_id)
            return definition->field[i].kind == PARQUET_DATE;
    }
    return false;
}

/* Names and ids of partition fields are the table's, types follow from the definition. */
static void put_schema(const struct ice_metadata *metadata, const struct ice_definition *definition,
                       struct buf *out)
{
    const struct buf *spec = &metadata->private_->spec;
    const struct ice_spec_field *field = ICE_ARRAY(*spec, struct ice_spec_field);

    ASSERT(ICE_COUNT(*spec, struct ice_spec_field) == definition->partition_count);
    buf_put_text(out, schema_head);
    for (size_t i = 0; i < definition->partition_count; i++) {
        buf_printf(out, "%s{\"name\":", i == 0 ? "" : ",");
        ice_json_put_text(field[i].name, out);
        buf_printf(out, ",\"type\":[\"null\",%s],\"default\":null,\"field-id\":%d}",
                   is_date(definition, &definition->partition[i])
                       ? "{\"type\":\"int\",\"logicalType\":\"date\"}"
                       : "\"int\"",
                   field[i].field_id);
    }
    buf_put_text(out, schema_tail);
}

void ice_manifest_writer_begin(struct ice_manifest_writer *writer,
                               const struct ice_metadata *metadata,
                               const struct ice_definition *definition, enum avro_codec codec,
                               const uint8_t sync[16], struct buf *out)
{
    struct buf schema = BUF_INIT;
    char schema_id[16], spec_id[16];

    ASSERT(definition->partition_count <= ICE_PARTITION_FIELDS_MAX);
    *writer = (struct ice_manifest_writer){ .partition_count = definition->partition_count };
    put_schema(metadata, definition, &schema);
    snprintf(schema_id, sizeof(schema_id), "%d", metadata->schema_id);
    snprintf(spec_id, sizeof(spec_id), "%d", metadata->spec_id);
    const struct avro_pair pairs[] = {
        { "schema", metadata->private_->schema },
        { "schema-id", span_text(schema_id) },
        { "partition-spec", metadata->private_->spec_fields },
        { "partition-spec-id", span_text(spec_id) },
        { "format-version", SPAN("2") },
        { "content", SPAN("data") },
    };
    avro_file_begin(&writer->avro, out, buf_text(&schema), pairs, ARRAY_LEN(pairs), codec, sync);
    buf_deinit(&schema);
}

static void put_optional_long(struct buf *out, bool present, int64_t value)
{
    avro_put_long(out, present ? VALUE_BRANCH : NULL_BRANCH);
    if (present)
        avro_put_long(out, value);
}

static void put_counts(struct buf *out, const struct ice_count *counts, size_t count)
{
    if (count == 0) {
        avro_put_long(out, NULL_BRANCH);
        return;
    }
    avro_put_long(out, VALUE_BRANCH);
    avro_put_long(out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        avro_put_long(out, counts[i].field_id);
        avro_put_long(out, counts[i].value);
    }
    avro_put_long(out, 0);
}

static void put_bounds(struct buf *out, const struct ice_bound *bounds, size_t count)
{
    if (count == 0) {
        avro_put_long(out, NULL_BRANCH);
        return;
    }
    avro_put_long(out, VALUE_BRANCH);
    avro_put_long(out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        avro_put_long(out, bounds[i].field_id);
        avro_put_bytes(out, bounds[i].value);
    }
    avro_put_long(out, 0);
}

static void put_offsets(struct buf *out, const int64_t *offsets, size_t count)
{
    if (count == 0) {
        avro_put_long(out, NULL_BRANCH);
        return;
    }
    avro_put_long(out, VALUE_BRANCH);
    avro_put_long(out, (int64_t)count);
    for (size_t i = 0; i < count; i++)
        avro_put_long(out, offsets[i]);
    avro_put_long(out, 0);
}

/* The fields of r2, in the schema's order. */
static void put_data_file(struct buf *out, const struct ice_data_file *file, size_t partition_count)
{
    avro_put_long(out, file->content);
    avro_put_bytes(out, span_text(file->path));
    avro_put_bytes(out, SPAN("PARQUET"));
    for (size_t i = 0; i < partition_count; i++)
        put_optional_long(out, !file->partition[i].is_null, file->partition[i].value);
    avro_put_long(out, file->rows);
    avro_put_long(out, file->bytes);
    put_counts(out, file->column_size, file->column_size_count);
    put_counts(out, file->value_count, file->value_count_count);
    put_counts(out, file->null_count, file->null_count_count);
    avro_put_long(out, NULL_BRANCH); /* nan_value_counts: no floating point in our tables */
    put_bounds(out, file->lower, file->lower_count);
    put_bounds(out, file->upper, file->upper_count);
    avro_put_long(out, NULL_BRANCH); /* key_metadata */
    put_offsets(out, file->split_offset, file->split_offset_count);
    avro_put_long(out, NULL_BRANCH); /* equality_ids */
    put_optional_long(out, file->sort_order_id != 0, file->sort_order_id);
    avro_put_long(out, NULL_BRANCH); /* referenced_data_file */
}

void ice_manifest_writer_put(struct ice_manifest_writer *writer, const struct ice_data_file *file)
{
    struct buf *out = avro_file_datum(&writer->avro);
    bool inherits = file->status == ICE_ADDED;

    ASSERT(file->content == ICE_DATA);
    ASSERT(!file->partial);
    avro_put_long(out, file->status);
    put_optional_long(out, true, file->snapshot_id);
    put_optional_long(out, !inherits, file->sequence);
    put_optional_long(out, !inherits && file->file_sequence >= 0, file->file_sequence);
    put_data_file(out, file, writer->partition_count);
    avro_file_end_datum(&writer->avro);
}

void ice_manifest_writer_finish(struct ice_manifest_writer *writer)
{
    avro_file_finish(&writer->avro);
}

void ice_manifest_encode(const struct ice_metadata *metadata,
                         const struct ice_definition *definition,
                         const struct ice_data_file *const *files, size_t count,
                         const uint8_t sync[16], struct buf *out)
{
    enum avro_codec codec = count < DEFLATE_ENTRIES_MIN ? AVRO_CODEC_NULL : AVRO_CODEC_DEFLATE;
    struct ice_manifest_writer writer;

    ice_manifest_writer_begin(&writer, metadata, definition, codec, sync, out);
    for (size_t i = 0; i < count; i++)
        ice_manifest_writer_put(&writer, files[i]);
    ice_manifest_writer_finish(&writer);
}

void ice_manifest_row_init(struct ice_manifest_row *row, const struct ice_definition *definition,
                           int64_t snapshot_id)
{
    *row = (struct ice_manifest_row){
        .content = ICE_DATA,
        .sequence = -1,
        .min_sequence = -1,
        .snapshot_id = snapshot_id,
        .partition_count = definition->partition_count,
    };
}

static void widen_partition(struct ice_manifest_row *row, const struct ice_data_file *file)
{
    for (size_t i = 0; i < row->partition_count; i++) {
        int32_t value = file->partition[i].value;

        if (file->partition[i].is_null) {
            row->partition[i].contains_null = true;
        } else if (!row->partition[i].has_bounds) {
            row->partition[i].has_bounds = true;
            row->partition[i].lower = row->partition[i].upper = value;
        } else if (value < row->partition[i].lower) {
            row->partition[i].lower = value;
        } else if (value > row->partition[i].upper) {
            row->partition[i].upper = value;
        }
    }
}

void ice_manifest_row_add(struct ice_manifest_row *row, const struct ice_data_file *file)
{
    switch (file->status) {
    case ICE_ADDED:
        row->added_files++;
        row->added_rows += file->rows;
        row->added_bytes += file->bytes;
        break;
    case ICE_EXISTING:
        row->existing_files++;
        row->existing_rows += file->rows;
        if (row->min_sequence < 0 || file->sequence < row->min_sequence)
            row->min_sequence = file->sequence;
        break;
    case ICE_DELETED:
        row->deleted_files++;
        row->deleted_rows += file->rows;
        row->deleted_bytes += file->bytes;
        break;
    }
    widen_partition(row, file);
}

static bool same_partition(const struct ice_data_file *a, const struct ice_data_file *b,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (a->partition[i].is_null != b->partition[i].is_null ||
            (!a->partition[i].is_null && a->partition[i].value != b->partition[i].value))
            return false;
    }
    return true;
}

void ice_manifest_summarize(const struct ice_definition *definition,
                            const struct ice_data_file *const *files, size_t count,
                            int64_t snapshot_id, struct ice_manifest_row *row)
{
    ice_manifest_row_init(row, definition, snapshot_id);
    for (size_t i = 0; i < count; i++) {
        bool seen = files[i]->status == ICE_EXISTING;

        ice_manifest_row_add(row, files[i]);
        for (size_t k = 0; k < i && !seen; k++)
            seen = files[k]->status != ICE_EXISTING &&
                   same_partition(files[i], files[k], definition->partition_count);
        row->changed_partitions += !seen;
    }
}
