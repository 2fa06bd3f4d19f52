// SPDX-License-Identifier: Apache-2.0
#include "core/column.h"
#include "lib/test.h"

static void a_column_without_nulls_has_no_bitmap(void **state)
{
    struct column c;

    (void)state;
    column_init(&c, COLUMN_INT64);
    for (int64_t i = 0; i < 100; i++)
        column_put_int64(&c, i);
    assert_int_equal(c.rows, 100);
    assert_int_equal(c.validity.size, 0);
    assert_false(column_is_null(&c, 99));
    column_deinit(&c);
}

static void nulls_and_values_keep_their_rows(void **state)
{
    struct column c;

    (void)state;
    column_init(&c, COLUMN_BYTES);
    for (int i = 0; i < 50; i++) {
        if (i % 3 == 1)
            column_put_null(&c);
        else
            column_put_bytes(&c, span_of("abcdefghij", (size_t)i % 10));
    }
    for (size_t i = 0; i < 50; i++) {
        assert_int_equal(column_is_null(&c, i), i % 3 == 1);
        assert_int_equal(column_bytes(&c, i).size, i % 3 == 1 ? 0 : i % 10);
    }
    column_deinit(&c);
}

static void gather_reorders_every_type_with_its_nulls(void **state)
{
    const uint32_t index[] = { 3, 1, 1, 0 };
    struct column from, to;

    (void)state;
    column_init(&from, COLUMN_MAP);
    column_init(&to, COLUMN_MAP);
    for (int i = 0; i < 4; i++) {
        if (i == 1) {
            column_put_null(&from);
            continue;
        }
        for (int k = 0; k < i; k++) {
            column_put_bytes(from.child[0], SPAN("key"));
            column_put_bytes(from.child[1], span_of("0123", (size_t)k));
        }
        column_put_entries(&from);
    }
    column_gather(&to, &from, index, 4);
    assert_int_equal(to.rows, 4);
    assert_int_equal(to.null_count, 2);
    assert_int_equal(column_offsets(&to)[1], 3);
    assert_int_equal(column_offsets(&to)[4], 3);
    assert_int_equal(column_bytes(to.child[1], 2).size, 2);
    assert_true(column_is_null(&to, 1) && column_is_null(&to, 2) && !column_is_null(&to, 3));
    column_deinit(&from);
    column_deinit(&to);
}

static void append_joins_two_columns_row_for_row(void **state)
{
    struct column a, b, both;

    (void)state;
    column_init(&a, COLUMN_BYTES);
    column_init(&b, COLUMN_BYTES);
    column_init(&both, COLUMN_BYTES);
    for (int i = 0; i < 20; i++) {
        struct column *c = i < 11 ? &a : &b;

        if (i % 4 == 3)
            column_put_null(c), column_put_null(&both);
        else
            column_put_bytes(c, span_of("xyzxyzxyzxyzxyzxyzxyz", (size_t)i)),
                column_put_bytes(&both, span_of("xyzxyzxyzxyzxyzxyzxyz", (size_t)i));
    }
    column_append(&a, &b, 0, b.rows);
    assert_true(column_equal(&a, &both));
    column_clear(&b);
    column_append(&b, &both, 0, 20);
    assert_true(column_equal(&b, &both));
    column_deinit(&a);
    column_deinit(&b);
    column_deinit(&both);
}

/* Row `i` of a column of that type, a null for every fifth. */
static void put_row(struct column *c, int i)
{
    if (i % 5 == 2) {
        column_put_null(c);
    } else if (c->type == COLUMN_BYTES) {
        column_put_bytes(c, span_of("xyzxyzxyz", (size_t)i % 10));
    } else if (c->type == COLUMN_MAP) {
        for (int k = 0; k < i % 3; k++) {
            column_put_bytes(c->child[0], SPAN("key"));
            put_row(c->child[1], i + k);
        }
        column_put_entries(c);
    } else {
        column_put_decimal(c, i);
    }
}

