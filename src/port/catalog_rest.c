// SPDX-License-Identifier: Apache-2.0
/* catalog_rest.c: see catalog_rest.h. */
#include "port/catalog_rest.h"

#include "core/json_find.h"
#include "port/rest_client.h"
#include "port/rest_vended.h"

#include <pthread.h>
#include <stdlib.h>

enum { RENEW_AHEAD_MS = 60000 };

/* A table's state as loaded last: asking with its ETag may cost no document. */
struct seen {
    char *path, *location, *etag;
};

struct catalog_rest {
    struct catalog base;
    struct rest_client *client;
    struct clock *clock;
    struct rest_vended *vended;
    struct rest_lent lent;
    pthread_mutex_t lock; /* of seen */
    struct seen *seen;
    size_t count;
};

static struct catalog_rest *self(struct catalog *catalog)
{
    return (struct catalog_rest *)(void *)catalog;
}

static void put_tables_path(const char *space, struct buf *path)
{
    buf_put_text(path, "/namespaces/");
    rest_client_encode(space, path);
    buf_put_text(path, "/tables");
}

static void put_table_path(const char *space, const char *name, struct buf *path)
{
    put_tables_path(space, path);
    buf_put_byte(path, '/');
    rest_client_encode(name, path);
}

static struct seen *find_seen(struct catalog_rest *rest, const char *path)
{
    for (size_t i = 0; i < rest->count; i++)
        if (strcmp(rest->seen[i].path, path) == 0)
            return &rest->seen[i];
    return NULL;
}

/* The ETag of the state at `location`, or NULL; the caller's to free. */
static char *etag_of(struct catalog_rest *rest, const char *path, const char *location)
{
    struct seen *seen;
    char *etag = NULL;

    if (location == NULL)
        return NULL;
    pthread_mutex_lock(&rest->lock);
    seen = find_seen(rest, path);
    if (seen != NULL && strcmp(seen->location, location) == 0)
        etag = mem_text(seen->etag);
    pthread_mutex_unlock(&rest->lock);
    return etag;
}

static void note_seen(struct catalog_rest *rest, const char *path, struct buf *location,
                      struct span etag)
{
    struct buf text = BUF_INIT;
    struct seen *seen;

    buf_put_span(&text, etag);
    pthread_mutex_lock(&rest->lock);
    seen = find_seen(rest, path);
    if (seen == NULL) {
        rest->seen = mem_realloc(rest->seen, rest->count + 1, sizeof(*rest->seen));
        seen = &rest->seen[rest->count++];
        *seen = (struct seen){ .path = mem_text(path) };
    }
    free(seen->location);
    free(seen->etag);
    seen->location = mem_text(buf_text(location));
    seen->etag = mem_text(buf_text(&text));
    pthread_mutex_unlock(&rest->lock);
    buf_deinit(&text);
}

/* The catalog's own 404, not some other server's. */
static bool is_absent(const struct http_answer *answer)
{
    struct span error;

    return answer->status == 404 && json_find(buf_span(&answer->body), "error", &error);
}

static int take_table(struct catalog_rest *rest, const char *path, const char *name,
                      const char *known, const struct http_answer *answer,
                      struct catalog_table *out, struct err *err)
{
    struct buf location = BUF_INIT;
    struct span metadata, etag;
    int rc = 0;

    if (!json_find_text(buf_span(&answer->body), "metadata-location", &location) ||
        !json_find(buf_span(&answer->body), "metadata", &metadata)) {
        rc = err_set(err, ERR_RETRY, "catalog: %s: an answer without metadata", name);
    } else {
        if (http_answer_header(answer, "ETag", &etag))
            note_seen(rest, path, &location, etag);
        if (known != NULL && span_equal(span_text(known), buf_span(&location))) {
            rc = CATALOG_UNCHANGED;
        } else {
            buf_clear(&out->location);
            buf_put_span(&out->location, buf_span(&location));
            buf_clear(&out->metadata);
            buf_put_span(&out->metadata, metadata);
        }
    }
    buf_deinit(&location);
    return rc;
}

