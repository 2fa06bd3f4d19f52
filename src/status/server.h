// SPDX-License-Identifier: Apache-2.0
/*
 * server.h: the status port's sockets, over libmicrohttpd: one thread that answers one request at a
 * time.  At most 16 connections, 16 KiB of a request's head, 128 KiB of its body, 15 s of silence.
 * There is no access control: whoever reaches the address may register schemas.
 */
#ifndef K2_STATUS_SERVER_H
#define K2_STATUS_SERVER_H

#include "status/status.h"

enum { SERVER_BODY_BYTES_MAX = 128 * 1024 };
enum { SERVER_OFF = 1, SERVER_TAKEN = 2 };

/* Opens what `address` names: "host:port", "[::1]:8080"; port 0: a free one.  SERVER_OFF: "off".
 * SERVER_TAKEN: another program listens there.  CONFIG: no address of this machine. */
CHECK_RESULT int server_listen(const char *address, int *fd, struct err *err);

struct server;

/* Takes the descriptor over, also when it fails; copies *status. */
CHECK_RESULT int server_start(int fd, const struct status *status, struct server **out,
                              struct err *err);
/* "127.0.0.1:8080" */
const char *server_address(const struct server *server);
/* Waits for the request that is being answered.  NULL: nothing. */
void server_stop(struct server *server);

#endif
