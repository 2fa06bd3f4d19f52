// SPDX-License-Identifier: Apache-2.0
/*
 * bench_parquet.c: ns and bytes a row of the Parquet writer, and ns a row of the reader, for each
 * encoding alone and for whole trade-like files.
 *
 *   bench_parquet [ROWS [ROWS_IN_A_GROUP]]      200,000 and 100,000 unless told
 *
 * Best of five; CPU time.  A row of the table is one file with one column (or all of them).
 */
#include "codec/parquet_reader.h"
#include "codec/parquet_writer.h"

#include <stdarg.h>
#include <time.h>

enum { ROUNDS = 5, SYMBOLS = 30, COLUMNS_MAX = 24 };

struct bench {
    struct parquet_field field[COLUMNS_MAX];
    struct column column[COLUMNS_MAX];
    size_t count;
    size_t rows, group_rows;
};

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static struct column *add(struct bench *bench, const char *name, enum parquet_kind kind,
                          enum parquet_encoding_wish encoding, bool required)
{
    size_t i = bench->count++;

    ASSERT(i < COLUMNS_MAX);
    bench->field[i] = (struct parquet_field){
        .name = name,
        .field_id = (int32_t)i + 1,
        .kind = kind,
        .required = required,
        .precision = kind == PARQUET_DECIMAL ? 18 : 0,
        .scale = kind == PARQUET_DECIMAL ? 8 : 0,
        .encoding = encoding,
        .child_id = { 100 + 2 * (int32_t)i, 101 + 2 * (int32_t)i },
    };
    column_init(&bench->column[i], parquet_column_type(kind));
    return &bench->column[i];
}

static void put_text(struct column *column, const char *format, ...) PRINTF_LIKE(2, 3);

static void put_text(struct column *column, const char *format, ...)
{
    char text[64];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    column_put_bytes(column, span_text(text));
}

/* What one trade of the synthetic stream is made of: bursts on one symbol, prices that walk,
 * quantities of which few are common. */
struct trade {
    uint64_t state;
    unsigned symbol;
    int64_t time, received, id[SYMBOLS];
    int64_t price[SYMBOLS], quantity;
    bool buy;
};

static void next_trade(struct trade *trade)
{
    uint64_t r = draw(&trade->state);

    if (r % 4 != 0)
        trade->symbol = (unsigned)(r >> 8) % SYMBOLS * ((r >> 16) % 3 == 0);
    if (r % 4 != 0)
        trade->time += (int64_t)((r >> 24) % 40) * 1000;
    trade->received = trade->time + 40000 + (int64_t)((r >> 32) % 3000);
    trade->id[trade->symbol]++;
    trade->price[trade->symbol] += ((int64_t)((r >> 40) % 5) - 2) * 1000000;
    trade->quantity = (r >> 48) % 3 == 0 ? (int64_t)(draw(&trade->state) % 500000) * 1000
                                         : (int64_t)(1 + (r >> 50) % 50) * 100000;
    trade->buy = r >> 63;
}

static struct trade first_trade(void)
{
    struct trade trade = { .state = 42, .time = 1700000000000000 };

    for (int i = 0; i < SYMBOLS; i++) {
        trade.id[i] = 3735683259 + 1000000 * i;
        trade.price[i] = (int64_t)(i + 1) * 100000000000;
    }
    return trade;
}

static void message_id(struct column *column, const struct trade *trade)
{
    put_text(column, "%08x-7c1f-8a3%x-9%03x-%012llx", trade->symbol * 0x9e3779b9u,
             trade->symbol % 16, trade->symbol, (unsigned long long)trade->id[trade->symbol]);
}

