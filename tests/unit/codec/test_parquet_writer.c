// SPDX-License-Identifier: Apache-2.0
#include "codec/parquet_writer.h"

#include "lib/bytes.h"
#include "lib/parquet_load.h"
#include "lib/test.h"

static const struct parquet_options streaming = { .zstd_level = 1, .created_by = "k2 test" };

/* Writes one column as a file of one row group; the error is the caller's to look at. */
static int write_one(const struct parquet_field *field, const struct column *column, size_t first,
                     size_t count, struct err *err)
{
    struct parquet_writer *writer = parquet_writer_new(field, 1, &streaming);
    struct buf out = BUF_INIT;
    int rc;

    parquet_writer_begin(writer, &out);
    rc = parquet_writer_row_group(writer, &column, first, count, &out, err);
    if (rc == 0)
        rc = parquet_writer_finish(writer, NULL, 0, &out, err);
    parquet_writer_free(writer);
    buf_deinit(&out);
    return rc;
}

static void a_null_in_a_required_column_is_fatal_and_named(void **state)
{
    const struct parquet_field field = { .name = "side", .kind = PARQUET_INT, .required = true };
    struct column column;
    struct err err = { 0 };

    (void)state;
    column_init(&column, COLUMN_INT32);
    column_repeat_int32(&column, 5, 20);
    column_put_null(&column);
    column_repeat_int32(&column, 5, 20);
    assert_ok(write_one(&field, &column, 0, 20, &err));
    assert_ok(write_one(&field, &column, 21, 20, &err));
    assert_err(write_one(&field, &column, 3, 20, &err), ERR_FATAL);
    assert_string_equal(err.text, "column side, row 20: null, but it is required");
    column_deinit(&column);
}

static void a_null_in_a_required_list_or_element_is_fatal_and_named(void **state)
{
    struct parquet_field field = {
        .name = "conditions", .kind = PARQUET_LIST, .required = true, .child_optional = true
    };
    struct column column;
    struct err err = { 0 };

    (void)state;
    column_init(&column, COLUMN_LIST);
    column_put_entries(&column);
    column_put_null(column.child[0]);
    column_put_entries(&column);
    column_put_null(&column);
    assert_ok(write_one(&field, &column, 0, 2, &err));
    assert_err(write_one(&field, &column, 0, 3, &err), ERR_FATAL);
    assert_string_equal(err.text, "column conditions, row 2: null, but it is required");
    field.required = false;
    field.child_optional = false;
    assert_err(write_one(&field, &column, 0, 3, &err), ERR_FATAL);
    assert_string_equal(err.text, "column conditions.element, row 0: null, but it is required");
    column_deinit(&column);
}

static void a_decimal_beyond_its_precision_is_fatal_and_named(void **state)
{
    static const struct {
        uint8_t precision;
        int128 good, bad;
    } vectors[] = {
        { 3, 999, 1000 },
        { 3, -999, -1000 },
        { 18, 999999999999999999, 1000000000000000000 },
        { 18, 0, (int128)1 << 64 }, /* whose low half is 0 */
        { 18, -1, -((int128)1 << 64) - 1 },
        { 18, 0, (int128)((uint128)1 << 127) },
        { 19, (int128)INT64_MAX, (int128)10000000000000000000u },
        { 38, (int128)1 << 126, (int128)(((uint128)1 << 127) - 1) },
        { 38, -((int128)1 << 126), (int128)((uint128)1 << 127) },
    };
    struct column column;
    struct err err = { 0 };

    (void)state;
    column_init(&column, COLUMN_DECIMAL);
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct parquet_field field = { .name = "price",
                                             .kind = PARQUET_DECIMAL,
                                             .precision = vectors[i].precision };
        char text[64];

        column_clear(&column);
        column_put_decimal(&column, vectors[i].good);
        column_put_null(&column);
        column_put_decimal(&column, vectors[i].good);
        assert_ok(write_one(&field, &column, 0, 3, &err));
        column_put_decimal(&column, vectors[i].bad);
        column_put_null(&column);
        assert_err(write_one(&field, &column, 1, 4, &err), ERR_FATAL);
        snprintf(text, sizeof(text), "column price, row 3: more than %d digits",
                 vectors[i].precision);
        assert_string_equal(err.text, text);
    }
    column_deinit(&column);
}

static void a_file_without_rows_is_a_file(void **state)
{
    const struct parquet_field field = { .name = "a", .field_id = 4, .kind = PARQUET_STRING };
    struct parquet_writer *writer = parquet_writer_new(&field, 1, &streaming);
    const struct parquet_leaf_stats *stats;
    struct arena arena = ARENA_INIT;
    struct parquet_file file;
    struct buf out = BUF_INIT;
    struct column column;
    const struct column *columns = &column;
    struct err err = { 0 };
    size_t count;

    (void)state;
    column_init(&column, COLUMN_BYTES);
    parquet_writer_begin(writer, &out);
    assert_ok(parquet_writer_row_group(writer, &columns, 0, 0, &out, &err));
    assert_ok(parquet_writer_finish(writer, NULL, 0, &out, &err));
    assert_ok(parquet_load(&arena, buf_span(&out), &file, &err));
    assert_int_equal(file.rows, 0);
    assert_int_equal(file.row_group_count, 0);
    assert_int_equal(parquet_writer_rows(writer), 0);
    stats = parquet_writer_stats(writer, &count);
    assert_int_equal(count, 1);
    assert_int_equal(stats->field_id, 4);
    assert_false(stats->has_bounds);
    parquet_writer_split_offsets(writer, &count);
    assert_int_equal(count, 0);
    parquet_writer_free(writer);
    buf_deinit(&out);
    arena_deinit(&arena);
}

