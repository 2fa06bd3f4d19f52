// SPDX-License-Identifier: Apache-2.0
/* audit_report.c: cases are collected by kind, so that a thousand of one do not bury the one of
 * another. */
#include "stage/audit_report.h"

#include <inttypes.h>
#include <stdarg.h>

static void put_line(struct buf *text, const char *prefix, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static const char *const names[AUDIT_KINDS] = {
    [AUDIT_POSITION] = "position",
    [AUDIT_BRONZE_ABSENT] = "bronze_absent",
    [AUDIT_BRONZE_TWICE] = "bronze_twice",
    [AUDIT_UNDECIDED] = "undecided",
    [AUDIT_DECIDED_TWICE] = "decided_twice",
    [AUDIT_SILVER_TWICE] = "silver_twice",
    [AUDIT_DEAD_TWICE] = "dead_letter_twice",
    [AUDIT_FRAME_ABSENT] = "frame_absent",
    [AUDIT_GOLD_ABSENT] = "gold_absent",
    [AUDIT_GOLD_TWICE] = "gold_twice",
    [AUDIT_GOLD_ORPHAN] = "gold_orphan",
    [AUDIT_ID_CONFLICT] = "gold_id_conflict",
    [AUDIT_FOREIGN] = "foreign",
    [AUDIT_SKIPPED] = "skipped",
    [AUDIT_UNSEEN] = "not seen",
};

void audit_report_init(struct audit_report *report)
{
    *report = (struct audit_report){ 0 };
}

void audit_report_deinit(struct audit_report *report)
{
    buf_deinit(&report->text);
    for (size_t kind = 0; kind < AUDIT_KINDS; kind++)
        buf_deinit(&report->kind[kind].text);
}

static void put_line(struct buf *text, const char *prefix, const char *format, va_list args)
{
    va_list again;
    int size;

    va_copy(again, args);
    size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    ASSERT(size >= 0);
    buf_put_text(text, prefix);
    buf_reserve(text, (size_t)size + 1);
    vsnprintf((char *)text->data + text->size, (size_t)size + 1, format, args);
    text->size += (size_t)size;
    buf_put_byte(text, '\n');
}

void audit_report_line(struct audit_report *report, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_line(&report->text, "", format, args);
    va_end(args);
}

bool audit_report_lists(const struct audit_report *report, enum audit_kind kind)
{
    return report->kind[kind].lines < AUDIT_LINES_MAX;
}

void audit_report_case(struct audit_report *report, enum audit_kind kind, int64_t count,
                       const char *format, ...)
{
    char prefix[32];
    va_list args;

    report->kind[kind].count += count;
    if (!audit_report_lists(report, kind))
        return;
    report->kind[kind].lines++;
    report->kind[kind].listed += count;
    snprintf(prefix, sizeof(prefix), "%s: ", names[kind]);
    va_start(args, format);
    put_line(&report->kind[kind].text, prefix, format, args);
    va_end(args);
}

void audit_report_finish(struct audit_report *report, struct buf *out, int64_t *violations)
{
    static const enum audit_kind notes[] = { AUDIT_UNSEEN, AUDIT_SKIPPED, AUDIT_FOREIGN,
                                             AUDIT_ID_CONFLICT };
    size_t first_violation = ARRAY_LEN(notes);

    *violations = 0;
    buf_put_span(out, buf_span(&report->text));
    for (size_t i = 0; i < first_violation + AUDIT_ID_CONFLICT; i++) {
        enum audit_kind kind =
            i < first_violation ? notes[i] : (enum audit_kind)(i - first_violation);
        int64_t more = report->kind[kind].count - report->kind[kind].listed;

        buf_put_span(out, buf_span(&report->kind[kind].text));
        if (more > 0)
            buf_printf(out, "%s: ... and %" PRId64 " more\n", names[kind], more);
        if (i >= first_violation)
            *violations += report->kind[kind].count;
    }
    if (*violations == 0)
        buf_put_text(out, "audit: ok\n");
    else
        buf_printf(out, "audit: FAILED %" PRId64 " violation%s\n", *violations,
                   *violations == 1 ? "" : "s");
}
