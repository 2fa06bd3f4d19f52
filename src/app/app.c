// SPDX-License-Identifier: Apache-2.0
/* app.c: which command, and what all of them say alike. */
#include "app/app.h"

#include "app/cmd.h"
#include "app/wire.h"
#include "core/diag.h"
#include "core/num.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *arguments;
    const char *sentence; /* NULL: not listed */
    const char *help;     /* further lines */
};

#define CONFIG_HELP                                                                                \
    "  --config FILE   the configuration (docs/configuration.md); without it all defaults\n"

static const struct command commands[] = {
    { "run", cmd_run, "[--config FILE] [--jobs LIST] [--for DURATION] [--progress]",
      "run the jobs, a thread each",
      CONFIG_HELP
      "  --jobs LIST     of: ingest-X,bronze-X,silver-X,gold,maintain, X an exchange that runs; "
      "all without\n"
      "  --for DURATION  stop ingest after that time (60s, 5m), let every stage finish what it "
      "has,\n"
      "                  through Gold, and exit; SIGTERM and SIGINT do the same at once.  It may\n"
      "                  take shutdown_timeout; a second signal exits at once\n"
      "  --progress      one line a second on stdout\n" },
    { "check", cmd_check, "[--config FILE]",
      "look at configuration, data folder, tables and exchange, and say all that is wrong",
      CONFIG_HELP },
    { "tables", cmd_tables, "[--config FILE] [--json]",
      "rows, files, snapshots and bytes of each table, and what it has taken",
      CONFIG_HELP "  --json          the same for programs\n" },
    { "audit", cmd_audit, "[--since T] [--json] [--config FILE]",
      "every offset and every trade once, in every table: `audit: ok`, or what is not",
      CONFIG_HELP
      "  --since T       only what was written from T on: a time (2026-11-22T15:00:00Z), or how\n"
      "                  long ago (6h)\n"
      "  --json          the same for programs\n" },
    { "positions", cmd_positions, "show [TABLE] [--json] | set TABLE WHAT... [--config FILE]",
      "how far each table has taken its topics and tables; set: after a refusal, by hand",
      CONFIG_HELP
      "  --json          show: the same for programs\n"
      "\n"
      "set TABLE: its name or its job's (bronze-X, silver-X, dead-letters, gold).  WHAT is\n"
      "  INPUT=all                  gold: read all of a Silver table again; what gold has is "
      "dropped\n"
      "  INPUT=SNAPSHOT             gold: go on behind a snapshot that gold has taken\n"
      "  TOPIC/PARTITION=OFFSET|earliest|latest   bronze, silver (with its dead letters), and the\n"
      "                             raw frames of the dead letters; what is skipped is listed in\n"
      "                             the table's k2.skipped\n"
      "  earliest, latest           the same for all partitions\n"
      "  rows                       the rows that are there are what there is\n"
      "No position is set that would double a row.  The jobs may run meanwhile.\n"
      "  --dry-run       only say what would be set\n"
      "  --yes           set it without asking\n"
      "  --reason TEXT   kept with what is set, beside user and host\n" },
    { "maintain", cmd_maintain, "[--config FILE]",
      "once: merge manifests, delete what was dropped or never named, let the log forget",
      CONFIG_HELP },
    { "config-doc", cmd_config_doc, "", NULL, "" },
};

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int help(FILE *out)
{
    fputs("k2: crypto trades from exchanges into Apache Iceberg tables, exactly once.\n\n"
          "usage: k2 COMMAND [OPTION...]\n\n",
          out);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (commands[i].sentence != NULL)
            fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].sentence);
    fputs("  help       this; k2 COMMAND --help says more of a command\n"
          "  --version\n\n"
          "Exit codes: 0 done, 1 failed, 2 usage or configuration.\n",
          out);
    return out == stdout ? APP_DONE : APP_USAGE;
}

int app_help(const char *name)
{
    const struct command *command = find(name);

    printf("usage: k2 %s %s\n\n%s%s\n%s", name, command->arguments,
           command->sentence == NULL ? "" : command->sentence,
           command->sentence == NULL ? "" : "\n", command->help);
    return APP_DONE;
}

int app_usage(const char *command, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "k2 %s: ", command);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, " (see k2 %s --help)\n", command);
    return APP_USAGE;
}

int app_fail(const struct err *err)
{
    fprintf(stderr, "k2: %s\n", err->text);
    return err->kind == ERR_CONFIG ? APP_USAGE : APP_FAILED;
}

