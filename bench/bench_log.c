// SPDX-License-Identifier: Apache-2.0
/*
 * bench_log.c: ns a record of the SQLite log, sending and reading, for runs of 10, 100, 1000.
 *
 *   bench_log [RECORDS [FOLDER]]      400,000 in the current folder unless told
 *
 * A group is one run of one of 40 partitions; a record is what a trade is: a key of 7 bytes and a
 * value of 150.  CPU time is the whole process's, the writer thread's included; wall time of
 * sending is that of the disk's syncs.
 */
#include "port/log.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

enum { PARTITIONS = 40, VALUE_BYTES = 150, RUN_RECORDS_MAX = 1000, BATCH_RECORDS = 131072 };

static double seconds(clockid_t which)
{
    struct timespec now;

    clock_gettime(which, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die_on(int rc, const struct err *err)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bench_log: %s\n", err->text);
    exit(1);
}

static void send_all(struct log *log, size_t run, size_t total)
{
    static uint8_t value[VALUE_BYTES];
    struct log_record records[RUN_RECORDS_MAX];
    uint64_t acknowledged = 0;
    struct err err = { 0 };

    for (size_t i = 0; i < sizeof(value); i++)
        value[i] = (uint8_t)(i * 7);
    for (size_t sent = 0; sent < total;) {
        int rc;

        for (size_t i = 0; i < run; i++)
            records[i] = (struct log_record){
                .partition = (int32_t)(sent / run % PARTITIONS),
                .timestamp_us = 1700000000000000 + (int64_t)(sent + i) * 1000,
                .key = SPAN("BTCUSDT"),
                .value = span_of(value, sizeof(value)),
            };
        rc = log_send(log, "trades", records, run, &err);
        die_on(rc, &err);
        if (rc == LOG_BUSY)
            die_on(log_poll(log, 1000000, &acknowledged, &err), &err);
        else
            sent += run;
    }
    while (acknowledged < total)
        die_on(log_poll(log, 1000000, &acknowledged, &err), &err);
}

static size_t read_all(struct log *log)
{
    struct log_batch batch;
    struct err err = { 0 };
    size_t records = 0;

    log_batch_init(&batch);
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        int64_t position = 0, next = 0;

        do {
            position = next;
            log_batch_clear(&batch);
            die_on(log_read(log, "trades", partition, position, BATCH_RECORDS, SIZE_MAX, &batch,
                            &next, &err),
                   &err);
            records += batch.offset.rows;
        } while (next > position);
    }
    log_batch_deinit(&batch);
    return records;
}

static void bench(const char *file, size_t run, size_t total)
{
    struct log *log = NULL;
    struct err err = { 0 };
    double send_cpu, send_wall, read_cpu = 1e9;

    total -= total % (run * PARTITIONS);
    die_on(log_sqlite_open(file, &log, &err), &err);
    die_on(log_ensure_topic(log, "trades", PARTITIONS, &err), &err);
    send_cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    send_wall = seconds(CLOCK_MONOTONIC);
    send_all(log, run, total);
    send_cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - send_cpu;
    send_wall = seconds(CLOCK_MONOTONIC) - send_wall;
    for (int i = 0; i < 3; i++) {
        double began = seconds(CLOCK_PROCESS_CPUTIME_ID);

        if (read_all(log) != total)
            die_on(err_set(&err, ERR_CORRUPT, "records are missing"), &err);
        began = seconds(CLOCK_PROCESS_CPUTIME_ID) - began;
        read_cpu = began < read_cpu ? began : read_cpu;
    }
    log_close(log);
    printf("runs of %4zu: send %5.0f ns cpu, %6.0f ns wall; read %4.0f ns cpu a record\n", run,
           send_cpu * 1e9 / (double)total, send_wall * 1e9 / (double)total,
           read_cpu * 1e9 / (double)total);
}

int main(int argc, char **argv)
{
    static const size_t runs[] = { 10, 100, 1000 };
    size_t total = argc > 1 ? strtoull(argv[1], NULL, 10) : 400000;
    const char *folder = argc > 2 ? argv[2] : ".";

    for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
        static const char *const ends[] = { "", "-wal", "-shm" };
        struct buf file = BUF_INIT;
        size_t size;

        buf_printf(&file, "%s/bench_log-%d-%zu.db", folder, (int)getpid(), runs[i]);
        size = file.size;
        bench(buf_text(&file), runs[i], total);
        for (size_t k = 0; k < ARRAY_LEN(ends); k++) {
            file.size = size;
            buf_put_text(&file, ends[k]);
            unlink(buf_text(&file));
        }
        buf_deinit(&file);
    }
    return 0;
}
