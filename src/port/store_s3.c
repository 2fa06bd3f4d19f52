// SPDX-License-Identifier: Apache-2.0
/* store_s3.c: see store_s3.h. */
#include "port/store_s3.h"

#include "core/num.h"
#include "port/s3_client.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PART_BYTES = 16 << 20, PARTS_MAX = 10000, LIST_MAX = 1000, LIST_BYTES_MAX = 16 << 20 };

static const char token_header[] = "x-amz-meta-k2-put";

struct store_s3 {
    struct store store;
    struct s3_client *client;
    struct clock *clock;
    char *root, *bucket;
    size_t part_bytes;
    int list_max;
};

static struct store_s3 *self(struct store *store)
{
    return (struct store_s3 *)(void *)store;
}

/* The key that a URI of our bucket names; s3a: and s3n: are other programs' spelling of s3: */
static int key_of(struct store_s3 *s3, const char *uri, struct span *key, struct err *err)
{
    static const char *const schemes[] = { "s3://", "s3a://", "s3n://" };
    size_t bucket = strlen(s3->bucket);

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        const char *at = uri + strlen(schemes[i]);

        if (strncmp(uri, schemes[i], strlen(schemes[i])) == 0 &&
            strncmp(at, s3->bucket, bucket) == 0 && at[bucket] == '/') {
            *key = span_text(at + bucket + 1);
            return 0;
        }
    }
    return err_set(err, ERR_CONFIG, "%s: not in bucket %s, which is all this store opens", uri,
                   s3->bucket);
}

/* No such object; other things can be missing too (a bucket, a user). */
static bool is_absent(const struct s3_reply *reply)
{
    return reply->answer.status == 404 && strcmp(reply->error.code, "NoSuchKey") == 0;
}

static bool is_under_root(const struct store_s3 *s3, const char *uri)
{
    size_t root = strlen(s3->root);

    return strncmp(uri, s3->root, root) == 0 && uri[root] == '/' && uri[root + 1] != '\0';
}

/* What a 404 is about, as far as the answer says: a HEAD's has no body. */
static int absent(struct store_s3 *s3, struct span key, const char *uri, struct err *err)
{
    const struct s3_header header = { "range", "bytes=0-0" };
    const struct s3_call call = {
        .method = "GET", .uri = uri, .key = key, .query = "", .header = &header, .header_count = 1
    };
    struct s3_reply reply = { 0 };
    int rc = s3_client_call(s3->client, &call, &reply, err);

    if (rc == 0)
        rc = is_absent(&reply) ? STORE_ABSENT : s3_client_refused(&reply, uri, err);
    s3_reply_deinit(&reply);
    return rc;
}

/* An object's head: 0, STORE_ABSENT. */
static int head(struct store_s3 *s3, struct span key, const char *uri, struct s3_reply *reply,
                struct err *err)
{
    const struct s3_call call = { .method = "HEAD", .uri = uri, .key = key, .query = "" };

    if (s3_client_call(s3->client, &call, reply, err) < 0)
        return -1;
    if (reply->answer.status == 404)
        return absent(s3, key, uri, err);
    return reply->answer.status == 200 ? 0 : s3_client_refused(reply, uri, err);
}

/* A token is at the name that we wanted: 0 when it is ours, STORE_EXISTS when another's. */
static int whose(struct store_s3 *s3, struct span key, const char *uri, const char *token,
                 struct err *err)
{
    struct s3_reply reply = { 0 };
    struct span found;
    int rc = head(s3, key, uri, &reply, err);

    if (rc == STORE_ABSENT)
        rc = err_set(err, ERR_RETRY, "put %s: taken, and then not there", uri);
    else if (rc == 0 && !(http_answer_header(&reply.answer, token_header, &found) &&
                          span_equal(found, span_text(token))))
        rc = STORE_EXISTS;
    s3_reply_deinit(&reply);
    return rc;
}

/* What the answer to a conditional write means.  A name that is taken may be our own doing at any
 * time: libcurl too sends a request again, unasked, behind a kept connection that died. */
static int settle(struct store_s3 *s3, struct span key, const char *uri, const char *token,
                  const struct s3_reply *reply, struct err *err)
{
    if (reply->answer.status == 200)
        return 0;
    if (reply->answer.status == 412)
        return whose(s3, key, uri, token, err);
    return s3_client_refused(reply, uri, err);
}

