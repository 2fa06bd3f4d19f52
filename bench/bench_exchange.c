// SPDX-License-Identifier: Apache-2.0
/*
 * bench_exchange.c: ns a frame from Binance's text to a trade, and on to the record in the log.
 *
 *   bench_exchange RECORDING...      the files of recordings/
 *
 * Best of five rounds over all frames, CPU time.
 */
#include "core/column.h"
#include "exchange/binance.h"
#include "trade/trade_encode.h"

#include <inttypes.h>
#include <time.h>
#include <zlib.h>

enum { ROUNDS = 5, PASSES = 20, LINE_BYTES_MAX = 4096 };

struct run {
    struct buf record; /* with this */
    bool encodes;
    uint64_t trades;
    uint64_t sum; /* so that nothing is optimised away */
};

static void take(void *context, struct trade *trade)
{
    struct run *run = context;

    run->trades++;
    run->sum += (uint64_t)trade->price + (uint64_t)trade->message_id[35];
    if (run->encodes) {
        buf_clear(&run->record);
        trade->platform_sequence = (int64_t)run->trades;
        trade_encode(trade, 1, &run->record);
        run->sum += run->record.size;
    }
}

static int read_frames(const char *path, struct column *frames)
{
    gzFile file = gzopen(path, "rb");
    char line[LINE_BYTES_MAX];

    if (file == NULL) {
        fprintf(stderr, "bench_exchange: %s cannot be read\n", path);
        return -1;
    }
    while (gzgets(file, line, sizeof(line)) != NULL) {
        const char *frame = strchr(line, ' ');

        if (frame != NULL)
            column_put_bytes(frames, span_of(frame + 1, strcspn(frame + 1, "\n")));
    }
    gzclose(file);
    return 0;
}

static double cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int measure(struct exchange *exchange, const struct column *frames, const char *name,
                   bool encodes, struct err *err)
{
    struct run run = { .encodes = encodes };
    struct exchange_sink sink = { take, &run };
    double best = 0;

    for (int round = 0; round < ROUNDS; round++) {
        double from = cpu_ns(), spent;

        for (int pass = 0; pass < PASSES; pass++)
            for (size_t i = 0; i < frames->rows; i++)
                if (exchange_frame(exchange, column_bytes(frames, i), 1, &sink, err) < 0)
                    return -1;
        spent = (cpu_ns() - from) / ((double)frames->rows * PASSES);
        if (round == 0 || spent < best)
            best = spent;
    }
    printf("%-24s %7.0f ns a frame (%" PRIu64 " trades, %zu bytes a record, sum %" PRIx64 ")\n",
           name, best, run.trades, run.record.size, run.sum);
    buf_deinit(&run.record);
    return 0;
}

int main(int argc, char **argv)
{
    static const char *const names[] = { "BTCUSDT", "ETHUSDT" };
    struct instruments instruments = INSTRUMENTS_INIT;
    struct exchange *exchange = NULL;
    struct column frames;
    struct err err = { 0 };
    int rc = argc > 1 ? 0 : -1;

    column_init(&frames, COLUMN_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct span name = span_text(names[i]);
        struct instrument pair = { .name = name, .symbol = name, .currency = SPAN("USDT") };

        instruments_put(&instruments, SPAN("BINANCE"), &pair);
    }
    for (int i = 1; i < argc && rc == 0; i++)
        rc = read_frames(argv[i], &frames);
    if (rc == 0)
        rc = instruments_check(&instruments, "binance", names, ARRAY_LEN(names), 8, &err);
    if (rc == 0) {
        exchange = binance_kind.new(&instruments);
        exchange_connected(exchange, "ws://bench/stream", 0);
        rc = measure(exchange, &frames, "frame -> trade", false, &err);
    }
    if (rc == 0)
        rc = measure(exchange, &frames, "frame -> trade -> record", true, &err);
    if (rc < 0)
        fprintf(stderr, "bench_exchange RECORDING...: %s\n", err.text);
    exchange_free(exchange);
    instruments_deinit(&instruments);
    column_deinit(&frames);
    return rc < 0;
}
