// SPDX-License-Identifier: Apache-2.0
/* feed_url.c: see feed_url.h.  User names are refused: no exchange wants one, and URLs are shown in
 * diagnostics. */
#include "port/feed_url.h"

#include <string.h>

/* Splits "host", "host:port", "[v6]:port"; false when it is none of these. */
static bool parse_authority(struct feed_url *url, const char *at, size_t size)
{
    const char *end = at + size, *host = at, *host_end = memchr(at, ':', size);
    long port = url->tls ? 443 : 80;

    if (size > 0 && at[0] == '[') {
        host = at + 1;
        host_end = memchr(host, ']', size - 1);
        if (host_end == NULL)
            return false;
        at = host_end + 1;
    } else {
        at = host_end = host_end == NULL ? end : host_end;
    }
    if (at < end) {
        char *port_end;

        if (*at != ':' || at + 1 == end || at[1] < '0' || at[1] > '9')
            return false;
        port = strtol(at + 1, &port_end, 10);
        if (port_end != end || port < 1 || port > 65535)
            return false;
    }
    if (host == host_end || (size_t)(host_end - host) >= sizeof(url->host))
        return false;
    memcpy(url->host, host, (size_t)(host_end - host));
    url->host[host_end - host] = '\0';
    url->port = (int)port;
    return true;
}

int feed_url_parse(struct feed_url *url, const char *text, struct err *err)
{
    const char *at = text;
    size_t size;

    *url = (struct feed_url){ 0 };
    url->tls = strncmp(text, "wss://", 6) == 0;
    if (!url->tls && strncmp(text, "ws://", 5) != 0)
        return err_set(err, ERR_CONFIG, "%.200s: expected ws://… or wss://…", text);
    at += url->tls ? 6 : 5;
    size = strcspn(at, "/?#");
    if (strlen(text) >= sizeof(url->text) || memchr(at, '@', size) != NULL ||
        strchr(text, '#') != NULL || !parse_authority(url, at, size))
        return err_set(err, ERR_CONFIG, "%.200s: expected %s://host[:port][/path]", text,
                       url->tls ? "wss" : "ws");
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ')
            return err_set(err, ERR_CONFIG, "%.200s: a blank in a URL", text);
    memcpy(url->text, text, strlen(text));
    snprintf(url->path, sizeof(url->path), "%s%s", at[size] == '/' ? "" : "/", at + size);
    snprintf(url->authority, sizeof(url->authority), "%.*s", (int)size, at);
    return 0;
}
