// SPDX-License-Identifier: Apache-2.0
/* s3_sign.c: see s3_sign.h. */
#include "port/s3_sign.h"

#include "core/hash.h"
#include "core/micros.h"

enum { DAY_CHARACTERS = 8 };

static void put_hex(const uint8_t *bytes, size_t size, struct buf *out)
{
    static const char digit[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        buf_put_byte(out, (uint8_t)digit[bytes[i] >> 4]);
        buf_put_byte(out, (uint8_t)digit[bytes[i] & 15]);
    }
}

void s3_date(int64_t now_us, char text[S3_DATE_BYTES])
{
    char full[MICROS_TEXT_BYTES_MAX];
    size_t size = 0;

    micros_format(now_us, full); /* 2013-05-24T00:00:00.000000Z */
    for (const char *at = full; *at != '.' && size < S3_DATE_BYTES - 2; at++)
        if (*at != '-' && *at != ':')
            text[size++] = *at;
    text[size++] = 'Z';
    text[size] = '\0';
}

void s3_hash(const struct span *parts, size_t count, char text[S3_HASH_TEXT_BYTES])
{
    struct buf hex = BUF_INIT;
    uint8_t hash[32];

    hash_sha256_parts(parts, count, hash);
    put_hex(hash, sizeof(hash), &hex);
    memcpy(text, buf_text(&hex), S3_HASH_TEXT_BYTES);
    buf_deinit(&hex);
}

/* Indices of the headers, sorted by name. */
static void sort_headers(const struct s3_request *request, size_t order[S3_HEADERS_MAX])
{
    ASSERT(request->header_count <= S3_HEADERS_MAX);
    for (size_t i = 0; i < request->header_count; i++) {
        size_t at = i;

        for (; at > 0 && strcmp(request->header[order[at - 1]].name, request->header[i].name) > 0;
             at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

static void put_signed_names(const struct s3_request *request, const size_t *order, struct buf *out)
{
    for (size_t i = 0; i < request->header_count; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : ";", request->header[order[i]].name);
}

static void put_canonical(const struct s3_request *request, const size_t *order, struct buf *out)
{
    buf_printf(out, "%s\n%s\n%s\n", request->method, request->path, request->query);
    for (size_t i = 0; i < request->header_count; i++)
        buf_printf(out, "%s:%s\n", request->header[order[i]].name, request->header[order[i]].value);
    buf_put_byte(out, '\n');
    put_signed_names(request, order, out);
    buf_printf(out, "\n%s", request->payload_hash);
}

static void signing_key(const struct s3_request *request, const char *secret, uint8_t key[32])
{
    const struct span steps[] = { span_of(request->date, DAY_CHARACTERS),
                                  span_text(request->region), SPAN("s3"), SPAN("aws4_request") };
    struct buf first = BUF_INIT;
    struct span with;

    buf_printf(&first, "AWS4%s", secret);
    with = buf_span(&first);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        uint8_t next[32];

        hash_hmac_sha256(with, steps[i], next);
        memcpy(key, next, sizeof(next));
        with = span_of(key, sizeof(next));
    }
    explicit_bzero(first.data, first.size);
    buf_deinit(&first);
}

void s3_sign(const struct s3_request *request, const struct s3_key *key, struct buf *authorization)
{
    size_t order[S3_HEADERS_MAX];
    struct buf text = BUF_INIT;
    char hash[S3_HASH_TEXT_BYTES];
    struct span canonical;
    uint8_t secret[32], signature[32];

    sort_headers(request, order);
    put_canonical(request, order, &text);
    canonical = buf_span(&text);
    s3_hash(&canonical, 1, hash);
    buf_clear(&text);
    buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n%.*s/%s/s3/aws4_request\n%s", request->date,
               DAY_CHARACTERS, request->date, request->region, hash);
    signing_key(request, key->secret, secret);
    hash_hmac_sha256(span_of(secret, sizeof(secret)), buf_span(&text), signature);
    explicit_bzero(secret, sizeof(secret));
    buf_printf(authorization,
               "AWS4-HMAC-SHA256 Credential=%s/%.*s/%s/s3/aws4_request,SignedHeaders=", key->access,
               DAY_CHARACTERS, request->date, request->region);
    put_signed_names(request, order, authorization);
    buf_put_text(authorization, ",Signature=");
    put_hex(signature, sizeof(signature), authorization);
    buf_deinit(&text);
}
