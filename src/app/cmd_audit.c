// SPDX-License-Identifier: Apache-2.0
/* cmd_audit.c: k2 audit: is everything accounted for?  The pipeline may run meanwhile. */
#include "app/app.h"
#include "app/cmd.h"
#include "app/config_value.h"
#include "app/wire.h"
#include "core/micros.h"
#include "stage/audit.h"

/* The log only helps to explain offsets that no table holds: the audit goes on without it. */
static int open_log(struct wire *wire, struct err *err)
{
    if (wire_find_log(wire, err) >= 0)
        return 0;
    if (err->kind != ERR_RETRY)
        return -1;
    fprintf(stderr,
            "k2: offsets that Bronze lacks could not be asked for, those that row counts do not "
            "explain count as lost: %s\n",
            err->text);
    return 0;
}

/* A time, or how long ago; NULL is 0.  Nothing is to be found since a time that lies ahead. */
static bool parse_since(const char *text, int64_t now_us, int64_t *since_us)
{
    int64_t ago_us;

    *since_us = 0;
    if (text == NULL)
        return true;
    if (config_value_duration(text, &ago_us))
        *since_us = now_us - ago_us;
    else if (!micros_parse(span_text(text), since_us))
        return false;
    return *since_us > 0 && *since_us <= now_us;
}

static int run(struct wire *wire, const struct app_options *asked)
{
    struct audit_options options = { .ports = { wire->catalog, wire->store, wire->clock },
                                     .space = wire->config->space,
                                     .window_us = wire->config->dedup_window_us,
                                     .memory = (size_t)wire->config->memory_bytes };
    struct buf report = BUF_INIT;
    struct err err = { 0 };
    int64_t violations = 0;
    int code;

    options.is_json = asked->json;
    if (!parse_since(asked->since, clock_now_us(wire->clock), &options.since_us))
        return app_usage("audit",
                         "--since \"%s\": expected a time that has been, as 2026-11-22T15:00:00Z, "
                         "or how long ago, as 6h",
                         asked->since);
    if (open_log(wire, &err) != 0)
        return app_fail(&err);
    options.log = wire->log;
    options.exchanges = wire_exchanges(wire->config, &options.exchange_count);
    if (audit_run(&options, &report, &violations, &err) != 0)
        code = app_fail(&err);
    else
        code = violations == 0 ? APP_DONE : APP_FAILED;
    fwrite(report.data, 1, report.size, stdout);
    buf_deinit(&report);
    return code;
}

int cmd_audit(int argc, char **argv)
{
    return app_run(argc, argv, "--json --since", WIRE_TABLES, run);
}
