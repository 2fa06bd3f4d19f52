// SPDX-License-Identifier: Apache-2.0
/* registry_mem.c: an array of schemas; a schema's id is its place.  One thread. */
#include "port/registry.h"

struct registry_mem {
    struct registry base;
    struct buf *schemas;
    size_t count;
};

static int mem_put(struct registry *registry, const char *subject, struct span schema, int32_t *id,
                   struct err *err)
{
    struct registry_mem *mem = (struct registry_mem *)registry;
    size_t place = 0;

    (void)subject; /* a name for the same id: nothing asks for it back */
    (void)err;
    while (place < mem->count && !span_equal(buf_span(&mem->schemas[place]), schema))
        place++;
    if (place == mem->count) {
        mem->schemas = mem_realloc(mem->schemas, ++mem->count, sizeof(*mem->schemas));
        mem->schemas[place] = BUF_INIT;
        buf_put_span(&mem->schemas[place], schema);
    }
    *id = (int32_t)place + 1;
    return 0;
}

static int mem_get(struct registry *registry, int32_t id, struct buf *schema, struct err *err)
{
    struct registry_mem *mem = (struct registry_mem *)registry;

    (void)err;
    if (id < 1 || (size_t)id > mem->count)
        return REGISTRY_ABSENT;
    buf_put_span(schema, buf_span(&mem->schemas[id - 1]));
    return 0;
}

static void mem_close(struct registry *registry)
{
    struct registry_mem *mem = (struct registry_mem *)registry;

    for (size_t i = 0; i < mem->count; i++)
        buf_deinit(&mem->schemas[i]);
    free(mem->schemas);
    free(mem);
}

struct registry *registry_mem_open(void)
{
    static const struct registry_ops ops = { mem_put, mem_get, mem_close, NULL };
    struct registry_mem *mem = mem_zero(1, sizeof(*mem));

    mem->base.ops = &ops;
    return &mem->base;
}
