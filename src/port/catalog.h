// SPDX-License-Identifier: Apache-2.0
/*
 * catalog.h: port: which metadata a table has now, and its compare-and-swap.
 *
 * Adapters: catalog_sqlite.c (the layout that Iceberg's JdbcCatalog and pyiceberg's SqlCatalog
 * share), catalog_rest.c (catalog_rest.h), catalog_mem.c (one thread).  Any thread.
 */
#ifndef K2_PORT_CATALOG_H
#define K2_PORT_CATALOG_H

#include "core/buf.h"
#include "core/err.h"

#include "port/clock.h"
#include "port/store.h"

enum {
    CATALOG_ABSENT = 1,    /* no such table */
    CATALOG_EXISTS = 2,    /* create: it is there already */
    CATALOG_UNCHANGED = 3, /* load: still at the location that the caller knows */
    CATALOG_CONFLICT = 4,  /* commit: certainly not done, the base is no longer current */
    CATALOG_UNKNOWN = 5,   /* commit: no answer; done, not done, or still to be done */
};

struct catalog_table {
    struct buf location; /* of the metadata file, as text (buf_text) */
    struct buf metadata; /* its JSON */
};

struct catalog_commit {
    const char *base_location;  /* metadata location of the base */
    const char *table_location; /* the new file goes to <table_location>/metadata */
    struct span metadata;       /* the whole new document: what file catalogs write */
    struct span requirements; /* JSON array: what a REST catalog is sent; may be empty until then */
    struct span updates;      /* JSON array */
};

struct catalog;

struct catalog_visitor {
    int (*visit)(void *context, const char *name, struct err *err);
    void *context;
};

struct catalog_ops {
    int (*load)(struct catalog *catalog, const char *space, const char *name, const char *known,
                struct catalog_table *out, struct err *err);
    int (*create)(struct catalog *catalog, const char *space, const char *name,
                  const char *table_location, struct span metadata, struct err *err);
    int (*commit)(struct catalog *catalog, const char *space, const char *name,
                  const struct catalog_commit *commit, struct err *err);
    int (*list)(struct catalog *catalog, const char *space, const struct catalog_visitor *visitor,
                struct err *err);
    void (*close)(struct catalog *catalog);
};

struct catalog {
    const struct catalog_ops *ops;
};

/* Replaces what *out holds.  `known` is a metadata location or NULL: CATALOG_UNCHANGED leaves *out
 * as it is and costs no read of the document.  CATALOG_ABSENT. */
CHECK_RESULT static inline int catalog_load(struct catalog *catalog, const char *space,
                                            const char *name, const char *known,
                                            struct catalog_table *out, struct err *err)
{
    return catalog->ops->load(catalog, space, name, known, out, err);
}

/* Makes the namespace too.  CATALOG_EXISTS. */
CHECK_RESULT static inline int catalog_create(struct catalog *catalog, const char *space,
                                              const char *name, const char *table_location,
                                              struct span metadata, struct err *err)
{
    return catalog->ops->create(catalog, space, name, table_location, metadata, err);
}

/* 0: the table is now at the new metadata.  CATALOG_CONFLICT, CATALOG_UNKNOWN; -1: certainly not
 * done. */
CHECK_RESULT static inline int catalog_commit(struct catalog *catalog, const char *space,
                                              const char *name, const struct catalog_commit *commit,
                                              struct err *err)
{
    return catalog->ops->commit(catalog, space, name, commit, err);
}

/* Names of the tables in a namespace, sorted. */
CHECK_RESULT static inline int catalog_list(struct catalog *catalog, const char *space,
                                            const struct catalog_visitor *visitor, struct err *err)
{
    return catalog->ops->list(catalog, space, visitor, err);
}

static inline void catalog_close(struct catalog *catalog)
{
    if (catalog != NULL)
        catalog->ops->close(catalog);
}

void catalog_table_deinit(struct catalog_table *table);

/* "<table_location>/metadata/00012-<uuid>.metadata.json": one above the version that
 * `base_location` names (0 when it is NULL); appended to *out. */
void catalog_next_location(const char *table_location, const char *base_location,
                           struct clock *clock, struct buf *out);

/* `file` is a SQLite database, made when missing; `catalog_name` is the name that other readers
 * must use too.  store and clock are borrowed. */
CHECK_RESULT int catalog_sqlite_open(const char *file, const char *catalog_name,
                                     struct store *store, struct clock *clock, struct catalog **out,
                                     struct err *err);
/* Compares like a REST catalog (main's snapshot) when `by_snapshot`, else like SQLite (the whole
 * metadata location).  store and clock are borrowed. */
struct catalog *catalog_mem_open(struct store *store, struct clock *clock, bool by_snapshot);

#endif
