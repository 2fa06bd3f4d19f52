// SPDX-License-Identifier: Apache-2.0
/* local.h: what the adapters on local disks share: folders that survive power-off, and the refusal
 * of network file systems, whose locks, links and syncs do not keep the promises made here. */
#ifndef K2_PORT_LOCAL_H
#define K2_PORT_LOCAL_H

#include "core/err.h"

/* Makes the folder and those above it that are missing, mode 0750, each durably. */
CHECK_RESULT int local_make_folder(const char *path, struct err *err);
/* The same for the folder that `file` lies in. */
CHECK_RESULT int local_make_folder_of(const char *file, struct err *err);
/* fsync of a folder: the names in it are durable then. */
CHECK_RESULT int local_sync_folder(const char *path, struct err *err);
/* CONFIG when `path`, which exists, lies on NFS, SMB, 9p or a cluster file system.  FUSE passes: it
 * is as often a virtual machine's own disk. */
CHECK_RESULT int local_refuse_network(const char *path, struct err *err);

#endif
