// SPDX-License-Identifier: Apache-2.0
/* registry_http.c: see registry_http.h. */
#include "port/registry_http.h"

#include "core/json_find.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

enum { TIMEOUT_MS = 10000, TRIES = 3, ANSWER_BYTES_MAX = 16 << 20, CODE_NO_SCHEMA = 40403 };

struct known {
    int32_t id;
    struct buf schema;
};

struct registry_http {
    struct registry base;
    struct http_pool *pool;
    struct clock *clock;
    char *url;
    struct buf authorization; /* a header's line; empty: none */
    int64_t timeout_ms;
    int tries, absent_tries;
    pthread_mutex_t lock; /* of known */
    struct known *known;  /* by id */
    size_t count, capacity;
};

static struct registry_http *self(struct registry *registry)
{
    return (struct registry_http *)(void *)registry;
}

/* A request as the API wants it; 0 with an answer that may have any status but those that pass. */
static int ask(struct registry_http *http, const char *method, const char *path, struct span body,
               struct http_answer *answer, struct err *err)
{
    struct buf url = BUF_INIT;
    const char *header[] = { "Accept: application/vnd.schemaregistry.v1+json, application/json",
                             "Content-Type: application/vnd.schemaregistry.v1+json", NULL };
    struct http_request request = { .method = method,
                                    .header = header,
                                    .header_count = 2,
                                    .body = &body,
                                    .body_count = body.size > 0,
                                    .timeout_ms = http->timeout_ms,
                                    .answer_bytes_max = ANSWER_BYTES_MAX,
                                    .compressed = true };
    int rc = -1;

    if (http->authorization.size > 0)
        header[request.header_count++] = buf_text(&http->authorization);
    buf_printf(&url, "%s%s", http->url, path);
    request.url = buf_text(&url);
    for (int failures = 0; failures < http->tries; failures++) {
        if (failures > 0)
            http_pause(http->clock, failures - 1, rc == 0 ? answer : NULL);
        rc = http_pool_send(http->pool, &request, answer, err);
        if ((rc == 0 && !http_is_passing(answer->status)) || (rc < 0 && err->kind != ERR_RETRY))
            break;
    }
    if (rc == 0 && http_is_passing(answer->status))
        rc = err_set(err, ERR_RETRY, "%s %s: status %d", method, request.url, answer->status);
    buf_deinit(&url);
    return rc;
}

static int64_t error_code(const struct http_answer *answer)
{
    int64_t code = 0;

    return json_find_integer(buf_span(&answer->body), "error_code", 0, INT32_MAX, &code) ? code : 0;
}

/* -1: an answer that is no success.  What a registry's operator can mend is waited for: RETRY. */
static int refused(const struct http_answer *answer, const char *what, enum err_kind kind,
                   struct err *err)
{
    struct buf message = BUF_INIT;
    int rc;

    if (!json_find_text(buf_span(&answer->body), "message", &message))
        buf_put_text(&message, answer->status == 401 || answer->status == 403
                                   ? "the registry does not let us: see registry.user, "
                                     "registry.password, registry.token"
                                   : "no schema registry answers here: see registry.url");
    rc =
        err_set(err, kind, "registry: %s: status %d: %s", what, answer->status, buf_text(&message));
    buf_deinit(&message);
    return rc;
}

static int set_compatibility(struct registry_http *http, const char *subject, struct err *err)
{
    struct http_answer answer = { 0 };
    struct buf path = BUF_INIT;
    int rc;

    buf_put_text(&path, "/config/");
    http_encode(span_text(subject), false, &path);
    rc = ask(http, "PUT", buf_text(&path), SPAN("{\"compatibility\":\"BACKWARD\"}"), &answer, err);
    if (rc == 0 && answer.status != 200)
        rc = refused(&answer, subject, ERR_RETRY, err);
    buf_deinit(&path);
    http_answer_deinit(&answer);
    return rc;
}

