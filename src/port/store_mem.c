// SPDX-License-Identifier: Apache-2.0
/* store_mem.c: objects in a sorted array, so that a listing is a range and its order a function of
 * the content.  One thread. */
#include "port/store.h"

#include "port/clock.h"

struct object {
    char *uri;
    struct buf bytes;
    int64_t modified_us;
};

struct store_mem {
    struct store base;
    struct clock *clock;    /* NULL: objects have no time */
    struct object *objects; /* by uri */
    size_t count;
    size_t capacity;
};

/* The place of the first object whose URI is >= uri, or > uri when `after`. */
static size_t place_of(const struct store_mem *mem, const char *uri, bool after)
{
    size_t low = 0;
    size_t high = mem->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(mem->objects[middle].uri, uri);

        if (order < 0 || (after && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct object *find(const struct store_mem *mem, const char *uri)
{
    size_t place = place_of(mem, uri, false);

    return place < mem->count && strcmp(mem->objects[place].uri, uri) == 0 ? &mem->objects[place]
                                                                           : NULL;
}

static int mem_put_new(struct store *store, const char *uri, const struct span *parts, size_t count,
                       struct err *err)
{
    struct store_mem *mem = (struct store_mem *)store;
    size_t place = place_of(mem, uri, false);
    struct object *object;

    if (strncmp(uri, "mem://warehouse/", 16) != 0)
        return err_set(err, ERR_CONFIG, "put %s: not under %s", uri, store->root);
    if (find(mem, uri) != NULL)
        return STORE_EXISTS;
    if (mem->count == mem->capacity) {
        mem->capacity = mem->capacity * 2 + 16;
        mem->objects = mem_realloc(mem->objects, mem->capacity, sizeof(*mem->objects));
    }
    object = &mem->objects[place];
    memmove(object + 1, object, (mem->count - place) * sizeof(*object));
    *object = (struct object){ .uri = mem_text(uri),
                               .modified_us = mem->clock == NULL ? 0 : clock_now_us(mem->clock) };
    for (size_t i = 0; i < count; i++)
        buf_put_span(&object->bytes, parts[i]);
    mem->count++;
    return 0;
}

static int mem_size(struct store *store, const char *uri, uint64_t *size, struct err *err)
{
    const struct object *object = find((struct store_mem *)store, uri);

    (void)err;
    if (object == NULL)
        return STORE_ABSENT;
    *size = object->bytes.size;
    return 0;
}

static int mem_get(struct store *store, const char *uri, uint64_t offset, size_t size,
                   struct buf *out, struct err *err)
{
    const struct object *object = find((struct store_mem *)store, uri);

    if (object == NULL)
        return STORE_ABSENT;
    if (offset > object->bytes.size || size > object->bytes.size - offset)
        return err_set(err, ERR_CORRUPT, "get %s: ends at %zu, before %llu + %zu", uri,
                       object->bytes.size, (unsigned long long)offset, size);
    if (size > 0)
        buf_put(out, object->bytes.data + offset, size);
    return 0;
}

static void object_deinit(struct object *object)
{
    free(object->uri);
    buf_deinit(&object->bytes);
}

static int mem_remove(struct store *store, const char *uri, struct err *err)
{
    struct store_mem *mem = (struct store_mem *)store;
    struct object *object = find(mem, uri);

    (void)err;
    if (object == NULL)
        return 0;
    object_deinit(object);
    mem->count--;
    memmove(object, object + 1, (mem->count - (size_t)(object - mem->objects)) * sizeof(*object));
    return 0;
}

static int mem_list(struct store *store, const char *prefix, const struct store_visitor *visitor,
                    struct err *err)
{
    struct store_mem *mem = (struct store_mem *)store;
    size_t prefix_size = strlen(prefix);
    size_t place = place_of(mem, prefix, false);
    struct buf uri = BUF_INIT; /* of the last one visited: the visitor may remove objects */
    int rc = 0;

    while (rc == 0 && place < mem->count &&
           strncmp(mem->objects[place].uri, prefix, prefix_size) == 0) {
        buf_clear(&uri);
        buf_put_text(&uri, mem->objects[place].uri);
        rc = visitor->visit(visitor->context, buf_text(&uri), mem->objects[place].bytes.size,
                            mem->objects[place].modified_us, err);
        place = place_of(mem, buf_text(&uri), true);
    }
    buf_deinit(&uri);
    return rc;
}

static void mem_close(struct store *store)
{
    struct store_mem *mem = (struct store_mem *)store;

    for (size_t i = 0; i < mem->count; i++)
        object_deinit(&mem->objects[i]);
    free(mem->objects);
    free(mem);
}

struct store *store_mem_open(void)
{
    static const struct store_ops ops = { mem_put_new, mem_size, mem_get,
                                          mem_remove,  mem_list, mem_close };
    struct store_mem *mem = mem_zero(1, sizeof(*mem));

    mem->base = (struct store){ &ops, "mem://warehouse" };
    return &mem->base;
}

void store_mem_stamp(struct store *store, struct clock *clock)
{
    ((struct store_mem *)store)->clock = clock;
}
