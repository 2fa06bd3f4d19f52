// SPDX-License-Identifier: Apache-2.0
/* s3_client.c: see s3_client.h.  The body's hash is made once, date and signature for each try. */
#include "port/s3_client.h"

#include "core/num.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    TIMEOUT_MS = 10000,
    BYTES_A_MS = 256, /* slower than that is an outage */
    TRIES = 6,
    ANSWER_BYTES_MIN = 65536,
    OWN_HEADERS = 4,
};

struct s3_client {
    char *base;        /* "https://bucket.host:port" or "https://host:port" */
    char *host;        /* as the Host header has it */
    char *path_prefix; /* "/bucket" or "" */
    char *region;
    struct http_pool *pool;
    struct clock *clock;
    struct s3_credentials credentials;
    pthread_mutex_t lock; /* of the credentials */
    int64_t timeout_ms;
    int tries;
};

static bool is_bucket(const char *name)
{
    size_t size = strlen(name);

    return size >= 3 && size <= 63 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
               size;
}

/* The host of an endpoint, NULL when it is none. */
static const char *host_of(const char *endpoint)
{
    const char *host = NULL;

    if (strncmp(endpoint, "http://", 7) == 0)
        host = endpoint + 7;
    else if (strncmp(endpoint, "https://", 8) == 0)
        host = endpoint + 8;
    if (host == NULL || *host == '\0' || strpbrk(host, "/?#@ ") != NULL)
        return NULL;
    return host;
}

static char *join(const char *a, const char *b, const char *c)
{
    struct buf text = BUF_INIT;

    buf_printf(&text, "%s%s%s", a, b, c);
    buf_put_byte(&text, 0);
    return (char *)text.data;
}

/* An HTTP client leaves the scheme's own port out of the Host header. */
static void drop_default_port(char *host, bool tls)
{
    size_t size = strlen(host);
    const char *port = tls ? ":443" : ":80";

    if (size > strlen(port) && strcmp(host + size - strlen(port), port) == 0)
        host[size - strlen(port)] = '\0';
}

int s3_client_open(const struct store_s3_options *options, const struct http_opener *opener,
                   struct clock *clock, struct s3_client **out, struct err *err)
{
    struct s3_client *client;
    const char *host = host_of(options->endpoint);
    bool tls = strncmp(options->endpoint, "https:", 6) == 0;
    char *scheme_host;

    if (host == NULL)
        return err_set(err, ERR_CONFIG,
                       "store.endpoint %s: expected http:// or https://, a host and no path",
                       options->endpoint);
    if (!is_bucket(options->bucket))
        return err_set(err, ERR_CONFIG,
                       "store.bucket \"%s\": expected 3 to 63 letters, digits, dots or hyphens",
                       options->bucket);
    client = mem_zero(1, sizeof(*client));
    if (options->path_style) {
        client->host = mem_text(host);
        client->path_prefix = join("/", options->bucket, "");
    } else {
        client->host = join(options->bucket, ".", host);
        client->path_prefix = mem_text("");
    }
    scheme_host = join(tls ? "https" : "http", "://", client->host);
    client->base = scheme_host;
    drop_default_port(client->host, tls);
    client->region = mem_text(options->region);
    client->pool = http_pool_new(opener);
    client->clock = clock;
    client->credentials = options->credentials;
    pthread_mutex_init(&client->lock, NULL);
    client->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
    client->tries = options->tries > 0 ? options->tries : TRIES;
    *out = client;
    return 0;
}

void s3_client_close(struct s3_client *client)
{
    if (client == NULL)
        return;
    http_pool_free(client->pool);
    pthread_mutex_destroy(&client->lock);
    free(client->base);
    free(client->host);
    free(client->path_prefix);
    free(client->region);
    free(client);
}

void s3_reply_deinit(struct s3_reply *reply)
{
    http_answer_deinit(&reply->answer);
}

/* What is the same for all tries of a call. */
struct attempt {
    struct s3_client *client;
    const struct s3_call *call;
    struct buf path, url;
    char hash[S3_HASH_TEXT_BYTES];
    int64_t timeout_ms;
};

static void attempt_init(struct attempt *attempt, struct s3_client *client,
                         const struct s3_call *call)
{
    size_t bytes = call->answer_bytes_max;

    *attempt = (struct attempt){ .client = client, .call = call };
    buf_printf(&attempt->path, "%s/", client->path_prefix);
    http_encode(call->key, true, &attempt->path);
    buf_printf(&attempt->url, "%s%s%s%s", client->base, buf_text(&attempt->path),
               call->query[0] == '\0' ? "" : "?", call->query);
    s3_hash(call->body, call->body_count, attempt->hash);
    for (size_t i = 0; i < call->body_count; i++)
        bytes += call->body[i].size;
    attempt->timeout_ms = client->timeout_ms + (int64_t)(bytes / BYTES_A_MS);
}

static void attempt_deinit(struct attempt *attempt)
{
    buf_deinit(&attempt->path);
    buf_deinit(&attempt->url);
}

/* Appends the headers as lines, each ended by a NUL: the Authorization last. */
static int sign(struct attempt *attempt, bool is_refused, struct buf *lines, size_t *count,
                struct err *err)
{
    struct s3_client *client = attempt->client;
    const struct s3_call *call = attempt->call;
    struct s3_header header[S3_HEADERS_MAX];
    char date[S3_DATE_BYTES];
    struct s3_request request = { .method = call->method,
                                  .path = buf_text(&attempt->path),
                                  .query = call->query,
                                  .header = header,
                                  .payload_hash = attempt->hash,
                                  .date = date,
                                  .region = client->region };
    struct s3_key key;
    size_t n = 0;
    int rc;

