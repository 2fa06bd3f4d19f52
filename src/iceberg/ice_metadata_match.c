// SPDX-License-Identifier: Apache-2.0
/*
 * ice_metadata_match.c: is this still the table that we write?  Asked at each load, so that a
 * foreign change of schema or spec stops the job with a sentence that says what to type, before a
 * file is written that readers would take for something else.
 */
#include "iceberg/ice_metadata_private.h"

#include "iceberg/ice_schema.h"
#include "iceberg/ice_transform.h"

static const struct ice_column *find_column(const struct ice_metadata *metadata, const char *name)
{
    const struct buf *columns = &metadata->private_->columns;
    const struct ice_column *column = ICE_ARRAY(*columns, struct ice_column);

    for (size_t i = 0; i < ICE_COUNT(*columns, struct ice_column); i++) {
        if (strcmp(column[i].name, name) == 0)
            return &column[i];
    }
    return NULL;
}

static int match_field(const struct ice_metadata *metadata, const char *table,
                       const struct parquet_field *field, struct parquet_field *resolved,
                       struct err *err)
{
    const struct ice_column *column = find_column(metadata, field->name);
    char sql[ICE_TYPE_TEXT_BYTES_MAX];
    bool child_optional = field->child_optional;
    int rc;

    *resolved = *field;
    ice_schema_sql_type(field, sql);
    if (column == NULL)
        return err_set(err, ERR_REFUSED,
                       "table %s has no column %s; ALTER TABLE %s ADD COLUMN %s %s", table,
                       field->name, table, field->name, sql);
    rc = ice_schema_read_type(column->type, field, resolved->child_id, &child_optional, err);
    if (rc < 0) {
        err->kind = ERR_CORRUPT;
        return err_wrap(err, "table %s column %s", table, field->name);
    }
    if (rc != 0)
        return err_set(err, ERR_REFUSED,
                       "table %s column %s has type %.*s, not %s; ALTER TABLE %s RENAME COLUMN %s "
                       "TO %s_old; ALTER TABLE %s ADD COLUMN %s %s",
                       table, field->name, SPAN_ARGS(column->type), sql, table, field->name,
                       field->name, table, field->name, sql);
    if (column->required && !field->required)
        return err_set(err, ERR_REFUSED,
                       "table %s column %s takes no nulls; ALTER TABLE %s ALTER COLUMN %s DROP "
                       "NOT NULL",
                       table, field->name, table, field->name);
    if (field->child_optional && !child_optional)
        return err_set(err, ERR_REFUSED,
                       "table %s column %s takes no nulls inside; ALTER TABLE %s ALTER COLUMN "
                       "%s.%s DROP NOT NULL",
                       table, field->name, table, field->name,
                       field->kind == PARQUET_MAP ? "value" : "element");
    resolved->field_id = column->id;
    return 0;
}

/* Columns that we do not write are null in our files. */
static int refuse_required_extras(const struct ice_metadata *metadata,
                                  const struct ice_definition *definition, struct err *err)
{
    const struct buf *columns = &metadata->private_->columns;
    const struct ice_column *column = ICE_ARRAY(*columns, struct ice_column);

    for (size_t i = 0; i < ICE_COUNT(*columns, struct ice_column); i++) {
        bool ours = false;

        for (size_t k = 0; k < definition->field_count && !ours; k++)
            ours = strcmp(definition->field[k].name, column[i].name) == 0;
        if (!ours && column[i].required)
            return err_set(err, ERR_REFUSED,
                           "table %s has a required column %s that is not written; ALTER TABLE %s "
                           "ALTER COLUMN %s DROP NOT NULL",
                           definition->name, column[i].name, definition->name, column[i].name);
    }
    return 0;
}

static int32_t resolved_id(const struct ice_definition *definition,
                           const struct parquet_field *resolved, int32_t id)
{
    for (size_t i = 0; i < definition->field_count; i++) {
        if (definition->field[i].field_id == id)
            return resolved[i].field_id;
    }
    return -1;
}

static bool same_spec(const struct ice_metadata *metadata, const struct ice_definition *definition,
                      const struct parquet_field *resolved)
{
    const struct buf *spec = &metadata->private_->spec;
    const struct ice_spec_field *field = ICE_ARRAY(*spec, struct ice_spec_field);

    if (ICE_COUNT(*spec, struct ice_spec_field) != definition->partition_count)
        return false;
    for (size_t i = 0; i < definition->partition_count; i++) {
        const struct ice_partition_field *ours = &definition->partition[i];

        if (strcmp(field[i].transform, ice_transform_name(ours->transform)) != 0 ||
            field[i].source_id != resolved_id(definition, resolved, ours->source_id))
            return false;
    }
    return true;
}

static const char *column_name(const struct ice_definition *definition, int32_t id)
{
    for (size_t i = 0; i < definition->field_count; i++) {
        if (definition->field[i].field_id == id)
            return definition->field[i].name;
    }
    return "?";
}

/* Names the spec and the statements that bring ours back. */
static int refuse_spec(const struct ice_metadata *metadata, const struct ice_definition *definition,
                       struct err *err)
{
    const struct buf *spec = &metadata->private_->spec;
    const struct ice_spec_field *field = ICE_ARRAY(*spec, struct ice_spec_field);
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < ICE_COUNT(*spec, struct ice_spec_field); i++)
        buf_printf(&text, "; ALTER TABLE %s DROP PARTITION FIELD %s", definition->name,
                   field[i].name);
    for (size_t i = 0; i < definition->partition_count; i++) {
        const struct ice_partition_field *ours = &definition->partition[i];
        const char *source = column_name(definition, ours->source_id);

        buf_printf(&text, "; ALTER TABLE %s ADD PARTITION FIELD %s%s%s AS %s", definition->name,
                   ours->transform == ICE_DAY ? "days(" : "", source,
                   ours->transform == ICE_DAY ? ")" : "", ours->name);
    }
    err_set(err, ERR_REFUSED, "table %s has another partition spec, %d, than is written%s",
            definition->name, metadata->spec_id, buf_text(&text));
    buf_deinit(&text);
    return -1;
}

int ice_metadata_match(const struct ice_metadata *metadata, const struct ice_definition *definition,
                       struct parquet_field *resolved, struct err *err)
{
    for (size_t i = 0; i < definition->field_count; i++) {
        if (match_field(metadata, definition->name, &definition->field[i], &resolved[i], err) < 0)
            return -1;
    }
    if (refuse_required_extras(metadata, definition, err) < 0)
        return -1;
    return same_spec(metadata, definition, resolved) ? 0 : refuse_spec(metadata, definition, err);
}

int32_t ice_metadata_sort_order(const struct ice_metadata *metadata,
                                const struct ice_definition *definition)
{
    const struct buf *order = &metadata->private_->order;
    const struct ice_order_field *field = ICE_ARRAY(*order, struct ice_order_field);
    const struct ice_column *column;

    if (definition->sort_count == 0 ||
        ICE_COUNT(*order, struct ice_order_field) != definition->sort_count)
        return 0;
    for (size_t i = 0; i < definition->sort_count; i++) {
        column = find_column(metadata, column_name(definition, definition->sort_id[i]));
        if (column == NULL || column->id != field[i].source_id ||
            strcmp(field[i].transform, "identity") != 0 || strcmp(field[i].direction, "asc") != 0 ||
            strcmp(field[i].null_order, "nulls-first") != 0)
            return 0;
    }
    return metadata->sort_order_id;
}
