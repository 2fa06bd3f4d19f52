// SPDX-License-Identifier: Apache-2.0
/* config_value.c: every number carries its unit, so that 60 is never taken for another 60. */
#include "app/config_value.h"

#include <errno.h>
#include <inttypes.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* Printing takes the last one that divides. */
static const struct unit durations[] = {
    { "us", 1 },
    { "ms", 1000 },
    { "s", 1000000 },
    { "m", 60 * INT64_C(1000000) },
    { "h", 3600 * INT64_C(1000000) },
    { "d", 86400 * INT64_C(1000000) },
};
static const struct unit sizes[] = {
    { "kB", 1000 },
    { "MB", 1000000 },
    { "GB", 1000000000 },
    { "TB", INT64_C(1000000000000) },
    { "B", 1 },
    { "KiB", INT64_C(1) << 10 },
    { "MiB", INT64_C(1) << 20 },
    { "GiB", INT64_C(1) << 30 },
    { "TiB", INT64_C(1) << 40 },
};
enum { SIZES_PRINTED_FROM = 4 };
static const struct unit counts[] = { { "", 1 } };

static bool parse(const char *text, const struct unit *units, size_t count, int64_t *out)
{
    int64_t number = 0;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0)
        return false;
    for (size_t i = 0; i < digits; i++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, text[i] - '0', &number))
            return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(text + digits, units[i].name) == 0)
            return !__builtin_mul_overflow(number, units[i].factor, out);
    return false;
}

bool config_value_duration(const char *text, int64_t *us)
{
    return parse(text, durations, ARRAY_LEN(durations), us);
}

bool config_value_size(const char *text, int64_t *bytes)
{
    return parse(text, sizes, ARRAY_LEN(sizes), bytes);
}

bool config_value_count(const char *text, int64_t *count)
{
    return parse(text, counts, ARRAY_LEN(counts), count);
}

static void print(int64_t value, const struct unit *units, size_t count, struct buf *out)
{
    const struct unit *unit = &units[0];

    for (size_t i = 0; i < count; i++)
        if (value % units[i].factor == 0)
            unit = &units[i];
    if (value == 0)
        unit = &units[count > 2 ? 2 : 0]; /* "0s" */
    buf_printf(out, "%" PRId64 "%s", value / unit->factor, unit->name);
}

void config_value_print(enum config_kind kind, int64_t value, struct buf *out)
{
    if (kind == CONFIG_DURATION)
        print(value, durations, ARRAY_LEN(durations), out);
    else if (kind == CONFIG_SIZE)
        print(value, sizes + SIZES_PRINTED_FROM, ARRAY_LEN(sizes) - SIZES_PRINTED_FROM, out);
    else
        print(value, counts, ARRAY_LEN(counts), out);
}

/* -- what a text stands for */

static int read_file(const char *path, struct buf *out, struct err *err)
{
    enum { SECRET_BYTES_MAX = 65536 };
    FILE *file = fopen(path, "re");
    size_t before = out->size;
    size_t size;
    int rc = 0;

    if (file == NULL)
        return err_set(err, ERR_CONFIG, "file:%s: %s", path, strerror(errno));
    buf_reserve(out, SECRET_BYTES_MAX + 1);
    size = fread(out->data + before, 1, SECRET_BYTES_MAX + 1, file);
    if (ferror(file))
        rc = err_set(err, ERR_CONFIG, "file:%s: %s", path, strerror(errno));
    else if (size > SECRET_BYTES_MAX || memchr(out->data + before, 0, size) != NULL)
        rc = err_set(err, ERR_CONFIG, "file:%s: expected one text of up to 64 KiB", path);
    fclose(file);
    if (rc != 0)
        return rc;
    while (size > 0 &&
           (out->data[before + size - 1] == '\n' || out->data[before + size - 1] == '\r'))
        size--;
    out->size = before + size;
    return 0;
}

static bool is_name(const char *text, size_t size, bool may_have_dash)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];

        if (c != '_' && !(c == '-' && may_have_dash) && (c < '0' || c > '9') &&
            (c < 'a' || c > 'z') && (c < 'A' || c > 'Z'))
            return false;
    }
    return size > 0;
}

