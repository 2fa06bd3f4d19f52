// SPDX-License-Identifier: Apache-2.0
/* fault.c: one wrapper for each port; all go through the same gate. */
#include "sim/fault.h"

#include <string.h>

struct faulty_store {
    struct store base;
    struct fault_process *process;
};
struct faulty_catalog {
    struct catalog base;
    struct fault_process *process;
};
struct faulty_log {
    struct log base;
    struct fault_process *process;
    uint64_t generation; /* of what the group has handed out */
    uint64_t is_ours;    /* bit p: partition p */
};
struct faulty_registry {
    struct registry base;
    struct fault_process *process;
};

static bool strikes(struct fault_world *world)
{
    return world->percent > 0 && random_below(world->random, 100) < (uint64_t)world->percent;
}

static int dead(struct err *err)
{
    return err_set(err, ERR_FATAL, "the process is dead");
}

/* -1: the call has no effect. */
static int before(struct fault_process *process, struct err *err)
{
    if (process->is_dead)
        return dead(err);
    process->between(process->context);
    if (process->is_dead)
        return dead(err);
    process->world->calls++;
    /* An eighth of the faults: most of what goes wrong, goes wrong in a commit. */
    if (strikes(process->world) && random_below(process->world->random, 8) == 0)
        return err_set(err, ERR_RETRY, "injected: the call had no effect");
    return 0;
}

/* What the caller is told of a call that returned rc. */
static int after(struct fault_process *process, int rc, struct err *err)
{
    process->between(process->context);
    if (process->is_dead)
        return dead(err);
    if (strikes(process->world) && random_below(process->world->random, 8) == 0)
        return err_set(err, ERR_RETRY, "injected: the answer was lost");
    return rc;
}

#define GATE(base_, type_)                                                                         \
    struct fault_process *process = ((struct type_ *)(base_))->process;                            \
    if (before(process, err) != 0)                                                                 \
    return -1

/* -- store */

static int store_fault_put_new(struct store *store, const char *uri, const struct span *parts,
                               size_t count, struct err *err)
{
    GATE(store, faulty_store);
    return after(process, store_put_new(process->world->store, uri, parts, count, err), err);
}

static int store_fault_size(struct store *store, const char *uri, uint64_t *size, struct err *err)
{
    GATE(store, faulty_store);
    return store_size(process->world->store, uri, size, err);
}

static int store_fault_get(struct store *store, const char *uri, uint64_t offset, size_t size,
                           struct buf *out, struct err *err)
{
    GATE(store, faulty_store);
    return store_get(process->world->store, uri, offset, size, out, err);
}

static int store_fault_remove(struct store *store, const char *uri, struct err *err)
{
    GATE(store, faulty_store);
    return after(process, store_remove(process->world->store, uri, err), err);
}

static int store_fault_list(struct store *store, const char *prefix,
                            const struct store_visitor *visitor, struct err *err)
{
    GATE(store, faulty_store);
    return store_list(process->world->store, prefix, visitor, err);
}

static void store_fault_close(struct store *store)
{
    free(store);
}

/* -- catalog */

static int catalog_fault_load(struct catalog *catalog, const char *space, const char *name,
                              const char *known, struct catalog_table *out, struct err *err)
{
    GATE(catalog, faulty_catalog);
    return catalog_load(process->world->catalog, space, name, known, out, err);
}

static int catalog_fault_create(struct catalog *catalog, const char *space, const char *name,
                                const char *table_location, struct span metadata, struct err *err)
{
    GATE(catalog, faulty_catalog);
    return after(
        process,
        catalog_create(process->world->catalog, space, name, table_location, metadata, err), err);
}

static void keep_for_later(struct fault_world *world, const char *space, const char *name,
                           const struct catalog_commit *commit)
{
    struct late_commit *late = mem_zero(1, sizeof(*late));
    struct late_commit **at = &world->late;

    late->space = mem_text(space);
    late->name = mem_text(name);
    late->base_location = mem_text(commit->base_location);
    late->table_location = mem_text(commit->table_location);
    buf_put_span(&late->metadata, commit->metadata);
    while (*at != NULL)
        at = &(*at)->next;
    *at = late;
}