static int rest_load(struct catalog *catalog, const char *space, const char *name,
                     const char *known, struct catalog_table *out, struct err *err)
{
    struct catalog_rest *rest = self(catalog);
    struct http_answer answer = { 0 };
    struct buf path = BUF_INIT, query = BUF_INIT;
    struct rest_call call = { .method = "GET" };
    char *etag;
    int rc;

    put_table_path(space, name, &path);
    etag = etag_of(rest, buf_text(&path), known);
    buf_printf(&query, "%s?snapshots=all", buf_text(&path));
    call.path = buf_text(&query);
    call.etag = etag;
    rc = rest_client_call(rest->client, &call, &answer, err);
    if (rc == 0 && answer.status == 304 && etag != NULL)
        rc = CATALOG_UNCHANGED;
    else if (rc == 0 && is_absent(&answer))
        rc = CATALOG_ABSENT;
    else if (rc == 0 && answer.status != 200)
        rc = rest_client_refused(&answer, name, ERR_RETRY, err);
    else if (rc == 0) {
        rest_vended_take(rest->vended, space, name, buf_span(&answer.body));
        rc = take_table(rest, buf_text(&path), name, known, &answer, out, err);
    }
    free(etag);
    buf_deinit(&path);
    buf_deinit(&query);
    http_answer_deinit(&answer);
    return rc;
}

static int make_space(struct catalog_rest *rest, const char *space, struct err *err)
{
    struct http_answer answer = { 0 };
    struct buf body = BUF_INIT;
    struct rest_call call = { .method = "POST", .path = "/namespaces" };
    int rc;

    buf_put_text(&body, "{\"namespace\":[");
    json_quote(span_text(space), &body);
    buf_put_text(&body, "],\"properties\":{}}");
    call.body = buf_span(&body);
    rc = rest_client_call(rest->client, &call, &answer, err);
    if (rc == 0 && answer.status != 200 && answer.status != 409)
        rc = rest_client_refused(&answer, space, ERR_RETRY, err);
    buf_deinit(&body);
    http_answer_deinit(&answer);
    return rc;
}

static bool take_first(void *context, struct span element)
{
    struct span *first = context;

    if (first->data == NULL)
        *first = element;
    return true;
}

/* `"key":` and the first element of the document's list. */
static void put_first(struct span metadata, const char *list, const char *key, struct buf *body)
{
    struct span all, first = { 0 };

    if (json_find(metadata, list, &all) && json_each(all, take_first, &first) && first.size > 0)
        buf_printf(body, ",\"%s\":%.*s", key, SPAN_ARGS(first));
}

/* The properties, and as one of them the version, which a server would choose otherwise. */
static void put_properties(struct span metadata, struct buf *body)
{
    struct span version, properties = { 0 };
    bool has_version = json_find(metadata, "format-version", &version);

    if (json_find(metadata, "properties", &properties))
        properties = span_trim(span_of(properties.data + 1, properties.size - 2));
    buf_put_text(body, ",\"properties\":{");
    if (has_version)
        buf_printf(body, "\"format-version\":\"%.*s\"", SPAN_ARGS(version));
    if (has_version && properties.size > 0)
        buf_put_byte(body, ',');
    buf_put_span(body, properties);
    buf_put_byte(body, '}');
}

/* REST: CreateTableRequest, out of the document that a file catalog would be given. */
static void put_creation(const char *name, const char *location, struct span metadata,
                         struct buf *body)
{
    buf_put_text(body, "{\"name\":");
    json_quote(span_text(name), body);
    buf_put_text(body, ",\"location\":");
    json_quote(span_text(location), body);
    put_first(metadata, "schemas", "schema", body);
    put_first(metadata, "partition-specs", "partition-spec", body);
    put_first(metadata, "sort-orders", "write-order", body);
    put_properties(metadata, body);
    buf_put_text(body, ",\"stage-create\":false}");
}

