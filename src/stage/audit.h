// SPDX-License-Identifier: Apache-2.0
/*
 * audit.h: rule 8 of docs/commit.md: everything is accounted for.
 *
 * Gold's snapshot is fixed first, Silver at the snapshot that Gold's map names, then the dead
 * letters and Bronze.  Of a Silver snapshot that Gold has only begun, just the files taken count.
 * Offsets are compared in [L, P): P is Silver's position there, L the highest k2.retained-from.
 *
 *   each offset of [L, P)  once in Bronze; once in either Silver or the dead letters (rows with a
 *                          replay_id stand outside); below what Bronze keeps, just the latter
 *   each Silver row        has a Gold row of its key within the window
 *   each Gold row          has its Silver row, if it is newer than what Silver keeps; and no other
 *                          Gold row of ours has its key within the window
 *   each raw frame         of [L, D) once in the dead letters
 *
 * With T the same over less: what Bronze, Silver, the dead letters or Gold wrote at T or later, by
 * their own stamps (ingestion_, validation_, error_, gold_ingestion_timestamp).  That is of each
 * partition the offsets from the first such row on, or from behind the last that was decided before
 * T, whichever is lower; and the hours of exchange time from T on or that such a row is of, whole.
 * What is compared is compared with all of the tables, so what lies in it is found as without T and
 * what is whole passes.  Stamps come from several clocks: T is taken a minute earlier.  Older rows
 * are not looked at, so that no map's count is tested, and a trade that Silver decided before T is
 * followed into Gold only if its hour is among those.
 *
 * Only the tables are read, a snapshot at a time, so the pipeline may run.  What is compared is
 * held in bitmaps (offsets) and sorted fingerprints (trades) that are cut to the memory given.
 */
#ifndef K2_STAGE_AUDIT_H
#define K2_STAGE_AUDIT_H

#include "iceberg/table.h"
#include "port/log.h"

struct audit_options {
    struct table_ports ports;
    const char *space;            /* namespace of the tables */
    const char *const *exchanges; /* "binance", … */
    size_t exchange_count;
    int64_t window_us; /* dedup_window */
    size_t memory;     /* bytes that may be held for comparing; a few MiB at least */
    int64_t since_us;  /* T: only what was written from then on is compared; 0: all */
    bool is_json;      /* the report for programs */
    struct log *log;   /* asked whether an offset that Bronze lacks ever existed; or NULL */
};

/*
 * Appends the report to *out: a few lines for each table and exchange, then each violation as a
 * line (20 of a kind), then `audit: ok` or `audit: FAILED N violations`; N counts offsets and rows.
 * As JSON: ok, violations, since, report (the lines), cases by kind, and as objects what others
 * have appended and deleted and what was skipped by hand. *violations is that N.  -1: the audit
 * could not be finished; RETRY when a file went away under it.
 */
CHECK_RESULT int audit_run(const struct audit_options *options, struct buf *out,
                           int64_t *violations, struct err *err);

#endif
