// SPDX-License-Identifier: Apache-2.0
/*
 * ice_manifest_decode.c: manifests, ours and anybody's (Iceberg spec v2, "Manifests", "Sequence
 * Number Inheritance").
 *
 * Compiling a schema costs more than reading a manifest of a few entries, and a table's manifests
 * nearly all have the same one: the reader keeps what it compiled.  An entry's arrays lie in an
 * arena that is reset for each, so reading allocates nothing.
 */
#include "iceberg/ice_manifest.h"

#include "codec/avro_decode.h"
#include "core/num.h"

#include <inttypes.h>
#include <strings.h>

enum { PROGRAMS_MAX = 8 };

enum cell {
    CELL_STATUS,
    CELL_SNAPSHOT,
    CELL_SEQUENCE,
    CELL_FILE_SEQUENCE,
    CELL_CONTENT,
    CELL_PATH,
    CELL_FORMAT,
    CELL_ROWS,
    CELL_BYTES,
    CELL_SIZES,
    CELL_VALUES,
    CELL_NULLS,
    CELL_NANS,
    CELL_LOWER,
    CELL_UPPER,
    CELL_KEYS,
    CELL_SPLITS,
    CELL_EQUALITY,
    CELL_ORDER,
    CELL_REFERENCED,
    CELL_PARTITION, /* the first of them */
    CELL_COUNT_MAX = CELL_PARTITION + ICE_PARTITION_FIELDS_MAX,
};

struct entry_program {
    struct span schema_json;
    size_t partition_count;
    bool partition_known; /* the record's fields are all of int: the wishes cover the tuple */
    const struct avro_program *program;
};

struct ice_manifest_reader {
    struct arena programs_arena, file_arena, entry_arena;
    struct entry_program programs[PROGRAMS_MAX];
    size_t program_count;
    struct avro_cell cells[CELL_COUNT_MAX];
    bool busy;
};

struct ice_manifest_reader *ice_manifest_reader_new(void)
{
    return mem_zero(1, sizeof(struct ice_manifest_reader));
}

void ice_manifest_reader_free(struct ice_manifest_reader *reader)
{
    if (reader == NULL)
        return;
    arena_deinit(&reader->programs_arena);
    arena_deinit(&reader->file_arena);
    arena_deinit(&reader->entry_arena);
    free(reader);
}

static const struct avro_schema *without_null(const struct avro_schema *schema)
{
    if (schema->type != AVRO_UNION || schema->count != 2)
        return schema;
    return schema->branch[schema->branch[0]->type == AVRO_NULL];
}

static const struct avro_schema *find_field(const struct avro_schema *record, int32_t id,
                                            const char *name)
{
    if (record == NULL || record->type != AVRO_RECORD)
        return NULL;
    for (size_t i = 0; i < record->count; i++) {
        if (record->field[i].field_id == id)
            return without_null(record->field[i].schema);
    }
    for (size_t i = 0; i < record->count; i++) {
        if (record->field[i].field_id < 0 && strcmp(record->field[i].name, name) == 0)
            return without_null(record->field[i].schema);
    }
    return NULL;
}

#define IDS(...) ((const int32_t[]){ __VA_ARGS__, 0 })

/* Wishes for the partition tuple, by the writer's own names, in order: a manifest has one spec, and
 * which that is, its row says.  A tuple of other types than ints is not read. */
static bool wish_partition(struct arena *arena, const struct avro_schema *writer,
                           const struct ice_definition *definition, struct avro_wish *wishes)
{
    const struct avro_schema *file = find_field(writer, 2, "data_file");
    const struct avro_schema *tuple = find_field(file, 102, "partition");

    if (tuple == NULL || tuple->type != AVRO_RECORD || tuple->count != definition->partition_count)
        return false;
    for (size_t i = 0; i < tuple->count; i++) {
        if (without_null(tuple->field[i].schema)->type != AVRO_INT)
            return false;
    }
    for (size_t i = 0; i < tuple->count; i++) {
        int32_t *ids = arena_zero(arena, 4, sizeof(*ids));
        const char *name = tuple->field[i].name;

        ids[0] = 2;
        ids[1] = 102;
        ids[2] = tuple->field[i].field_id;
        wishes[i] = (struct avro_wish){
            .path = arena_printf(arena, "data_file/partition/%s", name),
            .ids = ids[2] > 0 ? ids : NULL,
            .type = AVRO_LONG,
        };
    }
    return true;
}

