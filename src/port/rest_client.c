// SPDX-License-Identifier: Apache-2.0
/* rest_client.c: see rest_client.h.  Configuration and token are asked for when first needed and
 * kept; a token is renewed a tenth of its life before it ends, and when it is refused.  When no new
 * one is to be had the old one serves to its end, and is renewed a tenth of what is left later. */
#include "port/rest_client.h"

#include "core/diag.h"
#include "core/json_find.h"
#include "core/micros.h"
#include "core/num.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

enum { TIMEOUT_MS = 30000, TRIES = 3, ANSWER_BYTES_MAX = 256 << 20, TOKEN_LIFE_S = 3600 };

struct rest_client {
    struct http_pool *pool;
    struct clock *clock;
    char *uri, *warehouse, *client_id, *client_secret, *oauth2_uri, *scope;
    bool vends;
    int64_t timeout_ms;
    int tries;

    pthread_mutex_t lock; /* of what follows */
    bool is_configured, has_idempotency;
    char *prefix; /* "" or "/prefix" */
    struct buf token;
    int64_t token_renew_us, token_ends_us; /* 0: never */
};

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static char *copy(const char *text)
{
    return mem_text(text == NULL ? "" : text);
}

static bool is_uri(const char *uri)
{
    return (strncmp(uri, "http://", 7) == 0 || strncmp(uri, "https://", 8) == 0) &&
           strpbrk(uri, "?# @") == NULL;
}

int rest_client_open(const struct catalog_rest_options *options, const struct http_opener *opener,
                     struct clock *clock, struct rest_client **out, struct err *err)
{
    struct rest_client *client;
    size_t size = strlen(options->uri);

    if (!is_uri(options->uri))
        return err_set(err, ERR_CONFIG,
                       "catalog.uri %s: expected http:// or https://, a host, perhaps a path, and "
                       "no user or question in it",
                       options->uri);
    if (is_set(options->token) && is_set(options->client_id))
        return err_set(err, ERR_CONFIG, "catalog.token and catalog.client_id: set one of them");
    if (is_set(options->client_id) && !is_set(options->client_secret))
        return err_set(err, ERR_CONFIG, "catalog.client_id: catalog.client_secret is missing");
    client = mem_zero(1, sizeof(*client));
    client->pool = http_pool_new(opener);
    client->clock = clock;
    client->uri = copy(options->uri);
    while (size > 0 && client->uri[size - 1] == '/')
        client->uri[--size] = '\0';
    client->warehouse = copy(options->warehouse);
    client->client_id = copy(options->client_id);
    client->client_secret = copy(options->client_secret);
    client->oauth2_uri = copy(options->oauth2_uri);
    client->scope = copy(is_set(options->scope) ? options->scope : "catalog");
    client->prefix = copy("");
    if (is_set(options->token))
        buf_put_text(&client->token, options->token);
    client->vends = options->vends;
    client->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
    client->tries = options->tries > 0 ? options->tries : TRIES;
    pthread_mutex_init(&client->lock, NULL);
    *out = client;
    return 0;
}

void rest_client_close(struct rest_client *client)
{
    if (client == NULL)
        return;
    http_pool_free(client->pool);
    pthread_mutex_destroy(&client->lock);
    free(client->uri);
    free(client->warehouse);
    free(client->client_id);
    explicit_bzero(client->client_secret, strlen(client->client_secret));
    free(client->client_secret);
    free(client->oauth2_uri);
    free(client->scope);
    free(client->prefix);
    buf_deinit(&client->token);
    free(client);
}

void rest_client_encode(const char *text, struct buf *out)
{
    http_encode(span_text(text), false, out);
}

/* ErrorModel, or what a token endpoint says (RFC 6749, section 5.2); empty where it does not. */
static void take_words(struct span body, struct buf *type, struct buf *message)
{
    struct span error;
    bool is_model = json_find(body, "error", &error) && error.data[0] == '{';

    if (!json_find_text(is_model ? error : body, is_model ? "type" : "error", type))
        buf_clear(type);
    if (!json_find_text(is_model ? error : body, is_model ? "message" : "error_description",
                        message))
        buf_clear(message);
}

