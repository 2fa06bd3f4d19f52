// SPDX-License-Identifier: Apache-2.0
/*
 * maintain.c: each table by itself, so that one that is in trouble keeps no other from its upkeep.
 *
 * A merge is a commit, and a commit drops snapshots.  How far readers have come is not looked up
 * here: nothing that one might still need is dropped, the jobs' own commits do that.
 */
#include "stage/maintain.h"

#include "core/diag.h"
#include "iceberg/table_clean.h"
#include "iceberg/table_orphans.h"
#include "protocol/commit.h"
#include "stage/tables.h"

#include <inttypes.h>

enum { MERGE_AT_LEAST = 100, RETAIN_STEPS_MAX = 1000 };

struct exchange_tables {
    struct tables_names names;
    struct chain_table bronze, silver;
};

struct maintain {
    struct stage_ports ports;
    struct maintain_config config;
    struct arena names_arena;
    struct exchange_tables *exchange;
    struct chain_table dead_letters, gold;
    int64_t orphans_us; /* when they were last looked for; 0: not yet */
    struct maintain_counters counters;
};

static void init_table(struct chain_table *chain, const struct stage_ports *ports,
                       const struct ice_definition *definition, const struct chain_origin *origin,
                       bool has_readers)
{
    stage_chain_init(chain, ports, definition, origin);
    if (has_readers)
        chain->downstream_sequence = 0;
}

struct maintain *maintain_new(const struct stage_ports *ports, const struct maintain_config *config)
{
    struct maintain *self = mem_zero(1, sizeof(*self));
    struct ice_definition definition = tables_gold();
    struct chain_origin origin = tables_gold_origin();

    self->ports = *ports;
    self->config = *config;
    if (self->config.merge_at_least == 0)
        self->config.merge_at_least = MERGE_AT_LEAST;
    init_table(&self->gold, ports, &definition, &origin, false);
    definition = tables_dead_letters();
    origin = tables_dead_letters_origin();
    init_table(&self->dead_letters, ports, &definition, &origin, false);
    self->exchange = mem_zero(config->exchange_count, sizeof(*self->exchange));
    for (size_t i = 0; i < config->exchange_count; i++) {
        struct exchange_tables *exchange = &self->exchange[i];

        tables_names(&exchange->names, &self->names_arena, config->exchanges[i]);
        definition = tables_bronze(exchange->names.bronze);
        origin = tables_bronze_origin();
        init_table(&exchange->bronze, ports, &definition, &origin, true);
        definition = tables_silver(exchange->names.silver);
        origin = tables_silver_origin(exchange->names.topic);
        init_table(&exchange->silver, ports, &definition, &origin, true);
    }
    return self;
}

void maintain_free(struct maintain *self)
{
    if (self == NULL)
        return;
    for (size_t i = 0; i < self->config.exchange_count; i++) {
        chain_deinit(&self->exchange[i].bronze);
        chain_deinit(&self->exchange[i].silver);
    }
    free(self->exchange);
    chain_deinit(&self->gold);
    chain_deinit(&self->dead_letters);
    arena_deinit(&self->names_arena);
    free(self);
}

const struct maintain_counters *maintain_counters(const struct maintain *self)
{
    return &self->counters;
}

/* -- notes of dropped files */

struct notes {
    struct arena arena;
    struct buf uris; /* const char * */
    int64_t before_us;
};

static int note(void *context, const char *uri, uint64_t size, int64_t modified_us, struct err *err)
{
    struct notes *notes = context;
    const char *copy;

    (void)size;
    (void)err;
    if (modified_us > notes->before_us)
        return 0;
    copy = arena_text(&notes->arena, span_text(uri));
    buf_put(&notes->uris, &copy, sizeof(copy));
    return 0;
}

static int gone(const struct chain_table *chain, struct err *err)
{
    return err_set(err, ERR_RETRY, "%s: a manifest list or manifest that it needs is not there",
                   chain->table.definition.name);
}

static int clean(struct maintain *self, struct chain_table *chain, struct err *err)
{
    struct notes notes = { .before_us = clock_now_us(self->ports.table.clock) - MAINTAIN_GRACE_US };
    const struct store_visitor visitor = { note, &notes };
    char *prefix = arena_printf(&notes.arena, "%s/metadata/" COMMIT_DROPPED_PREFIX,
                                chain->table.metadata->location);
    size_t removed = 0, count;
    int rc = store_list(self->ports.table.store, prefix, &visitor, err);

    count = notes.uris.size / sizeof(char *);
    if (rc == 0 && count > 0)
        rc = table_clean(&chain->table, (const char *const *)(const void *)notes.uris.data, count,
                         &removed, err);
    if (rc == TABLE_GONE)
        rc = gone(chain, err);
    if (rc == 0) {
        self->counters.removed += (int64_t)removed;
        self->counters.notes += (int64_t)count;
    }
    buf_deinit(&notes.uris);
    arena_deinit(&notes.arena);
    return rc < 0 ? -1 : 0;
}