static const struct option long_options[] = {
    { "config", required_argument, NULL, 'c' }, { "help", no_argument, NULL, 'h' },
    { "json", no_argument, NULL, 'j' },         { "yes", no_argument, NULL, 'y' },
    { "dry-run", no_argument, NULL, 'd' },      { "reason", required_argument, NULL, 'r' },
    { "since", required_argument, NULL, 's' },  { NULL, 0, NULL, 0 },
};

static bool is_name(const char *text, size_t size, const char *name)
{
    return strlen(name) == size && strncmp(text, name, size) == 0;
}

/* How many words of `allowed` stand for arguments; *letters gets those of the options. */
static size_t read_allowed(const char *allowed, char letters[ARRAY_LEN(long_options) + 1])
{
    size_t count = 0;
    size_t last = 0;

    letters[last++] = 'c';
    letters[last++] = 'h';
    for (size_t size; *allowed != 0; allowed += size + (allowed[size] == ' ')) {
        size = strcspn(allowed, " ");
        if (is_name(allowed, size, "..."))
            count = APP_WORDS_MAX;
        else if (size < 2 || strncmp(allowed, "--", 2) != 0)
            count++;
        for (size_t i = 2; size > 2 && long_options[i].name != NULL; i++)
            if (is_name(allowed + 2, size - 2, long_options[i].name))
                letters[last++] = (char)long_options[i].val;
    }
    letters[last] = 0;
    return size_min(count, APP_WORDS_MAX);
}

static void take_option(struct app_options *options, int letter)
{
    switch (letter) {
    case 'c':
        options->config = optarg;
        break;
    case 'r':
        options->reason = optarg;
        break;
    case 's':
        options->since = optarg;
        break;
    default:
        options->help |= letter == 'h';
        options->json |= letter == 'j';
        options->yes |= letter == 'y';
        options->dry_run |= letter == 'd';
    }
}

int app_parse(int argc, char **argv, const char *allowed, struct app_options *options)
{
    char letters[ARRAY_LEN(long_options) + 1];
    size_t words = read_allowed(allowed, letters);
    int letter, at = 0;

    *options = (struct app_options){ 0 };
    opterr = 0;
    optind = 1;
    while ((letter = getopt_long(argc, argv, ":", long_options, &at)) != -1) {
        if (letter == ':')
            return app_usage(argv[0], "%s expects a value", argv[optind - 1]);
        if (letter == '?')
            return app_usage(argv[0], "unknown option %s", argv[optind - 1]);
        if (strchr(letters, letter) == NULL)
            return app_usage(argv[0], "unknown option --%s", long_options[at].name);
        take_option(options, letter);
    }
    for (; optind < argc; optind++) {
        if (options->count == words)
            return app_usage(argv[0], "unexpected argument \"%s\"", argv[optind]);
        options->word[options->count++] = argv[optind];
    }
    return APP_DONE;
}

int app_load_config(struct config *config, const char *file)
{
    struct buf faults = BUF_INIT;
    struct err err = { 0 };
    int rc = config_load(config, file, &faults, &err);

    if (rc != 0)
        fprintf(stderr, "%s", buf_text(&faults));
    for (size_t i = 0; rc == 0 && i < config->idle.count; i++)
        diag(DIAG_WARN, "config_without_effect", "key=%s reason=\"not in this build yet\"",
             config->idle.item[i]);
    buf_deinit(&faults);
    return rc == 0 ? APP_DONE : APP_USAGE;
}

int app_run(int argc, char **argv, const char *allowed, int parts,
            int (*run)(struct wire *wire, const struct app_options *options))
{
    struct app_options options;
    struct config config;
    struct wire wire = { 0 };
    struct err err = { 0 };
    int code = app_parse(argc, argv, allowed, &options);

    if (code != APP_DONE || options.help)
        return options.help ? app_help(argv[0]) : code;
    code = app_load_config(&config, options.config);
    if (code == APP_DONE) {
        code = wire_open(&wire, &config, parts, &err) != 0 ? app_fail(&err) : run(&wire, &options);
        wire_close(&wire);
    }
    config_deinit(&config);
    return code;
}

int app_main(int argc, char **argv)
{
    const struct command *command;

    if (argc < 2)
        return help(stderr);
    if (strcmp(argv[1], "help") == 0 && argc == 3 && find(argv[2]) != NULL)
        return app_help(argv[2]);
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0)
        return help(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        puts("k2 " K2_VERSION);
        return APP_DONE;
    }
    command = find(argv[1]);
    if (command != NULL)
        return command->run(argc - 1, argv + 1);
    fprintf(stderr, "k2: there is no command \"%s\"\n\n", argv[1]);
    return help(stderr);
}
