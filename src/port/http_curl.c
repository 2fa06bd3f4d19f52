// SPDX-License-Identifier: Apache-2.0
/* http_curl.c: http.h over libcurl's easy interface.  One handle is reused, so that a second
 * request to a host finds the connection open. */
#include "port/http.h"

#include "core/num.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_TIMEOUT_MS = 10000, EXPECT_BYTES = 1 << 20 };

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

struct source {
    const struct span *part;
    size_t count, index, offset; /* of the part at hand, and how much of it is sent */
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

/* A status line begins anew: what came before belonged to a 100 Continue. */
static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct buf *header = context;

    size *= count;
    if (size >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
        buf_clear(header);
    else if (size > 2)
        buf_put(header, bytes, size);
    return size;
}

static size_t give(char *bytes, size_t size, size_t count, void *context)
{
    struct source *source = context;
    size_t room = size * count, given = 0;

    while (given < room && source->index < source->count) {
        const struct span *part = &source->part[source->index];
        size_t more = size_min(part->size - source->offset, room - given);

        if (more > 0)
            memcpy(bytes + given, part->data + source->offset, more);
        given += more;
        source->offset += more;
        if (source->offset == part->size) {
            source->index++;
            source->offset = 0;
        }
    }
    return given;
}

/* libcurl begins again when a kept connection turns out to be dead. */
static int rewind_source(void *context, curl_off_t offset, int origin)
{
    struct source *source = context;

    if (offset != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    source->index = 0;
    source->offset = 0;
    return CURL_SEEKFUNC_OK;
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

/* The options that stay as they are from request to request; curl_easy_reset keeps connections. */
static void prepare(struct http_curl *self)
{
    const char *certificates = getenv("SSL_CERT_FILE");

    curl_easy_reset(self->curl);
    self->detail[0] = '\0';
    curl_easy_setopt(self->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(self->curl, CURLOPT_ERRORBUFFER, self->detail);
    curl_easy_setopt(self->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(self->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(self->curl, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(self->curl, CURLOPT_SEEKFUNCTION, rewind_source);
    curl_easy_setopt(self->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(self->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(self->curl, CURLOPT_USERAGENT, "k2");
    if (certificates != NULL)
        curl_easy_setopt(self->curl, CURLOPT_CAINFO, certificates);
}

static uint64_t body_bytes(const struct http_request *request)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < request->body_count; i++)
        bytes += request->body[i].size;
    return bytes;
}

/* A small body does not wait for a 100 Continue ("Expect:" takes the question back); before a large
 * one the server is asked, since one that refuses at once closes, and its answer would be lost. */
static struct curl_slist *headers_of(const struct http_request *request)
{
    struct curl_slist *list = NULL;

    for (size_t i = 0; i < request->header_count; i++)
        list = curl_slist_append(list, request->header[i]);
    if (body_bytes(request) < EXPECT_BYTES)
        list = curl_slist_append(list, "Expect:");
    else
        list = curl_slist_append(list, "Expect: 100-continue");
    if (list == NULL)
        abort(); /* as buf.h: memory that cannot be had ends the process */
    return list;
}

static void set_method(struct http_curl *self, const struct http_request *request,
                       struct source *source)
{
    bool has_body = strcmp(request->method, "PUT") == 0 || strcmp(request->method, "POST") == 0;

    if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(self->curl, CURLOPT_NOBODY, 1L);
    } else if (has_body || source->count > 0) {
        curl_easy_setopt(self->curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(self->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)body_bytes(request));
        curl_easy_setopt(self->curl, CURLOPT_READDATA, source);
        curl_easy_setopt(self->curl, CURLOPT_SEEKDATA, source);
        curl_easy_setopt(self->curl, CURLOPT_CUSTOMREQUEST, request->method);
    } else if (strcmp(request->method, "GET") != 0) {
        curl_easy_setopt(self->curl, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

static void set_request(struct http_curl *self, const struct http_request *request,
                        struct source *source, struct curl_slist *headers)
{
    prepare(self);
    curl_easy_setopt(self->curl, CURLOPT_URL, request->url);
    curl_easy_setopt(self->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(self->curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(self->curl, CURLOPT_CONNECTTIMEOUT_MS,
                     request->timeout_ms < CONNECT_TIMEOUT_MS ? (long)request->timeout_ms
                                                              : (long)CONNECT_TIMEOUT_MS);
    if (request->once)
        curl_easy_setopt(self->curl, CURLOPT_FRESH_CONNECT, 1L);
    if (request->compressed)
        curl_easy_setopt(self->curl, CURLOPT_ACCEPT_ENCODING, "");
    set_method(self, request, source);
}

static int curl_send(struct http *http, const struct http_request *request,
                     struct http_answer *answer, struct err *err)
{
    struct http_curl *self = (struct http_curl *)(void *)http;
    struct sink sink = { .body = &answer->body, .left = request->answer_bytes_max };
    struct source source = { .part = request->body, .count = request->body_count };
    struct curl_slist *headers = headers_of(request);
    int place = (int)strcspn(request->url, "?");
    long status = 0, sent = 0;
    CURLcode code;

    buf_clear(&answer->header);
    buf_clear(&answer->body);
    set_request(self, request, &source, headers);
    curl_easy_setopt(self->curl, CURLOPT_WRITEDATA, &sink);
    curl_easy_setopt(self->curl, CURLOPT_HEADERDATA, &answer->header);
    code = curl_easy_perform(self->curl);
    curl_easy_getinfo(self->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(self->curl, CURLINFO_REQUEST_SIZE, &sent);
    curl_slist_free_all(headers);
    answer->status = (int)status;
    answer->is_sent = sent > 0;
    if (sink.overrun)
        return err_set(err, ERR_REJECT, "%s %.*s: more than %zu bytes", request->method, place,
                       request->url, request->answer_bytes_max);
    if (code != CURLE_OK)
        return err_set(err, kind_of(code), "%s %.*s: %s", request->method, place, request->url,
                       self->detail[0] != '\0' ? self->detail : curl_easy_strerror(code));
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
    static const struct http_ops ops = { curl_send, curl_close };
    struct http_curl *self;
    CURL *curl;

    /* Counted and, since 7.84, safe from any thread. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (curl = curl_easy_init()) == NULL)
        return err_set(err, ERR_FATAL, "libcurl cannot be set up");
    self = mem_zero(1, sizeof(*self));
    self->http.ops = &ops;
    self->curl = curl;
    *out = &self->http;
    return 0;
}
