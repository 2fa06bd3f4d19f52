// SPDX-License-Identifier: Apache-2.0
/* Health and metrics of made-up jobs. */
#include "status/jobs_text.h"

#include "core/json.h"
#include "lib/test.h"

static void health_names_the_job_that_is_in_trouble(void **state)
{
    struct runner_view view[] = { { .name = "ingest-binance" }, { .name = "gold" } };
    struct buf out = BUF_INIT;
    struct err err;

    (void)state;
    assert_true(jobs_text_health(view, 2, &out));
    assert_string_equal(buf_text(&out),
                        "{\"status\":\"ok\",\"jobs\":["
                        "{\"name\":\"ingest-binance\",\"state\":\"running\",\"trouble\":\"\"},"
                        "{\"name\":\"gold\",\"state\":\"running\",\"trouble\":\"\"}]}\n");
    buf_clear(&out);
    snprintf(view[1].trouble, sizeof(view[1].trouble), "load \"t\": reset");
    view[1].state = PACE_WAITING;
    assert_false(jobs_text_health(view, 2, &out));
    assert_non_null(strstr(buf_text(&out), "{\"status\":\"trouble\""));
    assert_non_null(
        strstr(buf_text(&out), "\"state\":\"waiting\",\"trouble\":\"load \\\"t\\\": reset\"}"));
    assert_ok(json_check(buf_span(&out), &err));
    buf_deinit(&out);
}

static void each_kind_of_trouble_counts_and_a_standby_is_none(void **state)
{
    static const struct {
        enum pace_state state;
        const char *trouble, *ingest;
        bool is_well;
    } cases[] = {
        { PACE_WELL, "", "", true },         { PACE_STANDBY, "", "", true },
        { PACE_STANDBY, "lost", "", true },  { PACE_WAITING, "", "", false },
        { PACE_REFUSED, "no", "", false },   { PACE_FAILED, "", "", false },
        { PACE_WELL, "", "no feed", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct runner_view view = { .name = "ingest-kraken", .state = cases[i].state };
        struct buf out = BUF_INIT;

        snprintf(view.trouble, sizeof(view.trouble), "%s", cases[i].trouble);
        snprintf(view.counters.ingest.trouble, sizeof(view.counters.ingest.trouble), "%s",
                 cases[i].ingest);
        assert_int_equal(jobs_text_health(&view, 1, &out), cases[i].is_well);
        buf_deinit(&out);
    }
}

static void metrics_are_the_counters_of_each_kind_of_job(void **state)
{
    const struct runner_view view[] = {
        { .name = "ingest-kraken", .counters.ingest = { .trades = 7, .lag_us = -3 } },
        { .name = "silver-kraken", .counters.stage = { .rows = 5, .rejected = 2 } },
        { .name = "gold", .state = PACE_FAILED, .counters.stage = { .rows = INT64_MAX } },
    };
    static const char *const lines[] = {
        "k2_info{version=\"",
        "\nk2_job_healthy{job=\"silver-kraken\"} 1\nk2_job_healthy{job=\"gold\"} 0\n",
        "\n# TYPE k2_trades_total counter\nk2_trades_total{job=\"ingest-kraken\"} 7\n",
        "\nk2_lag_microseconds{job=\"ingest-kraken\"} -3\n",
        ("\nk2_rows_total{job=\"silver-kraken\"} 5\n"
         "k2_rows_total{job=\"gold\"} 9223372036854775807\n"),
        "\nk2_rows_rejected_total{job=\"silver-kraken\"} 2\n",
    };
    struct buf out = BUF_INIT;

    (void)state;
    jobs_text_metrics(view, 3, &out);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (strstr(buf_text(&out), lines[i]) == NULL)
            fail_msg("no \"%s\" in\n%s", lines[i], buf_text(&out));
    assert_null(strstr(buf_text(&out), "k2_rows_total{job=\"ingest-kraken\"}"));
    assert_null(strstr(buf_text(&out), "k2_trades_total{job=\"gold\"}"));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_names_the_job_that_is_in_trouble),
        cmocka_unit_test(each_kind_of_trouble_counts_and_a_standby_is_none),
        cmocka_unit_test(metrics_are_the_counters_of_each_kind_of_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
