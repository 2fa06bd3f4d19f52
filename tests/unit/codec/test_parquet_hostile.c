// SPDX-License-Identifier: Apache-2.0
/* Damaged files: whatever the damage, a read ends in whole rows or in an error.  Bytes are handed
 * out in copies of exactly their size, so that the sanitizers see a read past their end. */
#include "codec/parquet_reader.h"
#include "core/random.h"
#include "lib/test.h"
#include "lib/parquet_load.h"
#include "lib/parquet_table.h"

static const char *const FILES[] = {
    "plain",     "dictionary", "snappy_v2",   "many_pages",    "many_pages_v2", "delta", "bare",
    "duckdb_v1", "spark",      "delta_bytes", "delta_lengths", "split",         "int96", "nanos",
};

static struct buf table_file(const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), PARQUET_VECTORS "%s.parquet", name);
    return load_bytes(path);
}

/* 0 or -1 with CORRUPT; after 0 every value can be looked at. */
static int read_field(const struct parquet_file *file, struct span bytes, size_t row_group,
                      const struct parquet_field *field, struct parquet_scratch *scratch)
{
    const size_t rows = (size_t)file->row_group[row_group].rows;
    struct buf text = BUF_INIT;
    struct column column;
    struct err err = { 0 };
    int rc;

    column_init(&column, parquet_column_type(field->kind));
    column_put_null(&column); /* a row from before */
    rc = parquet_load_field(file, bytes, row_group, field, scratch, &column, &err);
    if (rc == 0) {
        assert_int_equal(column.rows, rows + 1);
        for (size_t row = 0; row < column.rows && row < 10000; row++)
            show_value(&text, &column, row);
    } else {
        assert_int_equal(rc, -1);
        assert_int_equal(err.kind, ERR_CORRUPT);
    }
    buf_deinit(&text);
    column_deinit(&column);
    return rc;
}

/* Gives the number of fields read without an error. */
static size_t read_all(struct span bytes)
{
    uint8_t *exact = bytes_exact(bytes);
    struct arena arena = ARENA_INIT;
    struct parquet_scratch scratch = { 0 };
    struct parquet_file file;
    struct err err = { 0 };
    size_t good = 0;

    bytes.data = exact;
    if (parquet_load(&arena, bytes, &file, &err) == 0)
        for (size_t g = 0; g < file.row_group_count; g++)
            for (size_t i = 0; i < ARRAY_LEN(PARQUET_TABLE); i++)
                good += read_field(&file, bytes, g, &PARQUET_TABLE[i], &scratch) == 0;
    else
        assert_int_equal(err.kind, ERR_CORRUPT);
    parquet_scratch_deinit(&scratch);
    arena_deinit(&arena);
    free(exact);
    return good;
}

static void a_file_cut_anywhere_is_corrupt(void **state)
{
    struct buf bytes = table_file("dictionary");

    (void)state;
    assert_int_equal(read_all(buf_span(&bytes)), ARRAY_LEN(PARQUET_TABLE));
    for (size_t size = 0; size < bytes.size; size++)
        assert_int_equal(read_all(span_of(bytes.data, size)), 0);
    buf_deinit(&bytes);
}

static void a_footer_cut_anywhere_is_corrupt(void **state)
{
    struct buf bytes = table_file("many_pages");
    struct arena arena = ARENA_INIT;
    struct parquet_file file;
    uint64_t footer_size;
    struct span footer;
    struct err err;

    (void)state;
    assert_ok(parquet_footer_size(span_of(bytes.data + bytes.size - 8, 8), bytes.size, &footer_size,
                                  &err));
    footer = span_of(bytes.data + bytes.size - 8 - footer_size, footer_size);
    for (size_t size = 0; size < footer.size; size++) {
        uint8_t *exact = bytes_exact(span_of(footer.data, size));

        assert_err(parquet_file_parse(&arena, span_of(exact, size), bytes.size, &file, &err),
                   ERR_CORRUPT);
        arena_reset(&arena);
        free(exact);
    }
    arena_deinit(&arena);
    buf_deinit(&bytes);
}

