// SPDX-License-Identifier: Apache-2.0
/* progress.c: the counters of all jobs as one line.  Rows are those of this run. */
#include "app/progress.h"

#include "core/micros.h"

#include <inttypes.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct totals {
    struct ingest_counters ingest;
    int64_t bronze, silver, dead_letters, gold, copies;
    bool has_ingest, has_bronze, has_silver, has_gold;
    const char *state;
};

void progress_init(struct progress *progress, FILE *out, int64_t now_us)
{
    *progress = (struct progress){
        .out = out, .is_terminal = isatty(fileno(out)) == 1, .began_us = now_us, .rate_us = now_us
    };
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void add_ingest(struct totals *totals, const struct ingest_counters *from)
{
    totals->has_ingest = true;
    totals->ingest.frames += from->frames;
    totals->ingest.trades += from->trades;
    totals->ingest.acknowledged += from->acknowledged;
    totals->ingest.waiting += from->waiting;
    if (from->lag_us > totals->ingest.lag_us)
        totals->ingest.lag_us = from->lag_us;
}

static void add(struct totals *totals, const struct runner_view *view)
{
    const struct stage_counters *stage = &view->counters.stage;

    if (begins_with(view->name, "ingest-")) {
        add_ingest(totals, &view->counters.ingest);
    } else if (begins_with(view->name, "bronze-")) {
        totals->has_bronze = true;
        totals->bronze += stage->rows;
    } else if (begins_with(view->name, "silver-")) {
        totals->has_silver = true;
        totals->silver += stage->rows;
        totals->dead_letters += stage->rejected;
    } else if (begins_with(view->name, "gold")) {
        totals->has_gold = true;
        totals->gold += stage->rows;
        totals->copies += stage->rejected;
    }
}

static void put_line(struct buf *line, const struct progress *progress, const struct totals *totals,
                     int64_t now_us)
{
    int64_t seconds = (now_us - progress->began_us) / MICROS_SECOND;

    buf_printf(line, "%3" PRId64 ":%02" PRId64, seconds / 60, seconds % 60);
    if (totals->has_ingest)
        buf_printf(line,
                   "  frames %" PRId64 "  trades %" PRId64 "  acknowledged %" PRId64
                   "  %.0f/s  lag %.1f s",
                   totals->ingest.frames, totals->ingest.trades, totals->ingest.acknowledged,
                   progress->rate, (double)totals->ingest.lag_us / (double)MICROS_SECOND);
    buf_put_text(line, "  |");
    if (totals->has_bronze)
        buf_printf(line, "  bronze %" PRId64, totals->bronze);
    if (totals->has_silver)
        buf_printf(line, "  silver %" PRId64 "  dlq %" PRId64, totals->silver,
                   totals->dead_letters);
    if (totals->has_gold)
        buf_printf(line, "  gold %" PRId64, totals->gold);
    if (totals->copies > 0)
        buf_printf(line, " (%" PRId64 " copies dropped)", totals->copies);
}

/* Cut to the terminal's width; the cursor goes back, so that other lines overwrite this one. */
static void redraw(const struct progress *progress, struct buf *line, bool last)
{
    struct winsize window = { 0 };

    if (ioctl(fileno(progress->out), TIOCGWINSZ, &window) == 0 && window.ws_col > 0 &&
        line->size >= window.ws_col)
        line->size = window.ws_col - 1U;
    fprintf(progress->out, "\r\033[K%s%s", buf_text(line), last ? "\n" : "\r");
}

void progress_show(struct progress *progress, struct runner *runner, size_t jobs, int64_t now_us,
                   bool last)
{
    int64_t every_us = (progress->is_terminal ? 1 : PROGRESS_PLAIN_S) * MICROS_SECOND;
    struct totals totals = { .has_ingest = false };
    struct buf line = BUF_INIT;

    if (!last && now_us >= progress->said_us && now_us - progress->said_us < every_us)
        return;
    progress->said_us = now_us;
    for (size_t i = 0; i < jobs; i++) {
        struct runner_view view;

        runner_look(runner, i, &view);
        add(&totals, &view);
    }
    if (now_us - progress->rate_us >= MICROS_SECOND / 2) {
        progress->rate = (double)(totals.ingest.trades - progress->rate_trades) *
                         (double)MICROS_SECOND / (double)(now_us - progress->rate_us);
        progress->rate_us = now_us;
        progress->rate_trades = totals.ingest.trades;
    }
    put_line(&line, progress, &totals, now_us);
    if (progress->is_terminal)
        redraw(progress, &line, last);
    else
        fprintf(progress->out, "%s\n", buf_text(&line));
    fflush(progress->out);
    buf_deinit(&line);
}
