// SPDX-License-Identifier: Apache-2.0
#include "core/json_escape.h"
#include "lib/test.h"

static void only_escaped_pairs_are_joined(void **state)
{
    const struct {
        struct span text, joined;
    } cases[] = {
        { SPAN(""), SPAN("") },
        { SPAN("[1,\"a\\n\\u20ac\"]"), SPAN("[1,\"a\\n\\u20ac\"]") },
        { SPAN("\"\\uD83d\\uDe00\\ud83d\\ude00x\""),
          SPAN("\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80x\"") },
        { SPAN("\"\\\\ud83d\\ude00\""), SPAN("\"\\\\ud83d\\ude00\"") },
        { SPAN("\"\\ud83d\\ud83d\\ude00\""), SPAN("\"\\ud83d\xf0\x9f\x98\x80\"") },
        { SPAN("\"\\ud83d\\ude0g\""), SPAN("\"\\ud83d\\ude0g\"") },
        { SPAN("\"\\ud83d\\ude0"), SPAN("\"\\ud83d\\ude0") },
        { SPAN("\"\\"), SPAN("\"\\") },
    };
    struct buf out = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_clear(&out);
        json_escape_join(cases[i].text, &out);
        assert_true(span_equal(buf_span(&out), cases[i].joined));
    }
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_escaped_pairs_are_joined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
