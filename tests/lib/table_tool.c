// SPDX-License-Identifier: Apache-2.0
/*
 * table_tool.c: the four tables in a warehouse of files and SQLite, filled with random rows, for
 * tests/interop/test_iceberg.py.
 *
 *     table_tool FOLDER make SEED     the tables, several commits each, a merge of manifests
 *     table_tool FOLDER append SEED   one more commit on each
 *     table_tool FOLDER show          as JSON: what our own reader finds
 *
 * What was written is appended to FOLDER/<table>.jsonl, a row in each line: texts and bytes in hex,
 * decimals unscaled, dates as days, times as microseconds.
 */
#include "core/decimal.h"
#include "core/random.h"
#include "iceberg/table_merge.h"
#include "iceberg/table_read.h"
#include "stage/tables.h"

#include <inttypes.h>

enum { TABLES = 4, COMMITS = 7, COLUMNS_MAX = 40, FIRST_DAY = 20779 };

struct tool {
    const char *folder;
    struct random random;
    struct store *store;
    struct clock *clock;
    struct catalog *catalog;
    struct arena arena;
    struct column column[COLUMNS_MAX];
};

static uint64_t below(struct tool *tool, uint64_t limit)
{
    return random_below(&tool->random, limit);
}

static struct ice_definition definition_of(size_t index)
{
    switch (index) {
    case 0:
        return tables_bronze("bronze_binance_trades");
    case 1:
        return tables_silver("silver_binance_trades");
    case 2:
        return tables_dead_letters();
    default:
        return tables_gold();
    }
}

static void put_text(struct tool *tool, struct column *column, bool binary)
{
    static const char *const pieces[] = { "BTC",      "ETHUSDT",
                                          "\xc3\xbc", "\xf0\x9f\x90\x9f",
                                          "-",        "market.crypto.trades" };
    uint8_t bytes[400];
    size_t used = 0, count = below(tool, below(tool, 4) == 0 ? 9 : 3);

    for (size_t i = 0; i < count; i++) {
        const char *piece = pieces[below(tool, ARRAY_LEN(pieces))];

        memcpy(bytes + used, piece, strlen(piece));
        used += strlen(piece);
    }
    for (size_t i = 0; binary && i < used; i++)
        bytes[i] ^= (uint8_t)below(tool, 256);
    column_put_bytes(column, span_of(bytes, used));
}

/* `fixed`: the value of a partition's identity or day, when the field is the source of one. */
static void put_value(struct tool *tool, const struct parquet_field *field, struct column *column,
                      const int32_t *fixed)
{
    size_t entries;

    if (!field->required && below(tool, 3) == 0) {
        column_put_null(column);
        return;
    }
    switch (field->kind) {
    case PARQUET_BOOL:
        column_put_bool(column, below(tool, 2) == 0);
        return;
    case PARQUET_DATE:
    case PARQUET_INT:
        column_put_int32(column, fixed != NULL ? *fixed : (int32_t)below(tool, 60) - 5);
        return;
    case PARQUET_TIMESTAMPTZ:
        column_put_int64(column, (fixed != NULL ? *fixed : FIRST_DAY) * INT64_C(86400000000) +
                                     (int64_t)below(tool, UINT64_C(86400000000)));
        return;
    case PARQUET_LONG:
        column_put_int64(column, (int64_t)(random_next(&tool->random) >> below(tool, 64)));
        return;
    case PARQUET_DECIMAL:
        column_put_decimal(column, (int128)(random_next(&tool->random) >> (5 + below(tool, 50))) *
                                       (below(tool, 2) == 0 ? 1 : -1));
        return;
    case PARQUET_STRING:
    case PARQUET_BINARY:
        put_text(tool, column, field->kind == PARQUET_BINARY);
        return;
    case PARQUET_LIST:
    case PARQUET_MAP:
        entries = below(tool, 3);
        for (size_t i = 0; i < entries; i++) {
            put_text(tool, column->child[0], false);
            if (field->kind == PARQUET_MAP) {
                /* keys of a map must differ, so there is one of them */
                put_text(tool, column->child[1], false);
                break;
            }
        }
        column_put_entries(column);
        return;
    }
}

