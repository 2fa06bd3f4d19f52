// SPDX-License-Identifier: Apache-2.0
/* s3_xml.c: documents as AWS, MinIO and versitygw send them, and what is none. */
#include "port/s3_xml.h"

#include "lib/test.h"

#include <string.h>

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define LIST                                                                                       \
    HEAD "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>"
#define OBJECT(key, size)                                                                          \
    "<Contents><Key>" key "</Key><LastModified>2026-11-22T10:00:00.000Z</LastModified>"            \
    "<ETag>&quot;x&quot;</ETag><Size>" size "</Size><Owner><ID>1</ID></Owner></Contents>"

static void an_error_gives_its_code_and_words(void **state)
{
    struct s3_error error;

    (void)state;
    s3_xml_error(SPAN(HEAD "<Error><Code>SlowDown</Code><Message>Please &lt;reduce&gt; your "
                           "rate.</Message><Region>eu-west-1</Region><HostId>x</HostId></Error>"),
                 &error);
    assert_string_equal(error.code, "SlowDown");
    assert_string_equal(error.message, "Please <reduce> your rate.");
    assert_string_equal(error.region, "eu-west-1");
    s3_xml_error(SPAN("<html><body>Code"), &error);
    assert_string_equal(error.code, "");
    s3_xml_error(SPAN(""), &error);
    assert_string_equal(error.code, "");
}

static int note(void *context, const struct s3_object *object, struct err *err)
{
    struct buf *text = context;

    if (strcmp(object->key, "stop") == 0)
        return err_set(err, ERR_FULL, "stopped");
    buf_printf(text, "%s %llu %lld;", object->key, (unsigned long long)object->size,
               (long long)object->modified_us);
    return 0;
}

static void a_page_is_visited_in_order(void **state)
{
    struct buf seen = BUF_INIT;
    struct s3_listing listing = { .visit = note, .context = &seen };
    struct err err = { 0 };

    (void)state;
    assert_ok(s3_xml_list(
        SPAN(LIST "<IsTruncated>true</IsTruncated>" OBJECT("a%2Fb%20c%2B+%C3%A9", "7") OBJECT(
            "z", "18446744073709551615") "<NextContinuationToken>t+/=</NextContinuationToken>"
                                         "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>"
                                         "<EncodingType>url</EncodingType>"
                                         "</ListBucketResult>"),
        &listing, &err));
    assert_string_equal(buf_text(&seen), "a/b c+ \xc3\xa9 7 1795341600000000;"
                                         "z 18446744073709551615 1795341600000000;");
    assert_string_equal(buf_text(&listing.next), "t+/=");
    assert_ok(s3_xml_list(SPAN(LIST "<IsTruncated>false</IsTruncated></ListBucketResult>"),
                          &listing, &err));
    assert_int_equal(listing.next.size, 0);
    buf_deinit(&listing.next);
    buf_deinit(&seen);
}

static void what_is_no_listing_is_corrupt(void **state)
{
    static const char *const bodies[] = {
        "",
        "{}",
        LIST,
        LIST "<IsTruncated>true</IsTruncated></ListBucketResult>",
        LIST OBJECT("a", "-1") "</ListBucketResult>",
        LIST OBJECT("a", "1x") "</ListBucketResult>",
        LIST OBJECT("", "1") "</ListBucketResult>",
        LIST OBJECT("a%00b", "1") "<EncodingType>url</EncodingType></ListBucketResult>",
        LIST "<Contents><Key>a</Key></Contents></ListBucketResult>",
        HEAD "<!DOCTYPE a [<!ENTITY b \"c\">]><ListBucketResult/>",
    };
    struct buf seen = BUF_INIT;
    struct s3_listing listing = { .visit = note, .context = &seen };
    struct err err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert_err(s3_xml_list(span_text(bodies[i]), &listing, &err), ERR_CORRUPT);
    assert_err(s3_xml_list(SPAN(LIST OBJECT("stop", "1") "</ListBucketResult>"), &listing, &err),
               ERR_FULL);
    buf_deinit(&listing.next);
    buf_deinit(&seen);
}

static void an_element_is_found_by_name(void **state)
{
    struct buf text = BUF_INIT;
    struct err err = { 0 };

    (void)state;
    assert_ok(s3_xml_text(SPAN(HEAD "<R><Bucket>b</Bucket><UploadId>u&amp;1</UploadId></R>"),
                          "UploadId", &text, &err));
    assert_string_equal(buf_text(&text), "u&1");
    assert_err(s3_xml_text(SPAN("<R/>"), "UploadId", &text, &err), ERR_CORRUPT);
    buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_gives_its_code_and_words),
        cmocka_unit_test(a_page_is_visited_in_order),
        cmocka_unit_test(what_is_no_listing_is_corrupt),
        cmocka_unit_test(an_element_is_found_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
