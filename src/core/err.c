// SPDX-License-Identifier: Apache-2.0
/* err.c: the error on the caller's stack.  No allocation, no global, no thread-local: an error
 * that is made because memory or disk is gone must not need either. */
#include "core/err.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

int err_set_at(struct err *err, enum err_kind kind, const char *file, int line, const char *format,
               ...)
{
    va_list args;

    err->kind = kind;
    err->file = file;
    err->line = line;
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return -1;
}

static enum err_kind kind_of_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case EINTR:
    case EAGAIN:
    case EIO:
    case ETIMEDOUT:
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
        return ERR_RETRY;
    default:
        return ERR_FATAL;
    }
}

int err_errno_at(struct err *err, const char *file, int line, const char *format, ...)
{
    int number = errno;
    va_list args;
    size_t used;

    err->kind = kind_of_errno(number);
    err->file = file;
    err->line = line;
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(number));
    return -1;
}

int err_wrap(struct err *err, const char *format, ...)
{
    char inner[sizeof(err->text)];
    va_list args;
    size_t used;

    memcpy(inner, err->text, sizeof(inner));
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %s", inner);
    return -1;
}

const char *err_kind_name(enum err_kind kind)
{
    static const char *const names[] = { "none",    "retry",  "full",    "reject",
                                         "corrupt", "config", "refused", "fatal" };

    return names[kind];
}