static void put_row(struct tool *tool, const struct ice_definition *definition,
                    const int32_t *partition)
{
    for (size_t i = 0; i < definition->field_count; i++) {
        const int32_t *fixed = NULL;

        for (size_t k = 0; k < definition->partition_count; k++) {
            if (definition->partition[k].source_id == definition->field[i].field_id)
                fixed = &partition[k];
        }
        put_value(tool, &definition->field[i], &tool->column[i], fixed);
    }
}

static void print_hex(FILE *file, struct span bytes)
{
    fputc('"', file);
    for (size_t i = 0; i < bytes.size; i++)
        fprintf(file, "%02x", bytes.data[i]);
    fputc('"', file);
}

static void print_value(FILE *file, const struct column *column, size_t row)
{
    const int32_t *offset;
    char text[DECIMAL_TEXT_BYTES_MAX];

    if (column_is_null(column, row)) {
        fputs("null", file);
        return;
    }
    switch (column->type) {
    case COLUMN_BOOL:
        fputs(column->values.data[row] ? "true" : "false", file);
        return;
    case COLUMN_INT32:
        fprintf(file, "%d", column_int32(column, row));
        return;
    case COLUMN_INT64:
        fprintf(file, "%" PRId64, column_int64(column, row));
        return;
    case COLUMN_DECIMAL:
        decimal_format(column_decimal(column, row), 0, text);
        fprintf(file, "%s", text);
        return;
    case COLUMN_BYTES:
        print_hex(file, column_bytes(column, row));
        return;
    case COLUMN_LIST:
    case COLUMN_MAP:
        offset = column_offsets(column) + row;
        fputc('[', file);
        for (int32_t i = offset[0]; i < offset[1]; i++) {
            fputs(i == offset[0] ? "" : ",", file);
            fputs(column->type == COLUMN_MAP ? "[" : "", file);
            print_value(file, column->child[0], (size_t)i);
            if (column->type == COLUMN_MAP) {
                fputc(',', file);
                print_value(file, column->child[1], (size_t)i);
                fputc(']', file);
            }
        }
        fputc(']', file);
        return;
    }
}

static void print_rows(FILE *file, struct tool *tool, size_t columns, const char *separator)
{
    for (size_t row = 0; row < tool->column[0].rows; row++) {
        fputs(row == 0 ? "" : separator, file);
        for (size_t i = 0; i < columns; i++) {
            fputc(i == 0 ? '[' : ',', file);
            print_value(file, &tool->column[i], row);
        }
        fputc(']', file);
    }
}

static void reset_columns(struct tool *tool, const struct ice_definition *definition)
{
    ASSERT(definition->field_count <= COLUMNS_MAX);
    for (size_t i = 0; i < definition->field_count; i++) {
        column_deinit(&tool->column[i]);
        column_init(&tool->column[i], parquet_column_type(definition->field[i].kind));
    }
}

static int write_file(struct tool *tool, struct table *table, struct ice_data_file **file,
                      struct err *err)
{
    const struct column *columns[COLUMNS_MAX];
    struct table_file_options options = { .zstd_level = 1, .row_group_rows = 40 };
    int32_t partition[2] = { FIRST_DAY + (int32_t)below(tool, 3), 10 + (int32_t)below(tool, 3) };
    size_t rows = 1 + below(tool, 150);
    struct buf path = BUF_INIT;
    FILE *jsonl;

