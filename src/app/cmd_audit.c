// SPDX-License-Identifier: Apache-2.0
/* cmd_audit.c: k2 audit: is everything accounted for?  The pipeline may run meanwhile. */
#include "app/app.h"
#include "app/cmd.h"
#include "app/wire.h"
#include "stage/audit.h"

#include <unistd.h>

static int run(const struct wire *wire)
{
    struct audit_options options = { .ports = { wire->catalog, wire->store, wire->clock },
                                     .space = wire->config->space,
                                     .window_us = wire->config->dedup_window_us,
                                     .memory = (size_t)wire->config->memory_bytes,
                                     .log = wire->log };
    struct buf report = BUF_INIT;
    struct err err = { 0 };
    int64_t violations = 0;
    int code;

    options.exchanges = wire_exchanges(wire->config, &options.exchange_count);
    if (audit_run(&options, &report, &violations, &err) != 0)
        code = app_fail(&err);
    else
        code = violations == 0 ? APP_DONE : APP_FAILED;
    fwrite(report.data, 1, report.size, stdout);
    buf_deinit(&report);
    return code;
}

/* The log only helps to explain offsets that no table holds: one that is not there is no fault. */
static int open_parts(struct wire *wire, const struct config *config, struct err *err)
{
    if (wire_open(wire, config, WIRE_TABLES, err) != 0)
        return -1;
    return access(wire->log_file, F_OK) == 0 ? wire_open_log(wire, &wire->log, err) : 0;
}

int cmd_audit(int argc, char **argv)
{
    struct app_options options;
    struct config config;
    struct wire wire = { 0 };
    struct err err = { 0 };
    int code = app_parse(argc, argv, "", &options);

    if (code != APP_DONE || options.help)
        return options.help ? app_help(argv[0]) : code;
    code = app_load_config(&config, options.config);
    if (code == APP_DONE) {
        code = open_parts(&wire, &config, &err) != 0 ? app_fail(&err) : run(&wire);
        wire_close(&wire);
    }
    config_deinit(&config);
    return code;
}
