// SPDX-License-Identifier: Apache-2.0
/*
 * err.h: what went wrong, and what to do about it.
 *
 * The convention of the whole program: a function that can fail returns int and takes a
 * `struct err *` last.
 *    0   done
 *   -1   failed: *err is filled, forward it (err_wrap puts context in front)
 *   >0   a condition that the function's header names; *err is untouched; never forwarded
 * An error is reported once, where it is decided on, never where it arises.  The kind is a policy,
 * not a place.
 */
#ifndef K2_CORE_ERR_H
#define K2_CORE_ERR_H

#include "core/base.h"

enum err_kind {
    ERR_NONE = 0,
    ERR_RETRY,   /* an outage: wait, try again */
    ERR_FULL,    /* no room (disk, queue, quota): pause the source */
    ERR_REJECT,  /* this record, and only it, is bad */
    ERR_CORRUPT, /* bytes at rest are not what their format says */
    ERR_CONFIG,  /* the user must change a setting; names file, line and what was expected */
    ERR_REFUSED, /* a rule of exactly-once forbids to go on; an operator must decide */
    ERR_FATAL,   /* our own mistake, or the machine's */
};

struct err {
    enum err_kind kind;
    int line; /* where it arose, for diagnostics */
    const char *file;
    char text[512]; /* "commit silver: put v12.json: No space left on device" */
};

/* Fills *err; always -1, so that `return err_set(...)` reads well. */
#define err_set(err, kind, ...) err_set_at(err, kind, __FILE__, __LINE__, __VA_ARGS__)
int err_set_at(struct err *err, enum err_kind kind, const char *file, int line, const char *format,
               ...) PRINTF_LIKE(5, 6);

/* The same from errno: ENOSPC and EDQUOT are FULL; EINTR, EAGAIN, EIO, ETIMEDOUT and the network's
 * are RETRY; the others FATAL.  The text ends in ": " and the system's word. */
#define err_errno(err, ...) err_errno_at(err, __FILE__, __LINE__, __VA_ARGS__)
int err_errno_at(struct err *err, const char *file, int line, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Puts "context: " in front of a filled err; always -1. */
int err_wrap(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* "retry", "full", … for diagnostics. */
const char *err_kind_name(enum err_kind kind);

#endif
