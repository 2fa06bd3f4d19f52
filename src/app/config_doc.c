// SPDX-License-Identifier: Apache-2.0
/* config_doc.c: the page is prose around two renderings of the table: as YAML, and as a list. */
#include "app/config_doc.h"

#include "app/config_value.h"

static const char head[] =
    "# Configuration\n"
    "\n"
    "<!-- Made from src/app/option.def by scripts/docs.sh: change that table, not this page. -->\n"
    "\n"
    "`k2 run --config FILE` reads YAML, in flow or block style. Every key has a default, and "
    "without a\nfile all defaults hold: no file is read that was not named. An unknown key, a bad "
    "unit, a key given\ntwice or a contradiction is an error that names file, line and what was "
    "expected; all errors of a\nfile are said at once, and the exit code is 2.\n"
    "\n"
    "- A **duration** is a whole number with its unit: `us`, `ms`, `s`, `m`, `h`, `d`.\n"
    "- A **size** is a whole number with its unit: `B`, `KiB`, `MiB`, `GiB`, `TiB`, or `kB`, `MB`, "
    "`GB`, `TB`.\n"
    "- A **list** is `[A, B]`, or lines that begin with a dash.\n"
    "- A **map** is keys with values, `{a.b: text, c: text}`, or a line for each.\n"
    "- In a **text**, `${NAME}` is replaced by that variable of the environment; a text "
    "`file:PATH` is\n  replaced by what the file holds, without the line break at its end. That is "
    "how secrets come in:\n  messages quote what the configuration says, never what it stands "
    "for; only `sasl.username`\n  is named, in the command that gives that user a missing right.\n"
    "- The **exchanges** that a file names run, and no others: `exchanges: {kraken: {}}` is Kraken "
    "alone\n  with its defaults. A file that names none runs all of them.\n"
    "\n"
    "## All defaults\n"
    "\n"
    "```yaml\n";

static const char *kind_name(enum config_kind kind)
{
    static const char *const names[] = { "text",     "list",   "choice", "size",
                                         "duration", "number", "map" };

    return names[kind];
}

static void put_default(const struct config_option *option, struct buf *out)
{
    const char *quote = strchr(option->initial, ':') == NULL ? "" : "\"";
    bool is_list = option->kind == CONFIG_LIST;

    buf_printf(out, "%s%s%s%s%s", is_list ? "[" : "", quote, option->initial, quote,
               is_list ? "]" : "");
}

/* Sections that `key` opens after `before`; its last word is left. */
static const char *put_sections(const char *before, const char *key, struct buf *out)
{
    size_t same = 0;
    int depth = 0;
    const char *at = key;

    for (size_t i = 0; key[i] != 0 && key[i] == before[i]; i++)
        if (key[i] == '.')
            same = i + 1;
    for (size_t size; (size = strcspn(at, ".")), at[size] == '.'; at += size + 1) {
        if (at - key >= (ptrdiff_t)same)
            buf_printf(out, "%*s%.*s:\n", 2 * depth, "", (int)size, at);
        depth++;
    }
    buf_printf(out, "%*s", 2 * depth, "");
    return at;
}

/* What a file of all defaults says: a key whose adapter is not the default would be refused there.
 */
static bool is_in_yaml(const struct config_option *option)
{
    const struct config_goes_with *with = config_goes_with(option->key);

    return option->initial[0] != 0 && (with == NULL || strcmp(with->type, "sqlite") == 0);
}

static void put_yaml(struct buf *out)
{
    size_t count;
    const struct config_option *option = config_options(&count);
    const char *before = "";

    for (size_t i = 0; i < count; i++) {
        if (!is_in_yaml(&option[i]))
            continue;
        buf_printf(out, "%s: ", put_sections(before, option[i].key, out));
        put_default(&option[i], out);
        buf_put_byte(out, '\n');
        before = option[i].key;
    }
}

static void put_limits(const struct config_option *option, struct buf *out)
{
    bool is_number = option->kind == CONFIG_SIZE || option->kind == CONFIG_DURATION ||
                     option->kind == CONFIG_COUNT;

    if (is_number) {
        config_value_print(option->kind, option->min, out);
        buf_put_text(out, " to ");
        config_value_print(option->kind, option->max, out);
        return;
    }
    if (option->kind == CONFIG_LIST) {
        config_value_print(CONFIG_COUNT, option->min, out);
        buf_put_text(out, " to ");
        config_value_print(CONFIG_COUNT, option->max, out);
    }
    for (const char *at = option->shape; *at != 0;) {
        size_t size = strcspn(at, "|");

        if (strcmp(option->shape, "name") == 0)
            buf_printf(out, "%sletters, digits, `_`, `-`",
                       option->kind == CONFIG_LIST ? " of " : "");
        else if (*at != '-')
            buf_printf(out, "%s`%.*s%s`",
                       at != option->shape           ? ", "
                       : option->kind == CONFIG_LIST ? " of "
                                                     : "",
                       (int)size, at, option->kind == CONFIG_CHOICE ? "" : "…");
        at += size + (at[size] == '|');
    }
}

static void put_row(const struct config_option *option, struct buf *out)
{
    const struct config_goes_with *with = config_goes_with(option->key);

    buf_printf(out, "| `%s` | %s | ", option->key, kind_name(option->kind));
    if (option->initial[0] != 0)
        buf_printf(out, "`%s`", option->initial);
    buf_put_text(out, " | ");
    put_limits(option, out);
    buf_printf(out, " | %s", option->sentence);
    if (with != NULL)
        buf_printf(out, " *%s `%s: %s`.*", with->is_needed ? "Needed by" : "Goes with",
                   with->type_key, with->type);
    buf_printf(out, "%s |\n",
               option->is_idle ? " *Without effect in this build; a warning says so when the file "
                                 "sets it.*"
                               : "");
}

void config_doc(struct buf *out)
{
    size_t count;
    const struct config_option *option = config_options(&count);

    buf_put_text(out, head);
    put_yaml(out);
    buf_put_text(out, "```\n\n## The keys\n\n| key | kind | default | limits | meaning |\n"
                      "| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < count; i++)
        put_row(&option[i], out);
}
