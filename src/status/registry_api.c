// SPDX-License-Identifier: Apache-2.0
/* registry_api.c: a table of routes; each handler asks the port once or twice and writes JSON. */
#include "status/registry_api.h"

#include "codec/avro_compat.h"
#include "core/json_find.h"

#include <inttypes.h>
#include <stdarg.h>

enum { SEGMENTS_MAX = 5, SEGMENT_BYTES_MAX = 255 };

/* Confluent's error codes; their first three digits are HTTP's. */
enum {
    CODE_NOT_FOUND = 404,
    CODE_NO_METHOD = 405,
    CODE_INCOMPATIBLE = 409,
    CODE_NO_SUBJECT = 40401,
    CODE_NO_VERSION = 40402,
    CODE_NO_SCHEMA = 40403,
    CODE_BAD_SCHEMA = 42201,
    CODE_BAD_VERSION = 42202,
    CODE_BAD_LEVEL = 42203,
    CODE_STORE = 50001,
};

struct call {
    struct registry *registry;
    struct span body;
    struct buf segment[SEGMENTS_MAX]; /* of the path, decoded */
    size_t segments;
    struct status_answer *answer;
};

PRINTF_LIKE(3, 4)
static void fault(struct call *call, int code, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    call->answer->status = code < 1000 ? code : code / 100;
    buf_clear(&call->answer->body);
    buf_printf(&call->answer->body, "{\"error_code\":%d,\"message\":", code);
    json_quote(span_text(text), &call->answer->body);
    buf_put_byte(&call->answer->body, '}');
}

static const char *segment(struct call *call, size_t index)
{
    return buf_text(&call->segment[index]);
}

/* -- what requests bring */

/* Without the blanks between its tokens; `text` is JSON. */
static void compact(struct span text, struct buf *out)
{
    bool is_string = false;

    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];

        if (!is_string && (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n'))
            continue;
        buf_put_byte(out, byte);
        if (byte == '"')
            is_string = !is_string;
        else if (is_string && byte == '\\' && i + 1 < text.size)
            buf_put_byte(out, text.data[++i]);
    }
}

/* The body's schema; false: the fault is said. */
static bool take_schema(struct call *call, struct buf *schema)
{
    struct buf text = BUF_INIT, type = BUF_INIT;
    struct err err = { 0 };
    bool is_taken = false;

    if (json_find_text(call->body, "schemaType", &type) && strcmp(buf_text(&type), "AVRO") != 0)
        fault(call, CODE_BAD_SCHEMA, "Invalid schema type %.32s, expected AVRO", buf_text(&type));
    else if (!json_find_text(call->body, "schema", &text))
        fault(call, CODE_BAD_SCHEMA, "The body has no schema: expected {\"schema\": \"...\"}");
    else if (avro_compat_check(buf_span(&text), &err) < 0)
        fault(call, CODE_BAD_SCHEMA, "Invalid schema: %s", err.text);
    else
        is_taken = true;
    if (is_taken)
        compact(buf_span(&text), schema);
    buf_deinit(&text);
    buf_deinit(&type);
    return is_taken;
}

/* A whole number from 1; 0: it is none. */
static int32_t number(const char *text)
{
    int64_t value = 0;

    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || value > INT32_MAX)
            return 0;
        value = value * 10 + (*at - '0');
    }
    return value > INT32_MAX ? 0 : (int32_t)value;
}

/* *version is 0 for the newest; false: the fault is said. */
static bool take_version(struct call *call, const char *text, int32_t *version)
{
    bool is_latest = strcmp(text, "latest") == 0 || strcmp(text, "-1") == 0;

    *version = is_latest ? 0 : number(text);
    if (is_latest || *version > 0)
        return true;
    fault(call, CODE_BAD_VERSION,
          "The specified version '%.32s' is not a valid version id. Allowed values are between "
          "[1, 2^31-1] and the string \"latest\"",
          text);
    return false;
}

/* -- one version of a subject */

/* What is looked for, and what the visits found. */
struct wanted {
    int32_t version;    /* 0: the newest */
    struct span schema; /* with data: the version that has this text */
    bool is_subject;    /* the subject is there */
    int32_t found, id;  /* found: its version, 0: none */
    struct buf text;
};

static int look(void *context, const struct registry_version *version)
{
    struct wanted *wanted = context;

    wanted->is_subject = true;
    if (wanted->schema.data != NULL && !span_equal(wanted->schema, version->schema))
        return 0;
    if (wanted->version != 0 && wanted->version != version->version)
        return 0;
    wanted->found = version->version;
    wanted->id = version->id;
    buf_clear(&wanted->text);
    buf_put_span(&wanted->text, version->schema);
    return 0;
}