static int put_whole(struct store_s3 *s3, struct span key, const char *uri,
                     const struct span *parts, size_t count, const char *token, struct err *err)
{
    const struct s3_header header[] = { { "if-none-match", "*" }, { token_header, token } };
    const struct s3_call call = { .method = "PUT",
                                  .uri = uri,
                                  .key = key,
                                  .query = "",
                                  .header = header,
                                  .header_count = ARRAY_LEN(header),
                                  .body = parts,
                                  .body_count = count };
    struct s3_reply reply = { 0 };
    int rc = s3_client_call(s3->client, &call, &reply, err);

    if (rc == 0)
        rc = settle(s3, key, uri, token, &reply, err);
    s3_reply_deinit(&reply);
    return rc;
}

/* An object that goes up in parts. */
struct upload {
    struct store_s3 *s3;
    struct span key;
    const char *uri, *token;
    struct buf id;     /* percent-encoded */
    struct buf body;   /* of the completion */
    struct buf window; /* struct span: the parts' bytes that one request carries */
    const struct span *parts;
    size_t count, index, offset; /* what is to be sent next */
};

static int upload_begin(struct upload *upload, struct err *err)
{
    const struct s3_header header = { token_header, upload->token };
    const struct s3_call call = { .method = "POST",
                                  .uri = upload->uri,
                                  .key = upload->key,
                                  .query = "uploads=",
                                  .header = &header,
                                  .header_count = 1 };
    struct s3_reply reply = { 0 };
    struct buf id = BUF_INIT;
    int rc = s3_client_call(upload->s3->client, &call, &reply, err);

    if (rc == 0 && reply.answer.status != 200)
        rc = s3_client_refused(&reply, upload->uri, err);
    if (rc == 0)
        rc = s3_xml_text(buf_span(&reply.answer.body), "UploadId", &id, err);
    http_encode(buf_span(&id), false, &upload->id);
    buf_deinit(&id);
    s3_reply_deinit(&reply);
    return rc;
}

/* Moves `bytes` of the source into the window. */
static void fill_window(struct upload *upload, size_t bytes)
{
    buf_clear(&upload->window);
    while (bytes > 0 && upload->index < upload->count) {
        struct span part = upload->parts[upload->index];
        size_t more = size_min(part.size - upload->offset, bytes);
        struct span piece = span_of(part.data + upload->offset, more);

        if (more > 0)
            buf_put(&upload->window, &piece, sizeof(piece));
        bytes -= more;
        upload->offset += more;
        if (upload->offset == part.size) {
            upload->index++;
            upload->offset = 0;
        }
    }
}

static int upload_part(struct upload *upload, size_t number, struct err *err)
{
    struct buf query = BUF_INIT;
    struct s3_call call = { .method = "PUT",
                            .uri = upload->uri,
                            .key = upload->key,
                            .body = (const struct span *)(void *)upload->window.data,
                            .body_count = upload->window.size / sizeof(struct span) };
    struct s3_reply reply = { 0 };
    struct span tag;
    int rc;

    buf_printf(&query, "partNumber=%zu&uploadId=%s", number, buf_text(&upload->id));
    call.query = buf_text(&query);
    rc = s3_client_call(upload->s3->client, &call, &reply, err);
    if (rc == 0 && reply.answer.status != 200)
        rc = s3_client_refused(&reply, upload->uri, err);
    else if (rc == 0 && !http_answer_header(&reply.answer, "ETag", &tag))
        rc = err_set(err, ERR_RETRY, "%s: a part without ETag", upload->uri);
    else if (rc == 0)
        buf_printf(&upload->body, "<Part><PartNumber>%zu</PartNumber><ETag>%.*s</ETag></Part>",
                   number, SPAN_ARGS(tag));
    buf_deinit(&query);
    s3_reply_deinit(&reply);
    return rc;
}

/* The answer's status is sent before the work is done, so an error may stand in the body of a 200;
 * an upload that is not known any more was completed by a try whose answer was lost. */
