// SPDX-License-Identifier: Apache-2.0
/*
 * store_local.c: objects as files; one is there whole or not at all, through kill -9 and power-off.
 *
 * The bytes go into a file without a name and are synced before link gives it one; link, unlike
 * rename, never replaces.  File systems without O_TMPFILE get a temporary name instead, which a
 * crash may leave behind and no listing shows.  Nothing but the root is kept, so any thread may
 * call.  Paths are used as they are: percent signs mean themselves.
 */
#include "port/store.h"
#include "port/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_PREFIX ".k2-new-"

enum { FILE_MODE = 0640, DEPTH_MAX = 64 };

struct store_local {
    struct store base;
    char *root;
};

/* The path that a URI names: file:///p, file:/p, or /p itself; NULL for another scheme or host. */
static const char *path_of(const char *uri)
{
    if (strncmp(uri, "file:", 5) == 0)
        uri += strncmp(uri, "file:///", 8) == 0 ? 7 : 5;
    return uri[0] == '/' && uri[1] != '/' ? uri : NULL;
}

static int need_path(const char *uri, const char **path, struct err *err)
{
    *path = path_of(uri);
    return *path == NULL ? err_set(err, ERR_CONFIG, "%s: not the URI of a local file", uri) : 0;
}

static bool is_missing(int number)
{
    return number == ENOENT || number == ENOTDIR;
}

/* A path below the root, with a name at its end and no way back up. */
static bool is_under_root(const struct store_local *local, const char *path)
{
    const char *root = path_of(local->root);
    size_t size = strlen(root);

    return strncmp(path, root, size) == 0 && path[size] == '/' &&
           strstr(path + size, "/../") == NULL && path[strlen(path) - 1] != '/';
}

/* A file being written: nameless, or with a temporary name. */
struct draft {
    int folder;
    int fd;
    char name[40]; /* "" when nameless */
};

static int open_folder(const char *path, const char *name, int *folder, struct err *err)
{
    char *text = mem_text(path);
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    int rc = 0;

    text[name - path] = 0; /* the slash at the end stays: the folder may be "/" */
    *folder = open(text, flags);
    if (*folder < 0 && errno == ENOENT) {
        if (name - path > 1)
            text[name - path - 1] = 0;
        rc = local_make_folder(text, err);
        if (rc == 0)
            *folder = open(text, flags);
    }
    if (rc == 0 && *folder < 0)
        rc = err_errno(err, "open folder %s", text);
    free(text);
    return rc;
}

static int open_draft(struct draft *draft, const char *path, struct err *err)
{
    uint64_t number = 0;

    draft->fd = openat(draft->folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, FILE_MODE);
    if (draft->fd >= 0)
        return 0;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
        return err_errno(err, "create %s", path);
    if (getrandom(&number, sizeof(number), 0) < 0)
        return err_errno(err, "create %s", path);
    snprintf(draft->name, sizeof(draft->name), TEMPORARY_PREFIX "%016" PRIx64, number);
    draft->fd =
        openat(draft->folder, draft->name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, FILE_MODE);
    if (draft->fd < 0) {
        draft->name[0] = 0;
        return err_errno(err, "create %s", path);
    }
    return 0;
}

static int write_all(int fd, struct span bytes, const char *path, struct err *err)
{
    while (bytes.size > 0) {
        ssize_t size = write(fd, bytes.data, bytes.size);

        if (size < 0 && errno != EINTR)
            return err_errno(err, "write %s", path);
        if (size > 0)
            bytes = span_of(bytes.data + size, bytes.size - (size_t)size);
    }
    return 0;
}

/* 0, STORE_EXISTS, -1.  In both good cases the name is durable: whoever finds an object taken may
 * be looking at the work of a process that died before its last sync. */