static int take_id(const struct http_answer *answer, const char *subject, int32_t *id,
                   struct err *err)
{
    int64_t value;

    if (!json_find_integer(buf_span(&answer->body), "id", 1, INT32_MAX, &value))
        return err_set(err, ERR_RETRY, "registry: %s: an answer without an id", subject);
    *id = (int32_t)value;
    return 0;
}

static int http_put(struct registry *registry, const char *subject, struct span schema, int32_t *id,
                    struct err *err)
{
    struct registry_http *http = self(registry);
    struct http_answer answer = { 0 };
    struct buf path = BUF_INIT, body = BUF_INIT;
    int rc = set_compatibility(http, subject, err);

    buf_put_text(&path, "/subjects/");
    http_encode(span_text(subject), false, &path);
    buf_put_text(&path, "/versions");
    buf_put_text(&body, "{\"schemaType\":\"AVRO\",\"schema\":");
    json_quote(schema, &body);
    buf_put_byte(&body, '}');
    if (rc == 0)
        rc = ask(http, "POST", buf_text(&path), buf_span(&body), &answer, err);
    if (rc == 0 && answer.status == 200)
        rc = take_id(&answer, subject, id, err);
    else if (rc == 0)
        rc = refused(&answer, subject,
                     answer.status == 409 || answer.status == 422 ? ERR_REFUSED : ERR_RETRY, err);
    buf_deinit(&path);
    buf_deinit(&body);
    http_answer_deinit(&answer);
    return rc;
}