static int upload_end(struct upload *upload, struct err *err)
{
    const struct s3_header header = { "if-none-match", "*" };
    struct buf query = BUF_INIT;
    struct span body;
    struct s3_call call = { .method = "POST",
                            .uri = upload->uri,
                            .key = upload->key,
                            .header = &header,
                            .header_count = 1,
                            .body = &body,
                            .body_count = 1 };
    struct s3_reply reply = { 0 };
    int rc;

    buf_put_text(&upload->body, "</CompleteMultipartUpload>");
    body = buf_span(&upload->body);
    buf_printf(&query, "uploadId=%s", buf_text(&upload->id));
    call.query = buf_text(&query);
    rc = s3_client_call(upload->s3->client, &call, &reply, err);
    if (rc == 0 && reply.answer.status == 200)
        s3_xml_error(buf_span(&reply.answer.body), &reply.error);
    if (rc == 0 && reply.answer.status == 200 && reply.error.code[0] != '\0')
        rc = s3_client_refused(&reply, upload->uri, err);
    else if (rc == 0 && reply.answer.status == 404)
        rc = whose(upload->s3, upload->key, upload->uri, upload->token, err);
    else if (rc == 0)
        rc = settle(upload->s3, upload->key, upload->uri, upload->token, &reply, err);
    buf_deinit(&query);
    s3_reply_deinit(&reply);
    return rc;
}

/* Best effort: what is left over is the bucket's lifecycle rule's. */
static void upload_abort(struct upload *upload)
{
    struct buf query = BUF_INIT;
    struct s3_call call = { .method = "DELETE", .uri = upload->uri, .key = upload->key };
    struct s3_reply reply = { 0 };
    struct err ignored = { 0 };

    buf_printf(&query, "uploadId=%s", buf_text(&upload->id));
    call.query = buf_text(&query);
    (void)!s3_client_call(upload->s3->client, &call, &reply, &ignored);
    buf_deinit(&query);
    s3_reply_deinit(&reply);
}

static int put_in_parts(struct store_s3 *s3, struct span key, const char *uri,
                        const struct span *parts, size_t count, uint64_t bytes, const char *token,
                        struct err *err)
{
    struct upload upload = {
        .s3 = s3, .key = key, .uri = uri, .token = token, .parts = parts, .count = count
    };
    uint64_t part_bytes = s3->part_bytes;
    uint64_t part_count;
    int rc;

    while (bytes / part_bytes >= PARTS_MAX)
        part_bytes *= 2;
    part_count = (bytes + part_bytes - 1) / part_bytes;
    if (upload_begin(&upload, err) < 0) {
        buf_deinit(&upload.id);
        return -1;
    }
    buf_put_text(&upload.body, "<CompleteMultipartUpload>");
    rc = 0;
    for (size_t number = 1; number <= part_count && rc == 0; number++) {
        fill_window(&upload, (size_t)part_bytes);
        rc = upload_part(&upload, number, err);
    }
    if (rc == 0)
        rc = upload_end(&upload, err);
    if (rc != 0)
        upload_abort(&upload);
    buf_deinit(&upload.id);
    buf_deinit(&upload.body);
    buf_deinit(&upload.window);
    return rc;
}

static int s3_put_new(struct store *store, const char *uri, const struct span *parts, size_t count,
                      struct err *err)
{
    struct store_s3 *s3 = self(store);
    uint64_t bytes = 0;
    char token[20];
    struct span key;

    if (key_of(s3, uri, &key, err) < 0)
        return -1;
    if (!is_under_root(s3, uri))
        return err_set(err, ERR_CONFIG,
                       "not under %s, where the catalog has put the table: see store.bucket, "
                       "store.prefix",
                       s3->root);
    for (size_t i = 0; i < count; i++)
        bytes += parts[i].size;
    snprintf(token, sizeof(token), "%016" PRIx64, clock_random(s3->clock));
    if (bytes > 2 * (uint64_t)s3->part_bytes)
        return put_in_parts(s3, key, uri, parts, count, bytes, token, err);
    return put_whole(s3, key, uri, parts, count, token, err);
}

static int s3_size(struct store *store, const char *uri, uint64_t *size, struct err *err)
{
    struct s3_reply reply = { 0 };
    struct span key, text;
    int rc = key_of(self(store), uri, &key, err);

    if (rc == 0)
        rc = head(self(store), key, uri, &reply, err);
    if (rc == 0) {
        if (http_answer_header(&reply.answer, "Content-Length", &text) && text.size < 20) {
            char number[20] = "";

            memcpy(number, text.data, text.size);
            *size = strtoull(number, NULL, 10);
        } else {
            rc = err_set(err, ERR_RETRY, "%s: an answer without Content-Length", uri);
        }
    }
    s3_reply_deinit(&reply);
    return rc;
}

