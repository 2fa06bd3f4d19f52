// SPDX-License-Identifier: Apache-2.0
/* audit_report.h: what an audit says, in the order of kinds however it came by it. */
#ifndef K2_STAGE_AUDIT_REPORT_H
#define K2_STAGE_AUDIT_REPORT_H

#include "core/buf.h"

enum audit_kind {
    AUDIT_POSITION,      /* a map that cannot be, a rollback that Gold has not followed */
    AUDIT_BRONZE_ABSENT, /* offsets */
    AUDIT_BRONZE_TWICE,
    AUDIT_UNDECIDED,     /* in neither Silver nor the dead letters */
    AUDIT_DECIDED_TWICE, /* in both */
    AUDIT_SILVER_TWICE,
    AUDIT_DEAD_TWICE,
    AUDIT_FRAME_ABSENT, /* of a raw topic */
    AUDIT_GOLD_ABSENT,  /* Silver rows that Gold lacks */
    AUDIT_GOLD_TWICE,
    AUDIT_GOLD_ORPHAN, /* Gold rows that Silver lacks */
    /* No violations: */
    AUDIT_ID_CONFLICT,
    AUDIT_FOREIGN,
    AUDIT_SKIPPED, /* ranges passed over by `k2 positions set` */
    AUDIT_UNSEEN,
    AUDIT_KINDS,
};

enum { AUDIT_LINES_MAX = 20 }; /* of a kind */

struct audit_report {
    struct buf text;             /* about tables and exchanges, in order */
    struct buf foreign, skipped; /* objects of JSON, separated by commas */
    struct {
        int64_t count; /* offsets, rows, snapshots: what the kind is about */
        int64_t listed;
        size_t lines;
        struct buf text;
    } kind[AUDIT_KINDS];
};

void audit_report_init(struct audit_report *report);
void audit_report_deinit(struct audit_report *report);

/* A line of the main part. */
void audit_report_line(struct audit_report *report, const char *format, ...) PRINTF_LIKE(2, 3);
/* `count` cases of a kind in one line, without the newline; only counted behind the first 20. */
void audit_report_case(struct audit_report *report, enum audit_kind kind, int64_t count,
                       const char *format, ...) PRINTF_LIKE(4, 5);
/* False when no more cases of this kind will be listed: spares the work of naming them. */
bool audit_report_lists(const struct audit_report *report, enum audit_kind kind);

/* Offsets, rows and maps that are not as they should be. */
int64_t audit_report_violations(const struct audit_report *report);
/* All of it, the verdict last; or as JSON, `since` "" without. */
void audit_report_put(const struct audit_report *report, struct buf *out);
void audit_report_put_json(const struct audit_report *report, const char *since, struct buf *out);

#endif
