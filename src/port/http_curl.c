// SPDX-License-Identifier: Apache-2.0
/* http_curl.c: http.h over libcurl's easy interface.  One handle is reused, so that a second
 * request to a host finds the connection open. */
#include "port/http.h"

#include <curl/curl.h>
#include <stdlib.h>

struct http_curl {
    struct http http;
    CURL *curl;
    char detail[CURL_ERROR_SIZE];
};

struct sink {
    struct buf *body;
    size_t left;
    bool overrun;
};

static size_t take(char *bytes, size_t size, size_t count, void *context)
{
    struct sink *sink = context;

    size *= count; /* libcurl: size is 1 */
    if (size > sink->left) {
        sink->overrun = true;
        return 0;
    }
    buf_put(sink->body, bytes, size);
    sink->left -= size;
    return size;
}

static enum err_kind kind_of(CURLcode code)
{
    switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return ERR_CONFIG;
    default:
        return ERR_RETRY;
    }
}

/* The options that stay as they are from request to request. */
static void prepare(struct http_curl *self)
{
    const char *certificates = getenv("SSL_CERT_FILE");

    curl_easy_setopt(self->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(self->curl, CURLOPT_ERRORBUFFER, self->detail);
    curl_easy_setopt(self->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(self->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(self->curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(self->curl, CURLOPT_USERAGENT, "k2");
    if (certificates != NULL)
        curl_easy_setopt(self->curl, CURLOPT_CAINFO, certificates);
}

static int curl_get(struct http *http, const char *url, int64_t timeout_ms, size_t body_bytes_max,
                    int *status, struct buf *body, struct err *err)
{
    struct http_curl *self = (struct http_curl *)(void *)http;
    struct sink sink = { .body = body, .left = body_bytes_max };
    CURLcode code;
    long answer = 0;

    self->detail[0] = '\0';
    curl_easy_setopt(self->curl, CURLOPT_URL, url);
    curl_easy_setopt(self->curl, CURLOPT_WRITEDATA, &sink);
    curl_easy_setopt(self->curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(self->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
    code = curl_easy_perform(self->curl);
    if (sink.overrun)
        return err_set(err, ERR_REJECT, "GET %s: more than %zu bytes", url, body_bytes_max);
    if (code != CURLE_OK)
        return err_set(err, kind_of(code), "GET %s: %s", url,
                       self->detail[0] != '\0' ? self->detail : curl_easy_strerror(code));
    curl_easy_getinfo(self->curl, CURLINFO_RESPONSE_CODE, &answer);
    *status = (int)answer;
    return 0;
}

static void curl_close(struct http *http)
{
    struct http_curl *self = (struct http_curl *)(void *)http;

    curl_easy_cleanup(self->curl);
    free(self);
}

int http_curl_open(struct http **out, struct err *err)
{
    static const struct http_ops ops = { curl_get, curl_close };
    struct http_curl *self;
    CURL *curl;

    /* Counted and, since 7.84, safe from any thread. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (curl = curl_easy_init()) == NULL)
        return err_set(err, ERR_FATAL, "libcurl cannot be set up");
    self = mem_zero(1, sizeof(*self));
    self->http.ops = &ops;
    self->curl = curl;
    prepare(self);
    *out = &self->http;
    return 0;
}
