// SPDX-License-Identifier: Apache-2.0
/*
 * store.h: port: immutable objects under full URIs; one is there whole or not at all.
 *
 * Adapters: store_local.c (files, "file:///…"), store_s3.c ("s3://…", store_s3.h), store_mem.c
 * ("mem://…").  Any thread, but store_mem: one.  Keys are never reused, so an object that was read
 * never changes.
 */
#ifndef K2_PORT_STORE_H
#define K2_PORT_STORE_H

#include "core/buf.h"
#include "core/err.h"

enum { STORE_EXISTS = 1, STORE_ABSENT = 2 }; /* conditions */

struct store;

/* Called for each object that a listing finds; return 0 to go on, -1 (err filled) to stop.  It may
 * remove that object.  modified_us is by the store's clock, 0 when it does not know. */
struct store_visitor {
    int (*visit)(void *context, const char *uri, uint64_t size, int64_t modified_us,
                 struct err *err);
    void *context;
};

struct store_ops {
    int (*put_new)(struct store *store, const char *uri, const struct span *parts, size_t count,
                   struct err *err);
    int (*size)(struct store *store, const char *uri, uint64_t *size, struct err *err);
    int (*get)(struct store *store, const char *uri, uint64_t offset, size_t size, struct buf *out,
               struct err *err);
    int (*remove)(struct store *store, const char *uri, struct err *err);
    int (*list)(struct store *store, const char *prefix, const struct store_visitor *visitor,
                struct err *err);
    void (*close)(struct store *store);
};

struct store {
    const struct store_ops *ops;
    const char *root; /* URI under which tables are made, no slash at the end */
};

/* Writes the parts, one behind the other, durably under `uri`, unless it is taken: STORE_EXISTS,
 * and the first object stays.  CONFIG: not under the root; after another -1 the
 * outcome is unknown. */
CHECK_RESULT static inline int store_put_new(struct store *store, const char *uri,
                                             const struct span *parts, size_t count,
                                             struct err *err)
{
    return store->ops->put_new(store, uri, parts, count, err);
}

/* STORE_ABSENT when there is no such object. */
CHECK_RESULT static inline int store_size(struct store *store, const char *uri, uint64_t *size,
                                          struct err *err)
{
    return store->ops->size(store, uri, size, err);
}

/* Appends exactly the bytes [offset, offset + size) to *out; an object that ends earlier is
 * CORRUPT; STORE_ABSENT as above. */
CHECK_RESULT static inline int store_get(struct store *store, const char *uri, uint64_t offset,
                                         size_t size, struct buf *out, struct err *err)
{
    return store->ops->get(store, uri, offset, size, out, err);
}

/* 0 also when it was not there. */
CHECK_RESULT static inline int store_remove(struct store *store, const char *uri, struct err *err)
{
    return store->ops->remove(store, uri, err);
}

/* All objects whose URI begins with `prefix`, in any order. */
CHECK_RESULT static inline int store_list(struct store *store, const char *prefix,
                                          const struct store_visitor *visitor, struct err *err)
{
    return store->ops->list(store, prefix, visitor, err);
}

static inline void store_close(struct store *store)
{
    if (store != NULL)
        store->ops->close(store);
}

/* size and get in one: the whole object. */
CHECK_RESULT int store_get_all(struct store *store, const char *uri, struct buf *out,
                               struct err *err);

/* `folder` is made when missing; a network file system is refused (CONFIG). URIs are file:// and
 * its absolute path; for reading, a bare absolute path and file:/… are taken too. */
CHECK_RESULT int store_local_open(const char *folder, struct store **out, struct err *err);
struct store *store_mem_open(void); /* root "mem://warehouse" */
/* Objects put from now on are of the clock's time; without, of none. */
struct clock;
void store_mem_stamp(struct store *store, struct clock *clock);

#endif
