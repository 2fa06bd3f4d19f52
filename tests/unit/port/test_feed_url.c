// SPDX-License-Identifier: Apache-2.0
#include "lib/test.h"

#include "core/base.h"
#include "port/feed_url.h"

#include <string.h>

static void what_is_no_websocket_url_is_refused_by_name(void **state)
{
    static const char *const wrong[] = {
        "",          "http://a/",     "ws:/a",      "ws://",        "ws://:80/",    "ws://a:/",
        "ws://a:0/", "ws://a:65536/", "ws://a:8x/", "ws://u:p@a/",  "ws://[::1/",   "ws://[::1]x/",
        "ws://a/#b", "ws://a:-1/",    "ws://a/b c", "ws://a:+80/x", "ws://a\r\nb/",
    };
    struct feed_url url;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_err(feed_url_parse(&url, wrong[i], &err), ERR_CONFIG);
        assert_non_null(strstr(err.text, wrong[i]));
    }
}

static void a_url_is_taken_apart(void **state)
{
    static const struct {
        const char *text, *host, *authority, *path;
        int port;
        bool tls;
    } right[] = {
        { "ws://a", "a", "a", "/", 80, false },
        { "wss://stream.binance.com:9443/stream", "stream.binance.com", "stream.binance.com:9443",
          "/stream", 9443, true },
        { "wss://a?timeUnit=MICROSECOND", "a", "a", "/?timeUnit=MICROSECOND", 443, true },
        { "ws://[::1]:8080/ws/x?y=1", "::1", "[::1]:8080", "/ws/x?y=1", 8080, false },
        { "ws://[fe80::1]", "fe80::1", "[fe80::1]", "/", 80, false },
    };
    struct feed_url url;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        assert_ok(feed_url_parse(&url, right[i].text, &err));
        assert_string_equal(url.text, right[i].text);
        assert_string_equal(url.host, right[i].host);
        assert_string_equal(url.authority, right[i].authority);
        assert_string_equal(url.path, right[i].path);
        assert_int_equal(url.port, right[i].port);
        assert_int_equal(url.tls, right[i].tls);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_websocket_url_is_refused_by_name),
        cmocka_unit_test(a_url_is_taken_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