static int compile(struct ice_manifest_reader *reader, struct span schema_json,
                   const struct ice_definition *definition, struct entry_program *out,
                   struct err *err)
{
    struct arena *arena = &reader->programs_arena;
    const struct avro_schema *writer;
    struct avro_wish wishes[CELL_COUNT_MAX] = {
        [CELL_STATUS] = { "status", NULL, AVRO_LONG, true },
        [CELL_SNAPSHOT] = { "snapshot_id", IDS(1), AVRO_LONG, false },
        [CELL_SEQUENCE] = { "sequence_number", IDS(3), AVRO_LONG, false },
        [CELL_FILE_SEQUENCE] = { "file_sequence_number", IDS(4), AVRO_LONG, false },
        [CELL_CONTENT] = { "data_file/content", IDS(2, 134), AVRO_LONG, false },
        [CELL_PATH] = { "data_file/file_path", IDS(2, 100), AVRO_STRING, true },
        [CELL_FORMAT] = { "data_file/file_format", IDS(2, 101), AVRO_STRING, true },
        [CELL_ROWS] = { "data_file/record_count", IDS(2, 103), AVRO_LONG, true },
        [CELL_BYTES] = { "data_file/file_size_in_bytes", IDS(2, 104), AVRO_LONG, true },
        [CELL_SIZES] = { "data_file/column_sizes", IDS(2, 108), AVRO_ARRAY, false },
        [CELL_VALUES] = { "data_file/value_counts", IDS(2, 109), AVRO_ARRAY, false },
        [CELL_NULLS] = { "data_file/null_value_counts", IDS(2, 110), AVRO_ARRAY, false },
        [CELL_NANS] = { "data_file/nan_value_counts", IDS(2, 137), AVRO_ARRAY, false },
        [CELL_LOWER] = { "data_file/lower_bounds", IDS(2, 125), AVRO_ARRAY, false },
        [CELL_UPPER] = { "data_file/upper_bounds", IDS(2, 128), AVRO_ARRAY, false },
        [CELL_KEYS] = { "data_file/key_metadata", IDS(2, 131), AVRO_BYTES, false },
        [CELL_SPLITS] = { "data_file/split_offsets", IDS(2, 132), AVRO_ARRAY, false },
        [CELL_EQUALITY] = { "data_file/equality_ids", IDS(2, 135), AVRO_ARRAY, false },
        [CELL_ORDER] = { "data_file/sort_order_id", IDS(2, 140), AVRO_LONG, false },
        [CELL_REFERENCED] = { "data_file/referenced_data_file", IDS(2, 143), AVRO_STRING, false },
    };

    *out = (struct entry_program){ .schema_json = arena_copy(arena, schema_json) };
    out->partition_count = definition->partition_count;
    if (avro_schema_parse(arena, out->schema_json, &writer, err) < 0)
        return -1;
    out->partition_known = wish_partition(arena, writer, definition, wishes + CELL_PARTITION);
    return avro_program_compile(arena, writer, wishes,
                                CELL_PARTITION +
                                    (out->partition_known ? definition->partition_count : 0),
                                &out->program, err);
}

/* The items of the maps must be pairs of an int and a long (or bytes), as in every writer's schema;
 * they are then read without a program of their own. */
static int check_items(const struct avro_program *program, enum cell cell, bool bytes,
                       struct err *err)
{
    const struct avro_schema *schema = avro_program_schema(program, cell), *item;

