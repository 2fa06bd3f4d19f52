// SPDX-License-Identifier: Apache-2.0
/* cmd_positions.c: k2 positions show: how far each table has taken its inputs, as the tables say;
 * set: otherwise, by hand (stage/set_positions.h), after it has said what that does. */
#include "app/app.h"
#include "app/cmd.h"
#include "app/report.h"
#include "core/json.h"
#include "core/micros.h"
#include "stage/set_positions.h"

#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <unistd.h>

static void print_number(int64_t number, int width)
{
    struct buf text = BUF_INIT;

    report_number(number, &text);
    printf("  %*s", width, buf_text(&text));
    buf_deinit(&text);
}

static void print_offset(const struct position_offset *entry)
{
    char time[MICROS_TEXT_BYTES_MAX] = "-";

    if (entry->last != POSITION_NONE)
        micros_format(entry->last_us, time);
    printf("    %9" PRId32, entry->partition);
    print_number(entry->next, 14);
    print_number(entry->last, 14);
    printf("  %-27s", time);
    print_number(entry->rows, 14);
    print_number(entry->high, 14);
    putchar('\n');
}

static void print_topic(const struct positions *map, size_t first)
{
    const char *topic = map->offset[first].topic;

    for (size_t i = 0; i < first; i++)
        if (strcmp(map->offset[i].topic, topic) == 0)
            return; /* printed already */
    printf("  topic %s of log %s\n", topic, map->offset[first].cluster);
    printf("    %9s  %14s  %14s  %-27s  %14s  %14s\n", "partition", "next", "last taken",
           "its time", "rows", "highest");
    for (size_t i = first; i < map->offset_count; i++)
        if (strcmp(map->offset[i].topic, topic) == 0)
            print_offset(&map->offset[i]);
}

static void print_retained(const struct positions *map)
{
    for (size_t i = 0; i < map->retained_count; i++)
        if (map->retained[i].from > 0)
            printf("  answers for topic %s, partition %" PRId32 " from offset %" PRId64 " on\n",
                   map->retained[i].topic, map->retained[i].partition, map->retained[i].from);
}

static void print_input(const struct position_input *input)
{
    printf("  table %s (%s), epoch %" PRId64 "\n", input->table, input->uuid, input->epoch);
    if (input->snapshot == POSITION_NONE)
        printf("    no snapshot finished\n");
    else
        printf("    finished snapshot %" PRId64 ", sequence number %" PRId64 "\n", input->snapshot,
               input->sequence);
    if (input->begun != POSITION_NONE)
        printf("    begun snapshot %" PRId64 ", %" PRId64 " of its files taken\n", input->begun,
               input->taken);
    if (input->listed > 0)
        printf("    live files of snapshot %" PRId64 " taken up to sequence number %" PRId64
               ", of the next %" PRId64 " files and %" PRId64 " rows\n",
               input->listed, input->through, input->part_files, input->part_rows);
}

static void print_complete(int64_t us, const char *indent)
{
    char text[MICROS_TEXT_BYTES_MAX];

    if (us <= 0)
        return;
    micros_format(us, text);
    printf("%scomplete through %s\n", indent, text);
}

static void print_table(const struct report_table *table)
{
    const struct positions *map = &table->map;

    printf("%s\n", table->name);
    if (table->err.kind != ERR_NONE) {
        printf("  %s\n\n", table->err.text);
        return;
    }
    if (!table->has_map) {
        printf("  K2 has not committed to it\n\n");
        return;
    }
    printf("  epoch %" PRId64, map->epoch);
    if (table->map_snapshot != ICE_NONE)
        printf(", from snapshot %" PRId64, table->map_snapshot);
    else if (table->is_cut)
        printf(", from the table's properties: no snapshot of K2's is listed any more");
    printf(", worker %s, commit %s\n", map->worker, map->commit_id);
    print_complete(map->complete_us, "  ");
    for (size_t i = 0; i < map->offset_count; i++)
        print_topic(map, i);
    for (size_t i = 0; i < map->input_count; i++)
        print_input(&map->input[i]);
    print_retained(map);
    putchar('\n');
}

static bool is_json_pair(const char *key)
{
    return strcmp(key, "k2.offsets") == 0 || strcmp(key, "k2.inputs") == 0 ||
           strcmp(key, "k2.retained-from") == 0;
}

static void put_table(const struct report_table *table, struct buf *out)
{
    struct ice_pair pairs[POSITIONS_PAIRS];

    buf_put_text(out, "{\"table\":");
    json_quote(span_text(table->name), out);
    if (table->err.kind != ERR_NONE) {
        buf_put_text(out, ",\"error\":");
        json_quote(span_text(table->err.text), out);
    } else if (table->has_map) {
        if (table->map_snapshot == ICE_NONE)
            buf_put_text(out, ",\"snapshot\":null");
        else
            buf_printf(out, ",\"snapshot\":%" PRId64, table->map_snapshot);
        positions_pairs(&table->map, pairs);
        for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
            buf_printf(out, ",\"%s\":", pairs[i].key + strlen("k2."));
            if (pairs[i].value == NULL)
                buf_put_text(out, "null");
            else if (is_json_pair(pairs[i].key))
                buf_put_text(out, pairs[i].value);
            else
                json_quote(span_text(pairs[i].value), out);
        }
    }
    buf_put_byte(out, '}');
}

