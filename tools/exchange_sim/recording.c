// SPDX-License-Identifier: Apache-2.0
#include "recording.h"

#include "core/buf.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

enum { CHUNK_BYTES = 64 * 1024, LINE_BYTES_MAX = 64 * 1024 * 1024 };

static int take_line(struct span line, recording_take *take, void *context, struct err *err)
{
    int64_t receive_ns = 0;
    size_t i = 0;

    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    while (i < line.size && line.data[i] >= '0' && line.data[i] <= '9' && i < 19)
        if (__builtin_mul_overflow(receive_ns, 10, &receive_ns) ||
            __builtin_add_overflow(receive_ns, line.data[i++] - '0', &receive_ns))
            break;
    if (i == 0 || i + 1 >= line.size || line.data[i] != ' ')
        return err_set(err, ERR_CONFIG, "expected `<receive time, ns> <frame>`");
    return take(context, receive_ns, span_of(line.data + i + 1, line.size - i - 1), err);
}

/* Takes all whole lines off the front of `text`; the number of lines so far is kept in *line. */
static int take_lines(struct buf *text, size_t *line, bool last, recording_take *take,
                      void *context, struct err *err)
{
    size_t from = 0;

    while (from < text->size) {
        const uint8_t *end = memchr(text->data + from, '\n', text->size - from);
        size_t size = end == NULL ? text->size - from : (size_t)(end - text->data) - from;

        if (end == NULL && !last)
            break;
        ++*line;
        if (take_line(span_of(text->data + from, size), take, context, err) < 0)
            return -1;
        from += size + (end != NULL);
    }
    memmove(text->data, text->data + from, text->size - from);
    text->size -= from;
    if (text->size > LINE_BYTES_MAX)
        return err_set(err, ERR_CONFIG, "a line of more than %d bytes", LINE_BYTES_MAX);
    return 0;
}

int recording_read(const char *path, recording_take *take, void *context, struct err *err)
{
    gzFile file = gzopen(path, "rb");
    struct buf text = BUF_INIT;
    size_t line = 0;
    int got = 0, status, rc = -1;

    if (file == NULL)
        return err_set(err, ERR_CONFIG, "open %s: %s", path, strerror(errno));
    do {
        got = gzread(file, buf_extend(&text, CHUNK_BYTES), CHUNK_BYTES);
        text.size -= CHUNK_BYTES - (size_t)(got < 0 ? 0 : got);
        gzerror(file, &status);
        /* at the end of a file that was cut short gzread gives 0 and says Z_BUF_ERROR */
        if (got < 0 || (status != Z_OK && status != Z_STREAM_END)) {
            err_set(err, ERR_CONFIG, "%s: cannot be read, or cut short", path);
            goto out;
        }
        if (take_lines(&text, &line, got == 0, take, context, err) < 0) {
            err_wrap(err, "%s, line %zu", path, line);
            err->kind = ERR_CONFIG; /* whatever it was of the frame's text */
            goto out;
        }
    } while (got > 0);
    rc = 0;
out:
    gzclose(file);
    buf_deinit(&text);
    return rc;
}