    if (schema == NULL)
        return 0;
    item = schema->branch[0];
    if (item->type != AVRO_RECORD || item->count != 2 || item->field[0].schema->type != AVRO_INT ||
        item->field[1].schema->type != (bytes ? AVRO_BYTES : AVRO_LONG))
        return err_set(err, ERR_CORRUPT, "a map of statistics that is no list of key and value");
    return 0;
}

static int check_program(const struct avro_program *program, struct err *err)
{
    const struct avro_schema *splits = avro_program_schema(program, CELL_SPLITS);

    if (splits != NULL && splits->branch[0]->type != AVRO_LONG)
        return err_set(err, ERR_CORRUPT, "split_offsets that are no longs");
    if (check_items(program, CELL_SIZES, false, err) < 0 ||
        check_items(program, CELL_VALUES, false, err) < 0 ||
        check_items(program, CELL_NULLS, false, err) < 0 ||
        check_items(program, CELL_LOWER, true, err) < 0 ||
        check_items(program, CELL_UPPER, true, err) < 0)
        return -1;
    return 0;
}

static int get_program(struct ice_manifest_reader *reader, struct span schema_json,
                       const struct ice_definition *definition, const struct entry_program **out,
                       struct err *err)
{
    struct entry_program *program = reader->programs;

    for (size_t i = 0; i < reader->program_count; i++, program++) {
        if (program->partition_count == definition->partition_count &&
            span_equal(program->schema_json, schema_json)) {
            *out = program;
            return 0;
        }
    }
    if (reader->program_count == PROGRAMS_MAX) {
        arena_reset(&reader->programs_arena);
        reader->program_count = 0;
        program = reader->programs;
    }
    if (compile(reader, schema_json, definition, program, err) < 0 ||
        check_program(program->program, err) < 0)
        return -1;
    reader->program_count++;
    *out = program;
    return 0;
}

/* Items of an array cell, at most. */
static size_t items_max(const struct avro_cell *cell, size_t item_bytes_min)
{
    return cell->is_null ? 0 : cell->bytes.size / item_bytes_min;
}

static int too_many(struct err *err)
{
    return err_set(err, ERR_CORRUPT, "statistics with more items than bytes");
}

static int take_counts(struct arena *arena, const struct avro_cell *cell,
                       const struct ice_count **out, size_t *count, struct err *err)
{
    struct ice_count *counts;
    struct avro_items items;
    size_t most = items_max(cell, 2), used = 0;
    int64_t id;
    int rc;

    *out = NULL;
    *count = 0;
    if (most == 0)
        return 0;
    counts = arena_zero(arena, most, sizeof(*counts));
    avro_items_init(&items, cell->bytes);
    while ((rc = avro_items_next(&items, err)) == AVRO_ITEM) {
        if (used == most)
            return too_many(err);
        if (avro_get_long(&items.rest, &id, err) < 0 ||
            avro_get_long(&items.rest, &counts[used].value, err) < 0)
            return -1;
        counts[used++].field_id = (int32_t)id;
    }
    *out = counts;
    *count = used;
    return rc;
}

static int take_bounds(struct arena *arena, const struct avro_cell *cell,
                       const struct ice_bound **out, size_t *count, struct err *err)
{
    struct ice_bound *bounds;
    struct avro_items items;
    size_t most = items_max(cell, 2), used = 0;
    int64_t id;
    int rc;

    *out = NULL;
    *count = 0;
    if (most == 0)
        return 0;
    bounds = arena_zero(arena, most, sizeof(*bounds));
    avro_items_init(&items, cell->bytes);
    while ((rc = avro_items_next(&items, err)) == AVRO_ITEM) {
        if (used == most)
            return too_many(err);
        if (avro_get_long(&items.rest, &id, err) < 0 ||
            avro_get_bytes(&items.rest, &bounds[used].value, err) < 0)
            return -1;
        bounds[used++].field_id = (int32_t)id;
    }
    *out = bounds;
    *count = used;
    return rc;
}

