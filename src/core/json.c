// SPDX-License-Identifier: Apache-2.0
/* json.c: see json.h.  Recursive descent turned inside out: the caller is the recursion, the
 * nesting is one bit a level, and json_skip is a loop, so that no input can exhaust the stack. */
#include "core/json.h"

#include "core/json_escape.h"
#include "core/num.h"
#include "core/utf8.h"

__attribute__((cold, noinline)) static int refuse(struct json *json, struct err *err,
                                                  const char *what)
{
    size_t position = (size_t)(json->at - json->start);

    json->at = json->end;
    return err_set(err, ERR_REJECT, "JSON, byte %zu: %s", position, what);
}

static inline void skip_blanks(struct json *json)
{
    const uint64_t blanks = 1ull << ' ' | 1ull << '\n' | 1ull << '\t' | 1ull << '\r';

    while (json->at < json->end && *json->at <= ' ' && (blanks >> *json->at & 1))
        json->at++;
}

static inline bool take(struct json *json, uint8_t byte)
{
    if (json->at == json->end || *json->at != byte)
        return false;
    json->at++;
    return true;
}

static inline bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static inline bool in_array(const struct json *json)
{
    return json->arrays >> (json->depth - 1) & 1;
}

/* Bytes that a string may hold as they are, eight at a time: neither a quote, a backslash, a
 * control character nor a byte above 0x7f. */
static inline const uint8_t *skip_plain(const uint8_t *at, const uint8_t *end)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;

    while (end - at >= 8) {
        uint64_t v = load_le64(at);
        uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\';
        uint64_t odd = (v | (v - ones * 0x20) | (quote - ones) | (slash - ones)) & highs;

        if (odd != 0)
            return at + (__builtin_ctzll(odd) >> 3); /* the lowest hit is never a false one */
        at += 8;
    }
    return at;
}

static int scan_escape(struct json *json, struct err *err)
{
    if (json->at == json->end)
        return refuse(json, err, "the text ends within a string");
    switch (*json->at) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        json->at++;
        return 0;
    case 'u':
        if (json_escape_unit(json->at + 1, json->end) < 0)
            return refuse(json, err, "\\u without four hexadecimal digits");
        json->at += 5;
        return 0;
    default:
        return refuse(json, err, "unknown escape in a string");
    }
}

/* At a byte of a string that is neither plain nor the closing quote: passes over it. */
static int scan_special(struct json *json, bool *escaped, struct err *err)
{
    size_t size = 1;

    if (*json->at == '\\') {
        *escaped = true;
        json->at++;
        return scan_escape(json, err);
    }
    if (*json->at < 0x20)
        return refuse(json, err, "control character in a string");
    if (*json->at >= 0x80)
        size = utf8_size(json->at, json->end);
    if (size == 0)
        return refuse(json, err, "a string that is not UTF-8");
    json->at += size;
    return 0;
}

/* From behind the opening quote to behind the closing one. */
static inline int scan_string(struct json *json, struct json_value *value, struct err *err)
{
    const uint8_t *from = json->at;

    value->type = JSON_STRING;
    value->escaped = false;
    for (;;) {
        json->at = skip_plain(json->at, json->end);
        if (json->at == json->end)
            return refuse(json, err, "the text ends within a string");
        if (*json->at == '"')
            break;
        if (scan_special(json, &value->escaped, err) < 0)
            return -1;
    }
    value->text = span_of(from, (size_t)(json->at - from));
    json->at++;
    return 0;
}

static inline void skip_digits(struct json *json)
{
    while (json->end - json->at >= 8) {
        uint64_t v = load_le64(json->at);

        /* a digit's high half is 3, with 6 added to it too */
        if (((v & 0xf0f0f0f0f0f0f0f0u) | ((v + 0x0606060606060606u) & 0xf0f0f0f0f0f0f0f0u) >> 4) !=
            0x3333333333333333u)
            break;
        json->at += 8;
    }
    while (json->at < json->end && is_digit(*json->at))
        json->at++;
}

