// SPDX-License-Identifier: Apache-2.0
/* Requests in order over one registry in SQLite, and the whole of each answer. */
#include "status/registry_api.h"

#include "codec/avro_compat.h"
#include "lib/folder.h"
#include "lib/test.h"

struct fixture {
    char *folder;
    struct status status;
};

static int setup(void **state)
{
    struct fixture *f = mem_zero(1, sizeof(*f));
    struct err err = { 0 };
    char *file;

    f->folder = folder_new();
    file = folder_path(f->folder, "k2.db");
    assert_ok(registry_sqlite_open(file, avro_compat_backward, &f->status.registry, &err));
    free(file);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    registry_close(f->status.registry);
    folder_free(f->folder);
    free(f);
    return 0;
}

struct step {
    const char *method, *path, *body;
    int status;
    const char *answer; /* the whole body; ending in "…": how it begins */
};

static void walk(const struct fixture *f, const struct step *step, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct status_request request = { step[i].method, step[i].path,
                                                span_text(step[i].body) };
        struct status_answer answer = { 0 };
        size_t size = strlen(step[i].answer);
        bool is_start = size >= 3 && strcmp(step[i].answer + size - 3, "…") == 0;

        status_answer(&f->status, &request, &answer);
        assert_int_equal(answer.status, step[i].status);
        assert_string_equal(answer.type, "application/vnd.schemaregistry.v1+json");
        if (is_start && strncmp(buf_text(&answer.body), step[i].answer, size - 3) != 0)
            fail_msg("%s %s: %s", step[i].method, step[i].path, buf_text(&answer.body));
        if (!is_start)
            assert_string_equal(buf_text(&answer.body), step[i].answer);
        buf_deinit(&answer.body);
    }
}

#define A     "{\"schema\":\"\\\"int\\\"\"}"
#define B     "{\"schema\":\" { \\\"type\\\" : \\\"long\\\",\\t\\\"doc\\\":\\\"a \\\\\\\" b\\\"} \"}"
#define B_OUT "\"{\\\"type\\\":\\\"long\\\",\\\"doc\\\":\\\"a \\\\\\\" b\\\"}\""

static void schemas_are_registered_listed_and_found(void **state)
{
    static const struct step steps[] = {
        { "GET", "/subjects", "", 200, "[]" },
        { "POST", "/subjects/t-value/versions", A, 200, "{\"id\":1}" },
        { "POST", "/subjects/t-value/versions", B, 200, "{\"id\":2}" },
        { "POST", "/subjects/t-value/versions", A, 200, "{\"id\":1}" },
        { "POST", "/subjects/a%2Fb%22%C3%A9/versions", B, 200, "{\"id\":2}" },
        { "GET", "/subjects", "", 200, "[\"a/b\\\"é\",\"t-value\"]" },
        { "HEAD", "/subjects", "", 200, "[\"a/b\\\"é\",\"t-value\"]" },
        { "GET", "/subjects/t-value/versions", "", 200, "[1,2]" },
        { "GET", "/subjects/a%2fb%22%c3%a9/versions", "", 200, "[1]" },
        { "GET", "/subjects/t-value/versions/1", "", 200,
          "{\"subject\":\"t-value\",\"version\":1,\"id\":1,\"schema\":\"\\\"int\\\"\"}" },
        { "GET", "/subjects/t-value/versions/latest", "", 200,
          "{\"subject\":\"t-value\",\"version\":2,\"id\":2,\"schema\":" B_OUT "}" },
        { "POST", "/subjects/t-value", A, 200, "{\"subject\":\"t-value\",\"version\":1,\"id\":1…" },
        { "POST", "/subjects/t-value", B, 200, "{\"subject\":\"t-value\",\"version\":2,\"id\":2…" },
        { "GET", "/schemas/ids/2", "", 200, "{\"schema\":" B_OUT "}" },
        { "GET", "/schemas/types", "", 200, "[\"AVRO\"]" },
        { "GET", "/config", "", 200, "{\"compatibilityLevel\":\"BACKWARD\"}" },
        { "GET", "/config/t-value", "", 200, "{\"compatibilityLevel\":\"BACKWARD\"}" },
        { "PUT", "/config/t-value", "{\"compatibility\":\"BACKWARD\"}", 200,
          "{\"compatibility\":\"BACKWARD\"}" },
        { "POST", "/compatibility/subjects/t-value/versions/latest", A, 200,
          "{\"is_compatible\":false}" },
        { "POST", "/compatibility/subjects/t-value/versions/1", B, 200,
          "{\"is_compatible\":true}" },
    };

    walk(*state, steps, ARRAY_LEN(steps));
}