static int take_splits(struct arena *arena, const struct avro_cell *cell,
                       struct ice_data_file *file, struct err *err)
{
    struct avro_items items;
    size_t most = items_max(cell, 1);
    int64_t *offsets;
    int rc;

    if (most == 0)
        return 0;
    offsets = arena_zero(arena, most, sizeof(*offsets));
    avro_items_init(&items, cell->bytes);
    while ((rc = avro_items_next(&items, err)) == AVRO_ITEM) {
        if (file->split_offset_count == most)
            return too_many(err);
        if (avro_get_long(&items.rest, &offsets[file->split_offset_count++], err) < 0)
            return -1;
    }
    file->split_offset = offsets;
    return rc;
}

static int take_statistics(struct ice_manifest_reader *reader, struct ice_data_file *file,
                           struct err *err)
{
    const struct avro_cell *cells = reader->cells;
    struct arena *arena = &reader->entry_arena;

    if (take_counts(arena, &cells[CELL_SIZES], &file->column_size, &file->column_size_count, err) <
            0 ||
        take_counts(arena, &cells[CELL_VALUES], &file->value_count, &file->value_count_count, err) <
            0 ||
        take_counts(arena, &cells[CELL_NULLS], &file->null_count, &file->null_count_count, err) <
            0 ||
        take_bounds(arena, &cells[CELL_LOWER], &file->lower, &file->lower_count, err) < 0 ||
        take_bounds(arena, &cells[CELL_UPPER], &file->upper, &file->upper_count, err) < 0)
        return -1;
    return take_splits(arena, &cells[CELL_SPLITS], file, err);
}

/* An array that is there and has items: the first block's count is not 0. */
static bool has_items(const struct avro_cell *cell)
{
    return !cell->is_null && cell->bytes.size > 1;
}

static void take_partition(struct ice_manifest_reader *reader, const struct entry_program *program,
                           struct ice_data_file *file)
{
    const struct avro_cell *cells = reader->cells;

    for (size_t i = 0; i < program->partition_count; i++) {
        const struct avro_cell *cell = &cells[CELL_PARTITION + i];

        file->partition[i].is_null = !program->partition_known || cell->is_null;
        if (!file->partition[i].is_null)
            file->partition[i].value = (int32_t)cell->integer;
    }
    file->partial = !program->partition_known || !cells[CELL_KEYS].is_null ||
                    !cells[CELL_REFERENCED].is_null || has_items(&cells[CELL_NANS]) ||
                    has_items(&cells[CELL_EQUALITY]) || cells[CELL_FORMAT].bytes.size != 7 ||
                    strncasecmp((const char *)cells[CELL_FORMAT].bytes.data, "parquet", 7) != 0;
}

/* Sequence Number Inheritance: only what the manifest's own commit added inherits. */
static int take_numbers(const struct avro_cell *cells, const struct ice_manifest_row *row,
                        struct ice_data_file *file, struct err *err)
{
    const struct avro_cell *sequence = &cells[CELL_SEQUENCE];
    const struct avro_cell *file_sequence = &cells[CELL_FILE_SEQUENCE];
    bool added = file->status == ICE_ADDED;

    file->snapshot_id =
        cells[CELL_SNAPSHOT].is_null ? row->snapshot_id : cells[CELL_SNAPSHOT].integer;
    if (!sequence->is_null)
        file->sequence = sequence->integer;
    else if (added || row->sequence == 0)
        file->sequence = row->sequence;
    else
        return err_set(err, ERR_CORRUPT, "%s: not added here and without a sequence number",
                       file->path);
    if (!file_sequence->is_null)
        file->file_sequence = file_sequence->integer;
    else
        file->file_sequence = added ? row->sequence : -1;
    return 0;
}

static int take_entry(struct ice_manifest_reader *reader, const struct entry_program *program,
                      const struct ice_manifest_row *row, struct ice_data_file *file,
                      struct err *err)
{
    const struct avro_cell *cells = reader->cells;
    int64_t content = cells[CELL_CONTENT].is_null ? 0 : cells[CELL_CONTENT].integer;
    int64_t status;

