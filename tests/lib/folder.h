// SPDX-License-Identifier: Apache-2.0
/* folder.h: a temporary folder for a test, removed with all that is in it. */
#ifndef K2_TESTS_FOLDER_H
#define K2_TESTS_FOLDER_H

#include "core/buf.h"

#include <ftw.h>

static inline int folder_remove_entry(const char *path, const struct stat *status, int type,
                                      struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

/* An absolute path, to be given to folder_free. */
static inline char *folder_new(void)
{
    const char *parent = getenv("TMPDIR");
    struct buf path = BUF_INIT;

    buf_printf(&path, "%s/k2-test-XXXXXX", parent == NULL ? "/tmp" : parent);
    buf_put_byte(&path, 0);
    ASSERT(mkdtemp((char *)path.data) != NULL);
    return (char *)path.data;
}

static inline void folder_free(char *path)
{
    if (path != NULL)
        nftw(path, folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

/* "<folder>/<name>", to be freed. */
static inline char *folder_path(const char *folder, const char *name)
{
    struct buf path = BUF_INIT;

    buf_printf(&path, "%s/%s", folder, name);
    buf_put_byte(&path, 0);
    return (char *)path.data;
}

#endif
