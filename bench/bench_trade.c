// SPDX-License-Identifier: Apache-2.0
/*
 * bench_trade.c: what a trade costs on one core from exchange to table, without I/O.
 *
 *   bench_trade [ROWS]     a line for each step: nanoseconds for each row, best of five rounds
 *
 * Batches are of 100,000 rows and reused, as in a stage.
 */
#include "core/decimal.h"
#include "lib/generate.h"
#include "trade/trade_decode.h"
#include "trade/trade_encode.h"
#include "trade/trade_schema.h"

#include <time.h>

enum { BATCH_ROWS = 100000, ROUNDS = 5 };

enum step { MAKE_ID, ENCODE, DECODE, CHECK, NARROW, STEPS };

static const char *const names[STEPS] = { "message_id", "encode", "decode", "check", "narrow" };

struct bench {
    struct trade *trades;      /* BATCH_ROWS; their text is in `texts` */
    struct trade_pair *vendor; /* one for each */
    char (*texts)[24];
    struct buf records;
    size_t *ends; /* of each record in `records` */
    struct arena arena;
    const struct trade_decoder *decoder;
    struct trade_batch batch;
    struct column bronze, price, quantity;
    uint8_t *reason;
    uint32_t *good;
    size_t good_count;
    double ns[STEPS]; /* the best */
};

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void fill(struct bench *bench)
{
    struct generate generate;

    generate_init(&generate, GENERATE_BINANCE, 1, INT64_C(1723161255342000), 1);
    for (size_t i = 0; i < BATCH_ROWS; i++) {
        struct trade *trade = &bench->trades[i];
        size_t size;

        generate_next(&generate, trade);
        size = trade->vendor->value.size; /* the generator's own, and soon overwritten */
        memcpy(bench->texts[i], trade->vendor->value.data, size);
        bench->vendor[i] =
            (struct trade_pair){ trade->vendor->key, span_of(bench->texts[i], size) };
        trade->vendor = &bench->vendor[i];
        column_put_int64(&bench->bronze, trade->ingestion_timestamp_us);
    }
}

static void make_ids(struct bench *bench)
{
    struct trade_id_prefix prefix = trade_id_prefix(SPAN("BINANCE"), SPAN("BTCUSDT"));
    char text[UUID_TEXT_BYTES];

    for (size_t i = 0; i < BATCH_ROWS; i++) {
        ASSERT(trade_id_format(&prefix, bench->trades[i].trade_id, text));
        __asm__ volatile("" ::"r"(text) : "memory");
    }
}

static void encode(struct bench *bench)
{
    buf_clear(&bench->records);
    for (size_t i = 0; i < BATCH_ROWS; i++) {
        trade_encode(&bench->trades[i], 1, &bench->records);
        bench->ends[i] = bench->records.size;
    }
}

static void decode(struct bench *bench)
{
    size_t begin = 0;

    trade_batch_clear(&bench->batch);
    for (size_t i = 0; i < BATCH_ROWS; begin = bench->ends[i++]) {
        struct err err;
        struct span body;
        int32_t schema_id;

        ASSERT(trade_decode_header(span_of(bench->records.data + begin, bench->ends[i] - begin),
                                   &schema_id, &body));
        ASSERT(trade_decode(bench->decoder, body, &bench->batch, &err) == 0);
    }
}

static void check(struct bench *bench)
{
    memset(bench->reason, TRADE_GOOD, BATCH_ROWS);
    trade_check(&TRADE_RULES_DEFAULT, &bench->batch, &bench->bronze, &bench->bronze, bench->reason);
}

static void narrow(struct bench *bench)
{
    bench->good_count = 0;
    for (uint32_t i = 0; i < BATCH_ROWS; i++)
        if (bench->reason[i] == TRADE_GOOD)
            bench->good[bench->good_count++] = i;
    column_clear(&bench->price);
    column_clear(&bench->quantity);
    trade_check_narrow(TRADE_RULES_DEFAULT.price, &bench->batch.column[TRADE_PRICE], bench->good,
                       bench->good_count, &bench->price);
    trade_check_narrow(TRADE_RULES_DEFAULT.quantity, &bench->batch.column[TRADE_QUANTITY],
                       bench->good, bench->good_count, &bench->quantity);
}

static void measure(struct bench *bench, enum step step, size_t batches)
{
    static void (*const runs[STEPS])(struct bench *) = { make_ids, encode, decode, check, narrow };
    double begin = now_ns();
    double ns;

    for (size_t i = 0; i < batches; i++)
        runs[step](bench);
    ns = (now_ns() - begin) / (double)(batches * BATCH_ROWS);
    if (bench->ns[step] == 0 || ns < bench->ns[step])
        bench->ns[step] = ns;
}

int main(int argc, char **argv)
{
    size_t rows = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    size_t batches = (rows + BATCH_ROWS - 1) / BATCH_ROWS;
    const struct avro_schema *schema = NULL;
    struct bench bench = { .trades = mem_zero(BATCH_ROWS, sizeof(struct trade)),
                           .vendor = mem_zero(BATCH_ROWS, sizeof(struct trade_pair)),
                           .texts = mem_zero(BATCH_ROWS, sizeof(char[24])),
                           .ends = mem_zero(BATCH_ROWS, sizeof(size_t)),
                           .reason = mem_zero(BATCH_ROWS, 1),
                           .good = mem_zero(BATCH_ROWS, sizeof(uint32_t)) };
    struct err err;

    trade_batch_init(&bench.batch);
    column_init(&bench.bronze, COLUMN_INT64);
    column_init(&bench.price, COLUMN_DECIMAL);
    column_init(&bench.quantity, COLUMN_DECIMAL);
    fill(&bench);
    if (avro_schema_parse(&bench.arena, trade_schema_json(), &schema, &err) < 0 ||
        trade_decoder_compile(&bench.arena, schema, &bench.decoder, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (int round = 0; round < ROUNDS; round++)
        for (int step = 0; step < STEPS; step++)
            measure(&bench, (enum step)step, batches);
    for (int step = 0; step < STEPS; step++)
        printf("%-12s %6.1f ns/row\n", names[step], bench.ns[step]);
    printf("%zu good of %d, %.1f bytes/record\n", bench.good_count, BATCH_ROWS,
           (double)bench.records.size / BATCH_ROWS);
    return 0;
}
