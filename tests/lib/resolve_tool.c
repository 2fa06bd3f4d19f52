// SPDX-License-Identifier: Apache-2.0
/*
 * resolve_tool.c: schema resolution as a filter, for foreign implementations to be compared with.
 *
 * Lines on stdin, each answered by one on stdout:
 *
 *   W SCHEMA   the writer's schema        ok | bad REASON
 *   R SCHEMA   the reader's; resolves     ok | bad REASON
 *   D HEX      a datum of the writer's    JSON, a tab, {"path": value, …} | reject REASON
 *
 * The first JSON is avro_json_decode's, the second a compiled program's that wishes for every value
 * of the reader's that a path through records reaches.
 */
#include "codec/avro_decode.h"
#include "codec/avro_encode.h"
#include "codec/avro_json.h"
#include "codec/avro_resolve.h"
#include "lib/bytes.h"

enum { WISHES_MAX = 1024 };

struct tool {
    struct arena arena;
    const struct avro_schema *writer, *resolved;
    const struct avro_program *program;
    struct avro_wish wish[WISHES_MAX];
    const struct avro_schema *reader[WISHES_MAX]; /* of each wish */
    size_t wishes;
};

static enum avro_type wish_type(enum avro_type type)
{
    switch (type) {
    case AVRO_INT:
        return AVRO_LONG;
    case AVRO_FLOAT:
        return AVRO_DOUBLE;
    case AVRO_FIXED:
        return AVRO_BYTES;
    default:
        return type;
    }
}

static void add_wishes(struct tool *tool, const struct avro_schema *record, const char *prefix)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct avro_schema *present = avro_schema_present(record->field[i].schema);
        char *path = arena_printf(&tool->arena, "%s%s", prefix, record->field[i].name);

        if (present == NULL || present->type == AVRO_NULL)
            continue;
        ASSERT(tool->wishes < WISHES_MAX);
        tool->reader[tool->wishes] = present;
        tool->wish[tool->wishes++] =
            (struct avro_wish){ .path = path, .type = wish_type(present->type) };
        if (present->type == AVRO_RECORD)
            add_wishes(tool, present, arena_printf(&tool->arena, "%s/", path));
    }
}

static int take_reader(struct tool *tool, struct span json, struct err *err)
{
    const struct avro_schema *reader;

    tool->wishes = 0;
    if (avro_schema_parse(&tool->arena, json, &reader, err) < 0 ||
        avro_resolve(&tool->arena, tool->writer, reader, &tool->resolved, err) < 0)
        return -1;
    if (reader->type == AVRO_RECORD && tool->resolved->type == AVRO_RECORD)
        add_wishes(tool, reader, "");
    if (avro_program_compile(&tool->arena, tool->resolved, tool->wish, tool->wishes, &tool->program,
                             err) == 0)
        return 0;
    fprintf(stderr, "resolve_tool: %s\n", err->text);
    exit(1);
}

static int put_leaf(struct buf *out, enum avro_type type, struct span datum, struct err *err)
{
    struct avro_schema leaf = { .type = type, .as = type };

    return avro_json_decode(&leaf, &datum, out, err);
}

static int put_cell(struct buf *out, const struct avro_schema *reader,
                    const struct avro_schema *resolved, const struct avro_cell *cell,
                    struct err *err)
{
    struct buf datum = BUF_INIT;
    struct span span = cell->bytes;
    enum avro_type type = wish_type(reader->type);
    int rc = 0;

    switch (type) {
    case AVRO_BOOLEAN:
        avro_put_boolean(&datum, cell->integer != 0);
        break;
    case AVRO_LONG:
        avro_put_long(&datum, cell->integer);
        break;
    case AVRO_DOUBLE:
        avro_put_double(&datum, cell->real);
        break;
    case AVRO_ENUM:
        type = AVRO_STRING;
        avro_put_bytes(&datum, cell->bytes);
        break;
    case AVRO_BYTES:
    case AVRO_STRING:
        avro_put_bytes(&datum, cell->bytes);
        break;
    default:
        rc = avro_json_decode(resolved, &span, out, err);
        ASSERT(rc < 0 || span.size == 0);
        return rc;
    }
    rc = put_leaf(out, type, buf_span(&datum), err);
    buf_deinit(&datum);
    return rc;
}

static int put_wishes(struct tool *tool, struct span in, struct buf *out, struct err *err)
{
    struct avro_cell cell[WISHES_MAX];

    if (avro_program_run(tool->program, &in, cell, err) < 0)
        return -1;
    ASSERT(in.size == 0);
    buf_put_byte(out, '{');
    for (size_t i = 0; i < tool->wishes; i++) {
        buf_printf(out, "%s\"%s\":", i > 0 ? "," : "", tool->wish[i].path);
        if (cell[i].is_null)
            buf_put_text(out, "null");
        else if (put_cell(out, tool->reader[i], avro_program_schema(tool->program, i), &cell[i],
                          err) < 0)
            return -1;
    }
    buf_put_byte(out, '}');
    return 0;
}

static int take_datum(struct tool *tool, const char *hex, struct buf *out, struct err *err)
{
    struct buf datum = BUF_INIT;
    uint8_t *exact;
    struct span in;
    int rc;

    bytes_put_hex(&datum, hex);
    exact = bytes_exact(buf_span(&datum));
    in = span_of(exact, datum.size);
    rc = avro_json_decode(tool->resolved, &in, out, err);
    ASSERT(rc < 0 || in.size == 0);
    buf_put_byte(out, '\t');
    if (rc == 0)
        rc = put_wishes(tool, span_of(exact, datum.size), out, err);
    free(exact);
    buf_deinit(&datum);
    return rc;
}

static int take_line(struct tool *tool, char kind, const char *rest, struct buf *out,
                     struct err *err)
{
    switch (kind) {
    case 'W':
        arena_reset(&tool->arena);
        return avro_schema_parse(&tool->arena, span_text(arena_text(&tool->arena, span_text(rest))),
                                 &tool->writer, err);
    case 'R':
        return take_reader(tool, span_text(arena_text(&tool->arena, span_text(rest))), err);
    default:
        return take_datum(tool, rest, out, err);
    }
}

int main(void)
{
    static struct tool tool;
    struct buf out = BUF_INIT;
    char *line = NULL;
    size_t capacity = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    while (getline(&line, &capacity, stdin) >= 2) {
        struct err err;

        buf_clear(&out);
        if (take_line(&tool, line[0], line + 2, &out, &err) < 0)
            printf("%s %s\n", line[0] == 'D' ? "reject" : "bad", err.text);
        else
            puts(out.size == 0 ? "ok" : buf_text(&out));
    }
    free(line);
    buf_deinit(&out);
    arena_deinit(&tool.arena);
    return 0;
}
