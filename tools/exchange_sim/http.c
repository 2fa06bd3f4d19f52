// SPDX-License-Identifier: Apache-2.0
#include "http.h"

#include <strings.h>

static struct span span_until(struct span text, uint8_t byte, struct span *rest)
{
    const uint8_t *found = text.size == 0 ? NULL : memchr(text.data, byte, text.size);
    size_t size = found == NULL ? text.size : (size_t)(found - text.data);

    *rest = found == NULL ? span_of(text.data + text.size, 0)
                          : span_of(found + 1, text.size - size - 1);
    return span_of(text.data, size);
}

static struct span trim(struct span text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text.data++, text.size--;
    while (text.size > 0 && strchr(" \t\r", text.data[text.size - 1]) != NULL)
        text.size--;
    return text;
}

static bool same_name(struct span a, const char *b)
{
    return a.size == strlen(b) && strncasecmp((const char *)a.data, b, a.size) == 0;
}

int http_parse(struct span bytes, struct http_request *request)
{
    const uint8_t *end = memmem(bytes.data, bytes.size, "\r\n\r\n", 4);
    struct span head, line, target, version;

    if (end == NULL)
        return bytes.size < HTTP_HEAD_BYTES_MAX ? HTTP_MORE : -1;
    request->size = (size_t)(end - bytes.data) + 4;
    head = span_of(bytes.data, request->size - 2);
    line = span_until(head, '\n', &request->headers);
    request->method = span_until(line, ' ', &target);
    target = span_until(target, ' ', &version);
    request->path = span_until(target, '?', &request->query);
    if (request->size > HTTP_HEAD_BYTES_MAX || request->path.size == 0 ||
        request->path.data[0] != '/' || !span_equal(trim(version), SPAN("HTTP/1.1")))
        return -1;
    return 0;
}

bool http_header(const struct http_request *request, const char *name, struct span *value)
{
    struct span rest = request->headers;

    while (rest.size > 0) {
        struct span line = span_until(rest, '\n', &rest);
        struct span key = span_until(line, ':', value);

        if (same_name(key, name)) {
            *value = trim(*value);
            return true;
        }
    }
    return false;
}

bool http_header_has(const struct http_request *request, const char *name, const char *token)
{
    struct span value = { NULL, 0 };

    if (!http_header(request, name, &value))
        return false;
    while (value.size > 0)
        if (same_name(trim(span_until(value, ',', &value)), token))
            return true;
    return false;
}

static int hex(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

void http_percent_decode(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.size; i++) {
        int high = text.size - i > 2 ? hex(text.data[i + 1]) : -1;
        int low = text.size - i > 2 ? hex(text.data[i + 2]) : -1;

        if (text.data[i] == '%' && high >= 0 && low >= 0) {
            buf_put_byte(out, (uint8_t)(high << 4 | low));
            i += 2;
        } else {
            buf_put_byte(out, text.data[i]);
        }
    }
}

bool http_query(const struct http_request *request, const char *name, struct buf *value)
{
    struct span rest = request->query;

    while (rest.size > 0) {
        struct span text, pair = span_until(rest, '&', &rest);
        struct span key = span_until(pair, '=', &text);

        if (span_equal(key, span_text(name))) {
            http_percent_decode(text, value);
            return true;
        }
    }
    return false;
}

static const char *reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 426:
        return "Upgrade Required";
    case 429:
        return "Too Many Requests";
    default:
        return "Service Unavailable";
    }
}

void http_respond(struct buf *out, int status, const char *headers, struct span body)
{
    buf_printf(out,
               "HTTP/1.1 %d %s\r\nContent-Type: application/json;charset=UTF-8\r\n"
               "Content-Length: %zu\r\n%s\r\n",
               status, reason(status), body.size, headers);
    buf_put_span(out, body);
}
