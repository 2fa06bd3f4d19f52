// SPDX-License-Identifier: Apache-2.0
/* audit_report.c: cases are collected by kind, so that a thousand of one do not bury the one of
 * another. */
#include "stage/audit_report.h"

#include "core/json.h"

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
    [AUDIT_UNSEEN] = "not_seen",
};

void audit_report_init(struct audit_report *report)
{
    *report = (struct audit_report){ 0 };
}

void audit_report_deinit(struct audit_report *report)
{
    buf_deinit(&report->text);
    buf_deinit(&report->foreign);
    buf_deinit(&report->skipped);
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

int64_t audit_report_violations(const struct audit_report *report)
{
    int64_t violations = 0;

    for (int kind = 0; kind < AUDIT_ID_CONFLICT; kind++)
        violations += report->kind[kind].count;
    return violations;
}

static void put_kind(const struct audit_report *report, enum audit_kind kind, struct buf *out)
{
    int64_t more = report->kind[kind].count - report->kind[kind].listed;

    buf_put_span(out, buf_span(&report->kind[kind].text));
    if (more > 0)
        buf_printf(out, "%s: ... and %" PRId64 " more\n", names[kind], more);
}

void audit_report_put(const struct audit_report *report, struct buf *out)
{
    int64_t violations = audit_report_violations(report);

    buf_put_span(out, buf_span(&report->text));
    for (int kind = AUDIT_KINDS - 1; kind >= AUDIT_ID_CONFLICT; kind--)
        put_kind(report, (enum audit_kind)kind, out);
    for (int kind = 0; kind < AUDIT_ID_CONFLICT; kind++)
        put_kind(report, (enum audit_kind)kind, out);
    if (violations == 0)
        buf_put_text(out, "audit: ok\n");
    else
        buf_printf(out, "audit: FAILED %" PRId64 " violation%s\n", violations,
                   violations == 1 ? "" : "s");
}

/* -- for programs */

/* Lines of text as strings. */
static void put_lines(const struct buf *text, struct buf *out)
{
    size_t from = 0;

    buf_put_byte(out, '[');
    for (size_t at = 0; at < text->size; at++) {
        if (text->data[at] != '\n')
            continue;
        buf_put_text(out, from > 0 ? "," : "");
        json_quote(span_of(text->data + from, at - from), out);
        from = at + 1;
    }
    buf_put_byte(out, ']');
}

static void put_cases(const struct audit_report *report, struct buf *out)
{
    bool is_first = true;

    for (int kind = 0; kind < AUDIT_KINDS; kind++) {
        if (report->kind[kind].count == 0)
            continue;
        buf_printf(out, "%s\"%s\":{\"count\":%" PRId64 ",\"lines\":", is_first ? "" : ",",
                   names[kind], report->kind[kind].count);
        put_lines(&report->kind[kind].text, out);
        buf_put_byte(out, '}');
        is_first = false;
    }
}

void audit_report_put_json(const struct audit_report *report, const char *since, struct buf *out)
{
    int64_t violations = audit_report_violations(report);
    const char *quote = since[0] == 0 ? "" : "\"";

    buf_printf(out, "{\"ok\":%s,\"violations\":%" PRId64 ",\"since\":%s%s%s,\"report\":",
               violations == 0 ? "true" : "false", violations, quote,
               since[0] == 0 ? "null" : since, quote);
    put_lines(&report->text, out);
    buf_put_text(out, ",\"cases\":{");
    put_cases(report, out);
    buf_put_text(out, "},\"foreign\":[");
    buf_put_span(out, buf_span(&report->foreign));
    buf_put_text(out, "],\"skipped\":[");
    buf_put_span(out, buf_span(&report->skipped));
    buf_put_text(out, "]}\n");
}
