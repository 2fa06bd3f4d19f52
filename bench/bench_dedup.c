// SPDX-License-Identifier: Apache-2.0
/*
 * bench_dedup.c: ns a row of Gold's dedup kernel: begin (hashing the batch), against (streaming
 * what Gold has), within.
 *
 *   bench_dedup [ROWS]     a batch of 65,536 rows against as many that hold half of them
 *   bench_dedup sick [ROWS]   three batches of 131,072 rows that all have one id, over 10 s: copies
 * of one trade; as many prices; each against as many such rows
 */
#include "lib/generate.h"

#include "trade/trade_dedup.h"

#include <time.h>

struct rows {
    struct column id, price, quantity, side, timestamp;
    struct trade_keys keys;
};

static void rows_init(struct rows *rows)
{
    column_init(&rows->id, COLUMN_BYTES);
    column_init(&rows->price, COLUMN_DECIMAL);
    column_init(&rows->quantity, COLUMN_DECIMAL);
    column_init(&rows->side, COLUMN_BYTES);
    column_init(&rows->timestamp, COLUMN_INT64);
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

static void rows_put(struct rows *rows, const struct trade *trade)
{
    column_put_bytes(&rows->id, span_of(trade->message_id, UUID_TEXT_BYTES - 1));
    column_put_decimal(&rows->price, trade->price);
    column_put_decimal(&rows->quantity, trade->quantity);
    column_put_bytes(&rows->side, trade->side == TRADE_BUY ? SPAN("BUY") : SPAN("SELL"));
    column_put_int64(&rows->timestamp, trade->timestamp_us);
}

static double now_s(void)
{
    struct timespec at;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Best of `rounds`, ns a row. */
static void measure(const char *name, const struct rows *batch, const struct rows *kept, int rounds)
{
    static const char *const steps[] = { "begin", "against", "within" };
    double best[3] = { 1e9, 1e9, 1e9 };
    struct trade_dedup dedup = { 0 };
    size_t count = batch->timestamp.rows;

    for (int round = 0; round < rounds; round++) {
        double at[4];

        at[0] = now_s();
        trade_dedup_begin(&dedup, &batch->keys, 2000000);
        at[1] = now_s();
        trade_dedup_against(&dedup, &kept->keys);
        at[2] = now_s();
        trade_dedup_within(&dedup);
        at[3] = now_s();
        for (int i = 0; i < 3; i++)
            if (at[i + 1] - at[i] < best[i])
                best[i] = at[i + 1] - at[i];
    }
    for (int i = 0; i < 3; i++)
        printf("%s %-8s %9.1f ns/row\n", name, steps[i], best[i] * 1e9 / (double)count);
    printf("%s %zu rows, %zu copies, %zu id conflicts\n", name, count, dedup.copies,
           dedup.id_conflicts);
    trade_dedup_deinit(&dedup);
}

static void measure_feed(size_t count)
{
    struct generate generate;
    struct rows batch, kept;

    rows_init(&batch);
    rows_init(&kept);
    generate_init(&generate, GENERATE_BINANCE, 7, 1795000000000000, 0);
    for (size_t i = 0; i < count + count / 2; i++) {
        struct trade trade;

        generate_next(&generate, &trade);
        if (i < count)
            rows_put(&kept, &trade);
        if (i >= count / 2)
            rows_put(&batch, &trade);
    }
    measure("dedup", &batch, &kept, 15);
    rows_deinit(&batch);
    rows_deinit(&kept);
}

/* One trade `count` times; its price is one of so many. */
static void measure_sick(const char *name, size_t count, size_t prices)
{
    struct generate generate;
    struct rows batch, kept;
    struct trade trade;
    int128 price;
    int64_t at_us;

    rows_init(&batch);
    rows_init(&kept);
    generate_init(&generate, GENERATE_BINANCE, 7, 1795000000000000, 0);
    generate_next(&generate, &trade);
    price = trade.price;
    at_us = trade.timestamp_us;
    for (size_t i = 0; i < count; i++) {
        size_t shuffled = i * 7919 % count;

        trade.price = price + (int128)(shuffled % prices);
        trade.timestamp_us = at_us + (int64_t)(shuffled * 10000000 / count);
        rows_put(&batch, &trade);
        trade.price += i % 2 == 0 ? 0 : (int128)prices; /* every second row is of another price */
        trade.timestamp_us += i % 3 == 0 ? 20000000 : 0;
        rows_put(&kept, &trade);
    }
    measure(name, &batch, &kept, 1);
    rows_deinit(&batch);
    rows_deinit(&kept);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "sick") == 0) {
        size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 131072;

        measure_sick("one trade ", count, 1);
        measure_sick("100 prices", count, 100);
        measure_sick("all prices", count, count);
        return 0;
    }
    measure_feed(argc > 1 ? strtoul(argv[1], NULL, 10) : 65536);
    return 0;
}
