// SPDX-License-Identifier: Apache-2.0
/* local.c: mkdir -p with the syncs that it leaves out, and statfs. */
#include "port/local.h"
#include "core/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Not in linux/magic.h. */
#define MAGIC_CIFS   0xff534d42
#define MAGIC_LUSTRE 0x0bd00bd0
#define MAGIC_GPFS   0x47504653
#define MAGIC_GFS2   0x01161970
#define MAGIC_BEEGFS 0x19830326

static bool is_network(unsigned long magic)
{
    switch (magic & 0xffffffff) { /* f_type is signed on some machines */
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case MAGIC_CIFS:
    case NCP_SUPER_MAGIC:
    case CODA_SUPER_MAGIC:
    case AFS_SUPER_MAGIC:
    case AFS_FS_MAGIC:
    case V9FS_MAGIC:
    case CEPH_SUPER_MAGIC:
    case OCFS2_SUPER_MAGIC:
    case MAGIC_LUSTRE:
    case MAGIC_GPFS:
    case MAGIC_GFS2:
    case MAGIC_BEEGFS:
        return true;
    default:
        return false;
    }
}

int local_refuse_network(const char *path, struct err *err)
{
    struct statfs system = { 0 };

    if (statfs(path, &system) < 0)
        return err_errno(err, "file system of %s", path);
    if (is_network((unsigned long)system.f_type))
        return err_set(err, ERR_CONFIG,
                       "%s is on a network file system (type %lx); use a local disk", path,
                       (unsigned long)system.f_type);
    return 0;
}

int local_sync_folder(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = 0;

    if (fd < 0)
        return err_errno(err, "open folder %s", path);
    if (fsync(fd) < 0)
        rc = err_errno(err, "sync folder %s", path);
    close(fd);
    return rc;
}

/* Cuts `path` to the folder that it lies in; false when none is named. */
static bool cut_to_parent(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash == NULL || slash == path)
        return false;
    *slash = 0;
    return true;
}

static int sync_parent(const char *path, struct err *err)
{
    char *parent = mem_text(path);
    int rc = local_sync_folder(cut_to_parent(parent) ? parent : path[0] == '/' ? "/" : ".", err);

    free(parent);
    return rc;
}

int local_make_folder(const char *path, struct err *err)
{
    char *parent = NULL;
    int rc = 0;

    if (mkdir(path, 0750) == 0)
        return sync_parent(path, err);
    if (errno == EEXIST)
        return 0;
    parent = mem_text(path);
    if (errno != ENOENT || !cut_to_parent(parent))
        rc = err_errno(err, "make folder %s", path);
    else if (local_make_folder(parent, err) < 0)
        rc = -1;
    else if (mkdir(path, 0750) < 0 && errno != EEXIST)
        rc = err_errno(err, "make folder %s", path);
    else
        rc = sync_parent(path, err);
    free(parent);
    return rc;
}

int local_make_folder_of(const char *file, struct err *err)
{
    char *folder = mem_text(file);
    int rc = cut_to_parent(folder) ? local_make_folder(folder, err) : 0;

    free(folder);
    return rc;
}
