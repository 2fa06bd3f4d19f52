// SPDX-License-Identifier: Apache-2.0
/* audited.c: what the checker finds whole, `k2 audit` must find whole too, by the tables alone; and
 * whole since any time. */
#include "sim/sim.h"

#include "stage/audit.h"

#include <string.h>

static bool is_decided_again(const struct sim *sim, const char *message_id)
{
    for (size_t i = 0; i < sim->record_count; i++)
        if (sim->record[i].is_decided_again &&
            strncmp(sim->record[i].message_id, message_id, UUID_TEXT_BYTES - 1) == 0)
            return true;
    return false;
}

/* Gold keeps what Silver no longer has where Silver was rolled back and came to another end the
 * second time; the audit rightly says so, and check.c which trades these are. */
static int64_t decided_again(const struct sim *sim, struct buf *report)
{
    static const char line[] = "\ngold_orphan: message_id ";
    int64_t lines = 0;

    for (const char *at = buf_text(report); (at = strstr(at, line)) != NULL; at++)
        lines += is_decided_again(sim, at + strlen(line));
    return lines;
}

static size_t audit_since(struct sim *sim, int64_t since_us, struct buf *text)
{
    const char *const exchanges[SIM_EXCHANGES] = { sim->exchange[0].name, sim->exchange[1].name };
    const struct audit_options options = { .ports = sim->ports.table,
                                           .space = sim->ports.space,
                                           .exchanges = exchanges,
                                           .exchange_count = SIM_EXCHANGES,
                                           .window_us = SIM_WINDOW_S * INT64_C(1000000),
                                           .memory = 1,
                                           .since_us = since_us };
    struct buf report = BUF_INIT;
    struct err err = { 0 };
    int64_t violations = 0;

    if (audit_run(&options, &report, &violations, &err) != 0) {
        buf_printf(text, "  %s\n", err.text);
        violations = 1;
    } else {
        violations -= decided_again(sim, &report);
        if (violations > 0)
            buf_put_span(text, buf_span(&report));
    }
    buf_deinit(&report);
    return (size_t)violations;
}

static size_t audit(struct sim *sim, struct buf *text)
{
    size_t violations = audit_since(sim, 0, text);

    return violations > 0
               ? violations
               : audit_since(sim, sim_between(sim, sim->began_us, clock_now_us(sim->clock)), text);
}

/* Rows of others in one file with ours, at offsets of ours, cannot be told from ours; the audit
 * says so.  Once they are removed nothing may be left to say. */
size_t sim_audit(struct sim *sim, struct buf *text)
{
    size_t violations = audit(sim, text);
    bool has_removed = false;

    for (int table = 0; violations > 0 && table < SIM_GOLD; table++)
        has_removed |= sim_remove_foreign(sim, (enum sim_table)table);
    if (!has_removed)
        return violations;
    buf_clear(text);
    if (!sim_settle(sim)) /* the audit looks at the Silver that Gold has read */
        buf_put_text(text, "  does not come to rest after foreign rows were removed\n");
    return text->size > 0 ? 1 : audit(sim, text);
}
