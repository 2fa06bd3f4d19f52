// SPDX-License-Identifier: Apache-2.0
/* jobs.c: stages as a runner calls them. */
#include "app/jobs.h"

#include "core/micros.h"
#include "exchange/binance.h"
#include "exchange/kraken.h"
#include "stage/api.h"
#include "stage/bronze.h"
#include "stage/gold.h"
#include "stage/maintain.h"
#include "stage/silver.h"
#include "stage/tables.h"

#define INGEST_WAIT_US       (MICROS_SECOND / 10)
#define MAINTAIN_INTERVAL_US MICROS_HOUR
/* A step's wait for a log that has never answered: short, a signal waits for it. */
#define REACH_US (2 * MICROS_SECOND)

enum { MERGE_AT_LEAST = 100, WAITING_PART = 32 };

struct jobs_entry {
    struct jobs_name name;
    struct stage_ports ports;
    const char
        *api; /* of the exchange, until its table is claimed for it; NULL: nothing to claim */
    struct ingest *ingest;
    struct feed *feed;
    struct http *http;
    struct log *log;
    bool has_reached; /* its log has answered */
    struct bronze *bronze;
    struct silver *silver;
    struct gold *gold;
    struct maintain *maintain;
};

static const char *const kind_names[JOBS_KINDS] = { "ingest", "bronze", "silver", "gold",
                                                    "maintain" };

/* -- names */

static bool is_of_exchange(enum jobs_kind kind)
{
    return kind <= JOBS_SILVER;
}

static size_t list_all(const struct config *config, struct jobs_name names[JOBS_MAX])
{
    size_t exchange_count, count = 0;
    const char *const *exchanges = wire_exchanges(config, &exchange_count);

    for (enum jobs_kind kind = 0; kind < JOBS_KINDS; kind++) {
        for (size_t i = 0; i < (is_of_exchange(kind) ? exchange_count : 1); i++) {
            struct jobs_name *name = &names[count++];

            ASSERT(count <= JOBS_MAX);
            *name = (struct jobs_name){ .kind = kind };
            if (is_of_exchange(kind))
                name->exchange = exchanges[i];
            snprintf(name->name, sizeof(name->name), "%s%s%s", kind_names[kind],
                     is_of_exchange(kind) ? "-" : "", is_of_exchange(kind) ? exchanges[i] : "");
        }
    }
    return count;
}

static int find_name(const struct jobs_name *all, size_t all_count, const char *word, size_t size,
                     bool *is_wanted, struct err *err)
{
    struct buf known = BUF_INIT;

    for (size_t i = 0; i < all_count; i++) {
        if (strlen(all[i].name) == size && strncmp(all[i].name, word, size) == 0) {
            is_wanted[i] = true;
            buf_deinit(&known);
            return 0;
        }
        buf_printf(&known, "%s%s", i == 0 ? "" : ", ", all[i].name);
    }
    err_set(err, ERR_CONFIG, "--jobs: there is no job \"%.*s\", expected of: %s", (int)size, word,
            buf_text(&known));
    buf_deinit(&known);
    return -1;
}

int jobs_select(const struct config *config, const char *list, struct jobs_name selected[JOBS_MAX],
                size_t *count, struct err *err)
{
    struct jobs_name all[JOBS_MAX];
    bool is_wanted[JOBS_MAX] = { false };
    size_t all_count = list_all(config, all);

    for (const char *at = list; at != NULL;) {
        size_t size = strcspn(at, ",");

        if (find_name(all, all_count, at, size, is_wanted, err) != 0)
            return -1;
        at = at[size] == ',' ? at + size + 1 : NULL;
    }
    *count = 0;
    for (size_t i = 0; i < all_count; i++)
        if (list == NULL || is_wanted[i])
            selected[(*count)++] = all[i];
    return 0;
}

/* -- ingest */

static const struct exchange_kind *kind_of(const struct config *config, const char *exchange)
{
    if (strcmp(exchange, "kraken") != 0)
        return &binance_kind;
    return strcmp(config->kraken_api, "v1") == 0 ? &kraken_v1_kind : &kraken_v2_kind;
}

struct ingest_config jobs_ingest_config(const struct wire *wire, const char *exchange)
{
    const struct config *config = wire->config;
    bool is_kraken = strcmp(exchange, "kraken") == 0;
    const struct config_list *urls = is_kraken ? &config->kraken_urls : &config->binance_urls;
    const struct config_list *symbols =
        is_kraken ? &config->kraken_symbols : &config->binance_symbols;

