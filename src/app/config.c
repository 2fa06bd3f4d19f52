// SPDX-License-Identifier: Apache-2.0
/*
 * config.c: libyaml's document, walked along the keys of option.def.  The walk follows known keys
 * only, so a document's depth is ours, whatever anchors and aliases it has.
 */
#include "app/config.h"

#include "app/config_value.h"
#include "core/num.h"
#include "port/log_kafka.h"

#include <errno.h>
#include <stdarg.h>
#include <yaml.h>

#define EFFECT_NOW          false
#define EFFECT_LATER_EFFECT true

static const struct config_option options[] = {
#define OPTION(member, key, kind, initial, min, max, shape, effect, sentence)                      \
    { key,                                                                                         \
      CONFIG_##kind,                                                                               \
      offsetof(struct config, member),                                                             \
      initial,                                                                                     \
      min,                                                                                         \
      max,                                                                                         \
      shape,                                                                                       \
      EFFECT_##effect,                                                                             \
      sentence },
#include "app/option.def"
};

static const char *const exchanges[] = { "binance", "kraken" };

enum { FILE_BYTES_MAX = 1 << 20, KEY_BYTES_MAX = 128 };

/* Keys that go with one type of adapter, and those that it cannot be without. */
static const struct config_goes_with goes_with[] = {
    { "log.retention", "log.type", "embedded", false },
    { "log.brokers", "log.type", "kafka", true },
    { "log.properties", "log.type", "kafka", false },
    { "log.group", "log.type", "kafka", false },
    { "log.create_topics", "log.type", "kafka", false },
    { "log.replication", "log.type", "kafka", false },
    { "registry.url", "registry.type", "http", true },
    { "registry.user", "registry.type", "http", false },
    { "registry.password", "registry.type", "http", false },
    { "registry.token", "registry.type", "http", false },
    { "catalog.name", "catalog.type", "sqlite", false },
    { "catalog.uri", "catalog.type", "rest", true },
    { "catalog.warehouse", "catalog.type", "rest", false },
    { "catalog.token", "catalog.type", "rest", false },
    { "catalog.client_id", "catalog.type", "rest", false },
    { "catalog.client_secret", "catalog.type", "rest", false },
    { "catalog.oauth2_uri", "catalog.type", "rest", false },
    { "catalog.scope", "catalog.type", "rest", false },
    { "catalog.vended_credentials", "catalog.type", "rest", false },
    { "store.endpoint", "store.type", "s3", false },
    { "store.region", "store.type", "s3", false },
    { "store.bucket", "store.type", "s3", true },
    { "store.prefix", "store.type", "s3", false },
    { "store.path_style", "store.type", "s3", false },
    { "store.access_key", "store.type", "s3", false },
    { "store.secret_key", "store.type", "s3", false },
    { "store.session_token", "store.type", "s3", false },
    { "store.credentials_file", "store.type", "s3", false },
};

const struct config_goes_with *config_goes_with(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(goes_with); i++)
        if (strcmp(goes_with[i].key, key) == 0)
            return &goes_with[i];
    return NULL;
}

const struct config_option *config_options(size_t *count)
{
    *count = ARRAY_LEN(options);
    return options;
}

struct reader {
    struct config *config;
    const char *file;
    yaml_document_t *document;
    struct buf *faults;
    struct err *err; /* the first fault */
    size_t fault_count;
    size_t line[ARRAY_LEN(options)]; /* where each was set, 0: not */
    bool is_named[ARRAY_LEN(exchanges)];
};

PRINTF_LIKE(3, 4)
static void fault(struct reader *reader, size_t line, const char *format, ...)
{
    char text[sizeof(reader->err->text)];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (reader->fault_count++ == 0)
        err_set(reader->err, ERR_CONFIG, "%s:%zu: %s", reader->file, line, text);
    buf_printf(reader->faults, "%s:%zu: %s\n", reader->file, line, text);
}

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

/* A scalar's text; NULL for other nodes and for one with a zero byte in it. */
static const char *text_of(const yaml_node_t *node)
{
    if (node == NULL || node->type != YAML_SCALAR_NODE ||
        strlen((const char *)node->data.scalar.value) != node->data.scalar.length)
        return NULL;
    return (const char *)node->data.scalar.value;
}