int rest_client_refused(const struct http_answer *answer, const char *what, enum err_kind kind,
                        struct err *err)
{
    struct buf message = BUF_INIT, type = BUF_INIT;
    int rc;

    take_words(buf_span(&answer->body), &type, &message);
    if (message.size == 0)
        buf_put_text(&message, answer->status == 401 || answer->status == 403
                                   ? "the catalog does not let us: see catalog.token, "
                                     "catalog.client_id"
                                   : "no Iceberg REST catalog answers so: see catalog.uri");
    if (type.size > 0)
        buf_put_text(&type, ": ");
    rc = err_set(err, kind, "catalog: %s: status %d: %s%.300s", what, answer->status,
                 buf_text(&type), buf_text(&message));
    buf_deinit(&message);
    buf_deinit(&type);
    return rc;
}

static bool needs_token(const struct rest_client *client)
{
    if (client->client_id[0] == '\0')
        return false;
    return client->token.size == 0 ||
           (client->token_renew_us != 0 && clock_now_us(client->clock) >= client->token_renew_us);
}

static int take_token(struct rest_client *client, const struct http_answer *answer, struct err *err)
{
    struct buf token = BUF_INIT;
    int64_t life_s = TOKEN_LIFE_S;
    bool is_found = json_find_text(buf_span(&answer->body), "access_token", &token);

    if (!json_find_integer(buf_span(&answer->body), "expires_in", 1, INT32_MAX, &life_s))
        life_s = TOKEN_LIFE_S;
    if (is_found) {
        buf_clear(&client->token);
        buf_put_span(&client->token, buf_span(&token));
        client->token_ends_us = clock_now_us(client->clock) + life_s * MICROS_SECOND;
        client->token_renew_us = client->token_ends_us - life_s * MICROS_SECOND / 10;
    }
    buf_deinit(&token);
    return is_found ? 0
                    : err_set(err, ERR_RETRY, "catalog: the token's answer has no access_token");
}

/* RFC 6749, section 4.4.  The lock is held: the others wait for the same token. */
static int fetch_token(struct rest_client *client, int64_t timeout_ms, struct err *err)
{
    static const char *const header[] = { "Content-Type: application/x-www-form-urlencoded",
                                          "Accept: application/json" };
    struct buf url = BUF_INIT, form = BUF_INIT;
    struct http_answer answer = { 0 };
    struct span body;
    struct http_request request = { .method = "POST",
                                    .header = header,
                                    .header_count = ARRAY_LEN(header),
                                    .body = &body,
                                    .body_count = 1,
                                    .timeout_ms = timeout_ms,
                                    .answer_bytes_max = 1 << 20 };
    int rc;

    if (client->oauth2_uri[0] != '\0')
        buf_put_text(&url, client->oauth2_uri);
    else
        buf_printf(&url, "%s/v1/oauth/tokens", client->uri);
    request.url = buf_text(&url);
    buf_put_text(&form, "grant_type=client_credentials&client_id=");
    rest_client_encode(client->client_id, &form);
    buf_put_text(&form, "&client_secret=");
    rest_client_encode(client->client_secret, &form);
    buf_put_text(&form, "&scope=");
    rest_client_encode(client->scope, &form);
    body = buf_span(&form);
    rc = http_pool_send(client->pool, &request, &answer, err);
    if (rc == 0 && answer.status != 200)
        rc = rest_client_refused(&answer, "token", ERR_RETRY, err);
    else if (rc == 0)
        rc = take_token(client, &answer, err);
    explicit_bzero(form.data, form.size);
    buf_deinit(&form);
    buf_deinit(&url);
    http_answer_deinit(&answer);
    return rc;
}

/* How long to wait for a new token: of what the old one has left a quarter, so that one that does
 * not come leaves time to use it. */
static int64_t patience_ms(struct rest_client *client)
{
    int64_t left_ms = (client->token_ends_us - clock_now_us(client->clock)) / 1000;

    if (client->token.size == 0 || left_ms <= 0)
        return client->timeout_ms;
    return int64_max(1, int64_min(client->timeout_ms, left_ms / 4));
}