    return (struct ingest_config){
        .kind = kind_of(config, exchange),
        .urls = urls->item,
        .url_count = urls->count,
        .rest_url = is_kraken ? config->kraken_rest_url : config->binance_rest_url,
        .symbols = symbols->item,
        .symbol_count = symbols->count,
        .partitions = wire_partitions(wire, exchange),
        .flush_every = (size_t)config->flush_every,
        .waiting_bytes_max = (size_t)config->memory_bytes / WAITING_PART,
        .scale = TABLES_DECIMAL_SCALE,
    };
}

/* Before the first record is taken from one API: that no other writes the table. */
static int claim(struct jobs_entry *entry, struct err *err)
{
    if (entry->api != NULL && api_claim(&entry->ports, entry->name.exchange, entry->api, err) < 0)
        return -1;
    entry->api = NULL;
    return 0;
}

static int make_ingest(struct wire *wire, struct jobs_entry *entry, struct err *err)
{
    struct ingest_config config = jobs_ingest_config(wire, entry->name.exchange);
    struct ingest_ports ports = { .registry = wire->registry, .clock = wire->clock };

    if (wire_open_feed(wire, &entry->feed, err) < 0 ||
        wire_open_http(wire, &entry->http, err) < 0 || wire_open_log(wire, &entry->log, err) < 0)
        return -1;
    ports.feed = entry->feed;
    ports.http = entry->http;
    ports.log = entry->log;
    entry->ingest = ingest_new(&config, &ports);
    return 0;
}

static int step_ingest(void *context, struct err *err)
{
    struct jobs_entry *entry = context;

    return claim(entry, err) < 0 ? -1 : ingest_step(entry->ingest, INGEST_WAIT_US, err);
}

static int stop_ingest(void *context, int64_t timeout_us, struct err *err)
{
    struct jobs_entry *entry = context;

    return ingest_stop(entry->ingest, timeout_us, err);
}

static void count_ingest(void *context, struct runner_counters *out)
{
    const struct jobs_entry *entry = context;

    ingest_counters(entry->ingest, &out->ingest);
}

/* -- stages */

static int step_bronze(void *context, struct err *err)
{
    struct jobs_entry *entry = context;
    int rc;

    if (claim(entry, err) < 0)
        return -1;
    rc = bronze_step(entry->bronze, err);
    return rc == 0 && !bronze_counters(entry->bronze)->is_full ? PACE_ALL_TAKEN : rc;
}

static int step_silver(void *context, struct err *err)
{
    struct jobs_entry *entry = context;

    return silver_step(entry->silver, err);
}

static int step_gold(void *context, struct err *err)
{
    struct jobs_entry *entry = context;

    return gold_step(entry->gold, err);
}

static int step_maintain(void *context, struct err *err)
{
    struct jobs_entry *entry = context;

    return maintain_step(entry->maintain, err);
}

static void count_stage(void *context, struct runner_counters *out)
{
    const struct jobs_entry *entry = context;

    if (entry->bronze != NULL)
        out->stage = *bronze_counters(entry->bronze);
    if (entry->silver != NULL)
        out->stage = *silver_counters(entry->silver);
    if (entry->gold != NULL)
        out->stage = *gold_counters(entry->gold);
}

static struct chain_table *table_of(const struct jobs_entry *entry)
{
    if (entry->bronze != NULL)
        return bronze_table(entry->bronze);
    return entry->silver != NULL ? silver_table(entry->silver) : gold_table(entry->gold);
}

static const char *rival_of(void *context)
{
    const struct jobs_entry *entry = context;
    const struct chain_table *chain = table_of(entry);

    return chain->map_file.size == 0 || chain->map_found.worker == NULL ? ""
                                                                        : chain->map_found.worker;
}

static int merge(void *context, struct err *err)
{
    const struct jobs_entry *entry = context;

    if (commit_merge_manifests(table_of(entry), MERGE_AT_LEAST, err) < 0)
        return -1;
    return entry->silver == NULL
               ? 0
               : commit_merge_manifests(silver_dead_letters(entry->silver), MERGE_AT_LEAST, err);
}

/* -- all */

/* The log that the job needs; NULL: none. */
static struct log *log_of(const struct jobs_entry *entry)
{
    if (entry->name.kind == JOBS_INGEST)
        return entry->log;
    return entry->name.kind == JOBS_GOLD ? NULL : entry->ports.log;
}

/* The one place where a job waits for a log that is not there yet; the other servers it meets at
 * its first request, which fails alike. */
