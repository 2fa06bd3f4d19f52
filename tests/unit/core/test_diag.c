// SPDX-License-Identifier: Apache-2.0
#include "core/diag.h"
#include "core/micros.h"
#include "lib/test.h"

#include <string.h>
#include <unistd.h>

/* What the lines between begin and end wrote to stderr. */
struct capture {
    int saved;
    int ends[2];
    char text[8192];
};

static void capture_begin(struct capture *capture)
{
    assert_int_equal(pipe(capture->ends), 0);
    capture->saved = dup(STDERR_FILENO);
    dup2(capture->ends[1], STDERR_FILENO);
}

static void capture_end(struct capture *capture)
{
    ssize_t size;

    dup2(capture->saved, STDERR_FILENO);
    close(capture->saved);
    close(capture->ends[1]);
    size = read(capture->ends[0], capture->text, sizeof(capture->text) - 1);
    close(capture->ends[0]);
    capture->text[size > 0 ? size : 0] = 0;
}

/* Checks the time in front and returns what stands behind it. */
static const char *behind_time(const char *line)
{
    int64_t us;

    assert_memory_equal(line, "ts=", 3);
    assert_true(micros_parse(span_of(line + 3, 27), &us));
    return line + 3 + 27;
}

static void a_line_below_the_level_is_dropped(void **state)
{
    struct capture capture;

    (void)state;
    capture_begin(&capture);
    diag(DIAG_DEBUG, "tick", "n=%d", 1);
    diag_level_min(DIAG_ERROR);
    diag(DIAG_WARN, "tick", "n=%d", 2);
    diag_level_min(DIAG_DEBUG);
    diag(DIAG_DEBUG, "tick", "n=%d", 3);
    diag_level_min(DIAG_INFO);
    capture_end(&capture);
    assert_string_equal(behind_time(capture.text), " level=debug event=tick n=3\n");
}

static void one_event_is_one_line_whatever_comes_in(void **state)
{
    struct capture capture;

    (void)state;
    capture_begin(&capture);
    diag(DIAG_WARN, "frame", "text=\"%s\"", "a\nts=0 level=error\r\x1b[2J");
    capture_end(&capture);
    assert_string_equal(behind_time(capture.text),
                        " level=warn event=frame text=\"a ts=0 level=error  [2J\"\n");
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
    struct capture capture;
    char text[4000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    capture_begin(&capture);
    diag(DIAG_INFO, "long", "text=%s", text);
    capture_end(&capture);
    assert_int_equal(strlen(capture.text), 2047);
    assert_int_equal(capture.text[2046], '\n');
}

static void an_event_may_have_no_keys(void **state)
{
    struct capture capture;

    (void)state;
    capture_begin(&capture);
    diag(DIAG_INFO, "stopped", "%s", "");
    capture_end(&capture);
    assert_string_equal(behind_time(capture.text), " level=info event=stopped\n");
}

static void an_error_brings_kind_origin_and_quoted_text(void **state)
{
    struct capture capture;
    struct err err = { 0 };

    (void)state;
    err_set_at(&err, ERR_RETRY, "log.c", 42, "say \"no\"\\ twice");
    capture_begin(&capture);
    diag_err(DIAG_ERROR, "wait", &err, "job=%s", "bronze");
    capture_end(&capture);
    assert_string_equal(behind_time(capture.text),
                        " level=error event=wait job=bronze kind=retry at=log.c:42 "
                        "error=\"say \\\"no\\\"\\\\ twice\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_below_the_level_is_dropped),
        cmocka_unit_test(one_event_is_one_line_whatever_comes_in),
        cmocka_unit_test(a_long_line_is_cut_and_still_ends),
        cmocka_unit_test(an_event_may_have_no_keys),
        cmocka_unit_test(an_error_brings_kind_origin_and_quoted_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