static int renew_token(struct rest_client *client, struct err *err)
{
    struct err silence = { 0 };
    int rc = fetch_token(client, patience_ms(client), &silence);
    int64_t now_us = clock_now_us(client->clock);

    if (rc == 0)
        return 0;
    if (client->token.size > 0 && now_us < client->token_ends_us) {
        diag_err(DIAG_WARN, "catalog_token_not_renewed", &silence, "left_s=%" PRId64,
                 (client->token_ends_us - now_us) / MICROS_SECOND);
        client->token_renew_us = now_us + (client->token_ends_us - now_us) / 4;
        return 0;
    }
    *err = silence;
    return -1;
}

/* "Authorization: …" into *line, empty for nobody. */
static int authorize(struct rest_client *client, struct buf *line, struct err *err)
{
    int rc = 0;

    pthread_mutex_lock(&client->lock);
    if (needs_token(client))
        rc = renew_token(client, err);
    buf_clear(line);
    if (rc == 0 && client->token.size > 0)
        buf_printf(line, "Authorization: Bearer %s", buf_text(&client->token));
    pthread_mutex_unlock(&client->lock);
    return rc;
}

/* The token in `line` was refused: true when another can be asked for. */
static bool drop_token(struct rest_client *client, struct buf *line)
{
    bool is_renewable = client->client_id[0] != '\0';

    pthread_mutex_lock(&client->lock);
    if (is_renewable && client->token.size > 0 &&
        strstr(buf_text(line), buf_text(&client->token)) != NULL)
        buf_clear(&client->token);
    pthread_mutex_unlock(&client->lock);
    return is_renewable;
}

enum { HEADERS_MAX = 8 };

/* A version 7 UUID (RFC 9562): the time, then randomness. */
static void put_idempotency_key(struct rest_client *client, struct buf *line)
{
    uint64_t ms = (uint64_t)(clock_now_us(client->clock) / 1000);
    uint64_t high = clock_random(client->clock), low = clock_random(client->clock);

    buf_printf(line,
               "Idempotency-Key: %08" PRIx64 "-%04" PRIx64 "-7%03" PRIx64 "-%04" PRIx64
               "-%012" PRIx64,
               ms >> 16 & 0xffffffff, ms & 0xffff, high & 0xfff, (low >> 48 & 0x3fff) | 0x8000,
               low & UINT64_C(0xffffffffffff));
}

/* What is the same for all tries of a call. */
struct attempt {
    struct rest_client *client;
    const struct rest_call *call;
    struct buf url, who, key, etag;
};

static int send_once(struct attempt *attempt, struct http_answer *answer, struct err *err)
{
    const struct rest_call *call = attempt->call;
    const char *header[HEADERS_MAX] = { "Accept: application/json" };
    struct http_request request = { .method = call->method,
                                    .url = buf_text(&attempt->url),
                                    .header = header,
                                    .header_count = 1,
                                    .body = &call->body,
                                    .body_count = call->body.size > 0,
                                    .timeout_ms = attempt->client->timeout_ms,
                                    .answer_bytes_max = ANSWER_BYTES_MAX,
                                    .once = call->once,
                                    .compressed = true };

    answer->is_sent = false;
    if (authorize(attempt->client, &attempt->who, err) < 0)
        return -1;
    if (call->body.size > 0)
        header[request.header_count++] = "Content-Type: application/json";
    if (attempt->who.size > 0)
        header[request.header_count++] = buf_text(&attempt->who);
    if (attempt->key.size > 0)
        header[request.header_count++] = buf_text(&attempt->key);
    if (attempt->etag.size > 0)
        header[request.header_count++] = buf_text(&attempt->etag);
    if (attempt->client->vends)
        header[request.header_count++] = "X-Iceberg-Access-Delegation: vended-credentials";
    return http_pool_send(attempt->client->pool, &request, answer, err);
}

