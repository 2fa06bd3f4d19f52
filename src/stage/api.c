// SPDX-License-Identifier: Apache-2.0
/* api.c: see api.h. */
#include "stage/api.h"

#include "stage/tables.h"

static int compare(const struct table *table, const char *exchange, const char *api,
                   struct err *err)
{
    const char *found = ice_metadata_property(table->metadata, API_PROPERTY);

    if (found == NULL)
        return err_set(err, ERR_CONFIG,
                       "%s does not say which API version writes it: ALTER TABLE %s.%s SET "
                       "TBLPROPERTIES ('" API_PROPERTY "'='v1'), or v2",
                       table->definition.name, table->space, table->definition.name);
    if (strcmp(found, api) != 0)
        return err_set(err, ERR_CONFIG,
                       "%s is written through API %s, and exchanges.%s.api is %s: set it to %s, or "
                       "begin anew with another data_dir",
                       table->definition.name, found, exchange, api, found);
    return 0;
}

static int make(struct table *table, const char *api, struct err *err)
{
    struct ice_pair properties[16];
    size_t count;
    const struct ice_pair *common = tables_properties(&table->definition, &count);

    ASSERT(count < ARRAY_LEN(properties));
    memcpy(properties, common, count * sizeof(*common));
    properties[count++] = (struct ice_pair){ API_PROPERTY, api };
    return table_ensure(table, properties, count, err);
}

static int look(const struct stage_ports *ports, const char *exchange, const char *api,
                bool may_make, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct tables_names names;
    struct ice_definition definition;
    struct table table;
    int rc;

    tables_names(&names, &arena, exchange);
    definition = tables_bronze(names.bronze);
    table_init(&table, &ports->table, ports->space, &definition);
    rc = may_make ? make(&table, api, err) : table_load(&table, err);
    if (rc == 0)
        rc = compare(&table, exchange, api, err);
    table_deinit(&table);
    arena_deinit(&arena);
    return rc;
}

int api_claim(const struct stage_ports *ports, const char *exchange, const char *api,
              struct err *err)
{
    return look(ports, exchange, api, true, err);
}

int api_look(const struct stage_ports *ports, const char *exchange, const char *api,
             struct err *err)
{
    return look(ports, exchange, api, false, err);
}