bool fault_apply_late(struct fault_world *world)
{
    struct late_commit *late = world->late;
    struct err ignored;

    if (late == NULL)
        return false;
    world->late = late->next;
    if (catalog_commit(world->catalog, late->space, late->name,
                       &(struct catalog_commit){ .base_location = late->base_location,
                                                 .table_location = late->table_location,
                                                 .metadata = buf_span(&late->metadata) },
                       &ignored) < 0)
        fprintf(stderr, "late commit: %s\n", ignored.text);
    free(late->space);
    free(late->name);
    free(late->base_location);
    free(late->table_location);
    buf_deinit(&late->metadata);
    free(late);
    return true;
}

static int catalog_fault_commit(struct catalog *catalog, const char *space, const char *name,
                                const struct catalog_commit *commit, struct err *err)
{
    struct fault_process *process = ((struct faulty_catalog *)catalog)->process;
    struct fault_world *world = process->world;
    int rc;

    if (before(process, err) != 0)
        return -1;
    if (strikes(world)) {
        uint64_t how = random_below(world->random, 4);

        if (how == 0)
            return CATALOG_UNKNOWN; /* lost on the way there */
        if (how == 1) {
            keep_for_later(world, space, name, commit);
            return CATALOG_UNKNOWN;
        }
        rc = catalog_commit(world->catalog, space, name, commit, err);
        process->between(process->context);
        return process->is_dead ? dead(err) : rc < 0 ? rc : CATALOG_UNKNOWN;
    }
    rc = catalog_commit(world->catalog, space, name, commit, err);
    process->between(process->context);
    return process->is_dead ? dead(err) : rc;
}

static int catalog_fault_list(struct catalog *catalog, const char *space,
                              const struct catalog_visitor *visitor, struct err *err)
{
    GATE(catalog, faulty_catalog);
    return catalog_list(process->world->catalog, space, visitor, err);
}

static void catalog_fault_close(struct catalog *catalog)
{
    free(catalog);
}

/* -- log */

static int log_fault_ensure_topic(struct log *log, const char *topic, int32_t partitions,
                                  struct err *err)
{
    GATE(log, faulty_log);
    return after(process, log_ensure_topic(process->world->log, topic, partitions, err), err);
}

static int log_fault_partitions(struct log *log, const char *topic, int32_t *count, struct err *err)
{
    GATE(log, faulty_log);
    return log_partitions(process->world->log, topic, count, err);
}

static int log_fault_bounds(struct log *log, const char *topic, int32_t partition, int64_t *first,
                            int64_t *end, struct err *err)
{
    GATE(log, faulty_log);
    return log_bounds(process->world->log, topic, partition, first, end, err);
}

static int log_fault_timestamp_at(struct log *log, const char *topic, int32_t partition,
                                  int64_t offset, int64_t *timestamp_us, struct err *err)
{
    GATE(log, faulty_log);
    return log_timestamp_at(process->world->log, topic, partition, offset, timestamp_us, err);
}

static int log_fault_read(struct log *log, const char *topic, int32_t partition, int64_t from,
                          size_t records_max, size_t bytes_max, struct log_batch *out,
                          int64_t *next, struct err *err)
{
    GATE(log, faulty_log);
    return log_read(process->world->log, topic, partition, from, records_max, bytes_max, out, next,
                    err);
}

static int log_fault_send(struct log *log, const char *topic, const struct log_record *records,
                          size_t count, struct err *err)
{
    GATE(log, faulty_log);
    return after(process, log_send(process->world->log, topic, records, count, err), err);
}

static int log_fault_poll(struct log *log, int64_t wait_us, uint64_t *acknowledged, struct err *err)
{
    GATE(log, faulty_log);
    return log_poll(process->world->log, wait_us, acknowledged, err);
}

static int log_fault_retain(struct log *log, const char *topic, int32_t partition, int64_t below,
                            int64_t older_than_us, struct err *err)
{
    GATE(log, faulty_log);
    return after(process,
                 log_retain(process->world->log, topic, partition, below, older_than_us, err), err);
}

