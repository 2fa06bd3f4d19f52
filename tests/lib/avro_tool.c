// SPDX-License-Identifier: Apache-2.0
/*
 * avro_tool.c: our Avro as a filter, for foreign implementations to be compared with.
 *
 *   avro_tool encode SCHEMA.avsc            JSON lines to hex lines
 *   avro_tool decode SCHEMA.avsc            hex lines to JSON lines
 *   avro_tool wishes SCHEMA.avsc            hex lines to {"path": value, …}, read by a compiled
 *                                           program that wishes for every value it can reach
 *   avro_tool write SCHEMA.avsc CODEC FILE  JSON lines to a container file
 *   avro_tool read FILE                     a container file to JSON lines
 *
 * Where all fields on a path have Iceberg's field ids, the wish names none of them.
 */
#include "codec/avro_decode.h"
#include "codec/avro_encode.h"
#include "codec/avro_file.h"
#include "codec/avro_json.h"
#include "lib/bytes.h"

#include <json-c/json.h>

enum { WISHES_MAX = 1024 };

struct tool {
    struct arena arena;
    const struct avro_schema *schema;
    struct buf schema_json;
    const struct avro_program *program;
    struct avro_wish wish[WISHES_MAX];
    const char *label[WISHES_MAX]; /* the path by names */
    size_t wishes;
};

/* The fields from the root to a value. */
struct path {
    const struct avro_field *step[AVRO_DEPTH_MAX];
    size_t depth;
};

static _Noreturn void stop(const struct err *err)
{
    fprintf(stderr, "avro_tool: %s: %s\n", err_kind_name(err->kind), err->text);
    exit(1);
}

static void load_schema(struct tool *tool, const char *path)
{
    struct err err;

    bytes_put_file(&tool->schema_json, path);
    if (avro_schema_parse(&tool->arena, buf_span(&tool->schema_json), &tool->schema, &err) < 0)
        stop(&err);
}

static void encode_line(struct tool *tool, const char *line, struct buf *out)
{
    struct json_tokener *tokener = json_tokener_new_ex(1000);
    struct json_object *json = json_tokener_parse_ex(tokener, line, -1);
    struct err err;

    if (avro_json_encode(tool->schema, json, out, &err) < 0)
        stop(&err);
    json_object_put(json);
    json_tokener_free(tokener);
}

static void decode_datum(struct tool *tool, struct span *in, struct buf *out)
{
    struct err err;

    if (avro_json_decode(tool->schema, in, out, &err) < 0)
        stop(&err);
}

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

static void add_wish(struct tool *tool, const struct path *path, enum avro_type type)
{
    int32_t *ids = arena_zero(&tool->arena, path->depth + 1, sizeof(*ids));
    struct buf names = BUF_INIT;
    struct buf blanks = BUF_INIT;
    bool has_ids = true;

    ASSERT(tool->wishes < WISHES_MAX);
    for (size_t i = 0; i < path->depth; i++) {
        buf_printf(&names, "%s%s", i > 0 ? "/" : "", path->step[i]->name);
        buf_printf(&blanks, "%s?", i > 0 ? "/" : "");
        ids[i] = path->step[i]->field_id;
        has_ids = has_ids && ids[i] >= 0;
    }
    tool->label[tool->wishes] = arena_text(&tool->arena, buf_span(&names));
    tool->wish[tool->wishes++] = (struct avro_wish){
        .path = arena_text(&tool->arena, buf_span(has_ids ? &blanks : &names)),
        .ids = has_ids ? ids : NULL,
        .type = wish_type(type),
        .required = true,
    };
    buf_deinit(&blanks);
    buf_deinit(&names);
}

static void add_wishes(struct tool *tool, const struct avro_schema *record, struct path *path)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct avro_schema *present = avro_schema_present(record->field[i].schema);

        if (present == NULL || present->type == AVRO_NULL)
            continue;
        path->step[path->depth++] = &record->field[i];
        add_wish(tool, path, present->type);
        if (present->type == AVRO_RECORD)
            add_wishes(tool, present, path);
        path->depth--;
    }
}

static void compile(struct tool *tool)
{
    struct path path = { .depth = 0 };
    struct err err;

    if (tool->schema->type == AVRO_RECORD)
        add_wishes(tool, tool->schema, &path);
    if (avro_program_compile(&tool->arena, tool->schema, tool->wish, tool->wishes, &tool->program,
                             &err) < 0)
        stop(&err);
}

/* The cell's value, encoded again. */
static void put_cell(struct buf *out, const struct avro_schema *schema,
                     const struct avro_cell *cell)
{
    float single;

    switch (schema->type) {
    case AVRO_BOOLEAN:
        avro_put_boolean(out, cell->integer != 0);
        break;
    case AVRO_INT:
    case AVRO_LONG:
        avro_put_long(out, cell->integer);
        break;
    case AVRO_ENUM:
        if (!span_equal(cell->bytes, span_text(schema->symbol[cell->integer])))
            abort();
        avro_put_long(out, cell->integer);
        break;
    case AVRO_FLOAT:
        single = (float)cell->real;
        buf_put(out, &single, sizeof(single));
        break;
    case AVRO_DOUBLE:
        avro_put_double(out, cell->real);
        break;
    case AVRO_BYTES:
    case AVRO_STRING:
        avro_put_bytes(out, cell->bytes);
        break;
    default:
        buf_put_span(out, cell->bytes);
    }
}

