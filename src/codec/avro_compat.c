// SPDX-License-Identifier: Apache-2.0
/*
 * avro_compat.c: walks the last schema beside the next one.  Which branch of a union takes a value
 * is decided by type and name alone, as avro_resolve.c does it: the walk is as long as the last
 * schema is when written out.
 */
#include "codec/avro_compat.h"

#include "codec/avro_resolve.h"

enum match { MATCH_NONE, MATCH_PROMOTED, MATCH_SAME };

static int reads(const struct avro_schema *writer, const struct avro_schema *reader,
                 struct err *err);

/* One that only the writer has is its own affair; one that only the reader has says what the
 * plain value was all along, but for a decimal, whose bytes are none. */
static bool is_logical_match(const struct avro_schema *writer, const struct avro_schema *reader)
{
    if (avro_schema_is_decimal(reader))
        return avro_schema_is_decimal(writer) && writer->precision == reader->precision &&
               writer->scale == reader->scale;
    return writer->logical == NULL || reader->logical == NULL ||
           strcmp(writer->logical, reader->logical) == 0;
}

/* Neither is a union. */
static enum match match(const struct avro_schema *writer, const struct avro_schema *reader)
{
    if (!is_logical_match(writer, reader))
        return MATCH_NONE;
    if (writer->type != reader->type)
        return avro_resolve_promotes(writer->type, reader->type) ? MATCH_PROMOTED : MATCH_NONE;
    if (writer->name != NULL &&
        strcmp(avro_schema_unqualified(writer->name), avro_schema_unqualified(reader->name)) != 0 &&
        !avro_schema_has_name(reader->aliases, writer->name))
        return MATCH_NONE;
    if (writer->type == AVRO_FIXED && writer->fixed_size != reader->fixed_size)
        return MATCH_NONE;
    return MATCH_SAME;
}

/* The reader itself, or the branch of its union that takes the writer's; NULL: none does. */
static const struct avro_schema *taker(const struct avro_schema *writer,
                                       const struct avro_schema *reader)
{
    const struct avro_schema *promoted = NULL;

    if (reader->type != AVRO_UNION)
        return match(writer, reader) == MATCH_NONE ? NULL : reader;
    for (size_t i = 0; i < reader->count; i++) {
        enum match found = match(writer, reader->branch[i]);

        if (found == MATCH_SAME)
            return reader->branch[i];
        if (found == MATCH_PROMOTED && promoted == NULL)
            promoted = reader->branch[i];
    }
    return promoted;
}

/* "bytes decimal(38,18)", "enum Side". */
static const char *describe(struct arena *arena, const struct avro_schema *schema)
{
    if (avro_schema_is_decimal(schema))
        return arena_printf(arena, "%s decimal(%d,%d)", avro_schema_type_name(schema->type),
                            (int)schema->precision, (int)schema->scale);
    return arena_printf(arena, "%s%s%s%s%.80s", avro_schema_type_name(schema->type),
                        schema->logical != NULL ? " " : "",
                        schema->logical != NULL ? schema->logical : "",
                        schema->name != NULL ? " " : "", schema->name != NULL ? schema->name : "");
}

static int mismatch(const struct avro_schema *writer, const struct avro_schema *reader,
                    struct err *err)
{
    struct arena arena = ARENA_INIT;
    int rc = err_set(err, ERR_REFUSED, "what was written as %s cannot be read as %s",
                     describe(&arena, writer), describe(&arena, reader));

    arena_deinit(&arena);
    return rc;
}

static const struct avro_field *written(const struct avro_schema *writer,
                                        const struct avro_field *wanted)
{
    const struct avro_field *field = avro_schema_field(writer, wanted->name);

    for (const char *const *alias = wanted->aliases; field == NULL && *alias != NULL; alias++)
        field = avro_schema_field(writer, *alias);
    return field;
}

static int reads_record(const struct avro_schema *writer, const struct avro_schema *reader,
                        struct err *err)
{
    for (size_t i = 0; i < reader->count; i++) {
        const struct avro_field *wanted = &reader->field[i];
        const struct avro_field *field = written(writer, wanted);

        if (field == NULL && wanted->default_json == NULL)
            return err_set(err, ERR_REFUSED, "field %s is new and has no default", wanted->name);
        if (field != NULL && reads(field->schema, wanted->schema, err) < 0)
            return err_wrap(err, "field %s", wanted->name);
    }
    return 0;
}

static int reads_enum(const struct avro_schema *writer, const struct avro_schema *reader,
                      struct err *err)
{
    for (size_t i = 0; i < writer->count && reader->symbol_default == NULL; i++) {
        bool is_there = false;

        for (size_t k = 0; k < reader->count && !is_there; k++)
            is_there = strcmp(writer->symbol[i], reader->symbol[k]) == 0;
        if (!is_there)
            return err_set(err, ERR_REFUSED, "enum %s has lost %s, and has no default",
                           reader->name, writer->symbol[i]);
    }
    return 0;
}

/* Each branch that may have been written. */
static int reads_union(const struct avro_schema *writer, const struct avro_schema *reader,
                       struct err *err)
{
    for (size_t i = 0; i < writer->count; i++)
        if (reads(writer->branch[i], reader, err) < 0)
            return -1;
    return 0;
}

static int reads(const struct avro_schema *writer, const struct avro_schema *reader,
                 struct err *err)
{
    const struct avro_schema *plain;

    if (writer->type == AVRO_UNION)
        return reads_union(writer, reader, err);
    plain = taker(writer, reader);
    if (plain == NULL)
        return mismatch(writer, reader, err);
    if (writer->type == AVRO_RECORD)
        return reads_record(writer, plain, err);
    if (writer->type == AVRO_ENUM)
        return reads_enum(writer, plain, err);
    if (writer->type == AVRO_ARRAY || writer->type == AVRO_MAP)
        return reads(writer->branch[0], plain->branch[0], err) < 0 ? err_wrap(err, "items") : 0;
    return 0;
}

/* A schema resolves with itself, and thereby has its defaults checked. */
static int parse(struct arena *arena, struct span text, const struct avro_schema **out,
                 struct err *err)
{
    const struct avro_schema *resolved;

    if (avro_schema_parse(arena, text, out, err) < 0)
        return -1;
    return avro_resolve(arena, *out, *out, &resolved, err);
}

int avro_compat_check(struct span schema, struct err *err)
{
    const struct avro_schema *parsed;
    struct arena arena = ARENA_INIT;
    int rc = parse(&arena, schema, &parsed, err);

    arena_deinit(&arena);
    return rc;
}

int avro_compat_backward(struct span last, struct span next, struct err *err)
{
    const struct avro_schema *writer, *reader;
    struct arena arena = ARENA_INIT;
    int rc = -1;

    if (avro_schema_parse(&arena, last, &writer, err) < 0)
        err_wrap(err, "the subject's last schema");
    else if (parse(&arena, next, &reader, err) == 0)
        rc = reads(writer, reader, err);
    arena_deinit(&arena);
    return rc;
}
