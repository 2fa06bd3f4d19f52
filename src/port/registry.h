// SPDX-License-Identifier: Apache-2.0
/* registry.h: port: schema <-> id, as Confluent's registry has it.  Adapters: registry_sqlite.c,
 * registry_http.c (registry_http.h), registry_mem.c (one thread).  Any thread. */
#ifndef K2_PORT_REGISTRY_H
#define K2_PORT_REGISTRY_H

#include "core/buf.h"
#include "core/err.h"

enum { REGISTRY_ABSENT = 1 };

struct registry;

struct registry_ops {
    int (*put)(struct registry *registry, const char *subject, struct span schema, int32_t *id,
               struct err *err);
    int (*get)(struct registry *registry, int32_t id, struct buf *schema, struct err *err);
    void (*close)(struct registry *registry);
};

struct registry {
    const struct registry_ops *ops;
};

/* Registers the schema's JSON under a subject ("<topic>-value"); the same text has the same id,
 * also under another subject.  Ids are positive. */
CHECK_RESULT static inline int registry_put(struct registry *registry, const char *subject,
                                            struct span schema, int32_t *id, struct err *err)
{
    return registry->ops->put(registry, subject, schema, id, err);
}

/* Appends the schema's JSON to *schema.  REGISTRY_ABSENT: the registry answered and does not know
 * the id; -1 RETRY: it did not answer, which says nothing about the id. */
CHECK_RESULT static inline int registry_get(struct registry *registry, int32_t id,
                                            struct buf *schema, struct err *err)
{
    return registry->ops->get(registry, id, schema, err);
}

static inline void registry_close(struct registry *registry)
{
    if (registry != NULL)
        registry->ops->close(registry);
}

/* Tables in a SQLite file that may be shared with the catalog. */
CHECK_RESULT int registry_sqlite_open(const char *file, struct registry **out, struct err *err);
struct registry *registry_mem_open(void);

#endif