static int publish(const struct draft *draft, const char *name, const char *path, struct err *err)
{
    char nameless[32];
    int rc = 0;

    snprintf(nameless, sizeof(nameless), "/proc/self/fd/%d", draft->fd);
    if (draft->name[0] == 0)
        rc = linkat(AT_FDCWD, nameless, draft->folder, name, AT_SYMLINK_FOLLOW);
    else
        rc = linkat(draft->folder, draft->name, draft->folder, name, 0);
    if (rc < 0 && errno != EEXIST)
        return err_errno(err, "publish %s", path);
    rc = rc < 0 ? STORE_EXISTS : 0;
    return fsync(draft->folder) < 0 ? err_errno(err, "sync the folder of %s", path) : rc;
}

static int local_put_new(struct store *store, const char *uri, const struct span *parts,
                         size_t count, struct err *err)
{
    struct draft draft = { -1, -1, "" };
    const char *path, *name;
    int rc = -1;

    if (need_path(uri, &path, err) < 0)
        return -1;
    if (!is_under_root((struct store_local *)store, path))
        return err_set(err, ERR_CONFIG, "put %s: not under %s", uri, store->root);
    name = strrchr(path, '/') + 1;
    if (open_folder(path, name, &draft.folder, err) < 0 || open_draft(&draft, path, err) < 0)
        goto out;
    for (size_t i = 0; i < count; i++)
        if (write_all(draft.fd, parts[i], path, err) < 0)
            goto out;
    if (fsync(draft.fd) < 0) {
        err_errno(err, "sync %s", path);
        goto out;
    }
    rc = publish(&draft, name, path, err);
out:
    if (draft.name[0] != 0)
        unlinkat(draft.folder, draft.name, 0);
    if (draft.fd >= 0)
        close(draft.fd);
    if (draft.folder >= 0)
        close(draft.folder);
    return rc;
}

/* *fd of a regular file and its size; STORE_ABSENT. */
static int open_object(const char *uri, int *fd, uint64_t *size, struct err *err)
{
    struct stat status = { 0 };
    const char *path;

    *fd = -1;
    if (need_path(uri, &path, err) < 0)
        return -1;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return is_missing(errno) ? STORE_ABSENT : err_errno(err, "open %s", uri);
    if (fstat(*fd, &status) < 0)
        return err_errno(err, "status of %s", uri);
    *size = (uint64_t)status.st_size;
    return S_ISREG(status.st_mode) ? 0 : STORE_ABSENT;
}

static int local_size(struct store *store, const char *uri, uint64_t *size, struct err *err)
{
    uint64_t found = 0;
    int fd;
    int rc = open_object(uri, &fd, &found, err);

    (void)store;
    if (rc == 0)
        *size = found;
    if (fd >= 0)
        close(fd);
    return rc;
}

static int read_all(int fd, uint8_t *to, uint64_t offset, size_t size, const char *uri,
                    struct err *err)
{
    while (size > 0) {
        ssize_t got = pread(fd, to, size, (off_t)offset);

        if (got < 0 && errno != EINTR)
            return err_errno(err, "read %s", uri);
        if (got == 0)
            return err_set(err, ERR_CORRUPT, "read %s: it became shorter", uri);
        if (got > 0) {
            to += got;
            offset += (uint64_t)got;
            size -= (size_t)got;
        }
    }
    return 0;
}

static int local_get(struct store *store, const char *uri, uint64_t offset, size_t size,
                     struct buf *out, struct err *err)
{
    const size_t before = out->size;
    uint64_t end = 0;
    int fd;
    int rc = open_object(uri, &fd, &end, err);

    (void)store;
    if (rc == 0 && (offset > end || size > end - offset))
        rc = err_set(err, ERR_CORRUPT, "get %s: ends at %" PRIu64 ", before %" PRIu64 " + %zu", uri,
                     end, offset, size);
    if (rc == 0 && size > 0)
        rc = read_all(fd, buf_extend(out, size), offset, size, uri, err);
    if (rc < 0)
        out->size = before;
    if (fd >= 0)
        close(fd);
    return rc;
}