static void print_json(const struct report *report, const char *only)
{
    struct buf out = BUF_INIT;
    bool is_first = true;

    buf_put_byte(&out, '[');
    for (size_t i = 0; i < report->count; i++) {
        if (only != NULL && strcmp(report->table[i].name, only) != 0)
            continue;
        buf_put_text(&out, is_first ? "" : ",");
        put_table(&report->table[i], &out);
        is_first = false;
    }
    buf_put_text(&out, "]\n");
    fwrite(out.data, 1, out.size, stdout);
    buf_deinit(&out);
}

static int show(const struct wire *wire, const char *only, bool as_json)
{
    struct report report;
    struct err err = { 0 };
    bool is_found = only == NULL;
    int rc = report_load(&report, wire, &err);
    int code = APP_DONE;

    for (size_t i = 0; i < report.count; i++) {
        if (only != NULL && strcmp(report.table[i].name, only) != 0)
            continue;
        is_found = true;
        if (report.table[i].err.kind != ERR_NONE)
            code = APP_FAILED;
        if (rc == 0 && !as_json)
            print_table(&report.table[i]);
    }
    if (rc == 0 && !is_found)
        rc = err_set(&err, ERR_CONFIG, "there is no table %s in namespace %s (see `k2 tables`)",
                     only, wire->config->space);
    if (rc == 0 && as_json)
        print_json(&report, only);
    report_deinit(&report);
    return rc == 0 ? code : app_fail(&err);
}

/* -- set */

static const char *who(struct wire *wire)
{
    const struct passwd *user = getpwuid(geteuid());
    char host[HOST_NAME_MAX + 1] = "";

    gethostname(host, sizeof(host) - 1);
    return arena_printf(&wire->arena, "%s@%s", user == NULL ? "unknown" : user->pw_name, host);
}

/* True when somebody at a terminal says yes. */
static bool is_confirmed(void)
{
    char answer[8] = "";

    fputs("set this? yes or no: ", stdout);
    fflush(stdout);
    return fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

static int apply(struct set_positions *set, struct wire *wire, const struct app_options *options)
{
    struct err err = { 0 };

    if (options->dry_run)
        return APP_DONE;
    if (!options->yes && isatty(STDIN_FILENO) == 0)
        return app_usage("positions", "nothing is set: without a terminal it needs --yes");
    if (!options->yes && !is_confirmed()) {
        puts("nothing is set");
        return APP_FAILED;
    }
    if (set_positions_apply(set, who(wire), options->reason == NULL ? "" : options->reason, &err) !=
        0)
        return app_fail(&err);
    puts("set");
    return APP_DONE;
}

static int set(struct wire *wire, const struct app_options *options)
{
    struct stage_ports ports;
    struct set_positions *set;
    struct buf text = BUF_INIT;
    struct err err = { 0 };
    size_t count;
    const char *const *exchanges = wire_exchanges(wire->config, &count);
    int code = APP_DONE;

    wire_stage_ports(wire, &ports);
    set = set_positions_new(&ports, exchanges, count);
    if (set_positions_plan(set, options->word[1], options->word + 2, options->count - 2, &err) !=
        0) {
        code = app_fail(&err);
    } else if (!set_positions_changes(set)) {
        puts("nothing to set: it stands there already");
    } else {
        set_positions_describe(set, &text);
        fwrite(text.data, 1, text.size, stdout);
        code = apply(set, wire, options);
    }
    buf_deinit(&text);
    set_positions_free(set);
    return code;
}

/* -- the command */

static bool is_gold(const char *target)
{
    return strncmp(target, "gold", strlen("gold")) == 0;
}

/* Bronze, Silver and raw frames are set by what the log has; Gold needs none. */
static int open_parts(struct wire *wire, const struct config *config, bool with_log,
                      struct err *err)
{
    if (wire_open(wire, config, WIRE_TABLES, err) != 0)
        return -1;
    return with_log && wire_find_log(wire, err) < 0 ? -1 : 0;
}

static int run(struct wire *wire, const struct app_options *options, bool is_set)
{
    if (is_set)
        return set(wire, options);
    return show(wire, options->count > 1 ? options->word[1] : NULL, options->json);
}

int cmd_positions(int argc, char **argv)
{
    struct app_options options;
    struct config config;
    struct wire wire = { 0 };
    struct err err = { 0 };
    int code = app_parse(argc, argv, "--json --yes --dry-run --reason ...", &options);
    bool is_set = options.count > 0 && strcmp(options.word[0], "set") == 0;

    if (code != APP_DONE || options.help)
        return options.help ? app_help(argv[0]) : code;
    if (!is_set && (options.count == 0 || strcmp(options.word[0], "show") != 0))
        return app_usage(argv[0], "expected `show` or `set`");
    if (is_set && (options.count < 3 || options.json))
        return app_usage(argv[0], "expected `set TABLE WHAT...`");
    if (!is_set && (options.count > 2 || options.yes || options.dry_run || options.reason != NULL))
        return app_usage(argv[0], "expected `show [TABLE] [--json]`");
    code = app_load_config(&config, options.config);
    if (code == APP_DONE) {
        code = open_parts(&wire, &config, is_set && !is_gold(options.word[1]), &err) != 0
                   ? app_fail(&err)
                   : run(&wire, &options, is_set);
        wire_close(&wire);
    }
    config_deinit(&config);
    return code;
}