static int put_variable(const char *name, size_t size, struct buf *out, struct err *err)
{
    char text[128];
    const char *value;

    if (size >= sizeof(text) || !is_name(name, size, false))
        return err_set(err, ERR_CONFIG, "expected ${NAME} of letters, digits and underscores");
    memcpy(text, name, size);
    text[size] = 0;
    value = getenv(text);
    if (value == NULL)
        return err_set(err, ERR_CONFIG, "${%s} is not set in the environment", text);
    buf_put_text(out, value);
    return 0;
}

int config_value_resolve(const char *text, struct buf *out, struct err *err)
{
    if (strncmp(text, "file:", 5) == 0)
        return read_file(text + 5, out, err);
    while (*text != 0) {
        const char *end = strncmp(text, "${", 2) == 0 ? strchr(text, '}') : NULL;

        if (strncmp(text, "${", 2) != 0) {
            buf_put_byte(out, (uint8_t)*text++);
            continue;
        }
        if (end == NULL)
            return err_set(err, ERR_CONFIG, "${ without its }");
        if (put_variable(text + 2, (size_t)(end - text) - 2, out, err) != 0)
            return -1;
        text = end + 1;
    }
    return 0;
}

/* -- members */

static void *member(struct config *config, const struct config_option *option)
{
    return (char *)config + option->offset;
}

static int expected(const struct config_option *option, const char *text, const char *what,
                    struct err *err)
{
    return err_set(err, ERR_CONFIG, "%s: \"%s\": expected %s", option->key, text, what);
}

static int set_number(struct config *config, const struct config_option *option, const char *text,
                      struct err *err)
{
    int64_t value;
    bool is_good;

    if (option->kind == CONFIG_DURATION) {
        is_good = config_value_duration(text, &value);
        if (!is_good)
            return expected(option, text, "a duration such as 500ms, 10s, 5m, 24h or 7d", err);
    } else if (option->kind == CONFIG_SIZE) {
        is_good = config_value_size(text, &value);
        if (!is_good)
            return expected(option, text, "a size such as 128MiB or 2GiB", err);
    } else {
        is_good = config_value_count(text, &value);
        if (!is_good)
            return expected(option, text, "a whole number", err);
    }
    if (value < option->min || value > option->max) {
        struct buf range = BUF_INIT;

        config_value_print(option->kind, option->min, &range);
        buf_put_text(&range, " to ");
        config_value_print(option->kind, option->max, &range);
        expected(option, text, buf_text(&range), err);
        buf_deinit(&range);
        return -1;
    }
    *(int64_t *)member(config, option) = value;
    return 0;
}

/* The words of "a|-b|c"; is_there: whether this build has the word. */
static bool has_word(const char *words, const char *word, bool *is_there)
{
    size_t size = strlen(word);

    while (*words != 0) {
        size_t span = strcspn(words, "|");
        bool is_later = *words == '-';

        if (span - is_later == size && strncmp(words + is_later, word, size) == 0) {
            *is_there = !is_later;
            return size > 0;
        }
        words += span + (words[span] == '|');
    }
    return false;
}

static int set_choice(struct config *config, const struct config_option *option, const char *text,
                      struct err *err)
{
    bool is_there = false;
    char words[128];
    size_t size = 0;

    for (const char *from = option->shape; *from != 0 && size + 5 < sizeof(words); from++) {
        if (*from == '|')
            size += (size_t)snprintf(words + size, sizeof(words) - size, " or ");
        else if (*from != '-')
            words[size++] = *from;
    }
    words[size] = 0;
    if (!has_word(option->shape, text, &is_there))
        return expected(option, text, words, err);
    if (!is_there)
        return err_set(err, ERR_CONFIG, "%s: %s is not in this build yet, expected %.*s",
                       option->key, text, (int)strcspn(option->shape, "|"), option->shape);
    *(const char **)member(config, option) = arena_text(&config->arena, span_text(text));
    return 0;
}

