// SPDX-License-Identifier: Apache-2.0
/* audited.c: what the checker finds whole, `k2 audit` must find whole too, by the tables alone; and
 * whole since any time. */
#include "sim/sim.h"

#include "stage/audit.h"

#include <string.h>

/* Where Silver and the dead letters were both rolled back, a row may have been decided another way
 * the second time; where Silver was, and then Bronze skipped what the log had lost, it cannot be
 * had again: Gold then keeps what Silver no longer has, and the audit rightly says so. */
static int64_t decided_again(struct sim *sim, struct buf *report)
{
    static const char line[] = "\ngold_orphan: message_id ";
    bool was = false;
    int64_t lines = 0;

    for (int x = 0; x < SIM_EXCHANGES; x++)
        was |= sim->is_rolled[SIM_SILVER_0 + x] &&
               (sim->is_rolled[SIM_DEAD] || sim->is_skipped[SIM_BRONZE_0 + x]);
    for (const char *at = buf_text(report); was && (at = strstr(at, line)) != NULL; at++)
        lines++;
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
