// SPDX-License-Identifier: Apache-2.0
/*
 * parquet_tool.c: writes random Parquet files for foreign readers to judge.
 *
 *   parquet_tool SEED OUT.parquet OUT.jsonl
 *
 * One field for each kind, nullability and encoding; pages, row groups, profiles of values and how
 * the buf is drained are drawn from the seed.  The JSON lines say what must come out: first what
 * the file and its columns are, with the writer's statistics, then one array for each row.  Bytes
 * are in hex, decimals are unscaled numbers as text.
 */
#include "codec/parquet_writer.h"

#include <inttypes.h>
#include <unistd.h>

enum { FIELDS_MAX = 64, ROWS_MAX = 30000 };

struct random {
    uint64_t state;
};

enum profile {
    PROFILE_CONSTANT,
    PROFILE_FEW,
    PROFILE_RISING,
    PROFILE_WILD,
    PROFILE_NULL,
    PROFILES
};

struct tool {
    struct random random;
    struct parquet_field field[FIELDS_MAX];
    char name[FIELDS_MAX][64];
    enum profile profile[FIELDS_MAX];
    unsigned null_percent[FIELDS_MAX];
    size_t fields;
    struct column column[FIELDS_MAX];
    size_t rows;
};

/* SplitMix64. */
static uint64_t draw(struct random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t below(struct random *random, uint64_t limit)
{
    return draw(random) % limit;
}

static const char *kind_name(enum parquet_kind kind)
{
    static const char *const names[] = { "bool",    "int",    "long",   "date", "timestamptz",
                                         "decimal", "string", "binary", "list", "map" };

    return names[kind];
}

static void add_field(struct tool *tool, enum parquet_kind kind, bool required,
                      enum parquet_encoding_wish encoding, bool no_bounds, uint8_t precision)
{
    size_t i = tool->fields++;
    struct parquet_field *field = &tool->field[i];

    ASSERT(i < FIELDS_MAX);
    snprintf(tool->name[i], sizeof(tool->name[i]), "%s_%zu", kind_name(kind), i);
    *field = (struct parquet_field){
        .name = tool->name[i],
        .field_id = (int32_t)(100 + i),
        .kind = kind,
        .required = required,
        .precision = precision,
        .scale = precision == 0 ? 0 : (uint8_t)below(&tool->random, precision + 1u),
        .encoding = encoding,
        .no_bounds = no_bounds,
        .child_id = { (int32_t)(1000 + 2 * i), (int32_t)(1001 + 2 * i) },
        .child_optional = below(&tool->random, 2) == 1,
    };
    tool->profile[i] = (enum profile)below(&tool->random, required ? PROFILE_NULL : PROFILES);
    tool->null_percent[i] = required                           ? 0
                            : tool->profile[i] == PROFILE_NULL ? 100
                            : below(&tool->random, 3) == 0     ? 0
                                                               : (unsigned)below(&tool->random, 60);
    column_init(&tool->column[i], parquet_column_type(kind));
}

static void add_fields(struct tool *tool)
{
    static const uint8_t precisions[] = { 1, 9, 18, 19, 38 };

    for (int kind = PARQUET_BOOL; kind <= PARQUET_MAP; kind++)
        for (int required = 0; required < 2; required++) {
            uint8_t precision = 0;

            for (int encoding = PARQUET_PLAIN; encoding <= PARQUET_DELTA; encoding++) {
                bool integer =
                    kind == PARQUET_INT || kind == PARQUET_LONG || kind == PARQUET_TIMESTAMPTZ;

                if (encoding == PARQUET_DELTA && !integer)
                    continue;
                if (kind == PARQUET_DECIMAL)
                    precision = precisions[below(&tool->random, ARRAY_LEN(precisions))];
                add_field(tool, (enum parquet_kind)kind, required,
                          (enum parquet_encoding_wish)encoding, below(&tool->random, 8) == 0,
                          precision);
            }
        }
}

static int128 draw_number(struct tool *tool, size_t i)
{
    switch (tool->profile[i]) {
    case PROFILE_CONSTANT:
        return 7;
    case PROFILE_FEW:
        return (int128)below(&tool->random, 40) - 20;
    case PROFILE_RISING:
        return (int128)tool->rows * 3 + (int128)below(&tool->random, 5) - 1000;
    default:
        return (int128)((uint128)draw(&tool->random) << 64 | draw(&tool->random));
    }
}

static int128 draw_decimal(struct tool *tool, size_t i)
{
    int128 limit = 1;

    for (int digit = 0; digit < tool->field[i].precision; digit++)
        limit *= 10;
    return draw_number(tool, i) % limit; /* to the limit on both sides, sign kept */
}

/* Valid UTF-8: characters of one to four bytes, now and then beyond what statistics hold. */
static void draw_text(struct tool *tool, size_t i, struct buf *out, bool binary)
{
    static const char *const characters[] = {
        "a", "Z", "~", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\x7f"
    };
    size_t length;

    buf_clear(out);
    if (tool->profile[i] == PROFILE_CONSTANT) {
        buf_put_text(out, "always");
    } else if (tool->profile[i] == PROFILE_FEW) {
        buf_printf(out, "SYMBOL%u", (unsigned)below(&tool->random, 30));
    } else if (tool->profile[i] == PROFILE_RISING) {
        buf_printf(out, "BINANCE-%012zu", tool->rows);
    } else {
        length = below(&tool->random, below(&tool->random, 20) == 0 ? 120 : 12);
        for (size_t k = 0; k < length; k++) {
            uint64_t which = below(&tool->random, 400);

            if (binary)
                buf_put_byte(out, which < 100 ? 0xff : (uint8_t)which);
            else
                buf_put_text(out, characters[which < 100 ? 6 : which % ARRAY_LEN(characters)]);
        }
    }
}

static void put_entries(struct tool *tool, size_t i, struct buf *text)
{
    struct column *column = &tool->column[i];
    size_t entries = below(&tool->random, 3) == 0 ? 0 : below(&tool->random, 5);

    for (size_t k = 0; k < entries; k++) {
        int last = tool->field[i].kind == PARQUET_MAP;

        if (last) { /* readers want the keys of a map to differ */
            buf_clear(text);
            buf_printf(text, "key%zu", k);
            column_put_bytes(column->child[0], buf_span(text));
        }
        draw_text(tool, i, text, false);
        if (tool->field[i].child_optional && below(&tool->random, 4) == 0)
            column_put_null(column->child[last]);
        else
            column_put_bytes(column->child[last], buf_span(text));
    }
    column_put_entries(column);
}

static void put_value(struct tool *tool, size_t i, struct buf *text)
{
    struct column *column = &tool->column[i];

    switch (column->type) {
    case COLUMN_BOOL:
        column_put_bool(column, draw_number(tool, i) & 1);
        return;
    case COLUMN_INT32:
        column_put_int32(column, (int32_t)(tool->field[i].kind == PARQUET_DATE
                                               ? draw_number(tool, i) % 900000
                                               : draw_number(tool, i)));
        return;
    case COLUMN_INT64:
        column_put_int64(column, (int64_t)(tool->field[i].kind == PARQUET_TIMESTAMPTZ
                                               ? draw_number(tool, i) % 50000000000000000
                                               : draw_number(tool, i)));
        return;
    case COLUMN_DECIMAL:
        column_put_decimal(column, draw_decimal(tool, i));
        return;
    case COLUMN_BYTES:
        draw_text(tool, i, text, tool->field[i].kind == PARQUET_BINARY);
        column_put_bytes(column, buf_span(text));
        return;
    default:
        put_entries(tool, i, text);
    }
}

static void fill(struct tool *tool, size_t rows)
{
    struct buf text = BUF_INIT;

    for (; tool->rows < rows; tool->rows++)
        for (size_t i = 0; i < tool->fields; i++) {
            if (below(&tool->random, 100) < tool->null_percent[i])
                column_put_null(&tool->column[i]);
            else
                put_value(tool, i, &text);
        }
    buf_deinit(&text);
}

static void print_hex(FILE *file, struct span bytes)
{
    fputc('"', file);
    for (size_t i = 0; i < bytes.size; i++)
        fprintf(file, "%02x", bytes.data[i]);
    fputc('"', file);
}

static void print_decimal(FILE *file, int128 value)
{
    uint128 rest = value < 0 ? -(uint128)value : (uint128)value;
    char digits[48];
    size_t at = sizeof(digits);

    digits[--at] = 0;
    do
        digits[--at] = (char)('0' + (int)(rest % 10));
    while ((rest /= 10) > 0);
    fprintf(file, "\"%s%s\"", value < 0 ? "-" : "", digits + at);
}

static void print_value(FILE *file, const struct column *column, size_t row);

static void print_entries(FILE *file, const struct column *column, size_t row)
{
    const int32_t *offsets = column_offsets(column) + row;

    fputc('[', file);
    for (int32_t k = offsets[0]; k < offsets[1]; k++) {
        fputs(k > offsets[0] ? "," : "", file);
        if (column->type == COLUMN_MAP) {
            fputc('[', file);
            print_value(file, column->child[0], (size_t)k);
            fputc(',', file);
            print_value(file, column->child[1], (size_t)k);
            fputc(']', file);
        } else {
            print_value(file, column->child[0], (size_t)k);
        }
    }
    fputc(']', file);
}

static void print_value(FILE *file, const struct column *column, size_t row)
{
    if (column_is_null(column, row)) {
        fputs("null", file);
        return;
    }
    switch (column->type) {
    case COLUMN_BOOL:
        fputs(column->values.data[row] ? "true" : "false", file);
        return;
    case COLUMN_INT32:
        fprintf(file, "%" PRId32, column_int32(column, row));
        return;
    case COLUMN_INT64:
        fprintf(file, "%" PRId64, column_int64(column, row));
        return;
    case COLUMN_DECIMAL:
        print_decimal(file, column_decimal(column, row));
        return;
    case COLUMN_BYTES:
        print_hex(file, column_bytes(column, row));
        return;
    default:
        print_entries(file, column, row);
    }
}

static void print_fields(FILE *file, const struct tool *tool)
{
    static const char *const wishes[] = { "plain", "dictionary", "delta" };

    fputs("\"fields\": [", file);
    for (size_t i = 0; i < tool->fields; i++) {
        const struct parquet_field *field = &tool->field[i];

        fprintf(file,
                "%s{\"name\": \"%s\", \"id\": %d, \"kind\": \"%s\", \"required\": %s, "
                "\"precision\": %u, \"scale\": %u, \"encoding\": \"%s\", \"no_bounds\": %s, "
                "\"child_id\": [%d, %d], \"child_optional\": %s}",
                i == 0 ? "" : ", ", field->name, (int)field->field_id, kind_name(field->kind),
                field->required ? "true" : "false", field->precision, field->scale,
                wishes[field->encoding], field->no_bounds ? "true" : "false",
                (int)field->child_id[0], (int)field->child_id[1],
                field->child_optional ? "true" : "false");
    }
    fputs("]", file);
}

static void print_stats(FILE *file, const struct parquet_writer *writer)
{
    size_t count;
    const struct parquet_leaf_stats *stats = parquet_writer_stats(writer, &count);

    fputs("\"stats\": [", file);
    for (size_t i = 0; i < count; i++) {
        fprintf(file,
                "%s{\"id\": %d, \"bytes\": %" PRId64 ", \"values\": %" PRId64
                ", \"nulls\": %" PRId64,
                i == 0 ? "" : ", ", (int)stats[i].field_id, stats[i].compressed_bytes,
                stats[i].value_count, stats[i].null_count);
        if (stats[i].has_bounds) {
            fputs(", \"lower\": ", file);
            print_hex(file, buf_span(&stats[i].lower));
            fputs(", \"upper\": ", file);
            print_hex(file, buf_span(&stats[i].upper));
        }
        fputs("}", file);
    }
    fputs("]", file);
}

static void print_expected(FILE *file, const struct tool *tool, const struct parquet_writer *writer,
                           const struct parquet_options *options)
{
    size_t count;
    const int64_t *offsets = parquet_writer_split_offsets(writer, &count);

    fprintf(file, "{\"rows\": %" PRId64 ", \"page_rows_max\": %zu, \"zstd_level\": %d, ",
            parquet_writer_rows(writer), options->page_rows_max, options->zstd_level);
    fputs("\"split_offsets\": [", file);
    for (size_t i = 0; i < count; i++)
        fprintf(file, "%s%" PRId64, i == 0 ? "" : ", ", offsets[i]);
    fputs("], ", file);
    print_fields(file, tool);
    fputs(", ", file);
    print_stats(file, writer);
    fputs("}\n", file);
    for (size_t row = 0; row < tool->rows; row++) {
        for (size_t i = 0; i < tool->fields; i++) {
            fputc(i == 0 ? '[' : ',', file);
            print_value(file, &tool->column[i], row);
        }
        fputs("]\n", file);
    }
}

static void drain(struct parquet_writer *writer, struct buf *out, FILE *file)
{
    fwrite(out->data, 1, out->size, file);
    parquet_writer_drained(writer, out->size);
    buf_clear(out);
}

static int write_file(struct tool *tool, struct parquet_writer *writer, FILE *file, struct err *err)
{
    static const struct parquet_pair pairs[] = { { "k2.writer", "1" }, { "empty", "" } };
    const struct column *columns[FIELDS_MAX];
    struct buf out = BUF_INIT;
    int rc = -1;

    for (size_t i = 0; i < tool->fields; i++)
        columns[i] = &tool->column[i];
    parquet_writer_begin(writer, &out);
    for (size_t row = 0; row < tool->rows;) {
        size_t count = 1 + below(&tool->random, tool->rows);

        count = count < tool->rows - row ? count : tool->rows - row;
        if (parquet_writer_row_group(writer, columns, row, count, &out, err) < 0)
            goto out;
        if (below(&tool->random, 2) == 0)
            drain(writer, &out, file);
        row += count;
    }
    if (parquet_writer_finish(writer, pairs, ARRAY_LEN(pairs), &out, err) < 0)
        goto out;
    drain(writer, &out, file);
    rc = 0;
out:
    buf_deinit(&out);
    return rc;
}

static struct parquet_options draw_options(struct tool *tool)
{
    static const size_t pages[] = { 0, 1, 7, 100, 1000 };
    static const size_t bytes[] = { 0, 1, 1000, 20000 };
    struct parquet_options options = {
        .zstd_level = (int)below(&tool->random, 4),
        .page_rows_max = pages[below(&tool->random, ARRAY_LEN(pages))],
        .page_bytes_max = bytes[below(&tool->random, ARRAY_LEN(bytes))],
        .created_by = "k2 version 0.1.0 (build test)",
    };

    return options;
}

int main(int argc, char **argv)
{
    struct tool *tool = mem_zero(1, sizeof(*tool));
    struct parquet_writer *writer = NULL;
    struct parquet_options options;
    struct err err = { 0 };
    FILE *parquet = NULL, *jsonl = NULL;
    size_t rows;
    int rc = 1;

    if (argc != 4) {
        fprintf(stderr, "usage: parquet_tool SEED OUT.parquet OUT.jsonl\n");
        goto out;
    }
    parquet = fopen(argv[2], "wb");
    jsonl = fopen(argv[3], "w");
    if (parquet == NULL || jsonl == NULL) {
        perror("parquet_tool");
        goto out;
    }
    tool->random.state = strtoull(argv[1], NULL, 10);
    options = draw_options(tool);
    rows = options.page_rows_max > 0 && options.page_rows_max < 100 ? 300 : ROWS_MAX;
    rows = options.page_bytes_max == 1 ? 300 : rows;
    add_fields(tool);
    writer = parquet_writer_new(tool->field, tool->fields, &options);
    for (int round = 0; round < 2; round++) { /* the second file by the same writer is kept */
        rewind(parquet);
        if (ftruncate(fileno(parquet), 0) < 0)
            goto out;
        for (size_t i = 0; i < tool->fields; i++)
            column_clear(&tool->column[i]);
        tool->rows = 0;
        fill(tool, round == 0 ? 10 : below(&tool->random, rows + 1));
        if (write_file(tool, writer, parquet, &err) < 0) {
            fprintf(stderr, "parquet_tool: %s\n", err.text);
            goto out;
        }
    }
    print_expected(jsonl, tool, writer, &options);
    rc = 0;
out:
    if (parquet != NULL && fclose(parquet) != 0)
        rc = 1;
    if (jsonl != NULL && fclose(jsonl) != 0)
        rc = 1;
    parquet_writer_free(writer);
    for (size_t i = 0; i < tool->fields; i++)
        column_deinit(&tool->column[i]);
    free(tool);
    return rc;
}