/* The chunk's bytes end early and the footer says so too. */
static void a_chunk_cut_anywhere_is_corrupt(void **state)
{
    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(FILES); f++) {
        struct buf bytes = table_file(FILES[f]);
        struct arena arena = ARENA_INIT;
        struct parquet_scratch scratch = { 0 };
        struct parquet_file file;
        struct err err;

        assert_ok(parquet_load(&arena, buf_span(&bytes), &file, &err));
        for (size_t i = 0; i < ARRAY_LEN(PARQUET_TABLE); i++) {
            size_t leaf, count;
            struct parquet_chunk *chunk;
            int64_t whole;

            assert_true(parquet_file_leaves(&file, &PARQUET_TABLE[i], &leaf, &count));
            chunk = &file.row_group[0].chunk[leaf + count - 1];
            whole = chunk->size;
            for (chunk->size = 0; chunk->size < whole; chunk->size++) {
                struct span cut = span_of(bytes.data, (size_t)(chunk->offset + chunk->size));
                uint8_t *exact = bytes_exact(cut);

                assert_int_equal(
                    read_field(&file, span_of(exact, cut.size), 0, &PARQUET_TABLE[i], &scratch),
                    -1);
                free(exact);
            }
        }
        parquet_scratch_deinit(&scratch);
        arena_deinit(&arena);
        buf_deinit(&bytes);
    }
}

static void counts_that_disagree_are_corrupt(void **state)
{
    struct buf bytes = table_file("many_pages");
    struct arena arena = ARENA_INIT;
    struct parquet_scratch scratch = { 0 };
    struct parquet_file file;
    struct err err;

    (void)state;
    assert_ok(parquet_load(&arena, buf_span(&bytes), &file, &err));
    for (size_t i = 0; i < ARRAY_LEN(PARQUET_TABLE); i++) {
        struct parquet_row_group *group = &file.row_group[1];
        size_t leaf, count;

        assert_true(parquet_file_leaves(&file, &PARQUET_TABLE[i], &leaf, &count));
        for (int more = -1; more <= 1; more += 2) {
            group->chunk[leaf].values += more;
            assert_int_equal(read_field(&file, buf_span(&bytes), 1, &PARQUET_TABLE[i], &scratch),
                             -1);
            group->rows += more;
            assert_int_equal(read_field(&file, buf_span(&bytes), 1, &PARQUET_TABLE[i], &scratch),
                             -1);
            group->chunk[leaf].values -= more;
            assert_int_equal(read_field(&file, buf_span(&bytes), 1, &PARQUET_TABLE[i], &scratch),
                             -1);
            group->rows -= more;
        }
        assert_int_equal(read_field(&file, buf_span(&bytes), 1, &PARQUET_TABLE[i], &scratch), 0);
    }
    parquet_scratch_deinit(&scratch);
    arena_deinit(&arena);
    buf_deinit(&bytes);
}

static void flipped_bytes_end_in_rows_or_an_error(void **state)
{
    struct random random = { 7 };
    size_t damaged = 0;

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(FILES); f++) {
        struct buf bytes = table_file(FILES[f]);

        for (int round = 0; round < 700; round++) {
            size_t at[3];
            uint8_t old[3];
            size_t flips = 1 + random_below(&random, 3);

            for (size_t i = 0; i < flips; i++) {
                at[i] = (size_t)random_below(&random, bytes.size);
                old[i] = bytes.data[at[i]];
                bytes.data[at[i]] =
                    (uint8_t)(random_below(&random, 2) == 0
                                  ? random_next(&random)
                                  : old[i] ^ UINT64_C(1) << random_below(&random, 8));
            }
            damaged += read_all(buf_span(&bytes)) == 0;
            for (size_t i = flips; i-- > 0;)
                bytes.data[at[i]] = old[i];
        }
        buf_deinit(&bytes);
    }
    assert_true(damaged > 0);
}

/* Every byte of the pages of a file without checksums, so that each level, index, length and width
 * is wrong once. */