static void bounds_and_counts_grow_over_row_groups(void **state)
{
    static const struct parquet_field fields[] = {
        { .name = "price", .field_id = 1, .kind = PARQUET_DECIMAL, .precision = 18 },
        { .name = "symbol", .field_id = 2, .kind = PARQUET_STRING, .encoding = PARQUET_DICTIONARY },
        { .name = "id", .field_id = 3, .kind = PARQUET_STRING, .no_bounds = true },
    };
    struct parquet_writer *writer = parquet_writer_new(fields, 3, &streaming);
    const struct column *columns[3];
    struct column column[3];
    const struct parquet_leaf_stats *stats;
    const int64_t *splits;
    struct buf out = BUF_INIT;
    struct err err = { 0 };
    size_t count;

    (void)state;
    for (int i = 0; i < 3; i++) {
        column_init(&column[i], parquet_column_type(fields[i].kind));
        columns[i] = &column[i];
    }
    for (int i = 0; i < 6; i++) {
        column_put_decimal(&column[0], i == 2 ? -300 : i * 100);
        if (i == 3)
            column_put_null(&column[1]);
        else
            column_put_bytes(&column[1], i == 5 ? SPAN("AAA") : SPAN("BTCUSDT"));
        column_put_bytes(&column[2], SPAN("id"));
    }
    parquet_writer_begin(writer, &out);
    assert_ok(parquet_writer_row_group(writer, columns, 0, 3, &out, &err));
    assert_ok(parquet_writer_row_group(writer, columns, 3, 1, &out, &err));
    assert_ok(parquet_writer_row_group(writer, columns, 4, 2, &out, &err));
    assert_ok(parquet_writer_finish(writer, NULL, 0, &out, &err));
    stats = parquet_writer_stats(writer, &count);
    assert_int_equal(count, 3);
    assert_true(span_equal(buf_span(&stats[0].lower), SPAN("\xfe\xd4")));
    assert_true(span_equal(buf_span(&stats[0].upper), SPAN("\x01\xf4")));
    assert_true(span_equal(buf_span(&stats[1].lower), SPAN("AAA")));
    assert_true(span_equal(buf_span(&stats[1].upper), SPAN("BTCUSDT")));
    assert_int_equal(stats[1].null_count, 1);
    assert_int_equal(stats[1].value_count, 6);
    assert_false(stats[2].has_bounds);
    splits = parquet_writer_split_offsets(writer, &count);
    assert_int_equal(count, 3);
    assert_int_equal(splits[0], 4);
    assert_int_equal(parquet_writer_rows(writer), 6);
    parquet_writer_free(writer);
    for (int i = 0; i < 3; i++)
        column_deinit(&column[i]);
    buf_deinit(&out);
}

enum { KINDS = PARQUET_MAP + 1, VARIANTS = 4, FIELDS = KINDS * VARIANTS };

struct world {
    struct parquet_field field[FIELDS];
    struct column column[FIELDS];
    const struct column *columns[FIELDS];
    uint64_t seed;
};

static void put_random(struct world *world, size_t i, uint64_t r)
{
    struct column *column = &world->column[i];
    char text[32];
    struct span span;

    snprintf(text, sizeof(text), "%x", (unsigned)r & (r >> 40 & 1 ? 0xf : 0xffffff));
    span = span_text(text);
    switch (column->type) {
    case COLUMN_BOOL:
        column_put_bool(column, r & 1);
        return;
    case COLUMN_INT32:
        column_put_int32(column, (int32_t)r % 50);
        return;
    case COLUMN_INT64:
        column_put_int64(column, (int64_t)(r >> (r & 63)));
        return;
    case COLUMN_DECIMAL:
        column_put_decimal(column, (int128)(int32_t)r);
        return;
    case COLUMN_BYTES:
        column_put_bytes(column, span);
        return;
    default:
        for (uint64_t k = 0; k < r % 4; k++) {
            column_put_bytes(column->child[0], span);
            if (column->type == COLUMN_MAP)
                column_put_bytes(column->child[1], SPAN("value"));
        }
        column_put_entries(column);
    }
}