static int check_end(struct store *store, const char *uri, uint64_t offset, size_t size,
                     struct err *err)
{
    uint64_t end = 0;
    int rc = s3_size(store, uri, &end, err);

    if (rc == 0 && (offset > end || size > end - offset))
        return err_set(err, ERR_CORRUPT, "get %s: ends at %" PRIu64 ", before %" PRIu64 " + %zu",
                       uri, end, offset, size);
    return rc;
}

/* Other bytes came than were asked for: always -1. */
static int explain_size(struct store *store, const char *uri, uint64_t offset, size_t size,
                        const struct http_answer *answer, struct err *err)
{
    int rc = check_end(store, uri, offset, size, err);

    if (rc < 0)
        return -1;
    if (rc == 0 && answer->status == 200)
        return err_set(err, ERR_CONFIG, "get %s: the server does not know ranges", uri);
    return err_set(err, ERR_RETRY, "get %s: %zu bytes instead of %zu", uri, answer->body.size,
                   size);
}

static int s3_get(struct store *store, const char *uri, uint64_t offset, size_t size,
                  struct buf *out, struct err *err)
{
    struct s3_reply reply = { 0 };
    char range[64];
    const struct s3_header header = { "range", range };
    struct s3_call call = { .method = "GET",
                            .uri = uri,
                            .query = "",
                            .header = &header,
                            .header_count = 1,
                            .answer_bytes_max = size };
    bool is_whole;
    int rc;

    if (size == 0)
        return check_end(store, uri, offset, size, err);
    snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, offset, offset + size - 1);
    rc = key_of(self(store), uri, &call.key, err);
    if (rc == 0)
        rc = s3_client_call(self(store)->client, &call, &reply, err);
    if (rc < 0)
        goto out;
    is_whole = reply.answer.status == 206 || (reply.answer.status == 200 && offset == 0);
    if (is_whole && reply.answer.body.size == size)
        buf_put_span(out, buf_span(&reply.answer.body));
    else if (is_whole || reply.answer.status == 200 || reply.answer.status == 416)
        rc = explain_size(store, uri, offset, size, &reply.answer, err);
    else if (is_absent(&reply))
        rc = STORE_ABSENT;
    else
        rc = s3_client_refused(&reply, uri, err);
out:
    s3_reply_deinit(&reply);
    return rc;
}

static int s3_remove(struct store *store, const char *uri, struct err *err)
{
    struct s3_call call = { .method = "DELETE", .uri = uri, .query = "" };
    struct s3_reply reply = { 0 };
    int rc = key_of(self(store), uri, &call.key, err);

    if (rc == 0)
        rc = s3_client_call(self(store)->client, &call, &reply, err);
    if (rc == 0 && reply.answer.status / 100 != 2 && !is_absent(&reply))
        rc = s3_client_refused(&reply, uri, err);
    s3_reply_deinit(&reply);
    return rc;
}

struct listing {
    struct store_s3 *s3;
    const struct store_visitor *visitor;
    struct buf uri;
};

static int visit(void *context, const struct s3_object *object, struct err *err)
{
    struct listing *listing = context;

    buf_clear(&listing->uri);
    buf_printf(&listing->uri, "s3://%s/%s", listing->s3->bucket, object->key);
    return listing->visitor->visit(listing->visitor->context, buf_text(&listing->uri), object->size,
                                   object->modified_us, err);
}

static void put_query(struct store_s3 *s3, struct span prefix, struct span next, struct buf *query)
{
    buf_clear(query);
    if (next.size > 0) {
        buf_put_text(query, "continuation-token=");
        http_encode(next, false, query);
        buf_put_text(query, "&");
    }
    buf_printf(query, "encoding-type=url&list-type=2&max-keys=%d&prefix=", s3->list_max);
    http_encode(prefix, false, query);
}

static int s3_list(struct store *store, const char *prefix, const struct store_visitor *visitor,
                   struct err *err)
{
    struct store_s3 *s3 = self(store);
    struct listing listing = { .s3 = s3, .visitor = visitor };
    struct s3_listing page = { .visit = visit, .context = &listing };
    struct buf query = BUF_INIT;
    struct s3_reply reply = { 0 };
    struct span key;
    int rc = key_of(s3, prefix, &key, err);