static void every_byte_of_a_page_may_be_wrong(void **state)
{
    static const char *const files[] = { "bare", "delta", "delta_bare", "split_bare" };
    static const uint8_t masks[] = { 0x01, 0x80, 0xff };

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        struct buf bytes = table_file(files[f]);
        struct arena arena = ARENA_INIT;
        struct parquet_scratch scratch = { 0 };
        struct parquet_file file;
        struct err err;

        assert_ok(parquet_load(&arena, buf_span(&bytes), &file, &err));
        for (size_t i = 0; i < ARRAY_LEN(PARQUET_TABLE); i++) {
            size_t leaf, count;

            assert_true(parquet_file_leaves(&file, &PARQUET_TABLE[i], &leaf, &count));
            for (size_t c = leaf; c < leaf + count; c++) {
                const struct parquet_chunk *chunk = &file.row_group[0].chunk[c];

                for (int64_t at = 0; at < chunk->size; at++) {
                    uint8_t mask = masks[(at + (int64_t)i) % 3];

                    bytes.data[chunk->offset + at] =
                        (uint8_t)(bytes.data[chunk->offset + at] ^ mask);
                    read_field(&file, buf_span(&bytes), 0, &PARQUET_TABLE[i], &scratch);
                    bytes.data[chunk->offset + at] =
                        (uint8_t)(bytes.data[chunk->offset + at] ^ mask);
                }
            }
        }
        parquet_scratch_deinit(&scratch);
        arena_deinit(&arena);
        buf_deinit(&bytes);
    }
}

static void a_flipped_bit_under_a_checksum_is_found(void **state)
{
    struct buf bytes = table_file("plain");
    struct arena arena = ARENA_INIT;
    struct parquet_scratch scratch = { 0 };
    struct parquet_file file;
    struct err err;

    (void)state;
    assert_ok(parquet_load(&arena, buf_span(&bytes), &file, &err));
    for (size_t i = 0; i < ARRAY_LEN(PARQUET_TABLE); i++) {
        size_t leaf, count;
        uint8_t *last;

        assert_true(parquet_file_leaves(&file, &PARQUET_TABLE[i], &leaf, &count));
        last = bytes.data + file.row_group[0].chunk[leaf].offset +
               file.row_group[0].chunk[leaf].size - 1;
        *last = (uint8_t)(*last ^ 4);
        assert_int_equal(read_field(&file, buf_span(&bytes), 0, &PARQUET_TABLE[i], &scratch), -1);
        *last = (uint8_t)(*last ^ 4);
    }
    parquet_scratch_deinit(&scratch);
    arena_deinit(&arena);
    buf_deinit(&bytes);
}

static void a_tail_that_is_none_is_corrupt(void **state)
{
    static const struct {
        const char *tail;
        uint64_t file_size;
    } tails[] = {
        { "\x10\0\0\0PAR2", 1000 },             /* magic */
        { "\x10\0\0\0PARE", 1000 },             /* encrypted */
        { "\x10\0\0\0PAR1", 27 },               /* footer longer than the file */
        { "\0\0\0\0PAR1", 1000 },               /* no footer */
        { "\xff\xff\xff\xffPAR1", UINT64_MAX }, /* beyond all measure */
        { "\x10\0\0\0PAR1", 11 },
    };
    uint64_t size = 77;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tails); i++)
        assert_err(parquet_footer_size(span_of(tails[i].tail, 8), tails[i].file_size, &size, &err),
                   ERR_CORRUPT);
    assert_err(parquet_footer_size(span_of("PAR1", 4), 1000, &size, &err), ERR_CORRUPT);
    assert_int_equal(size, 77);
    assert_ok(parquet_footer_size(span_of("\x10\0\0\0PAR1", 8), 28, &size, &err));
    assert_int_equal(size, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tail_that_is_none_is_corrupt),
        cmocka_unit_test(a_file_cut_anywhere_is_corrupt),
        cmocka_unit_test(a_footer_cut_anywhere_is_corrupt),
        cmocka_unit_test(a_chunk_cut_anywhere_is_corrupt),
        cmocka_unit_test(counts_that_disagree_are_corrupt),
        cmocka_unit_test(a_flipped_bit_under_a_checksum_is_found),
        cmocka_unit_test(every_byte_of_a_page_may_be_wrong),
        cmocka_unit_test(flipped_bytes_end_in_rows_or_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
