// SPDX-License-Identifier: Apache-2.0
/*
 * log_run.h: a run of records of one partition as one body of bytes, for logs in rows or files.
 *
 *   1 byte      version, 1
 *   4 bytes LE  number of records
 *   for each    varint zigzag(timestamp - the one before), and varints key, value, headers: size
 *               + 1, or 0 for none; then the bytes of the three
 *   4 bytes LE  CRC-32 of all before
 *
 * Varints are LEB128, at most 10 bytes.  Offsets are not in it: a run's are dense.
 */
#ifndef K2_PORT_LOG_RUN_H
#define K2_PORT_LOG_RUN_H

#include "port/log.h"

struct log_run {
    struct buf body;
    size_t count;
    int64_t timestamp;     /* of the last record put */
    int64_t timestamp_max; /* of all */
};

/* All zero is a run without records. */
void log_run_put(struct log_run *run, const struct log_record *record);
/* The body is whole then; log_run_clear begins the next run in the same memory. */
struct span log_run_end(struct log_run *run);
void log_run_clear(struct log_run *run);
void log_run_deinit(struct log_run *run);

/* What of a body to take. */
struct log_take {
    int64_t first_offset; /* of the body's first record */
    size_t skip;          /* records at its front */
    size_t records_max;
    size_t bytes_max; /* of keys, values, headers; the record that passes it is still taken */
};

/* The number of records, by a body whose CRC is right; -1: CORRUPT. */
CHECK_RESULT int log_run_check(struct span body, size_t *count, struct err *err);
/* Appends to *out from a body that was checked; *taken records with *bytes of keys, values and
 * headers.  -1: CORRUPT; *out then has some whole records more. */
CHECK_RESULT int log_run_decode(struct span body, const struct log_take *take,
                                struct log_batch *out, size_t *taken, size_t *bytes,
                                struct err *err);
/* The timestamp of record `index`, below the count, of a body that was checked. */
CHECK_RESULT int log_run_timestamp(struct span body, size_t index, int64_t *timestamp_us,
                                   struct err *err);

#endif
