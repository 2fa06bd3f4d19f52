// SPDX-License-Identifier: Apache-2.0
#include "trade/trade_dedup.h"

#include "lib/test.h"

#include <stdlib.h>
#include <unistd.h>

enum { WINDOW_US = 2000000 };

struct row {
    const char *id;
    int64_t price;
    const char *side;
    int64_t at_s;
};

struct rows {
    struct column id, price, quantity, side, timestamp;
    struct trade_keys keys;
};

static void rows_init(struct rows *rows, const struct row *from, size_t count)
{
    column_init(&rows->id, COLUMN_BYTES);
    column_init(&rows->price, COLUMN_DECIMAL);
    column_init(&rows->quantity, COLUMN_DECIMAL);
    column_init(&rows->side, COLUMN_BYTES);
    column_init(&rows->timestamp, COLUMN_INT64);
    for (size_t i = 0; i < count; i++) {
        column_put_bytes(&rows->id, span_text(from[i].id));
        column_put_decimal(&rows->price, from[i].price);
        column_put_decimal(&rows->quantity, 5);
        column_put_bytes(&rows->side, span_text(from[i].side));
        column_put_int64(&rows->timestamp, from[i].at_s * 1000000);
    }
    rows->keys = (struct trade_keys){ &rows->id, &rows->price, &rows->quantity, &rows->side,
                                      &rows->timestamp };
}

static void rows_deinit(struct rows *rows)
{
    column_deinit(&rows->id);
    column_deinit(&rows->price);
    column_deinit(&rows->quantity);
    column_deinit(&rows->side);
    column_deinit(&rows->timestamp);
}

/* Each case: what Gold has, the batch, and which of the batch is kept, as letters. */
static const struct {
    const char *name;
    struct row gold[4];
    size_t gold_count;
    struct row batch[5];
    size_t batch_count;
    const char *kept;
    size_t id_conflicts;
} cases[] = {
    { "an empty batch keeps nothing", { { 0 } }, 0, { { 0 } }, 0, "", 0 },
    { "a row that nobody has is kept", { { 0 } }, 0, { { "a", 1, "BUY", 10 } }, 1, "0", 0 },
    { "what Gold has is dropped",
      { { "a", 1, "BUY", 10 } },
      1,
      { { "a", 1, "BUY", 10 }, { "b", 1, "BUY", 10 } },
      2,
      "1",
      0 },
    { "the window's edge belongs to it, and no more",
      { { "a", 1, "BUY", 10 } },
      1,
      { { "a", 1, "BUY", 12 }, { "a", 1, "BUY", 8 }, { "a", 1, "BUY", 13 } },
      3,
      "2",
      0 },
    { "another price or side is another trade, and counted",
      { { "a", 1, "BUY", 10 } },
      1,
      { { "a", 2, "BUY", 10 }, { "a", 1, "SELL", 10 } },
      2,
      "01",
      2 },
    { "the first of a batch is kept",
      { { 0 } },
      0,
      { { "a", 1, "BUY", 10 }, { "a", 1, "BUY", 11 }, { "a", 1, "BUY", 10 } },
      3,
      "0",
      0 },
    { "a copy of a copy is measured against what was kept",
      { { 0 } },
      0,
      { { "a", 1, "BUY", 10 }, { "a", 1, "BUY", 12 }, { "a", 1, "BUY", 14 } },
      3,
      "02",
      0 },
    { "what Gold has does not hide what it is not a copy of",
      { { "a", 1, "BUY", 8 } },
      1,
      { { "a", 1, "BUY", 10 }, { "a", 1, "BUY", 12 } },
      2,
      "1",
      0 },
    { "the far past of the same id is another trade",
      { { "a", 1, "BUY", -100000 } },
      1,
      { { "a", 1, "BUY", 10 } },
      1,
      "0",
      0 },
};