static int step(void *context, struct err *err)
{
    static int (*const steps[JOBS_KINDS])(void *, struct err *) = {
        step_ingest, step_bronze, step_silver, step_gold, step_maintain,
    };
    struct jobs_entry *entry = context;
    struct log *log = log_of(entry);

    if (!entry->has_reached && log != NULL && log_reach(log, REACH_US, err) < 0)
        return -1;
    entry->has_reached = true;
    return steps[entry->name.kind](entry, err);
}

static int make_entry(struct wire *wire, struct jobs_entry *entry, struct err *err)
{
    struct maintain_config maintain = { .log_retention_us = wire->config->log_retention_us,
                                        .orphan_age_us = wire->config->orphan_age_us };
    size_t count;
    const char *const *exchanges = wire_exchanges(wire->config, &count);
    const char *exchange = entry->name.exchange;

    wire_stage_ports(wire, &entry->ports);
    if (entry->name.kind == JOBS_INGEST || entry->name.kind == JOBS_BRONZE)
        entry->api = kind_of(wire->config, exchange)->api;
    switch (entry->name.kind) {
    case JOBS_INGEST:
        return make_ingest(wire, entry, err);
    case JOBS_BRONZE:
        entry->bronze = bronze_new(&entry->ports, exchange, wire_partitions(wire, exchange));
        break;
    case JOBS_SILVER:
        entry->silver =
            silver_new(&entry->ports, exchange, wire_partitions(wire, exchange), &wire->rules);
        break;
    case JOBS_GOLD:
        entry->gold = gold_new(&entry->ports, exchanges, count, wire->config->dedup_window_us);
        break;
    case JOBS_MAINTAIN:
    case JOBS_KINDS:
        wire_maintain_ports(wire, &entry->ports);
        maintain.exchanges = exchanges;
        maintain.exchange_count = count;
        entry->maintain = maintain_new(&entry->ports, &maintain);
        break;
    }
    return 0;
}

static struct runner_job runner_job_of(const struct wire *wire, struct jobs_entry *entry)
{
    const struct config *config = wire->config;
    const int64_t interval_us[JOBS_KINDS] = { 0, config->bronze_interval_us,
                                              config->silver_interval_us, config->gold_interval_us,
                                              MAINTAIN_INTERVAL_US };
    enum jobs_kind kind = entry->name.kind;
    struct runner_job job = { .name = entry->name.name,
                              .context = entry,
                              .step = step,
                              .interval_us = interval_us[kind],
                              .order = (int)kind };

    if (kind == JOBS_INGEST) {
        job.stop = stop_ingest;
        job.count = count_ingest;
    } else if (kind == JOBS_MAINTAIN) {
        job.ends_at_once = true;
    } else {
        job.count = count_stage;
        job.rival = rival_of;
        job.upkeep = merge;
    }
    return job;
}

/* Bronze wakes the Silver of its exchange, every Silver wakes Gold. */
static bool is_upstream(const struct jobs_name *up, const struct jobs_name *down)
{
    if (up->kind == JOBS_BRONZE && down->kind == JOBS_SILVER)
        return strcmp(up->exchange, down->exchange) == 0;
    return up->kind == JOBS_SILVER && down->kind == JOBS_GOLD;
}

int jobs_init(struct jobs *jobs, struct wire *wire, const struct jobs_name *selected, size_t count,
              struct err *err)
{
    *jobs = (struct jobs){ .wire = wire, .count = count };
    jobs->entry = mem_zero(count, sizeof(*jobs->entry));
    for (size_t i = 0; i < count; i++) {
        jobs->entry[i].name = selected[i];
        if (make_entry(wire, &jobs->entry[i], err) < 0)
            return err_wrap(err, "%s", selected[i].name);
        jobs->runner[i] = runner_job_of(wire, &jobs->entry[i]);
        for (size_t k = 0; k < count; k++)
            if (is_upstream(&selected[i], &selected[k]))
                jobs->runner[i].wakes |= 1U << k;
    }
    return 0;
}

void jobs_deinit(struct jobs *jobs)
{
    for (size_t i = 0; i < jobs->count && jobs->entry != NULL; i++) {
        struct jobs_entry *entry = &jobs->entry[i];

        ingest_free(entry->ingest);
        feed_close(entry->feed);
        http_close(entry->http);
        log_close(entry->log);
        bronze_free(entry->bronze);
        silver_free(entry->silver);
        gold_free(entry->gold);
        maintain_free(entry->maintain);
    }
    free(jobs->entry);
    *jobs = (struct jobs){ 0 };
}
