// SPDX-License-Identifier: Apache-2.0
/* ingest_list.c: see ingest_list.h.  The pairs are asked for by name; an exchange that refuses the
 * whole question for one unknown name is asked for its whole list, so that we can say which. */
#include "stage/ingest_list.h"

#include "core/num.h"

enum { TIMEOUT_MS = 10000, BODY_BYTES_MAX = 64 << 20, NAMES_MAX = 100, BAD_REQUEST = 400 };

/* 0, BAD_REQUEST or -1. */
static int ask(const struct ingest_config *config, struct http *http, bool all,
               struct instruments *out, struct err *err)
{
    const struct exchange_kind *kind = config->kind;
    struct buf url = BUF_INIT, body = BUF_INIT;
    int status = 0, rc = -1;

    kind->list_url(config->rest_url, config->symbols, config->symbol_count, all, &url);
    if (http_get(http, buf_text(&url), TIMEOUT_MS, BODY_BYTES_MAX, &status, &body, err) < 0)
        goto out;
    if (status == BAD_REQUEST && !all) {
        rc = BAD_REQUEST;
        goto out;
    }
    if (status != 200) {
        err_set(err, ERR_RETRY, "GET %.200s: HTTP %d: %.*s", buf_text(&url), status,
                (int)size_min(body.size, 100), (const char *)body.data);
        goto out;
    }
    rc = kind->list_parse(buf_span(&body), config->symbols, config->symbol_count, out, err);
    if (rc < 0)
        err_wrap(err, "GET %.200s", buf_text(&url));
out:
    buf_deinit(&url);
    buf_deinit(&body);
    return rc;
}

int ingest_list_fetch(const struct ingest_config *config, struct http *http,
                      struct instruments *out, struct err *err)
{
    int rc = ask(config, http, config->symbol_count > NAMES_MAX, out, err);

    if (rc == BAD_REQUEST)
        rc = ask(config, http, true, out, err);
    if (rc != 0)
        return -1;
    return instruments_check(out, config->kind->name, config->symbols, config->symbol_count,
                             config->scale, err);
}

int ingest_check(const struct ingest_config *config, struct http *http, struct err *err)
{
    struct instruments instruments = INSTRUMENTS_INIT;
    int rc = ingest_list_fetch(config, http, &instruments, err);

    instruments_deinit(&instruments);
    return rc;
}
