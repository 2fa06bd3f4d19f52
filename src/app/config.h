// SPDX-License-Identifier: Apache-2.0
/*
 * config.h: the configuration: a YAML file over the defaults of option.def.
 *
 * Nothing is guessed: an unknown key, a bad unit, a contradiction, a key given twice is an error
 * that names file, line and what was expected.  All errors of a file are found in one go.  A text
 * may hold ${NAME}, from the environment, or be file:PATH, the content of a file; what they stand
 * for is never printed: messages quote what the file says.
 */
#ifndef K2_APP_CONFIG_H
#define K2_APP_CONFIG_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"

struct config_list {
    const char **item;
    size_t count;
};

struct config_map {
    const char **name, **value;
    size_t count;
};

#define CONFIG_MEMBER_TEXT     const char *
#define CONFIG_MEMBER_CHOICE   const char *
#define CONFIG_MEMBER_LIST     struct config_list
#define CONFIG_MEMBER_SIZE     int64_t
#define CONFIG_MEMBER_DURATION int64_t
#define CONFIG_MEMBER_COUNT    int64_t
#define CONFIG_MEMBER_MAP      struct config_map

/* Read only once it is loaded: any thread. */
struct config {
    struct arena arena; /* of all texts */
#define OPTION(member, key, kind, initial, min, max, shape, effect, sentence)                      \
    CONFIG_MEMBER_##kind member;
#include "app/option.def"
    struct config_list exchanges; /* that run: those that the file names; all when it names none */
    bool http_is_set;             /* the file says http.listen itself */
    struct config_list idle;      /* keys that the file sets and this build has no use for yet */
};

enum config_kind {
    CONFIG_TEXT,
    CONFIG_LIST,
    CONFIG_CHOICE,
    CONFIG_SIZE,
    CONFIG_DURATION,
    CONFIG_COUNT,
    CONFIG_MAP,
};

struct config_option {
    const char *key; /* "gold.dedup_window" */
    enum config_kind kind;
    size_t offset;       /* of the member */
    const char *initial; /* as a file would say it; a list without its brackets */
    int64_t min, max;
    const char *shape;
    bool is_idle;
    const char *sentence;
};

/* The table, in the order of option.def. */
const struct config_option *config_options(size_t *count);

/* A key that goes with one type of adapter, and whether that cannot be without it. */
struct config_goes_with {
    const char *key, *type_key, *type;
    bool is_needed;
};

/* NULL: the key stands by itself. */
const struct config_goes_with *config_goes_with(const char *key);

/*
 * Fills *config with the defaults and, over them, what `file` says (NULL: no file).  CONFIG: *err
 * has the first error, and *faults all of them, a line each (appended).  Afterwards, also after an
 * error, config_deinit.
 */
CHECK_RESULT int config_load(struct config *config, const char *file, struct buf *faults,
                             struct err *err);
/* The same for the text of a file of that name. */
CHECK_RESULT int config_parse(struct config *config, const char *name, struct span text,
                              struct buf *faults, struct err *err);
void config_deinit(struct config *config);

#endif
