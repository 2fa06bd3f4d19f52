// SPDX-License-Identifier: Apache-2.0
/* jobs_text.c: one table of what is counted; a metric's samples stand together, as the format wants
 * it. */
#include "status/jobs_text.h"

#include "core/json.h"

#include <inttypes.h>

static const char *const states[] = { "running", "waiting", "refused", "standby", "failed" };

static bool is_ingest(const struct runner_view *view)
{
    return strncmp(view->name, "ingest-", 7) == 0;
}

/* What is wrong; "": nothing. */
static const char *trouble(const struct runner_view *view)
{
    if (view->trouble[0] != '\0')
        return view->trouble;
    if (is_ingest(view) && view->counters.ingest.trouble[0] != '\0')
        return view->counters.ingest.trouble;
    return view->state == PACE_WELL || view->state == PACE_STANDBY ? "" : states[view->state];
}

static bool is_well(const struct runner_view *view)
{
    return view->state == PACE_STANDBY || trouble(view)[0] == '\0';
}

bool jobs_text_health(const struct runner_view *view, size_t count, struct buf *out)
{
    bool all_well = true;

    for (size_t i = 0; i < count; i++)
        all_well &= is_well(&view[i]);
    buf_printf(out, "{\"status\":\"%s\",\"jobs\":[", all_well ? "ok" : "trouble");
    for (size_t i = 0; i < count; i++) {
        const char *state = view[i].has_ended ? "ended" : states[view[i].state];

        buf_printf(out, "%s{\"name\":\"%s\",\"state\":\"%s\",\"trouble\":", i == 0 ? "" : ",",
                   view[i].name, state);
        json_quote(span_text(trouble(&view[i])), out);
        buf_put_byte(out, '}');
    }
    buf_put_text(out, "]}\n");
    return all_well;
}

#define STAGE(member)  offsetof(struct runner_counters, stage.member), false
#define INGEST(member) offsetof(struct runner_counters, ingest.member), true

static const struct metric {
    const char *name, *type, *help;
    size_t offset; /* of an int64_t */
    bool of_ingest;
} metrics[] = {
    { "k2_batches_total", "counter", "Batches committed.", STAGE(batches) },
    { "k2_rows_total", "counter", "Rows committed.", STAGE(rows) },
    { "k2_batches_lost_total", "counter", "Batches dropped, another worker was faster.",
      STAGE(lost) },
    { "k2_rows_rejected_total", "counter", "Dead letters of Silver, copies dropped by Gold.",
      STAGE(rejected) },
    { "k2_id_conflicts_total", "counter", "Rows of Gold with an id that others have too.",
      STAGE(conflicts_of_id) },
    { "k2_frames_total", "counter", "Frames read.", INGEST(frames) },
    { "k2_trades_total", "counter", "Trades read.", INGEST(trades) },
    { "k2_dead_letters_total", "counter", "Frames that are no trades.", INGEST(dead_letters) },
    { "k2_trades_missing_total", "counter", "Trade ids passed over.", INGEST(missing) },
    { "k2_trades_repeated_total", "counter", "Trade ids seen before.", INGEST(repeated) },
    { "k2_records_sent_total", "counter", "Records that the log took.", INGEST(sent) },
    { "k2_records_acknowledged_total", "counter", "Records that the log has safe.",
      INGEST(acknowledged) },
    { "k2_records_waiting", "gauge", "Records that the log has not taken.", INGEST(waiting) },
    { "k2_connections_total", "counter", "Connections made to the exchange.", INGEST(connections) },
    { "k2_lag_microseconds", "gauge", "Reading behind the exchange's time, of the last trade.",
      INGEST(lag_us) },
};

/* Job names are letters and dashes, so a label's value needs no escapes. */
static void put_metric(const struct metric *metric, const struct runner_view *view, size_t count,
                       struct buf *out)
{
    bool is_headed = false;

    for (size_t i = 0; i < count; i++) {
        int64_t value;

        if (is_ingest(&view[i]) != metric->of_ingest)
            continue;
        memcpy(&value, (const char *)&view[i].counters + metric->offset, sizeof(value));
        if (!is_headed)
            buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
                       metric->name, metric->type);
        is_headed = true;
        buf_printf(out, "%s{job=\"%s\"} %" PRId64 "\n", metric->name, view[i].name, value);
    }
}

void jobs_text_metrics(const struct runner_view *view, size_t count, struct buf *out)
{
    buf_put_text(out, "# HELP k2_info The version that runs.\n# TYPE k2_info gauge\n"
                      "k2_info{version=\"" K2_VERSION "\"} 1\n"
                      "# HELP k2_job_healthy Whether the job waits for nothing and nothing stops "
                      "it.\n# TYPE k2_job_healthy gauge\n");
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "k2_job_healthy{job=\"%s\"} %d\n", view[i].name, is_well(&view[i]) ? 1 : 0);
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
        put_metric(&metrics[i], view, count, out);
}