/* Where an id stands, or would. */
static size_t place_of(const struct registry_http *http, int32_t id)
{
    size_t low = 0, high = http->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (http->known[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool recall(struct registry_http *http, int32_t id, struct buf *schema)
{
    size_t place;
    bool is_known;

    pthread_mutex_lock(&http->lock);
    place = place_of(http, id);
    is_known = place < http->count && http->known[place].id == id;
    if (is_known)
        buf_put_span(schema, buf_span(&http->known[place].schema));
    pthread_mutex_unlock(&http->lock);
    return is_known;
}

static void keep(struct registry_http *http, int32_t id, struct span schema)
{
    size_t place;

    pthread_mutex_lock(&http->lock);
    place = place_of(http, id);
    if (place == http->count || http->known[place].id != id) {
        if (http->count == http->capacity) {
            http->capacity = http->capacity * 2 + 8;
            http->known = mem_realloc(http->known, http->capacity, sizeof(*http->known));
        }
        memmove(&http->known[place + 1], &http->known[place],
                (http->count - place) * sizeof(*http->known));
        http->known[place] = (struct known){ .id = id };
        buf_put_span(&http->known[place].schema, schema);
        http->count++;
    }
    pthread_mutex_unlock(&http->lock);
}

/* One question: 0, REGISTRY_ABSENT. */
static int fetch(struct registry_http *http, int32_t id, struct buf *schema, struct err *err)
{
    struct http_answer answer = { 0 };
    struct buf text = BUF_INIT;
    char path[48];
    int rc;

    snprintf(path, sizeof(path), "/schemas/ids/%" PRId32, id);
    rc = ask(http, "GET", path, SPAN(""), &answer, err);
    if (rc == 0 && answer.status == 404 && error_code(&answer) == CODE_NO_SCHEMA)
        rc = REGISTRY_ABSENT;
    else if (rc == 0 && answer.status != 200)
        rc = refused(&answer, path + 1, ERR_RETRY, err);
    else if (rc == 0 && !json_find_text(buf_span(&answer.body), "schema", &text))
        rc = err_set(err, ERR_RETRY, "registry: %s: an answer without a schema", path + 1);
    if (rc == 0) {
        buf_put_span(schema, buf_span(&text));
        keep(http, id, buf_span(&text));
    }
    buf_deinit(&text);
    http_answer_deinit(&answer);
    return rc;
}

static int http_get_schema(struct registry *registry, int32_t id, struct buf *schema,
                           struct err *err)
{
    struct registry_http *http = self(registry);
    int rc = REGISTRY_ABSENT;

    if (id < 0 || recall(http, id, schema))
        return id < 0 ? REGISTRY_ABSENT : 0;
    for (int try = 0; try < http->absent_tries && rc == REGISTRY_ABSENT; try++) {
        if (try > 0)
            http_pause(http->clock, try - 1, NULL);
        rc = fetch(http, id, schema, err);
    }
    return rc;
}

static void close_http(struct registry *registry)
{
    struct registry_http *http = self(registry);

    http_pool_free(http->pool);
    pthread_mutex_destroy(&http->lock);
    for (size_t i = 0; i < http->count; i++)
        buf_deinit(&http->known[i].schema);
    free(http->known);
    free(http->url);
    buf_deinit(&http->authorization);
    free(http);
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static void put_basic(const char *user, const char *password, struct buf *out)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct buf plain = BUF_INIT;

    buf_printf(&plain, "%s:%s", user, is_set(password) ? password : "");
    buf_put_text(out, "Authorization: Basic ");
    for (size_t i = 0; i < plain.size; i += 3) {
        size_t left = plain.size - i;
        uint32_t bits = (uint32_t)plain.data[i] << 16 |
                        (left > 1 ? (uint32_t)plain.data[i + 1] << 8 : 0) |
                        (left > 2 ? plain.data[i + 2] : 0);

        for (size_t n = 0; n < 4; n++)
            buf_put_byte(out, n > left ? '=' : (uint8_t)digit[bits >> (18 - 6 * n) & 63]);
    }
    explicit_bzero(plain.data, plain.size);
    buf_deinit(&plain);
}

int registry_http_open(const struct registry_http_options *options,
                       const struct http_opener *opener, struct clock *clock, struct registry **out,
                       struct err *err)
{
    static const struct registry_ops ops = { http_put, http_get_schema, close_http, NULL };
    struct registry_http *http;
    size_t size = strlen(options->url);

    if ((strncmp(options->url, "http://", 7) != 0 && strncmp(options->url, "https://", 8) != 0) ||
        strpbrk(options->url, "?# @") != NULL)
        return err_set(err, ERR_CONFIG,
                       "registry.url %s: expected http:// or https://, a host, "
                       "perhaps a path, and no user or question in it",
                       options->url);
    if (is_set(options->user) && is_set(options->token))
        return err_set(err, ERR_CONFIG, "registry.user and registry.token: set one of them");
    http = mem_zero(1, sizeof(*http));
    http->base.ops = &ops;
    http->pool = http_pool_new(opener);
    http->clock = clock;
    http->url = mem_text(options->url);
    while (size > 0 && http->url[size - 1] == '/')
        http->url[--size] = '\0';
    if (is_set(options->user))
        put_basic(options->user, options->password, &http->authorization);
    else if (is_set(options->token))
        buf_printf(&http->authorization, "Authorization: Bearer %s", options->token);
    http->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
    http->tries = options->tries > 0 ? options->tries : TRIES;
    http->absent_tries = options->absent_tries > 0 ? options->absent_tries : TRIES;
    pthread_mutex_init(&http->lock, NULL);
    *out = &http->base;
    return 0;
}

int registry_http_check(struct registry *registry, struct err *err)
{
    struct http_answer answer = { 0 };
    int rc = ask(self(registry), "GET", "/subjects", SPAN(""), &answer, err);

    if (rc == 0 && answer.status != 200)
        rc = refused(&answer, "subjects", ERR_CONFIG, err);
    else if (rc == 0 && (answer.body.size == 0 || answer.body.data[0] != '['))
        rc = err_set(err, ERR_CONFIG,
                     "registry: %s/subjects is no list: no schema registry answers here: see "
                     "registry.url",
                     self(registry)->url);
    if (rc < 0)
        err->kind = ERR_CONFIG;
    http_answer_deinit(&answer);
    return rc;
}
