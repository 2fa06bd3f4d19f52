// SPDX-License-Identifier: Apache-2.0
/* rest_vended.c: see rest_vended.h. */
#include "port/rest_vended.h"

#include "core/json_find.h"

#include <pthread.h>
#include <stdlib.h>

struct entry {
    char *prefix;
    struct rest_lent keys;
};

struct rest_vended {
    pthread_mutex_t lock;
    struct entry *entry;
    size_t count;
};

struct rest_vended *rest_vended_new(void)
{
    struct rest_vended *vended = mem_zero(1, sizeof(*vended));

    pthread_mutex_init(&vended->lock, NULL);
    return vended;
}

void rest_lent_deinit(struct rest_lent *lent)
{
    if (lent->secret.size > 0)
        explicit_bzero(lent->secret.data, lent->secret.size);
    buf_deinit(&lent->access);
    buf_deinit(&lent->secret);
    buf_deinit(&lent->token);
    buf_deinit(&lent->space);
    buf_deinit(&lent->name);
}

void rest_vended_free(struct rest_vended *vended)
{
    if (vended == NULL)
        return;
    for (size_t i = 0; i < vended->count; i++) {
        free(vended->entry[i].prefix);
        rest_lent_deinit(&vended->entry[i].keys);
    }
    free(vended->entry);
    pthread_mutex_destroy(&vended->lock);
    free(vended);
}

static struct entry *entry_of(struct rest_vended *vended, const char *prefix)
{
    for (size_t i = 0; i < vended->count; i++)
        if (strcmp(vended->entry[i].prefix, prefix) == 0)
            return &vended->entry[i];
    vended->entry = mem_realloc(vended->entry, vended->count + 1, sizeof(*vended->entry));
    vended->entry[vended->count] = (struct entry){ .prefix = mem_text(prefix) };
    return &vended->entry[vended->count++];
}

struct source {
    struct rest_vended *vended;
    const char *space, *name;
};

/* An expiry is a text in some servers' answers, a number in others'. */
static int64_t ends_ms(struct span config)
{
    struct buf text = BUF_INIT;
    int64_t ms = INT64_MAX;

    if (json_find_text(config, "s3.session-token-expires-at-ms", &text) && text.size > 0)
        ms = strtoll(buf_text(&text), NULL, 10);
    buf_deinit(&text);
    return ms > 0 ? ms : INT64_MAX;
}

static void take(const struct source *source, const char *prefix, struct span config)
{
    struct rest_lent keys = { .ends_ms = ends_ms(config) };
    struct entry *entry;

    if (!json_find_text(config, "s3.access-key-id", &keys.access) ||
        !json_find_text(config, "s3.secret-access-key", &keys.secret)) {
        rest_lent_deinit(&keys);
        return;
    }
    if (!json_find_text(config, "s3.session-token", &keys.token))
        buf_clear(&keys.token);
    buf_put_text(&keys.space, source->space);
    buf_put_text(&keys.name, source->name);
    pthread_mutex_lock(&source->vended->lock);
    entry = entry_of(source->vended, prefix);
    rest_lent_deinit(&entry->keys);
    entry->keys = keys;
    pthread_mutex_unlock(&source->vended->lock);
}

static bool take_element(void *context, struct span element)
{
    struct buf prefix = BUF_INIT;
    struct span config;

    if (json_find_text(element, "prefix", &prefix) && json_find(element, "config", &config))
        take(context, buf_text(&prefix), config);
    buf_deinit(&prefix);
    return true;
}

void rest_vended_take(struct rest_vended *vended, const char *space, const char *name,
                      struct span answer)
{
    struct source source = { vended, space, name };
    struct buf location = BUF_INIT;
    struct span list, config, metadata;

    if (json_find(answer, "storage-credentials", &list) && list.size > 2 &&
        json_each(list, take_element, &source))
        return;
    if (json_find(answer, "config", &config) && json_find(answer, "metadata", &metadata) &&
        json_find_text(metadata, "location", &location))
        take(&source, buf_text(&location), config);
    buf_deinit(&location);
}

static void copy(struct buf *to, const struct buf *from)
{
    buf_clear(to);
    buf_put_span(to, buf_span(from));
}

bool rest_vended_find(struct rest_vended *vended, const char *uri, struct rest_lent *lent)
{
    const struct entry *best = NULL;

    pthread_mutex_lock(&vended->lock);
    for (size_t i = 0; i < vended->count; i++) {
        const struct entry *entry = &vended->entry[i];
        size_t size = strlen(entry->prefix);

        if (strncmp(uri, entry->prefix, size) == 0 && (best == NULL || size > strlen(best->prefix)))
            best = entry;
    }
    if (best != NULL) {
        copy(&lent->access, &best->keys.access);
        copy(&lent->secret, &best->keys.secret);
        copy(&lent->token, &best->keys.token);
        copy(&lent->space, &best->keys.space);
        copy(&lent->name, &best->keys.name);
        lent->ends_ms = best->keys.ends_ms;
    }
    pthread_mutex_unlock(&vended->lock);
    return best != NULL;
}
