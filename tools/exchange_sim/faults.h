// SPDX-License-Identifier: Apache-2.0
/* faults.h: what goes wrong on purpose, named by --faults.  All of it counts frames, nothing draws
 * lots, so that a run can be had again. */
#ifndef K2_EXCHANGE_SIM_FAULTS_H
#define K2_EXCHANGE_SIM_FAULTS_H

#include "core/err.h"

struct faults { /* 0: off */
    size_t reset, replay, junk, stop_data, freeze, skip, shutdown;
    size_t http_503, http_429, http_403, ack_lost, ack_late, refuse, wrong_time, utf8, rsv1, huge,
        rest_lag;
    size_t glued, trickle, fragmented, reordered, swap; /* 1: on */
};

enum { FAULTS_TRICKLED_FRAMES = 50 };

/* "reset:100,glued" */
CHECK_RESULT int faults_parse(const char *list, struct faults *faults, struct err *err);
/* A line for each fault, for --help. */
void faults_help(FILE *out);

#endif
