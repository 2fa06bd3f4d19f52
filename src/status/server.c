// SPDX-License-Identifier: Apache-2.0
/* server.c: the socket is opened here and not by libmicrohttpd, which says no reasons. */
#include "status/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 16, HEAD_BYTES_MAX = 16 * 1024, SILENCE_S = 15, PORT_MAX = 65535 };

struct server {
    struct MHD_Daemon *daemon;
    struct status status;
    char address[NI_MAXHOST + NI_MAXSERV + 4];
};

/* One request while it comes in. */
struct upload {
    struct buf body;
    bool is_large;
};

/* -- address */

/* Cuts "host:port" or "[host]:port" in place; false: it is neither. */
static bool cut(char *text, const char **host, const char **port)
{
    char *colon = strrchr(text, ':');
    size_t size;

    if (colon == NULL || colon[1] == '\0' || strlen(colon + 1) > 5 ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strtol(colon + 1, NULL, 10) > PORT_MAX)
        return false;
    *colon = '\0';
    *port = colon + 1;
    *host = text;
    size = strlen(text);
    if (text[0] == '[' && size > 2 && text[size - 1] == ']') {
        text[size - 1] = '\0';
        *host = text + 1;
        return true;
    }
    return size > 0 && strchr(text, ':') == NULL;
}

static int open_socket(const struct addrinfo *info, int *fd, struct err *err)
{
    int on = 1, rc;
    int made = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (made < 0)
        return err_errno(err, "socket");
    setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(made, info->ai_addr, info->ai_addrlen) == 0 && listen(made, CONNECTIONS_MAX) == 0) {
        *fd = made;
        return 0;
    }
    rc = errno == EADDRINUSE ? SERVER_TAKEN : err_errno(err, "bind");
    close(made);
    return rc;
}

int server_listen(const char *address, int *fd, struct err *err)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *info = NULL;
    const char *host, *port;
    char *text;
    int rc;

    if (strcmp(address, "off") == 0)
        return SERVER_OFF;
    text = mem_text(address);
    if (!cut(text, &host, &port)) {
        rc = err_set(err, ERR_CONFIG, "expected host:port, such as 127.0.0.1:8080, or off");
    } else {
        rc = getaddrinfo(host, port, &hints, &info);
        rc =
            rc != 0 ? err_set(err, ERR_CONFIG, "%s", gai_strerror(rc)) : open_socket(info, fd, err);
    }
    if (info != NULL)
        freeaddrinfo(info);
    free(text);
    if (rc < 0)
        err->kind = ERR_CONFIG;
    return rc < 0 ? err_wrap(err, "http.listen %s", address) : rc;
}

static void name_address(int fd, char *out, size_t size)
{
    struct sockaddr_storage address = { 0 };
    socklen_t length = sizeof(address);
    char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";

    if (getsockname(fd, (struct sockaddr *)&address, &length) == 0)
        (void)getnameinfo((struct sockaddr *)&address, length, host, sizeof(host), port,
                          sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(out, size, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* -- requests */

static enum MHD_Result send_answer(struct MHD_Connection *connection,
                                   const struct status_answer *answer)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer->body.size, answer->body.data, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result rc = MHD_NO;

    if (response == NULL)
        return MHD_NO;
    if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type) == MHD_YES)
        rc = MHD_queue_response(connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return rc;
}

/* Called with the head, then with each piece of the body, then at its end. */
static enum MHD_Result take(void *context, struct MHD_Connection *connection, const char *url,
                            const char *method, const char *version, const char *piece,
                            size_t *piece_size, void **state)
{
    const struct server *server = context;
    struct upload *upload = *state;
    struct status_request request = { .method = method, .path = url };
    struct status_answer answer = { .status = 413, .type = "text/plain" };
    enum MHD_Result rc;

    (void)version;
    if (upload == NULL) {
        *state = mem_zero(1, sizeof(*upload));
        return MHD_YES;
    }
    if (*piece_size > 0) {
        upload->is_large |= *piece_size > SERVER_BODY_BYTES_MAX - upload->body.size;
        if (!upload->is_large)
            buf_put(&upload->body, piece, *piece_size);
        *piece_size = 0;
        return MHD_YES;
    }
    request.body = buf_span(&upload->body);
    if (upload->is_large)
        buf_printf(&answer.body, "More than %d bytes.\n", SERVER_BODY_BYTES_MAX);
    else
        status_answer(&server->status, &request, &answer);
    rc = send_answer(connection, &answer);
    buf_deinit(&answer.body);
    return rc;
}

static void forget(void *context, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode code)
{
    struct upload *upload = *state;

    (void)context;
    (void)connection;
    (void)code;
    if (upload != NULL)
        buf_deinit(&upload->body);
    free(upload);
    *state = NULL;
}

/* Escapes are resolved behind the cut at slashes: a subject may hold one. */
static size_t leave_escapes(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

/* -- the server */

int server_start(int fd, const struct status *status, struct server **out, struct err *err)
{
    struct server *server = mem_zero(1, sizeof(*server));

    server->status = *status;
    name_address(fd, server->address, sizeof(server->address));
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, take, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)SILENCE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_BYTES_MAX,
        MHD_OPTION_NOTIFY_COMPLETED, forget, NULL, MHD_OPTION_UNESCAPE_CALLBACK, leave_escapes,
        NULL, MHD_OPTION_END);
    if (server->daemon == NULL) {
        free(server);
        return err_set(err, ERR_FATAL, "the status port's thread does not start");
    }
    *out = server;
    return 0;
}

const char *server_address(const struct server *server)
{
    return server->address;
}

void server_stop(struct server *server)
{
    if (server == NULL)
        return;
    MHD_stop_daemon(server->daemon);
    free(server);
}
