// SPDX-License-Identifier: Apache-2.0
/* k2-exchange-sim: an exchange on this machine, made of recordings (docs: --help). */
#include "options.h"
#include "server.h"

int main(int argc, char **argv)
{
    struct options options;
    struct err err = { 0 };
    int rc = options_parse(argc, argv, &options, &err);

    if (rc == OPTIONS_HELP) {
        options_help(stdout);
        return 0;
    }
    if (rc == 0)
        rc = server_run(&options, &err);
    if (rc == 0)
        return 0;
    fprintf(stderr, "k2-exchange-sim: %s\n", err.text);
    return err.kind == ERR_CONFIG ? 2 : 1;
}
