// SPDX-License-Identifier: Apache-2.0
/* cmd_config_doc.c: prints docs/configuration.md; scripts/docs.sh calls it. */
#include "app/app.h"
#include "app/cmd.h"
#include "app/config_doc.h"

int cmd_config_doc(int argc, char **argv)
{
    struct buf page = BUF_INIT;
    bool is_written;

    if (argc > 1)
        return app_usage(argv[0], "unexpected argument \"%s\"", argv[1]);
    config_doc(&page);
    is_written = fwrite(page.data, 1, page.size, stdout) == page.size && fflush(stdout) == 0;
    buf_deinit(&page);
    return is_written ? APP_DONE : APP_FAILED;
}