/* A call whose URL stands. */
static int send_call(struct attempt *attempt, struct http_answer *answer, struct err *err)
{
    struct rest_client *client = attempt->client;
    bool is_renewed = false;
    int rc = -1;

    for (int failures = 0; failures < client->tries;) {
        rc = send_once(attempt, answer, err);
        /* Refused before anything was done: even a commit may be sent again. */
        if (rc == 0 && (answer->status == 401 || answer->status == 419) && !is_renewed &&
            drop_token(client, &attempt->who)) {
            is_renewed = true;
            continue;
        }
        if (rc < 0 ? err->kind != ERR_RETRY || (attempt->call->once && answer->is_sent)
                   : attempt->call->once || !http_is_passing(answer->status))
            return rc;
        if (++failures < client->tries)
            http_pause(client->clock, failures - 1, rc == 0 ? answer : NULL);
    }
    return rc;
}

static void attempt_deinit(struct attempt *attempt)
{
    buf_deinit(&attempt->url);
    buf_deinit(&attempt->who);
    buf_deinit(&attempt->key);
    buf_deinit(&attempt->etag);
}

/* Servers give a prefix as it stands in paths, encoded if it must be (Nessie: main%7Cwarehouse). */
static char *path_of(struct span prefix)
{
    struct buf path = BUF_INIT;
    char *text;

    buf_put_byte(&path, '/');
    for (size_t i = 0; i < prefix.size; i++) {
        if (prefix.data[i] == '%')
            buf_put_byte(&path, '%');
        else
            http_encode(span_of(prefix.data + i, 1), true, &path);
    }
    text = mem_text(buf_text(&path));
    buf_deinit(&path);
    return text;
}

/* overrides win over defaults (REST: "GET /v1/config"). */
static void take_config(struct rest_client *client, struct span body)
{
    static const char *const parts[] = { "defaults", "overrides" };
    struct buf prefix = BUF_INIT;
    struct span part;

    pthread_mutex_lock(&client->lock);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (json_find(body, parts[i], &part) && json_find_text(part, "prefix", &prefix) &&
            prefix.size > 0) {
            free(client->prefix);
            client->prefix = path_of(buf_span(&prefix));
        }
    }
    client->has_idempotency = json_find(body, "idempotency-key-lifetime", &part);
    client->is_configured = true;
    pthread_mutex_unlock(&client->lock);
    buf_deinit(&prefix);
}

static int configure(struct rest_client *client, struct err *err)
{
    const struct rest_call call = { .method = "GET" };
    struct attempt attempt = { .client = client, .call = &call };
    struct http_answer answer = { 0 };
    bool is_configured;
    int rc;

    pthread_mutex_lock(&client->lock);
    is_configured = client->is_configured;
    pthread_mutex_unlock(&client->lock);
    if (is_configured)
        return 0;
    buf_printf(&attempt.url, "%s/v1/config", client->uri);
    if (client->warehouse[0] != '\0') {
        buf_put_text(&attempt.url, "?warehouse=");
        rest_client_encode(client->warehouse, &attempt.url);
    }
    rc = send_call(&attempt, &answer, err);
    if (rc == 0 && answer.status != 200)
        rc = rest_client_refused(&answer, "config", ERR_RETRY, err);
    else if (rc == 0 && (answer.body.size == 0 || answer.body.data[0] != '{'))
        rc = err_set(err, ERR_RETRY,
                     "catalog: %s/v1/config: no Iceberg REST catalog answers so: see catalog.uri",
                     client->uri);
    else if (rc == 0)
        take_config(client, buf_span(&answer.body));
    attempt_deinit(&attempt);
    http_answer_deinit(&answer);
    return rc;
}

int rest_client_call(struct rest_client *client, const struct rest_call *call,
                     struct http_answer *answer, struct err *err)
{
    struct attempt attempt = { .client = client, .call = call };
    int rc;

    answer->is_sent = false;
    if (configure(client, err) < 0)
        return -1;
    pthread_mutex_lock(&client->lock);
    buf_printf(&attempt.url, "%s/v1%s%s", client->uri, client->prefix, call->path);
    if (call->once && client->has_idempotency)
        put_idempotency_key(client, &attempt.key);
    pthread_mutex_unlock(&client->lock);
    if (call->etag != NULL)
        buf_printf(&attempt.etag, "If-None-Match: %s", call->etag);
    rc = send_call(&attempt, answer, err);
    attempt_deinit(&attempt);
    return rc;
}