static void truncate_leaves_what_the_first_rows_alone_had_made(void **state)
{
    static const enum column_type types[] = { COLUMN_DECIMAL, COLUMN_BYTES, COLUMN_MAP };

    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(types); t++) {
        for (int rows = 0; rows <= 40; rows++) {
            struct column c, first;

            column_init(&c, types[t]);
            column_init(&first, types[t]);
            for (int i = 0; i < 40; i++)
                put_row(&c, i);
            for (int i = 0; i < rows; i++)
                put_row(&first, i);
            column_truncate(&c, (size_t)rows);
            assert_int_equal(c.validity.size, first.validity.size);
            assert_int_equal(c.null_count, first.null_count);
            for (int i = rows; i < 50; i++) { /* and it grows on as if nothing had been */
                put_row(&c, i + 1);
                put_row(&first, i + 1);
            }
            assert_true(column_equal(&c, &first));
            column_deinit(&c);
            column_deinit(&first);
        }
    }
}

static void truncate_drops_the_entries_of_an_unended_row(void **state)
{
    struct column c;

    (void)state;
    column_init(&c, COLUMN_MAP);
    column_put_bytes(c.child[0], SPAN("left"));
    column_truncate(&c, 0);
    assert_int_equal(c.child[0]->rows, 0);
    column_put_bytes(c.child[0], SPAN("key"));
    column_put_bytes(c.child[1], SPAN("value"));
    column_put_entries(&c);
    column_put_bytes(c.child[0], SPAN("left"));
    column_truncate(&c, 1);
    assert_int_equal(c.rows, 1);
    assert_int_equal(c.child[0]->rows, 1);
    assert_int_equal(c.child[0]->values.size, 3);
    assert_int_equal(c.child[1]->rows, 1);
    column_deinit(&c);
}

static void keep_is_gather_in_place(void **state)
{
    const enum column_type types[] = { COLUMN_INT32, COLUMN_DECIMAL, COLUMN_BYTES, COLUMN_LIST,
                                       COLUMN_MAP };
    const uint32_t index[] = { 5, 6, 9, 17, 18, 30 };

    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(types); t++) {
        struct column c, expected;

        column_init(&c, types[t]);
        column_init(&expected, types[t]);
        for (int i = 0; i < 40; i++) {
            if (i % 5 == 2 || i == 17) {
                column_put_null(&c);
            } else if (types[t] == COLUMN_INT32) {
                column_put_int32(&c, i);
            } else if (types[t] == COLUMN_DECIMAL) {
                column_put_decimal(&c, i);
            } else if (types[t] == COLUMN_BYTES) {
                column_put_bytes(&c, span_of("0123456789", (size_t)i % 10));
            } else {
                for (int k = 0; k < i % 3; k++)
                    for (int m = 0; m < (types[t] == COLUMN_MAP ? 2 : 1); m++)
                        column_put_bytes(c.child[m], span_of("abcdefgh", (size_t)i % 7));
                column_put_entries(&c);
            }
        }
        column_append(&expected, &c, 0, 4);
        column_gather(&expected, &c, index, ARRAY_LEN(index));
        column_keep(&c, 4, index, ARRAY_LEN(index));
        assert_true(column_equal(&c, &expected));
        assert_int_equal(c.null_count, expected.null_count);
        column_put_null(&c);
        assert_true(column_is_null(&c, 10));
        assert_false(column_is_null(&c, 9));
        column_deinit(&c);
        column_deinit(&expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_column_without_nulls_has_no_bitmap),
        cmocka_unit_test(nulls_and_values_keep_their_rows),
        cmocka_unit_test(gather_reorders_every_type_with_its_nulls),
        cmocka_unit_test(append_joins_two_columns_row_for_row),
        cmocka_unit_test(keep_is_gather_in_place),
        cmocka_unit_test(truncate_leaves_what_the_first_rows_alone_had_made),
        cmocka_unit_test(truncate_drops_the_entries_of_an_unended_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
