// SPDX-License-Identifier: Apache-2.0
/* diag.c: a line is built on the stack and leaves with one write, so that lines of several threads
 * never mix.  What comes from outside may hold line breaks: they become blanks, for one event is
 * one line.  The real clock is read here and nowhere else in core: a line's time decides nothing.
 */
#include "core/diag.h"
#include "core/micros.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 2048 };

struct line {
    char text[LINE_BYTES_MAX];
    size_t size; /* leaves room for the line break */
};

static enum diag_level level_min = DIAG_INFO;

void diag_level_min(enum diag_level level)
{
    level_min = level;
}

PRINTF_LIKE(2, 0) static void put_args(struct line *line, const char *format, va_list args)
{
    size_t room = sizeof(line->text) - 1 - line->size;
    int wanted = vsnprintf(line->text + line->size, room, format, args);

    if (wanted > 0)
        line->size += (size_t)wanted < room ? (size_t)wanted : room - 1;
}

PRINTF_LIKE(2, 3) static void put(struct line *line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_args(line, format, args);
    va_end(args);
}

static void put_head(struct line *line, enum diag_level level, const char *event)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    struct timespec now = { 0, 0 };
    char time[MICROS_TEXT_BYTES_MAX];

    clock_gettime(CLOCK_REALTIME, &now);
    micros_format((int64_t)now.tv_sec * MICROS_SECOND + now.tv_nsec / 1000, time);
    put(line, "ts=%s level=%s event=%s", time, names[level], event);
}

static void put_quoted(struct line *line, const char *text)
{
    put(line, "\"");
    for (; *text != 0 && line->size < sizeof(line->text) - 4; text++)
        put(line, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    put(line, "\"");
}

static void emit(struct line *line)
{
    const char *at = line->text;
    size_t left;

    for (size_t i = 0; i < line->size; i++)
        if ((unsigned char)line->text[i] < ' ' || line->text[i] == 0x7f)
            line->text[i] = ' ';
    line->text[line->size++] = '\n';
    for (left = line->size; left > 0;) {
        ssize_t written = write(STDERR_FILENO, at, left);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return; /* nobody to tell */
        at += written;
        left -= (size_t)written;
    }
}

PRINTF_LIKE(2, 0) static void put_body(struct line *line, const char *format, va_list args)
{
    size_t before = line->size;

    put(line, " ");
    put_args(line, format, args);
    if (line->size == before + 1)
        line->size = before; /* no keys: no blank for them */
}

void diag(enum diag_level level, const char *event, const char *format, ...)
{
    struct line line = { .size = 0 };
    va_list args;

    if (level < level_min)
        return;
    put_head(&line, level, event);
    va_start(args, format);
    put_body(&line, format, args);
    va_end(args);
    emit(&line);
}

void diag_err(enum diag_level level, const char *event, const struct err *err, const char *format,
              ...)
{
    struct line line = { .size = 0 };
    va_list args;

    if (level < level_min)
        return;
    put_head(&line, level, event);
    va_start(args, format);
    put_body(&line, format, args);
    va_end(args);
    put(&line, " kind=%s at=%s:%d error=", err_kind_name(err->kind),
        err->file != NULL ? err->file : "?", err->line);
    put_quoted(&line, err->text);
    emit(&line);
}
