// SPDX-License-Identifier: Apache-2.0
/* feed_url.h: ws:// and wss:// URLs, taken apart (RFC 6455, section 3). */
#ifndef K2_PORT_FEED_URL_H
#define K2_PORT_FEED_URL_H

#include "core/err.h"

struct feed_url {
    char text[1024];     /* the whole URL */
    char host[256];      /* without the brackets of an IPv6 address */
    char authority[264]; /* for the Host header: the port only if it is not the scheme's */
    char path[1024];     /* with its query, "/" at least */
    int port;
    bool tls;
};

/* CONFIG: not such a URL, or longer than the fields. */
CHECK_RESULT int feed_url_parse(struct feed_url *url, const char *text, struct err *err);

#endif