    ASSERT(call->header_count + OWN_HEADERS <= S3_HEADERS_MAX);
    s3_date(clock_now_us(client->clock), date);
    pthread_mutex_lock(&client->lock);
    rc = client->credentials.get(client->credentials.context, call->uri, is_refused, &key, err);
    if (rc == 0) {
        header[n++] = (struct s3_header){ "host", client->host };
        header[n++] = (struct s3_header){ "x-amz-content-sha256", attempt->hash };
        header[n++] = (struct s3_header){ "x-amz-date", date };
        if (key.token != NULL)
            header[n++] = (struct s3_header){ "x-amz-security-token", key.token };
        for (size_t i = 0; i < call->header_count; i++)
            header[n++] = call->header[i];
        request.header_count = n;
        for (size_t i = 1; i < n; i++) {
            buf_printf(lines, "%s: %s", header[i].name, header[i].value);
            buf_put_byte(lines, 0);
        }
        buf_put_text(lines, "Authorization: ");
        s3_sign(&request, &key, lines);
        buf_put_byte(lines, 0);
        *count = n;
    }
    pthread_mutex_unlock(&client->lock);
    return rc;
}

static int send_once(struct attempt *attempt, bool is_refused, struct http_answer *answer,
                     struct err *err)
{
    const struct s3_call *call = attempt->call;
    const char *header[S3_HEADERS_MAX + 1];
    struct buf lines = BUF_INIT;
    struct http_request request = {
        .method = call->method,
        .url = buf_text(&attempt->url),
        .header = header,
        .body = call->body,
        .body_count = call->body_count,
        .timeout_ms = attempt->timeout_ms,
        .answer_bytes_max = size_max(call->answer_bytes_max, ANSWER_BYTES_MIN),
    };
    int rc = sign(attempt, is_refused, &lines, &request.header_count, err);

    answer->is_sent = false;
    if (rc == 0) {
        const char *at = (const char *)lines.data;

        for (size_t i = 0; i < request.header_count; i++, at += strlen(at) + 1)
            header[i] = at;
        rc = http_pool_send(attempt->client->pool, &request, answer, err);
    }
    if (lines.size > 0)
        explicit_bzero(lines.data, lines.size);
    buf_deinit(&lines);
    return rc;
}

static bool is_one_of(const char *code, const char *const *codes)
{
    for (; *codes != NULL; codes++)
        if (strcmp(code, *codes) == 0)
            return true;
    return false;
}

static bool may_pass(const struct s3_reply *reply)
{
    static const char *const codes[] = { "RequestTimeout", "ConditionalRequestConflict",
                                         "OperationAborted", "SlowDown", NULL };

    return http_is_passing(reply->answer.status) || is_one_of(reply->error.code, codes);
}

/* Keys that may have been renewed meanwhile.  The answer to a HEAD has no code: 400 is AWS's for a
 * token that has ended, 403 others'. */
static bool may_keys_be_stale(const struct s3_reply *reply)
{
    static const char *const codes[] = { "ExpiredToken",
                                         "InvalidAccessKeyId",
                                         "InvalidToken",
                                         "InvalidTokenId",
                                         "TokenRefreshRequired",
                                         "SignatureDoesNotMatch",
                                         NULL };

    if (reply->error.code[0] == '\0')
        return reply->answer.status == 400 || reply->answer.status == 403;
    return is_one_of(reply->error.code, codes);
}

static int give_up(const struct s3_client *client, const struct s3_call *call,
                   const struct s3_reply *reply, bool has_answer, struct err *err)
{
    if (!has_answer)
        return err_wrap(err, "store, after %d tries", client->tries);
    return err_set(err, ERR_RETRY, "store, after %d tries: %s %.*s: status %d %s %s", client->tries,
                   call->method, SPAN_ARGS(call->key), reply->answer.status, reply->error.code,
                   reply->error.message);
}

int s3_client_call(struct s3_client *client, const struct s3_call *call, struct s3_reply *reply,
                   struct err *err)
{
    struct attempt attempt;
    bool is_refused = false, is_renewed = false, has_answer = false;
    int rc = -1;

    attempt_init(&attempt, client, call);
    for (int failures = 0; failures < client->tries;) {
        rc = send_once(&attempt, is_refused, &reply->answer, err);
        has_answer = rc == 0;
        is_refused = false;
        reply->error = (struct s3_error){ 0 };
        if (rc < 0 && err->kind != ERR_RETRY)
            break;
        if (has_answer && reply->answer.status >= 300)
            s3_xml_error(buf_span(&reply->answer.body), &reply->error);
        if (has_answer && may_keys_be_stale(reply) && !is_renewed) {
            is_refused = is_renewed = true;
            continue;
        }
        if (has_answer && !may_pass(reply))
            goto out;
        if (++failures < client->tries)
            http_pause(client->clock, failures - 1, has_answer ? &reply->answer : NULL);
    }
    rc = give_up(client, call, reply, has_answer, err);
out:
    attempt_deinit(&attempt);
    return rc;
}

int s3_client_refused(const struct s3_reply *reply, const char *what, struct err *err)
{
    static const char *const full[] = { "QuotaExceeded", "XMinioStorageFull",
                                        "InsufficientCapacity", "EntityTooLarge", NULL };
    const struct s3_error *error = &reply->error;
    bool is_full = reply->answer.status == 507 || is_one_of(error->code, full);

    return err_set(err, is_full ? ERR_FULL : ERR_RETRY, "%s: status %d%s%s%s%s%s%s", what,
                   reply->answer.status, error->code[0] != '\0' ? " " : "", error->code,
                   error->message[0] != '\0' ? ": " : "", error->message,
                   error->region[0] != '\0' ? "; the bucket's region is " : "", error->region);
}
