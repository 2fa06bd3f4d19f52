// SPDX-License-Identifier: Apache-2.0
/* cmd_maintain.c: k2 maintain: the job of that name, once. */
#include "app/app.h"
#include "app/cmd.h"
#include "app/wire.h"
#include "stage/maintain.h"

#include <inttypes.h>

static int run(struct wire *wire, const struct app_options *options)
{
    struct maintain_config config = { .log_retention_us = wire->config->log_retention_us,
                                      .orphan_age_us = wire->config->orphan_age_us };
    struct stage_ports ports;
    struct maintain *job;
    const struct maintain_counters *counters;
    struct err err = { 0 };
    int rc;

    (void)options;
    wire_maintain_ports(wire, &ports);
    config.exchanges = wire_exchanges(wire->config, &config.exchange_count);
    job = maintain_new(&ports, &config);
    counters = maintain_counters(job);
    rc = maintain_step(job, &err);
    printf("%" PRId64 " tables looked after, %" PRId64 " files deleted that %" PRId64
           " commits had dropped more than an hour ago, %" PRId64 " that nothing named\n",
           counters->tables, counters->removed, counters->notes, counters->orphans);
    maintain_free(job);
    return rc < 0 ? app_fail(&err) : APP_DONE;
}

int cmd_maintain(int argc, char **argv)
{
    return app_run(argc, argv, "", WIRE_TABLES | WIRE_LOG | WIRE_LATER, run);
}
