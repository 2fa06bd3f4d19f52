// SPDX-License-Identifier: Apache-2.0
/*
 * avro_resolve.c: walks both schemas side by side, each pair of named types once.
 *
 * Which branch of a reader's union takes a value is decided by type and name alone, without looking
 * into records and items: so the work is linear in the schemas, however they are nested.
 */
#include "codec/avro_resolve.h"

#include "codec/avro_default.h"
#include "core/buf.h"
#include "core/num.h"

enum match { MATCH_NONE, MATCH_PROMOTED, MATCH_SAME };

struct pair {
    const struct avro_schema *writer, *reader, *resolved;
};

struct resolver {
    struct arena *arena;
    struct buf pairs;   /* of struct pair: named types that are done */
    struct buf checked; /* of const struct avro_schema *: the reader's records whose defaults are */
    size_t constants;   /* bytes */
};

/* Names in order, for look-ups. */
struct name {
    const char *text;
    size_t index;
};

struct names {
    struct name *name;
    size_t count;
};

static int resolve(struct resolver *r, const struct avro_schema *writer,
                   const struct avro_schema *reader, const struct avro_schema **out,
                   struct err *err);

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static void sort_names(struct names *names)
{
    if (names->count > 0)
        qsort(names->name, names->count, sizeof(*names->name), by_text);
}

/* SIZE_MAX when it is none of them. */
static size_t find_name(const struct names *names, const char *text)
{
    struct name key = { text, 0 };
    const struct name *found = NULL;

    if (names->count > 0)
        found = bsearch(&key, names->name, names->count, sizeof(key), by_text);
    return found == NULL ? SIZE_MAX : found->index;
}

static bool is_same_name(const struct avro_schema *writer, const struct avro_schema *reader)
{
    return strcmp(avro_schema_unqualified(writer->name), avro_schema_unqualified(reader->name)) ==
               0 ||
           avro_schema_has_name(reader->aliases, writer->name) ||
           avro_schema_has_name(writer->aliases, reader->name);
}

/* -- logical types */

/* Which kind of time; values of one kind differ in their unit only.  NULL: no time. */
static const char *time_kind(const struct avro_schema *schema)
{
    static const char *const kinds[] = { "date", "time-", "timestamp-", "local-timestamp-" };

    for (size_t i = 0; schema->logical != NULL && i < ARRAY_LEN(kinds); i++)
        if (strncmp(schema->logical, kinds[i], strlen(kinds[i])) == 0)
            return kinds[i];
    return NULL;
}

static bool may_be_decimal(const struct avro_schema *schema)
{
    return schema->type == AVRO_BYTES || schema->type == AVRO_FIXED;
}

/* May a value with the writer's logical type be read as one with the reader's? */
static bool is_logical_match(const struct avro_schema *writer, const struct avro_schema *reader)
{
    const char *kind = time_kind(reader);

    if (avro_schema_is_decimal(reader))
        return avro_schema_is_decimal(writer);
    return kind == NULL || time_kind(writer) == NULL || time_kind(writer) == kind;
}

/* -- types */

bool avro_resolve_promotes(enum avro_type writer, enum avro_type reader)
{
    switch (writer) {
    case AVRO_INT:
        return reader == AVRO_LONG || reader == AVRO_FLOAT || reader == AVRO_DOUBLE;
    case AVRO_LONG:
        return reader == AVRO_FLOAT || reader == AVRO_DOUBLE;
    case AVRO_FLOAT:
        return reader == AVRO_DOUBLE;
    case AVRO_BYTES:
        return reader == AVRO_STRING;
    case AVRO_STRING:
        return reader == AVRO_BYTES;
    default:
        return false;
    }
}

/* Beside the specification's: a symbol is read as its text. */
static bool is_promotion(enum avro_type writer, enum avro_type reader)
{
    return avro_resolve_promotes(writer, reader) || (writer == AVRO_ENUM && reader == AVRO_STRING);
}

