// SPDX-License-Identifier: Apache-2.0
/*
 * bench_pipeline.c: rows per CPU-second of each stage over a generator's trades in the embedded
 * log.
 *
 *   bench_pipeline [ROWS [FOLDER [fill]]]    2,000,000 rows in a folder of its own under /tmp
 *
 * With `fill` it ends there: the folder is then a data_dir for `k2 run`, whose memory with all jobs
 * in one process is to be looked at.
 *
 * Fills the log first (not counted), then drains stage by stage: Bronze, Silver, Gold, with the
 * real SQLite catalog and local files.  CPU is user + system of the whole process; peak memory is
 * that of the process up to the end of the stage.  Quote ratios and medians: machines are noisy.
 */
#include "lib/generate.h"

#include "core/micros.h"
#include "stage/bronze.h"
#include "stage/gold.h"
#include "stage/silver.h"
#include "stage/tables.h"
#include "trade/trade_encode.h"
#include "trade/trade_schema.h"

#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PARTITIONS = 40, RUN = 500 };

struct bench {
    char folder[200];
    struct clock *clock;
    struct store *store;
    struct catalog *catalog;
    struct registry *registry;
    struct log *log;
    struct stage_ports ports;
    struct trade_rules rules;
    struct err err;
};

static void must(struct bench *bench, int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", what, bench->err.text);
        exit(1);
    }
}

static void bench_open(struct bench *bench, const char *folder)
{
    char path[256];

    if (folder != NULL)
        snprintf(bench->folder, sizeof(bench->folder), "%s", folder);
    else
        snprintf(bench->folder, sizeof(bench->folder), "/tmp/k2-bench-XXXXXX");
    if (folder == NULL && mkdtemp(bench->folder) == NULL)
        exit(1);
    bench->clock = clock_system_open();
    snprintf(path, sizeof(path), "%s/warehouse", bench->folder);
    must(bench, store_local_open(path, &bench->store, &bench->err), "store");
    snprintf(path, sizeof(path), "%s/k2.db", bench->folder);
    must(bench,
         catalog_sqlite_open(path, "iceberg", bench->store, bench->clock, &bench->catalog,
                             &bench->err),
         "catalog");
    must(bench, registry_sqlite_open(path, NULL, &bench->registry, &bench->err), "registry");
    snprintf(path, sizeof(path), "%s/log.db", bench->folder);
    must(bench, log_sqlite_open(path, &bench->log, &bench->err), "log");
    bench->rules = TRADE_RULES_DEFAULT;
    bench->ports = (struct stage_ports){ .table = { bench->catalog, bench->store, bench->clock },
                                         .log = bench->log,
                                         .registry = bench->registry,
                                         .space = "market_data",
                                         .worker = "bench",
                                         .batch_rows = 65536,
                                         .batch_bytes = 16 << 20,
                                         .idle_commit_us = 60 * MICROS_SECOND,
                                         .downstream_look_us = 30 * MICROS_SECOND };
}

static void bench_close(struct bench *bench)
{
    log_close(bench->log);
    registry_close(bench->registry);
    catalog_close(bench->catalog);
    store_close(bench->store);
    clock_close(bench->clock);
}

static void send_run(struct bench *bench, const char *topic, const struct log_record *records,
                     size_t count)
{
    uint64_t acknowledged;
    int rc;

    while ((rc = log_send(bench->log, topic, records, count, &bench->err)) == LOG_BUSY)
        must(bench, log_poll(bench->log, 100000, &acknowledged, &bench->err), "poll");
    must(bench, rc, "send");
}