static bool is_null(const yaml_node_t *node)
{
    const char *text = text_of(node);

    return text != NULL && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text[0] == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

/* -- which keys there are */

static const struct config_option *find_option(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (strcmp(options[i].key, key) == 0)
            return &options[i];
    return NULL;
}

/* The part of the option's key that stands behind "section." ("" : the top), or NULL; *size: up to
 * the next dot. */
static const char *key_within(const struct config_option *option, const char *section, size_t *size)
{
    size_t prefix = strlen(section);

    if (prefix > 0 && (strncmp(option->key, section, prefix) != 0 || option->key[prefix] != '.'))
        return NULL;
    prefix += prefix > 0;
    *size = strcspn(option->key + prefix, ".");
    return option->key + prefix;
}

static bool is_section(const char *key)
{
    size_t size;

    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (key_within(&options[i], key, &size) != NULL)
            return true;
    return false;
}

/* Levenshtein's distance. */
static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t row[KEY_BYTES_MAX + 1];

    if (b_size > KEY_BYTES_MAX || a_size > KEY_BYTES_MAX)
        return KEY_BYTES_MAX;
    for (size_t i = 0; i <= b_size; i++)
        row[i] = i;
    for (size_t i = 0; i < a_size; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t k = 0; k < b_size; k++) {
            size_t changed = diagonal + (a[i] != b[k]);

            diagonal = row[k + 1];
            row[k + 1] = size_min(changed, 1 + size_min(row[k], row[k + 1]));
        }
    }
    return row[b_size];
}

static void fault_unknown(struct reader *reader, const char *section, const char *key, size_t line)
{
    const char *dot = section[0] == 0 ? "" : ".";
    const char *nearest = NULL;
    size_t nearest_size = 0, nearest_distance = KEY_BYTES_MAX;
    struct buf known = BUF_INIT;
    const char *last = "";
    size_t last_size = 0;

    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        size_t size, far;
        const char *name = key_within(&options[i], section, &size);

        if (name == NULL || (size == last_size && strncmp(name, last, size) == 0))
            continue;
        last = name;
        last_size = size;
        buf_printf(&known, "%s%.*s", known.size == 0 ? "" : ", ", (int)size, name);
        far = distance(key, strlen(key), name, size);
        if (far < nearest_distance) {
            nearest = name;
            nearest_size = size;
            nearest_distance = far;
        }
    }
    if (nearest != NULL && nearest_distance <= 1 + nearest_size / 4)
        fault(reader, line, "unknown key %s%s%s; did you mean %s%s%.*s?", section, dot, key,
              section, dot, (int)nearest_size, nearest);
    else
        fault(reader, line, "unknown key %s%s%s; expected one of: %s", section, dot, key,
              buf_text(&known));
    buf_deinit(&known);
}

/* -- values */

static int set_list(struct reader *reader, const struct config_option *option,
                    const yaml_node_t *node, struct err *err)
{
    size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    const char **item = arena_zero(&reader->config->arena, count + 1, sizeof(*item));

    for (size_t i = 0; i < count; i++) {
        item[i] =
            text_of(yaml_document_get_node(reader->document, node->data.sequence.items.start[i]));
        if (item[i] == NULL)
            return err_set(err, ERR_CONFIG, "%s: item %zu is no text", option->key, i + 1);
    }
    return config_value_set_list(reader->config, option, item, count, err);
}

static int set_map(struct reader *reader, const struct config_option *option,
                   const yaml_node_t *node, struct err *err)
{
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    size_t count = (size_t)(node->data.mapping.pairs.top - pair);
    struct config_map map = { arena_zero(&reader->config->arena, count + 1, sizeof(char *)),
                              arena_zero(&reader->config->arena, count + 1, sizeof(char *)),
                              count };

    for (size_t i = 0; i < count; i++) {
        map.name[i] = text_of(yaml_document_get_node(reader->document, pair[i].key));
        map.value[i] = text_of(yaml_document_get_node(reader->document, pair[i].value));
        if (map.name[i] == NULL || map.value[i] == NULL)
            return err_set(err, ERR_CONFIG, "%s: key %zu or its value is no text", option->key,
                           i + 1);
    }
    return config_value_set_map(reader->config, option, &map, err);
}

static void set_option(struct reader *reader, const struct config_option *option,
                       const yaml_node_t *node)
{
    const char *text = text_of(node);
    struct err err = { 0 };
    int rc;

    if (is_null(node))
        rc = err_set(&err, ERR_CONFIG, "%s: has no value", option->key);
    else if (option->kind == CONFIG_LIST && node->type == YAML_SEQUENCE_NODE)
        rc = set_list(reader, option, node, &err);
    else if (option->kind == CONFIG_MAP && node->type == YAML_MAPPING_NODE)
        rc = set_map(reader, option, node, &err);
    else if (text == NULL)
        rc = err_set(&err, ERR_CONFIG, "%s: expected a single value", option->key);
    else
        rc = config_value_set(reader->config, option, text, &err);
    if (rc != 0)
        fault(reader, line_of(node), "%s", err.text);
    reader->line[option - options] = line_of(node);
}

