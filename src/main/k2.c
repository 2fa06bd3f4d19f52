// SPDX-License-Identifier: Apache-2.0
/* k2.c: the program; all of it is in src/app, so that tests can link it. */
#include "app/app.h"

int main(int argc, char **argv)
{
    return app_main(argc, argv);
}