static void faults_have_confluents_codes(void **state)
{
    static const struct step steps[] = {
        { "GET", "/subjects/x/versions", "", 404, "{\"error_code\":40401,\"message\":\"Subject…" },
        { "GET", "/subjects/x/versions/1", "", 404, "{\"error_code\":40401,…" },
        { "POST", "/subjects/x", A, 404, "{\"error_code\":40401,…" },
        { "POST", "/subjects/x/versions", B, 200, "{\"id\":1}" },
        { "POST", "/subjects/x/versions", A, 409,
          "{\"error_code\":409,\"message\":\"Schema being registered is incompatible with an "
          "earlier schema for subject \\\"x\\\", compatibility is BACKWARD: …" },
        { "GET", "/subjects/x/versions", "", 200, "[1]" },
        { "POST", "/subjects/x", A, 404, "{\"error_code\":40403,…" },
        { "GET", "/subjects/x/versions/2", "", 404, "{\"error_code\":40402,…" },
        { "GET", "/subjects/x/versions/0", "", 422, "{\"error_code\":42202,…" },
        { "GET", "/subjects/x/versions/2147483648", "", 422, "{\"error_code\":42202,…" },
        { "GET", "/subjects/x/versions/99999999999999999999", "", 422, "{\"error_code\":42202,…" },
        { "GET", "/subjects/x/versions/one", "", 422, "{\"error_code\":42202,…" },
        { "GET", "/schemas/ids/2", "", 404, "{\"error_code\":40403,…" },
        { "GET", "/schemas/ids/two", "", 404, "{\"error_code\":40403,…" },
        { "POST", "/subjects/x/versions", "", 422, "{\"error_code\":42201,…" },
        { "POST", "/subjects/x/versions", "[]", 422, "{\"error_code\":42201,…" },
        { "POST", "/subjects/x/versions", "{\"schema\":\"{\"}", 422, "{\"error_code\":42201,…" },
        { "POST", "/subjects/x/versions", "{\"schema\":7}", 422, "{\"error_code\":42201,…" },
        { "POST", "/subjects/x/versions", "{\"schemaType\":\"JSON\",\"schema\":\"{}\"}", 422,
          "{\"error_code\":42201,\"message\":\"Invalid schema type JSON…" },
        { "PUT", "/config", "{\"compatibility\":\"NONE\"}", 422, "{\"error_code\":42203,…" },
        { "PUT", "/config/x", "", 422, "{\"error_code\":42203,…" },
        { "DELETE", "/subjects/x", "", 405, "{\"error_code\":405,…" },
        { "PATCH", "/subjects", "", 405, "{\"error_code\":405,…" },
        { "GET", "/subjects/", "", 404, "{\"error_code\":404,…" },
        { "GET", "/subjects/x/versions/1/schema/a/b", "", 404, "{\"error_code\":404,…" },
        { "GET", "/subjects/%00/versions", "", 404, "{\"error_code\":404,…" },
        { "GET", "/subjects/%/versions", "", 404, "{\"error_code\":404,…" },
        { "GET", "/subjects/%4", "", 404, "{\"error_code\":404,…" },
        { "GET", "/schemas", "", 404, "{\"error_code\":404,…" },
    };

    walk(*state, steps, ARRAY_LEN(steps));
}

static void a_subjects_name_is_bounded(void **state)
{
    char path[600];
    struct step step = { "GET", path, "", 404, "{\"error_code\":40401,…" };

    for (size_t size = 255; size <= 256; size++) {
        snprintf(path, sizeof(path), "/subjects/%0*d/versions", (int)size, 7);
        walk(*state, &step, 1);
        step.answer = "{\"error_code\":404,…";
    }
}

static void a_registry_elsewhere_is_said(void **state)
{
    struct status status = { 0 };
    const struct status_request request = { "GET", "/subjects", SPAN("") };
    struct status_answer answer = { 0 };

    (void)state;
    status_answer(&status, &request, &answer);
    assert_int_equal(answer.status, 404);
    assert_non_null(strstr(buf_text(&answer.body), "registry.url"));
    buf_deinit(&answer.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(schemas_are_registered_listed_and_found, setup, teardown),
        cmocka_unit_test_setup_teardown(faults_have_confluents_codes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_subjects_name_is_bounded, setup, teardown),
        cmocka_unit_test(a_registry_elsewhere_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
