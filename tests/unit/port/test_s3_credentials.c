// SPDX-License-Identifier: Apache-2.0
/* s3_credentials.c: sections of a file, and which source comes first. */
#include "port/s3_credentials.h"

#include "lib/folder.h"
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char file_text[] = "# of ours\n"
                                "[default]\n"
                                "aws_access_key_id = A1\r\n"
                                "aws_secret_access_key=S=1/+\n"
                                "[ session ]\n"
                                "  aws_access_key_id = A2\n"
                                "region = x\n"
                                "aws_secret_access_key = S2\n"
                                "aws_session_token = T2\n"
                                "[half]\n"
                                "aws_access_key_id = A3\n";

static void a_section_is_found_with_its_keys(void **state)
{
    static const struct {
        const char *section, *access, *secret, *token;
    } rows[] = {
        { "default", "A1", "S=1/+", "" },
        { "session", "A2", "S2", "T2" },
        { "half", NULL, NULL, NULL },
        { "absent", NULL, NULL, NULL },
    };
    struct s3_section section = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool is_found = s3_credentials_parse(span_text(file_text), rows[i].section, &section);

        assert_int_equal(is_found, rows[i].access != NULL);
        if (!is_found)
            continue;
        assert_string_equal(buf_text(&section.access), rows[i].access);
        assert_string_equal(buf_text(&section.secret), rows[i].secret);
        assert_string_equal(buf_text(&section.token), rows[i].token);
    }
    buf_deinit(&section.access);
    buf_deinit(&section.secret);
    buf_deinit(&section.token);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void the_first_source_with_both_keys_serves(void **state)
{
    char *folder = folder_new();
    char *path = folder_path(folder, "credentials");
    struct s3_keys *keys = s3_keys_new("", "", "", NULL);
    struct s3_credentials credentials = s3_keys_credentials(keys);
    struct s3_key key;
    struct err err = { 0 };

    (void)state;
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    unsetenv("AWS_PROFILE");
    setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    assert_err(credentials.get(credentials.context, "s3://b/k", false, &key, &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "store.access_key"));
    write_file(path, "[other]\n");
    assert_err(credentials.get(credentials.context, "s3://b/k", false, &key, &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, "[default]"));
    write_file(path, file_text);
    assert_ok(credentials.get(credentials.context, "s3://b/k", false, &key, &err));
    assert_string_equal(key.access, "A1");
    assert_null(key.token);

    /* Renewed by others: read again when refused, and only then. */
    setenv("AWS_PROFILE", "session", 1);
    assert_ok(credentials.get(credentials.context, "s3://b/k", false, &key, &err));
    assert_string_equal(key.access, "A1");
    assert_ok(credentials.get(credentials.context, "s3://b/k", true, &key, &err));
    assert_string_equal(key.token, "T2");

    setenv("AWS_ACCESS_KEY_ID", "AE", 1);
    assert_ok(credentials.get(credentials.context, "s3://b/k", false, &key, &err));
    assert_string_equal(key.access, "A2");
    setenv("AWS_SECRET_ACCESS_KEY", "SE", 1);
    assert_ok(credentials.get(credentials.context, "s3://b/k", false, &key, &err));
    assert_string_equal(key.access, "AE");
    s3_keys_free(keys);

    keys = s3_keys_new("AC", "SC", "TC", NULL);
    credentials = s3_keys_credentials(keys);
    assert_ok(credentials.get(credentials.context, "s3://b/k", false, &key, &err));
    assert_string_equal(key.secret, "SC");
    assert_string_equal(key.token, "TC");
    s3_keys_free(keys);
    free(path);
    folder_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_section_is_found_with_its_keys),
        cmocka_unit_test(the_first_source_with_both_keys_serves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
