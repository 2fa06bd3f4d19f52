// SPDX-License-Identifier: Apache-2.0
/*
 * bench_dedup.c: ns a row of Gold's dedup kernel: begin (hashing the batch), against (streaming
 * what Gold has), within.
 *
 *   bench_dedup [ROWS]     a batch of 65,536 rows against as many that hold half of them
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

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 65536;
    double best[3] = { 1e9, 1e9, 1e9 };
    struct trade_dedup dedup = { 0 };
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
    for (int round = 0; round < 15; round++) {
        double at[4];

        at[0] = now_s();
        trade_dedup_begin(&dedup, &batch.keys, 2000000);
        at[1] = now_s();
        trade_dedup_against(&dedup, &kept.keys);
        at[2] = now_s();
        trade_dedup_within(&dedup);
        at[3] = now_s();
        for (int i = 0; i < 3; i++)
            if (at[i + 1] - at[i] < best[i])
                best[i] = at[i + 1] - at[i];
    }
    printf("dedup begin    %6.1f ns/row\ndedup against  %6.1f ns/row\ndedup within   %6.1f ns/row\n"
           "%zu rows, %zu copies\n",
           best[0] * 1e9 / (double)count, best[1] * 1e9 / (double)count,
           best[2] * 1e9 / (double)count, count, dedup.copies);
    trade_dedup_deinit(&dedup);
    rows_deinit(&batch);
    rows_deinit(&kept);
    return 0;
}