static int rest_create(struct catalog *catalog, const char *space, const char *name,
                       const char *table_location, struct span metadata, struct err *err)
{
    struct catalog_rest *rest = self(catalog);
    struct http_answer answer = { 0 };
    struct buf path = BUF_INIT, body = BUF_INIT;
    struct rest_call call = { .method = "POST" };
    int rc;

    put_tables_path(space, &path);
    put_creation(name, table_location, metadata, &body);
    call.path = buf_text(&path);
    call.body = buf_span(&body);
    rc = rest_client_call(rest->client, &call, &answer, err);
    if (rc == 0 && is_absent(&answer)) {
        rc = make_space(rest, space, err);
        if (rc == 0)
            rc = rest_client_call(rest->client, &call, &answer, err);
    }
    if (rc == 0 && answer.status == 409)
        rc = CATALOG_EXISTS;
    else if (rc == 0 && answer.status != 200)
        rc = rest_client_refused(&answer, name, ERR_RETRY, err);
    else if (rc == 0)
        rest_vended_take(rest->vended, space, name, buf_span(&answer.body));
    buf_deinit(&path);
    buf_deinit(&body);
    http_answer_deinit(&answer);
    return rc;
}

/* What the answer to a commit says of it.  429 is given before anything is begun; a 503 may be a
 * proxy's, behind which the commit goes on. */
static int settle(const struct http_answer *answer, const char *name, struct err *err)
{
    switch (answer->status) {
    case 200:
    case 204:
        return 0;
    case 404:
        return is_absent(answer) ? CATALOG_CONFLICT
                                 : rest_client_refused(answer, name, ERR_RETRY, err);
    case 409:
        return CATALOG_CONFLICT;
    case 401:
    case 403:
    case 419:
    case 429:
        return rest_client_refused(answer, name, ERR_RETRY, err);
    default:
        break;
    }
    return answer->status >= 400 && answer->status < 500
               ? rest_client_refused(answer, name, ERR_REFUSED, err)
               : CATALOG_UNKNOWN;
}

static int rest_commit(struct catalog *catalog, const char *space, const char *name,
                       const struct catalog_commit *commit, struct err *err)
{
    struct catalog_rest *rest = self(catalog);
    struct http_answer answer = { 0 };
    struct buf path = BUF_INIT, body = BUF_INIT;
    struct rest_call call = { .method = "POST", .once = true };
    struct err silence = { 0 };
    int rc;

    ASSERT(commit->requirements.size > 0 && commit->updates.size > 0);
    put_table_path(space, name, &path);
    buf_put_text(&body, "{\"identifier\":{\"namespace\":[");
    json_quote(span_text(space), &body);
    buf_put_text(&body, "],\"name\":");
    json_quote(span_text(name), &body);
    buf_printf(&body, "},\"requirements\":%.*s,\"updates\":", SPAN_ARGS(commit->requirements));
    buf_put_span(&body, commit->updates);
    buf_put_byte(&body, '}');
    call.path = buf_text(&path);
    call.body = buf_span(&body);
    rc = rest_client_call(rest->client, &call, &answer, &silence);
    if (rc == 0)
        rc = settle(&answer, name, err);
    else if (answer.is_sent)
        rc = CATALOG_UNKNOWN;
    else
        *err = silence;
    buf_deinit(&path);
    buf_deinit(&body);
    http_answer_deinit(&answer);
    return rc;
}

struct names {
    char **name;
    size_t count;
};