static void each_case_keeps_just_what_it_should(void **state)
{
    struct trade_dedup dedup = { 0 };

    (void)state;
    for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
        struct rows gold, batch;
        uint32_t index[8];
        char kept[9] = "";
        size_t count;

        rows_init(&gold, cases[c].gold, cases[c].gold_count);
        rows_init(&batch, cases[c].batch, cases[c].batch_count);
        trade_dedup_begin(&dedup, &batch.keys, WINDOW_US);
        /* Twice: the whole test runs again after a conflict. */
        for (int round = 0; round < 2; round++) {
            trade_dedup_restart(&dedup);
            trade_dedup_against(&dedup, &gold.keys);
            trade_dedup_within(&dedup);
        }
        count = trade_dedup_kept(&dedup, index);
        for (size_t i = 0; i < count; i++)
            kept[i] = (char)('0' + index[i]);
        if (strcmp(kept, cases[c].kept) != 0 || dedup.id_conflicts != cases[c].id_conflicts)
            fail_msg("%s: kept %s, %zu conflicts", cases[c].name, kept, dedup.id_conflicts);
        assert_int_equal(dedup.copies, cases[c].batch_count - count);
        rows_deinit(&gold);
        rows_deinit(&batch);
    }
    trade_dedup_deinit(&dedup);
}

static void intervals_are_the_rows_own_and_merged(void **state)
{
    const struct row rows[] = { { "a", 1, "BUY", 100 },
                                { "b", 1, "BUY", 10 },
                                { "c", 1, "BUY", 13 } };
    struct trade_dedup dedup = { 0 };
    struct rows batch;

    (void)state;
    rows_init(&batch, rows, ARRAY_LEN(rows));
    trade_dedup_begin(&dedup, &batch.keys, WINDOW_US);
    assert_int_equal(dedup.interval_count, 2);
    assert_true(trade_dedup_overlaps(&dedup, 0, 8000000));
    assert_false(trade_dedup_overlaps(&dedup, 0, 7999999));
    assert_true(trade_dedup_overlaps(&dedup, 15000000, 97999999));
    assert_false(trade_dedup_overlaps(&dedup, 15000001, 97999999));
    assert_true(trade_dedup_overlaps(&dedup, 15000001, 98000000));
    assert_false(trade_dedup_overlaps(&dedup, 102000001, INT64_MAX));
    assert_true(trade_dedup_overlaps(&dedup, INT64_MIN, INT64_MAX));
    rows_deinit(&batch);
    trade_dedup_deinit(&dedup);
}

static void memory_is_reused_by_a_larger_and_a_smaller_batch(void **state)
{
    static struct row many[3000];
    static char ids[3000][8];
    const struct row one = { "n17", 1, "BUY", 17 };
    struct trade_dedup dedup = { 0 };
    struct rows small, large;
    uint32_t index[3000];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        snprintf(ids[i], sizeof(ids[i]), "n%zu", i % 1000);
        many[i] = (struct row){ ids[i], 1, "BUY", (int64_t)(i % 1000) };
    }
    rows_init(&small, &one, 1);
    rows_init(&large, many, ARRAY_LEN(many));
    for (int round = 0; round < 2; round++) {
        trade_dedup_begin(&dedup, &small.keys, WINDOW_US);
        trade_dedup_within(&dedup);
        assert_int_equal(trade_dedup_kept(&dedup, index), 1);
        trade_dedup_begin(&dedup, &large.keys, WINDOW_US);
        trade_dedup_against(&dedup, &small.keys);
        trade_dedup_within(&dedup);
        assert_int_equal(trade_dedup_kept(&dedup, index), 999);
    }
    rows_deinit(&small);
    rows_deinit(&large);
    trade_dedup_deinit(&dedup);
}

/* What rule 7 says, word by word. */
static void expect_by_the_rule(const struct row *gold, size_t gold_count, const struct row *batch,
                               size_t count, uint8_t *mark)
{
    for (size_t i = 0; i < count; i++) {
        mark[i] = 0;
        for (size_t k = 0; k < gold_count + i; k++) {
            const struct row *kept = k < gold_count ? &gold[k] : &batch[k - gold_count];

            if ((k >= gold_count && mark[k - gold_count] == TRADE_DEDUP_COPY) ||
                strcmp(kept->id, batch[i].id) != 0 ||
                llabs((kept->at_s - batch[i].at_s) * 1000000) > WINDOW_US)
                continue;
            if (kept->price == batch[i].price && strcmp(kept->side, batch[i].side) == 0)
                mark[i] = TRADE_DEDUP_COPY;
            else if (mark[i] != TRADE_DEDUP_COPY)
                mark[i] = TRADE_DEDUP_ID_CONFLICT;
        }
    }
}