static inline bool at_digit(const struct json *json)
{
    return json->at < json->end && is_digit(*json->at);
}

static int scan_number(struct json *json, struct json_value *value, struct err *err)
{
    const uint8_t *from = json->at;

    take(json, '-');
    if (!at_digit(json))
        return refuse(json, err, "a number without a digit");
    if (take(json, '0')) {
        if (at_digit(json))
            return refuse(json, err, "a number with a leading zero");
    } else {
        skip_digits(json);
    }
    if (take(json, '.')) {
        if (!at_digit(json))
            return refuse(json, err, "a number without a digit behind its point");
        skip_digits(json);
    }
    if (take(json, 'e') || take(json, 'E')) {
        if (!take(json, '+'))
            take(json, '-');
        if (!at_digit(json))
            return refuse(json, err, "a number without a digit in its exponent");
        skip_digits(json);
    }
    value->type = JSON_NUMBER;
    value->text = span_of(from, (size_t)(json->at - from));
    return 0;
}

static int scan_literal(struct json *json, struct json_value *value, struct err *err)
{
    size_t left = (size_t)(json->end - json->at), size = 4;

    if (left >= 4 && memcmp(json->at, "true", 4) == 0) {
        value->type = JSON_TRUE;
    } else if (left >= 4 && memcmp(json->at, "null", 4) == 0) {
        value->type = JSON_NULL;
    } else if (left >= 5 && memcmp(json->at, "false", 5) == 0) {
        value->type = JSON_FALSE;
        size = 5;
    } else {
        return refuse(json, err, "expected a value");
    }
    value->text = span_of(json->at, size);
    json->at += size;
    return 0;
}

static int enter(struct json *json, struct json_value *value, struct err *err)
{
    bool array = *json->at == '[';

    if (json->depth == JSON_DEPTH_MAX)
        return refuse(json, err, "nested more than 64 deep");
    json->arrays = (json->arrays & ~(1ull << json->depth)) | (uint64_t)array << json->depth;
    json->depth++;
    json->first = true;
    value->type = array ? JSON_ARRAY : JSON_OBJECT;
    value->text = span_of(json->at++, 1);
    return 0;
}

static int scan_value(struct json *json, struct json_value *value, struct err *err)
{
    skip_blanks(json);
    value->escaped = false;
    if (json->at == json->end)
        return refuse(json, err, "the text ends where a value was expected");
    json->first = false;
    if (*json->at == '"') {
        json->at++;
        return scan_string(json, value, err);
    }
    if (*json->at == '{' || *json->at == '[')
        return enter(json, value, err);
    if (*json->at == '-' || is_digit(*json->at))
        return scan_number(json, value, err);
    return scan_literal(json, value, err);
}

void json_init(struct json *json, struct span text)
{
    *json = (struct json){ 0 };
    json->start = json->at = text.size == 0 ? (const uint8_t *)"" : text.data;
    json->end = json->start + text.size;
}

int json_value(struct json *json, struct json_value *value, struct err *err)
{
    return scan_value(json, value, err);
}

/* To the next item of the innermost container: 0, or JSON_END when it is closed here. */
static inline int next_item(struct json *json, uint8_t close, struct err *err)
{
    skip_blanks(json);
    if (take(json, close)) {
        json->depth--;
        json->first = false;
        return JSON_END;
    }
    if (json->first)
        return 0;
    if (!take(json, ','))
        return refuse(json, err, close == ']' ? "expected ',' or ']'" : "expected ',' or '}'");
    skip_blanks(json);
    return 0;
}

int json_member(struct json *json, struct json_value *key, struct json_value *value,
                struct err *err)
{
    int rc;

    ASSERT(json->depth > 0 && !in_array(json));
    rc = next_item(json, '}', err);
    if (rc != 0)
        return rc;
    if (!take(json, '"'))
        return refuse(json, err, "expected a key in quotes");
    if (scan_string(json, key, err) < 0)
        return -1;
    skip_blanks(json);
    if (!take(json, ':'))
        return refuse(json, err, "expected ':' behind a key");
    return scan_value(json, value, err);
}

