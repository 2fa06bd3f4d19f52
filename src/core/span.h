// SPDX-License-Identifier: Apache-2.0
/* span.h: borrowed bytes.  A span owns nothing and says nothing of how long its bytes live: the
 * function that hands one out does. */
#ifndef K2_CORE_SPAN_H
#define K2_CORE_SPAN_H

#include "core/base.h"

#include <string.h>

struct span {
    const uint8_t *data; /* may be NULL when size is 0 */
    size_t size;
};

/* The bytes of a string literal, without its terminator. */
#define SPAN(literal) ((struct span){ (const uint8_t *)("" literal ""), sizeof(literal) - 1 })

static inline struct span span_of(const void *data, size_t size)
{
    return (struct span){ data, size };
}

static inline struct span span_text(const char *text)
{
    return (struct span){ (const uint8_t *)text, strlen(text) };
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Unsigned byte order; a prefix sorts first. */
static inline int span_compare(struct span a, struct span b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* Without blanks, tabs and carriage returns at either end. */
static inline struct span span_trim(struct span text)
{
    static const char blanks[3] = { ' ', '\t', '\r' };

    while (text.size > 0 && memchr(blanks, text.data[0], sizeof(blanks)) != NULL) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && memchr(blanks, text.data[text.size - 1], sizeof(blanks)) != NULL)
        text.size--;
    return text;
}

/* For printf: "%.*s", SPAN_ARGS(s). */
#define SPAN_ARGS(s) (int)(s).size, (const char *)(s).data

#endif
