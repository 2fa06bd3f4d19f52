// SPDX-License-Identifier: Apache-2.0
/* jobs.h: the jobs of the design by name, made for a runner. */
#ifndef K2_APP_JOBS_H
#define K2_APP_JOBS_H

#include "app/wire.h"
#include "stage/runner.h"

enum jobs_kind { JOBS_INGEST, JOBS_BRONZE, JOBS_SILVER, JOBS_GOLD, JOBS_MAINTAIN, JOBS_KINDS };

struct jobs_name {
    char name[64];        /* "silver-binance" */
    const char *exchange; /* NULL: of all */
    enum jobs_kind kind;
};

/* The jobs that `list` names ("bronze-binance,gold"; NULL: all), in the order of the flow.
 * CONFIG: one that there is not. */
enum { JOBS_MAX = 16 };
CHECK_RESULT int jobs_select(const struct config *config, const char *list,
                             struct jobs_name selected[JOBS_MAX], size_t *count, struct err *err);

struct jobs {
    struct wire *wire; /* borrowed */
    size_t count;
    struct runner_job runner[JOBS_MAX];
    struct jobs_entry *entry;
};

/* Makes what the jobs need (an ingest brings a socket and a log handle of its own).  Afterwards,
 * also after -1, jobs_deinit; not while a runner has them. */
CHECK_RESULT int jobs_init(struct jobs *jobs, struct wire *wire, const struct jobs_name *selected,
                           size_t count, struct err *err);
void jobs_deinit(struct jobs *jobs);

/* What ingest needs to know of an exchange; borrows from the wire's configuration. */
struct ingest_config jobs_ingest_config(const struct wire *wire, const char *exchange);

#endif