static int local_remove(struct store *store, const char *uri, struct err *err)
{
    const char *path;

    (void)store;
    if (need_path(uri, &path, err) < 0)
        return -1;
    if (unlink(path) < 0 && !is_missing(errno))
        return err_errno(err, "remove %s", uri);
    return 0;
}

struct walk {
    const struct store_visitor *visitor;
    struct buf uri;   /* of the folder, with a slash at the end, while it is walked */
    const char *only; /* names in the first folder must begin so */
    int depth;
};

static int walk_folder(struct walk *walk, struct err *err);

static int walk_entry(struct walk *walk, int folder, const char *name, struct err *err)
{
    const size_t before = walk->uri.size;
    struct stat status;
    int rc = 0;

    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : err_errno(err, "status of %s%s", buf_text(&walk->uri), name);
    buf_put_text(&walk->uri, name);
    if (S_ISDIR(status.st_mode)) {
        buf_put_byte(&walk->uri, '/');
        rc = walk_folder(walk, err);
    } else if (S_ISREG(status.st_mode)) {
        rc = walk->visitor->visit(
            walk->visitor->context, buf_text(&walk->uri), (uint64_t)status.st_size,
            (int64_t)status.st_mtim.tv_sec * 1000000 + status.st_mtim.tv_nsec / 1000, err);
    }
    walk->uri.size = before;
    return rc;
}

static bool is_listed(const char *name, const char *only)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           strncmp(name, only, strlen(only)) == 0 &&
           strncmp(name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) != 0;
}

static int walk_folder(struct walk *walk, struct err *err)
{
    const char *only = walk->only;
    DIR *folder = opendir(path_of(buf_text(&walk->uri)));
    struct dirent *entry;
    int rc = 0;

    if (folder == NULL)
        return is_missing(errno) ? 0 : err_errno(err, "list %s", buf_text(&walk->uri));
    walk->only = "";
    if (++walk->depth > DEPTH_MAX)
        rc = err_set(err, ERR_CONFIG, "list %s: more than %d folders deep", buf_text(&walk->uri),
                     DEPTH_MAX);
    while (rc == 0 && (errno = 0, entry = readdir(folder)) != NULL)
        if (is_listed(entry->d_name, only))
            rc = walk_entry(walk, dirfd(folder), entry->d_name, err);
    if (rc == 0 && errno != 0)
        rc = err_errno(err, "list %s", buf_text(&walk->uri));
    walk->depth--;
    closedir(folder);
    return rc;
}

static int local_list(struct store *store, const char *prefix, const struct store_visitor *visitor,
                      struct err *err)
{
    struct walk walk = { visitor, BUF_INIT, "", 0 };
    const char *path;
    int rc;

    (void)store;
    if (need_path(prefix, &path, err) < 0)
        return -1;
    walk.only = strrchr(path, '/') + 1;
    buf_put_text(&walk.uri, "file://");
    buf_put(&walk.uri, path, (size_t)(walk.only - path));
    rc = walk_folder(&walk, err);
    buf_deinit(&walk.uri);
    return rc;
}

static void local_close(struct store *store)
{
    struct store_local *local = (struct store_local *)store;

    free(local->root);
    free(local);
}

int store_local_open(const char *folder, struct store **out, struct err *err)
{
    static const struct store_ops ops = { local_put_new, local_size, local_get,
                                          local_remove,  local_list, local_close };
    struct store_local *local;
    struct buf root = BUF_INIT;
    char *absolute;

    if (local_make_folder(folder, err) < 0 || local_refuse_network(folder, err) < 0)
        return -1;
    absolute = realpath(folder, NULL);
    if (absolute == NULL)
        return err_errno(err, "open %s", folder);
    buf_printf(&root, "file://%s", absolute);
    free(absolute);
    local = mem_zero(1, sizeof(*local));
    local->root = mem_text(buf_text(&root));
    local->base = (struct store){ &ops, local->root };
    buf_deinit(&root);
    *out = &local->base;
    return 0;
}
