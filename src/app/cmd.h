// SPDX-License-Identifier: Apache-2.0
/* cmd.h: the commands.  argv[0] is the command's name; the result is the exit code of app.h. */
#ifndef K2_APP_CMD_H
#define K2_APP_CMD_H

int cmd_run(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_tables(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_positions(int argc, char **argv);
int cmd_maintain(int argc, char **argv);
int cmd_config_doc(int argc, char **argv);

#endif