    options.pairs = tables_footer(&options.pair_count);
    reset_columns(tool, &table->definition);
    for (size_t i = 0; i < rows; i++)
        put_row(tool, &table->definition, partition);
    for (size_t i = 0; i < table->definition.field_count; i++)
        columns[i] = &tool->column[i];
    buf_printf(&path, "%s/%s.jsonl", tool->folder, table->definition.name);
    jsonl = fopen(buf_text(&path), "a");
    buf_deinit(&path);
    if (jsonl == NULL)
        return err_errno(err, "open the list of rows");
    print_rows(jsonl, tool, table->definition.field_count, "\n");
    fputc('\n', jsonl);
    fclose(jsonl);
    return table_write_file(table, &tool->arena, columns, 0, rows, partition, &options, file, err);
}

static int append(struct tool *tool, struct table *table, bool drop, struct err *err)
{
    static const struct ice_pair pairs[] = { { "k2.commit-id", "a \"quoted\" one" } };
    struct ice_data_file *files[3];
    size_t count = 1 + below(tool, ARRAY_LEN(files));
    const struct ice_metadata *base = table->metadata;
    int64_t dropped[2] = { 0 };
    struct ice_manifest_row row;
    struct table_change change = {
        .operation = "append",
        .snapshot_id = table_new_snapshot_id(table),
        .added = &row,
        .added_count = 1,
        .summary = pairs,
        .summary_count = 1,
        .properties = pairs,
        .property_count = 1,
    };

    for (size_t i = 0; i < count; i++) {
        if (write_file(tool, table, &files[i], err) != 0)
            return -1;
    }
    if (drop && base->snapshot_count > 2) {
        dropped[0] = base->snapshot[0].id;
        dropped[1] = base->snapshot[1].id;
        change.drop = dropped;
        change.drop_count = 2;
    }
    if (table_write_manifest(table, &tool->arena, (const struct ice_data_file *const *)files, count,
                             change.snapshot_id, &row, err) < 0)
        return -1;
    return table_swap(table, base, &change, err);
}

static int merge(struct tool *tool, struct table *table, struct err *err)
{
    struct ice_manifest_row *rows = NULL;
    size_t count = 0;
    struct table_change change = { .operation = "replace",
                                   .snapshot_id = table_new_snapshot_id(table) };
    int rc = table_merge_plan(table, &tool->arena, table->metadata, change.snapshot_id, 2, &rows,
                              &count, err);

    if (rc != 0)
        return rc;
    change.instead = rows;
    change.instead_count = count;
    return table_swap(table, table->metadata, &change, err);
}

static int make(struct tool *tool, struct table *table, struct err *err)
{
    size_t count;
    const struct ice_pair *properties = tables_properties(&table->definition, &count);
    int rc = table_ensure(table, properties, count, err);

    for (int i = 0; i < COMMITS && rc == 0; i++) {
        rc = append(tool, table, i == COMMITS - 2, err);
        if (rc == 0 && i == COMMITS / 2)
            rc = merge(tool, table, err);
    }
    return rc;
}

static int append_once(struct tool *tool, struct table *table, struct err *err)
{
    int rc = table_load(table, err);

    return rc != 0 ? rc : append(tool, table, false, err);
}

struct show {
    struct tool *tool;
    struct table *table;
    struct table_reader reader;
    bool first;
};

static int show_file(void *context, const struct ice_data_file *file, struct err *err)
{
    struct show *show = context;
    size_t columns = show->table->definition.field_count;
    int rc = table_reader_open(&show->reader, show->table, file, err);

    reset_columns(show->tool, &show->table->definition);
    for (size_t g = 0; g < show->reader.file.row_group_count && rc == 0; g++) {
        for (size_t i = 0; i < columns && rc == 0; i++)
            rc = table_reader_column(&show->reader, g, i, &show->tool->column[i], err);
    }
    if (rc != 0)
        return rc;
    printf("%s{\"path\":\"%s\",\"rows\":%" PRId64 ",\"snapshot\":%" PRId64 ",\"sequence\":%" PRId64
           ",\"partition\":[",
           show->first ? "" : ",\n", file->path, file->rows, file->snapshot_id, file->sequence);
    show->first = false;
    for (size_t i = 0; i < show->table->definition.partition_count; i++)
        printf("%s%d", i == 0 ? "" : ",", file->partition[i].value);
    printf("],\"data\":[");
    print_rows(stdout, show->tool, columns, ",");
    printf("]}");
    return 0;
}

