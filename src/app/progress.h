// SPDX-License-Identifier: Apache-2.0
/* progress.h: how a run is going, a line at a time: redrawn in place on a terminal, a plain line
 * now and then elsewhere. */
#ifndef K2_APP_PROGRESS_H
#define K2_APP_PROGRESS_H

#include "stage/runner.h"

struct progress {
    FILE *out;
    bool is_terminal;
    int64_t began_us, said_us;
    int64_t rate_us, rate_trades; /* where the rate is counted from */
    double rate;
};

void progress_init(struct progress *progress, FILE *out, int64_t now_us);
/* Says how the jobs stand, if it is time (once a second; every PROGRESS_PLAIN_S when no terminal);
 * `last`: in any case, and the line ends. */
enum { PROGRESS_PLAIN_S = 5 };
void progress_show(struct progress *progress, struct runner *runner, size_t jobs, int64_t now_us,
                   bool last);

#endif