static void decode_wishes(struct tool *tool, struct span *in, struct buf *out)
{
    struct avro_cell cell[WISHES_MAX];
    struct buf datum = BUF_INIT;
    struct err err;

    if (avro_program_run(tool->program, in, cell, &err) < 0)
        stop(&err);
    buf_put_byte(out, '{');
    for (size_t i = 0; i < tool->wishes; i++) {
        const struct avro_schema *schema = avro_program_schema(tool->program, i);
        struct span rest;

        buf_printf(out, "%s\"%s\":", i > 0 ? "," : "", tool->label[i]);
        if (cell[i].is_null) {
            buf_put_text(out, "null");
            continue;
        }
        buf_clear(&datum);
        put_cell(&datum, schema, &cell[i]);
        rest = buf_span(&datum);
        if (avro_json_decode(schema, &rest, out, &err) < 0)
            stop(&err);
        if (rest.size > 0)
            abort();
    }
    buf_put_byte(out, '}');
    buf_deinit(&datum);
}

static void print(struct buf *text)
{
    puts(buf_text(text));
    buf_clear(text);
}

/* Each hex line through `decode`, from memory of just its size. */
static void decode_lines(struct tool *tool,
                         void (*decode)(struct tool *tool, struct span *in, struct buf *out))
{
    struct buf datum = BUF_INIT;
    struct buf text = BUF_INIT;
    char *line = NULL;
    size_t capacity = 0;

    while (getline(&line, &capacity, stdin) >= 0) {
        uint8_t *exact;
        struct span in;

        buf_clear(&datum);
        bytes_put_hex(&datum, line);
        exact = bytes_exact(buf_span(&datum));
        in = span_of(exact, datum.size);
        decode(tool, &in, &text);
        if (in.size > 0)
            abort();
        print(&text);
        free(exact);
    }
    free(line);
    buf_deinit(&text);
    buf_deinit(&datum);
}

static void encode_lines(struct tool *tool)
{
    struct buf datum = BUF_INIT;
    struct buf text = BUF_INIT;
    char *line = NULL;
    size_t capacity = 0;

    while (getline(&line, &capacity, stdin) >= 0) {
        buf_clear(&datum);
        encode_line(tool, line, &datum);
        for (size_t i = 0; i < datum.size; i++)
            buf_printf(&text, "%02x", datum.data[i]);
        print(&text);
    }
    free(line);
    buf_deinit(&text);
    buf_deinit(&datum);
}

static void write_file(struct tool *tool, const char *codec, const char *path)
{
    static const struct avro_pair metadata[] = { { "k2.test", { (const uint8_t *)"yes", 3 } } };
    static const uint8_t sync[16] = "sixteen bytes, !";
    struct avro_file_writer writer;
    struct buf image = BUF_INIT;
    char *line = NULL;
    size_t capacity = 0;
    FILE *file;

    avro_file_begin(&writer, &image, buf_text(&tool->schema_json), metadata, ARRAY_LEN(metadata),
                    strcmp(codec, "deflate") == 0 ? AVRO_CODEC_DEFLATE : AVRO_CODEC_NULL, sync);
    while (getline(&line, &capacity, stdin) >= 0) {
        encode_line(tool, line, avro_file_datum(&writer));
        avro_file_end_datum(&writer);
    }
    avro_file_finish(&writer);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(image.data, 1, image.size, file) != image.size || fclose(file) != 0)
        abort();
    free(line);
    buf_deinit(&image);
}

static void read_file(struct tool *tool, const char *path)
{
    struct avro_file_reader reader;
    struct buf image = BUF_INIT;
    struct buf text = BUF_INIT;
    struct err err;
    uint8_t *exact;
    int rc;

    bytes_put_file(&image, path);
    exact = bytes_exact(buf_span(&image));
    if (avro_file_open(&reader, &tool->arena, span_of(exact, image.size), &err) < 0 ||
        avro_schema_parse(&tool->arena, reader.schema_json, &tool->schema, &err) < 0)
        stop(&err);
    while ((rc = avro_file_next(&reader, &err)) == AVRO_DATUM) {
        decode_datum(tool, &reader.block, &text);
        print(&text);
    }
    if (rc < 0)
        stop(&err);
    avro_file_close(&reader);
    free(exact);
    buf_deinit(&text);
    buf_deinit(&image);
}

int main(int argc, char **argv)
{
    static struct tool tool;
    const char *verb = argc >= 3 ? argv[1] : "";
    int rc = 0;

    if (argc >= 3 && strcmp(verb, "read") != 0)
        load_schema(&tool, argv[2]);
    if (strcmp(verb, "encode") == 0) {
        encode_lines(&tool);
    } else if (strcmp(verb, "decode") == 0) {
        decode_lines(&tool, decode_datum);
    } else if (strcmp(verb, "wishes") == 0) {
        compile(&tool);
        decode_lines(&tool, decode_wishes);
    } else if (strcmp(verb, "write") == 0 && argc == 5) {
        write_file(&tool, argv[3], argv[4]);
    } else if (strcmp(verb, "read") == 0) {
        read_file(&tool, argv[2]);
    } else {
        fprintf(stderr, "usage: see avro_tool.c\n");
        rc = 2;
    }
    buf_deinit(&tool.schema_json);
    arena_deinit(&tool.arena);
    return rc;
}