static bool begins_with_one_of(const char *text, const char *beginnings)
{
    while (*beginnings != 0) {
        size_t size = strcspn(beginnings, "|");

        if (strncmp(text, beginnings, size) == 0 && text[size] != 0)
            return true;
        beginnings += size + (beginnings[size] == '|');
    }
    return false;
}

/* One text, resolved and of the option's shape; messages quote `text` as the file has it. */
static int take_text(struct config *config, const struct config_option *option, const char *text,
                     const char **out, struct err *err)
{
    struct buf value = BUF_INIT;
    char what[128];
    int rc = config_value_resolve(text, &value, err);

    snprintf(what, sizeof(what), "a text that begins with %s", option->shape);
    if (rc != 0)
        err_wrap(err, "%s", option->key);
    else if (value.size == 0 && option->initial[0] == 0)
        *out = "";
    else if (value.size == 0)
        rc = expected(option, text, "a text that is not empty", err);
    else if (strcmp(option->shape, "name") == 0 && !is_name(buf_text(&value), value.size, true))
        rc = expected(option, text, "letters, digits, _ and -", err);
    else if (strcmp(option->shape, "name") != 0 && option->shape[0] != 0 &&
             !begins_with_one_of(buf_text(&value), option->shape))
        rc = expected(option, text, what, err);
    else
        *out = arena_text(&config->arena, buf_span(&value));
    buf_deinit(&value);
    return rc;
}

int config_value_set(struct config *config, const struct config_option *option, const char *text,
                     struct err *err)
{
    switch (option->kind) {
    case CONFIG_TEXT:
        return take_text(config, option, text, (const char **)member(config, option), err);
    case CONFIG_CHOICE:
        return set_choice(config, option, text, err);
    case CONFIG_LIST:
        return expected(option, text, "a list such as [A, B]", err);
    case CONFIG_MAP:
        return expected(option, text, "keys with values", err);
    case CONFIG_SIZE:
    case CONFIG_DURATION:
    case CONFIG_COUNT:
        return set_number(config, option, text, err);
    }
    return err_set(err, ERR_FATAL, "%s: of no kind", option->key);
}

int config_value_set_list(struct config *config, const struct config_option *option,
                          const char *const *item, size_t count, struct err *err)
{
    struct config_list list = { arena_zero(&config->arena, count + 1, sizeof(char *)), count };

    if ((int64_t)count < option->min || (int64_t)count > option->max)
        return err_set(err, ERR_CONFIG,
                       "%s: a list of %zu, expected %" PRId64 " to %" PRId64 " items", option->key,
                       count, option->min, option->max);
    for (size_t i = 0; i < count; i++) {
        if (take_text(config, option, item[i], &list.item[i], err) != 0)
            return -1;
        for (size_t k = 0; k < i; k++)
            if (strcmp(list.item[k], list.item[i]) == 0)
                return err_set(err, ERR_CONFIG, "%s: \"%s\" is there twice", option->key, item[i]);
    }
    *(struct config_list *)member(config, option) = list;
    return 0;
}

int config_value_set_map(struct config *config, const struct config_option *option,
                         const struct config_map *map, struct err *err)
{
    struct config_map *out = member(config, option);
    struct buf value = BUF_INIT;
    int rc = 0;

    *out = (struct config_map){ arena_zero(&config->arena, map->count + 1, sizeof(char *)),
                                arena_zero(&config->arena, map->count + 1, sizeof(char *)), 0 };
    for (size_t i = 0; rc == 0 && i < map->count; i++) {
        for (size_t k = 0; rc == 0 && k < i; k++)
            if (strcmp(map->name[k], map->name[i]) == 0)
                rc = err_set(err, ERR_CONFIG, "%s: %s is there twice", option->key, map->name[i]);
        buf_clear(&value);
        if (rc == 0 && config_value_resolve(map->value[i], &value, err) < 0)
            rc = err_wrap(err, "%s: %s", option->key, map->name[i]);
        out->name[i] = arena_text(&config->arena, span_text(map->name[i]));
        out->value[i] = arena_text(&config->arena, buf_span(&value));
    }
    out->count = map->count;
    buf_deinit(&value);
    return rc;
}
