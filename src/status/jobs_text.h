// SPDX-License-Identifier: Apache-2.0
/* jobs_text.h: the jobs as JSON for whoever asks for their health, and in Prometheus' text format
 * (version 0.0.4). */
#ifndef K2_STATUS_JOBS_TEXT_H
#define K2_STATUS_JOBS_TEXT_H

#include "stage/runner.h"

/* {"status":"ok","jobs":[{"name":…,"state":…,"trouble":…}]}; false, and "trouble", when a job waits
 * for something, is refused or has failed.  A standby is well. */
bool jobs_text_health(const struct runner_view *view, size_t count, struct buf *out);
void jobs_text_metrics(const struct runner_view *view, size_t count, struct buf *out);

#endif