static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % below;
}

static void draw_rows(uint64_t *state, struct row *rows, size_t count)
{
    static const char *const ids[] = { "a", "b", "ab", "c", "d", "e", "f", "g" };
    uint32_t id_count = 1 + draw(state, ARRAY_LEN(ids)), prices = 1 + draw(state, 4);
    uint32_t seconds = 1 + draw(state, 40);

    for (size_t i = 0; i < count; i++)
        rows[i] = (struct row){ ids[draw(state, id_count)], draw(state, prices) - 1,
                                draw(state, 4) == 0 ? "SELL" : "BUY", draw(state, seconds) };
}

static void few_and_many_rows_of_an_id_are_judged_by_one_rule(void **state)
{
    static struct row gold[100], batch[300];
    struct trade_dedup dedup = { 0 };
    uint64_t random = 1;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        size_t gold_count = draw(&random, ARRAY_LEN(gold)), half = gold_count / 2;
        size_t count = draw(&random, round % 3 == 0 ? ARRAY_LEN(batch) : 40);
        uint8_t mark[ARRAY_LEN(batch)];
        struct rows early, late, rows;

        draw_rows(&random, gold, gold_count);
        draw_rows(&random, batch, count);
        expect_by_the_rule(gold, gold_count, batch, count, mark);
        rows_init(&early, gold, half);
        rows_init(&late, gold + half, gold_count - half);
        rows_init(&rows, batch, count);
        trade_dedup_begin(&dedup, &rows.keys, WINDOW_US);
        for (int again = 0; again < 2; again++) {
            trade_dedup_restart(&dedup);
            trade_dedup_against(&dedup, &late.keys);
            trade_dedup_against(&dedup, &early.keys);
            trade_dedup_within(&dedup);
        }
        for (size_t i = 0; i < count; i++) {
            if (dedup.mark[i] != mark[i])
                fail_msg("round %d, row %zu: mark %d, not %d", round, i, dedup.mark[i], mark[i]);
            dedup.copies -= mark[i] == TRADE_DEDUP_COPY;
            dedup.id_conflicts -= mark[i] == TRADE_DEDUP_ID_CONFLICT;
        }
        assert_int_equal(dedup.copies, 0);
        assert_int_equal(dedup.id_conflicts, 0);
        rows_deinit(&early);
        rows_deinit(&late);
        rows_deinit(&rows);
    }
    trade_dedup_deinit(&dedup);
}

/* Row by row it would take minutes. */
static void a_feed_that_repeats_one_id_without_end_is_judged_in_time(void **state)
{
    enum { ROWS = 131072 };
    struct row *batch = calloc(ROWS, sizeof(*batch));
    struct trade_dedup dedup = { 0 };
    struct rows rows;

    (void)state;
    alarm(30);
    for (size_t prices = 1; prices <= ROWS; prices *= ROWS) {
        for (size_t i = 0; i < ROWS; i++)
            batch[i] = (struct row){ "a", (int64_t)(i % prices), "BUY", (int64_t)(i * 7919 % 7) };
        rows_init(&rows, batch, ROWS);
        trade_dedup_begin(&dedup, &rows.keys, WINDOW_US);
        trade_dedup_within(&dedup);
        assert_int_equal(dedup.copies, prices == 1 ? ROWS - 2 : 0);
        trade_dedup_restart(&dedup);
        trade_dedup_against(&dedup, &rows.keys);
        trade_dedup_within(&dedup);
        assert_int_equal(dedup.copies, ROWS);
        rows_deinit(&rows);
    }
    alarm(0);
    trade_dedup_deinit(&dedup);
    free(batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_keeps_just_what_it_should),
        cmocka_unit_test(intervals_are_the_rows_own_and_merged),
        cmocka_unit_test(memory_is_reused_by_a_larger_and_a_smaller_batch),
        cmocka_unit_test(few_and_many_rows_of_an_id_are_judged_by_one_rule),
        cmocka_unit_test(a_feed_that_repeats_one_id_without_end_is_judged_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