/* Each kind in four variants: optional and required, PLAIN and what it may have else. */
static void world_init(struct world *world, size_t rows)
{
    *world = (struct world){ .seed = 77 };
    for (size_t i = 0; i < FIELDS; i++) {
        enum parquet_kind kind = (enum parquet_kind)(i / VARIANTS);
        bool delta = kind == PARQUET_LONG || kind == PARQUET_TIMESTAMPTZ;

        world->field[i] = (struct parquet_field){
            .name = "field",
            .field_id = (int32_t)i + 1,
            .kind = kind,
            .required = i & 1,
            .precision = i & 2 ? 12 : 30,
            .scale = 2,
            .encoding = (i & 2) == 0 ? PARQUET_PLAIN
                        : delta      ? PARQUET_DELTA
                                     : PARQUET_DICTIONARY,
            .child_id = { (int32_t)i + 1000, (int32_t)i + 2000 },
        };
        column_init(&world->column[i], parquet_column_type(kind));
        world->columns[i] = &world->column[i];
        for (size_t row = 0; row < rows; row++) {
            uint64_t r = bytes_random(&world->seed);

            if ((i & 1) == 0 && r % 5 == 0)
                column_put_null(&world->column[i]);
            else
                put_random(world, i, r >> 3);
        }
    }
}

static void world_deinit(struct world *world)
{
    for (size_t i = 0; i < FIELDS; i++)
        column_deinit(&world->column[i]);
}

/* Rows from 7 on, in row groups of 100, into *image; drained after each if so wished. */
static void write_world(const struct world *world, struct parquet_writer *writer, size_t rows,
                        bool drained, struct buf *image)
{
    struct buf out = BUF_INIT;
    struct err err = { 0 };

    buf_clear(image);
    buf_put_text(&out, "before");
    parquet_writer_begin(writer, &out);
    for (size_t row = 7; row < rows; row += 100) {
        assert_ok(parquet_writer_row_group(writer, world->columns, row, size_min(100, rows - row),
                                           &out, &err));
        if (drained) {
            buf_put_span(image, buf_span(&out));
            parquet_writer_drained(writer, out.size);
            buf_clear(&out);
        }
    }
    assert_ok(parquet_writer_finish(writer, NULL, 0, &out, &err));
    buf_put_span(image, buf_span(&out));
    memmove(image->data, image->data + 6, image->size - 6);
    image->size -= 6;
    buf_deinit(&out);
}

static void what_goes_in_comes_out_for_every_page_size(void **state)
{
    static const struct {
        size_t rows, bytes;
    } pages[] = { { 0, 0 }, { 1, 0 }, { 17, 0 }, { 0, 1 }, { 0, 90 } };
    enum { ROWS = 360 };
    struct world world;

    (void)state;
    world_init(&world, ROWS);
    for (size_t p = 0; p < ARRAY_LEN(pages); p++) {
        const struct parquet_options options = { .zstd_level = (int)p % 2,
                                                 .page_rows_max = pages[p].rows,
                                                 .page_bytes_max = pages[p].bytes,
                                                 .created_by = "k2 test" };
        struct parquet_writer *writer = parquet_writer_new(world.field, FIELDS, &options);
        struct arena arena = ARENA_INIT;
        struct buf image = BUF_INIT;
        struct parquet_file file;
        struct err err = { 0 };

        write_world(&world, writer, ROWS, false, &image);
        assert_ok(parquet_load(&arena, buf_span(&image), &file, &err));
        for (size_t i = 0; i < FIELDS; i++) {
            struct column expected, column;

            column_init(&expected, world.column[i].type);
            column_append(&expected, &world.column[i], 7, ROWS - 7);
            assert_ok(parquet_load_column(&file, buf_span(&image), &world.field[i], &column, &err));
            assert_true(column_equal(&expected, &column));
            column_deinit(&expected);
            column_deinit(&column);
        }
        parquet_writer_free(writer);
        arena_deinit(&arena);
        buf_deinit(&image);
    }
    world_deinit(&world);
}

static void an_image_is_the_same_drained_or_not_and_from_a_used_writer(void **state)
{
    struct world world;
    struct parquet_writer *writer, *fresh;
    struct buf first = BUF_INIT, again = BUF_INIT;

    (void)state;
    world_init(&world, 360);
    writer = parquet_writer_new(world.field, FIELDS, &streaming);
    fresh = parquet_writer_new(world.field, FIELDS, &streaming);
    write_world(&world, writer, 360, false, &first);
    write_world(&world, writer, 50, false, &again);
    write_world(&world, writer, 360, true, &again);
    assert_true(span_equal(buf_span(&first), buf_span(&again)));
    write_world(&world, fresh, 360, true, &again);
    assert_true(span_equal(buf_span(&first), buf_span(&again)));
    parquet_writer_free(writer);
    parquet_writer_free(fresh);
    buf_deinit(&first);
    buf_deinit(&again);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_null_in_a_required_column_is_fatal_and_named),
        cmocka_unit_test(a_null_in_a_required_list_or_element_is_fatal_and_named),
        cmocka_unit_test(a_decimal_beyond_its_precision_is_fatal_and_named),
        cmocka_unit_test(a_file_without_rows_is_a_file),
        cmocka_unit_test(bounds_and_counts_grow_over_row_groups),
        cmocka_unit_test(what_goes_in_comes_out_for_every_page_size),
        cmocka_unit_test(an_image_is_the_same_drained_or_not_and_from_a_used_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
