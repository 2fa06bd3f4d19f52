// SPDX-License-Identifier: Apache-2.0
/* Page indexes of other writers and damaged ones: what is believed lies in the chunk. */
#include "codec/parquet_index_decode.h"

#include "core/random.h"
#include "lib/test.h"
#include "lib/parquet_load.h"
#include "lib/parquet_table.h"

enum { OFFSET_FIELD = 2, ROUNDS = 20000 };

struct indexed {
    struct buf bytes;
    struct arena arena, pages;
    struct parquet_file file;
    const struct parquet_chunk *chunk;
    const struct parquet_leaf_layout *layout;
    int64_t rows;
};

static void open_indexed(struct indexed *indexed, const char *name)
{
    struct err err = { 0 };
    size_t leaf, count;
    char path[512];

    *indexed = (struct indexed){ .arena = ARENA_INIT, .pages = ARENA_INIT };
    snprintf(path, sizeof(path), PARQUET_VECTORS "%s.parquet", name);
    indexed->bytes = load_bytes(path);
    assert_ok(parquet_load(&indexed->arena, buf_span(&indexed->bytes), &indexed->file, &err));
    assert_true(parquet_file_leaves(&indexed->file, &PARQUET_TABLE[OFFSET_FIELD], &leaf, &count));
    indexed->chunk = &indexed->file.row_group[0].chunk[leaf];
    indexed->layout = &indexed->file.layout->leaf[leaf];
    indexed->rows = indexed->file.row_group[0].rows;
}

static void close_indexed(struct indexed *indexed)
{
    arena_deinit(&indexed->arena);
    arena_deinit(&indexed->pages);
    buf_deinit(&indexed->bytes);
}

static struct span place_of(const struct indexed *indexed, const struct parquet_place *place)
{
    assert_true(place->size > 0);
    return span_of(indexed->bytes.data + place->offset, (size_t)place->size);
}

/* Decodes both; what holds is checked.  The pages, 0 when the index is none. */
static size_t decode(struct indexed *indexed, struct span offsets, struct span ranges, bool *ranged)
{
    const struct parquet_chunk *chunk = indexed->chunk;
    struct parquet_index_page *pages;
    int64_t row = 0, at = chunk->offset;
    size_t count;

    *ranged = false;
    if (!parquet_index_decode_pages(&indexed->pages, offsets, chunk, indexed->rows, &pages, &count))
        return 0;
    parquet_index_decode_ranges(ranges, indexed->layout, &PARQUET_TABLE[OFFSET_FIELD], pages,
                                count);
    for (size_t i = 0; i < count; i++) {
        assert_true(pages[i].offset >= at && pages[i].size > 0);
        assert_int_equal(pages[i].first_row, row);
        assert_true(pages[i].rows >= 0);
        at = pages[i].offset + pages[i].size;
        row += pages[i].rows;
        *ranged = *ranged || pages[i].has_range;
    }
    assert_true(at <= chunk->offset + chunk->size);
    assert_int_equal(row, indexed->rows);
    return count;
}

static const char *const FILES[] = { "indexed", "spark", "spark_v2" };

static void other_writers_indexes_are_read(void **state)
{
    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(FILES); f++) {
        struct indexed indexed;
        bool ranged;
        size_t pages;

        open_indexed(&indexed, FILES[f]);
        pages = decode(&indexed, place_of(&indexed, &indexed.chunk->offset_index),
                       place_of(&indexed, &indexed.chunk->column_index), &ranged);
        assert_true(ranged);
        assert_in_range(pages, f == 0 ? 5 : 1, 50);
        close_indexed(&indexed);
    }
}

static void an_index_cut_anywhere_is_none(void **state)
{
    struct indexed indexed;
    struct span offsets, ranges;
    bool ranged;

    (void)state;
    open_indexed(&indexed, FILES[0]);
    offsets = place_of(&indexed, &indexed.chunk->offset_index);
    ranges = place_of(&indexed, &indexed.chunk->column_index);
    for (size_t size = 0; size < offsets.size; size++) {
        uint8_t *exact = bytes_exact(span_of(offsets.data, size));

        assert_int_equal(decode(&indexed, span_of(exact, size), ranges, &ranged), 0);
        free(exact);
    }
    for (size_t size = 0; size < ranges.size; size++) {
        uint8_t *exact = bytes_exact(span_of(ranges.data, size));

        assert_true(decode(&indexed, offsets, span_of(exact, size), &ranged) > 0);
        assert_false(ranged);
        free(exact);
    }
    close_indexed(&indexed);
}

static void flipped_bytes_never_lead_out_of_the_chunk(void **state)
{
    struct random random = { 11 };
    struct indexed indexed;
    size_t none = 0, unranged = 0;

    (void)state;
    open_indexed(&indexed, FILES[0]);
    for (int round = 0; round < ROUNDS; round++) {
        struct span parts[2] = { place_of(&indexed, &indexed.chunk->offset_index),
                                 place_of(&indexed, &indexed.chunk->column_index) };
        uint8_t *exact[2];
        bool ranged;

        for (size_t i = 0; i < 2; i++) {
            exact[i] = bytes_exact(parts[i]);
            for (size_t flips = 1 + random_below(&random, 3); flips-- > 0;)
                exact[i][random_below(&random, parts[i].size)] = (uint8_t)random_next(&random);
            parts[i].data = exact[i];
        }
        none += decode(&indexed, parts[0], parts[1], &ranged) == 0;
        unranged += !ranged;
        arena_reset(&indexed.pages);
        free(exact[0]);
        free(exact[1]);
    }
    assert_true(none > ROUNDS / 10 && none < ROUNDS && unranged > none);
    close_indexed(&indexed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_writers_indexes_are_read),
        cmocka_unit_test(an_index_cut_anywhere_is_none),
        cmocka_unit_test(flipped_bytes_never_lead_out_of_the_chunk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