/* Any partitions at any time, also those that another process has: a group is a hint. */
static int log_fault_assigned(struct log *log, const char *topic, struct log_assignment *out,
                              struct err *err)
{
    struct faulty_log *self = (struct faulty_log *)log;
    struct fault_world *world = self->process->world;
    uint64_t is_ours = self->is_ours;
    size_t count = 0;
    int rc;

    GATE(log, faulty_log);
    if (world->percent == 0 || random_below(world->random, 3) == 0)
        is_ours = UINT64_MAX;
    else if (random_below(world->random, 16) == 0)
        is_ours = random_below(world->random, UINT64_MAX);
    self->generation += self->generation == 0 || is_ours != self->is_ours;
    self->is_ours = is_ours;
    rc = log_assigned(process->world->log, topic, out, err);
    for (size_t i = 0; rc == 0 && i < out->count; i++)
        if ((is_ours >> (out->partition[i] % 64) & 1) != 0)
            out->partition[count++] = out->partition[i];
    out->count = count;
    out->generation = self->generation;
    return rc;
}

static int log_fault_bounds_all(struct log *log, const char *topic, int32_t count, int64_t *first,
                                int64_t *end, struct err *err)
{
    GATE(log, faulty_log);
    return log_bounds_all(process->world->log, topic, count, first, end, err);
}

static void log_fault_close(struct log *log)
{
    free(log);
}

/* -- registry */

static int registry_fault_put(struct registry *registry, const char *subject, struct span schema,
                              int32_t *id, struct err *err)
{
    GATE(registry, faulty_registry);
    return after(process, registry_put(process->world->registry, subject, schema, id, err), err);
}

static int registry_fault_get(struct registry *registry, int32_t id, struct buf *schema,
                              struct err *err)
{
    GATE(registry, faulty_registry);
    return registry_get(process->world->registry, id, schema, err);
}

static void registry_fault_close(struct registry *registry)
{
    free(registry);
}

void fault_process_init(struct fault_process *process, struct fault_world *world,
                        void (*between)(void *context), void *context)
{
    static const struct store_ops store_ops = { store_fault_put_new, store_fault_size,
                                                store_fault_get,     store_fault_remove,
                                                store_fault_list,    store_fault_close };
    static const struct catalog_ops catalog_ops = { catalog_fault_load, catalog_fault_create,
                                                    catalog_fault_commit, catalog_fault_list,
                                                    catalog_fault_close };
    static const struct log_ops log_ops = {
        log_fault_ensure_topic, log_fault_partitions, log_fault_bounds,     log_fault_timestamp_at,
        log_fault_read,         log_fault_send,       log_fault_poll,       log_fault_retain,
        log_fault_close,        log_fault_assigned,   log_fault_bounds_all, NULL,
    };
    static const struct registry_ops registry_ops = { registry_fault_put, registry_fault_get,
                                                      registry_fault_close, NULL };
    struct faulty_store *store = mem_zero(1, sizeof(*store));
    struct faulty_catalog *catalog = mem_zero(1, sizeof(*catalog));
    struct faulty_log *log = mem_zero(1, sizeof(*log));
    struct faulty_registry *registry = mem_zero(1, sizeof(*registry));

    *store = (struct faulty_store){ { &store_ops, world->store->root }, process };
    *catalog = (struct faulty_catalog){ { &catalog_ops }, process };
    *log = (struct faulty_log){ { &log_ops, world->log->cluster }, process, 0, UINT64_MAX };
    *registry = (struct faulty_registry){ { &registry_ops }, process };
    *process = (struct fault_process){ .world = world,
                                       .between = between,
                                       .context = context,
                                       .store = &store->base,
                                       .catalog = &catalog->base,
                                       .log = &log->base,
                                       .registry = &registry->base };
}

void fault_process_deinit(struct fault_process *process)
{
    store_close(process->store);
    catalog_close(process->catalog);
    log_close(process->log);
    registry_close(process->registry);
    *process = (struct fault_process){ 0 };
}