/* The 20 columns of a Silver row. */
static void fill_silver(struct bench *bench, enum parquet_encoding_wish integers)
{
    struct trade trade = first_trade();
    struct column *message = add(bench, "message_id", PARQUET_STRING, PARQUET_PLAIN, true);
    struct column *trade_id = add(bench, "trade_id", PARQUET_STRING, PARQUET_PLAIN, true);
    struct column *symbol = add(bench, "symbol", PARQUET_STRING, PARQUET_DICTIONARY, true);
    struct column *exchange = add(bench, "exchange", PARQUET_STRING, PARQUET_DICTIONARY, true);
    struct column *class = add(bench, "asset_class", PARQUET_STRING, PARQUET_DICTIONARY, true);
    struct column *time = add(bench, "timestamp", PARQUET_TIMESTAMPTZ, integers, true);
    struct column *price = add(bench, "price", PARQUET_DECIMAL, PARQUET_DICTIONARY, true);
    struct column *quantity = add(bench, "quantity", PARQUET_DECIMAL, PARQUET_DICTIONARY, true);
    struct column *currency = add(bench, "currency", PARQUET_STRING, PARQUET_DICTIONARY, true);
    struct column *side = add(bench, "side", PARQUET_STRING, PARQUET_DICTIONARY, true);
    struct column *conditions =
        add(bench, "trade_conditions", PARQUET_LIST, PARQUET_DICTIONARY, true);
    struct column *sequence = add(bench, "source_sequence", PARQUET_LONG, PARQUET_PLAIN, false);
    struct column *received =
        add(bench, "ingestion_timestamp", PARQUET_TIMESTAMPTZ, integers, true);
    struct column *platform = add(bench, "platform_sequence", PARQUET_LONG, integers, false);
    struct column *vendor = add(bench, "vendor_data", PARQUET_MAP, PARQUET_DICTIONARY, false);
    struct column *validated =
        add(bench, "validation_timestamp", PARQUET_TIMESTAMPTZ, integers, true);
    struct column *bronze =
        add(bench, "bronze_ingestion_timestamp", PARQUET_TIMESTAMPTZ, integers, true);
    struct column *schema = add(bench, "schema_id", PARQUET_INT, PARQUET_DICTIONARY, true);
    struct column *partition = add(bench, "kafka_partition", PARQUET_INT, PARQUET_DICTIONARY, true);
    struct column *offset = add(bench, "kafka_offset", PARQUET_LONG, integers, true);

    bench->field[0].no_bounds = true;
    for (size_t row = 0; row < bench->rows; row++) {
        next_trade(&trade);
        message_id(message, &trade);
        put_text(trade_id, "BINANCE-%lld", (long long)trade.id[trade.symbol]);
        put_text(symbol, "SYM%02uUSDT", trade.symbol);
        put_text(exchange, "BINANCE");
        put_text(class, "crypto");
        column_put_int64(time, trade.time);
        column_put_decimal(price, trade.price[trade.symbol]);
        column_put_decimal(quantity, trade.quantity);
        put_text(currency, "USDT");
        put_text(side, trade.buy ? "BUY" : "SELL");
        column_put_entries(conditions);
        column_put_int64(sequence, trade.id[trade.symbol]);
        column_put_int64(received, trade.received);
        column_put_int64(platform, (int64_t)row);
        column_put_null(vendor);
        column_put_int64(validated, 1700000000000000);
        column_put_int64(bronze, 1700000000000000 - (int64_t)(row / 4000));
        column_put_int32(schema, 1);
        column_put_int32(partition, (int32_t)(row / 1000 % 40));
        column_put_int64(offset, (int64_t)row);
    }
}

static double cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Reads every field of every row group, dropping the rows of each; gives the best round. */
static double measure_read(const struct bench *bench, size_t first, size_t count, struct span bytes)
{
    struct arena arena = ARENA_INIT;
    struct parquet_scratch scratch = { 0 };
    struct column columns[COLUMNS_MAX];
    struct parquet_file file;
    struct err err = { 0 };
    uint64_t footer;
    double best = 1e18;
    int rc =
        parquet_footer_size(span_of(bytes.data + bytes.size - 8, 8), bytes.size, &footer, &err);

    if (rc == 0)
        rc = parquet_file_parse(&arena, span_of(bytes.data + bytes.size - 8 - footer, footer),
                                bytes.size, &file, &err);
    for (size_t i = 0; i < count; i++)
        column_init(&columns[i], bench->column[first + i].type);
    for (int round = 0; round < ROUNDS && rc == 0; round++) {
        double start = cpu_ns();

        for (size_t g = 0; g < file.row_group_count; g++)
            for (size_t i = 0; i < count && rc == 0; i++) {
                struct span chunks[2];
                size_t leaf, leaves;

                ASSERT(parquet_file_leaves(&file, &bench->field[first + i], &leaf, &leaves));
                for (size_t l = 0; l < leaves; l++) {
                    const struct parquet_chunk *chunk = &file.row_group[g].chunk[leaf + l];

                    chunks[l] = span_of(bytes.data + chunk->offset, (size_t)chunk->size);
                }
                column_clear(&columns[i]);
                rc = parquet_read_field(&file, g, &bench->field[first + i], chunks, &scratch,
                                        &columns[i], &err);
            }
        best = cpu_ns() - start < best ? cpu_ns() - start : best;
    }
    if (rc < 0) {
        fprintf(stderr, "bench_parquet: %s\n", err.text);
        exit(1);
    }
    for (size_t i = 0; i < count; i++)
        column_deinit(&columns[i]);
    parquet_scratch_deinit(&scratch);
    arena_deinit(&arena);
    return best;
}