/* By type, name and logical type; neither is a union. */
static enum match match(const struct avro_schema *writer, const struct avro_schema *reader)
{
    if (!is_logical_match(writer, reader))
        return MATCH_NONE;
    if (avro_schema_is_decimal(reader) && may_be_decimal(writer))
        return writer->type == reader->type ? MATCH_SAME : MATCH_PROMOTED;
    if (writer->type != reader->type)
        return is_promotion(writer->type, reader->type) ? MATCH_PROMOTED : MATCH_NONE;
    if (writer->name != NULL && !is_same_name(writer, reader))
        return MATCH_NONE;
    if (writer->type == AVRO_FIXED && writer->fixed_size != reader->fixed_size)
        return MATCH_NONE;
    return MATCH_SAME;
}

/* "string", "bytes decimal", "enum Side"; a union of null and a type is that type. */
static const char *describe(struct resolver *r, const struct avro_schema *schema)
{
    if (schema->type == AVRO_UNION && avro_schema_present(schema) != NULL)
        schema = avro_schema_present(schema);
    return arena_printf(r->arena, "%s%s%s%s%.80s", avro_schema_type_name(schema->type),
                        schema->logical != NULL ? " " : "",
                        schema->logical != NULL ? schema->logical : "",
                        schema->name != NULL ? " " : "", schema->name != NULL ? schema->name : "");
}

static int mismatch(struct resolver *r, const struct avro_schema *writer,
                    const struct avro_schema *reader, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "the writer has %s, the reader %s", describe(r, writer),
                   describe(r, reader));
}

static struct avro_schema *copy(struct resolver *r, const struct avro_schema *schema)
{
    struct avro_schema *node = arena_alloc(r->arena, sizeof(*node));

    *node = *schema;
    return node;
}

/* -- defaults */

static int put_constant(struct resolver *r, const struct avro_field *reader, struct avro_field *out,
                        struct err *err)
{
    struct buf datum = BUF_INIT;
    int rc = avro_default_encode(reader, AVRO_DEFAULTS_BYTES_MAX - r->constants, &datum, err);

    *out = *reader;
    out->role = AVRO_ROLE_CONSTANT;
    out->constant = arena_copy(r->arena, buf_span(&datum));
    r->constants += datum.size;
    buf_deinit(&datum);
    return rc;
}

static bool is_checked(struct resolver *r, const struct avro_schema *record)
{
    const struct avro_schema *const *checked = (const void *)r->checked.data;

    for (size_t i = 0; i < r->checked.size / sizeof(*checked); i++)
        if (checked[i] == record)
            return true;
    buf_put(&r->checked, &record, sizeof(record));
    return false;
}

/* Each default of the reader's is a value of its field, also where the writer has the field. */
static int check_defaults(struct resolver *r, const struct avro_schema *reader, struct err *err)
{
    struct buf datum = BUF_INIT;
    int rc = 0;

    if (reader->type == AVRO_ENUM && reader->symbol_default != NULL &&
        !avro_schema_has_name(reader->symbol, reader->symbol_default))
        return err_set(err, ERR_CORRUPT, "%s: the default %.80s is no symbol of it", reader->name,
                       reader->symbol_default);
    if (reader->type != AVRO_RECORD) {
        for (size_t i = 0; reader->branch != NULL && i < reader->count; i++)
            if (check_defaults(r, reader->branch[i], err) < 0)
                return -1;
        return 0;
    }
    if (is_checked(r, reader))
        return 0;
    for (size_t i = 0; rc == 0 && i < reader->count; i++) {
        const struct avro_field *field = &reader->field[i];

        buf_clear(&datum);
        rc = check_defaults(r, field->schema, err);
        if (rc == 0 && field->default_json != NULL &&
            avro_default_encode(field, AVRO_DEFAULTS_BYTES_MAX, &datum, err) < 0)
            rc = err_wrap(err, "field %s", field->name);
    }
    buf_deinit(&datum);
    return rc;
}

/* -- records */

/* The writer's field that gives a reader's field its value, for each of the latter; SIZE_MAX: none.
 */
struct feeds {
    size_t *writer;
    bool *is_taken; /* of the writer's fields */
};

static void take_field(struct feeds *feeds, size_t reader, size_t writer)
{
    if (feeds->writer[reader] == SIZE_MAX && writer != SIZE_MAX && !feeds->is_taken[writer]) {
        feeds->writer[reader] = writer;
        feeds->is_taken[writer] = true;
    }
}