/* False: the fault is said. */
static bool find(struct call *call, const char *subject, struct wanted *wanted)
{
    struct err err = { 0 };

    if (registry_list(call->registry, subject, look, wanted, &err) < 0)
        fault(call, CODE_STORE, "%s", err.text);
    else if (!wanted->is_subject)
        fault(call, CODE_NO_SUBJECT, "Subject '%s' not found.", subject);
    else if (wanted->found == 0 && wanted->schema.data != NULL)
        fault(call, CODE_NO_SCHEMA, "Schema not found");
    else if (wanted->found == 0)
        fault(call, CODE_NO_VERSION, "Version %" PRId32 " not found.", wanted->version);
    else
        return true;
    return false;
}

static void put_version(struct call *call, const char *subject, const struct wanted *wanted)
{
    struct buf *out = &call->answer->body;

    buf_put_text(out, "{\"subject\":");
    json_quote(span_text(subject), out);
    buf_printf(out, ",\"version\":%" PRId32 ",\"id\":%" PRId32 ",\"schema\":", wanted->found,
               wanted->id);
    json_quote(buf_span(&wanted->text), out);
    buf_put_byte(out, '}');
}

static void get_version(struct call *call)
{
    const char *subject = segment(call, 1);
    struct wanted wanted = { 0 };

    if (take_version(call, segment(call, 3), &wanted.version) && find(call, subject, &wanted))
        put_version(call, subject, &wanted);
    buf_deinit(&wanted.text);
}

static void look_up(struct call *call)
{
    const char *subject = segment(call, 1);
    struct wanted wanted = { 0 };
    struct buf schema = BUF_INIT;

    if (take_schema(call, &schema)) {
        wanted.schema = buf_span(&schema);
        if (find(call, subject, &wanted))
            put_version(call, subject, &wanted);
    }
    buf_deinit(&wanted.text);
    buf_deinit(&schema);
}

static void put_schema(struct call *call)
{
    const char *subject = segment(call, 1);
    struct buf schema = BUF_INIT;
    struct err err = { 0 };
    int32_t id = 0;

    if (take_schema(call, &schema)) {
        if (registry_put(call->registry, subject, buf_span(&schema), &id, &err) == 0)
            buf_printf(&call->answer->body, "{\"id\":%" PRId32 "}", id);
        else if (err.kind == ERR_REFUSED)
            fault(call, CODE_INCOMPATIBLE,
                  "Schema being registered is incompatible with an earlier schema for subject "
                  "\"%s\", compatibility is BACKWARD: %s",
                  subject, err.text);
        else
            fault(call, CODE_STORE, "%s", err.text);
    }
    buf_deinit(&schema);
}

static void test_schema(struct call *call)
{
    struct wanted wanted = { 0 };
    struct buf schema = BUF_INIT;
    struct err err = { 0 };

    if (take_version(call, segment(call, 4), &wanted.version) && take_schema(call, &schema) &&
        find(call, segment(call, 2), &wanted)) {
        int rc = avro_compat_backward(buf_span(&wanted.text), buf_span(&schema), &err);

        buf_printf(&call->answer->body, "{\"is_compatible\":%s}", rc == 0 ? "true" : "false");
    }
    buf_deinit(&wanted.text);
    buf_deinit(&schema);
}

/* -- lists */

struct list {
    struct buf *out;
    struct buf last; /* subject */
    bool is_subjects;
};

static int put_item(void *context, const struct registry_version *version)
{
    struct list *list = context;

    if (list->is_subjects && strcmp(buf_text(&list->last), version->subject) == 0)
        return 0;
    buf_put_text(list->out, list->out->size == 0 ? "[" : ",");
    if (list->is_subjects)
        json_quote(span_text(version->subject), list->out);
    else
        buf_printf(list->out, "%" PRId32, version->version);
    buf_clear(&list->last);
    buf_put_text(&list->last, version->subject);
    return 0;
}

/* The versions of a subject; NULL: the subjects. */
static void put_list(struct call *call, const char *subject)
{
    struct list list = { .out = &call->answer->body, .is_subjects = subject == NULL };
    struct err err = { 0 };

    if (registry_list(call->registry, subject, put_item, &list, &err) < 0)
        fault(call, CODE_STORE, "%s", err.text);
    else if (list.out->size == 0 && subject != NULL)
        fault(call, CODE_NO_SUBJECT, "Subject '%s' not found.", subject);
    else
        buf_put_text(list.out, list.out->size == 0 ? "[]" : "]");
    buf_deinit(&list.last);
}

static void get_subjects(struct call *call)
{
    put_list(call, NULL);
}

static void get_versions(struct call *call)
{
    put_list(call, segment(call, 1));
}

/* -- the rest */

