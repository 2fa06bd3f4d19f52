// SPDX-License-Identifier: Apache-2.0
/* cmd_tables.c: k2 tables: what there is in the namespace. */
#include "app/app.h"
#include "app/cmd.h"
#include "app/report.h"
#include "core/json.h"
#include "core/micros.h"

#include <inttypes.h>

enum { COLUMNS = 7 };

static void put_time(int64_t us, struct buf *out)
{
    char text[MICROS_TEXT_BYTES_MAX];

    if (us <= 0) {
        buf_put_byte(out, '-');
        return;
    }
    micros_format(us, text);
    buf_printf(out, "%.19sZ", text);
}

static void put_cell(const struct report_table *table, int column, struct buf *out)
{
    switch (column) {
    case 0:
        buf_put_text(out, table->name);
        break;
    case 1:
        report_number(table->rows, out);
        break;
    case 2:
        report_number(table->files, out);
        break;
    case 3:
        report_number(table->snapshots, out);
        break;
    case 4:
        report_bytes(table->bytes, out);
        break;
    case 5:
        put_time(table->last_commit_us, out);
        break;
    default:
        put_time(table->map.complete_us, out);
        break;
    }
}

static void print_row(const char *const cell[COLUMNS], const int width[COLUMNS])
{
    printf("%-*s", width[0], cell[0]);
    for (int i = 1; i < COLUMNS; i++)
        printf("  %*s", width[i], cell[i]);
    putchar('\n');
}

static void print_tables(const struct report *report)
{
    const char *head[COLUMNS] = { "table", "rows",        "files",           "snapshots",
                                  "bytes", "last commit", "complete through" };
    const char **cell = mem_zero(COLUMNS * (report->count + 1), sizeof(*cell));
    struct arena arena = ARENA_INIT;
    int width[COLUMNS];

    for (int k = 0; k < COLUMNS; k++) {
        width[k] = (int)strlen(head[k]);
        for (size_t i = 0; i < report->count; i++) {
            struct buf text = BUF_INIT;

            put_cell(&report->table[i], k, &text);
            width[k] = (int)text.size > width[k] ? (int)text.size : width[k];
            cell[i * COLUMNS + (size_t)k] = arena_text(&arena, buf_span(&text));
            buf_deinit(&text);
        }
    }
    print_row(head, width);
    for (size_t i = 0; i < report->count; i++) {
        const struct report_table *table = &report->table[i];
        struct buf progress = BUF_INIT;

        if (table->err.kind != ERR_NONE) {
            printf("%s: %s\n", table->name, table->err.text);
            continue;
        }
        print_row(cell + i * COLUMNS, width);
        report_progress(table, "    ", &progress);
        fwrite(progress.data, 1, progress.size, stdout);
        buf_deinit(&progress);
    }
    arena_deinit(&arena);
    free(cell);
}

/* -- JSON */

static void put_text(const char *key, const char *text, struct buf *out)
{
    buf_printf(out, ",\"%s\":", key);
    json_quote(span_text(text), out);
}

static void put_count(const char *key, int64_t value, struct buf *out)
{
    if (value < 0)
        buf_printf(out, ",\"%s\":null", key);
    else
        buf_printf(out, ",\"%s\":%" PRId64, key, value);
}

/* us <= 0: null */
static void put_moment(const char *key, int64_t us, struct buf *out)
{
    char text[MICROS_TEXT_BYTES_MAX];

    if (us <= 0) {
        put_count(key, -1, out);
        return;
    }
    micros_format(us, text);
    put_text(key, text, out);
}

static void put_table(const struct report_table *table, struct buf *out)
{
    struct ice_pair pairs[POSITIONS_PAIRS];

    buf_put_text(out, "{\"name\":");
    json_quote(span_text(table->name), out);
    if (table->err.kind != ERR_NONE) {
        put_text("error", table->err.text, out);
        buf_put_byte(out, '}');
        return;
    }
    put_count("rows", table->rows, out);
    put_count("files", table->files, out);
    put_count("snapshots", table->snapshots, out);
    put_count("bytes", table->bytes, out);
    put_count("snapshot", table->snapshot, out);
    put_moment("last_commit", table->last_commit_us, out);
    put_moment("complete_through", table->has_map ? table->map.complete_us : 0, out);
    put_text("uuid", table->uuid, out);
    put_text("location", table->location, out);
    put_text("metadata", table->metadata_file, out);
    if (table->has_map) {
        put_count("epoch", table->map.epoch, out);
        positions_pairs(&table->map, pairs);
        for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
            if (strcmp(pairs[i].key, "k2.offsets") == 0 || strcmp(pairs[i].key, "k2.inputs") == 0)
                buf_printf(out, ",\"%s\":%s", pairs[i].key + strlen("k2."), pairs[i].value);
    }
    buf_put_byte(out, '}');
}

static void print_json(const struct report *report, const char *space)
{
    struct buf out = BUF_INIT;

    buf_put_text(&out, "{\"namespace\":");
    json_quote(span_text(space), &out);
    buf_put_text(&out, ",\"tables\":[");
    for (size_t i = 0; i < report->count; i++) {
        if (i > 0)
            buf_put_byte(&out, ',');
        put_table(&report->table[i], &out);
    }
    buf_put_text(&out, "]}\n");
    fwrite(out.data, 1, out.size, stdout);
    buf_deinit(&out);
}

static int show(struct wire *wire, const struct app_options *options)
{
    struct report report;
    struct err err = { 0 };
    int rc = report_load(&report, wire, &err);
    int code = rc == 0 ? APP_DONE : app_fail(&err);

    if (rc == 0 && options->json)
        print_json(&report, wire->config->space);
    else if (rc == 0 && report.count == 0)
        printf("There are no tables in namespace %s yet.\n", wire->config->space);
    else if (rc == 0)
        print_tables(&report);
    for (size_t i = 0; rc == 0 && i < report.count; i++)
        if (report.table[i].err.kind != ERR_NONE)
            code = APP_FAILED;
    report_deinit(&report);
    return code;
}

int cmd_tables(int argc, char **argv)
{
    return app_run(argc, argv, "--json", WIRE_TABLES, show);
}
