// SPDX-License-Identifier: Apache-2.0
/* Files of other writers with one and the same table (tests/vectors/parquet/make.py), and files of
 * apache/parquet-testing. */
#include "codec/parquet_reader.h"
#include "lib/test.h"
#include "lib/parquet_load.h"
#include "lib/parquet_table.h"

struct loaded {
    struct buf bytes;
    struct arena arena;
    struct parquet_file file;
};

static void open_file(struct loaded *l, const char *path)
{
    struct err err = { 0 };

    *l = (struct loaded){ .bytes = load_bytes(path) };
    if (parquet_load(&l->arena, buf_span(&l->bytes), &l->file, &err) < 0)
        fail_msg("%s: %s", path, err.text);
}

static void close_file(struct loaded *l)
{
    arena_deinit(&l->arena);
    buf_deinit(&l->bytes);
}

/* The rows of some fields as text, as table.txt has them. */
static void show_file(const struct loaded *l, const struct parquet_field *fields, size_t count,
                      struct buf *text)
{
    struct column columns[16];
    struct err err = { 0 };

    assert_true(count <= ARRAY_LEN(columns));
    for (size_t i = 0; i < count; i++) {
        assert_ok(
            parquet_load_column(&l->file, buf_span(&l->bytes), &fields[i], &columns[i], &err));
        assert_int_equal(columns[i].rows, l->file.rows);
    }
    for (size_t row = 0; row < (size_t)l->file.rows; row++)
        for (size_t i = 0; i < count; i++) {
            show_value(text, &columns[i], row);
            buf_put_byte(text, i + 1 < count ? '|' : '\n');
        }
    for (size_t i = 0; i < count; i++)
        column_deinit(&columns[i]);
}

static void assert_text_equal(const char *file, struct span found, struct span expected)
{
    size_t line = 1;

    for (size_t i = 0; i < size_min(found.size, expected.size); i++) {
        if (found.data[i] != expected.data[i])
            fail_msg("%s: line %zu differs at '%.40s', expected '%.40s'", file, line,
                     (const char *)found.data + i, (const char *)expected.data + i);
        line += found.data[i] == '\n';
    }
    assert_int_equal(found.size, expected.size);
}

/* table.txt without the columns that are not read. */
static struct buf expected_table(const bool *skipped)
{
    struct buf all = load_bytes(PARQUET_VECTORS "table.txt");
    struct buf kept = BUF_INIT;
    size_t column = 0;
    bool first = true;

    for (size_t i = 0, begin = 0; i < all.size; i++) {
        if (all.data[i] != '|' && all.data[i] != '\n')
            continue;
        if (!skipped[column]) {
            buf_put_text(&kept, first ? "" : "|");
            buf_put(&kept, all.data + begin, i - begin);
            first = false;
        }
        column++;
        if (all.data[i] == '\n') {
            buf_put_byte(&kept, '\n');
            column = 0;
            first = true;
        }
        begin = i + 1;
    }
    buf_deinit(&all);
    return kept;
}

static void every_writer_s_file_holds_the_table(void **state)
{
    /* "id" and so on: columns in encodings that are not built */
    static const struct {
        const char *name, *skipped;
    } files[] = {
        { "plain", "" },        { "dictionary", "" },
        { "snappy_v2", "" },    { "many_pages", "" },
        { "delta", "" },        { "many_pages_v2", "" },
        { "delta_pages", "" },  { "bare", "" },
        { "duckdb_v1", "" },    { "duckdb_v2", "id raw tags vendor " },
        { "spark", "" },        { "spark_v2", "id raw tags vendor " },
        { "spark_legacy", "" },
    };

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        struct parquet_field fields[ARRAY_LEN(PARQUET_TABLE)];
        bool skipped[ARRAY_LEN(PARQUET_TABLE)] = { false };
        struct buf found = BUF_INIT;
        struct buf expected;
        size_t count = 0;
        struct loaded l;
        char text[256];

        for (size_t i = 0; i < ARRAY_LEN(PARQUET_TABLE); i++) {
            snprintf(text, sizeof(text), "%s ", PARQUET_TABLE[i].name);
            skipped[i] = strstr(files[f].skipped, text) != NULL;
            if (!skipped[i])
                fields[count++] = PARQUET_TABLE[i];
        }
        snprintf(text, sizeof(text), PARQUET_VECTORS "%s.parquet", files[f].name);
        open_file(&l, text);
        expected = expected_table(skipped);
        show_file(&l, fields, count, &found);
        assert_text_equal(files[f].name, buf_span(&found), buf_span(&expected));
        buf_deinit(&found);
        buf_deinit(&expected);
        close_file(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_writer_s_file_holds_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