static struct names field_names(struct resolver *r, const struct avro_schema *record)
{
    struct names names = { arena_zero(r->arena, record->count, sizeof(struct name)),
                           record->count };

    for (size_t i = 0; i < record->count; i++)
        names.name[i] = (struct name){ record->field[i].name, i };
    sort_names(&names);
    return names;
}

/* By name first, so that an alias never takes what has its own place. */
static struct feeds match_fields(struct resolver *r, const struct avro_schema *writer,
                                 const struct avro_schema *reader)
{
    struct names theirs = field_names(r, writer);
    struct names ours = field_names(r, reader);
    struct feeds feeds = { arena_zero(r->arena, reader->count, sizeof(*feeds.writer)),
                           arena_zero(r->arena, writer->count, sizeof(*feeds.is_taken)) };

    for (size_t i = 0; i < reader->count; i++) {
        feeds.writer[i] = SIZE_MAX;
        take_field(&feeds, i, find_name(&theirs, reader->field[i].name));
    }
    for (size_t i = 0; i < reader->count; i++)
        for (const char *const *alias = reader->field[i].aliases; *alias != NULL; alias++)
            take_field(&feeds, i, find_name(&theirs, *alias));
    for (size_t i = 0; i < writer->count; i++) {
        for (const char *const *alias = writer->field[i].aliases; *alias != NULL; alias++) {
            size_t at = find_name(&ours, *alias);

            if (at != SIZE_MAX)
                take_field(&feeds, at, i);
        }
    }
    return feeds;
}

static int resolve_field(struct resolver *r, const struct avro_field *writer,
                         const struct avro_field *reader, struct avro_field *out, struct err *err)
{
    *out = *writer;
    out->name = reader->name;
    if (resolve(r, writer->schema, reader->schema, &out->schema, err) < 0)
        return err_wrap(err, "field %s", reader->name);
    return 0;
}

/* The writer's fields in their order, then what it lacks. */
static int resolve_record(struct resolver *r, const struct avro_schema *writer,
                          const struct avro_schema *reader, struct avro_schema *out,
                          struct err *err)
{
    struct feeds feeds = match_fields(r, writer, reader);
    struct avro_field *field = arena_zero(r->arena, writer->count + reader->count, sizeof(*field));

