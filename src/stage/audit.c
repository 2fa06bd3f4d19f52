// SPDX-License-Identifier: Apache-2.0
/* audit.c: the order of things: snapshots first, offsets, then Gold; foreign hands last, when it is
 * known whose each file is. */
#include "stage/audit.h"

#include "core/micros.h"
#include "core/num.h"
#include "stage/audit_gold.h"
#include "stage/audit_offsets.h"
#include "stage/audit_tables.h"

static bool is_empty(const struct audit *audit)
{
    bool is_empty = audit->gold.snapshot == NULL && audit->dead.snapshot == NULL;

    for (size_t i = 0; i < audit->exchange_count; i++)
        is_empty = is_empty && audit->exchange[i].bronze.snapshot == NULL &&
                   audit->exchange[i].silver.snapshot == NULL;
    return is_empty;
}

/* What is compared begins a minute before T: stamps come from several clocks. */
static void begin_since(struct audit *audit, char text[MICROS_TEXT_BYTES_MAX])
{
    int64_t since_us = audit->options->since_us;

    text[0] = 0;
    if (since_us == 0)
        return;
    audit->since_us = int64_max(since_us - 60 * MICROS_SECOND, 1);
    micros_format(since_us, text);
    audit_report_line(&audit->report, "since %s: only what was written from then on", text);
}

static int compare(struct audit *audit, struct err *err)
{
    for (size_t i = 0; i < audit->exchange_count; i++)
        if (audit_offsets_trades(audit, &audit->exchange[i], err) != 0 ||
            audit_offsets_frames(audit, &audit->exchange[i], err) != 0)
            return -1;
    if (audit_gold_run(audit, err) != 0)
        return -1;
    return audit_tables_foreign(audit, err);
}

int audit_run(const struct audit_options *options, struct buf *out, int64_t *violations,
              struct err *err)
{
    struct audit audit = { .options = options };
    char since[MICROS_TEXT_BYTES_MAX];
    int rc;

    *violations = 0;
    audit_report_init(&audit.report);
    begin_since(&audit, since);
    rc = audit_tables_fix(&audit, err);
    if (rc == 0 && is_empty(&audit))
        audit_report_line(&audit.report, "nothing is there yet");
    else if (rc == 0)
        rc = compare(&audit, err);
    if (rc == 0)
        *violations = audit_report_violations(&audit.report);
    if (rc == 0 && options->is_json)
        audit_report_put_json(&audit.report, since, out);
    else if (rc == 0)
        audit_report_put(&audit.report, out);
    audit_tables_deinit(&audit);
    audit_report_deinit(&audit.report);
    arena_deinit(&audit.arena);
    return rc < 0 ? err_wrap(err, "audit") : 0;
}
