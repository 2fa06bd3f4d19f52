// SPDX-License-Identifier: Apache-2.0
/*
 * ingest_tool.c: the ingest stage over real sockets into a SQLite log, for
 * tests/interop/test_ingest.py.
 *
 *   ingest_tool ws=URL rest=URL log=FILE [for_ms=N] [trades=N] [symbols=A,B] [idle_ms=N]
 *
 * Runs until for_ms are over or as many distinct trades have come as
 * asked; then stops as a process would and prints counts, one `name=value` a line.
 */
#include "exchange/binance.h"
#include "port/clock.h"
#include "stage/ingest.h"

#include <inttypes.h>
#include <string.h>

#define TOPIC "market.crypto.trades.binance"

struct options {
    const char *ws, *rest, *log;
    const char *symbols[16];
    size_t symbol_count;
    int64_t for_ms, trades, idle_ms;
};

static bool parse(int argc, char **argv, struct options *options)
{
    static char symbols[256];

    snprintf(symbols, sizeof(symbols), "BTCUSDT,ETHUSDT");
    options->for_ms = 60000;
    for (int i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');

        if (value == NULL)
            return false;
        *value++ = '\0';
        if (strcmp(argv[i], "ws") == 0)
            options->ws = value;
        else if (strcmp(argv[i], "rest") == 0)
            options->rest = value;
        else if (strcmp(argv[i], "log") == 0)
            options->log = value;
        else if (strcmp(argv[i], "for_ms") == 0)
            options->for_ms = strtoll(value, NULL, 10);
        else if (strcmp(argv[i], "trades") == 0)
            options->trades = strtoll(value, NULL, 10);
        else if (strcmp(argv[i], "idle_ms") == 0)
            options->idle_ms = strtoll(value, NULL, 10);
        else if (strcmp(argv[i], "symbols") == 0)
            snprintf(symbols, sizeof(symbols), "%s", value);
        else
            return false;
    }
    for (char *at = strtok(symbols, ","); at != NULL && options->symbol_count < 16;
         at = strtok(NULL, ","))
        options->symbols[options->symbol_count++] = at;
    return options->ws != NULL && options->rest != NULL && options->log != NULL;
}

static void print_counters(const struct ingest *ingest)
{
    struct ingest_counters c;

    ingest_counters(ingest, &c);
    printf("frames=%" PRId64 "\ntrades=%" PRId64 "\ndead_letters=%" PRId64 "\ncontrol=%" PRId64
           "\n",
           c.frames, c.trades, c.dead_letters, c.control);
    printf("missing=%" PRId64 "\nrepeated=%" PRId64 "\nsent=%" PRId64 "\nacknowledged=%" PRId64
           "\n",
           c.missing, c.repeated, c.sent, c.acknowledged);
    printf("attempts=%" PRId64 "\nconnections=%" PRId64 "\ntrouble=%s\n", c.attempts, c.connections,
           c.trouble);
}

/* Distinct trades by what the ingest has seen: those it took less those it had before. */
static bool is_enough(const struct ingest *ingest, int64_t trades)
{
    struct ingest_counters c;

    ingest_counters(ingest, &c);
    return trades > 0 && c.trades - c.repeated >= trades;
}

static int run(const struct options *options, struct ingest *ingest, struct clock *clock,
               struct err *err)
{
    int64_t until_us = clock_now_us(clock) + options->for_ms * 1000;

    while (clock_now_us(clock) < until_us && !is_enough(ingest, options->trades))
        if (ingest_step(ingest, 100000, err) < 0)
            return -1;
    return ingest_stop(ingest, 10000000, err);
}

/* Every record of the topic: "record PARTITION KEY VALUE-IN-HEX". */
static int print_records(struct log *log, struct registry *registry, struct err *err)
{
    struct log_batch batch;
    struct buf schema = BUF_INIT;
    int rc = registry_get(registry, 1, &schema, err);

    log_batch_init(&batch);
    if (rc == 0)
        printf("schema=%s\n", buf_text(&schema));
    for (int32_t p = 0; p < 40 && rc == 0; p++) {
        int64_t from = 0, next = 0;

        while ((rc = log_read(log, TOPIC, p, from, 10000, 4 << 20, &batch, &next, err)) == 0 &&
               next > from) {
            from = next;
            for (size_t i = 0; i < batch.value.rows; i++) {
                struct span value = column_bytes(&batch.value, i);

                printf("record %d %.*s ", p, SPAN_ARGS(column_bytes(&batch.key, i)));
                for (size_t at = 0; at < value.size; at++)
                    printf("%02x", value.data[at]);
                printf("\n");
            }
            log_batch_clear(&batch);
        }
    }
    log_batch_deinit(&batch);
    buf_deinit(&schema);
    return rc;
}

int main(int argc, char **argv)
{
    struct options options = { 0 };
    struct feed_websocket_options feed_options = { 0 };
    struct ingest_ports ports = { 0 };
    struct ingest_config config;
    struct ingest *ingest = NULL;
    struct err err = { 0 };
    int rc = -1;

    if (!parse(argc, argv, &options))
        return 2;
    feed_options.idle_ms_max = options.idle_ms;
    ports.clock = clock_system_open();
    ports.registry = registry_mem_open();
    if (feed_websocket_open(&feed_options, ports.clock, &ports.feed, &err) < 0 ||
        http_curl_open(&ports.http, &err) < 0 || log_sqlite_open(options.log, &ports.log, &err) < 0)
        goto out;
    config = (struct ingest_config){
        .kind = &binance_kind,
        .urls = &options.ws,
        .url_count = 1,
        .rest_url = options.rest,
        .symbols = options.symbols,
        .symbol_count = options.symbol_count,
        .partitions = 40,
        .scale = 8,
    };
    ingest = ingest_new(&config, &ports);
    rc = run(&options, ingest, ports.clock, &err);
    print_counters(ingest);
    if (rc == 0)
        rc = print_records(ports.log, ports.registry, &err);
out:
    if (rc != 0)
        printf("error=%s\n", err.text);
    ingest_free(ingest);
    feed_close(ports.feed);
    http_close(ports.http);
    log_close(ports.log);
    registry_close(ports.registry);
    clock_close(ports.clock);
    return rc == 0 ? 0 : 1;
}