static int show_table(struct tool *tool, struct table *table, struct err *err)
{
    struct show show = { .tool = tool, .table = table, .first = true };
    const struct ice_file_visitor visitor = { show_file, &show };
    const struct ice_snapshot *current;
    int rc = table_load(table, err);

    if (rc != 0)
        return rc;
    current = ice_metadata_current(table->metadata);
    printf("{\"name\":\"%s\",\"metadata\":\"%s\",\"main\":%" PRId64 ",\"snapshots\":[",
           table->definition.name, table->metadata->file, table->metadata->main);
    for (size_t i = 0; i < table->metadata->snapshot_count; i++)
        printf("%s%" PRId64, i == 0 ? "" : ",", table->metadata->snapshot[i].id);
    printf("],\"columns\":[");
    for (size_t i = 0; i < table->definition.field_count; i++)
        printf("%s\"%s\"", i == 0 ? "" : ",", table->definition.field[i].name);
    printf("],\"files\":[");
    rc = table_visit_live(table, current, &visitor, err);
    printf("]}");
    table_reader_deinit(&show.reader);
    return rc;
}

static int open_world(struct tool *tool, const char *folder, struct err *err)
{
    struct buf path = BUF_INIT;
    int rc;

    tool->folder = folder;
    tool->clock = clock_system_open();
    buf_printf(&path, "%s/warehouse", folder);
    rc = store_local_open(buf_text(&path), &tool->store, err);
    buf_clear(&path);
    buf_printf(&path, "%s/k2.db", folder);
    if (rc == 0)
        rc = catalog_sqlite_open(buf_text(&path), "iceberg", tool->store, tool->clock,
                                 &tool->catalog, err);
    buf_deinit(&path);
    return rc;
}

static int run(struct tool *tool, int (*act)(struct tool *, struct table *, struct err *),
               struct err *err)
{
    const struct table_ports ports = { tool->catalog, tool->store, tool->clock };
    int rc = 0;

    for (size_t i = 0; i < TABLES && rc == 0; i++) {
        struct ice_definition definition = definition_of(i);
        struct table table;

        table_init(&table, &ports, "market_data", &definition);
        if (act == show_table)
            printf("%s", i == 0 ? "[" : ",\n");
        rc = act(tool, &table, err);
        if (rc > 0)
            rc = err_set(err, ERR_FATAL, "%s: condition %d", definition.name, rc);
        table_deinit(&table);
        arena_reset(&tool->arena);
    }
    if (act == show_table)
        printf("]\n");
    return rc;
}

int main(int argc, char **argv)
{
    struct tool tool = { 0 };
    struct err err = { 0 };
    int rc = -1;

    if (argc < 3) {
        fprintf(stderr, "usage: table_tool FOLDER make|append|show [SEED]\n");
        return 2;
    }
    tool.random.state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    if (open_world(&tool, argv[1], &err) == 0)
        rc = run(&tool,
                 strcmp(argv[2], "make") == 0     ? make
                 : strcmp(argv[2], "append") == 0 ? append_once
                                                  : show_table,
                 &err);
    if (rc != 0)
        fprintf(stderr, "table_tool: %s\n", err.text);
    for (size_t i = 0; i < COLUMNS_MAX; i++) {
        if (tool.column[i].rows > 0 || tool.column[i].child[0] != NULL)
            column_deinit(&tool.column[i]);
    }
    catalog_close(tool.catalog);
    store_close(tool.store);
    clock_close(tool.clock);
    arena_deinit(&tool.arena);
    return rc == 0 ? 0 : 1;
}