static bool is_repeated(const struct reader *reader, const yaml_node_t *mapping,
                        const yaml_node_pair_t *pair, const char *key)
{
    const yaml_node_pair_t *before = mapping->data.mapping.pairs.start;

    for (; before < pair; before++) {
        const char *other = text_of(yaml_document_get_node(reader->document, before->key));

        if (other != NULL && strcmp(other, key) == 0)
            return true;
    }
    return false;
}

static void name_exchange(struct reader *reader, const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(exchanges); i++)
        if (strcmp(exchanges[i], key) == 0)
            reader->is_named[i] = true;
}

static void walk_section(struct reader *reader, const yaml_node_t *node, const char *section);

static void walk_pair(struct reader *reader, const yaml_node_t *mapping,
                      const yaml_node_pair_t *pair, const char *section)
{
    const yaml_node_t *key_node = yaml_document_get_node(reader->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
    const char *key = text_of(key_node);
    const struct config_option *option;
    char full[2 * KEY_BYTES_MAX];

    if (key == NULL || strlen(key) >= KEY_BYTES_MAX) {
        fault(reader, line_of(key_node), "a key that is no word");
        return;
    }
    snprintf(full, sizeof(full), "%s%s%s", section, section[0] == 0 ? "" : ".", key);
    option = strchr(key, '.') == NULL ? find_option(full) : NULL;
    if (strcmp(section, "exchanges") == 0)
        name_exchange(reader, key);
    if (is_repeated(reader, mapping, pair, key))
        fault(reader, line_of(key_node), "%s is there twice", full);
    else if (option != NULL)
        set_option(reader, option, value);
    else if (key[0] == 0 || strchr(key, '.') != NULL || !is_section(full))
        fault_unknown(reader, section, key, line_of(key_node));
    else
        walk_section(reader, value, full);
}

static void walk_section(struct reader *reader, const yaml_node_t *node, const char *section)
{
    if (is_null(node))
        return;
    if (node->type != YAML_MAPPING_NODE) {
        fault(reader, line_of(node), "%s%sexpected keys with values", section,
              section[0] == 0 ? "" : ": ");
        return;
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++)
        walk_pair(reader, node, pair, section);
}

/* -- the whole */

static size_t line_set(const struct reader *reader, const char *key)
{
    return reader->line[find_option(key) - options];
}

static void find_contradictions(struct reader *reader)
{
    const struct config *config = reader->config;
    size_t line = size_max(line_set(reader, "log.retention"), line_set(reader, "bronze.interval"));

    if (config->log_retention_us < config->bronze_interval_us)
        fault(reader, line,
              "log.retention is shorter than bronze.interval: expected several times "
              "as long");
}

static const char *config_text(const struct reader *reader, const char *key)
{
    const char *member = (const char *)reader->config + find_option(key)->offset;

    return *(const char *const *)(const void *)member;
}

static void find_misplaced(struct reader *reader)
{
    for (size_t i = 0; i < ARRAY_LEN(goes_with); i++) {
        const struct config_goes_with *row = &goes_with[i];
        size_t line = line_set(reader, row->key);
        bool is_type = strcmp(config_text(reader, row->type_key), row->type) == 0;

        if (line != 0 && !is_type)
            fault(reader, line, "%s goes with %s: %s", row->key, row->type_key, row->type);
        else if (is_type && row->is_needed && config_text(reader, row->key)[0] == 0)
            fault(reader, line_set(reader, row->type_key), "%s: %s needs %s", row->type_key,
                  row->type, row->key);
    }
}

static void find_refused(struct reader *reader)
{
    const struct config_map *map = &reader->config->log_properties;
    struct err err = { 0 };

    for (size_t i = 0; i < map->count; i++)
        if (log_kafka_refuse(map->name[i], &err) < 0)
            fault(reader, line_set(reader, "log.properties"), "%s", err.text);
}

/* What an address of one API would do with the other. */
static void find_wrong_api(struct reader *reader)
{
    const struct config *config = reader->config;
    bool is_v1 = strcmp(config->kraken_api, "v1") == 0;

    for (size_t i = 0; is_v1 && i < config->kraken_urls.count; i++) {
        const char *path = strrchr(config->kraken_urls.item[i], '/');

        if (path != NULL && strcmp(path, "/v2") == 0)
            fault(reader, line_set(reader, "exchanges.kraken.urls"),
                  "exchanges.kraken.urls: item %zu ends in /v2, and exchanges.kraken.api is v1",
                  i + 1);
    }
}

static void note_exchanges(struct reader *reader)
{
    struct config_list *list = &reader->config->exchanges;
    bool is_any = false;

    for (size_t i = 0; i < ARRAY_LEN(exchanges); i++)
        is_any |= reader->is_named[i];
    list->item = arena_zero(&reader->config->arena, ARRAY_LEN(exchanges), sizeof(*list->item));
    for (size_t i = 0; i < ARRAY_LEN(exchanges); i++)
        if (!is_any || reader->is_named[i])
            list->item[list->count++] = exchanges[i];
}

static void note_idle(struct reader *reader)
{
    struct config_list *idle = &reader->config->idle;

    idle->item = arena_zero(&reader->config->arena, ARRAY_LEN(options), sizeof(*idle->item));
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (options[i].is_idle && reader->line[i] != 0)
            idle->item[idle->count++] = options[i].key;
}

static void set_defaults(struct config *config)
{
    struct err err = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const struct config_option *option = &options[i];
        const char *item[16];
        size_t count = 0;
        int rc = 0;

        if (option->kind == CONFIG_MAP) /* empty */
            continue;
        if (option->kind == CONFIG_LIST) {
            char *rest = arena_text(&config->arena, span_text(option->initial));
            char *word;

            while ((word = strtok_r(rest, ", ", &rest)) != NULL && count < ARRAY_LEN(item))
                item[count++] = word;
            rc = config_value_set_list(config, option, item, count, &err);
        } else {
            rc = config_value_set(config, option, option->initial, &err);
        }
        ASSERT(rc == 0);
    }
}

