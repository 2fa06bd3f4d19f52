// SPDX-License-Identifier: Apache-2.0
/* server.h: sockets and the one loop. */
#ifndef K2_EXCHANGE_SIM_SERVER_H
#define K2_EXCHANGE_SIM_SERVER_H

#include "options.h"

/* Serves until SIGTERM, SIGINT or, with --stop-when-done, the end: 0. */
CHECK_RESULT int server_run(const struct options *options, struct err *err);

#endif
