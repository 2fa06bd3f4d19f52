// SPDX-License-Identifier: Apache-2.0
/* s3_credentials.c: see s3_credentials.h. */
#include "port/s3_credentials.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_BYTES_MAX = 1 << 20 };

struct s3_keys {
    char *access, *secret, *token, *file; /* as configured; NULL: none */
    struct s3_section section;            /* of the file, as read last */
    bool is_read;
};

static char *text_or_null(const char *text)
{
    return text == NULL || *text == '\0' ? NULL : mem_text(text);
}

static void section_deinit(struct s3_section *section)
{
    buf_deinit(&section->access);
    buf_deinit(&section->secret);
    buf_deinit(&section->token);
}

struct s3_keys *s3_keys_new(const char *access, const char *secret, const char *token,
                            const char *file)
{
    struct s3_keys *keys = mem_zero(1, sizeof(*keys));

    keys->access = text_or_null(access);
    keys->secret = text_or_null(secret);
    keys->token = text_or_null(token);
    keys->file = text_or_null(file);
    return keys;
}

void s3_keys_free(struct s3_keys *keys)
{
    if (keys == NULL)
        return;
    free(keys->access);
    free(keys->secret);
    free(keys->token);
    free(keys->file);
    section_deinit(&keys->section);
    free(keys);
}

static void take_line(struct span line, struct s3_section *out)
{
    const uint8_t *equals = line.size > 0 ? memchr(line.data, '=', line.size) : NULL;
    struct span name, value;
    struct buf *to = NULL;

    if (equals == NULL)
        return;
    name = span_trim(span_of(line.data, (size_t)(equals - line.data)));
    value = span_trim(span_of(equals + 1, line.size - (size_t)(equals - line.data) - 1));
    if (span_equal(name, SPAN("aws_access_key_id")))
        to = &out->access;
    else if (span_equal(name, SPAN("aws_secret_access_key")))
        to = &out->secret;
    else if (span_equal(name, SPAN("aws_session_token")))
        to = &out->token;
    if (to == NULL)
        return;
    buf_clear(to);
    buf_put_span(to, value);
}

bool s3_credentials_parse(struct span text, const char *section, struct s3_section *out)
{
    bool is_ours = false;

    buf_clear(&out->access);
    buf_clear(&out->secret);
    buf_clear(&out->token);
    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end == NULL ? text.size : (size_t)(end - text.data);
        struct span line = span_trim(span_of(text.data, size));

        text.data += size + (end != NULL);
        text.size -= size + (end != NULL);
        if (line.size > 1 && line.data[0] == '[' && line.data[line.size - 1] == ']')
            is_ours =
                span_equal(span_trim(span_of(line.data + 1, line.size - 2)), span_text(section));
        else if (is_ours && line.size > 0 && line.data[0] != '#' && line.data[0] != ';')
            take_line(line, out);
    }
    return out->access.size > 0 && out->secret.size > 0;
}

static int read_file(const char *path, struct buf *out, struct err *err)
{
    FILE *file = fopen(path, "re");
    size_t size;

    if (file == NULL)
        return err_errno(err, "%s", path);
    buf_clear(out);
    size = fread(buf_extend(out, FILE_BYTES_MAX), 1, FILE_BYTES_MAX, file);
    out->size = size;
    if (ferror(file)) {
        err_errno(err, "%s", path);
        fclose(file);
        return -1;
    }
    fclose(file);
    return 0;
}

static void default_path(struct buf *path)
{
    const char *named = getenv("AWS_SHARED_CREDENTIALS_FILE"), *home = getenv("HOME");

    if (named != NULL && *named != '\0')
        buf_put_text(path, named);
    else if (home != NULL)
        buf_printf(path, "%s/.aws/credentials", home);
}

static int read_section(struct s3_keys *keys, struct err *err)
{
    const char *profile = getenv("AWS_PROFILE");
    const char *section = profile != NULL && *profile != '\0' ? profile : "default";
    struct buf path = BUF_INIT, text = BUF_INIT;
    int rc = 0;

    if (keys->file != NULL)
        buf_put_text(&path, keys->file);
    else
        default_path(&path);
    if (path.size == 0 || read_file(buf_text(&path), &text, err) < 0)
        rc = err_set(err, ERR_CONFIG,
                     "no credentials for the store: set store.access_key and store.secret_key, or "
                     "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or make %s",
                     path.size > 0 ? buf_text(&path) : "~/.aws/credentials");
    else if (!s3_credentials_parse(buf_span(&text), section, &keys->section))
        rc = err_set(err, ERR_CONFIG,
                     "%s: section [%s] with aws_access_key_id and aws_secret_access_key is missing",
                     buf_text(&path), section);
    if (text.size > 0)
        explicit_bzero(text.data, text.size);
    buf_deinit(&text);
    buf_deinit(&path);
    keys->is_read = rc == 0;
    return rc;
}

static int get(void *context, const char *uri, bool is_refused, struct s3_key *key, struct err *err)
{
    struct s3_keys *keys = context;
    const char *access = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");

    (void)uri; /* one pair of keys for all */
    if (keys->access != NULL && keys->secret != NULL) {
        *key = (struct s3_key){ keys->access, keys->secret, keys->token };
        return 0;
    }
    if (keys->file == NULL && access != NULL && secret != NULL && *access != '\0' &&
        *secret != '\0') {
        const char *token = getenv("AWS_SESSION_TOKEN");

        *key = (struct s3_key){ access, secret, token != NULL && *token != '\0' ? token : NULL };
        return 0;
    }
    if ((!keys->is_read || is_refused) && read_section(keys, err) < 0)
        return -1;
    *key = (struct s3_key){ buf_text(&keys->section.access), buf_text(&keys->section.secret),
                            keys->section.token.size > 0 ? buf_text(&keys->section.token) : NULL };
    return 0;
}

struct s3_credentials s3_keys_credentials(struct s3_keys *keys)
{
    return (struct s3_credentials){ get, keys };
}
