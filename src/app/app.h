// SPDX-License-Identifier: Apache-2.0
/* app.h: the program `k2`: a table of commands, one file each (cmd_*.c). */
#ifndef K2_APP_APP_H
#define K2_APP_APP_H

#include "app/config.h"

/* Exit codes of the program and of every command. */
enum { APP_DONE = 0, APP_FAILED = 1, APP_USAGE = 2 };

/* main. */
int app_main(int argc, char **argv);

/* For commands: says an error on stderr as "k2: …"; the exit code that it means. */
int app_fail(const struct err *err);
/* Says a mistake in the command line, and where help is; APP_USAGE. */
int app_usage(const char *command, const char *format, ...) PRINTF_LIKE(2, 3);
/* The help of a command, to stdout; APP_DONE. */
int app_help(const char *name);
/* The options that commands share. */
enum { APP_WORDS_MAX = 256 };
struct app_options {
    const char *config;
    const char *since, *reason;
    bool json, help, yes, dry_run;
    const char *word[APP_WORDS_MAX]; /* arguments that are no options */
    size_t count;
};

/* APP_DONE or, said already, APP_USAGE.  `allowed` names what there is beside --config and --help,
 * by blanks: "--json" is that option, each other name stands for a word, "..." for any number. */
CHECK_RESULT int app_parse(int argc, char **argv, const char *allowed, struct app_options *options);
struct wire;
/* app_parse, app_load_config, wire_open of `parts`, `run`, and all closed again; for a command that
 * has nothing more to it.  What run returned, or why it did not run. */
CHECK_RESULT int app_run(int argc, char **argv, const char *allowed, int parts,
                         int (*run)(struct wire *wire, const struct app_options *options));
/* config_load; on an error all of them are said, and the result is APP_USAGE.  Keys that have no
 * effect in this build are said.  Afterwards config_deinit. */
CHECK_RESULT int app_load_config(struct config *config, const char *file);

#endif