static bool take_name(void *context, struct span element)
{
    struct names *names = context;
    struct buf name = BUF_INIT;
    bool is_found = json_find_text(element, "name", &name);

    if (is_found) {
        names->name = mem_realloc(names->name, names->count + 1, sizeof(*names->name));
        names->name[names->count++] = mem_text(buf_text(&name));
    }
    buf_deinit(&name);
    return is_found;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One page; *token names the next, empty at the last. */
static int list_page(struct catalog_rest *rest, const char *space, struct buf *token,
                     struct names *names, struct err *err)
{
    struct http_answer answer = { 0 };
    struct buf path = BUF_INIT;
    struct rest_call call = { .method = "GET" };
    struct span list;
    int rc;

    put_tables_path(space, &path);
    if (token->size > 0) {
        buf_put_text(&path, "?pageToken=");
        rest_client_encode(buf_text(token), &path);
    }
    call.path = buf_text(&path);
    rc = rest_client_call(rest->client, &call, &answer, err);
    buf_clear(token);
    if (rc == 0 && answer.status == 200) {
        if (!json_find(buf_span(&answer.body), "identifiers", &list) ||
            !json_each(list, take_name, names))
            rc = err_set(err, ERR_RETRY, "catalog: %s: an answer without identifiers", space);
        else if (!json_find_text(buf_span(&answer.body), "next-page-token", token))
            buf_clear(token);
    } else if (rc == 0 && !is_absent(&answer)) {
        rc = rest_client_refused(&answer, space, ERR_RETRY, err);
    }
    buf_deinit(&path);
    http_answer_deinit(&answer);
    return rc;
}

static int rest_list(struct catalog *catalog, const char *space,
                     const struct catalog_visitor *visitor, struct err *err)
{
    struct names names = { 0 };
    struct buf token = BUF_INIT;
    int rc;

    do
        rc = list_page(self(catalog), space, &token, &names, err);
    while (rc == 0 && token.size > 0);
    if (names.count > 0)
        qsort(names.name, names.count, sizeof(*names.name), compare_names);
    for (size_t i = 0; i < names.count; i++) {
        if (rc == 0)
            rc = visitor->visit(visitor->context, names.name[i], err);
        free(names.name[i]);
    }
    free(names.name);
    buf_deinit(&token);
    return rc;
}

static void rest_close(struct catalog *catalog)
{
    struct catalog_rest *rest = self(catalog);

    rest_client_close(rest->client);
    rest_vended_free(rest->vended);
    rest_lent_deinit(&rest->lent);
    for (size_t i = 0; i < rest->count; i++) {
        free(rest->seen[i].path);
        free(rest->seen[i].location);
        free(rest->seen[i].etag);
    }
    free(rest->seen);
    pthread_mutex_destroy(&rest->lock);
    free(rest);
}

int catalog_rest_open(const struct catalog_rest_options *options, const struct http_opener *opener,
                      struct clock *clock, struct catalog **out, struct err *err)
{
    static const struct catalog_ops ops = { rest_load, rest_create, rest_commit, rest_list,
                                            rest_close };
    struct rest_client *client;
    struct catalog_rest *rest;

    if (rest_client_open(options, opener, clock, &client, err) < 0)
        return -1;
    rest = mem_zero(1, sizeof(*rest));
    rest->base.ops = &ops;
    rest->client = client;
    rest->clock = clock;
    rest->vended = rest_vended_new();
    pthread_mutex_init(&rest->lock, NULL);
    *out = &rest->base;
    return 0;
}

static int vend(void *context, const char *uri, bool is_refused, struct s3_key *key,
                struct err *err)
{
    struct catalog_rest *rest = context;
    struct rest_lent *lent = &rest->lent;
    int rc = 0;

    if (!rest_vended_find(rest->vended, uri, lent))
        return err_set(
            err, ERR_RETRY,
            "the catalog has vended no credentials for %s: see catalog.vended_credentials", uri);
    if (is_refused || lent->ends_ms - RENEW_AHEAD_MS <= clock_now_us(rest->clock) / 1000) {
        struct catalog_table table = { BUF_INIT, BUF_INIT };

        rc = rest_load(&rest->base, buf_text(&lent->space), buf_text(&lent->name), NULL, &table,
                       err);
        catalog_table_deinit(&table);
        if (rc > 0)
            rc = err_set(err, ERR_RETRY, "table %s is gone", buf_text(&lent->name));
        if (rc == 0 && !rest_vended_find(rest->vended, uri, lent))
            rc = err_set(err, ERR_RETRY, "the catalog vends no more credentials for %s", uri);
    }
    if (rc == 0)
        *key = (struct s3_key){ buf_text(&lent->access), buf_text(&lent->secret),
                                lent->token.size > 0 ? buf_text(&lent->token) : NULL };
    return rc;
}

struct s3_credentials catalog_rest_credentials(struct catalog *catalog)
{
    return (struct s3_credentials){ vend, self(catalog) };
}

int catalog_rest_check(struct catalog *catalog, const char *space, struct err *err)
{
    struct names names = { 0 };
    struct buf token = BUF_INIT;
    int rc = list_page(self(catalog), space, &token, &names, err);

    for (size_t i = 0; i < names.count; i++)
        free(names.name[i]);
    free(names.name);
    buf_deinit(&token);
    if (rc < 0)
        err->kind = ERR_CONFIG;
    return rc;
}