static void walk_document(struct reader *reader, yaml_parser_t *parser)
{
    yaml_document_t document, second;
    yaml_node_t *root;

    if (!yaml_parser_load(parser, &document)) {
        fault(reader, parser->problem_mark.line + 1, "no YAML: %s",
              parser->problem == NULL ? "unknown problem" : parser->problem);
        return;
    }
    reader->document = &document;
    root = yaml_document_get_root_node(&document);
    if (root != NULL) {
        walk_section(reader, root, "");
        if (!yaml_parser_load(parser, &second))
            fault(reader, parser->problem_mark.line + 1, "no YAML: %s",
                  parser->problem == NULL ? "unknown problem" : parser->problem);
        else {
            if (yaml_document_get_root_node(&second) != NULL)
                fault(reader, line_of(yaml_document_get_root_node(&second)),
                      "a second document, expected one");
            yaml_document_delete(&second);
        }
    }
    yaml_document_delete(&document);
}

int config_parse(struct config *config, const char *name, struct span text, struct buf *faults,
                 struct err *err)
{
    struct reader reader = { .config = config, .file = name, .faults = faults, .err = err };
    yaml_parser_t parser;

    *config = (struct config){ .arena = ARENA_INIT };
    set_defaults(config);
    if (!yaml_parser_initialize(&parser))
        return err_set(err, ERR_FATAL, "%s: no memory for YAML", name);
    yaml_parser_set_input_string(&parser, text.size == 0 ? (const uint8_t *)"" : text.data,
                                 text.size);
    walk_document(&reader, &parser);
    yaml_parser_delete(&parser);
    if (reader.fault_count == 0)
        find_contradictions(&reader);
    if (reader.fault_count == 0)
        find_misplaced(&reader);
    if (reader.fault_count == 0)
        find_refused(&reader);
    if (reader.fault_count == 0)
        find_wrong_api(&reader);
    config->http_is_set = line_set(&reader, "http.listen") != 0;
    note_exchanges(&reader);
    note_idle(&reader);
    return reader.fault_count == 0 ? 0 : -1;
}

static int read_file(const char *path, struct buf *text, struct err *err)
{
    FILE *file = fopen(path, "re");
    int rc = 0;

    if (file == NULL)
        return err_set(err, ERR_CONFIG, "%s: %s", path, strerror(errno));
    buf_reserve(text, FILE_BYTES_MAX + 1);
    text->size = fread(text->data, 1, FILE_BYTES_MAX + 1, file);
    if (ferror(file))
        rc = err_set(err, ERR_CONFIG, "%s: %s", path, strerror(errno));
    else if (text->size > FILE_BYTES_MAX)
        rc = err_set(err, ERR_CONFIG, "%s: expected a configuration of up to 1 MiB", path);
    fclose(file);
    return rc;
}

int config_load(struct config *config, const char *file, struct buf *faults, struct err *err)
{
    struct buf text = BUF_INIT;
    int rc;

    *config = (struct config){ .arena = ARENA_INIT };
    if (file == NULL)
        return config_parse(config, "", span_of(NULL, 0), faults, err);
    rc = read_file(file, &text, err);
    if (rc != 0)
        buf_printf(faults, "%s\n", err->text);
    else
        rc = config_parse(config, file, buf_span(&text), faults, err);
    buf_deinit(&text);
    return rc;
}

void config_deinit(struct config *config)
{
    arena_deinit(&config->arena);
}