static void fill_log(struct bench *bench, const char *topic, int64_t rows)
{
    struct generate generate;
    struct buf bytes = BUF_INIT;
    struct log_record records[RUN];
    size_t begin[RUN + 1];
    uint64_t acknowledged = 0;
    int32_t schema;
    int32_t partition = 0;

    must(bench, log_ensure_topic(bench->log, topic, PARTITIONS, &bench->err), "topic");
    must(bench,
         registry_put(bench->registry, "trades-value", trade_schema_json(), &schema, &bench->err),
         "schema");
    generate_init(&generate, GENERATE_BINANCE, 7,
                  clock_now_us(bench->clock) - rows * 1000 - MICROS_HOUR, 1);
    for (int64_t row = 0; row < rows;) {
        size_t count = 0;

        buf_clear(&bytes);
        for (; count < RUN && row < rows; count++, row++) {
            struct trade trade;

            generate_next(&generate, &trade);
            begin[count] = bytes.size;
            trade_encode(&trade, schema, &bytes);
            records[count] = (struct log_record){ .partition = partition,
                                                  .timestamp_us = trade.ingestion_timestamp_us };
        }
        begin[count] = bytes.size;
        for (size_t i = 0; i < count; i++)
            records[i].value = span_of(bytes.data + begin[i], begin[i + 1] - begin[i]);
        send_run(bench, topic, records, count);
        partition = (partition + 1) % 4; /* a few symbols hash to a few partitions */
    }
    while (acknowledged < (uint64_t)rows)
        must(bench, log_poll(bench->log, 100000, &acknowledged, &bench->err), "poll");
    buf_deinit(&bytes);
}

static double cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static long peak_mb(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

static int64_t live_bytes(struct bench *bench, struct chain_table *chain)
{
    const struct ice_snapshot *current;
    const char *bytes;

    must(bench, table_load(&chain->table, &bench->err), "load");
    current = ice_metadata_current(chain->table.metadata);
    bytes = current == NULL ? NULL : ice_snapshot_get(current, "total-files-size");
    return bytes == NULL ? 0 : strtoll(bytes, NULL, 10);
}

static void report(struct bench *bench, const char *name, int64_t rows, double cpu,
                   const struct stage_counters *counters, struct chain_table *chain)
{
    printf("%-8s %9.0f rows/CPU-s  %6.2f CPU-s  %4ld MB peak  %5.1f B/row  %" PRId64
           " rows in %" PRId64 " batches, %" PRId64 " set aside\n",
           name, (double)rows / cpu, cpu, peak_mb(),
           (double)live_bytes(bench, chain) / (double)(counters->rows > 0 ? counters->rows : 1),
           counters->rows, counters->batches, counters->rejected);
    fflush(stdout);
}

static void drain_bronze(struct bench *bench, int64_t rows)
{
    struct bronze *bronze = bronze_new(&bench->ports, "binance", PARTITIONS);
    double before = cpu_seconds();
    int rc;

    while ((rc = bronze_step(bronze, &bench->err)) == 0) {
    }
    must(bench, rc, "bronze");
    report(bench, "bronze", rows, cpu_seconds() - before, bronze_counters(bronze),
           bronze_table(bronze));
    bronze_free(bronze);
}

static void drain_silver(struct bench *bench, int64_t rows)
{
    struct silver *silver = silver_new(&bench->ports, "binance", PARTITIONS, &bench->rules);
    double before = cpu_seconds();
    int rc;

    while ((rc = silver_step(silver, &bench->err)) == 0) {
    }
    must(bench, rc, "silver");
    report(bench, "silver", rows, cpu_seconds() - before, silver_counters(silver),
           silver_table(silver));
    silver_free(silver);
}

static void drain_gold(struct bench *bench, int64_t rows)
{
    const char *const exchanges[] = { "binance" };
    struct gold *gold = gold_new(&bench->ports, exchanges, 1, 2 * MICROS_SECOND);
    double before = cpu_seconds();
    int rc;

    while ((rc = gold_step(gold, &bench->err)) == 0) {
    }
    must(bench, rc, "gold");
    report(bench, "gold", rows, cpu_seconds() - before, gold_counters(gold), gold_table(gold));
    gold_free(gold);
}

int main(int argc, char **argv)
{
    struct bench bench = { 0 };
    int64_t rows = argc > 1 ? strtoll(argv[1], NULL, 10) : 2000000;
    double before;

    bench_open(&bench, argc > 2 ? argv[2] : NULL);
    before = cpu_seconds();
    fill_log(&bench, "market.crypto.trades.binance", rows);
    printf("%" PRId64 " rows in the log, %.2f CPU-s, %ld MB peak, %s\n", rows,
           cpu_seconds() - before, peak_mb(), bench.folder);
    if (argc <= 3) {
        drain_bronze(&bench, rows);
        drain_silver(&bench, rows);
        drain_gold(&bench, rows);
    }
    bench_close(&bench);
    return 0;
}