int json_element(struct json *json, struct json_value *value, struct err *err)
{
    int rc;

    ASSERT(json->depth > 0 && in_array(json));
    rc = next_item(json, ']', err);
    return rc != 0 ? rc : scan_value(json, value, err);
}

int json_skip(struct json *json, const struct json_value *value, struct err *err)
{
    int depth = json->depth;
    struct json_value key, inner;
    int rc;

    if (value->type != JSON_OBJECT && value->type != JSON_ARRAY)
        return 0;
    while (json->depth >= depth) {
        rc =
            in_array(json) ? json_element(json, &inner, err) : json_member(json, &key, &inner, err);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int json_finish(struct json *json, struct err *err)
{
    if (json->depth > 0)
        return refuse(json, err, "the text has open brackets");
    skip_blanks(json);
    return json->at == json->end ? 0 : refuse(json, err, "more behind the value");
}

int json_check(struct span text, struct err *err)
{
    struct json json;
    struct json_value value;

    json_init(&json, text);
    if (json_value(&json, &value, err) < 0 || json_skip(&json, &value, err) < 0)
        return -1;
    return json_finish(&json, err);
}

/* The next piece of a string's text, up to 4 bytes, as UTF-8; 0: a lone half of a surrogate pair.
 * The text has been scanned, so its escapes are well formed. */
static size_t unescape_next(const uint8_t **at, const uint8_t *end, uint8_t out[4])
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *found;
    size_t size;
    int code;

    if (**at != '\\') {
        out[0] = *(*at)++;
        return 1;
    }
    if ((*at)[1] != 'u') {
        found = memchr(from, (*at)[1], sizeof(from) - 1);
        out[0] = found != NULL ? (uint8_t)to[found - from] : (*at)[1];
        *at += 2;
        return 1;
    }
    size = json_escape_pair(*at, end, out);
    if (size > 0) {
        *at += 12;
        return size;
    }
    code = json_escape_unit(*at + 2, end);
    *at += 6;
    return (code & 0xf800) == 0xd800 ? 0 : utf8_encode((uint32_t)code, out);
}

bool json_is(const struct json_value *string, struct span bytes)
{
    const uint8_t *at = string->text.data, *end = at + string->text.size;
    size_t used = 0;
    uint8_t piece[4];

    if (string->type != JSON_STRING)
        return false;
    if (!string->escaped)
        return span_equal(string->text, bytes);
    while (at < end) {
        size_t size = unescape_next(&at, end, piece);

        if (size == 0 || bytes.size - used < size || memcmp(bytes.data + used, piece, size) != 0)
            return false;
        used += size;
    }
    return used == bytes.size;
}

int json_unescape(const struct json_value *string, struct buf *out, struct err *err)
{
    const uint8_t *at = string->text.data, *end = at + string->text.size;
    uint8_t *to;

    ASSERT(string->type == JSON_STRING);
    if (!string->escaped) {
        buf_put_span(out, string->text);
        return 0;
    }
    buf_reserve(out, string->text.size); /* no escape is shorter than what it stands for */
    to = out->data + out->size;
    while (at < end) {
        size_t size = 1;

        if (*at != '\\') {
            *to++ = *at++;
        } else if (at[1] == '"' || at[1] == '\\') { /* JSON within JSON has little else */
            *to++ = at[1];
            at += 2;
        } else {
            size = unescape_next(&at, end, to);
            to += size;
        }
        if (size == 0) {
            out->size = (size_t)(to - out->data);
            return err_set(err, ERR_REJECT, "JSON: half of a surrogate pair in a string");
        }
    }
    out->size = (size_t)(to - out->data);
    return 0;
}

void json_quote(struct span text, struct buf *out)
{
    buf_put_byte(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];

        if (byte < 0x20)
            buf_printf(out, "\\u%04x", byte);
        else if (byte == '"' || byte == '\\')
            buf_put(out, (uint8_t[]){ '\\', byte }, 2);
        else
            buf_put_byte(out, byte);
    }
    buf_put_byte(out, '"');
}