static bool is_time_for_orphans(const struct maintain *self)
{
    int64_t now = clock_now_us(self->ports.table.clock);

    return self->config.orphan_age_us > 0 && (self->orphans_us == 0 || now < self->orphans_us ||
                                              now - self->orphans_us >= MAINTAIN_ORPHANS_US);
}

static int remove_orphans(struct maintain *self, struct chain_table *chain, struct err *err)
{
    const struct table_orphans options = {
        .before_us = clock_now_us(self->ports.table.clock) - self->config.orphan_age_us,
        .note_prefix = COMMIT_DROPPED_PREFIX,
    };
    size_t removed;
    int rc = table_orphans_remove(&chain->table, &options, &removed, err);

    self->counters.orphans += (int64_t)removed;
    if (rc == TABLE_GONE)
        rc = gone(chain, err);
    return rc < 0 ? -1 : 0;
}

static int maintain_table(struct maintain *self, struct chain_table *chain, struct err *err)
{
    int rc = table_load(&chain->table, err);

    if (rc == TABLE_ABSENT)
        return 0;
    if (rc != 0)
        return -1;
    self->counters.tables++;
    if (chain->table.metadata->main != ICE_NONE &&
        commit_merge_manifests(chain, self->config.merge_at_least, err) < 0)
        return -1;
    if (clean(self, chain, err) < 0)
        return -1;
    return is_time_for_orphans(self) ? remove_orphans(self, chain, err) : 0;
}

/* -- the log */

static int retain_partition(struct maintain *self, const char *topic, int32_t partition,
                            int64_t below, struct err *err)
{
    int64_t older_us = clock_now_us(self->ports.table.clock) - self->config.log_retention_us;
    int64_t before = -1, first = 0, end = 0;

    /* In small steps: others must get at the log in between. */
    for (int i = 0; i < RETAIN_STEPS_MAX && first != before; i++) {
        int rc = log_bounds(self->ports.log, topic, partition, &first, &end, err);

        before = first;
        if (rc == LOG_ABSENT)
            return 0;
        if (rc < 0 || log_retain(self->ports.log, topic, partition, below, older_us, err) < 0 ||
            log_bounds(self->ports.log, topic, partition, &first, &end, err) < 0)
            return -1;
    }
    return 0;
}

/* Records below the position of the table whose topic this is may go. */
static int retain_topic(struct maintain *self, struct chain_table *taker, const char *topic,
                        struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct positions map;
    int rc;

    positions_init(&map, &arena);
    rc = chain_load(taker, &arena, &map, err);
    for (size_t i = 0; rc == 0 && i < map.offset_count; i++)
        if (strcmp(map.offset[i].topic, topic) == 0 &&
            strcmp(map.offset[i].cluster, self->ports.log->cluster) == 0)
            rc = retain_partition(self, topic, map.offset[i].partition, map.offset[i].next, err);
    arena_deinit(&arena);
    return rc < 0 ? -1 : 0;
}

/* Remembers the first error and says the others. */
static void keep_first(int rc, struct err *err, const struct err *next, int *kept)
{
    if (rc == 0)
        return;
    if (*kept == 0)
        *err = *next;
    else
        diag_err(DIAG_WARN, "maintain_failed", next, "%s", "");
    *kept = -1;
}

int maintain_step(struct maintain *self, struct err *err)
{
    struct err next = { 0 };
    int rc = 0;

    for (size_t i = 0; i < self->config.exchange_count; i++) {
        struct exchange_tables *exchange = &self->exchange[i];

        keep_first(maintain_table(self, &exchange->bronze, &next), err, &next, &rc);
        keep_first(maintain_table(self, &exchange->silver, &next), err, &next, &rc);
        if (self->ports.log == NULL)
            continue;
        keep_first(retain_topic(self, &exchange->bronze, exchange->names.topic, &next), err, &next,
                   &rc);
        keep_first(retain_topic(self, &self->dead_letters, exchange->names.dead_topic, &next), err,
                   &next, &rc);
    }
    keep_first(maintain_table(self, &self->dead_letters, &next), err, &next, &rc);
    keep_first(maintain_table(self, &self->gold, &next), err, &next, &rc);
    if (rc == 0 && is_time_for_orphans(self))
        self->orphans_us = clock_now_us(self->ports.table.clock);
    return rc == 0 ? STAGE_IDLE : -1;
}
