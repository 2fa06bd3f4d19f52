// SPDX-License-Identifier: Apache-2.0
/* report.h: what a table's newest metadata says of it, ours or not, without opening a data file. */
#ifndef K2_APP_REPORT_H
#define K2_APP_REPORT_H

#include "app/wire.h"
#include "protocol/positions.h"

struct report_table {
    const char *name;
    struct err err; /* kind ERR_NONE: it could be read */
    const char *uuid, *location, *metadata_file;
    int64_t snapshot;           /* main's, or ICE_NONE */
    int64_t snapshots;          /* that are listed */
    int64_t rows, files, bytes; /* -1: its snapshot does not say */
    int64_t last_commit_us;     /* -1: none yet */
    bool has_map;               /* K2 has committed to it */
    bool is_cut;                /* the map is the property's: no snapshot of ours is listed */
    struct positions map;       /* with the epoch that the next commit has */
    int64_t map_snapshot;       /* that the map was found in, or ICE_NONE */
};

struct report {
    struct arena arena;         /* of all that the tables point to */
    struct report_table *table; /* by name */
    size_t count;
};

/* All tables of the configured namespace; one that cannot be read says so in its err. */
CHECK_RESULT int report_load(struct report *report, const struct wire *wire, struct err *err);
void report_deinit(struct report *report);

/* What a table has taken, a line for each topic and each input table; appended, lines end in '\n'.
 */
void report_progress(const struct report_table *table, const char *indent, struct buf *out);

/* "18,166"; "-" for -1. */
void report_number(int64_t number, struct buf *out);
/* "1.2 MiB" */
void report_bytes(int64_t bytes, struct buf *out);

#endif
