// SPDX-License-Identifier: Apache-2.0
/* s3_xml.c: over expat; one parser that keeps the path's last two names and the text of a leaf. */
#include "port/s3_xml.h"

#include "core/micros.h"

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEPTH_MAX = 16, NAME_BYTES = 32, TEXT_BYTES_MAX = 16384 };

struct document {
    XML_Parser parser;
    char name[DEPTH_MAX][NAME_BYTES];
    int depth;
    struct buf text;
    /* An element ends; false stops. */
    bool (*end)(struct document *document, const char *parent, const char *name);
    void *context;
    struct err *err;
};

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct document *document = data;

    (void)attributes;
    if (document->depth == DEPTH_MAX) {
        XML_StopParser(document->parser, XML_FALSE);
        return;
    }
    snprintf(document->name[document->depth++], NAME_BYTES, "%s", name);
    buf_clear(&document->text);
}

static void on_text(void *data, const XML_Char *text, int size)
{
    struct document *document = data;

    if (document->text.size + (size_t)size > TEXT_BYTES_MAX)
        XML_StopParser(document->parser, XML_FALSE);
    else
        buf_put(&document->text, text, (size_t)size);
}

static void on_end(void *data, const XML_Char *name)
{
    struct document *document = data;

    document->depth--;
    if (!document->end(document, document->depth > 0 ? document->name[document->depth - 1] : "",
                       name))
        XML_StopParser(document->parser, XML_FALSE);
    buf_clear(&document->text);
}

/* No document type is taken, so there is no entity to expand. */
static void on_type(void *data, const XML_Char *name, const XML_Char *system,
                    const XML_Char *public, int has_internal)
{
    struct document *document = data;

    (void)name;
    (void)system;
    (void)public;
    (void)has_internal;
    XML_StopParser(document->parser, XML_FALSE);
}

/* False: no well-formed document, or `end` stopped. */
static bool parse(struct document *document, struct span body)
{
    bool is_done;

    document->parser = XML_ParserCreate(NULL);
    if (document->parser == NULL)
        abort(); /* as buf.h: memory that cannot be had ends the process */
    XML_SetUserData(document->parser, document);
    XML_SetElementHandler(document->parser, on_start, on_end);
    XML_SetCharacterDataHandler(document->parser, on_text);
    XML_SetStartDoctypeDeclHandler(document->parser, on_type);
    is_done =
        body.size > 0 && body.size <= INT32_MAX &&
        XML_Parse(document->parser, (const char *)body.data, (int)body.size, 1) == XML_STATUS_OK;
    XML_ParserFree(document->parser);
    buf_deinit(&document->text);
    return is_done;
}

static bool end_of_error(struct document *document, const char *parent, const char *name)
{
    struct s3_error *error = document->context;
    const char *text = buf_text(&document->text);

    if (strcmp(parent, "Error") != 0)
        return true;
    if (strcmp(name, "Code") == 0)
        snprintf(error->code, sizeof(error->code), "%s", text);
    else if (strcmp(name, "Message") == 0)
        snprintf(error->message, sizeof(error->message), "%s", text);
    else if (strcmp(name, "Region") == 0)
        snprintf(error->region, sizeof(error->region), "%s", text);
    return true;
}

void s3_xml_error(struct span body, struct s3_error *out)
{
    struct document document = { .end = end_of_error, .context = out };

    *out = (struct s3_error){ 0 };
    if (!parse(&document, body))
        *out = (struct s3_error){ 0 };
}

struct wanted {
    const char *name;
    struct buf *out;
    bool is_found;
};

static bool end_of_text(struct document *document, const char *parent, const char *name)
{
    struct wanted *wanted = document->context;

    (void)parent;
    if (!wanted->is_found && strcmp(name, wanted->name) == 0) {
        buf_put_span(wanted->out, buf_span(&document->text));
        wanted->is_found = true;
    }
    return true;
}

int s3_xml_text(struct span body, const char *name, struct buf *out, struct err *err)
{
    struct wanted wanted = { .name = name, .out = out };
    struct document document = { .end = end_of_text, .context = &wanted };

    if (parse(&document, body) && wanted.is_found)
        return 0;
    return err_set(err, ERR_CORRUPT, "the answer has no <%s>", name);
}

struct page {
    struct s3_listing *listing;
    struct buf key;
    uint64_t size;
    int64_t modified_us;
    bool has_size, has_time, is_encoded, is_truncated, has_failed;
};

static int hex_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether keys are encoded as was asked for: some servers do not, and say so by silence, some say
 * it behind the objects. */
static bool is_encoded(struct span body)
{
    struct buf text = BUF_INIT;
    struct err ignored = { 0 };
    bool found = s3_xml_text(body, "EncodingType", &text, &ignored) == 0 &&
                 span_equal(buf_span(&text), SPAN("url"));

    buf_deinit(&text);
    return found;
}

/* encoding-type=url: percent escapes, and a plus for a blank. */
static void decode_key(struct span text, struct buf *out)
{
    buf_clear(out);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        int high = c == '%' && i + 2 < text.size ? hex_of(text.data[i + 1]) : -1;
        int low = high >= 0 ? hex_of(text.data[i + 2]) : -1;

        if (low >= 0) {
            c = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        buf_put_byte(out, c);
    }
}

static void take_key(struct page *page, struct span text)
{
    if (page->is_encoded) {
        decode_key(text, &page->key);
    } else {
        buf_clear(&page->key);
        buf_put_span(&page->key, text);
    }
}

static bool take_size(struct page *page, const char *text)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    page->size = strtoull(text, &end, 10);
    page->has_size = *end == '\0';
    return page->has_size;
}

static bool visit(struct page *page, struct err *err)
{
    struct s3_object object = { buf_text(&page->key), page->size, page->modified_us };
    bool is_whole = page->key.size > 0 && page->has_size && page->has_time &&
                    memchr(page->key.data, 0, page->key.size) == NULL;

    if (!is_whole)
        return false;
    page->has_size = page->has_time = false;
    page->has_failed = page->listing->visit(page->listing->context, &object, err) != 0;
    buf_clear(&page->key);
    return !page->has_failed;
}

static bool end_of_page(struct document *document, const char *parent, const char *name)
{
    struct page *page = document->context;
    struct span text = buf_span(&document->text);

    if (strcmp(parent, "Contents") == 0) {
        if (strcmp(name, "Key") == 0)
            take_key(page, text);
        else if (strcmp(name, "Size") == 0)
            return take_size(page, buf_text(&document->text));
        else if (strcmp(name, "LastModified") == 0)
            return page->has_time = micros_parse(text, &page->modified_us);
        return true;
    }
    if (strcmp(name, "Contents") == 0)
        return visit(page, document->err);
    if (strcmp(name, "IsTruncated") == 0)
        page->is_truncated = span_equal(text, SPAN("true"));
    else if (strcmp(name, "NextContinuationToken") == 0)
        buf_put_span(&page->listing->next, text);
    return true;
}

int s3_xml_list(struct span body, struct s3_listing *listing, struct err *err)
{
    struct page page = { .listing = listing, .is_encoded = is_encoded(body) };
    struct document document = { .end = end_of_page, .context = &page, .err = err };
    bool is_done;

    buf_clear(&listing->next);
    is_done = parse(&document, body);
    buf_deinit(&page.key);
    if (page.has_failed)
        return -1;
    if (!is_done)
        return err_set(err, ERR_CORRUPT, "the answer is no listing");
    if (page.is_truncated != (listing->next.size > 0))
        return err_set(err, ERR_CORRUPT, "the listing is cut and names no next page");
    return 0;
}
