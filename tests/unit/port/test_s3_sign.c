// SPDX-License-Identifier: Apache-2.0
/* s3_sign.c against the examples of the Amazon S3 API reference, "Signature Calculations for the
 * Authorization Header: Transferring Payload in a Single Chunk". */
#include "port/s3_sign.h"

#include "lib/test.h"

#include <string.h>

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HOST  "examplebucket.s3.amazonaws.com"

static const struct {
    const char *what, *method, *path, *query, *body;
    struct s3_header header[3];
    const char *names, *signature;
} vectors[] = {
    { "GET Object",
      "GET",
      "/test.txt",
      "",
      "",
      { { "range", "bytes=0-9" } },
      "host;range;x-amz-content-sha256;x-amz-date",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
    { "PUT Object",
      "PUT",
      "/test%24file.text",
      "",
      "Welcome to Amazon S3.",
      { { "date", "Fri, 24 May 2013 00:00:00 GMT" },
        { "x-amz-storage-class", "REDUCED_REDUNDANCY" } },
      "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
    { "GET Bucket Lifecycle",
      "GET",
      "/",
      "lifecycle=",
      "",
      { { NULL, NULL } },
      "host;x-amz-content-sha256;x-amz-date",
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
    { "Get Bucket (List Objects)",
      "GET",
      "/",
      "max-keys=2&prefix=J",
      "",
      { { NULL, NULL } },
      "host;x-amz-content-sha256;x-amz-date",
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

static void the_published_examples_are_signed_alike(void **state)
{
    const struct s3_key key = { "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                NULL };

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        char date[S3_DATE_BYTES], hash[S3_HASH_TEXT_BYTES];
        struct span body = span_text(vectors[i].body);
        struct s3_header header[6];
        struct s3_request request = {
            vectors[i].method, vectors[i].path, vectors[i].query, header, 0, hash, date, "us-east-1"
        };
        struct buf made = BUF_INIT, expected = BUF_INIT;

        s3_date(INT64_C(1369353600000000), date);
        assert_string_equal(date, "20130524T000000Z");
        s3_hash(&body, 1, hash);
        for (size_t n = 0; n < 3 && vectors[i].header[n].name != NULL; n++)
            header[request.header_count++] = vectors[i].header[n];
        header[request.header_count++] = (struct s3_header){ "x-amz-date", date };
        header[request.header_count++] = (struct s3_header){ "host", HOST };
        header[request.header_count++] = (struct s3_header){ "x-amz-content-sha256", hash };
        s3_sign(&request, &key, &made);
        buf_printf(&expected,
                   "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
                   "aws4_request,SignedHeaders=%s,Signature=%s",
                   vectors[i].names, vectors[i].signature);
        assert_string_equal(buf_text(&made), buf_text(&expected));
        buf_deinit(&made);
        buf_deinit(&expected);
    }
}

static void the_hash_of_parts_is_that_of_the_whole(void **state)
{
    const struct span parts[] = { SPAN("Wel"), SPAN(""), SPAN("come to Amazon S3.") };
    char hash[S3_HASH_TEXT_BYTES];

    (void)state;
    s3_hash(parts, 3, hash);
    assert_string_equal(hash, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
    s3_hash(NULL, 0, hash);
    assert_string_equal(hash, EMPTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_examples_are_signed_alike),
        cmocka_unit_test(the_hash_of_parts_is_that_of_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
