// SPDX-License-Identifier: Apache-2.0
/* catalog.c: names of metadata files, as Java's and pyiceberg's catalogs make them. */
#include "port/catalog.h"
#include "core/random.h"

void catalog_table_deinit(struct catalog_table *table)
{
    buf_deinit(&table->location);
    buf_deinit(&table->metadata);
}

/* The number before the first '-' of the file's name; -1 when it does not begin with one. */
static int64_t version_of(const char *location)
{
    const char *slash = strrchr(location, '/');
    const char *at = slash == NULL ? location : slash + 1;
    int64_t version = 0;

    if (*at < '0' || *at > '9')
        return -1;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (version > INT32_MAX)
            return -1;
        version = version * 10 + (*at - '0');
    }
    return *at == '-' ? version : -1;
}

void catalog_next_location(const char *table_location, const char *base_location,
                           struct clock *clock, struct buf *out)
{
    int64_t version = base_location == NULL ? 0 : version_of(base_location) + 1;
    uint64_t high = clock_random(clock);
    uint64_t low = clock_random(clock);
    uint8_t uuid[16];
    char text[UUID_TEXT_BYTES];

    uuid_from_random(high, low, uuid);
    uuid_format(uuid, text);
    buf_printf(out, "%s/metadata/%05lld-%s.metadata.json", table_location, (long long)version,
               text);
}