    *file = (struct ice_data_file){ 0 };
    if (cells[CELL_STATUS].is_null || cells[CELL_PATH].is_null || cells[CELL_FORMAT].is_null ||
        cells[CELL_ROWS].is_null || cells[CELL_BYTES].is_null)
        return err_set(err, ERR_CORRUPT, "an entry without status, path, format or sizes");
    status = cells[CELL_STATUS].integer;
    if (memchr(cells[CELL_PATH].bytes.data, 0, cells[CELL_PATH].bytes.size) != NULL)
        return err_set(err, ERR_CORRUPT, "a file_path with U+0000");
    file->path = arena_text(&reader->entry_arena, cells[CELL_PATH].bytes);
    file->rows = cells[CELL_ROWS].integer;
    file->bytes = cells[CELL_BYTES].integer;
    if (status < ICE_EXISTING || status > ICE_DELETED || content < ICE_DATA ||
        content > ICE_EQUALITY_DELETES || file->rows < 0 || file->bytes < 0)
        return err_set(err, ERR_CORRUPT, "%s: status, content or a size is out of range",
                       file->path);
    file->status = (enum ice_status)status;
    file->content = (enum ice_content)content;
    if (!cells[CELL_ORDER].is_null)
        file->sort_order_id = (int32_t)cells[CELL_ORDER].integer;
    take_partition(reader, program, file);
    if (take_numbers(cells, row, file, err) < 0)
        return -1;
    return take_statistics(reader, file, err);
}

/* *stopped: the visitor ended it, and the result is its own. */
static int read_entries(struct ice_manifest_reader *reader, struct avro_file_reader *avro,
                        const struct ice_manifest_row *row, const struct ice_definition *definition,
                        const struct ice_file_visitor *visitor, bool *stopped, struct err *err)
{
    const struct entry_program *program;
    struct ice_data_file file;
    int rc;

    if (get_program(reader, avro->schema_json, definition, &program, err) < 0)
        return -1;
    while ((rc = avro_file_next(avro, err)) == AVRO_DATUM) {
        arena_reset(&reader->entry_arena);
        if (avro_program_run(program->program, &avro->block, reader->cells, err) < 0 ||
            take_entry(reader, program, row, &file, err) < 0)
            return -1;
        rc = visitor->visit(visitor->context, &file, err);
        if (rc != 0) {
            *stopped = true;
            return rc;
        }
    }
    return rc;
}

int ice_manifest_reader_visit(struct ice_manifest_reader *reader, struct span image,
                              const struct ice_manifest_row *row,
                              const struct ice_definition *definition,
                              const struct ice_file_visitor *visitor, struct err *err)
{
    struct avro_file_reader avro = { 0 };
    bool stopped = false;
    int rc;

    ASSERT(!reader->busy);
    ASSERT(definition->partition_count <= ICE_PARTITION_FIELDS_MAX);
    reader->busy = true;
    arena_reset(&reader->file_arena);
    rc = avro_file_open(&avro, &reader->file_arena, image, err);
    if (rc == 0)
        rc = read_entries(reader, &avro, row, definition, visitor, &stopped, err);
    avro_file_close(&avro);
    reader->busy = false;
    if (rc < 0 && !stopped) {
        if (err->kind == ERR_REJECT)
            err->kind = ERR_CORRUPT;
        return err_wrap(err, "manifest %s", row->path);
    }
    return rc;
}

int ice_manifest_decode(struct span image, const struct ice_manifest_row *row,
                        const struct ice_definition *definition,
                        const struct ice_file_visitor *visitor, struct err *err)
{
    struct ice_manifest_reader *reader = ice_manifest_reader_new();
    int rc = ice_manifest_reader_visit(reader, image, row, definition, visitor, err);

    ice_manifest_reader_free(reader);
    return rc;
}