    while (rc == 0) {
        struct s3_call call = { .method = "GET",
                                .uri = prefix,
                                .answer_bytes_max = LIST_BYTES_MAX };

        put_query(s3, key, buf_span(&page.next), &query);
        call.query = buf_text(&query);
        rc = s3_client_call(s3->client, &call, &reply, err);
        if (rc == 0 && reply.answer.status != 200)
            rc = s3_client_refused(&reply, prefix, err);
        if (rc == 0)
            rc = s3_xml_list(buf_span(&reply.answer.body), &page, err);
        if (rc == 0 && page.next.size == 0)
            break;
    }
    buf_deinit(&page.next);
    buf_deinit(&listing.uri);
    buf_deinit(&query);
    s3_reply_deinit(&reply);
    return rc;
}

static void s3_close(struct store *store)
{
    struct store_s3 *s3 = self(store);

    s3_client_close(s3->client);
    free(s3->root);
    free(s3->bucket);
    free(s3);
}

int store_s3_open(const struct store_s3_options *options, const struct http_opener *opener,
                  struct clock *clock, struct store **out, struct err *err)
{
    static const struct store_ops ops = {
        s3_put_new, s3_size, s3_get, s3_remove, s3_list, s3_close
    };
    struct s3_client *client;
    struct store_s3 *s3;
    struct buf root = BUF_INIT;

    if (s3_client_open(options, opener, clock, &client, err) < 0)
        return -1;
    buf_printf(&root, "s3://%s%s%s", options->bucket, options->prefix[0] == '\0' ? "" : "/",
               options->prefix);
    s3 = mem_zero(1, sizeof(*s3));
    s3->root = mem_text(buf_text(&root));
    s3->bucket = mem_text(options->bucket);
    s3->store = (struct store){ &ops, s3->root };
    s3->client = client;
    s3->clock = clock;
    s3->part_bytes = options->part_bytes > 0 ? options->part_bytes : PART_BYTES;
    s3->list_max = options->list_max > 0 ? options->list_max : LIST_MAX;
    buf_deinit(&root);
    *out = &s3->store;
    return 0;
}

static int count_one(void *context, const char *uri, uint64_t size, int64_t modified_us,
                     struct err *err)
{
    (void)uri;
    (void)size;
    (void)modified_us;
    (void)err;
    ++*(int *)context;
    return 0;
}

static int check_object(struct store *store, const char *uri, struct err *err)
{
    const struct span part = SPAN("k2 check");
    struct buf back = BUF_INIT;
    int found = 0;
    const struct store_visitor visitor = { count_one, &found };
    int rc = store_put_new(store, uri, &part, 1, err);

    if (rc == 0)
        rc = store_put_new(store, uri, &part, 1, err);
    if (rc == 0)
        return err_set(err, ERR_CONFIG,
                       "%s: the server lets a second write replace an object: it must honour "
                       "If-None-Match: * (AWS, MinIO and versitygw do)",
                       store->root);
    if (rc == STORE_EXISTS)
        rc = store_get_all(store, uri, &back, err);
    if (rc == 0 && !span_equal(buf_span(&back), part))
        rc = err_set(err, ERR_CONFIG, "%s: an object reads back otherwise than written",
                     store->root);
    if (rc == 0)
        rc = store_list(store, uri, &visitor, err);
    if (rc == 0 && found != 1)
        rc = err_set(err, ERR_CONFIG, "%s: a listing does not show an object just written",
                     store->root);
    buf_deinit(&back);
    return rc > 0 ? err_set(err, ERR_CONFIG, "%s: an object just written is not there", store->root)
                  : rc;
}

int store_s3_check(struct store *store, struct err *err)
{
    struct err ignored = { 0 };
    struct buf uri = BUF_INIT;
    int rc;

    buf_printf(&uri, "%s/k2-check-%016" PRIx64, store->root, clock_random(self(store)->clock));
    rc = check_object(store, buf_text(&uri), err);
    if (store_remove(store, buf_text(&uri), rc == 0 ? err : &ignored) < 0)
        rc = -1;
    if (rc < 0 && err->kind != ERR_FULL)
        err->kind = ERR_CONFIG;
    buf_deinit(&uri);
    return rc;
}
