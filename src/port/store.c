// SPDX-License-Identifier: Apache-2.0
/* store.c: what every store can do by its operations alone. */
#include "port/store.h"

int store_get_all(struct store *store, const char *uri, struct buf *out, struct err *err)
{
    uint64_t size;
    int rc = store_size(store, uri, &size, err);

    if (rc != 0)
        return rc;
    if (size > SIZE_MAX / 4)
        return err_set(err, ERR_CORRUPT, "get %s: %llu bytes", uri, (unsigned long long)size);
    return store_get(store, uri, 0, (size_t)size, out, err);
}