    for (size_t i = 0; i < writer->count; i++) {
        field[i] = writer->field[i];
        field[i].role = AVRO_ROLE_SKIP;
    }
    out->field = field;
    for (size_t i = 0; i < reader->count; i++) {
        const struct avro_field *wanted = &reader->field[i];
        size_t at = feeds.writer[i];
        int rc;

        if (at == SIZE_MAX && wanted->default_json == NULL)
            return err_set(err, ERR_CORRUPT, "field %s: the writer has none, and it has no default",
                           wanted->name);
        if (at == SIZE_MAX)
            rc = put_constant(r, wanted, &field[out->count++], err);
        else
            rc = resolve_field(r, &writer->field[at], wanted, &field[at], err);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* -- other types */

static void resolve_enum(struct resolver *r, const struct avro_schema *reader,
                         struct avro_schema *out)
{
    struct names ours = { arena_zero(r->arena, reader->count, sizeof(struct name)), reader->count };
    const char **symbol = arena_zero(r->arena, out->count + 1, sizeof(*symbol));

    for (size_t i = 0; i < reader->count; i++)
        ours.name[i] = (struct name){ reader->symbol[i], i };
    sort_names(&ours);
    for (size_t i = 0; i < out->count; i++) {
        size_t at = find_name(&ours, out->symbol[i]);

        symbol[i] = at == SIZE_MAX ? reader->symbol_default : reader->symbol[at];
    }
    out->symbol = symbol;
}

/* Neither is a union, and they match. */
static int resolve_plain(struct resolver *r, const struct avro_schema *writer,
                         const struct avro_schema *reader, const struct avro_schema **out,
                         struct err *err)
{
    struct avro_schema *node = copy(r, writer);
    const struct avro_schema **items;

    *out = node;
    if (!avro_schema_is_decimal(reader))
        node->as = reader->type;
    if (time_kind(reader) != NULL && time_kind(writer) == NULL)
        node->logical = reader->logical;
    switch (node->type) {
    case AVRO_RECORD:
        return resolve_record(r, writer, reader, node, err);
    case AVRO_ENUM:
        if (reader->type == AVRO_ENUM)
            resolve_enum(r, reader, node);
        return 0;
    case AVRO_ARRAY:
    case AVRO_MAP:
        items = arena_zero(r->arena, 1, sizeof(struct avro_schema *));
        node->branch = items;
        if (resolve(r, writer->branch[0], reader->branch[0], items, err) < 0)
            return err_wrap(err, "items");
        return 0;
    default:
        return 0;
    }
}

static int resolve_named(struct resolver *r, const struct avro_schema *writer,
                         const struct avro_schema *reader, const struct avro_schema **out,
                         struct err *err)
{
    const struct pair *done = (const void *)r->pairs.data;
    struct pair pair = { writer, reader, NULL };

    for (size_t i = 0; i < r->pairs.size / sizeof(pair); i++) {
        if (done[i].writer == writer && done[i].reader == reader) {
            *out = done[i].resolved;
            return 0;
        }
    }
    if (resolve_plain(r, writer, reader, &pair.resolved, err) < 0)
        return -1;
    buf_put(&r->pairs, &pair, sizeof(pair));
    *out = pair.resolved;
    return 0;
}

/* The branch of a reader's union that takes what is no union; else the reader itself. */
static const struct avro_schema *choose_branch(const struct avro_schema *writer,
                                               const struct avro_schema *reader)
{
    const struct avro_schema *promoted = NULL;

    if (reader->type != AVRO_UNION)
        return reader;
    for (size_t i = 0; i < reader->count; i++) {
        enum match found = match(writer, reader->branch[i]);

        if (found == MATCH_SAME)
            return reader->branch[i];
        if (found == MATCH_PROMOTED && promoted == NULL)
            promoted = reader->branch[i];
    }
    return promoted != NULL ? promoted : reader;
}

/* A branch that cannot be read is left as it is, but for the reason. */
static int resolve_union(struct resolver *r, const struct avro_schema *writer,
                         const struct avro_schema *reader, const struct avro_schema **out,
                         struct err *err)
{
    struct avro_schema *node = copy(r, writer);
    const struct avro_schema **branch = arena_zero(r->arena, writer->count, sizeof(*branch));
    size_t readable = 0;

    for (size_t i = 0; i < writer->count; i++) {
        struct avro_schema *refused;

        if (resolve(r, writer->branch[i], reader, &branch[i], err) == 0) {
            readable++;
            continue;
        }
        refused = copy(r, writer->branch[i]);
        refused->refused = arena_text(r->arena, span_text(err->text));
        branch[i] = refused;
    }
    node->branch = branch;
    *out = node;
    return readable > 0 ? 0 : err_wrap(err, "no branch of the writer's can be read");
}

static int resolve(struct resolver *r, const struct avro_schema *writer,
                   const struct avro_schema *reader, const struct avro_schema **out,
                   struct err *err)
{
    if (writer->type == AVRO_UNION)
        return resolve_union(r, writer, reader, out, err);
    reader = choose_branch(writer, reader);
    if (reader->type == AVRO_UNION || match(writer, reader) == MATCH_NONE)
        return mismatch(r, writer, reader, err);
    if (writer->name != NULL)
        return resolve_named(r, writer, reader, out, err);
    return resolve_plain(r, writer, reader, out, err);
}

int avro_resolve(struct arena *arena, const struct avro_schema *writer,
                 const struct avro_schema *reader, const struct avro_schema **out, struct err *err)
{
    struct resolver r = { .arena = arena };
    int rc = check_defaults(&r, reader, err);

    if (rc == 0)
        rc = resolve(&r, writer, reader, out, err);
    buf_deinit(&r.pairs);
    buf_deinit(&r.checked);
    return rc < 0 ? err_wrap(err, "avro resolution") : 0;
}