/* Fields [first, first + count) as files of their own: prints the best round. */
static void measure(const struct bench *bench, const char *name, size_t first, size_t count,
                    int zstd_level, struct buf *out)
{
    const struct parquet_options options = { .zstd_level = zstd_level, .created_by = "k2 bench" };
    struct parquet_writer *writer = parquet_writer_new(bench->field + first, count, &options);
    const struct column *columns[COLUMNS_MAX];
    struct err err = { 0 };
    double best = 1e18;

    for (size_t i = 0; i < count; i++)
        columns[i] = &bench->column[first + i];
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_ns();
        int rc = 0;

        buf_clear(out);
        parquet_writer_begin(writer, out);
        for (size_t row = 0; row < bench->rows && rc == 0; row += bench->group_rows) {
            size_t left = bench->rows - row;

            rc = parquet_writer_row_group(writer, columns, row,
                                          left < bench->group_rows ? left : bench->group_rows, out,
                                          &err);
        }
        if (rc < 0 || parquet_writer_finish(writer, NULL, 0, out, &err) < 0) {
            fprintf(stderr, "bench_parquet: %s: %s\n", name, err.text);
            exit(1);
        }
        best = cpu_ns() - start < best ? cpu_ns() - start : best;
    }
    printf("%-44s %4d %10.1f %10.1f %10.2f\n", name, zstd_level, best / (double)bench->rows,
           measure_read(bench, first, count, buf_span(out)) / (double)bench->rows,
           (double)out->size / (double)bench->rows);
    parquet_writer_free(writer);
}

static void clear(struct bench *bench)
{
    for (size_t i = 0; i < bench->count; i++)
        column_deinit(&bench->column[i]);
    bench->count = 0;
}

/* Each column of the trade alone, without compression and with it. */
static void measure_columns(struct bench *bench, const char *suffix, struct buf *out)
{
    for (size_t i = 0; i < bench->count; i++) {
        char name[64];

        snprintf(name, sizeof(name), "%s%s", bench->field[i].name, suffix);
        measure(bench, name, i, 1, 0, out);
        measure(bench, name, i, 1, 1, out);
    }
}

/* Half of the values null, in no order: the slow path of levels. */
static void measure_nulls(struct bench *bench, struct buf *out)
{
    uint64_t state = 7;
    struct column *number = add(bench, "long, half null", PARQUET_LONG, PARQUET_PLAIN, false);
    struct column *text = add(bench, "string, half null", PARQUET_STRING, PARQUET_PLAIN, false);
    struct column *wide = add(bench, "decimal(38,18)", PARQUET_DECIMAL, PARQUET_PLAIN, true);
    struct column *list = add(bench, "list of one", PARQUET_LIST, PARQUET_DICTIONARY, true);

    bench->field[2].precision = 38;
    for (size_t row = 0; row < bench->rows; row++) {
        uint64_t r = draw(&state);

        if (r & 1)
            column_put_null(number), column_put_null(text);
        else
            column_put_int64(number, (int64_t)(r >> 40)), put_text(text, "%u", (unsigned)r);
        column_put_decimal(wide, (int128)(r >> 20) * 1000000007);
        put_text(list->child[0], r & 2 ? "market" : "limit");
        column_put_entries(list);
    }
    measure_columns(bench, "", out);
}

int main(int argc, char **argv)
{
    struct bench bench = { .rows = 200000, .group_rows = 100000 };
    struct buf out = BUF_INIT;

    if (argc > 1)
        bench.rows = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        bench.group_rows = strtoul(argv[2], NULL, 10);
    if (bench.rows == 0 || bench.group_rows == 0) {
        fprintf(stderr, "usage: bench_parquet [ROWS [ROWS_IN_A_GROUP]]\n");
        return 2;
    }
    printf("%-44s %4s %10s %10s %10s\n", "", "zstd", "write ns", "read ns", "bytes/row");
    fill_silver(&bench, PARQUET_PLAIN);
    measure_columns(&bench, "", &out);
    measure(&bench, "silver, 20 columns, compatible", 0, bench.count, 0, &out);
    measure(&bench, "silver, 20 columns, compatible", 0, bench.count, 1, &out);
    measure(&bench, "silver, 20 columns, compatible", 0, bench.count, 3, &out);
    clear(&bench);
    fill_silver(&bench, PARQUET_DELTA);
    measure(&bench, "timestamp, DELTA", 5, 1, 0, &out);
    measure(&bench, "ingestion_timestamp, DELTA", 12, 1, 0, &out);
    measure(&bench, "kafka_offset, DELTA", 19, 1, 0, &out);
    measure(&bench, "silver, 20 columns, compact", 0, bench.count, 1, &out);
    clear(&bench);
    measure_nulls(&bench, &out);
    clear(&bench);
    buf_deinit(&out);
    return 0;
}
