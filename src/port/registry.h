// SPDX-License-Identifier: Apache-2.0
/* registry.h: port: schema <-> id, as Confluent's registry has it.  Adapters: registry_sqlite.c,
 * registry_http.c (registry_http.h), registry_mem.c (one thread).  Any thread. */
#ifndef K2_PORT_REGISTRY_H
#define K2_PORT_REGISTRY_H

#include "core/buf.h"
#include "core/err.h"

enum { REGISTRY_ABSENT = 1 };

struct registry;

/* One version of a subject; borrowed from the visit. */
struct registry_version {
    const char *subject;
    int32_t version, id; /* versions rise from 1 */
    struct span schema;
};

/* Returns 0 to go on; another value ends the listing. */
typedef int registry_visit(void *context, const struct registry_version *version);
/* May `next` follow `last`, the subject's newest?  0; -1 REFUSED says why not. */
typedef int registry_may_follow(struct span last, struct span next, struct err *err);

struct registry_ops {
    int (*put)(struct registry *registry, const char *subject, struct span schema, int32_t *id,
               struct err *err);
    int (*get)(struct registry *registry, int32_t id, struct buf *schema, struct err *err);
    void (*close)(struct registry *registry);
    int (*list)(struct registry *registry, const char *subject, registry_visit *visit,
                void *context, struct err *err); /* NULL: a registry elsewhere */
};

struct registry {
    const struct registry_ops *ops;
};

/* Registers the schema's JSON under a subject ("<topic>-value"); the same text has the same id,
 * also under another subject.  Ids are positive.  REFUSED: it may not follow what the subject has.
 */
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

/* Visits the versions of a subject (NULL: of all), by subject and version; the visitor must not
 * call the registry.  What a visit returned, if it was not 0; -1 also for a registry without list.
 */
CHECK_RESULT static inline int registry_list(struct registry *registry, const char *subject,
                                             registry_visit *visit, void *context, struct err *err)
{
    if (registry->ops->list == NULL)
        return err_set(err, ERR_CONFIG, "this registry's schemas are listed by itself");
    return registry->ops->list(registry, subject, visit, context, err);
}

static inline void registry_close(struct registry *registry)
{
    if (registry != NULL)
        registry->ops->close(registry);
}

/* Tables in a SQLite file that may be shared with the catalog.  `may_follow` is asked about each
 * schema that is new to its subject, under the file's write lock; NULL: all may. */
CHECK_RESULT int registry_sqlite_open(const char *file, registry_may_follow *may_follow,
                                      struct registry **out, struct err *err);
struct registry *registry_mem_open(void);

#endif