static void get_schema(struct call *call)
{
    int32_t id = number(segment(call, 2));
    struct buf schema = BUF_INIT;
    struct err err = { 0 };
    int rc = id == 0 ? REGISTRY_ABSENT : registry_get(call->registry, id, &schema, &err);

    if (rc == 0) {
        buf_put_text(&call->answer->body, "{\"schema\":");
        json_quote(buf_span(&schema), &call->answer->body);
        buf_put_byte(&call->answer->body, '}');
    } else if (rc == REGISTRY_ABSENT) {
        fault(call, CODE_NO_SCHEMA, "Schema %s not found", segment(call, 2));
    } else {
        fault(call, CODE_STORE, "%s", err.text);
    }
    buf_deinit(&schema);
}

static void get_types(struct call *call)
{
    buf_put_text(&call->answer->body, "[\"AVRO\"]");
}

static void get_level(struct call *call)
{
    buf_put_text(&call->answer->body, "{\"compatibilityLevel\":\"BACKWARD\"}");
}

static void put_level(struct call *call)
{
    struct buf level = BUF_INIT;

    if (json_find_text(call->body, "compatibility", &level) &&
        strcmp(buf_text(&level), "BACKWARD") == 0)
        buf_put_text(&call->answer->body, "{\"compatibility\":\"BACKWARD\"}");
    else
        fault(call, CODE_BAD_LEVEL, "This registry's compatibility is BACKWARD for all subjects");
    buf_deinit(&level);
}

/* -- routes */

static const struct route {
    const char *method, *pattern; /* "*": any segment */
    void (*handle)(struct call *call);
} routes[] = {
    { "GET", "/subjects", get_subjects },
    { "POST", "/subjects/*", look_up },
    { "GET", "/subjects/*/versions", get_versions },
    { "POST", "/subjects/*/versions", put_schema },
    { "GET", "/subjects/*/versions/*", get_version },
    { "GET", "/schemas/ids/*", get_schema },
    { "GET", "/schemas/types", get_types },
    { "GET", "/config", get_level },
    { "GET", "/config/*", get_level },
    { "PUT", "/config", put_level },
    { "PUT", "/config/*", put_level },
    { "POST", "/compatibility/subjects/*/versions/*", test_schema },
};

static int hex(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit = (char)(digit | 32);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The byte of "%2F"; -1: none, also for %00. */
static int unescape(const char *at)
{
    int high = hex(at[1]);
    int low = high < 0 ? -1 : hex(at[2]);

    return low < 0 || high + low == 0 ? -1 : high * 16 + low;
}

/* False: no path of ours. */
static bool split(struct call *call, const char *path)
{
    for (const char *at = path; *at != '\0'; at++) {
        int byte = *at == '%' ? unescape(at) : (uint8_t)*at;
        struct buf *last;

        if (*at == '/') {
            if (call->segments == SEGMENTS_MAX)
                return false;
            call->segments++;
            continue;
        }
        if (byte < 0 || call->segments == 0)
            return false;
        last = &call->segment[call->segments - 1];
        if (last->size == SEGMENT_BYTES_MAX)
            return false;
        buf_put_byte(last, (uint8_t)byte);
        at += *at == '%' ? 2 : 0;
    }
    for (size_t i = 0; i < call->segments; i++)
        if (call->segment[i].size == 0)
            return false;
    return true;
}

static bool is_route(struct call *call, const char *pattern)
{
    size_t count = 0;

    while (*pattern == '/') {
        size_t size = strcspn(++pattern, "/");
        bool is_any = size == 1 && *pattern == '*';

        if (count == call->segments ||
            (!is_any && !span_equal(span_of(pattern, size), buf_span(&call->segment[count]))))
            return false;
        pattern += size;
        count++;
    }
    return count == call->segments;
}

static void dispatch(struct call *call, const char *method)
{
    bool is_known = false;

    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (!is_route(call, routes[i].pattern))
            continue;
        is_known = true;
        if (strcmp(routes[i].method, method) == 0) {
            routes[i].handle(call);
            return;
        }
    }
    if (is_known)
        fault(call, CODE_NO_METHOD, "HTTP 405 Method Not Allowed");
    else
        fault(call, CODE_NOT_FOUND, "HTTP 404 Not Found");
}

void registry_api_answer(struct registry *registry, const struct status_request *request,
                         struct status_answer *answer)
{
    struct call call = { .registry = registry, .body = request->body, .answer = answer };

    answer->type = "application/vnd.schemaregistry.v1+json";
    answer->status = 200;
    if (split(&call, request->path))
        dispatch(&call, strcmp(request->method, "HEAD") == 0 ? "GET" : request->method);
    else
        fault(&call, CODE_NOT_FOUND, "HTTP 404 Not Found");
    for (size_t i = 0; i < SEGMENTS_MAX; i++)
        buf_deinit(&call.segment[i]);
}
